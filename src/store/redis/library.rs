//! Libraries of Functions: each a Lua file of its own.

use std::sync::LazyLock;

use sha2::{Digest, Sha256};

/// A library's names end in `VERSION` in its text. A hash of the text takes that place, so that two versions of the program can use
/// one Redis at the same time, each its own library.
pub(super) struct Library {
    pub name: &'static str,
    pub version: String,
    pub text: String,
}

const GATE: &str =
    concat!(include_str!("gate/batch.lua"), include_str!("gate/answers.lua"), include_str!("gate/calls.lua"));

pub(super) static LIBRARIES: LazyLock<Vec<Library>> = LazyLock::new(|| {
    vec![Library::new("apricot_gate", GATE), Library::new("apricot_broker", include_str!("broker.lua"))]
});

impl Library {
    fn new(name: &'static str, text: &str) -> Self {
        let hash = Sha256::digest(text);
        let version: String = hash[..4].iter().map(|byte| format!("{byte:02x}")).collect();
        Self { name, text: text.replace("VERSION", &version), version }
    }
}

/// As the server knows it: `apricot_gate_decide` is `apricot_gate_decide_1a2b3c4d`.
pub(super) fn full_name(function: &str) -> Option<String> {
    let library = LIBRARIES.iter().find(|library| function.starts_with(library.name))?;
    Some(format!("{function}_{}", library.version))
}
