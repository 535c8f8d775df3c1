//! What ops and auditors read, and what machines ask.

use std::collections::HashMap;

use apricot_proto::v1;
use axum::extract::Query;
use serde::Deserialize;

use super::answer::{Document, NoContent, Plain};
use super::{Asks, Call, Refused, figures, page, rooms};
use crate::contract;
use crate::ledger::AccountTotal;
use crate::model::{OutOfBound, Payment, PaymentState, RoomState, bounded_text};
use crate::ops::Stretch;
use crate::room::RoomView;
use crate::sale::Standing;
use crate::store::journal::{AuditRow, OpenHold, RoomSums};
use crate::wire::openapi;
use crate::wire::problem::{Kind, not_found};

/// The next to run out are what somebody looks for.
const HOLDS_MAX: u32 = 100;
const READY_RETRY_MS: u32 = 1_000;

pub async fn trial_balance(call: Call) -> Result<v1::TrialBalance, Refused> {
    call.everywhere()?;
    Ok(balance(call.wire.sales.ledger().trial_balance()))
}

pub async fn overview(call: Call) -> Result<v1::Overview, Refused> {
    call.everywhere()?;
    let figures = call.wire.sales.ledger().journal().figures().await?;
    let (lights, lights_at, lights_took_ms) = call.wire.ops.lights().await?;
    let mut views = call.wire.hub.page(|room| call.caller.may_see(room), None, usize::MAX);
    views.retain(|view| view.room.state != RoomState::Ended);
    let rooms = views.iter().map(|view| {
        let sums = figures.rooms.get(&view.room.id).copied().unwrap_or_default();
        room(&call, view, sums)
    });
    let rooms: Vec<v1::RoomOverview> = rooms.collect();
    Ok(v1::Overview {
        funnel: Some(funnel_of_all(&rooms)),
        rooms,
        trial_balance: Some(balance(call.wire.sales.ledger().trial_balance())),
        oversold_lots: figures.oversold_lots,
        version: env!("CARGO_PKG_VERSION").into(),
        server_time_ms: call.now.millis(),
        lights,
        lights_at_ms: lights_at.millis(),
        lights_took_ms,
        nodes: call.wire.ops.nodes(call.now),
    })
}

pub const HISTORY: &[Asks] = &[
    Asks {
        name: "fromMs",
        kind: "integer",
        what: "Before toMs by a day at most; an hour before it when left out.",
    },
    Asks { name: "toMs", kind: "integer", what: "Now when left out." },
    Asks {
        name: "points",
        kind: "integer",
        what: "At most so many for each node: 1..=2000, 600 when left out.",
    },
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Asked {
    from_ms: Option<i64>,
    to_ms: Option<i64>,
    points: Option<u32>,
}

pub async fn history(call: Call) -> Result<v1::OpsHistory, Refused> {
    call.everywhere()?;
    let asked = Query::<Asked>::try_from_uri(&call.uri);
    let wanted = |_| OutOfBound::new("query", "only `fromMs`, `toMs` and `points`: whole numbers, once each");
    let Query(Asked { from_ms, to_ms, points }) = asked.map_err(wanted)?;
    Ok(call.wire.ops.history(Stretch::new(from_ms, to_ms, points, call.now)?).await?)
}

pub async fn holds(call: Call) -> Result<v1::HoldList, Refused> {
    call.everywhere()?;
    let holds = call.wire.sales.ledger().journal().open_holds(HOLDS_MAX).await?;
    let shown = |hold: OpenHold| v1::OpenHold {
        order_id: hold.order.to_string(),
        sale_id: hold.sale.to_string(),
        room_id: hold.room.to_string(),
        title: hold.title,
        buyer_id: hold.buyer.to_string(),
        quantity: hold.quantity,
        expires_at_ms: hold.expires_at.millis(),
        paying: hold.paying,
    };
    Ok(v1::HoldList { holds: holds.into_iter().map(shown).collect() })
}

pub async fn payments(call: Call) -> Result<v1::PaymentList, Refused> {
    call.everywhere()?;
    let listing = call.wire.sales.ledger().journal().payments(call.page()?).await?;
    let next_cursor = page::cursor(listing.next.as_deref());
    Ok(v1::PaymentList { payments: listing.items.iter().map(payment).collect(), next_cursor })
}

pub async fn audit(call: Call) -> Result<v1::AuditList, Refused> {
    call.everywhere()?;
    let listing = call.wire.sales.ledger().journal().audit_trail(call.page()?).await?;
    let shown = |line: AuditRow| v1::AuditLine {
        id: line.id,
        at_ms: line.at.millis(),
        actor: line.actor.to_string(),
        action: line.action,
        subject: line.subject,
        reason: line.reason,
    };
    let next_cursor = page::cursor(listing.next.as_deref());
    Ok(v1::AuditList { lines: listing.items.into_iter().map(shown).collect(), next_cursor })
}

pub async fn drain(call: Call<v1::DrainNode>) -> Result<NoContent, Refused> {
    call.everywhere()?;
    let reason = bounded_text("reason", &call.body.reason, 1..=200)?;
    let name = call.text("node");
    let known = call.wire.ops.drain(name, &call.caller.subject, reason, call.once, call.now).await?;
    if known { Ok(NoContent) } else { Err(not_found("node").into()) }
}

pub async fn health(_: Call) -> Result<Plain, Refused> {
    Ok(Plain("ok\n".into()))
}

pub async fn ready(call: Call) -> Result<Plain, Refused> {
    if call.wire.hub.is_draining() {
        return Err(Kind::Busy.for_now("The server is stopping; ask another.", READY_RETRY_MS).into());
    }
    match call.wire.sales.standing().await {
        Standing { record: false, .. } => {
            let detail = "The record does not answer: nothing is accepted. Rooms go on.";
            Err(Kind::RecordUnavailable.for_now(detail, READY_RETRY_MS).into())
        }
        Standing { gate: false, .. } => {
            let detail = "Redis does not answer: buying pauses. Rooms go on, each node for its own viewers.";
            Err(Kind::NotNow.for_now(detail, READY_RETRY_MS).into())
        }
        Standing { record: true, gate: true } => Ok(Plain("ready\n".into())),
    }
}

pub async fn metrics(call: Call) -> Result<Plain, Refused> {
    Ok(Plain(call.wire.ops.meters().render()))
}

pub async fn openapi(_: Call) -> Result<Document, Refused> {
    Ok(Document(openapi::DOCUMENT.as_str()))
}

fn room(call: &Call, view: &RoomView, sums: RoomSums) -> v1::RoomOverview {
    let stocks = call.wire.sales.stocks(&view.room.id);
    v1::RoomOverview {
        room: Some(rooms::shown(view, &call.caller)),
        viewers: call.wire.hub.viewers(&view.room.id),
        orders_paid: sums.funnel.paid,
        gmv_minor: sums.gmv_minor,
        currency: sums.currency.map(|currency| currency.as_str().to_owned()).unwrap_or_default(),
        stocks: stocks.iter().map(contract::sale_stock).collect(),
        orders_to_pack: sums.orders_to_pack,
        funnel: Some(figures::funnel(&sums.funnel)),
    }
}

/// Rooms that have ended are not in it, as they are not in the list.
fn funnel_of_all(rooms: &[v1::RoomOverview]) -> v1::Funnel {
    rooms.iter().filter_map(|room| room.funnel.as_ref()).fold(v1::Funnel::default(), |sum, of| v1::Funnel {
        seen: sum.seen + of.seen,
        tapped: sum.tapped + of.tapped,
        held: sum.held + of.held,
        paid: sum.paid + of.paid,
        shipped: sum.shipped + of.shipped,
        confirmed: sum.confirmed + of.confirmed,
    })
}

fn payment(payment: &Payment) -> v1::PaymentRow {
    v1::PaymentRow {
        id: payment.id.to_string(),
        order_id: payment.order.to_string(),
        amount_minor: payment.amount.minor,
        currency: payment.amount.currency.as_str().to_owned(),
        state: contract::payment_state(&payment.state).into(),
        reason: match &payment.state {
            PaymentState::Declined { reason } => reason.clone(),
            _ => String::new(),
        },
        created_at_ms: payment.created_at.millis(),
    }
}

fn balance(totals: Vec<AccountTotal>) -> v1::TrialBalance {
    let mut sum_minor: HashMap<String, i64> = HashMap::new();
    let accounts = totals.into_iter().map(|AccountTotal { name, currency, debits, credits }| {
        let balance_minor = credits - debits;
        *sum_minor.entry(currency.as_str().to_owned()).or_default() += balance_minor;
        let currency = currency.as_str().to_owned();
        v1::Account { name, currency, balance_minor, debits_minor: debits, credits_minor: credits }
    });
    let accounts = accounts.collect();
    v1::TrialBalance { accounts, sum_minor }
}
