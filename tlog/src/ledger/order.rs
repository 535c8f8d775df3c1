//! One order's gift: what accrued, what a refund took back, what was confirmed.

use uuid::Uuid;

use super::Broken;
use super::totals::NOWHERE;
use crate::leaf::{Accrual, Confirmation, Correction, Currency, PARTS_MAX, Pledge, Reversal};
use crate::merkle::Hash;
use crate::share;

/// Amounts saturate: beyond that, a rule has long been broken.
#[derive(Clone, Debug)]
pub struct OrderBook {
    pub pledge: Uuid,
    pub version: u32,
    pub currency: Currency,
    pub paid: i64,
    pub quantity: u32,
    /// Its first accrual, and when that was.
    pub leaf: u64,
    pub at: u64,
    county: u32,
    produce: u32,
    all: u32,
    of_pledge: u32,
    parts: Vec<PartBook>,
    refund: Option<Refund>,
    corrected: bool,
}

#[derive(Clone, Copy, Debug)]
struct PartBook {
    part: u32,
    project: u32,
    accrued: i64,
    reversed: i64,
    /// Less what was reversed of it.
    confirmed: i64,
    /// Of what is confirmed, refunded at the host's cost.
    corrected: i64,
}

/// The newest one.
#[derive(Clone, Debug)]
struct Refund {
    kept: i64,
    /// What each part is to have afterwards.
    due: Vec<i64>,
}

impl PartBook {
    /// Of what the pledge owes for this order.
    fn stands(&self) -> i64 {
        self.accrued.saturating_sub(self.reversed).saturating_sub(self.corrected)
    }
}

impl OrderBook {
    /// For who has no totals.
    pub(crate) const NOWHERE: [u32; 5] = [NOWHERE; 5];

    /// `slots` are the places of its keys in the totals, `leaf` and `at` those of the accrual.
    pub(crate) fn new(it: &Accrual, slots: [u32; 5], leaf: u64, at: u64) -> Self {
        let [all, county, produce, of_pledge, _] = slots;
        Self {
            pledge: it.pledge,
            version: it.version,
            currency: it.currency,
            paid: it.paid,
            quantity: it.quantity,
            leaf,
            at,
            county,
            produce,
            all,
            of_pledge,
            parts: Vec::with_capacity(1),
            refund: None,
            corrected: false,
        }
    }

    pub fn accrued(&self) -> i64 {
        self.sum(|part| part.accrued)
    }

    /// What the charities have of it, or will have: accrued less reversed.
    pub fn given(&self) -> i64 {
        self.sum(|part| part.accrued.saturating_sub(part.reversed))
    }

    pub fn confirmed(&self) -> i64 {
        self.sum(|part| part.confirmed)
    }

    /// What of it stands as the pledge says: a correction takes from it, the charity keeps that money.
    pub fn stands(&self) -> i64 {
        self.sum(PartBook::stands)
    }

    fn sum(&self, of: impl Fn(&PartBook) -> i64) -> i64 {
        self.parts.iter().fold(0, |sum, part| sum.saturating_add(of(part)))
    }

    pub(super) fn project_slot(&self, part: u32) -> Option<u32> {
        self.parts.iter().find(|book| book.part == part).map(|book| book.project)
    }

    pub(super) fn slots_with(&self, project: u32) -> [u32; 5] {
        [self.all, self.county, self.produce, self.of_pledge, project]
    }

    pub(crate) fn accrue(&mut self, pledge: &Pledge, it: &Accrual, at: u64, project: u32) -> Vec<Broken> {
        let (order, version) = (it.order, it.version);
        let mut broken = Vec::new();
        let said = |book: &Self| (book.pledge, book.version, book.currency, book.paid, book.quantity);
        if said(self) != (it.pledge, version, it.currency, it.paid, it.quantity) {
            broken.push(Broken::OtherTerms { order });
        }
        if !pledge.runs_at(at) {
            broken.push(Broken::OutOfTime { pledge: it.pledge, version, at });
        }
        if let Some(wanted) = pledge.currency.filter(|currency| *currency != it.currency) {
            broken.push(Broken::WrongCurrency { found: it.currency, wanted });
        }
        match pledge.part(it.part) {
            None => broken.push(Broken::UnknownPart { pledge: it.pledge, version, part: it.part }),
            Some(part) => {
                if part.project != it.project {
                    let (found, wanted) = (it.project.clone(), part.project.clone());
                    broken.push(Broken::WrongProject { found, wanted });
                }
                let whole = share::share(pledge, it.paid, it.quantity);
                let due = share::by_weight(pledge, whole).get(it.part as usize).copied().unwrap_or(0);
                // A cap that is reached leaves less; how the rest is split shows when all parts are there.
                if it.amount != due && pledge.cap.is_none() {
                    broken.push(Broken::WrongShare { order, part: it.part, amount: it.amount, due });
                }
            }
        }
        if let Some(book) = self.parts.iter_mut().find(|book| book.part == it.part) {
            book.accrued = book.accrued.saturating_add(it.amount);
            broken.push(Broken::AccruedTwice { order, part: it.part });
        } else if self.parts.len() < PARTS_MAX {
            let (part, accrued) = (it.part, it.amount);
            self.parts.push(PartBook { part, project, accrued, reversed: 0, confirmed: 0, corrected: 0 });
        }
        let (amount, due) = (self.accrued(), share::share(pledge, self.paid, self.quantity));
        if amount > due && pledge.cap.is_some() {
            broken.push(Broken::WrongShare { order, part: it.part, amount, due });
        }
        broken
    }

    /// What is still to come of the accrual or of the newest refund.
    pub(crate) fn lack(&self, order: Hash, pledge: &Pledge) -> Option<Broken> {
        if let Some(refund) = &self.refund {
            let stands: Vec<i64> = self.parts.iter().map(PartBook::stands).collect();
            let (sum, due) =
                (self.stands(), refund.due.iter().fold(0_i64, |sum, due| sum.saturating_add(*due)));
            // What a correction bore belongs to one refund or another; the sum alone says enough.
            let apart = !self.corrected && stands != refund.due;
            return (sum > due || apart).then_some(Broken::ReversedTooLittle { order, stands: sum, due });
        }
        let (amount, due) = (self.accrued(), share::share(pledge, self.paid, self.quantity));
        if pledge.cap.is_none() {
            return (amount < due).then_some(Broken::PartsLacking { order, amount, due });
        }
        let by_weight = share::by_weight(pledge, amount);
        let of = |part: usize| {
            let mut parts = self.parts.iter();
            parts.find(|book| book.part as usize == part).map_or(0, |book| book.accrued)
        };
        let split = by_weight.iter().enumerate().all(|(part, due)| of(part) == *due);
        (!split).then_some(Broken::WrongSplit { order, amount })
    }

    /// `late`: the refund before this one lacked something too long ago for it to be still on its way.
    pub(crate) fn reverse(&mut self, pledge: &Pledge, it: &Reversal, late: bool) -> Vec<Broken> {
        let order = it.order;
        let mut broken = Vec::new();
        let before = self.refund.as_ref().map_or(self.paid, |refund| refund.kept);
        if it.kept > before || it.kept >= self.paid {
            broken.push(Broken::KeptGrew { order, kept: it.kept, before, paid: self.paid });
        }
        if self.refund.as_ref().is_none_or(|refund| refund.kept != it.kept) {
            if late {
                broken.extend(self.lack(order, pledge));
            }
            let standing: Vec<i64> = self.parts.iter().map(|part| part.stands().max(0)).collect();
            let due = self.due(pledge, it.kept).min(standing.iter().sum());
            self.refund = Some(Refund { kept: it.kept, due: share::keep(&standing, due) });
        }
        let Some(at) = self.parts.iter().position(|book| book.part == it.part) else {
            broken.push(Broken::UnknownPart { pledge: it.pledge, version: it.version, part: it.part });
            return broken;
        };
        let part = &mut self.parts[at];
        let left = if it.confirmed {
            part.confirmed.saturating_sub(part.corrected)
        } else {
            part.accrued.saturating_sub(part.reversed).saturating_sub(part.confirmed)
        };
        if it.amount > left {
            broken.push(Broken::MoreThanStands { order, part: it.part, amount: it.amount, left });
        }
        part.reversed = part.reversed.saturating_add(it.amount);
        if it.confirmed {
            part.confirmed = part.confirmed.saturating_sub(it.amount);
        }
        let stands = part.stands();
        let due = self.refund.as_ref().and_then(|refund| refund.due.get(at)).copied().unwrap_or(0);
        let (sum, whole) = (self.stands(), self.due(pledge, it.kept));
        if sum < whole {
            broken.push(Broken::ReversedTooMuch { order, stands: sum, due: whole });
        } else if stands < due && !self.corrected {
            broken.push(Broken::ReversedTooMuch { order, stands, due });
        }
        broken
    }

    /// What the whole order still gives when so much stays paid.
    pub fn due(&self, pledge: &Pledge, kept: i64) -> i64 {
        share::share_kept(pledge, self.paid, kept, self.quantity, self.accrued())
    }

    pub(crate) fn confirm(&mut self, it: &Confirmation) -> Vec<Broken> {
        self.take(it.order, it.part, it.amount, |part| {
            let left = part.accrued.saturating_sub(part.reversed).saturating_sub(part.confirmed);
            part.confirmed = part.confirmed.saturating_add(it.amount);
            left
        })
    }

    pub(crate) fn correct(&mut self, it: &Correction) -> Vec<Broken> {
        self.corrected = true;
        self.take(it.order, it.part, it.amount, |part| {
            let left = part.confirmed.saturating_sub(part.corrected);
            part.corrected = part.corrected.saturating_add(it.amount);
            left
        })
    }

    fn take(
        &mut self,
        order: Hash,
        part: u32,
        amount: i64,
        change: impl FnOnce(&mut PartBook) -> i64,
    ) -> Vec<Broken> {
        let Some(book) = self.parts.iter_mut().find(|book| book.part == part) else {
            return vec![Broken::UnknownPart { pledge: self.pledge, version: self.version, part }];
        };
        let left = change(book);
        if amount > left { vec![Broken::MoreThanStands { order, part, amount, left }] } else { Vec::new() }
    }
}
