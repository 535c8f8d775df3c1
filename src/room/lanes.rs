//! The three lanes of a room and where a viewer stands on them: a ring for a room, a cursor for a viewer.
//!
//! Publications become readable at a flush. Viewers who keep up therefore stand at the same cursor, and what they read next is put
//! together once. Publishing never waits: a viewer who reads late finds chat skipped, or learns that the critical lane went past it.

use std::time::Duration;

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

/// Chat is gathered at most this long, and only when the last flush was less than this ago.
pub const CHAT_PACE: Duration = Duration::from_millis(50);

/// Cursors that a flush is kept for: those who kept up, and a few who missed one. The rest is put together for each.
const FLUSHES_KEPT: usize = 8;

/// The next sequence that a viewer reads on each lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    pub critical: u64,
    pub state: u64,
    pub chat: u64,
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

/// What became of a chat line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Published {
    /// Its sequence; `None` when it was sampled away.
    pub shown_as: Option<u64>,
    /// False: at the next `reveal_chat`.
    pub readable_now: bool,
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
    /// Up to here viewers may read.
    flushed: Cursor,
    chat_flushed_at: Timestamp,
    kept: Vec<(Cursor, Format, Flush)>,
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
            flushed: Cursor { critical: 1, state: 1, chat: 1 },
            chat_flushed_at: Timestamp::ZERO,
            kept: Vec::new(),
        }
    }

    /// The newest critical publication.
    pub fn position(&self) -> StreamPosition {
        StreamPosition { epoch: self.epoch, offset: self.critical.next() - 1 }
    }

    /// Readable at once, together with all that waits.
    pub fn publish_critical(&mut self, body: Body, now: Timestamp) -> u64 {
        let offset = self.critical.next();
        self.critical.push(Encoded::new(v1::Lane::Critical, offset, now, body));
        self.reveal(now);
        offset
    }

    /// Takes the place of the state before it. Readable at once: the caller paces it.
    pub fn publish_state(&mut self, state: v1::LiveState, now: Timestamp) {
        self.state = Some(Encoded::new(v1::Lane::State, 0, now, Body::State(state)));
        self.state_next += 1;
        self.reveal(now);
    }

    /// Unique in this room: the epoch is new with every process, and each line takes a sequence.
    pub fn next_line_id(&self) -> String {
        format!("{:x}-{}", self.epoch, self.chat.next())
    }

    /// `always` is for hosts and moderators: their lines are not sampled. A line that cannot be read now is shown by `reveal_chat`,
    /// which must follow within `CHAT_PACE`.
    pub fn publish_chat(&mut self, line: v1::ChatLine, always: bool, now: Timestamp) -> Published {
        let readable = self.readable.admit(self.readable_rate, now).is_ok();
        if !readable && !always {
            self.chat.pass();
            return Published { shown_as: None, readable_now: false };
        }
        let sequence = self.chat.push(Encoded::new(v1::Lane::Chat, 0, now, Body::Chat(line)));
        let quiet = self.chat_flushed_at + CHAT_PACE <= now;
        if quiet {
            self.reveal(now);
        }
        Published { shown_as: Some(sequence), readable_now: quiet }
    }

    /// True when lines were waiting.
    pub fn reveal_chat(&mut self, now: Timestamp) -> bool {
        let waiting = self.flushed.chat < self.chat.next();
        if waiting {
            self.reveal(now);
        }
        waiting
    }

    /// A deleted line does not reach those who have not read it.
    pub fn take_back_line(&mut self, sequence: u64) {
        self.chat.remove(sequence);
        self.kept.clear();
    }

    /// Where a viewer starts that has just been given a snapshot.
    pub fn recover(&self, position: Option<StreamPosition>) -> (Cursor, Recovery) {
        let Some(position) = position else { return (self.flushed, Recovery::Fresh) };
        let known = position.epoch == self.epoch && position.offset < self.critical.next();
        let next = position.offset.saturating_add(1);
        if known && self.critical.first() <= next {
            return (Cursor { critical: next, ..self.flushed }, Recovery::Recovered);
        }
        (self.flushed, Recovery::Lost)
    }

    /// Where viewers stand who keep up. It moves with every change that they can see.
    pub fn flushed(&self) -> Cursor {
        self.flushed
    }

    pub fn fell_behind(&self, cursor: Cursor) -> bool {
        cursor.critical < self.critical.first()
    }

    /// `None`: nothing new.
    pub fn flush(&mut self, cursor: Cursor, format: Format) -> Result<Option<Flush>, FellBehind> {
        if self.fell_behind(cursor) {
            return Err(FellBehind);
        }
        if cursor == self.flushed {
            return Ok(None);
        }
        let kept = self.kept.iter().find(|(at, of, _)| *at == cursor && *of == format);
        if let Some((_, _, flush)) = kept {
            return Ok(Some(flush.clone()));
        }
        let flush = self.assemble(cursor, format);
        if self.kept.len() < FLUSHES_KEPT {
            self.kept.push((cursor, format, flush.clone()));
        }
        Ok(Some(flush))
    }

    fn assemble(&self, cursor: Cursor, format: Format) -> Flush {
        let mut bytes = BytesMut::new();
        let mut flush =
            Flush { bytes: Bytes::new(), cursor: self.flushed, critical: 0, state: 0, chat: 0, skipped: 0 };
        for encoded in self.critical.read(cursor.critical, self.flushed.critical) {
            bytes.extend_from_slice(encoded.bytes(format));
            flush.critical += 1;
        }
        if let Some(encoded) = self.state.as_ref().filter(|_| cursor.state < self.flushed.state) {
            bytes.extend_from_slice(encoded.bytes(format));
            flush.state = 1;
        }
        let mut lines = BytesMut::new();
        for encoded in self.chat.read(cursor.chat, self.flushed.chat) {
            lines.extend_from_slice(encoded.bytes(format));
            flush.chat += 1;
        }
        flush.skipped = self.flushed.chat - cursor.chat - flush.chat;
        if flush.skipped > 0 {
            bytes.extend_from_slice(&skipped(format, flush.skipped));
        }
        bytes.unsplit(lines);
        flush.bytes = bytes.freeze();
        flush
    }

    fn reveal(&mut self, now: Timestamp) {
        if self.flushed.chat < self.chat.next() {
            self.chat_flushed_at = now;
        }
        self.flushed =
            Cursor { critical: self.critical.next(), state: self.state_next, chat: self.chat.next() };
        self.kept.clear();
    }
}

#[cfg(test)]
mod tests;
