//! Whom `apricot verify` and `apricot audit` believe.

use std::path::PathBuf;

use apricot_tlog::checkpoint::{Trust, TrustRefused};
use apricot_tlog::note::{Algorithm, VerifierKey};
use clap::Args;

use super::Failed;
use super::files::read;

/// A few keys, and remarks.
const KEYS_BYTES_MAX: u64 = 64 * 1024;

#[derive(Args)]
pub struct Keys {
    /// A file with the log's verifier key, and witnesses' if you trust some, one on each line; once for each file. Without it the keys that come
    /// along are believed, which says only that what was read agrees with itself
    #[arg(long, value_name = "FILE")]
    key: Vec<PathBuf>,
    /// The verifier key of a witness that you trust, such as witness.example/w1+…; once for each
    #[arg(long, value_name = "KEY")]
    witness_key: Vec<VerifierKey>,
    /// How many of the witnesses that you trust must have signed a checkpoint for it to be believed
    #[arg(long, value_name = "N", default_value_t = 0)]
    witnesses: usize,
}

impl Keys {
    pub fn has_log(&self) -> bool {
        !self.key.is_empty()
    }

    /// Those of the files. Without any, `along`: the log's keys as they came from `whence`, which brings no witnesses.
    pub fn trust(&self, along: &str, whence: &str) -> Result<Trust, Failed> {
        let mut keys = Vec::new();
        for file in &self.key {
            let text = String::from_utf8(read(file, KEYS_BYTES_MAX)?);
            let refused = |why: String| Failed::usage(format!("{}: {why}", file.display()));
            let text = text.map_err(|error| refused(error.to_string()))?;
            keys.extend(parsed(&text).map_err(|error| refused(error.to_string()))?);
        }
        if !self.has_log() {
            let refused = |error: TrustRefused| Failed::because(format!("{whence}: {error}"));
            let along = parsed(along).map_err(refused)?;
            keys.extend(along.into_iter().filter(|key| key.algorithm() == Algorithm::Ed25519));
        }
        for key in &self.witness_key {
            if !keys.contains(key) {
                keys.push(key.clone());
            }
        }
        let witnesses = keys.iter().filter(|key| key.algorithm() == Algorithm::Cosignature).count();
        if witnesses < self.witnesses {
            let wanted = self.witnesses;
            return Err(Failed::usage(format!(
                "--witnesses {wanted}, and the keys of {witnesses} are given; name them by --witness-key, or in the file of --key"
            )));
        }
        let mut trust = Trust::new(keys).map_err(|error| Failed::usage(error.to_string()))?;
        trust.witnesses_wanted = self.witnesses;
        Ok(trust)
    }
}

/// Not only a log's: a file may have witnesses alone.
fn parsed(text: &str) -> Result<Vec<VerifierKey>, TrustRefused> {
    let lines = text.lines().map(str::trim).enumerate();
    let said = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    let key = |(at, line): (usize, &str)| {
        line.parse().map_err(|refused| TrustRefused::Key { line: at + 1, refused })
    };
    said.map(key).collect()
}
