//! Reads the SQLite record. The only file with SQL: a reader of another database gives the same `Record`.

use std::{
    collections::{BTreeMap, HashMap},
    path::{Path, PathBuf},
    time::Duration,
};

use rusqlite::{Connection, OpenFlags, Row};
use uuid::Uuid;

use super::record::{
    Account, Base, Hold, HoldOutcome, Lot, Order, Payment, PaymentState, Pledge, ProviderPayment, Record,
    Refund, Rounding, Sale, Sum, Task, TaskKind, Transfer,
};
use crate::{failure::Failure, history::Stage};

const EPOCH: &str = "SELECT epoch FROM record";
const LOTS: &str = "SELECT sale, set_aside, stock, held, sold FROM lots";
const SALES: &str = "SELECT id, limit_per_buyer, state, close_reason, pledge, pledge_version FROM sales";
const PLEDGES: &str =
    "SELECT id, version, base, share_ppm, per_unit, rounding, cap, starts_at, ends_at FROM pledges";
/// The version that clients are shown grows with the order and with its payments: eight for each payment, and the newest one's own.
const ORDERS: &str =
    "SELECT id, sale, buyer, quantity, unit_price, stage, placed_at, paid_at, refunded, charity,
            version + (SELECT 8 * count(*) FROM payments WHERE order_id = orders.id)
                + coalesce((SELECT version FROM payments WHERE order_id = orders.id ORDER BY created_at DESC, id DESC LIMIT 1), 0)
    FROM orders";
const HOLDS: &str = "SELECT order_id, sale, quantity, expires_at, outcome, ended_at FROM holds";
const PAYMENTS: &str = "SELECT id, order_id, amount, state FROM payments";
const REFUNDS: &str = "SELECT id, payment, order_id, amount, done_at IS NOT NULL FROM refunds";
const PROVIDER: &str = "SELECT id, captured_at IS NOT NULL, refunded_minor FROM payment";
const OUTBOX: &str = "SELECT kind, subject FROM outbox";
const TRANSFERS: &str = "SELECT id, code, debit, credit, amount, order_id FROM transfers ORDER BY id";
const ACCOUNTS: &str = "SELECT id, name, currency FROM accounts";
const TOTALS: &str = "SELECT account, code, debits, credits, newest FROM totals";

/// The sandbox provider keeps its books beside the record.
const PROVIDER_FILE: &str = "sandbox.db";

/// Finds the record inside a server's data folder: the one SQLite file that has the table `lots`.
pub fn find(dir: &Path) -> Result<PathBuf, Failure> {
    let entries = std::fs::read_dir(dir).map_err(Failure::file(dir))?;
    for entry in entries {
        let path = entry.map_err(Failure::file(dir))?.path();
        let is_database = path
            .extension()
            .is_some_and(|extension| extension == "db" || extension == "sqlite" || extension == "sqlite3");
        if is_database && has_lots(&path) {
            return Ok(path);
        }
    }
    Err(Failure::RecordMissing { dir: dir.into() })
}

fn has_lots(path: &Path) -> bool {
    open(path).and_then(|record| record.prepare(LOTS).map(drop)).is_ok()
}

fn open(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(Duration::from_secs(10))?;
    Ok(connection)
}

/// Reads everything in one transaction, so that a running server may go on writing.
pub fn read(path: &Path, read_at_ms: i64) -> Result<Record, Failure> {
    let wrong = |source| Failure::Record { path: path.into(), source };
    let mut connection = open(path).map_err(wrong)?;
    let snapshot = connection.transaction().map_err(wrong)?;
    let reader = Reader { path, connection: &snapshot };
    let epochs = reader.rows(EPOCH, |row| row.get::<_, i64>(0))?;
    Ok(Record {
        epoch: epochs.first().map_or(0, |epoch| epoch.cast_unsigned()),
        read_at_ms,
        lots: reader.rows(LOTS, |row| {
            Ok(Lot {
                sale: id(row, 0)?,
                set_aside: row.get(1)?,
                stock: row.get(2)?,
                held: row.get(3)?,
                sold: row.get(4)?,
            })
        })?,
        sales: reader.sales()?,
        pledges: reader.pledges()?,
        orders: reader.orders()?,
        holds: reader.holds()?,
        payments: reader.payments()?,
        refunds: reader.rows(REFUNDS, |row| {
            Ok(Refund {
                id: id(row, 0)?,
                payment: id(row, 1)?,
                order: id(row, 2)?,
                amount: row.get(3)?,
                done: row.get(4)?,
            })
        })?,
        outbox: reader.outbox()?,
        provider: provider(&path.with_file_name(PROVIDER_FILE))?,
        transfers: reader.rows(TRANSFERS, |row| {
            Ok(Transfer {
                id: row.get(0)?,
                code: row.get(1)?,
                debit: row.get(2)?,
                credit: row.get(3)?,
                amount: row.get(4)?,
                order: optional_id(row, 5)?,
            })
        })?,
        accounts: reader
            .rows(ACCOUNTS, |row| Ok((row.get(0)?, Account { name: row.get(1)?, currency: row.get(2)? })))?
            .into_iter()
            .collect(),
        totals: reader.totals()?,
    })
}

fn provider(path: &Path) -> Result<Option<Vec<ProviderPayment>>, Failure> {
    if !path.is_file() {
        return Ok(None);
    }
    let connection = open(path).map_err(|source| Failure::Record { path: path.into(), source })?;
    let reader = Reader { path, connection: &connection };
    let payments = reader.rows(PROVIDER, |row| {
        Ok(ProviderPayment { id: id(row, 0)?, captured: row.get(1)?, refunded_minor: row.get(2)? })
    })?;
    Ok(Some(payments))
}

struct Reader<'a> {
    path: &'a Path,
    connection: &'a Connection,
}

impl Reader<'_> {
    fn rows<T>(
        &self,
        sql: &str,
        each: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, Failure> {
        let wrong = |source| Failure::Record { path: self.path.into(), source };
        let mut statement = self.connection.prepare(sql).map_err(wrong)?;
        let rows = statement.query_map([], each).map_err(wrong)?;
        rows.collect::<Result<_, _>>().map_err(wrong)
    }

    fn sales(&self) -> Result<HashMap<Uuid, Sale>, Failure> {
        let rows = self.rows(SALES, |row| {
            let state: String = row.get(2)?;
            let reason: Option<String> = row.get(3)?;
            let pledge = match optional_id(row, 4)? {
                Some(pledge) => Some((pledge, row.get(5)?)),
                None => None,
            };
            let closed_sold_out = state == "closed" && reason.as_deref() == Some("sold_out");
            Ok((id(row, 0)?, Sale { limit_per_buyer: row.get(1)?, closed_sold_out, pledge }))
        })?;
        Ok(rows.into_iter().collect())
    }

    fn pledges(&self) -> Result<HashMap<(Uuid, i64), Pledge>, Failure> {
        let rows = self.rows(PLEDGES, |row| {
            let key: (Uuid, i64) = (id(row, 0)?, row.get(1)?);
            let rule: (String, i64, i64, String) = (row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?);
            let period: (Option<i64>, Option<i64>, Option<i64>) = (row.get(6)?, row.get(7)?, row.get(8)?);
            Ok((key, rule, period))
        })?;
        rows.into_iter()
            .map(|(key, (base, share_ppm, per_unit, rounding), (cap, starts_at, ends_at))| {
                let base = match base.as_str() {
                    "paid_price" => Base::PaidPrice { share_ppm },
                    "per_unit" => Base::PerUnit { minor: per_unit },
                    other => return Err(unknown("pledges.base", other)),
                };
                let rounding = match rounding.as_str() {
                    "down" => Rounding::Down,
                    "half_even" => Rounding::HalfEven,
                    "up" => Rounding::Up,
                    other => return Err(unknown("pledges.rounding", other)),
                };
                Ok((key, Pledge { base, rounding, cap, starts_at, ends_at }))
            })
            .collect()
    }

    fn orders(&self) -> Result<Vec<Order>, Failure> {
        let rows = self.rows(ORDERS, |row| {
            let stage: String = row.get(5)?;
            let order = Order {
                id: id(row, 0)?,
                sale: id(row, 1)?,
                buyer: row.get(2)?,
                quantity: row.get(3)?,
                unit_price: row.get(4)?,
                stage: Stage::Unknown,
                placed_at: row.get(6)?,
                paid_at: row.get(7)?,
                refunded: row.get(8)?,
                charity: row.get(9)?,
                version: row.get::<_, i64>(10)?.cast_unsigned(),
            };
            Ok((order, stage))
        })?;
        rows.into_iter().map(|(order, name)| Ok(Order { stage: stage(&name)?, ..order })).collect()
    }

    fn holds(&self) -> Result<Vec<Hold>, Failure> {
        let rows = self.rows(HOLDS, |row| {
            let outcome: Option<String> = row.get(4)?;
            let hold = Hold {
                order: id(row, 0)?,
                sale: id(row, 1)?,
                quantity: row.get(2)?,
                expires_at: row.get(3)?,
                outcome: HoldOutcome::Standing,
                ended_at: row.get(5)?,
            };
            Ok((hold, outcome))
        })?;
        rows.into_iter()
            .map(|(hold, outcome)| {
                let outcome = match outcome.as_deref() {
                    None => HoldOutcome::Standing,
                    Some("claimed") => HoldOutcome::Claimed,
                    Some("released") => HoldOutcome::Released,
                    Some("expired") => HoldOutcome::Expired,
                    Some(other) => return Err(unknown("holds.outcome", other)),
                };
                Ok(Hold { outcome, ..hold })
            })
            .collect()
    }

    fn payments(&self) -> Result<Vec<Payment>, Failure> {
        let rows = self.rows(PAYMENTS, |row| {
            Ok((id(row, 0)?, id(row, 1)?, row.get::<_, i64>(2)?, row.get::<_, String>(3)?))
        })?;
        rows.into_iter()
            .map(|(id, order, amount, state)| {
                let state = match state.as_str() {
                    "authorising" => PaymentState::Authorising,
                    "declined" => PaymentState::Declined,
                    "authorised" => PaymentState::Authorised,
                    "captured" => PaymentState::Captured,
                    "refunding" => PaymentState::Refunding,
                    "refunded" => PaymentState::Refunded,
                    other => return Err(unknown("payments.state", other)),
                };
                Ok(Payment { id, order, amount, state })
            })
            .collect()
    }

    fn outbox(&self) -> Result<Vec<Task>, Failure> {
        let rows = self.rows(OUTBOX, |row| Ok((row.get::<_, String>(0)?, id(row, 1)?)))?;
        rows.into_iter()
            .map(|(kind, subject)| {
                let kind = match kind.as_str() {
                    "authorise" => TaskKind::Authorise,
                    "capture" => TaskKind::Capture,
                    "refund" => TaskKind::Refund,
                    other => return Err(unknown("outbox.kind", other)),
                };
                Ok(Task { kind, subject })
            })
            .collect()
    }

    fn totals(&self) -> Result<BTreeMap<(i64, i64), Sum>, Failure> {
        let rows = self.rows(TOTALS, |row| {
            let sum = Sum { debits: row.get(2)?, credits: row.get(3)?, newest: row.get(4)? };
            Ok(((row.get(0)?, row.get(1)?), sum))
        })?;
        Ok(rows.into_iter().collect())
    }
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

fn id(row: &Row<'_>, column: usize) -> rusqlite::Result<Uuid> {
    row.get::<_, [u8; 16]>(column).map(Uuid::from_bytes)
}

fn optional_id(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Uuid>> {
    Ok(row.get::<_, Option<[u8; 16]>>(column)?.map(Uuid::from_bytes))
}

#[cfg(test)]
mod tests {
    use rusqlite::params;

    use super::*;
    use crate::checker::{Rule, judge};

    const SCHEMA: &str = include_str!("../../../migrations/sqlite/V1__record.sql");
    const NOW_MS: i64 = 1_790_000_060_000;

    fn id_of(number: u128) -> [u8; 16] {
        *Uuid::from_u128(number).as_bytes()
    }

    /// A folder with a record of one sale of two units, one bought and one released, written as the schema wants it.
    fn folder() -> (tempfile::TempDir, Connection) {
        let dir = tempfile::tempdir().unwrap();
        let db = Connection::open(dir.path().join("record.db")).unwrap();
        db.execute_batch(SCHEMA).unwrap();
        db.execute_batch(
            "INSERT INTO record VALUES (77, 1790000000000);
             INSERT INTO rooms VALUES ('room', 'host', 'live', '{}', 1);
             INSERT INTO products VALUES ('sku', 'host', 0, 3000, 'CNY', '{}');
             INSERT INTO accounts VALUES (1, 'buyer_clearing/sandbox', 'CNY'), (2, 'host_payable/host', 'CNY'),
                 (3, 'charity_accrued/00000000-0000-0000-0000-000000000009', 'CNY');",
        )
        .unwrap();
        let (sale, pledge, bought, released) = (id_of(8), id_of(9), id_of(1), id_of(2));
        db.execute(
            "INSERT INTO pledges VALUES (?1, 1, 'host', 'paid_price', 25000, 0, NULL, 'CNY', 'down', NULL, NULL, '{}')",
            params![pledge],
        )
        .unwrap();
        db.execute(
            "INSERT INTO sales VALUES (?1, 'room', 'sku', 2590, 'CNY', 2, 10000, 60000, NULL, 'open', NULL, NULL, ?2, 1, 1)",
            params![sale, pledge],
        )
        .unwrap();
        db.execute("INSERT INTO lots VALUES (?1, 2, 2, 0, 1)", params![sale]).unwrap();
        for (order, stage, charity, paid_at, outcome) in [
            (bought, "paid", 64, Some(1_790_000_001_000i64), "claimed"),
            (released, "released", 0, None, "released"),
        ] {
            db.execute(
                "INSERT INTO orders (id, sale, room, sku, buyer, quantity, unit_price, currency, wait, stage, hold, placed_at,
                     paid_at, charity, version)
                 VALUES (?1, ?2, 'room', 'sku', 'buyer-0', 1, 2590, 'CNY', 0, ?3, 1, 1790000000500, ?4, ?5, 2)",
                params![order, sale, stage, paid_at, charity],
            )
            .unwrap();
            db.execute(
                "INSERT INTO holds VALUES (?1, 1, ?2, 1, 1790000010500, ?3, 1790000001000)",
                params![order, sale, outcome],
            )
            .unwrap();
        }
        db.execute(
            "INSERT INTO payments VALUES (?1, ?2, 2590, 'CNY', 'sandbox_approve', 'captured', NULL, 1790000000600, 2)",
            params![id_of(5), bought],
        )
        .unwrap();
        for (number, code, debit, credit, amount) in [(1, 1, 1, 2, 2_590), (2, 3, 2, 3, 64)] {
            db.execute(
                "INSERT INTO transfers VALUES (?1, 1790000001000, ?2, ?3, ?4, ?5, ?6)",
                params![number, code, debit, credit, amount, bought],
            )
            .unwrap();
            db.execute(
                "INSERT INTO totals VALUES (?1, ?3, ?4, 0, ?5), (?2, ?3, 0, ?4, ?5)",
                params![debit, credit, code, amount, number],
            )
            .unwrap();
        }
        (dir, db)
    }

    fn judged(dir: &tempfile::TempDir) -> crate::checker::Verdict {
        let path = find(dir.path()).unwrap();
        judge(Some(&read(&path, NOW_MS).unwrap()), None)
    }

    #[test]
    fn a_record_of_this_schema_is_read_and_clean() {
        let (dir, _db) = folder();
        let verdict = judged(&dir);
        assert_eq!(verdict.findings, vec![]);
        let checked = verdict.checked;
        assert_eq!((checked.orders, checked.holds, checked.payments, checked.transfers), (2, 2, 1, 2));
    }

    /// Each change to the file breaks one rule, past all of the schema's own checks.
    #[test]
    fn a_tampered_record_is_caught() {
        for (rule, change) in [
            (Rule::Oversold, "UPDATE lots SET stock = 0, sold = 0"),
            (Rule::Undersold, "UPDATE lots SET sold = 2"),
            (Rule::Undersold, "UPDATE sales SET state = 'closed', close_reason = 'sold_out'"),
            (Rule::Lost, "UPDATE orders SET stage = 'expired' WHERE stage = 'paid'"),
            (Rule::Lost, "DELETE FROM payments"),
            (
                Rule::DoubleEffects,
                "INSERT INTO holds SELECT order_id, 2, sale, quantity, expires_at, outcome, ended_at
                                   FROM holds WHERE outcome = 'claimed'",
            ),
            (Rule::DoubleEffects, "INSERT INTO outbox SELECT 'capture', id, 0 FROM payments"),
            (Rule::LimitBroken, "UPDATE holds SET quantity = 3 WHERE outcome = 'claimed'"),
            (Rule::CounterWrong, "UPDATE orders SET charity = 65 WHERE stage = 'paid'"),
            (
                Rule::CounterWrong,
                "INSERT INTO transfers SELECT 3, at, code, debit, credit, amount, order_id
                                  FROM transfers WHERE code = 3",
            ),
            (Rule::CounterWrong, "UPDATE totals SET newest = 99 WHERE code = 3"),
        ] {
            let (dir, db) = folder();
            db.execute_batch(change).unwrap();
            let verdict = judged(&dir);
            assert!(verdict.count(rule) > 0, "{change} must break {rule:?}: {:?}", verdict.findings);
        }
    }

    #[test]
    fn a_folder_without_a_record_says_so() {
        let dir = tempfile::tempdir().unwrap();
        let error = find(dir.path()).unwrap_err();
        assert!(error.to_string().contains("--data"), "{error}");
    }
}
