//! Debits and credits of each account by code: a cache of the `totals` table. On SQLite the writer renews it after each commit and before
//! its callers are answered; on PostgreSQL it follows the table. Nothing else writes it.

use std::collections::HashMap;
use std::sync::{Arc, RwLock};

use rusqlite::Connection;

use super::query::{Parsed, Row};
use crate::model::{Account, Code, Currency};

const ALL: &str = "SELECT a.name, a.currency, t.code, t.debits, t.credits, t.newest \
     FROM totals t JOIN accounts a ON a.id = t.account";

#[derive(Clone, Default)]
pub struct Totals(Arc<RwLock<HashMap<Key, Total>>>);

/// What a total is of.
pub type Key = (Account, Currency, Code);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Total {
    pub debits: i64,
    pub credits: i64,
    /// Id of the last transfer counted.
    pub newest: i64,
}

impl Totals {
    pub fn of(&self, account: &Account, currency: Currency, code: Code) -> Total {
        let totals = self.0.read().expect("no panic while locked");
        totals.get(&(account.clone(), currency, code)).copied().unwrap_or_default()
    }

    /// Several at one instant, so that a transfer is seen on both its sides or on none.
    pub fn reading(
        &self,
        currency: Currency,
        wanted: impl IntoIterator<Item = (Account, Code)>,
    ) -> Vec<Total> {
        let totals = self.0.read().expect("no panic while locked");
        let of = |(account, code)| totals.get(&(account, currency, code)).copied().unwrap_or_default();
        wanted.into_iter().map(of).collect()
    }

    pub fn all(&self) -> Vec<(Key, Total)> {
        let totals = self.0.read().expect("no panic while locked");
        totals.iter().map(|(key, total)| (key.clone(), *total)).collect()
    }

    pub(super) fn add(&self, changes: impl IntoIterator<Item = (Key, Total)>) {
        let mut totals = self.0.write().expect("no panic while locked");
        for (key, change) in changes {
            let total = totals.entry(key).or_default();
            total.debits += change.debits;
            total.credits += change.credits;
            total.newest = total.newest.max(change.newest);
        }
    }

    /// Absolute values, as of one instant.
    pub(super) fn put(&self, read: impl IntoIterator<Item = (Key, Total)>) {
        let mut totals = self.0.write().expect("no panic while locked");
        for (key, total) in read {
            let known = totals.entry(key).or_default();
            // Of two readings that were under way at once, the later.
            if total.newest >= known.newest {
                *known = total;
            }
        }
    }

    pub(super) fn read(connection: &Connection) -> rusqlite::Result<Self> {
        let mut statement = connection.prepare(ALL)?;
        let mut rows = statement.query([])?;
        let mut totals = HashMap::new();
        while let Some(row) = rows.next()? {
            let (key, total) = keyed(&Row::from(row))?;
            totals.insert(key, total);
        }
        Ok(Self(Arc::new(RwLock::new(totals))))
    }
}

/// Columns as `ALL` has them.
pub(super) fn keyed(row: &Row) -> Parsed<(Key, Total)> {
    let key = (row.parsed(0)?, row.parsed(1)?, super::rows::code(row, 2)?);
    Ok((key, Total { debits: row.int(3)?, credits: row.int(4)?, newest: row.int(5)? }))
}
