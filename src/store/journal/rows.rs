//! Model values as rows and back. A row that does not parse is an error of the record, reported with its column.

use std::time::Duration;

use rusqlite::Params;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::LotRow;
use super::query::{Parsed, Row, RowBroken};
use crate::model::order::Parcel;
use crate::model::payment::{Method, ProviderNews, Refund};
use crate::model::room::Sanction;
use crate::model::{
    CloseReason, Code, Currency, FlashSale, Money, Order, OrderId, Payment, PaymentId, PaymentState, Pledge,
    PledgeBase, PledgeId, PledgePart, PledgeRef, Product, RefundId, RoomId, RoomState, Rounding, SaleId,
    SaleState, Share, Stage, Subject, Timestamp,
};

pub mod registry;
mod room;

pub use room::{room, room_body};

pub fn blob(id: Uuid) -> [u8; 16] {
    id.into_bytes()
}

pub fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

// What only people read is one JSON column.

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ProductBody {
    title: String,
    unit: String,
    image_url: String,
    origin: String,
    category: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PledgeBody {
    parts: Vec<PartBody>,
    agreement_sha256: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PartBody {
    project: String,
    title: String,
    charity_name: String,
    charity_registration: String,
    weight: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ParcelBody {
    carrier: String,
    tracking_number: String,
    shipped_at: i64,
    confirmed_at: Option<i64>,
}

fn to_json(body: &impl Serialize) -> String {
    serde_json::to_string(body).expect("strings and numbers are JSON")
}

/// Columns: room, subject, muted_until.
pub fn sanction(row: &Row) -> Parsed<(RoomId, Subject, Sanction)> {
    let sanction = match row.maybe_int(2)? {
        Some(until) => Sanction::Muted { until: Timestamp(until) },
        None => Sanction::Banned,
    };
    Ok((row.parsed(0)?, row.parsed(1)?, sanction))
}

pub fn product_body(product: &Product) -> String {
    to_json(&ProductBody {
        title: product.title.clone(),
        unit: product.unit.clone(),
        image_url: product.image_url.clone(),
        origin: product.origin.clone(),
        category: product.category.clone(),
    })
}

/// Columns: sku, host, on_hand, price, currency, body.
pub fn product(row: &Row) -> Parsed<Product> {
    let body: ProductBody = row.json(5)?;
    Ok(Product {
        sku: row.parsed(0)?,
        host: row.parsed(1)?,
        // Leftovers of many sales may add up to more than a product may be given.
        on_hand: u32::try_from(row.int(2)?).unwrap_or(u32::MAX),
        price: Money::new(row.int(3)?, row.parsed(4)?),
        title: body.title,
        unit: body.unit,
        image_url: body.image_url,
        origin: body.origin,
        category: body.category,
    })
}

/// What of a pledge has columns that the pledge itself has not.
pub struct PledgeColumns {
    pub base: &'static str,
    pub share_ppm: u32,
    pub per_unit: i64,
    pub currency: Currency,
    pub rounding: &'static str,
    pub body: String,
}

pub fn pledge_columns(pledge: &Pledge) -> PledgeColumns {
    let (base, share_ppm, per_unit, currency) = match pledge.base {
        PledgeBase::PaidPrice(share) => ("paid_price", share.as_ppm(), 0, Currency::CNY),
        PledgeBase::PerUnit(unit) => ("per_unit", 0, unit.minor, unit.currency),
    };
    let currency = pledge.cap.map_or(currency, |cap| cap.currency);
    let parts = pledge.parts.iter().cloned().map(|part| {
        let PledgePart { project, title, charity_name, charity_registration, weight } = part;
        PartBody { project, title, charity_name, charity_registration, weight }
    });
    let body =
        to_json(&PledgeBody { parts: parts.collect(), agreement_sha256: pledge.agreement_sha256.clone() });
    let rounding = name_of(&ROUNDINGS, pledge.rounding);
    PledgeColumns { base, share_ppm, per_unit, currency, rounding, body }
}

pub fn pledge_params(pledge: &Pledge) -> impl Params + use<> {
    let columns = pledge_columns(pledge);
    (
        blob(pledge.id.0),
        pledge.version,
        pledge.host.to_string(),
        columns.base,
        columns.share_ppm,
        columns.per_unit,
        pledge.cap.map(|cap| cap.minor),
        columns.currency.as_str().to_owned(),
        columns.rounding,
        pledge.starts_at.map(Timestamp::millis),
        pledge.ends_at.map(Timestamp::millis),
        columns.body,
    )
}

/// Columns as `pledge_params` has them.
pub fn pledge(row: &Row) -> Parsed<Pledge> {
    let body: PledgeBody = row.json(11)?;
    let parts = body.parts.into_iter().map(|part| {
        let PartBody { project, title, charity_name, charity_registration, weight } = part;
        PledgePart { project, title, charity_name, charity_registration, weight }
    });
    let currency: Currency = row.parsed(7)?;
    let base = match row.text(3)? {
        "paid_price" => {
            PledgeBase::PaidPrice(Share::ppm(row.number(4)?).map_err(|e| RowBroken::new(4, e.to_string()))?)
        }
        _ => PledgeBase::PerUnit(Money::new(row.int(5)?, currency)),
    };
    Ok(Pledge {
        id: PledgeId(row.id(0)?),
        version: row.number(1)?,
        host: row.parsed(2)?,
        base,
        cap: row.maybe_int(6)?.map(|minor| Money::new(minor, currency)),
        rounding: named(row, 8, &ROUNDINGS)?,
        starts_at: row.maybe_int(9)?.map(Timestamp),
        ends_at: row.maybe_int(10)?.map(Timestamp),
        parts: parts.collect(),
        agreement_sha256: body.agreement_sha256,
    })
}

/// Columns: id, room, sku, price, currency, stock (set aside), limit_per_buyer, hold_ms, duration_ms, opens_at, state, closes_at,
/// close_reason, pledge, pledge_version, version.
pub fn sale(row: &Row) -> Parsed<FlashSale> {
    let closes_at = Timestamp(row.maybe_int(11)?.unwrap_or_default());
    let state = match row.text(10)? {
        "scheduled" => SaleState::Scheduled,
        "open" if row.int(16)? != 0 => SaleState::Paused { closes_at },
        "open" => SaleState::Open { closes_at },
        _ => SaleState::Closed { at: closes_at, reason: named(row, 12, &CLOSE_REASONS)? },
    };
    let pledge = match row.maybe_int(14)? {
        Some(_) => Some(PledgeRef { id: PledgeId(row.id(13)?), version: row.number(14)? }),
        None => None,
    };
    Ok(FlashSale {
        id: SaleId(row.id(0)?),
        room: row.parsed(1)?,
        sku: row.parsed(2)?,
        price: Money::new(row.int(3)?, row.parsed(4)?),
        stock: row.number(5)?,
        limit_per_buyer: row.number(6)?,
        hold_for: Duration::from_millis(row.unsigned(7)?),
        duration: Duration::from_millis(row.unsigned(8)?),
        opens_at: row.maybe_int(9)?.map(Timestamp),
        state,
        pledge,
        version: row.unsigned(15)?,
    })
}

/// Columns: stock, held, sold.
pub fn lot(row: &Row) -> Parsed<LotRow> {
    Ok(LotRow { stock: row.number(0)?, held: row.number(1)?, sold: row.number(2)? })
}

/// What of an order's stage has columns of its own: held_until, offered, parcel.
pub fn stage_columns(stage: &Stage) -> (Option<i64>, bool, Option<String>) {
    let (parcel, confirmed_at) = match stage {
        Stage::Held { until, offered } => return (Some(until.millis()), *offered, None),
        Stage::Shipped(parcel) | Stage::Delivered(parcel) => (parcel, None),
        Stage::Confirmed { parcel, at } => (parcel, Some(at.millis())),
        Stage::Waiting | Stage::Paid | Stage::Packed | Stage::Released | Stage::Expired | Stage::Refunded => {
            return (None, false, None);
        }
    };
    let body = ParcelBody {
        carrier: parcel.carrier.clone(),
        tracking_number: parcel.tracking_number.clone(),
        shipped_at: parcel.shipped_at.millis(),
        confirmed_at,
    };
    (None, false, Some(to_json(&body)))
}

pub const ORDER_COLUMNS: &str = "id, sale, room, sku, buyer, quantity, unit_price, currency, wait, stage, held_until, offered, \
     hold, placed_at, paid_at, parcel, refunded, charity, version";

pub fn order(row: &Row) -> Parsed<Order> {
    let parcel = || -> Parsed<(Parcel, Timestamp)> {
        let body: ParcelBody = row.json(15)?;
        let parcel = Parcel {
            carrier: body.carrier,
            tracking_number: body.tracking_number,
            shipped_at: Timestamp(body.shipped_at),
        };
        Ok((parcel, Timestamp(body.confirmed_at.unwrap_or_default())))
    };
    let stage = match row.text(9)? {
        "waiting" => Stage::Waiting,
        "held" => Stage::Held { until: Timestamp(row.int(10)?), offered: row.int(11)? != 0 },
        "paid" => Stage::Paid,
        "packed" => Stage::Packed,
        "shipped" => Stage::Shipped(parcel()?.0),
        "delivered" => Stage::Delivered(parcel()?.0),
        "confirmed" => {
            let (parcel, at) = parcel()?;
            Stage::Confirmed { parcel, at }
        }
        "released" => Stage::Released,
        "expired" => Stage::Expired,
        "refunded" => Stage::Refunded,
        other => return Err(RowBroken::new(9, format!("{other} is no stage of an order"))),
    };
    Ok(Order {
        id: OrderId(row.id(0)?),
        sale: SaleId(row.id(1)?),
        room: row.parsed(2)?,
        sku: row.parsed(3)?,
        buyer: row.parsed(4)?,
        quantity: row.number(5)?,
        unit_price: Money::new(row.int(6)?, row.parsed(7)?),
        wait: row.int(8)? != 0,
        stage,
        hold: row.number(12)?,
        placed_at: Timestamp(row.int(13)?),
        paid_at: row.maybe_int(14)?.map(Timestamp),
        refunded_minor: row.int(16)?,
        charity_minor: row.int(17)?,
        version: row.unsigned(18)?,
    })
}

pub fn payment_params(payment: &Payment) -> impl Params + use<> {
    let reason = match &payment.state {
        PaymentState::Declined { reason } => Some(reason.clone()),
        _ => None,
    };
    (
        blob(payment.id.0),
        payment.state.name(),
        reason,
        blob(payment.order.0),
        payment.amount.minor,
        payment.amount.currency.as_str().to_owned(),
        method(payment.method),
        payment.created_at.millis(),
        payment.version as i64,
    )
}

pub const PAYMENT_COLUMNS: &str =
    "id, state, reason, order_id, amount, currency, method, created_at, version";

pub fn payment(row: &Row) -> Parsed<Payment> {
    let state = match row.text(1)? {
        "authorising" => PaymentState::Authorising,
        "declined" => PaymentState::Declined { reason: row.maybe_text(2)?.unwrap_or_default().to_owned() },
        "authorised" => PaymentState::Authorised,
        "captured" => PaymentState::Captured,
        "refunding" => PaymentState::Refunding,
        "refunded" => PaymentState::Refunded,
        other => return Err(RowBroken::new(1, format!("{other} is no state of a payment"))),
    };
    Ok(Payment {
        id: PaymentId(row.id(0)?),
        state,
        order: OrderId(row.id(3)?),
        amount: Money::new(row.int(4)?, row.parsed(5)?),
        method: named(row, 6, &METHODS)?,
        created_at: Timestamp(row.int(7)?),
        version: row.unsigned(8)?,
    })
}

/// Columns: id, payment, order_id, amount, currency, reason, requested_at, done_at.
pub fn refund(row: &Row) -> Parsed<Refund> {
    Ok(Refund {
        id: RefundId(row.id(0)?),
        payment: PaymentId(row.id(1)?),
        order: OrderId(row.id(2)?),
        amount: Money::new(row.int(3)?, row.parsed(4)?),
        reason: row.text(5)?.to_owned(),
        requested_at: Timestamp(row.int(6)?),
        done_at: row.maybe_int(7)?.map(Timestamp),
    })
}

pub fn news(news: &ProviderNews) -> (&'static str, [u8; 16]) {
    match news {
        ProviderNews::Authorised { payment } => ("authorised", blob(payment.0)),
        ProviderNews::Declined { payment, .. } => ("declined", blob(payment.0)),
        ProviderNews::Captured { payment, .. } => ("captured", blob(payment.0)),
        ProviderNews::Refunded { refund } => ("refunded", blob(refund.0)),
    }
}

// Names of enums in the record. The CHECKs of the schema list the same.

const ROOM_STATES: [(&str, RoomState); 5] = [
    ("scheduled", RoomState::Scheduled),
    ("rehearsal", RoomState::Rehearsal),
    ("live", RoomState::Live),
    ("paused", RoomState::Paused),
    ("ended", RoomState::Ended),
];
const CLOSE_REASONS: [(&str, CloseReason); 3] =
    [("time", CloseReason::Time), ("host", CloseReason::Host), ("sold_out", CloseReason::SoldOut)];
const ROUNDINGS: [(&str, Rounding); 3] =
    [("down", Rounding::Down), ("half_even", Rounding::HalfEven), ("up", Rounding::Up)];
const METHODS: [(&str, Method); 3] = [
    ("sandbox_approve", Method::SandboxApprove),
    ("sandbox_decline", Method::SandboxDecline),
    ("sandbox_slow", Method::SandboxSlow),
];

pub fn room_state(state: RoomState) -> &'static str {
    name_of(&ROOM_STATES, state)
}

pub fn close_reason(reason: CloseReason) -> &'static str {
    name_of(&CLOSE_REASONS, reason)
}

pub fn method(method: Method) -> &'static str {
    name_of(&METHODS, method)
}

fn name_of<T: Copy + PartialEq>(names: &[(&'static str, T)], value: T) -> &'static str {
    names.iter().find(|(_, named)| *named == value).expect("the table names every variant").0
}

fn named<T: Copy>(row: &Row, column: usize, names: &[(&str, T)]) -> Parsed<T> {
    let name = row.text(column)?;
    let found = names.iter().find(|(known, _)| *known == name);
    found.map(|(_, value)| *value).ok_or_else(|| RowBroken::new(column, format!("{name} is not known")))
}

pub fn code(row: &Row, column: usize) -> Parsed<Code> {
    let number = row.int(column)?;
    Code::from_number(number)
        .ok_or_else(|| RowBroken::new(column, format!("{number} is no code of a transfer")))
}
