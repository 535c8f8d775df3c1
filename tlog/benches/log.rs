//! What the log costs: a tree of many leaves with its tiles, proofs from the tiles, a signed checkpoint, and a recount of everything.
//!
//!     cargo bench --bench log -- --leaves 1000000 --json
//!
//! Leaves are accruals as an order makes them. `rss_peak_mb` is what the process ever held, tiles of the whole tree included.

#![expect(clippy::disallowed_methods, reason = "a measurement; nothing is decided by it")]

use std::collections::HashMap;
use std::hint::black_box;
use std::time::Instant;

use apricot_tlog::checkpoint::{Checkpoint, Trust};
use apricot_tlog::leaf::{self, Accrual, Base, Fact, Leaf, Part, Pledge, Rounding};
use apricot_tlog::ledger::Recount;
use apricot_tlog::merkle::{self, Hash, Node};
use apricot_tlog::note::Signer;
use apricot_tlog::proof::Proof;
use apricot_tlog::tile::{self, Edge, Expanded, Tile};
use uuid::Uuid;

const ORIGIN: &str = "bench.example/log";
const AT: u64 = 1_764_000_000_000;
const PROOFS: u64 = 20_000;
/// Tiles that a server keeps ready for proofs: 64 MB.
const EXPANDED: usize = 4_096;

fn main() {
    let options = Options::parse();
    let report = report(options.leaves);
    println!("{}", if options.json { report.to_string() } else { format!("{report:#}") });
}

fn report(leaves: u64) -> serde_json::Value {
    let seconds = |since: Instant| since.elapsed().as_secs_f64();
    let rate = |count: u64, seconds: f64| (count as f64 / seconds).round();
    let ms = |seconds: f64| (seconds * 100_000.0).round() / 100.0;

    let started = Instant::now();
    let (mut edge, mut tiles, mut bytes) = (Edge::default(), HashMap::new(), 0);
    for n in 0..leaves {
        let entry = accrual(n).encode().expect("a leaf");
        bytes += entry.len();
        edge.append(leaf::hash(&entry), |tile, bytes| drop(tiles.insert(tile, bytes)));
    }
    tiles.extend(edge.partial().map(|(tile, bytes)| (tile, bytes.to_vec())));
    let root = edge.root();
    let building = seconds(started);

    let read = |tile: Tile| tiles.get(&tile).ok_or("no such tile");
    let started = Instant::now();
    let middle = leaves / 2;
    let hashes = tile::inclusion(middle, leaves, read).expect("a proof");
    let one = seconds(started);
    let log = Signer::log(ORIGIN, &[7; 32]).expect("a key");
    let trust = Trust::new(vec![log.verifier().clone()]).expect("a log");
    let started = Instant::now();
    let signed = Checkpoint::new(ORIGIN, leaves, root).and_then(|it| it.sign(&log)).expect("a checkpoint");
    let signing = seconds(started);
    let proof = Proof { extra: None, index: middle, hashes, checkpoint: signed.clone() }.to_string();
    let hash = leaf::hash(&accrual(middle).encode().expect("a leaf"));
    let started = Instant::now();
    let read_again = Proof::parse(proof.as_bytes()).expect("our own");
    read_again.verify(hash, &trust).expect("it holds");
    let verifying = seconds(started);

    let started = Instant::now();
    for index in spread(leaves) {
        let hashes = tile::inclusion(index, leaves, read).expect("a proof");
        black_box(Proof { extra: None, index, hashes, checkpoint: signed.clone() }.to_string());
    }
    let from_tiles = rate(PROOFS, seconds(started));
    let mut expanded: HashMap<Tile, Expanded> = HashMap::new();
    let started = Instant::now();
    for index in spread(leaves) {
        let node = |node: Node| {
            let tile = Tile::of_node(node, leaves).ok_or("not in the tree")?;
            if !expanded.contains_key(&tile) {
                if expanded.len() == EXPANDED {
                    expanded.clear();
                }
                expanded.insert(tile, Expanded::of(read(tile)?).ok_or("no tile")?);
            }
            expanded[&tile].node(node).ok_or("not in the tile")
        };
        let hashes = merkle::inclusion(index, leaves, node).expect("a proof");
        black_box(Proof { extra: None, index, hashes, checkpoint: signed.clone() }.to_string());
    }
    let from_expanded = rate(PROOFS, seconds(started));
    drop(expanded);
    let built_rss = rss_peak_mb();

    let started = Instant::now();
    let mut recount = Recount::default();
    recount.leaf(&Leaf { at: AT, fact: Fact::Pledge(pledge()) });
    (0..leaves).for_each(|n| recount.push(accrual(n).encode().expect("a leaf").as_bytes()));
    assert_eq!(recount.findings(), [], "the bench is honest");
    let recounting = seconds(started);

    serde_json::json!({
        "leaves": leaves,
        "leaf_bytes": bytes / usize::try_from(leaves.max(1)).expect("it fits"),
        "build_s": (building * 1_000.0).round() / 1_000.0,
        "build_leaves_per_s": rate(leaves, building),
        "tile_mb": tiles.values().map(Vec::len).sum::<usize>() / 1_000_000,
        "one_proof_ms": ms(one),
        "proof_bytes": proof.len(),
        "sign_ms": ms(signing),
        "verify_proof_ms": ms(verifying),
        "proofs_per_s": from_tiles,
        "proofs_expanded_per_s": from_expanded,
        "rss_peak_mb": built_rss,
        "recount_leaves_per_s": rate(leaves, recounting),
        "rss_peak_recount_mb": rss_peak_mb(),
        "root": root.to_hex(),
    })
}

/// Every leaf as likely, and none after its neighbour.
fn spread(leaves: u64) -> impl Iterator<Item = u64> {
    (0..PROOFS).map(move |n| n.wrapping_mul(0x9e37_79b9_7f4a_7c15) % leaves)
}

fn pledge() -> Pledge {
    Pledge {
        pledge: Uuid::from_u128(1),
        version: 1,
        base: Base::PaidPrice,
        share_ppm: 25_000,
        per_unit: 0,
        currency: None,
        rounding: Rounding::HalfEven,
        cap: None,
        starts_at: None,
        ends_at: None,
        agreement: Hash::empty(),
        parts: vec![Part { project: "school-meals".into(), charity: "53100000500012345X".into(), weight: 1 }],
    }
}

fn accrual(n: u64) -> Leaf {
    let mut order = [0; 32];
    order[..8].copy_from_slice(&n.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
    let fact = Fact::Accrual(Accrual {
        line: 4 * n,
        order: Hash(order),
        pledge: Uuid::from_u128(1),
        version: 1,
        part: 0,
        quantity: 2,
        paid: 4_000,
        amount: 100,
        currency: "CNY".parse().expect("a currency"),
        county: "洛川县".into(),
        produce: "apricots".into(),
        project: "school-meals".into(),
    });
    Leaf { at: AT + n / 10, fact }
}

/// What Linux says that the process held at most.
fn rss_peak_mb() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().trim_end_matches(" kB").trim().parse::<u64>().ok().map(|kb| kb / 1_000)
}

struct Options {
    json: bool,
    leaves: u64,
}

impl Options {
    fn parse() -> Self {
        let (mut options, mut arguments) =
            (Self { json: false, leaves: 1_000_000 }, std::env::args().skip(1));
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--json" => options.json = true,
                // cargo bench says it.
                "--bench" => {}
                "--leaves" => {
                    let leaves =
                        arguments.next().and_then(|count| count.parse().ok()).filter(|count| *count > 0);
                    options.leaves = leaves.expect("--leaves takes a number above 0");
                }
                other => panic!("{other:?} is unknown: --leaves N, --json"),
            }
        }
        options
    }
}
