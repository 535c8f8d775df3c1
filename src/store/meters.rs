//! Names of the store's metrics; `docs/metrics.md` lists them all.

use std::time::Duration;

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

pub fn committed(entries: usize, rows: usize, took: Duration) {
    metrics::counter!(COMMITS).increment(1);
    metrics::histogram!(COMMIT_ENTRIES).record(entries as f64);
    metrics::histogram!(COMMIT_ROWS).record(rows as f64);
    metrics::histogram!(COMMIT_SECONDS).record(took.as_secs_f64());
}
