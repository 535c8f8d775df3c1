//! Who is asking: signed tokens, verified without the record and without a clock.

use jsonwebtoken::{Algorithm, DecodingKey, Header, Validation, errors::ErrorKind};
use serde::{Deserialize, Serialize};

use crate::model::{Caller, OutOfBound, Role, Timestamp, bounded_text};

mod jwks;
mod keys;

pub use jwks::{Jwks, JwksRefused};
pub use keys::{KeyError, Keys};

/// Checked before anything is parsed. Ours are about 300 bytes, those of identity providers about 2 KiB.
pub const TOKEN_BYTES_MAX: usize = 4 * 1024;

/// A key that may verify, with the one algorithm it is for: a token cannot choose another.
#[derive(Clone)]
struct VerifyingKey {
    algorithm: Algorithm,
    key: DecodingKey,
    /// For keys of an identity provider: what the token must say about where it is from and whom it is for.
    from: Option<Provenance>,
}

#[derive(Clone, Debug, PartialEq)]
struct Provenance {
    issuer: String,
    audience: String,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenRefused {
    #[error("a token has at most {TOKEN_BYTES_MAX} bytes")]
    TooLong,
    #[error("this is not a token")]
    Malformed,
    #[error("the token names no key that is known here")]
    UnknownKey,
    #[error("the token's algorithm is not the one of its key")]
    Algorithm,
    #[error("the token's signature is wrong")]
    Signature,
    #[error("the token is from another issuer or for another audience")]
    Provenance,
    #[error("the token has expired")]
    Expired,
    #[error("the token is not valid yet")]
    NotYet,
    #[error("in the token, {0}")]
    Claim(OutOfBound),
}

/// Who a token speaks for, and until when.
#[derive(Clone, Debug, PartialEq)]
pub struct Verified {
    pub caller: Caller,
    /// The first moment at which it is refused.
    pub until: Timestamp,
}

/// Times are seconds, as RFC 7519 has them.
#[derive(Serialize, Deserialize)]
struct Claims {
    sub: String,
    #[serde(default)]
    name: String,
    role: String,
    exp: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    nbf: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    iat: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    room: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    county: Option<String>,
}

impl Keys {
    pub fn verify(&self, token: &str, now: Timestamp) -> Result<Verified, TokenRefused> {
        if token.len() > TOKEN_BYTES_MAX {
            return Err(TokenRefused::TooLong);
        }
        let header = jsonwebtoken::decode_header(token).map_err(|e| refused(e.kind()))?;
        let key = header.kid.as_deref().and_then(|kid| self.find(kid)).ok_or(TokenRefused::UnknownKey)?;
        if header.alg != key.algorithm {
            return Err(TokenRefused::Algorithm);
        }
        let decoded = jsonwebtoken::decode::<Claims>(token, &key.key, &key.validation());
        decoded.map_err(|e| refused(e.kind()))?.claims.check(now)
    }

    pub fn sign(&self, caller: &Caller, now: Timestamp, until: Timestamp) -> Result<String, KeyError> {
        let (kid, key) = self.signing();
        let header = Header { kid: Some(kid.to_owned()), ..Header::new(Algorithm::EdDSA) };
        let claims = Claims {
            sub: caller.subject.to_string(),
            name: caller.name.clone(),
            role: caller.role.name().into(),
            exp: until.millis() / 1_000,
            nbf: None,
            iat: Some(now.millis() / 1_000),
            room: caller.room.as_ref().map(ToString::to_string),
            county: caller.county.clone(),
        };
        jsonwebtoken::encode(&header, &claims, key).map_err(|e| KeyError::Unusable { reason: e.to_string() })
    }
}

impl VerifyingKey {
    /// Expiry is ours to check: the library would read the clock.
    fn validation(&self) -> Validation {
        let mut validation = Validation::new(self.algorithm);
        validation.validate_exp = false;
        validation.validate_aud = self.from.is_some();
        match &self.from {
            None => validation.set_required_spec_claims(&["exp", "sub"]),
            Some(Provenance { issuer, audience }) => {
                validation.set_required_spec_claims(&["exp", "sub", "iss", "aud"]);
                validation.set_issuer(&[issuer]);
                validation.set_audience(&[audience]);
            }
        }
        validation
    }
}

impl Claims {
    fn check(self, now: Timestamp) -> Result<Verified, TokenRefused> {
        let until = Timestamp(self.exp.saturating_mul(1_000));
        if until <= now {
            return Err(TokenRefused::Expired);
        }
        if self.nbf.is_some_and(|from| from.saturating_mul(1_000) > now.millis()) {
            return Err(TokenRefused::NotYet);
        }
        let county = self.county.map(|county| bounded_text("county", &county, 1..=80)).transpose();
        let caller = Caller {
            subject: self.sub.parse().map_err(TokenRefused::Claim)?,
            name: bounded_text("name", &self.name, 0..=40).map_err(TokenRefused::Claim)?,
            role: self.role.parse::<Role>().map_err(TokenRefused::Claim)?,
            room: self.room.map(|room| room.parse()).transpose().map_err(TokenRefused::Claim)?,
            county: county.map_err(TokenRefused::Claim)?,
        };
        Ok(Verified { caller: caller.check().map_err(TokenRefused::Claim)?, until })
    }
}

fn refused(kind: &ErrorKind) -> TokenRefused {
    match kind {
        ErrorKind::InvalidSignature => TokenRefused::Signature,
        ErrorKind::InvalidAlgorithm => TokenRefused::Algorithm,
        ErrorKind::InvalidIssuer | ErrorKind::InvalidAudience => TokenRefused::Provenance,
        ErrorKind::MissingRequiredClaim(claim) if matches!(claim.as_str(), "iss" | "aud") => {
            TokenRefused::Provenance
        }
        // The library may add kinds; whatever it could not read is malformed.
        _ => TokenRefused::Malformed,
    }
}

#[cfg(test)]
mod tests;
