//! The data board: what the log's newest tallies state, and one of its sums day by day.

use std::collections::HashMap;

use apricot_proto::v1;
use apricot_tlog::leaf::{Fact, Scope, Tally};
use axum::extract::Query;
use serde::Deserialize;

use super::receipts::unreadable;
use super::{Asks, Call, Refused};
use crate::ledger::log::Day;
use crate::model::{OutOfBound, ProjectId, bounded_text};

/// As long as a leaf's key may be.
const KEY_CHARACTERS_MAX: usize = 100;
/// Titles that are read in one query.
const NAMED_AT_ONCE: usize = 500;

pub const DAYS: &[Asks] = &[
    Asks {
        name: "scope",
        kind: "string",
        what: "all, county, produce, project or pledge; all when left out.",
    },
    Asks {
        name: "key",
        kind: "string",
        what: "A row's `key`: a county, a kind of produce, an id. At most 100 characters.",
    },
    Asks { name: "currency", kind: "string", what: "ISO 4217; CNY when left out." },
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    #[serde(default)]
    scope: String,
    #[serde(default)]
    key: String,
    currency: Option<String>,
}

pub async fn board(call: Call) -> Result<v1::Board, Refused> {
    let log = &call.wire.log;
    let tallies = log.tallies().await.map_err(unreadable)?;
    let (log_size, _) = log.checkpoint();
    let mut board = v1::Board { log_size, ..Default::default() };
    let mut currencies = Vec::new();
    for (index, leaf) in tallies {
        board.at_ms = board.at_ms.max(i64::try_from(leaf.at).unwrap_or(0));
        let Fact::Tally(tally) = leaf.fact else { continue };
        if tally.scope == Scope::All {
            currencies.push(tally.currency);
        }
        let rows = match tally.scope {
            Scope::All => &mut board.all,
            Scope::County => &mut board.counties,
            Scope::Produce => &mut board.produce,
            Scope::Project => &mut board.projects,
            Scope::Pledge => continue,
        };
        rows.push(row(index, tally));
    }
    let most = |row: &v1::BoardRow| std::cmp::Reverse(row.gross_accrued_minor);
    for rows in [&mut board.counties, &mut board.produce, &mut board.projects] {
        rows.sort_by_key(most);
    }
    board.days = rows(log.days(&currencies).await.map_err(unreadable)?);
    name_projects(&call, &mut board.projects).await?;
    Ok(board)
}

/// One sum, day by day.
pub async fn days(call: Call) -> Result<v1::BoardDays, Refused> {
    let bound = "only `scope`, `key` and `currency`, once each";
    let asked = Query::<Asked>::try_from_uri(&call.uri).map_err(|_| OutOfBound::new("query", bound))?;
    let Query(Asked { scope, key, currency }) = asked;
    let scope = match scope.as_str() {
        "all" | "" => Scope::All,
        "county" => Scope::County,
        "produce" => Scope::Produce,
        "project" => Scope::Project,
        "pledge" => Scope::Pledge,
        _ => return Err(OutOfBound::new("scope", "all, county, produce, project or pledge").into()),
    };
    let key = bounded_text("key", &key, 0..=KEY_CHARACTERS_MAX)?;
    let currency = currency.as_deref().unwrap_or("CNY").parse();
    let currency = currency.map_err(|_| OutOfBound::new("currency", "three letters A-Z"))?;
    let days = call.wire.log.days_of(scope, &key, currency).await.map_err(unreadable)?;
    Ok(v1::BoardDays { days: rows(days) })
}

/// A project that was taken up before the register has only its id.
async fn name_projects(call: &Call, rows: &mut [v1::BoardRow]) -> Result<(), Refused> {
    for rows in rows.chunks_mut(NAMED_AT_ONCE) {
        let ids: Vec<ProjectId> = rows.iter().filter_map(|row| row.key.parse().ok()).collect();
        let known = call.wire.sales.ledger().journal().projects_named(&ids).await?;
        let titles: HashMap<&str, &str> =
            known.iter().map(|project| (project.id.as_str(), project.title.as_str())).collect();
        for row in rows {
            if let Some(title) = titles.get(row.key.as_str()) {
                row.title = (*title).to_owned();
            }
        }
    }
    Ok(())
}

fn rows(days: Vec<Day>) -> Vec<v1::BoardRow> {
    let day =
        |Day { date, index, tally }| v1::BoardRow { key: date.clone(), title: date, ..row(index, tally) };
    days.into_iter().map(day).collect()
}

fn row(tally_leaf: u64, tally: Tally) -> v1::BoardRow {
    let minor = |amount: u64| i64::try_from(amount).unwrap_or(i64::MAX);
    v1::BoardRow {
        title: tally.key.clone(),
        key: tally.key,
        currency: tally.currency.to_string(),
        orders: tally.orders,
        paid_minor: minor(tally.paid),
        gross_accrued_minor: minor(tally.accrued),
        gross_reversed_minor: minor(tally.reversed),
        confirmed_minor: minor(tally.confirmed),
        remitted_minor: minor(tally.remitted),
        gross_matched_minor: minor(tally.matched),
        gross_unmatched_minor: minor(tally.unmatched),
        tally_leaf,
    }
}
