//! The arithmetic of pledges.

use apricot_tlog::leaf::{Base, Pledge, Rounding};
use apricot_tlog::share::{by_weight, keep, share, share_kept, split};
use proptest::prelude::*;

use crate::stage::{cny, pledge};

const ROUNDINGS: [Rounding; 3] = [Rounding::Down, Rounding::HalfEven, Rounding::Up];

fn of(ppm: u32, rounding: Rounding) -> Pledge {
    Pledge { share_ppm: ppm, rounding, ..pledge(1, &[1]) }
}

fn each(per_unit: i64) -> Pledge {
    Pledge { base: Base::PerUnit, share_ppm: 0, per_unit, currency: Some(cny()), ..pledge(1, &[1]) }
}

#[test]
fn rounding_is_as_named() {
    let share_of = |paid, rounding| share(&of(25_000, rounding), paid, 1);
    assert_eq!(share_of(1_990, Rounding::Down), 49); // 49.75
    assert_eq!(share_of(1_990, Rounding::HalfEven), 50);
    assert_eq!(share_of(1_961, Rounding::Up), 50); // 49.025
    assert_eq!(share_of(100, Rounding::HalfEven), 2); // 2.5 goes to even
    assert_eq!(share_of(300, Rounding::HalfEven), 8); // 7.5 goes to even
    assert_eq!(share(&each(300), 1_000, 2), 600);
    assert_eq!(share(&each(300), 500, 2), 500, "never more than was paid");
    assert_eq!(share_kept(&each(300), 1_000, 333, 2, 600), 199); // 199.8, down
    assert_eq!(share_kept(&each(300), 0, 0, 2, 0), 0);
}

#[test]
fn largest_remainders_go_first_and_earlier_parts_of_equal_ones() {
    assert_eq!(split(100, &[1, 1, 1]), [34, 33, 33]);
    assert_eq!(split(101, &[1, 1, 1]), [34, 34, 33]);
    assert_eq!(split(2, &[1, 1, 1]), [1, 1, 0]);
    assert_eq!(split(10, &[6, 6, 2]), [4, 4, 2]);
    assert_eq!(split(11, &[6, 6, 2]), [5, 5, 1]);
    assert_eq!(split(7, &[5]), [7]);
    assert_eq!(split(7, &[0, 3]), [0, 7]);
    assert_eq!((split(0, &[0, 0]), split(5, &[])), (vec![0, 0], vec![]));
    // By the weights, the third part would grow from 1 to 2 when one fen of eleven is refunded.
    assert_eq!(keep(&[5, 5, 1], 10), [5, 4, 1]);
}

proptest! {
    #[test]
    fn a_split_is_whole_and_fair(total in 0..=1_000_000_000_000_i64, weights in prop::collection::vec(1..=1_000_i64, 1..6)) {
        let (parts, whole) = (split(total, &weights), weights.iter().sum::<i64>());
        prop_assert_eq!(parts.iter().sum::<i64>(), total);
        for (part, weight) in parts.iter().zip(&weights) {
            let exact = i128::from(total) * i128::from(*weight);
            prop_assert!((i128::from(*part) * i128::from(whole) - exact).abs() < i128::from(whole), "{part} of {weight}");
        }
    }

    /// Refunds in any pieces end where one refund of their sum ends, no part ever grows, and nothing is left of nothing.
    #[test]
    fn partial_refunds_telescope(
        paid in 1..=10_000_000_i64, quantity in 1..99_u32, ppm in 1..=1_000_000_u32, cuts in prop::collection::vec(1..1_000_000_i64, 0..8),
        weights in prop::collection::vec(1..=1_000_u32, 1..6), per_unit in prop::option::of(1..1_000_i64), cap in prop::option::of(0..1_000_i64),
    ) {
        for rounding in ROUNDINGS {
            let base = per_unit.map_or_else(|| of(ppm, rounding), each);
            let pledge = Pledge { parts: pledge(1, &weights).parts, ..base };
            let accrued = share(&pledge, paid, quantity).min(cap.unwrap_or(i64::MAX));
            prop_assert!((0..=paid).contains(&accrued));
            let (mut parts, mut kept) = (by_weight(&pledge, accrued), paid);
            for cut in cuts.iter().copied().chain([i64::MAX]) {
                kept -= cut.min(kept);
                let due = share_kept(&pledge, paid, kept, quantity, accrued);
                let next = keep(&parts, due);
                prop_assert!(next.iter().zip(&parts).all(|(next, before)| (0..=*before).contains(next)), "{parts:?} {next:?}");
                prop_assert_eq!(next.iter().sum::<i64>(), due);
                parts = next;
            }
            prop_assert!(parts.iter().all(|part| *part == 0));
        }
    }
}
