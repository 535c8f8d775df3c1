//! The charity counter and the books, by arithmetic of our own.

use std::collections::{BTreeMap, HashMap, HashSet};

use uuid::Uuid;

use super::{
    Rule, Verdict,
    record::{Base, Order, Pledge, Record, Rounding, Sum, Transfer, code},
};
use crate::history::{Counter, History, Reading};

const WHOLE_PPM: i128 = 1_000_000;

/// What a pledge takes of an order, before any cap: a share of the price, rounded as the pledge says, or an amount for
/// each unit that never exceeds the price.
fn share(pledge: &Pledge, paid: i64, quantity: i64) -> i64 {
    match pledge.base {
        Base::PaidPrice { share_ppm } => part(paid, share_ppm, pledge.rounding),
        Base::PerUnit { minor } => minor.saturating_mul(quantity).min(paid),
    }
}

fn part(minor: i64, ppm: i64, rounding: Rounding) -> i64 {
    let product = i128::from(minor) * i128::from(ppm);
    let whole = product / WHOLE_PPM;
    let rest = product % WHOLE_PPM;
    let up = match rounding {
        Rounding::Down => false,
        Rounding::Up => rest > 0,
        Rounding::HalfEven => 2 * rest > WHOLE_PPM || (2 * rest == WHOLE_PPM && whole % 2 == 1),
    };
    i64::try_from(whole + i128::from(up)).unwrap_or(i64::MAX)
}

/// What stays accrued when `kept` of `paid` is left after refunds.
fn share_kept(pledge: &Pledge, paid: i64, kept: i64, quantity: i64, accrued: i64) -> i64 {
    let share = match pledge.base {
        Base::PaidPrice { share_ppm } => part(kept, share_ppm, pledge.rounding),
        Base::PerUnit { .. } if paid == 0 => 0,
        Base::PerUnit { .. } => {
            let whole = i128::from(share(pledge, paid, quantity));
            i64::try_from(whole * i128::from(kept) / i128::from(paid)).unwrap_or(i64::MAX)
        }
    };
    share.min(accrued)
}

pub fn of_record(record: &Record, verdict: &mut Verdict) {
    totals_cache(record, verdict);
    currencies(record, verdict);
    let orders: HashMap<Uuid, &Order> = record.orders.iter().map(|order| (order.id, order)).collect();
    let mut standing: HashMap<Uuid, (i64, i64)> = HashMap::new();
    // In the order of their first line.
    let mut accruals: Vec<Uuid> = Vec::new();
    for transfer in &record.transfers {
        let Some(order) = transfer.order else { continue };
        match transfer.code {
            code::ACCRUE => {
                if !standing.contains_key(&order) {
                    accruals.push(order);
                }
                standing.entry(order).or_default().0 += transfer.amount;
                if let Some(order) = orders.get(&order) {
                    credited(record, order, transfer, verdict);
                }
            }
            code::REVERSE => standing.entry(order).or_default().1 += transfer.amount,
            _ => {}
        }
    }
    let mut gross: HashMap<Uuid, i64> = HashMap::new();
    for (order, accrued) in
        accruals.iter().filter_map(|order| Some((*orders.get(order)?, standing.get(order)?.0)))
    {
        accrual(record, order, accrued, &mut gross, verdict);
    }
    for order in &record.orders {
        let (accrued, reversed) = standing.get(&order.id).copied().unwrap_or_default();
        what_stands(record, order, accrued, reversed, verdict);
    }
}

/// The pledge of an order's sale, in the version the sale was made with, if it ran when the order was paid.
fn pledge_of<'a>(record: &'a Record, order: &Order) -> Option<((Uuid, i64), &'a Pledge)> {
    let key = record.sales.get(&order.sale)?.pledge?;
    let pledge = record.pledges.get(&key)?;
    let paid_at = order.paid_at?;
    let runs =
        pledge.starts_at.is_none_or(|from| from <= paid_at) && pledge.ends_at.is_none_or(|to| paid_at < to);
    runs.then_some((key, pledge))
}

/// Whether an account is of a part of the pledge: its name, and of every part but the first a dot and a number.
fn is_of(account: &str, kind: &str, pledge: Uuid) -> bool {
    let part = account.strip_prefix(kind).and_then(|rest| rest.strip_prefix(&format!("/{pledge}")));
    part.is_some_and(|part| part.is_empty() || part.starts_with('.'))
}

fn credited(record: &Record, order: &Order, transfer: &Transfer, verdict: &mut Verdict) {
    let Some((key, _)) = pledge_of(record, order) else { return };
    let account = record.accounts.get(&transfer.credit).map_or("", |account| account.name.as_str());
    if !is_of(account, "charity_accrued", key.0) {
        verdict.found(
            Rule::CounterWrong,
            format!("order {}: its share of pledge {} was credited to {account:?}", order.id, key.0),
        );
    }
}

/// What an order gave to all parts together, against the pledge's rule; `gross` walks with the orders, for caps.
fn accrual(
    record: &Record,
    order: &Order,
    accrued: i64,
    gross: &mut HashMap<Uuid, i64>,
    verdict: &mut Verdict,
) {
    let Some((key, pledge)) = pledge_of(record, order) else {
        if accrued > 0 {
            verdict.found(
                Rule::CounterWrong,
                format!("order {}: {accrued} accrued without a pledge that ran", order.id),
            );
        }
        return;
    };
    let share = share(pledge, order.total(), order.quantity);
    let before = gross.entry(key.0).or_default();
    let room = pledge.cap.map_or(i64::MAX, |cap| (cap - *before).max(0));
    *before += accrued;
    // With a cap in reach, reversals may have made room again: then anything up to the share is right.
    let right = if share <= room { accrued == share } else { accrued <= share };
    if !right {
        verdict.found(
            Rule::CounterWrong,
            format!("order {}: {accrued} accrued, the pledge's rule gives {share}", order.id),
        );
    }
}

/// What an order leaves accrued after its refunds.
fn what_stands(record: &Record, order: &Order, accrued: i64, reversed: i64, verdict: &mut Verdict) {
    let stands = accrued - reversed;
    let mut wrong = |what: String| {
        verdict.found(Rule::CounterWrong, format!("order {}: {what}", order.id));
    };
    if stands != order.charity {
        wrong(format!("the order says {} for charity, its transfers say {stands}", order.charity));
    }
    let Some((_, pledge)) = pledge_of(record, order).filter(|_| order.stage.is_bought()) else {
        return;
    };
    if accrued == 0 && pledge.cap.is_none() && share(pledge, order.total(), order.quantity) > 0 {
        wrong("paid, and nothing was accrued".into());
    }
    let kept = order.total() - order.refunded;
    let right = share_kept(pledge, order.total(), kept, order.quantity, accrued);
    if order.refunded > 0 && stands != right {
        wrong(format!("{stands} stands after a refund of {}, the rule gives {right}", order.refunded));
    }
}

/// The record's cache against its transfers.
fn totals_cache(record: &Record, verdict: &mut Verdict) {
    let mut sums: BTreeMap<(i64, i64), Sum> = BTreeMap::new();
    for transfer in &record.transfers {
        let debit = sums.entry((transfer.debit, transfer.code)).or_default();
        debit.debits += transfer.amount;
        debit.newest = debit.newest.max(transfer.id);
        let credit = sums.entry((transfer.credit, transfer.code)).or_default();
        credit.credits += transfer.amount;
        credit.newest = credit.newest.max(transfer.id);
    }
    let keys: HashSet<_> = sums.keys().chain(record.totals.keys()).collect();
    for (account, code) in keys {
        let right = sums.get(&(*account, *code)).copied().unwrap_or_default();
        let cached = record.totals.get(&(*account, *code)).copied().unwrap_or_default();
        if right != cached {
            let name = record.accounts.get(account).map_or("?", |account| account.name.as_str());
            verdict.found(
                Rule::CounterWrong,
                format!("totals of {name}, code {code}: cached {cached:?}, the transfers give {right:?}"),
            );
        }
    }
}

/// A transfer balances by its shape, unless its two accounts are of two currencies or do not exist.
fn currencies(record: &Record, verdict: &mut Verdict) {
    let mut sums: BTreeMap<&str, i64> = BTreeMap::new();
    for transfer in &record.transfers {
        for (account, amount) in [(transfer.debit, -transfer.amount), (transfer.credit, transfer.amount)] {
            let currency = record.accounts.get(&account).map_or("?", |account| account.currency.as_str());
            *sums.entry(currency).or_default() += amount;
        }
    }
    for (currency, sum) in sums.into_iter().filter(|(_, sum)| *sum != 0) {
        verdict.found(Rule::CounterWrong, format!("the accounts in {currency} sum to {sum}, not to zero"));
    }
}

pub fn of_history(history: &History, verdict: &mut Verdict) {
    let mut counters = history.counters.clone();
    counters.sort();
    let end = history.end.as_ref().map(|end| (end.total, None));
    let mut readings: Vec<(Reading, Option<u32>)> =
        counters.into_iter().map(|Counter { reading, node }| (reading, Some(node))).chain(end).collect();
    readings.sort_by_key(|(reading, _)| *reading);
    // What several nodes showed alike counts once.
    readings.dedup_by_key(|(reading, _)| *reading);
    for pair in readings.windows(2) {
        let [(before, before_at), (after, after_at)] = pair else { continue };
        if before.epoch != after.epoch {
            verdict.found(
                Rule::CounterWrong,
                format!(
                    "the counter's epoch went from {} to {} within one record",
                    before.epoch, after.epoch
                ),
            );
        } else if after.accrued_minor < before.accrued_minor
            || after.reversed_minor < before.reversed_minor
            || after.sequence == before.sequence
        {
            verdict.found(
                Rule::CounterWrong,
                format!(
                    "the counter fell or split: {before:?} {} then {after:?} {}",
                    at_node(*before_at),
                    at_node(*after_at)
                ),
            );
        }
    }
    let Some(end) = &history.end else { return };
    for (reading, _) in readings.iter().filter(|(reading, _)| reading.accrued_minor > end.total.accrued_minor)
    {
        verdict.found(
            Rule::CounterWrong,
            format!(
                "the counter showed {}, beyond its end at {}",
                reading.accrued_minor, end.total.accrued_minor
            ),
        );
    }
    for (currency, sum) in end.trial_balance_minor.iter().filter(|(_, sum)| **sum != 0) {
        verdict.found(Rule::CounterWrong, format!("the trial balance in {currency} is {sum}, not zero"));
    }
}

fn at_node(node: Option<u32>) -> String {
    node.map_or_else(|| "at the end".into(), |node| format!("at node {node}"))
}

/// Every reading must be the sum of the transfers up to its sequence, and the last one the sum of all.
pub fn of_both(record: &Record, history: &History, verdict: &mut Verdict) {
    let pledge = history.head.pledge;
    let ours = record.accounts.iter().filter(|(_, account)| is_of(&account.name, "charity_accrued", pledge));
    let ours: HashSet<i64> = ours.map(|(id, _)| *id).collect();
    let mut sums = vec![(0, 0, 0)];
    let (mut accrued, mut reversed) = (0, 0);
    for transfer in &record.transfers {
        match transfer.code {
            code::ACCRUE if ours.contains(&transfer.credit) => accrued += transfer.amount,
            code::REVERSE if ours.contains(&transfer.debit) => reversed += transfer.amount,
            _ => continue,
        }
        sums.push((transfer.id.unsigned_abs(), accrued, reversed));
    }
    let end = history.end.as_ref().map(|end| end.total);
    for reading in history.counters.iter().map(|counter| &counter.reading).chain(&end) {
        let upto = sums.partition_point(|(id, ..)| *id <= reading.sequence);
        let (_, accrued, reversed) = sums[upto - 1];
        if (reading.accrued_minor, reading.reversed_minor) != (accrued, reversed) {
            verdict.found(
                Rule::CounterWrong,
                format!(
                    "{reading:?}, and the transfers up to there give {accrued} accrued, {reversed} reversed"
                ),
            );
        }
        if reading.epoch != record.epoch {
            verdict.found(
                Rule::CounterWrong,
                format!("{reading:?} names another epoch than the record's {}", record.epoch),
            );
        }
    }
    if let Some(Reading { accrued_minor, reversed_minor, .. }) = end
        && (accrued_minor, reversed_minor) != (accrued, reversed)
    {
        verdict.found(
            Rule::CounterWrong,
            format!("the final total is {accrued_minor} accrued, {reversed_minor} reversed; the transfers give {accrued}, {reversed}"),
        );
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{
        super::{judge, samples::*},
        *,
    };

    fn caught(record: &Record, history: &History, words: &str) {
        let verdict = judge(Some(record), Some(history));
        assert!(verdict.count(Rule::CounterWrong) > 0, "{:?}", verdict.findings);
        assert!(
            verdict.findings.iter().any(|finding| finding.detail.contains(words)),
            "{words:?} is not in {:?}",
            verdict.findings
        );
    }

    #[test]
    fn a_counter_that_falls_is_caught() {
        let mut history = clean_history();
        let Counter { reading: first, .. } = history.counters[0];
        let reading =
            Reading { sequence: first.sequence + 1, accrued_minor: first.accrued_minor - 1, ..first };
        history.counters.push(Counter { reading, node: 1 });
        caught(&clean_record(), &history, "fell or split");
        caught(&clean_record(), &history, "at node 1");
    }

    #[test]
    fn a_counter_beyond_its_transfers_is_caught() {
        let mut history = clean_history();
        history.counters[0].reading.accrued_minor += 1;
        caught(&clean_record(), &history, "up to there");
    }

    #[test]
    fn a_counter_of_another_epoch_is_caught() {
        let mut history = clean_history();
        history.counters[0].reading.epoch += 1;
        caught(&clean_record(), &history, "epoch");
    }

    #[test]
    fn an_accrual_off_by_one_is_caught() {
        let mut record = clean_record();
        let accrual = record.transfers.iter_mut().find(|t| t.code == code::ACCRUE).unwrap();
        accrual.amount += 1;
        caught(&record, &clean_history(), "the pledge's rule gives");
    }

    #[test]
    fn a_stale_cache_is_caught() {
        let mut record = clean_record();
        record.totals.values_mut().next().unwrap().credits += 7;
        caught(&record, &clean_history(), "cached");
    }

    #[test]
    fn a_trial_balance_that_is_not_zero_is_caught() {
        let mut history = clean_history();
        history.end.as_mut().unwrap().trial_balance_minor.insert("CNY".into(), 1);
        caught(&clean_record(), &history, "not zero");
    }

    #[test]
    fn two_currencies_in_one_transfer_are_caught() {
        let mut record = clean_record();
        let credit = record.transfers[0].credit;
        record.accounts.get_mut(&credit).unwrap().currency = "EUR".into();
        caught(&record, &clean_history(), "not to zero");
    }

    #[test]
    fn a_refund_that_reversed_nothing_is_caught() {
        let mut record = clean_record();
        record.transfers.retain(|transfer| transfer.code != code::REVERSE);
        caught(&record, &clean_history(), "its transfers say");
    }

    #[test]
    fn halves_go_to_the_even_side() {
        let half = |minor| part(minor, 500_000, Rounding::HalfEven);
        assert_eq!((half(1), half(3), half(5)), (0, 2, 2));
        assert_eq!(part(1, 1, Rounding::Up), 1);
        assert_eq!(part(999_999, 1, Rounding::Down), 0);
    }

    proptest! {
        /// A share is between nothing and all, rounding differs by one at most, and a whole refund leaves nothing.
        #[test]
        fn shares_stay_inside_the_price(paid in 1..10_000_000i64, ppm in 1..=1_000_000i64, kept in 0..10_000_000i64) {
            let kept = kept.min(paid);
            let down = part(paid, ppm, Rounding::Down);
            let up = part(paid, ppm, Rounding::Up);
            prop_assert!(0 <= down && up <= paid && up - down <= 1);
            for rounding in [Rounding::Down, Rounding::HalfEven, Rounding::Up] {
                let pledge = Pledge { base: Base::PaidPrice { share_ppm: ppm }, rounding, cap: None, starts_at: None, ends_at: None };
                let accrued = share(&pledge, paid, 1);
                let stands = share_kept(&pledge, paid, kept, 1, accrued);
                prop_assert!(0 <= stands && stands <= accrued);
                prop_assert_eq!(share_kept(&pledge, paid, 0, 1, accrued), 0);
                prop_assert_eq!(share_kept(&pledge, paid, paid, 1, accrued), accrued);
            }
        }
    }
}
