//! Looks at every viewer in turn, a few at a time, so that pings do not wake all phones at once.

use std::iter::StepBy;
use std::ops::Range;
use std::time::{Duration, Instant};

/// Viewers are looked at in this many groups.
const SPOKES_MAX: u32 = 64;
/// No shard wakes more often than this for its wheel.
const STEP_MIN: Duration = Duration::from_millis(5);

pub struct Wheel {
    spokes: u32,
    step: Duration,
    spoke: u32,
    next_at: Instant,
}

impl Wheel {
    /// Each viewer is looked at four times between two pings.
    pub fn new(ping: Duration, now: Instant) -> Self {
        let turn = ping / 4;
        let spokes = (turn.as_millis() / STEP_MIN.as_millis()).clamp(1, u128::from(SPOKES_MAX));
        let spokes = u32::try_from(spokes).unwrap_or(SPOKES_MAX);
        Self { spokes, step: (turn / spokes).max(STEP_MIN), spoke: 0, next_at: now }
    }

    pub fn next_at(&self) -> Instant {
        self.next_at
    }

    /// Nobody is there to be looked at.
    pub fn rest(&mut self, now: Instant) {
        self.next_at = now + self.step;
    }

    /// Those of `0..count` whose turn it is. `None`: not yet.
    pub fn turn(&mut self, now: Instant, count: usize) -> Option<StepBy<Range<usize>>> {
        if now < self.next_at {
            return None;
        }
        // After a long pause the wheel goes on from now; nobody is looked at twice in a row.
        self.next_at = (self.next_at + self.step).max(now);
        self.spoke = (self.spoke + 1) % self.spokes;
        Some((self.spoke as usize..count).step_by(self.spokes as usize))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_has_four_looks_in_the_time_of_a_ping_and_few_at_once() {
        let start = crate::clock::instant();
        let mut wheel = Wheel::new(Duration::from_secs(25), start);
        let (mut looks, mut together) = (vec![0; 200], 0);
        for ms in 0..25_000 {
            // As late as a timer is.
            let now = start + Duration::from_millis(ms / 7 * 7);
            while let Some(keys) = wheel.turn(now, 200) {
                together = together.max(keys.len());
                keys.for_each(|key| looks[key] += 1);
            }
        }
        assert!(together <= 4, "{together}");
        assert!(looks.iter().all(|count| *count == 4), "{looks:?}");
    }
}
