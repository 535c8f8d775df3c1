//! Tallies as the tiles have them, and a board that says where each of its figures is stated.

use std::collections::HashMap;

use apricot_tlog::leaf::{Currency, Fact, Leaf, Scope, Tally};
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::Differs;
use super::shown::{Board, BoardRow};

/// A day of the board begins at midnight in Shanghai, where clocks are never put forward.
const SHANGHAI_AHEAD_MS: u64 = 8 * 60 * 60 * 1_000;

/// The newest tally of each sum, and of each day the last one of everything. From `keep_all` on also those that come later: a board that is
/// read while the log grows may be of any of them.
#[derive(Default)]
pub struct Stated {
    sums: HashMap<(Scope, String, Currency), Vec<(u64, Tally)>>,
    days: HashMap<(String, Currency), Vec<(u64, Tally)>>,
    /// Leaves that were read by then.
    keeps_all_from: Option<u64>,
}

impl Stated {
    pub fn hear(&mut self, index: u64, leaf: &Leaf) {
        let Fact::Tally(tally) = &leaf.fact else { return };
        let of = (tally.scope, tally.key.clone(), tally.currency);
        let mut places = vec![self.sums.entry(of).or_default()];
        if tally.scope == Scope::All {
            places.push(self.days.entry((day_of(leaf.at), tally.currency)).or_default());
        }
        for place in places {
            if self.keeps_all_from.is_none() {
                place.clear();
            }
            place.push((index, tally.clone()));
        }
    }

    pub fn keep_all(&mut self, size: u64) {
        self.keeps_all_from.get_or_insert(size);
    }

    /// `size`: leaves that were read. A row of a later leaf may pass.
    pub fn differs(&self, board: &Board, size: u64) -> Vec<Differs> {
        let mut differ = Vec::new();
        let groups = [
            ("board", Scope::All, &board.all),
            ("board county", Scope::County, &board.counties),
            ("board produce", Scope::Produce, &board.produce),
            ("board project", Scope::Project, &board.projects),
        ];
        for (of, scope, rows) in groups {
            for row in rows {
                let said =
                    row.currency().and_then(|currency| self.sums.get(&(scope, row.key.clone(), currency)));
                differ.extend(row_differs(of, row, said, size));
            }
            let absent = self.sums.iter().filter(|((at, key, currency), _)| {
                let is_row = |row: &&BoardRow| row.key == *key && row.currency() == Some(*currency);
                *at == scope && !rows.iter().any(|row| is_row(&row))
            });
            differ.extend(absent.filter_map(|((_, key, _), said)| self.lacks(of, key, said)));
        }
        for row in &board.days {
            let said = row.currency().and_then(|currency| self.days.get(&(row.key.clone(), currency)));
            differ.extend(row_differs("board day", row, said, size));
        }
        // A board goes back some hundred days and no further.
        let from = board.days.iter().map(|row| row.key.as_str()).min().unwrap_or("");
        let absent = self.days.iter().filter(|((day, currency), _)| {
            let is_row = |row: &&BoardRow| row.key == *day && row.currency() == Some(*currency);
            day.as_str() >= from && !board.days.iter().any(|row| is_row(&row))
        });
        differ.extend(absent.filter_map(|((day, _), said)| self.lacks("board day", day, said)));
        differ
    }

    /// A sum or day without a row, unless it is newer than the board.
    fn lacks(&self, of: &'static str, key: &str, said: &[(u64, Tally)]) -> Option<Differs> {
        let (index, _) =
            said.first().filter(|(index, _)| self.keeps_all_from.is_none_or(|size| *index < size))?;
        let (key, column) = (key.to_owned(), "tallyLeaf".to_owned());
        Some(Differs { of, key, column, site: Value::Null, log: json!(index), may_pass: false })
    }
}

/// A row that is the newest of its kind, or was while the board was read, and says what its leaf says.
fn row_differs(
    of: &'static str,
    row: &BoardRow,
    said: Option<&Vec<(u64, Tally)>>,
    size: u64,
) -> Vec<Differs> {
    let differs = |column: &str, site: Value, log: Value, may_pass| Differs {
        of,
        key: row.key.clone(),
        column: column.to_owned(),
        site,
        log,
        may_pass,
    };
    let found = said.into_iter().flatten().find(|(index, _)| *index == row.tally_leaf.0);
    let Some((_, tally)) = found else {
        let newest = said.and_then(|said| said.last()).map(|(index, _)| *index);
        return vec![differs("tallyLeaf", json!(row.tally_leaf.0), json!(newest), row.tally_leaf.0 >= size)];
    };
    let columns = row.columns().into_iter().zip(columns(tally));
    let wrong = columns.filter(|((_, site), log)| site != log);
    wrong.map(|((column, site), log)| differs(column, json!(site), json!(log), false)).collect()
}

/// In the order of `BoardRow::columns`.
fn columns(tally: &Tally) -> [u64; 8] {
    [
        tally.orders,
        tally.paid,
        tally.accrued,
        tally.reversed,
        tally.confirmed,
        tally.remitted,
        tally.matched,
        tally.unmatched,
    ]
}

fn day_of(at_ms: u64) -> String {
    let seconds = i64::try_from(at_ms.saturating_add(SHANGHAI_AHEAD_MS) / 1_000).unwrap_or(i64::MAX);
    let date = OffsetDateTime::from_unix_timestamp(seconds).map(OffsetDateTime::date);
    date.map_or_else(
        |_| String::new(),
        |date| format!("{:04}-{:02}-{:02}", date.year(), u8::from(date.month()), date.day()),
    )
}

#[cfg(test)]
mod tests {
    use super::day_of;

    #[test]
    fn a_day_begins_at_midnight_in_shanghai() {
        assert_eq!(day_of(57_599_999), "1970-01-01");
        assert_eq!(day_of(57_600_000), "1970-01-02");
        assert_eq!(day_of(951_840_000_000), "2000-03-01");
        assert_eq!(day_of(u64::MAX), "");
    }
}
