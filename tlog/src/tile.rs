//! Tiles of c2sp.org/tlog-tiles: the tree's hashes as static files of 256 hashes, and the entries beside them.

use std::fmt;
use std::str::FromStr;

use crate::encoding::decimal;
use crate::merkle::{self, Hash, Node, ProveError};

pub mod bundle;
mod edge;
mod expanded;

pub use edge::{Edge, EdgeRefused};
pub use expanded::Expanded;

/// Levels of the tree in one tile.
pub const HEIGHT: u8 = 8;
/// Hashes in a full tile, entries in a full bundle.
pub const WIDTH: u16 = 256;
/// 8 levels of the tree each: 64-bit sizes need no more.
const LEVEL_MAX: u8 = 63;
/// "tile/entries/" and seven groups of three digits with their marks and a width.
const PATH_BYTES_MAX: usize = 64;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Level 0 has the hashes of leaves; above, each hash is that of a full tile below.
    Hashes {
        level: u8,
    },
    Entries,
}

/// The name of one file. `Display` and `FromStr` are its path below the log's prefix: `tile/0/x001/x234/067.p/5`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tile {
    pub kind: Kind,
    pub index: u64,
    /// 1..=255 of a partial tile, 256 of a full one.
    pub width: u16,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "no path of a tile: tile/<0..=63 or entries>/<index in groups of three digits>[.p/<1..=255>] is wanted"
)]
pub struct PathRefused;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TileError<E> {
    #[error("{tile} has {bytes} bytes instead of {}", usize::from(tile.width) * 32)]
    Length { tile: Tile, bytes: usize },
    #[error(transparent)]
    Read(E),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CutRefused {
    #[error("it has fewer hashes than the partial tile")]
    Short,
    #[error(transparent)]
    Bundle(#[from] bundle::BundleRefused),
}

impl Tile {
    pub fn is_full(&self) -> bool {
        self.width == WIDTH
    }

    /// The full tile that takes its place one day.
    pub fn full(self) -> Self {
        Self { width: WIDTH, ..self }
    }

    /// As much of a wider tile's bytes as this one has; the hashes, or the entries, that both have are the same.
    pub fn cut_from(&self, wider: &[u8]) -> Result<Vec<u8>, CutRefused> {
        match self.kind {
            Kind::Hashes { .. } => {
                let bytes = usize::from(self.width) * 32;
                wider.get(..bytes).map(<[u8]>::to_vec).ok_or(CutRefused::Short)
            }
            Kind::Entries => Ok(bundle::first(wider, self.width)?.to_vec()),
        }
    }

    /// The first leaf or, above level 0, the first hash of the level.
    fn first(&self) -> u64 {
        self.index << HEIGHT
    }

    /// The tile with this number at a level, as wide as it is in a tree of `size`. `None`: that tree has none of it.
    pub fn in_tree(kind: Kind, index: u64, size: u64) -> Option<Self> {
        let length = length(kind, size);
        let first = index.checked_mul(u64::from(WIDTH)).filter(|first| *first < length)?;
        let width = u16::try_from((length - first).min(u64::from(WIDTH))).ok()?;
        Some(Self { kind, index, width })
    }

    /// The bundle that has an entry, in a tree of `size`.
    pub fn of_entry(index: u64, size: u64) -> Option<Self> {
        Self::in_tree(Kind::Entries, index >> HEIGHT, size)
    }

    /// The tile that a subtree's hash is in or is computed from, in a tree of `size`.
    pub fn of_node(node: Node, size: u64) -> Option<Self> {
        let (level, inside) = (node.level / HEIGHT, node.level % HEIGHT);
        let end = node.index.checked_add(1)?.checked_mul(1 << inside)?;
        let tile = Self::in_tree(Kind::Hashes { level }, node.index >> (HEIGHT - inside), size)?;
        (end <= tile.first() + u64::from(tile.width)).then_some(tile)
    }

    /// Every tile of a tree, lower levels first and entries last. It is made as it is read, since trees can be large.
    pub fn all(size: u64) -> impl Iterator<Item = Self> {
        Self::added(0, size)
    }

    /// What a tree of `new` leaves has that one of `old` has not: full tiles and the partial ones of `new`.
    pub fn added(old: u64, new: u64) -> impl Iterator<Item = Self> {
        let levels = (0..=LEVEL_MAX).map(|level| Kind::Hashes { level });
        let kinds = levels.take_while(move |kind| length(*kind, new) > 0).chain([Kind::Entries]);
        kinds.filter(move |kind| length(*kind, new) > length(*kind, old)).flat_map(move |kind| {
            let (from, to) = (length(kind, old) >> HEIGHT, length(kind, new).div_ceil(u64::from(WIDTH)));
            (from..to).filter_map(move |index| Self::in_tree(kind, index, new))
        })
    }

    /// The partial tiles of a tree, lower levels first and entries last.
    pub fn partial(size: u64) -> impl Iterator<Item = Self> {
        let kinds = (0..=LEVEL_MAX).map(|level| Kind::Hashes { level }).chain([Kind::Entries]);
        let last = kinds.filter_map(move |kind| Self::in_tree(kind, length(kind, size) >> HEIGHT, size));
        last.filter(|tile| !tile.is_full())
    }
}

/// Hashes of a level, or entries, in a tree of `size`.
fn length(kind: Kind, size: u64) -> u64 {
    match kind {
        Kind::Hashes { level } => size.checked_shr(u32::from(level) * u32::from(HEIGHT)).unwrap_or(0),
        Kind::Entries => size,
    }
}

/// The hash of a subtree, from the bytes of the tiles of a tree of `size`.
fn node<E, B: AsRef<[u8]>>(
    node: Node,
    size: u64,
    read: &mut impl FnMut(Tile) -> Result<B, E>,
) -> Result<Hash, TileError<E>> {
    let tile = Tile::of_node(node, size).expect("proofs consist of subtrees of the tree");
    let bytes = read(tile).map_err(TileError::Read)?;
    let bytes = bytes.as_ref();
    let (hashes, rest) = bytes.as_chunks::<32>();
    if hashes.len() != usize::from(tile.width) || !rest.is_empty() {
        return Err(TileError::Length { tile, bytes: bytes.len() });
    }
    let inside = node.level % HEIGHT;
    let first = usize::try_from((node.index << inside) - tile.first()).expect("below 256");
    Ok(merkle::root_of(hashes[first..first + (1 << inside)].iter().map(|hash| Hash(*hash))))
}

pub fn inclusion<E, B: AsRef<[u8]>>(
    index: u64,
    size: u64,
    mut read: impl FnMut(Tile) -> Result<B, E>,
) -> Result<Vec<Hash>, ProveError<TileError<E>>> {
    merkle::inclusion(index, size, |at| node(at, size, &mut read))
}

pub fn consistency<E, B: AsRef<[u8]>>(
    old: u64,
    new: u64,
    mut read: impl FnMut(Tile) -> Result<B, E>,
) -> Result<Vec<Hash>, ProveError<TileError<E>>> {
    merkle::consistency(old, new, |at| node(at, new, &mut read))
}

pub fn root<E, B: AsRef<[u8]>>(
    size: u64,
    mut read: impl FnMut(Tile) -> Result<B, E>,
) -> Result<Hash, TileError<E>> {
    merkle::root(size, |at| node(at, size, &mut read))
}

/// The tiles to fetch before a proof can be made, each once.
pub fn needed(ranges: &[merkle::Range], size: u64) -> Vec<Tile> {
    let nodes = ranges.iter().flat_map(|range| range.nodes());
    let mut tiles: Vec<Tile> = nodes.filter_map(|node| Tile::of_node(node, size)).collect();
    tiles.sort_unstable();
    tiles.dedup();
    tiles
}

impl fmt::Display for Tile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            Kind::Hashes { level } => write!(f, "tile/{level}/")?,
            Kind::Entries => f.write_str("tile/entries/")?,
        }
        // 20 digits at most: 18446744073709551615 is 18 446 744 073 709 551 615.
        let groups: Vec<u64> = (0..7).map(|group| self.index / 1_000_u64.pow(group) % 1_000).collect();
        let highest = groups.iter().rposition(|group| *group > 0).unwrap_or(0);
        for group in (1..=highest).rev() {
            write!(f, "x{:03}/", groups[group])?;
        }
        write!(f, "{:03}", groups[0])?;
        if self.is_full() { Ok(()) } else { write!(f, ".p/{}", self.width) }
    }
}

impl FromStr for Tile {
    type Err = PathRefused;

    fn from_str(path: &str) -> Result<Self, PathRefused> {
        let tile = if path.len() <= PATH_BYTES_MAX { parsed(path) } else { None };
        // One name for each tile: whatever else reads as the same numbers is refused.
        tile.filter(|tile| tile.to_string() == path).ok_or(PathRefused)
    }
}

fn parsed(path: &str) -> Option<Tile> {
    let (kind, rest) = path.strip_prefix("tile/")?.split_once('/')?;
    let kind = match kind {
        "entries" => Kind::Entries,
        level => Kind::Hashes {
            level: decimal(level).and_then(|level| u8::try_from(level).ok()).filter(|l| *l <= LEVEL_MAX)?,
        },
    };
    let (groups, width) = match rest.split_once(".p/") {
        Some((groups, width)) => {
            (groups, decimal(width).and_then(|width| u16::try_from(width).ok()).filter(|w| *w < WIDTH)?)
        }
        None => (rest, WIDTH),
    };
    let index = groups.split('/').try_fold(0_u64, |index, group| {
        let digits = group.strip_prefix('x').unwrap_or(group);
        let number: u64 = digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse().ok())??;
        index.checked_mul(1_000)?.checked_add(number)
    })?;
    (width > 0).then_some(Tile { kind, index, width })
}
