//! Sponsors' pools as they stand in the record, and what was matched.

use apricot_tlog::leaf::Terms;

use super::log::Rows;
use super::query::{Parsed, Row, RowBroken, Value};
use super::read::{Listing, Page};
use super::{Journal, StoreError, Waiting, rows};
use crate::model::pool::day_of;
use crate::model::{
    Code, Currency, MatchPool, Money, OrderId, PledgeId, PoolId, PoolSeed, PoolSlot, Subject, Timestamp,
};

/// Pools and seeds that are told to the log at once; ops make a few a day.
const TOLD_AT_ONCE: u32 = 256;
/// Seeds that are published at once.
const DUE_AT_ONCE: u32 = 100;
const MINUTE_MS: i64 = 60_000;

/// A sponsor adds to what an order gives, or hearts release an amount.
#[derive(Clone, Debug, PartialEq)]
pub struct Match {
    /// The order, or an id made from the release.
    pub claim: OrderId,
    pub pool: PoolId,
    pub slot: u32,
    /// Of hearts, counted from 1 in the slot.
    pub release: Option<u32>,
    pub pledge: PledgeId,
    pub project: String,
    /// Nobody of hearts.
    pub buyer: Option<Subject>,
    pub at: Timestamp,
    pub tier: Option<u32>,
    /// Minor units, as the terms say, before budget and caps.
    pub due: i64,
    pub amount: i64,
}

/// What was matched, with what is left of it.
#[derive(Clone, Debug, PartialEq)]
pub struct GivenMatch {
    pub pool: PoolId,
    pub slot: u32,
    pub pledge: PledgeId,
    pub project: String,
    pub currency: Currency,
    pub amount: i64,
    /// Less what refunds took back.
    pub kept: i64,
}

#[derive(Clone, Debug, PartialEq)]
pub struct PoolRow {
    pub pool: MatchPool,
    pub sums: PoolSums,
}

/// What changes of a pool.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PoolSums {
    pub frozen: bool,
    pub slots: Vec<SlotSums>,
    /// Matched less taken back, by project, in minor units.
    pub projects: Vec<(String, i64)>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SlotSums {
    pub spent: i64,
    pub hearts: u64,
    pub published_at: Option<Timestamp>,
}

/// What a pool has given to one buyer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PoolBuyer {
    /// On this day, in minor units.
    pub today: i64,
    /// Matches in the last minute.
    pub lately: u32,
}

/// A posted match or what was taken back of one, with what its leaf says.
#[derive(Clone, Debug, PartialEq)]
pub struct MatchLine {
    pub transfer: i64,
    pub at: Timestamp,
    pub code: Code,
    pub amount: Money,
    pub claim: OrderId,
    pub pool: PoolId,
    pub slot: u32,
    pub project: String,
    pub tier: Option<u32>,
}

pub(super) const POOLS: &str = "SELECT p.id, p.sponsor, p.currency, p.terms, p.frozen, s.slot, s.opens_at, s.closes_at, s.budget, s.seed, \
     s.spent, s.hearts, s.published_at FROM pools p JOIN pool_slots s ON s.pool = p.id";

/// `{pool}`: the pool's id as text, which the engines do not write alike.
const LINES: &str = "SELECT {at}, t.id, t.at, t.code, t.amount, d.currency, k.claim, k.pool, k.slot, k.project, k.tier \
     FROM {rows} JOIN transfers t ON t.id = x.transfer AND t.code IN (13, 14) JOIN accounts d ON d.id = t.debit JOIN accounts c ON c.id = t.credit \
     JOIN matches k ON k.claim = t.order_id AND CASE t.code WHEN 13 THEN d.name ELSE c.name END = 'sponsor_pool/' || {pool} \
     {which}";

pub(super) fn matches_of(rows: Rows, sqlite: bool) -> String {
    let id = if sqlite {
        "lower(substr(hex(k.pool), 1, 8) || '-' || substr(hex(k.pool), 9, 4) || '-' || substr(hex(k.pool), 13, 4) || '-' \
         || substr(hex(k.pool), 17, 4) || '-' || substr(hex(k.pool), 21))"
    } else {
        "CAST(k.pool AS text)"
    };
    rows.put_into(LINES).replace("{pool}", id)
}

pub(super) fn waiting_match(row: &Row) -> Parsed<Waiting> {
    let line = MatchLine {
        transfer: row.int(1)?,
        at: Timestamp(row.int(2)?),
        code: rows::code(row, 3)?,
        amount: Money::new(row.int(4)?, row.parsed(5)?),
        claim: OrderId(row.id(6)?),
        pool: PoolId(row.id(7)?),
        slot: row.number(8)?,
        project: row.text(9)?.to_owned(),
        tier: number(row, 10)?,
    };
    Ok(Waiting { seq: row.int(0)?, what: super::Untold::Match(Box::new(line)) })
}

impl Journal {
    /// What sponsors added for a project, less what refunds took back, by currency.
    pub async fn matched_to(&self, project: &str) -> Result<Vec<(Currency, i64)>, StoreError> {
        let sql =
            "SELECT p.currency, CAST(sum(m.kept) AS BIGINT) FROM matches m JOIN pools p ON p.id = m.pool
                   WHERE m.project = ?1 GROUP BY p.currency ORDER BY p.currency";
        self.list(sql, vec![Value::text(project)], |row| Ok((row.parsed(0)?, row.int(1)?))).await
    }

    pub async fn pool(&self, id: PoolId) -> Result<Option<PoolRow>, StoreError> {
        let found = self.pools_where("p.id = ?1 ORDER BY s.slot".into(), vec![Value::Id(id.0)]).await?;
        let Some(mut found) = found.into_iter().next() else { return Ok(None) };
        let sql = "SELECT project, net FROM pool_projects WHERE pool = ?1 ORDER BY project";
        let projects =
            self.list(sql, vec![Value::Id(id.0)], |row| Ok((row.text(0)?.to_owned(), row.int(1)?)));
        found.sums.projects = projects.await?;
        Ok(Some(found))
    }

    /// Newest id first; without sums by project.
    pub async fn pools(&self, page: Page) -> Result<Listing<PoolRow>, StoreError> {
        let after = page.after.as_deref().and_then(|after| after.parse::<PoolId>().ok());
        let (below, key) = after.map_or(("<=", uuid::Uuid::max()), |pool| ("<", pool.0));
        let condition = format!(
            "p.id IN (SELECT id FROM pools WHERE id {below} ?1 ORDER BY id DESC LIMIT ?2) ORDER BY p.id DESC, s.slot"
        );
        let values = vec![Value::Id(key), Value::Int(i64::from(page.limit) + 1)];
        let items = self.pools_where(condition, values).await?;
        Ok(Listing::cut(items, page.limit, |row| row.pool.id.to_string()))
    }

    /// With a slot that has not closed.
    pub async fn pools_running(&self, now: Timestamp) -> Result<Vec<PoolRow>, StoreError> {
        let running = "(SELECT pool FROM pool_slots WHERE closes_at > ?1)";
        let value = || vec![Value::Int(now.millis())];
        let mut pools = self.pools_where(format!("p.id IN {running} ORDER BY p.id, s.slot"), value()).await?;
        let sql = format!("SELECT pool, project, net FROM pool_projects WHERE pool IN {running}");
        let projects =
            self.list(sql, value(), |row| Ok((PoolId(row.id(0)?), row.text(1)?.to_owned(), row.int(2)?)));
        for (of, project, net) in projects.await? {
            if let Some(row) = pools.iter_mut().find(|row| row.pool.id == of) {
                row.sums.projects.push((project, net));
            }
        }
        Ok(pools)
    }

    /// Not in the public log yet.
    pub async fn pools_untold(&self) -> Result<Vec<MatchPool>, StoreError> {
        let condition = "p.id IN (SELECT id FROM pools WHERE NOT EXISTS (SELECT 1 FROM log_leaves l WHERE l.pool = pools.id AND l.slot = -1)
                                  ORDER BY id LIMIT ?1) ORDER BY p.id, s.slot";
        let rows = self.pools_where(condition.into(), vec![Value::Int(TOLD_AT_ONCE.into())]).await?;
        Ok(rows.into_iter().map(|row| row.pool).collect())
    }

    /// Published, and not in the public log yet.
    pub async fn seeds_untold(&self) -> Result<Vec<(PoolId, u32, PoolSeed)>, StoreError> {
        let sql = "SELECT s.pool, s.slot, s.seed FROM pool_slots s WHERE s.published_at IS NOT NULL
                   AND NOT EXISTS (SELECT 1 FROM log_leaves l WHERE l.pool = s.pool AND l.slot = s.slot)
                   ORDER BY s.published_at, s.pool, s.slot LIMIT ?1";
        let read = |row: &Row<'_>| Ok((PoolId(row.id(0)?), row.number(1)?, seed(row, 2)?));
        self.list(sql, vec![Value::Int(TOLD_AT_ONCE.into())], read).await
    }

    /// Slots that closed by then and whose seed is not published.
    pub async fn seeds_due(&self, closed_by: Timestamp) -> Result<Vec<(PoolId, u32)>, StoreError> {
        let sql = "SELECT pool, slot FROM pool_slots WHERE closes_at <= ?1 AND published_at IS NULL
                   ORDER BY closes_at, pool, slot LIMIT ?2";
        let values = vec![Value::Int(closed_by.millis()), Value::Int(DUE_AT_ONCE.into())];
        self.list(sql, values, |row| Ok((PoolId(row.id(0)?), row.number(1)?))).await
    }

    pub async fn pool_buyer(
        &self,
        pool: PoolId,
        buyer: Subject,
        now: Timestamp,
    ) -> Result<PoolBuyer, StoreError> {
        let sql = "SELECT coalesce((SELECT net FROM pool_buyer_days WHERE pool = ?1 AND buyer = ?2 AND day = ?3), 0),
                          (SELECT count(*) FROM matches WHERE pool = ?1 AND buyer = ?2 AND at > ?4)";
        let since = now.millis() - MINUTE_MS;
        let values = vec![Value::Id(pool.0), Value::text(buyer), Value::Int(day_of(now)), Value::Int(since)];
        let read = self.one(sql, values, |row| Ok(PoolBuyer { today: row.int(0)?, lately: row.number(1)? }));
        Ok(read.await?.unwrap_or_default())
    }

    /// What sponsors added to an order.
    pub async fn matches_of(&self, claim: OrderId) -> Result<Vec<GivenMatch>, StoreError> {
        let sql = "SELECT m.pool, m.slot, m.pledge, m.project, p.currency, m.amount, m.kept
                   FROM matches m JOIN pools p ON p.id = m.pool WHERE m.claim = ?1 ORDER BY m.pool";
        self.list(sql, vec![Value::Id(claim.0)], |row| {
            Ok(GivenMatch {
                pool: PoolId(row.id(0)?),
                slot: row.number(1)?,
                pledge: PledgeId(row.id(2)?),
                project: row.text(3)?.to_owned(),
                currency: row.parsed(4)?,
                amount: row.int(5)?,
                kept: row.int(6)?,
            })
        })
        .await
    }

    /// Posted matches and what was taken back, oldest first, with their places in the log's outbox.
    pub(super) async fn matches_waiting(&self, limit: u32) -> Result<Vec<Waiting>, StoreError> {
        let sql = matches_of(Rows::Waiting, matches!(self, Self::Sqlite(_)));
        self.list(sql, vec![Value::Int(limit.into())], waiting_match).await
    }

    async fn pools_where(&self, condition: String, values: Vec<Value>) -> Result<Vec<PoolRow>, StoreError> {
        let rows =
            self.list(format!("{POOLS} WHERE {condition}"), values, |row| Ok((pool(row)?, slot(row)?)));
        Ok(with_slots(rows.await?))
    }
}

/// Of rows in the order of pools and slots.
pub(super) fn with_slots(rows: Vec<(PoolRow, (PoolSlot, SlotSums))>) -> Vec<PoolRow> {
    let mut pools: Vec<PoolRow> = Vec::new();
    for (of, (slot, sums)) in rows {
        if pools.last().is_none_or(|last| last.pool.id != of.pool.id) {
            pools.push(of);
        }
        if let Some(last) = pools.last_mut() {
            last.pool.slots.push(slot);
            last.sums.slots.push(sums);
        }
    }
    pools
}

pub(super) fn pool(row: &Row) -> Parsed<PoolRow> {
    let terms = Terms::parse(row.text(3)?).map_err(|refused| RowBroken::new(3, refused.to_string()))?;
    let pool = MatchPool {
        id: PoolId(row.id(0)?),
        sponsor: row.text(1)?.to_owned(),
        currency: row.parsed(2)?,
        terms,
        slots: Vec::new(),
    };
    Ok(PoolRow { pool, sums: PoolSums { frozen: row.int(4)? != 0, ..PoolSums::default() } })
}

pub(super) fn slot(row: &Row) -> Parsed<(PoolSlot, SlotSums)> {
    let slot = PoolSlot {
        opens_at: Timestamp(row.int(6)?),
        closes_at: Timestamp(row.int(7)?),
        budget: row.int(8)?,
        seed: seed(row, 9)?,
    };
    let published_at = row.maybe_int(12)?.map(Timestamp);
    Ok((slot, SlotSums { spent: row.int(10)?, hearts: row.unsigned(11)?, published_at }))
}

fn seed(row: &Row, column: usize) -> Parsed<PoolSeed> {
    let bytes = row.bytes(column)?.try_into();
    bytes.map(PoolSeed).map_err(|_| RowBroken::new(column, "not 32 bytes"))
}

fn number(row: &Row, column: usize) -> Parsed<Option<u32>> {
    row.maybe_int(column)?
        .map(u32::try_from)
        .transpose()
        .map_err(|_| RowBroken::new(column, "a number below zero"))
}
