//! The public log as others serve it: leaves, notes and what is made of them, receipts.

use apricot_tlog::checkpoint::{SignedCheckpoint, Trust};
use apricot_tlog::leaf::{Leaf, Terms};
use apricot_tlog::ledger::Recount;
use apricot_tlog::note::{Note, Signature, Signer, VerifierKey};
use apricot_tlog::proof::Proof;
use apricot_tlog::receipt;
use apricot_tlog::tile::{Tile, bundle};
use apricot_tlog::witness::{AddCheckpoint, Witness};

fn log() -> Signer {
    Signer::log("apricot.example/log", &[7; 32]).expect("a key")
}

fn trust() -> Trust {
    Trust::new(vec![log().verifier().clone()]).expect("a log")
}

/// A log of one leaf a line, as a bundle has them; whatever they say together, a recount has an answer.
pub fn log_leaf(data: &[u8]) {
    let mut recount = Recount::default();
    let lines: Vec<&[u8]> = data.split(|byte| *byte == b'\n').collect();
    for line in &lines {
        if let Ok(leaf) = Leaf::parse(line) {
            assert_eq!(leaf.encode().expect("what was read").as_bytes(), *line, "one way to write it");
        }
        recount.push(line);
    }
    assert!(recount.findings().len() as u64 <= recount.found() && recount.lacking().len() <= lines.len());
    if let Ok(text) = std::str::from_utf8(data)
        && let Ok(terms) = Terms::parse(text)
    {
        assert_eq!(Terms::parse(&terms.encode().expect("what was read")), Ok(terms));
    }
    for width in [1, 3, 256] {
        if let Ok(entries) = bundle::decode(data, width) {
            assert_eq!(bundle::encode(entries).expect("what was read"), data);
        }
    }
}

/// Every text form of C2SP: what is read is written the same.
pub fn log_note(data: &[u8]) {
    let written = |text: String| assert_eq!(text.as_bytes(), data);
    if let Ok(note) = Note::parse(data) {
        written(note.to_string());
    }
    if let Ok(signed) = SignedCheckpoint::parse(data) {
        written(signed.to_string());
    }
    if let Ok(proof) = Proof::parse(data) {
        written(proof.to_string());
    }
    if let Ok(request) = AddCheckpoint::parse(data) {
        written(request.to_string());
    }
    if let Ok(lines) = Signature::parse_answer(data) {
        written(lines.iter().map(ToString::to_string).collect());
    }
    if let Ok(text) = std::str::from_utf8(data) {
        if let Ok(key) = text.parse::<VerifierKey>() {
            written(key.to_string());
        }
        if let Ok(tile) = text.parse::<Tile>() {
            written(tile.to_string());
        }
        if let Ok(trust) = Trust::parse(text) {
            assert!(!trust.origin().is_empty());
        }
    }
    let witness = Signer::witness("witness.example/w", &[9; 32]).expect("a key");
    let answer = Witness::new(witness, vec![trust()]).judge(data, |_| None, 1_700_000_000);
    assert!([200, 400, 403, 404, 409, 422].contains(&answer.status()) && answer.body().ends_with('\n'));
}

pub fn log_receipt(data: &[u8]) {
    let verdict = receipt::verify(data, &trust());
    assert!(!verdict.checks.is_empty() && (verdict.ok || !verdict.complete));
    assert!(serde_json::to_string(&verdict).is_ok());
}
