//! Every decoder of bytes from outside, as functions that take any bytes. A decoder may refuse and may not panic; what it reads
//! must survive being written and read again; a refusal says what to do, and names the field and the bound when one field is at
//! fault.
//!
//! cargo-fuzz runs these from `fuzz_targets/`, and `tests/decoders.rs` includes this file and runs them over seeds.

use apricot::model::OutOfBound;
use apricot::wire::problem::Kind;
use apricot_proto::v1::Problem;

mod cluster;
mod config;
mod import;
mod log;
mod names;
mod rest;
mod socket;
mod token;
mod webhook;
mod websocket;

pub use cluster::cluster;
pub use config::config;
pub use import::import;
pub use log::{log_leaf, log_note, log_receipt};
pub use names::{names, page};
pub use rest::{MESSAGES, rest};
pub use socket::{socket_json, socket_proto};
pub use token::{claims, jwks, token};
pub use webhook::webhook;
pub use websocket::{handshake, websocket};

/// Longer ones quote what a client sent without a bound.
const DETAIL_CHARACTERS_MAX: usize = 400;

/// A name, which is also the folder of the seeds, and what takes any bytes.
pub type Target = (&'static str, fn(&[u8]));

pub const TARGETS: [Target; 17] = [
    ("handshake", handshake),
    ("websocket", websocket),
    ("socket_proto", socket_proto),
    ("socket_json", socket_json),
    ("rest", rest),
    ("page", page),
    ("names", names),
    ("token", token),
    ("claims", claims),
    ("jwks", jwks),
    ("webhook", webhook),
    ("config", config),
    ("import", import),
    ("cluster", cluster),
    ("log_leaf", log_leaf),
    ("log_note", log_note),
    ("log_receipt", log_receipt),
];

fn well_said(problem: &Problem) {
    assert!(Kind::ALL.iter().any(|kind| kind.name() == problem.r#type), "unknown kind: {problem:?}");
    assert!((400..600).contains(&problem.status), "{problem:?}");
    for text in [&problem.detail, &problem.field, &problem.bound] {
        assert!(text.chars().count() <= DETAIL_CHARACTERS_MAX, "too long: {problem:?}");
        assert!(!text.chars().any(char::is_control), "control characters: {problem:?}");
    }
    assert!(problem.detail.chars().count() > 10, "says too little: {problem:?}");
    if problem.r#type == Kind::InvalidField.name() {
        assert!(
            !problem.field.is_empty() && !problem.bound.is_empty(),
            "names no field or bound: {problem:?}"
        );
    }
}

fn well_refused(refused: OutOfBound) {
    well_said(&refused.into());
}

/// What was read is read from `written` again, as the same.
fn settled<T: PartialEq + std::fmt::Debug>(
    read: Result<T, OutOfBound>,
    again: impl Fn(&T) -> Result<T, OutOfBound>,
) {
    match read {
        Err(refused) => well_refused(refused),
        Ok(value) => assert_eq!(again(&value).as_ref(), Ok(&value)),
    }
}
