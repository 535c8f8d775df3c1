//! The journal on SQLite: WAL, `synchronous=FULL`, one writer thread, readers beside it.

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use rusqlite::{Connection, OpenFlags};
use tokio::sync::{mpsc, oneshot};

use super::query::{Parsed, Row, Value};
use super::totals::Totals;
use super::writer::{Job, Writer};
use super::{Entry, Pending, StoreError};
use crate::model::Timestamp;

refinery::embed_migrations!("migrations/sqlite");

/// Entries that may wait for the writer. At 50,000 entries a second this is about a second; what comes on top is refused as `Busy`.
pub const QUEUE_ENTRIES: usize = 65_536;

/// Entries in one transaction. Larger batches gain little (measured: 113k/s in batches of 32, 319k/s in batches of 256) and make
/// the first in the batch wait for the last.
pub const BATCH_ENTRIES_MAX: usize = 1_024;

/// Connections for reading that are kept open; more readers at once open their own.
const IDLE_READERS_MAX: usize = 8;

#[derive(Clone)]
pub struct Sqlite {
    shared: Arc<Shared>,
    queue: mpsc::Sender<Job>,
}

struct Shared {
    path: PathBuf,
    epoch: u64,
    totals: Totals,
    readers: Mutex<Vec<Connection>>,
    writer: Mutex<Option<JoinHandle<()>>>,
}

impl Sqlite {
    pub fn open(path: &Path, epoch: u64, now: Timestamp) -> Result<Self, StoreError> {
        let mut connection = Connection::open(path).map_err(unavailable)?;
        configure(&connection).map_err(unavailable)?;
        migrations::runner().run(&mut connection).map_err(|e| StoreError::Unavailable(e.to_string()))?;
        let epoch = name_record(&connection, epoch, now).map_err(unavailable)?;
        let totals = Totals::read(&connection).map_err(unavailable)?;
        let (queue, jobs) = mpsc::channel(QUEUE_ENTRIES);
        let writer = Writer::new(connection, totals.clone());
        let thread = std::thread::Builder::new()
            .name("journal".into())
            .spawn(move || writer.run(jobs))
            .map_err(|e| StoreError::Unavailable(e.to_string()))?;
        let shared = Shared {
            path: path.to_owned(),
            epoch,
            totals,
            readers: Mutex::new(Vec::new()),
            writer: Mutex::new(Some(thread)),
        };
        Ok(Self { shared: Arc::new(shared), queue })
    }

    pub fn submit(&self, entry: Entry) -> Result<Pending, StoreError> {
        let (answer, pending) = oneshot::channel();
        self.queue.try_send(Job { entry, answer }).map_err(|refused| match refused {
            mpsc::error::TrySendError::Full(_) => StoreError::Busy,
            mpsc::error::TrySendError::Closed(_) => StoreError::Unavailable("the journal is closed".into()),
        })?;
        Ok(Pending(pending))
    }

    pub fn has_room(&self) -> bool {
        self.queue.capacity() > QUEUE_ENTRIES / 64
    }

    pub fn epoch(&self) -> u64 {
        self.shared.epoch
    }

    pub fn totals(&self) -> &Totals {
        &self.shared.totals
    }

    pub async fn close(self) {
        let Self { shared, queue } = self;
        drop(queue);
        let thread = shared.writer.lock().expect("no panic while locked").take();
        if let Some(thread) = thread {
            let joined = tokio::task::spawn_blocking(move || thread.join()).await;
            if !matches!(joined, Ok(Ok(()))) {
                tracing::error!("the journal's writer did not end well");
            }
        }
    }

    pub(super) async fn list<T: Send + 'static>(
        &self,
        sql: Cow<'static, str>,
        values: Vec<Value>,
        parse: impl Fn(&Row) -> Parsed<T> + Send + 'static,
    ) -> Result<Vec<T>, StoreError> {
        let shared = Arc::clone(&self.shared);
        let read = tokio::task::spawn_blocking(move || {
            shared.read(|connection| {
                let mut statement = connection.prepare_cached(&sql)?;
                let rows = statement
                    .query_map(rusqlite::params_from_iter(&values), |row| Ok(parse(&Row::from(row))?))?;
                rows.collect()
            })
        });
        read.await.map_err(|e| StoreError::Unavailable(e.to_string()))?
    }
}

impl Shared {
    fn read<T>(&self, query: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, StoreError> {
        let idle = self.readers.lock().expect("no panic while locked").pop();
        let connection = match idle {
            Some(connection) => connection,
            None => open_reader(&self.path).map_err(unavailable)?,
        };
        let answer = query(&connection).map_err(unavailable);
        let mut readers = self.readers.lock().expect("no panic while locked");
        if readers.len() < IDLE_READERS_MAX {
            readers.push(connection);
        }
        answer
    }
}

/// A second connection that cannot write, for readers and for the audit.
pub fn open_reader(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(std::time::Duration::from_secs(5))?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

fn configure(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(
        "PRAGMA journal_mode = WAL;
         PRAGMA synchronous = FULL;
         PRAGMA foreign_keys = ON;
         PRAGMA temp_store = MEMORY;
         PRAGMA cache_size = -131072;
         PRAGMA wal_autocheckpoint = 32768;",
    )?;
    connection.busy_timeout(std::time::Duration::from_secs(5))?;
    connection.set_prepared_statement_cache_capacity(128);
    Ok(())
}

fn name_record(connection: &Connection, epoch: u64, now: Timestamp) -> rusqlite::Result<u64> {
    // SQLite's integers are signed.
    let epoch = (epoch & i64::MAX.cast_unsigned()).cast_signed();
    connection.execute(
        "INSERT INTO record (epoch, created_at) SELECT ?1, ?2 WHERE NOT EXISTS (SELECT 1 FROM record)",
        (epoch, now.millis()),
    )?;
    connection.query_row("SELECT epoch FROM record", [], |row| row.get::<_, i64>(0)).map(i64::cast_unsigned)
}

pub(super) fn unavailable(error: rusqlite::Error) -> StoreError {
    StoreError::Unavailable(error.to_string())
}
