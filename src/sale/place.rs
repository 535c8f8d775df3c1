//! Placing an order: the gate grants, the record commits, the buyer is answered.

use std::sync::atomic::Ordering;

use dashmap::mapref::entry::Entry as MapEntry;
use tokio_util::sync::CancellationToken;

use super::{Keeping, KnownOrder, LiveSale, OrderView, Placed, Refusal, Sales, Slot, Wish, meters};
use crate::model::{Order, OrderId, OutOfBound, RoomId, SaleId, Stage, Subject, Timestamp};
use crate::store::inventory::{Ending, HoldRefused, NotNow, Request};
use crate::store::journal::{HoldOutcome, Pending};
use crate::store::{StoreError, Write};

impl Sales {
    /// Holds units for the buyer, or takes a place on the waiting list when there are none and the wish says so. The same wish again
    /// gets the same order; the same id for another wish is refused.
    pub async fn place(&self, buyer: &Subject, wish: Wish, now: Timestamp) -> Result<Placed, Refusal> {
        if !(1..=Order::QUANTITY_MAX).contains(&wish.quantity) {
            return Err(OutOfBound::new("quantity", format!("1..={}", Order::QUANTITY_MAX)).into());
        }
        if self.0.orders.contains_key(&wish.order) {
            return self.placed_before(buyer, &wish).await;
        }
        let Some(live) = self.live(wish.sale) else {
            // The sale is over and out of memory; a retry of what was placed in it is still a retry.
            return match self.placed_before(buyer, &wish).await {
                Err(Refusal::Store(StoreError::Stale)) => Err(Refusal::NotFound("sale")),
                placed => placed,
            };
        };
        let sale = live.sale();
        if let Err(refused) = sale.takes_orders(now) {
            return self.refused_or_placed(buyer, &wish, &sale.room, refused.into()).await;
        }
        if !wish.wait && self.0.inventory.is_sold_out(wish.sale, now) {
            meters::refused("sold_out");
            return self.refused_or_placed(buyer, &wish, &sale.room, Refusal::SoldOut { left: 0 }).await;
        }
        if self.0.inventory.reading(wish.sale).is_none() {
            self.mend(wish.sale);
        }
        if !self.0.journal.has_room() {
            meters::refused("busy");
            return Err(StoreError::Busy.into());
        }
        let until = now + sale.hold_for;
        let order = Order {
            id: wish.order,
            sale: sale.id,
            room: sale.room,
            sku: sale.sku,
            buyer: buyer.clone(),
            quantity: wish.quantity,
            unit_price: sale.price,
            wait: wish.wait,
            stage: Stage::Held { until, offered: false },
            hold: 1,
            placed_at: now,
            paid_at: None,
            refunded_minor: 0,
            charity_minor: 0,
            version: 1,
        };
        let done = CancellationToken::new();
        match self.0.orders.entry(wish.order) {
            MapEntry::Occupied(taken) => {
                drop(taken);
                return self.placed_before(buyer, &wish).await;
            }
            MapEntry::Vacant(free) => {
                free.insert(Slot::Placing(done.clone()));
            }
        }
        let request = Request {
            order: order.id,
            buyer: buyer.clone(),
            quantity: order.quantity,
            limit: sale.limit_per_buyer,
            until,
        };
        let placing = Placing { sales: self.clone(), id: order.id, done };
        let sales = self.clone();
        self.uninterrupted(async move {
            let buyer = order.buyer.clone();
            match sales.ask_gate(order, request, now).await {
                Ok((order, displaced)) => {
                    sales.0.buyers.add(&order.room, &buyer);
                    sales.record_placed(placing, &live, order, displaced, now).await
                }
                // It was placed through another node.
                Err(HoldRefused::Known) if sales.is_shared() => {
                    drop(placing);
                    sales.placed_before(&buyer, &wish).await
                }
                Err(refused) => {
                    match refused {
                        HoldRefused::NotReady { .. } => sales.mend(live.sale().id),
                        HoldRefused::Closed => sales.closed_at_gate(&live, now),
                        _ => {}
                    }
                    Err(refused.into())
                }
            }
        })
        .await
    }

    /// Units, or a place in line when there are none and the wish says so. With the order as it stands then.
    async fn ask_gate(
        &self,
        order: Order,
        request: Request,
        now: Timestamp,
    ) -> Result<(Order, Vec<Ending>), HoldRefused> {
        match self.0.inventory.hold(order.sale, request.clone(), now).await {
            Ok(grant) => Ok((order, grant.displaced)),
            Err(HoldRefused::SoldOut { .. }) if order.wait => {
                let order = Order { stage: Stage::Waiting, hold: 0, ..order };
                let max = self.0.rules.waiting_list_max;
                self.0.inventory.wait(order.sale, request, max, now).await?;
                Ok((order, Vec::new()))
            }
            Err(refused) => Err(refused),
        }
    }

    /// A retry of what was placed through another node is answered by what became of it. Only those are looked for who are known to have
    /// ordered here, so that a refusal costs no look into a store.
    async fn refused_or_placed(
        &self,
        buyer: &Subject,
        wish: &Wish,
        room: &RoomId,
        refusal: Refusal,
    ) -> Result<Placed, Refusal> {
        if !self.is_shared() || !self.0.buyers.knows(room, buyer) {
            return Err(refusal);
        }
        match self.placed_before(buyer, wish).await {
            Err(Refusal::Store(StoreError::Stale)) => Err(refusal),
            placed => placed,
        }
    }

    async fn record_placed(
        &self,
        placing: Placing,
        live: &LiveSale,
        order: Order,
        displaced: Vec<Ending>,
        now: Timestamp,
    ) -> Result<Placed, Refusal> {
        let expired = match self.submit_displaced(order.sale, displaced, now).await {
            Ok(expired) => expired,
            Err(refusal) => {
                self.rebuild(order.sale).await;
                return Err(refusal);
            }
        };
        let mut entry = vec![Write::Order(order.clone())];
        if let Stage::Held { until, .. } = order.stage {
            entry.push(Write::Hold {
                order: order.id,
                hold: order.hold,
                sale: order.sale,
                quantity: order.quantity,
                expires_at: until,
            });
        }
        #[cfg(feature = "sabotage")]
        crate::store::sabotage::reached("granted");
        let recorded = self.0.journal.commit(entry).await;
        // They were ahead of the grant in the queue, and ended whatever became of it.
        for (known, pending) in expired {
            self.finish_expired(known, pending).await;
        }
        match recorded {
            Ok(()) => {}
            Err(StoreError::Exists) => {
                // The id belongs to an order of a sale that is no longer in memory.
                self.give_back(&order).await;
                drop(placing);
                let known = self.find(order.id).await?;
                return self.same_or_refused(&known, &order).await;
            }
            Err(StoreError::OverStock) => {
                // The sale closed between the grant and the commit, or the gate is wrong: the record decides.
                self.rebuild(order.sale).await;
                return Err(Refusal::SoldOut { left: 0 });
            }
            Err(refused @ (StoreError::Busy | StoreError::Rule(_))) => {
                self.give_back(&order).await;
                return Err(refused.into());
            }
            Err(refused) => {
                self.rebuild(order.sale).await;
                return Err(refused.into());
            }
        }
        let held = matches!(order.stage, Stage::Held { .. });
        self.adopt(&order, live.sale().limit_per_buyer).await;
        meters::order(order.stage.name());
        let known = placing.known(KnownOrder { order, payment: None, payments: 0 });
        if held {
            self.tell_if_turned(known.order.sale).await;
        }
        if self.is_shared() {
            // The buyer's socket may have moved to another node, which then knows of the order.
            self.tell_order(&known).await;
        }
        let waiting_place = if held { 0 } else { self.waiting_place(&known.order).await };
        let view = OrderView {
            title: live.product.title.clone(),
            waiting_place,
            revision: known.revision(),
            order: known.order.clone(),
            payment: None,
            ship_to: None,
        };
        Ok(Placed { view, fresh: true })
    }

    /// Hands in the ends of holds that a grant pushed aside, ahead of the grant.
    pub(super) async fn submit_displaced(
        &self,
        sale: SaleId,
        displaced: Vec<Ending>,
        now: Timestamp,
    ) -> Result<Vec<(KnownOrder, Pending)>, Refusal> {
        let mut expired = Vec::with_capacity(displaced.len());
        for ending in displaced {
            expired.extend(self.submit_expired(sale, &ending, Keeping::Alone, now).await?);
        }
        Ok(expired)
    }

    pub(super) async fn finish_expired(&self, known: KnownOrder, pending: Pending) {
        let (sale, id) = (known.order.sale, known.order.id);
        if let Err(error) = self.expired(known, pending).await {
            tracing::warn!(%error, order = %id, "an expired hold was not recorded; the lot is read again");
            self.rebuild(sale).await;
        }
    }

    /// The record has it. The gate may have been read again meanwhile.
    pub(super) async fn adopt(&self, order: &Order, limit: u32) {
        let request = |until| Request {
            order: order.id,
            buyer: order.buyer.clone(),
            quantity: order.quantity,
            limit,
            until,
        };
        match order.stage {
            Stage::Held { until, .. } => self.0.inventory.adopt_hold(order.sale, request(until)).await,
            Stage::Waiting => self.0.inventory.adopt_waiting(order.sale, request(order.placed_at)).await,
            // Over before it was told: the gate knows how.
            Stage::Paid
            | Stage::Packed
            | Stage::Shipped(_)
            | Stage::Delivered(_)
            | Stage::Confirmed { .. }
            | Stage::Released
            | Stage::Expired
            | Stage::Refunded => {}
        }
    }

    /// The gate granted what the record will not have.
    async fn give_back(&self, order: &Order) {
        match self.0.inventory.end(order.sale, order.id, &order.buyer).await {
            Ok(()) => {
                self.0.inventory.free(order.sale, order.id, &order.buyer, HoldOutcome::Released).await;
            }
            Err(_) => {
                self.0.inventory.leave(order.sale, order.id, &order.buyer).await;
            }
        }
    }

    async fn placed_before(&self, buyer: &Subject, wish: &Wish) -> Result<Placed, Refusal> {
        let differs = |order: &Order| {
            order.sale != wish.sale
                || order.buyer != *buyer
                || order.quantity != wish.quantity
                || order.wait != wish.wait
        };
        let known = match self.find(wish.order).await {
            // The first try was refused after all; this one may fare better.
            Err(Refusal::NotFound(_)) => return Err(StoreError::Stale.into()),
            known => known?,
        };
        if differs(&known.order) {
            return Err(StoreError::ContentDiffers.into());
        }
        Ok(Placed { view: self.order_view(&known).await?, fresh: false })
    }

    async fn same_or_refused(&self, known: &KnownOrder, order: &Order) -> Result<Placed, Refusal> {
        if !known.order.same_content(order) {
            return Err(StoreError::ContentDiffers.into());
        }
        Ok(Placed { view: self.order_view(known).await?, fresh: false })
    }
}

/// The entry that ends an order's newest hold. `order` is the order after its end.
pub(super) fn end_hold(order: &Order, outcome: HoldOutcome, at: Timestamp) -> Vec<Write> {
    vec![
        Write::EndHold {
            order: order.id,
            hold: order.hold,
            sale: order.sale,
            quantity: order.quantity,
            outcome,
            at,
        },
        Write::Order(order.clone()),
    ]
}

/// Keeps an order id taken while the order is on its way to the record. Dropped without `known`, the id is free again.
struct Placing {
    sales: Sales,
    id: OrderId,
    done: CancellationToken,
}

impl Placing {
    fn known(self, known: KnownOrder) -> std::sync::Arc<KnownOrder> {
        self.sales.remember(known)
    }
}

impl Drop for Placing {
    fn drop(&mut self) {
        self.sales.0.orders.remove_if(&self.id, |_, slot| matches!(slot, Slot::Placing(_)));
        self.done.cancel();
    }
}

impl From<HoldRefused> for Refusal {
    fn from(refused: HoldRefused) -> Self {
        match refused {
            HoldRefused::Closed => Self::Sale(crate::model::sale::SaleRefused::Closed),
            HoldRefused::NotReady { retry_after } => {
                meters::refused("not_now");
                NotNow { retry_after }.into()
            }
            HoldRefused::SoldOut { left } => {
                meters::refused("sold_out");
                Self::SoldOut { left }
            }
            HoldRefused::LimitReached { limit } => {
                meters::refused("limit_reached");
                Self::LimitReached { limit }
            }
            HoldRefused::Known => Self::Store(StoreError::Stale),
            HoldRefused::WaitingListFull { max } => {
                Self::WaitingListFull { max: u32::try_from(max).unwrap_or(u32::MAX) }
            }
        }
    }
}

impl Sales {
    /// The lot as the record has it. Of many who ask at once, one reads for all who asked before it began.
    pub(super) async fn rebuild(&self, sale: SaleId) {
        let Some(live) = self.live(sale) else { return };
        let asked_at = live.rebuilds.load(Ordering::Acquire);
        let _alone = live.rebuilding.lock().await;
        if live.rebuilds.load(Ordering::Acquire) > asked_at {
            return;
        }
        live.rebuilds.fetch_add(1, Ordering::AcqRel);
        if let Err(error) = self.load_lot(sale).await {
            tracing::error!(%error, %sale, "the lot could not be read again; nobody can buy until a sweep has read it");
            self.0.inventory.forget(sale).await;
        }
    }

    /// The gate would not be asked: looks whether the lot has to be read again. Nobody waits for it, and one looks for all.
    pub(super) fn mend(&self, sale: SaleId) {
        let Some(live) = self.live(sale) else { return };
        if live.mending.swap(true, Ordering::AcqRel) {
            return;
        }
        let sales = self.clone();
        self.0.underway.spawn(async move {
            match sales.0.inventory.is_ready(sale).await {
                Ok(true) => {}
                Ok(false) => sales.rebuild(sale).await,
                Err(error) => {
                    tracing::debug!(%error, %sale, "the gate is away; the lot is looked at again later")
                }
            }
            live.mending.store(false, Ordering::Release);
        });
    }
}
