//! What viewers get: walks past those of a room, and what one of them alone is owed.

use std::cmp::Reverse;

use super::Shard;
use crate::clock;
use crate::room::CloseCode;
use crate::room::bell::Urgency;
use crate::wire::live::frame;
use crate::wire::live::hall::{Due, Framed, Pass};
use crate::wire::live::viewer::{Life, Sent};

/// About a millisecond of writes; then what viewers sent is looked at.
const PASSED_AT_ONCE: usize = 256;

impl Shard {
    pub(super) fn ring(&mut self, key: usize, urgency: Urgency) {
        let Some(hall) = self.halls.get_mut(key) else { return };
        let bell = &self.desk.bell;
        match hall.ring(urgency, |room| room.look(bell), self.now) {
            Due::Queue(Urgency::Now) => self.urgent.push_back(key),
            Due::Queue(Urgency::Soon) => self.soon.push_back(key),
            Due::At(at) => self.waiting.push(Reverse((at, key))),
            Due::Already => {}
        }
    }

    /// A part of what there is to walk, critical news first.
    pub(super) fn walk(&mut self) {
        let mut left = PASSED_AT_ONCE;
        while left > 0 {
            let (key, urgency) = match (self.urgent.front(), self.soon.front()) {
                (Some(key), _) => (*key, Urgency::Now),
                (None, Some(key)) => (*key, Urgency::Soon),
                (None, None) => return,
            };
            let queue = if urgency == Urgency::Now { &mut self.urgent } else { &mut self.soon };
            // A walk for chat that turned into one for news stands in both queues.
            let Some(hall) = self.halls.get_mut(key).filter(|hall| hall.urgency() == Some(urgency)) else {
                queue.pop_front();
                continue;
            };
            let began = clock::instant();
            let passed = hall.pass(left);
            left -= passed.len().clamp(1, left);
            for viewer in passed {
                self.bring(key, viewer);
            }
            let ended = clock::instant();
            let Some(hall) = self.halls.get_mut(key) else { continue };
            let queue = if urgency == Urgency::Now { &mut self.urgent } else { &mut self.soon };
            // A small room does not wait for a large one.
            queue.rotate_left(1);
            if let Pass::Over { again, cost } = hall.passed(ended - began) {
                self.meters.walk_seconds.record(cost);
                hall.written().for_each(|(put, viewers)| put.reached(viewers, ended));
                queue.pop_back();
                self.now = ended;
                if let Some(again) = again {
                    self.ring(key, again);
                }
            }
        }
    }

    /// One viewer of a walk.
    fn bring(&mut self, hall: usize, key: usize) {
        let Some(viewer) = self.viewers.get_mut(key) else { return };
        let blocked = viewer.is_blocked();
        let Life::Inside { session, .. } = &mut viewer.life else { return };
        if blocked {
            if session.room().fell_behind(session.cursor()) {
                self.end(key, CloseCode::TooSlow.into());
            }
            return;
        }
        let (dialect, deflater) = (viewer.dialect, &mut self.deflater);
        let framed = self.halls[hall]
            .framed(session.cursor(), dialect, |payload| frame::publications(dialect, deflater, payload));
        match framed {
            Ok(None) => {}
            Ok(Some(framed)) => self.deliver(key, &framed),
            Err(code) => self.end(key, code.into()),
        }
    }

    fn deliver(&mut self, key: usize, framed: &Framed) {
        let Some(viewer) = self.viewers.get_mut(key) else { return };
        let sent = viewer.send(&framed.frame);
        if let Life::Inside { session, .. } = &mut viewer.life {
            session.has_read(framed.flush.cursor);
        }
        self.meters.flushed(framed);
        match sent {
            Sent::All => {}
            Sent::Some => self.meters.blocked.increment(1),
            Sent::Gone => self.gone(key),
        }
    }

    /// Brings one viewer to where its room stands now.
    pub(super) fn catch_up(&mut self, key: usize) {
        let Some(viewer) = self.viewers.get_mut(key) else { return };
        let Life::Inside { session, .. } = &viewer.life else { return };
        let head = session.room().head();
        match session.flush(head) {
            Ok(None) => {}
            Ok(Some(flush)) => {
                let frame = frame::publications(viewer.dialect, &mut self.deflater, &flush.bytes);
                self.deliver(key, &Framed { frame, flush });
            }
            Err(code) => self.end(key, code.into()),
        }
    }

    /// What waits for this viewer alone.
    pub(super) fn write_answers(&mut self, key: usize) {
        let Some(viewer) = self.viewers.get_mut(key) else { return };
        match &viewer.life {
            Life::Leaving { client_closed } => {
                if *client_closed && !viewer.is_blocked() {
                    self.forget(key);
                }
            }
            // They wait in the outlet, which is bounded.
            Life::Inside { session, .. } if viewer.is_blocked() => {
                if let Some(code) = session.outlet().closing() {
                    self.end(key, code.into());
                }
            }
            Life::Inside { session, .. } => {
                let (answers, close) = session.outlet().take();
                if let Some(answers) = answers {
                    let frame = frame::publications(viewer.dialect, &mut self.deflater, &answers);
                    if viewer.send(&frame) == Sent::Gone {
                        return self.gone(key);
                    }
                }
                if let Some(code) = close {
                    // The reason to close may be on the lanes.
                    self.catch_up(key);
                    self.end(key, code.into());
                }
            }
        }
    }

    /// The socket takes more: what was cut first, then answers, then what the room has said meanwhile.
    pub(super) fn write_on(&mut self, key: usize) {
        let now_ms = self.now_ms();
        let Some(viewer) = self.viewers.get_mut(key) else { return };
        match viewer.send_rest(now_ms) {
            Sent::Some => {}
            Sent::Gone => self.gone(key),
            Sent::All => {
                self.write_answers(key);
                if self.viewers.get(key).is_some_and(|viewer| !viewer.is_blocked()) {
                    self.catch_up(key);
                }
            }
        }
    }
}
