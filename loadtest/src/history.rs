//! What every client sent and was answered: the half of the evidence that the server does not keep.
//!
//! In memory while a run goes, and one JSON object a line in a file: first `head`, then in any order `buyer`, `exchange`,
//! `news`, `counter` and `stock`, last `end`. Times are microseconds since the head's `started_ms`.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{BufRead as _, BufReader, BufWriter, Write as _},
    path::Path,
};

use apricot_proto::v1;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::failure::Failure;

/// Refusals beyond this many events are counted and not kept; what was accepted is always kept. 2,000,000 events of some
/// 150 bytes are 300 MB.
pub const EVENTS_MAX: usize = 2_000_000;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Head {
    pub seed: u64,
    pub started_ms: i64,
    pub room: String,
    pub sale: Uuid,
    pub pledge: Uuid,
    pub stock: u32,
    pub limit_per_buyer: u32,
    /// Units that buyers set out to get.
    pub demand_units: u64,
    /// After a fault the gate may hold units for orders that the record never got, at the latest until then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strays_until_ms: Option<i64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Act {
    Place,
    Pay,
    Cancel,
    Refund,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Via {
    Socket,
    Rest,
}

/// An order's state in words of one byte; the names are those of `OrderState`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    Unknown,
    Waiting,
    Held,
    Paid,
    Packed,
    Shipped,
    Delivered,
    Confirmed,
    Released,
    Expired,
    Refunded,
}

impl Stage {
    /// Bought: paid for, whatever came after.
    pub fn is_bought(self) -> bool {
        match self {
            Stage::Paid
            | Stage::Packed
            | Stage::Shipped
            | Stage::Delivered
            | Stage::Confirmed
            | Stage::Refunded => true,
            Stage::Unknown | Stage::Waiting | Stage::Held | Stage::Released | Stage::Expired => false,
        }
    }
}

impl From<v1::OrderState> for Stage {
    fn from(state: v1::OrderState) -> Stage {
        match state {
            v1::OrderState::Unspecified => Stage::Unknown,
            v1::OrderState::Waiting => Stage::Waiting,
            v1::OrderState::Held => Stage::Held,
            v1::OrderState::Paid => Stage::Paid,
            v1::OrderState::Packed => Stage::Packed,
            v1::OrderState::Shipped => Stage::Shipped,
            v1::OrderState::Delivered => Stage::Delivered,
            v1::OrderState::Confirmed => Stage::Confirmed,
            v1::OrderState::Released => Stage::Released,
            v1::OrderState::Expired => Stage::Expired,
            v1::OrderState::Refunded => Stage::Refunded,
        }
    }
}

/// An order as a client was shown it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    pub stage: Stage,
    pub quantity: u32,
    pub total_minor: i64,
    pub refunded_minor: i64,
    pub placed_at_ms: i64,
    pub version: u64,
}

impl Seen {
    pub fn of(order: &v1::Order) -> Seen {
        Seen {
            stage: order.state().into(),
            quantity: order.quantity,
            total_minor: order.total.as_ref().map_or(0, |money| money.minor),
            refunded_minor: order.refunded.as_ref().map_or(0, |money| money.minor),
            placed_at_ms: order.placed_at_ms,
            version: order.version,
        }
    }
}

/// The `type` of a problem, without a string for the common ones.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum Refusal {
    SoldOut,
    LimitReached,
    HoldExpired,
    WrongState,
    SaleNotOpen,
    SaleClosed,
    RateLimited,
    Busy,
    NotNow,
    RecordUnavailable,
    ChangedMeanwhile,
    Other(Box<str>),
}

impl Refusal {
    pub fn of(kind: &str) -> Refusal {
        match kind {
            "sold-out" => Refusal::SoldOut,
            "limit-reached" => Refusal::LimitReached,
            "hold-expired" => Refusal::HoldExpired,
            "wrong-state" => Refusal::WrongState,
            "sale-not-open" => Refusal::SaleNotOpen,
            "sale-closed" => Refusal::SaleClosed,
            "rate-limited" => Refusal::RateLimited,
            "busy" => Refusal::Busy,
            "not-now" => Refusal::NotNow,
            "record-unavailable" => Refusal::RecordUnavailable,
            "changed-meanwhile" => Refusal::ChangedMeanwhile,
            other => Refusal::Other(other.into()),
        }
    }

    pub fn as_str(&self) -> &str {
        match self {
            Refusal::SoldOut => "sold-out",
            Refusal::LimitReached => "limit-reached",
            Refusal::HoldExpired => "hold-expired",
            Refusal::WrongState => "wrong-state",
            Refusal::SaleNotOpen => "sale-not-open",
            Refusal::SaleClosed => "sale-closed",
            Refusal::RateLimited => "rate-limited",
            Refusal::Busy => "busy",
            Refusal::NotNow => "not-now",
            Refusal::RecordUnavailable => "record-unavailable",
            Refusal::ChangedMeanwhile => "changed-meanwhile",
            Refusal::Other(kind) => kind,
        }
    }

    /// Nothing was done and trying again can help.
    pub fn may_retry(&self) -> bool {
        match self {
            Refusal::RateLimited
            | Refusal::Busy
            | Refusal::NotNow
            | Refusal::RecordUnavailable
            | Refusal::ChangedMeanwhile => true,
            Refusal::SoldOut
            | Refusal::LimitReached
            | Refusal::HoldExpired
            | Refusal::WrongState
            | Refusal::SaleNotOpen
            | Refusal::SaleClosed
            | Refusal::Other(_) => false,
        }
    }
}

impl From<String> for Refusal {
    fn from(kind: String) -> Refusal {
        Refusal::of(&kind)
    }
}

impl From<Refusal> for String {
    fn from(refusal: Refusal) -> String {
        refusal.as_str().into()
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Order(Seen),
    Refused(Refusal),
    /// The connection went or time ran out first; the server may or may not have done it.
    Unknown,
}

/// One request and its answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exchange {
    pub buyer: u32,
    /// Which of the nodes was asked.
    #[serde(default)]
    pub node: u32,
    pub order: Uuid,
    pub act: Act,
    pub via: Via,
    /// Of a `Place`: units wanted; of a `Refund`: minor units, 0 for all that is left; else 0.
    pub quantity: u64,
    /// Of a `Place`: this buyer would pay at once and is not on a waiting list.
    pub willing: bool,
    /// When the plan wanted it sent; for a retry, when the first try was wanted.
    pub intended_us: u64,
    pub sent_us: u64,
    pub answered_us: u64,
    pub outcome: Outcome,
}

/// An order that came without being asked for: by the direct lane, in `Joined`, or by reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct News {
    pub buyer: u32,
    pub order: Uuid,
    pub at_us: u64,
    pub seen: Seen,
}

/// A charity total that a client was shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Reading {
    pub epoch: u64,
    pub sequence: u64,
    pub accrued_minor: i64,
    pub reversed_minor: i64,
}

impl Reading {
    pub fn of(total: &v1::CharityTotal) -> Reading {
        Reading {
            epoch: total.epoch,
            sequence: total.sequence,
            accrued_minor: total.gross_accrued_minor,
            reversed_minor: total.gross_reversed_minor,
        }
    }
}

/// A total, and the node that showed it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Counter {
    #[serde(flatten)]
    pub reading: Reading,
    #[serde(default)]
    pub node: u32,
}

/// Units left, as a node showed them; a number below zero would come as one beyond any stock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Stock {
    pub node: u32,
    pub left: u64,
}

/// The readings after everything had settled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct End {
    pub total: Reading,
    /// Per currency; zero or the ledger is broken.
    pub trial_balance_minor: BTreeMap<String, i64>,
    pub sale_sold: u32,
    pub sale_left: u32,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    Head(Head),
    Buyer { buyer: u32, subject: String },
    Exchange(Exchange),
    News(News),
    Counter(Counter),
    Stock(Stock),
    End(End),
}

/// Everything the clients know about one sale.
#[derive(Debug, Clone, PartialEq)]
pub struct History {
    pub head: Head,
    /// A buyer's number is its place here.
    pub subjects: Vec<String>,
    pub exchanges: Vec<Exchange>,
    pub news: Vec<News>,
    /// Each distinct one once.
    pub counters: Vec<Counter>,
    pub stocks: Vec<Stock>,
    pub end: Option<End>,
}

impl History {
    pub fn new(head: Head) -> History {
        History {
            head,
            subjects: Vec::new(),
            exchanges: Vec::new(),
            news: Vec::new(),
            counters: Vec::new(),
            stocks: Vec::new(),
            end: None,
        }
    }

    pub fn write(&self, path: &Path) -> Result<(), Failure> {
        let file = File::create(path).map_err(Failure::file(path))?;
        let mut out = BufWriter::new(file);
        let mut line = |line: Line| -> Result<(), Failure> {
            serde_json::to_writer(&mut out, &line).map_err(|error| Failure::file(path)(error.into()))?;
            out.write_all(b"\n").map_err(Failure::file(path))
        };
        line(Line::Head(self.head.clone()))?;
        for (buyer, subject) in (0..).zip(&self.subjects) {
            line(Line::Buyer { buyer, subject: subject.clone() })?;
        }
        for exchange in &self.exchanges {
            line(Line::Exchange(exchange.clone()))?;
        }
        for news in &self.news {
            line(Line::News(*news))?;
        }
        for counter in &self.counters {
            line(Line::Counter(*counter))?;
        }
        for stock in &self.stocks {
            line(Line::Stock(*stock))?;
        }
        if let Some(end) = &self.end {
            line(Line::End(end.clone()))?;
        }
        out.flush().map_err(Failure::file(path))
    }

    pub fn read(path: &Path) -> Result<History, Failure> {
        let file = File::open(path).map_err(Failure::file(path))?;
        let mut history: Option<History> = None;
        for (number, text) in (1..).zip(BufReader::new(file).lines()) {
            let text = text.map_err(Failure::file(path))?;
            let wrong = |source: String| Failure::History { path: path.into(), line: number, source };
            let line: Line = serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))?;
            match (line, &mut history) {
                (Line::Head(head), None) => history = Some(History::new(head)),
                (Line::Head(_), Some(_)) => return Err(wrong("a second head".into())),
                (_, None) => return Err(wrong("the first line must be the head".into())),
                (Line::Buyer { buyer, subject }, Some(history)) => {
                    if buyer as usize != history.subjects.len() {
                        return Err(wrong("buyers count up from 0".into()));
                    }
                    history.subjects.push(subject);
                }
                (Line::Exchange(exchange), Some(history)) => history.exchanges.push(exchange),
                (Line::News(news), Some(history)) => history.news.push(news),
                (Line::Counter(counter), Some(history)) => history.counters.push(counter),
                (Line::Stock(stock), Some(history)) => history.stocks.push(stock),
                (Line::End(end), Some(history)) => history.end = Some(end),
            }
        }
        history.ok_or_else(|| Failure::History {
            path: path.into(),
            line: 0,
            source: "the file is empty".into(),
        })
    }

    /// Every time a client was shown an order, in no particular order.
    pub fn sightings(&self) -> impl Iterator<Item = (u32, Uuid, Seen)> {
        let answers = self.exchanges.iter().filter_map(|exchange| match &exchange.outcome {
            Outcome::Order(seen) => Some((exchange.buyer, exchange.order, *seen)),
            Outcome::Refused(_) | Outcome::Unknown => None,
        });
        answers.chain(self.news.iter().map(|news| (news.buyer, news.order, news.seen)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_history_reads_back_as_written() {
        let seen = Seen {
            stage: Stage::Paid,
            quantity: 2,
            total_minor: 5_000,
            refunded_minor: 0,
            placed_at_ms: 1_790_000_000_000,
            version: 3,
        };
        let exchange = Exchange {
            buyer: 0,
            node: 1,
            order: Uuid::from_u128(7),
            act: Act::Place,
            via: Via::Rest,
            quantity: 2,
            willing: true,
            intended_us: 10,
            sent_us: 11,
            answered_us: 900,
            outcome: Outcome::Refused(Refusal::of("sold-out")),
        };
        let reading = Reading { epoch: 1, sequence: 4, accrued_minor: 125, reversed_minor: 0 };
        let history = History {
            head: Head {
                seed: 1,
                started_ms: 1_790_000_000_000,
                room: "room".into(),
                sale: Uuid::from_u128(1),
                pledge: Uuid::from_u128(2),
                stock: 10,
                limit_per_buyer: 2,
                demand_units: 100,
                strays_until_ms: Some(1_790_000_010_000),
            },
            subjects: vec!["buyer-0".into()],
            exchanges: vec![
                exchange.clone(),
                Exchange { outcome: Outcome::Unknown, ..exchange.clone() },
                Exchange { outcome: Outcome::Order(seen), ..exchange },
            ],
            news: vec![News { buyer: 0, order: Uuid::from_u128(7), at_us: 1_000, seen }],
            counters: vec![Counter { reading, node: 1 }],
            stocks: vec![Stock { node: 1, left: 8 }],
            end: Some(End {
                total: reading,
                trial_balance_minor: [("CNY".to_string(), 0)].into(),
                sale_sold: 2,
                sale_left: 8,
            }),
        };
        let file = tempfile::NamedTempFile::new().unwrap();
        history.write(file.path()).unwrap();
        assert_eq!(History::read(file.path()).unwrap(), history);
    }

    #[test]
    fn a_history_without_a_head_is_refused() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "{\"buyer\":{\"buyer\":0,\"subject\":\"a\"}}\n").unwrap();
        let error = History::read(file.path()).unwrap_err();
        assert!(error.to_string().contains("the first line must be the head"), "{error}");
    }
}
