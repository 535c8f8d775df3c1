//! Audits a record: every rule that must always be true and can be read from it. Works on the tables alone, beside a running server
//! or without one, and shares no code with what wrote them but the arithmetic of a pledge.

use std::path::Path;

use rusqlite::Connection;
use serde::Serialize;

use crate::store::journal::{accruals, open_reader};

/// Violations shown of each rule; all are counted.
const EXAMPLES_MAX: usize = 5;

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
pub fn audit(record: &Path) -> rusqlite::Result<Report> {
    let connection = open_reader(record)?;
    connection.execute_batch("BEGIN")?;
    let mut checks = vec![whole(&connection)?];
    for (name, rule, sql) in blocks(include_str!("audit/checks.sql")) {
        let mut statement = connection.prepare(sql)?;
        let found = statement
            .query_map([], |row| Ok(format!("{}: {}", row.get::<_, String>(0)?, row.get::<_, String>(1)?)))?;
        checks.push(Check::new(name, rule, found.collect::<rusqlite::Result<_>>()?));
    }
    checks.push(pledges_kept(&connection)?);
    let ok = checks.iter().all(|check| check.violations == 0);
    Ok(Report { ok, checks })
}

/// The file itself: pages, keys and CHECKs.
fn whole(connection: &Connection) -> rusqlite::Result<Check> {
    let mut found: Vec<String> = connection
        .prepare("PRAGMA integrity_check")?
        .query_map([], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    found.retain(|line| line != "ok");
    let dangling = connection.prepare("PRAGMA foreign_key_check")?.query_map([], |_| Ok(()))?.count();
    if dangling > 0 {
        found.push(format!("{dangling} rows refer to rows that are not there"));
    }
    Ok(Check::new("record_is_whole", "pages, keys and references of the file are intact", found))
}

/// Each accrual recomputed from the pledge's own words, and each cap.
fn pledges_kept(connection: &Connection) -> rusqlite::Result<Check> {
    let mut found = Vec::new();
    for accrual in accruals(connection)? {
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
    let mut caps = connection.prepare(
        "SELECT a.name, sum(CASE WHEN t.code = 3 THEN t.credits WHEN t.code = 4 THEN -t.debits ELSE 0 END) AS net, p.cap
         FROM totals t JOIN accounts a ON a.id = t.account
         JOIN (SELECT lower(hex(id)) AS id, max(cap) AS cap, count(*) = count(cap) AS capped FROM pledges GROUP BY id) p
           ON a.name IN ('charity_accrued/' || substr(p.id, 1, 8) || '-' || substr(p.id, 9, 4) || '-' || substr(p.id, 13, 4)
                         || '-' || substr(p.id, 17, 4) || '-' || substr(p.id, 21))
         WHERE p.capped GROUP BY a.name, p.cap HAVING net > p.cap",
    )?;
    let over = caps.query_map([], |row| {
        Ok(format!(
            "{}: {} accrued, the cap is {}",
            row.get::<_, String>(0)?,
            row.get::<_, i64>(1)?,
            row.get::<_, i64>(2)?
        ))
    })?;
    found.extend(over.collect::<rusqlite::Result<Vec<_>>>()?);
    Ok(Check::new(
        "pledges_kept",
        "every accrual is the share its pledge names, within the pledge's time and cap",
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
