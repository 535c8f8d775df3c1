//! Apricot's own signing keys: made at the first start, rotated by adding one. The newest signs, all of them verify.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

use ed25519_dalek::SigningKey;
use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::pkcs8::{DecodePrivateKey, EncodePrivateKey, KeypairBytes};
use jsonwebtoken::jwk::{Jwk, ThumbprintHash};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey};

use super::VerifyingKey;
use super::jwks::Jwks;
use crate::clock::random_bytes;
use crate::model::Timestamp;
pub use crate::wire::key_folder::KeyError;
use crate::wire::key_folder::KeyFolder;

/// Cloning shares the keys.
#[derive(Clone)]
pub struct Keys(Arc<Inner>);

struct Inner {
    folder: KeyFolder,
    kid: String,
    signing: EncodingKey,
    verifying: RwLock<HashMap<String, Arc<VerifyingKey>>>,
}

impl Keys {
    /// Opens the keys of a folder and makes the first one when there is none.
    pub fn open(keys: &Path, now: Timestamp) -> Result<Self, KeyError> {
        let folder = KeyFolder::open(keys)?;
        if folder.names("pem")?.is_empty() {
            // Unless another node was quicker.
            folder
                .alone(|| if folder.names("pem")?.is_empty() { write_new(&folder, now) } else { Ok(()) })?;
        }
        let mut own = read_all(&folder)?;
        let Some((kid, signing, _)) = own.pop() else {
            return Err(KeyError::Unusable { reason: "there is no key".into() });
        };
        let keys = Self(Arc::new(Inner { folder, kid, signing, verifying: RwLock::default() }));
        keys.refresh(&Jwks::default())?;
        Ok(keys)
    }

    /// Adds a key that signs from now on. Tokens of older keys stay valid until they expire or the older file is removed.
    pub fn rotate(keys: &Path, now: Timestamp) -> Result<Self, KeyError> {
        let folder = KeyFolder::open(keys)?;
        folder.alone(|| write_new(&folder, now))?;
        Self::open(keys, now)
    }

    /// Reads the folder again, so that a rotation needs no restart, and takes over what the identity provider publishes.
    pub fn refresh(&self, outside: &Jwks) -> Result<(), KeyError> {
        let mut all = outside.keys().clone();
        // Own keys last: nobody outside can take the name of one.
        all.extend(read_all(&self.0.folder)?.into_iter().map(|(kid, _, key)| (kid, Arc::new(key))));
        *self.0.verifying.write().unwrap_or_else(PoisonError::into_inner) = all;
        Ok(())
    }

    pub(super) fn find(&self, kid: &str) -> Option<Arc<VerifyingKey>> {
        self.0.verifying.read().unwrap_or_else(PoisonError::into_inner).get(kid).cloned()
    }

    pub(super) fn signing(&self) -> (&str, &EncodingKey) {
        (&self.0.kid, &self.0.signing)
    }
}

fn write_new(folder: &KeyFolder, now: Timestamp) -> Result<(), KeyError> {
    let key = SigningKey::from_bytes(&random_bytes::<32>());
    let pem = without_public_half(&key)
        .to_pkcs8_pem(LineEnding::LF)
        .map_err(|e| KeyError::Unusable { reason: e.to_string() })?;
    // Two rotations in one millisecond still make two keys, the later one newer.
    let newest = folder.names("pem")?.last().and_then(|name| made_at(name));
    let at = now.millis().max(newest.map_or(0, |newest| newest.saturating_add(1)));
    folder.write(&format!("token-{at:016}.pem"), &pem)
}

/// PKCS#8 version 1, as OpenSSL writes it; jsonwebtoken reads no other.
fn without_public_half(key: &SigningKey) -> KeypairBytes {
    KeypairBytes { secret_key: key.to_bytes(), public_key: None }
}

fn made_at(name: &str) -> Option<i64> {
    name.strip_prefix("token-")?.strip_suffix(".pem")?.parse().ok()
}

/// Oldest first.
fn read_all(folder: &KeyFolder) -> Result<Vec<(String, EncodingKey, VerifyingKey)>, KeyError> {
    let read = |name: String| {
        let bad = |reason: String| folder.bad(&name, format!("not an Ed25519 key in PKCS#8 PEM ({reason})"));
        let key = SigningKey::from_pkcs8_pem(&folder.read(&name)?).map_err(|e| bad(e.to_string()))?;
        let der = without_public_half(&key).to_pkcs8_der().map_err(|e| bad(e.to_string()))?;
        let signing = EncodingKey::from_ed_der(der.as_bytes());
        let public = Jwk::from_encoding_key(&signing, Algorithm::EdDSA).map_err(|e| bad(e.to_string()))?;
        let kid = public.thumbprint(ThumbprintHash::SHA256).map_err(|e| bad(e.to_string()))?;
        let key = DecodingKey::from_jwk(&public).map_err(|e| bad(e.to_string()))?;
        Ok((kid, signing, VerifyingKey { algorithm: Algorithm::EdDSA, key, from: None }))
    };
    folder.names("pem")?.into_iter().map(read).collect()
}
