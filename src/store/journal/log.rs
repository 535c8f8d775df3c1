//! The public log as it stands in the record: what waits to be logged, the leaves, the newest checkpoint. What a leaf says is the ledger's
//! business; here leaves are texts.

use uuid::Uuid;

use super::query::{Parsed, Row, Value};
use super::rows;
use super::{Journal, MatchLine, StoreError};
use crate::model::{Account, Code, Money, OrderId, Pledge, PledgeId, PledgeRef, PoolId, Timestamp};

/// Leaves in one entry: a second of 2,000 orders, 1 MB at most.
pub const LOG_BATCH_MAX: u32 = 2_048;

/// Appends leaves and publishes the checkpoint that covers them. `Stale` unless the log has `size` leaves.
#[derive(Clone, Debug, PartialEq)]
pub struct LogBatch {
    pub size: u64,
    pub leaves: Vec<LogLeaf>,
    /// Rows of the outbox that became leaves.
    pub done: Vec<i64>,
    pub checkpoint: String,
}

#[derive(Clone, Debug, PartialEq)]
pub struct LogLeaf {
    pub leaf: String,
    pub of: LeafOf,
}

/// What a leaf is about, so that it is found again.
#[derive(Clone, Debug, PartialEq)]
pub enum LeafOf {
    Line {
        transfer: i64,
        order: Option<OrderId>,
    },
    Pledge(PledgeRef),
    Tally(String),
    /// The pool itself, or the seed of one of its slots.
    Pool {
        pool: PoolId,
        seed: Option<u32>,
    },
}

#[derive(Clone, Debug, PartialEq)]
pub struct LogState {
    pub secret: [u8; 32],
    pub origin: Option<String>,
    pub size: u64,
    /// Empty before the first.
    pub checkpoint: String,
}

/// Something that is not in the log yet.
#[derive(Clone, Debug, PartialEq)]
pub struct Waiting {
    pub seq: i64,
    pub what: Untold,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Untold {
    Pledge(Box<Pledge>),
    Line(Box<Line>),
    Match(Box<MatchLine>),
}

/// A posted line of a charity's money, with what a leaf says about its order.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    pub transfer: i64,
    pub at: Timestamp,
    pub code: Code,
    pub debit: Account,
    pub credit: Account,
    pub amount: Money,
    pub order: Option<LineOrder>,
    pub remittance: Option<LineRemittance>,
    /// Of the part: its project, and the charity's number in the register.
    pub project: String,
    pub charity: String,
}

#[derive(Clone, Debug, PartialEq)]
pub struct LineRemittance {
    pub id: Uuid,
    /// The bank's.
    pub reference: String,
    /// SHA-256 of the bank's document in hex digits; those from before runs have none.
    pub proof: Option<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct LineOrder {
    pub id: OrderId,
    pub pledge: PledgeRef,
    pub quantity: u32,
    pub paid: Money,
    /// What stayed paid after the refund that the line belongs to.
    pub kept_minor: i64,
    pub place: String,
    pub produce: String,
}

/// A leaf with its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Placed {
    pub index: u64,
    pub leaf: String,
}

/// A pledge that was changed more often does not lead to its oldest versions.
const VERSIONS_LED_TO: u32 = 20;

const PLEDGES: &str = "SELECT p.id, p.version, p.host, p.base, p.share_ppm, p.per_unit, p.cap, p.currency, p.rounding, p.starts_at, \
     p.ends_at, p.body, {at} FROM {rows} JOIN pledges p ON p.id = x.pledge AND p.version = x.version {which}";

/// `{place}` and `{produce}` are read from JSON, which the engines do not do alike.
const LINES: &str = "SELECT {at}, t.id, t.at, t.code, d.name, c.name, t.amount, d.currency, t.order_id, s.pledge, s.pledge_version, o.quantity, \
     o.quantity * o.unit_price, {refunded}, \
     {place}, {produce}, u.id, u.reference, u.proof, g.project, g.charity \
     FROM {rows} JOIN transfers t ON t.id = x.transfer AND t.code NOT IN (13, 14) JOIN accounts d ON d.id = t.debit JOIN accounts c ON c.id = t.credit \
     LEFT JOIN orders o ON o.id = t.order_id LEFT JOIN sales s ON s.id = o.sale LEFT JOIN rooms r ON r.id = o.room \
     LEFT JOIN products p ON p.sku = o.sku \
     LEFT JOIN pledge_parts g ON g.pledge = {pledge} AND g.part = {part} \
     LEFT JOIN (remittance_lines m JOIN remittance_runs u ON u.id = m.run AND u.state = 'transferred') \
         ON t.code = 6 AND m.pledge = g.pledge AND m.part = g.part AND m.amount = t.amount AND u.transferred_at = t.at {which}";

/// Of the order when the line was posted: refunds so far, and the one that the line belongs to, which is posted behind it in the same entry.
const REFUNDED: &str = "(SELECT CAST(coalesce(sum(f.amount), 0) AS BIGINT) FROM transfers f WHERE f.order_id = t.order_id AND f.code = 8 AND f.id <= \
     (SELECT min(n.id) FROM transfers n WHERE n.order_id = t.order_id AND n.code = 8 AND n.id > t.id))";

/// What a query about leaves is asked of.
#[derive(Clone, Copy)]
pub(super) enum Rows {
    /// What waits in the outbox, as much as the first parameter says.
    Waiting,
    /// What is in the log at these places.
    Told { from: u64, until: u64 },
}

impl Rows {
    /// The query with these rows; its first `{at}` is where a row stands.
    pub(super) fn put_into(self, sql: &str) -> String {
        let (at, rows, which) = match self {
            Self::Waiting => ("x.seq", "log_outbox x", "ORDER BY x.seq LIMIT ?1".to_owned()),
            Self::Told { from, until } => {
                ("x.place", "log_leaves x", format!("WHERE x.place >= {from} AND x.place < {until}"))
            }
        };
        sql.replace("{at}", at).replace("{rows}", rows).replace("{which}", &which)
    }
}

pub(super) fn pledges_of(rows: Rows) -> String {
    rows.put_into(PLEDGES)
}

pub(super) fn lines_of(rows: Rows, sqlite: bool) -> String {
    let either =
        |of_sqlite: &str, of_postgres: &str| (if sqlite { of_sqlite } else { of_postgres }).to_owned();
    // `charity_accrued/{pledge}.{part}`, or without the part: of the account on the charity's side.
    let side = "(CASE t.code WHEN 4 THEN d.name ELSE c.name END)";
    let owner = format!("substr({side}, {} + 1)", either("instr({side}, '/')", "position('/' IN {side})"))
        .replace("{side}", side);
    let id = format!("substr({owner}, 1, 36)");
    let part = format!("CAST(coalesce(nullif(substr({owner}, 38), ''), '0') AS BIGINT)");
    rows.put_into(LINES)
        .replace("{refunded}", REFUNDED)
        .replace("{place}", &either("json_extract(r.body, '$.place')", "CAST(r.body AS json) ->> 'place'"))
        .replace("{produce}", &either("json_extract(p.body, '$.title')", "CAST(p.body AS json) ->> 'title'"))
        .replace(
            "{pledge}",
            &either("unhex(replace({id}, '-', ''))", "CAST({id} AS uuid)").replace("{id}", &id),
        )
        .replace("{part}", &part)
}

impl Journal {
    pub async fn log_state(&self) -> Result<LogState, StoreError> {
        let sql = "SELECT secret, origin, size, checkpoint FROM log";
        let state = self.one(sql, vec![], |row| {
            let secret = row.bytes(0)?.try_into();
            let secret = secret.map_err(|_| super::RowBroken::new(0, "not 32 bytes"))?;
            let origin = row.maybe_text(1)?.map(str::to_owned);
            Ok(LogState { secret, origin, size: row.unsigned(2)?, checkpoint: row.text(3)?.to_owned() })
        });
        state.await?.ok_or_else(|| StoreError::Unavailable("the record has no log".into()))
    }

    /// How much is not in the log yet.
    pub async fn log_waits(&self) -> Result<u64, StoreError> {
        let count = self.one("SELECT count(*) FROM log_outbox", vec![], |row| row.unsigned(0)).await?;
        Ok(count.unwrap_or(0))
    }

    /// Since when the longest has waited; pledges wait in front of lines and have no time of their own here.
    pub async fn log_waits_since(&self) -> Result<Option<Timestamp>, StoreError> {
        let sql =
            "SELECT t.at FROM log_outbox x JOIN transfers t ON t.id = x.transfer ORDER BY x.seq LIMIT 1";
        self.one(sql, vec![], |row| Ok(Timestamp(row.int(0)?))).await
    }

    /// Pledges first: a line is told after the pledge that it is of.
    pub async fn log_waiting(&self, limit: u32) -> Result<Vec<Waiting>, StoreError> {
        // Read before the lines: whoever is matched has its accrual among those.
        let matches = self.matches_waiting(limit).await?;
        let mut waiting =
            self.list(pledges_of(Rows::Waiting), vec![Value::Int(limit.into())], waiting_pledge).await?;
        let left = limit.saturating_sub(u32::try_from(waiting.len()).unwrap_or(limit));
        if left == 0 {
            return Ok(waiting);
        }
        let sql = lines_of(Rows::Waiting, matches!(self, Self::Sqlite(_)));
        let mut lines = self.list(sql, vec![Value::Int(left.into())], waiting_line).await?;
        lines.extend(matches);
        lines.sort_by_key(|line| line.seq);
        lines.truncate(left as usize);
        waiting.extend(lines);
        Ok(waiting)
    }

    pub async fn log_leaves(&self, from: u64, limit: u32) -> Result<Vec<Placed>, StoreError> {
        let sql = "SELECT place, leaf FROM log_leaves WHERE place >= ?1 ORDER BY place LIMIT ?2";
        self.list(sql, vec![Value::Int(from.cast_signed()), Value::Int(limit.into())], placed).await
    }

    /// Those of an order, oldest first, and how many of its lines wait.
    pub async fn log_of_order(&self, order: OrderId) -> Result<(Vec<Placed>, u32), StoreError> {
        let sql = "SELECT place, leaf FROM log_leaves WHERE order_id = ?1 ORDER BY place";
        let leaves = self.list(sql, vec![Value::Id(order.0)], placed).await?;
        let waits =
            "SELECT count(*) FROM log_outbox x JOIN transfers t ON t.id = x.transfer WHERE t.order_id = ?1";
        let waits = self.one(waits, vec![Value::Id(order.0)], |row| row.number(0)).await?;
        Ok((leaves, waits.unwrap_or(0)))
    }

    pub async fn log_of_pledge(&self, pledge: PledgeRef) -> Result<Option<Placed>, StoreError> {
        let sql = "SELECT place, leaf FROM log_leaves WHERE pledge = ?1 AND version = ?2";
        self.one(sql, vec![Value::Id(pledge.id.0), Value::Int(pledge.version.into())], placed).await
    }

    /// Versions of these pledges that are in the log, oldest first; of each the newest 20 versions at most.
    pub async fn log_of_pledges(&self, pledges: &[PledgeId]) -> Result<Vec<(PledgeRef, u64)>, StoreError> {
        if pledges.is_empty() {
            return Ok(Vec::new());
        }
        let places: Vec<String> = (1..=pledges.len()).map(|place| format!("?{place}")).collect();
        let sql = format!(
            "SELECT l.pledge, l.version, l.place FROM log_leaves l WHERE l.pledge IN ({})
               AND l.version > (SELECT max(p.version) FROM pledges p WHERE p.id = l.pledge) - {VERSIONS_LED_TO} ORDER BY l.place",
            places.join(", ")
        );
        let values = pledges.iter().map(|id| Value::Id(id.0)).collect();
        self.list(sql, values, |row| {
            Ok((PledgeRef { id: PledgeId(row.id(0)?), version: row.number(1)? }, row.unsigned(2)?))
        })
        .await
    }

    /// Where the newest tally of one sum is.
    pub async fn log_newest_tally(&self, tally: &str) -> Result<Option<u64>, StoreError> {
        let sql = "SELECT place FROM log_leaves WHERE tally = ?1 ORDER BY place DESC LIMIT 1";
        self.one(sql, vec![Value::Text(tally.into())], |row| row.unsigned(0)).await
    }

    /// Of one sum, the newest tally before each of these places, each once, oldest first.
    pub async fn log_tallies_before(&self, tally: &str, places: &[u64]) -> Result<Vec<Placed>, StoreError> {
        if places.is_empty() {
            return Ok(Vec::new());
        }
        let ends: Vec<String> = places.iter().map(|place| format!("({place})")).collect();
        let sql = format!(
            "WITH ends (place) AS (VALUES {})
             SELECT DISTINCT l.place, l.leaf FROM ends e JOIN log_leaves l
               ON l.place = (SELECT max(n.place) FROM log_leaves n WHERE n.tally = ?1 AND n.place < e.place) ORDER BY l.place",
            ends.join(", ")
        );
        self.list(sql, vec![Value::Text(tally.into())], placed).await
    }

    /// The newest tally of each scope, key and currency.
    pub async fn log_tallies(&self) -> Result<Vec<Placed>, StoreError> {
        let sql = "SELECT l.place, l.leaf FROM (SELECT max(place) AS newest FROM log_leaves WHERE tally IS NOT NULL GROUP BY tally) n
                   JOIN log_leaves l ON l.place = n.newest ORDER BY l.place";
        self.list(sql, vec![], placed).await
    }

    /// The tallies of one sum from a place on, oldest first.
    pub async fn log_tallies_of(
        &self,
        tally: &str,
        from: u64,
        limit: u32,
    ) -> Result<Vec<Placed>, StoreError> {
        let sql =
            "SELECT place, leaf FROM log_leaves WHERE tally = ?1 AND place >= ?2 ORDER BY place LIMIT ?3";
        let values =
            vec![Value::Text(tally.into()), Value::Int(from.cast_signed()), Value::Int(limit.into())];
        self.list(sql, values, placed).await
    }
}

fn placed(row: &Row) -> Parsed<Placed> {
    Ok(Placed { index: row.unsigned(0)?, leaf: row.text(1)?.to_owned() })
}

pub(super) fn waiting_pledge(row: &Row) -> Parsed<Waiting> {
    Ok(Waiting { seq: row.int(12)?, what: Untold::Pledge(Box::new(rows::pledge(row)?)) })
}

pub(super) fn waiting_line(row: &Row) -> Parsed<Waiting> {
    let currency = row.parsed(7)?;
    let order = match (row.maybe_id(8)?, row.maybe_id(9)?) {
        (Some(id), Some(pledge)) => {
            let paid = Money::new(row.int(12)?, currency);
            Some(LineOrder {
                id: OrderId(id),
                pledge: PledgeRef { id: PledgeId(pledge), version: row.number(10)? },
                quantity: row.number(11)?,
                paid,
                kept_minor: paid.minor - row.int(13)?,
                place: row.maybe_text(14)?.unwrap_or("").to_owned(),
                produce: row.maybe_text(15)?.unwrap_or("").to_owned(),
            })
        }
        _ => None,
    };
    let remittance = match (row.maybe_id(16)?, row.maybe_text(17)?) {
        (Some(id), Some(reference)) => {
            let proof = row.maybe_text(18)?.map(str::to_owned);
            Some(LineRemittance { id, reference: reference.to_owned(), proof })
        }
        _ => None,
    };
    let line = Line {
        transfer: row.int(1)?,
        at: Timestamp(row.int(2)?),
        code: rows::code(row, 3)?,
        debit: row.parsed(4)?,
        credit: row.parsed(5)?,
        amount: Money::new(row.int(6)?, currency),
        order,
        remittance,
        project: row.maybe_text(19)?.unwrap_or("").to_owned(),
        charity: row.maybe_text(20)?.unwrap_or("").to_owned(),
    };
    Ok(Waiting { seq: row.int(0)?, what: Untold::Line(Box::new(line)) })
}
