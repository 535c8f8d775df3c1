//! What the log adds up to, said by the log itself now and then, so that whoever reads a figure finds the leaf that states it. Counted from
//! the leaves alone, as a stranger would: the ledger's own totals are compared with it, not put into it.

use std::collections::HashMap;

use apricot_tlog::leaf::{Currency, Fact, Leaf, LeafRefused, Scope, Tally};
use apricot_tlog::ledger::{Amounts, Recount};

use super::{LogError, READ_LEAVES, leaves, parsed};
use crate::model::Timestamp;
use crate::store::Journal;
use crate::store::journal::{LOG_BATCH_MAX, LeafOf, LogLeaf};

/// Kept by the node that appends; made again from the leaves when another node takes over.
#[derive(Default)]
pub struct Tallies {
    recount: Recount,
    /// What the newest tally of each says.
    said: HashMap<(Scope, String, Currency), Amounts>,
}

impl Tallies {
    pub async fn read_up_to(&mut self, size: u64, journal: &Journal) -> Result<(), LogError> {
        while self.recount.leaves() < size {
            let placed = journal.log_leaves(self.recount.leaves(), READ_LEAVES).await?;
            if placed.is_empty() {
                break;
            }
            for placed in placed {
                let leaf = parsed(&placed)?;
                self.recount.leaf(&leaf);
                if let Fact::Tally(tally) = leaf.fact {
                    let amounts = stated(&tally);
                    self.said.insert((tally.scope, tally.key, tally.currency), amounts);
                }
            }
        }
        Ok(())
    }

    /// A leaf for each sum that changed since it was last said, as of `size` leaves.
    pub fn due(&self, size: u64, now: Timestamp) -> Result<Vec<LogLeaf>, LeafRefused> {
        let mut changed: Vec<_> = self
            .recount
            .totals()
            .map(|(scope, key, currency, amounts)| ((scope, key.to_owned(), currency), amounts))
            // A room may not say where it is: its orders count in all, and in no county.
            .filter(|((scope, key, _), _)| *scope == Scope::All || !key.is_empty())
            .filter(|(of, amounts)| self.said.get(of).is_none_or(|said| said != amounts))
            .collect();
        changed.sort_by(|(one, _), (other, _)| one.cmp(other));
        // What is left over is still due the next time.
        changed.truncate(LOG_BATCH_MAX as usize);
        changed
            .into_iter()
            .map(|((scope, key, currency), amounts)| tally(size, scope, key, currency, amounts, now))
            .collect()
    }
}

/// What the record calls a sum.
pub(super) fn name(scope: Scope, currency: Currency, key: &str) -> String {
    format!("{scope:?} {currency} {key}")
}

fn tally(
    size: u64,
    scope: Scope,
    key: String,
    currency: Currency,
    amounts: Amounts,
    now: Timestamp,
) -> Result<LogLeaf, LeafRefused> {
    let count = |amount: i64| u64::try_from(amount).unwrap_or(0);
    let of = LeafOf::Tally(name(scope, currency, &key));
    let tally = Tally {
        size,
        scope,
        key,
        currency,
        orders: count(amounts.orders),
        paid: count(amounts.paid),
        accrued: count(amounts.accrued),
        reversed: count(amounts.reversed),
        confirmed: count(amounts.confirmed),
        remitted: count(amounts.remitted),
        matched: count(amounts.matched),
        unmatched: count(amounts.unmatched),
    };
    let leaf = Leaf { at: leaves::millis(now), fact: Fact::Tally(tally) }.encode()?;
    Ok(LogLeaf { leaf, of })
}

fn stated(tally: &Tally) -> Amounts {
    let amount = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    Amounts {
        orders: amount(tally.orders),
        paid: amount(tally.paid),
        accrued: amount(tally.accrued),
        reversed: amount(tally.reversed),
        confirmed: amount(tally.confirmed),
        remitted: amount(tally.remitted),
        matched: amount(tally.matched),
        unmatched: amount(tally.unmatched),
    }
}
