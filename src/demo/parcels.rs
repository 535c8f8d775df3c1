//! What was paid is packed, sent off and received, quicker than in life; what is confirmed is handed over to the charity now and then.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::pause;
use super::stalls::Stall;
use crate::clock::Clock;
use crate::ledger::Payee;
use crate::model::{BankTransfer, OrderId, Role};
use crate::sale::{Refusal, Sales, ShipStep};

/// Some orders stay on the list of what is to pack.
const PACKED_AFTER: Duration = Duration::from_secs(45);
const BETWEEN_STEPS: Duration = Duration::from_secs(3);
/// 20 yuan.
const REMITTED_FROM_MINOR: i64 = 2_000;

pub async fn keep_sending(sales: Sales, stall: &'static Stall, clock: Clock, stop: CancellationToken) {
    while pause(BETWEEN_STEPS, &stop).await {
        let sent = async {
            if let Some(order) = next(&sales, stall, &clock).await? {
                send(&sales, stall, order, &clock, &stop).await?;
                remit(&sales, stall, &clock).await?;
            }
            Ok::<_, Refusal>(())
        };
        if let Err(error) = sent.await {
            tracing::debug!(%error, room = stall.room, "a parcel of the demo waits");
        }
    }
}

/// The order that has waited longest.
async fn next(sales: &Sales, stall: &Stall, clock: &Clock) -> Result<Option<OrderId>, Refusal> {
    let before = clock.now() - PACKED_AFTER;
    let waiting = sales.orders_to_pack(&stall.room()).await?;
    let due = waiting.iter().filter_map(|view| Some((view.order.paid_at?, view.order.id)));
    Ok(due.filter(|(paid_at, _)| *paid_at < before).min().map(|(_, order)| order))
}

async fn send(
    sales: &Sales,
    stall: &Stall,
    order: OrderId,
    clock: &Clock,
    stop: &CancellationToken,
) -> Result<(), Refusal> {
    let tracking_number = order.to_string()[..18].to_uppercase();
    let shipped = ShipStep::Ship { carrier: stall.carrier.into(), tracking_number };
    for step in [ShipStep::Pack, shipped, ShipStep::Deliver, ShipStep::Confirm] {
        sales.ship(order, step, clock.now()).await?;
        if !pause(BETWEEN_STEPS, stop).await {
            break;
        }
    }
    Ok(())
}

async fn remit(sales: &Sales, stall: &Stall, clock: &Clock) -> Result<(), Refusal> {
    let Some(pledge) = sales.views(&stall.room()).iter().find_map(|view| view.pledge.clone()) else {
        return Ok(());
    };
    let ledger = sales.ledger();
    let total = ledger.charity_total(pledge.id, ledger.currency_of(&pledge));
    let due = total.confirmed - total.remitted;
    if due < REMITTED_FROM_MINOR {
        return Ok(());
    }
    let payee = Payee { registration: stall.charity_registration.into(), name: stall.charity_name.into() };
    let [first, second] = ["ops", "treasurer"].map(|name| super::caller(name, name, Role::Ops).subject);
    let transfer = BankTransfer {
        reference: format!("DEMO-{:06}", total.sequence % 1_000_000),
        proof_sha256: super::selling::agreement(),
    };
    let handed_over = async {
        let run =
            ledger.propose_run(clock.new_id(), payee, total.currency, None, &first, clock.now()).await?;
        let run = ledger.approve_run(run.id, None, &second, clock.now()).await?;
        ledger.transfer_run(run.id, transfer, None, &first, clock.now()).await
    };
    handed_over.await.map(|_| ()).map_err(Refusal::Ledger)
}
