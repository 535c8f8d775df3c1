//! What trees of which logs somebody has seen: two of the same size have the same root, or the log shows different people different trees.

use std::collections::BTreeMap;
use std::path::Path;

use apricot_tlog::merkle::Hash;
use serde::{Deserialize, Serialize};

use super::Failed;
use super::files::read;
use crate::outside::Seen;

/// Of one log; of more, the smallest are forgotten. A receipt a day for a year.
const TREES_MAX: usize = 400;
const LOGS_MAX: usize = 100;
/// As many as may be, in 120 bytes each.
const BYTES_MAX: u64 = 8 * 1024 * 1024;

/// By origin, the smallest tree first.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Memory(BTreeMap<String, Vec<Seen>>);

impl Memory {
    /// Of a file that is not there, nothing.
    pub fn recall(file: &Path) -> Result<Self, Failed> {
        if !file.exists() {
            return Ok(Self::default());
        }
        let refused = |why: String| {
            Failed::usage(format!(
                "{}: {why}; it is no state of `apricot verify` or `apricot audit`",
                file.display()
            ))
        };
        let memory: Self =
            serde_json::from_slice(&read(file, BYTES_MAX)?).map_err(|error| refused(error.to_string()))?;
        let in_order = |trees: &Vec<Seen>| trees.windows(2).all(|two| two[0].size < two[1].size);
        if !memory.0.values().all(in_order) {
            return Err(refused("its trees are not in the order of their sizes, each once".into()));
        }
        Ok(memory)
    }

    /// Whole or not at all.
    pub fn keep(&self, file: &Path) -> Result<(), Failed> {
        let failed = |error: std::io::Error| Failed::because(format!("{}: {error}", file.display()));
        let unfinished = file.with_extension("unfinished");
        let text = serde_json::to_string(self).map_err(Failed::because)?;
        std::fs::write(&unfinished, text).map_err(failed)?;
        std::fs::rename(&unfinished, file).map_err(failed)
    }

    pub fn of(&self, origin: &str) -> &[Seen] {
        self.0.get(origin).map_or(&[], Vec::as_slice)
    }

    /// Another root of a tree of this size.
    pub fn other_root(&self, origin: &str, size: u64, root: Hash) -> Option<Hash> {
        let same = self.of(origin).iter().find(|seen| seen.size == size)?;
        (same.root != root).then_some(same.root)
    }

    /// One of a size that is known stays as it was seen first.
    pub fn add(&mut self, origin: &str, seen: Seen) -> Result<(), Failed> {
        if !self.0.contains_key(origin) && self.0.len() == LOGS_MAX {
            return Err(Failed::usage(format!("the state remembers {LOGS_MAX} logs; use another file")));
        }
        let trees = self.0.entry(origin.to_owned()).or_default();
        if let Err(at) = trees.binary_search_by_key(&seen.size, |seen| seen.size) {
            trees.insert(at, seen);
        }
        trees.drain(..trees.len().saturating_sub(TREES_MAX));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_trees_are_remembered_and_none_is_replaced() {
        let mut memory = Memory::default();
        for size in (0..1_000).rev() {
            memory.add("a/log", Seen { size, root: Hash::of(&size.to_be_bytes()) }).unwrap();
        }
        let sizes: Vec<u64> = memory.of("a/log").iter().map(|seen| seen.size).collect();
        assert_eq!(sizes, (600..1_000).collect::<Vec<_>>());
        let root = Hash::of(&700_u64.to_be_bytes());
        assert_eq!(memory.other_root("a/log", 700, root), None);
        memory.add("a/log", Seen { size: 700, root: Hash::empty() }).unwrap();
        assert_eq!(memory.other_root("a/log", 700, Hash::empty()), Some(root));
        assert_eq!(memory.other_root("b/log", 700, Hash::empty()), None);
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("seen.json");
        memory.keep(&file).unwrap();
        assert_eq!(Memory::recall(&file).unwrap().of("a/log"), memory.of("a/log"));
        std::fs::write(&file, r#"{"size":1,"root":"00"}"#).unwrap();
        assert_eq!(Memory::recall(&file).unwrap_err().code, 2);
    }
}
