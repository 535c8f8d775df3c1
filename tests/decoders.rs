//! Every decoder of outside bytes over hand-made seeds and some thousand damaged copies of them. `make fuzz` runs the same functions
//! for longer and is guided by coverage; this takes seconds and stable Rust. DECODERS_SEED=<number> damages differently.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;

#[path = "../fuzz/src/lib.rs"]
mod fuzz;

const SEED: u64 = 0x9e37_79b9_7f4a_7c15;
/// Above it, damage says nothing new and costs time.
const BYTES_MAX: usize = 8 * 1024;
/// What decoders tend to trip over.
const WORDS: [&[u8]; 36] = [
    b"\"",
    b"\\",
    b"\\u0000",
    b"\\ud800",
    b"{",
    b"}",
    b"[[[[[[[[",
    b"]",
    b":",
    b",",
    b".",
    b"=",
    b"\n",
    b"\n\n",
    b"\r",
    b"\0",
    b"\x7f",
    b"\xff",
    b"\xc3\x28",
    "\u{feff}".as_bytes(),
    "\u{202e}".as_bytes(),
    "杏".as_bytes(),
    b"null",
    b"true",
    b"0",
    b"-1",
    b"1e9",
    b"_",
    b"4294967296",
    b"9223372036854775807",
    b"-9223372036854775808",
    b"99999999999999999999999999999",
    b"0.00000000000000000000000000001",
    b"\xff\xff\xff\xff\xff\xff\xff\xff\x7f",
    b"%%\n",
    b"\x80",
];

/// Marsaglia's xorshift64.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).expect("31 bits") % bound.max(1)
    }

    fn damaged(&mut self, seeds: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = seeds[self.below(seeds.len())].clone();
        for _ in 0..=self.below(4) {
            let (from, to) = (self.below(bytes.len() + 1), self.below(bytes.len() + 1));
            let (from, to) = (from.min(to), from.max(to));
            match self.below(8) {
                0 => bytes.truncate(from),
                1 => drop(bytes.drain(from..to.min(from + 16))),
                2 => drop(bytes.splice(from..from, WORDS[self.below(WORDS.len())].iter().copied())),
                3 => {
                    drop(bytes.splice(from..to.min(from + 4), WORDS[self.below(WORDS.len())].iter().copied()))
                }
                4 => bytes.extend_from_within(from..to),
                5 => {
                    let other = &seeds[self.below(seeds.len())];
                    bytes.truncate(from);
                    bytes.extend_from_slice(&other[self.below(other.len())..]);
                }
                6 if from < bytes.len() => bytes[from] ^= 1 << self.below(8),
                _ if from < bytes.len() => bytes[from] = u8::try_from(self.below(256)).expect("a byte"),
                _ => {}
            }
        }
        bytes.truncate(BYTES_MAX);
        bytes
    }
}

fn check(name: &str, times: u32) {
    let (_, target) = fuzz::TARGETS.into_iter().find(|(known, _)| *known == name).expect("a target");
    let seeds = seeds(name);
    let seed =
        std::env::var("DECODERS_SEED").map_or(SEED, |text| text.parse().expect("DECODERS_SEED is a number"));
    let mut chance = Chance(seed.max(1));
    let damaged = (0..times).map(|_| chance.damaged(&seeds));
    let empty = [Vec::new()];
    for (number, input) in seeds.iter().chain(&empty).cloned().chain(damaged).enumerate() {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| target(&input))) {
            eprintln!("{name}, DECODERS_SEED={seed}, input {number}: b\"{}\"", input.escape_ascii());
            resume_unwind(panic);
        }
    }
}

fn seeds(name: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/decoders/seeds").join(name);
    let files = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<_> = files.map(|file| file.expect("a file").path()).collect();
    // A folder has no order of its own.
    paths.sort_unstable();
    assert!(!paths.is_empty(), "{} has no seeds", folder.display());
    paths.into_iter().map(|path| fs::read(path).expect("a seed")).collect()
}

macro_rules! targets {
    ($($name:ident $times:literal),* $(,)?) => {
        const TESTED: &[&str] = &[$(stringify!($name)),*];
        $(#[test]
        fn $name() {
            check(stringify!($name), $times);
        })*
    };
}

// Fewer where one input costs more: a signature, a file.
targets! {
    handshake 10_000, websocket 4_000, socket_proto 8_000, socket_json 8_000, rest 6_000, page 10_000, names 10_000, token 6_000,
    claims 150, jwks 800, webhook 6_000, config 1_500, import 3_000, cluster 10_000, log_leaf 4_000, log_note 1_000,
    log_receipt 600,
}

#[test]
fn every_target_is_tested_and_fuzzed() {
    let names: Vec<&str> = fuzz::TARGETS.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, TESTED);
    let manifest = include_str!("../fuzz/Cargo.toml");
    for name in names {
        assert!(manifest.contains(&format!("name = \"{name}\"")), "fuzz/Cargo.toml has no [[bin]] {name}");
    }
}

#[test]
fn every_body_that_a_route_takes_is_fuzzed() {
    let mut taken: Vec<&str> = apricot::wire::rest::routes().iter().filter_map(|route| route.takes).collect();
    let mut fuzzed = fuzz::MESSAGES.to_vec();
    taken.sort_unstable();
    taken.dedup();
    fuzzed.sort_unstable();
    assert_eq!(taken, fuzzed, "add the message to fuzz/src/rest.rs");
}
