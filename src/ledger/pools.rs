//! Sponsors' pools: what they add to an order that is paid, exact to the last fen.
//!
//! Of each pool that runs, this node remembers what is left. A claim is decided from that and handed in under the same lock, so that claims are
//! decided in the order in which the record takes them. The record compares each with what it has and refuses what is too much or too little
//! (`PoolChanged`): then what is left is read again, once for all who were refused, and the claim is made again.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::Mutex as AsyncMutex;

use super::log::commitment;
use super::{Ledger, in_order};
use crate::model::pool::Due;
use crate::model::{
    Account, Code, MatchPool, Money, Order, OrderId, Pledge, PledgeId, PoolId, Subject, Timestamp, Transfer,
};
use crate::store::journal::{Match, Pending, PoolRow, PoolSums};
use crate::store::{Entry, StoreError, Write};

mod keeping;
mod taking_back;

pub use keeping::DRAW_OPENS_AFTER;

#[derive(Default)]
pub(super) struct Pools {
    /// `None` before they are read for the first time.
    books: Mutex<Option<Books>>,
    /// Whoever reads them again does so alone.
    reading: AsyncMutex<()>,
}

struct Books {
    /// Of the log: draws are of commitments to orders.
    secret: [u8; 32],
    running: HashMap<PoolId, Book>,
}

struct Book {
    pool: Arc<MatchPool>,
    /// What the record said, with the claims since then that it has or will have.
    sums: PoolSums,
    /// Claims that were handed in and are not answered.
    under_way: u32,
    /// Counts how often the sums were read.
    reading: u64,
}

/// A pool that adds to an order, or to what hearts release.
#[derive(Clone, Debug)]
pub struct Sponsor {
    pool: Arc<MatchPool>,
    slot: u32,
    claim: OrderId,
    release: Option<u32>,
    pledge: PledgeId,
    project: String,
    buyer: Option<Subject>,
    /// What the pool's cap leaves the buyer today, in minor units; 0 too when the buyer was matched too often in this minute.
    buyer_left: i64,
    due: Due,
    at: Timestamp,
}

/// Claims that were handed in with an entry. Dropped without `committed`, what they took is left again.
pub struct Matching {
    ledger: Ledger,
    claims: Vec<Claim>,
    committed: bool,
}

struct Claim {
    pool: PoolId,
    slot: u32,
    project: String,
    amount: i64,
    reading: u64,
}

impl Ledger {
    /// Who would add to this order, which gives `given`, if it is paid now. A sponsor adds to a gift: without one there is nobody.
    pub async fn sponsors(
        &self,
        order: &Order,
        pledge: Option<&Pledge>,
        given: Money,
        now: Timestamp,
    ) -> Result<Vec<Sponsor>, StoreError> {
        let Some(pledge) = pledge.filter(|_| given.minor > 0) else { return Ok(Vec::new()) };
        self.know_pools(now).await?;
        let mut sponsors =
            self.books().as_ref().map_or_else(Vec::new, |books| books.open_for(order, pledge, given, now));
        for sponsor in &mut sponsors {
            let terms = &sponsor.pool.terms;
            let had = self.0.journal.pool_buyer(sponsor.pool.id, order.buyer.clone(), now).await?;
            let cap = if terms.buyer_day_cap > 0 { terms.buyer_day_cap } else { i64::MAX };
            let too_often = had.lately >= terms.buyer_minute_limit;
            sponsor.buyer_left = if too_often { 0 } else { (cap - had.today).max(0) };
        }
        Ok(sponsors)
    }

    /// Hands the entry in, with what each sponsor adds. `PoolChanged`: `reread_pools`, and ask for the sponsors again.
    pub fn submit_matched(
        &self,
        mut entry: Entry,
        sponsors: &[Sponsor],
    ) -> Result<(Pending, Matching), StoreError> {
        // Dropped after the books are free again.
        let mut matching = Matching { ledger: self.clone(), claims: Vec::new(), committed: false };
        if sponsors.is_empty() {
            return Ok((self.0.journal.submit(entry)?, matching));
        }
        let mut books = self.books();
        for sponsor in sponsors {
            let book = books.as_mut().and_then(|books| books.running.get_mut(&sponsor.pool.id));
            let Some((amount, claim)) = book.and_then(|book| book.claim(sponsor)) else { continue };
            matching.claims.push(claim);
            entry.push(Write::Match(sponsor.matched(amount)));
            entry.push(in_order(sponsor.pledge, sponsor.pool.currency));
            entry.extend((amount > 0).then(|| Write::Transfer(sponsor.transfer(amount))));
        }
        let pending = self.0.journal.submit(entry);
        drop(books);
        Ok((pending?, matching))
    }

    /// After `PoolChanged`. Of several whose claims were made from the same reading, one reads.
    pub async fn reread_pools(&self, refused: Matching) -> Result<(), StoreError> {
        let _alone = self.0.pools.reading.lock().await;
        for claim in &refused.claims {
            let reading =
                self.books().as_ref().and_then(|books| Some(books.running.get(&claim.pool)?.reading));
            if reading.is_none_or(|reading| reading != claim.reading) {
                continue;
            }
            let Some(PoolRow { sums, .. }) = self.0.journal.pool(claim.pool).await? else { continue };
            if let Some(book) = self.books().as_mut().and_then(|books| books.running.get_mut(&claim.pool)) {
                book.read(sums);
            }
        }
        Ok(())
    }

    /// Pools that run, as the record has them now: what other nodes made, matched, froze and took back. To be called each second.
    pub async fn follow_pools(&self, now: Timestamp) -> Result<(), StoreError> {
        let _alone = self.0.pools.reading.lock().await;
        self.read_pools(now).await
    }

    async fn know_pools(&self, now: Timestamp) -> Result<(), StoreError> {
        if self.books().is_some() {
            return Ok(());
        }
        let _alone = self.0.pools.reading.lock().await;
        if self.books().is_some() {
            return Ok(());
        }
        self.read_pools(now).await
    }

    async fn read_pools(&self, now: Timestamp) -> Result<(), StoreError> {
        let secret = self.books().as_ref().map(|books| books.secret);
        let secret = match secret {
            Some(secret) => secret,
            None => self.0.journal.log_state().await?.secret,
        };
        let rows = self.0.journal.pools_running(now).await?;
        let mut books = self.books();
        let books = books.get_or_insert_with(|| Books { secret, running: HashMap::new() });
        let read: Vec<PoolId> = rows.iter().map(|row| row.pool.id).collect();
        books.running.retain(|id, book| book.under_way > 0 || read.contains(id));
        for PoolRow { pool, sums } in rows {
            match books.running.get_mut(&pool.id) {
                // What is on its way is in this reading or is not; the record will say.
                Some(book) if book.under_way > 0 => book.sums.frozen = sums.frozen,
                Some(book) => book.read(sums),
                None => drop(books.running.insert(pool.id, Book::new(pool, sums))),
            }
        }
        Ok(())
    }

    fn books(&self) -> MutexGuard<'_, Option<Books>> {
        self.0.pools.books.lock().expect("no panic while locked")
    }
}

impl Books {
    fn open_for(&self, order: &Order, pledge: &Pledge, given: Money, now: Timestamp) -> Vec<Sponsor> {
        let open = self.running.values().filter_map(|book| {
            let (slot, of) = book.pool.slot_at(now)?;
            let project = book.pool.project_of(pledge, given.currency)?;
            let is_over = book.sums.frozen || book.sums.slots.get(slot as usize)?.published_at.is_some();
            if is_over {
                return None;
            }
            let due = book.pool.due(of, given.minor, commitment(&self.secret, order.id).1)?;
            Some(Sponsor {
                pool: Arc::clone(&book.pool),
                slot,
                claim: order.id,
                release: None,
                pledge: pledge.id,
                project: project.to_owned(),
                buyer: Some(order.buyer.clone()),
                buyer_left: 0,
                due,
                at: now,
            })
        });
        let mut open: Vec<Sponsor> = open.collect();
        // In the same order on every node, so that nobody waits for whoever waits for him.
        open.sort_by_key(|sponsor| sponsor.pool.id);
        open
    }
}

impl Book {
    fn new(pool: MatchPool, sums: PoolSums) -> Self {
        Self { pool: Arc::new(pool), sums, under_way: 0, reading: 0 }
    }

    fn read(&mut self, sums: PoolSums) {
        self.sums = sums;
        self.reading += 1;
    }

    /// How much, and the claim to it. `None`: nothing is left, and nothing on its way may come back.
    fn claim(&mut self, sponsor: &Sponsor) -> Option<(i64, Claim)> {
        let slot = self.sums.slots.get_mut(sponsor.slot as usize)?;
        let budget = self.pool.slots.get(sponsor.slot as usize)?.budget;
        let given = self.sums.projects.iter_mut().find(|(project, _)| *project == sponsor.project);
        let cap = Some(self.pool.terms.project_cap).filter(|cap| *cap > 0);
        let project_left = cap.map_or(i64::MAX, |cap| cap - given.as_ref().map_or(0, |(_, net)| *net));
        let is_over = self.sums.frozen || slot.published_at.is_some();
        let left = if is_over { 0 } else { (budget - slot.spent).min(project_left) };
        let amount = sponsor.due.amount.min(left).min(sponsor.buyer_left).max(0);
        if amount == 0 && (is_over || sponsor.buyer_left == 0 || self.under_way == 0) {
            return None;
        }
        slot.spent += amount;
        match given {
            Some((_, net)) => *net += amount,
            None => self.sums.projects.push((sponsor.project.clone(), amount)),
        }
        self.under_way += 1;
        let claim = Claim {
            pool: self.pool.id,
            slot: sponsor.slot,
            project: sponsor.project.clone(),
            amount,
            reading: self.reading,
        };
        Some((amount, claim))
    }

    /// It is left again: a claim was refused, or a refund took it back.
    fn give_back(&mut self, slot: u32, project: &str, amount: i64) {
        if let Some(slot) = self.sums.slots.get_mut(slot as usize) {
            slot.spent -= amount;
        }
        if let Some((_, net)) = self.sums.projects.iter_mut().find(|(of, _)| of == project) {
            *net -= amount;
        }
    }
}

impl Sponsor {
    fn matched(&self, amount: i64) -> Match {
        Match {
            claim: self.claim,
            pool: self.pool.id,
            slot: self.slot,
            release: self.release,
            pledge: self.pledge,
            project: self.project.clone(),
            buyer: self.buyer.clone(),
            at: self.at,
            tier: self.due.tier,
            due: self.due.amount,
            amount,
        }
    }

    fn transfer(&self, amount: i64) -> Transfer {
        Transfer {
            debit: Account::SponsorPool(self.pool.id),
            credit: Account::CharityMatched(self.pledge),
            amount: Money::new(amount, self.pool.currency),
            code: Code::Match,
            order: Some(self.claim),
            at: self.at,
        }
    }
}

impl Matching {
    /// The record has it.
    pub fn committed(mut self) {
        self.committed = true;
    }
}

impl Drop for Matching {
    fn drop(&mut self) {
        if self.claims.is_empty() {
            return;
        }
        let mut books = self.ledger.books();
        let Some(books) = books.as_mut() else { return };
        for Claim { pool, slot, project, amount, reading } in &self.claims {
            let Some(book) = books.running.get_mut(pool) else { continue };
            book.under_way = book.under_way.saturating_sub(1);
            if !self.committed && book.reading == *reading {
                book.give_back(*slot, project, *amount);
            }
        }
    }
}
