//! What the nodes of one deployment tell each other about rooms.
//!
//! The contract. A room has one **order**: its critical publications get offsets 1, 2, 3, … in an epoch, on whatever node they were said, and
//! every node hears them in this order. A node says what it has in a **parcel**, one for each room and flush; the order is kept for as long as
//! the last publications of the room are, so that a node that missed some (or comes late) reads them once for all its viewers.
//!
//! Every message may be lost, and a broker may forget. It never says two things with one name: when what it had is gone, or may differ from
//! what nodes have told their viewers, the epoch changes, and positions of the one before mean nothing any more. Offsets go on from the highest
//! that the one who noticed knows of, so that a viewer who stays sees them only grow.
//!
//! `Local` is one node alone: nobody is told anything, and a room counts by itself.

use bytes::Bytes;

use crate::model::{RoomId, StreamPosition};

mod redis;

pub use redis::{Listener, MESSAGE_BYTES_MAX, RedisBroker};

/// A backend. Clones are one.
#[derive(Clone)]
pub enum Broker {
    Local,
    Redis(RedisBroker),
}

/// What one node says to a room in one message. What the bytes mean is the room layer's business.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Parcel {
    /// They get the next offsets, one each.
    pub critical: Vec<Said>,
    /// Kept for those who come later, the last ones of them.
    pub lines: Vec<Said>,
    /// Lines by name that are not kept any more.
    pub deleted_lines: Vec<String>,
    /// What is not kept.
    pub rest: Bytes,
    pub hearts: Hearts,
    /// The version of the room's record that the parcel tells of; 0 when it does not.
    pub room_version: u64,
    /// Up to where this node has told the room's order to its viewers.
    pub told: Option<StreamPosition>,
    /// The name of the publication at that offset, when it has one.
    pub told_name: String,
    /// The epoch that shall end, if it is still that one: this node has told something that has no place in it.
    pub renews: Option<u64>,
    /// The offset of `told` is no part of the epoch that ends: viewers here have seen it in another one, and must not see it again.
    pub raises: bool,
    /// Some of `critical` may have been said before: a call had no answer.
    pub again: bool,
    /// The name of the epoch, should one begin. Nobody has used it.
    pub new_epoch: u64,
}

impl Parcel {
    /// Of what other nodes get.
    pub fn size_bytes(&self) -> usize {
        let said = self.critical.iter().chain(&self.lines);
        said.map(|said| said.bytes.len()).sum::<usize>() + self.rest.len()
    }
}

/// One publication or one line, as the bytes that all nodes get.
#[derive(Clone, Debug, PartialEq)]
pub struct Said {
    /// Unique in the room.
    pub name: String,
    /// Not empty: whatever has this label is said to the room once, by the first node that says it.
    pub once: String,
    pub bytes: Bytes,
}

/// A count that only grows, on all nodes together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hearts {
    /// New on this node.
    pub more: u64,
    /// What this node knows of all, without `more`: a broker that forgot is reminded.
    pub known: u64,
}

/// Where a room's order stands, behind the message that says it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    pub epoch: u64,
    /// The epoch began behind this offset.
    pub since: u64,
    /// The newest offset.
    pub last: u64,
    pub hearts: u64,
}

/// What a node missed, or needs to begin.
#[derive(Clone, Debug, PartialEq)]
pub struct Backlog {
    pub standing: Standing,
    /// How the epoch before ended. Offsets from there to where this one began are nobody's.
    pub before: StreamPosition,
    /// The newest that a parcel told of.
    pub room_version: u64,
    /// With their offsets, in order. Of the same epoch: what came after the position that was asked for; otherwise all that is kept.
    pub critical: Vec<(u64, Bytes)>,
    /// The last lines, oldest first.
    pub lines: Vec<Bytes>,
}

#[derive(Debug)]
pub enum Heard {
    /// A parcel of a room, this node's own too: its critical publications are the last ones up to `standing.last`.
    Parcel { room: RoomId, standing: Standing, bytes: Bytes },
    /// From here on the room is heard. What was said before may have been missed.
    Attending { room: RoomId },
    /// To all nodes, by whichever.
    Announcement { bytes: Bytes },
}
