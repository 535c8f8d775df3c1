//! Sponsors' pools: budgets, and draws that are repeated once their seed is out.

use std::collections::HashMap;

use uuid::Uuid;

use super::{Broken, Finding, SEED_DUE_MS};
use crate::leaf::{Match, Pool, Rounding, Rule, Seed, Terms, Tier, Unmatch, draw};
use crate::merkle::Hash;
use crate::share;

#[derive(Default)]
pub struct Pools(HashMap<Uuid, PoolBook>);

struct PoolBook {
    pool: Pool,
    terms: Option<Terms>,
    slots: HashMap<u32, SlotBook>,
    /// Matched less taken back.
    by_project: HashMap<String, i64>,
}

#[derive(Default)]
struct SlotBook {
    /// Matched less taken back.
    net: i64,
    given_back: bool,
    claims: HashMap<Hash, Claim>,
    seed: Option<Hash>,
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
    pub fn pool(&mut self, it: &Pool, at: u64) -> Vec<Broken> {
        let (id, mut broken) = (it.pool, Vec::new());
        let terms = Terms::parse(&it.terms);
        let terms = terms.map_err(|refused| broken.push(Broken::Terms { pool: id, refused })).ok();
        let Some(book) = self.0.get_mut(&id) else {
            let book =
                PoolBook { pool: it.clone(), terms, slots: HashMap::new(), by_project: HashMap::new() };
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
        (book.pool, book.terms) = (it.clone(), terms);
        broken
    }

    /// The pledge whose hearts release this pool.
    pub fn hearts_of(&self, pool: &Uuid) -> Option<Uuid> {
        match self.0.get(pool)?.terms.as_ref()?.rule {
            Rule::Hearts { pledge, .. } => Some(pledge),
            Rule::Ratio { .. } | Rule::Draw { .. } => None,
        }
    }

    /// `accrued` is what the order gives, if it is known; `of_pledge`: the project is one of the pledge's.
    pub fn claim(
        &mut self,
        it: &Match,
        leaf: u64,
        at: u64,
        slots: [u32; 5],
        accrued: Option<i64>,
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
        if accrued.is_none() && !is_hearts {
            broken.push(Broken::UnknownOrder { order: it.order });
        }
        let draws = matches!(terms.rule, Rule::Draw { .. });
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
        self.0.values().flat_map(move |book| {
            let draws = book.terms.as_ref().is_some_and(|terms| matches!(terms.rule, Rule::Draw { .. }));
            let slots = book.slots.iter().filter(move |(_, state)| draws && state.seed.is_none());
            slots.filter_map(move |(slot, state)| {
                let closes_at = book.pool.slots.get(*slot as usize)?.closes_at;
                let leaf = state.claims.values().map(|claim| claim.leaf).max()?;
                let broken = Broken::SeedOverdue { pool: book.pool.pool, slot: *slot, closes_at };
                (closes_at + SEED_DUE_MS < now).then_some(Finding { leaf, broken })
            })
        })
    }
}

fn tier(tiers: &[Tier], tier: Option<u32>) -> Option<&Tier> {
    tiers.get(usize::try_from(tier?).ok()?)
}
