//! Merkle trees of RFC 6962, section 2.1, over SHA-256.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sha2::{Digest, Sha256};

use crate::encoding;

mod prove;
mod verify;

pub use prove::{
    Node, ProveError, Range, consistency, consistency_ranges, inclusion, inclusion_ranges, root,
};
pub use verify::{ProofRefused, consistent, included};

/// A proof has one hash for each level at most; sizes are 64 bits.
pub const PROOF_HASHES_MAX: usize = 63;

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash(pub [u8; 32]);

impl Hash {
    /// Of the tree without leaves: SHA-256 of nothing.
    pub fn empty() -> Self {
        Self::of(b"")
    }

    /// Plain SHA-256.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    pub fn from_hex(text: &str) -> Option<Self> {
        encoding::from_hex(text).map(Self)
    }

    pub fn to_hex(self) -> String {
        encoding::hex(&self.0)
    }

    pub fn from_base64(text: &str) -> Option<Self> {
        // Before decoding: 32 bytes are 44 characters.
        if text.len() != 44 {
            return None;
        }
        encoding::from_base64(text)?.try_into().ok().map(Self)
    }

    pub fn to_base64(self) -> String {
        encoding::base64(&self.0)
    }
}

pub fn leaf_hash(entry: &[u8]) -> Hash {
    Hash(Sha256::new().chain_update([0]).chain_update(entry).finalize().into())
}

pub fn node_hash(left: Hash, right: Hash) -> Hash {
    // One call: three updates cost more than the hash.
    let mut bytes = [1; 65];
    bytes[1..33].copy_from_slice(&left.0);
    bytes[33..].copy_from_slice(&right.0);
    Hash::of(&bytes)
}

/// As much of a tree as appending needs: the root of each perfect subtree, the largest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tree {
    size: u64,
    peaks: Vec<Hash>,
}

impl Tree {
    pub fn size(&self) -> u64 {
        self.size
    }

    pub fn append(&mut self, leaf: Hash) {
        let mut hash = leaf;
        for _ in 0..self.size.trailing_ones() {
            let left = self.peaks.pop().expect("one peak for each bit of the size");
            hash = node_hash(left, hash);
        }
        self.peaks.push(hash);
        self.size += 1;
    }

    pub fn root(&self) -> Hash {
        folded(&self.peaks).unwrap_or_else(Hash::empty)
    }
}

/// The root over perfect subtrees that stand beside each other, the largest first.
fn folded(peaks: &[Hash]) -> Option<Hash> {
    let (last, rest) = peaks.split_last()?;
    Some(rest.iter().rev().fold(*last, |right, left| node_hash(*left, right)))
}

/// The root of a whole tree, from the hashes of its leaves.
pub fn root_of(leaves: impl IntoIterator<Item = Hash>) -> Hash {
    let mut tree = Tree::default();
    leaves.into_iter().for_each(|leaf| tree.append(leaf));
    tree.root()
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_hex())
    }
}

/// JSON carries it as 64 hex digits.
impl Serialize for Hash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.to_hex())
    }
}

impl<'de> Deserialize<'de> for Hash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        Self::from_hex(&text).ok_or_else(|| de::Error::custom("64 lower-case hex digits are wanted"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The roots that RFC 6962's reference implementation tests with, for the first of its eight leaves.
    #[test]
    fn roots_of_the_reference_implementation() {
        let leaves: [&[u8]; 8] = [
            b"",
            b"\x00",
            b"\x10",
            b"\x20\x21",
            b"\x30\x31",
            b"\x40\x41\x42\x43",
            b"\x50\x51\x52\x53\x54\x55\x56\x57",
            b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
        ];
        let roots = [
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
            "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
            "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
            "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        ];
        let mut tree = Tree::default();
        assert_eq!(tree.root().to_hex(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        for (leaf, root) in leaves.into_iter().zip(roots) {
            tree.append(leaf_hash(leaf));
            assert_eq!(tree.root().to_hex(), root, "size {}", tree.size());
        }
    }
}
