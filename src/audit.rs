//! Audits a record: every rule that must always be true and can be read from it. Works on the tables alone, beside a running server
//! or without one, and shares no code with what wrote them but the arithmetic of a pledge and the spelling of leaves.

use serde::Serialize;

use crate::ledger;
use crate::store::StoreError;
use crate::store::journal::Snapshot;

/// Violations shown of each rule; all are counted.
const EXAMPLES_MAX: usize = 5;
const LOG_IS_THE_RECORD: &str = "log_is_the_record";

#[derive(Serialize)]
pub struct Report {
    pub ok: bool,
    pub checks: Vec<Check>,
}

#[derive(Serialize)]
pub struct Check {
    pub name: String,
    pub rule: String,
    pub violations: usize,
    pub examples: Vec<String>,
}

/// Reads one snapshot of the record, so that a running server does not disturb the sums.
pub async fn audit(snapshot: &Snapshot) -> Result<Report, StoreError> {
    let whole = snapshot.damages().await?;
    let mut checks =
        vec![Check::new("record_is_whole", "keys and references of the record are intact", whole)];
    for (name, rule, sql) in blocks(include_str!("audit/checks.sql")) {
        let found = snapshot.list(sql, |row| Ok(format!("{}: {}", row.text(0)?, row.text(1)?))).await?;
        checks.push(Check::new(name, rule, found));
    }
    checks.push(pledges_kept(snapshot).await?);
    let otherwise = ledger::log::differences(snapshot).await?;
    checks.push(Check::new(
        LOG_IS_THE_RECORD,
        "made again from the record, every leaf of the public log and its signed root are the same",
        otherwise,
    ));
    let ok = checks.iter().all(|check| check.violations == 0);
    Ok(Report { ok, checks })
}

/// Each accrual recomputed from the pledge's own words.
async fn pledges_kept(snapshot: &Snapshot) -> Result<Check, StoreError> {
    let mut found = Vec::new();
    for accrual in snapshot.accruals().await? {
        let due = accrual.pledge.share_of(accrual.paid, accrual.quantity).minor;
        let in_time = accrual.pledge.runs_at(accrual.at);
        let right = match accrual.pledge.cap {
            _ if !in_time => accrual.accrued == 0,
            None => accrual.accrued == due,
            Some(_) => (0..=due).contains(&accrual.accrued),
        };
        if !right {
            found
                .push(format!("order {}: accrued {}, the pledge says {due}", accrual.order, accrual.accrued));
        }
    }
    Ok(Check::new(
        "pledges_kept",
        "every accrual is the share its pledge names, within the pledge's time",
        found,
    ))
}

impl Check {
    fn new(name: &str, rule: &str, mut found: Vec<String>) -> Self {
        let violations = found.len();
        found.truncate(EXAMPLES_MAX);
        Self { name: name.into(), rule: rule.into(), violations, examples: found }
    }
}

/// Names of the rules, in the order of a report.
#[cfg(test)]
pub fn names() -> impl Iterator<Item = &'static str> {
    let read = blocks(include_str!("audit/checks.sql")).map(|(name, ..)| name);
    ["record_is_whole"].into_iter().chain(read).chain(["pledges_kept", LOG_IS_THE_RECORD])
}

/// Name, rule and query of each block.
fn blocks(sql: &'static str) -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    sql.split("-- name: ").skip(1).map(|block| {
        let (name, rest) = block.split_once('\n').expect("a name has a line of its own");
        let (rule, query) = rest.split_once('\n').expect("a rule has a line of its own");
        (name.trim(), rule.trim_start_matches("-- rule: ").trim(), query.trim())
    })
}

impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let width = self.checks.iter().map(|check| check.name.len()).max().unwrap_or(0);
        for check in &self.checks {
            let verdict = if check.violations == 0 { "ok".to_owned() } else { check.violations.to_string() };
            writeln!(f, "{:width$}  {verdict:>6}  {}", check.name, check.rule)?;
            for example in &check.examples {
                writeln!(f, "{:width$}          {example}", "")?;
            }
            if check.violations > check.examples.len() {
                writeln!(f, "{:width$}          and {} more", "", check.violations - check.examples.len())?;
            }
        }
        Ok(())
    }
}
