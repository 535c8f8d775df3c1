//! Figures over the whole record, for people who watch it.

use std::collections::HashMap;

use super::rows;
use super::sqlite::Journal;
use super::{Currency, RoomId, StoreError};

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

const ROOMS: &str = "SELECT room, count(*), sum(quantity * unit_price), max(currency), \
     sum(stage IN ('paid', 'packed')) FROM orders WHERE paid_at IS NOT NULL GROUP BY room";
const OVERSOLD: &str = "SELECT count(*) FROM lots WHERE held + sold > stock";

impl Journal {
    pub async fn figures(&self) -> Result<Figures, StoreError> {
        self.read(|connection| {
            let mut query = connection.prepare_cached(ROOMS)?;
            let rooms = query.query_map((), |row| {
                let figures = RoomFigures {
                    orders_paid: rows::unsigned(row, 1)?,
                    gmv_minor: row.get(2)?,
                    currency: Some(rows::parsed(row, 3)?),
                    orders_to_pack: rows::unsigned(row, 4)?,
                };
                Ok((rows::parsed(row, 0)?, figures))
            })?;
            let rooms = rooms.collect::<rusqlite::Result<_>>()?;
            Ok(Figures { rooms, oversold_lots: connection.query_row(OVERSOLD, (), |row| row.get(0))? })
        })
        .await
    }
}
