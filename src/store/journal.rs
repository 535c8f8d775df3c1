//! The record. Callers hand in entries; one writer commits everything that is waiting in one transaction and answers after the
//! commit. An entry is all or nothing. Each write in it is conditional, so that the record refuses what a gate or a race got wrong.

use crate::model::payment::{ProviderEvent, Refund};
use crate::model::room::Sanction;
use crate::model::{
    Currency, FlashSale, Money, Order, OrderId, Payment, PaymentId, Pledge, PledgeId, Product, RefundId,
    Room, RoomId, SaleId, Sku, Subject, Timestamp, Transfer, order::ShipTo,
};

mod apply;
#[cfg(test)]
mod conformance;
mod figures;
mod read;
mod rows;
mod sqlite;
mod statements;
mod totals;
mod writer;

pub use figures::{Figures, RoomFigures};
pub use read::{Accrual, Listing, LotRow, Page, accruals};
pub use sqlite::{Journal, Pending, open_reader};
pub use totals::{Total, Totals};

/// What one caller wants made durable, all or nothing. A write that may be refused in the normal course of things stands first:
/// the refusal then costs nothing to the other entries of the batch.
pub type Entry = Vec<Write>;

#[derive(Clone, Debug, PartialEq)]
pub enum Write {
    /// An idempotency key. Seen before with this content: `Seen`; with other content: `ContentDiffers`.
    Once(Once),
    /// Seen before: `Seen`.
    ProviderEvent {
        event: ProviderEvent,
        at: Timestamp,
    },
    /// Version 1 inserts, a later one updates the version before it; otherwise `Stale` or `Exists`.
    Room(Room),
    Sanction {
        room: RoomId,
        subject: Subject,
        sanction: Option<Sanction>,
    },
    /// Inserts, or `Exists`.
    NewProduct(Product),
    /// `StockShort` when `on_hand` would fall below zero.
    Stock {
        sku: Sku,
        change: i64,
    },
    /// The next version of a pledge, or `Stale`.
    Pledge(Pledge),
    /// As `Room`. Version 1 also makes the lot, and takes its stock from the product: `StockShort`.
    Sale(FlashSale),
    /// Moves the lot's unheld, unsold units back to the product.
    ReturnLeftovers(SaleId),
    /// As `Room`.
    Order(Order),
    Address {
        order: OrderId,
        ship_to: ShipTo,
    },
    /// `OverStock` when `held + sold` would pass the lot's stock.
    Hold {
        order: OrderId,
        hold: u32,
        sale: SaleId,
        quantity: u32,
        expires_at: Timestamp,
    },
    /// `HoldEnded` when it has ended already. Claimed units are sold, others are free again.
    EndHold {
        order: OrderId,
        hold: u32,
        sale: SaleId,
        quantity: u32,
        outcome: HoldOutcome,
        at: Timestamp,
    },
    /// As `Room`.
    Payment(Payment),
    /// Inserts, or `Exists`.
    Refund(Refund),
    RefundDone {
        refund: RefundId,
        at: Timestamp,
    },
    Transfer(Transfer),
    Remittance {
        id: uuid::Uuid,
        pledge: PledgeId,
        amount: Money,
        proof: String,
        at: Timestamp,
    },
    Task {
        task: Task,
        at: Timestamp,
    },
    TaskDone(Task),
    Audit {
        at: Timestamp,
        actor: Subject,
        action: &'static str,
        subject: String,
        reason: String,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Once {
    pub key: uuid::Uuid,
    /// SHA-256 of the request.
    pub content: [u8; 32],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HoldOutcome {
    Claimed,
    Released,
    Expired,
}

/// Something that must still be asked of the payment provider; it survives a crash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Task {
    Authorise(PaymentId),
    Capture(PaymentId),
    Refund(RefundId),
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    #[error("this was recorded before")]
    Seen,
    #[error("the same id or key was used for something else")]
    ContentDiffers,
    #[error("there is one with this id already")]
    Exists,
    #[error("it was changed meanwhile")]
    Stale,
    #[error("the hold has ended already")]
    HoldEnded,
    #[error("the lot has fewer units left")]
    OverStock,
    #[error("the product has fewer units on hand")]
    StockShort,
    #[error("the record breaks its own rule: {0}")]
    Rule(String),
    #[error("too much is waiting to be recorded")]
    Busy,
    #[error("the record cannot be written: {0}")]
    Unavailable(String),
}

impl HoldOutcome {
    pub fn name(self) -> &'static str {
        match self {
            Self::Claimed => "claimed",
            Self::Released => "released",
            Self::Expired => "expired",
        }
    }
}
