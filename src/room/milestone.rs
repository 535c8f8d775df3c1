//! Round numbers of the charity counter, each told once.

use std::collections::HashMap;

use crate::ledger::CharityTotal;
use crate::model::{Money, PledgeId};

/// The highest round number that each pledge has been seen at. Bounded by the room's pledges.
#[derive(Debug, Default)]
pub struct Milestones(HashMap<PledgeId, i64>);

impl Milestones {
    /// The round number that the total crossed since the last reading. The first reading only sets the mark, and a total that falls
    /// by a refund and grows again does not cross twice.
    pub fn crossed(&mut self, total: &CharityTotal) -> Option<Money> {
        let whole = 10_i64.pow(total.currency.exponent());
        let net = total.gross_accrued.saturating_sub(total.gross_reversed);
        let reached = round_below(net / whole).saturating_mul(whole);
        match self.0.get_mut(&total.pledge) {
            None => {
                self.0.insert(total.pledge, reached);
                None
            }
            Some(mark) if reached > *mark => {
                *mark = reached;
                Some(Money::new(reached, total.currency))
            }
            Some(_) => None,
        }
    }
}

/// The greatest of 10, 20, 50, 100, 200, … that is at most `value`; 0 below 10.
fn round_below(value: i64) -> i64 {
    let mut power = 10_i64;
    if value < power {
        return 0;
    }
    while value / 10 >= power {
        power *= 10;
    }
    match value / power {
        1 => power,
        2..=4 => 2 * power,
        _ => 5 * power,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Currency;

    #[test]
    fn each_round_number_is_told_once() {
        let mut milestones = Milestones::default();
        let mut at = |gross_accrued, gross_reversed| {
            let total = CharityTotal {
                pledge: "0190a000-0000-7000-8000-000000000001".parse().unwrap(),
                epoch: 1,
                sequence: 1,
                currency: Currency::CNY,
                gross_accrued,
                gross_reversed,
                confirmed: 0,
                remitted: 0,
                ended: None,
                gross_matched: 0,
                gross_unmatched: 0,
            };
            milestones.crossed(&total).map(|money| money.minor)
        };
        assert_eq!(at(600, 0), None, "the first reading sets the mark");
        assert_eq!(at(999, 0), None);
        assert_eq!(at(1_000, 0), Some(1_000));
        assert_eq!(at(1_999, 0), None);
        assert_eq!(at(7_000, 0), Some(5_000), "20 was passed on the way");
        assert_eq!(at(7_000, 6_500), None);
        assert_eq!(at(12_000, 6_500), None, "50 was told before");
        assert_eq!(at(40_000, 6_500), Some(20_000));
    }

    #[test]
    fn round_numbers_are_one_two_and_five() {
        let values = [0, 9, 10, 19, 20, 49, 50, 99, 100, 999, 1_000, i64::MAX];
        let rounds = [0, 0, 10, 10, 20, 20, 50, 50, 100, 500, 1_000, 5_000_000_000_000_000_000];
        assert_eq!(values.map(round_below), rounds);
    }
}
