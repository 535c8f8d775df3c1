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
    last: BTreeMap<(u64, Currency), (u64, Tally)>,
}

/// The tally of everything that was the last one of its day.
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
                        self.last.insert((day_of(leaf.at), *currency), (placed.index, tally));
                    }
                }
            }
        }
        while self.last.len() > DAYS_MAX {
            self.last.pop_first();
        }
        Ok(())
    }

    pub fn all(&self) -> Vec<Day> {
        let day = |((day, _), (index, tally)): (&(u64, Currency), &(u64, Tally))| Day {
            date: date(*day),
            index: *index,
            tally: tally.clone(),
        };
        self.last.iter().map(day).collect()
    }
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
