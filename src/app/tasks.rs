//! What goes on beside requests. Each task ends when told to; a tracker waits for it.

use std::time::Duration;

use metrics_exporter_prometheus::PrometheusHandle;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::config::JwksConfig;
use crate::sale::Sales;
use crate::wire::token::{Jwks, Keys};

/// Hygiene: nothing depends on when a sweep comes.
const SWEEP_EVERY: Duration = Duration::from_millis(100);
const RECEIPTS_EVERY: Duration = Duration::from_secs(60);
const METERS_EVERY: Duration = Duration::from_secs(5);
/// A rotation by `apricot token --rotate` is known to a running server after this.
const KEYS_EVERY: Duration = Duration::from_secs(10);
/// What identity providers advise, roughly.
const JWKS_EVERY: Duration = Duration::from_secs(300);

pub async fn sweep(sales: Sales, clock: Clock, stop: CancellationToken) {
    let mut ticks = every(SWEEP_EVERY);
    while until(&stop, ticks.tick()).await.is_some() {
        let now = clock.now();
        sales.sweep(now).await;
        sales.ledger().measure();
    }
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
