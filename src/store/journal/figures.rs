//! Figures over the whole record, for people who watch it.

use std::collections::HashMap;

use super::{Journal, StoreError};
use crate::model::{Currency, RoomId, Timestamp};

/// What rooms that have not ended have sold, and whether the record kept its first rule.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Figures {
    pub rooms: HashMap<RoomId, RoomSums>,
    /// Lots with more held and sold than stock: zero, or the record is broken.
    pub oversold_lots: u32,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct RoomSums {
    pub funnel: Funnel,
    /// Of paid orders, refunded or not.
    pub gmv_minor: i64,
    pub currency: Option<Currency>,
    /// Paid and not yet shipped.
    pub orders_to_pack: u64,
}

/// How far people came. An order that went back keeps the steps that it has taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Funnel {
    pub seen: u64,
    pub tapped: u64,
    pub held: u64,
    pub paid: u64,
    pub shipped: u64,
    pub confirmed: u64,
}

/// What a node counted in one minute of a room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Minute {
    /// Its start.
    pub at: Timestamp,
    /// The most at one time, on all nodes as far as this one knew.
    pub viewers: u32,
    pub seen: u64,
    pub tapped: u64,
}

impl Minute {
    pub const MS: i64 = 60_000;

    /// The start of the minute that `at` is in.
    pub fn of(at: Timestamp) -> Timestamp {
        Timestamp(at.millis() - at.millis().rem_euclid(Self::MS))
    }
}

/// Columns of orders `o` from `held` to `confirmed`. A refund ends an order; what of its parcel is kept says how far it had come.
const STEPS_SQLITE: &str = "CAST(sum(CASE WHEN o.hold > 0 THEN 1 ELSE 0 END) AS BIGINT), \
     CAST(sum(CASE WHEN o.paid_at IS NOT NULL THEN 1 ELSE 0 END) AS BIGINT), \
     CAST(sum(CASE WHEN o.parcel IS NOT NULL THEN 1 ELSE 0 END) AS BIGINT), \
     CAST(sum(CASE WHEN o.stage = 'confirmed' OR o.stage = 'refunded' AND json_extract(o.parcel, '$.confirmed_at') IS NOT NULL \
                   THEN 1 ELSE 0 END) AS BIGINT)";
const STEPS_POSTGRES: &str = "CAST(sum(CASE WHEN o.hold > 0 THEN 1 ELSE 0 END) AS BIGINT), \
     CAST(sum(CASE WHEN o.paid_at IS NOT NULL THEN 1 ELSE 0 END) AS BIGINT), \
     CAST(sum(CASE WHEN o.parcel IS NOT NULL THEN 1 ELSE 0 END) AS BIGINT), \
     CAST(sum(CASE WHEN o.stage = 'confirmed' OR o.stage = 'refunded' AND CAST(o.parcel AS json) ->> 'confirmed_at' IS NOT NULL \
                   THEN 1 ELSE 0 END) AS BIGINT)";
/// Of orders `o`.
pub(super) const GMV: &str =
    "CAST(sum(CASE WHEN o.paid_at IS NOT NULL THEN o.quantity * o.unit_price ELSE 0 END) AS BIGINT)";
pub(super) const TO_PACK: &str =
    "CAST(sum(CASE WHEN o.stage IN ('paid', 'packed') THEN 1 ELSE 0 END) AS BIGINT)";

const TURNOUT: &str = "SELECT m.room, CAST(sum(m.seen) AS BIGINT), CAST(sum(m.tapped) AS BIGINT) \
     FROM room_minutes m JOIN rooms r ON r.id = m.room WHERE r.state <> 'ended' GROUP BY m.room";
const OVERSOLD: &str = "SELECT count(*) FROM lots WHERE held + sold > stock";

impl Journal {
    pub async fn figures(&self) -> Result<Figures, StoreError> {
        let sql = format!(
            "SELECT o.room, {}, {GMV}, max(o.currency), {TO_PACK} FROM orders o
             WHERE o.sale IN (SELECT s.id FROM sales s JOIN rooms r ON r.id = s.room WHERE r.state <> 'ended') GROUP BY o.room",
            self.steps()
        );
        let rooms = self.list(sql, vec![], |row| {
            let steps = row.starting_at(1);
            let funnel = Funnel {
                held: steps.unsigned(0)?,
                paid: steps.unsigned(1)?,
                shipped: steps.unsigned(2)?,
                confirmed: steps.unsigned(3)?,
                ..Funnel::default()
            };
            let currency = Some(row.parsed(6)?);
            let sums =
                RoomSums { funnel, gmv_minor: row.int(5)?, currency, orders_to_pack: row.unsigned(7)? };
            Ok((row.parsed(0)?, sums))
        });
        let mut rooms: HashMap<RoomId, RoomSums> = rooms.await?.into_iter().collect();
        let turnout = self
            .list(TURNOUT, vec![], |row| Ok((row.parsed::<RoomId>(0)?, row.unsigned(1)?, row.unsigned(2)?)));
        for (room, seen, tapped) in turnout.await? {
            let funnel = &mut rooms.entry(room).or_default().funnel;
            (funnel.seen, funnel.tapped) = (seen, tapped);
        }
        let oversold_lots = self.one(OVERSOLD, vec![], |row| row.number(0)).await?.unwrap_or(0);
        Ok(Figures { rooms, oversold_lots })
    }

    /// How many of orders `o` were held, paid, shipped and confirmed.
    pub(super) fn steps(&self) -> &'static str {
        self.either(STEPS_SQLITE, STEPS_POSTGRES)
    }
}
