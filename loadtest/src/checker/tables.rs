//! The record's tables: what is asked of them, in SQL that SQLite and PostgreSQL read alike, and what the rows mean.

use std::collections::HashMap;

use uuid::Uuid;

use super::{
    record::{
        Account, Base, Hold, HoldOutcome, Lot, Order, Payment, PaymentState, Pledge, Record, Refund,
        Rounding, Sale, Sum, Task, TaskKind, Transfer,
    },
    row::Row,
};
use crate::{failure::Failure, history::Stage};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Table {
    Epoch,
    Lots,
    Sales,
    Pledges,
    Orders,
    Holds,
    Payments,
    Refunds,
    Outbox,
    Transfers,
    Accounts,
    Totals,
}

impl Table {
    pub const ALL: [Table; 12] = [
        Table::Epoch,
        Table::Lots,
        Table::Sales,
        Table::Pledges,
        Table::Orders,
        Table::Holds,
        Table::Payments,
        Table::Refunds,
        Table::Outbox,
        Table::Transfers,
        Table::Accounts,
        Table::Totals,
    ];

    pub fn sql(self) -> &'static str {
        match self {
            Table::Epoch => "SELECT epoch FROM record",
            Table::Lots => "SELECT sale, set_aside, stock, held, sold FROM lots",
            Table::Sales => {
                "SELECT id, limit_per_buyer, state, close_reason, pledge, pledge_version FROM sales"
            }
            Table::Pledges => {
                "SELECT id, version, base, share_ppm, per_unit, rounding, cap, starts_at, ends_at FROM pledges"
            }
            // The version that clients are shown grows with the order and with its payments: eight for each payment, and the
            // newest one's own.
            Table::Orders => {
                "SELECT id, sale, buyer, quantity, unit_price, stage, placed_at, paid_at, refunded, charity,
                        version + (SELECT 8 * count(*) FROM payments WHERE order_id = orders.id)
                            + coalesce((SELECT version FROM payments WHERE order_id = orders.id
                                        ORDER BY created_at DESC, id DESC LIMIT 1), 0)
                FROM orders"
            }
            Table::Holds => "SELECT order_id, sale, quantity, expires_at, outcome, ended_at FROM holds",
            Table::Payments => "SELECT id, order_id, amount, state FROM payments",
            Table::Refunds => "SELECT id, payment, order_id, amount, done_at IS NOT NULL FROM refunds",
            Table::Outbox => "SELECT kind, subject FROM outbox",
            Table::Transfers => "SELECT id, code, debit, credit, amount, order_id FROM transfers ORDER BY id",
            Table::Accounts => "SELECT id, name, currency FROM accounts",
            Table::Totals => "SELECT account, code, debits, credits, newest FROM totals",
        }
    }
}

/// All rows of one snapshot.
#[derive(Debug, Default)]
pub struct Tables(HashMap<Table, Vec<Row>>);

impl Tables {
    pub fn put(&mut self, table: Table, rows: Vec<Row>) {
        self.0.insert(table, rows);
    }

    /// Everything but the provider's books, which are not in the record.
    pub fn into_record(self, read_at_ms: i64) -> Result<Record, Failure> {
        let epochs = self.each(Table::Epoch, |row| row.integer(0))?;
        Ok(Record {
            epoch: epochs.first().map_or(0, |epoch| epoch.cast_unsigned()),
            read_at_ms,
            lots: self.each(Table::Lots, lot)?,
            sales: self.each(Table::Sales, sale)?.into_iter().collect(),
            pledges: self.each(Table::Pledges, pledge)?.into_iter().collect(),
            orders: self.each(Table::Orders, order)?,
            holds: self.each(Table::Holds, hold)?,
            payments: self.each(Table::Payments, payment)?,
            refunds: self.each(Table::Refunds, refund)?,
            outbox: self.each(Table::Outbox, task)?,
            provider: None,
            transfers: self.each(Table::Transfers, transfer)?,
            accounts: self.each(Table::Accounts, account)?.into_iter().collect(),
            totals: self.each(Table::Totals, total)?.into_iter().collect(),
        })
    }

    fn each<T>(&self, table: Table, read: impl Fn(&Row) -> Result<T, Failure>) -> Result<Vec<T>, Failure> {
        let rows = self.0.get(&table);
        let rows = rows.ok_or_else(|| Failure::RecordShape { what: format!("{table:?} was not read") })?;
        rows.iter().map(read).collect()
    }
}

fn lot(row: &Row) -> Result<Lot, Failure> {
    Ok(Lot {
        sale: row.id(0)?,
        set_aside: row.integer(1)?,
        stock: row.integer(2)?,
        held: row.integer(3)?,
        sold: row.integer(4)?,
    })
}

fn sale(row: &Row) -> Result<(Uuid, Sale), Failure> {
    let pledge = match row.optional_id(4)? {
        Some(pledge) => Some((pledge, row.integer(5)?)),
        None => None,
    };
    let closed_sold_out = row.text(2)? == "closed" && row.optional_text(3)? == Some("sold_out");
    Ok((row.id(0)?, Sale { limit_per_buyer: row.integer(1)?, closed_sold_out, pledge }))
}

fn pledge(row: &Row) -> Result<((Uuid, i64), Pledge), Failure> {
    let base = match row.text(2)? {
        "paid_price" => Base::PaidPrice { share_ppm: row.integer(3)? },
        "per_unit" => Base::PerUnit { minor: row.integer(4)? },
        other => return Err(unknown("pledges.base", other)),
    };
    let rounding = match row.text(5)? {
        "down" => Rounding::Down,
        "half_even" => Rounding::HalfEven,
        "up" => Rounding::Up,
        other => return Err(unknown("pledges.rounding", other)),
    };
    let (cap, starts_at, ends_at) =
        (row.optional_integer(6)?, row.optional_integer(7)?, row.optional_integer(8)?);
    Ok(((row.id(0)?, row.integer(1)?), Pledge { base, rounding, cap, starts_at, ends_at }))
}

fn order(row: &Row) -> Result<Order, Failure> {
    Ok(Order {
        id: row.id(0)?,
        sale: row.id(1)?,
        buyer: row.text(2)?.into(),
        quantity: row.integer(3)?,
        unit_price: row.integer(4)?,
        stage: stage(row.text(5)?)?,
        placed_at: row.integer(6)?,
        paid_at: row.optional_integer(7)?,
        refunded: row.integer(8)?,
        charity: row.integer(9)?,
        version: row.integer(10)?.cast_unsigned(),
    })
}

fn hold(row: &Row) -> Result<Hold, Failure> {
    let outcome = match row.optional_text(4)? {
        None => HoldOutcome::Standing,
        Some("claimed") => HoldOutcome::Claimed,
        Some("released") => HoldOutcome::Released,
        Some("expired") => HoldOutcome::Expired,
        Some(other) => return Err(unknown("holds.outcome", other)),
    };
    Ok(Hold {
        order: row.id(0)?,
        sale: row.id(1)?,
        quantity: row.integer(2)?,
        expires_at: row.integer(3)?,
        outcome,
        ended_at: row.optional_integer(5)?,
    })
}

fn payment(row: &Row) -> Result<Payment, Failure> {
    let state = match row.text(3)? {
        "authorising" => PaymentState::Authorising,
        "declined" => PaymentState::Declined,
        "authorised" => PaymentState::Authorised,
        "captured" => PaymentState::Captured,
        "refunding" => PaymentState::Refunding,
        "refunded" => PaymentState::Refunded,
        other => return Err(unknown("payments.state", other)),
    };
    Ok(Payment { id: row.id(0)?, order: row.id(1)?, amount: row.integer(2)?, state })
}

fn refund(row: &Row) -> Result<Refund, Failure> {
    Ok(Refund {
        id: row.id(0)?,
        payment: row.id(1)?,
        order: row.id(2)?,
        amount: row.integer(3)?,
        done: row.boolean(4)?,
    })
}

fn task(row: &Row) -> Result<Task, Failure> {
    let kind = match row.text(0)? {
        "authorise" => TaskKind::Authorise,
        "capture" => TaskKind::Capture,
        "refund" => TaskKind::Refund,
        other => return Err(unknown("outbox.kind", other)),
    };
    Ok(Task { kind, subject: row.id(1)? })
}

fn transfer(row: &Row) -> Result<Transfer, Failure> {
    Ok(Transfer {
        id: row.integer(0)?,
        code: row.integer(1)?,
        debit: row.integer(2)?,
        credit: row.integer(3)?,
        amount: row.integer(4)?,
        order: row.optional_id(5)?,
    })
}

fn account(row: &Row) -> Result<(i64, Account), Failure> {
    Ok((row.integer(0)?, Account { name: row.text(1)?.into(), currency: row.text(2)?.into() }))
}

fn total(row: &Row) -> Result<((i64, i64), Sum), Failure> {
    let sum = Sum { debits: row.integer(2)?, credits: row.integer(3)?, newest: row.integer(4)? };
    Ok(((row.integer(0)?, row.integer(1)?), sum))
}

fn stage(name: &str) -> Result<Stage, Failure> {
    match name {
        "waiting" => Ok(Stage::Waiting),
        "held" => Ok(Stage::Held),
        "paid" => Ok(Stage::Paid),
        "packed" => Ok(Stage::Packed),
        "shipped" => Ok(Stage::Shipped),
        "delivered" => Ok(Stage::Delivered),
        "confirmed" => Ok(Stage::Confirmed),
        "released" => Ok(Stage::Released),
        "expired" => Ok(Stage::Expired),
        "refunded" => Ok(Stage::Refunded),
        other => Err(unknown("orders.stage", other)),
    }
}

fn unknown(column: &str, value: &str) -> Failure {
    Failure::RecordShape { what: format!("{column} = {value:?}") }
}
