//! What many writes of a batch change together is summed up, and written once: lots, sums of pledges, totals; and what pools match, one
//! after another.

use std::collections::HashMap;

use rusqlite::{OptionalExtension, params};

use super::super::rows::blob;
use super::super::totals::{Key, Total};
use super::Batch;
use super::fault::{Fault, refuse};
use crate::model::{Account, Code, Currency, OrderId, PartRef, PoolId, SaleId};
use crate::store::StoreError;
use crate::store::journal::Match;

#[derive(Default)]
pub struct Sums {
    lots: HashMap<SaleId, LotChange>,
    pledges: HashMap<(PartRef, Currency), PledgeChange>,
    /// In the order of entries: each is compared with what is left after the one before it.
    matches: Vec<MatchChange>,
    totals: HashMap<(i64, Code), (Total, Account, Currency)>,
}

pub enum MatchChange {
    Claim(Box<Match>),
    Back { claim: OrderId, pool: PoolId, amount: i64 },
}

#[derive(Default)]
struct LotChange {
    held: i64,
    sold: i64,
}

#[derive(Default)]
struct PledgeChange {
    standing: i64,
    payable: i64,
    /// The lowest of those who raise the sum.
    cap: Option<i64>,
}

impl Sums {
    pub fn change_lot(&mut self, sale: SaleId, held: i64, sold: i64) {
        #[cfg(feature = "sabotage")]
        if crate::store::sabotage::oversells() {
            return;
        }
        let change = self.lots.entry(sale).or_default();
        change.held += held;
        change.sold += sold;
    }

    pub fn change_pledge(&mut self, of: (PartRef, Currency), standing: i64, payable: i64, cap: Option<i64>) {
        let change = self.pledges.entry(of).or_default();
        change.standing += standing;
        change.payable += payable;
        change.cap = [change.cap, cap].into_iter().flatten().min();
    }

    pub fn change_match(&mut self, change: MatchChange) {
        self.matches.push(change);
    }

    pub fn change_total(&mut self, of: (i64, Code), account: &Account, currency: Currency, change: Total) {
        let (total, _, _) =
            self.totals.entry(of).or_insert_with(|| (Total::default(), account.clone(), currency));
        total.debits += change.debits;
        total.credits += change.credits;
        total.newest = change.newest;
    }
}

impl Batch<'_, '_> {
    /// Writes what was summed up, and returns the changed totals for the cache.
    pub fn write_sums(&mut self) -> Result<Vec<(Key, Total)>, Fault> {
        let lots: Vec<SaleId> = self.sums.lots.keys().copied().collect();
        for sale in lots {
            self.write_lot(sale)?;
        }
        for ((of, currency), change) in std::mem::take(&mut self.sums.pledges) {
            self.write_pledge(of, currency, &change)?;
        }
        self.write_matches()?;
        let mut changes = Vec::with_capacity(self.sums.totals.len());
        for ((id, code), (total, account, currency)) in std::mem::take(&mut self.sums.totals) {
            self.execute(
                "INSERT INTO totals (account, code, debits, credits, newest) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT DO UPDATE SET debits = debits + excluded.debits, credits = credits + excluded.credits,
                                           newest = max(newest, excluded.newest)",
                params![id, code.number(), total.debits, total.credits, total.newest],
            )?;
            changes.push(((account, currency, code), total));
        }
        Ok(changes)
    }

    pub(super) fn write_matches(&mut self) -> Result<(), Fault> {
        for change in std::mem::take(&mut self.sums.matches) {
            match change {
                MatchChange::Claim(it) => self.match_(&it)?,
                MatchChange::Back { claim, pool, amount } => self.unmatch(claim, pool, amount)?,
            }
        }
        Ok(())
    }

    pub(super) fn write_lot(&mut self, sale: SaleId) -> Result<(), Fault> {
        let Some(LotChange { held, sold }) = self.sums.lots.remove(&sale) else {
            return Ok(());
        };
        self.insert(
            "UPDATE lots SET held = held + ?2, sold = sold + ?3
             WHERE sale = ?1 AND held + ?2 + sold + ?3 <= stock AND held + ?2 >= 0",
            (blob(sale.0), held, sold),
            StoreError::OverStock,
        )
    }

    fn write_pledge(&mut self, of: PartRef, currency: Currency, change: &PledgeChange) -> Result<(), Fault> {
        let sql =
            "SELECT standing, payable FROM pledge_sums WHERE pledge = ?1 AND part = ?2 AND currency = ?3";
        let key = (blob(of.pledge.0), of.part, currency.as_str());
        let sums = self.statements.one(sql, key, |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
        let (standing, payable): (i64, i64) = sums.unwrap_or((0, 0));
        let (standing, payable) = (standing + change.standing, payable + change.payable);
        if change.cap.is_some_and(|cap| standing > cap) {
            return refuse(StoreError::CapReached);
        }
        if payable < 0 {
            return refuse(StoreError::Unpayable);
        }
        self.execute(
            "INSERT INTO pledge_sums (pledge, part, currency, standing, payable) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT DO UPDATE SET standing = excluded.standing, payable = excluded.payable",
            params![blob(of.pledge.0), of.part, currency.as_str(), standing, payable],
        )
        .map(|_| ())
    }
}
