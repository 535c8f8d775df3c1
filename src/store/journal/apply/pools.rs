//! Sponsors' pools.

use rusqlite::{OptionalExtension, params};

use super::Batch;
use super::fault::{Fault, refuse};
use crate::model::pool::day_of;
use crate::model::{MatchPool, OrderId, PoolId, Subject, Timestamp};
use crate::store::StoreError;
use crate::store::journal::Match;
use crate::store::journal::rows::blob;

/// What the pool may still give to one project and one buyer at a time.
const FREE: &str = "SELECT CASE
        WHEN p.frozen = 1 OR s.published_at IS NOT NULL THEN 0
        WHEN ?4 IS NOT NULL AND p.buyer_minute_limit <= (SELECT count(*) FROM matches m
            WHERE m.pool = p.id AND m.buyer = ?4 AND m.at > ?5 - 60000) THEN 0
        ELSE max(0, min(s.budget - s.spent,
            CASE WHEN p.project_cap > 0 THEN p.project_cap - coalesce((SELECT net FROM pool_projects
                WHERE pool = p.id AND project = ?3), 0) ELSE s.budget END,
            CASE WHEN p.buyer_day_cap > 0 AND ?4 IS NOT NULL THEN p.buyer_day_cap - coalesce((SELECT net FROM pool_buyer_days
                WHERE pool = p.id AND buyer = ?4 AND day = ?6), 0) ELSE s.budget END)) END
     FROM pools p JOIN pool_slots s ON s.pool = p.id WHERE p.id = ?1 AND s.slot = ?2";

impl Batch<'_, '_> {
    pub(super) fn pool(&mut self, pool: &MatchPool) -> Result<(), Fault> {
        let terms = pool
            .terms_text()
            .map_err(|refused| Fault::Refused { clean: true, why: StoreError::Rule(refused.to_string()) })?;
        let caps = &pool.terms;
        self.insert(
            "INSERT INTO pools (id, sponsor, currency, terms, project_cap, buyer_day_cap, buyer_minute_limit, frozen)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 0) ON CONFLICT DO NOTHING",
            params![
                blob(pool.id.0),
                pool.sponsor,
                pool.currency.as_str(),
                terms,
                caps.project_cap,
                caps.buyer_day_cap,
                caps.buyer_minute_limit,
            ],
            StoreError::Exists,
        )?;
        for (number, slot) in (0_u32..).zip(&pool.slots) {
            self.execute(
                "INSERT INTO pool_slots (pool, slot, opens_at, closes_at, budget, seed, spent, hearts)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0, 0)",
                params![
                    blob(pool.id.0),
                    number,
                    slot.opens_at.millis(),
                    slot.closes_at.millis(),
                    slot.budget,
                    slot.seed.0.as_slice(),
                ],
            )?;
        }
        Ok(())
    }

    pub(super) fn freeze_pool(&mut self, pool: PoolId, frozen: bool) -> Result<(), Fault> {
        self.execute("UPDATE pools SET frozen = ?2 WHERE id = ?1", (blob(pool.0), frozen)).map(|_| ())
    }

    pub(super) fn match_(&mut self, it: &Match) -> Result<(), Fault> {
        let (pool, buyer, day) = (blob(it.pool.0), it.buyer.as_ref().map(Subject::as_str), day_of(it.at));
        let values = params![pool, it.slot, it.project, buyer, it.at.millis(), day];
        let free: Option<i64> = self.statements.one(FREE, values, |row| row.get(0)).optional()?;
        if free.is_none_or(|free| it.amount != it.due.min(free)) {
            return refuse(StoreError::PoolChanged);
        }
        if it.amount == 0 {
            return Ok(());
        }
        self.insert(
            "INSERT INTO matches (claim, pool, slot, release, pledge, project, buyer, at, day, tier, amount, kept)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?11) ON CONFLICT DO NOTHING",
            params![
                blob(it.claim.0),
                pool,
                it.slot,
                it.release,
                blob(it.pledge.0),
                it.project,
                buyer,
                it.at.millis(),
                day,
                it.tier,
                it.amount,
            ],
            StoreError::Exists,
        )?;
        self.execute(
            "UPDATE pool_slots SET spent = spent + ?3 WHERE pool = ?1 AND slot = ?2",
            params![pool, it.slot, it.amount],
        )?;
        self.execute(
            "INSERT INTO pool_projects (pool, project, net) VALUES (?1, ?2, ?3)
             ON CONFLICT DO UPDATE SET net = net + excluded.net",
            params![pool, it.project, it.amount],
        )?;
        if let Some(buyer) = buyer {
            self.execute(
                "INSERT INTO pool_buyer_days (pool, buyer, day, net) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT DO UPDATE SET net = net + excluded.net",
                params![pool, buyer, day, it.amount],
            )?;
        }
        Ok(())
    }

    pub(super) fn unmatch(&mut self, claim: OrderId, pool: PoolId, amount: i64) -> Result<(), Fault> {
        let of = params![blob(claim.0), blob(pool.0), amount];
        self.insert(
            "UPDATE matches SET kept = kept - ?3 WHERE claim = ?1 AND pool = ?2 AND kept >= ?3",
            of,
            StoreError::PoolChanged,
        )?;
        for sql in [
            "UPDATE pool_slots SET spent = spent - ?3
             WHERE pool = ?2 AND slot = (SELECT slot FROM matches WHERE claim = ?1 AND pool = ?2)",
            "UPDATE pool_projects SET net = net - ?3
             WHERE pool = ?2 AND project = (SELECT project FROM matches WHERE claim = ?1 AND pool = ?2)",
            "UPDATE pool_buyer_days SET net = net - ?3
             WHERE pool = ?2 AND (buyer, day) = (SELECT buyer, day FROM matches WHERE claim = ?1 AND pool = ?2)",
        ] {
            self.execute(sql, of)?;
        }
        Ok(())
    }

    pub(super) fn pool_hearts(
        &mut self,
        pool: PoolId,
        slot: u32,
        before: u64,
        more: u64,
    ) -> Result<(), Fault> {
        self.insert(
            "UPDATE pool_slots SET hearts = hearts + ?4 WHERE pool = ?1 AND slot = ?2 AND hearts = ?3",
            params![blob(pool.0), slot, before.cast_signed(), more.cast_signed()],
            StoreError::Stale,
        )
    }

    pub(super) fn publish_seed(&mut self, pool: PoolId, slot: u32, at: Timestamp) -> Result<(), Fault> {
        self.insert(
            "UPDATE pool_slots SET published_at = ?3 WHERE pool = ?1 AND slot = ?2 AND published_at IS NULL",
            params![blob(pool.0), slot, at.millis()],
            StoreError::Seen,
        )
    }
}
