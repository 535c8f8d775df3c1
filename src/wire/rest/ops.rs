//! What ops and auditors read, and what machines ask.

use std::collections::HashMap;

use apricot_proto::v1;

use super::answer::{Document, Plain};
use super::{Call, Refused, rooms};
use crate::contract;
use crate::ledger::AccountTotal;
use crate::room::RoomView;
use crate::sale::Standing;
use crate::store::journal::RoomFigures;
use crate::wire::openapi;
use crate::wire::problem::Kind;

const READY_RETRY_MS: u32 = 1_000;

pub async fn trial_balance(call: Call) -> Result<v1::TrialBalance, Refused> {
    call.everywhere()?;
    Ok(balance(call.wire.sales.ledger().trial_balance()))
}

pub async fn overview(call: Call) -> Result<v1::Overview, Refused> {
    call.everywhere()?;
    let figures = call.wire.sales.ledger().journal().figures().await?;
    let views = call.wire.hub.page(&call.caller, None, usize::MAX);
    let rooms = views.iter().map(|view| {
        let figures = figures.rooms.get(&view.room.id).copied().unwrap_or_default();
        room(&call, view, figures)
    });
    Ok(v1::Overview {
        rooms: rooms.collect(),
        trial_balance: Some(balance(call.wire.sales.ledger().trial_balance())),
        oversold_lots: figures.oversold_lots,
        version: env!("CARGO_PKG_VERSION").into(),
        server_time_ms: call.now.millis(),
        ..Default::default()
    })
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
    Ok(Plain(call.wire.prometheus.render()))
}

pub async fn openapi(_: Call) -> Result<Document, Refused> {
    Ok(Document(openapi::DOCUMENT.as_str()))
}

fn room(call: &Call, view: &RoomView, figures: RoomFigures) -> v1::RoomOverview {
    let stocks = call.wire.sales.stocks(&view.room.id);
    v1::RoomOverview {
        room: Some(rooms::shown(view, &call.caller)),
        viewers: call.wire.hub.viewers(&view.room.id),
        orders_paid: figures.orders_paid,
        gmv_minor: figures.gmv_minor,
        currency: figures.currency.map(|currency| currency.as_str().to_owned()).unwrap_or_default(),
        stocks: stocks.iter().map(contract::sale_stock).collect(),
        orders_to_pack: figures.orders_to_pack,
        ..Default::default()
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
