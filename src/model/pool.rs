//! A sponsor's pool: a budget in slots of time that is added to what orders give, or released by hearts. It never changes: its terms and the
//! commitments to its seeds are in the public log before a slot opens. Ops may freeze it.

use std::fmt;

use apricot_tlog::leaf::{Rule, Terms, draw};
use apricot_tlog::merkle::Hash;

use super::money::MINOR_MAX;
use super::{Currency, OutOfBound, Pledge, PoolId, Timestamp, bounded_text};

pub const SLOTS_MAX: usize = 100;
/// Matches of one buyer in a minute; more than anybody pays for.
pub const BUYER_MINUTE_LIMIT_MAX: u32 = 1_000;

const WHOLE_PPM: i128 = 1_000_000;
/// The day that caps are for is that of Asia/Shanghai, which knows no summer time.
const SHANGHAI_MS: i64 = 8 * 60 * 60 * 1_000;
const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

#[derive(Clone, Debug, PartialEq)]
pub struct MatchPool {
    pub id: PoolId,
    pub sponsor: String,
    pub currency: Currency,
    pub terms: Terms,
    /// In the order of their opening; none reaches into the next.
    pub slots: Vec<PoolSlot>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct PoolSlot {
    pub opens_at: Timestamp,
    pub closes_at: Timestamp,
    /// Minor units. Matches less what was taken back stay at or below it.
    pub budget: i64,
    pub seed: PoolSeed,
}

/// Of a slot's draws: a secret until the slot is over, and committed to by its hash.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PoolSeed(pub [u8; 32]);

/// What an order would get if budget and caps allow it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due {
    pub amount: i64,
    /// What was drawn, counted from 0.
    pub tier: Option<u32>,
}

impl MatchPool {
    /// The version that its leaf says: there is no other.
    pub const VERSION: u32 = 1;

    pub fn check(&self) -> Result<(), OutOfBound> {
        bounded_text("sponsor", &self.sponsor, 1..=100)?;
        self.terms_text()?;
        let caps =
            [("buyerDayCapMinor", self.terms.buyer_day_cap), ("projectCapMinor", self.terms.project_cap)];
        for (field, cap) in caps {
            if !(0..=MINOR_MAX).contains(&cap) {
                return Err(OutOfBound::new(field, format!("0..={MINOR_MAX} in minor units, 0 for no cap")));
            }
        }
        if !(1..=BUYER_MINUTE_LIMIT_MAX).contains(&self.terms.buyer_minute_limit) {
            return Err(OutOfBound::new("buyerMinuteLimit", format!("1..={BUYER_MINUTE_LIMIT_MAX}")));
        }
        if !(1..=SLOTS_MAX).contains(&self.slots.len()) {
            return Err(OutOfBound::new("slots", format!("1..={SLOTS_MAX} slots")));
        }
        let mut before = Timestamp::ZERO;
        for (index, slot) in self.slots.iter().enumerate() {
            slot.check(before).map_err(|refused| refused.in_item("slots", index))?;
            before = slot.closes_at;
        }
        Ok(())
    }

    /// JSON, as the public log tells them.
    pub fn terms_text(&self) -> Result<String, OutOfBound> {
        let refused = |refused: apricot_tlog::leaf::OutOfBound| OutOfBound::new(refused.key, refused.bound);
        self.terms.encode().map_err(refused)
    }

    pub fn slot_at(&self, now: Timestamp) -> Option<(u32, &PoolSlot)> {
        (0..).zip(&self.slots).find(|(_, slot)| slot.opens_at <= now && now < slot.closes_at)
    }

    /// The project that a match of this pledge is for: the one that the terms name, when the pledge gives to it; without a name the pledge's
    /// first. `None`: it adds nothing to what this pledge gives in this currency.
    pub fn project_of<'a>(&self, pledge: &'a Pledge, currency: Currency) -> Option<&'a str> {
        let wanted = self.terms.project.as_str();
        let mut parts = pledge.parts.iter().filter(|_| self.currency == currency);
        parts.find(|part| wanted.is_empty() || wanted == part.project).map(|part| part.project.as_str())
    }

    /// For an order that gives `accrued`. `order` is the commitment to it, which the draw is of. `None`: nothing was drawn, or hearts
    /// release this pool.
    pub fn due(&self, slot: &PoolSlot, accrued: i64, order: Hash) -> Option<Due> {
        let due = match &self.terms.rule {
            Rule::Ratio { ppm } => {
                let amount = i128::from(accrued) * i128::from(*ppm) / WHOLE_PPM;
                Due { amount: i64::try_from(amount).unwrap_or(i64::MAX), tier: None }
            }
            Rule::Draw { tiers } => {
                let tier = draw(Hash(slot.seed.0), order, tiers)?;
                Due { amount: tiers.get(tier as usize)?.amount, tier: Some(tier) }
            }
            Rule::Hearts { .. } => return None,
        };
        (due.amount > 0).then_some(due)
    }
}

impl PoolSlot {
    fn check(&self, before: Timestamp) -> Result<(), OutOfBound> {
        if self.opens_at < before {
            return Err(OutOfBound::new("opensAtMs", "when the slot before it has closed, or later"));
        }
        if self.closes_at <= self.opens_at {
            return Err(OutOfBound::new("closesAtMs", "later than opensAtMs"));
        }
        if !(1..=MINOR_MAX).contains(&self.budget) {
            return Err(OutOfBound::new("budgetMinor", format!("1..={MINOR_MAX} in minor units")));
        }
        Ok(())
    }
}

impl PoolSeed {
    /// What is published before: SHA-256.
    pub fn commitment(&self) -> Hash {
        Hash::of(&self.0)
    }
}

/// A seed in a log line could be read by who pays.
impl fmt::Debug for PoolSeed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PoolSeed(..)")
    }
}

/// What of a match stays when `kept` of the `paid` price stay: in proportion, rounded down, so that refunds in any pieces end at nothing.
pub fn still_matched(matched: i64, paid: i64, kept: i64) -> i64 {
    if paid <= 0 {
        return 0;
    }
    let still = i128::from(matched) * i128::from(kept.clamp(0, paid)) / i128::from(paid);
    i64::try_from(still).expect("at most what was matched")
}

/// Days since 1970 in Asia/Shanghai.
pub fn day_of(at: Timestamp) -> i64 {
    at.millis().saturating_add(SHANGHAI_MS).div_euclid(DAY_MS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use apricot_tlog::leaf::Tier;
    use proptest::prelude::*;

    fn pool(rule: Rule) -> MatchPool {
        let slot = PoolSlot {
            opens_at: Timestamp(1_000),
            closes_at: Timestamp(2_000),
            budget: 500,
            seed: PoolSeed([0xcd; 32]),
        };
        let terms =
            Terms { project: String::new(), buyer_day_cap: 0, project_cap: 0, buyer_minute_limit: 3, rule };
        MatchPool {
            id: "0190a000-0000-7000-8000-000000000001".parse().unwrap(),
            sponsor: "An orchard".into(),
            currency: Currency::CNY,
            terms,
            slots: vec![slot],
        }
    }

    #[test]
    fn a_ratio_is_rounded_down_and_a_draw_is_that_of_the_log() {
        let due = |pool: &MatchPool, accrued| pool.due(&pool.slots[0], accrued, Hash::of(b"order"));
        let half = pool(Rule::Ratio { ppm: 500_000 });
        assert_eq!(due(&half, 99), Some(Due { amount: 49, tier: None }));
        assert_eq!(due(&half, 1), None, "half a fen is nothing");
        let always = pool(Rule::Draw { tiers: vec![Tier { chance_ppm: 1_000_000, amount: 7 }] });
        assert_eq!(due(&always, 1), Some(Due { amount: 7, tier: Some(0) }));
        let tiers = vec![Tier { chance_ppm: 326_498, amount: 7 }, Tier { chance_ppm: 1, amount: 9 }];
        let order =
            Hash::from_hex("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855").unwrap();
        let example = pool(Rule::Draw { tiers });
        assert_eq!(
            example.due(&example.slots[0], 1, order),
            Some(Due { amount: 9, tier: Some(1) }),
            "n = 326498"
        );
        let nothing = pool(Rule::Draw { tiers: vec![Tier { chance_ppm: 326_498, amount: 7 }] });
        assert_eq!(nothing.due(&nothing.slots[0], 1, order), None);
    }

    #[test]
    fn slots_are_open_from_their_first_instant_to_before_their_last() {
        let pool = pool(Rule::Ratio { ppm: 1 });
        let open = |at| pool.slot_at(Timestamp(at)).map(|(slot, _)| slot);
        assert_eq!([open(999), open(1_000), open(1_999), open(2_000)], [None, Some(0), Some(0), None]);
    }

    #[test]
    fn what_is_out_of_bounds_is_named() {
        let good = pool(Rule::Ratio { ppm: 1 });
        assert_eq!(good.check(), Ok(()));
        let slot = good.slots[0].clone();
        let field = |pool: MatchPool| pool.check().unwrap_err().field.into_owned();
        let with = |slots| MatchPool { slots, ..good.clone() };
        assert_eq!(field(with(vec![])), "slots");
        assert_eq!(field(with(vec![PoolSlot { budget: 0, ..slot.clone() }])), "slots[0].budgetMinor");
        assert_eq!(
            field(with(vec![PoolSlot { closes_at: slot.opens_at, ..slot.clone() }])),
            "slots[0].closesAtMs"
        );
        assert_eq!(field(with(vec![slot.clone(), slot.clone()])), "slots[1].opensAtMs");
        assert_eq!(field(MatchPool { sponsor: " ".into(), ..good.clone() }), "sponsor");
        let terms = |change: fn(&mut Terms)| {
            let mut pool = good.clone();
            change(&mut pool.terms);
            field(pool)
        };
        assert_eq!(terms(|terms| terms.buyer_minute_limit = 0), "buyerMinuteLimit");
        assert_eq!(terms(|terms| terms.buyer_day_cap = -1), "buyerDayCap");
        assert_eq!(terms(|terms| terms.rule = Rule::Ratio { ppm: 0 }), "ppm");
        assert_eq!(format!("{:?}", slot.seed), "PoolSeed(..)");
    }

    #[test]
    fn a_day_begins_at_midnight_in_shanghai() {
        let midnight = Timestamp(20_833 * DAY_MS - SHANGHAI_MS);
        assert_eq!(day_of(midnight), day_of(Timestamp(midnight.0 + DAY_MS - 1)));
        assert_eq!(day_of(midnight), day_of(Timestamp(midnight.0 - 1)) + 1);
    }

    proptest! {
        /// Refunds in any pieces never give more than before, and all of them give everything back.
        #[test]
        fn what_refunds_take_back_closes_to_zero(
            matched in 0..1_000_000i64, paid in 1..1_000_000i64, cuts in prop::collection::vec(1..100_000i64, 0..8),
        ) {
            let (mut still, mut kept) = (matched, paid);
            for cut in cuts.into_iter().chain([i64::MAX]) {
                kept -= cut.min(kept);
                let next = still_matched(matched, paid, kept);
                prop_assert!((0..=still).contains(&next));
                still = next;
            }
            prop_assert_eq!(still, 0);
        }
    }
}
