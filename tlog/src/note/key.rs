//! Keys of signed notes: Ed25519 of a log (type 0x01) and timed cosignatures of a witness (type 0x04, c2sp.org/tlog-cosignature).

use std::fmt;
use std::str::FromStr;

use ed25519_dalek::{Signer as _, SigningKey, VerifyingKey};

use super::Signature;
use crate::encoding::{base64, from_base64, from_hex, hex};
use crate::merkle::Hash;

const SIGNATURE_BYTES: usize = 64;
/// A name of 256 bytes, two marks, 8 digits, 33 bytes in base64.
const KEY_BYTES_MAX: usize = 320;
const NAME_BYTES_MAX: usize = 256;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Algorithm {
    Ed25519,
    /// Over a checkpoint with the time of signing.
    Cosignature,
}

/// Who may have signed: `example.com/log+530d903a+AekyeRrm…`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    id: u32,
    algorithm: Algorithm,
    public: VerifyingKey,
}

/// Signs under a name. Its `Debug` says the public half only.
#[derive(Clone)]
pub struct Signer {
    secret: SigningKey,
    public: VerifierKey,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyRefused {
    #[error("no verifier key: <name>+<8 hex digits>+<base64> is wanted")]
    Form,
    #[error("a key's name is 1..={NAME_BYTES_MAX} bytes without spaces, control characters and '+'")]
    Name,
    #[error("keys of type {0:#04x} are not known here; 0x01 is Ed25519, 0x04 a witness's cosignature")]
    Algorithm(u8),
    #[error("no point of Ed25519 that keys are made of")]
    Point,
    #[error("the key's id is {stated:08x}, but name and key give {computed:08x}")]
    Id { stated: u32, computed: u32 },
}

impl Algorithm {
    fn byte(self) -> u8 {
        match self {
            Self::Ed25519 => 0x01,
            Self::Cosignature => 0x04,
        }
    }

    /// What is signed for a text.
    fn message(self, text: &[u8], at_s: u64) -> Vec<u8> {
        match self {
            Self::Ed25519 => text.to_vec(),
            Self::Cosignature => [format!("cosignature/v1\ntime {at_s}\n").as_bytes(), text].concat(),
        }
    }
}

impl VerifierKey {
    fn new(name: &str, algorithm: Algorithm, public: VerifyingKey) -> Result<Self, KeyRefused> {
        if name.len() > NAME_BYTES_MAX || !key_name_fits(name) {
            return Err(KeyRefused::Name);
        }
        // With a weak key one signature fits many texts.
        if public.is_weak() {
            return Err(KeyRefused::Point);
        }
        let typed = [&[algorithm.byte()][..], public.as_bytes()].concat();
        let named = Hash::of(&[name.as_bytes(), b"\n", &typed].concat());
        let [a, b, c, d, ..] = named.0;
        Ok(Self { name: name.into(), id: u32::from_be_bytes([a, b, c, d]), algorithm, public })
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn id(&self) -> u32 {
        self.id
    }

    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    pub fn public(&self) -> &[u8; 32] {
        self.public.as_bytes()
    }

    /// `Some` when it holds: of a cosignature, its time.
    pub(super) fn verify(&self, text: &[u8], signature: &[u8]) -> Option<Option<u64>> {
        let (at_s, signature) = match self.algorithm {
            Algorithm::Ed25519 => (None, signature),
            Algorithm::Cosignature => {
                let (time, signature) = signature.split_first_chunk::<8>()?;
                let at_s = u64::from_be_bytes(*time);
                if at_s == 0 || i64::try_from(at_s).is_err() {
                    return None;
                }
                (Some(at_s), signature)
            }
        };
        let signature: &[u8; SIGNATURE_BYTES] = signature.try_into().ok()?;
        let message = self.algorithm.message(text, at_s.unwrap_or(0));
        let signature = ed25519_dalek::Signature::from_bytes(signature);
        self.public.verify_strict(&message, &signature).ok().map(|()| at_s)
    }
}

impl Signer {
    /// The log's own key.
    pub fn log(name: &str, seed: &[u8; 32]) -> Result<Self, KeyRefused> {
        Self::new(name, Algorithm::Ed25519, seed)
    }

    /// A witness's key. It must be another one than a log's: see c2sp.org/tlog-cosignature.
    pub fn witness(name: &str, seed: &[u8; 32]) -> Result<Self, KeyRefused> {
        Self::new(name, Algorithm::Cosignature, seed)
    }

    fn new(name: &str, algorithm: Algorithm, seed: &[u8; 32]) -> Result<Self, KeyRefused> {
        let secret = SigningKey::from_bytes(seed);
        let public = VerifierKey::new(name, algorithm, secret.verifying_key())?;
        Ok(Self { secret, public })
    }

    pub fn verifier(&self) -> &VerifierKey {
        &self.public
    }

    /// `at_s` is in seconds since 1970 and above 0; the log's own signature leaves it out.
    pub fn sign(&self, text: &str, at_s: u64) -> Signature {
        let algorithm = self.public.algorithm;
        let signature = self.secret.sign(&algorithm.message(text.as_bytes(), at_s)).to_bytes();
        let bytes = match algorithm {
            Algorithm::Ed25519 => signature.to_vec(),
            Algorithm::Cosignature => [&at_s.to_be_bytes()[..], &signature].concat(),
        };
        Signature::new(&self.public.name, self.public.id, bytes)
    }
}

/// Of any key, also an unknown one.
pub fn key_name_fits(name: &str) -> bool {
    !name.is_empty() && !name.chars().any(|c| c.is_whitespace() || c.is_control() || c == '+')
}

impl FromStr for VerifierKey {
    type Err = KeyRefused;

    fn from_str(text: &str) -> Result<Self, KeyRefused> {
        if text.len() > KEY_BYTES_MAX {
            return Err(KeyRefused::Form);
        }
        let (name, rest) = text.split_once('+').ok_or(KeyRefused::Form)?;
        // Base64 may have a '+' too.
        let (id, key) = rest.split_once('+').ok_or(KeyRefused::Form)?;
        let stated = u32::from_be_bytes(from_hex(id).ok_or(KeyRefused::Form)?);
        let key = from_base64(key).ok_or(KeyRefused::Form)?;
        let (algorithm, public) = key.split_first().ok_or(KeyRefused::Form)?;
        let algorithm = match algorithm {
            0x01 => Algorithm::Ed25519,
            0x04 => Algorithm::Cosignature,
            other => return Err(KeyRefused::Algorithm(*other)),
        };
        let public: &[u8; 32] = public.try_into().map_err(|_| KeyRefused::Form)?;
        let public = VerifyingKey::from_bytes(public).map_err(|_| KeyRefused::Point)?;
        let key = Self::new(name, algorithm, public)?;
        if key.id != stated {
            return Err(KeyRefused::Id { stated, computed: key.id });
        }
        Ok(key)
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = [&[self.algorithm.byte()][..], self.public.as_bytes()].concat();
        write!(f, "{}+{}+{}", self.name, hex(&self.id.to_be_bytes()), base64(&key))
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signer({})", self.public)
    }
}
