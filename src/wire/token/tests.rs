use super::*;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::EncodingKey;
use serde_json::{Value, json};

use std::path::Path;

use crate::config::JwksConfig;
use crate::wire::webhook::WebhookSecrets;

const NOW: Timestamp = Timestamp(1_790_000_000_000);
const HOUR: std::time::Duration = std::time::Duration::from_secs(3_600);

fn keys() -> (tempfile::TempDir, Keys) {
    let data = tempfile::tempdir().unwrap();
    let keys = Keys::open(&data.path().join("keys"), NOW).unwrap();
    (data, keys)
}

fn host() -> Caller {
    Caller {
        subject: "li".parse().unwrap(),
        name: "李".into(),
        role: Role::Host,
        room: Some("apricot-hill".parse().unwrap()),
        county: None,
    }
}

fn token(keys: &Keys) -> String {
    keys.sign(&host(), NOW, NOW + HOUR).unwrap()
}

/// Replaces the header or the claims of a token and keeps the signature.
fn with_part(token: &str, part: usize, change: impl Fn(&mut Value)) -> String {
    let mut parts: Vec<String> = token.split('.').map(str::to_owned).collect();
    let mut value: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(&parts[part]).unwrap()).unwrap();
    change(&mut value);
    parts[part] = URL_SAFE_NO_PAD.encode(value.to_string());
    parts.join(".")
}

fn caller(keys: &Keys, token: &str, now: Timestamp) -> Result<Caller, TokenRefused> {
    keys.verify(token, now).map(|verified| verified.caller)
}

#[test]
fn what_is_signed_is_what_is_read() {
    let (_data, keys) = keys();
    assert_eq!(caller(&keys, &token(&keys), NOW), Ok(host()));
}

#[test]
fn a_token_ends_at_its_expiry() {
    let (_data, keys) = keys();
    let token = token(&keys);
    assert_eq!(keys.verify(&token, NOW), Ok(Verified { caller: host(), until: NOW + HOUR }));
    assert_eq!(caller(&keys, &token, NOW + HOUR - std::time::Duration::from_millis(1)), Ok(host()));
    assert_eq!(caller(&keys, &token, NOW + HOUR), Err(TokenRefused::Expired));
}

#[test]
fn tampering_is_refused() {
    let (_data, keys) = keys();
    let token = token(&keys);
    let check =
        |token: &str, refused: TokenRefused| assert_eq!(caller(&keys, token, NOW), Err(refused), "{token}");
    check(&with_part(&token, 1, |claims| claims["role"] = json!("ops")), TokenRefused::Signature);
    check(&with_part(&token, 0, |header| header["alg"] = json!("none")), TokenRefused::Malformed);
    check(&with_part(&token, 0, |header| header["alg"] = json!("HS256")), TokenRefused::Algorithm);
    check(&with_part(&token, 0, |header| header["kid"] = json!("other")), TokenRefused::UnknownKey);
    check(&with_part(&token, 0, |header| header["kid"] = Value::Null), TokenRefused::UnknownKey);
    check("", TokenRefused::Malformed);
    check("a.b.c", TokenRefused::Malformed);
    check(&"x".repeat(TOKEN_BYTES_MAX + 1), TokenRefused::TooLong);
}

/// The public key as an HMAC secret: the classic confusion.
#[test]
fn a_token_cannot_choose_its_algorithm() {
    let (_data, keys) = keys();
    let (kid, _) = keys.signing();
    let header = Header { kid: Some(kid.to_owned()), ..Header::new(Algorithm::HS256) };
    let claims = json!({"sub": "li", "role": "ops", "exp": 9_999_999_999i64});
    let forged = jsonwebtoken::encode(&header, &claims, &EncodingKey::from_secret(kid.as_bytes())).unwrap();
    assert_eq!(caller(&keys, &forged, NOW), Err(TokenRefused::Algorithm));
}

#[test]
fn rotation_adds_a_key_and_old_tokens_stay_valid() {
    let (data, keys) = keys();
    let old = token(&keys);
    let rotated = Keys::rotate(&data.path().join("keys"), NOW).unwrap();
    assert_ne!(rotated.signing().0, keys.signing().0);
    assert_eq!(caller(&rotated, &old, NOW), Ok(host()));
    let new = token(&rotated);
    assert_eq!(caller(&keys, &new, NOW), Err(TokenRefused::UnknownKey));
    keys.refresh(&Jwks::default()).unwrap();
    assert_eq!(caller(&keys, &new, NOW), Ok(host()), "a running server learns of it");
    assert_eq!(Keys::open(&data.path().join("keys"), NOW).unwrap().signing().0, rotated.signing().0);
}

#[test]
fn claims_outside_their_bounds_are_refused() {
    let (_data, keys) = keys();
    let (kid, key) = keys.signing();
    let check = |claims: Value, field: Option<&str>| {
        let header = Header { kid: Some(kid.to_owned()), ..Header::new(Algorithm::EdDSA) };
        let refused = caller(&keys, &jsonwebtoken::encode(&header, &claims, key).unwrap(), NOW).unwrap_err();
        match (&refused, field) {
            (TokenRefused::Claim(refused), Some(field)) => assert_eq!(refused.field, field),
            (TokenRefused::Malformed, None) => {}
            _ => panic!("{claims}: {refused:?}"),
        }
    };
    let exp = 9_999_999_999i64;
    check(json!({"sub": "li", "role": "emperor", "exp": exp}), Some("role"));
    check(json!({"sub": "guest", "role": "viewer", "exp": exp}), Some("subject"));
    check(json!({"sub": "l i", "role": "ops", "exp": exp}), Some("subject"));
    check(json!({"sub": "li", "role": "host", "exp": exp, "room": "A"}), Some("id"));
    check(json!({"sub": "li", "role": "host", "exp": exp, "name": "x".repeat(41)}), Some("name"));
    check(json!({"sub": "li", "role": "host"}), None);
    check(json!({"role": "host", "exp": exp}), None);
}

#[test]
fn nodes_that_start_at_once_make_one_key_and_rotations_make_one_each() {
    let folder = tempfile::tempdir().unwrap();
    let shared = folder.path().join("keys");
    let at_once = |start: fn(&Path) -> String| -> Vec<String> {
        let start = || start(&shared);
        std::thread::scope(|nodes| {
            let nodes: Vec<_> = (0..8).map(|_| nodes.spawn(start)).collect();
            nodes.into_iter().map(|node| node.join().unwrap()).collect()
        })
    };
    let opened = at_once(|shared| kid_of(Keys::open(shared, NOW).unwrap()));
    assert_eq!(opened, vec![kid_of(Keys::open(&shared, NOW).unwrap()); 8]);
    at_once(|shared| kid_of(Keys::rotate(shared, NOW).unwrap()));
    assert_eq!(
        std::fs::read_dir(&shared).unwrap().count(),
        9,
        "each in a file of its own, nothing unfinished"
    );
    let secrets = at_once(|shared| WebhookSecrets::open(shared, NOW).unwrap().newest().to_owned());
    assert_eq!(secrets, vec![WebhookSecrets::open(&shared, NOW).unwrap().newest(); 8]);
}

fn kid_of(keys: Keys) -> String {
    keys.signing().0.to_owned()
}

#[cfg(unix)]
#[test]
fn keys_are_for_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let (data, _keys) = keys();
    let folder = data.path().join("keys");
    assert_eq!(folder.metadata().unwrap().permissions().mode() & 0o777, 0o700);
    let file = std::fs::read_dir(&folder).unwrap().next().unwrap().unwrap().path();
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    let refused = Keys::open(&data.path().join("keys"), NOW).err().unwrap().to_string();
    assert!(refused.contains("chmod 600"), "{refused}");
}

#[test]
fn a_damaged_key_is_named() {
    let (data, _keys) = keys();
    let file = std::fs::read_dir(data.path().join("keys")).unwrap().next().unwrap().unwrap().path();
    std::fs::write(&file, "not a key").unwrap();
    let refused = Keys::open(&data.path().join("keys"), NOW).err().unwrap().to_string();
    assert!(refused.contains("not an Ed25519 key") && refused.contains(".pem"), "{refused}");
}

mod outside {
    use super::*;

    fn config() -> JwksConfig {
        JwksConfig { source: "set.json".into(), issuer: "https://login".into(), audience: "apricot".into() }
    }

    /// An identity provider's key and what it publishes about it.
    fn provider(kid: &str, declared: &str) -> (EncodingKey, Value) {
        let data = tempfile::tempdir().unwrap();
        let keys = Keys::open(&data.path().join("keys"), NOW).unwrap();
        let key = keys.signing().1.clone();
        let mut jwk =
            serde_json::to_value(jsonwebtoken::jwk::Jwk::from_encoding_key(&key, Algorithm::EdDSA).unwrap())
                .unwrap();
        jwk["kid"] = json!(kid);
        jwk["alg"] = json!(declared);
        (key, jwk)
    }

    fn signed(key: &EncodingKey, kid: &str, issuer: &str, audience: &str) -> String {
        let header = Header { kid: Some(kid.into()), ..Header::new(Algorithm::EdDSA) };
        let claims =
            json!({"sub": "wang", "role": "viewer", "exp": 9_999_999_999i64, "iss": issuer, "aud": audience});
        jsonwebtoken::encode(&header, &claims, key).unwrap()
    }

    #[test]
    fn a_provider_is_believed_for_its_issuer_and_audience_only() {
        let (_data, keys) = keys();
        let (key, jwk) = provider("outside", "EdDSA");
        let set = json!({"keys": [jwk]}).to_string();
        keys.refresh(&Jwks::parse(set.as_bytes(), &config()).unwrap()).unwrap();
        let verify = |issuer, audience| caller(&keys, &signed(&key, "outside", issuer, audience), NOW);
        assert_eq!(verify("https://login", "apricot").unwrap().role, Role::Viewer);
        assert_eq!(verify("https://other", "apricot"), Err(TokenRefused::Provenance));
        assert_eq!(verify("https://login", "bank"), Err(TokenRefused::Provenance));
        assert_eq!(caller(&keys, &token(&keys), NOW), Ok(host()), "own tokens stay valid");
    }

    #[test]
    fn an_outside_key_cannot_take_the_name_of_an_own_one() {
        let (_data, keys) = keys();
        let (_, jwk) = provider(keys.signing().0, "EdDSA");
        let set = json!({"keys": [jwk]}).to_string();
        keys.refresh(&Jwks::parse(set.as_bytes(), &config()).unwrap()).unwrap();
        assert_eq!(caller(&keys, &token(&keys), NOW), Ok(host()));
    }

    /// Serves `answer` once at an address of its own.
    async fn published(answer: String) -> JwksConfig {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let source = format!("http://{}/keys", listener.local_addr().unwrap());
        let router = axum::Router::new().route("/keys", axum::routing::get(async || answer));
        tokio::spawn(async { axum::serve(listener, router).await });
        JwksConfig { source, ..config() }
    }

    #[tokio::test]
    async fn a_set_is_read_from_an_address_or_a_file() {
        let (_data, keys) = keys();
        let (key, jwk) = provider("outside", "EdDSA");
        let set = json!({"keys": [jwk]}).to_string();
        let signed = signed(&key, "outside", "https://login", "apricot");
        keys.refresh(&Jwks::fetch(&published(set.clone()).await).await.unwrap()).unwrap();
        assert_eq!(caller(&keys, &signed, NOW).unwrap().role, Role::Viewer);
        let folder = tempfile::tempdir().unwrap();
        let source = folder.path().join("set.json");
        std::fs::write(&source, set).unwrap();
        let file = JwksConfig { source: source.display().to_string(), ..config() };
        assert!(Jwks::fetch(&file).await.is_ok());
        let large = Jwks::fetch(&published(" ".repeat(70_000)).await).await;
        assert!(matches!(large, Err(JwksRefused::Shape { .. })));
        let nobody = JwksConfig { source: "http://127.0.0.1:1/keys".into(), ..config() };
        assert!(matches!(Jwks::fetch(&nobody).await, Err(JwksRefused::Address { .. })));
    }

    #[test]
    fn only_declared_and_whole_keys_are_taken() {
        let refused = |key: Value| {
            let set = json!({"keys": [key]}).to_string();
            matches!(Jwks::parse(set.as_bytes(), &config()), Err(JwksRefused::NoKey { .. }))
        };
        let (_, good) = provider("k", "EdDSA");
        assert!(!refused(good.clone()));
        for (field, value) in
            [("alg", json!("ES256")), ("alg", Value::Null), ("kid", Value::Null), ("x", json!("AAAA"))]
        {
            let mut key = good.clone();
            key[field] = value;
            assert!(refused(key.clone()), "{key}");
        }
        assert!(refused(json!({"kty": "oct", "alg": "HS256", "kid": "k", "k": "c2VjcmV0"})));
        assert!(refused(json!({"kty": "RSA", "alg": "RS256", "kid": "k", "n": "AQAB", "e": "AQAB"})));
        let shape =
            |text: &str| matches!(Jwks::parse(text.as_bytes(), &config()), Err(JwksRefused::Shape { .. }));
        assert!(shape("[]") && shape("{") && shape(&" ".repeat(70_000)));
    }
}
