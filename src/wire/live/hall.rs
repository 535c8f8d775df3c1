//! The viewers of one room on one shard, and the walks past all of them.
//!
//! A walk brings everybody to where the lanes stood when it began. Critical news starts one at once: a walk for chat that is under way
//! turns into one for the news and goes round once more from where it is, and one for earlier news is finished first, so that each
//! write carries all that has come together. Chat and state wait until a walk is due. A quiet room is always due; after a walk the next is
//! due when it costs no more than its share of the core.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::Dialect;
use crate::room::bell::Urgency;
use crate::room::lanes::{Cursor, Flush};
use crate::room::{CloseCode, LiveRoom};

/// Chat and state are gathered at least this long while a room is busy: less is not seen by a person.
pub const PACE: Duration = Duration::from_millis(50);
/// A room whose walk takes longer gathers for longer: walks for chat and state take at most this part of the core.
const PACE_SHARE_PERCENT: u32 = 40;
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
    /// When the last walk began, and what it cost.
    walked: Option<(Instant, Duration)>,
    /// A timer is set for the next walk.
    waiting: bool,
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
    began: Instant,
    cost: Duration,
    kept: Vec<Kept>,
}

struct Kept {
    from: Cursor,
    dialect: Dialect,
    framed: Framed,
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
    /// What came too late for it, and what it cost in all.
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
            waiting: false,
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

    /// `look` is asked where the lanes stand, and only when a walk begins with it.
    pub fn ring(&mut self, urgency: Urgency, look: impl FnOnce(&LiveRoom) -> Cursor, now: Instant) -> Due {
        match &mut self.walk {
            Some(walk) if walk.urgency == Urgency::Now || urgency == Urgency::Soon => {
                walk.again = walk.again.max(Some(urgency));
                Due::Already
            }
            Some(walk) => {
                walk.head = look(&self.room);
                (walk.urgency, walk.began) = (urgency, now);
                (walk.seats, walk.left) = (self.seats.len(), self.seats.len());
                walk.kept.clear();
                Due::Queue(urgency)
            }
            None => match self.due_at() {
                Some(due) if urgency == Urgency::Soon && now < due => {
                    if std::mem::replace(&mut self.waiting, true) { Due::Already } else { Due::At(due) }
                }
                _ => {
                    self.begin(urgency, look(&self.room), now);
                    Due::Queue(urgency)
                }
            },
        }
    }

    /// Seats that the walk still has to pass, or `None` when there is no walk; at most `count` of them are passed now.
    pub fn pass(&mut self, count: usize) -> Vec<usize> {
        let mut passed = Vec::new();
        if let Some(walk) = &mut self.walk {
            let count = count.min(walk.left);
            walk.left -= count;
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
        let kept = walk.kept.iter().find(|kept| kept.from == from && kept.dialect == dialect);
        if let Some(kept) = kept {
            return Ok(Some(kept.framed.clone()));
        }
        let flush = self.room.flush(from, walk.head, dialect.format).map_err(|_| CloseCode::TooSlow)?;
        let Some(flush) = flush else { return Ok(None) };
        let framed = Framed { frame: frame(&flush.bytes), flush };
        if walk.kept.len() < FLUSHES_KEPT {
            walk.kept.push(Kept { from, dialect, framed: framed.clone() });
        }
        Ok(Some(framed))
    }

    /// To be told what each part of a walk cost. When it is over: what came too late for it.
    pub fn passed(&mut self, cost: Duration) -> Pass {
        let Some(walk) = &mut self.walk else { return Pass::Over { again: None, cost } };
        walk.cost += cost;
        if walk.left > 0 {
            return Pass::GoesOn;
        }
        let (again, began, cost) = (walk.again, walk.began, walk.cost);
        self.walked = Some((began, cost));
        // Steps of the golden section: places far apart take turns.
        self.begin_at = (self.begin_at + self.seats.len() * 618 / 1_000 + 1) % self.seats.len().max(1);
        self.walk = None;
        Pass::Over { again, cost }
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
            began: now,
            cost: Duration::ZERO,
            kept: Vec::new(),
        });
    }

    /// For chat and state.
    fn due_at(&self) -> Option<Instant> {
        let (began, cost) = self.walked?;
        Some(began + PACE.max(cost * 100 / PACE_SHARE_PERCENT))
    }
}
