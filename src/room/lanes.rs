//! The three lanes of a room and where a viewer stands on them: a ring for a room, a cursor for a viewer.
//!
//! Viewers who keep up stand at the same cursor, and what they read next is put together once for all of them. Publishing never waits: a
//! viewer who reads late finds chat skipped, or learns that the critical lane went past it.

use apricot_proto::v1::{self, publication::Body};
use bytes::{Bytes, BytesMut};

use super::limits::{Meter, Rate};
use super::publication::{Encoded, Format, skipped};
use super::ring::{Ring, RingBound};
use crate::model::Timestamp;

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

/// Where a client stands on the critical lane: the last offset it has seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamPosition {
    pub epoch: u64,
    pub offset: u64,
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
}

/// The critical lane went past this viewer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FellBehind;

#[derive(Debug)]
pub struct Lanes {
    epoch: u64,
    critical: Ring,
    chat: Ring,
    state: Option<Encoded>,
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
            critical: Ring::new(critical),
            chat: Ring::new(chat),
            state: None,
            state_next: 1,
            readable_rate,
            readable: Meter::default(),
        }
    }

    /// The newest critical publication.
    pub fn position(&self) -> StreamPosition {
        StreamPosition { epoch: self.epoch, offset: self.critical.next() - 1 }
    }

    pub fn publish_critical(&mut self, body: Body, now: Timestamp) -> u64 {
        let offset = self.critical.next();
        self.critical.push(Encoded::new(v1::Lane::Critical, offset, now, body))
    }

    /// Takes the place of the state before it.
    pub fn publish_state(&mut self, state: v1::LiveState, now: Timestamp) {
        self.state = Some(Encoded::new(v1::Lane::State, 0, now, Body::State(state)));
        self.state_next += 1;
    }

    /// Unique in this room: the epoch is new with every process, and each line takes a sequence.
    pub fn next_line_id(&self) -> String {
        format!("{:x}-{}", self.epoch, self.chat.next())
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

    /// A deleted line does not reach those who have not read it.
    pub fn take_back_line(&mut self, sequence: u64) {
        self.chat.remove(sequence);
    }

    /// Where a viewer starts that has just been given a snapshot.
    pub fn recover(&self, position: Option<StreamPosition>) -> (Cursor, Recovery) {
        let Some(position) = position else { return (self.head(), Recovery::Fresh) };
        let known = position.epoch == self.epoch && position.offset < self.critical.next();
        let next = position.offset.saturating_add(1);
        if known && self.critical.first() <= next {
            return (Cursor { critical: next, ..self.head() }, Recovery::Recovered);
        }
        (self.head(), Recovery::Lost)
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
        let mut flush =
            Flush { bytes: Bytes::new(), cursor: head, critical: 0, state: 0, chat: 0, skipped: 0 };
        for encoded in self.critical.read(cursor.critical, head.critical) {
            bytes.extend_from_slice(encoded.bytes(format));
            flush.critical += 1;
        }
        if let Some(encoded) = self.state.as_ref().filter(|_| cursor.state < head.state) {
            bytes.extend_from_slice(encoded.bytes(format));
            flush.state = 1;
            // Only the newest is kept, and it may be newer than `head` asks for.
            flush.cursor.state = self.state_next;
        }
        let mut lines = BytesMut::new();
        for encoded in self.chat.read(cursor.chat, head.chat) {
            lines.extend_from_slice(encoded.bytes(format));
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
