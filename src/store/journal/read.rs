//! Readings of the record. They see what is committed, and never block the writer.

use uuid::Uuid;

use super::query::{Parsed, Row, Value};
use super::rows::{self, ORDER_COLUMNS, PAYMENT_COLUMNS};
use super::{Journal, Once, StoreError, Task};
use crate::model::order::ShipTo;
use crate::model::payment::Refund;
use crate::model::room::Sanction;
use crate::model::{
    FlashSale, Order, OrderId, Payment, PaymentId, Pledge, PledgeId, Product, RefundId, Room, RoomId, SaleId,
    Sku, Subject, Timestamp,
};

/// Where a list goes on: after this key, at most so many.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Page {
    pub after: Option<String>,
    pub limit: u32,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Listing<T> {
    pub items: Vec<T>,
    /// `None` at the end.
    pub next: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LotRow {
    pub stock: u32,
    pub held: u32,
    pub sold: u32,
}

const SALE_QUERY: &str = "SELECT s.id, s.room, s.sku, s.price, s.currency, l.set_aside, s.limit_per_buyer, s.hold_ms, \
     s.duration_ms, s.opens_at, s.state, s.closes_at, s.close_reason, s.pledge, s.pledge_version, s.version, CAST(CASE WHEN s.paused THEN 1 ELSE 0 END AS BIGINT) \
     FROM sales s JOIN lots l ON l.sale = s.id";

/// Whether a sale still lives. Only orders that asked for a place on the waiting list can stand in it; there is an index of those.
pub(super) const LIVES: &str = "(s.state <> 'closed' OR l.held > 0 OR l.stock > l.held + l.sold OR r.state <> 'ended' \
     OR EXISTS (SELECT 1 FROM orders o WHERE o.sale = s.id AND o.wait = 1 AND o.stage = 'waiting'))";

impl Journal {
    pub async fn rooms(&self) -> Result<Vec<Room>, StoreError> {
        self.list("SELECT id, host, state, body, version FROM rooms ORDER BY id", vec![], rows::room).await
    }

    pub async fn room(&self, id: RoomId) -> Result<Option<Room>, StoreError> {
        let sql = "SELECT id, host, state, body, version FROM rooms WHERE id = ?1";
        self.one(sql, vec![Value::text(id)], rows::room).await
    }

    pub async fn sanctions(&self) -> Result<Vec<(RoomId, Subject, Sanction)>, StoreError> {
        self.list("SELECT room, subject, muted_until FROM sanctions", vec![], rows::sanction).await
    }

    pub async fn sanctions_of(&self, room: RoomId) -> Result<Vec<(Subject, Sanction)>, StoreError> {
        let sql = "SELECT room, subject, muted_until FROM sanctions WHERE room = ?1";
        let sanctions = self.list(sql, vec![Value::text(room)], rows::sanction).await?;
        Ok(sanctions.into_iter().map(|(_, subject, sanction)| (subject, sanction)).collect())
    }

    pub async fn product(&self, sku: Sku) -> Result<Option<Product>, StoreError> {
        let sql = "SELECT sku, host, on_hand, price, currency, body FROM products WHERE sku = ?1";
        self.one(sql, vec![Value::text(sku)], rows::product).await
    }

    /// A host's products by sku.
    pub async fn products(&self, host: Subject, page: Page) -> Result<Listing<Product>, StoreError> {
        let sql = "SELECT sku, host, on_hand, price, currency, body FROM products
                   WHERE host = ?1 AND sku > ?2 ORDER BY sku LIMIT ?3";
        let after = page.after.clone().unwrap_or_default();
        let items =
            self.list(sql, vec![Value::text(host), Value::Text(after), limit(&page)], rows::product).await?;
        Ok(Listing::cut(items, page.limit, |product| product.sku.to_string()))
    }

    /// The newest version of a pledge, or the one asked for.
    pub async fn pledge(&self, id: PledgeId, version: Option<u32>) -> Result<Option<Pledge>, StoreError> {
        let sql = "SELECT id, version, host, base, share_ppm, per_unit, cap, currency, rounding, starts_at, ends_at, body
                   FROM pledges WHERE id = ?1 AND version = coalesce(?2, version) ORDER BY version DESC LIMIT 1";
        let version = version.map_or(Value::Null, |version| Value::Int(version.into()));
        self.one(sql, vec![Value::Id(id.0), version], rows::pledge).await
    }

    /// A host's pledges, the newest version of each, newest id first.
    pub async fn pledges_of(&self, host: Subject, page: Page) -> Result<Listing<Pledge>, StoreError> {
        let (below, key) = before(&page);
        let sql = format!(
            "SELECT id, version, host, base, share_ppm, per_unit, cap, currency, rounding, starts_at, ends_at, body
             FROM pledges p WHERE host = ?1 AND id {below} ?2
               AND version = (SELECT max(n.version) FROM pledges n WHERE n.id = p.id) ORDER BY id DESC LIMIT ?3"
        );
        let items = self.list(sql, vec![Value::text(host), key, limit(&page)], rows::pledge).await?;
        Ok(Listing::cut(items, page.limit, |pledge| pledge.id.to_string()))
    }

    /// Sales that still live: not closed, or closed with open holds, units that have yet to return or buyers who
    /// still wait, or in a room that has not ended.
    pub async fn live_sales(&self) -> Result<Vec<FlashSale>, StoreError> {
        self.list(format!("{SALE_QUERY} JOIN rooms r ON r.id = s.room WHERE {LIVES}"), vec![], rows::sale)
            .await
    }

    pub async fn sale(&self, id: SaleId) -> Result<Option<FlashSale>, StoreError> {
        self.one(format!("{SALE_QUERY} WHERE s.id = ?1"), vec![Value::Id(id.0)], rows::sale).await
    }

    pub async fn lot(&self, sale: SaleId) -> Result<Option<LotRow>, StoreError> {
        let sql = "SELECT stock, held, sold FROM lots WHERE sale = ?1";
        self.one(sql, vec![Value::Id(sale.0)], rows::lot).await
    }

    /// Units in the lot, and the version of its sale, as of one instant.
    pub async fn stock(&self, sale: SaleId) -> Result<Option<(u32, u64)>, StoreError> {
        let sql = "SELECT l.stock, s.version FROM lots l JOIN sales s ON s.id = l.sale WHERE l.sale = ?1";
        self.one(sql, vec![Value::Id(sale.0)], |row| Ok((row.number(0)?, row.unsigned(1)?))).await
    }

    pub async fn order(&self, id: OrderId) -> Result<Option<Order>, StoreError> {
        self.one(
            format!("SELECT {ORDER_COLUMNS} FROM orders WHERE id = ?1"),
            vec![Value::Id(id.0)],
            rows::order,
        )
        .await
    }

    /// All orders of a sale, oldest first; the order of the waiting list.
    pub async fn orders_of_sale(&self, sale: SaleId) -> Result<Vec<Order>, StoreError> {
        let sql = format!("SELECT {ORDER_COLUMNS} FROM orders WHERE sale = ?1 ORDER BY placed_at, id");
        self.list(sql, vec![Value::Id(sale.0)], rows::order).await
    }

    /// Newest id first, which is newest first where clients make ids of version 7.
    pub async fn orders_of_buyer(&self, buyer: Subject, page: Page) -> Result<Listing<Order>, StoreError> {
        let (below, key) = before(&page);
        let sql = format!(
            "SELECT {ORDER_COLUMNS} FROM orders WHERE buyer = ?1 AND id {below} ?2 ORDER BY id DESC LIMIT ?3"
        );
        let items = self.list(sql, vec![Value::text(buyer), key, limit(&page)], rows::order).await?;
        Ok(Listing::cut(items, page.limit, |order| order.id.to_string()))
    }

    pub async fn orders_of_room(&self, room: RoomId, page: Page) -> Result<Listing<Order>, StoreError> {
        let (below, key) = before(&page);
        let sql = format!(
            "SELECT {ORDER_COLUMNS} FROM orders WHERE sale IN (SELECT id FROM sales WHERE room = ?1)
             AND id {below} ?2 ORDER BY id DESC LIMIT ?3"
        );
        let items = self.list(sql, vec![Value::text(room), key, limit(&page)], rows::order).await?;
        Ok(Listing::cut(items, page.limit, |order| order.id.to_string()))
    }

    /// Everybody who has ever placed an order in this room.
    pub async fn buyers_of_room(&self, room: RoomId) -> Result<Vec<Subject>, StoreError> {
        let sql = "SELECT DISTINCT buyer FROM orders WHERE sale IN (SELECT id FROM sales WHERE room = ?1)";
        self.list(sql.to_owned(), vec![Value::text(room)], |row| row.parsed(0)).await
    }

    /// Paid and not yet shipped, with addresses; oldest payment first.
    pub async fn orders_to_pack(&self, room: RoomId) -> Result<Vec<(Order, Option<ShipTo>)>, StoreError> {
        let columns = prefixed("o", ORDER_COLUMNS);
        let sql = format!(
            "SELECT {columns}, a.name, a.phone, a.address FROM orders o LEFT JOIN addresses a ON a.order_id = o.id
             WHERE o.sale IN (SELECT id FROM sales WHERE room = ?1) AND o.stage IN ('paid', 'packed')
             ORDER BY o.paid_at, o.id"
        );
        self.list(sql, vec![Value::text(room)], |row| Ok((rows::order(row)?, ship_to(row, 19)?))).await
    }

    /// Shipped before `before` and not yet confirmed.
    pub async fn orders_to_confirm(&self, before: Timestamp) -> Result<Vec<Order>, StoreError> {
        let shipped_before = self.either(
            "stage IN ('shipped', 'delivered') AND json_extract(parcel, '$.shipped_at') < ?1",
            "under_way_since < ?1",
        );
        let sql = format!("SELECT {ORDER_COLUMNS} FROM orders WHERE {shipped_before} LIMIT 1000");
        self.list(sql, vec![Value::Int(before.millis())], rows::order).await
    }

    pub async fn address(&self, order: OrderId) -> Result<Option<ShipTo>, StoreError> {
        let sql = "SELECT name, phone, address FROM addresses WHERE order_id = ?1";
        Ok(self.one(sql, vec![Value::Id(order.0)], |row| ship_to(row, 0)).await?.flatten())
    }

    pub async fn payment(&self, id: PaymentId) -> Result<Option<Payment>, StoreError> {
        let sql = format!("SELECT {PAYMENT_COLUMNS} FROM payments WHERE id = ?1");
        self.one(sql, vec![Value::Id(id.0)], rows::payment).await
    }

    /// In the order of their making.
    pub async fn payments_of(&self, order: OrderId) -> Result<Vec<Payment>, StoreError> {
        let sql =
            format!("SELECT {PAYMENT_COLUMNS} FROM payments WHERE order_id = ?1 ORDER BY created_at, id");
        self.list(sql, vec![Value::Id(order.0)], rows::payment).await
    }

    pub async fn payments_of_sale(&self, sale: SaleId) -> Result<Vec<Payment>, StoreError> {
        let columns = prefixed("p", PAYMENT_COLUMNS);
        let sql = format!(
            "SELECT {columns} FROM orders o JOIN payments p ON p.order_id = o.id WHERE o.sale = ?1
             ORDER BY p.created_at, p.id"
        );
        self.list(sql, vec![Value::Id(sale.0)], rows::payment).await
    }

    pub async fn refund(&self, id: RefundId) -> Result<Option<Refund>, StoreError> {
        let sql = "SELECT id, payment, order_id, amount, currency, reason, requested_at, done_at FROM refunds
                   WHERE id = ?1";
        self.one(sql, vec![Value::Id(id.0)], rows::refund).await
    }

    /// Whether this key was used before; with other content it is refused.
    pub async fn seen(&self, once: Once) -> Result<bool, StoreError> {
        let sql = "SELECT content FROM once WHERE key = ?1";
        let content = self.one(sql, vec![Value::Id(once.key)], |row| Ok(row.bytes(0)?.to_vec())).await?;
        match content {
            None => Ok(false),
            Some(content) if content == once.content => Ok(true),
            Some(_) => Err(StoreError::ContentDiffers),
        }
    }

    /// What must still be asked of the provider and was recorded by `until`, oldest first.
    pub async fn tasks(&self, until: Timestamp) -> Result<Vec<Task>, StoreError> {
        let sql = "SELECT kind, subject FROM outbox WHERE created_at <= ?1 ORDER BY created_at LIMIT 10000";
        self.list(sql, vec![Value::Int(until.millis())], |row| {
            let subject = row.id(1)?;
            Ok(match row.text(0)? {
                "authorise" => Task::Authorise(PaymentId(subject)),
                "capture" => Task::Capture(PaymentId(subject)),
                _ => Task::Refund(RefundId(subject)),
            })
        })
        .await
    }
}

impl<T> Listing<T> {
    /// One more than the limit was read, to know whether there is more.
    pub fn cut(mut items: Vec<T>, limit: u32, key: impl Fn(&T) -> String) -> Self {
        let limit = limit as usize;
        let more = items.len() > limit;
        items.truncate(limit);
        let next = items.last().filter(|_| more).map(key);
        Self { items, next }
    }

    pub fn map<U>(self, change: impl FnMut(T) -> U) -> Listing<U> {
        Listing { items: self.items.into_iter().map(change).collect(), next: self.next }
    }
}

/// How an id compares with the page's key, and the key; a key that is no id starts at the top.
pub(super) fn before(page: &Page) -> (&'static str, Value) {
    let after = page.after.as_deref().and_then(|after| after.parse::<OrderId>().ok());
    after.map_or(("<=", Value::Id(Uuid::max())), |order| ("<", Value::Id(order.0)))
}

/// One more than the page shows.
pub(super) fn limit(page: &Page) -> Value {
    Value::Int(i64::from(page.limit) + 1)
}

pub(super) fn prefixed(table: &str, columns: &str) -> String {
    columns.split(", ").map(|column| format!("{table}.{}", column.trim())).collect::<Vec<_>>().join(", ")
}

fn ship_to(row: &Row, first: usize) -> Parsed<Option<ShipTo>> {
    let row = row.starting_at(first);
    let Some(name) = row.maybe_text(0)? else {
        return Ok(None);
    };
    Ok(Some(ShipTo { name: name.into(), phone: row.text(1)?.into(), address: row.text(2)?.into() }))
}
