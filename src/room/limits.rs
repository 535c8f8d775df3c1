//! How much one connection, one person and one node may ask for. Time is an argument.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::Timestamp;

/// Bounds on what clients may do. The defaults are the contract's (docs/api.md).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// False lifts the three rates below, for load tests; sizes and counts stay.
    pub rates: bool,
    /// Messages of one connection in 10 s, hearts too. A client that goes on after ten warnings is closed with 4009.
    pub messages_per_10_s: u32,
    /// Chat lines of one person in 5 s, over all rooms and connections.
    pub lines_per_5_s: u32,
    /// Lines of one room that a viewer is shown in a second: what a person can read. Above it lines are sampled and the skipped ones
    /// counted; hosts and moderators are always shown.
    pub readable_lines_per_s: u32,
    /// Orders placed by one person in 10 s.
    pub orders_per_10_s: u32,
    /// Open sockets of one person: a phone, a laptop and a few forgotten tabs. Guests are not counted: they have no name.
    pub connections_per_person: u32,
    /// Viewers in one room. A viewer costs about 1.3 KB of the program's memory (docs/benchmarks.md).
    pub viewers_per_room: u32,
    /// Open sockets on this node, joined or not.
    pub viewers_per_node: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            rates: true,
            messages_per_10_s: 30,
            lines_per_5_s: 3,
            readable_lines_per_s: 20,
            orders_per_10_s: 5,
            connections_per_person: 8,
            viewers_per_room: 20_000,
            viewers_per_node: 50_000,
        }
    }
}

impl Limits {
    pub fn messages(&self) -> Option<Rate> {
        self.rate(self.messages_per_10_s, 10)
    }

    pub fn lines(&self) -> Option<Rate> {
        self.rate(self.lines_per_5_s, 5)
    }

    pub fn readable_lines(&self) -> Rate {
        Rate { count: self.readable_lines_per_s, per: Duration::from_secs(1) }
    }

    pub fn orders(&self) -> Option<Rate> {
        self.rate(self.orders_per_10_s, 10)
    }

    fn rate(&self, count: u32, seconds: u64) -> Option<Rate> {
        self.rates.then_some(Rate { count, per: Duration::from_secs(seconds) })
    }
}

/// `count` at once, and then one every `per / count`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    pub count: u32,
    pub per: Duration,
}

/// A token bucket in one number (GCRA): the time, in microseconds, at which it will be full again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Meter {
    full_at_us: i64,
}

impl Meter {
    /// Refused: how long until the next one is admitted. A refusal takes nothing.
    pub fn admit(&mut self, rate: Rate, now: Timestamp) -> Result<(), Duration> {
        let now_us = now.millis().saturating_mul(1_000);
        let per_us = i64::try_from(rate.per.as_micros()).unwrap_or(i64::MAX);
        let each_us = per_us / i64::from(rate.count.max(1));
        let full_at_us = self.full_at_us.max(now_us).saturating_add(each_us);
        // The division's rest may not cost the last one of a burst.
        let over_us = full_at_us - now_us - per_us;
        if rate.count == 0 || over_us > 0 {
            return Err(Duration::from_micros(over_us.max(each_us.min(1_000)).unsigned_abs()));
        }
        self.full_at_us = full_at_us;
        Ok(())
    }

    /// Nothing is owed: forgetting this meter changes nothing.
    pub fn is_full(&self, now: Timestamp) -> bool {
        self.full_at_us <= now.millis().saturating_mul(1_000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const RATE: Rate = Rate { count: 3, per: Duration::from_secs(5) };

    #[test]
    fn three_in_five_seconds_then_a_wait() {
        let mut meter = Meter::default();
        let now = Timestamp(1_000_000);
        for _ in 0..3 {
            assert_eq!(meter.admit(RATE, now), Ok(()));
        }
        let wait = meter.admit(RATE, now).expect_err("the fourth");
        assert!(wait > Duration::from_secs(1) && wait <= Duration::from_secs(2), "{wait:?}");
        assert_eq!(meter.admit(RATE, now + wait + Duration::from_millis(1)), Ok(()));
        assert!(!meter.is_full(now) && meter.is_full(now + Duration::from_secs(8)));
    }

    #[test]
    fn a_rate_of_zero_admits_nothing() {
        let never = Rate { count: 0, per: Duration::from_secs(1) };
        assert!(Meter::default().admit(never, Timestamp(9)).is_err());
    }

    proptest! {
        /// However the requests are spaced, a window holds at most the burst and what came back meanwhile.
        #[test]
        fn no_window_has_twice_the_rate(gaps in prop::collection::vec(0..3_000i64, 1..200)) {
            let (mut meter, mut now) = (Meter::default(), Timestamp(1));
            let mut admitted: Vec<Timestamp> = Vec::new();
            for gap in gaps {
                now = Timestamp(now.millis() + gap);
                if meter.admit(RATE, now).is_ok() {
                    admitted.push(now);
                }
            }
            for start in &admitted {
                let window = admitted.iter().filter(|at| **at >= *start && **at < *start + RATE.per).count();
                prop_assert!(window < 2 * 3, "{window}");
            }
        }
    }
}
