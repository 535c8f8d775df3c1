//! Units that come back: cancelled orders, holds that ran out, and the waiting list that gets them.

use std::sync::Arc;

use futures_util::future::join_all;

use super::place::end_hold;
use super::{Keeping, KnownOrder, OrderView, Refusal, Sales, meters};
use crate::model::order::OrderRefused;
use crate::model::{Order, OrderId, SaleId, SaleState, Stage, Subject, Timestamp};
use crate::store::inventory::{EndRefused, Ending, NotNow};
use crate::store::journal::{HoldOutcome, Pending};
use crate::store::{StoreError, Write};

/// Holds ended at once; the next come right after when there are more.
const EXPIRED_AT_ONCE: usize = 512;

impl Sales {
    /// Before payment only; what is paid is refunded. Cancelling twice says so.
    pub async fn cancel(&self, buyer: &Subject, id: OrderId, now: Timestamp) -> Result<OrderView, Refusal> {
        let known = self.find_own(buyer, id).await?;
        let sales = self.clone();
        self.uninterrupted(async move { sales.release(&known, now).await }).await
    }

    pub(super) async fn release(&self, known: &KnownOrder, now: Timestamp) -> Result<OrderView, Refusal> {
        let order = known.order.clone().release()?;
        let pending = match known.order.stage {
            Stage::Held { .. } => {
                self.0.inventory.end(order.sale, order.id, &order.buyer).await?;
                self.submit_end(&order, HoldOutcome::Released, Keeping::Alone, now)
            }
            _ if self.0.inventory.leave(order.sale, order.id, &order.buyer).await => {
                self.0.journal.submit(vec![Write::Order(order.clone())])
            }
            // The offer was quicker: the order has a hold by now.
            _ => return Err(StoreError::Stale.into()),
        };
        let recorded = match pending {
            Ok(pending) => pending.committed().await,
            Err(refused) => Err(refused),
        };
        if let Err(error) = recorded {
            self.rebuild(order.sale).await;
            self.reread(order.id).await?;
            return Err(error.into());
        }
        meters::order("released");
        self.0.inventory.free(order.sale, order.id, &order.buyer, HoldOutcome::Released).await;
        let known = self.became(KnownOrder { order, ..known.clone() }).await;
        self.units_came_back(known.order.sale, now).await;
        self.tell_order(&known).await;
        self.order_view(&known).await
    }

    /// Ends what is past its time. Correctness does not wait for it: a hold past its time cannot be claimed, and makes room by itself.
    /// What was not recorded is not tried again in this pass: the lot is read again, and holds are what they were.
    pub(super) async fn expire_holds(
        &self,
        sale: SaleId,
        keeping: Keeping,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        while keeping.stands() {
            let overdue = self.0.inventory.take_expired(sale, now, EXPIRED_AT_ONCE).await;
            if overdue.is_empty() {
                break;
            }
            if let Err(refusal) = self.expire_all(sale, &overdue, keeping, now).await {
                self.rebuild(sale).await;
                return Err(refusal);
            }
            self.units_came_back(sale, now).await;
            if overdue.len() < EXPIRED_AT_ONCE {
                break;
            }
        }
        Ok(())
    }

    /// All at once: one reading, one commit, one call of the gate, or a few of each. Answers when nothing is under way any more.
    async fn expire_all(
        &self,
        sale: SaleId,
        overdue: &[Ending],
        keeping: Keeping,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let known = self.find_all(overdue.iter().map(|ending| ending.order)).await?;
        let ended = join_all(overdue.iter().map(async |ending| {
            let known = known.get(&ending.order).cloned();
            match self.submit_known(sale, ending, known, keeping, now).await? {
                Some((known, pending)) => Ok(self.expired(known, pending).await?),
                None => Ok(()),
            }
        }));
        ended.await.into_iter().collect()
    }

    /// The order's own hold, when its payment came too late and nobody has swept it yet.
    pub(super) async fn expire_hold(&self, known: &KnownOrder, now: Timestamp) -> Result<(), Refusal> {
        let ending = Ending { order: known.order.id, buyer: known.order.buyer.clone() };
        match self.0.inventory.end(known.order.sale, ending.order, &ending.buyer).await {
            Ok(()) => match self.submit_expired(known.order.sale, &ending, Keeping::Alone, now).await {
                Ok(expired) => {
                    if let Some((known, pending)) = expired {
                        self.finish_expired(known, pending).await;
                    }
                    Ok(())
                }
                Err(refusal) => {
                    self.rebuild(known.order.sale).await;
                    Err(refusal)
                }
            },
            // Somebody else is ending it: let the provider ask again.
            Err(_) => Err(StoreError::Stale.into()),
        }
    }

    /// `None`: the record has no such hold, and the gate was told what it has.
    pub(super) async fn submit_expired(
        &self,
        sale: SaleId,
        ending: &Ending,
        keeping: Keeping,
        now: Timestamp,
    ) -> Result<Option<(KnownOrder, Pending)>, Refusal> {
        let known = match self.find(ending.order).await {
            Ok(known) => Some(known),
            Err(Refusal::NotFound(_)) => None,
            Err(refusal) => return Err(refusal),
        };
        self.submit_known(sale, ending, known, keeping, now).await
    }

    /// `known` is what the record has under this id.
    async fn submit_known(
        &self,
        sale: SaleId,
        ending: &Ending,
        known: Option<Arc<KnownOrder>>,
        keeping: Keeping,
        now: Timestamp,
    ) -> Result<Option<(KnownOrder, Pending)>, Refusal> {
        let gate = &self.0.inventory;
        let Ending { order: id, buyer } = ending;
        let Some(known) = known.filter(|known| known.order.buyer == *buyer) else {
            // Its node died after the grant and before the record had it, or the record has somebody else's order of this id.
            gate.free(sale, *id, buyer, HoldOutcome::Expired).await;
            return Ok(None);
        };
        let order = known.order.clone();
        match order.stage {
            Stage::Held { .. } => {
                let order = order.expire()?;
                let pending = self.submit_end(&order, HoldOutcome::Expired, keeping, now)?;
                return Ok(Some((KnownOrder { order, ..(*known).clone() }, pending)));
            }
            // Its offer was not recorded: read again, it stands in line.
            Stage::Waiting => return Err(StoreError::Stale.into()),
            Stage::Released => gate.free(sale, *id, buyer, HoldOutcome::Released).await,
            Stage::Expired => gate.free(sale, *id, buyer, HoldOutcome::Expired).await,
            Stage::Paid
            | Stage::Packed
            | Stage::Shipped(_)
            | Stage::Delivered(_)
            | Stage::Confirmed { .. }
            | Stage::Refunded => gate.adopt_claimed(sale, *id, buyer, order.quantity).await,
        }
        Ok(None)
    }

    /// The end was handed in. Once it is recorded its units are free.
    pub(super) async fn expired(&self, known: KnownOrder, pending: Pending) -> Result<(), StoreError> {
        pending.committed().await?;
        let order = &known.order;
        self.0.inventory.free(order.sale, order.id, &order.buyer, HoldOutcome::Expired).await;
        meters::order("expired");
        let known = self.became(known).await;
        self.tell_order(&known).await;
        Ok(())
    }

    /// Hands in the end of a hold. Units that come free after the close go back to the product in the same entry.
    fn submit_end(
        &self,
        order: &Order,
        outcome: HoldOutcome,
        keeping: Keeping,
        at: Timestamp,
    ) -> Result<Pending, StoreError> {
        let mut entry = keeping.entry(end_hold(order, outcome, at));
        let live = self.live(order.sale);
        // Read-locked until the entry stands in the queue: a close that comes next finds it there.
        let sale = live.as_ref().map(|live| live.sale.read().expect("no panic while locked"));
        if sale.as_ref().is_some_and(|sale| matches!(sale.state, SaleState::Closed { .. })) {
            entry.push(Write::ReturnLeftovers(order.sale));
        }
        self.0.journal.submit(entry)
    }

    /// Offers free units to who stands in line, unless the sale is paused, and tells the room when the sale has units again.
    pub(super) async fn units_came_back(&self, sale: SaleId, now: Timestamp) {
        if self.live(sale).is_some_and(|live| matches!(live.sale().state, SaleState::Paused { .. })) {
            return self.tell_if_turned(sale).await;
        }
        let until = now + self.0.rules.offer_for;
        while let Some(request) = self.0.inventory.next_offer(sale, until).await {
            if let Err(error) = self.offer(request.order, request.limit, until).await {
                tracing::warn!(%error, order = %request.order, "an offer was not recorded; the lot is read again");
                self.rebuild(sale).await;
                return;
            }
        }
        self.tell_if_turned(sale).await;
    }

    async fn offer(&self, id: OrderId, limit: u32, until: Timestamp) -> Result<(), Refusal> {
        let known = self.find(id).await?;
        let order = known.order.clone().held(until, true)?;
        let hold = Write::Hold {
            order: order.id,
            hold: order.hold,
            sale: order.sale,
            quantity: order.quantity,
            expires_at: until,
        };
        self.0.journal.commit(vec![Write::Order(order.clone()), hold]).await?;
        self.adopt(&order, limit).await;
        meters::offered();
        let known = self.became(KnownOrder { order, ..(*known).clone() }).await;
        self.tell_order(&known).await;
        Ok(())
    }

    /// Waiting orders of a sale that has closed. One that cannot be ended now stands in line again, for the next sweep.
    pub(super) async fn dismiss(&self, sale: SaleId, waiting: Vec<OrderId>) {
        let mut underway = Vec::with_capacity(waiting.len());
        let mut failed = None;
        for id in waiting {
            let submitted = async {
                let known = self.find(id).await?;
                let order = known.order.clone().expire()?;
                let pending = self.0.journal.submit(vec![Write::Order(order.clone())])?;
                Ok::<_, Refusal>((KnownOrder { order, ..(*known).clone() }, pending))
            };
            match submitted.await {
                Ok(submitted) => underway.push(submitted),
                Err(error) => failed = Some(error),
            }
        }
        for (known, pending) in underway {
            match pending.committed().await {
                Ok(()) => {
                    let known = self.became(known).await;
                    self.tell_order(&known).await;
                }
                Err(error) => failed = Some(error.into()),
            }
        }
        if let Some(error) = failed {
            tracing::warn!(%error, %sale, "waiting orders of a closed sale were not ended; the next sweep tries again");
            self.rebuild(sale).await;
        }
    }
}

impl From<EndRefused> for Refusal {
    fn from(refused: EndRefused) -> Self {
        match refused {
            EndRefused::NotReady { retry_after } => NotNow { retry_after }.into(),
            EndRefused::Unknown | EndRefused::Ending => Self::Store(StoreError::Stale),
            EndRefused::RanOut | EndRefused::Ended(HoldOutcome::Expired) => {
                Self::Order(OrderRefused::HoldExpired)
            }
            EndRefused::Ended(HoldOutcome::Claimed) => Self::Order(OrderRefused::AlreadyPaid),
            EndRefused::Ended(HoldOutcome::Released) => Self::Order(OrderRefused::Released),
        }
    }
}
