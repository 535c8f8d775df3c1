//! Units: oversold, undersold, and the limit per buyer.

use std::collections::HashMap;

use uuid::Uuid;

use super::{
    Rule, Verdict,
    record::{Hold, HoldOutcome, Order, Record},
};
use crate::history::{Act, History, Outcome, Refusal};

/// A refusal within this time after the last unit came back may have been decided before it. Expiry itself needs no time:
/// it is a predicate. The rest is a node's memory of "sold out", which a release must lift.
pub const FREE_FOR_GOOD_MS: i64 = 2_000;

/// A lot's units, counted from the holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Units {
    claimed: i64,
    standing: i64,
    /// Also those that ran out and were not swept: the lot's own counter still has them.
    unswept: i64,
    last_freed_at: i64,
}

fn units(record: &Record, sale: Uuid) -> Units {
    let mut units = Units::default();
    for hold in record.holds.iter().filter(|hold| hold.sale == sale) {
        match hold.outcome {
            HoldOutcome::Claimed => units.claimed += hold.quantity,
            HoldOutcome::Standing if hold.stands_at(record.read_at_ms) => {
                units.standing += hold.quantity;
            }
            HoldOutcome::Standing => units.unswept += hold.quantity,
            HoldOutcome::Released | HoldOutcome::Expired => {}
        }
        if let Some(freed) = hold.freed_at(record.read_at_ms) {
            units.last_freed_at = units.last_freed_at.max(freed);
        }
    }
    units
}

pub fn of_record(record: &Record, verdict: &mut Verdict) {
    for lot in &record.lots {
        let Units { claimed, standing, unswept, .. } = units(record, lot.sale);
        let sale = lot.sale;
        let over = claimed + standing - lot.stock.min(lot.set_aside);
        if over > 0 {
            verdict.add(
                Rule::Oversold,
                over.unsigned_abs(),
                format!("sale {sale}: {claimed} claimed and {standing} held of a stock of {}", lot.stock),
            );
        } else {
            let bought: i64 = bought_orders(record, sale).map(|order| order.quantity).sum();
            let over = bought - lot.stock.min(lot.set_aside);
            if over > 0 {
                verdict.add(
                    Rule::Oversold,
                    over.unsigned_abs(),
                    format!("sale {sale}: paid orders have {bought} units of a stock of {}", lot.stock),
                );
            }
        }
        counters_against_rows(lot.sold - claimed, "sold", sale, verdict);
        counters_against_rows(lot.held - standing - unswept, "held", sale, verdict);
        let closed_sold_out = record.sales.get(&sale).is_some_and(|sale| sale.closed_sold_out);
        let unsold = lot.stock - claimed - standing - unswept;
        if closed_sold_out && unsold > 0 {
            verdict.add(
                Rule::Undersold,
                unsold.unsigned_abs(),
                format!("sale {sale} closed as sold out with {unsold} units unsold"),
            );
        }
    }
    limits(record, verdict);
}

fn bought_orders(record: &Record, sale: Uuid) -> impl Iterator<Item = &Order> {
    record.orders.iter().filter(move |order| order.sale == sale && order.stage.is_bought())
}

/// A counter above its rows keeps units from being sold; one below them lets units be sold twice.
fn counters_against_rows(difference: i64, counter: &str, sale: Uuid, verdict: &mut Verdict) {
    let rule = match difference {
        0 => return,
        1.. => Rule::Undersold,
        ..0 => Rule::Oversold,
    };
    verdict.add(
        rule,
        difference.unsigned_abs(),
        format!("sale {sale}: the lot's `{counter}` differs from its holds by {difference:+}"),
    );
}

/// Units per sale and buyer, claimed or standing.
fn taken(record: &Record) -> HashMap<(Uuid, &str), i64> {
    let buyers: HashMap<Uuid, &str> =
        record.orders.iter().map(|order| (order.id, order.buyer.as_str())).collect();
    let counts = |hold: &&Hold| hold.outcome == HoldOutcome::Claimed || hold.stands_at(record.read_at_ms);
    let mut taken = HashMap::new();
    for hold in record.holds.iter().filter(counts) {
        if let Some(buyer) = buyers.get(&hold.order) {
            *taken.entry((hold.sale, *buyer)).or_default() += hold.quantity;
        }
    }
    taken
}

fn limits(record: &Record, verdict: &mut Verdict) {
    for ((sale, buyer), units) in taken(record) {
        let Some(limit) = record.sales.get(&sale).map(|sale| sale.limit_per_buyer) else { continue };
        if units > limit {
            verdict.found(
                Rule::LimitBroken,
                format!("sale {sale}: {buyer} has {units} units, the limit is {limit}"),
            );
        }
    }
}

/// Units that were free for good (every hold that did not end in a claim had ended `FREE_FOR_GOOD_MS` before) while a
/// buyer who would have paid at once, was under the limit and did not ask for more than was free got `sold-out` or
/// `sale-closed`. At most the units that are unsold at the end.
pub fn of_both(record: &Record, history: &History, verdict: &mut Verdict) {
    let head = &history.head;
    let Some(lot) = record.lots.iter().find(|lot| lot.sale == head.sale) else {
        verdict.found(Rule::Lost, format!("sale {} is not in the record", head.sale));
        return;
    };
    let Units { claimed, standing, last_freed_at, .. } = units(record, lot.sale);
    let unsold = lot.set_aside - claimed - standing;
    if unsold <= 0 || head.demand_units <= u64::from(head.stock) {
        return;
    }
    // A hold whose node died before it was recorded runs out as any other.
    let last_freed_at = last_freed_at.max(head.strays_until_ms.unwrap_or(0));
    let taken = taken(record);
    let limit = i64::from(head.limit_per_buyer);
    let mut refused = 0;
    for exchange in &history.exchanges {
        let quantity = i64::try_from(exchange.quantity).unwrap_or(i64::MAX);
        let sent_ms = head.started_ms + i64::try_from(exchange.sent_us / 1_000).unwrap_or(i64::MAX);
        let in_time = sent_ms >= last_freed_at + FREE_FOR_GOOD_MS;
        let refusal = matches!(exchange.outcome, Outcome::Refused(Refusal::SoldOut | Refusal::SaleClosed));
        if exchange.act != Act::Place || !exchange.willing || !refusal || !in_time || quantity > unsold {
            continue;
        }
        let has = history
            .subjects
            .get(exchange.buyer as usize)
            .and_then(|subject| taken.get(&(lot.sale, subject.as_str())))
            .copied()
            .unwrap_or(0);
        if has + quantity <= limit {
            refused += quantity;
        }
    }
    if refused > 0 {
        let units = refused.min(unsold).unsigned_abs();
        verdict.add(
            Rule::Undersold,
            units,
            format!(
                "sale {}: {unsold} units stayed unsold, and willing buyers were refused {refused} after all were free",
                lot.sale
            ),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{judge, samples::*},
        *,
    };

    #[test]
    fn a_unit_sold_twice_is_oversold_even_if_the_counters_agree_with_the_stock() {
        let mut record = clean_record();
        buy(&mut record, 50, "buyer-9", 2);
        record.lots[0].sold = 3;
        let verdict = judge(Some(&record), None);
        assert_eq!(verdict.count(Rule::Oversold), 2 + 2, "{:?}", verdict.findings);
    }

    #[test]
    fn a_hold_that_ran_out_takes_no_units() {
        let mut record = clean_record();
        hold(&mut record, 60, "buyer-8", 5, HoldOutcome::Standing);
        record.lots[0].held = 5;
        record.holds.last_mut().unwrap().expires_at = record.read_at_ms;
        assert_eq!(judge(Some(&record), None).findings, vec![]);
        record.holds.last_mut().unwrap().expires_at += 1;
        let verdict = judge(Some(&record), None);
        assert_eq!((verdict.count(Rule::Oversold), verdict.count(Rule::LimitBroken)), (5, 1));
    }

    #[test]
    fn a_counter_that_forgot_a_release_is_undersold() {
        let mut record = clean_record();
        record.lots[0].held += 1;
        assert_eq!(judge(Some(&record), None).count(Rule::Undersold), 1);
    }

    #[test]
    fn a_third_unit_breaks_a_limit_of_two() {
        let mut record = clean_record();
        record.lots[0].stock = 10;
        record.lots[0].set_aside = 10;
        record.lots[0].sold += 1;
        buy(&mut record, 51, "buyer-0", 1);
        let verdict = judge(Some(&record), None);
        assert_eq!(verdict.count(Rule::LimitBroken), 1, "{:?}", verdict.findings);
        assert_eq!(verdict.findings.len(), 1);
    }

    #[test]
    fn a_willing_buyer_refused_after_all_was_free_is_undersold() {
        let (mut record, mut history) = (clean_record(), clean_history());
        record.lots[0].set_aside += 1;
        record.lots[0].stock += 1;
        refuse(&mut history, 1, FREED_AT_MS + FREE_FOR_GOOD_MS - 1);
        assert_eq!(judge(Some(&record), Some(&history)).findings, vec![]);
        refuse(&mut history, 1, FREED_AT_MS + FREE_FOR_GOOD_MS);
        assert_eq!(judge(Some(&record), Some(&history)).count(Rule::Undersold), 1);
    }

    #[test]
    fn a_hold_that_a_dead_node_left_behind_takes_its_time_and_no_more() {
        let (mut record, mut history) = (clean_record(), clean_history());
        record.lots[0].set_aside += 1;
        record.lots[0].stock += 1;
        history.head.strays_until_ms = Some(FREED_AT_MS + 5_000);
        refuse(&mut history, 1, FREED_AT_MS + 5_000 + FREE_FOR_GOOD_MS - 1);
        assert_eq!(judge(Some(&record), Some(&history)).findings, vec![]);
        refuse(&mut history, 1, FREED_AT_MS + 5_000 + FREE_FOR_GOOD_MS);
        assert_eq!(judge(Some(&record), Some(&history)).count(Rule::Undersold), 1);
    }

    #[test]
    fn an_unwilling_or_limited_or_greedy_buyer_is_no_witness() {
        let (mut record, mut history) = (clean_record(), clean_history());
        record.lots[0].set_aside += 1;
        record.lots[0].stock += 1;
        let late = FREED_AT_MS + FREE_FOR_GOOD_MS;
        refuse(&mut history, 1, late);
        let witness = history.exchanges.pop().unwrap();
        history.exchanges.push(crate::history::Exchange { willing: false, ..witness.clone() });
        history.exchanges.push(crate::history::Exchange { quantity: 2, ..witness.clone() });
        history.exchanges.push(crate::history::Exchange { buyer: 0, ..witness });
        assert_eq!(judge(Some(&record), Some(&history)).findings, vec![]);
    }

    #[test]
    fn a_sale_that_closed_as_sold_out_too_early_is_undersold() {
        let mut record = clean_record();
        record.lots[0].stock += 3;
        record.lots[0].set_aside += 3;
        record.sales.values_mut().for_each(|sale| sale.closed_sold_out = true);
        assert_eq!(judge(Some(&record), None).count(Rule::Undersold), 3);
    }
}
