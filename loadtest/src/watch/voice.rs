//! Those who speak: in a closed loop as fast as all viewers hear, in an open loop when the plan says so.

use rand::{RngExt as _, SeedableRng as _, rngs::ChaCha8Rng};

use crate::{
    crowd::{
        Crowd, Voice,
        dialect::{Dialect, Speech},
        seat::State,
        stamp::Stamp,
    },
    failure::Failure,
    latency::Latency,
};

/// Keeps so many notices under way. One is done when every socket of the room has read it, whatever the server: that favours
/// none, for it needs no answer to the sender and no order among viewers.
pub struct InFlight {
    pub host: usize,
    pub wanted: u64,
    /// Of one publication, encoded; or of one message of a baseline.
    pub message_bytes: usize,
    state: Loop,
    pub sent: u64,
    /// Where the lane stood at the start.
    base: u64,
    progress: (u64, u64),
    pub stalls: u64,
}

enum Loop {
    /// One notice, to learn how much a publication adds to its text.
    Trying,
    Running {
        overhead: usize,
    },
}

/// Well above any delivery: what is under way was refused or lost, and is given up.
const STALL_US: u64 = 1_000_000;
const TRIAL_BYTES: usize = 40;

impl InFlight {
    pub fn new(host: usize, wanted: u32, message_bytes: usize, crowd: &Crowd) -> InFlight {
        let base = crowd.lowest();
        let (wanted, state) = (wanted.into(), Loop::Trying);
        InFlight { host, wanted, message_bytes, state, sent: 0, base, progress: (base, 0), stalls: 0 }
    }

    fn say(&mut self, crowd: &mut Crowd, bytes: usize) {
        self.sent += 1;
        let stamp = Stamp { number: self.base + self.sent, intended_us: crowd.now_us() };
        let dialect = crowd.dialect();
        dialect.put_speech(&mut crowd.seats[self.host].out, Speech::Notice, stamp, bytes, 0);
    }

    /// The text that makes a publication of the wanted size.
    fn text_bytes(&self, crowd: &Crowd, overhead: usize) -> usize {
        match crowd.dialect() {
            Dialect::Plain => self.message_bytes,
            Dialect::Proto | Dialect::Json => {
                let growth = varint_bytes(self.base + self.sent + 1) - varint_bytes(self.base + 1);
                self.message_bytes.saturating_sub(overhead + growth)
            }
        }
    }
}

impl Voice for InFlight {
    fn speak(&mut self, crowd: &mut Crowd) -> Result<u64, Failure> {
        let (lowest, now_us) = (crowd.lowest(), crowd.now_us());
        let done = lowest - self.base;
        if lowest > self.progress.0 {
            self.progress = (lowest, now_us);
        } else if self.sent > done && now_us.saturating_sub(self.progress.1) > STALL_US {
            self.stalls += u64::from(self.progress.1 > 0);
            self.progress.1 = now_us;
            self.sent = done;
        }
        if let (Loop::Trying, 1..) = (&self.state, done) {
            let overhead = crowd.tally.critical_bytes.saturating_sub(TRIAL_BYTES);
            self.state = Loop::Running { overhead };
        }
        match self.state {
            Loop::Trying if self.sent == 0 => {
                self.progress.1 = now_us;
                let bytes = if crowd.dialect() == Dialect::Plain { self.message_bytes } else { TRIAL_BYTES };
                self.say(crowd, bytes);
            }
            Loop::Trying => {}
            Loop::Running { overhead } => {
                while self.sent - done < self.wanted {
                    let bytes = self.text_bytes(crowd, overhead);
                    self.say(crowd, bytes);
                }
            }
        }
        if crowd.seats[self.host].state != State::Live {
            return Err(Failure::Unreachable {
                what: "the host".into(),
                source: format!("its socket ended: {:?}", crowd.closes),
            });
        }
        crowd.flush(self.host);
        Ok(self.progress.1 + STALL_US)
    }
}

fn varint_bytes(value: u64) -> usize {
    (64 - value.max(1).leading_zeros() as usize).div_ceil(7)
}

/// What is said when, and by whom. Latency counts from here, whatever the sender was doing then.
pub struct Plan {
    entries: Vec<Entry>,
    next: usize,
    pub line_bytes: usize,
    /// From the intended to the actual sending, in the measured time.
    pub lag: Latency,
    measured_from_us: u64,
    pub unsent: u64,
}

#[derive(Debug, Clone, Copy)]
pub struct Entry {
    pub at_us: u64,
    pub speech: Speech,
    pub number: u64,
    pub seat: usize,
}

impl Entry {
    /// Under which a refusal is told.
    pub fn id(&self) -> u32 {
        self.number as u32 * 2 + 1 + u32::from(self.speech == Speech::Line)
    }
}

/// Notices carry 40 bytes of text.
const NOTICE_BYTES: usize = 40;

/// When the speaking begins, when it counts, and when it ends, in microseconds of the crowd.
#[derive(Debug, Clone, Copy)]
pub struct Times {
    pub from_us: u64,
    pub measured_from_us: u64,
    pub until_us: u64,
}

impl Plan {
    pub fn new(times: Times, line_bytes: usize) -> Plan {
        Plan {
            entries: Vec::new(),
            next: 0,
            line_bytes,
            lag: Latency::default(),
            measured_from_us: times.measured_from_us,
            unsent: 0,
        }
    }

    /// Poisson arrivals at one rate, shared by the speakers in turn.
    pub fn add(&mut self, speech: Speech, rate: f64, speakers: &[usize], seed: u64, times: Times) {
        if speakers.is_empty() {
            return;
        }
        // A baseline takes the number for the offset, and those begin at 1.
        for (number, at_us) in (1..).zip(arrivals(seed, rate, times)) {
            let seat = speakers[number as usize % speakers.len()];
            self.entries.push(Entry { at_us, speech, number, seat });
        }
        self.entries.sort_by_key(|entry| entry.at_us);
    }

    /// Those that count.
    pub fn measured(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(|entry| entry.at_us >= self.measured_from_us)
    }
}

impl Voice for Plan {
    fn speak(&mut self, crowd: &mut Crowd) -> Result<u64, Failure> {
        while let Some(entry) = self.entries.get(self.next).copied() {
            let now_us = crowd.now_us();
            if entry.at_us > now_us {
                return Ok(entry.at_us);
            }
            self.next += 1;
            if entry.at_us >= self.measured_from_us {
                self.lag.record_us(now_us - entry.at_us);
            }
            if crowd.seats[entry.seat].state != State::Live {
                self.unsent += 1;
                continue;
            }
            let bytes = match entry.speech {
                Speech::Notice => NOTICE_BYTES,
                Speech::Line => self.line_bytes,
            };
            let stamp = Stamp { number: entry.number, intended_us: entry.at_us };
            let dialect = crowd.dialect();
            dialect.put_speech(&mut crowd.seats[entry.seat].out, entry.speech, stamp, bytes, entry.id());
            crowd.flush(entry.seat);
        }
        Ok(u64::MAX)
    }
}

fn arrivals(seed: u64, rate: f64, times: Times) -> Vec<u64> {
    let mut chance = ChaCha8Rng::seed_from_u64(seed);
    let gaps = std::iter::repeat_with(|| -(1.0 - chance.random::<f64>()).ln() / rate);
    let seconds = gaps.scan(0.0, |at, gap| {
        *at += gap;
        Some(*at)
    });
    let span = times.until_us.saturating_sub(times.from_us) as f64 / 1e6;
    let end = if rate > 0.0 { span } else { 0.0 };
    seconds.take_while(|at| *at < end).map(|at| times.from_us + (at * 1e6) as u64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_kept_and_a_seed_fixes_the_times() {
        let times = Times { from_us: 5, measured_from_us: 5, until_us: 10_000_005 };
        let once = arrivals(7, 100.0, times);
        assert!((900..1_100).contains(&once.len()), "{}", once.len());
        assert_eq!(once, arrivals(7, 100.0, times));
        assert_ne!(once, arrivals(8, 100.0, times));
        assert!(once.is_sorted() && once.iter().all(|at| (5..10_000_005).contains(at)));
        assert_eq!(arrivals(7, 0.0, times), Vec::<u64>::new());
    }

    #[test]
    fn a_varint_grows_every_seven_bits() {
        assert_eq!([0, 1, 127, 128, 16_383, 16_384].map(varint_bytes), [1, 1, 1, 2, 2, 3]);
    }
}
