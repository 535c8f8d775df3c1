//! What a site shows against what its log adds up to. Both grow while they are read, so each figure is held against what the log had before
//! and what it has after.

use std::collections::{BTreeSet, HashMap};

use apricot_tlog::encoding::from_hex;
use apricot_tlog::leaf::{Currency, Pool, Scope};
use apricot_tlog::ledger::{Amounts, SlotCount};
use apricot_tlog::merkle::Hash;
use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::Site;
use super::shown::{PoolShown, Shown, SlotShown, Total};

/// A figure that the site shows and the log does not bear out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Differs {
    /// What it is of: pledge, project, pool, or the board's row of all, a county, produce, a project, a day.
    pub of: &'static str,
    pub key: String,
    pub column: String,
    pub site: Value,
    pub log: Value,
    /// The log may only be behind the site.
    #[serde(skip)]
    pub may_pass: bool,
}

/// What the log added up to before the site was asked.
pub struct Before {
    totals: HashMap<(Scope, String, Currency), Amounts>,
    pools: HashMap<Uuid, Vec<SlotCount>>,
}

#[derive(Clone, Copy)]
enum Column {
    Accrued,
    Reversed,
    Confirmed,
    Remitted,
    Matched,
    Unmatched,
    /// Matched less unmatched.
    Added,
}

use Column::{Accrued, Added, Confirmed, Matched, Remitted, Reversed, Unmatched};

impl Column {
    fn name(self) -> &'static str {
        match self {
            Accrued => "accrued",
            Reversed => "reversed",
            Confirmed => "confirmed",
            Remitted => "remitted",
            Matched => "matched",
            Unmatched => "unmatched",
            Added => "matched less unmatched",
        }
    }

    /// What it may have been at any moment between. What only grows is between its ends; what also falls is so by no more than what it is
    /// made of grew.
    fn between(self, before: Amounts, after: Amounts) -> (i64, i64) {
        match self {
            Accrued => (before.accrued, after.accrued),
            Reversed => (before.reversed, after.reversed),
            Remitted => (before.remitted, after.remitted),
            Matched => (before.matched, after.matched),
            Unmatched => (before.unmatched, after.unmatched),
            // Confirmations less reversals of confirmed money, which are some of all reversals.
            Confirmed => {
                let taken = after.reversed.saturating_sub(before.reversed);
                (before.confirmed.saturating_sub(taken), after.confirmed.saturating_add(taken))
            }
            Added => net((before.matched, before.unmatched), (after.matched, after.unmatched)),
        }
    }

    fn only_grows(self) -> bool {
        !matches!(self, Confirmed | Added)
    }
}

/// Of two sums that only grow.
fn net(before: (i64, i64), after: (i64, i64)) -> (i64, i64) {
    (before.0.saturating_sub(after.1), after.0.saturating_sub(before.1))
}

impl Site {
    /// To be asked before `shown`.
    pub fn before(&mut self) -> Before {
        self.stated.keep_all(self.tree.size());
        let totals = self.recount.totals();
        let totals =
            totals.map(|(scope, key, currency, amounts)| ((scope, key.to_owned(), currency), amounts));
        let pools = self.recount.pools().map(|count| (count.pool.pool, count.slots));
        Before { totals: totals.collect(), pools: pools.collect() }
    }

    /// Everything that was shown against the log as it is read by now, in the order of what it is of.
    pub fn differs(&self, before: &Before, shown: &Shown) -> Vec<Differs> {
        let mut differ = Vec::new();
        for (pledge, total) in &shown.pledges {
            let columns = [
                (Accrued, total.gross_accrued_minor.0),
                (Reversed, total.gross_reversed_minor.0),
                (Confirmed, total.confirmed_minor.0),
                (Remitted, total.remitted_minor.0),
                (Matched, total.gross_matched_minor.0),
                (Unmatched, total.gross_unmatched_minor.0),
            ];
            let pledge = pledge.to_string();
            differ.extend(self.total("pledge", Scope::Pledge, &pledge, &total.currency, &columns, before));
        }
        for (pledge, shown) in &shown.named {
            let log = self.recount.newest_pledge(pledge).map_or(0, |pledge| pledge.version);
            if !(shown.logged..=log).contains(&shown.version) {
                let may_pass = shown.version > log;
                differ.push(of(
                    "pledge",
                    &pledge.to_string(),
                    "version",
                    json!(shown.version),
                    json!(log),
                    may_pass,
                ));
            }
        }
        for (project, totals) in &shown.projects {
            differ.extend(self.project(project, totals, before));
        }
        differ.extend(self.pools(before, &shown.pools));
        let mut of_board = self.stated.differs(&shown.board, self.tree.size());
        of_board.sort_by(|one, other| (one.of, &one.key).cmp(&(other.of, &other.key)));
        differ.extend(of_board);
        differ
    }

    fn total(
        &self,
        what: &'static str,
        scope: Scope,
        key: &str,
        currency: &str,
        columns: &[(Column, i64)],
        before: &Before,
    ) -> Vec<Differs> {
        let Ok(currency) = currency.parse::<Currency>() else {
            return vec![of(what, key, "currency", json!(currency), Value::Null, false)];
        };
        let low = before.totals.get(&(scope, key.to_owned(), currency)).copied().unwrap_or_default();
        let high = self.recount.total(scope, key, currency);
        let wrong = columns.iter().filter_map(|(column, site)| {
            let (low, high) = column.between(low, high);
            let log = if *site < low { low } else { high };
            let may_pass = *site > high || !column.only_grows();
            let differs = || of(what, key, column.name(), json!(site), json!(log), may_pass);
            (!(low..=high).contains(site)).then(differs)
        });
        wrong.collect()
    }

    /// In every currency that the site or the log has.
    fn project(&self, project: &str, totals: &[Total], before: &Before) -> Vec<Differs> {
        let logged =
            self.recount.totals().filter(|(scope, key, ..)| *scope == Scope::Project && *key == project);
        let mut currencies: BTreeSet<String> =
            logged.map(|(_, _, currency, _)| currency.to_string()).collect();
        currencies.extend(totals.iter().map(|total| total.currency.clone()));
        let mut differ = Vec::new();
        for currency in currencies {
            let total = totals.iter().find(|total| total.currency == currency).cloned().unwrap_or_default();
            let columns = [
                (Accrued, total.gross_accrued_minor.0),
                (Reversed, total.gross_reversed_minor.0),
                (Confirmed, total.confirmed_minor.0),
                (Remitted, total.remitted_minor.0),
                (Added, total.matched_minor.0),
            ];
            differ.extend(self.total("project", Scope::Project, project, &currency, &columns, before));
        }
        differ
    }

    fn pools(&self, before: &Before, shown: &[PoolShown]) -> Vec<Differs> {
        let logged: HashMap<String, _> =
            self.recount.pools().map(|count| (count.pool.pool.to_string(), count)).collect();
        let mut differ = Vec::new();
        for pool in shown {
            match logged.get(&pool.id) {
                None => differ.push(of("pool", &pool.id, "version", json!(pool.version), Value::Null, true)),
                Some(count) => {
                    let low = before.pools.get(&count.pool.pool).map_or(&[][..], Vec::as_slice);
                    differ.extend(pool_differs(pool, count.pool, low, &count.slots));
                }
            }
        }
        let absent = before.pools.keys().filter(|id| !shown.iter().any(|pool| pool.id == id.to_string()));
        let mut absent: Vec<String> = absent.map(Uuid::to_string).collect();
        absent.sort();
        differ.extend(absent.iter().map(|id| {
            let log = logged.get(id).map(|count| count.pool.version);
            of("pool", id, "version", Value::Null, json!(log), false)
        }));
        differ
    }
}

fn pool_differs(shown: &PoolShown, pool: &Pool, low: &[SlotCount], high: &[SlotCount]) -> Vec<Differs> {
    let mut differ = Vec::new();
    let mut hold = |column: String, site: Value, log: Value, holds: bool, may_pass: bool| {
        if !holds {
            differ.push(Differs { of: "pool", key: shown.id.clone(), column, site, log, may_pass });
        }
    };
    let (site, log) = (shown.version, pool.version);
    hold("version".into(), json!(site), json!(log), site == log, site > log);
    let (site, log) = (shown.slots.len(), pool.slots.len());
    hold("slots".into(), json!(site), json!(log), site == log, false);
    for (at, (slot, logged)) in shown.slots.iter().zip(&pool.slots).enumerate() {
        let SlotShown { opens_at_ms, closes_at_ms, budget_minor, spent_minor, seed_sha256, seed } = slot;
        let mut same = |column: &str, site: Value, log: Value| {
            let holds = site == log;
            hold(format!("slots[{at}].{column}"), site, log, holds, false);
        };
        same("opensAt", json!(opens_at_ms.0), json!(logged.opens_at));
        same("closesAt", json!(closes_at_ms.0), json!(logged.closes_at));
        same("budget", json!(budget_minor.0), json!(logged.budget));
        same("seedSha256", json!(seed_sha256), json!(logged.seed_sha256.to_hex()));
        let hash = from_hex::<32>(seed).map(|seed| Hash::of(&seed).to_hex());
        if !seed.is_empty() {
            same("SHA-256 of the seed", json!(hash), json!(logged.seed_sha256.to_hex()));
        }
        let count = |counts: &[SlotCount]| counts.get(at).copied().unwrap_or_default();
        let (low, high) = (count(low), count(high));
        let (low, high) = net((low.matched, low.unmatched), (high.matched, high.unmatched));
        let (site, holds) = (spent_minor.0, (low..=high).contains(&spent_minor.0));
        let log = if site < low { low } else { high };
        hold(format!("slots[{at}].spent"), json!(site), json!(log), holds, true);
    }
    differ
}

fn of(of: &'static str, key: &str, column: &str, site: Value, log: Value, may_pass: bool) -> Differs {
    Differs { of, key: key.to_owned(), column: column.to_owned(), site, log, may_pass }
}
