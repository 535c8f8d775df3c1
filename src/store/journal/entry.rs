//! What can be recorded: typed writes, each conditional, in entries that are all or nothing.

use std::time::Duration;

use super::{Duty, LogBatch, Match, Minute};
use crate::model::payment::{ProviderEvent, Refund};
use crate::model::room::Sanction;
use crate::model::{
    Charity, Currency, FlashSale, MatchPool, Order, OrderId, PartRef, Payment, PaymentId, Pledge, PoolId,
    Product, ProgressReport, Project, RefundId, RemittanceRun, Room, RoomId, SaleId, Sku, Subject, Timestamp,
    Transfer, order::ShipTo,
};

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
    Room(Box<Room>),
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
    /// As `Room`.
    Charity(Box<Charity>),
    /// As `Room`. Its charity must be there and stays the same.
    Project(Box<Project>),
    /// Inserts, or `Exists`; the project's disclosure clock moves on.
    ProgressReport(Box<ProgressReport>),
    /// The next version of a pledge, or `Stale`.
    Pledge(Pledge),
    /// As `Room`. Version 1 also makes the lot, and takes its stock from the product: `StockShort`.
    Sale(FlashSale),
    /// Moves units from the product into the lot: `StockShort` when there are fewer. Less than none go back: `OverStock` when fewer are neither
    /// held nor sold, or none would be left. Stands with the sale's next version, so that nobody puts units into a closed lot.
    Restock {
        sale: SaleId,
        sku: Sku,
        change: i64,
    },
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
    /// As `Room`. Version 1 also inserts its lines; `Exists` while another of the same charity and currency is open.
    Run(RemittanceRun),
    Task {
        task: Task,
        at: Timestamp,
    },
    TaskDone(Task),
    /// What stands accrued under a pledge and what is owed to the charity of a part, changed with the transfers that move it. `CapReached`
    /// when standing would pass `cap`, `Unpayable` when payable would fall below zero. What stands is kept with part 0, for all of them.
    PledgeSums {
        of: PartRef,
        currency: Currency,
        standing: i64,
        payable: i64,
        cap: Option<i64>,
    },
    /// Inserts, or `Exists`.
    Pool(Box<MatchPool>),
    /// Whether it is frozen from now on.
    FreezePool {
        pool: PoolId,
        frozen: bool,
    },
    /// With the transfer of its amount. `PoolChanged` unless the amount is what the record would give now, no more and no less; 0 is only looked
    /// at. A release that is there already: `Exists`.
    Match(Match),
    /// Takes back a part of a match, with the transfer of it. `PoolChanged` when less is there.
    Unmatch {
        claim: OrderId,
        pool: PoolId,
        amount: i64,
    },
    /// Hearts that a slot counts; `Stale` unless it had `before`.
    PoolHearts {
        pool: PoolId,
        slot: u32,
        before: u64,
        more: u64,
    },
    /// The slot's seed is for everybody, and nothing is matched by it any more. Published before: `Seen`.
    PublishSeed {
        pool: PoolId,
        slot: u32,
        at: Timestamp,
    },
    /// `Fenced` unless the lease of this duty has this number now. Of a shared record also when the lease has run out.
    Fence {
        duty: Duty,
        fence: u64,
    },
    /// Renews the node's lease, or takes one that has run out, with the next number; otherwise `Fenced`.
    TakeLease {
        duty: Duty,
        node: String,
        duration: Duration,
        now: Timestamp,
    },
    /// The next who asks gets the lease. Nothing when the node does not hold it.
    GiveUpLease {
        duty: Duty,
        node: String,
    },
    /// What a node read of itself; again at the same time: nothing.
    Reading {
        at: Timestamp,
        node: String,
        body: Vec<u8>,
    },
    /// Deletes readings from before, at most `READINGS_AT_ONCE`.
    ForgetReadings {
        before: Timestamp,
    },
    /// What a node counted in rooms, added to what it counted in the same minutes before. A room and minute stands here once.
    RoomMinutes {
        node: String,
        minutes: Vec<(RoomId, Minute)>,
    },
    /// What an audit found, in the place of the one before; an older one changes nothing.
    Lights {
        at: Timestamp,
        took_ms: u32,
        body: String,
    },
    /// The next leaves of the public log, with their checkpoint.
    Log(LogBatch),
    /// The newest checkpoint again, with what witnesses signed; of an older one, nothing.
    Cosigned {
        size: u64,
        checkpoint: String,
    },
    /// The log's name, when it has none yet.
    NameLog {
        origin: String,
    },
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

impl HoldOutcome {
    pub fn name(self) -> &'static str {
        match self {
            Self::Claimed => "claimed",
            Self::Released => "released",
            Self::Expired => "expired",
        }
    }
}
