//! The three lanes of a room and where a viewer stands on them: a ring for a room, a cursor for a viewer.
//!
//! Viewers who keep up stand at the same cursor, and what they read next is put together once for all of them. Publishing never waits: a
//! viewer who reads late finds chat skipped, or learns that the critical lane went past it.
//!
//! A cursor counts what this node told; an offset counts what the room was told, on whatever node. One node alone counts both by itself.
//! Among many nodes offsets are given (`publish_at`), and the two part where this node told something that has no place in the order that
//! all share, or did not tell what has.

use std::time::Instant;

use apricot_proto::v1::{self, publication::Body};
use bytes::{Bytes, BytesMut};

use super::delivery::Put;
use super::limits::{Meter, Rate};
use super::publication::{Encoded, Format, skipped};
use super::ring::{Ring, RingBound};
use crate::clock;
use crate::model::{StreamPosition, Timestamp};

/// A flash sale makes about 10 critical publications a second at its start, 1.5 KiB each in both formats: a viewer may be away for
/// 50 s and recover, and 768 KiB is what a busy room keeps for it.
pub const CRITICAL_RING: RingBound = RingBound { count: 512, bytes: 768 * 1024 };

/// Six seconds at the readable rate, 0.5 KiB a line in both formats. Slower viewers skip chat.
pub const CHAT_RING: RingBound = RingBound { count: 128, bytes: 64 * 1024 };

/// The next sequence that a viewer reads on each lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    pub critical: u64,
    pub state: u64,
    pub chat: u64,
}

impl Cursor {
    /// A viewer may already be past an earlier head.
    fn at_least(self, other: Self) -> Self {
        Self {
            critical: self.critical.max(other.critical),
            state: self.state.max(other.state),
            chat: self.chat.max(other.chat),
        }
    }
}

/// Whether a client that said its position gets all that it missed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recovery {
    /// No position given.
    Fresh,
    /// What was missed follows, exactly once, in order.
    Recovered,
    /// It is gone; the snapshot has to do.
    Lost,
}

/// All that a viewer at one cursor has not read, as one payload.
#[derive(Clone, Debug)]
pub struct Flush {
    pub bytes: Bytes,
    pub cursor: Cursor,
    pub critical: u64,
    pub state: u64,
    pub chat: u64,
    /// Chat lines that the viewer does not get.
    pub skipped: u64,
    /// When each of them was put into its lane.
    pub puts: Vec<Put>,
}

/// The critical lane went past this viewer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FellBehind;

#[derive(Debug)]
pub struct Lanes {
    epoch: u64,
    /// The newest of the epoch that was told.
    offset: u64,
    /// From this sequence of the critical lane on, the epoch's offsets were told without a break. A position before it is lost.
    unbroken_from: u64,
    /// Makes the ids of lines unique in the room: no other process has it.
    line_prefix: u64,
    critical: Ring,
    chat: Ring,
    state: Option<(Encoded, Instant)>,
    state_next: u64,
    /// Above this rate lines are sampled. Hosts and moderators are always shown.
    readable_rate: Rate,
    readable: Meter,
}

impl Lanes {
    /// `epoch` is a number that no earlier process had for this room.
    pub fn new(epoch: u64, readable_rate: Rate) -> Self {
        Self::bounded(epoch, readable_rate, CRITICAL_RING, CHAT_RING)
    }

    fn bounded(epoch: u64, readable_rate: Rate, critical: RingBound, chat: RingBound) -> Self {
        Self {
            epoch,
            offset: 0,
            unbroken_from: 1,
            line_prefix: epoch,
            critical: Ring::new(critical),
            chat: Ring::new(chat),
            state: None,
            state_next: 1,
            readable_rate,
            readable: Meter::default(),
        }
    }

    /// The newest critical publication of the epoch.
    pub fn position(&self) -> StreamPosition {
        StreamPosition { epoch: self.epoch, offset: self.offset }
    }

    /// On a node alone: the next in the order.
    pub fn publish_critical(&mut self, body: Body, now: Timestamp) -> u64 {
        self.offset += 1;
        self.critical.push(Encoded::new(v1::Lane::Critical, self.offset, now, body));
        self.offset
    }

    /// The next in the order of the room is not told here, or was told before it had its place: positions from before it are lost.
    pub fn skip_to(&mut self, offset: u64) {
        self.offset = offset;
        self.unbroken_from = self.critical.next();
    }

    /// Outside of the order. A client cannot say whether it has seen this, so that positions from before it are lost.
    pub fn publish_beside(&mut self, body: Body, now: Timestamp) {
        self.critical.push(Encoded::new(v1::Lane::Critical, 0, now, body));
        self.unbroken_from = self.critical.next() + 1;
    }

    /// A new epoch of the room: all positions of the one before are lost.
    pub fn begin(&mut self, position: StreamPosition) {
        self.epoch = position.epoch;
        self.skip_to(position.offset);
    }

    /// What was said to the room and not told here cannot be had: all who are inside have fallen behind.
    pub fn lose(&mut self) {
        self.critical.lose();
        self.unbroken_from = self.critical.next() + 1;
    }

    /// Takes the place of the state before it.
    pub fn publish_state(&mut self, state: v1::LiveState, now: Timestamp) {
        self.state = Some((Encoded::new(v1::Lane::State, 0, now, Body::State(state)), clock::instant()));
        self.state_next += 1;
    }

    /// Unique in this room: the prefix is new with every process, and each line takes a sequence.
    pub fn next_line_id(&self) -> String {
        format!("{:x}-{}", self.line_prefix, self.chat.next())
    }

    /// The line's sequence; `None` when it was sampled away. `always` is for hosts and moderators, whose lines are not.
    pub fn publish_chat(&mut self, line: v1::ChatLine, always: bool, now: Timestamp) -> Option<u64> {
        let readable = self.readable.admit(self.readable_rate, now).is_ok();
        if !readable && !always {
            self.chat.pass();
            return None;
        }
        Some(self.chat.push(Encoded::new(v1::Lane::Chat, 0, now, Body::Chat(line))))
    }

    /// Lines that other nodes sampled away: viewers count them as skipped.
    pub fn pass_lines(&mut self, count: u32) {
        for _ in 0..count {
            self.chat.pass();
        }
    }

    /// A deleted line does not reach those who have not read it.
    pub fn take_back_line(&mut self, sequence: u64) {
        self.chat.remove(sequence);
    }

    /// Where a viewer starts that has just been given a snapshot.
    pub fn recover(&self, position: Option<StreamPosition>) -> (Cursor, Recovery) {
        match position {
            None => (self.head(), Recovery::Fresh),
            Some(position) => match self.missed_since(position) {
                Some(count) => {
                    let critical = self.critical.next() - count;
                    (Cursor { critical, ..self.head() }, Recovery::Recovered)
                }
                None => (self.head(), Recovery::Lost),
            },
        }
    }

    /// How many critical publications came after it, when all of them are here.
    fn missed_since(&self, position: StreamPosition) -> Option<u64> {
        let missed = self.offset.checked_sub(position.offset)?;
        let here = self.critical.next().checked_sub(self.unbroken_from.max(self.critical.first()))?;
        (position.epoch == self.epoch && missed <= here).then_some(missed)
    }

    /// Where viewers stand who have read everything.
    pub fn head(&self) -> Cursor {
        Cursor { critical: self.critical.next(), state: self.state_next, chat: self.chat.next() }
    }

    pub fn fell_behind(&self, cursor: Cursor) -> bool {
        cursor.critical < self.critical.first()
    }

    /// What lies between a viewer's cursor and `head`, an earlier or the present one. `None`: nothing.
    pub fn flush(&self, cursor: Cursor, head: Cursor, format: Format) -> Result<Option<Flush>, FellBehind> {
        if self.fell_behind(cursor) {
            return Err(FellBehind);
        }
        let head = head.at_least(cursor);
        if cursor == head {
            return Ok(None);
        }
        let mut bytes = BytesMut::new();
        let mut flush = Flush {
            bytes: Bytes::new(),
            cursor: head,
            critical: 0,
            state: 0,
            chat: 0,
            skipped: 0,
            puts: Vec::new(),
        };
        for (encoded, at) in self.critical.read(cursor.critical, head.critical) {
            bytes.extend_from_slice(encoded.bytes(format));
            flush.puts.push(Put { lane: v1::Lane::Critical, at });
            flush.critical += 1;
        }
        if let Some((encoded, at)) = self.state.as_ref().filter(|_| cursor.state < head.state) {
            bytes.extend_from_slice(encoded.bytes(format));
            flush.puts.push(Put { lane: v1::Lane::State, at: *at });
            flush.state = 1;
            // Only the newest is kept, and it may be newer than `head` asks for.
            flush.cursor.state = self.state_next;
        }
        let mut lines = BytesMut::new();
        for (encoded, at) in self.chat.read(cursor.chat, head.chat) {
            lines.extend_from_slice(encoded.bytes(format));
            flush.puts.push(Put { lane: v1::Lane::Chat, at });
            flush.chat += 1;
        }
        flush.skipped = head.chat - cursor.chat - flush.chat;
        if flush.skipped > 0 {
            bytes.extend_from_slice(&skipped(format, flush.skipped));
        }
        bytes.unsplit(lines);
        flush.bytes = bytes.freeze();
        Ok(Some(flush))
    }
}

#[cfg(test)]
mod tests;
