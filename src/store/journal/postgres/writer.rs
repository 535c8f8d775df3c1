//! The one writer of a node: takes everything that is waiting, commits it in one transaction, answers.

use std::time::{Duration, Instant};

use std::sync::Arc;
use tokio::sync::{Notify, mpsc, oneshot};
use uuid::Uuid;

use super::batch::{Answer, Batch, Undecided};
use super::care::CARE_ENTRIES_MAX;
use super::kind::{Form, Kind};
use super::line::Line;
use super::plan::{Stretch, stretches};
use super::rows::{Cell, Group};
use super::session::{Message, Session, Trouble};
use super::sums::Accounts;
use crate::clock::{instant, random_bytes};
use crate::store::journal::writer::Job;
use crate::store::{Entry, StoreError, meters};

/// Entries in one transaction. The first of a batch waits for the last; the hot rows are locked for as long.
pub const BATCH_ENTRIES_MAX: usize = 2_048;

/// Where a rule refuses something of a batch, it is cut into so many parts, and again, down to `CARE_ENTRIES_MAX`: what is good is
/// committed together all the same.
const PARTS: usize = 8;

/// How long a batch is tried again when PostgreSQL goes away under it: a restart takes a second or two.
const TRY_FOR: Duration = Duration::from_secs(5);
const TRY_EVERY: Duration = Duration::from_millis(100);

/// While PostgreSQL cannot be reached, everything that waits is refused at once, and it is looked for so often.
const LOOK_EVERY: Duration = Duration::from_millis(250);

pub struct Writer {
    line: Line,
    session: Option<Session>,
    accounts: Accounts,
    /// Told after each commit.
    committed: Arc<Notify>,
    /// When PostgreSQL was last found to be away, and why.
    away: Option<(Instant, String)>,
}

/// Those who handed in the entries of a batch, in their order.
struct Waiting(std::vec::IntoIter<oneshot::Sender<Answer>>);

#[derive(Clone, Copy, PartialEq, Eq)]
enum How {
    Together,
    WithCare,
}

impl Writer {
    pub fn new(line: Line, session: Session, committed: Arc<Notify>) -> Self {
        Self { line, session: Some(session), accounts: Accounts::default(), committed, away: None }
    }

    /// Ends when the last handle is gone and everything submitted is committed.
    pub async fn run(mut self, mut jobs: mpsc::Receiver<Job>) {
        let mut batch = Vec::with_capacity(BATCH_ENTRIES_MAX);
        while jobs.recv_many(&mut batch, BATCH_ENTRIES_MAX).await > 0 {
            let started = instant();
            let (entries, waiting): (Vec<Entry>, Vec<_>) =
                batch.drain(..).map(|job| (job.entry, job.answer)).unzip();
            let count = entries.len();
            let entries: Vec<&Entry> = entries.iter().collect();
            #[cfg(feature = "sabotage")]
            let entries = crate::store::sabotage::without_lost(entries);
            self.commit(&entries, &mut Waiting(waiting.into_iter())).await;
            meters::committed(count, entries.iter().map(|entry| entry.len()).sum(), started.elapsed());
        }
    }

    async fn commit(&mut self, entries: &[&Entry], waiting: &mut Waiting) {
        for stretch in stretches(entries) {
            match stretch {
                Stretch::Together(range) => self.settle(&entries[range], How::Together, waiting).await,
                Stretch::Alone(at) => self.settle(&entries[at..=at], How::WithCare, waiting).await,
            }
        }
    }

    /// Each part is answered as soon as it is committed.
    async fn settle(&mut self, entries: &[&Entry], how: How, waiting: &mut Waiting) {
        // The next one last.
        let mut parts = vec![(entries, how)];
        while let Some((part, how)) = parts.pop() {
            match self.decide(part, how).await {
                Ok(Some(answers)) => {
                    self.committed.notify_one();
                    waiting.answer(answers);
                }
                Ok(None) if part.len() <= CARE_ENTRIES_MAX => parts.push((part, How::WithCare)),
                Ok(None) => {
                    let of = part.len().div_ceil(PARTS).max(CARE_ENTRIES_MAX);
                    parts.extend(part.chunks(of).rev().map(|part| (part, How::Together)));
                }
                Err(error) => {
                    // What stands behind it was submitted later, and is not tried.
                    let left = part.len() + parts.iter().map(|(part, _)| part.len()).sum::<usize>();
                    waiting.answer(vec![Err(error); left]);
                    return;
                }
            }
        }
    }

    /// Until PostgreSQL has said what becomes of the entries, or time is up. `None`: together they are refused, and nothing was done.
    async fn decide(&mut self, entries: &[&Entry], how: How) -> Result<Option<Vec<Answer>>, StoreError> {
        let until = instant() + TRY_FOR;
        let mut tries = 0;
        loop {
            self.connect().await?;
            let Some(session) = &self.session else { continue };
            tries += 1;
            let mark = Uuid::from_bytes(random_bytes());
            let mut batch = Batch::new(session, entries, &mut self.accounts, mark);
            let tried = match how {
                How::Together => batch.together().await,
                How::WithCare => batch.with_care().await,
            };
            let (trouble, undecided) = match tried {
                Ok(answers) => {
                    self.accounts.keep();
                    return Ok(Some(answers));
                }
                Err(tried) => tried,
            };
            // Without an answer the accounts may be there or not: they are asked for again.
            self.accounts.forget_fresh();
            match trouble {
                Trouble::Refused { why, .. } if how == How::Together => {
                    tracing::debug!(%why, entries = entries.len(), "a batch is written again in parts");
                    return Ok(None);
                }
                // Who waited for a lock until the statement's time was up is given one more turn.
                Trouble::Conflict if tries < 2 || instant() < until => {}
                Trouble::Conflict => return Err(StoreError::Busy),
                Trouble::Refused { why, .. } => return Err(why),
                Trouble::Failed(why) => {
                    tracing::error!(%why, "the record cannot be written");
                    self.session = None;
                    return Err(StoreError::Unavailable(why));
                }
                Trouble::Lost(why) => {
                    self.session = None;
                    if let Some(Undecided { answers }) = undecided
                        && self.was_committed(mark, &why).await?
                    {
                        return Ok(Some(answers));
                    }
                    if instant() >= until {
                        return Err(StoreError::Unavailable(why));
                    }
                    tokio::time::sleep(TRY_EVERY).await;
                }
            }
        }
    }

    /// The transaction's own row says it. When the row is not there, it is put there, and the transaction can never commit.
    async fn was_committed(&mut self, mark: Uuid, lost: &str) -> Result<bool, StoreError> {
        let until = instant() + TRY_FOR;
        let unknown = |why: &str| {
            StoreError::Unavailable(format!("it is not known whether this was recorded: {lost}; {why}"))
        };
        loop {
            let asked = match Session::open(&self.line).await {
                Ok(session) => {
                    let group = Group::of(Kind::AskCommit, [[Cell::Id(mark)]]);
                    let asked = session.send(&[Message::Rows(&group, Form::Must)]).await;
                    self.session = Some(session);
                    asked.map_err(|trouble| format!("{trouble:?}"))
                }
                Err(why) => Err(why),
            };
            match asked {
                Ok(rows) => {
                    // No row: it was void, now or since an earlier time that this was asked.
                    return Ok(rows.into_iter().flatten().next().is_some());
                }
                Err(why) if instant() >= until => return Err(unknown(&why)),
                Err(_) => tokio::time::sleep(TRY_EVERY).await,
            }
        }
    }

    async fn connect(&mut self) -> Result<(), StoreError> {
        if self.session.as_ref().is_some_and(Session::is_lost) {
            self.session = None;
        }
        if self.session.is_none() {
            if let Some((at, why)) = &self.away
                && at.elapsed() < LOOK_EVERY
            {
                return Err(StoreError::Unavailable(why.clone()));
            }
            self.session = Some(self.open().await?);
        }
        Ok(())
    }

    async fn open(&mut self) -> Result<Session, StoreError> {
        let until = instant() + TRY_FOR;
        loop {
            match Session::open(&self.line).await {
                Ok(session) => {
                    if self.away.take().is_some() {
                        tracing::info!("PostgreSQL can be reached again");
                    }
                    return Ok(session);
                }
                // The first who notices waits for a restart; as long as it is away nobody else does.
                Err(why) if self.away.is_some() || instant() >= until => {
                    if self.away.is_none() {
                        tracing::error!(%why, "PostgreSQL cannot be reached; nothing is accepted");
                    }
                    self.away = Some((instant(), why.clone()));
                    return Err(StoreError::Unavailable(why));
                }
                Err(_) => tokio::time::sleep(TRY_EVERY).await,
            }
        }
    }
}

impl Waiting {
    fn answer(&mut self, answers: Vec<Answer>) {
        for (answer, waiting) in answers.into_iter().zip(&mut self.0) {
            // Nobody waits any more: the client is gone, what it asked for stays done.
            let _gone = waiting.send(answer);
        }
    }
}
