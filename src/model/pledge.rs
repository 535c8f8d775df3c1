//! A host's promise to a charity project: versioned, and fixed before the sale.

use super::money::{MINOR_MAX, Rounding, Share};
use super::{Currency, Money, OutOfBound, PledgeId, Subject, Timestamp, bounded_text};

#[derive(Clone, Debug, PartialEq)]
pub struct Pledge {
    pub id: PledgeId,
    /// Counts from 1. A sale keeps the version it was made with.
    pub version: u32,
    pub host: Subject,
    pub project: String,
    pub charity_name: String,
    /// The charity's number in the public register.
    pub charity_registration: String,
    pub base: PledgeBase,
    /// Accrual stops here, over all versions of the pledge.
    pub cap: Option<Money>,
    pub starts_at: Option<Timestamp>,
    pub ends_at: Option<Timestamp>,
    pub rounding: Rounding,
    /// SHA-256 of the signed agreement, 64 hex digits. Without an agreement there is no charity label.
    pub agreement_sha256: String,
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
        bounded_text("project", &self.project, 1..=100)?;
        bounded_text("charityName", &self.charity_name, 1..=100)?;
        bounded_text("charityRegistration", &self.charity_registration, 4..=40)?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pledge(base: PledgeBase, rounding: Rounding) -> Pledge {
        Pledge {
            id: "0190a000-0000-7000-8000-000000000001".parse().unwrap(),
            version: 1,
            host: "host".parse().unwrap(),
            project: "School meals".into(),
            charity_name: "A foundation".into(),
            charity_registration: "53100000".into(),
            base,
            cap: None,
            starts_at: None,
            ends_at: None,
            rounding,
            agreement_sha256: "0".repeat(64),
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

    proptest! {
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
