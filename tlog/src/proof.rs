//! `c2sp.org/tlog-proof@v1`: that an entry is in a log, as a file that anyone can check offline.

use std::fmt;

use crate::checkpoint::{Believed, CheckpointRefused, SignedCheckpoint, Trust};
use crate::encoding::{base64, decimal, from_base64};
use crate::merkle::{self, Hash, PROOF_HASHES_MAX, ProofRefused};
use crate::note::NOTE_BYTES_MAX;

const FIRST_LINE: &str = "c2sp.org/tlog-proof@v1";
pub const EXTRA_BYTES_MAX: usize = 64 * 1024;
/// A note, 63 hashes in base64, extra data in base64, and the other lines.
pub const PROOF_BYTES_MAX: usize = NOTE_BYTES_MAX + PROOF_HASHES_MAX * 45 + EXTRA_BYTES_MAX * 4 / 3 + 128;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// Signed by nobody. Apricot's have none.
    pub extra: Option<Vec<u8>>,
    pub index: u64,
    /// From the leaf's sibling up.
    pub hashes: Vec<Hash>,
    pub checkpoint: SignedCheckpoint,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TlogProofRefused {
    #[error("the proof has {bytes} bytes, more than {PROOF_BYTES_MAX}")]
    TooLong { bytes: usize },
    #[error("the proof is not UTF-8")]
    NotUtf8,
    #[error("the first line is not {FIRST_LINE}")]
    FirstLine,
    #[error("the extra data is no base64 of at most {EXTRA_BYTES_MAX} bytes")]
    Extra,
    #[error("no line 'index <decimal number without leading zeros>'")]
    Index,
    #[error("hash {hash} is not 32 bytes in base64")]
    Hash { hash: usize },
    #[error("more than {PROOF_HASHES_MAX} hashes")]
    TooManyHashes,
    #[error("no empty line and checkpoint follow the hashes")]
    NoCheckpoint,
    #[error(transparent)]
    Checkpoint(#[from] CheckpointRefused),
    #[error(transparent)]
    Inclusion(#[from] ProofRefused),
}

impl Proof {
    pub fn parse(bytes: &[u8]) -> Result<Self, TlogProofRefused> {
        if bytes.len() > PROOF_BYTES_MAX {
            return Err(TlogProofRefused::TooLong { bytes: bytes.len() });
        }
        let text = std::str::from_utf8(bytes).map_err(|_| TlogProofRefused::NotUtf8)?;
        // Neither extra data nor hashes can be empty lines.
        let (head, checkpoint) = text.split_once("\n\n").ok_or(TlogProofRefused::NoCheckpoint)?;
        let mut lines = head.split('\n').peekable();
        lines.next().filter(|first| *first == FIRST_LINE).ok_or(TlogProofRefused::FirstLine)?;
        let extra = lines.next_if(|line| line.starts_with("extra ")).map(|line| &line["extra ".len()..]);
        let extra = extra.map(parsed_extra).transpose()?;
        let index = lines.next().and_then(|line| line.strip_prefix("index "));
        let index = index.and_then(decimal).ok_or(TlogProofRefused::Index)?;
        let mut hashes = Vec::new();
        for line in lines {
            if hashes.len() == PROOF_HASHES_MAX {
                return Err(TlogProofRefused::TooManyHashes);
            }
            let hash = Hash::from_base64(line);
            hashes.push(hash.ok_or(TlogProofRefused::Hash { hash: hashes.len() + 1 })?);
        }
        let checkpoint = SignedCheckpoint::parse(checkpoint.as_bytes())?;
        Ok(Self { extra, index, hashes, checkpoint })
    }

    /// The checkpoint is to be believed, and the leaf is in its tree at this index.
    pub fn verify(&self, leaf: Hash, trust: &Trust) -> Result<Believed, TlogProofRefused> {
        let believed = self.checkpoint.verify(trust)?;
        let (size, root) = (believed.checkpoint.size, believed.checkpoint.root);
        merkle::included(self.index, size, leaf, &self.hashes, root)?;
        Ok(believed)
    }
}

fn parsed_extra(text: &str) -> Result<Vec<u8>, TlogProofRefused> {
    let extra = from_base64(text).filter(|extra| (1..=EXTRA_BYTES_MAX).contains(&extra.len()));
    extra.ok_or(TlogProofRefused::Extra)
}

impl fmt::Display for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{FIRST_LINE}")?;
        if let Some(extra) = &self.extra {
            writeln!(f, "extra {}", base64(extra))?;
        }
        writeln!(f, "index {}", self.index)?;
        self.hashes.iter().try_for_each(|hash| writeln!(f, "{}", hash.to_base64()))?;
        write!(f, "\n{}", self.checkpoint)
    }
}
