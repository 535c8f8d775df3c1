//! What goes on beside requests. Each task ends when told to; a tracker waits for it.

use std::collections::HashMap;
use std::time::Duration;

use metrics_exporter_prometheus::PrometheusHandle;
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use super::witnesses::Witnesses;
use crate::clock::{self, Clock};
use crate::config::JwksConfig;
use crate::ledger::LedgerRefused;
use crate::ledger::log::{LogError, PublicLog};
use crate::model::{PoolId, Timestamp};
use crate::room::{Expected, Hub};
use crate::sale::{Keeping, Sales, Standing};
use crate::store::{Journal, StoreError};
use crate::wire::tls::Certificates;
use crate::wire::token::{Jwks, Keys};

/// Hygiene: nothing depends on when a sweep comes.
const SWEEP_EVERY: Duration = Duration::from_millis(100);
/// The lease is good for four of them.
const KEEP_EVERY: Duration = Duration::from_secs(1);
/// A second.
const SWEEPS_PER_LOOK: u64 = 10;
/// A line is in the log within a second, and a checkpoint covers many.
const LOG_EVERY: Duration = Duration::from_millis(250);
const POOLS_EVERY: Duration = Duration::from_secs(1);
/// Of a log that rests; one that grows is signed when they are asked.
const WITNESSES_EVERY: Duration = Duration::from_secs(5);
const RECORD_EVERY: Duration = Duration::from_secs(5);
const RECONCILE_EVERY: Duration = Duration::from_secs(1);
const STANDING_EVERY: Duration = Duration::from_secs(1);
const CLOCK_EVERY: Duration = Duration::from_secs(2);
/// Half of it is the error of a measurement.
const CLOCK_TRIP_MAX: Duration = Duration::from_millis(500);
const CLOCK_WORTH_SAYING_MS: u64 = 250;
/// What was counted since is gone after a crash.
const TURNOUT_EVERY: Duration = Duration::from_secs(10);
const RECEIPTS_EVERY: Duration = Duration::from_secs(60);
const METERS_EVERY: Duration = Duration::from_secs(5);
/// A rotation by `apricot token --rotate` is known to a running server after this.
const KEYS_EVERY: Duration = Duration::from_secs(10);
/// A renewed certificate is in use after this.
const CERTIFICATE_EVERY: Duration = Duration::from_secs(10);
/// What identity providers advise, roughly.
const JWKS_EVERY: Duration = Duration::from_secs(300);

/// Of many nodes, one has the duties of time. It renews its lease by time, however long its work takes, and tells those who do it in `kept`.
pub async fn keep(
    sales: Sales,
    node: String,
    clock: Clock,
    kept: watch::Sender<Option<Keeping>>,
    stop: CancellationToken,
) {
    let mut ticks = every(KEEP_EVERY);
    while until(&stop, ticks.tick()).await.is_some() {
        match sales.keep(&node, clock.now()).await {
            Ok(keeping) => drop(kept.send_replace(keeping)),
            // What is left of the lease is still good.
            Err(error) => tracing::warn!(%error, "no lease for sweeping; the next look tries again"),
        }
    }
    // Who works under the lease has ended by then.
    kept.closed().await;
    sales.stop_keeping(&node).await;
}

/// Under a lease that was renewed in time.
pub async fn sweep(
    sales: Sales,
    kept: watch::Receiver<Option<Keeping>>,
    clock: Clock,
    stop: CancellationToken,
) {
    let mut ticks = every(SWEEP_EVERY);
    let mut count: u64 = 0;
    while until(&stop, ticks.tick()).await.is_some() {
        let keeping = *kept.borrow();
        if let Some(keeping) = keeping.filter(|keeping| keeping.stands()) {
            if sales.is_shared()
                && count.is_multiple_of(SWEEPS_PER_LOOK)
                && let Err(error) = sales.tidy_up(keeping, clock.now()).await
            {
                tracing::warn!(%error, "leftovers of closed sales, and sales of ended rooms, stay for the next look");
            }
            sales.sweep(keeping, clock.now()).await;
            count += 1;
        }
    }
}

/// Tells the meters how the record's server stands. While it is away, its light says so.
pub async fn watch_record(journal: Journal, stop: CancellationToken) {
    let mut ticks = every(RECORD_EVERY);
    while until(&stop, ticks.tick()).await.is_some() {
        if let Err(error) = journal.state().await {
            tracing::debug!(%error, "the record did not say how it stands");
        }
    }
}

/// The node that has the duty appends to the public log; the others follow. What fails is tried again at the next look.
pub async fn log(
    log: PublicLog,
    kept: watch::Receiver<Option<Keeping>>,
    tally_every: Duration,
    clock: Clock,
    stop: CancellationToken,
) {
    let mut ticks = every(LOG_EVERY);
    let mut tallied = clock::instant();
    let mut broken = false;
    while until(&stop, ticks.tick()).await.is_some() {
        let keeping = (*kept.borrow()).filter(|keeping| keeping.stands());
        let tally = tallied.elapsed() >= tally_every;
        let turned = match keeping {
            Some(keeping) => turn(&log, keeping, tally, &clock).await,
            None => log.follow().await.map(|()| false),
        };
        match turned {
            Ok(told) => {
                if told {
                    tallied = clock::instant();
                }
                broken = false;
            }
            // Said once: the log may be stuck for a while, and orders go on meanwhile.
            Err(error) if !broken => {
                broken = true;
                tracing::error!(%error, "the public log does not go on; every look tries again");
            }
            Err(_) => {}
        }
    }
}

/// All that waits; then, when it is time, what it adds up to. Says whether tallies were told.
async fn turn(log: &PublicLog, keeping: Keeping, tally: bool, clock: &Clock) -> Result<bool, LogError> {
    // First, so that a rush that never rests has its tallies too.
    let mut more = log.append(keeping.fence(), tally, clock.now()).await?;
    while more && keeping.stands() {
        more = log.append(keeping.fence(), false, clock.now()).await?;
    }
    Ok(tally)
}

/// The node that has the duty asks the log's witnesses.
pub async fn witnesses(
    mut witnesses: Witnesses,
    log: PublicLog,
    kept: watch::Receiver<Option<Keeping>>,
    stop: CancellationToken,
) {
    let mut ticks = every(WITNESSES_EVERY);
    while until(&stop, ticks.tick()).await.is_some() {
        let keeps = kept.borrow().is_some_and(|keeping| keeping.stands());
        if keeps && let Err(error) = witnesses.ask(&log).await {
            tracing::warn!(%error, "the log's witnesses were not asked; the next time tries again");
        }
    }
}

/// What other nodes did to sponsors' pools; and by the node that has the duty, the seeds that are due and what hearts release.
pub async fn pools(hub: Hub, kept: watch::Receiver<Option<Keeping>>, clock: Clock, stop: CancellationToken) {
    let mut ticks = every(POOLS_EVERY);
    let mut hearts = Hearts::default();
    while until(&stop, ticks.tick()).await.is_some() {
        let keeping = (*kept.borrow()).filter(|keeping| keeping.stands());
        if let Err(error) = hearts.turn(&hub, keeping, clock.now()).await {
            tracing::warn!(%error, "sponsors' pools were not looked after; the next look tries again");
        }
    }
}

/// Hearts of rooms that the keeper has counted. What was given before it was the keeper, and before a slot opened, releases nothing.
#[derive(Default)]
struct Hearts(HashMap<PoolId, Counted>);

struct Counted {
    hearts: u64,
    /// A node hears what is given on others in the rooms that it attends, with viewers of its own or without.
    _attends: Option<Expected>,
}

impl Hearts {
    async fn turn(
        &mut self,
        hub: &Hub,
        keeping: Option<Keeping>,
        now: Timestamp,
    ) -> Result<(), LedgerRefused> {
        let ledger = hub.sales().ledger();
        ledger.follow_pools(now).await?;
        let Some(keeping) = keeping else {
            self.0.clear();
            return Ok(());
        };
        ledger.publish_seeds(keeping.fence(), now).await?;
        let open = ledger.pools_of_hearts(now).await?;
        self.0.retain(|pool, _| open.iter().any(|(open, _)| open == pool));
        for (pool, room) in open {
            let newly = match self.0.contains_key(&pool) {
                true => None,
                false => Some(hub.attend(&room).await),
            };
            let Some(given) = hub.hearts(&room) else { continue };
            if let Some(_attends) = newly {
                self.0.insert(pool, Counted { hearts: given, _attends });
            }
            let Some(counted) = self.0.get_mut(&pool) else { continue };
            let more = given.saturating_sub(counted.hearts);
            if more > 0 {
                counted.hearts += ledger.release_hearts(pool, more, keeping.fence(), now).await?;
            } else {
                // Of a room that began anew.
                counted.hearts = given;
            }
        }
        Ok(())
    }
}

/// What messages between nodes may have failed to tell.
pub async fn reconcile(sales: Sales, hub: Hub, clock: Clock, stop: CancellationToken) {
    let mut ticks = every(RECONCILE_EVERY);
    while until(&stop, ticks.tick()).await.is_some() {
        hub.reconcile(clock.now()).await;
        match sales.reconcile().await {
            Ok(missed) => missed.iter().for_each(|view| hub.remind(view, clock.now())),
            Err(error) => {
                tracing::warn!(%error, "what other nodes changed was not read; the next look tries again");
            }
        }
    }
}

/// Tells the metrics and the log whether the stores answer, and the metrics whether the ledger balances.
pub async fn watch_stores(sales: Sales, stop: CancellationToken) {
    let mut ticks = every(STANDING_EVERY);
    let mut before = Standing::UP;
    while until(&stop, ticks.tick()).await.is_some() {
        let Some(standing) = until(&stop, sales.standing()).await else { return };
        standing.tell(before);
        before = standing;
        sales.ledger().measure();
    }
}

/// Time is the record's: how far this machine's clock is off is measured again and again.
pub async fn keep_time(journal: Journal, clock: Clock, stop: CancellationToken) {
    let mut ticks = every(CLOCK_EVERY);
    while until(&stop, ticks.tick()).await.is_some() {
        if let Err(error) = measure_clock(&journal, &clock).await {
            tracing::warn!(%error, "the record's clock was not read; the last correction stays");
        }
    }
}

pub async fn measure_clock(journal: &Journal, clock: &Clock) -> Result<(), StoreError> {
    let asked = clock::instant();
    let Some(theirs) = journal.clock().await? else { return Ok(()) };
    let moved_ms = clock.correct(asked, theirs, CLOCK_TRIP_MAX);
    if moved_ms.unsigned_abs() > CLOCK_WORTH_SAYING_MS {
        tracing::warn!(moved_ms, "this machine's clock differs from the record's; corrected by so much");
    }
    Ok(())
}

/// Beside the sweep, which opens sales in time: a thousand receipts take a while.
pub async fn receipts(sales: Sales, clock: Clock, stop: CancellationToken) {
    let mut ticks = every(RECEIPTS_EVERY);
    while until(&stop, ticks.tick()).await.is_some() {
        sales.sweep_receipts(clock.now()).await;
    }
}

/// How many came, and how many asked to buy; the last of it when the sockets are closed.
pub async fn turnout(hub: Hub, node: String, clock: Clock, stop: CancellationToken) {
    let mut ticks = every(TURNOUT_EVERY);
    loop {
        let goes_on = until(&stop, ticks.tick()).await.is_some();
        if let Err(error) = hub.record_turnout(&node, None, clock.now()).await {
            tracing::debug!(%error, "joins were not recorded; the next time tries again");
        }
        if !goes_on {
            return;
        }
    }
}

/// Without it the samples of histograms pile up between two readings.
pub async fn tidy_meters(prometheus: PrometheusHandle, stop: CancellationToken) {
    let mut ticks = every(METERS_EVERY);
    while until(&stop, ticks.tick()).await.is_some() {
        prometheus.run_upkeep();
    }
}

pub async fn refresh_keys(keys: Keys, config: Option<JwksConfig>, mut jwks: Jwks, stop: CancellationToken) {
    let mut ticks = every(KEYS_EVERY);
    let per_fetch = JWKS_EVERY.as_secs() / KEYS_EVERY.as_secs();
    // The first tick comes at once; everything was read a moment ago.
    let mut count: u64 = 0;
    while until(&stop, ticks.tick()).await.is_some() {
        if let Some(config) = config.as_ref().filter(|_| count % per_fetch == per_fetch - 1) {
            match Jwks::fetch(config).await {
                Ok(newer) => jwks = newer,
                Err(error) => tracing::warn!(%error, "the identity provider's keys stay as they were"),
            }
        }
        if let Err(error) = keys.refresh(&jwks) {
            tracing::warn!(%error, "the keys stay as they were");
        }
        count += 1;
    }
}

pub async fn watch_certificate(certificates: Certificates, clock: Clock, stop: CancellationToken) {
    let mut ticks = every(CERTIFICATE_EVERY);
    while until(&stop, ticks.tick()).await.is_some() {
        if certificates.changed() {
            reload_certificate(&certificates, clock.now());
        }
    }
}

pub fn reload_certificate(certificates: &Certificates, now: Timestamp) {
    match certificates.reload() {
        Ok(()) => look_at_certificate(certificates, now),
        Err(error) => tracing::warn!(%error, "the certificate stays as it was"),
    }
}

/// What a person should know of the certificate that is in use from now on.
pub fn look_at_certificate(certificates: &Certificates, now: Timestamp) {
    let until = certificates.until().map(|until| until.to_string()).unwrap_or_default();
    if certificates.has_ended(now) {
        tracing::warn!(until, "the certificate has expired: browsers refuse it; renew the files of [tls]");
    } else {
        tracing::info!(until, "the certificate is in use");
    }
    if let Some(key) = certificates.key_open_to_all() {
        tracing::warn!("{} can be read by everybody; run `chmod 600 {}`", key.display(), key.display());
    }
}

fn every(period: Duration) -> tokio::time::Interval {
    let mut ticks = tokio::time::interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

async fn until<T>(stop: &CancellationToken, next: impl Future<Output = T>) -> Option<T> {
    tokio::select! {
        biased;
        () = stop.cancelled() => None,
        next = next => Some(next),
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc;

    use super::*;
    use crate::ledger::{CommissionRules, Ledger};
    use crate::model::Share;
    use crate::sale::SaleRules;
    use crate::store::Inventory;

    #[tokio::test(start_paused = true)]
    async fn lease_is_renewed_by_time_and_given_up_after_the_work() {
        let folder = tempfile::tempdir().unwrap();
        let clock = Clock::manual(Timestamp(0));
        let journal = Journal::open(&folder.path().join("record.db"), 1, clock.now()).unwrap();
        let commission = CommissionRules { by_category: Default::default(), other: Share::ppm(0).unwrap() };
        let day = Duration::from_secs(86_400);
        let rules = SaleRules { waiting_list_max: 1, offer_for: day, auto_confirm_after: day };
        let ((news, _told), (outbox, _asked)) = (mpsc::channel(1), mpsc::channel(1));
        let sales = Sales::new(Ledger::new(journal, commission), Inventory::default(), rules, news, outbox);

        let ((keeper, mut kept), stop) = (watch::channel(None), CancellationToken::new());
        let began = tokio::time::Instant::now();
        let keeping = tokio::spawn(keep(sales, "a".into(), clock, keeper, stop.clone()));
        // Whoever works under the lease takes his time: nobody waits for him.
        for _ in 0..10 {
            kept.changed().await.unwrap();
        }
        assert_eq!(*kept.borrow(), Some(Keeping::Alone));
        assert_eq!(began.elapsed().as_secs(), 9);
        stop.cancel();
        tokio::time::sleep(KEEP_EVERY).await;
        assert!(!keeping.is_finished());
        drop(kept);
        keeping.await.unwrap();
    }
}
