//! What leaves add up to, by county, produce, project, pledge and in all, now and a while ago.

use std::collections::{HashMap, VecDeque};

use serde::Serialize;

use super::Broken;
use crate::leaf::{Currency, Scope, Tally};

/// A tally counts the log up to a size before it. So many movements are remembered for that: 26 seconds at 10,000 orders a second, 19 MB.
pub const TALLY_LAG_MAX: usize = 262_144;

/// No place: the movement does not count there.
pub const NOWHERE: u32 = u32::MAX;

/// In minor units of one currency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Amounts {
    pub orders: i64,
    pub paid: i64,
    pub accrued: i64,
    pub reversed: i64,
    pub confirmed: i64,
    pub remitted: i64,
    pub matched: i64,
    pub unmatched: i64,
}

#[derive(Clone, Copy, Debug)]
pub enum Column {
    Accrued,
    Reversed,
    Confirmed,
    Remitted,
    Matched,
    Unmatched,
}

/// What one leaf moved. The places are those of all, county, produce, pledge, project.
#[derive(Clone, Copy, Debug)]
pub struct Moved {
    pub leaf: u64,
    pub slots: [u32; 5],
    pub column: Column,
    pub amount: i64,
    pub paid: i64,
    /// An order counts once in all places but its projects', of which each part is one.
    pub opens_order: bool,
}

#[derive(Default)]
pub struct Totals {
    places: HashMap<(Scope, Currency), HashMap<Box<str>, u32>>,
    amounts: Vec<Amounts>,
    newest: VecDeque<Moved>,
    /// The first leaf whose movement is remembered, if it had one.
    remembered_from: u64,
    cut: Option<Cut>,
}

/// A size at which tallies were taken, and what moved since.
struct Cut {
    size: u64,
    since: HashMap<u32, Amounts>,
}

impl Totals {
    /// The place of a key, which is made when there is none.
    pub fn slot(&mut self, scope: Scope, key: &str, currency: Currency) -> u32 {
        let places = self.places.entry((scope, currency)).or_default();
        if let Some(slot) = places.get(key) {
            return *slot;
        }
        let slot = u32::try_from(self.amounts.len()).expect("fewer than 4 billion keys fit into memory");
        places.insert(key.into(), slot);
        self.amounts.push(Amounts::default());
        slot
    }

    /// The places of all but the project.
    pub fn slots(&mut self, currency: Currency, county: &str, produce: &str, pledge: &str) -> [u32; 5] {
        [
            self.slot(Scope::All, "", currency),
            self.slot(Scope::County, county, currency),
            self.slot(Scope::Produce, produce, currency),
            self.slot(Scope::Pledge, pledge, currency),
            NOWHERE,
        ]
    }

    pub fn get(&self, scope: Scope, key: &str, currency: Currency) -> Amounts {
        self.find(scope, key, currency).map_or(Amounts::default(), |slot| self.amounts[slot as usize])
    }

    fn find(&self, scope: Scope, key: &str, currency: Currency) -> Option<u32> {
        self.places.get(&(scope, currency))?.get(key).copied()
    }

    pub fn all(&self) -> impl Iterator<Item = (Scope, &str, Currency, Amounts)> {
        self.places.iter().flat_map(|((scope, currency), places)| {
            places.iter().map(|(key, slot)| (*scope, &**key, *currency, self.amounts[*slot as usize]))
        })
    }

    pub fn add(&mut self, moved: Moved) {
        moved.each(|slot, change| change(&mut self.amounts[slot as usize]));
        if let Some(cut) = &mut self.cut {
            moved.each(|slot, change| change(cut.since.entry(slot).or_default()));
        }
        if self.newest.len() == TALLY_LAG_MAX
            && let Some(oldest) = self.newest.pop_front()
        {
            self.remembered_from = oldest.leaf + 1;
        }
        self.newest.push_back(moved);
    }

    /// The tally against the leaves that it counts, `leaves` being before it.
    pub fn compare(&mut self, tally: &Tally, leaves: u64) -> Vec<Broken> {
        let size = tally.size;
        if size > leaves {
            return vec![Broken::TallyAhead { size, leaves }];
        }
        if self.cut.as_ref().is_none_or(|cut| cut.size != size) {
            if size < self.remembered_from {
                return vec![Broken::TallyTooOld { size }];
            }
            let mut cut = Cut { size, since: HashMap::new() };
            let from = self.newest.partition_point(|moved| moved.leaf < size);
            for moved in self.newest.range(from..) {
                moved.each(|slot, change| change(cut.since.entry(slot).or_default()));
            }
            self.cut = Some(cut);
        }
        let slot = self.find(tally.scope, &tally.key, tally.currency);
        let now = slot.map_or(Amounts::default(), |slot| self.amounts[slot as usize]);
        let since = slot.and_then(|slot| self.cut.as_ref()?.since.get(&slot).copied()).unwrap_or_default();
        let columns = [
            ("orders", tally.orders, now.orders, since.orders),
            ("paid", tally.paid, now.paid, since.paid),
            ("accrued", tally.accrued, now.accrued, since.accrued),
            ("reversed", tally.reversed, now.reversed, since.reversed),
            ("confirmed", tally.confirmed, now.confirmed, since.confirmed),
            ("remitted", tally.remitted, now.remitted, since.remitted),
            ("matched", tally.matched, now.matched, since.matched),
            ("unmatched", tally.unmatched, now.unmatched, since.unmatched),
        ];
        let wrong = columns.into_iter().filter_map(|(column, stated, now, since)| {
            // Below 2^53, as the leaf's check has it.
            let (stated, counted) = (i64::try_from(stated).unwrap_or(i64::MAX), now.saturating_sub(since));
            (stated != counted).then_some(Broken::WrongTally { column, stated, counted })
        });
        wrong.collect()
    }
}

impl Moved {
    fn each(&self, mut apply: impl FnMut(u32, &dyn Fn(&mut Amounts))) {
        for (at, slot) in self.slots.into_iter().enumerate().filter(|(_, slot)| *slot != NOWHERE) {
            let is_project = at == 4;
            let opens = matches!(self.column, Column::Accrued) && (self.opens_order || is_project);
            apply(slot, &|amounts| {
                if opens {
                    amounts.orders = amounts.orders.saturating_add(1);
                    amounts.paid = amounts.paid.saturating_add(self.paid);
                }
                let column = match self.column {
                    Column::Accrued => &mut amounts.accrued,
                    Column::Reversed => &mut amounts.reversed,
                    Column::Confirmed => &mut amounts.confirmed,
                    Column::Remitted => &mut amounts.remitted,
                    Column::Matched => &mut amounts.matched,
                    Column::Unmatched => &mut amounts.unmatched,
                };
                *column = column.saturating_add(self.amount);
            });
        }
    }
}
