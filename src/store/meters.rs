//! Names of the store's metrics; `docs/metrics.md` lists them all.

use std::time::Duration;

use super::journal::RecordState;

/// Transactions committed by the journal.
pub const COMMITS: &str = "apricot_journal_commits_total";
/// Entries in a commit.
pub const COMMIT_ENTRIES: &str = "apricot_journal_commit_entries";
/// Rows in a commit.
pub const COMMIT_ROWS: &str = "apricot_journal_commit_rows";
/// Time of a commit, with its fsync, in seconds.
pub const COMMIT_SECONDS: &str = "apricot_journal_commit_seconds";

/// Connections for reading that are open.
pub const POOL_SIZE: &str = "apricot_journal_pool_size";
/// Of these, in use.
pub const POOL_IN_USE: &str = "apricot_journal_pool_in_use";
/// Readings that wait for a connection.
pub const POOL_WAITING: &str = "apricot_journal_pool_waiting";

/// Clients of the record's database, of all programs, and what its server allows; PostgreSQL only.
pub const RECORD_CONNECTIONS: &str = "apricot_record_connections";
pub const RECORD_CONNECTIONS_LIMIT: &str = "apricot_record_connections_limit";
/// Clients that wait for a lock now; PostgreSQL only.
pub const RECORD_LOCK_WAITS: &str = "apricot_record_lock_waits";
/// Since the oldest open transaction began; PostgreSQL only.
pub const RECORD_OLDEST_SECONDS: &str = "apricot_record_oldest_transaction_seconds";
/// The database, or the file.
pub const RECORD_SIZE_BYTES: &str = "apricot_record_size_bytes";
/// Replicas that stream, and how far the last is behind; PostgreSQL only.
pub const RECORD_REPLICAS: &str = "apricot_record_replicas";
pub const RECORD_REPLICA_LAG_BYTES: &str = "apricot_record_replica_lag_bytes";

/// What was asked of a lot in one call of the gate's Function; holds most of it.
pub const GATE_OPERATIONS: &str = "apricot_gate_call_operations";
/// Redis's answer to such a call, in seconds.
pub const GATE_SECONDS: &str = "apricot_gate_call_seconds";

/// Primaries of Redis that answered this node as primaries.
pub const REDIS_PRIMARIES: &str = "apricot_redis_primaries";
/// Replicas that are connected to them.
pub const REDIS_REPLICAS: &str = "apricot_redis_replicas";
/// Of the primary that uses the most: the memory in use, and `maxmemory`, 0 where there is none.
pub const REDIS_MEMORY_BYTES: &str = "apricot_redis_memory_bytes";
pub const REDIS_MEMORY_LIMIT_BYTES: &str = "apricot_redis_memory_limit_bytes";

/// Whether the record, or the gate, answers: 1 or 0.
pub const UP: &str = "apricot_store_up";

pub fn up(store: &'static str, is_up: bool) {
    metrics::gauge!(UP, "store" => store).set(f64::from(u8::from(is_up)));
}

pub fn pool(size: usize, in_use: usize, waiting: usize) {
    metrics::gauge!(POOL_SIZE).set(size as f64);
    metrics::gauge!(POOL_IN_USE).set(in_use as f64);
    metrics::gauge!(POOL_WAITING).set(waiting as f64);
}

#[expect(clippy::cast_precision_loss, reason = "sizes and counts")]
pub fn record(state: &RecordState, has_server: bool) {
    metrics::gauge!(RECORD_SIZE_BYTES).set(state.size_bytes as f64);
    if !has_server {
        return;
    }
    metrics::gauge!(RECORD_CONNECTIONS).set(state.connections as f64);
    metrics::gauge!(RECORD_CONNECTIONS_LIMIT).set(state.connections_max as f64);
    metrics::gauge!(RECORD_LOCK_WAITS).set(state.lock_waits as f64);
    metrics::gauge!(RECORD_OLDEST_SECONDS).set(state.oldest_transaction_ms as f64 / 1_000.0);
    metrics::gauge!(RECORD_REPLICAS).set(state.replicas as f64);
    metrics::gauge!(RECORD_REPLICA_LAG_BYTES).set(state.replica_lag_bytes as f64);
}

pub fn committed(entries: usize, rows: usize, took: Duration) {
    metrics::counter!(COMMITS).increment(1);
    metrics::histogram!(COMMIT_ENTRIES).record(entries as f64);
    metrics::histogram!(COMMIT_ROWS).record(rows as f64);
    metrics::histogram!(COMMIT_SECONDS).record(took.as_secs_f64());
}

pub fn decided(operations: usize, took: Duration) {
    metrics::histogram!(GATE_OPERATIONS).record(operations as f64);
    metrics::histogram!(GATE_SECONDS).record(took.as_secs_f64());
}
