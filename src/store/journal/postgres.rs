//! The journal on PostgreSQL, for many nodes: one writer task, a bounded pool of readers, and totals that follow what other nodes post.

use std::sync::{Arc, Mutex};

use tokio::sync::{Notify, mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio_postgres::Client;
use tokio_util::sync::CancellationToken;

use self::following::Following;
use self::line::Line;
use self::reader::Reader;
use self::session::Session;
use self::tidying::Tidying;
use self::writer::Writer;
use super::query::Value;
use super::writer::Job;
use super::{Entry, Pending, StoreError, Totals};
use crate::model::Timestamp;

mod batch;
mod care;
mod following;
mod kind;
mod line;
mod migrate;
mod plan;
mod pools;
mod reader;
mod rows;
mod session;
mod sums;
mod tidying;
mod writer;

pub use line::PostgresSettings;
pub use migrate::migrate;
pub(super) use session::said_by;

/// Entries that may wait for the writer: some seconds of work. What comes on top is refused as `Busy`.
const QUEUE_ENTRIES: usize = 65_536;

#[derive(Clone)]
pub struct Postgres {
    shared: Arc<Shared>,
    queue: mpsc::Sender<Job>,
}

struct Shared {
    epoch: u64,
    reader: Reader,
    following: Following,
    ended: CancellationToken,
    tasks: Mutex<Vec<JoinHandle<()>>>,
}

impl Postgres {
    pub async fn connect(
        settings: &PostgresSettings,
        epoch: u64,
        now: Timestamp,
    ) -> Result<Self, StoreError> {
        let line = Line::new(settings).map_err(StoreError::Unavailable)?;
        let (client, _connection) = line.connect().await.map_err(StoreError::Unavailable)?;
        migrate::check(&client).await?;
        drop(client);
        let reader = Reader::new(&line, settings.connections)?;
        let epoch = name_record(&reader, epoch, now).await?;
        let session = Session::open(&line).await.map_err(StoreError::Unavailable)?;
        let committed = Arc::new(Notify::new());
        let following = Following::start(reader.clone(), Arc::clone(&committed)).await?;
        let (queue, jobs) = mpsc::channel(QUEUE_ENTRIES);
        let ended = CancellationToken::new();
        let tasks = vec![
            tokio::spawn(Writer::new(line, session, committed).run(jobs)),
            tokio::spawn(following.clone().run(ended.clone())),
            tokio::spawn(Tidying(reader.clone()).run(ended.clone())),
        ];
        let shared = Shared { epoch, reader, following, ended, tasks: Mutex::new(tasks) };
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
        self.shared.following.totals()
    }

    /// How many had changed.
    pub async fn renew_totals(&self) -> Result<usize, StoreError> {
        self.shared.following.catch_up().await
    }

    /// What this node does now and then by itself.
    #[cfg(test)]
    pub(super) async fn tidy(&self) -> Result<(), StoreError> {
        Tidying(self.shared.reader.clone()).tidy().await
    }

    pub async fn close(self) {
        let Self { shared, queue } = self;
        drop(queue);
        let tasks = std::mem::take(&mut *shared.tasks.lock().expect("no panic while locked"));
        // The writer ends by itself, when its queue is empty.
        for (task, what) in tasks.into_iter().zip(["writer", "totals", "tidying"]) {
            if task.await.is_err() {
                tracing::error!(what, "a task of the journal did not end well");
            }
            shared.ended.cancel();
        }
        shared.reader.close();
    }

    pub(super) async fn rows(
        &self,
        sql: &str,
        values: &[Value],
    ) -> Result<Vec<tokio_postgres::Row>, StoreError> {
        self.shared.reader.rows(sql, values).await
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.ended.cancel();
    }
}

/// A connection that sees the record as of now and changes nothing.
pub(super) async fn read_only(settings: &PostgresSettings) -> Result<Client, StoreError> {
    let line = Line::new(settings).map_err(StoreError::Unavailable)?;
    let (client, _connection) = line.connect().await.map_err(StoreError::Unavailable)?;
    migrate::check(&client).await?;
    let begun = client.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await;
    begun.map_err(|error| StoreError::Unavailable(said_by(&error)))?;
    Ok(client)
}

/// Of many nodes that start at once, one names it.
async fn name_record(reader: &Reader, epoch: u64, now: Timestamp) -> Result<u64, StoreError> {
    // PostgreSQL's integers are signed.
    let epoch = (epoch & i64::MAX.cast_unsigned()).cast_signed();
    let insert = "INSERT INTO record (epoch, created_at) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
    reader.rows(insert, &[Value::Int(epoch), Value::Int(now.millis())]).await?;
    let rows = reader.rows("SELECT epoch FROM record", &[]).await?;
    let row = rows.first().ok_or_else(|| StoreError::Unavailable("the record has no name".into()))?;
    Ok(super::query::Row::from(row).unsigned(0)?)
}
