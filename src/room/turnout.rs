//! How many come to a room and how many ask to buy, minute by minute, counted on this node until the record has it.
//!
//! Nodes do not tell each other who has just left: somebody who reloads the page and comes in through another node is seen twice.

use std::collections::HashSet;
use std::mem::take;
use std::time::Duration;

use super::{Hub, LiveRoom};
use crate::model::{RoomId, Subject, Timestamp};
use crate::store::journal::Minute;
use crate::store::{StoreError, Write};

/// Who comes back this soon, or up to twice as late, was here a moment ago.
const MOMENT: Duration = Duration::from_secs(60);
/// Of each half of a moment, some 3 MB of names; whoever leaves on top of them counts again when coming back.
const LEFT_MAX: usize = 65_536;
/// A day. While the record is away for longer, the oldest are given up.
const MINUTES_MAX: usize = 1_440;

#[derive(Debug, Default)]
pub struct Turnout {
    /// Not recorded yet, oldest first; the last may be under way.
    minutes: Vec<Minute>,
    /// The last sighting that was handed over: a minute, and the most viewers in it.
    sighted: (Timestamp, u32),
    /// People with a name who left in this half of a moment, and in the one before it.
    left: HashSet<Subject>,
    left_before: HashSet<Subject>,
    turned_at: Timestamp,
}

impl Turnout {
    pub fn seen(&mut self, now: Timestamp) {
        self.minute(now).seen += 1;
    }

    pub fn tapped(&mut self, now: Timestamp) {
        self.minute(now).tapped += 1;
    }

    /// So many are here now, on all nodes.
    pub fn sighted(&mut self, viewers: u32, now: Timestamp) {
        let (at, most) = self.sighted;
        if viewers > 0 && (at != Minute::of(now) || viewers > most) {
            let minute = self.minute(now);
            minute.viewers = minute.viewers.max(viewers);
        }
    }

    pub fn left(&mut self, person: Subject) {
        if self.left.len() < LEFT_MAX {
            self.left.insert(person);
        }
    }

    /// Left the room a moment ago.
    pub fn knows(&self, person: &Subject) -> bool {
        self.left.contains(person) || self.left_before.contains(person)
    }

    /// What is to be recorded. Comes back by `restore` when it was not.
    pub fn hand_over(&mut self) -> Vec<Minute> {
        if let Some(newest) = self.minutes.last() {
            let before = if self.sighted.0 == newest.at { self.sighted.1 } else { 0 };
            self.sighted = (newest.at, newest.viewers.max(before));
        }
        take(&mut self.minutes)
    }

    fn restore(&mut self, minutes: Vec<Minute>) {
        let since = std::mem::replace(&mut self.minutes, minutes);
        for minute in since {
            match self.minutes.last_mut().filter(|last| last.at >= minute.at) {
                Some(last) => {
                    last.viewers = last.viewers.max(minute.viewers);
                    last.seen += minute.seen;
                    last.tapped += minute.tapped;
                }
                None => self.minutes.push(minute),
            }
        }
        self.bound();
    }

    fn forget(&mut self, now: Timestamp) {
        if self.turned_at + MOMENT <= now {
            self.turned_at = now;
            self.left_before = take(&mut self.left);
        }
    }

    /// A clock that was put back counts on in the newest minute.
    fn minute(&mut self, now: Timestamp) -> &mut Minute {
        let at = Minute::of(now);
        if self.minutes.last().is_none_or(|last| last.at < at) {
            self.minutes.push(Minute { at, ..Minute::default() });
            self.bound();
        }
        self.minutes.last_mut().expect("there is one by now")
    }

    fn bound(&mut self) {
        let over = self.minutes.len().saturating_sub(MINUTES_MAX);
        self.minutes.drain(..over);
    }
}

impl LiveRoom {
    /// Somebody asks to buy; whether there is anything to be had, is asked later.
    pub fn tap(&self, now: Timestamp) {
        self.turnout().tapped(now);
    }

    fn counted(&self, now: Timestamp) -> Vec<Minute> {
        let viewers = if self.viewers() > 0 { self.all_viewers() } else { 0 };
        let mut turnout = self.turnout();
        turnout.forget(now);
        turnout.sighted(viewers, now);
        turnout.hand_over()
    }
}

impl Hub {
    /// Records what was counted in one room, or in all of them. What could not be recorded is kept for the next time. After a crash what was
    /// counted since the last time is gone.
    pub async fn record_turnout(
        &self,
        node: &str,
        only: Option<&RoomId>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut counted: Vec<(RoomId, Vec<Minute>)> = match only {
            Some(id) => {
                self.0.rooms.get(id).map(|room| (id.clone(), room.counted(now))).into_iter().collect()
            }
            None => self.0.rooms.iter().map(|slot| (slot.key().clone(), slot.value().counted(now))).collect(),
        };
        counted.retain(|(id, minutes)| !id.is_feed() && !minutes.is_empty());
        if counted.is_empty() {
            return Ok(());
        }
        let rows =
            counted.iter().flat_map(|(room, minutes)| minutes.iter().map(|minute| (room.clone(), *minute)));
        let write = Write::RoomMinutes { node: node.to_owned(), minutes: rows.collect() };
        let recorded = self.0.journal.commit(vec![write]).await;
        if recorded.is_err() {
            for (room, minutes) in counted {
                if let Some(room) = self.0.rooms.get(&room) {
                    room.turnout().restore(minutes);
                }
            }
        }
        recorded
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::room::scene::NOW;

    fn later(seconds: u64) -> Timestamp {
        Minute::of(NOW) + Duration::from_secs(seconds)
    }

    fn minute(seconds: u64, viewers: u32, seen: u64, tapped: u64) -> Minute {
        Minute { at: Minute::of(later(seconds)), viewers, seen, tapped }
    }

    #[test]
    fn minutes_are_handed_over_once_and_come_back_when_they_were_not_recorded() {
        let mut turnout = Turnout::default();
        turnout.seen(later(0));
        turnout.sighted(4, later(0));
        turnout.tapped(later(60));
        let first = turnout.hand_over();
        assert_eq!(first, [minute(0, 4, 1, 0), minute(60, 0, 0, 1)]);
        assert_eq!(turnout.hand_over(), []);
        turnout.seen(later(60));
        turnout.seen(later(120));
        turnout.restore(first);
        let all = [minute(0, 4, 1, 0), minute(60, 0, 1, 1), minute(120, 0, 1, 0)];
        assert_eq!(turnout.hand_over(), all);
        turnout.seen(later(0));
        assert_eq!(turnout.hand_over(), [minute(0, 0, 1, 0)], "of a clock that was put back");
    }

    #[test]
    fn viewers_are_told_again_when_there_are_more_or_a_minute_begins() {
        let mut turnout = Turnout::default();
        for (seconds, viewers, told) in
            [(0, 3, true), (10, 3, false), (20, 2, false), (30, 5, true), (40, 4, false), (60, 4, true)]
        {
            turnout.sighted(viewers, later(seconds));
            let expected: &[Minute] = if told { &[minute(seconds, viewers, 0, 0)] } else { &[] };
            assert_eq!(turnout.hand_over(), expected, "after {seconds} s");
        }
        turnout.sighted(0, later(120));
        assert_eq!(turnout.hand_over(), [], "nobody is nothing to tell");
    }

    #[test]
    fn who_left_is_known_for_a_moment() {
        let (mut turnout, lin): (Turnout, Subject) = (Turnout::default(), "lin".parse().unwrap());
        turnout.forget(later(0));
        turnout.left(lin.clone());
        turnout.forget(later(59));
        assert!(turnout.knows(&lin));
        turnout.forget(later(60));
        assert!(turnout.knows(&lin));
        turnout.forget(later(120));
        assert!(!turnout.knows(&lin));
    }

    #[test]
    fn record_that_is_away_costs_a_day_of_minutes() {
        let mut turnout = Turnout::default();
        for minute in 0..1_500 {
            turnout.seen(later(minute * 60));
        }
        let kept = turnout.hand_over();
        assert_eq!((kept.len(), kept[0]), (1_440, minute(60 * 60, 0, 1, 0)));
        turnout.seen(later(1_500 * 60));
        turnout.restore(kept);
        assert_eq!(turnout.hand_over().len(), 1_440);
    }
}
