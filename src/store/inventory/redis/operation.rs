//! What is asked of a lot, as src/store/redis/gate.lua reads it, and its answers.

use redis::Value;

use super::super::{EndRefused, HoldRefused, Request};
use crate::model::{OrderId, Subject, Timestamp};
use crate::store::journal::HoldOutcome;

/// One letter, then the order where there is one, then numbers, then the buyer.
pub(super) struct Operation(Vec<u8>);

impl Operation {
    pub fn hold(request: &Request, now: Timestamp) -> Self {
        Self::of(b'h', request.order)
            .time(request.until)
            .small(request.quantity)
            .time(now)
            .small(request.limit)
            .buyer(&request.buyer)
    }

    pub fn wait(request: &Request, max: usize, now: Timestamp) -> Self {
        let max = u32::try_from(max).unwrap_or(u32::MAX);
        let asked = Self::of(b'w', request.order).time(now).small(request.quantity).small(request.limit);
        asked.number(max).buyer(&request.buyer)
    }

    pub fn claim(order: OrderId, now: Timestamp) -> Self {
        Self::of(b'c', order).time(now)
    }

    pub fn end(order: OrderId) -> Self {
        Self::of(b'e', order)
    }

    pub fn free(order: OrderId, outcome: HoldOutcome) -> Self {
        let mut asked = Self::of(b'f', order);
        asked.0.push(match outcome {
            HoldOutcome::Claimed => b'c',
            HoldOutcome::Released => b'r',
            HoldOutcome::Expired => b'x',
        });
        asked
    }

    pub fn leave(order: OrderId) -> Self {
        Self::of(b'l', order)
    }

    pub fn place(order: OrderId) -> Self {
        Self::of(b'p', order)
    }

    pub fn next_offer(until: Timestamp) -> Self {
        Self(vec![b'n']).time(until)
    }

    pub fn take_expired(now: Timestamp, max: usize) -> Self {
        Self(vec![b'x']).time(now).number(u32::try_from(max).unwrap_or(u32::MAX))
    }

    pub fn close() -> Self {
        Self(vec![b'z'])
    }

    pub fn read() -> Self {
        Self(vec![b'r'])
    }

    pub fn adopt_hold(request: &Request) -> Self {
        Self::of(b'H', request.order).time(request.until).small(request.quantity).buyer(&request.buyer)
    }

    pub fn adopt_claimed(order: OrderId, buyer: &Subject, quantity: u32) -> Self {
        Self::of(b'C', order).small(quantity).buyer(buyer)
    }

    pub fn adopt_waiting(request: &Request) -> Self {
        Self::of(b'W', request.order).small(request.quantity).small(request.limit).buyer(&request.buyer)
    }

    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    fn of(letter: u8, order: OrderId) -> Self {
        // As long as the longest with a usual buyer.
        let mut bytes = Vec::with_capacity(80);
        bytes.push(letter);
        bytes.extend_from_slice(order.0.as_bytes());
        Self(bytes)
    }

    /// Lua counts in doubles, which are exact for milliseconds of the next 285,000 years.
    fn time(mut self, at: Timestamp) -> Self {
        self.0.extend_from_slice(&(at.millis() as f64).to_be_bytes());
        self
    }

    /// Quantities and limits are at most 99.
    fn small(mut self, number: u32) -> Self {
        self.0.extend_from_slice(&u16::try_from(number).unwrap_or(u16::MAX).to_be_bytes());
        self
    }

    fn number(mut self, number: u32) -> Self {
        self.0.extend_from_slice(&number.to_be_bytes());
        self
    }

    fn buyer(mut self, buyer: &Subject) -> Self {
        self.0.extend_from_slice(buyer.as_str().as_bytes());
        self
    }
}

/// The Function said what no version of it says.
#[derive(Debug)]
pub(super) struct Strange;

/// Orders that were displaced.
pub(super) fn granted(answer: &Value, limit: u32) -> Result<Result<Vec<OrderId>, HoldRefused>, Strange> {
    match answer {
        Value::Int(0) => Ok(Ok(Vec::new())),
        Value::Int(code) => refused(*code, limit, 0).map(Err),
        displaced => Ok(Ok(orders(displaced)?)),
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
    let buyer = std::str::from_utf8(buyer).map_err(|_| Strange)?.parse().map_err(|_| Strange)?;
    Ok(Some(Request {
        order: OrderId(uuid::Uuid::from_bytes(*order)),
        buyer,
        quantity: u32::from(u16::from_be_bytes(*quantity)),
        limit: u32::from(u16::from_be_bytes(*limit)),
        until,
    }))
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
