//! Sponsors' pools as rows of statements.

use super::rows::{Cell, Group, int, maybe, owned, text, time};
use crate::model::pool::day_of;
use crate::model::{MatchPool, OrderId, PoolId, Subject};
use crate::store::journal::Match;

pub fn pool_cells(pool: &MatchPool) -> [Cell<'_>; 7] {
    // The ledger has checked it; the record refuses a NULL.
    let terms = pool.terms_text().map_or(Cell::Null, owned);
    let caps = &pool.terms;
    [
        Cell::Id(pool.id.0),
        text(&pool.sponsor),
        owned(pool.currency.as_str().to_owned()),
        terms,
        Cell::Int(caps.project_cap),
        Cell::Int(caps.buyer_day_cap),
        int(caps.buyer_minute_limit),
    ]
}

/// As `change_matches` takes them.
pub fn match_cells(it: &Match) -> [Cell<'_>; 12] {
    [
        Cell::Id(it.claim.0),
        Cell::Id(it.pool.0),
        int(it.slot),
        maybe(it.release.map(i64::from)),
        Cell::Id(it.pledge.0),
        text(&it.project),
        it.buyer.as_ref().map(Subject::as_str).map_or(Cell::Null, text),
        time(it.at),
        Cell::Int(day_of(it.at)),
        maybe(it.tier.map(i64::from)),
        Cell::Int(it.due),
        Cell::Int(it.amount),
    ]
}

pub fn unmatch_cells<'a>(claim: OrderId, pool: PoolId, amount: i64) -> [Cell<'a>; 12] {
    let mut cells = [const { Cell::Null }; 12];
    cells[0] = Cell::Id(claim.0);
    cells[1] = Cell::Id(pool.0);
    cells[11] = Cell::Int(amount);
    cells
}

impl<'a> Group<'a> {
    /// One write, many rows.
    pub fn push_slots(&mut self, pool: &'a MatchPool) {
        for (number, slot) in (0_u32..).zip(&pool.slots) {
            self.push([
                Cell::Id(pool.id.0),
                int(number),
                time(slot.opens_at),
                time(slot.closes_at),
                Cell::Int(slot.budget),
                Cell::Bytes(&slot.seed.0),
            ]);
        }
    }
}
