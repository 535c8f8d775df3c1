//! Whom a reader believes: the keys of one log, and witnesses.

use crate::note::{Algorithm, KeyRefused, VerifierKey};

/// A log that exchanged its key once a month for ten years, and its witnesses.
const KEYS_MAX: usize = 256;
const FILE_BYTES_MAX: usize = 64 * 1024;

/// A log's keys have its origin as their name. Old ones stay, so that old receipts hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trust {
    keys: Vec<VerifierKey>,
    origin: String,
    /// How many of the witnesses must have signed a checkpoint.
    pub witnesses_wanted: usize,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TrustRefused {
    #[error("line {line}: {refused}")]
    Key { line: usize, refused: KeyRefused },
    #[error("the file has {bytes} bytes, more than {FILE_BYTES_MAX}")]
    TooLong { bytes: usize },
    #[error("no key of a log is there: one of type 0x01")]
    NoLog,
    #[error("keys of two logs, {first:?} and {second:?}; one log's are wanted")]
    TwoLogs { first: String, second: String },
    #[error("more than {KEYS_MAX} keys")]
    TooMany,
    #[error("the keys {first:?} and {second:?} are the same key under two names")]
    Twice { first: String, second: String },
}

impl Trust {
    pub fn new(keys: Vec<VerifierKey>) -> Result<Self, TrustRefused> {
        if keys.len() > KEYS_MAX {
            return Err(TrustRefused::TooMany);
        }
        let mut logs = keys.iter().filter(|key| key.algorithm() == Algorithm::Ed25519);
        let origin = logs.next().ok_or(TrustRefused::NoLog)?.name().to_owned();
        if let Some(other) = logs.find(|key| key.name() != origin) {
            return Err(TrustRefused::TwoLogs { first: origin, second: other.name().into() });
        }
        // Otherwise one witness could count as two.
        for (at, first) in keys.iter().enumerate() {
            if let Some(second) = keys[at + 1..].iter().find(|key| key.public() == first.public()) {
                let (first, second) = (first.name().into(), second.name().into());
                return Err(TrustRefused::Twice { first, second });
            }
        }
        Ok(Self { keys, origin, witnesses_wanted: 0 })
    }

    /// A file with a verifier key on each line: of the log (type 0x01) and of witnesses (0x04). `#` begins a remark.
    pub fn parse(text: &str) -> Result<Self, TrustRefused> {
        if text.len() > FILE_BYTES_MAX {
            return Err(TrustRefused::TooLong { bytes: text.len() });
        }
        let lines = text.lines().map(str::trim).enumerate();
        let said = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
        let key = |(at, line): (usize, &str)| {
            line.parse().map_err(|refused| TrustRefused::Key { line: at + 1, refused })
        };
        Self::new(said.map(key).collect::<Result<_, _>>()?)
    }

    pub fn origin(&self) -> &str {
        &self.origin
    }

    pub fn keys(&self) -> &[VerifierKey] {
        &self.keys
    }
}
