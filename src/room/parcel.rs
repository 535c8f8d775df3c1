//! What this node has to say about a room to the other nodes, gathered until the call before is answered; and what a node said.

use std::collections::VecDeque;

use apricot_proto::cluster;
use apricot_proto::v1::{self, publication::Body};
use prost::Message;

use super::amendment::Closes;
use crate::model::room::{ChatLine, Sanction};
use crate::model::{SaleId, Subject, Timestamp};
use crate::store::broker;

mod message;

/// Publications that wait while Redis does not answer: a flash sale makes 10 a second. Older ones are told on this node alone.
pub const CRITICAL_WAITING_MAX: usize = 512;
/// Lines that wait: what a person reads in ten seconds. Later ones stay on this node.
pub const LINES_WAITING_MAX: usize = 256;
/// News of orders that waits: a second of a rush. Later ones stay on this node; the buyer's client asks again after a while.
pub const PERSONAL_WAITING_MAX: usize = 16_384;
/// Sanctions and versions that wait. Later ones are found in the record.
pub const FACTS_WAITING_MAX: usize = 256;
/// In one parcel, about 150 KiB with news of 300 B each: other rooms share the connection.
const PERSONAL_IN_PARCEL: usize = 512;
const CRITICAL_IN_PARCEL: usize = 64;

/// A process of Apricot: a random number, new with every start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(pub u64);

impl NodeId {
    /// Who said what cannot be read.
    pub const NOBODY: Self = Self(0);
}

/// A publication with or before its place in the room's order.
#[derive(Clone, Debug, PartialEq)]
pub struct Critical {
    pub node: NodeId,
    /// Counts what the node has said to the room.
    pub number: u64,
    pub at: Timestamp,
    /// `None`: of a kind that only a newer version knows.
    pub body: Option<Body>,
    /// To be known before it is told.
    pub fact: Fact,
    /// To be done after it is told.
    pub closes: Option<Closes>,
    /// Not empty: every node may say it, and the first one does.
    pub once: String,
    /// A call with it had no answer.
    pub tried: bool,
}

/// What has changed about a room. The record has it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fact {
    /// 0: nothing is said of it.
    pub room_version: u64,
    pub sale: Option<(SaleId, u64)>,
    /// `None` inside lifts it.
    pub sanction: Option<(Subject, Option<Sanction>)>,
    pub deleted_line: Option<String>,
}

/// News of an order, for its buyer alone.
#[derive(Clone, Debug, PartialEq)]
pub struct Personal {
    pub buyer: Subject,
    pub at: Timestamp,
    pub order: v1::Order,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    pub line: ChatLine,
    /// Of a host or a moderator: never sampled.
    pub always: bool,
}

/// What waits to be said, or was taken to be said.
#[derive(Debug, Default)]
pub struct Outgoing {
    pub critical: VecDeque<Critical>,
    pub lines: Vec<Line>,
    pub lines_passed: u32,
    pub personal: VecDeque<Personal>,
    pub facts: Vec<Fact>,
    pub hearts: u64,
    /// Something else is to be said: viewers, or that an epoch ends.
    pub anything: bool,
}

/// What a node said.
#[derive(Debug, PartialEq)]
pub struct Heard {
    pub node: NodeId,
    pub viewers: u32,
    pub lines_passed: u32,
    pub critical: Vec<Critical>,
    pub lines: Vec<Line>,
    pub personal: Vec<Personal>,
    pub facts: Vec<Fact>,
}

/// Of a publication, unique in its room.
pub fn name(node: NodeId, number: u64) -> String {
    format!("{:x}-{number}", node.0)
}

impl Outgoing {
    pub fn is_empty(&self) -> bool {
        self.critical.is_empty()
            && self.lines.is_empty()
            && self.personal.is_empty()
            && self.facts.is_empty()
            && self.lines_passed == 0
            && !self.anything
    }

    /// As much as one parcel takes; the rest stays.
    pub fn take(&mut self) -> Self {
        let critical = self.critical.drain(..self.critical.len().min(CRITICAL_IN_PARCEL)).collect();
        let personal = self.personal.drain(..self.personal.len().min(PERSONAL_IN_PARCEL)).collect();
        Self {
            critical,
            lines: std::mem::take(&mut self.lines),
            lines_passed: std::mem::take(&mut self.lines_passed),
            personal,
            facts: std::mem::take(&mut self.facts),
            hearts: std::mem::take(&mut self.hearts),
            anything: std::mem::take(&mut self.anything),
        }
    }

    pub fn encode(&self, node: NodeId, viewers: u32) -> broker::Parcel {
        let rest = cluster::Parcel {
            node: node.0,
            viewers,
            lines_passed: self.lines_passed,
            personal: self.personal.iter().map(message::personal).collect(),
            facts: self.facts.iter().map(message::fact).collect(),
            ..Default::default()
        };
        let facts = || self.facts.iter().chain(self.critical.iter().map(|critical| &critical.fact));
        broker::Parcel {
            critical: self.critical.iter().map(message::critical).collect(),
            lines: self.lines.iter().map(message::line).collect(),
            deleted_lines: facts().filter_map(|fact| fact.deleted_line.clone()).collect(),
            rest: rest.encode_to_vec().into(),
            room_version: facts().map(|fact| fact.room_version).max().unwrap_or(0),
            again: self.critical.iter().any(|critical| critical.tried),
            ..Default::default()
        }
    }
}

impl Heard {
    /// `None`: no node says that.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        message::read(cluster::Parcel::decode(bytes).ok()?)
    }
}

impl Critical {
    /// Holds the place of what only a newer version can read.
    pub fn unreadable(offset: u64) -> Self {
        Self {
            node: NodeId::NOBODY,
            number: offset,
            at: Timestamp::ZERO,
            body: None,
            fact: Fact::default(),
            closes: None,
            once: String::new(),
            tried: false,
        }
    }
}

impl Fact {
    pub fn message(&self) -> cluster::Fact {
        message::fact(self)
    }

    /// `None`: no node says that.
    pub fn read(message: cluster::Fact) -> Option<Self> {
        message::read_fact(message)
    }

    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

#[cfg(test)]
mod tests;
