//! Proofs, made from the hashes of perfect subtrees wherever they are kept.

use super::{Hash, folded};

/// A perfect subtree: the leaves from `index << level` on, `1 << level` of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Node {
    pub level: u8,
    pub index: u64,
}

/// Leaves `from..to` of a tree, whose hash is one hash of a proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    pub from: u64,
    pub to: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProveError<E> {
    #[error("leaf {index} is not in a tree of {size}")]
    NotInTree { index: u64, size: u64 },
    #[error("a tree of {new} has no tree of {old} inside")]
    Shrinks { old: u64, new: u64 },
    #[error(transparent)]
    Read(#[from] E),
}

impl Range {
    /// The perfect subtrees it consists of, the largest first.
    pub fn nodes(self) -> impl Iterator<Item = Node> {
        let length = self.to - self.from;
        let mut at = self.from;
        (0..64).rev().filter(move |level| length >> level & 1 == 1).map(move |level| {
            let node = Node { level, index: at >> level };
            at += 1 << level;
            node
        })
    }

    fn hash<E>(self, read: &mut impl FnMut(Node) -> Result<Hash, E>) -> Result<Hash, E> {
        let peaks: Vec<Hash> = self.nodes().map(read).collect::<Result<_, _>>()?;
        Ok(folded(&peaks).unwrap_or_else(Hash::empty))
    }
}

/// What the inclusion proof of a leaf consists of, from the leaf's sibling up. `None`: the leaf is not in the tree.
pub fn inclusion_ranges(index: u64, size: u64) -> Option<Vec<Range>> {
    if index >= size {
        return None;
    }
    let (mut from, mut to, mut ranges) = (0, size, Vec::new());
    while to - from > 1 {
        let middle = from + split(to - from);
        if index < middle {
            ranges.push(Range { from: middle, to });
            to = middle;
        } else {
            ranges.push(Range { from, to: middle });
            from = middle;
        }
    }
    ranges.reverse();
    Some(ranges)
}

/// What the proof consists of that the tree of `new` leaves begins with the one of `old`. `None`: it cannot, because it is smaller.
pub fn consistency_ranges(old: u64, new: u64) -> Option<Vec<Range>> {
    if old > new {
        return None;
    }
    // The empty tree is the beginning of every tree.
    if old == 0 || old == new {
        return Some(Vec::new());
    }
    let (mut from, mut to, mut ranges) = (0, new, Vec::new());
    while old != to {
        let middle = from + split(to - from);
        if old <= middle {
            ranges.push(Range { from: middle, to });
            to = middle;
        } else {
            ranges.push(Range { from, to: middle });
            from = middle;
        }
    }
    // A verifier has the hash of the old tree when that is a subtree of the new one.
    if from != 0 {
        ranges.push(Range { from, to });
    }
    ranges.reverse();
    Some(ranges)
}

pub fn inclusion<E>(
    index: u64,
    size: u64,
    read: impl FnMut(Node) -> Result<Hash, E>,
) -> Result<Vec<Hash>, ProveError<E>> {
    let ranges = inclusion_ranges(index, size).ok_or(ProveError::NotInTree { index, size })?;
    hashes(&ranges, read)
}

pub fn consistency<E>(
    old: u64,
    new: u64,
    read: impl FnMut(Node) -> Result<Hash, E>,
) -> Result<Vec<Hash>, ProveError<E>> {
    let ranges = consistency_ranges(old, new).ok_or(ProveError::Shrinks { old, new })?;
    hashes(&ranges, read)
}

pub fn root<E>(size: u64, mut read: impl FnMut(Node) -> Result<Hash, E>) -> Result<Hash, E> {
    Range { from: 0, to: size }.hash(&mut read)
}

fn hashes<E>(
    ranges: &[Range],
    mut read: impl FnMut(Node) -> Result<Hash, E>,
) -> Result<Vec<Hash>, ProveError<E>> {
    let hashes: Result<_, E> = ranges.iter().map(|range| range.hash(&mut read)).collect();
    Ok(hashes?)
}

/// The largest power of two below `length`, which is 2 at least.
fn split(length: u64) -> u64 {
    1 << (length - 1).ilog2()
}
