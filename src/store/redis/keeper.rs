//! Keeps a connection to every primary, for ever.

use std::sync::{Arc, Weak};
use std::time::Duration;

use redis::cmd;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::primaries::{Primaries, Primary, discover};
use super::{RedisError, Shared, load, on_disconnect, server};
use crate::clock::random_u64;

/// With all servers there: how often they are asked whether they still are, and who has what.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// Between two tries, doubled each time up to the most; the half of it is chance, so that many nodes do not come at once.
const BACKOFF_LEAST: Duration = Duration::from_millis(50);
const BACKOFF_MOST: Duration = Duration::from_secs(2);

pub(super) async fn keep(shared: Weak<Shared>, nudge: Arc<Notify>, over: CancellationToken) {
    let mut failures = 0;
    loop {
        let pause = if failures == 0 { LOOK_EVERY } else { backoff(failures) };
        tokio::select! {
            () = over.cancelled() => return,
            // A nudge does not cut a pause between failures short: calls fail at once meanwhile.
            () = nudge.notified(), if failures == 0 => {}
            () = tokio::time::sleep(pause) => {}
        }
        let Some(here) = shared.upgrade() else { return };
        match renew(&here).await {
            Ok(()) if failures > 0 => {
                tracing::info!(failures, "Redis is there again");
                failures = 0;
            }
            Ok(()) => {}
            Err(error) => {
                if failures == 0 {
                    tracing::warn!(%error, "Redis is not there; tried again until it is");
                }
                failures += 1;
            }
        }
    }
}

/// Looks who is there, and connects where no connection is. What was found counts even when something is missing.
pub(super) async fn renew(shared: &Arc<Shared>) -> Result<(), RedisError> {
    let known = Arc::clone(&shared.primaries.borrow());
    ping(&known).await;
    if !known.all_there() {
        shared.up.send_replace(false);
    }
    let ranges = discover(&shared.settings, &known).await?;
    let mut failed = None;
    let mut found = Primaries::default();
    for (range, address) in ranges {
        if let Some(primary) = known.at(&address).or_else(|| found.at(&address)) {
            found.ranges.push((range, Arc::clone(primary)));
            continue;
        }
        let lost = CancellationToken::new();
        match server::primary(&shared.settings, &address, on_disconnect(shared, lost.clone())).await {
            Ok(connection) => found.ranges.push((range, Arc::new(Primary { address, connection, lost }))),
            Err(error) => failed = Some(error),
        }
    }
    load::measure(&found).await;
    let all_there = found.all_there();
    shared.primaries.send_replace(Arc::new(found));
    shared.up.send_replace(all_there);
    match failed {
        Some(error) => Err(error),
        None if all_there => Ok(()),
        None => Err(RedisError::Down),
    }
}

/// A server that hangs keeps its connections open: only a question tells.
async fn ping(known: &Primaries) {
    for (_, primary) in &known.ranges {
        if !primary.lost.is_cancelled()
            && let Err(error) = server::ask(&mut primary.connection.clone(), &cmd("PING")).await
            && (error.is_io_error() || error.is_timeout())
        {
            primary.lost.cancel();
        }
    }
}

fn backoff(failures: u32) -> Duration {
    let longest = BACKOFF_LEAST.saturating_mul(1 << failures.min(10)).min(BACKOFF_MOST);
    let half = longest / 2;
    half + half.mul_f64(random_u64() as f64 / u64::MAX as f64)
}
