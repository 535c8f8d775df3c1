//! Tokens, their claims, and key sets of identity providers.

use apricot::config::JwksConfig;
use apricot::model::{Caller, Timestamp};
use apricot::wire::key_folder::KeyFolder;
use apricot::wire::token::{Jwks, Keys, TOKEN_BYTES_MAX, TokenRefused};
use apricot_proto::v1::Problem;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::Value;

use super::socket::NOW;
use super::well_said;

/// What PKCS#8 puts before the 32 bytes of an Ed25519 key.
const PKCS8: [u8; 16] = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];

struct Issuer {
    keys: Keys,
    key: EncodingKey,
    /// The encoded header of its tokens.
    header: String,
    _folder: tempfile::TempDir,
}

/// Other claims may hold what a general JSON value cannot, such as half a surrogate pair; they are passed over.
#[derive(serde::Deserialize)]
struct Expiry {
    exp: i64,
}

thread_local! {
    static ISSUER: Issuer = Issuer::new();
}

impl Issuer {
    /// The same key in every run, so that a saved token stays one.
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let der = [PKCS8.as_slice(), &[7; 32]].concat();
        let pem =
            format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", STANDARD.encode(&der));
        let secrets = KeyFolder::open(&folder.path().join("keys")).expect("a folder");
        secrets.write("token-0000000000000001.pem", &pem).expect("written");
        let keys = Keys::open(&folder.path().join("keys"), NOW).expect("a key");
        let token = keys.sign(&Caller::guest(), NOW, later()).expect("signed");
        let header = token.split('.').next().expect("a header").to_owned();
        Self { keys, key: EncodingKey::from_ed_der(&der), header, _folder: folder }
    }

    fn verify(&self, token: &str) -> Result<Caller, TokenRefused> {
        let verified = self.keys.verify(token, NOW).map(|verified| verified.caller);
        match &verified {
            Err(refused) => well_said(&Problem::from(refused.clone())),
            Ok(caller) => {
                let again = self.keys.sign(caller, NOW, later()).expect("signed");
                let again = self.keys.verify(&again, NOW).map(|verified| verified.caller);
                assert_eq!(again.as_ref(), Ok(caller));
            }
        }
        verified
    }
}

/// Any bytes as a token, as the header of one, and as the signature of one.
pub fn token(data: &[u8]) {
    let encoded = URL_SAFE_NO_PAD.encode(data);
    ISSUER.with(|issuer| {
        if let Ok(text) = std::str::from_utf8(data) {
            let verified = issuer.verify(text);
            if text.len() > TOKEN_BYTES_MAX {
                assert_eq!(verified, Err(TokenRefused::TooLong));
            }
        }
        assert!(issuer.verify(&format!("{encoded}.e30.{encoded}")).is_err());
        assert!(issuer.verify(&format!("{}.e30.{encoded}", issuer.header)).is_err());
    });
}

/// Any bytes as the claims of a token that is signed well.
pub fn claims(data: &[u8]) {
    ISSUER.with(|issuer| {
        let signed = format!("{}.{}", issuer.header, URL_SAFE_NO_PAD.encode(data));
        let signature = jsonwebtoken::crypto::sign(signed.as_bytes(), &issuer.key, Algorithm::EdDSA);
        let token = format!("{signed}.{}", signature.expect("signed"));
        let verified = issuer.verify(&token);
        if verified.is_ok() {
            let Expiry { exp } = serde_json::from_slice(data).expect("claims are JSON");
            assert!(exp > NOW.millis() / 1_000, "{exp}");
        }
    });
}

/// Any bytes as a key set, and tokens that name its keys: without their private halves none is believed.
pub fn jwks(data: &[u8]) {
    let config =
        JwksConfig { source: "set.json".into(), issuer: "https://login".into(), audience: "apricot".into() };
    let set = match Jwks::parse(data, &config) {
        Ok(set) => set,
        Err(refused) => {
            let line = refused.to_string();
            assert!(line.contains("jwks.source") && line.contains("key"), "{line}");
            return;
        }
    };
    let json: Value = serde_json::from_slice(data).expect("it was read");
    let claims = serde_json::json!({"sub": "wang", "role": "ops", "exp": 9_999_999_999_i64, "iss": "https://login", "aud": "apricot"});
    let claims = URL_SAFE_NO_PAD.encode(claims.to_string());
    ISSUER.with(|issuer| {
        issuer.keys.refresh(&set).expect("the folder is there");
        let own = issuer.keys.sign(&Caller::guest(), NOW, later()).expect("signed");
        assert_eq!(issuer.verify(&own), Ok(Caller::guest()), "own tokens stay valid");
        for kid in json["keys"].as_array().into_iter().flatten().filter_map(|key| key["kid"].as_str()) {
            for (algorithm, length) in [("EdDSA", 64), ("ES256", 64), ("RS256", 256)] {
                let header = serde_json::json!({"typ": "JWT", "alg": algorithm, "kid": kid}).to_string();
                for byte in [0, 1, 0xff] {
                    let signature = URL_SAFE_NO_PAD.encode(vec![byte; length]);
                    let token = format!("{}.{claims}.{signature}", URL_SAFE_NO_PAD.encode(&header));
                    assert!(issuer.verify(&token).is_err(), "{token}");
                }
            }
        }
    });
}

fn later() -> Timestamp {
    NOW + std::time::Duration::from_secs(3_600)
}
