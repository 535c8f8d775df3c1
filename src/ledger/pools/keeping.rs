//! What ops and time do to pools: made, frozen, seeds published when a slot is over, and what hearts release.

use std::sync::Arc;
use std::time::Duration;

use apricot_tlog::leaf::Rule;
use uuid::Uuid;

use super::super::{Ledger, LedgerRefused};
use super::{Book, Due, Sponsor};
use crate::model::{
    MatchPool, OrderId, OutOfBound, Pledge, PledgeId, PoolId, RoomId, Subject, Timestamp, bounded_text,
};
use crate::store::journal::{Duty, Listing, Once, Page, PoolRow, PoolSums, SlotSums};
use crate::store::{StoreError, Write};

/// A payment that came in the slot's last instant is recorded by then; what is not is refused by the record.
pub const SEED_AFTER: Duration = Duration::from_secs(60);
/// The public log has the hash of a draw's seed within a second, or two when another node takes over, and no order that it draws for is paid before
/// that: whoever made the seed did not know the orders. A lease is 4 s.
pub const DRAW_OPENS_AFTER: Duration = Duration::from_secs(10);
/// Of one pool in one entry. What is more waits for the next second.
const RELEASES_MAX: u64 = 256;
/// Tries of a release that others were quicker than; the next second tries again.
const TRIES_MAX: u32 = 4;

impl Ledger {
    /// Records a pool. Its seeds are committed to in the public log before its first slot opens.
    pub async fn add_pool(
        &self,
        pool: MatchPool,
        once: Option<Once>,
        actor: &Subject,
        now: Timestamp,
    ) -> Result<PoolRow, LedgerRefused> {
        pool.check()?;
        let id = pool.id;
        if let Some(once) = once
            && self.0.journal.seen(once).await?
        {
            return self.pool(id).await;
        }
        if pool.slots.iter().any(|slot| slot.opens_at < now) {
            return Err(OutOfBound::new("slots", "slots that open from now on").into());
        }
        if matches!(pool.terms.rule, Rule::Draw { .. })
            && let Some(slot) = pool.slots.iter().position(|slot| slot.opens_at < now + DRAW_OPENS_AFTER)
        {
            let seconds = DRAW_OPENS_AFTER.as_secs();
            let bound = format!(
                "{seconds} s from now or later, so that the hash of the draw's seed is in the public log before"
            );
            return Err(OutOfBound::new("opensAtMs", bound).in_item("slots", slot).into());
        }
        self.check_hearts(&pool).await?;
        let audit = Write::Audit {
            at: now,
            actor: actor.clone(),
            action: "create-pool",
            subject: id.to_string(),
            reason: pool.sponsor.clone(),
        };
        let entry = once.map(Write::Once).into_iter().chain([Write::Pool(Box::new(pool.clone())), audit]);
        match self.0.journal.commit(entry.collect()).await {
            Ok(()) => {}
            Err(StoreError::Seen) => return self.pool(id).await,
            Err(refused) => return Err(refused.into()),
        }
        let sums = PoolSums { slots: vec![SlotSums::default(); pool.slots.len()], ..PoolSums::default() };
        if let Some(books) = self.books().as_mut() {
            books.running.insert(id, Book::new(pool.clone(), sums.clone()));
        }
        Ok(PoolRow { pool, sums })
    }

    /// A pool of hearts names the pledge that it adds to.
    async fn check_hearts(&self, pool: &MatchPool) -> Result<(), LedgerRefused> {
        let Rule::Hearts { room, pledge, .. } = &pool.terms.rule else { return Ok(()) };
        room.parse::<RoomId>().map_err(|refused| OutOfBound::new("hearts.room", refused.bound))?;
        let pledge = self.newest_pledge(PledgeId(*pledge)).await?.ok_or(LedgerRefused::NoPledge)?;
        if pool.project_of(&pledge, pool.currency).is_none() {
            return Err(
                OutOfBound::new("project", "\"\", or the project of the pledge that hearts name").into()
            );
        }
        if pledge.currency().is_some_and(|currency| currency != pool.currency) {
            return Err(OutOfBound::new("currency", "that of the pledge that hearts name").into());
        }
        Ok(())
    }

    pub async fn pool(&self, id: PoolId) -> Result<PoolRow, LedgerRefused> {
        self.0.journal.pool(id).await?.ok_or(LedgerRefused::NoPool)
    }

    /// Newest id first; without sums by project.
    pub async fn pools(&self, page: Page) -> Result<Listing<PoolRow>, StoreError> {
        self.0.journal.pools(page).await
    }

    /// A frozen pool matches nothing, from this commit on and on every node. Again: the same.
    pub async fn freeze_pool(
        &self,
        id: PoolId,
        frozen: bool,
        reason: &str,
        actor: &Subject,
        now: Timestamp,
    ) -> Result<PoolRow, LedgerRefused> {
        let reason = bounded_text("reason", reason, 1..=200)?;
        self.pool(id).await?;
        let action = if frozen { "freeze-pool" } else { "unfreeze-pool" };
        let subject = id.to_string();
        let audit = Write::Audit { at: now, actor: actor.clone(), action, subject, reason };
        self.0.journal.commit(vec![Write::FreezePool { pool: id, frozen }, audit]).await?;
        if let Some(book) = self.books().as_mut().and_then(|books| books.running.get_mut(&id)) {
            book.sums.frozen = frozen;
        }
        self.pool(id).await
    }

    /// Publishes the seeds of slots that are over; how many. By the node that has the duty, whose lease has the number `fence`.
    pub async fn publish_seeds(&self, fence: Option<u64>, now: Timestamp) -> Result<usize, StoreError> {
        let mut published = 0;
        for (pool, slot) in self.0.journal.seeds_due(now - SEED_AFTER).await? {
            let entry = fenced(fence).chain([Write::PublishSeed { pool, slot, at: now }]).collect();
            match self.0.journal.commit(entry).await {
                Ok(()) => published += 1,
                Err(StoreError::Seen) => continue,
                Err(refused) => return Err(refused),
            }
            let mut books = self.books();
            let book = books.as_mut().and_then(|books| books.running.get_mut(&pool));
            if let Some(sums) = book.and_then(|book| book.sums.slots.get_mut(slot as usize)) {
                sums.published_at = Some(now);
            }
        }
        Ok(published)
    }

    /// Pools that hearts of a room release now, and that room.
    pub async fn pools_of_hearts(&self, now: Timestamp) -> Result<Vec<(PoolId, RoomId)>, StoreError> {
        self.know_pools(now).await?;
        let books = self.books();
        let running = books.iter().flat_map(|books| books.running.values());
        let open = running.filter(|book| !book.sums.frozen && book.pool.slot_at(now).is_some());
        let of_hearts = open.filter_map(|book| match &book.pool.terms.rule {
            Rule::Hearts { room, .. } => Some((book.pool.id, room.parse().ok()?)),
            Rule::Ratio { .. } | Rule::Draw { .. } => None,
        });
        Ok(of_hearts.collect())
    }

    /// Counts hearts of the pool's room, and releases what they are for: each release once, in the entry that counts its hearts. Says how many
    /// were counted; the rest is for the next time.
    pub async fn release_hearts(
        &self,
        pool: PoolId,
        more: u64,
        fence: Option<u64>,
        now: Timestamp,
    ) -> Result<u64, LedgerRefused> {
        self.know_pools(now).await?;
        let Some(PledgeId(pledge)) = self.pledge_of_hearts(pool) else { return Ok(0) };
        let pledge = self.newest_pledge(PledgeId(pledge)).await?.ok_or(LedgerRefused::NoPledge)?;
        for _ in 0..TRIES_MAX {
            let Some((count, sponsors)) = self.releases(pool, &pledge, more, now) else {
                return Ok(0);
            };
            let entry = fenced(fence).chain([count.clone()]).collect();
            let (pending, matching) = self.submit_matched(entry, &sponsors)?;
            match pending.committed().await {
                Ok(()) => {
                    matching.committed();
                    return Ok(self.count_hearts(pool, &count));
                }
                Err(StoreError::PoolChanged) => self.reread_pools(matching).await?,
                // Another keeper counted or released it.
                Err(StoreError::Stale | StoreError::Exists) => {
                    drop(matching);
                    self.follow_pools(now).await?;
                }
                Err(refused) => return Err(refused.into()),
            }
        }
        Ok(0)
    }

    fn pledge_of_hearts(&self, pool: PoolId) -> Option<PledgeId> {
        match &self.books().as_ref()?.running.get(&pool)?.pool.terms.rule {
            Rule::Hearts { pledge, .. } => Some(PledgeId(*pledge)),
            Rule::Ratio { .. } | Rule::Draw { .. } => None,
        }
    }

    /// The count, and the releases that it completes.
    fn releases(&self, id: PoolId, of: &Pledge, more: u64, now: Timestamp) -> Option<(Write, Vec<Sponsor>)> {
        let books = self.books();
        let book = books.as_ref()?.running.get(&id)?;
        let Rule::Hearts { hearts, amount, pledge, .. } = &book.pool.terms.rule else { return None };
        let (slot, _) = book.pool.slot_at(now)?;
        let sums = book.sums.slots.get(slot as usize)?;
        if book.sums.frozen || sums.published_at.is_some() {
            return None;
        }
        let project = book.pool.project_of(of, book.pool.currency)?;
        let each = u64::from(*hearts).max(1);
        let more = more.min(RELEASES_MAX * each);
        let (before, after) = (sums.hearts / each, (sums.hearts + more) / each);
        let release = |number: u64| {
            let number = u32::try_from(number).ok()?;
            Some(Sponsor {
                pool: Arc::clone(&book.pool),
                slot,
                claim: release_id(id, slot, number),
                release: Some(number),
                pledge: PledgeId(*pledge),
                project: project.to_owned(),
                buyer: None,
                buyer_left: i64::MAX,
                due: Due { amount: *amount, tier: None },
                at: now,
            })
        };
        let count = Write::PoolHearts { pool: id, slot, before: sums.hearts, more };
        Some((count, (before + 1..=after).filter_map(release).collect()))
    }

    fn count_hearts(&self, pool: PoolId, count: &Write) -> u64 {
        let Write::PoolHearts { slot, before, more, .. } = count else { return 0 };
        let mut books = self.books();
        let book = books.as_mut().and_then(|books| books.running.get_mut(&pool));
        if let Some(sums) = book.and_then(|book| book.sums.slots.get_mut(*slot as usize)) {
            sums.hearts = sums.hearts.max(before + more);
        }
        *more
    }
}

fn fenced(fence: Option<u64>) -> impl Iterator<Item = Write> {
    fence.map(|fence| Write::Fence { duty: Duty::Keeper, fence }).into_iter()
}

/// The same on every node: the record takes a release once.
fn release_id(pool: PoolId, slot: u32, number: u32) -> OrderId {
    OrderId(Uuid::new_v5(&pool.0, format!("{slot}/{number}").as_bytes()))
}
