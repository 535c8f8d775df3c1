//! `apricot audit` as a stranger runs it: the public log is read over HTTP, every total is computed again from its leaves, and compared with
//! what the site shows.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{failure::Failure, spawn::Node};

#[derive(Debug, Clone, Serialize)]
pub struct Recomputed {
    /// Totals that the site shows otherwise, and leaves that break a rule of the log.
    pub differs: u64,
    pub leaves: u64,
    /// The first of each.
    pub examples: Vec<Value>,
}

#[derive(Deserialize)]
struct Audit {
    size: u64,
    found: u64,
    findings: Vec<Value>,
    differ: Vec<Value>,
}

const EXAMPLES_MAX: usize = 10;

pub async fn of(node: &Node) -> Result<Recomputed, Failure> {
    let said = node.audit().await?;
    let audit: Audit = serde_json::from_slice(&said)
        .map_err(|error| Failure::off_contract("`apricot audit --json`", error.to_string()))?;
    let differs = audit.found + audit.differ.len() as u64;
    let examples = audit.differ.into_iter().chain(audit.findings).take(EXAMPLES_MAX).collect();
    Ok(Recomputed { differs, leaves: audit.size, examples })
}
