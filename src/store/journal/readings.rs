//! What people who watch the deployment read: what nodes read of themselves, what an audit found, who did what, what is under way.

use super::query::Value;
use super::read::prefixed;
use super::rows::{self, PAYMENT_COLUMNS};
use super::{Journal, Listing, Page, StoreError};
use crate::model::{OrderId, Payment, RoomId, SaleId, Subject, Timestamp};

/// Deleted in one transaction: three minutes of a hundred nodes.
pub const READINGS_AT_ONCE: u32 = 1_800;

#[derive(Clone, Debug, PartialEq)]
pub struct ReadingRow {
    pub at: Timestamp,
    pub node: String,
    pub body: Vec<u8>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct LightsRow {
    pub at: Timestamp,
    pub took_ms: u32,
    pub body: String,
}

#[derive(Clone, Debug, PartialEq)]
pub struct AuditRow {
    pub id: u64,
    pub at: Timestamp,
    pub actor: Subject,
    pub action: String,
    pub subject: String,
    pub reason: String,
}

/// Units that somebody has not paid yet.
#[derive(Clone, Debug, PartialEq)]
pub struct OpenHold {
    pub order: OrderId,
    pub sale: SaleId,
    pub room: RoomId,
    pub title: String,
    pub buyer: Subject,
    pub quantity: u32,
    pub expires_at: Timestamp,
    /// The provider has not answered yet.
    pub paying: bool,
}

impl Journal {
    /// Of all nodes, oldest first: after `after` (a time and a node), up to `until`, at most `limit`.
    pub async fn readings(
        &self,
        after: (Timestamp, String),
        until: Timestamp,
        limit: u32,
    ) -> Result<Vec<ReadingRow>, StoreError> {
        let sql = "SELECT at, node, body FROM readings WHERE (at, node) > (?1, ?2) AND at <= ?3 ORDER BY at, node LIMIT ?4";
        let (at, node) = after;
        let values = vec![
            Value::Int(at.millis()),
            Value::Text(node),
            Value::Int(until.millis()),
            Value::Int(limit.into()),
        ];
        self.list(sql, values, |row| {
            let (at, node) = (Timestamp(row.int(0)?), row.text(1)?.to_owned());
            Ok(ReadingRow { at, node, body: row.bytes(2)?.to_vec() })
        })
        .await
    }

    /// `None`: the record was not audited yet.
    pub async fn lights(&self) -> Result<Option<LightsRow>, StoreError> {
        let sql = "SELECT at, took_ms, body FROM lights";
        self.one(sql, vec![], |row| {
            let (at, took_ms) = (Timestamp(row.int(0)?), row.number(1)?);
            Ok(LightsRow { at, took_ms, body: row.text(2)?.to_owned() })
        })
        .await
    }

    /// Soonest to run out first.
    pub async fn open_holds(&self, limit: u32) -> Result<Vec<OpenHold>, StoreError> {
        let title = self.either("json_extract(p.body, '$.title')", "CAST(p.body AS json) ->> 'title'");
        let sql = format!(
            "SELECT o.id, o.sale, o.room, {title}, o.buyer, o.quantity, o.held_until,
                    CAST(CASE WHEN EXISTS (SELECT 1 FROM payments y WHERE y.order_id = o.id AND y.state = 'authorising') THEN 1 ELSE 0 END AS BIGINT)
             FROM orders o JOIN products p ON p.sku = o.sku
             WHERE o.sale IN (SELECT sale FROM lots WHERE held > 0) AND o.stage = 'held' ORDER BY o.held_until, o.id LIMIT ?1"
        );
        self.list(sql, vec![Value::Int(limit.into())], |row| {
            Ok(OpenHold {
                order: OrderId(row.id(0)?),
                sale: SaleId(row.id(1)?),
                room: row.parsed(2)?,
                title: row.maybe_text(3)?.map(str::to_owned).unwrap_or_else(String::new),
                buyer: row.parsed(4)?,
                quantity: row.number(5)?,
                expires_at: Timestamp(row.int(6)?),
                paying: row.int(7)? != 0,
            })
        })
        .await
    }

    /// Looks at the orders of every sale that has units held: not something to do each second. Open holds whose time ran out before `before`, and tasks that the provider was given before it and has not answered.
    pub async fn overdue(&self, holds: Timestamp, tasks: Timestamp) -> Result<(u64, u64), StoreError> {
        let sql =
            "SELECT (SELECT count(*) FROM orders o WHERE o.sale IN (SELECT sale FROM lots WHERE held > 0)
                           AND o.stage = 'held' AND o.held_until < ?1),
                          (SELECT count(*) FROM outbox WHERE created_at < ?2)";
        let values = vec![Value::Int(holds.millis()), Value::Int(tasks.millis())];
        let counts = self.one(sql, values, |row| Ok((row.unsigned(0)?, row.unsigned(1)?))).await?;
        Ok(counts.unwrap_or((0, 0)))
    }

    /// Newest first.
    pub async fn payments(&self, page: Page) -> Result<Listing<Payment>, StoreError> {
        let columns = prefixed("p", PAYMENT_COLUMNS);
        let sql = format!(
            "SELECT {columns} FROM payments p WHERE (p.created_at, p.id) < (?1, ?2) ORDER BY p.created_at DESC, p.id DESC LIMIT ?3"
        );
        let (at, id) = payment_key(&page);
        let values = vec![Value::Int(at), Value::Id(id), Value::Int(i64::from(page.limit) + 1)];
        let items = self.list(sql, values, rows::payment).await?;
        Ok(Listing::cut(items, page.limit, |payment| {
            format!("{} {}", payment.created_at.millis(), payment.id)
        }))
    }

    /// Newest first.
    pub async fn audit_trail(&self, page: Page) -> Result<Listing<AuditRow>, StoreError> {
        let sql = "SELECT id, at, actor, action, subject, reason FROM audit WHERE id < ?1 ORDER BY id DESC LIMIT ?2";
        let before = page.after.as_deref().and_then(|after| after.parse().ok()).unwrap_or(i64::MAX);
        let values = vec![Value::Int(before), Value::Int(i64::from(page.limit) + 1)];
        let items = self.list(sql, values, |row| {
            Ok(AuditRow {
                id: row.unsigned(0)?,
                at: Timestamp(row.int(1)?),
                actor: row.parsed(2)?,
                action: row.text(3)?.to_owned(),
                subject: row.text(4)?.to_owned(),
                reason: row.text(5)?.to_owned(),
            })
        });
        Ok(Listing::cut(items.await?, page.limit, |line| line.id.to_string()))
    }
}

/// A key that is none starts at the top.
fn payment_key(page: &Page) -> (i64, uuid::Uuid) {
    let key = page.after.as_deref().and_then(|after| after.split_once(' '));
    let key = key.and_then(|(at, id)| Some((at.parse().ok()?, uuid::Uuid::try_parse(id).ok()?)));
    key.unwrap_or((i64::MAX, uuid::Uuid::max()))
}
