//! Trees, tiles and proofs: every small size, random large ones, and against the code of others.

use std::collections::HashMap;
use std::convert::Infallible;
use std::iter;
use std::sync::LazyLock;

use apricot_tlog::merkle::{
    self, Hash, Node, ProofRefused, Tree, consistency_ranges, consistent, included, inclusion_ranges,
    leaf_hash, node_hash,
};
use apricot_tlog::tile::{self, Edge, Expanded, Kind, Tile};
use proptest::prelude::*;
use tlog_tiles::{HashReader, TileHashReader, TileReader};

/// A log that keeps everything it was ever asked to: full tiles, and the partial ones of its size.
#[derive(Default)]
struct Kept {
    edge: Edge,
    full: HashMap<Tile, Vec<u8>>,
    tree: Tree,
    leaves: Vec<Hash>,
}

impl Kept {
    fn of(size: u64) -> Self {
        let mut kept = Self::default();
        (0..size).for_each(|n| kept.append(leaf_hash(&n.to_be_bytes())));
        kept
    }

    fn append(&mut self, leaf: Hash) {
        self.edge.append(leaf, |tile, bytes| assert_eq!(self.full.insert(tile, bytes), None, "{tile} twice"));
        self.tree.append(leaf);
        self.leaves.push(leaf);
    }

    /// A tile as a tree of any earlier size has it.
    fn read(&self, tile: Tile) -> Result<Vec<u8>, Infallible> {
        let partial = || self.edge.partial().find(|(kept, _)| kept.full() == tile.full()).expect("a tile").1;
        let bytes = self.full.get(&tile.full()).map_or_else(partial, Vec::as_slice);
        Ok(bytes[..usize::from(tile.width) * 32].to_vec())
    }

    fn inclusion(&self, index: u64, size: u64) -> Vec<Hash> {
        tile::inclusion(index, size, |tile| self.read(tile)).expect("a leaf of the tree")
    }

    fn consistency(&self, old: u64, new: u64) -> Vec<Hash> {
        tile::consistency(old, new, |tile| self.read(tile)).expect("a smaller tree")
    }

    fn root(&self, size: u64) -> Hash {
        tile::root(size, |tile| self.read(tile)).expect("a tree")
    }
}

/// RFC 6962 2.1, word by word.
fn mth(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => Hash::empty(),
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
            node_hash(mth(left), mth(right))
        }
    }
}

/// RFC 6962 2.1.1.
fn path(index: usize, leaves: &[Hash]) -> Vec<Hash> {
    if leaves.len() == 1 {
        return Vec::new();
    }
    let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
    let (mut inner, other) = if index < left.len() {
        (path(index, left), mth(right))
    } else {
        (path(index - left.len(), right), mth(left))
    };
    inner.push(other);
    inner
}

/// RFC 6962 2.1.2.
fn subproof(old: usize, leaves: &[Hash], whole: bool) -> Vec<Hash> {
    if old == leaves.len() {
        return if whole { Vec::new() } else { vec![mth(leaves)] };
    }
    let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
    let (mut inner, other) = if old <= left.len() {
        (subproof(old, left, whole), mth(right))
    } else {
        (subproof(old - left.len(), right, false), mth(left))
    };
    inner.push(other);
    inner
}

#[test]
fn proofs_are_those_of_the_rfc() {
    let kept = Kept::of(70);
    for size in 1..=70_u64 {
        let leaves = &kept.leaves[..usize::try_from(size).unwrap()];
        assert_eq!(kept.root(size), mth(leaves));
        for index in 0..size {
            let at = usize::try_from(index).unwrap();
            assert_eq!(kept.inclusion(index, size), path(at, leaves), "leaf {index} of {size}");
            assert_eq!(
                kept.consistency(index + 1, size),
                subproof(at + 1, leaves, true),
                "{index} to {size}"
            );
        }
    }
}

#[test]
fn proofs_of_every_size_hold() {
    let kept = Kept::of(300);
    let mut tree = Tree::default();
    let mut roots = vec![tree.root()];
    for leaf in &kept.leaves {
        tree.append(*leaf);
        roots.push(tree.root());
    }
    // Every size would take minutes; around a full tile all of them.
    for size in (0..=300).filter(|size| *size < 34 || size % 23 == 3 || (254..260).contains(size)) {
        let root = roots[size];
        let new = u64::try_from(size).unwrap();
        assert_eq!(kept.root(new), root);
        for (at, (leaf, old_root)) in (0..new).zip(kept.leaves.iter().zip(&roots)) {
            let proof = kept.inclusion(at, new);
            assert_eq!(included(at, new, *leaf, &proof, root), Ok(()), "{at} of {size}");
            let proof = kept.consistency(at, new);
            assert_eq!(consistent(at, *old_root, new, root, &proof), Ok(()), "{at} to {size}");
        }
        assert_eq!(consistent(new, root, new, root, &[]), Ok(()));
    }
}

#[test]
fn what_sizes_rule_out_is_refused_by_name() {
    let kept = Kept::of(7);
    let (root, leaf, proof) = (kept.tree.root(), kept.leaves[5], kept.inclusion(5, 7));
    let more = [&proof[..], &[leaf]].concat();
    assert_eq!(included(7, 7, leaf, &proof, root), Err(ProofRefused::NotInTree { index: 7, size: 7 }));
    assert_eq!(included(0, 0, leaf, &[], root), Err(ProofRefused::NotInTree { index: 0, size: 0 }));
    assert_eq!(included(5, 7, leaf, &proof[1..], root), Err(ProofRefused::TooShort { hashes: 2 }));
    assert_eq!(included(5, 7, leaf, &more, root), Err(ProofRefused::TooLong { hashes: 4 }));
    let old = mth(&kept.leaves[..5]);
    let proof = kept.consistency(5, 7);
    assert_eq!(consistent(7, root, 5, old, &[]), Err(ProofRefused::Shrinks { old: 7, new: 5 }));
    assert_eq!(consistent(5, old, 7, root, &[]), Err(ProofRefused::TooShort { hashes: 0 }));
    assert!(matches!(consistent(5, root, 7, root, &proof), Err(ProofRefused::OtherOldRoot { .. })));
    assert!(matches!(consistent(5, old, 7, old, &proof), Err(ProofRefused::OtherRoot { .. })));
    assert_eq!(consistent(0, Hash::empty(), 7, root, &[old]), Err(ProofRefused::TooLong { hashes: 1 }));
    assert!(matches!(consistent(0, root, 7, root, &[]), Err(ProofRefused::OtherOldRoot { .. })));
    assert!(matches!(consistent(7, old, 7, root, &[]), Err(ProofRefused::OtherOldRoot { .. })));
    assert_eq!(inclusion_ranges(3, 3), None);
    assert_eq!(consistency_ranges(4, 3), None);
}

#[test]
fn paths_are_those_of_the_specification() {
    let path = |kind, index, width| Tile { kind, index, width }.to_string();
    let level = |level| Kind::Hashes { level };
    assert_eq!(path(level(0), 1_234_067, 256), "tile/0/x001/x234/067");
    assert_eq!(path(level(1), 17, 112), "tile/1/017.p/112");
    assert_eq!(path(Kind::Entries, 0, 256), "tile/entries/000");
    assert_eq!(path(level(63), u64::MAX, 1), "tile/63/x018/x446/x744/x073/x709/x551/615.p/1");
    let good = ["tile/0/000", "tile/0/x001/x234/067", "tile/entries/x001/000.p/255", "tile/63/999.p/1"];
    for path in good {
        assert_eq!(path.parse::<Tile>().unwrap().to_string(), path);
    }
    let bad = [
        "",
        "tile",
        "tile/0",
        "tile/0/",
        "tile/0/0",
        "tile/0/00",
        "tile/0/0000",
        "tile/00/000",
        "tile/64/000",
        "tile/0/x000/000",
        "tile/0/001/000",
        "tile/0/x001/x000",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/01",
        "tile/0/000.p",
        "tile/0/000.p/",
        "tile/0/000.p/1/",
        "tile/0/000/",
        "/tile/0/000",
        "tile/-1/000",
        "tile/data/000",
        "tile/entries/+01",
        "tile/0/x001/../001",
        "tile/8/0/000",
        "tile/0/x-01/001",
        "tile/0/x018/x446/x744/x073/x709/x551/616",
        "tile/0/xx01/001",
        "tile/0/001.p/1.p/1",
        "tile/0/００１",
    ];
    for path in bad {
        assert!(path.parse::<Tile>().is_err(), "{path}");
    }
}

#[test]
fn tiles_of_a_tree_are_those_of_the_specification() {
    let of = |size, level| {
        let tiles: Vec<Tile> = Tile::all(size).filter(|tile| tile.kind == Kind::Hashes { level }).collect();
        (tiles.iter().filter(|tile| tile.is_full()).count(), tiles.last().map_or(0, |tile| tile.width))
    };
    assert_eq!(
        [of(70_000, 0), of(70_000, 1), of(70_000, 2), of(70_000, 3)],
        [(273, 112), (1, 17), (0, 1), (0, 0)]
    );
    assert_eq!([of(256, 0), of(256, 1)], [(1, 256), (0, 1)]);
    assert_eq!(Tile::all(0).count(), 0);
    let added = |old, new| Tile::added(old, new).map(|tile| tile.to_string()).collect::<Vec<_>>();
    assert_eq!(added(255, 256), ["tile/0/000", "tile/1/000.p/1", "tile/entries/000"]);
    assert_eq!(added(256, 257), ["tile/0/001.p/1", "tile/entries/001.p/1"]);
    assert_eq!(added(7, 7), [""; 0]);
}

/// Their tile with our bytes.
struct Theirs<'a>(&'a Kept, u64);

impl TileReader for Theirs<'_> {
    fn height(&self) -> u8 {
        8
    }

    fn read_tiles(&self, tiles: &[tlog_tiles::Tile]) -> Result<Vec<Vec<u8>>, tlog_tiles::tlog::Error> {
        let ours = tiles.iter().map(|theirs| {
            let ours = Tile {
                kind: Kind::Hashes { level: theirs.level() },
                index: theirs.level_index(),
                width: u16::try_from(theirs.width()).unwrap(),
            };
            assert_eq!(ours.to_string(), theirs.path().replacen("tile/8/", "tile/", 1));
            let in_tree = Tile::in_tree(ours.kind, ours.index, self.1).unwrap();
            assert!(ours.width <= in_tree.width, "{ours} is not in a tree of {}", self.1);
            self.0.read(ours).unwrap()
        });
        Ok(ours.collect())
    }

    fn save_tiles(&self, _tiles: &[tlog_tiles::Tile], _data: &[Vec<u8>]) {}
}

fn theirs(hash: Hash) -> tlog_tiles::Hash {
    tlog_tiles::Hash(hash.0)
}

fn check_against_theirs(kept: &Kept, index: u64, old: u64, size: u64) {
    let (root, old_root) = (kept.root(size), kept.root(old));
    let leaf = kept.leaves[usize::try_from(index).unwrap()];
    let tiles = Theirs(kept, size);
    let reader = TileHashReader::new(size, theirs(root), &tiles);
    assert_eq!(tlog_tiles::tlog::tree_hash(size, &reader).unwrap(), theirs(root));
    let (ours, made) =
        (kept.inclusion(index, size), tlog_tiles::tlog::prove_record(size, index, &reader).unwrap());
    assert_eq!(ours.iter().copied().map(theirs).collect::<Vec<_>>(), made);
    tlog_tiles::tlog::check_record(&made, size, theirs(root), index, theirs(leaf)).unwrap();
    let (ours, made) =
        (kept.consistency(old, size), tlog_tiles::tlog::prove_tree(size, old, &reader).unwrap());
    assert_eq!(ours.iter().copied().map(theirs).collect::<Vec<_>>(), made);
    tlog_tiles::tlog::check_tree(&made, size, theirs(root), old, theirs(old_root)).unwrap();
    assert_eq!(reader.read_hashes(&[tlog_tiles::tlog::stored_hash_index(0, index)]).unwrap(), [theirs(leaf)]);
}

#[test]
fn others_make_the_same_proofs_from_our_tiles() {
    let kept = Kept::of(66_000);
    for size in [1, 2, 3, 255, 256, 257, 511, 512, 513, 1_000, 65_535, 65_536, 65_537, 66_000] {
        for index in [0, size / 3, size - 1] {
            check_against_theirs(&kept, index, index + 1, size);
        }
    }
    // What we name as needed is enough, and what an expanded tile says is the same.
    let (index, size) = (12_345, 65_999);
    let needed = tile::needed(&inclusion_ranges(index, size).unwrap(), size);
    let fetched: HashMap<Tile, Vec<u8>> =
        needed.iter().map(|tile| (*tile, kept.read(*tile).unwrap())).collect();
    let read = |tile| Ok::<_, Infallible>(&fetched[&tile]);
    assert_eq!(tile::inclusion(index, size, read).unwrap(), kept.inclusion(index, size));
    let expanded: HashMap<Tile, Expanded> =
        fetched.iter().map(|(tile, bytes)| (*tile, Expanded::of(bytes).unwrap())).collect();
    let read = |node: Node| expanded[&Tile::of_node(node, size).unwrap()].node(node).ok_or(());
    assert_eq!(merkle::inclusion(index, size, read).unwrap(), kept.inclusion(index, size));
}

#[test]
fn a_log_goes_on_where_it_left_off() {
    for size in [0, 1, 255, 256, 257, 700] {
        let mut kept = Kept::of(size);
        let read = |tile| Ok::<_, tile::EdgeRefused>(kept.read(tile).unwrap());
        assert_eq!(Edge::resume(size, kept.tree.root(), read).unwrap().root(), kept.tree.root());
        let mut other = Edge::resume(size, kept.tree.root(), read).unwrap();
        (0..300).for_each(|_| other.append(Hash::empty(), |_, _| {}));
        (0..300).for_each(|_| kept.append(Hash::empty()));
        assert_eq!((other.root(), other.size()), (kept.tree.root(), size + 300));
    }
    let kept = Kept::of(700);
    let read = |tile| Ok::<_, tile::EdgeRefused>(kept.read(tile).unwrap());
    let root = Hash::empty();
    assert!(matches!(Edge::resume(700, root, read), Err(tile::EdgeRefused::OtherRoot { .. })));
    let short = |_| Ok::<_, tile::EdgeRefused>(vec![0; 31]);
    assert!(matches!(Edge::resume(700, root, short), Err(tile::EdgeRefused::Length { bytes: 31, .. })));
}

/// A large tree without its leaves: every perfect subtree of a level has the same hash.
fn of_large(node: Node) -> Result<Hash, Infallible> {
    static LEVELS: LazyLock<Vec<Hash>> = LazyLock::new(|| {
        iter::successors(Some(leaf_hash(b"same")), |hash| Some(node_hash(*hash, *hash))).take(64).collect()
    });
    Ok(LEVELS[usize::from(node.level)])
}

proptest! {
    #[test]
    fn proofs_of_large_trees_hold(size in 1..=u64::MAX / 4, index in any::<u64>(), old in any::<u64>(), bit in 0..256_usize, at in any::<prop::sample::Index>()) {
        let (index, old) = (index % size, 1 + old % size);
        let root = merkle::root(size, of_large).unwrap();
        let old_root = merkle::root(old, of_large).unwrap();
        let leaf = leaf_hash(b"same");
        let mut proof = merkle::inclusion(index, size, of_large).unwrap();
        prop_assert!(proof.len() <= merkle::PROOF_HASHES_MAX);
        prop_assert_eq!(included(index, size, leaf, &proof, root), Ok(()));
        if !proof.is_empty() {
            let at = at.index(proof.len());
            proof[at].0[bit / 8] ^= 1 << (bit % 8);
            prop_assert!(included(index, size, leaf, &proof, root).is_err());
        }
        let mut proof = merkle::consistency(old, size, of_large).unwrap();
        prop_assert!(proof.len() <= merkle::PROOF_HASHES_MAX);
        prop_assert_eq!(consistent(old, old_root, size, root, &proof), Ok(()));
        if !proof.is_empty() {
            let at = at.index(proof.len());
            proof[at].0[bit / 8] ^= 1 << (bit % 8);
            prop_assert!(consistent(old, old_root, size, root, &proof).is_err());
        }
    }

    /// Any hashes at all, at any sizes: an answer, no panic, and never that a foreign leaf is inside.
    #[test]
    fn foreign_proofs_are_refused(index in any::<u64>(), size in any::<u64>(), hashes in prop::collection::vec(any::<[u8; 32]>(), 0..70)) {
        let proof: Vec<Hash> = hashes.into_iter().map(Hash).collect();
        for (index, size) in [(index, size), (index % 300, size % 300), (index, u64::MAX), (u64::MAX - 1, u64::MAX)] {
            prop_assert!(included(index, size, leaf_hash(b"x"), &proof, Hash::of(b"root")).is_err());
            prop_assert!(consistent(index, Hash::of(b"old"), size, Hash::of(b"root"), &proof).is_err());
        }
    }

    #[test]
    fn paths_are_read_as_they_are_written(level in 0..=63_u8, index in any::<u64>(), width in 1..=256_u16, entries in any::<bool>()) {
        let tile = Tile { kind: if entries { Kind::Entries } else { Kind::Hashes { level } }, index, width };
        prop_assert_eq!(tile.to_string().parse(), Ok(tile));
        if !entries {
            let theirs = tlog_tiles::Tile::from_path(&tile.to_string().replacen("tile/", "tile/8/", 1)).unwrap();
            prop_assert_eq!((theirs.level(), theirs.level_index(), theirs.width()), (level, index, u32::from(width)));
        }
    }
}
