//! A room's books, order by order: what a host settles by, and what a charity can follow.

use super::query::Value;
use super::read::prefixed;
use super::rows::{self, ORDER_COLUMNS};
use super::{Journal, StoreError};
use crate::model::{Account, Code, Currency, Order, OrderId, PledgeId, RoomId, Timestamp};

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

/// What one order moved for one part of its pledge, in minor units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PartGift {
    pub accrued: i64,
    pub reversed: i64,
    pub confirmed: i64,
    /// What a refund would have taken back, had the charity not had it.
    pub corrected: i64,
}

impl PartGift {
    /// What later refunds can take from.
    pub fn standing(&self) -> i64 {
        self.accrued - self.reversed - self.corrected
    }
}

/// Two indexes have an order's lines.
const GIFTS: &str = "SELECT a.name, t.code, CAST(sum(t.amount) AS BIGINT) FROM (
         SELECT code, debit, credit, amount FROM transfers WHERE order_id = ?1 AND code > 1 AND code < 8
         UNION ALL SELECT code, debit, credit, amount FROM transfers WHERE order_id = ?1 AND code > 10) t
     JOIN accounts a ON a.id = CASE t.code WHEN 4 THEN t.debit ELSE t.credit END
     WHERE t.code IN (3, 4, 5, 11) GROUP BY a.name, t.code";

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

    /// Of the pledge's `parts`, as the ledger has them now.
    pub async fn gifts_of(&self, order: OrderId, parts: usize) -> Result<Vec<PartGift>, StoreError> {
        let lines = self
            .list(GIFTS, vec![Value::Id(order.0)], |row| {
                Ok((row.parsed::<Account>(0)?, rows::code(row, 1)?, row.int(2)?))
            })
            .await?;
        let mut gifts = vec![PartGift::default(); parts];
        for (account, code, minor) in lines {
            let Some(gift) = account.part().and_then(|part| gifts.get_mut(usize::from(part.part))) else {
                return Err(StoreError::Rule(format!("{account} is of no part of the pledge of {order}")));
            };
            match code {
                Code::Accrue => gift.accrued += minor,
                Code::Reverse => gift.reversed += minor,
                Code::Confirm => gift.confirmed += minor,
                _ => gift.corrected += minor,
            }
        }
        Ok(gifts)
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
