//! Decides what a run proved, from the record's rows and from what the clients saw.
//!
//! Nothing here is the server's code, and no counter is believed: every sum is made again from rows. The rules, exactly
//! (README.md repeats them for readers):
//!
//! - **oversold**: units of a lot that were claimed or stand held, beyond its stock.
//! - **undersold**: units that a willing buyer was refused although they were free for good, or that the lot counts and
//!   no order has.
//! - **lost**: something a client saw accepted that the record lacks or contradicts, or half of an effect.
//! - **double_effects**: one id with two effects.
//! - **limit_broken**: buyers who hold or bought more of a sale than its limit.
//! - **counter_wrong**: a charity total or a balance that is not the sum of its transfers by the pledge's rule.

use std::{
    collections::HashMap,
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
};

use serde_json::{Map, Value, json};

use crate::{failure::Failure, history::History};

#[cfg(test)]
mod conformance;
mod effects;
mod money;
mod postgres;
pub mod record;
mod row;
#[cfg(test)]
mod samples;
mod sightings;
mod sqlite;
mod stock;
mod tables;

use record::Record;
pub use stock::FREE_FOR_GOOD_MS;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Rule {
    Oversold,
    Undersold,
    Lost,
    DoubleEffects,
    LimitBroken,
    CounterWrong,
}

impl Rule {
    pub const ALL: [Rule; 6] = [
        Rule::Oversold,
        Rule::Undersold,
        Rule::Lost,
        Rule::DoubleEffects,
        Rule::LimitBroken,
        Rule::CounterWrong,
    ];

    /// The JSON key.
    pub fn key(self) -> &'static str {
        match self {
            Rule::Oversold => "oversold",
            Rule::Undersold => "undersold",
            Rule::Lost => "lost",
            Rule::DoubleEffects => "double_effects",
            Rule::LimitBroken => "limit_broken",
            Rule::CounterWrong => "counter_wrong",
        }
    }
}

/// One broken rule, in a sentence with its numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub rule: Rule,
    /// Units for `Oversold` and `Undersold`, 1 for the others.
    pub weight: u64,
    pub detail: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.rule.key(), self.detail)
    }
}

/// Sentences kept; the counts go on beyond them.
const FINDINGS_MAX: usize = 100;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verdict {
    counts: HashMap<Rule, u64>,
    pub findings: Vec<Finding>,
    pub checked: Checked,
}

/// How much was looked at: a clean verdict over nothing says nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Checked {
    pub orders: u64,
    pub holds: u64,
    pub payments: u64,
    pub transfers: u64,
    pub sightings: u64,
    pub readings: u64,
}

impl Verdict {
    pub fn count(&self, rule: Rule) -> u64 {
        self.counts.get(&rule).copied().unwrap_or(0)
    }

    pub fn is_clean(&self) -> bool {
        self.counts.values().all(|count| *count == 0)
    }

    fn add(&mut self, rule: Rule, weight: u64, detail: String) {
        *self.counts.entry(rule).or_default() += weight;
        if self.findings.len() < FINDINGS_MAX {
            self.findings.push(Finding { rule, weight, detail });
        }
    }

    fn found(&mut self, rule: Rule, detail: String) {
        self.add(rule, 1, detail);
    }

    /// The six counts first, then how much was looked at and the sentences.
    pub fn to_json(&self) -> Map<String, Value> {
        let mut keys = Map::new();
        for rule in Rule::ALL {
            keys.insert(rule.key().into(), json!(self.count(rule)));
        }
        let Checked { orders, holds, payments, transfers, sightings, readings } = self.checked;
        keys.insert(
            "checked".into(),
            json!({
                "orders": orders, "holds": holds, "payments": payments, "transfers": transfers,
                "sightings": sightings, "counter_readings": readings,
            }),
        );
        let findings: Vec<String> = self.findings.iter().map(Finding::to_string).collect();
        keys.insert("findings".into(), json!(findings));
        keys
    }
}

/// Judges with whatever evidence there is.
pub fn judge(record: Option<&Record>, history: Option<&History>) -> Verdict {
    let mut verdict = Verdict::default();
    if let Some(record) = record {
        verdict.checked.orders = record.orders.len() as u64;
        verdict.checked.holds = record.holds.len() as u64;
        verdict.checked.payments = record.payments.len() as u64;
        verdict.checked.transfers = record.transfers.len() as u64;
        stock::of_record(record, &mut verdict);
        effects::of_record(record, &mut verdict);
        money::of_record(record, &mut verdict);
    }
    if let Some(history) = history {
        verdict.checked.sightings = history.sightings().count() as u64;
        verdict.checked.readings = history.counters.len() as u64;
        sightings::of_history(history, &mut verdict);
        money::of_history(history, &mut verdict);
    }
    if let (Some(record), Some(history)) = (record, history) {
        stock::of_both(record, history, &mut verdict);
        sightings::of_both(record, history, &mut verdict);
        money::of_both(record, history, &mut verdict);
    }
    verdict
}

/// Where a record is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A server's data folder, with its SQLite record and the provider's books.
    Folder(PathBuf),
    /// A database that nodes share.
    Postgres(String),
}

impl FromStr for Place {
    type Err = String;

    fn from_str(text: &str) -> Result<Place, String> {
        match text.split_once("://") {
            Some(("postgresql" | "postgres", _)) => Ok(Place::Postgres(text.into())),
            Some((scheme, _)) => Err(format!("a folder or postgresql://…, not {scheme}://")),
            None => Ok(Place::Folder(text.into())),
        }
    }
}

/// Reads the record, and the provider's books from `books` or from beside the record, and judges both with the history, if there is
/// one.
pub async fn check(
    place: &Place,
    books: Option<&Path>,
    history: Option<&History>,
    now_ms: i64,
) -> Result<Verdict, Failure> {
    let (mut record, beside) = match place {
        Place::Folder(dir) => (sqlite::read(&sqlite::find(dir)?, now_ms)?, Some(dir.as_path())),
        Place::Postgres(url) => (postgres::read(url, now_ms).await?, None),
    };
    if let Some(dir) = books.or(beside) {
        record.provider = sqlite::read_books(dir)?;
    }
    Ok(judge(Some(&record), history))
}

#[cfg(test)]
mod tests {
    use super::{
        samples::{clean_history, clean_record},
        *,
    };

    #[test]
    fn a_clean_run_is_clean() {
        let verdict = judge(Some(&clean_record()), Some(&clean_history()));
        assert_eq!(verdict.findings, vec![]);
        assert!(verdict.is_clean());
        assert_eq!(verdict.checked.orders, 4);
    }

    #[test]
    fn a_place_is_a_folder_or_a_database() {
        assert_eq!("data/x".parse(), Ok(Place::Folder("data/x".into())));
        let url = "postgresql://postgres@127.0.0.1:5432/apricot";
        assert_eq!(url.parse(), Ok(Place::Postgres(url.into())));
        assert!("redis://127.0.0.1".parse::<Place>().is_err());
    }

    #[test]
    fn the_six_keys_are_always_there() {
        let keys = judge(None, None).to_json();
        for key in ["oversold", "undersold", "lost", "double_effects", "limit_broken", "counter_wrong"] {
            assert_eq!(keys[key], json!(0), "{key}");
        }
    }

    #[test]
    fn sentences_are_bounded_and_counts_are_not() {
        let mut verdict = Verdict::default();
        for number in 0..500 {
            verdict.found(Rule::Lost, format!("order {number}"));
        }
        assert_eq!((verdict.count(Rule::Lost), verdict.findings.len()), (500, FINDINGS_MAX));
    }
}
