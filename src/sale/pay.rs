//! Payment: asked of the provider by task, answered by the provider's events. An event has one effect however often it comes.

use std::time::Duration;

use uuid::Uuid;

use super::place::end_hold;
use super::{KnownOrder, LiveSale, OrderView, Refusal, Sales, meters};
use crate::model::order::ShipTo;
use crate::model::payment::{Method, ProviderEvent, ProviderNews, Refund};
use crate::model::{
    Money, Order, OrderId, Payment, PaymentId, PaymentState, RefundId, Stage, Subject, Timestamp,
};
use crate::store::inventory::{EndRefused, HoldRefused, NotNow, Request};
use crate::store::journal::{HoldOutcome, Task};
use crate::store::{Entry, StoreError, Write};

/// Tries of one claim whose pledge is about to reach its cap, or a sponsor its budget. The provider tells its news again when none succeeds.
const CLAIM_TRIES_MAX: u32 = 16;
const TICK: Duration = Duration::from_millis(1);

impl Sales {
    /// Starts a payment. The answer says that it is recorded; the outcome comes later. While a payment is under way or done, the same
    /// call is a retry; after a decline it starts another.
    pub async fn pay(
        &self,
        buyer: &Subject,
        id: OrderId,
        method: Method,
        ship_to: ShipTo,
        now: Timestamp,
    ) -> Result<OrderView, Refusal> {
        let ship_to = ship_to.check()?;
        let known = self.find_own(buyer, id).await?;
        match known.payment.as_ref().map(|payment| &payment.state) {
            None | Some(PaymentState::Declined { .. }) => {}
            Some(PaymentState::Authorising | PaymentState::Authorised | PaymentState::Captured) => {
                return self.order_view(&known).await;
            }
            Some(PaymentState::Refunding | PaymentState::Refunded) => {}
        }
        known.order.payable(now)?;
        let payments = known.payments + 1;
        let payment = Payment {
            // The nth payment of an order has the same id whoever makes it: two taps at once make one payment.
            id: PaymentId(derived(id.0, &payments.to_be_bytes())),
            order: id,
            amount: known.order.total(),
            method,
            state: PaymentState::Authorising,
            // The newest is the one made last, also where another node's clock is ahead of this one's.
            created_at: known.payment.as_ref().map_or(now, |before| now.max(before.created_at + TICK)),
            version: 1,
        };
        let sales = self.clone();
        self.uninterrupted(async move {
            sales.record_payment(known.order.clone(), payment, payments, ship_to, now).await
        })
        .await
    }

    async fn record_payment(
        &self,
        order: Order,
        payment: Payment,
        payments: u32,
        ship_to: ShipTo,
        now: Timestamp,
    ) -> Result<OrderView, Refusal> {
        let task = Task::Authorise(payment.id);
        let entry = vec![
            Write::Payment(payment.clone()),
            Write::Address { order: order.id, ship_to },
            Write::Task { task, at: now },
        ];
        match self.0.journal.commit(entry).await {
            Ok(()) => {}
            // The other tap was quicker.
            Err(StoreError::Exists) => return self.order_view(&*self.reread(order.id).await?).await,
            Err(refused) => return Err(refused.into()),
        }
        let known = self.became(KnownOrder { order, payment: Some(payment), payments }).await;
        self.ask(task).await;
        self.order_view(&known).await
    }

    /// Takes in what the provider tells. `Ok` means that it is recorded, now or before, and need not be told again.
    pub async fn on_provider_event(&self, event: ProviderEvent, now: Timestamp) -> Result<(), Refusal> {
        let sales = self.clone();
        self.uninterrupted(async move {
            let taken = match event.news.clone() {
                ProviderNews::Authorised { payment } => sales.authorised(event, payment, now).await,
                ProviderNews::Declined { payment, reason } => {
                    sales.declined(event, payment, reason, now).await
                }
                ProviderNews::Captured { payment, fee } => sales.captured(event, payment, fee, now).await,
                ProviderNews::Refunded { refund } => sales.refunded(event, refund, now).await,
            };
            match taken {
                Err(Refusal::Store(StoreError::Seen)) => {
                    meters::payment_event("seen");
                    Ok(())
                }
                taken => taken,
            }
        })
        .await
    }

    async fn authorised(&self, event: ProviderEvent, id: PaymentId, now: Timestamp) -> Result<(), Refusal> {
        let (known, payment) = self.find_payment(id).await?;
        let mut entry = vec![Write::ProviderEvent { event, at: now }, Write::TaskDone(Task::Authorise(id))];
        if payment.state != PaymentState::Authorising {
            // Another event of this payment was here before; there is nothing left to do but to remember this one.
            return Ok(self.0.journal.commit(entry).await?);
        }
        meters::payment_event("authorised");
        // Made on another node a moment ago: a payment is not late because this node is.
        self.ensure(known.order.sale).await?;
        let live = self.live(known.order.sale);
        if let (Stage::Held { .. }, Some(live)) = (&known.order.stage, &live) {
            if known.order.payable(now).is_ok() {
                return self.claim(entry, &known, payment, live, now).await;
            }
            self.expire_hold(&known, now).await?;
        }
        let known = self.find(known.order.id).await?;
        let held_again = match (&known.order.stage, &live) {
            (Stage::Expired, Some(live)) => self.hold_again(&mut entry, &known, live, now).await?,
            _ => None,
        };
        match (held_again, &live) {
            (Some(known), Some(live)) => self.claim(entry, &known, payment, live, now).await,
            _ => self.refund_late(entry, &known, payment, now).await,
        }
    }

    /// Hold to sold, order paid, postings, and the capture still to be asked for: one entry.
    async fn claim(
        &self,
        mut entry: Entry,
        known: &KnownOrder,
        payment: Payment,
        live: &LiveSale,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let held = &known.order;
        let ours = match self.0.inventory.claim(held.sale, held.id, &held.buyer, now).await {
            Ok(()) => true,
            // Somebody told the gate and has not told the record, and may have died in between: the record decides.
            Err(EndRefused::Ended(HoldOutcome::Claimed)) => false,
            Err(refused) => return Err(refused.into()),
        };
        let payment = payment.into(PaymentState::Authorised);
        let capture = Task::Capture(payment.id);
        entry.push(Write::Payment(payment.clone()));
        entry.push(Write::Task { task: capture, at: now });
        let order = match self.record_claim(&entry, held, live, now).await {
            Ok(order) => order,
            Err(refusal) => {
                let known = self.reread(held.id).await?;
                // Another node may have taken in the same event: then its claim is this one.
                if ours && known.order.paid_at.is_none() {
                    self.rebuild(held.sale).await;
                }
                return Err(refusal);
            }
        };
        self.0.inventory.adopt_claimed(order.sale, order.id, &order.buyer, order.quantity).await;
        meters::order("paid");
        let known = self.became(KnownOrder { order, payment: Some(payment), payments: known.payments }).await;
        #[cfg(feature = "sabotage")]
        crate::store::sabotage::reached("claimed");
        self.ask(capture).await;
        self.tell_order(&known).await;
        self.tell_if_turned(known.order.sale).await;
        Ok(())
    }

    /// Where other nodes accrue under the same cap or match from the same pool, the postings may ask for another amount than is left: they
    /// are made again from what the record says.
    async fn record_claim(
        &self,
        before: &Entry,
        held: &Order,
        live: &LiveSale,
        now: Timestamp,
    ) -> Result<Order, Refusal> {
        let (product, pledge) = (&live.product, live.pledge.as_deref());
        for _ in 0..CLAIM_TRIES_MAX {
            let postings = self.0.ledger.claim(held, &product.host, &product.category, pledge, now);
            let order = held.clone().claim(now, postings.charity)?;
            let sponsors = self.0.ledger.sponsors(held, pledge, postings.charity, now).await?;
            let mut entry = before.clone();
            entry.extend(end_hold(&order, HoldOutcome::Claimed, now));
            entry.extend(postings.writes());
            #[cfg(feature = "sabotage")]
            if crate::store::sabotage::doubles() {
                entry.extend(postings.transfers.iter().cloned().map(Write::Transfer));
            }
            let (pending, matching) = self.0.ledger.submit_matched(entry, &sponsors)?;
            match (pending.committed().await, pledge) {
                (Ok(()), _) => {
                    postings.committed();
                    matching.committed();
                    return Ok(order);
                }
                (Err(StoreError::PoolChanged), _) => self.0.ledger.reread_pools(matching).await?,
                (Err(StoreError::CapReached), Some(pledge)) => self.0.ledger.reread_standing(pledge).await?,
                (Err(refused), _) => return Err(refused.into()),
            }
        }
        Err(StoreError::CapReached.into())
    }

    /// Holds units for a payment that came after its hold had run out. Who stands in line goes first.
    async fn hold_again(
        &self,
        entry: &mut Entry,
        known: &KnownOrder,
        live: &LiveSale,
        now: Timestamp,
    ) -> Result<Option<KnownOrder>, Refusal> {
        let sale = live.sale();
        let order = known.order.clone().held(now + sale.hold_for, false)?;
        let request = Request {
            order: order.id,
            buyer: order.buyer.clone(),
            quantity: order.quantity,
            limit: sale.limit_per_buyer,
            until: now + sale.hold_for,
        };
        let grant = match self.0.inventory.hold(order.sale, request, now).await {
            Ok(grant) => grant,
            // The same event, twice at once: the other one has the hold. Or nobody can say now.
            Err(HoldRefused::Known) => return Err(StoreError::Stale.into()),
            Err(HoldRefused::NotReady { retry_after }) => return Err(NotNow { retry_after }.into()),
            Err(_) => return Ok(None),
        };
        match self.submit_displaced(order.sale, grant.displaced, now).await {
            Ok(expired) => {
                for (known, pending) in expired {
                    self.finish_expired(known, pending).await;
                }
            }
            Err(refusal) => {
                self.rebuild(order.sale).await;
                return Err(refusal);
            }
        }
        entry.push(Write::Order(order.clone()));
        entry.push(Write::Hold {
            order: order.id,
            hold: order.hold,
            sale: order.sale,
            quantity: order.quantity,
            expires_at: now + sale.hold_for,
        });
        Ok(Some(KnownOrder { order, ..known.clone() }))
    }

    /// The money is there and the units are not: it goes back by itself, and the record shows both.
    async fn refund_late(
        &self,
        mut entry: Entry,
        known: &KnownOrder,
        payment: Payment,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let refund = Refund {
            id: RefundId(derived(payment.id.0, b"late")),
            payment: payment.id,
            order: payment.order,
            amount: payment.amount,
            reason: "the payment came after the hold had ended".into(),
            requested_at: now,
            done_at: None,
        };
        let task = Task::Refund(refund.id);
        let payment = payment.into(PaymentState::Refunding);
        entry.push(Write::Payment(payment.clone()));
        entry.push(Write::Transfer(self.0.ledger.late(payment.order, payment.amount, now)));
        entry.push(Write::Refund(refund));
        entry.push(Write::Task { task, at: now });
        self.0.journal.commit(entry).await?;
        let known = self.became(KnownOrder { payment: Some(payment), ..known.clone() }).await;
        self.ask(task).await;
        self.tell_order(&known).await;
        Ok(())
    }

    async fn declined(
        &self,
        event: ProviderEvent,
        id: PaymentId,
        reason: String,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let (known, payment) = self.find_payment(id).await?;
        let mut entry = vec![Write::ProviderEvent { event, at: now }, Write::TaskDone(Task::Authorise(id))];
        if payment.state != PaymentState::Authorising {
            return Ok(self.0.journal.commit(entry).await?);
        }
        meters::payment_event("declined");
        let payment = payment.into(PaymentState::Declined { reason });
        entry.push(Write::Payment(payment.clone()));
        self.0.journal.commit(entry).await?;
        let known = self.became(KnownOrder { payment: Some(payment), ..(*known).clone() }).await;
        self.tell_order(&known).await;
        Ok(())
    }

    async fn captured(
        &self,
        event: ProviderEvent,
        id: PaymentId,
        fee: Money,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let (known, payment) = self.find_payment(id).await?;
        let mut entry = vec![Write::ProviderEvent { event, at: now }, Write::TaskDone(Task::Capture(id))];
        match payment.state {
            PaymentState::Authorised => {}
            // It overtook the news of the authorisation: let the provider tell it again.
            PaymentState::Authorising => return Err(StoreError::Stale.into()),
            _ => return Ok(self.0.journal.commit(entry).await?),
        }
        meters::payment_event("captured");
        let payment = payment.into(PaymentState::Captured);
        entry.push(Write::Payment(payment.clone()));
        if let Some(host) = self.host_of(&known.order).await? {
            entry.push(Write::Transfer(self.0.ledger.fee(payment.order, &host, fee, now)));
        }
        self.0.journal.commit(entry).await?;
        self.remember(KnownOrder { payment: Some(payment), ..(*known).clone() });
        Ok(())
    }

    async fn refunded(&self, event: ProviderEvent, id: RefundId, now: Timestamp) -> Result<(), Refusal> {
        let refund = self.0.journal.refund(id).await?.ok_or(Refusal::NotFound("refund"))?;
        let mut entry = vec![Write::ProviderEvent { event, at: now }, Write::TaskDone(Task::Refund(id))];
        if refund.done_at.is_some() {
            return Ok(self.0.journal.commit(entry).await?);
        }
        meters::payment_event("refunded");
        let (known, payment) = self.find_payment(refund.payment).await?;
        entry.push(Write::RefundDone { refund: id, at: now });
        entry.push(Write::Transfer(self.0.ledger.paid_back(refund.order, refund.amount, now)));
        let payment = match payment.state {
            PaymentState::Refunding => Some(payment.into(PaymentState::Refunded)),
            _ => None,
        };
        entry.extend(payment.clone().map(Write::Payment));
        self.0.journal.commit(entry).await?;
        let known = match payment {
            Some(payment) => self.became(KnownOrder { payment: Some(payment), ..(*known).clone() }).await,
            None => known,
        };
        self.tell_order(&known).await;
        Ok(())
    }

    pub(super) async fn host_of(&self, order: &Order) -> Result<Option<Subject>, Refusal> {
        if let Some(live) = self.live(order.sale) {
            return Ok(Some(live.product.host.clone()));
        }
        Ok(self.0.journal.product(order.sku.clone()).await?.map(|product| product.host))
    }
}

/// An id made from another: the same for the same reason, and beside it in the record's trees, since the time stays in front.
fn derived(from: Uuid, reason: &[u8]) -> Uuid {
    let mut bytes = Uuid::new_v5(&from, reason).into_bytes();
    bytes[..6].copy_from_slice(&from.into_bytes()[..6]);
    Uuid::from_bytes(bytes)
}
