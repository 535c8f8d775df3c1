//! The last tally of each day, for sums over time. A day is one of the calendar in Asia/Shanghai, which keeps the same hour all year.

use std::collections::{BTreeMap, HashMap};

use apricot_tlog::leaf::{Currency, Fact, Scope, Tally};

use super::{LogError, READ_LEAVES, parsed, tallies};
use crate::store::Journal;

/// A year and a month of one currency.
const DAYS_MAX: usize = 400;
const HOUR_MS: u64 = 3_600_000;
const DAY_MS: u64 = 24 * HOUR_MS;
const SHANGHAI_AHEAD_MS: u64 = 8 * HOUR_MS;

/// Read on from where it stopped: a year of tallies, one a minute, is half a million leaves.
#[derive(Default)]
pub struct Days {
    read_up_to: HashMap<Currency, u64>,
    known: BTreeMap<(u64, Currency), Known>,
}

/// Of everything, on one day: where its first tally is, and its last one.
struct Known {
    first: u64,
    last: (u64, Tally),
}

/// The tally of a sum that was the last one of its day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Day {
    /// "2026-11-30"
    pub date: String,
    pub index: u64,
    pub tally: Tally,
}

impl Days {
    pub async fn read(&mut self, currencies: &[Currency], journal: &Journal) -> Result<(), LogError> {
        for currency in currencies {
            let name = tallies::name(Scope::All, *currency, "");
            loop {
                let from = self.read_up_to.get(currency).copied().unwrap_or(0);
                let placed = journal.log_tallies_of(&name, from, READ_LEAVES).await?;
                let Some(newest) = placed.last() else { break };
                self.read_up_to.insert(*currency, newest.index + 1);
                for placed in &placed {
                    let leaf = parsed(placed)?;
                    if let Fact::Tally(tally) = leaf.fact {
                        let last = (placed.index, tally);
                        let known = self.known.entry((day_of(leaf.at), *currency));
                        known
                            .and_modify(|day| day.last = last.clone())
                            .or_insert(Known { first: last.0, last });
                    }
                }
            }
        }
        while self.known.len() > DAYS_MAX {
            self.known.pop_first();
        }
        Ok(())
    }

    pub fn all(&self) -> Vec<Day> {
        let day = |((day, _), Known { last: (index, tally), .. }): (&(u64, Currency), &Known)| Day {
            date: date(*day),
            index: *index,
            tally: tally.clone(),
        };
        self.known.iter().map(day).collect()
    }

    /// Behind the last tally of each day: whatever else was tallied on a day has its place before the first one of the next, since the
    /// sum of everything changes with every other sum.
    pub fn ends(&self, currency: Currency) -> Vec<u64> {
        let firsts = self.known.iter().filter(|((_, of), _)| *of == currency).map(|(_, day)| day.first);
        // Places are of 63 bits in the record.
        firsts.skip(1).chain([i64::MAX.cast_unsigned()]).collect()
    }
}

/// Of one sum, on each day the last tally that the record has of it.
pub async fn of_sum(
    scope: Scope,
    key: &str,
    currency: Currency,
    ends: &[u64],
    journal: &Journal,
) -> Result<Vec<Day>, LogError> {
    let placed = journal.log_tallies_before(&tallies::name(scope, currency, key), ends).await?;
    let mut days: BTreeMap<u64, Day> = BTreeMap::new();
    for placed in placed {
        let leaf = parsed(&placed)?;
        if let Fact::Tally(tally) = leaf.fact {
            let day = day_of(leaf.at);
            days.insert(day, Day { date: date(day), index: placed.index, tally });
        }
    }
    Ok(days.into_values().collect())
}

/// Days since 1970, of a time in milliseconds.
fn day_of(at_ms: u64) -> u64 {
    at_ms.saturating_add(SHANGHAI_AHEAD_MS) / DAY_MS
}

/// Of days since 1970, by the Gregorian calendar. Years begin in March here, so that a leap day is the last of one.
fn date(days: u64) -> String {
    let days = days + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_begins_at_midnight_in_shanghai() {
        for (at_ms, wanted) in [
            (0, "1970-01-01"),
            (57_599_999, "1970-01-01"),
            (57_600_000, "1970-01-02"),
            (951_753_599_999, "2000-02-28"),
            (951_753_600_000, "2000-02-29"),
            (951_840_000_000, "2000-03-01"),
            (1_764_000_000_000, "2025-11-25"),
            (1_798_732_800_000, "2027-01-01"),
            (4_107_542_400_000, "2100-03-01"),
        ] {
            assert_eq!(date(day_of(at_ms)), wanted, "{at_ms}");
        }
    }
}
