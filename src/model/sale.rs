//! A flash sale: a lot of one product at one price for a short time.

use std::time::Duration;

use super::money::MINOR_MAX;
use super::product::UNITS_MAX;
use super::{Money, OutOfBound, PledgeRef, RoomId, SaleId, Sku, Timestamp};

#[derive(Clone, Debug, PartialEq)]
pub struct FlashSale {
    pub id: SaleId,
    pub room: RoomId,
    pub sku: Sku,
    pub price: Money,
    /// Units set aside in the lot.
    pub stock: u32,
    pub limit_per_buyer: u32,
    pub hold_for: Duration,
    pub duration: Duration,
    /// `None`: the host opens it.
    pub opens_at: Option<Timestamp>,
    pub state: SaleState,
    pub pledge: Option<PledgeRef>,
    /// Grows with every change; the record refuses a change made from an older one.
    pub version: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SaleState {
    Scheduled,
    Open {
        closes_at: Timestamp,
    },
    /// Takes no orders until it is resumed, and offers nothing to the waiting list. What is held may be paid; its time runs on.
    Paused {
        closes_at: Timestamp,
    },
    /// Final: leftovers are back with the product; open holds may still be paid.
    Closed {
        at: Timestamp,
        reason: CloseReason,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloseReason {
    Time,
    Host,
    SoldOut,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SaleRefused {
    #[error("the sale has not opened yet")]
    NotOpen,
    #[error("the sale is closed")]
    Closed,
    #[error("the sale is paused")]
    Paused,
    #[error("the sale is open already")]
    AlreadyOpen,
    #[error("the sale is not paused")]
    NotPaused,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RestockRefused {
    #[error(transparent)]
    OutOfBound(#[from] OutOfBound),
    #[error(transparent)]
    Sale(#[from] SaleRefused),
}

impl FlashSale {
    pub const LIMIT_MAX: u32 = 99;
    pub const HOLD_SECONDS: std::ops::RangeInclusive<u64> = 10..=3_600;
    pub const DURATION_SECONDS: std::ops::RangeInclusive<u64> = 10..=86_400;

    pub fn check(&self) -> Result<(), OutOfBound> {
        if !(1..=UNITS_MAX).contains(&self.stock) {
            return Err(OutOfBound::new("stock", format!("1..={UNITS_MAX}")));
        }
        if !(1..=Self::LIMIT_MAX).contains(&self.limit_per_buyer) {
            return Err(OutOfBound::new("limitPerBuyer", format!("1..={}", Self::LIMIT_MAX)));
        }
        if self.price.times(self.limit_per_buyer).minor > MINOR_MAX {
            let bound = format!("such that limitPerBuyer units cost at most {MINOR_MAX} in minor units");
            return Err(OutOfBound::new("price.minor", bound));
        }
        if !Self::HOLD_SECONDS.contains(&self.hold_for.as_secs()) {
            return Err(OutOfBound::new("holdSeconds", "10..=3600"));
        }
        if !Self::DURATION_SECONDS.contains(&self.duration.as_secs()) {
            return Err(OutOfBound::new("durationSeconds", "10..=86400"));
        }
        Ok(())
    }

    /// Orders are taken while the sale is open and its time has not run out, swept or not.
    pub fn takes_orders(&self, now: Timestamp) -> Result<(), SaleRefused> {
        match self.state {
            SaleState::Scheduled => Err(SaleRefused::NotOpen),
            SaleState::Open { closes_at } if now < closes_at => Ok(()),
            SaleState::Paused { closes_at } if now < closes_at => Err(SaleRefused::Paused),
            SaleState::Open { .. } | SaleState::Paused { .. } | SaleState::Closed { .. } => {
                Err(SaleRefused::Closed)
            }
        }
    }

    pub fn open(mut self, now: Timestamp) -> Result<Self, SaleRefused> {
        match self.state {
            SaleState::Scheduled => {}
            SaleState::Open { .. } | SaleState::Paused { .. } => return Err(SaleRefused::AlreadyOpen),
            SaleState::Closed { .. } => return Err(SaleRefused::Closed),
        }
        self.state = SaleState::Open { closes_at: now + self.duration };
        self.version += 1;
        Ok(self)
    }

    /// Not when its time has run out: then it is as good as closed.
    pub fn pause(mut self, now: Timestamp) -> Result<Self, SaleRefused> {
        self.takes_orders(now)?;
        if let SaleState::Open { closes_at } = self.state {
            self.state = SaleState::Paused { closes_at };
            self.version += 1;
        }
        Ok(self)
    }

    pub fn resume(mut self, now: Timestamp) -> Result<Self, SaleRefused> {
        match self.state {
            SaleState::Paused { closes_at } if now < closes_at => self.state = SaleState::Open { closes_at },
            SaleState::Scheduled | SaleState::Open { .. } => return Err(SaleRefused::NotPaused),
            SaleState::Paused { .. } | SaleState::Closed { .. } => return Err(SaleRefused::Closed),
        }
        self.version += 1;
        Ok(self)
    }

    /// `change` units more in the lot. At least one stays: a sale without any is closed instead.
    pub fn restock(mut self, change: i64) -> Result<Self, RestockRefused> {
        if matches!(self.state, SaleState::Closed { .. }) {
            return Err(SaleRefused::Closed.into());
        }
        let stock = i64::from(self.stock) + change;
        let bound = (1..=i64::from(UNITS_MAX)).contains(&stock) && change != 0;
        let stock = u32::try_from(stock).ok().filter(|_| bound).ok_or_else(|| {
            let (least, most) = (1 - i64::from(self.stock), i64::from(UNITS_MAX) - i64::from(self.stock));
            OutOfBound::new("change", format!("{least}..={most}, not 0"))
        })?;
        self.stock = stock;
        self.version += 1;
        Ok(self)
    }

    pub fn close(mut self, now: Timestamp, reason: CloseReason) -> Result<Self, SaleRefused> {
        if matches!(self.state, SaleState::Closed { .. }) {
            return Err(SaleRefused::Closed);
        }
        self.state = SaleState::Closed { at: now, reason };
        self.version += 1;
        Ok(self)
    }
}
