//! What is asked of a lot, as src/store/redis/gate/batch.lua reads it, and its answers.

use redis::Value;

use super::super::{EndRefused, Ending, HoldRefused, Request};
use crate::model::{OrderId, Subject, Timestamp};
use crate::store::journal::HoldOutcome;

/// A letter, until, quantity, now and limit, and for those that name an order its id and its buyer.
pub(super) struct Operation(Vec<u8>);

/// What stands in front of the order; each operation reads of it what it needs.
#[derive(Default)]
struct Terms {
    until: f64,
    quantity: u32,
    now: f64,
    limit: u32,
}

impl Operation {
    pub fn hold(request: &Request, now: Timestamp) -> Self {
        let terms = Terms { now: millis(now), ..Terms::of(request) };
        Self::of(b'h', &terms).about(request.order, &request.buyer)
    }

    pub fn wait(request: &Request, max: usize, now: Timestamp) -> Self {
        let terms = Terms { until: max as f64, now: millis(now), ..Terms::of(request) };
        Self::of(b'w', &terms).about(request.order, &request.buyer)
    }

    pub fn claim(order: OrderId, buyer: &Subject, now: Timestamp) -> Self {
        Self::of(b'c', &Terms { now: millis(now), ..Terms::default() }).about(order, buyer)
    }

    pub fn end(order: OrderId, buyer: &Subject) -> Self {
        Self::of(b'e', &Terms::default()).about(order, buyer)
    }

    pub fn free(order: OrderId, buyer: &Subject, outcome: HoldOutcome) -> Self {
        let letter = match outcome {
            HoldOutcome::Claimed => b'c',
            HoldOutcome::Released => b'r',
            HoldOutcome::Expired => b'x',
        };
        Self::of(b'f', &Terms { limit: letter.into(), ..Terms::default() }).about(order, buyer)
    }

    pub fn leave(order: OrderId, buyer: &Subject) -> Self {
        Self::of(b'l', &Terms::default()).about(order, buyer)
    }

    pub fn place(order: OrderId, buyer: &Subject) -> Self {
        Self::of(b'p', &Terms::default()).about(order, buyer)
    }

    pub fn next_offer(until: Timestamp) -> Self {
        Self::of(b'n', &Terms { until: millis(until), ..Terms::default() })
    }

    pub fn take_expired(now: Timestamp, max: usize) -> Self {
        Self::of(b'x', &Terms { until: max as f64, now: millis(now), ..Terms::default() })
    }

    pub fn take_back(units: u32) -> Self {
        Self::of(b't', &Terms { until: units.into(), ..Terms::default() })
    }

    /// A version is exact in a double for longer than anybody changes a sale.
    pub fn restock(stock: u32, version: u64) -> Self {
        Self::of(b's', &Terms { until: stock.into(), now: version as f64, ..Terms::default() })
    }

    pub fn close() -> Self {
        Self::of(b'z', &Terms::default())
    }

    pub fn read() -> Self {
        Self::of(b'r', &Terms::default())
    }

    pub fn adopt_hold(request: &Request) -> Self {
        Self::of(b'H', &Terms::of(request)).about(request.order, &request.buyer)
    }

    pub fn adopt_claimed(order: OrderId, buyer: &Subject, quantity: u32) -> Self {
        Self::of(b'C', &Terms { quantity, ..Terms::default() }).about(order, buyer)
    }

    pub fn adopt_waiting(request: &Request) -> Self {
        Self::of(b'W', &Terms::of(request)).about(request.order, &request.buyer)
    }

    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    fn of(letter: u8, terms: &Terms) -> Self {
        // As long as the longest with a usual buyer.
        let mut bytes = Vec::with_capacity(80);
        bytes.push(letter);
        bytes.extend_from_slice(&terms.until.to_be_bytes());
        bytes.extend_from_slice(&small(terms.quantity));
        bytes.extend_from_slice(&terms.now.to_be_bytes());
        bytes.extend_from_slice(&small(terms.limit));
        Self(bytes)
    }

    fn about(mut self, order: OrderId, buyer: &Subject) -> Self {
        self.0.extend_from_slice(order.0.as_bytes());
        self.0.extend_from_slice(buyer.as_str().as_bytes());
        self
    }
}

impl Terms {
    fn of(request: &Request) -> Self {
        Self { until: millis(request.until), quantity: request.quantity, now: 0.0, limit: request.limit }
    }
}

/// Lua counts in doubles, which are exact for milliseconds of the next 285,000 years.
fn millis(at: Timestamp) -> f64 {
    at.millis() as f64
}

/// Quantities and limits are at most 99.
fn small(number: u32) -> [u8; 2] {
    u16::try_from(number).unwrap_or(u16::MAX).to_be_bytes()
}

/// The Function said what no version of it says.
#[derive(Debug)]
pub(super) struct Strange;

/// Holds that were displaced.
pub(super) fn granted(answer: &Value, limit: u32) -> Result<Result<Vec<Ending>, HoldRefused>, Strange> {
    match answer {
        Value::Int(0) => Ok(Ok(Vec::new())),
        Value::Int(code) => refused(*code, limit, 0).map(Err),
        displaced => Ok(Ok(endings(displaced)?)),
    }
}

pub(super) fn placed(answer: &Value, limit: u32, max: usize) -> Result<Result<u32, HoldRefused>, Strange> {
    match number(answer)? {
        place @ 1.. => u32::try_from(place).map(Ok).map_err(|_| Strange),
        code => refused(code, limit, max).map(Err),
    }
}

pub(super) fn ended(answer: &Value) -> Result<Result<(), EndRefused>, Strange> {
    Ok(match number(answer)? {
        0 => Ok(()),
        -1 => Err(EndRefused::Unknown),
        -2 => Err(EndRefused::RanOut),
        -3 => Err(EndRefused::Ending),
        -11 => Err(EndRefused::Ended(HoldOutcome::Claimed)),
        -12 => Err(EndRefused::Ended(HoldOutcome::Released)),
        -13 => Err(EndRefused::Ended(HoldOutcome::Expired)),
        _ => return Err(Strange),
    })
}

/// Who was next in line and is offered units: id, quantity, limit, buyer.
pub(super) fn offered(answer: &Value, until: Timestamp) -> Result<Option<Request>, Strange> {
    let Value::BulkString(bytes) = answer else { return Err(Strange) };
    if bytes.is_empty() {
        return Ok(None);
    }
    let (order, rest) = bytes.split_first_chunk::<16>().ok_or(Strange)?;
    let (quantity, rest) = rest.split_first_chunk::<2>().ok_or(Strange)?;
    let (limit, buyer) = rest.split_first_chunk::<2>().ok_or(Strange)?;
    let buyer = subject(buyer)?;
    Ok(Some(Request {
        order: OrderId(uuid::Uuid::from_bytes(*order)),
        buyer,
        quantity: u32::from(u16::from_be_bytes(*quantity)),
        limit: u32::from(u16::from_be_bytes(*limit)),
        until,
    }))
}

/// For each its length, its id and its buyer.
pub(super) fn endings(answer: &Value) -> Result<Vec<Ending>, Strange> {
    let Value::BulkString(bytes) = answer else { return Err(Strange) };
    let (mut endings, mut rest) = (Vec::new(), bytes.as_slice());
    while let Some((length, after)) = rest.split_first() {
        let (member, after) = after.split_at_checked(usize::from(*length)).ok_or(Strange)?;
        let (order, buyer) = member.split_first_chunk::<16>().ok_or(Strange)?;
        endings.push(Ending { order: OrderId(uuid::Uuid::from_bytes(*order)), buyer: subject(buyer)? });
        rest = after;
    }
    Ok(endings)
}

/// Ids, 16 bytes each.
pub(super) fn orders(answer: &Value) -> Result<Vec<OrderId>, Strange> {
    let Value::BulkString(bytes) = answer else { return Err(Strange) };
    let (ids, []) = bytes.as_chunks::<16>() else { return Err(Strange) };
    Ok(ids.iter().map(|id| OrderId(uuid::Uuid::from_bytes(*id))).collect())
}

pub(super) fn number(answer: &Value) -> Result<i64, Strange> {
    match answer {
        Value::Int(number) => Ok(*number),
        _ => Err(Strange),
    }
}

fn subject(bytes: &[u8]) -> Result<Subject, Strange> {
    std::str::from_utf8(bytes).map_err(|_| Strange)?.parse().map_err(|_| Strange)
}

fn refused(code: i64, limit: u32, max: usize) -> Result<HoldRefused, Strange> {
    Ok(match code {
        -1 => HoldRefused::Closed,
        -2 => HoldRefused::Known,
        -3 => HoldRefused::LimitReached { limit },
        -4 => HoldRefused::WaitingListFull { max },
        ..=-100 => HoldRefused::SoldOut { left: u32::try_from(-100 - code).unwrap_or(u32::MAX) },
        _ => return Err(Strange),
    })
}
