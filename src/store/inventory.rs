//! The gate: decides who may hold which units of a lot.
//!
//! The contract, for every backend:
//!
//! - The gate may refuse too much but never grants too much. A grant counts only when the journal has committed it; until then the
//!   units are neither free nor promised.
//! - Units come free (`free`) only after the journal has committed that the hold ended. So what the gate calls free, the record
//!   calls free, whatever order things commit in.
//! - A hold past its time is free for the next buyer at that instant, swept or not; it can no longer be claimed, and it does not
//!   count towards its buyer's limit. Who stands in line is the next buyer before any newcomer.
//! - Once everything is held or sold, refusals cost one atomic read, no lock and no store operation.
//! - When a commit failed and nobody knows what the record holds, the lot is rebuilt from the record (`open`). What was on its way to
//!   the record at that moment is made known to the new lot when it has arrived (`adopt_hold`, `adopt_waiting`), and by a second
//!   reading of the record (`adopt`).
//! - Units leave a lot (`take_back`) before the record says so, and come into it (`restock`) after. The stock is named by the version of its
//!   sale, so that what was read or told late changes nothing.
//! - A gate that cannot be asked says when to come again.
//!
//! An order is named with its buyer: a shared gate keeps a buyer's orders together, so that a hold reads and writes one thing.

use std::time::Duration;

use super::journal::HoldOutcome;
use crate::model::{OrderId, SaleId, Subject, Timestamp};

mod adopt;
mod embedded;
pub mod lot;
mod redis;

#[cfg(test)]
mod conformance;

pub use embedded::Embedded;
pub use lot::{EndRefused, Ending, Grant, HoldRefused, LotSnapshot, Reading, Request};
pub use redis::RedisGate;

#[derive(Clone)]
pub enum Inventory {
    /// In this process, for one node.
    Embedded(Embedded),
    /// In Redis, for many.
    Redis(RedisGate),
}

/// A lot as it was opened at some time: the generation of a shared one. 0: there was none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen(u64);

/// The gate cannot be asked, or not yet again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the gate cannot be asked now")]
pub struct NotNow {
    pub retry_after: Duration,
}

impl Default for Inventory {
    fn default() -> Self {
        Self::Embedded(Embedded::default())
    }
}

impl Inventory {
    /// Whether other nodes decide over the same lots.
    pub fn is_shared(&self) -> bool {
        match self {
            Self::Embedded(_) => false,
            Self::Redis(_) => true,
        }
    }

    /// Whether it can be asked: as far as is known, without asking.
    pub fn is_up(&self) -> bool {
        match self {
            Self::Embedded(_) => true,
            Self::Redis(gate) => gate.is_up(),
        }
    }

    /// Which lot is there now. To be asked for before the record is read: `open` replaces no other.
    pub async fn seen(&self, sale: SaleId) -> Seen {
        match self {
            Self::Embedded(_) => Seen(0),
            Self::Redis(gate) => gate.seen(sale).await,
        }
    }

    /// Makes a lot, or replaces the one that was seen, by what the record says. False: another node was quicker, and its lot stands.
    pub async fn open(&self, sale: SaleId, seen: Seen, snapshot: &LotSnapshot) -> Result<bool, NotNow> {
        match self {
            Self::Embedded(gate) => {
                gate.open(sale, snapshot.clone());
                Ok(true)
            }
            Self::Redis(gate) => gate.open(sale, seen, snapshot).await,
        }
    }

    /// Whether the lot is there and need not be read again from the record.
    pub async fn is_ready(&self, sale: SaleId) -> Result<bool, NotNow> {
        match self {
            Self::Embedded(gate) => Ok(gate.reading(sale).is_some()),
            Self::Redis(gate) => gate.is_ready(sale).await,
        }
    }

    pub async fn forget(&self, sale: SaleId) {
        match self {
            Self::Embedded(gate) => gate.forget(sale),
            Self::Redis(gate) => gate.forget(sale).await,
        }
    }

    /// Asks for units. `Ok` promises nothing yet: commit the grant, then tell the buyer.
    pub async fn hold(&self, sale: SaleId, request: Request, now: Timestamp) -> Result<Grant, HoldRefused> {
        match self {
            Self::Embedded(gate) => gate.hold(sale, request, now),
            Self::Redis(gate) => gate.hold(sale, request, now).await,
        }
    }

    /// Whether every request would be refused, whatever it asks for. One atomic read.
    pub fn is_sold_out(&self, sale: SaleId, now: Timestamp) -> bool {
        match self {
            Self::Embedded(gate) => gate.is_sold_out(sale, now),
            Self::Redis(gate) => gate.is_sold_out(sale, now),
        }
    }

    /// The hold becomes a sale. To be committed; a failed commit asks for a rebuild.
    pub async fn claim(
        &self,
        sale: SaleId,
        order: OrderId,
        buyer: &Subject,
        now: Timestamp,
    ) -> Result<(), EndRefused> {
        match self {
            Self::Embedded(gate) => gate.claim(sale, order, now),
            Self::Redis(gate) => gate.claim(sale, order, buyer, now).await,
        }
    }

    /// The hold can no longer be claimed; its units stay counted until `free`.
    pub async fn end(&self, sale: SaleId, order: OrderId, buyer: &Subject) -> Result<(), EndRefused> {
        match self {
            Self::Embedded(gate) => gate.end(sale, order),
            Self::Redis(gate) => gate.end(sale, order, buyer).await,
        }
    }

    /// The end was committed: the units are free.
    pub async fn free(&self, sale: SaleId, order: OrderId, buyer: &Subject, outcome: HoldOutcome) {
        match self {
            Self::Embedded(gate) => gate.free(sale, order, outcome),
            Self::Redis(gate) => gate.free(sale, order, buyer, outcome).await,
        }
    }

    /// Takes a place on the waiting list, to be committed. 1 is next.
    pub async fn wait(
        &self,
        sale: SaleId,
        request: Request,
        max: usize,
        now: Timestamp,
    ) -> Result<u32, HoldRefused> {
        match self {
            Self::Embedded(gate) => gate.wait(sale, request, max, now),
            Self::Redis(gate) => gate.wait(sale, request, max, now).await,
        }
    }

    /// A hold was committed. A lot that was read again while the hold was on its way to the record learns of it here; any other
    /// knows it already.
    pub async fn adopt_hold(&self, sale: SaleId, request: Request) {
        match self {
            Self::Embedded(gate) => gate.adopt_hold(sale, request),
            Self::Redis(gate) => gate.adopt_hold(sale, request).await,
        }
    }

    /// As `adopt_hold`, for a claim.
    pub async fn adopt_claimed(&self, sale: SaleId, order: OrderId, buyer: &Subject, quantity: u32) {
        match self {
            Self::Embedded(gate) => gate.adopt_claimed(sale, order, buyer, quantity),
            Self::Redis(gate) => gate.adopt_claimed(sale, order, buyer, quantity).await,
        }
    }

    /// As `adopt_hold`, for a place on the waiting list.
    pub async fn adopt_waiting(&self, sale: SaleId, request: Request) {
        match self {
            Self::Embedded(gate) => gate.adopt_waiting(sale, request),
            Self::Redis(gate) => gate.adopt_waiting(sale, request).await,
        }
    }

    /// Gives up a place on the waiting list. False: there was none.
    pub async fn leave(&self, sale: SaleId, order: OrderId, buyer: &Subject) -> bool {
        match self {
            Self::Embedded(gate) => gate.leave(sale, order),
            Self::Redis(gate) => gate.leave(sale, order, buyer).await,
        }
    }

    /// 1 is next; 0 is not waiting.
    pub async fn waiting_place(&self, sale: SaleId, order: OrderId, buyer: &Subject) -> u32 {
        match self {
            Self::Embedded(gate) => gate.waiting_place(sale, order),
            Self::Redis(gate) => gate.waiting_place(sale, order, buyer).await,
        }
    }

    /// Grants free units to the first in line whom they suffice. To be committed.
    pub async fn next_offer(&self, sale: SaleId, until: Timestamp) -> Option<Request> {
        match self {
            Self::Embedded(gate) => gate.next_offer(sale, until),
            Self::Redis(gate) => gate.next_offer(sale, until).await,
        }
    }

    /// Holds past their time, marked as ending. Commit the end, then `free`.
    pub async fn take_expired(&self, sale: SaleId, now: Timestamp, max: usize) -> Vec<Ending> {
        match self {
            Self::Embedded(gate) => gate.take_expired(sale, now, max),
            Self::Redis(gate) => gate.take_expired(sale, now, max).await,
        }
    }

    /// Takes units that nobody holds and that are not sold out of the lot. To be committed; a failed commit asks for a rebuild.
    pub async fn take_back(&self, sale: SaleId, units: u32) -> Result<(), HoldRefused> {
        match self {
            Self::Embedded(gate) => gate.take_back(sale, units),
            Self::Redis(gate) => gate.take_back(sale, units).await,
        }
    }

    /// It was committed that the lot has so many units since the sale's `version`. A word that is not newer changes nothing.
    pub async fn restock(&self, sale: SaleId, stock: u32, version: u64) {
        match self {
            Self::Embedded(gate) => gate.restock(sale, stock, version),
            Self::Redis(gate) => gate.restock(sale, stock, version).await,
        }
    }

    /// No more grants. Holds may still be claimed. Returns who was waiting.
    pub async fn close(&self, sale: SaleId) -> Vec<OrderId> {
        match self {
            Self::Embedded(gate) => gate.close(sale),
            Self::Redis(gate) => gate.close(sale).await,
        }
    }

    /// Fit for every flush: reads atomics.
    pub fn reading(&self, sale: SaleId) -> Option<Reading> {
        match self {
            Self::Embedded(gate) => gate.reading(sale),
            Self::Redis(gate) => gate.reading(sale),
        }
    }

    /// For people to look at: as it is, or as it was when that was last known.
    pub fn shown(&self, sale: SaleId) -> Reading {
        let shown = match self {
            Self::Embedded(gate) => gate.reading(sale),
            Self::Redis(gate) => gate.last_reading(sale),
        };
        shown.unwrap_or_default()
    }
}
