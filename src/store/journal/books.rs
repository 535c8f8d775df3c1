//! A room's books, order by order: what a host settles by, and what a charity can follow.

use super::query::Value;
use super::read::prefixed;
use super::rows::{self, ORDER_COLUMNS};
use super::{Journal, StoreError};
use crate::model::{Currency, Order, OrderId, PledgeId, RoomId, Timestamp};

#[derive(Clone, Debug, PartialEq)]
pub struct BookedOrder {
    pub order: Order,
    pub title: String,
    /// As posted. `None`: nothing was, as for an order that is not paid; where no commission is due a zero is posted.
    pub commission: Option<i64>,
    pub provider_fee: i64,
}

/// What one order brought to one pledge, in minor units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CharityLine {
    pub pledge: PledgeId,
    pub currency: Currency,
    pub order: OrderId,
    pub paid_at: Option<Timestamp>,
    pub accrued: i64,
    pub reversed: i64,
    /// By receipt, less what a refund took back after it.
    pub confirmed: i64,
}

const CHARITY_LINES: &str = "SELECT s.pledge, o.currency, o.id, o.paid_at,
            CAST(sum(CASE WHEN t.code = 3 THEN t.amount ELSE 0 END) AS BIGINT),
            CAST(sum(CASE WHEN t.code = 4 THEN t.amount ELSE 0 END) AS BIGINT),
            CAST(sum(CASE WHEN t.code = 5 THEN t.amount WHEN t.code = 4 AND d.name LIKE 'charity_payable/%' THEN -t.amount
                          ELSE 0 END) AS BIGINT)
     FROM sales s JOIN orders o ON o.sale = s.id JOIN transfers t ON t.order_id = o.id AND t.code > 1 AND t.code < 8
          JOIN accounts d ON d.id = t.debit
     WHERE s.room = ?1 AND s.pledge IS NOT NULL AND t.code IN (3, 4, 5)
     GROUP BY s.pledge, o.currency, o.id, o.paid_at ORDER BY s.pledge, o.currency, o.paid_at, o.id";

impl Journal {
    /// All orders of the room, oldest first.
    pub async fn booked_orders(&self, room: RoomId) -> Result<Vec<BookedOrder>, StoreError> {
        let columns = prefixed("o", ORDER_COLUMNS);
        let title = self.either("json_extract(p.body, '$.title')", "CAST(p.body AS json) ->> 'title'");
        let posted = |code: u8| {
            format!(
                "(SELECT CAST(sum(t.amount) AS BIGINT) FROM transfers t
                  WHERE t.order_id = o.id AND t.code > 1 AND t.code < 8 AND t.code = {code})"
            )
        };
        let sql = format!(
            "SELECT {columns}, {title}, {}, {} FROM orders o JOIN products p ON p.sku = o.sku
             WHERE o.sale IN (SELECT id FROM sales WHERE room = ?1) ORDER BY o.placed_at, o.id",
            posted(2),
            posted(7)
        );
        self.list(sql, vec![Value::text(room)], |row| {
            Ok(BookedOrder {
                order: rows::order(row)?,
                title: row.maybe_text(19)?.unwrap_or_default().to_owned(),
                commission: row.maybe_int(20)?,
                provider_fee: row.maybe_int(21)?.unwrap_or(0),
            })
        })
        .await
    }

    /// Of all pledges that the room's sales name; orders of one pledge stand together, oldest payment first.
    pub async fn charity_lines(&self, room: RoomId) -> Result<Vec<CharityLine>, StoreError> {
        self.list(CHARITY_LINES, vec![Value::text(room)], |row| {
            Ok(CharityLine {
                pledge: PledgeId(row.id(0)?),
                currency: row.parsed(1)?,
                order: OrderId(row.id(2)?),
                paid_at: row.maybe_int(3)?.map(Timestamp),
                accrued: row.int(4)?,
                reversed: row.int(5)?,
                confirmed: row.int(6)?,
            })
        })
        .await
    }
}
