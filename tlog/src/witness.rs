//! A witness of c2sp.org/tlog-witness: it signs that a log only ever grew. Rules alone; who runs one keeps what it saw, and puts the answer
//! on the wire.

use std::fmt;

use crate::checkpoint::{CheckpointRefused, SignedCheckpoint, Trust};
use crate::encoding::decimal;
use crate::merkle::{self, Hash, PROOF_HASHES_MAX, ProofRefused};
use crate::note::{NOTE_BYTES_MAX, Signer};

/// A note, 63 hashes in base64 and the line of the old size.
pub const REQUEST_BYTES_MAX: usize = NOTE_BYTES_MAX + PROOF_HASHES_MAX * 45 + 32;

/// The body of `POST <prefix>/add-checkpoint`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddCheckpoint {
    /// What the log believes to be the newest size that the witness has signed.
    pub old_size: u64,
    pub proof: Vec<Hash>,
    pub checkpoint: SignedCheckpoint,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestRefused {
    #[error("the request has {bytes} bytes, more than {REQUEST_BYTES_MAX}")]
    TooLong { bytes: usize },
    #[error("the request is not UTF-8")]
    NotUtf8,
    #[error("the first line is not 'old <decimal number without leading zeros>'")]
    OldSize,
    #[error("hash {hash} is not 32 bytes in base64")]
    Hash { hash: usize },
    #[error("more than {PROOF_HASHES_MAX} hashes")]
    TooManyHashes,
    #[error("no empty line and checkpoint follow the hashes")]
    NoCheckpoint,
    #[error(transparent)]
    Checkpoint(#[from] CheckpointRefused),
    #[error("the old size {old} is above the checkpoint's {new}")]
    Shrinks { old: u64, new: u64 },
}

/// The newest checkpoint of one log that the witness signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    pub size: u64,
    pub root: Hash,
}

impl Default for Seen {
    /// Of a log that it never signed for.
    fn default() -> Self {
        Self { size: 0, root: Hash::empty() }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// To be answered after `seen` is stored in place of what was given, as one step; `body` is the witness's signature line.
    Signed {
        seen: Seen,
        body: String,
    },
    /// Not a request of this protocol.
    Malformed(RequestRefused),
    /// Not signed by the log.
    Forbidden(CheckpointRefused),
    UnknownLog {
        origin: String,
    },
    /// The log is behind or ahead of what the witness saw: the next request begins at this size.
    Conflict {
        size: u64,
    },
    /// The log was rewritten, or the proof is no good.
    Inconsistent(ProofRefused),
}

pub struct Witness {
    signer: Signer,
    logs: Vec<Trust>,
}

impl Witness {
    /// `signer` is one of `Signer::witness`; of the logs, their own keys count.
    pub fn new(signer: Signer, logs: Vec<Trust>) -> Self {
        Self { signer, logs }
    }

    /// `seen` gives what is stored for an origin. Whoever calls stores and answers before the next request for that log is judged.
    pub fn judge(&self, body: &[u8], seen: impl FnOnce(&str) -> Option<Seen>, now_s: u64) -> Answer {
        let request = match AddCheckpoint::parse(body) {
            Ok(request) => request,
            Err(refused) => return Answer::Malformed(refused),
        };
        let stated = request.checkpoint.unverified();
        let Some(log) = self.logs.iter().find(|log| log.origin() == stated.origin) else {
            return Answer::UnknownLog { origin: stated.origin.clone() };
        };
        let (old, new) = (request.old_size, stated.size);
        match request.checkpoint.verify(log) {
            Ok(_) => {}
            Err(CheckpointRefused::EmptyTree) => {
                let (found, root) = (stated.root, Hash::empty());
                return Answer::Inconsistent(ProofRefused::OtherRoot { found, root });
            }
            Err(refused) => return Answer::Forbidden(refused),
        }
        if old > new {
            return Answer::Malformed(RequestRefused::Shrinks { old, new });
        }
        let seen = seen(log.origin()).unwrap_or_default();
        if seen.size != old {
            return Answer::Conflict { size: seen.size };
        }
        match merkle::consistent(old, seen.root, new, stated.root, &request.proof) {
            Ok(()) => {
                let body = self.signer.sign(request.checkpoint.note().text(), now_s).to_string();
                Answer::Signed { seen: Seen { size: new, root: stated.root }, body }
            }
            Err(refused) => Answer::Inconsistent(refused),
        }
    }
}

impl AddCheckpoint {
    pub fn parse(bytes: &[u8]) -> Result<Self, RequestRefused> {
        if bytes.len() > REQUEST_BYTES_MAX {
            return Err(RequestRefused::TooLong { bytes: bytes.len() });
        }
        let text = std::str::from_utf8(bytes).map_err(|_| RequestRefused::NotUtf8)?;
        let (head, checkpoint) = text.split_once("\n\n").ok_or(RequestRefused::NoCheckpoint)?;
        let mut lines = head.split('\n');
        let old = lines.next().and_then(|line| line.strip_prefix("old "));
        let old_size = old.and_then(decimal).ok_or(RequestRefused::OldSize)?;
        let mut proof = Vec::new();
        for line in lines {
            if proof.len() == PROOF_HASHES_MAX {
                return Err(RequestRefused::TooManyHashes);
            }
            proof.push(Hash::from_base64(line).ok_or(RequestRefused::Hash { hash: proof.len() + 1 })?);
        }
        let checkpoint = SignedCheckpoint::parse(checkpoint.as_bytes())?;
        Ok(Self { old_size, proof, checkpoint })
    }
}

impl Answer {
    pub fn status(&self) -> u16 {
        match self {
            Self::Signed { .. } => 200,
            Self::Malformed(_) => 400,
            Self::Forbidden(_) => 403,
            Self::UnknownLog { .. } => 404,
            Self::Conflict { .. } => 409,
            Self::Inconsistent(_) => 422,
        }
    }

    pub fn content_type(&self) -> &'static str {
        match self {
            Self::Conflict { .. } => "text/x.tlog.size",
            Self::Signed { .. }
            | Self::Malformed(_)
            | Self::Forbidden(_)
            | Self::UnknownLog { .. }
            | Self::Inconsistent(_) => "text/plain; charset=utf-8",
        }
    }

    pub fn body(&self) -> String {
        match self {
            Self::Signed { body, .. } => body.clone(),
            Self::Malformed(refused) => format!("{refused}\n"),
            Self::Forbidden(refused) => format!("{refused}\n"),
            Self::UnknownLog { origin } => format!("the log {origin:?} is not known here\n"),
            Self::Conflict { size } => format!("{size}\n"),
            Self::Inconsistent(refused) => format!("{refused}\n"),
        }
    }
}

/// The body that `parse` reads.
impl fmt::Display for AddCheckpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "old {}", self.old_size)?;
        self.proof.iter().try_for_each(|hash| writeln!(f, "{}", hash.to_base64()))?;
        write!(f, "\n{}", self.checkpoint)
    }
}
