//! What is known of orders: the cache of live sales, and the record behind it.

use std::collections::HashMap;
use std::sync::Arc;

use super::{KnownOrder, OrderView, Refusal, Sales, Slot};
use crate::model::{Order, OrderId, Payment, PaymentId, RoomId, Stage, Subject};
use crate::store::journal::{Listing, Page};

impl Sales {
    /// With the address only where the caller may see it: the answer leaves it out.
    pub async fn order(&self, id: OrderId) -> Result<Option<OrderView>, Refusal> {
        match self.find(id).await {
            Ok(known) => Ok(Some(self.order_view(&known).await?)),
            Err(Refusal::NotFound(_)) => Ok(None),
            Err(refusal) => Err(refusal),
        }
    }

    pub async fn order_with_address(&self, id: OrderId) -> Result<Option<OrderView>, Refusal> {
        let ship_to = self.0.journal.address(id).await?;
        Ok(self.order(id).await?.map(|view| OrderView { ship_to, ..view }))
    }

    pub async fn orders_of_buyer(&self, buyer: &Subject, page: Page) -> Result<Listing<OrderView>, Refusal> {
        let orders = self.0.journal.orders_of_buyer(buyer.clone(), page).await?;
        self.order_views(orders).await
    }

    pub async fn orders_of_room(&self, room: &RoomId, page: Page) -> Result<Listing<OrderView>, Refusal> {
        let orders = self.0.journal.orders_of_room(room.clone(), page).await?;
        self.order_views(orders).await
    }

    /// Paid and not yet shipped, with addresses.
    pub async fn orders_to_pack(&self, room: &RoomId) -> Result<Vec<OrderView>, Refusal> {
        let mut views = Vec::new();
        for (order, ship_to) in self.0.journal.orders_to_pack(room.clone()).await? {
            let known = KnownOrder { order, payment: None, payments: 0 };
            views.push(OrderView { ship_to, ..self.order_view(&known).await? });
        }
        Ok(views)
    }

    /// The buyer's orders of this room that are waiting, held or on their way; newest first, at most 20.
    pub async fn open_orders(&self, buyer: &Subject, room: &RoomId) -> Result<Vec<OrderView>, Refusal> {
        if !self.0.buyers.has(room, buyer, &self.0.journal).await? {
            return Ok(Vec::new());
        }
        let page = Page { after: None, limit: 50 };
        let orders = self.orders_of_buyer(buyer, page).await?;
        let open = |view: &OrderView| {
            view.order.room == *room
                && !matches!(
                    view.order.stage,
                    Stage::Released | Stage::Expired | Stage::Refunded | Stage::Confirmed { .. }
                )
        };
        Ok(orders.items.into_iter().filter(open).take(20).collect())
    }

    /// Those that have changed since the revision that stands with them.
    pub async fn newer_orders(&self, told: &HashMap<OrderId, u64>) -> Result<Vec<OrderView>, Refusal> {
        let mut newer = Vec::new();
        let recorded = self.0.journal.orders_with_payments(told.keys().copied().collect()).await?;
        for (order, payments) in recorded {
            let known = KnownOrder::recorded(order, payments);
            if told.get(&known.order.id).is_some_and(|told| *told < known.revision()) {
                newer.push(self.order_view(&known).await?);
            }
        }
        Ok(newer)
    }

    /// The newest payment of an order.
    pub async fn payment_of(&self, id: OrderId) -> Result<PaymentId, Refusal> {
        let known = self.find(id).await?;
        known.payment.as_ref().map(|payment| payment.id).ok_or(Refusal::NotFound("payment"))
    }

    async fn order_views(&self, orders: Listing<Order>) -> Result<Listing<OrderView>, Refusal> {
        let mut items = Vec::with_capacity(orders.items.len());
        for order in orders.items {
            // The cache has the payment at hand; what is no longer cached is asked of the record.
            let known = self.find(order.id).await?;
            items.push(self.order_view(&known).await?);
        }
        Ok(Listing { items, next: orders.next })
    }

    /// The order as it stands. One that is on its way to the record is waited for.
    pub(super) async fn find(&self, id: OrderId) -> Result<Arc<KnownOrder>, Refusal> {
        if let Some(known) = self.cached(id).await {
            return Ok(known);
        }
        let recorded = self.0.journal.order_with_payments(id).await?;
        let (order, payments) = recorded.ok_or(Refusal::NotFound("order"))?;
        Ok(self.remember(KnownOrder::recorded(order, payments)))
    }

    /// As `find`, of many orders: one reading for all that are not cached. What the record does not have is left out.
    pub(super) async fn find_all(
        &self,
        ids: impl Iterator<Item = OrderId>,
    ) -> Result<HashMap<OrderId, Arc<KnownOrder>>, Refusal> {
        let (mut found, mut missing) = (HashMap::new(), Vec::new());
        for id in ids {
            match self.cached(id).await {
                Some(known) => drop(found.insert(id, known)),
                None => missing.push(id),
            }
        }
        if !missing.is_empty() {
            for (order, payments) in self.0.journal.orders_with_payments(missing).await? {
                found.insert(order.id, self.remember(KnownOrder::recorded(order, payments)));
            }
        }
        Ok(found)
    }

    async fn cached(&self, id: OrderId) -> Option<Arc<KnownOrder>> {
        loop {
            let done = match self.0.orders.get(&id).as_deref() {
                Some(Slot::Known(known)) => return Some(Arc::clone(known)),
                Some(Slot::Placing(done)) => done.clone(),
                None => return None,
            };
            done.cancelled().await;
        }
    }

    pub(super) async fn find_payment(&self, id: PaymentId) -> Result<(Arc<KnownOrder>, Payment), Refusal> {
        let cached = self.0.payments.get(&id).map(|order| *order);
        if let Some(order) = cached {
            let known = self.find(order).await?;
            if let Some(newest) = known.payment.clone().filter(|newest| newest.id == id) {
                return Ok((known, newest));
            }
        }
        // An earlier payment of its order, or one of a sale that is no longer in memory.
        let payment = self.0.journal.payment(id).await?.ok_or(Refusal::NotFound("payment"))?;
        Ok((self.find(payment.order).await?, payment))
    }

    /// The buyer's own order; somebody else's is not to be seen.
    pub(super) async fn find_own(&self, buyer: &Subject, id: OrderId) -> Result<Arc<KnownOrder>, Refusal> {
        let known = self.find(id).await?;
        if known.order.buyer == *buyer { Ok(known) } else { Err(Refusal::NotFound("order")) }
    }

    /// Keeps the newer of what is cached and what comes, for orders of live sales. Of a record that other nodes write nothing is cached.
    pub(super) fn remember(&self, fresh: KnownOrder) -> Arc<KnownOrder> {
        let fresh = Arc::new(fresh);
        if self.is_shared() || !self.0.live.contains_key(&fresh.order.sale) {
            return fresh;
        }
        if let Some(payment) = &fresh.payment {
            self.0.payments.insert(payment.id, fresh.order.id);
        }
        let mut slot = self.0.orders.entry(fresh.order.id).or_insert_with(|| Slot::Known(Arc::clone(&fresh)));
        if let Slot::Known(known) = slot.value() {
            let known = Arc::clone(known);
            let order = if known.order.version > fresh.order.version { &known.order } else { &fresh.order };
            let older = payment_age(&known) > payment_age(&fresh);
            let (payment, payments) =
                if older { (&known.payment, known.payments) } else { (&fresh.payment, fresh.payments) };
            let newest = KnownOrder { order: order.clone(), payment: payment.clone(), payments };
            *slot = Slot::Known(Arc::new(newest));
        } else {
            *slot = Slot::Known(Arc::clone(&fresh));
        }
        match slot.value() {
            Slot::Known(known) => Arc::clone(known),
            Slot::Placing(_) => fresh,
        }
    }

    /// What an order has become by an entry that was just committed, as it is told. Another node may have changed its payment, or the
    /// order of this payment, meanwhile: then the two together are what the record says, not what this node put together. Without a payment
    /// there is nothing to put together.
    pub(super) async fn became(&self, fresh: KnownOrder) -> Arc<KnownOrder> {
        if self.is_shared() && fresh.payments > 0 {
            match self.find(fresh.order.id).await {
                Ok(known) => return known,
                Err(error) => {
                    tracing::debug!(%error, order = %fresh.order.id, "an order is told as this node knows it")
                }
            }
        }
        self.remember(fresh)
    }

    /// After a lost race: what the record says now.
    pub(super) async fn reread(&self, id: OrderId) -> Result<Arc<KnownOrder>, Refusal> {
        self.0.orders.remove_if(&id, |_, slot| matches!(slot, Slot::Known(_)));
        self.find(id).await
    }
}

impl KnownOrder {
    /// `payments`: in the order of their making.
    fn recorded(order: Order, payments: Vec<Payment>) -> Self {
        let count = u32::try_from(payments.len()).unwrap_or(u32::MAX);
        Self { order, payment: payments.into_iter().next_back(), payments: count }
    }
}

fn payment_age(known: &KnownOrder) -> (u32, u64) {
    (known.payments, known.payment.as_ref().map_or(0, |payment| payment.version))
}
