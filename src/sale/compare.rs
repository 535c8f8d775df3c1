//! Gate and record, compared: what a node that died left half done at a shared gate is found by nobody else.
//!
//! Between the gate's word and the record's, a node may die: a hold was ended at the gate and not in the record, a claim was made, an end
//! was recorded and its units not freed. While orders come in, both change all the time and differ by what is under way. What differs
//! and does not change any more is not under way.

use std::time::Duration;

use super::{LiveSale, Refusal, Sales};
use crate::model::{SaleId, Timestamp};

/// Longer than a commit takes, as long as the record answers at all.
const STANDS_FOR: Duration = Duration::from_secs(5);
/// How often the record is asked for it.
const LOOK_EVERY: Duration = Duration::from_secs(1);

pub(super) struct Difference {
    since: Timestamp,
    looked_at: Timestamp,
    /// Held and sold at the gate and in the record; `None`: they agreed.
    units: Option<[u32; 4]>,
}

impl Sales {
    pub(super) async fn compare(&self, sale: SaleId, live: &LiveSale, now: Timestamp) -> Result<(), Refusal> {
        if !self.0.inventory.is_shared() || live.looked_since(now - LOOK_EVERY) {
            return Ok(());
        }
        let Some(gate) = self.0.inventory.reading(sale) else { return Ok(()) };
        let Some(record) = self.0.journal.lot(sale).await? else { return Ok(()) };
        let units = [gate.held, gate.sold, record.held, record.sold];
        let differs = (gate.held, gate.sold) != (record.held, record.sold);
        if live.differs_too_long(differs.then_some(units), now) {
            tracing::warn!(%sale, ?units, "gate and record differ and nothing is under way; the lot is read again");
            self.rebuild(sale).await;
        }
        Ok(())
    }
}

impl LiveSale {
    fn looked_since(&self, at: Timestamp) -> bool {
        let difference = self.difference.lock().expect("no panic while compared");
        difference.as_ref().is_some_and(|difference| difference.looked_at > at)
    }

    fn differs_too_long(&self, units: Option<[u32; 4]>, now: Timestamp) -> bool {
        let mut difference = self.difference.lock().expect("no panic while compared");
        let before = difference.take().filter(|before| before.units == units);
        let since = before.map_or(now, |before| before.since);
        let too_long = units.is_some() && since + STANDS_FOR <= now;
        *difference = Some(Difference { since: if too_long { now } else { since }, looked_at: now, units });
        too_long
    }
}
