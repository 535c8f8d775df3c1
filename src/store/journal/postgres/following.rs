//! Other nodes post too: totals are read again and again, as of one instant each time, so that a transfer is seen on both its sides.
//!
//! What has not moved is not read. Each batch of postings takes a block of ids before it commits, by a transaction that has its number already.
//! So nothing was posted when no block was taken and every transaction that was under way at the last look still is; and who was not under way
//! then has taken a later block than the last one of that time. Transactions are looked for among the locks that each has on its own number: a
//! snapshot does not name those that began after the last one that ended.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, Notify};
use tokio_postgres::Row;
use tokio_postgres::types::FromSql;
use tokio_util::sync::CancellationToken;

use super::reader::Reader;
use super::session::said_by;
use crate::store::StoreError;
use crate::store::journal::query::{self, Value};
use crate::store::journal::totals::{Totals, keyed};

/// How old totals may be.
const FOLLOW_EVERY: Duration = Duration::from_millis(100);
/// After a commit of this node they are read at once, but not more often than this.
const FOLLOW_AT_MOST_EVERY: Duration = Duration::from_millis(10);

/// Ids of transfers in a block.
const BLOCK: i64 = 16_384;

/// Blocks that may be taken and not yet committed while later ones are: a transaction of ours lasts seconds at most, and a node commits some 100
/// of them a second. Somebody else's, under way for hours, does not make totals be read again from the start.
const UNDER_WAY_BLOCKS: i64 = 8_192;

/// The last block that was taken, -1 before the first; and then who is under way. Those locks are of the whole server, which may have other
/// databases: of a backend that is known to be in one of them, nothing is waited for.
const LOOK: &str = "WITH taken AS MATERIALIZED (SELECT CASE WHEN is_called THEN last_value ELSE -1 END AS block FROM transfer_blocks)
    SELECT block, ARRAY(SELECT CAST(CAST(transactionid AS text) AS bigint) FROM pg_locks l
                        WHERE locktype = 'transactionid' AND mode = 'ExclusiveLock' AND granted AND block IS NOT NULL
                          AND NOT EXISTS (SELECT FROM pg_stat_get_activity(l.pid) a, pg_database d
                                          WHERE d.oid = a.datid AND d.datname <> current_database()))
    FROM taken";

/// Totals that changed after an id.
const CHANGED: &str = "SELECT a.name, a.currency, t.code, t.debits, t.credits, t.newest FROM totals t JOIN accounts a ON a.id = t.account
    WHERE t.newest > ?1";

#[derive(Clone)]
pub struct Following {
    reader: Reader,
    totals: Totals,
    committed: Arc<Notify>,
    seen: Arc<Mutex<Seen>>,
}

/// What a reading has seen.
struct Seen {
    /// Every block up to this one, but for those of transactions that were under way.
    block: i64,
    /// By the number of a transaction that was under way, a block that is earlier than any it takes.
    under_way: BTreeMap<i64, i64>,
}

impl Following {
    pub async fn start(reader: Reader, committed: Arc<Notify>) -> Result<Self, StoreError> {
        let nothing = Seen { block: i64::MIN, under_way: BTreeMap::new() };
        let following =
            Self { reader, totals: Totals::default(), committed, seen: Arc::new(Mutex::new(nothing)) };
        following.catch_up().await?;
        Ok(following)
    }

    pub fn totals(&self) -> &Totals {
        &self.totals
    }

    /// The totals as of now; how many had changed.
    pub async fn catch_up(&self) -> Result<usize, StoreError> {
        let mut seen = self.seen.lock().await;
        let look = self.reader.rows(LOOK, &[]).await?;
        let look = look.first().ok_or_else(|| StoreError::Unavailable("the record has no blocks".into()))?;
        let (block, under_way): (i64, BTreeSet<i64>) = (column(look, 0)?, numbers(look, 1)?);
        if seen.block == block && seen.under_way.keys().all(|number| under_way.contains(number)) {
            return Ok(0);
        }
        let earliest = seen.under_way.values().copied().fold(seen.block, i64::min);
        let since = if seen.block < 0 { -1 } else { earliest.max(seen.block - UNDER_WAY_BLOCKS) };
        let rows = self.reader.rows(CHANGED, &[Value::Int((since + 1) * BLOCK)]).await?;
        let read = rows.iter().map(|row| keyed(&query::Row::from(row))).collect::<Result<Vec<_>, _>>()?;
        let changed = read.len();
        self.totals.put(read);
        let began = |number| (number, seen.under_way.get(&number).copied().unwrap_or(seen.block));
        *seen = Seen { block, under_way: under_way.into_iter().map(began).collect() };
        Ok(changed)
    }

    pub async fn run(self, ended: CancellationToken) {
        let mut away = false;
        loop {
            tokio::select! {
                () = ended.cancelled() => return,
                () = tokio::time::sleep(FOLLOW_EVERY) => {}
                () = self.committed.notified() => {}
            }
            match self.catch_up().await {
                Ok(_) => away = false,
                Err(error) if !away => {
                    away = true;
                    tracing::warn!(%error, "totals are not renewed");
                }
                Err(_) => {}
            }
            self.reader.measure();
            tokio::select! {
                () = ended.cancelled() => return,
                () = tokio::time::sleep(FOLLOW_AT_MOST_EVERY) => {}
            }
        }
    }
}

fn numbers(row: &Row, at: usize) -> Result<BTreeSet<i64>, StoreError> {
    column::<Vec<i64>>(row, at).map(BTreeSet::from_iter)
}

fn column<'r, T: FromSql<'r>>(row: &'r Row, at: usize) -> Result<T, StoreError> {
    row.try_get(at).map_err(|error| StoreError::Unavailable(said_by(&error)))
}
