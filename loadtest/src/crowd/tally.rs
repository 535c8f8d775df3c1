//! What all viewers heard: counted always, timed in an open loop.

use std::collections::BTreeMap;

use apricot_proto::v1::{self, Lane};
use prost::Message as _;

use super::{
    dialect::{Heard, Speech},
    lowest::Lowest,
};
use crate::{
    contract::peek::{self, NotProtobuf, body},
    latency::Latency,
};

/// The last publication that a viewer has read on the critical lane.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Position {
    pub epoch: u64,
    pub offset: u64,
}

/// What an offset says about those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    Next,
    Missed(u64),
    Repeated,
}

impl Position {
    pub fn follow(&mut self, offset: u64) -> Step {
        let step = match offset.checked_sub(self.offset) {
            Some(1) => Step::Next,
            Some(0) | None => return Step::Repeated,
            Some(ahead) => Step::Missed(ahead - 1),
        };
        self.offset = offset;
        step
    }
}

/// What is timed: lines meant to be sent in this span, in microseconds of the crowd.
#[derive(Debug, Clone, Copy, Default)]
pub struct Span {
    pub from_us: u64,
    pub until_us: u64,
}

#[derive(Default)]
pub struct Tally {
    pub frames: u64,
    pub bytes: u64,
    pub publications: u64,
    pub state: u64,
    pub critical: LaneTally,
    pub chat: LaneTally,
    /// Nothing is timed without it: in a closed loop there is no time for that.
    pub timed: Option<Span>,
    pub lowest: Option<Lowest>,
    /// Critical publications that were jumped over, and that came again.
    pub missed: u64,
    pub repeated: u64,
    /// Lines that the server says it did not send.
    pub skipped: u64,
    /// Joins that were told all they had missed, and that were told it is gone.
    pub recovered: u64,
    pub forgotten: u64,
    /// Size of the last critical publication, encoded.
    pub critical_bytes: usize,
    pub refused: BTreeMap<String, u64>,
    /// The lines and notices that were refused, by the id they were sent under.
    pub refused_ids: Vec<u32>,
    /// Sockets on which the server agreed to compress.
    pub deflating: u64,
    pub compressed_frames: u64,
}

/// Latency of every delivery, and when each publication reached the last viewer.
#[derive(Default)]
pub struct LaneTally {
    pub latency: Latency,
    /// Of those deliveries, the ones by another node than the speakers'.
    pub across: Latency,
    /// By the number of the publication: intended and last read.
    pub reached: Vec<(u64, u64)>,
}

/// Who reads, and when.
#[derive(Debug, Clone, Copy)]
pub struct Reader {
    pub now_us: u64,
    /// Its node is not the speakers'.
    pub across: bool,
}

/// What a publication means to the socket that read it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum News {
    None,
    /// The snapshot: where the viewer stands now.
    Joined(Position),
}

impl Tally {
    #[inline]
    pub fn take(
        &mut self,
        heard: Heard<'_>,
        position: &mut Position,
        reader: Reader,
    ) -> Result<News, NotProtobuf> {
        self.publications += 1;
        if heard.lane == Lane::Critical as i32 {
            self.critical_bytes = heard.bytes.len();
            match position.follow(heard.offset) {
                Step::Next => {}
                Step::Missed(count) => self.missed += count,
                Step::Repeated => self.repeated += 1,
            }
            if self.timed.is_none() {
                return Ok(News::None);
            }
        }
        self.look(heard, position, reader)
    }

    fn look(&mut self, heard: Heard<'_>, position: &Position, reader: Reader) -> Result<News, NotProtobuf> {
        let peek = heard.peek()?;
        match peek.body {
            body::NOTICE => self.time(Speech::Notice, heard, &peek, reader),
            body::CHAT => self.time(Speech::Line, heard, &peek, reader),
            body::STATE => self.state += 1,
            body::SKIPPED => self.skipped += peek::integer(peek.bytes, 1),
            body::REPLY => self.answered(peek.bytes)?,
            body::JOINED => return Ok(News::Joined(self.joined(peek.bytes, position)?)),
            _ => {}
        }
        Ok(News::None)
    }

    fn time(&mut self, speech: Speech, heard: Heard<'_>, peek: &peek::Peek<'_>, reader: Reader) {
        let Reader { now_us, across } = reader;
        let Some(span) = self.timed else { return };
        let Some(stamp) = heard.stamp(peek) else { return };
        if !(span.from_us..span.until_us).contains(&stamp.intended_us) {
            return;
        }
        let lane = match speech {
            Speech::Notice => &mut self.critical,
            Speech::Line => &mut self.chat,
        };
        lane.latency.record_us(now_us.saturating_sub(stamp.intended_us));
        if across {
            lane.across.record_us(now_us.saturating_sub(stamp.intended_us));
        }
        let number = stamp.number as usize;
        if number >= lane.reached.len() {
            lane.reached.resize(number + 1, (0, 0));
        }
        lane.reached[number] = (stamp.intended_us, now_us);
    }

    fn answered(&mut self, reply: &[u8]) -> Result<(), NotProtobuf> {
        let reply = v1::Reply::decode(reply).map_err(|_| NotProtobuf)?;
        if let Some(v1::reply::Outcome::Problem(problem)) = reply.outcome {
            *self.refused.entry(problem.r#type).or_default() += 1;
            self.refused_ids.push(reply.id);
        }
        Ok(())
    }

    fn joined(&mut self, joined: &[u8], before: &Position) -> Result<Position, NotProtobuf> {
        let stands = peek::text(joined, 1).ok_or(NotProtobuf)?;
        let now = Position { epoch: peek::integer(stands, 1), offset: peek::integer(stands, 2) };
        if peek::integer(joined, 2) == 1 {
            self.recovered += 1;
        } else if before.epoch != 0 {
            self.forgotten += 1;
            self.missed += now.offset.saturating_sub(before.offset);
        }
        Ok(now)
    }
}

impl LaneTally {
    /// From the intended sending until the last viewer had it.
    pub fn to_the_last(&self) -> Latency {
        let mut latency = Latency::default();
        let reached = self.reached.iter().filter(|(_, last)| *last > 0);
        reached.for_each(|(intended, last)| latency.record_us(last.saturating_sub(*intended)));
        latency
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_follow_one_another() {
        let mut position = Position { epoch: 1, offset: 4 };
        assert_eq!(position.follow(5), Step::Next);
        assert_eq!(position.follow(9), Step::Missed(3));
        assert_eq!(position.follow(9), Step::Repeated);
        assert_eq!(position.follow(2), Step::Repeated);
        assert_eq!((position.follow(10), position.offset), (Step::Next, 10));
    }

    #[test]
    fn a_snapshot_says_where_a_viewer_stands_and_what_is_gone() {
        let joined = |offset, recovered| {
            v1::Joined {
                position: Some(v1::StreamPosition { epoch: 3, offset }),
                recovered,
                ..Default::default()
            }
            .encode_to_vec()
        };
        let mut tally = Tally::default();
        let fresh = tally.joined(&joined(8, false), &Position::default());
        assert_eq!(fresh, Ok(Position { epoch: 3, offset: 8 }));
        let back = tally.joined(&joined(8, true), &Position { epoch: 3, offset: 8 });
        assert_eq!(back, Ok(Position { epoch: 3, offset: 8 }));
        assert_eq!((tally.recovered, tally.forgotten, tally.missed), (1, 0, 0));
        let gone = tally.joined(&joined(20, false), &Position { epoch: 3, offset: 8 });
        assert_eq!(gone, Ok(Position { epoch: 3, offset: 20 }));
        assert_eq!((tally.recovered, tally.forgotten, tally.missed), (1, 1, 12));
    }
}
