//! `apricot verify`: a buyer's receipt, checked offline.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use apricot_tlog::checkpoint::Trust;
use apricot_tlog::receipt::{Outcome, RECEIPT_BYTES_MAX, Receipt, Verdict, verify};
use clap::Args;

use super::{Failed, print};

/// A few keys, and remarks.
pub const KEYS_BYTES_MAX: u64 = 64 * 1024;

#[derive(Args)]
pub struct Verify {
    /// The receipt's file; - reads standard input
    receipt: PathBuf,
    /// A file with the log's verifier key, and witnesses' if you trust some, one on each line. Without it the keys in the receipt are believed,
    /// which says only that the receipt agrees with itself
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// One JSON object instead of a table
    #[arg(long)]
    json: bool,
}

impl Verify {
    /// Exit code 1 when a check fails, 2 when there is nothing to check.
    pub fn run(self) -> Result<(), Failed> {
        let bytes = read(&self.receipt, RECEIPT_BYTES_MAX as u64)?;
        let trust = match &self.key {
            Some(file) => trust(file)?,
            None => of_receipt(&bytes)?,
        };
        let verdict = verify(&bytes, &trust);
        if self.json {
            let mut said = serde_json::to_value(&verdict).map_err(Failed::because)?;
            said["keysFrom"] = if self.key.is_some() { "file" } else { "receipt" }.into();
            print(&format!("{said}\n"))?;
        } else {
            print(&table(&verdict))?;
            if self.key.is_none() {
                eprintln!(
                    "apricot: the keys came with the receipt; get the log's key from somewhere else and give it by --key"
                );
            }
        }
        let failed = verdict.checks.iter().find(|check| check.outcome == Outcome::Failed);
        failed.map_or(Ok(()), |check| Err(Failed::because(format!("{}: {}", check.name, check.why))))
    }
}

pub fn trust(file: &Path) -> Result<Trust, Failed> {
    let bytes = read(file, KEYS_BYTES_MAX)?;
    let refused = |why: String| Failed::usage(format!("{}: {why}", file.display()));
    let text = String::from_utf8(bytes).map_err(|error| refused(error.to_string()))?;
    Trust::parse(&text).map_err(|error| refused(error.to_string()))
}

fn of_receipt(bytes: &[u8]) -> Result<Trust, Failed> {
    let receipt = Receipt::parse(bytes).map_err(Failed::because)?;
    Trust::parse(&receipt.keys.join("\n"))
        .map_err(|error| Failed::because(format!("keys of the receipt: {error}")))
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

/// One byte more than may be there tells a file that is too long.
pub fn read(path: &Path, bytes_max: u64) -> Result<Vec<u8>, Failed> {
    let named = |error: io::Error| Failed::usage(format!("{}: {error}", path.display()));
    let mut bytes = Vec::new();
    if path.as_os_str() == "-" {
        io::stdin().lock().take(bytes_max + 1).read_to_end(&mut bytes).map_err(named)?;
    } else {
        File::open(path).map_err(named)?.take(bytes_max + 1).read_to_end(&mut bytes).map_err(named)?;
    }
    if bytes.len() as u64 > bytes_max {
        return Err(Failed::usage(format!("{}: more than {bytes_max} bytes", path.display())));
    }
    Ok(bytes)
}
