//! What a node asks of a record that others write too: versions to compare with its memory, sums to guess again, the time.

use super::query::Value;
use super::read::{LIVES, LotRow, prefixed};
use super::rows::{self, ORDER_COLUMNS, PAYMENT_COLUMNS};
use super::{Journal, StoreError};
use crate::model::{Currency, Order, OrderId, PartRef, Payment, RoomId, SaleId, Subject, Timestamp};

/// What of a pledge stands accrued, kept with its part 0, and what of a part is owed to its charity; in minor units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PledgeSums {
    /// Accrued less reversed.
    pub standing: i64,
    /// Confirmed less taken back, less remitted or set aside by an open remittance.
    pub payable: i64,
}

impl Journal {
    /// The record's own clock, where it has one.
    pub async fn clock(&self) -> Result<Option<Timestamp>, StoreError> {
        match self {
            Self::Sqlite(_) => Ok(None),
            Self::Postgres(_) => {
                let sql = "SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)";
                self.one(sql, vec![], |row| row.int(0).map(Timestamp)).await
            }
        }
    }

    /// Rooms that have not ended.
    pub async fn room_versions(&self) -> Result<Vec<(RoomId, u64)>, StoreError> {
        let sql = "SELECT id, version FROM rooms WHERE state <> 'ended'";
        self.list(sql, vec![], |row| Ok((row.parsed(0)?, row.unsigned(1)?))).await
    }

    /// Of the same sales as `live_sales`.
    pub async fn live_sale_versions(&self) -> Result<Vec<(SaleId, u64)>, StoreError> {
        let sql = format!("SELECT s.id, s.version {}", self.of_live_sales());
        self.list(sql, vec![], |row| Ok((SaleId(row.id(0)?), row.unsigned(1)?))).await
    }

    /// Of the same sales as `live_sales`; and whether the sale's room has ended.
    pub async fn lots_of_live_sales(&self) -> Result<Vec<(SaleId, LotRow, bool)>, StoreError> {
        let columns =
            "s.id, l.stock, l.held, l.sold, CAST(CASE r.state WHEN 'ended' THEN 1 ELSE 0 END AS BIGINT)";
        let sql = format!("SELECT {columns} {}", self.of_live_sales());
        self.list(sql, vec![], |row| {
            Ok((SaleId(row.id(0)?), rows::lot(&row.starting_at(1))?, row.int(4)? == 1))
        })
        .await
    }

    /// Orders of a sale that stand in line, and those whose hold has run out without being ended.
    pub async fn waiting_and_overdue(&self, sale: SaleId, now: Timestamp) -> Result<(u64, u64), StoreError> {
        let sql = "SELECT (SELECT count(*) FROM orders WHERE sale = ?1 AND wait = 1 AND stage = 'waiting'),
                   (SELECT count(*) FROM orders WHERE sale = ?1 AND stage = 'held' AND held_until <= ?2)";
        let values = vec![Value::Id(sale.0), Value::Int(now.millis())];
        let counts = self.one(sql, values, |row| Ok((row.unsigned(0)?, row.unsigned(1)?)));
        Ok(counts.await?.unwrap_or((0, 0)))
    }

    /// Asked every second where many write: what is settled is not looked at again.
    pub(super) fn of_live_sales(&self) -> String {
        let unless_settled = self.either("", "NOT s.settled AND");
        format!(
            "FROM sales s JOIN lots l ON l.sale = s.id JOIN rooms r ON r.id = s.room WHERE {unless_settled} {LIVES}"
        )
    }

    /// Whether the buyer has an order in this room that is waiting, held or on its way.
    pub async fn has_open_orders(&self, buyer: Subject, room: RoomId) -> Result<bool, StoreError> {
        let sql = "SELECT 1 FROM orders WHERE buyer = ?1 AND room = ?2
                   AND stage NOT IN ('released', 'expired', 'refunded', 'confirmed') LIMIT 1";
        let found = self.one(sql, vec![Value::text(buyer), Value::text(room)], |_| Ok(())).await?;
        Ok(found.is_some())
    }

    /// An order with its payments in the order of their making, as of one instant.
    pub async fn order_with_payments(
        &self,
        id: OrderId,
    ) -> Result<Option<(Order, Vec<Payment>)>, StoreError> {
        Ok(self.orders_where("o.id = ?1", Value::Id(id.0)).await?.pop())
    }

    /// The same of those that there are.
    pub async fn orders_with_payments(
        &self,
        ids: Vec<OrderId>,
    ) -> Result<Vec<(Order, Vec<Payment>)>, StoreError> {
        let among = self.either(
            "o.id IN (SELECT unhex(value, '-') FROM json_each('[\"' || replace(?1, ',', '\",\"') || '\"]'))",
            "o.id = ANY (string_to_array(?1, ',')::uuid[])",
        );
        let ids: Vec<String> = ids.iter().map(OrderId::to_string).collect();
        self.orders_where(among, Value::text(ids.join(","))).await
    }

    async fn orders_where(
        &self,
        condition: &str,
        value: Value,
    ) -> Result<Vec<(Order, Vec<Payment>)>, StoreError> {
        let (order, payment) = (prefixed("o", ORDER_COLUMNS), prefixed("p", PAYMENT_COLUMNS));
        let first_of_payment = ORDER_COLUMNS.split(',').count();
        let sql = format!(
            "SELECT {order}, {payment} FROM orders o LEFT JOIN payments p ON p.order_id = o.id WHERE {condition}
             ORDER BY o.id, p.created_at, p.id"
        );
        let rows = self.list(sql, vec![value], move |row| {
            let payment = row.starting_at(first_of_payment);
            let payment = payment.maybe_id(0)?.map(|_| rows::payment(&payment)).transpose()?;
            Ok((rows::order(row)?, payment))
        });
        let mut found: Vec<(Order, Vec<Payment>)> = Vec::new();
        for (order, payment) in rows.await? {
            match found.last_mut().filter(|(last, _)| last.id == order.id) {
                Some((_, payments)) => payments.extend(payment),
                None => found.push((order, payment.into_iter().collect())),
            }
        }
        Ok(found)
    }

    pub async fn pledge_sums(&self, of: PartRef, currency: Currency) -> Result<PledgeSums, StoreError> {
        let sql =
            "SELECT standing, payable FROM pledge_sums WHERE pledge = ?1 AND part = ?2 AND currency = ?3";
        let values = vec![Value::Id(of.pledge.0), Value::Int(of.part.into()), Value::text(currency.as_str())];
        let sums =
            self.one(sql, values, |row| Ok(PledgeSums { standing: row.int(0)?, payable: row.int(1)? }));
        Ok(sums.await?.unwrap_or(PledgeSums { standing: 0, payable: 0 }))
    }
}
