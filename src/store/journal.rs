//! The record. Callers hand in entries; one writer commits everything that is waiting in one transaction and answers after the
//! commit. An entry is all or nothing. Each write in it is conditional, so that the record refuses what a gate or a race got wrong.
//!
//! Two engines, one contract: SQLite for one node, PostgreSQL for many. `conformance.rs` runs the same laws on both.

use std::path::Path;

use tokio::sync::oneshot;

use crate::model::Timestamp;

mod apply;
mod books;
#[cfg(test)]
mod conformance;
mod entry;
mod figures;
mod giving;
mod lease;
mod log;
mod pools;
mod postgres;
mod query;
mod read;
mod readings;
mod reconcile;
mod registry;
mod room_figures;
mod rows;
mod runs;
mod search;
mod snapshot;
mod sqlite;
mod state;
mod statements;
mod told;
mod totals;
mod writer;

pub use books::{BookedOrder, CharityLine, PartGift};
pub use entry::{Entry, HoldOutcome, Once, Task, Write};
pub use figures::{Figures, Funnel, Minute, RoomSums};
pub use giving::{Giver, Giving, GivingSums, HandedOver, SoldUnder};
pub use lease::{Deadline, Duty, Lease};
pub use log::{
    LOG_BATCH_MAX, LeafOf, Line, LineOrder, LineRemittance, LogBatch, LogLeaf, LogState, Placed, Untold,
    Waiting,
};
pub use pools::{GivenMatch, Match, MatchLine, PoolBuyer, PoolRow, PoolSums, SlotSums};
pub use postgres::{Postgres, PostgresSettings, migrate};
pub use query::{Row, RowBroken};
pub use read::{Listing, LotRow, Page};
pub use readings::{AuditRow, LightsRow, OpenHold, READINGS_AT_ONCE, ReadingRow};
pub use reconcile::PledgeSums;
pub use registry::{NAMES_AT_ONCE, Registered};
pub use room_figures::{ProductFigures, RoomFigures, RoomMinute};
pub use runs::Owed;
pub use search::Search;
pub use snapshot::{Accrual, Snapshot};
pub use sqlite::{Sqlite, open_reader};
pub use state::RecordState;
pub use told::{Told, ToldOf};
pub use totals::{Key, Total, Totals};

#[derive(Clone)]
pub enum Journal {
    Sqlite(Sqlite),
    Postgres(Postgres),
}

/// An entry that is on its way to the record.
pub struct Pending(oneshot::Receiver<Result<(), StoreError>>);

impl Journal {
    /// Opens the record in a file, makes it when there is none, and brings its tables up to date. `epoch` names a new record.
    pub fn open(path: &Path, epoch: u64, now: Timestamp) -> Result<Self, StoreError> {
        Sqlite::open(path, epoch, now).map(Self::Sqlite)
    }

    /// A record on PostgreSQL, which other nodes may use at the same time. Its tables must be up to date: `apricot migrate`.
    pub async fn connect(
        settings: &PostgresSettings,
        epoch: u64,
        now: Timestamp,
    ) -> Result<Self, StoreError> {
        Postgres::connect(settings, epoch, now).await.map(Self::Postgres)
    }

    /// Whether other nodes may write it too: then what this one remembers is a guess.
    pub fn is_shared(&self) -> bool {
        matches!(self, Self::Postgres(_))
    }

    /// Puts an entry in the queue. Entries are committed in the order of submission. A full queue refuses: nothing was done.
    pub fn submit(&self, entry: Entry) -> Result<Pending, StoreError> {
        match self {
            Self::Sqlite(sqlite) => sqlite.submit(entry),
            Self::Postgres(postgres) => postgres.submit(entry),
        }
    }

    /// Answers after the commit.
    pub async fn commit(&self, entry: Entry) -> Result<(), StoreError> {
        self.submit(entry)?.committed().await
    }

    /// Whether there is room in the queue: asked before a grant, so that `Busy` is said before anything was decided.
    pub fn has_room(&self) -> bool {
        match self {
            Self::Sqlite(sqlite) => sqlite.has_room(),
            Self::Postgres(postgres) => postgres.has_room(),
        }
    }

    /// The record's own id.
    pub fn epoch(&self) -> u64 {
        match self {
            Self::Sqlite(sqlite) => sqlite.epoch(),
            Self::Postgres(postgres) => postgres.epoch(),
        }
    }

    /// Totals of accounts as of a commit: on SQLite the newest, on a shared record one of the last tenth of a second.
    pub fn totals(&self) -> &Totals {
        match self {
            Self::Sqlite(sqlite) => sqlite.totals(),
            Self::Postgres(postgres) => postgres.totals(),
        }
    }

    /// Reads the totals of a shared record now, for who wants to see what was just committed.
    pub async fn renew_totals(&self) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(_) => Ok(()),
            Self::Postgres(postgres) => postgres.renew_totals().await.map(|_changed| ()),
        }
    }

    /// Waits until everything submitted is committed. The last handle must be dropped by then.
    pub async fn close(self) {
        match self {
            Self::Sqlite(sqlite) => sqlite.close().await,
            Self::Postgres(postgres) => postgres.close().await,
        }
    }
}

impl Pending {
    pub async fn committed(self) -> Result<(), StoreError> {
        self.0
            .await
            .unwrap_or_else(|_| Err(StoreError::Unavailable("the journal's writer has stopped".into())))
    }
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    #[error("this was recorded before")]
    Seen,
    #[error("the same id or key was used for something else")]
    ContentDiffers,
    #[error("there is one with this id already")]
    Exists,
    #[error("it was changed meanwhile")]
    Stale,
    #[error("the hold has ended already")]
    HoldEnded,
    #[error("the lot has fewer units left")]
    OverStock,
    #[error("the product has fewer units on hand")]
    StockShort,
    #[error("another node has this duty now")]
    Fenced,
    #[error("the pledge's cap leaves less room")]
    CapReached,
    #[error("less is owed to the charity")]
    Unpayable,
    #[error("the pool has another amount left")]
    PoolChanged,
    #[error("the record breaks its own rule: {0}")]
    Rule(String),
    #[error("too much is waiting to be recorded")]
    Busy,
    #[error("the record cannot be written: {0}")]
    Unavailable(String),
}
