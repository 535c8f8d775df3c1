//! What one room has sold, and how many came: for its host, and for ops.

use super::figures::{Funnel, GMV, Minute, TO_PACK};
use super::query::Value;
use super::{Journal, StoreError};
use crate::model::{Currency, PledgeId, RoomId, Timestamp};

/// A day.
const MINUTES_MAX: i64 = 1_440;

/// In minor units of `currency`. What was refunded, and what went to charity, is in the orders; an audit compares them with the ledger.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RoomFigures {
    pub funnel: Funnel,
    pub viewers_most: u32,
    pub orders_to_pack: u64,
    /// Of paid orders, refunded or not.
    pub gmv: i64,
    pub refunded: i64,
    /// As posted: an explicit zero where none is due.
    pub commission: i64,
    pub provider_fee: i64,
    /// Accrued, less what refunds reversed.
    pub charity: i64,
    /// `None`: the room has no sales.
    pub currency: Option<Currency>,
    /// Without empty ones, oldest first: the newest of a day.
    pub minutes: Vec<RoomMinute>,
    /// Those that the room's sales offer, sold or not, by sku.
    pub products: Vec<ProductFigures>,
    /// Those that the room's sales name.
    pub pledges: Vec<(PledgeId, Currency)>,
}

/// Of all nodes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RoomMinute {
    pub counted: Minute,
    pub orders_paid: u64,
    pub gmv: i64,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct ProductFigures {
    pub sku: String,
    pub title: String,
    pub orders_paid: u64,
    pub units_paid: u64,
    pub gmv: i64,
    pub refunded: i64,
    pub charity: i64,
}

/// What the orders of one product add to the room's figures.
struct OfProduct {
    product: ProductFigures,
    funnel: Funnel,
    to_pack: u64,
    currency: Currency,
}

const POSTED: &str = "SELECT coalesce(CAST(sum(CASE WHEN t.code = 2 THEN t.amount ELSE 0 END) AS BIGINT), 0),
            coalesce(CAST(sum(CASE WHEN t.code = 7 THEN t.amount ELSE 0 END) AS BIGINT), 0)
     FROM sales s JOIN orders o ON o.sale = s.id JOIN transfers t ON t.order_id = o.id AND t.code > 1 AND t.code < 8
     WHERE s.room = ?1";
const COUNTED: &str = "SELECT coalesce(CAST(sum(seen) AS BIGINT), 0), coalesce(CAST(sum(tapped) AS BIGINT), 0), coalesce(max(viewers), 0)
     FROM room_minutes WHERE room = ?1";
const MINUTES: &str = "SELECT at, max(viewers), CAST(sum(seen) AS BIGINT), CAST(sum(tapped) AS BIGINT), CAST(sum(paid) AS BIGINT),
            CAST(sum(gmv) AS BIGINT)
     FROM (SELECT at, viewers, seen, tapped, 0 AS paid, 0 AS gmv FROM room_minutes WHERE room = ?1 AND at >= ?2
           UNION ALL
           SELECT o.paid_at / 60000 * 60000, 0, 0, 0, 1, o.quantity * o.unit_price
           FROM sales s JOIN orders o ON o.sale = s.id WHERE s.room = ?1 AND o.paid_at >= ?2) m
     GROUP BY at ORDER BY at DESC LIMIT ?3";

impl Journal {
    /// `since`: when the room went live; before it there are no minutes. Read in several parts: an order that is paid meanwhile may be in one
    /// and not in another.
    pub async fn room_figures(
        &self,
        room: RoomId,
        since: Option<Timestamp>,
    ) -> Result<RoomFigures, StoreError> {
        let mut figures = RoomFigures::default();
        for OfProduct { product, funnel, to_pack, currency } in self.sold_in(&room).await? {
            let sum = &mut figures.funnel;
            sum.held += funnel.held;
            sum.paid += funnel.paid;
            sum.shipped += funnel.shipped;
            sum.confirmed += funnel.confirmed;
            figures.orders_to_pack += to_pack;
            figures.gmv += product.gmv;
            figures.refunded += product.refunded;
            figures.charity += product.charity;
            figures.currency = Some(currency);
            figures.products.push(product);
        }
        let of_room = || vec![Value::text(&room)];
        let posted = self.one(POSTED, of_room(), |row| Ok((row.int(0)?, row.int(1)?))).await?;
        (figures.commission, figures.provider_fee) = posted.unwrap_or_default();
        let counted =
            self.one(COUNTED, of_room(), |row| Ok((row.unsigned(0)?, row.unsigned(1)?, row.number(2)?)));
        (figures.funnel.seen, figures.funnel.tapped, figures.viewers_most) =
            counted.await?.unwrap_or_default();
        figures.pledges = self.pledges_of_room(room.clone()).await?;
        if let Some(since) = since {
            figures.minutes = self.minutes_of(&room, since).await?;
        }
        Ok(figures)
    }

    /// Each pledge that the room's sales name, with the currencies that it was sold in.
    pub async fn pledges_of_room(&self, room: RoomId) -> Result<Vec<(PledgeId, Currency)>, StoreError> {
        let sql = "SELECT DISTINCT pledge, currency FROM sales WHERE room = ?1 AND pledge IS NOT NULL ORDER BY pledge, currency";
        self.list(sql, vec![Value::text(room)], |row| Ok((PledgeId(row.id(0)?), row.parsed(1)?))).await
    }

    async fn minutes_of(&self, room: &RoomId, since: Timestamp) -> Result<Vec<RoomMinute>, StoreError> {
        let since = Minute::of(since).millis();
        let values = vec![Value::text(room), Value::Int(since), Value::Int(MINUTES_MAX)];
        let minutes = self.list(MINUTES, values, |row| {
            let at = Timestamp(row.int(0)?);
            let (viewers, seen, tapped) = (row.number(1)?, row.unsigned(2)?, row.unsigned(3)?);
            let counted = Minute { at, viewers, seen, tapped };
            Ok(RoomMinute { counted, orders_paid: row.unsigned(4)?, gmv: row.int(5)? })
        });
        let mut minutes = minutes.await?;
        minutes.reverse();
        Ok(minutes)
    }

    async fn sold_in(&self, room: &RoomId) -> Result<Vec<OfProduct>, StoreError> {
        let title = self.either("json_extract(p.body, '$.title')", "CAST(p.body AS json) ->> 'title'");
        let sql = format!(
            "SELECT s.sku, max({title}), max(s.currency), {}, {TO_PACK}, {GMV},
                    CAST(sum(CASE WHEN o.paid_at IS NOT NULL THEN o.quantity ELSE 0 END) AS BIGINT),
                    coalesce(CAST(sum(o.refunded) AS BIGINT), 0), coalesce(CAST(sum(o.charity) AS BIGINT), 0)
             FROM sales s JOIN products p ON p.sku = s.sku LEFT JOIN orders o ON o.sale = s.id
             WHERE s.room = ?1 GROUP BY s.sku ORDER BY s.sku",
            self.steps()
        );
        self.list(sql, vec![Value::text(room)], |row| {
            let funnel = Funnel {
                held: row.unsigned(3)?,
                paid: row.unsigned(4)?,
                shipped: row.unsigned(5)?,
                confirmed: row.unsigned(6)?,
                ..Funnel::default()
            };
            let product = ProductFigures {
                sku: row.text(0)?.to_owned(),
                title: row.maybe_text(1)?.unwrap_or_default().to_owned(),
                orders_paid: funnel.paid,
                units_paid: row.unsigned(9)?,
                gmv: row.int(8)?,
                refunded: row.int(10)?,
                charity: row.int(11)?,
            };
            Ok(OfProduct { product, funnel, to_pack: row.unsigned(7)?, currency: row.parsed(2)? })
        })
        .await
    }
}
