//! A tile with the levels inside it, for who makes many proofs.

use super::HEIGHT;
use crate::merkle::{Hash, node_hash};

/// 16 KiB of a full tile, so that a proof hashes nothing that was hashed before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expanded {
    /// Whole subtrees only, so a partial tile has fewer on each level.
    levels: [Vec<Hash>; HEIGHT as usize],
}

impl Expanded {
    /// `None`: not 1..=256 whole hashes.
    pub fn of(bytes: &[u8]) -> Option<Self> {
        let (hashes, rest) = bytes.as_chunks::<32>();
        if !(1..=256).contains(&hashes.len()) || !rest.is_empty() {
            return None;
        }
        let mut levels: [Vec<Hash>; HEIGHT as usize] = Default::default();
        levels[0] = hashes.iter().map(|hash| Hash(*hash)).collect();
        for level in 1..levels.len() {
            let (pairs, _) = levels[level - 1].as_chunks::<2>();
            levels[level] = pairs.iter().map(|[left, right]| node_hash(*left, *right)).collect();
        }
        Some(Self { levels })
    }

    /// The hash of a subtree (`Tile::of_node` says in which tile it is).
    pub fn node(&self, node: crate::merkle::Node) -> Option<Hash> {
        let inside = node.level % HEIGHT;
        let at = node.index & ((1 << (HEIGHT - inside)) - 1);
        self.levels[usize::from(inside)].get(usize::try_from(at).ok()?).copied()
    }
}
