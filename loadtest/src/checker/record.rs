//! The server's record as rows, whichever database they came from.

use std::collections::{BTreeMap, HashMap};

use uuid::Uuid;

use crate::history::Stage;

#[derive(Debug, Clone, Default)]
pub struct Record {
    pub epoch: u64,
    /// When it was read, to tell a standing hold from one that ran out and was not swept yet.
    pub read_at_ms: i64,
    pub lots: Vec<Lot>,
    pub sales: HashMap<Uuid, Sale>,
    pub pledges: HashMap<(Uuid, i64), Pledge>,
    pub orders: Vec<Order>,
    pub holds: Vec<Hold>,
    pub payments: Vec<Payment>,
    pub refunds: Vec<Refund>,
    pub outbox: Vec<Task>,
    /// The sandbox provider's own books, when they lie beside the record.
    pub provider: Option<Vec<ProviderPayment>>,
    /// In the order of their ids.
    pub transfers: Vec<Transfer>,
    pub accounts: HashMap<i64, Account>,
    /// The record's own cache of the transfers.
    pub totals: BTreeMap<(i64, i64), Sum>,
}

#[derive(Debug, Clone)]
pub struct Lot {
    pub sale: Uuid,
    pub set_aside: i64,
    pub stock: i64,
    pub held: i64,
    pub sold: i64,
}

#[derive(Debug, Clone)]
pub struct Sale {
    pub limit_per_buyer: i64,
    pub closed_sold_out: bool,
    pub pledge: Option<(Uuid, i64)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Base {
    PaidPrice { share_ppm: i64 },
    PerUnit { minor: i64 },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rounding {
    Down,
    HalfEven,
    Up,
}

#[derive(Debug, Clone)]
pub struct Pledge {
    pub base: Base,
    pub rounding: Rounding,
    pub cap: Option<i64>,
    pub starts_at: Option<i64>,
    pub ends_at: Option<i64>,
}

#[derive(Debug, Clone)]
pub struct Order {
    pub id: Uuid,
    pub sale: Uuid,
    pub buyer: String,
    pub quantity: i64,
    pub unit_price: i64,
    pub stage: Stage,
    pub placed_at: i64,
    pub paid_at: Option<i64>,
    pub refunded: i64,
    pub charity: i64,
    pub version: u64,
}

impl Order {
    pub fn total(&self) -> i64 {
        self.quantity * self.unit_price
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HoldOutcome {
    Standing,
    Claimed,
    Released,
    Expired,
}

#[derive(Debug, Clone)]
pub struct Hold {
    pub order: Uuid,
    pub sale: Uuid,
    pub quantity: i64,
    pub expires_at: i64,
    pub outcome: HoldOutcome,
    pub ended_at: Option<i64>,
}

impl Hold {
    pub fn stands_at(&self, now_ms: i64) -> bool {
        self.outcome == HoldOutcome::Standing && self.expires_at > now_ms
    }

    /// When its units became free; `None` while they are not.
    pub fn freed_at(&self, now_ms: i64) -> Option<i64> {
        match self.outcome {
            HoldOutcome::Claimed => None,
            HoldOutcome::Standing => (self.expires_at <= now_ms).then_some(self.expires_at),
            HoldOutcome::Released | HoldOutcome::Expired => self.ended_at,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PaymentState {
    Authorising,
    Declined,
    Authorised,
    Captured,
    Refunding,
    Refunded,
}

#[derive(Debug, Clone)]
pub struct Payment {
    pub id: Uuid,
    pub order: Uuid,
    pub amount: i64,
    pub state: PaymentState,
}

/// A payment as the provider has it in its books.
#[derive(Debug, Clone)]
pub struct ProviderPayment {
    pub id: Uuid,
    pub captured: bool,
    pub refunded_minor: i64,
}

#[derive(Debug, Clone)]
pub struct Refund {
    pub id: Uuid,
    pub payment: Uuid,
    pub order: Uuid,
    pub amount: i64,
    pub done: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TaskKind {
    Authorise,
    Capture,
    Refund,
}

#[derive(Debug, Clone)]
pub struct Task {
    pub kind: TaskKind,
    pub subject: Uuid,
}

/// Why money moved; the numbers stand in the schema's comment.
pub mod code {
    pub const SALE: i64 = 1;
    pub const ACCRUE: i64 = 3;
    pub const REVERSE: i64 = 4;
    pub const FEE: i64 = 7;
    pub const REFUND: i64 = 8;
    pub const LATE: i64 = 9;
    pub const PAID_BACK: i64 = 10;
}

#[derive(Debug, Clone)]
pub struct Transfer {
    pub id: i64,
    pub code: i64,
    pub debit: i64,
    pub credit: i64,
    pub amount: i64,
    pub order: Option<Uuid>,
}

#[derive(Debug, Clone)]
pub struct Account {
    pub name: String,
    pub currency: String,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sum {
    pub debits: i64,
    pub credits: i64,
    pub newest: i64,
}
