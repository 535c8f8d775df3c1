//! The orders of a room, and what a host gets of each.

use std::collections::BTreeMap;

use super::{amount, table, text, time};
use crate::model::Currency;
use crate::store::journal::BookedOrder;

const ORDERS: [&str; 13] = [
    "order",
    "placed_at_ms",
    "paid_at_ms",
    "state",
    "buyer",
    "sku",
    "title",
    "quantity",
    "currency",
    "unit_price",
    "total",
    "refunded",
    "charity",
];
const SETTLEMENT: [&str; 14] = [
    "line",
    "order",
    "paid_at_ms",
    "sku",
    "title",
    "quantity",
    "currency",
    "price",
    "refunds",
    "commission",
    "commission_rule",
    "provider_fee",
    "charity",
    "net",
];

/// What a paid order comes to, in minor units.
#[derive(Clone, Copy, Default)]
struct Settled {
    quantity: u64,
    price: i64,
    refunds: i64,
    /// `None`: none was posted.
    commission: Option<i64>,
    provider_fee: i64,
    charity: i64,
}

pub fn orders(orders: &[BookedOrder]) -> String {
    let rows = orders.iter().map(|booked| {
        let BookedOrder { order, title, .. } = booked;
        let currency = order.unit_price.currency;
        [
            order.id.to_string(),
            time(Some(order.placed_at)),
            time(order.paid_at),
            order.stage.name().to_owned(),
            text(order.buyer.as_str()),
            text(order.sku.as_str()),
            text(title),
            order.quantity.to_string(),
            currency.as_str().to_owned(),
            amount(order.unit_price.minor, currency),
            amount(order.total().minor, currency),
            amount(order.refunded_minor, currency),
            amount(order.charity_minor, currency),
        ]
    });
    table(ORDERS, rows)
}

/// A line for each paid order, then the sum of each currency.
pub fn settlement(orders: &[BookedOrder]) -> String {
    let mut sums: BTreeMap<Currency, Settled> = BTreeMap::new();
    let mut rows = Vec::with_capacity(orders.len() + 1);
    for booked in orders.iter().filter(|booked| booked.order.paid_at.is_some()) {
        let (order, settled) = (&booked.order, Settled::of(booked));
        let currency = order.unit_price.currency;
        sums.entry(currency).or_default().add(settled);
        let about = [
            "order".to_owned(),
            order.id.to_string(),
            time(order.paid_at),
            text(order.sku.as_str()),
            text(&booked.title),
        ];
        rows.push(settled.row(about, currency));
    }
    let sum = |(currency, settled): (Currency, Settled)| {
        settled.row(["sum".to_owned(), String::new(), String::new(), String::new(), String::new()], currency)
    };
    rows.extend(sums.into_iter().map(sum));
    table(SETTLEMENT, rows)
}

impl Settled {
    fn of(booked: &BookedOrder) -> Self {
        let order = &booked.order;
        Self {
            quantity: order.quantity.into(),
            price: order.total().minor,
            refunds: order.refunded_minor,
            commission: booked.commission,
            provider_fee: booked.provider_fee,
            charity: order.charity_minor,
        }
    }

    fn add(&mut self, other: Self) {
        self.quantity += other.quantity;
        self.price += other.price;
        self.refunds += other.refunds;
        self.commission = match (self.commission, other.commission) {
            (None, None) => None,
            (one, two) => Some(one.unwrap_or(0) + two.unwrap_or(0)),
        };
        self.provider_fee += other.provider_fee;
        self.charity += other.charity;
    }

    fn net(self) -> i64 {
        self.price - self.refunds - self.commission.unwrap_or(0) - self.provider_fee - self.charity
    }

    /// A commission of zero is a rule that was applied and posted, not a cell that somebody forgot.
    fn commission_rule(self) -> &'static str {
        match self.commission {
            Some(0) => "zero",
            Some(_) => "share",
            None => "none posted",
        }
    }

    fn row(self, about: [String; 5], currency: Currency) -> [String; 14] {
        let [line, order, paid_at, sku, title] = about;
        [
            line,
            order,
            paid_at,
            sku,
            title,
            self.quantity.to_string(),
            currency.as_str().to_owned(),
            amount(self.price, currency),
            amount(self.refunds, currency),
            amount(self.commission.unwrap_or(0), currency),
            self.commission_rule().to_owned(),
            amount(self.provider_fee, currency),
            amount(self.charity, currency),
            amount(self.net(), currency),
        ]
    }
}
