//! Keys of an identity provider, from a file or an address. A key is taken only for the algorithm that the set declares for it.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde_json::Value;

use super::{Provenance, VerifyingKey};
use crate::config::JwksConfig;

/// A set has a handful of keys of about 500 bytes.
const SET_BYTES_MAX: usize = 64 * 1024;
const KEYS_MAX: usize = 64;
const FETCH_TIMEOUT: Duration = Duration::from_secs(5);

#[derive(Clone, Default)]
pub struct Jwks(HashMap<String, Arc<VerifyingKey>>);

#[derive(Debug, thiserror::Error)]
pub enum JwksRefused {
    #[error("jwks.source {}: {reason}; check the path", path.display())]
    File { path: PathBuf, reason: std::io::Error },
    #[error("jwks.source {address}: {reason}; check that the address answers")]
    Address { address: String, reason: String },
    #[error(
        "jwks.source {source_name}: this is not a JSON Web Key Set of at most {SET_BYTES_MAX} bytes and {KEYS_MAX} keys"
    )]
    Shape { source_name: String },
    #[error("jwks.source {source_name}: no key is usable; a key needs `kid` and `alg` EdDSA, ES256 or RS256")]
    NoKey { source_name: String },
}

impl Jwks {
    pub async fn fetch(config: &JwksConfig) -> Result<Self, JwksRefused> {
        let source = &config.source;
        let text = match source.starts_with("http://") {
            true => over_http(source).await?,
            false => from_file(source)?,
        };
        Self::parse(&text, config)
    }

    pub fn parse(text: &[u8], config: &JwksConfig) -> Result<Self, JwksRefused> {
        let shape = || JwksRefused::Shape { source_name: config.source.clone() };
        if text.len() > SET_BYTES_MAX {
            return Err(shape());
        }
        let set: Value = serde_json::from_slice(text).map_err(|_| shape())?;
        let keys = set
            .get("keys")
            .and_then(Value::as_array)
            .filter(|keys| keys.len() <= KEYS_MAX)
            .ok_or_else(shape)?;
        let from = Provenance { issuer: config.issuer.clone(), audience: config.audience.clone() };
        // A set may hold keys for other uses; those are passed over.
        let usable: HashMap<_, _> = keys.iter().filter_map(|key| usable(key, &from)).collect();
        if usable.is_empty() {
            return Err(JwksRefused::NoKey { source_name: config.source.clone() });
        }
        Ok(Self(usable))
    }

    pub(super) fn keys(&self) -> &HashMap<String, Arc<VerifyingKey>> {
        &self.0
    }
}

fn usable(key: &Value, from: &Provenance) -> Option<(String, Arc<VerifyingKey>)> {
    let jwk: Jwk = serde_json::from_value(key.clone()).ok()?;
    let algorithm = match (jwk.common.key_algorithm?, &jwk.algorithm) {
        (KeyAlgorithm::EdDSA, AlgorithmParameters::OctetKeyPair(okp)) => {
            // The library slices 32 bytes without looking.
            let bytes = URL_SAFE_NO_PAD.decode(&okp.x).ok()?;
            (okp.curve == EllipticCurve::Ed25519 && bytes.len() == 32).then_some(Algorithm::EdDSA)?
        }
        (KeyAlgorithm::ES256, AlgorithmParameters::EllipticCurve(ec)) => {
            (ec.curve == EllipticCurve::P256).then_some(Algorithm::ES256)?
        }
        // RFC 7518: 2048 bits or more.
        (KeyAlgorithm::RS256, AlgorithmParameters::RSA(rsa)) => {
            (URL_SAFE_NO_PAD.decode(&rsa.n).ok()?.len() >= 256).then_some(Algorithm::RS256)?
        }
        _ => return None,
    };
    let decoding = DecodingKey::from_jwk(&jwk).ok()?;
    let key = VerifyingKey { algorithm, key: decoding, from: Some(from.clone()) };
    Some((jwk.common.key_id?, Arc::new(key)))
}

fn from_file(path: &str) -> Result<Vec<u8>, JwksRefused> {
    use std::io::Read;
    let mut text = Vec::new();
    let limit = u64::try_from(SET_BYTES_MAX).unwrap_or(u64::MAX).saturating_add(1);
    std::fs::File::open(path)
        .and_then(|file| file.take(limit).read_to_end(&mut text))
        .map_err(|reason| JwksRefused::File { path: path.into(), reason })?;
    Ok(text)
}

async fn over_http(address: &str) -> Result<Vec<u8>, JwksRefused> {
    let failed = |e: reqwest::Error| JwksRefused::Address { address: address.into(), reason: e.to_string() };
    let client = reqwest::Client::builder().timeout(FETCH_TIMEOUT).build().map_err(failed)?;
    let mut answer =
        client.get(address).send().await.and_then(reqwest::Response::error_for_status).map_err(failed)?;
    let mut text = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(failed)? {
        text.extend_from_slice(&chunk);
        if text.len() > SET_BYTES_MAX {
            return Err(JwksRefused::Shape { source_name: address.into() });
        }
    }
    Ok(text)
}
