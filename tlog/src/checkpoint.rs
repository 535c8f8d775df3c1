//! Checkpoints of c2sp.org/tlog-checkpoint: a tree's size and root, signed by its log and, at best, by witnesses.

use std::fmt;

use crate::encoding::decimal;
use crate::merkle::Hash;
use crate::note::{Algorithm, Note, NoteRefused, Signer};

mod trust;

pub use trust::{Trust, TrustRefused};

/// What the log states of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    pub origin: String,
    pub size: u64,
    pub root: Hash,
    /// Lines that some logs add. Apricot's have none, and nothing follows from them.
    extensions: Vec<String>,
}

/// A checkpoint as it came, with signatures that nobody has looked at yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedCheckpoint {
    unverified: Checkpoint,
    note: Note,
}

/// A checkpoint that the log signed, and who saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Believed {
    pub checkpoint: Checkpoint,
    /// Name and time (seconds since 1970) of each witness that is trusted.
    pub witnesses: Vec<(String, u64)>,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointRefused {
    #[error(transparent)]
    Note(#[from] NoteRefused),
    #[error("the origin is empty or has a line break")]
    Origin,
    #[error("fewer than the three lines origin, size, root")]
    Lines,
    #[error("the size is no decimal number without leading zeros")]
    Size,
    #[error("the root is not 32 bytes in base64")]
    Root,
    #[error("line {line} is empty")]
    EmptyLine { line: usize },
    #[error("the empty tree has another root than SHA-256 of nothing")]
    EmptyTree,
    #[error("the checkpoint is of the log {found:?}, not of {wanted:?}")]
    OtherLog { found: String, wanted: String },
    #[error("the log itself has not signed")]
    NotByTheLog,
    #[error("{found} trusted witnesses have signed, {wanted} are wanted")]
    TooFewWitnesses { found: usize, wanted: usize },
}

impl Checkpoint {
    pub fn new(origin: &str, size: u64, root: Hash) -> Result<Self, CheckpointRefused> {
        if origin.is_empty() || origin.chars().any(char::is_control) {
            return Err(CheckpointRefused::Origin);
        }
        Ok(Self { origin: origin.into(), size, root, extensions: Vec::new() })
    }

    /// The note's text.
    pub fn parse(text: &str) -> Result<Self, CheckpointRefused> {
        let text = text.strip_suffix('\n').ok_or(NoteRefused::TextWithoutNewline)?;
        let mut lines = text.split('\n');
        let (Some(origin), Some(size), Some(root)) = (lines.next(), lines.next(), lines.next()) else {
            return Err(CheckpointRefused::Lines);
        };
        let size = decimal(size).ok_or(CheckpointRefused::Size)?;
        let root = Hash::from_base64(root).ok_or(CheckpointRefused::Root)?;
        let extensions: Vec<String> = lines.map(str::to_owned).collect();
        if let Some(at) = extensions.iter().position(String::is_empty) {
            return Err(CheckpointRefused::EmptyLine { line: at + 4 });
        }
        Ok(Self { extensions, ..Self::new(origin, size, root)? })
    }

    /// Signed by the log.
    pub fn sign(&self, log: &Signer) -> Result<SignedCheckpoint, CheckpointRefused> {
        let mut note = Note::new(self.to_string())?;
        note.add(log.sign(note.text(), 0))?;
        Ok(SignedCheckpoint { unverified: self.clone(), note })
    }
}

impl SignedCheckpoint {
    pub fn parse(bytes: &[u8]) -> Result<Self, CheckpointRefused> {
        let note = Note::parse(bytes)?;
        Ok(Self { unverified: Checkpoint::parse(note.text())?, note })
    }

    /// What it says, whoever wrote that.
    pub fn unverified(&self) -> &Checkpoint {
        &self.unverified
    }

    pub fn note(&self) -> &Note {
        &self.note
    }

    /// With a witness's signature, once `verify` has taken it.
    pub fn note_mut(&mut self) -> &mut Note {
        &mut self.note
    }

    /// Of the log that is trusted, signed by it, and seen by as many witnesses as are wanted.
    pub fn verify(&self, trust: &Trust) -> Result<Believed, CheckpointRefused> {
        let checkpoint = &self.unverified;
        if checkpoint.origin != trust.origin() {
            let (found, wanted) = (checkpoint.origin.clone(), trust.origin().into());
            return Err(CheckpointRefused::OtherLog { found, wanted });
        }
        let verified = self.note.verify(trust.keys())?;
        if !verified.iter().any(|by| by.key.algorithm() == Algorithm::Ed25519) {
            return Err(CheckpointRefused::NotByTheLog);
        }
        let witnesses: Vec<(String, u64)> =
            verified.iter().filter_map(|by| Some((by.key.name().to_owned(), by.at_s?))).collect();
        if witnesses.len() < trust.witnesses_wanted {
            let (found, wanted) = (witnesses.len(), trust.witnesses_wanted);
            return Err(CheckpointRefused::TooFewWitnesses { found, wanted });
        }
        if checkpoint.size == 0 && checkpoint.root != Hash::empty() {
            return Err(CheckpointRefused::EmptyTree);
        }
        Ok(Believed { checkpoint: checkpoint.clone(), witnesses })
    }
}

/// The note's text that `parse` reads.
impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n{}\n{}", self.origin, self.size, self.root.to_base64())?;
        self.extensions.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}

/// The file `checkpoint` that `parse` reads.
impl fmt::Display for SignedCheckpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.note.fmt(f)
    }
}
