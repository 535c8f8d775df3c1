//! Figures over the whole record, for people who watch it.

use std::collections::HashMap;

use super::{Journal, StoreError};
use crate::model::{Currency, RoomId};

/// What rooms have sold, and whether the record kept its first rule.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Figures {
    pub rooms: HashMap<RoomId, RoomFigures>,
    /// Lots with more held and sold than stock: zero, or the record is broken.
    pub oversold_lots: u32,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct RoomFigures {
    pub orders_paid: u64,
    /// Of paid orders, refunded or not.
    pub gmv_minor: i64,
    pub currency: Option<Currency>,
    /// Paid and not yet shipped.
    pub orders_to_pack: u64,
}

const ROOMS: &str = "SELECT room, count(*), CAST(sum(quantity * unit_price) AS BIGINT), max(currency), \
     sum(CASE WHEN stage IN ('paid', 'packed') THEN 1 ELSE 0 END) FROM orders WHERE paid_at IS NOT NULL GROUP BY room";
const OVERSOLD: &str = "SELECT count(*) FROM lots WHERE held + sold > stock";

impl Journal {
    pub async fn figures(&self) -> Result<Figures, StoreError> {
        let rooms = self.list(ROOMS, vec![], |row| {
            let figures = RoomFigures {
                orders_paid: row.unsigned(1)?,
                gmv_minor: row.int(2)?,
                currency: Some(row.parsed(3)?),
                orders_to_pack: row.unsigned(4)?,
            };
            Ok((row.parsed(0)?, figures))
        });
        let rooms = rooms.await?.into_iter().collect();
        let oversold_lots = self.one(OVERSOLD, vec![], |row| row.number(0)).await?.unwrap_or(0);
        Ok(Figures { rooms, oversold_lots })
    }
}
