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
    ping_ms: u32,
}

impl Wheel {
    /// Each viewer is looked at four times between two pings.
    pub fn new(ping: Duration, now: Instant) -> Self {
        let turn = ping / 4;
        let spokes = (turn.as_millis() / STEP_MIN.as_millis()).clamp(1, u128::from(SPOKES_MAX));
        let spokes = u32::try_from(spokes).unwrap_or(SPOKES_MAX);
        let ping_ms = u32::try_from(ping.as_millis()).unwrap_or(u32::MAX).max(1);
        Self { spokes, step: (turn / spokes).max(STEP_MIN), spoke: 0, next_at: now, ping_ms }
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

    /// True at one look in each `ping` of silence.
    pub fn is_ping_due(&self, silent_ms: u32) -> bool {
        let turn_ms = u32::try_from((self.step * self.spokes).as_millis()).unwrap_or(u32::MAX);
        silent_ms / self.ping_ms > silent_ms.saturating_sub(turn_ms) / self.ping_ms
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_has_a_turn_and_is_pinged_once_in_each_silence() {
        let start = crate::clock::instant();
        let mut wheel = Wheel::new(Duration::from_secs(25), start);
        let mut pings = vec![0; 200];
        let mut looks_together = 0;
        for ms in 0..57_000 {
            let now = start + Duration::from_millis(ms);
            while let Some(keys) = wheel.turn(now, 200) {
                looks_together = looks_together.max(keys.len());
                for key in keys {
                    pings[key] += u32::from(wheel.is_ping_due(u32::try_from(ms).unwrap()));
                }
            }
        }
        assert!(looks_together <= 4, "{looks_together}");
        assert!(pings.iter().all(|count| *count == 2), "{pings:?}");
    }
}
