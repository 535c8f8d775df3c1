//! What stands in the public log beside what the record says it is made of, for the audit.

use std::collections::HashMap;

use super::log::{Placed, Rows, Untold, lines_of, pledges_of, waiting_line, waiting_pledge};
use super::pools::{POOLS, matches_of, pool, slot, waiting_match, with_slots};
use super::{LogState, RowBroken, Snapshot, StoreError};
use crate::model::MatchPool;

/// A leaf, and what it was made of.
pub struct Told {
    pub placed: Placed,
    pub of: ToldOf,
}

pub enum ToldOf {
    Row(Untold),
    Pool(Box<MatchPool>),
    Seed {
        pool: Box<MatchPool>,
        slot: u32,
    },
    /// Made of the leaves before it.
    Tally,
    /// Of nothing that is in the record.
    Nothing,
}

impl Snapshot {
    pub async fn log_state(&self) -> Result<LogState, StoreError> {
        let states = self.list("SELECT secret, origin, size, checkpoint FROM log", |row| {
            let secret = row.bytes(0)?.try_into().map_err(|_| RowBroken::new(0, "not 32 bytes"))?;
            let (origin, size) = (row.maybe_text(1)?.map(str::to_owned), row.unsigned(2)?);
            Ok(LogState { secret, origin, size, checkpoint: row.text(3)?.to_owned() })
        });
        let state = states.await?.into_iter().next();
        state.ok_or_else(|| StoreError::Unavailable("the record has no log".into()))
    }

    /// Those at the places from `from` up to and without `until`.
    pub async fn told(&self, from: u64, until: u64) -> Result<Vec<Told>, StoreError> {
        let (rows, sqlite) = (Rows::Told { from, until }, matches!(self, Self::Sqlite(_)));
        let mut made_of = HashMap::new();
        for waiting in self
            .list(&pledges_of(rows), waiting_pledge)
            .await?
            .into_iter()
            .chain(self.list(&lines_of(rows, sqlite), waiting_line).await?)
            .chain(self.list(&matches_of(rows, sqlite), waiting_match).await?)
        {
            made_of.insert(waiting.seq, ToldOf::Row(waiting.what));
        }
        made_of.extend(self.pools_told(from, until).await?);
        let sql = format!(
            "SELECT place, leaf, CAST(CASE WHEN tally IS NULL THEN 0 ELSE 1 END AS BIGINT) FROM log_leaves WHERE place >= {from} AND place < {until} ORDER BY place"
        );
        let leaves = self.list(&sql, |row| {
            let placed = Placed { index: row.unsigned(0)?, leaf: row.text(1)?.to_owned() };
            Ok((row.int(0)?, placed, row.int(2)? != 0))
        });
        let told = |(place, placed, tallied): (i64, Placed, bool)| {
            let of = made_of.remove(&place).unwrap_or(if tallied { ToldOf::Tally } else { ToldOf::Nothing });
            Told { placed, of }
        };
        Ok(leaves.await?.into_iter().map(told).collect())
    }

    /// Pools and seeds; there are few.
    async fn pools_told(&self, from: u64, until: u64) -> Result<Vec<(i64, ToldOf)>, StoreError> {
        let sql = format!(
            "SELECT place, pool, slot FROM log_leaves WHERE pool IS NOT NULL AND place >= {from} AND place < {until}"
        );
        let places = self.list(&sql, |row| Ok((row.int(0)?, row.id(1)?, row.int(2)?))).await?;
        if places.is_empty() {
            return Ok(Vec::new());
        }
        let sql = format!("{POOLS} ORDER BY p.id, s.slot");
        let rows = self.list(&sql, |row| Ok((pool(row)?, slot(row)?)));
        let pools: HashMap<_, _> =
            with_slots(rows.await?).into_iter().map(|row| (row.pool.id.0, row.pool)).collect();
        let told = |(place, id, slot): (i64, uuid::Uuid, i64)| {
            let pool = Box::new(pools.get(&id)?.clone());
            Some((
                place,
                match u32::try_from(slot) {
                    Ok(slot) => ToldOf::Seed { pool, slot },
                    // -1 is the pool itself.
                    Err(_) => ToldOf::Pool(pool),
                },
            ))
        };
        Ok(places.into_iter().filter_map(told).collect())
    }
}
