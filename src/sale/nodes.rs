//! One node of many: what other nodes did to sales, and the duties that one node at a time has. A node alone has no others and all duties.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::{Refusal, SaleView, Sales};
use crate::model::{CloseReason, RoomId, SaleId, SaleState, Subject, Timestamp};
use crate::store::journal::{Deadline, Duty};
use crate::store::{Entry, StoreError, Write};

/// A keeper that is gone is replaced after this. Longer than a pause of the machine, shorter than a host's patience.
const LEASE: Duration = Duration::from_secs(4);

/// By what right time's work is done: no lease is needed by a node alone; of many, the one that holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keeping {
    Alone,
    Leased { fence: u64, until: Deadline },
}

impl Keeping {
    /// Whether the lease, as far as this node has renewed it, has not run out. The record has the last word; this spares it work that it
    /// would refuse.
    pub fn stands(self) -> bool {
        match self {
            Self::Alone => true,
            Self::Leased { until, .. } => !until.has_passed(),
        }
    }

    /// The number of the lease; `None` of a node alone.
    pub fn fence(self) -> Option<u64> {
        match self {
            Self::Alone => None,
            Self::Leased { fence, .. } => Some(fence),
        }
    }

    /// The record refuses the entry when the lease has passed to another node.
    pub(super) fn entry(self, writes: impl IntoIterator<Item = Write>) -> Entry {
        let fence = self.fence().map(|fence| Write::Fence { duty: Duty::Keeper, fence });
        fence.into_iter().chain(writes).collect()
    }
}

impl Sales {
    /// Whether other nodes write the same record.
    pub fn is_shared(&self) -> bool {
        self.0.journal.is_shared()
    }

    /// Takes or renews the lease of what time asks for; to be called each second. `None`: another node has it.
    pub async fn keep(&self, node: &str, now: Timestamp) -> Result<Option<Keeping>, StoreError> {
        let keeping = if self.is_shared() {
            let until = Deadline::after(LEASE);
            let lease = self.0.journal.take_lease(Duty::Keeper, node, LEASE, now).await;
            lease.map(|lease| lease.map(|lease| Keeping::Leased { fence: lease.fence, until }))
        } else {
            Ok(Some(Keeping::Alone))
        };
        let keeps = matches!(keeping, Ok(Some(_)));
        if self.0.keeps.swap(keeps, Ordering::AcqRel) != keeps {
            tracing::info!(node, keeps, "the lease of opening, closing and sweeping has changed hands");
        }
        keeping
    }

    /// Another node may begin at once.
    pub async fn stop_keeping(&self, node: &str) {
        if self.is_shared()
            && self.0.keeps.swap(false, Ordering::AcqRel)
            && let Err(error) = self.0.journal.give_up_lease(Duty::Keeper, node).await
        {
            tracing::debug!(%error, "the lease ends by itself");
        }
    }

    /// Whether this node has the duties of time.
    pub(super) fn keeps(&self) -> bool {
        !self.is_shared() || self.0.keeps.load(Ordering::Acquire)
    }

    /// The sale as another node left it, at `version` or later. One that is as new already costs nothing.
    pub async fn catch_up(&self, id: SaleId, version: u64) -> Result<(), Refusal> {
        let known = self.live(id);
        if known.as_ref().is_some_and(|live| live.sale().version >= version) {
            return Ok(());
        }
        let sale = self.0.journal.sale(id).await?.ok_or(Refusal::NotFound("sale"))?;
        match known {
            Some(live) => {
                live.become_(sale);
                // Its news was told by the node that changed it.
                live.told_sold_out.store(self.stock(id, &live).left == 0, Ordering::Release);
            }
            None => {
                self.load_sale(sale).await?;
                self.open_lot(id).await?;
            }
        }
        Ok(())
    }

    /// A sale that another node has just made is asked of the record.
    pub async fn ensure(&self, id: SaleId) -> Result<(), Refusal> {
        if !self.is_shared() || self.live(id).is_some() {
            return Ok(());
        }
        match self.catch_up(id, 1).await {
            Ok(()) | Err(Refusal::NotFound(_)) => Ok(()),
            Err(refusal) => Err(refusal),
        }
    }

    /// An order of this buyer was placed on another node.
    pub fn heard_of_buyer(&self, room: &RoomId, buyer: &Subject) {
        self.0.buyers.add(room, buyer);
    }

    /// Another node told the room how many units are left.
    pub fn heard_left(&self, id: SaleId, left: u32) {
        if let Some(live) = self.live(id) {
            live.told_sold_out.store(left == 0, Ordering::Release);
        }
    }

    /// The sales that messages between nodes failed to tell of; to be called each second.
    pub async fn reconcile(&self) -> Result<Vec<SaleView>, Refusal> {
        let mut missed = Vec::new();
        for (id, version) in self.0.journal.live_sale_versions().await? {
            if self.0.inventory.reading(id).is_none() && self.live(id).is_some() {
                // What people see of it is how it was.
                self.mend(id);
            }
            if self.live(id).is_some_and(|live| live.sale().version >= version) {
                continue;
            }
            match self.catch_up(id, version).await {
                Ok(()) => missed.extend(self.view(id)),
                Err(error) => {
                    tracing::warn!(%error, sale = %id, "a sale that another node changed was not read; the next look tries again");
                }
            }
        }
        Ok(missed)
    }

    /// Sales of rooms whose node died when they ended, and units that came free on a node which did not know that their sale had closed.
    /// Seldom any.
    pub async fn tidy_up(&self, keeping: Keeping, now: Timestamp) -> Result<(), Refusal> {
        for (sale, lot, ended) in self.0.journal.lots_of_live_sales().await? {
            let Some(live) = self.live(sale) else { continue };
            let closed = matches!(live.sale().state, SaleState::Closed { .. });
            if ended && !closed {
                self.close(sale, CloseReason::Host, None, keeping, now).await?;
            } else if closed && lot.stock > lot.held + lot.sold {
                self.0.journal.commit(keeping.entry([Write::ReturnLeftovers(sale)])).await?;
            }
        }
        Ok(())
    }
}
