//! A host's promise to a charity project: versioned, and fixed before the sale.

use std::fmt;
use std::str::FromStr;

use super::money::{MINOR_MAX, Rounding, Share};
use super::{Currency, Money, OutOfBound, PledgeId, Subject, Timestamp, bounded_text};

#[derive(Clone, Debug, PartialEq)]
pub struct Pledge {
    pub id: PledgeId,
    /// Counts from 1. A sale keeps the version it was made with.
    pub version: u32,
    pub host: Subject,
    /// Who gets it, and in which proportion. The projects are the same in every version; weights may change.
    pub parts: Vec<PledgePart>,
    pub base: PledgeBase,
    /// Accrual stops here, over all versions of the pledge.
    pub cap: Option<Money>,
    pub starts_at: Option<Timestamp>,
    pub ends_at: Option<Timestamp>,
    pub rounding: Rounding,
    /// SHA-256 of the signed agreement, 64 hex digits. Without an agreement there is no charity label.
    pub agreement_sha256: String,
}

/// A project that a pledge gives to, as the register had it when the pledge was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PledgePart {
    /// Its id in the register.
    pub project: String,
    pub title: String,
    pub charity_name: String,
    /// The charity's number in the public register.
    pub charity_registration: String,
    pub weight: u32,
}

pub const PARTS_MAX: usize = 5;
pub const WEIGHT_MAX: u32 = 1_000;

/// A part of a pledge over all its versions; counts from 0. Written `{pledge}` for part 0, `{pledge}.{part}` for others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartRef {
    pub pledge: PledgeId,
    pub part: u8,
}

/// Why a pledge gives nothing more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PledgeEnd {
    CapReached,
    PeriodOver,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum PledgeBase {
    PaidPrice(Share),
    PerUnit(Money),
}

/// The version of a pledge that a sale was made with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PledgeRef {
    pub id: PledgeId,
    pub version: u32,
}

impl Pledge {
    pub fn check(&self) -> Result<(), OutOfBound> {
        self.check_parts()?;
        let hex = self.agreement_sha256.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        if self.agreement_sha256.len() != 64 || !hex {
            return Err(OutOfBound::new("agreementSha256", "64 lower-case hex digits of SHA-256"));
        }
        match self.base {
            PledgeBase::PaidPrice(share) if share.as_ppm() == 0 => {
                return Err(OutOfBound::new("sharePpm", "1..=1000000 parts per million"));
            }
            PledgeBase::PerUnit(money) if !(1..=MINOR_MAX).contains(&money.minor) => {
                return Err(OutOfBound::new("perUnit", format!("1..={MINOR_MAX} in minor units")));
            }
            PledgeBase::PaidPrice(_) | PledgeBase::PerUnit(_) => {}
        }
        if let (Some(cap), Some(currency)) = (self.cap, self.currency())
            && cap.currency != currency
        {
            let bound = format!("{}, as perUnit", currency.as_str());
            return Err(OutOfBound::new("cap.currency", bound));
        }
        if let (Some(from), Some(to)) = (self.starts_at, self.ends_at)
            && from >= to
        {
            return Err(OutOfBound::new("endsAtMs", "later than startsAtMs"));
        }
        Ok(())
    }

    fn check_parts(&self) -> Result<(), OutOfBound> {
        if !(1..=PARTS_MAX).contains(&self.parts.len()) {
            return Err(OutOfBound::new("parts", format!("1..={PARTS_MAX} projects")));
        }
        for (at, part) in self.parts.iter().enumerate() {
            bounded_text("parts.projectId", &part.project, 1..=100)?;
            bounded_text("parts.title", &part.title, 1..=100)?;
            bounded_text("parts.charityName", &part.charity_name, 1..=100)?;
            bounded_text("parts.charityRegistration", &part.charity_registration, 4..=40)?;
            if !(1..=WEIGHT_MAX).contains(&part.weight) {
                return Err(OutOfBound::new("parts.weight", format!("1..={WEIGHT_MAX}")));
            }
            if self.parts[..at].iter().any(|earlier| earlier.project == part.project) {
                return Err(OutOfBound::new("parts.projectId", "each project once"));
            }
        }
        Ok(())
    }

    /// Whether another version gives to the same projects in the same order, as it must: what was accrued stays where it is.
    pub fn has_parts_of(&self, other: &Pledge) -> bool {
        self.parts.iter().map(|part| &part.project).eq(other.parts.iter().map(|part| &part.project))
    }

    pub fn part(&self, part: usize) -> PartRef {
        PartRef { pledge: self.id, part: u8::try_from(part).unwrap_or(u8::MAX) }
    }

    /// A gift over the parts, by weight: what does not divide goes to the largest remainders, of equal ones to the earlier part.
    pub fn by_part(&self, gift: i64) -> Vec<i64> {
        let weights: Vec<i64> = self.parts.iter().map(|part| part.weight.into()).collect();
        largest_remainder(gift, &weights)
    }

    /// A sale at this price gives every project at least the smallest coin for each unit.
    pub fn check_floor(&self, price: Money) -> Result<(), OutOfBound> {
        let gift = self.share_of(price, 1);
        if self.by_part(gift.minor).iter().all(|part| *part > 0) {
            return Ok(());
        }
        let bound = format!(
            "a pledge that gives each of its {} projects at least {} for a unit at {price}; it gives {gift} in all. Raise the share or the price",
            self.parts.len(),
            Money::new(1, price.currency),
        );
        Err(OutOfBound::new("pledgeId", bound))
    }

    /// `standing`: what is accrued and not reversed, in minor units of the cap's currency.
    pub fn ended(&self, standing: i64, now: Timestamp) -> Option<PledgeEnd> {
        if self.ends_at.is_some_and(|to| to <= now) {
            return Some(PledgeEnd::PeriodOver);
        }
        self.cap.filter(|cap| standing >= cap.minor).map(|_| PledgeEnd::CapReached)
    }

    /// `None`: a share of the price is in whatever currency is paid.
    pub fn currency(&self) -> Option<Currency> {
        let unit = match self.base {
            PledgeBase::PerUnit(unit) => Some(unit.currency),
            PledgeBase::PaidPrice(_) => None,
        };
        unit.or(self.cap.map(|cap| cap.currency))
    }

    pub fn reference(&self) -> PledgeRef {
        PledgeRef { id: self.id, version: self.version }
    }

    pub fn runs_at(&self, now: Timestamp) -> bool {
        self.starts_at.is_none_or(|from| from <= now) && self.ends_at.is_none_or(|to| now < to)
    }

    /// What a purchase owes, before the cap. With `PerUnit` it never exceeds what was paid.
    pub fn share_of(&self, paid: Money, quantity: u32) -> Money {
        match self.base {
            PledgeBase::PaidPrice(share) => paid.split(share, self.rounding).0,
            PledgeBase::PerUnit(unit) => {
                Money::new(unit.times(quantity).minor.min(paid.minor), paid.currency)
            }
        }
    }

    /// What stays owed after a refund left `kept` of `paid`: the share of the new base, never more than what was accrued.
    /// Reversing `accrued - share_kept` at each refund closes to zero when everything is refunded.
    pub fn share_kept(&self, paid: Money, kept: Money, quantity: u32, accrued: Money) -> Money {
        let share = match self.base {
            PledgeBase::PaidPrice(share) => kept.split(share, self.rounding).0.minor,
            PledgeBase::PerUnit(_) if paid.minor == 0 => 0,
            PledgeBase::PerUnit(_) => {
                let whole = i128::from(self.share_of(paid, quantity).minor);
                let kept = whole * i128::from(kept.minor) / i128::from(paid.minor);
                i64::try_from(kept).expect("at most the whole share")
            }
        };
        Money::new(share.min(accrued.minor), paid.currency)
    }
}

/// Whole units in proportion to the weights. Without any weight nobody gets anything.
pub fn largest_remainder(total: i64, weights: &[i64]) -> Vec<i64> {
    let whole: i128 = weights.iter().map(|weight| i128::from(*weight)).sum();
    if whole <= 0 {
        return vec![0; weights.len()];
    }
    let mut shares: Vec<i64> = Vec::with_capacity(weights.len());
    let mut remainders: Vec<(i128, usize)> = Vec::with_capacity(weights.len());
    for (at, weight) in weights.iter().enumerate() {
        let product = i128::from(total) * i128::from(*weight);
        shares.push(i64::try_from(product.div_euclid(whole)).expect("a part of the total"));
        remainders.push((-product.rem_euclid(whole), at));
    }
    remainders.sort_unstable();
    let left = total - shares.iter().sum::<i64>();
    for (_, at) in remainders.into_iter().take(usize::try_from(left).unwrap_or(0)) {
        shares[at] += 1;
    }
    shares
}

impl fmt::Display for PartRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.part {
            0 => write!(f, "{}", self.pledge),
            part => write!(f, "{}.{part}", self.pledge),
        }
    }
}

impl FromStr for PartRef {
    type Err = OutOfBound;

    fn from_str(text: &str) -> Result<Self, OutOfBound> {
        let Some((pledge, part)) = text.split_once('.') else {
            return Ok(Self { pledge: text.parse()?, part: 0 });
        };
        let parts = 1..PARTS_MAX;
        match part.parse::<u8>() {
            Ok(number) if part.len() == 1 && parts.contains(&usize::from(number)) => {
                Ok(Self { pledge: pledge.parse()?, part: number })
            }
            Ok(_) | Err(_) => Err(OutOfBound::new("part", format!("1..={} after the dot", PARTS_MAX - 1))),
        }
    }
}

impl From<PledgeId> for PartRef {
    /// Its first.
    fn from(pledge: PledgeId) -> Self {
        Self { pledge, part: 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pledge(base: PledgeBase, rounding: Rounding) -> Pledge {
        Pledge {
            id: "0190a000-0000-7000-8000-000000000001".parse().unwrap(),
            version: 1,
            host: "host".parse().unwrap(),
            parts: vec![part("school-meals", 1)],
            base,
            cap: None,
            starts_at: None,
            ends_at: None,
            rounding,
            agreement_sha256: "0".repeat(64),
        }
    }

    fn part(project: &str, weight: u32) -> PledgePart {
        PledgePart {
            project: project.into(),
            title: "School meals".into(),
            charity_name: "A foundation".into(),
            charity_registration: "53100000".into(),
            weight,
        }
    }

    fn cny(minor: i64) -> Money {
        Money::new(minor, Currency::CNY)
    }

    #[test]
    fn the_cap_and_the_paid_price_bound_the_share() {
        let per_unit = pledge(PledgeBase::PerUnit(cny(300)), Rounding::Down);
        assert_eq!(per_unit.share_of(cny(1_000), 2), cny(600));
        assert_eq!(per_unit.share_of(cny(500), 2), cny(500));
    }

    #[test]
    fn parts_are_bounded_and_each_project_stands_once() {
        let with = |parts: Vec<PledgePart>| {
            let parts = Pledge { parts, ..pledge(PledgeBase::PerUnit(cny(300)), Rounding::Down) };
            parts.check().map_err(|refused| refused.to_string())
        };
        assert_eq!(with(vec![part("a", 1), part("b", 2)]), Ok(()));
        let refused = |parts| with(parts).unwrap_err();
        assert!(refused(vec![]).contains("1..=5 projects"));
        assert!(refused((0..6).map(|n| part(&format!("p{n}"), 1)).collect()).contains("1..=5 projects"));
        assert!(refused(vec![part("a", 1), part("a", 1)]).contains("each project once"));
        assert!(refused(vec![part("a", 0)]).contains("1..=1000"));
        assert!(refused(vec![part("a", 1_001)]).contains("1..=1000"));
    }

    /// What remains goes to the largest remainders, of equal ones to the earlier part.
    #[test]
    fn a_gift_is_split_by_largest_remainder() {
        for (total, weights, shares) in [
            (100, &[1, 1, 1][..], &[34, 33, 33][..]),
            (101, &[1, 1, 1], &[34, 34, 33]),
            (10, &[1, 2, 3], &[2, 3, 5]),
            (1, &[1, 1], &[1, 0]),
            (0, &[3, 4], &[0, 0]),
            (7, &[0, 0], &[0, 0]),
            (5, &[7], &[5]),
        ] {
            assert_eq!(largest_remainder(total, weights), shares, "{total} by {weights:?}");
        }
    }

    #[test]
    fn the_smallest_coin_is_the_floor_of_every_part() {
        let mut two = pledge(PledgeBase::PaidPrice(Share::ppm(10_000).unwrap()), Rounding::Down);
        two.parts.push(part("books", 1));
        assert_eq!(two.check_floor(cny(200)), Ok(()));
        let refused = two.check_floor(cny(199)).unwrap_err().to_string();
        assert!(refused.contains("each of its 2 projects at least 0.01"), "{refused}");
    }

    #[test]
    fn a_pledge_ends_by_cap_or_time() {
        let mut it = pledge(PledgeBase::PerUnit(cny(300)), Rounding::Down);
        assert_eq!(it.ended(i64::MAX, Timestamp(5)), None);
        (it.cap, it.ends_at) = (Some(cny(500)), Some(Timestamp(10)));
        assert_eq!(it.ended(499, Timestamp(9)), None);
        assert_eq!(it.ended(500, Timestamp(9)), Some(PledgeEnd::CapReached));
        assert_eq!(it.ended(500, Timestamp(10)), Some(PledgeEnd::PeriodOver));
    }

    #[test]
    fn a_part_is_named_by_its_pledge() {
        let first = PartRef::from(pledge(PledgeBase::PerUnit(cny(1)), Rounding::Down).id);
        let third = PartRef { part: 2, ..first };
        for named in [first, third] {
            assert_eq!(named.to_string().parse(), Ok(named));
        }
        assert_eq!(third.to_string(), format!("{first}.2"));
        for wrong in ["", ".1", "x.1"]
            .map(str::to_owned)
            .into_iter()
            .chain(["0", "5", "01", "", "-1"].map(|part| format!("{first}.{part}")))
        {
            assert!(wrong.parse::<PartRef>().is_err(), "{wrong}");
        }
    }

    proptest! {
        /// The log's own arithmetic, written apart, splits alike; nothing is lost, and nobody is off by more than one.
        #[test]
        fn a_split_is_whole_and_fair(total in 0..1_000_000_000i64, weights in prop::collection::vec(1..=1_000i64, 1..=5)) {
            let shares = largest_remainder(total, &weights);
            prop_assert_eq!(shares.iter().sum::<i64>(), total);
            let whole: i64 = weights.iter().sum();
            for (share, weight) in shares.iter().zip(&weights) {
                prop_assert!((share * whole - total * weight).abs() < whole);
            }
            prop_assert_eq!(shares, apricot_tlog::share::split(total, &weights));
        }

        /// Partial refunds in any order and size reverse exactly what was accrued.
        #[test]
        fn refunds_close_to_zero(
            paid in 1..1_000_000i64, quantity in 1..99u32, ppm in 1..=1_000_000u32, cuts in prop::collection::vec(1..100_000i64, 0..6),
            per_unit in any::<bool>(),
        ) {
            let base = if per_unit { PledgeBase::PerUnit(cny(250)) } else { PledgeBase::PaidPrice(Share::ppm(ppm).unwrap()) };
            for rounding in [Rounding::Down, Rounding::HalfEven, Rounding::Up] {
                let pledge = pledge(base, rounding);
                let accrued = pledge.share_of(cny(paid), quantity);
                let (mut standing, mut kept) = (accrued, paid);
                for cut in cuts.iter().copied().chain([i64::MAX]) {
                    kept -= cut.min(kept);
                    let next = pledge.share_kept(cny(paid), cny(kept), quantity, standing);
                    prop_assert!(next.minor >= 0 && next.minor <= standing.minor);
                    standing = next;
                }
                prop_assert_eq!(standing.minor, 0);
            }
        }
    }
}
