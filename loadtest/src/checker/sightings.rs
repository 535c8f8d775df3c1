//! What clients were shown, against itself and against the record: lost, double effects, and what can be said of oversold
//! and limits without a record.

use std::collections::HashMap;

use uuid::Uuid;

use super::{
    Rule, Verdict,
    record::{Order, Record},
};
use crate::history::{Act, History, Outcome, Seen, Stage};

/// An order by all that was ever shown of it.
#[derive(Debug, Clone, Copy)]
struct Shown {
    buyer: u32,
    first: Seen,
    newest: Seen,
    bought: bool,
    refunded_minor: i64,
    /// Shown with another quantity, total or time of placing: made twice.
    differs: bool,
    /// One version shown in two stages.
    torn: bool,
    strangers: bool,
}

fn shown(history: &History) -> HashMap<Uuid, Shown> {
    let mut orders: HashMap<Uuid, Shown> = HashMap::new();
    for (buyer, order, seen) in history.sightings() {
        let shown = orders.entry(order).or_insert(Shown {
            buyer,
            first: seen,
            newest: seen,
            bought: false,
            refunded_minor: 0,
            differs: false,
            torn: false,
            strangers: false,
        });
        shown.strangers |= shown.buyer != buyer;
        shown.differs |= shown.first.quantity != seen.quantity
            || shown.first.total_minor != seen.total_minor
            || shown.first.placed_at_ms != seen.placed_at_ms;
        shown.torn |= shown.newest.version == seen.version
            && shown.newest.stage != seen.stage
            && !ran_out(shown.newest.stage, seen.stage);
        shown.bought |= seen.stage.is_bought();
        shown.refunded_minor = shown.refunded_minor.max(seen.refunded_minor);
        if seen.version > shown.newest.version {
            shown.newest = seen;
        }
    }
    orders
}

/// Expiry is a predicate: the same version may be shown as held before its time and as expired after it.
fn ran_out(one: Stage, other: Stage) -> bool {
    matches!(
        (one, other),
        (Stage::Held | Stage::Waiting, Stage::Expired) | (Stage::Expired, Stage::Held | Stage::Waiting)
    )
}

pub fn of_history(history: &History, verdict: &mut Verdict) {
    let mut units = 0u64;
    let mut by_buyer: HashMap<u32, u64> = HashMap::new();
    for (order, shown) in shown(history) {
        if shown.differs {
            verdict.found(
                Rule::DoubleEffects,
                format!("order {order} was shown as two different orders under one id"),
            );
        }
        if shown.torn {
            verdict.found(Rule::DoubleEffects, format!("order {order}: one version was shown in two states"));
        }
        if shown.strangers {
            verdict.found(Rule::Lost, format!("order {order} was shown to somebody else's client"));
        }
        if shown.bought {
            units += u64::from(shown.first.quantity);
            *by_buyer.entry(shown.buyer).or_default() += u64::from(shown.first.quantity);
        }
    }
    let head = &history.head;
    if units > u64::from(head.stock) {
        verdict.add(
            Rule::Oversold,
            units - u64::from(head.stock),
            format!("clients were shown {units} units as bought, of a stock of {}", head.stock),
        );
    }
    for (buyer, units) in by_buyer {
        if units > u64::from(head.limit_per_buyer) {
            verdict.found(
                Rule::LimitBroken,
                format!(
                    "buyer {buyer} was shown {units} units as bought, the limit is {}",
                    head.limit_per_buyer
                ),
            );
        }
    }
    for shown in history.stocks.iter().filter(|shown| shown.left > u64::from(head.stock)) {
        verdict.found(
            Rule::Oversold,
            format!("node {} showed {} units left of a stock of {}", shown.node, shown.left, head.stock),
        );
    }
    let smallest_refunds = history.exchanges.iter().filter_map(|exchange| match &exchange.outcome {
        Outcome::Order(seen) if exchange.act == Act::Refund => Some((exchange, seen)),
        Outcome::Order(_) | Outcome::Refused(_) | Outcome::Unknown => None,
    });
    for (exchange, seen) in smallest_refunds {
        let asked = i64::try_from(exchange.quantity).unwrap_or(i64::MAX);
        if seen.refunded_minor < asked.max(1) {
            verdict.found(
                Rule::Lost,
                format!(
                    "order {}: a refund of {asked} was accepted and {} is shown",
                    exchange.order, seen.refunded_minor
                ),
            );
        }
    }
}

pub fn of_both(record: &Record, history: &History, verdict: &mut Verdict) {
    let rows: HashMap<Uuid, &Order> = record.orders.iter().map(|order| (order.id, order)).collect();
    for (id, shown) in shown(history) {
        let Some(row) = rows.get(&id) else {
            verdict.found(
                Rule::Lost,
                format!("order {id} was accepted ({:?}) and is not in the record", shown.newest.stage),
            );
            continue;
        };
        let subject = history.subjects.get(shown.buyer as usize).map(String::as_str);
        if let Some(wrong) = contradiction(row, &shown, subject) {
            verdict.found(Rule::Lost, format!("order {id}: {wrong}"));
        }
        if shown.first.placed_at_ms != row.placed_at && !shown.differs {
            verdict.found(
                Rule::DoubleEffects,
                format!(
                    "order {id} was accepted at {} and the record says {}: it was made again",
                    shown.first.placed_at_ms, row.placed_at
                ),
            );
        }
    }
}

/// How the record contradicts what its buyer was shown.
fn contradiction(row: &Order, shown: &Shown, subject: Option<&str>) -> Option<String> {
    let newest = &shown.newest;
    if subject.is_some_and(|subject| subject != row.buyer) {
        return Some(format!("it belongs to {} in the record", row.buyer));
    }
    if i64::from(newest.quantity) != row.quantity || newest.total_minor != row.total() {
        return Some(format!(
            "its buyer was shown {} units for {}, the record has {} for {}",
            newest.quantity,
            newest.total_minor,
            row.quantity,
            row.total()
        ));
    }
    if shown.bought && !row.stage.is_bought() {
        return Some(format!("its payment was accepted, the record says {:?}", row.stage));
    }
    if newest.version > row.version {
        return Some(format!(
            "its buyer was shown version {} ({:?}), the record has {} ({:?})",
            newest.version, newest.stage, row.version, row.stage
        ));
    }
    if newest.version == row.version && newest.stage != row.stage && !ran_out(newest.stage, row.stage) {
        return Some(format!(
            "version {} was shown as {:?}, the record says {:?}",
            row.version, newest.stage, row.stage
        ));
    }
    if shown.refunded_minor > row.refunded {
        return Some(format!(
            "a refund of {} was accepted, the record has {}",
            shown.refunded_minor, row.refunded
        ));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::{
        super::{judge, samples::*},
        *,
    };

    fn only(record: &Record, history: &History, rule: Rule, words: &str) {
        let verdict = judge(Some(record), Some(history));
        assert_eq!(verdict.findings.len(), 1, "{:?}", verdict.findings);
        assert_eq!(verdict.findings[0].rule, rule);
        assert!(verdict.findings[0].detail.contains(words), "{:?}", verdict.findings);
    }

    #[test]
    fn an_accepted_order_without_a_row_is_lost() {
        let mut history = clean_history();
        see(&mut history, 3, 70, Stage::Held, 1, 1);
        only(&clean_record(), &history, Rule::Lost, "not in the record");
    }

    #[test]
    fn an_accepted_payment_that_the_record_expired_is_lost() {
        let mut history = clean_history();
        see(&mut history, 2, 3, Stage::Paid, 1, 2);
        // The stock is small: the client's own sum says oversold too, and rightly.
        history.head.stock = 10;
        only(&clean_record(), &history, Rule::Lost, "payment was accepted");
    }

    #[test]
    fn a_record_older_than_what_was_shown_is_lost() {
        let mut history = clean_history();
        see(&mut history, 0, 1, Stage::Packed, 2, 9);
        only(&clean_record(), &history, Rule::Lost, "version 9");
    }

    #[test]
    fn an_order_in_other_hands_is_lost() {
        let mut record = clean_record();
        record.orders[0].buyer = "somebody".into();
        only(&record, &clean_history(), Rule::Lost, "belongs to somebody");
    }

    #[test]
    fn a_forgotten_refund_is_lost() {
        let mut history = clean_history();
        let shown = history.exchanges.last().unwrap().clone();
        let Outcome::Order(seen) = shown.outcome else { panic!("the sample ends with an order") };
        let more = Seen { refunded_minor: seen.refunded_minor + 1, ..seen };
        history.news.push(crate::history::News {
            buyer: shown.buyer,
            order: shown.order,
            at_us: 9,
            seen: more,
        });
        only(&clean_record(), &history, Rule::Lost, "refund");
    }

    #[test]
    fn a_stock_below_zero_is_oversold() {
        let mut history = clean_history();
        history.stocks.push(crate::history::Stock { node: 1, left: 3 });
        assert_eq!(judge(Some(&clean_record()), Some(&history)).findings, vec![]);
        history.stocks.push(crate::history::Stock { node: 1, left: u64::from(u32::MAX) });
        only(&clean_record(), &history, Rule::Oversold, "node 1 showed 4294967295");
    }

    #[test]
    fn one_id_made_twice_is_a_double_effect() {
        let mut history = clean_history();
        see(&mut history, 0, 1, Stage::Held, 2, 1);
        history.news.last_mut().unwrap().seen.placed_at_ms += 5;
        only(&clean_record(), &history, Rule::DoubleEffects, "two different orders");
    }

    #[test]
    fn held_may_be_shown_as_expired_before_the_sweep() {
        let mut history = clean_history();
        see(&mut history, 2, 3, Stage::Expired, 1, 1);
        assert_eq!(judge(Some(&clean_record()), Some(&history)).findings, vec![]);
    }

    #[test]
    fn clients_alone_can_prove_oversold() {
        let mut history = clean_history();
        see(&mut history, 3, 71, Stage::Paid, 1, 2);
        let verdict = judge(None, Some(&history));
        assert_eq!(verdict.count(Rule::Oversold), 1, "{:?}", verdict.findings);
    }
}
