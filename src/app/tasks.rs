//! What goes on beside requests. Each task ends when told to; a tracker waits for it.

use std::time::Duration;

use metrics_exporter_prometheus::PrometheusHandle;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::clock::{self, Clock};
use crate::config::JwksConfig;
use crate::model::Timestamp;
use crate::room::Hub;
use crate::sale::{Sales, Standing};
use crate::store::{Journal, StoreError};
use crate::wire::tls::Certificates;
use crate::wire::token::{Jwks, Keys};

/// Hygiene: nothing depends on when a sweep comes.
const SWEEP_EVERY: Duration = Duration::from_millis(100);
/// A second; the lease is good for four.
const SWEEPS_PER_LEASE: u64 = 10;
const RECONCILE_EVERY: Duration = Duration::from_secs(1);
const STANDING_EVERY: Duration = Duration::from_secs(1);
const CLOCK_EVERY: Duration = Duration::from_secs(2);
/// Half of it is the error of a measurement.
const CLOCK_TRIP_MAX: Duration = Duration::from_millis(500);
const CLOCK_WORTH_SAYING_MS: u64 = 250;
const RECEIPTS_EVERY: Duration = Duration::from_secs(60);
const METERS_EVERY: Duration = Duration::from_secs(5);
/// A rotation by `apricot token --rotate` is known to a running server after this.
const KEYS_EVERY: Duration = Duration::from_secs(10);
/// A renewed certificate is in use after this.
const CERTIFICATE_EVERY: Duration = Duration::from_secs(10);
/// What identity providers advise, roughly.
const JWKS_EVERY: Duration = Duration::from_secs(300);

/// Of many nodes, the one that holds the lease sweeps; it renews it each second.
pub async fn sweep(sales: Sales, node: String, clock: Clock, stop: CancellationToken) {
    let mut ticks = every(SWEEP_EVERY);
    let mut keeping = None;
    let mut count: u64 = 0;
    while until(&stop, ticks.tick()).await.is_some() {
        if count.is_multiple_of(SWEEPS_PER_LEASE) {
            keeping = sales.keep(&node, clock.now()).await.unwrap_or_else(|error| {
                tracing::warn!(%error, "no lease for sweeping; the next look tries again");
                None
            });
            if let (Some(keeping), true) = (keeping, sales.is_shared())
                && let Err(error) = sales.return_leftovers(keeping).await
            {
                tracing::warn!(%error, "leftovers of closed sales stay for the next look");
            }
        }
        count += 1;
        if let Some(keeping) = keeping {
            sales.sweep(keeping, clock.now()).await;
        }
        sales.ledger().measure();
    }
    sales.stop_keeping(&node).await;
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

/// Tells the metrics and the log whether the stores answer.
pub async fn watch_stores(sales: Sales, stop: CancellationToken) {
    let mut ticks = every(STANDING_EVERY);
    let mut before = Standing::UP;
    while until(&stop, ticks.tick()).await.is_some() {
        let Some(standing) = until(&stop, sales.standing()).await else { return };
        standing.tell(before);
        before = standing;
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
