//! Sponsors' pools, their seeds, and what was matched as leaves.

use apricot_tlog::leaf::{Fact, Leaf, LeafRefused, Match, Pool, Seed, Slot, Unmatch};
use apricot_tlog::merkle::Hash;

use super::leaves::{NotTold, currency, millis, words};
use crate::model::{Code, MatchPool, OutOfBound, PoolId, PoolSeed, Timestamp};
use crate::store::journal::{LeafOf, LogLeaf, MatchLine};

#[derive(Debug, thiserror::Error)]
pub enum PoolNotTold {
    #[error(transparent)]
    Terms(#[from] OutOfBound),
    #[error(transparent)]
    Leaf(#[from] LeafRefused),
}

pub fn of_pool(pool: &MatchPool, at: Timestamp) -> Result<LogLeaf, PoolNotTold> {
    let slot = |slot: &crate::model::PoolSlot| Slot {
        opens_at: millis(slot.opens_at),
        closes_at: millis(slot.closes_at),
        budget: slot.budget,
        seed_sha256: slot.seed.commitment(),
    };
    let fact = Pool {
        pool: pool.id.0,
        version: MatchPool::VERSION,
        sponsor: words(&pool.sponsor, 100),
        currency: currency(pool.currency),
        terms: pool.terms_text()?,
        slots: pool.slots.iter().map(slot).collect(),
    };
    let leaf = Leaf { at: millis(at), fact: Fact::Pool(fact) }.encode()?;
    Ok(LogLeaf { leaf, of: LeafOf::Pool { pool: pool.id, seed: None } })
}

pub fn of_seed(pool: PoolId, slot: u32, seed: PoolSeed, at: Timestamp) -> Result<LogLeaf, PoolNotTold> {
    let fact = Seed { pool: pool.0, slot, seed: Hash(seed.0) };
    let leaf = Leaf { at: millis(at), fact: Fact::Seed(fact) }.encode()?;
    Ok(LogLeaf { leaf, of: LeafOf::Pool { pool, seed: Some(slot) } })
}

/// `order`: the commitment to the order, or to the release of hearts.
pub fn of_match(line: &MatchLine, order: Hash) -> Result<Leaf, NotTold> {
    let (number, amount) = (u64::try_from(line.transfer).unwrap_or(0), line.amount);
    let (pool, slot, currency) = (line.pool.0, line.slot, currency(amount.currency));
    let fact = match line.code {
        Code::Match => Fact::Match(Match {
            line: number,
            order,
            pool,
            slot,
            project: words(&line.project, 100),
            tier: line.tier,
            amount: amount.minor,
            currency,
        }),
        Code::Unmatch => {
            Fact::Unmatch(Unmatch { line: number, order, pool, slot, amount: amount.minor, currency })
        }
        _ => return Err(NotTold),
    };
    Ok(Leaf { at: millis(line.at), fact })
}
