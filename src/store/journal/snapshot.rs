//! A record as of one instant, beside the nodes that write it: for the audit, which reads tables and nothing else.

use std::path::Path;

use rusqlite::Connection;
use tokio_postgres::Client;

use super::postgres::{PostgresSettings, read_only};
use super::query::{Parsed, Row};
use super::sqlite::{open_reader, unavailable};
use super::totals::{Key, Total, keyed};
use super::{StoreError, rows};
use crate::model::{Money, OrderId, Pledge, Timestamp};

pub enum Snapshot {
    Sqlite(Connection),
    Postgres(Client),
}

/// What a paid order accrued, with the pledge that it was sold under.
pub struct Accrual {
    pub order: OrderId,
    pub pledge: Pledge,
    pub paid: Money,
    pub quantity: u32,
    pub at: Timestamp,
    pub accrued: i64,
}

const ACCRUALS: &str = "SELECT p.id, p.version, p.host, p.base, p.share_ppm, p.per_unit, p.cap, p.currency, p.rounding, p.starts_at, \
            p.ends_at, p.body, o.id, o.quantity * o.unit_price, o.currency, o.quantity, o.paid_at, coalesce(t.amount, 0) \
     FROM orders o JOIN sales s ON s.id = o.sale \
     LEFT JOIN (SELECT order_id, CAST(sum(amount) AS BIGINT) AS amount FROM transfers WHERE code = 3 GROUP BY order_id) t \
         ON t.order_id = o.id \
     JOIN pledges p ON p.id = s.pledge AND p.version = s.pledge_version \
     WHERE o.paid_at IS NOT NULL";

const CHARITY_TOTALS: &str = "WITH counted (name, currency, code, newest) AS (VALUES COUNTED)
     SELECT a.name, a.currency, t.code, CAST(sum(t.debit) AS BIGINT), CAST(sum(t.credit) AS BIGINT), max(t.id)
     FROM (SELECT id, at, code, debit AS account, amount AS debit, 0 AS credit FROM transfers
           UNION ALL SELECT id, at, code, credit, 0, amount FROM transfers) t
     JOIN accounts a ON a.id = t.account
     LEFT JOIN counted c ON c.name = a.name AND c.currency = a.currency AND c.code = t.code
     WHERE substr(a.name, 1, 8) = 'charity_' AND (t.id <= coalesce(c.newest, 0) OR t.at <= SETTLED)
     GROUP BY a.name, a.currency, t.code";

/// PostgreSQL checks its pages when it reads them, where checksums are on; what it was told not to enforce can be asked.
const NOT_ENFORCED: &str = "SELECT 'constraint ' || conname || ' is not enforced' FROM pg_constraint WHERE NOT convalidated
     UNION ALL SELECT 'index ' || c.relname || ' is not whole' FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
               WHERE NOT i.indisvalid
     UNION ALL SELECT 'trigger ' || tgname || ' is switched off' FROM pg_trigger WHERE tgenabled = 'D'";

impl Snapshot {
    pub fn of_file(path: &Path) -> Result<Self, StoreError> {
        let connection = open_reader(path).map_err(unavailable)?;
        connection.execute_batch("BEGIN").map_err(unavailable)?;
        Ok(Self::Sqlite(connection))
    }

    pub async fn of_postgres(settings: &PostgresSettings) -> Result<Self, StoreError> {
        read_only(settings).await.map(Self::Postgres)
    }

    pub async fn list<T>(&self, sql: &str, parse: impl Fn(&Row) -> Parsed<T>) -> Result<Vec<T>, StoreError> {
        match self {
            Self::Sqlite(connection) => {
                let mut statement = connection.prepare(sql).map_err(unavailable)?;
                let rows = statement.query_map([], |row| Ok(parse(&Row::from(row))?)).map_err(unavailable)?;
                rows.collect::<rusqlite::Result<_>>().map_err(unavailable)
            }
            Self::Postgres(client) => {
                let rows = client.query(sql, &[]).await;
                let rows = rows.map_err(|error| StoreError::Unavailable(super::postgres::said_by(&error)))?;
                Ok(rows.iter().map(|row| parse(&Row::from(row))).collect::<Parsed<_>>()?)
            }
        }
    }

    /// What is wrong with the record below its rows: pages, keys, references.
    pub async fn damages(&self) -> Result<Vec<String>, StoreError> {
        let text = |row: &Row| row.text(0).map(str::to_owned);
        match self {
            Self::Sqlite(_) => {
                let mut found = self.list("PRAGMA integrity_check", text).await?;
                found.retain(|line| line != "ok");
                let dangling = self.list("PRAGMA foreign_key_check", |_| Ok(())).await?.len();
                if dangling > 0 {
                    found.push(format!("{dangling} rows refer to rows that are not there"));
                }
                Ok(found)
            }
            Self::Postgres(_) => self.list(NOT_ENFORCED, text).await,
        }
    }

    /// Totals of the charity's accounts, added up from the transfers: of each key those up to the last one that `counted` has counted, and those
    /// posted by `settled` whether it has or not. Of one key, ids are in the order of commits.
    pub async fn charity_totals(
        &self,
        counted: &[(Key, Total)],
        settled: Timestamp,
    ) -> Result<Vec<(Key, Total)>, StoreError> {
        let mut rows = "('', '', 0, 0)".to_owned();
        for ((account, currency, code), total) in counted {
            // Names of these accounts are ours and a pledge's id, and need no quoting.
            let (currency, code, newest) = (currency.as_str(), code.number(), total.newest);
            rows.push_str(&format!(", ('{account}', '{currency}', {code}, {newest})"));
        }
        let settled = settled.millis();
        let sql = CHARITY_TOTALS.replace("COUNTED", &rows).replace("SETTLED", &settled.to_string());
        self.list(&sql, keyed).await
    }

    /// Every order that was paid under a pledge.
    pub async fn accruals(&self) -> Result<Vec<Accrual>, StoreError> {
        self.list(ACCRUALS, |row| {
            Ok(Accrual {
                pledge: rows::pledge(row)?,
                order: OrderId(row.id(12)?),
                paid: Money::new(row.int(13)?, row.parsed(14)?),
                quantity: row.number(15)?,
                at: Timestamp(row.int(16)?),
                accrued: row.int(17)?,
            })
        })
        .await
    }
}
