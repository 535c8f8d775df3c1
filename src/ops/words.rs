//! What the ops page calls alerts and rules, for tests that compare the names.

use std::collections::BTreeSet;

pub const OF_ALL: [&str; 2] = [
    include_str!("../../web/src/ops/text/zh-CN/rules.ts"),
    include_str!("../../web/src/ops/text/en/rules.ts"),
];

/// The keys of one of its tables, each at the begin of a line, quoted or not.
pub fn names_in<'a>(words: &'a str, table: &str) -> BTreeSet<&'a str> {
    let begin = format!("export const {table}:");
    let (_, rest) = words.split_once(&begin).unwrap_or_else(|| panic!("there is a table {table}"));
    let (_, rows) = rest.split_once("= {\n").expect("it has rows");
    let (rows, _) = rows.split_once("\n};").expect("it ends");
    let key = |row: &'a str| Some(row.trim().split_once(": ")?.0.trim_matches('"'));
    rows.lines().filter_map(key).collect()
}
