//! A site's log as a stranger reads it: over HTTP, with a key that was had from elsewhere, believing nothing that is not proven. Knows the
//! formats of docs/log.md and no other part of this program.

use apricot_tlog::checkpoint::{Believed, Checkpoint, CheckpointRefused, SignedCheckpoint, Trust};
use apricot_tlog::leaf::Leaf;
use apricot_tlog::ledger::Recount;
use apricot_tlog::merkle::{self, Hash, Tree, leaf_hash};
use apricot_tlog::tile::bundle::{self, BUNDLE_BYTES_MAX};
use apricot_tlog::tile::{self, Kind, Tile, WIDTH};
use serde::{Deserialize, Serialize};

mod compare;
mod shown;
mod stated;
pub mod web;

pub use compare::{Before, Differs};
pub use shown::Shown;
use stated::Stated;
use web::{Web, WebError};

/// Signatures of a key and sixteen witnesses.
const CHECKPOINT_BYTES_MAX: usize = 64 * 1024;

/// A tree of a log that somebody saw.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seen {
    pub size: u64,
    pub root: Hash,
}

#[derive(Debug, thiserror::Error)]
pub enum Distrust {
    #[error(transparent)]
    Web(#[from] WebError),
    #[error("the checkpoint: {0}")]
    Checkpoint(#[from] CheckpointRefused),
    #[error("the log went back: it had {seen} leaves when it was last read, now it has {now}")]
    WentBack { seen: u64, now: u64 },
    #[error("the log was rewritten: its tree of {now} leaves does not continue that of {seen}")]
    Forked { seen: u64, now: u64 },
    #[error("{tile}: {why}")]
    Tile { tile: String, why: String },
    #[error("the leaves have the root {found:?}, the checkpoint of {size} leaves says {signed:?}")]
    OtherRoot { size: u64, found: Hash, signed: Hash },
    #[error("what the site shows is unreadable: {0}")]
    Shown(String),
}

impl Distrust {
    /// A node that is behind another for a moment, or a checkpoint that witnesses are about to sign.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::WentBack { .. } | Self::Checkpoint(CheckpointRefused::TooFewWitnesses { .. }) => true,
            Self::Web(_)
            | Self::Checkpoint(_)
            | Self::Forked { .. }
            | Self::Tile { .. }
            | Self::OtherRoot { .. }
            | Self::Shown(_) => false,
        }
    }
}

pub struct Site {
    web: Web,
    trust: Trust,
    /// Trees that were seen before, the smallest first: the log goes through each of them.
    seen: Vec<Seen>,
    tree: Tree,
    recount: Recount,
    stated: Stated,
}

impl Site {
    pub fn new(web: Web, trust: Trust, mut seen: Vec<Seen>) -> Self {
        seen.sort_by_key(|seen| seen.size);
        let (tree, recount, stated) = (Tree::default(), Recount::default(), Stated::default());
        Self { web, trust, seen, tree, recount, stated }
    }

    pub fn recount(&self) -> &Recount {
        &self.recount
    }

    /// The newest checkpoint, when it continues the largest tree that was seen.
    pub async fn checkpoint(&self) -> Result<Believed, Distrust> {
        let bytes = self.web.get("log/checkpoint", CHECKPOINT_BYTES_MAX).await?;
        let believed = SignedCheckpoint::parse(&bytes)?.verify(&self.trust)?;
        let now = &believed.checkpoint;
        let Some(seen) = self.seen.last() else { return Ok(believed) };
        if now.size < seen.size {
            return Err(Distrust::WentBack { seen: seen.size, now: now.size });
        }
        self.continues(seen, now).await?;
        Ok(believed)
    }

    async fn continues(&self, seen: &Seen, now: &Checkpoint) -> Result<(), Distrust> {
        let forked = || Distrust::Forked { seen: seen.size, now: now.size };
        let ranges = merkle::consistency_ranges(seen.size, now.size).unwrap_or_default();
        let mut tiles = Vec::new();
        for tile in tile::needed(&ranges, now.size) {
            tiles.push((tile, self.tile(tile).await?));
        }
        let read = |wanted: Tile| {
            let found = tiles.iter().find(|(tile, _)| *tile == wanted).map(|(_, bytes)| bytes.clone());
            found.ok_or("it was not fetched")
        };
        let proof = tile::consistency(seen.size, now.size, read)
            .map_err(|error| Distrust::Tile { tile: "of the proof".into(), why: error.to_string() })?;
        merkle::consistent(seen.size, seen.root, now.size, now.root, &proof).map_err(|_| forked())
    }

    /// Reads every leaf up to the checkpoint, and counts it. `told` hears how far it is.
    pub async fn read_up_to(
        &mut self,
        checkpoint: &Checkpoint,
        mut told: impl FnMut(u64),
    ) -> Result<(), Distrust> {
        while self.tree.size() < checkpoint.size {
            let at = self.tree.size();
            let tile = Tile::of_entry(at, checkpoint.size).ok_or_else(|| Distrust::Tile {
                tile: "entries".into(),
                why: format!("none has leaf {at}"),
            })?;
            let wrong = |why: String| Distrust::Tile { tile: tile.to_string(), why };
            let bytes = self.tile(tile).await?;
            let entries = bundle::decode(&bytes, tile.width).map_err(|error| wrong(error.to_string()))?;
            let first = usize::try_from(at % u64::from(WIDTH)).map_err(|error| wrong(error.to_string()))?;
            for entry in &entries[first.min(entries.len())..] {
                self.read(entry, checkpoint)?;
            }
            told(self.tree.size());
        }
        let (size, found, signed) = (checkpoint.size, self.tree.root(), checkpoint.root);
        if found != signed {
            return Err(Distrust::OtherRoot { size, found, signed });
        }
        if self.seen.last().is_none_or(|seen| seen.size < size) {
            self.seen.push(Seen { size, root: signed });
        }
        Ok(())
    }

    fn read(&mut self, entry: &[u8], checkpoint: &Checkpoint) -> Result<(), Distrust> {
        match Leaf::parse(entry) {
            Ok(leaf) => {
                self.stated.hear(self.tree.size(), &leaf);
                self.recount.leaf(&leaf);
            }
            Err(_) => self.recount.push(entry),
        }
        self.tree.append(leaf_hash(entry));
        let size = self.tree.size();
        match self.seen.binary_search_by_key(&size, |seen| seen.size) {
            // In a larger tree than the one that was seen last there is no other; its own root is compared at the end.
            Ok(at) if size < checkpoint.size && self.seen[at].root != self.tree.root() => {
                Err(Distrust::Forked { seen: size, now: checkpoint.size })
            }
            Ok(_) | Err(_) => Ok(()),
        }
    }

    async fn tile(&self, tile: Tile) -> Result<Vec<u8>, Distrust> {
        let bytes_max = match tile.kind {
            Kind::Entries => BUNDLE_BYTES_MAX,
            Kind::Hashes { .. } => usize::from(WIDTH) * 32,
        };
        match self.web.get(&format!("log/{tile}"), bytes_max).await {
            // A partial tile may have been replaced by the full one.
            Err(WebError::Answered { .. }) if !tile.is_full() => {
                let full = self.web.get(&format!("log/{}", tile.full()), bytes_max).await?;
                tile.cut_from(&full).map_err(|refused| Distrust::Tile {
                    tile: tile.full().to_string(),
                    why: refused.to_string(),
                })
            }
            read => Ok(read?),
        }
    }
}
