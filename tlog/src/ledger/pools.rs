//! Sponsors' pools: budgets, and draws that are repeated once their seed is out.

use std::collections::HashMap;

use uuid::Uuid;

use super::{Broken, Finding, OrderBook, SEED_DUE_MS};
use crate::leaf::{Match, Pool, Rounding, Rule, Seed, Terms, Tier, Unmatch, draw};
use crate::merkle::Hash;
use crate::share;

#[derive(Default)]
pub struct Pools(HashMap<Uuid, PoolBook>);

struct PoolBook {
    pool: Pool,
    terms: Option<Terms>,
    slots: HashMap<u32, SlotBook>,
    /// The leaf that first had the hash of each slot's seed.
    hashed: Vec<u64>,
    /// Matched less taken back.
    by_project: HashMap<String, i64>,
}

#[derive(Default)]
struct SlotBook {
    /// Matched less taken back.
    net: i64,
    count: SlotCount,
    given_back: bool,
    claims: HashMap<Hash, Claim>,
    seed: Option<Hash>,
}

/// A pool as the log has it, in its newest version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PoolCount<'a> {
    pub pool: &'a Pool,
    pub slots: Vec<SlotCount>,
}

/// Both only grow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SlotCount {
    pub matched: i64,
    pub unmatched: i64,
}

struct Claim {
    leaf: u64,
    slots: [u32; 5],
    project: String,
    tier: Option<u32>,
    /// Less what was taken back.
    left: i64,
}

impl Pools {
    pub fn pool(&mut self, it: &Pool, leaf: u64, at: u64) -> Vec<Broken> {
        let (id, mut broken) = (it.pool, Vec::new());
        let terms = Terms::parse(&it.terms);
        let terms = terms.map_err(|refused| broken.push(Broken::Terms { pool: id, refused })).ok();
        let Some(book) = self.0.get_mut(&id) else {
            let hashed = vec![leaf; it.slots.len()];
            let (pool, slots, by_project) = (it.clone(), HashMap::new(), HashMap::new());
            let book = PoolBook { pool, terms, slots, hashed, by_project };
            broken.extend(book.hashed_late(leaf, at));
            self.0.insert(id, book);
            return broken;
        };
        let newest = book.pool.version;
        if it.version <= newest {
            broken.push(Broken::PoolVersion { pool: id, version: it.version, newest });
            return broken;
        }
        for (slot, was) in (0..).zip(&book.pool.slots).filter(|(_, was)| was.opens_at <= at) {
            let now = it.slots.get(slot as usize);
            if now.is_none_or(|now| now.seed_sha256 != was.seed_sha256 || now.closes_at < was.closes_at) {
                broken.push(Broken::SeedChanged { pool: id, slot });
            }
        }
        let was_open = book.pool.slots.iter().any(|slot| slot.opens_at <= at);
        let rule = |terms: &Option<Terms>| terms.as_ref().map(|terms| terms.rule.clone());
        if was_open && rule(&book.terms) != rule(&terms) {
            broken.push(Broken::RuleChanged { pool: id });
        }
        let same = |slot: usize| book.pool.slots.get(slot).map(|was| was.seed_sha256);
        let hashed = it.slots.iter().enumerate().map(|(slot, now)| match book.hashed.get(slot) {
            Some(first) if same(slot) == Some(now.seed_sha256) => *first,
            Some(_) | None => leaf,
        });
        book.hashed = hashed.collect();
        (book.pool, book.terms) = (it.clone(), terms);
        broken.extend(book.hashed_late(leaf, at));
        broken
    }

    /// The pledge whose hearts release this pool.
    pub fn hearts_of(&self, pool: &Uuid) -> Option<Uuid> {
        match self.0.get(pool)?.terms.as_ref()?.rule {
            Rule::Hearts { pledge, .. } => Some(pledge),
            Rule::Ratio { .. } | Rule::Draw { .. } => None,
        }
    }

    /// `order`, if there is such an accrual; `of_pledge`: the project is one of the pledge's.
    pub fn claim(
        &mut self,
        it: &Match,
        leaf: u64,
        at: u64,
        slots: [u32; 5],
        order: Option<&OrderBook>,
        of_pledge: bool,
    ) -> Vec<Broken> {
        let (pool, slot) = (it.pool, it.slot);
        let known = self.0.get_mut(&pool).and_then(|book| Some((*book.pool.slots.get(slot as usize)?, book)));
        let Some((opened, book)) = known else { return vec![Broken::UnknownSlot { pool, slot }] };
        let mut broken = Vec::new();
        if !(opened.opens_at..opened.closes_at).contains(&at) {
            broken.push(Broken::SlotClosed { pool, slot, at });
        }
        if it.currency != book.pool.currency {
            broken.push(Broken::WrongCurrency { found: it.currency, wanted: book.pool.currency });
        }
        let to_project = book.by_project.entry(it.project.clone()).or_default();
        *to_project = to_project.saturating_add(it.amount);
        let to_project = *to_project;
        let state = book.slots.entry(slot).or_default();
        state.net = state.net.saturating_add(it.amount);
        state.count.matched = state.count.matched.saturating_add(it.amount);
        if state.net > opened.budget {
            broken.push(Broken::BudgetExceeded { pool, slot, matched: state.net, budget: opened.budget });
        }
        let claim = Claim { leaf, slots, project: it.project.clone(), tier: it.tier, left: it.amount };
        if state.claims.insert(it.order, claim).is_some() {
            broken.push(Broken::MatchedTwice { pool, slot, order: it.order });
        }
        let Some(terms) = &book.terms else { return broken };
        if terms.project_cap > 0 && to_project > terms.project_cap {
            let (project, cap) = (it.project.clone(), terms.project_cap);
            broken.push(Broken::ProjectCapExceeded { pool, project, matched: to_project, cap });
        }
        let named = !terms.project.is_empty();
        if named && terms.project != it.project {
            broken.push(Broken::WrongProject { found: it.project.clone(), wanted: terms.project.clone() });
        } else if !named && !of_pledge {
            let wanted = "one of the pledge's".into();
            broken.push(Broken::WrongProject { found: it.project.clone(), wanted });
        }
        let is_hearts = matches!(terms.rule, Rule::Hearts { .. });
        let accrued = order.map(OrderBook::accrued);
        if accrued.is_none() && !is_hearts {
            broken.push(Broken::UnknownOrder { order: it.order });
        }
        let draws = matches!(terms.rule, Rule::Draw { .. });
        let hashed = book.hashed.get(slot as usize).copied().unwrap_or(leaf);
        if draws && order.is_some_and(|order| order.leaf < hashed) {
            broken.push(Broken::SeedHashAfterOrder { pool, slot, order: it.order });
        }
        let due = match &terms.rule {
            Rule::Ratio { ppm } => share::of(accrued.unwrap_or(0), *ppm, Rounding::Down),
            Rule::Hearts { amount, .. } => *amount,
            Rule::Draw { tiers } => tier(tiers, it.tier).map_or(0, |tier| tier.amount),
        };
        if draws != it.tier.is_some() {
            broken.push(Broken::WrongTier { pool, slot, stated: it.tier, drawn: None });
        }
        // Caps of buyers are not in the log, and a slot that ran out gives what is left.
        let capped = terms.buyer_day_cap > 0 || terms.project_cap > 0;
        let may_be_less = capped || state.given_back || state.net >= opened.budget;
        if it.amount > due || it.amount < due && !may_be_less {
            broken.push(Broken::WrongMatch { pool, slot, amount: it.amount, due });
        }
        broken
    }

    /// The places in the totals that the match has.
    pub fn give_back(&mut self, it: &Unmatch) -> Result<([u32; 5], Vec<Broken>), Broken> {
        let (pool, slot, amount) = (it.pool, it.slot, it.amount);
        let unknown = || Broken::UnknownSlot { pool, slot };
        let book = self.0.get_mut(&pool).ok_or_else(unknown)?;
        let currency = book.pool.currency;
        let state = book.slots.get_mut(&slot).ok_or_else(unknown)?;
        let too_much = |left| Broken::UnmatchedTooMuch { pool, slot, amount, left };
        let claim = state.claims.get_mut(&it.order).ok_or_else(|| too_much(0))?;
        let mut broken = Vec::new();
        if amount > claim.left {
            broken.push(too_much(claim.left));
        }
        if it.currency != currency {
            broken.push(Broken::WrongCurrency { found: it.currency, wanted: currency });
        }
        claim.left = claim.left.saturating_sub(amount);
        state.net = state.net.saturating_sub(amount);
        state.count.unmatched = state.count.unmatched.saturating_add(amount);
        state.given_back = true;
        let to_project = book.by_project.entry(claim.project.clone()).or_default();
        *to_project = to_project.saturating_sub(amount);
        Ok((claim.slots, broken))
    }

    /// What the seed shows of the slot's draws, and of itself at `leaf`.
    pub fn seed(&mut self, it: &Seed, leaf: u64, at: u64) -> Vec<Finding> {
        let (pool, slot) = (it.pool, it.slot);
        let known = self.0.get_mut(&pool).and_then(|book| Some((*book.pool.slots.get(slot as usize)?, book)));
        let Some((opened, book)) = known else {
            return vec![Finding { leaf, broken: Broken::UnknownSlot { pool, slot } }];
        };
        let mut findings = Vec::new();
        if at < opened.closes_at {
            let broken = Broken::SeedEarly { pool, slot, at, closes_at: opened.closes_at };
            findings.push(Finding { leaf, broken });
        }
        if Hash::of(&it.seed.0) != opened.seed_sha256 {
            findings.push(Finding { leaf, broken: Broken::WrongSeed { pool, slot } });
            return findings;
        }
        let state = book.slots.entry(slot).or_default();
        state.seed = Some(it.seed);
        if let Some(Terms { rule: Rule::Draw { tiers }, .. }) = &book.terms {
            findings.extend(state.claims.iter().filter_map(|(order, claim)| {
                let (stated, drawn) = (claim.tier, draw(it.seed, *order, tiers));
                let broken = Broken::WrongTier { pool, slot, stated, drawn };
                (stated != drawn).then_some(Finding { leaf: claim.leaf, broken })
            }));
            findings.sort_by_key(|finding| finding.leaf);
        }
        findings
    }

    /// Slots with draws whose seed should be there by now.
    pub fn overdue(&self, now: u64) -> impl Iterator<Item = Finding> {
        self.0.values().filter(|book| book.tiers().is_some()).flat_map(move |book| {
            let slots = (0..).zip(&book.pool.slots).zip(&book.hashed);
            slots.filter_map(move |((slot, opened), hashed)| {
                let state = book.slots.get(&slot);
                let is_due = opened.closes_at.saturating_add(SEED_DUE_MS) < now;
                if !is_due || state.is_some_and(|state| state.seed.is_some()) {
                    return None;
                }
                let claims = state.into_iter().flat_map(|state| state.claims.values());
                let leaf = claims.map(|claim| claim.leaf).max().unwrap_or(*hashed);
                let (pool, closes_at) = (book.pool.pool, opened.closes_at);
                Some(Finding { leaf, broken: Broken::SeedOverdue { pool, slot, closes_at } })
            })
        })
    }

    /// How many of `orders` draw something by a seed that is published and were not matched. `gives_to`: an order's pledge names the project.
    pub fn withheld(
        &self,
        orders: &HashMap<Hash, OrderBook>,
        gives_to: impl Fn(&OrderBook, &str) -> bool,
    ) -> u64 {
        let mut withheld = 0;
        for book in self.0.values() {
            let (Some(tiers), Some(terms)) = (book.tiers(), &book.terms) else { continue };
            for ((slot, opened), hashed) in (0..).zip(&book.pool.slots).zip(&book.hashed) {
                let Some(state) = book.slots.get(&slot) else { continue };
                let Some(seed) = state.seed else { continue };
                let lost = orders.iter().filter(|(order, of)| {
                    of.leaf > *hashed
                        && (opened.opens_at..opened.closes_at).contains(&of.at)
                        && of.currency == book.pool.currency
                        && of.accrued() > 0
                        && (terms.project.is_empty() || gives_to(of, &terms.project))
                        && !state.claims.contains_key(*order)
                        && draw(seed, **order, tiers).is_some()
                });
                withheld += lost.count() as u64;
            }
        }
        withheld
    }

    pub fn all(&self) -> impl Iterator<Item = PoolCount<'_>> {
        self.0.values().map(|book| {
            let count = |slot| book.slots.get(&slot).map_or(SlotCount::default(), |state| state.count);
            let slots = (0..).take(book.pool.slots.len()).map(count).collect();
            PoolCount { pool: &book.pool, slots }
        })
    }
}

impl PoolBook {
    fn tiers(&self) -> Option<&[Tier]> {
        match &self.terms.as_ref()?.rule {
            Rule::Draw { tiers } => Some(tiers),
            Rule::Ratio { .. } | Rule::Hearts { .. } => None,
        }
    }

    /// Slots with draws whose seed's hash is new in the leaf, which says that it was written after they had opened.
    fn hashed_late(&self, leaf: u64, at: u64) -> Vec<Broken> {
        let pool = self.pool.pool;
        let fresh = (0..).zip(&self.pool.slots).zip(&self.hashed).filter(|(_, hashed)| **hashed == leaf);
        let late = fresh.filter(|((_, opened), _)| self.tiers().is_some() && opened.opens_at < at);
        late.map(|((slot, opened), _)| Broken::SeedHashLate { pool, slot, at, opens_at: opened.opens_at })
            .collect()
    }
}

fn tier(tiers: &[Tier], tier: Option<u32>) -> Option<&Tier> {
    tiers.get(usize::try_from(tier?).ok()?)
}
