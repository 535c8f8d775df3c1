//! What a room brought to charity: each order's share, the room's sum, and where the whole pledge stands.

use super::{amount, table, text, time};
use crate::ledger::CharityTotal;
use crate::model::{Currency, Pledge, PledgePart};
use crate::store::journal::CharityLine;

const COLUMNS: [&str; 12] = [
    "line",
    "pledge",
    "project",
    "charity",
    "registration",
    "order",
    "paid_at_ms",
    "currency",
    "accrued",
    "reversed",
    "confirmed",
    "remitted",
];

/// One pledge in one currency.
pub struct PledgeBook<'a> {
    pub pledge: &'a Pledge,
    /// Over all rooms.
    pub total: CharityTotal,
    pub lines: Vec<CharityLine>,
}

/// Money is handed over for a pledge and not for an order: `remitted` stands in the line of the pledge alone.
pub fn charity(books: &[PledgeBook]) -> String {
    table(COLUMNS, books.iter().flat_map(rows))
}

fn rows(book: &PledgeBook) -> Vec<[String; 12]> {
    let PledgeBook { total, lines, .. } = book;
    let mut rows: Vec<_> = lines
        .iter()
        .map(|line| {
            let sums = [Some(line.accrued), Some(line.reversed), Some(line.confirmed), None];
            row(book, "order", [line.order.to_string(), time(line.paid_at)], sums)
        })
        .collect();
    let sum = |of: fn(&CharityLine) -> i64| Some(lines.iter().map(of).sum());
    let of_room = [sum(|line| line.accrued), sum(|line| line.reversed), sum(|line| line.confirmed), None];
    rows.push(row(book, "room", [String::new(), String::new()], of_room));
    let of_pledge = [total.gross_accrued, total.gross_reversed, total.confirmed, total.remitted].map(Some);
    rows.push(row(book, "pledge", [String::new(), String::new()], of_pledge));
    rows
}

fn row(book: &PledgeBook, line: &str, [order, paid_at]: [String; 2], sums: [Option<i64>; 4]) -> [String; 12] {
    let PledgeBook { pledge, total, .. } = book;
    let currency: Currency = total.currency;
    let [accrued, reversed, confirmed, remitted] =
        sums.map(|sum| sum.map_or_else(String::new, |minor| amount(minor, currency)));
    [
        line.to_owned(),
        pledge.id.to_string(),
        text(&joined(pledge, |part| &part.title)),
        text(&joined(pledge, |part| &part.charity_name)),
        text(&joined(pledge, |part| &part.charity_registration)),
        order,
        paid_at,
        currency.as_str().to_owned(),
        accrued,
        reversed,
        confirmed,
        remitted,
    ]
}

/// Of all parts, in their order.
fn joined(pledge: &Pledge, of: impl Fn(&PledgePart) -> &String) -> String {
    pledge.parts.iter().map(|part| of(part).as_str()).collect::<Vec<_>>().join("; ")
}
