//! `apricot verify`: a buyer's receipt, checked offline.

use std::path::{Path, PathBuf};

use apricot_tlog::receipt::{Outcome, RECEIPT_BYTES_MAX, Receipt, Verdict, verify};
use clap::Args;

use super::files::read;
use super::keys::Keys;
use super::memory::Memory;
use super::{Failed, print};
use crate::outside::Seen;

#[derive(Args)]
pub struct Verify {
    /// The receipt's file; - reads standard input
    receipt: PathBuf,
    #[command(flatten)]
    keys: Keys,
    /// Remembers the trees that receipts name, for this command and `apricot audit`: two of the same size with different roots are a forked log.
    /// Made when it is not there
    #[arg(long, value_name = "FILE", requires = "key")]
    state: Option<PathBuf>,
    /// Be content when nothing is wrong, though something could not be checked: lines that are in no checkpoint yet, a receipt without its salt
    #[arg(long)]
    partial: bool,
    /// One JSON object instead of a table
    #[arg(long)]
    json: bool,
}

impl Verify {
    /// Exit code 1 when a check fails or could not be made, 2 when there is nothing to check.
    pub fn run(self) -> Result<(), Failed> {
        let bytes = read(&self.receipt, RECEIPT_BYTES_MAX as u64)?;
        let along = if self.keys.has_log() {
            String::new()
        } else {
            Receipt::parse(&bytes).map_err(Failed::because)?.keys.join("\n")
        };
        let trust = self.keys.trust(&along, "keys of the receipt")?;
        let mut verdict = verify(&bytes, &trust);
        if let Some(file) = &self.state {
            compare(&mut verdict, trust.origin(), file)?;
        }
        if self.json {
            let mut said = serde_json::to_value(&verdict).map_err(Failed::because)?;
            said["keysFrom"] = if self.keys.has_log() { "file" } else { "receipt" }.into();
            print(&format!("{said}\n"))?;
        } else {
            print(&table(&verdict))?;
            if !self.keys.has_log() {
                eprintln!(
                    "apricot: the keys came with the receipt; get the log's key from somewhere else and give it by --key"
                );
            }
        }
        let with = |outcome| verdict.checks.iter().filter(move |check| check.outcome == outcome);
        if let Some(check) = with(Outcome::Failed).next() {
            return Err(Failed::because(format!("{}: {}", check.name, check.why)));
        }
        if verdict.complete || self.partial {
            return Ok(());
        }
        let left: Vec<String> =
            with(Outcome::Skipped).map(|check| format!("{}: {}", check.name, check.why)).collect();
        Err(Failed::because(format!("not everything could be checked: {}", left.join("; "))))
    }
}

/// The receipt's trees with those that were seen before; what is signed is remembered, unless it is another tree.
fn compare(verdict: &mut Verdict, origin: &str, file: &Path) -> Result<(), Failed> {
    let mut memory = Memory::recall(file)?;
    if verdict.trees.is_empty() {
        return Ok(());
    }
    let other =
        verdict.trees.iter().find_map(|(size, root)| Some((*size, memory.other_root(origin, *size, *root)?)));
    if let Some((size, root)) = other {
        verdict.add(
            "seen_before",
            Err(format!(
                "the log signed another tree of {size} leaves before, with the root {root:?}: it shows different people different trees"
            )),
        );
        return Ok(());
    }
    for (size, root) in &verdict.trees {
        memory.add(origin, Seen { size: *size, root: *root })?;
    }
    memory.keep(file)?;
    let known = memory.of(origin).len();
    verdict.add(
        "seen_before",
        Ok(format!("of {known} trees of this log that were seen, no size has two roots")),
    );
    Ok(())
}

fn table(verdict: &Verdict) -> String {
    let width = verdict.checks.iter().map(|check| check.name.len()).max().unwrap_or(0);
    let mut text = format!("order {}\n", verdict.order_id);
    for check in &verdict.checks {
        let outcome = match check.outcome {
            Outcome::Ok => "ok",
            Outcome::Failed => "FAILED",
            Outcome::Skipped => "-",
        };
        text += &format!("{:width$}  {outcome:>6}  {}\n", check.name, check.why);
    }
    text
}
