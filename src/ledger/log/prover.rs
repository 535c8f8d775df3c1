//! Proofs from the tiles of this node. What was hashed for one proof is kept for the next ones.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use apricot_tlog::merkle::{self, Hash, Node, ProveError};
use apricot_tlog::tile::{Expanded, Tile};

use super::{LogError, NO_PANIC};
use crate::store::tiles::TileFolder;

/// 16 KiB each: tiles of a quarter of a million leaves.
const TILES_KEPT_MAX: usize = 1_024;

pub struct Prover {
    folder: TileFolder,
    kept: Mutex<HashMap<Tile, Arc<Expanded>>>,
}

impl Prover {
    pub fn new(folder: TileFolder) -> Self {
        Self { folder, kept: Mutex::default() }
    }

    /// The tiles are made again, and may become others.
    pub fn forget(&self) {
        self.kept.lock().expect(NO_PANIC).clear();
    }

    pub fn inclusion(&self, index: u64, size: u64) -> Result<Vec<Hash>, LogError> {
        let proof = merkle::inclusion(index, size, |node| self.node(node, size));
        proof.map_err(|error: ProveError<LogError>| LogError::Proof(error.to_string()))
    }

    fn node(&self, node: Node, size: u64) -> Result<Hash, LogError> {
        let tile =
            Tile::of_node(node, size).ok_or_else(|| LogError::Proof(format!("{node:?} is in no tile")))?;
        let hash = self.tile(tile)?.node(node);
        hash.ok_or_else(|| LogError::Proof(format!("{tile} has not all of {node:?}")))
    }

    fn tile(&self, tile: Tile) -> Result<Arc<Expanded>, LogError> {
        if let Some(known) = self.kept.lock().expect(NO_PANIC).get(&tile) {
            return Ok(known.clone());
        }
        let broken = |why: String| LogError::Proof(format!("{tile}: {why}"));
        let bytes = self.folder.read_or_cut(tile).map_err(|error| broken(error.to_string()))?;
        let expanded = Expanded::of(&bytes).ok_or_else(|| broken("these are no hashes".into()))?;
        let expanded = Arc::new(expanded);
        let mut kept = self.kept.lock().expect(NO_PANIC);
        if kept.len() >= TILES_KEPT_MAX {
            kept.clear();
        }
        kept.insert(tile, expanded.clone());
        Ok(expanded)
    }
}
