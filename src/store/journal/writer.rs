//! The one writer: takes everything that is waiting, commits it in one transaction, answers.
//!
//! Fast path: entries are applied one after another; changes of lots and totals are summed and written once per batch. An entry whose
//! first write is refused has written nothing and leaves the batch alone. Anything worse (a later write refused, a sum that breaks a
//! CHECK) rolls the batch back and applies it again with care: a savepoint and its own sums for each entry.

use std::time::Instant;

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::apply::{Batch, Fault};
use super::sqlite::{BATCH_ENTRIES_MAX, unavailable};
use super::totals::Totals;
use super::{Entry, StoreError};
use crate::store::meters;

pub struct Job {
    pub entry: Entry,
    pub answer: oneshot::Sender<Answer>,
}

type Answer = Result<(), StoreError>;

pub struct Writer {
    connection: Connection,
    totals: Totals,
    accounts: super::apply::Accounts,
}

impl Writer {
    pub fn new(connection: Connection, totals: Totals) -> Self {
        Self { connection, totals, accounts: super::apply::Accounts::default() }
    }

    /// Ends when the last handle is gone and everything submitted is committed.
    pub fn run(mut self, mut jobs: mpsc::Receiver<Job>) {
        let mut batch = Vec::with_capacity(BATCH_ENTRIES_MAX);
        while jobs.blocking_recv_many(&mut batch, BATCH_ENTRIES_MAX) > 0 {
            self.commit(&mut batch);
        }
        if let Err(error) = self.connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)") {
            tracing::warn!(%error, "the write-ahead log was left for the next start");
        }
    }

    #[expect(clippy::disallowed_methods, reason = "measures how long a commit takes; decides nothing")]
    fn commit(&mut self, batch: &mut Vec<Job>) {
        let started = Instant::now();
        let entries: Vec<&Entry> = batch.iter().map(|job| &job.entry).collect();
        let answers = self.write(&entries);
        let rows: usize = entries.iter().map(|entry| entry.len()).sum();
        meters::committed(batch.len(), rows, started.elapsed());
        for (job, answer) in batch.drain(..).zip(answers) {
            // Nobody waits any more: the client is gone, what it asked for stays done.
            let _gone = job.answer.send(answer);
        }
    }

    fn write(&mut self, entries: &[&Entry]) -> Vec<Answer> {
        match self.write_fast(entries) {
            Ok(answers) => answers,
            Err(fault) => {
                tracing::debug!(%fault, entries = entries.len(), "a batch is written again with care");
                self.write_with_care(entries).unwrap_or_else(|error| {
                    tracing::error!(%error, "the record cannot be written");
                    vec![Err(error); entries.len()]
                })
            }
        }
    }

    fn write_fast(&mut self, entries: &[&Entry]) -> Result<Vec<Answer>, Fault> {
        let transaction = self.connection.transaction()?;
        let mut batch = Batch::new(&transaction, &mut self.accounts);
        let mut answers = Vec::with_capacity(entries.len());
        for entry in entries {
            #[cfg(feature = "sabotage")]
            if entry.iter().any(|write| matches!(write, super::Write::Order(_)))
                && crate::store::sabotage::loses()
            {
                answers.push(Ok(()));
                continue;
            }
            answers.push(match batch.apply(entry) {
                Ok(()) => Ok(()),
                Err(Fault::Refused { clean: true, why }) => Err(why),
                Err(fault) => {
                    batch.forget_accounts();
                    return Err(fault);
                }
            });
        }
        let sums = batch.write_sums();
        if sums.is_err() {
            batch.forget_accounts();
        }
        let changes = sums?;
        transaction.commit()?;
        self.totals.add(changes);
        Ok(answers)
    }

    fn write_with_care(&mut self, entries: &[&Entry]) -> Result<Vec<Answer>, StoreError> {
        self.accounts.clear();
        let mut transaction = self.connection.transaction().map_err(unavailable)?;
        let mut answers = Vec::with_capacity(entries.len());
        let mut changes = Vec::new();
        for entry in entries {
            let savepoint = transaction.savepoint().map_err(unavailable)?;
            let mut batch = Batch::new(&savepoint, &mut self.accounts);
            let applied = batch.apply(entry).and_then(|()| batch.write_sums());
            if applied.is_err() {
                batch.forget_accounts();
            }
            answers.push(match applied {
                Ok(entry_changes) => {
                    savepoint.commit().map_err(unavailable)?;
                    changes.extend(entry_changes);
                    Ok(())
                }
                // Dropping the savepoint rolls it back.
                Err(fault) => Err(fault.into()),
            });
        }
        transaction.commit().map_err(unavailable)?;
        self.totals.add(changes);
        Ok(answers)
    }
}
