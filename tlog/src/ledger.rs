//! A recount: every leaf in order, every rule that an outsider can check, and what the log adds up to.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use uuid::Uuid;

use crate::leaf::{
    Accrual, Confirmation, Correction, Currency, Fact, Leaf, Match, Pledge, Pool, Remittance, Reversal,
    Scope, Seed, Tally, Unmatch,
};
use crate::merkle::Hash;

mod broken;
mod order;
mod pools;
mod totals;

pub use broken::{Broken, Finding};
pub use order::OrderBook;
pub use pools::{PoolCount, SlotCount};
pub use totals::{Amounts, TALLY_LAG_MAX};

use pools::Pools;
use totals::{Column, Moved, NOWHERE, Totals};

/// A log that is wrong from end to end need not fill the memory.
pub const FINDINGS_MAX: usize = 1_000;
/// The leaves of one order's payment or refund stand this near each other, so that a checkpoint between them is told from a lack.
pub const APART_MAX: u64 = 16;
/// The seeds of a slot are due a day after it closed.
pub const SEED_DUE_MS: u64 = 24 * 60 * 60 * 1_000;

#[derive(Default)]
pub struct Recount {
    leaves: u64,
    /// The latest time that a leaf has.
    newest_at: u64,
    lines: HashSet<u64>,
    pledges: HashMap<Uuid, PledgeBook>,
    orders: HashMap<Hash, OrderBook>,
    /// Orders whose last leaf left something to come, and that leaf.
    unfinished: HashMap<Hash, u64>,
    /// By pledge, part, and the project's place in the totals, which knows the currency too.
    owed: HashMap<(Uuid, u32, u32), Owed>,
    pools: Pools,
    totals: Totals,
    findings: Vec<Finding>,
    found: u64,
}

#[derive(Default)]
struct PledgeBook {
    versions: BTreeMap<u32, Arc<Pledge>>,
    /// Accrued less reversed, over all versions.
    standing: HashMap<Currency, i64>,
}

#[derive(Default)]
struct Owed {
    confirmed: i64,
    remitted: i64,
}

/// What a leaf about an order says that it is about.
struct About<'a> {
    order: &'a Hash,
    pledge: Uuid,
    version: u32,
    part: u32,
    currency: Currency,
}

macro_rules! about {
    ($it:expr) => {
        About {
            order: &$it.order,
            pledge: $it.pledge,
            version: $it.version,
            part: $it.part,
            currency: $it.currency,
        }
    };
}

impl Recount {
    /// The next entry of the log, as its bytes.
    pub fn push(&mut self, entry: &[u8]) {
        match Leaf::parse(entry) {
            Ok(leaf) => self.leaf(&leaf),
            Err(refused) => {
                self.find(Broken::Leaf(refused));
                self.leaves += 1;
            }
        }
    }

    /// The next leaf of the log.
    pub fn leaf(&mut self, leaf: &Leaf) {
        self.newest_at = self.newest_at.max(leaf.at);
        if let Some(line) = leaf.fact.line()
            && !self.lines.insert(line)
        {
            self.find(Broken::LineTwice { line });
        }
        match &leaf.fact {
            Fact::Pledge(it) => self.pledge(it),
            Fact::Accrual(it) => self.accrual(it, leaf.at),
            Fact::Reversal(it) => self.reversal(it),
            Fact::Confirmation(it) => self.confirmation(it),
            Fact::Correction(it) => self.correction(it),
            Fact::Remittance(it) => self.remittance(it),
            Fact::Pool(it) => self.pool(it, leaf.at),
            Fact::Match(it) => self.matched(it, leaf.at),
            Fact::Unmatch(it) => self.unmatched(it),
            Fact::Seed(it) => self.seed(it, leaf.at),
            Fact::Tally(it) => self.tally(it),
        }
        self.leaves += 1;
    }

    pub fn leaves(&self) -> u64 {
        self.leaves
    }

    /// The first `FINDINGS_MAX` of what is wrong.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// How much is wrong in all.
    pub fn found(&self) -> u64 {
        self.found
    }

    /// What is wrong if nothing more comes: orders that lack a part of their share or of a reversal, and seeds that are overdue.
    pub fn lacking(&self) -> Vec<Finding> {
        let mut findings = self.lacks(|leaf| leaf + APART_MAX < self.leaves);
        findings.extend(self.pools.overdue(self.newest_at));
        findings.sort_by_key(|finding| finding.leaf);
        findings
    }

    /// What else is wrong if the log stands still here: orders among the last leaves, whose other leaves the next checkpoint may have.
    pub fn waiting(&self) -> Vec<Finding> {
        let mut findings = self.lacks(|leaf| leaf + APART_MAX >= self.leaves);
        findings.sort_by_key(|finding| finding.leaf);
        findings
    }

    fn lacks(&self, of: impl Fn(u64) -> bool) -> Vec<Finding> {
        let unfinished = self.unfinished.iter().filter(|(_, leaf)| of(**leaf));
        let lacks = unfinished.filter_map(|(order, leaf)| {
            let book = self.orders.get(order)?;
            let pledge = self.pledges.get(&book.pledge)?.versions.get(&book.version)?;
            Some(Finding { leaf: *leaf, broken: book.lack(*order, pledge)? })
        });
        lacks.collect()
    }

    /// Orders that drew a tier, by a seed that is published, and have no match: the budget or a cap left nothing, or somebody withheld it.
    /// The log does not say which, since caps of buyers are not in it.
    pub fn withheld(&self) -> u64 {
        let gives_to = |order: &OrderBook, project: &str| {
            let pledge = self.pledges.get(&order.pledge).and_then(|book| book.versions.get(&order.version));
            pledge.is_some_and(|pledge| pledge.parts.iter().any(|part| part.project == project))
        };
        self.pools.withheld(&self.orders, gives_to)
    }

    /// What the leaves so far add up to; nothing of a key that no leaf has.
    pub fn total(&self, scope: Scope, key: &str, currency: Currency) -> Amounts {
        self.totals.get(scope, key, currency)
    }

    /// Every key that a leaf has, in no order.
    pub fn totals(&self) -> impl Iterator<Item = (Scope, &str, Currency, Amounts)> {
        self.totals.all()
    }

    pub fn order(&self, order: &Hash) -> Option<&OrderBook> {
        self.orders.get(order)
    }

    /// Every pledge in its newest version, in no order.
    pub fn pledges(&self) -> impl Iterator<Item = &Pledge> {
        self.pledges.values().filter_map(|book| book.versions.values().next_back()).map(AsRef::as_ref)
    }

    /// Sponsors' pools, in no order.
    pub fn pools(&self) -> impl Iterator<Item = PoolCount<'_>> {
        self.pools.all()
    }

    /// The newest version.
    pub fn newest_pledge(&self, pledge: &Uuid) -> Option<&Pledge> {
        self.pledges.get(pledge)?.versions.values().next_back().map(AsRef::as_ref)
    }

    fn find(&mut self, broken: Broken) {
        self.found += 1;
        if self.findings.len() < FINDINGS_MAX {
            self.findings.push(Finding { leaf: self.leaves, broken });
        }
    }

    fn find_all(&mut self, broken: Vec<Broken>) {
        broken.into_iter().for_each(|broken| self.find(broken));
    }

    fn pledge(&mut self, pledge: &Pledge) {
        let book = self.pledges.entry(pledge.pledge).or_default();
        let newest = book.versions.keys().next_back().copied().unwrap_or(0);
        if pledge.version <= newest {
            let (pledge, version) = (pledge.pledge, pledge.version);
            self.find(Broken::PledgeVersion { pledge, version, newest });
            return;
        }
        book.versions.insert(pledge.version, Arc::new(pledge.clone()));
    }

    fn accrual(&mut self, it: &Accrual, at: u64) {
        let mut slots = self.totals.slots(it.currency, &it.county, &it.produce, &it.pledge.to_string());
        slots[4] = self.totals.slot(Scope::Project, &it.project, it.currency);
        let is_new = !self.orders.contains_key(&it.order);
        self.totals.add(Moved {
            leaf: self.leaves,
            slots,
            column: Column::Accrued,
            amount: it.amount,
            paid: it.paid,
            opens_order: is_new,
        });
        let book = self.pledges.get_mut(&it.pledge);
        let known =
            book.and_then(|book| Some((book.versions.get(&it.version).cloned()?, &mut book.standing)));
        let Some((pledge, standing)) = known else {
            return self.find(Broken::UnknownPledge { pledge: it.pledge, version: it.version });
        };
        let standing = standing.entry(it.currency).or_default();
        *standing = standing.saturating_add(it.amount);
        let standing = *standing;
        let order = self.orders.entry(it.order).or_insert_with(|| OrderBook::new(it, slots, self.leaves, at));
        let broken = order.accrue(&pledge, it, at, slots[4]);
        let lacks = order.lack(it.order, &pledge).is_some();
        self.find_all(broken);
        if let Some(cap) = pledge.cap.filter(|cap| standing > *cap) {
            self.find(Broken::CapExceeded { pledge: it.pledge, standing, cap });
        }
        self.remember(it.order, lacks);
    }

    fn remember(&mut self, order: Hash, lacks: bool) {
        if lacks {
            self.unfinished.insert(order, self.leaves);
        } else {
            self.unfinished.remove(&order);
        }
    }

    /// The order that a leaf is about, when it says the same about it as its accrual.
    fn known(&mut self, about: &About<'_>) -> Option<(&mut OrderBook, Arc<Pledge>, [u32; 5])> {
        let order = *about.order;
        let Some(book) = self.orders.get(&order) else {
            self.find(Broken::UnknownOrder { order });
            return None;
        };
        let same =
            (book.pledge, book.version, book.currency) == (about.pledge, about.version, about.currency);
        let slot = book.project_slot(about.part);
        let pledge = self.pledges.get(&about.pledge).and_then(|pledge| pledge.versions.get(&about.version));
        let (true, Some(slot), Some(pledge)) = (same, slot, pledge.cloned()) else {
            self.find(Broken::OtherTerms { order });
            return None;
        };
        let book = self.orders.get_mut(&order)?;
        let slots = book.slots_with(slot);
        Some((book, pledge, slots))
    }

    fn moved(&mut self, slots: [u32; 5], column: Column, amount: i64) {
        let leaf = self.leaves;
        self.totals.add(Moved { leaf, slots, column, amount, paid: 0, opens_order: false });
    }

    fn reversal(&mut self, it: &Reversal) {
        let leaves = self.leaves;
        let late = self.unfinished.get(&it.order).is_some_and(|leaf| leaf + APART_MAX < leaves);
        let Some((order, pledge, slots)) = self.known(&about!(it)) else { return };
        let broken = order.reverse(&pledge, it, late);
        let lacks = order.lack(it.order, &pledge).is_some();
        self.find_all(broken);
        self.remember(it.order, lacks);
        self.moved(slots, Column::Reversed, it.amount);
        if let Some(book) = self.pledges.get_mut(&it.pledge) {
            let standing = book.standing.entry(it.currency).or_default();
            *standing = standing.saturating_sub(it.amount);
        }
        if it.confirmed {
            self.moved(slots, Column::Confirmed, -it.amount);
            let owed = self.owed.entry((it.pledge, it.part, slots[4])).or_default();
            owed.confirmed = owed.confirmed.saturating_sub(it.amount);
            let (confirmed, remitted) = (owed.confirmed, owed.remitted);
            if confirmed < remitted {
                let (pledge, part) = (it.pledge, it.part);
                self.find(Broken::MoreThanConfirmed { pledge, part, remitted, confirmed });
            }
        }
    }

    fn confirmation(&mut self, it: &Confirmation) {
        let Some((order, _, slots)) = self.known(&about!(it)) else { return };
        let broken = order.confirm(it);
        self.find_all(broken);
        self.moved(slots, Column::Confirmed, it.amount);
        let owed = self.owed.entry((it.pledge, it.part, slots[4])).or_default();
        owed.confirmed = owed.confirmed.saturating_add(it.amount);
    }

    fn correction(&mut self, it: &Correction) {
        let Some((order, pledge, _)) = self.known(&about!(it)) else { return };
        let broken = order.correct(it);
        let lacks = order.lack(it.order, &pledge).is_some();
        self.find_all(broken);
        self.remember(it.order, lacks);
    }

    fn remittance(&mut self, it: &Remittance) {
        // A transfer is for all counties and all produce together.
        let slots = [
            self.totals.slot(Scope::All, "", it.currency),
            NOWHERE,
            NOWHERE,
            self.totals.slot(Scope::Pledge, &it.pledge.to_string(), it.currency),
            self.totals.slot(Scope::Project, &it.project, it.currency),
        ];
        self.moved(slots, Column::Remitted, it.amount);
        let versions = self.pledges.get(&it.pledge).map(|book| &book.versions);
        let mut parts = versions.into_iter().flat_map(BTreeMap::values).filter_map(|v| v.part(it.part));
        if !parts.any(|part| part.project == it.project && part.charity == it.charity) {
            self.find(Broken::WrongPayee { charity: it.charity.clone(), project: it.project.clone() });
        }
        let owed = self.owed.entry((it.pledge, it.part, slots[4])).or_default();
        owed.remitted = owed.remitted.saturating_add(it.amount);
        let (confirmed, remitted) = (owed.confirmed, owed.remitted);
        if remitted > confirmed {
            let (pledge, part) = (it.pledge, it.part);
            self.find(Broken::MoreThanConfirmed { pledge, part, remitted, confirmed });
        }
    }

    fn pool(&mut self, it: &Pool, at: u64) {
        let broken = self.pools.pool(it, self.leaves, at);
        self.find_all(broken);
    }

    fn matched(&mut self, it: &Match, at: u64) {
        let order = self.orders.get(&it.order);
        let mut slots = [NOWHERE; 5];
        slots[0] = self.totals.slot(Scope::All, "", it.currency);
        if let Some(order) = order {
            slots = order.slots_with(NOWHERE);
        } else if let Some(pledge) = self.pools.hearts_of(&it.pool) {
            slots[3] = self.totals.slot(Scope::Pledge, &pledge.to_string(), it.currency);
        }
        slots[4] = self.totals.slot(Scope::Project, &it.project, it.currency);
        self.moved(slots, Column::Matched, it.amount);
        let order = self.orders.get(&it.order);
        let giving = order.map(|order| order.pledge).or(self.pools.hearts_of(&it.pool));
        let versions = giving.and_then(|pledge| self.pledges.get(&pledge)).map(|book| &book.versions);
        let mut parts = versions.into_iter().flat_map(BTreeMap::values).flat_map(|version| &version.parts);
        let of_pledge = parts.any(|part| part.project == it.project);
        let broken = self.pools.claim(it, self.leaves, at, slots, order, of_pledge);
        self.find_all(broken);
    }

    fn unmatched(&mut self, it: &Unmatch) {
        match self.pools.give_back(it) {
            Ok((slots, broken)) => {
                self.moved(slots, Column::Unmatched, it.amount);
                self.find_all(broken);
            }
            Err(broken) => self.find(broken),
        }
    }

    fn seed(&mut self, it: &Seed, at: u64) {
        // Each wrong draw is told at the leaf that claimed it.
        for Finding { leaf, broken } in self.pools.seed(it, self.leaves, at) {
            self.found += 1;
            if self.findings.len() < FINDINGS_MAX {
                self.findings.push(Finding { leaf, broken });
            }
        }
    }

    fn tally(&mut self, it: &Tally) {
        let broken = self.totals.compare(it, self.leaves);
        self.find_all(broken);
    }
}
