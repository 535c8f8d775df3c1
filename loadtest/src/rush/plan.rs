//! Who tries to buy what, when, and what they do then: fixed by the seed before the first message is sent.

use std::time::Duration;

use rand::{Rng as _, RngExt as _, SeedableRng as _, rngs::ChaCha8Rng};
use uuid::Uuid;

use crate::history::Via;

/// What a buyer does with a hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Intent {
    Pays,
    /// Pays, and the host refunds it: wholly, or one minor unit less than half.
    PaysAndIsRefunded {
        wholly: bool,
    },
    DeclinesThenPays,
    DeclinesThenLeaves,
    Cancels,
    LetsExpire,
    /// The provider approves after the hold has run out.
    PaysLate,
}

impl Intent {
    /// Would have paid at once, so that a refusal can be an undersold unit.
    pub fn is_willing(self) -> bool {
        match self {
            Intent::Pays | Intent::PaysAndIsRefunded { .. } => true,
            Intent::DeclinesThenPays
            | Intent::DeclinesThenLeaves
            | Intent::Cancels
            | Intent::LetsExpire
            | Intent::PaysLate => false,
        }
    }
}

/// Ways in which the same wish reaches the server more than once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Repeats {
    pub place_on_socket: bool,
    pub place_over_rest: bool,
    pub pay: bool,
    /// The connection is cut right after the order was sent; it is sent again on a new one.
    pub cut_after_place: bool,
    pub cut_after_pay: bool,
}

/// One wish to buy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// After the opening.
    pub at: Duration,
    pub buyer: u32,
    pub order: Uuid,
    pub quantity: u32,
    pub wait: bool,
    pub via: Via,
    pub intent: Intent,
    /// Between getting a hold and acting on it.
    pub think: Duration,
    pub repeats: Repeats,
}

/// What a plan is made from.
#[derive(Debug, Clone, Copy)]
pub struct Crowd {
    pub seed: u64,
    pub buyers: u32,
    pub attempts: u32,
    /// Attempts per second on average, after the burst.
    pub rate: f64,
    /// The first second has this many times the rate.
    pub burst: f64,
    pub limit_per_buyer: u32,
    /// Share of wishes that end in a payment, in thousandths; the rest gives its hold back.
    pub paying_permille: u32,
    /// Of that rest, in thousandths: who let the hold run out, or pay after it.
    pub late_permille: u32,
    /// Of version 7 ids.
    /// Of those who pay, who get their money back, in part or whole. At most 88.
    pub refunded_percent: u32,
    pub started_ms: u64,
}

/// One buyer in fifty sends ten times as much as the others, to press against the limit.
const EAGER_SHARE: u32 = 50;

impl Crowd {
    /// Attempts in the order of their times: Poisson arrivals, denser in the first second.
    pub fn plan(&self) -> Vec<Attempt> {
        let mut chance = ChaCha8Rng::seed_from_u64(self.seed);
        let mut at = 0.0;
        let mut plan = Vec::with_capacity(self.attempts as usize);
        for _ in 0..self.attempts {
            let rate = if at < 1.0 { self.rate * self.burst } else { self.rate };
            let uniform: f64 = chance.random();
            at += -(1.0 - uniform).ln() / rate;
            plan.push(self.attempt(&mut chance, at));
        }
        plan
    }

    fn attempt(&self, chance: &mut ChaCha8Rng, at: f64) -> Attempt {
        let eager = (self.buyers / EAGER_SHARE).max(1);
        let buyer = if chance.random_ratio(1, 6) {
            chance.random_range(0..eager)
        } else {
            chance.random_range(0..self.buyers)
        };
        let quantity = match chance.random_range(0..100u32) {
            0..90 => 1,
            90..97 => 2,
            _ => 3,
        };
        let intent = self.intent(chance);
        let think_ms = match intent {
            Intent::Cancels => chance.random_range(5..600),
            _ => chance.random_range(5..300),
        };
        let mut one_in = |of: u32| chance.random_ratio(1, of);
        let repeats = Repeats {
            place_on_socket: one_in(20),
            place_over_rest: one_in(40),
            pay: one_in(20),
            cut_after_place: one_in(400),
            cut_after_pay: one_in(100),
        };
        let (over_rest, wait) = (one_in(50), one_in(60));
        Attempt {
            at: Duration::from_secs_f64(at),
            buyer,
            order: order_id(chance, self.started_ms + (at * 1e3) as u64),
            quantity: quantity.min(self.limit_per_buyer),
            wait: wait && intent.is_willing(),
            via: if over_rest { Via::Rest } else { Via::Socket },
            intent,
            think: Duration::from_millis(think_ms),
            repeats,
        }
    }

    fn intent(&self, chance: &mut ChaCha8Rng) -> Intent {
        let pays = chance.random_range(0..1_000) < self.paying_permille;
        let of_hundred = chance.random_range(0..100u32);
        if pays {
            let refunded_from = 100 - self.refunded_percent;
            match of_hundred {
                12.. if of_hundred >= refunded_from => {
                    Intent::PaysAndIsRefunded { wholly: of_hundred % 2 == 0 }
                }
                0..12 => Intent::DeclinesThenPays,
                _ => Intent::Pays,
            }
        } else {
            let late = chance.random_range(0..1_000) < self.late_permille;
            match (late, of_hundred) {
                (false, 0..70) => Intent::Cancels,
                (false, _) => Intent::DeclinesThenLeaves,
                (true, 0..57) => Intent::LetsExpire,
                (true, _) => Intent::PaysLate,
            }
        }
    }
}

/// A plain wish of a willing buyer, for the top-up after the rush.
pub fn willing(chance: &mut ChaCha8Rng, buyer: u32, at: Duration, unix_ms: u64) -> Attempt {
    Attempt {
        at,
        buyer,
        order: order_id(chance, unix_ms),
        quantity: 1,
        wait: false,
        via: Via::Socket,
        intent: Intent::Pays,
        think: Duration::from_millis(5),
        repeats: Repeats::default(),
    }
}

fn order_id(chance: &mut ChaCha8Rng, unix_ms: u64) -> Uuid {
    let mut random = [0; 10];
    chance.fill_bytes(&mut random);
    uuid::Builder::from_unix_timestamp_millis(unix_ms, &random).into_uuid()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CROWD: Crowd = Crowd {
        seed: 5,
        buyers: 100,
        attempts: 20_000,
        rate: 2_000.0,
        burst: 2.0,
        limit_per_buyer: 2,
        paying_permille: 700,
        late_permille: 350,
        refunded_percent: 8,
        started_ms: 1_790_000_000_000,
    };

    #[test]
    fn a_seed_gives_one_plan() {
        assert_eq!(CROWD.plan(), CROWD.plan());
        assert_ne!(CROWD.plan(), Crowd { seed: 6, ..CROWD }.plan());
    }

    #[test]
    fn arrivals_follow_the_rate_and_the_burst() {
        let plan = CROWD.plan();
        let first_second = plan.iter().filter(|attempt| attempt.at < Duration::from_secs(1)).count();
        assert!((3_700..4_300).contains(&first_second), "{first_second}");
        let end = plan.last().unwrap().at.as_secs_f64();
        assert!((8.5..9.5).contains(&end), "20,000 at 2,000/s with 4,000 in the first second: {end}");
        assert!(plan.is_sorted_by_key(|attempt| attempt.at));
    }

    #[test]
    fn every_way_of_life_occurs_within_its_bounds() {
        let plan = CROWD.plan();
        let share = |keep: fn(&Attempt) -> bool| {
            plan.iter().filter(|attempt| keep(attempt)).count() * 1_000 / plan.len()
        };
        assert!((680..720).contains(&share(|a| matches!(
            a.intent,
            Intent::Pays | Intent::DeclinesThenPays | Intent::PaysAndIsRefunded { .. }
        ))));
        for rare in [
            share(|a| a.intent == Intent::PaysLate),
            share(|a| a.intent == Intent::LetsExpire),
            share(|a| a.repeats.place_on_socket),
            share(|a| a.repeats.pay),
            share(|a| a.via == Via::Rest),
            share(|a| a.wait),
        ] {
            assert!((5..100).contains(&rare), "{rare}");
        }
        assert!(plan.iter().all(|a| (1..=2).contains(&a.quantity) && a.buyer < 100));
        let ids: std::collections::HashSet<Uuid> = plan.iter().map(|a| a.order).collect();
        assert_eq!(ids.len(), plan.len());
    }
}
