//! The viewers of one room on one shard, and the walks past all of them.
//!
//! A walk brings everybody to where the lanes stood when it began. Critical news starts one at once; when one is under way, it takes the
//! news along and goes once round from where it is: nobody waits longer than one round, and who was not passed yet gets all in one write.
//! Only a short walk for earlier news is finished first, so that each write carries all that has come together.
//! Chat and state wait until a walk is due. A quiet room is always due; after a walk the next is due when it costs no more than its
//! share of the core.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::Dialect;
use crate::room::bell::Urgency;
use crate::room::delivery::Put;
use crate::room::lanes::{Cursor, Flush};
use crate::room::{CloseCode, LiveRoom};

/// Chat and state are gathered at least this long while a room is busy: less is not seen by a person.
pub const PACE: Duration = Duration::from_millis(75);
/// A room whose walk takes longer gathers for longer: its walks for chat and state take at most a third of the core.
const PACE_SHARE_PERCENT: u32 = 33;
/// A round that takes less than this is short: two of them are still sooner than a person sees.
const SHORT: Duration = Duration::from_millis(12);
/// Cursors that a flush is kept for during a walk: those who kept up, in each dialect, and a few who missed one.
const FLUSHES_KEPT: usize = 16;
/// No viewer sits here.
const EMPTY: usize = usize::MAX;

pub struct Hall {
    pub room: Arc<LiveRoom>,
    /// Keys of viewers. Those who leave leave a gap, so that nobody changes places while a walk is under way.
    seats: Vec<usize>,
    gaps: Vec<usize>,
    walk: Option<Walk>,
    /// The first of a walk changes, so that nobody is always last.
    begin_at: usize,
    walked: Option<Walked>,
    is_short: bool,
    /// A timer is set for the next walk.
    waiting: bool,
    /// What was written since the shard last took it: publications, and how many viewers each reached.
    written: Vec<(Put, u64)>,
}

/// The last walk.
#[derive(Clone, Copy)]
struct Walked {
    head: Cursor,
    began: Instant,
    /// Of one round.
    cost: Duration,
}

struct Walk {
    head: Cursor,
    urgency: Urgency,
    /// What came too late for this one.
    again: Option<Urgency>,
    at: usize,
    /// Seats when it began: who came later has read on arrival what this walk brings.
    seats: usize,
    left: usize,
    passed: usize,
    began: Instant,
    cost: Duration,
    kept: Vec<Kept>,
}

struct Kept {
    from: Cursor,
    dialect: Dialect,
    framed: Framed,
    puts: Vec<Put>,
    /// Viewers who got it in this round.
    reached: u64,
}

/// A flush as a frame, the same bytes for everybody at the same cursor.
#[derive(Clone)]
pub struct Framed {
    pub frame: Bytes,
    pub flush: Flush,
}

/// What a ring asks the shard to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// Walk, ahead of or behind other rooms.
    Queue(Urgency),
    At(Instant),
    /// It is being taken care of.
    Already,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pass {
    GoesOn,
    /// What came too late for it, and what one round cost.
    Over {
        again: Option<Urgency>,
        cost: Duration,
    },
}

impl Hall {
    pub fn new(room: Arc<LiveRoom>) -> Self {
        Self {
            room,
            seats: Vec::new(),
            gaps: Vec::new(),
            walk: None,
            begin_at: 0,
            walked: None,
            is_short: true,
            waiting: false,
            written: Vec::new(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.seats.len() == self.gaps.len()
    }

    pub fn seat(&mut self, viewer: usize) -> usize {
        match self.gaps.pop() {
            Some(gap) => {
                self.seats[gap] = viewer;
                gap
            }
            None => {
                self.seats.push(viewer);
                self.seats.len() - 1
            }
        }
    }

    pub fn leave(&mut self, seat: usize) {
        self.seats[seat] = EMPTY;
        self.gaps.push(seat);
    }

    /// `look` is asked where the lanes stand when a walk begins or takes news along; the room then rings again.
    pub fn ring(&mut self, urgency: Urgency, look: impl FnOnce(&LiveRoom) -> Cursor, now: Instant) -> Due {
        match &mut self.walk {
            Some(walk) if urgency == Urgency::Soon || walk.urgency == Urgency::Now && self.is_short => {
                walk.again = walk.again.max(Some(urgency));
                Due::Already
            }
            Some(walk) => {
                let was = std::mem::replace(&mut walk.urgency, urgency);
                walk.head = look(&self.room);
                walk.again = None;
                (walk.seats, walk.left) = (self.seats.len(), self.seats.len());
                self.written.extend(walk.kept.drain(..).flat_map(Kept::written));
                if was == urgency { Due::Already } else { Due::Queue(urgency) }
            }
            None => match self.due_at() {
                Some(due) if urgency == Urgency::Soon && now < due => {
                    if std::mem::replace(&mut self.waiting, true) { Due::Already } else { Due::At(due) }
                }
                _ => {
                    let head = look(&self.room);
                    // A timer may ring for what news has taken along.
                    if self.walked.is_some_and(|walked| walked.head == head) {
                        return Due::Already;
                    }
                    self.begin(urgency, head, now);
                    Due::Queue(urgency)
                }
            },
        }
    }

    /// The viewers of the next seats that the walk has to pass, at most `count`.
    pub fn pass(&mut self, count: usize) -> Vec<usize> {
        let mut passed = Vec::new();
        if let Some(walk) = &mut self.walk {
            let count = count.min(walk.left);
            walk.left -= count;
            walk.passed += count;
            passed.reserve(count);
            for _ in 0..count {
                if walk.at >= walk.seats {
                    walk.at = 0;
                }
                let viewer = self.seats[walk.at];
                walk.at += 1;
                if viewer != EMPTY {
                    passed.push(viewer);
                }
            }
        }
        passed
    }

    /// What brings a viewer from its cursor to the head of the walk; put together once for all who stand there.
    pub fn framed(
        &mut self,
        from: Cursor,
        dialect: Dialect,
        frame: impl FnOnce(&[u8]) -> Bytes,
    ) -> Result<Option<Framed>, CloseCode> {
        let Some(walk) = &mut self.walk else { return Ok(None) };
        let kept = walk.kept.iter_mut().find(|kept| kept.from == from && kept.dialect == dialect);
        if let Some(kept) = kept {
            kept.reached += 1;
            return Ok(Some(kept.framed.clone()));
        }
        let flush = self.room.flush(from, walk.head, dialect.format).map_err(|_| CloseCode::TooSlow)?;
        let Some(mut flush) = flush else { return Ok(None) };
        // Not with the flush, which is handed to each viewer.
        let puts = std::mem::take(&mut flush.puts);
        let framed = Framed { frame: frame(&flush.bytes), flush };
        if walk.kept.len() < FLUSHES_KEPT {
            walk.kept.push(Kept { from, dialect, framed: framed.clone(), puts, reached: 1 });
        }
        Ok(Some(framed))
    }

    /// To be told what each part of a walk cost. When it is over: what is due next.
    pub fn passed(&mut self, cost: Duration) -> Pass {
        let Some(walk) = &mut self.walk else { return Pass::Over { again: None, cost } };
        walk.cost += cost;
        if walk.left > 0 {
            return Pass::GoesOn;
        }
        // More than a round when news came in the middle.
        let rounds = walk.passed as f64 / walk.seats.max(1) as f64;
        let (again, cost) = (walk.again, walk.cost.div_f64(rounds.max(1.0)));
        self.is_short = cost < SHORT;
        self.walked = Some(Walked { head: walk.head, began: walk.began, cost });
        // Steps of the golden section: places far apart take turns.
        self.begin_at = (self.begin_at + self.seats.len() * 618 / 1_000 + 1) % self.seats.len().max(1);
        self.written.extend(walk.kept.drain(..).flat_map(Kept::written));
        self.walk = None;
        Pass::Over { again, cost }
    }

    /// To be asked after a walk. Viewers who stood where few others did are not counted: what they got was not kept.
    pub fn written(&mut self) -> impl Iterator<Item = (Put, u64)> {
        self.written.drain(..)
    }

    /// The timer that `Due::At` asked for has rung.
    pub fn waited(&mut self) {
        self.waiting = false;
    }

    pub fn urgency(&self) -> Option<Urgency> {
        self.walk.as_ref().map(|walk| walk.urgency)
    }

    fn begin(&mut self, urgency: Urgency, head: Cursor, now: Instant) {
        self.waiting = false;
        self.walk = Some(Walk {
            head,
            urgency,
            again: None,
            at: self.begin_at,
            seats: self.seats.len(),
            left: self.seats.len(),
            passed: 0,
            began: now,
            cost: Duration::ZERO,
            kept: Vec::new(),
        });
    }

    /// For chat and state.
    fn due_at(&self) -> Option<Instant> {
        let Walked { began, cost, .. } = self.walked?;
        Some(began + PACE.max(cost * 100 / PACE_SHARE_PERCENT))
    }
}

impl Kept {
    fn written(self) -> impl Iterator<Item = (Put, u64)> {
        let reached = self.reached;
        self.puts.into_iter().map(move |put| (put, reached))
    }
}

#[cfg(test)]
mod tests;
