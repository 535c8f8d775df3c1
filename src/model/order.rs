//! An order and the life it goes through. A transition consumes the order and may refuse.

use super::{Money, OrderId, OutOfBound, RoomId, SaleId, Sku, Subject, Timestamp, bounded_text};

#[derive(Clone, Debug, PartialEq)]
pub struct Order {
    pub id: OrderId,
    pub sale: SaleId,
    pub room: RoomId,
    pub sku: Sku,
    pub buyer: Subject,
    pub quantity: u32,
    pub unit_price: Money,
    /// The buyer asked for a place on the waiting list in case the sale is sold out; part of the order's content.
    pub wait: bool,
    pub stage: Stage,
    /// Counts the holds this order has had: 1 is the first, 0 none yet.
    pub hold: u32,
    pub placed_at: Timestamp,
    pub paid_at: Option<Timestamp>,
    pub refunded_minor: i64,
    /// Accrued for charity, less what refunds reversed.
    pub charity_minor: i64,
    /// Grows with every change; the record refuses a change made from an older one.
    pub version: u64,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Stage {
    /// On the waiting list.
    Waiting,
    Held {
        until: Timestamp,
        /// By way of the waiting list.
        offered: bool,
    },
    Paid,
    Packed,
    Shipped(Parcel),
    Delivered(Parcel),
    /// Receipt confirmed by the buyer, or by time.
    Confirmed {
        parcel: Parcel,
        at: Timestamp,
    },
    /// Cancelled before payment.
    Released,
    /// The hold, or the place on the waiting list, ran out before payment.
    Expired,
    /// Wholly refunded.
    Refunded,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Parcel {
    pub carrier: String,
    pub tracking_number: String,
    pub shipped_at: Timestamp,
}

/// Personal data, kept apart from the order and never published.
#[derive(Clone, Debug, PartialEq)]
pub struct ShipTo {
    pub name: String,
    pub phone: String,
    pub address: String,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OrderRefused {
    #[error("the hold ran out")]
    HoldExpired,
    #[error("the order was cancelled")]
    Released,
    #[error("the order is paid already")]
    AlreadyPaid,
    #[error("the order is on the waiting list and has no hold yet")]
    StillWaiting,
    #[error("the order is not paid")]
    NotPaid,
    #[error("the order was refunded")]
    Refunded,
    #[error("an order goes paid, packed, shipped, delivered, confirmed; it cannot go from {from} to {to}")]
    OutOfTurn { from: &'static str, to: &'static str },
    #[error("at most {left} is left to refund")]
    RefundTooLarge { left: Money },
}

impl Stage {
    /// As it stands in the record and in metrics.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Held { .. } => "held",
            Self::Paid => "paid",
            Self::Packed => "packed",
            Self::Shipped(_) => "shipped",
            Self::Delivered(_) => "delivered",
            Self::Confirmed { .. } => "confirmed",
            Self::Released => "released",
            Self::Expired => "expired",
            Self::Refunded => "refunded",
        }
    }
}

impl ShipTo {
    pub fn check(self) -> Result<Self, OutOfBound> {
        let phone = self.phone.replace([' ', '-'], "");
        let digits = phone.strip_prefix('+').unwrap_or(&phone);
        if !(5..=20).contains(&digits.len()) || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(OutOfBound::new("shipTo.phone", "5..=20 digits, with an optional leading +"));
        }
        Ok(Self {
            name: bounded_text("shipTo.name", &self.name, 1..=60)?,
            phone,
            address: bounded_text("shipTo.address", &self.address, 1..=200)?,
        })
    }
}

impl Order {
    pub const QUANTITY_MAX: u32 = 99;

    pub fn total(&self) -> Money {
        self.unit_price.times(self.quantity)
    }

    pub fn refunded(&self) -> Money {
        Money::new(self.refunded_minor, self.unit_price.currency)
    }

    pub fn charity(&self) -> Money {
        Money::new(self.charity_minor, self.unit_price.currency)
    }

    /// Whether `other` is the same wish: a retry of an order must not differ in content.
    pub fn same_content(&self, other: &Self) -> bool {
        self.sale == other.sale
            && self.buyer == other.buyer
            && self.quantity == other.quantity
            && self.wait == other.wait
    }

    /// Waiting, expired or not yet recorded: the order gets a hold.
    pub fn held(self, until: Timestamp, offered: bool) -> Result<Self, OrderRefused> {
        match self.stage {
            Stage::Waiting | Stage::Expired => {
                Ok(Self { hold: self.hold + 1, ..self.next(Stage::Held { until, offered }) })
            }
            _ => Err(self.why_not_held()),
        }
    }

    /// The hold still stands at `now`, so that a payment may start.
    pub fn payable(&self, now: Timestamp) -> Result<(), OrderRefused> {
        match &self.stage {
            Stage::Held { until, .. } if now < *until => Ok(()),
            Stage::Held { .. } => Err(OrderRefused::HoldExpired),
            _ => Err(self.why_not_held()),
        }
    }

    pub fn claim(self, now: Timestamp, charity: Money) -> Result<Self, OrderRefused> {
        self.payable(now)?;
        Ok(Self { paid_at: Some(now), charity_minor: charity.minor, ..self.next(Stage::Paid) })
    }

    pub fn release(self) -> Result<Self, OrderRefused> {
        match self.stage {
            Stage::Waiting | Stage::Held { .. } => Ok(self.next(Stage::Released)),
            _ => Err(self.why_not_held()),
        }
    }

    pub fn expire(self) -> Result<Self, OrderRefused> {
        match self.stage {
            Stage::Waiting | Stage::Held { .. } => Ok(self.next(Stage::Expired)),
            _ => Err(self.why_not_held()),
        }
    }

    pub fn pack(self) -> Result<Self, OrderRefused> {
        match self.stage {
            Stage::Paid => Ok(self.next(Stage::Packed)),
            _ => Err(self.out_of_turn("packed")),
        }
    }

    pub fn ship(self, parcel: Parcel) -> Result<Self, OrderRefused> {
        match self.stage {
            Stage::Paid | Stage::Packed => Ok(self.next(Stage::Shipped(parcel))),
            _ => Err(self.out_of_turn("shipped")),
        }
    }

    pub fn deliver(self) -> Result<Self, OrderRefused> {
        match self.stage.clone() {
            Stage::Shipped(parcel) => Ok(self.next(Stage::Delivered(parcel))),
            _ => Err(self.out_of_turn("delivered")),
        }
    }

    pub fn confirm(self, at: Timestamp) -> Result<Self, OrderRefused> {
        match self.stage.clone() {
            Stage::Shipped(parcel) | Stage::Delivered(parcel) => {
                Ok(self.next(Stage::Confirmed { parcel, at }))
            }
            _ => Err(self.out_of_turn("confirmed")),
        }
    }

    /// A refund of `amount` leaves the charity share at `charity_kept`. The whole refund ends the order.
    pub fn refund(self, amount: Money, charity_kept: Money) -> Result<Self, OrderRefused> {
        let left = self.refundable()?;
        if amount.minor > left.minor || amount.currency != left.currency {
            return Err(OrderRefused::RefundTooLarge { left });
        }
        let whole = amount.minor == left.minor;
        let stage = if whole { Stage::Refunded } else { self.stage.clone() };
        let refunded_minor = self.refunded_minor + amount.minor;
        Ok(Self { refunded_minor, charity_minor: charity_kept.minor, ..self.next(stage) })
    }

    pub fn refundable(&self) -> Result<Money, OrderRefused> {
        match self.stage {
            Stage::Paid
            | Stage::Packed
            | Stage::Shipped(_)
            | Stage::Delivered(_)
            | Stage::Confirmed { .. } => {
                Ok(Money::new(self.total().minor - self.refunded_minor, self.unit_price.currency))
            }
            Stage::Refunded => Err(OrderRefused::Refunded),
            Stage::Waiting | Stage::Held { .. } | Stage::Released | Stage::Expired => {
                Err(OrderRefused::NotPaid)
            }
        }
    }

    fn next(self, stage: Stage) -> Self {
        Self { stage, version: self.version + 1, ..self }
    }

    fn why_not_held(&self) -> OrderRefused {
        match self.stage {
            Stage::Waiting | Stage::Held { .. } => OrderRefused::StillWaiting,
            Stage::Paid
            | Stage::Packed
            | Stage::Shipped(_)
            | Stage::Delivered(_)
            | Stage::Confirmed { .. } => OrderRefused::AlreadyPaid,
            Stage::Released => OrderRefused::Released,
            Stage::Expired => OrderRefused::HoldExpired,
            Stage::Refunded => OrderRefused::Refunded,
        }
    }

    fn out_of_turn(&self, to: &'static str) -> OrderRefused {
        OrderRefused::OutOfTurn { from: self.stage.name(), to }
    }
}
