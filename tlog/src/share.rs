//! What a pledge owes, computed from its leaf alone: an arithmetic of its own, apart from the server's.

use crate::leaf::{Base, Pledge, Rounding, WHOLE_PPM};

/// What an order gives, before the cap. An amount for each unit never exceeds what was paid.
pub fn share(pledge: &Pledge, paid: i64, quantity: u32) -> i64 {
    match pledge.base {
        Base::PaidPrice => of(paid, pledge.share_ppm, pledge.rounding),
        Base::PerUnit => pledge.per_unit.saturating_mul(i64::from(quantity)).min(paid),
    }
}

/// What still stands after a refund that leaves `kept` of `paid`: the share of what is kept, and never more than was accrued. So any
/// refunds, in whatever pieces, end at the same figure, and at nothing when all is refunded.
pub fn share_kept(pledge: &Pledge, paid: i64, kept: i64, quantity: u32, accrued: i64) -> i64 {
    let share = match pledge.base {
        Base::PaidPrice => of(kept, pledge.share_ppm, pledge.rounding),
        Base::PerUnit if paid == 0 => 0,
        // In proportion, rounded down.
        Base::PerUnit => proportion(share(pledge, paid, quantity), kept, paid),
    };
    share.min(accrued)
}

/// Whole units by largest remainder; of equal remainders the earlier part goes first. Weights are not negative; without any weight nobody
/// gets anything.
pub fn split(total: i64, weights: &[i64]) -> Vec<i64> {
    let whole: i128 = weights.iter().map(|weight| i128::from(*weight)).sum();
    if whole <= 0 {
        return vec![0; weights.len()];
    }
    let products = || weights.iter().map(|weight| i128::from(total) * i128::from(*weight));
    let narrow = |value: i128| i64::try_from(value).expect("a part of the total");
    let mut parts: Vec<i64> = products().map(|product| narrow(product.div_euclid(whole))).collect();
    let mut order: Vec<(i128, usize)> = products()
        .map(|product| product.rem_euclid(whole))
        .enumerate()
        .map(|(at, rest)| (-rest, at))
        .collect();
    order.sort_unstable();
    let left = total - parts.iter().sum::<i64>();
    for (_, at) in order.into_iter().take(usize::try_from(left).expect("fewer than parts")) {
        parts[at] += 1;
    }
    parts
}

/// An order's share over the parts of its pledge.
pub fn by_weight(pledge: &Pledge, share: i64) -> Vec<i64> {
    let weights: Vec<i64> = pledge.parts.iter().map(|part| part.weight.into()).collect();
    split(share, &weights)
}

/// What each part keeps after a refund that leaves `kept` of what stands: in proportion to what each has, so that no part ever grows (by the
/// weights it could).
pub fn keep(standing: &[i64], kept: i64) -> Vec<i64> {
    split(kept, standing)
}

/// `ppm` of an amount.
pub fn of(minor: i64, ppm: u32, rounding: Rounding) -> i64 {
    let whole = i128::from(WHOLE_PPM);
    let product = i128::from(minor) * i128::from(ppm);
    let (floor, rest) = (product.div_euclid(whole), product.rem_euclid(whole));
    let up = match rounding {
        Rounding::Down => false,
        Rounding::HalfEven => rest * 2 > whole || (rest * 2 == whole && floor % 2 != 0),
        Rounding::Up => rest > 0,
    };
    i64::try_from(floor + i128::from(up)).unwrap_or(i64::MAX)
}

fn proportion(whole: i64, part: i64, of: i64) -> i64 {
    i64::try_from(i128::from(whole) * i128::from(part) / i128::from(of)).unwrap_or(i64::MAX)
}
