//! Proofs, verified as RFC 9162 has it (2.1.3.2 and 2.1.4.2; the trees are those of RFC 6962).

use super::{Hash, node_hash};

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofRefused {
    #[error("leaf {index} is not in a tree of {size}")]
    NotInTree { index: u64, size: u64 },
    #[error("the tree shrank from {old} to {new} leaves")]
    Shrinks { old: u64, new: u64 },
    #[error("the proof has {hashes} hashes, too few for these sizes")]
    TooShort { hashes: usize },
    #[error("the proof has {hashes} hashes, too many for these sizes")]
    TooLong { hashes: usize },
    #[error("the proof leads to the root {found:?} instead of {root:?}")]
    OtherRoot { found: Hash, root: Hash },
    #[error("the proof leads to another old root, {found:?} instead of {root:?}: the log was rewritten")]
    OtherOldRoot { found: Hash, root: Hash },
}

/// The leaf stands at `index` of the tree of `size` leaves that has this root.
pub fn included(index: u64, size: u64, leaf: Hash, proof: &[Hash], root: Hash) -> Result<(), ProofRefused> {
    if index >= size {
        return Err(ProofRefused::NotInTree { index, size });
    }
    let (mut at, mut last, mut hash) = (index, size - 1, leaf);
    for sibling in proof {
        if last == 0 {
            return Err(ProofRefused::TooLong { hashes: proof.len() });
        }
        if at & 1 == 1 || at == last {
            hash = node_hash(*sibling, hash);
            // A subtree at the right edge has no sibling on some levels.
            let up = if at & 1 == 1 { 0 } else { at.trailing_zeros() };
            (at, last) = (at >> up, last >> up);
        } else {
            hash = node_hash(hash, *sibling);
        }
        (at, last) = (at >> 1, last >> 1);
    }
    if last != 0 {
        return Err(ProofRefused::TooShort { hashes: proof.len() });
    }
    if hash != root {
        return Err(ProofRefused::OtherRoot { found: hash, root });
    }
    Ok(())
}

/// The tree of `new` leaves begins with the tree of `old`, as its roots say.
pub fn consistent(
    old: u64,
    old_root: Hash,
    new: u64,
    new_root: Hash,
    proof: &[Hash],
) -> Result<(), ProofRefused> {
    if old > new {
        return Err(ProofRefused::Shrinks { old, new });
    }
    let other_old = |found| ProofRefused::OtherOldRoot { found, root: old_root };
    if old == 0 || old == new {
        if !proof.is_empty() {
            return Err(ProofRefused::TooLong { hashes: proof.len() });
        }
        let found = if old == 0 { Hash::empty() } else { new_root };
        return if found == old_root { Ok(()) } else { Err(other_old(found)) };
    }
    // A whole subtree of the new tree is its own first hash.
    let own = old.is_power_of_two().then_some(&old_root);
    let mut hashes = own.into_iter().chain(proof);
    let up = (old - 1).trailing_ones();
    let (mut at, mut last) = ((old - 1) >> up, (new - 1) >> up);
    let Some(first) = hashes.next() else {
        return Err(ProofRefused::TooShort { hashes: proof.len() });
    };
    let (mut of_old, mut of_new) = (*first, *first);
    for sibling in hashes {
        if last == 0 {
            return Err(ProofRefused::TooLong { hashes: proof.len() });
        }
        if at & 1 == 1 || at == last {
            of_old = node_hash(*sibling, of_old);
            of_new = node_hash(*sibling, of_new);
            let up = if at & 1 == 1 { 0 } else { at.trailing_zeros() };
            (at, last) = (at >> up, last >> up);
        } else {
            of_new = node_hash(of_new, *sibling);
        }
        (at, last) = (at >> 1, last >> 1);
    }
    if last != 0 {
        return Err(ProofRefused::TooShort { hashes: proof.len() });
    }
    if of_old != old_root {
        return Err(other_old(of_old));
    }
    if of_new != new_root {
        return Err(ProofRefused::OtherRoot { found: of_new, root: new_root });
    }
    Ok(())
}
