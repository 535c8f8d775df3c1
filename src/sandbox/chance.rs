//! Chance that a test can repeat: every draw is a function of the seed, the event and the question, so that it does not depend
//! on which of two tasks asks first.

use std::time::Duration;

use sha2::{Digest, Sha256};

use super::Knobs;
use crate::model::Share;

const RETRY_FIRST: Duration = Duration::from_millis(200);
const RETRY_LONGEST: Duration = Duration::from_secs(30);

#[derive(Clone, Copy, Debug)]
pub struct Chance {
    seed: u64,
}

/// What the knobs do to one event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fate {
    pub late: bool,
    pub lost: bool,
    pub twice: bool,
}

impl Chance {
    pub fn seeded(seed: u64) -> Self {
        Self { seed }
    }

    pub fn seed(self) -> u64 {
        self.seed
    }

    pub(super) fn fate(self, knobs: Knobs, event: &str) -> Fate {
        let strikes = |knob, ppm: u32| self.draw(event, knob, 0, Share::WHOLE_PPM.into()) < u64::from(ppm);
        Fate {
            late: strikes("reorder", knobs.reorder_ppm),
            lost: strikes("lost", knobs.lost_ppm),
            twice: strikes("duplicate", knobs.duplicate_ppm),
        }
    }

    /// How long to wait after the attempt with this number (1 is the first): it doubles from 200 ms to 30 s, and half of it is
    /// chance, so that what failed together does not come back together.
    pub(super) fn back_off(self, event: &str, attempts: u32) -> Duration {
        let doublings = attempts.saturating_sub(1).min(16);
        let longest = RETRY_FIRST.saturating_mul(1 << doublings).min(RETRY_LONGEST);
        let half = u64::try_from(longest.as_millis() / 2).unwrap_or(u64::MAX);
        Duration::from_millis(half + self.draw(event, "retry", attempts, half + 1))
    }

    /// 0..`below`.
    fn draw(self, event: &str, question: &str, turn: u32, below: u64) -> u64 {
        let digest = Sha256::new()
            .chain_update(self.seed.to_le_bytes())
            .chain_update(turn.to_le_bytes())
            .chain_update(question)
            .chain_update([0])
            .chain_update(event)
            .finalize();
        let number = digest.iter().take(8).fold(0, |number: u64, byte| number << 8 | u64::from(*byte));
        number % below.max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn struck(seed: u64, lost_ppm: u32) -> usize {
        let knobs = Knobs { lost_ppm, ..Knobs::default() };
        (0..10_000).filter(|n| Chance::seeded(seed).fate(knobs, &format!("evt_{n}")).lost).count()
    }

    #[test]
    fn a_rate_is_met_and_a_seed_repeats_it() {
        assert_eq!((struck(7, 0), struck(7, 1_000_000)), (0, 10_000));
        assert!((800..1_200).contains(&struck(7, 100_000)), "a tenth of 10,000, give or take");
        assert_eq!(struck(7, 100_000), struck(7, 100_000));
        let third = |seed| Chance::seeded(seed).back_off("evt_1", 3);
        assert_eq!(third(1), third(1));
        assert_ne!(third(1), third(2));
    }

    #[test]
    fn retries_start_at_200_ms_and_end_at_30_s() {
        for (attempts, longest_ms) in
            [(1, 200), (2, 400), (3, 800), (8, 25_600), (9, 30_000), (u32::MAX, 30_000)]
        {
            for seed in 0..100 {
                let wait = Chance::seeded(seed).back_off("evt_1", attempts).as_millis();
                assert!(
                    (longest_ms / 2..=longest_ms).contains(&wait),
                    "seed {seed}, attempt {attempts}: {wait} ms"
                );
            }
        }
    }
}
