//! How the record's own server or file stands, for people who watch it.

use super::{Journal, StoreError};
use crate::store::meters;

/// What PostgreSQL does not have is 0 there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RecordState {
    /// Of all clients of this database, and what the server allows in all.
    pub connections: i64,
    pub connections_max: i64,
    /// Clients that wait for a lock now.
    pub lock_waits: i64,
    /// Since the oldest transaction that is open began.
    pub oldest_transaction_ms: i64,
    pub size_bytes: i64,
    /// Replicas that stream from this server; those of a user without the right to see them count too.
    pub replicas: i64,
    /// How far the last of them is behind.
    pub replica_lag_bytes: i64,
}

const POSTGRES: &str = "SELECT
    (SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend'),
    CAST(current_setting('max_connections') AS BIGINT),
    (SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'),
    (SELECT coalesce(CAST(max(extract(epoch FROM clock_timestamp() - xact_start)) * 1000 AS BIGINT), 0) FROM pg_stat_activity
     WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()),
    pg_database_size(current_database()),
    (SELECT count(*) FROM pg_stat_replication),
    (SELECT coalesce(CAST(max(pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn)) AS BIGINT), 0) FROM pg_stat_replication)";

const SQLITE: &str =
    "SELECT 0, 0, 0, 0, page_count * page_size, 0, 0 FROM pragma_page_count(), pragma_page_size()";

impl Journal {
    /// Reads it, and tells the meters.
    pub async fn state(&self) -> Result<RecordState, StoreError> {
        let state = self.one(self.either(SQLITE, POSTGRES), vec![], |row| {
            Ok(RecordState {
                connections: row.int(0)?,
                connections_max: row.int(1)?,
                lock_waits: row.int(2)?,
                oldest_transaction_ms: row.int(3)?,
                size_bytes: row.int(4)?,
                replicas: row.int(5)?,
                replica_lag_bytes: row.int(6)?,
            })
        });
        let state = state.await?.unwrap_or_default();
        meters::record(&state, matches!(self, Self::Postgres(_)));
        Ok(state)
    }
}
