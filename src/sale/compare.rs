//! Gate and record, compared: what a node that died left half done at a shared gate is found by nobody else.
//!
//! Between the gate's word and the record's, a node may die: a hold was ended at the gate and not in the record, a claim was made, an end
//! was recorded and its units not freed. While orders come in, both change all the time and differ by what is under way. What differs
//! and does not change any more is not under way.

use std::time::Duration;

use super::{LiveSale, Refusal, Sales};
use crate::model::{SaleId, SaleState, Timestamp};

/// Longer than a commit takes, as long as the record answers at all.
const STANDS_FOR: Duration = Duration::from_secs(5);
/// How often the record is asked for it: while the sale is open, and when it is over.
const LOOK_EVERY: Duration = Duration::from_secs(1);
const LOOK_AFTERWARDS_EVERY: Duration = Duration::from_secs(10);

pub(super) struct Difference {
    since: Timestamp,
    looked_at: Timestamp,
    /// `None`: they agreed.
    counts: Option<Counts>,
}

/// Of units held, sold and, while the sale runs, in all, and of orders that wait; in one place and the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Counts {
    gate: [u64; 4],
    record: [u64; 4],
    /// Holds that ran out and that nobody ends: the gate takes them for ended.
    overdue: u64,
}

impl Sales {
    /// To be called right after the sale's holds were swept: what has run out by now and is still held, nobody is ending.
    pub(super) async fn compare(&self, sale: SaleId, live: &LiveSale, now: Timestamp) -> Result<(), Refusal> {
        let every = match live.sale().state {
            SaleState::Closed { .. } => LOOK_AFTERWARDS_EVERY,
            SaleState::Scheduled | SaleState::Open { .. } | SaleState::Paused { .. } => LOOK_EVERY,
        };
        if !self.0.inventory.is_shared() || live.looked_since(now - every) {
            return Ok(());
        }
        let Some(gate) = self.0.inventory.reading(sale) else { return Ok(()) };
        let Some(record) = self.0.journal.lot(sale).await? else { return Ok(()) };
        let (waiting, overdue) = self.0.journal.waiting_and_overdue(sale, now).await?;
        // Of a closed lot the record keeps what is held or sold, and the gate what it had.
        let over = matches!(live.sale().state, SaleState::Closed { .. });
        let stock = |units: u32| if over { 0 } else { u64::from(units) };
        let counts = Counts {
            gate: [gate.held.into(), gate.sold.into(), stock(gate.stock), gate.waiting.into()],
            record: [record.held.into(), record.sold.into(), stock(record.stock), waiting],
            overdue,
        };
        let differs = counts.gate != counts.record || overdue > 0;
        if live.differs_too_long(differs.then_some(counts), now) {
            tracing::warn!(%sale, ?counts, "gate and record differ and nothing is under way; the lot is read again");
            self.rebuild(sale).await;
        }
        Ok(())
    }

    /// The gate calls the sale closed, and this node does not. So it is while the sale is being closed; but whoever was closing it may
    /// have died.
    pub(super) fn closed_at_gate(&self, live: &LiveSale, now: Timestamp) {
        let mut since = live.closed_at_gate_since.lock().expect("no panic while compared");
        let first = *since.get_or_insert(now);
        // Older than twice that: of another time.
        if now - STANDS_FOR * 2 > first {
            *since = Some(now);
        } else if now - STANDS_FOR >= first {
            *since = None;
            let (sales, sale) = (self.clone(), live.sale().id);
            tracing::warn!(%sale, "the gate calls an open sale closed; the lot is read again");
            self.0.underway.spawn(async move { sales.rebuild(sale).await });
        }
    }
}

impl LiveSale {
    fn looked_since(&self, at: Timestamp) -> bool {
        let difference = self.difference.lock().expect("no panic while compared");
        difference.as_ref().is_some_and(|difference| difference.looked_at > at)
    }

    fn differs_too_long(&self, counts: Option<Counts>, now: Timestamp) -> bool {
        let mut difference = self.difference.lock().expect("no panic while compared");
        let before = difference.take().filter(|before| before.counts == counts);
        let since = before.map_or(now, |before| before.since);
        let too_long = counts.is_some() && since + STANDS_FOR <= now;
        *difference = Some(Difference { since: if too_long { now } else { since }, looked_at: now, counts });
        too_long
    }
}
