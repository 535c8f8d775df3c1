//! The provider's books in SQLite: what it was asked, what it answered, what it must still tell. Blocking, for one thread.

use std::collections::HashSet;
use std::path::Path;
use std::time::Duration;

use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::webhook;
use super::{Backlog, Chance, Knobs, ProviderError, SandboxError};
use crate::model::payment::{Method, ProviderNews};
use crate::model::{Currency, Money, PaymentId, RefundId, Rounding, Share, Timestamp};

const SCHEMA: &str = include_str!("schema.sql");
const SCHEMA_VERSION: i64 = 1;

/// 0.6 %, the price of this provider.
const FEE_PPM: u32 = 6_000;
/// How long to wait for an earlier owner of the file to let go.
const OWNER_LEAVES_WITHIN: Duration = Duration::from_secs(1);
const DECLINED: &str = "insufficient funds (sandbox)";
/// How long a reordered event is held back, beyond its own time.
pub(super) const OVERTAKE_WITHIN: Duration = Duration::from_secs(1);
pub(super) const GIVE_UP_AFTER: Duration = Duration::from_secs(24 * 3_600);

pub(super) struct Books {
    db: Connection,
    /// Handed out by `take_due` and not settled yet. At most `courier::TAKEN_MAX`.
    taken: HashSet<i64>,
    backlog: Backlog,
    /// As it was when the transaction began.
    backlog_before: Backlog,
}

/// What a request is answered by, beside what it says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    pub now: Timestamp,
    pub knobs: Knobs,
    pub chance: Chance,
}

/// Why a step stops: the rules say no, which concerns one request, or the file cannot be written, which concerns them all.
pub(super) enum Stop {
    Refused(ProviderError),
    Broken(String),
}

/// An event whose time has come.
#[derive(Debug)]
pub(super) struct Due {
    pub seq: i64,
    pub id: String,
    pub body: String,
    pub attempts: u32,
    pub give_up_at: Timestamp,
    pub lost: bool,
    pub twice: bool,
}

#[derive(Debug)]
pub(super) struct DuePage {
    pub events: Vec<Due>,
    /// When the first of the others is due.
    pub next_at: Option<Timestamp>,
}

/// How an attempt to deliver ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Delivered,
    RetryAt(Timestamp),
    GivenUp,
}

struct PaymentRow {
    amount: Money,
    method: String,
    authorised_at: Option<Timestamp>,
    captured: bool,
    refunded_minor: i64,
}

impl Books {
    pub fn open(path: &Path) -> Result<Self, SandboxError> {
        let opened = |source| SandboxError::Open { path: path.to_owned(), source };
        let db = Connection::open(path).map_err(opened)?;
        db.busy_timeout(OWNER_LEAVES_WITHIN).map_err(opened)?;
        // One owner: what is taken is known to this process only.
        db.execute_batch(
            "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;",
        )
        .map_err(opened)?;
        db.set_prepared_statement_cache_capacity(32);
        let version = db.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(opened)?;
        match version {
            0 => db
                .execute_batch(&format!("BEGIN; {SCHEMA} PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;"))
                .map_err(opened)?,
            SCHEMA_VERSION => {}
            found => return Err(SandboxError::Version { found, known: SCHEMA_VERSION }),
        }
        let backlog = db
            .query_row("SELECT count(*) FILTER (WHERE given_up = 0), count(*) FILTER (WHERE given_up = 1) FROM event", [], |row| {
                let count = |column| row.get::<_, i64>(column).map(i64::unsigned_abs);
                Ok(Backlog { waiting: count(0)?, given_up: count(1)? })
            })
            .map_err(opened)?;
        Ok(Self { db, taken: HashSet::new(), backlog, backlog_before: backlog })
    }

    pub fn backlog(&self) -> Backlog {
        self.backlog
    }

    pub fn begin(&mut self) -> Result<(), Stop> {
        self.backlog_before = self.backlog;
        Ok(self.db.execute_batch("BEGIN IMMEDIATE")?)
    }

    pub fn commit(&self) -> Result<(), Stop> {
        Ok(self.db.execute_batch("COMMIT")?)
    }

    pub fn roll_back(&mut self) {
        self.backlog = self.backlog_before;
        // SQLite has rolled back by itself after a full disk or an I/O error.
        if !self.db.is_autocommit()
            && let Err(error) = self.db.execute_batch("ROLLBACK")
        {
            tracing::error!(%error, "the sandbox's books cannot be rolled back");
        }
    }

    pub fn authorise(
        &mut self,
        id: PaymentId,
        amount: Money,
        method: Method,
        moment: Moment,
    ) -> Result<(), Stop> {
        let amount =
            Money::positive("amount", amount.minor, amount.currency).map_err(ProviderError::Amount)?;
        if let Some(known) = self.payment(id)? {
            let same = known.amount == amount && known.method == method_name(method);
            return if same { Ok(()) } else { Err(ProviderError::ContentDiffers.into()) };
        }
        let authorised_at = match method {
            Method::SandboxApprove => Some(moment.now),
            Method::SandboxDecline => None,
            Method::SandboxSlow => Some(moment.now + moment.knobs.slow()),
        };
        self.db
            .prepare_cached(
                "INSERT INTO payment (id, amount_minor, currency, method, authorised_at) VALUES (?1, ?2, ?3, ?4, ?5)",
            )?
            .execute(params![
                id.0.as_bytes(),
                amount.minor,
                amount.currency.as_str(),
                method_name(method),
                authorised_at.map(Timestamp::millis)
            ])?;
        let news = match authorised_at {
            Some(_) => ProviderNews::Authorised { payment: id },
            None => ProviderNews::Declined { payment: id, reason: DECLINED.to_owned() },
        };
        self.announce(&news, id, amount, authorised_at.unwrap_or(moment.now), moment)
    }

    /// Takes what is left of the payment after refunds.
    pub fn capture(&mut self, id: PaymentId, moment: Moment) -> Result<(), Stop> {
        let known = self.payment(id)?.ok_or(ProviderError::UnknownPayment)?;
        if known.captured {
            return Ok(());
        }
        if !known.is_authorised(moment.now) {
            return Err(ProviderError::NotAuthorised.into());
        }
        let amount = known.left();
        if amount.minor == 0 {
            return Err(ProviderError::Refunded.into());
        }
        self.db
            .prepare_cached("UPDATE payment SET captured_at = ?2 WHERE id = ?1")?
            .execute(params![id.0.as_bytes(), moment.now.millis()])?;
        let share = Share::ppm(FEE_PPM).map_err(|bound| Stop::Broken(bound.to_string()))?;
        let (fee, _) = amount.split(share, Rounding::HalfEven);
        self.announce(&ProviderNews::Captured { payment: id, fee }, id, amount, moment.now, moment)
    }

    pub fn refund(
        &mut self,
        id: RefundId,
        payment: PaymentId,
        amount: Money,
        moment: Moment,
    ) -> Result<(), Stop> {
        let amount =
            Money::positive("amount", amount.minor, amount.currency).map_err(ProviderError::Amount)?;
        if let Some(same) = self.same_refund(id, payment, amount)? {
            return if same { Ok(()) } else { Err(ProviderError::ContentDiffers.into()) };
        }
        let known = self.payment(payment)?.ok_or(ProviderError::UnknownPayment)?;
        if !known.is_authorised(moment.now) {
            return Err(ProviderError::NotAuthorised.into());
        }
        let left = known.left();
        if amount.currency != left.currency || amount.minor > left.minor {
            return Err(ProviderError::OverRefund { left }.into());
        }
        self.db
            .prepare_cached("UPDATE payment SET refunded_minor = refunded_minor + ?2 WHERE id = ?1")?
            .execute(params![payment.0.as_bytes(), amount.minor])?;
        self.db
            .prepare_cached(
                "INSERT INTO refund (id, payment, amount_minor, currency, refunded_at) VALUES (?1, ?2, ?3, ?4, ?5)",
            )?
            .execute(params![
                id.0.as_bytes(),
                payment.0.as_bytes(),
                amount.minor,
                amount.currency.as_str(),
                moment.now.millis()
            ])?;
        self.announce(&ProviderNews::Refunded { refund: id }, payment, amount, moment.now, moment)
    }

    /// The events due at `now` that nobody has taken, oldest first, at most `at_most`.
    pub fn take_due(&mut self, now: Timestamp, at_most: usize) -> Result<DuePage, Stop> {
        let reach = i64::try_from(at_most + self.taken.len()).unwrap_or(i64::MAX);
        let mut events = Vec::new();
        {
            let mut statement = self.db.prepare_cached(
                "SELECT seq, id, body, attempts, give_up_at, lost, twice FROM event
                 WHERE given_up = 0 AND due_at <= ?1 ORDER BY due_at, seq LIMIT ?2",
            )?;
            let mut rows = statement.query(params![now.millis(), reach])?;
            while events.len() < at_most
                && let Some(row) = rows.next()?
            {
                if !self.taken.contains(&row.get(0)?) {
                    events.push(due(row)?);
                }
            }
        }
        let next_at: Option<i64> = self
            .db
            .prepare_cached(
                "SELECT due_at FROM event WHERE given_up = 0 AND due_at > ?1 ORDER BY due_at LIMIT 1",
            )?
            .query_row([now.millis()], |row| row.get(0))
            .optional()?;
        self.taken.extend(events.iter().map(|event| event.seq));
        Ok(DuePage { events, next_at: next_at.map(Timestamp) })
    }

    /// The event may be taken again: its outcome is committed, or its taking is not.
    pub fn put_back(&mut self, seq: i64) {
        self.taken.remove(&seq);
    }

    pub fn settle(&mut self, seq: i64, outcome: Outcome) -> Result<(), Stop> {
        match outcome {
            Outcome::Delivered => {
                self.db.prepare_cached("DELETE FROM event WHERE seq = ?1")?.execute([seq])?;
                self.backlog.waiting = self.backlog.waiting.saturating_sub(1);
            }
            Outcome::RetryAt(at) => {
                self.db
                    .prepare_cached("UPDATE event SET attempts = attempts + 1, due_at = ?2 WHERE seq = ?1")?
                    .execute([seq, at.millis()])?;
            }
            Outcome::GivenUp => {
                self.db
                    .prepare_cached("UPDATE event SET attempts = attempts + 1, given_up = 1 WHERE seq = ?1")?
                    .execute([seq])?;
                self.backlog.waiting = self.backlog.waiting.saturating_sub(1);
                self.backlog.given_up += 1;
            }
        }
        Ok(())
    }

    /// Until it is mended, nothing can be written.
    #[cfg(test)]
    pub fn break_disk(&self, broken: bool) {
        self.db.pragma_update(None, "query_only", broken).unwrap();
    }

    fn announce(
        &mut self,
        news: &ProviderNews,
        payment: PaymentId,
        amount: Money,
        at: Timestamp,
        Moment { knobs, chance, .. }: Moment,
    ) -> Result<(), Stop> {
        let id = webhook::event_id(news);
        let body =
            webhook::body(news, payment, amount, at).map_err(|error| Stop::Broken(error.to_string()))?;
        let fate = chance.fate(knobs, &id);
        let in_time = at + knobs.delay();
        let due_at = if fate.late { in_time + OVERTAKE_WITHIN } else { in_time };
        self.db
            .prepare_cached("INSERT INTO event (id, body, due_at, give_up_at, lost, twice) VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?
            .execute(params![id, body, due_at.millis(), (due_at + GIVE_UP_AFTER).millis(), fate.lost, fate.twice])?;
        self.backlog.waiting += 1;
        Ok(())
    }

    fn payment(&self, id: PaymentId) -> rusqlite::Result<Option<PaymentRow>> {
        self.db
            .prepare_cached(
                "SELECT amount_minor, currency, method, authorised_at, captured_at IS NOT NULL, refunded_minor
                 FROM payment WHERE id = ?1",
            )?
            .query_row([id.0.as_bytes()], |row| {
                Ok(PaymentRow {
                    amount: Money::new(row.get(0)?, currency(row, 1)?),
                    method: row.get(2)?,
                    authorised_at: row.get::<_, Option<i64>>(3)?.map(Timestamp),
                    captured: row.get(4)?,
                    refunded_minor: row.get(5)?,
                })
            })
            .optional()
    }

    /// `None`: there is no refund with this id.
    fn same_refund(&self, id: RefundId, payment: PaymentId, amount: Money) -> rusqlite::Result<Option<bool>> {
        self.db
            .prepare_cached(
                "SELECT payment = ?2 AND amount_minor = ?3 AND currency = ?4 FROM refund WHERE id = ?1",
            )?
            .query_row(
                params![id.0.as_bytes(), payment.0.as_bytes(), amount.minor, amount.currency.as_str()],
                |row| row.get(0),
            )
            .optional()
    }
}

impl PaymentRow {
    /// A slow payment becomes authorised by the passing of time.
    fn is_authorised(&self, now: Timestamp) -> bool {
        self.authorised_at.is_some_and(|at| at <= now)
    }

    fn left(&self) -> Money {
        Money::new(self.amount.minor.saturating_sub(self.refunded_minor), self.amount.currency)
    }
}

impl From<ProviderError> for Stop {
    fn from(refused: ProviderError) -> Self {
        Self::Refused(refused)
    }
}

impl From<rusqlite::Error> for Stop {
    fn from(error: rusqlite::Error) -> Self {
        Self::Broken(error.to_string())
    }
}

fn due(row: &Row<'_>) -> rusqlite::Result<Due> {
    Ok(Due {
        seq: row.get(0)?,
        id: row.get(1)?,
        body: row.get(2)?,
        attempts: row.get(3)?,
        give_up_at: Timestamp(row.get(4)?),
        lost: row.get(5)?,
        twice: row.get(6)?,
    })
}

fn currency(row: &Row<'_>, column: usize) -> rusqlite::Result<Currency> {
    let text: String = row.get(column)?;
    text.parse()
        .map_err(|bound| rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(bound)))
}

fn method_name(method: Method) -> &'static str {
    match method {
        Method::SandboxApprove => "approve",
        Method::SandboxDecline => "decline",
        Method::SandboxSlow => "slow",
    }
}
