//! The one writer: takes everything that is waiting, commits it in one transaction, answers.
//!
//! Fast path: entries are applied one after another; changes of lots and totals are summed and written once per batch. An entry whose
//! first write is refused has written nothing and leaves the batch alone. Anything worse (a later write refused, a sum that breaks a
//! CHECK) rolls the batch back and applies it again with care: a savepoint and its own sums for each entry.

use std::time::Instant;

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::apply::{Accounts, Batch, Fault};
use super::sqlite::BATCH_ENTRIES_MAX;
use super::statements::Statements;
use super::totals::Totals;
use super::{Entry, StoreError};
use crate::store::meters;

pub struct Job {
    pub entry: Entry,
    pub answer: oneshot::Sender<Answer>,
}

type Answer = Result<(), StoreError>;

const BEGIN: &str = "BEGIN IMMEDIATE";
const COMMIT: &str = "COMMIT";

pub struct Writer {
    connection: Connection,
    totals: Totals,
}

impl Writer {
    pub fn new(connection: Connection, totals: Totals) -> Self {
        Self { connection, totals }
    }

    /// Ends when the last handle is gone and everything submitted is committed.
    pub fn run(self, mut jobs: mpsc::Receiver<Job>) {
        let mut desk = Desk {
            statements: Statements::new(&self.connection),
            accounts: Accounts::default(),
            totals: self.totals,
        };
        let mut batch = Vec::with_capacity(BATCH_ENTRIES_MAX);
        while jobs.blocking_recv_many(&mut batch, BATCH_ENTRIES_MAX) > 0 {
            desk.commit(&mut batch);
        }
        if let Err(error) = self.connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)") {
            tracing::warn!(%error, "the write-ahead log was left for the next start");
        }
    }
}

/// What the writer has at hand.
struct Desk<'c> {
    statements: Statements<'c>,
    accounts: Accounts,
    totals: Totals,
}

impl Desk<'_> {
    #[expect(clippy::disallowed_methods, reason = "measures how long a commit takes; decides nothing")]
    fn commit(&mut self, batch: &mut Vec<Job>) {
        let started = Instant::now();
        let answers = self.write(batch);
        let rows: usize = batch.iter().map(|job| job.entry.len()).sum();
        meters::committed(batch.len(), rows, started.elapsed());
        for (job, answer) in batch.drain(..).zip(answers) {
            // Nobody waits any more: the client is gone, what it asked for stays done.
            let _gone = job.answer.send(answer);
        }
    }

    fn write(&mut self, batch: &[Job]) -> Vec<Answer> {
        let fast = self.write_fast(batch);
        let answers = fast.or_else(|fault| {
            tracing::debug!(%fault, entries = batch.len(), "a batch is written again with care");
            self.roll_back();
            self.write_with_care(batch)
        });
        answers.unwrap_or_else(|fault| {
            self.roll_back();
            let error = StoreError::from(fault);
            tracing::error!(%error, "the record cannot be written");
            vec![Err(error); batch.len()]
        })
    }

    fn write_fast(&mut self, jobs: &[Job]) -> Result<Vec<Answer>, Fault> {
        self.statements.execute(BEGIN, [])?;
        let mut batch = Batch::new(&mut self.statements, &mut self.accounts);
        let mut answers = Vec::with_capacity(jobs.len());
        for job in jobs {
            #[cfg(feature = "sabotage")]
            if job.entry.iter().any(|write| matches!(write, super::Write::Order(_)))
                && crate::store::sabotage::loses()
            {
                answers.push(Ok(()));
                continue;
            }
            answers.push(match batch.apply(&job.entry) {
                Ok(()) => Ok(()),
                Err(Fault::Refused { clean: true, why }) => Err(why),
                Err(fault) => return Err(fault),
            });
        }
        let changes = batch.write_sums()?;
        self.statements.execute(COMMIT, [])?;
        self.totals.add(changes);
        Ok(answers)
    }

    fn write_with_care(&mut self, jobs: &[Job]) -> Result<Vec<Answer>, Fault> {
        self.statements.execute(BEGIN, [])?;
        let mut answers = Vec::with_capacity(jobs.len());
        let mut changes = Vec::new();
        for job in jobs {
            self.statements.execute("SAVEPOINT entry", [])?;
            let mut batch = Batch::new(&mut self.statements, &mut self.accounts);
            let applied = batch.apply(&job.entry).and_then(|()| batch.write_sums());
            answers.push(match applied {
                Ok(entry_changes) => {
                    changes.extend(entry_changes);
                    Ok(())
                }
                Err(fault) => {
                    self.accounts.clear();
                    self.statements.execute("ROLLBACK TO entry", [])?;
                    Err(fault.into())
                }
            });
            self.statements.execute("RELEASE entry", [])?;
        }
        self.statements.execute(COMMIT, [])?;
        self.totals.add(changes);
        Ok(answers)
    }

    fn roll_back(&mut self) {
        // Accounts made in the transaction have no row any more.
        self.accounts.clear();
        if let Err(error) = self.statements.execute("ROLLBACK", []) {
            tracing::debug!(%error, "SQLite had rolled back by itself");
        }
    }
}
