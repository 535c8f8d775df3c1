//! A small sale that went well, for tests to break: stock 3, limit 2, 25.00 a unit, 2.5 % for charity.
//!
//! Order 1: buyer-0, two units, paid. Order 2: buyer-1, one unit, paid and wholly refunded. Order 3: buyer-2, expired.
//! Order 4: buyer-3, expired, its late payment sent back.

use std::collections::HashMap;

use uuid::Uuid;

use super::record::*;
use crate::history::{
    Act, Counter, End, Exchange, Head, History, News, Outcome, Reading, Refusal, Seen, Stage, Via,
};

pub const STARTED_MS: i64 = 1_790_000_000_000;
pub const FREED_AT_MS: i64 = STARTED_MS + 10_000;
const READ_AT_MS: i64 = STARTED_MS + 60_000;
const PRICE: i64 = 2_500;
const EPOCH: u64 = 77;

const SALE: Uuid = Uuid::from_u128(0x5a1e);
const PLEDGE: Uuid = Uuid::from_u128(0x91ed);

const CLEARING: i64 = 1;
const HOST: i64 = 2;
const CHARITY: i64 = 3;
const REFUNDS: i64 = 4;

pub fn clean_record() -> Record {
    let account = |name: &str| Account { name: name.into(), currency: "CNY".into() };
    let mut record = Record {
        epoch: EPOCH,
        read_at_ms: READ_AT_MS,
        lots: vec![Lot { sale: SALE, set_aside: 3, stock: 3, held: 0, sold: 3 }],
        sales: HashMap::from([(
            SALE,
            Sale { limit_per_buyer: 2, closed_sold_out: false, pledge: Some((PLEDGE, 1)) },
        )]),
        pledges: HashMap::from([(
            (PLEDGE, 1),
            Pledge {
                base: Base::PaidPrice { share_ppm: 25_000 },
                rounding: Rounding::Down,
                cap: None,
                starts_at: None,
                ends_at: None,
            },
        )]),
        accounts: HashMap::from([
            (CLEARING, account("buyer_clearing/sandbox")),
            (HOST, account("host_payable/host")),
            (CHARITY, account(&format!("charity_accrued/{PLEDGE}"))),
            (REFUNDS, account("refund_payable")),
        ]),
        ..Record::default()
    };
    buy(&mut record, 1, "buyer-0", 2);
    buy(&mut record, 2, "buyer-1", 1);
    refund_wholly(&mut record, 2);
    hold(&mut record, 3, "buyer-2", 1, HoldOutcome::Expired);
    hold(&mut record, 4, "buyer-3", 1, HoldOutcome::Expired);
    send_back_late(&mut record, 4);
    record
}

pub fn post(record: &mut Record, transfer: Transfer) {
    let id = record.transfers.len() as i64 + 1;
    for (account, debits, credits) in
        [(transfer.debit, transfer.amount, 0), (transfer.credit, 0, transfer.amount)]
    {
        let sum = record.totals.entry((account, transfer.code)).or_default();
        sum.debits += debits;
        sum.credits += credits;
        sum.newest = id;
    }
    record.transfers.push(Transfer { id, ..transfer });
}

fn posted(record: &mut Record, order: u128, code: i64, debit: i64, credit: i64, amount: i64) {
    let order = Some(Uuid::from_u128(order));
    post(record, Transfer { id: 0, code, debit, credit, amount, order });
}

pub fn hold(record: &mut Record, order: u128, buyer: &str, quantity: i64, outcome: HoldOutcome) {
    let stage = match outcome {
        HoldOutcome::Standing => Stage::Held,
        HoldOutcome::Claimed => Stage::Paid,
        HoldOutcome::Released => Stage::Released,
        HoldOutcome::Expired => Stage::Expired,
    };
    record.orders.push(Order {
        id: Uuid::from_u128(order),
        sale: SALE,
        buyer: buyer.into(),
        quantity,
        unit_price: PRICE,
        stage,
        placed_at: STARTED_MS + order as i64,
        paid_at: None,
        refunded: 0,
        charity: 0,
        version: if outcome == HoldOutcome::Standing { 1 } else { 2 },
    });
    record.holds.push(Hold {
        order: Uuid::from_u128(order),
        sale: SALE,
        quantity,
        expires_at: FREED_AT_MS,
        outcome,
        ended_at: (outcome != HoldOutcome::Standing).then_some(FREED_AT_MS),
    });
}

/// A paid order with all its rows. The lot's counters are left to the caller.
pub fn buy(record: &mut Record, order: u128, buyer: &str, quantity: i64) {
    hold(record, order, buyer, quantity, HoldOutcome::Claimed);
    let total = quantity * PRICE;
    let charity = total * 25 / 1_000;
    let row = record.orders.last_mut().expect("just pushed");
    row.paid_at = Some(STARTED_MS + 500);
    row.charity = charity;
    record.payments.push(Payment {
        id: Uuid::from_u128(0x1000 + order),
        order: Uuid::from_u128(order),
        amount: total,
        state: PaymentState::Captured,
    });
    at_provider(record, order, true, 0);
    posted(record, order, code::SALE, CLEARING, HOST, total);
    posted(record, order, code::ACCRUE, HOST, CHARITY, charity);
}

/// What the provider's books say of an order's payment.
fn at_provider(record: &mut Record, order: u128, captured: bool, refunded_minor: i64) {
    let id = Uuid::from_u128(0x1000 + order);
    let books = record.provider.get_or_insert_default();
    books.retain(|payment| payment.id != id);
    books.push(ProviderPayment { id, captured, refunded_minor });
}

fn refund_wholly(record: &mut Record, order: u128) {
    let row = record
        .orders
        .iter_mut()
        .find(|row| row.id == Uuid::from_u128(order))
        .expect("bought before it is refunded");
    let (total, charity) = (row.total(), row.charity);
    row.refunded = total;
    row.charity = 0;
    row.stage = Stage::Refunded;
    row.version = 3;
    at_provider(record, order, true, total);
    posted(record, order, code::REVERSE, CHARITY, HOST, charity);
    posted(record, order, code::REFUND, HOST, REFUNDS, total);
    posted(record, order, code::PAID_BACK, REFUNDS, CLEARING, total);
    record.refunds.push(Refund {
        id: Uuid::from_u128(0x2000 + order),
        payment: Uuid::from_u128(0x1000 + order),
        order: Uuid::from_u128(order),
        amount: total,
        done: true,
    });
}

fn send_back_late(record: &mut Record, order: u128) {
    record.payments.push(Payment {
        id: Uuid::from_u128(0x1000 + order),
        order: Uuid::from_u128(order),
        amount: PRICE,
        state: PaymentState::Refunded,
    });
    at_provider(record, order, false, PRICE);
    posted(record, order, code::LATE, CLEARING, REFUNDS, PRICE);
    posted(record, order, code::PAID_BACK, REFUNDS, CLEARING, PRICE);
    record.refunds.push(Refund {
        id: Uuid::from_u128(0x2000 + order),
        payment: Uuid::from_u128(0x1000 + order),
        order: Uuid::from_u128(order),
        amount: PRICE,
        done: true,
    });
}

/// What the clients of `clean_record` saw. The last exchange is the accepted refund of order 2.
pub fn clean_history() -> History {
    let mut history = History::new(Head {
        seed: 1,
        started_ms: STARTED_MS,
        room: "room".into(),
        sale: SALE,
        pledge: PLEDGE,
        stock: 3,
        limit_per_buyer: 2,
        demand_units: 30,
        strays_until_ms: None,
    });
    history.subjects = (0..4).map(|buyer| format!("buyer-{buyer}")).collect();
    see(&mut history, 0, 1, Stage::Held, 2, 1);
    see(&mut history, 0, 1, Stage::Paid, 2, 2);
    see(&mut history, 1, 2, Stage::Paid, 1, 2);
    see(&mut history, 2, 3, Stage::Held, 1, 1);
    let total = |sequence, accrued_minor, reversed_minor| Reading {
        epoch: EPOCH,
        sequence,
        accrued_minor,
        reversed_minor,
    };
    history.counters =
        vec![Counter { reading: total(2, 125, 0), node: 0 }, Counter { reading: total(4, 187, 0), node: 1 }];
    history.end = Some(End {
        total: total(5, 187, 62),
        trial_balance_minor: [("CNY".to_string(), 0)].into(),
        sale_sold: 3,
        sale_left: 0,
    });
    refuse(&mut history, 3, STARTED_MS + 700);
    let refund = history.exchanges.pop().expect("just pushed");
    history.exchanges.push(refund.clone());
    history.exchanges.push(Exchange {
        buyer: 1,
        order: Uuid::from_u128(2),
        act: Act::Refund,
        via: Via::Rest,
        quantity: 0,
        outcome: Outcome::Order(Seen { refunded_minor: PRICE, ..seen(2, Stage::Refunded, 1, 3) }),
        ..refund
    });
    history
}

fn seen(order: u128, stage: Stage, quantity: u32, version: u64) -> Seen {
    Seen {
        stage,
        quantity,
        total_minor: i64::from(quantity) * PRICE,
        refunded_minor: 0,
        placed_at_ms: STARTED_MS + order as i64,
        version,
    }
}

pub fn see(history: &mut History, buyer: u32, order: u128, stage: Stage, quantity: u32, version: u64) {
    let seen = seen(order, stage, quantity, version);
    history.news.push(News { buyer, order: Uuid::from_u128(order), at_us: 0, seen });
}

/// A willing wish for one unit, sent at `at_ms` and answered with `sold-out`.
pub fn refuse(history: &mut History, buyer: u32, at_ms: i64) {
    let at_us = (at_ms - STARTED_MS).unsigned_abs() * 1_000;
    history.exchanges.push(Exchange {
        buyer,
        node: 0,
        order: Uuid::from_u128(0x3000 + u128::from(at_us)),
        act: Act::Place,
        via: Via::Socket,
        quantity: 1,
        willing: true,
        intended_us: at_us,
        sent_us: at_us,
        answered_us: at_us + 900,
        outcome: Outcome::Refused(Refusal::SoldOut),
    });
}
