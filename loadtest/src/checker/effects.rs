//! Inside the record: half effects (lost) and second effects.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use super::{
    Rule, Verdict,
    record::{HoldOutcome, Order, Payment, PaymentState, ProviderPayment, Record, TaskKind, code},
};

/// What one order caused, counted from the rows.
#[derive(Debug, Default)]
struct Effects {
    claims: i64,
    claimed_units: i64,
    standing: i64,
    /// Payments that count: authorised or captured.
    paid: i64,
    paid_minor: i64,
    /// Payments that came too late and went back.
    sent_back: i64,
    sales: i64,
    sale_minor: i64,
    /// By account: one for each part of the pledge.
    accruals: HashMap<i64, i64>,
    fees: i64,
    lates: i64,
    refund_minor: i64,
    late_minor: i64,
    paid_back_minor: i64,
    refunds_done_minor: i64,
}

pub fn of_record(record: &Record, verdict: &mut Verdict) {
    let effects = by_order(record);
    let none = Effects::default();
    for order in &record.orders {
        one_order(order, effects.get(&order.id).unwrap_or(&none), verdict);
    }
    let known: HashSet<Uuid> = record.orders.iter().map(|order| order.id).collect();
    for order in effects.keys().filter(|order| !known.contains(*order)) {
        verdict.found(Rule::Lost, format!("order {order} has effects in the record and no row"));
    }
    outbox(record, verdict);
    if let Some(books) = &record.provider {
        provider(record, books, verdict);
    }
}

fn by_order(record: &Record) -> HashMap<Uuid, Effects> {
    let mut effects: HashMap<Uuid, Effects> = HashMap::with_capacity(record.orders.len());
    for hold in &record.holds {
        let of = effects.entry(hold.order).or_default();
        match hold.outcome {
            HoldOutcome::Claimed => {
                of.claims += 1;
                of.claimed_units += hold.quantity;
            }
            HoldOutcome::Standing => of.standing += 1,
            HoldOutcome::Released | HoldOutcome::Expired => {}
        }
    }
    for payment in &record.payments {
        let of = effects.entry(payment.order).or_default();
        match payment.state {
            PaymentState::Authorised | PaymentState::Captured => {
                of.paid += 1;
                of.paid_minor += payment.amount;
            }
            PaymentState::Refunding | PaymentState::Refunded => of.sent_back += 1,
            PaymentState::Authorising | PaymentState::Declined => {}
        }
    }
    for refund in record.refunds.iter().filter(|refund| refund.done) {
        effects.entry(refund.order).or_default().refunds_done_minor += refund.amount;
    }
    for transfer in &record.transfers {
        let Some(order) = transfer.order else { continue };
        let of = effects.entry(order).or_default();
        match transfer.code {
            code::SALE => {
                of.sales += 1;
                of.sale_minor += transfer.amount;
            }
            code::ACCRUE => *of.accruals.entry(transfer.credit).or_default() += 1,
            code::FEE => of.fees += 1,
            code::REFUND => of.refund_minor += transfer.amount,
            code::LATE => {
                of.lates += 1;
                of.late_minor += transfer.amount;
            }
            code::PAID_BACK => of.paid_back_minor += transfer.amount,
            _ => {}
        }
    }
    effects
}

fn one_order(order: &Order, effects: &Effects, verdict: &mut Verdict) {
    let id = order.id;
    let mut twice = |count: i64, at_most: i64, what: &str| {
        if count > at_most {
            verdict.found(
                Rule::DoubleEffects,
                format!("order {id}: {what} {count} times, at most {at_most} expected"),
            );
        }
    };
    twice(effects.claims, 1, "claimed");
    twice(effects.paid, 1, "paid for");
    twice(effects.sales, 1, "posted as a sale");
    twice(effects.accruals.values().copied().max().unwrap_or(0), 1, "accrued for charity");
    twice(effects.fees, effects.paid + effects.sent_back, "charged a provider fee");
    twice(effects.lates, effects.sent_back, "posted as a late payment");
    twice(effects.standing, 1, "held at once");
    if effects.paid_back_minor > effects.refund_minor + effects.late_minor
        || effects.refund_minor > order.refunded
        || order.refunded > order.total()
        || effects.refunds_done_minor > effects.refund_minor + effects.late_minor
    {
        verdict.found(
            Rule::DoubleEffects,
            format!(
                "order {id}: {} minor units went back to the buyer ({} of refunds done), refunds of {} and late payments of {} were posted, the order says {} of {}",
                effects.paid_back_minor,
                effects.refunds_done_minor,
                effects.refund_minor,
                effects.late_minor,
                order.refunded,
                order.total()
            ),
        );
    }
    let mut half = |missing: bool, what: &str| {
        if missing {
            let stage = order.stage;
            verdict.found(Rule::Lost, format!("order {id} is {stage:?} and {what}"));
        }
    };
    if order.stage.is_bought() {
        half(effects.claims == 0, "has no claimed hold");
        half(
            effects.claims == 1 && effects.claimed_units != order.quantity,
            "claimed other units than it says",
        );
        half(effects.standing > 0, "still holds units beside the claimed ones");
        half(effects.sales == 0, "has no sale in the ledger");
        half(effects.sales == 1 && effects.sale_minor != order.total(), "its sale has another amount");
        half(effects.paid + effects.sent_back == 0, "has no payment that was accepted");
        half(effects.paid == 1 && effects.paid_minor != order.total(), "another amount was paid");
        half(effects.refund_minor < order.refunded, "part of its refund is not in the ledger");
    } else {
        half(effects.claims > 0, "has a claimed hold");
        half(effects.sales > 0, "has a sale in the ledger");
        half(!effects.accruals.is_empty(), "has an accrual in the ledger");
        half(effects.paid > 0, "has a payment that was taken and not sent back");
    }
    let holding = order.stage == crate::history::Stage::Held;
    half(holding && effects.standing == 0, "has no standing hold");
    half(!holding && !order.stage.is_bought() && effects.standing > 0, "has a standing hold");
}

/// What must still be asked is exactly what has no answer yet: a task too many would be asked again, one too few never.
fn outbox(record: &Record, verdict: &mut Verdict) {
    let waiting = |payment: &Payment| match payment.state {
        PaymentState::Authorising => Some((TaskKind::Authorise, payment.id)),
        PaymentState::Authorised => Some((TaskKind::Capture, payment.id)),
        PaymentState::Declined
        | PaymentState::Captured
        | PaymentState::Refunding
        | PaymentState::Refunded => None,
    };
    let refunds = record.refunds.iter().filter(|refund| !refund.done);
    let waits: HashSet<(TaskKind, Uuid)> = (record.payments.iter().filter_map(waiting))
        .chain(refunds.map(|refund| (TaskKind::Refund, refund.id)))
        .collect();
    let tasks: HashSet<(TaskKind, Uuid)> =
        record.outbox.iter().map(|task| (task.kind, task.subject)).collect();
    for (kind, subject) in tasks.difference(&waits) {
        let detail = format!("outbox: {kind:?} of {subject} is still to be asked, and its answer is known");
        verdict.found(Rule::DoubleEffects, detail);
    }
    for (kind, subject) in waits.difference(&tasks) {
        let detail = format!("outbox: {kind:?} of {subject} has no answer and will never be asked");
        verdict.found(Rule::Lost, detail);
    }
}

/// The provider is another party: what it took and gave back must stand in the record.
fn provider(record: &Record, books: &[ProviderPayment], verdict: &mut Verdict) {
    let books: HashMap<Uuid, &ProviderPayment> = books.iter().map(|payment| (payment.id, payment)).collect();
    let mut refunds: HashMap<Uuid, i64> = HashMap::new();
    for refund in &record.refunds {
        *refunds.entry(refund.payment).or_default() += refund.amount;
    }
    let known: HashSet<Uuid> = record.payments.iter().map(|payment| payment.id).collect();
    for payment in &record.payments {
        let theirs = books.get(&payment.id);
        let captured = theirs.is_some_and(|theirs| theirs.captured);
        let wrong = match payment.state {
            PaymentState::Captured if !captured => "is captured here and not at the provider",
            PaymentState::Authorising | PaymentState::Declined if captured => {
                "was captured by the provider and is not accepted here"
            }
            _ => continue,
        };
        verdict.found(Rule::Lost, format!("payment {} of order {} {wrong}", payment.id, payment.order));
    }
    for theirs in books.values() {
        if !known.contains(&theirs.id) {
            verdict
                .found(Rule::Lost, format!("the provider knows payment {}, the record does not", theirs.id));
        }
        let ours = refunds.get(&theirs.id).copied().unwrap_or(0);
        if theirs.refunded_minor > ours {
            verdict.found(
                Rule::DoubleEffects,
                format!(
                    "payment {}: the provider gave back {}, the record asked for {ours}",
                    theirs.id, theirs.refunded_minor
                ),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{judge, record::*, samples::*},
        *,
    };

    fn only(record: &Record, rule: Rule, words: &str) {
        let verdict = judge(Some(record), None);
        assert!(
            verdict.findings.iter().any(|finding| finding.rule == rule && finding.detail.contains(words)),
            "expected {rule:?} with {words:?} in {:?}",
            verdict.findings
        );
    }

    #[test]
    fn two_claims_of_one_order_are_caught() {
        let mut record = clean_record();
        let claim = record.holds[0].clone();
        record.holds.push(claim);
        only(&record, Rule::DoubleEffects, "claimed 2 times");
    }

    #[test]
    fn two_captured_payments_are_caught() {
        let mut record = clean_record();
        let payment = Payment { id: Uuid::from_u128(999), ..record.payments[0].clone() };
        record.payments.push(payment);
        only(&record, Rule::DoubleEffects, "paid for 2 times");
    }

    #[test]
    fn two_accruals_are_caught() {
        let mut record = clean_record();
        let accrual = record.transfers.iter().find(|transfer| transfer.code == code::ACCRUE).unwrap().clone();
        post(&mut record, Transfer { id: 0, ..accrual });
        only(&record, Rule::DoubleEffects, "accrued for charity 2 times");
    }

    #[test]
    fn a_refund_paid_back_twice_is_caught() {
        let mut record = clean_record();
        let back = record.transfers.iter().find(|t| t.code == code::PAID_BACK).unwrap().clone();
        post(&mut record, Transfer { id: 0, ..back });
        only(&record, Rule::DoubleEffects, "went back to the buyer");
    }

    #[test]
    fn a_capture_that_would_be_asked_again_is_caught() {
        let mut record = clean_record();
        record.outbox.push(Task { kind: TaskKind::Capture, subject: record.payments[0].id });
        only(&record, Rule::DoubleEffects, "answer is known");
    }

    #[test]
    fn a_payment_that_will_never_be_asked_for_is_caught() {
        let mut record = clean_record();
        record.payments[0].state = PaymentState::Authorised;
        only(&record, Rule::Lost, "never be asked");
        record.outbox.push(Task { kind: TaskKind::Capture, subject: record.payments[0].id });
        assert_eq!(judge(Some(&record), None).findings, vec![]);
    }

    #[test]
    fn the_providers_books_are_compared() {
        let change = |change: fn(&mut Vec<ProviderPayment>)| {
            let mut record = clean_record();
            change(record.provider.as_mut().expect("the sample has books"));
            record
        };
        only(&change(|books| books[0].captured = false), Rule::Lost, "not at the provider");
        only(&change(|books| books[0].refunded_minor = 1), Rule::DoubleEffects, "gave back 1");
        only(&change(|books| books[0].id = Uuid::from_u128(5)), Rule::Lost, "the record does not");
    }

    #[test]
    fn half_an_order_is_caught() {
        let mut record = clean_record();
        record.transfers.retain(|transfer| transfer.code != code::SALE);
        only(&record, Rule::Lost, "has no sale in the ledger");
        let mut record = clean_record();
        record.holds[0].outcome = HoldOutcome::Released;
        only(&record, Rule::Lost, "has no claimed hold");
        let mut record = clean_record();
        record.payments[0].amount -= 1;
        only(&record, Rule::Lost, "another amount");
        record.payments.clear();
        only(&record, Rule::Lost, "has no payment");
        let mut record = clean_record();
        record.orders.remove(0);
        only(&record, Rule::Lost, "no row");
    }
}
