//! Other nodes post too: totals are read again and again, as of one instant each time, so that a transfer is seen on both its sides.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::reader::Reader;
use crate::store::StoreError;
use crate::store::journal::query::{Row, Value};
use crate::store::journal::totals::{ALL, Totals, keyed};

/// How old totals may be.
const FOLLOW_EVERY: Duration = Duration::from_millis(100);
/// After a commit of this node they are read at once, but not more often than this.
const FOLLOW_AT_MOST_EVERY: Duration = Duration::from_millis(10);

/// Ids of transfers that may be under way while higher ones are committed already: 8,192 batches, each with a block of 16,384 ids. A
/// transaction lasts seconds at most, and a node commits some 100 of them a second.
const UNDER_WAY: i64 = 8_192 * 16_384;

#[derive(Clone)]
pub struct Following {
    reader: Reader,
    totals: Totals,
    committed: Arc<Notify>,
}

impl Following {
    pub async fn start(reader: Reader, committed: Arc<Notify>) -> Result<Self, StoreError> {
        let following = Self { reader, totals: Totals::default(), committed };
        following.catch_up().await?;
        Ok(following)
    }

    pub fn totals(&self) -> &Totals {
        &self.totals
    }

    /// The totals as of now. Rows that have not changed since long are not read again.
    pub async fn catch_up(&self) -> Result<(), StoreError> {
        let since = self.totals.newest() - UNDER_WAY;
        let sql = format!("{ALL} WHERE t.newest > ?1");
        let rows = self.reader.rows(&sql, &[Value::Int(since)]).await?;
        let read = rows.iter().map(|row| keyed(&Row::from(row))).collect::<Result<Vec<_>, _>>()?;
        self.totals.put(read);
        Ok(())
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
                Ok(()) => away = false,
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
