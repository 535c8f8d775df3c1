//! The right edge of a growing tree, from which tiles are written.

use super::{HEIGHT, Kind, Tile, WIDTH, node};
use crate::merkle::{self, Hash};

/// The last tile of each level as far as it is filled: 8 KiB for each factor of 256 in the size.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Edge {
    size: u64,
    levels: Vec<Vec<u8>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EdgeRefused {
    #[error("{tile} has {bytes} bytes instead of {}", usize::from(tile.width) * 32)]
    Length { tile: Tile, bytes: usize },
    #[error("the tiles have the root {found:?} instead of {root:?}")]
    OtherRoot { found: Hash, root: Hash },
}

impl Edge {
    /// Goes on where another left off, from the bytes of `Tile::partial(size)` as `read` gives them. The root says whether they are right.
    pub fn resume<E: From<EdgeRefused>>(
        size: u64,
        root: Hash,
        mut read: impl FnMut(Tile) -> Result<Vec<u8>, E>,
    ) -> Result<Self, E> {
        let mut edge = Self { size, levels: Vec::new() };
        for tile in Tile::partial(size) {
            let Kind::Hashes { level } = tile.kind else { continue };
            let bytes = read(tile)?;
            if bytes.len() != usize::from(tile.width) * 32 {
                return Err(EdgeRefused::Length { tile, bytes: bytes.len() }.into());
            }
            edge.levels.resize(usize::from(level) + 1, Vec::new());
            edge.levels[usize::from(level)] = bytes;
        }
        let found = edge.root();
        if found != root {
            return Err(EdgeRefused::OtherRoot { found, root }.into());
        }
        Ok(edge)
    }

    pub fn size(&self) -> u64 {
        self.size
    }

    /// `full` takes each tile that this leaf fills, lower levels first.
    pub fn append(&mut self, leaf: Hash, mut full: impl FnMut(Tile, Vec<u8>)) {
        let mut hash = leaf;
        for level in 0.. {
            if self.levels.len() <= usize::from(level) {
                self.levels.push(Vec::new());
            }
            let tile = &mut self.levels[usize::from(level)];
            tile.extend_from_slice(&hash.0);
            if tile.len() < usize::from(WIDTH) * 32 {
                break;
            }
            let bytes = std::mem::take(tile);
            let (hashes, _) = bytes.as_chunks::<32>();
            hash = merkle::root_of(hashes.iter().map(|hash| Hash(*hash)));
            let index = self.size >> (HEIGHT * (level + 1));
            full(Tile { kind: Kind::Hashes { level }, index, width: WIDTH }, bytes);
        }
        self.size += 1;
    }

    /// The partial tiles of this size, lower levels first.
    pub fn partial(&self) -> impl Iterator<Item = (Tile, &[u8])> {
        let tiles = Tile::partial(self.size);
        tiles.filter_map(|tile| match tile.kind {
            Kind::Hashes { level } => Some((tile, self.levels.get(usize::from(level))?.as_slice())),
            Kind::Entries => None,
        })
    }

    pub fn root(&self) -> Hash {
        let mut read = |tile: Tile| match tile.kind {
            Kind::Hashes { level } => Ok::<_, std::convert::Infallible>(&self.levels[usize::from(level)]),
            Kind::Entries => unreachable!("hashes are not among the entries"),
        };
        // Every peak of the tree stands in the last tile of its level, and that tile is here.
        merkle::root(self.size, |at| node(at, self.size, &mut read)).expect("tiles as wide as the size says")
    }
}
