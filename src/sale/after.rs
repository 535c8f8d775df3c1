//! After payment: refunds, and the way to the buyer.

use super::{KnownOrder, OrderView, Refusal, Sales, ShipStep, meters};
use crate::ledger::RefundFailed;
use crate::model::order::{OrderRefused, Parcel};
use crate::model::payment::Refund;
use crate::model::{
    Money, Order, OrderId, OutOfBound, PaymentState, Pledge, PledgeRef, RefundId, Stage, Subject, Timestamp,
    bounded_text,
};
use crate::store::journal::Once;
use crate::store::{StoreError, Write};

impl Sales {
    /// Whole or partial; without an amount, all that is left. The share of the charity follows the smaller base.
    #[expect(clippy::too_many_arguments, reason = "each is a different thing of the request")]
    pub async fn refund(
        &self,
        id: OrderId,
        amount: Option<Money>,
        reason: String,
        refund: RefundId,
        once: Option<Once>,
        actor: &Subject,
        now: Timestamp,
    ) -> Result<OrderView, Refusal> {
        let reason = bounded_text("reason", &reason, 1..=200)?;
        if let Some(once) = once
            && self.0.journal.seen(once).await?
        {
            return self.order_view(&*self.reread(id).await?).await;
        }
        let known = self.find(id).await?;
        let left = known.order.refundable()?;
        let amount = amount.unwrap_or(left);
        Money::positive("amount.minor", amount.minor, amount.currency)?;
        let Some(payment) = known
            .payment
            .clone()
            .filter(|payment| matches!(payment.state, PaymentState::Authorised | PaymentState::Captured))
        else {
            return Err(OrderRefused::NotPaid.into());
        };
        let refund = Refund {
            id: refund,
            payment: payment.id,
            order: id,
            amount,
            reason,
            requested_at: now,
            done_at: None,
        };
        let mut before: Vec<Write> = once.map(Write::Once).into_iter().collect();
        before.push(Write::Audit {
            at: now,
            actor: actor.clone(),
            action: "refund",
            subject: id.to_string(),
            reason: refund.reason.clone(),
        });
        let host = self.host_of(&known.order).await?.ok_or(Refusal::NotFound("product"))?;
        let pledge = self.pledge_of(&known.order).await?;
        let sales = self.clone();
        self.uninterrupted(async move {
            let task = crate::store::journal::Task::Refund(refund.id);
            let order = known.order.clone();
            let order = match sales.0.ledger.refund(before, order, refund, &host, pledge.as_deref()).await {
                Ok(order) => order,
                Err(RefundFailed::Refused(refused)) => return Err(refused.into()),
                Err(RefundFailed::Store(StoreError::Seen | StoreError::Exists)) => {
                    return sales.order_view(&*sales.reread(id).await?).await;
                }
                Err(RefundFailed::Store(refused)) => {
                    sales.reread(id).await?;
                    return Err(refused.into());
                }
            };
            if order.stage == Stage::Refunded {
                meters::order("refunded");
            }
            let known = sales.became(KnownOrder { order, ..(*known).clone() }).await;
            sales.ask(task).await;
            sales.tell_order(&known).await;
            sales.order_view(&known).await
        })
        .await
    }

    pub async fn ship(&self, id: OrderId, step: ShipStep, now: Timestamp) -> Result<OrderView, Refusal> {
        let known = self.find(id).await?;
        let order = known.order.clone();
        let (order, entry) = match step {
            ShipStep::Pack => just(order.pack()?),
            ShipStep::Ship { carrier, tracking_number } => just(order.ship(Parcel {
                carrier: bounded_text("carrier", &carrier, 1..=40)?,
                tracking_number: tracking(&tracking_number)?,
                shipped_at: now,
            })?),
            ShipStep::Deliver => just(order.deliver()?),
            ShipStep::Confirm => {
                let order = order.confirm(now)?;
                let mut entry = vec![Write::Order(order.clone())];
                if let (Some(pledge), true) = (self.pledge_of(&order).await?, order.charity_minor > 0) {
                    entry.extend(self.0.ledger.confirm(&order, &pledge, now).await?);
                }
                (order, entry)
            }
        };
        let sales = self.clone();
        self.uninterrupted(async move {
            if let Err(refused) = sales.0.journal.commit(entry).await {
                sales.reread(id).await?;
                return Err(refused.into());
            }
            meters::order(order.stage.name());
            let known = sales.became(KnownOrder { order, ..(*known).clone() }).await;
            sales.tell_order(&known).await;
            sales.order_view(&known).await
        })
        .await
    }

    /// Confirms receipt of what was shipped long enough ago.
    pub(super) async fn auto_confirm(&self, now: Timestamp) -> Result<(), Refusal> {
        let before = now - self.0.rules.auto_confirm_after;
        for order in self.0.journal.orders_to_confirm(before).await? {
            if let Err(error) = self.ship(order.id, ShipStep::Confirm, now).await {
                tracing::warn!(%error, order = %order.id, "a receipt was not confirmed by itself");
            }
        }
        Ok(())
    }

    pub async fn pledge_of(&self, order: &Order) -> Result<Option<std::sync::Arc<Pledge>>, Refusal> {
        let reference: Option<PledgeRef> = match self.live(order.sale) {
            Some(live) => return Ok(live.pledge.clone()),
            None => self.0.journal.sale(order.sale).await?.and_then(|sale| sale.pledge),
        };
        match reference {
            Some(reference) => Ok(Some(self.0.ledger.pledge(reference).await.map_err(Refusal::Ledger)?)),
            None => Ok(None),
        }
    }
}

fn just(order: Order) -> (Order, Vec<Write>) {
    let entry = vec![Write::Order(order.clone())];
    (order, entry)
}

fn tracking(number: &str) -> Result<String, OutOfBound> {
    let number = bounded_text("trackingNumber", number, 4..=40)?;
    if number.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
        return Ok(number);
    }
    Err(OutOfBound::new("trackingNumber", "4..=40 letters, digits and '-'"))
}
