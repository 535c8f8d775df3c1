//! What ops read of this node and of the whole: meters each second, a day of them in the record, lights, alerts. Stands beside the layers
//! and looks at them; nothing they do waits for it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use apricot_proto::v1;
use metrics_exporter_prometheus::PrometheusHandle;
use prost::Message;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::clock::{self, Clock};
use crate::ledger;
use crate::model::{OutOfBound, Subject, Timestamp};
use crate::room::{Hub, NodeView, delivery};
use crate::sale::{Keeping, Sales};
use crate::store::journal::Once;
use crate::store::{Entry, Journal, StoreError, Write};

pub mod alerts;
mod disclosures;
mod lights;
mod merge;
pub mod meters;
pub mod process;
mod reading;
mod sample;
#[cfg(test)]
mod words;

use alerts::{Alerts, Facts};
pub use lights::Record;
use merge::Merged;
use process::Process;
use reading::reading;
use sample::Sample;

/// A reading of the feed.
const EVERY: Duration = Duration::from_secs(1);
/// A reading of the history, and what alerts look at, is over so many of them.
const WINDOW: usize = 10;
/// The history.
const KEPT_FOR: Duration = Duration::from_secs(24 * 60 * 60);
/// Old readings are deleted so often, by the node that sweeps.
const FORGET_EVERY_SECONDS: u64 = 60;
/// Rows of the history read at a time, some 600 B each.
const ROWS_AT_ONCE: u32 = 5_000;
const POINTS_MAX: u32 = 2_000;
/// A page asks by its own clock.
const CLOCKS_DIFFER_MS: i64 = 60_000;

/// Clones are one.
#[derive(Clone)]
pub struct Ops(Arc<Inner>);

struct Inner {
    node: String,
    started_at: Timestamp,
    hub: Hub,
    sales: Sales,
    record: Record,
    meters: Meters,
    noticed: Mutex<Noticed>,
}

/// What slower looks found last.
#[derive(Default)]
struct Noticed {
    broken: Vec<(String, u32)>,
    holds_overdue: u64,
    tasks_overdue: u64,
    log_waits_s: f64,
    disclosures: Vec<(String, f64)>,
}

/// Everything that `/metrics` says.
#[derive(Clone)]
pub struct Meters(PrometheusHandle);

impl Meters {
    pub fn new(recorder: PrometheusHandle) -> Self {
        Self(recorder)
    }

    pub fn render(&self) -> String {
        let mut text = self.0.render();
        let more = delivery::render(&mut text).and_then(|()| Process::read().render(&mut text));
        more.expect("memory takes text");
        text
    }
}

impl Ops {
    pub fn new(
        node: String,
        started_at: Timestamp,
        hub: Hub,
        sales: Sales,
        record: Record,
        meters: Meters,
    ) -> Self {
        Self(Arc::new(Inner { node, started_at, hub, sales, record, meters, noticed: Mutex::default() }))
    }

    pub fn meters(&self) -> &Meters {
        &self.0.meters
    }

    /// The name of this node.
    pub fn node(&self) -> &str {
        &self.0.node
    }

    /// Reads the meters each second until `stop`.
    pub async fn run(self, kept: watch::Receiver<Option<Keeping>>, clock: Clock, stop: CancellationToken) {
        let mut ticks = interval(EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut samples, mut alerts, mut count) =
            (VecDeque::with_capacity(WINDOW + 1), Alerts::default(), 0_u64);
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                () = stop.cancelled() => return,
            }
            let now = clock.now();
            samples.push_back(Sample::read(&self.0.meters.render(), clock::instant()));
            while samples.len() > WINDOW + 1 {
                samples.pop_front();
            }
            count += 1;
            self.tell(&samples, &mut alerts, count.is_multiple_of(WINDOW as u64), now);
            let forget = count.is_multiple_of(FORGET_EVERY_SECONDS);
            if forget && kept.borrow().is_some_and(Keeping::stands) {
                self.record(vec![Write::ForgetReadings { before: now - KEPT_FOR }]);
            }
        }
    }

    fn tell(&self, samples: &VecDeque<Sample>, alerts: &mut Alerts, keep: bool, now: Timestamp) {
        let (Some(first), Some(last)) = (samples.front(), samples.back()) else { return };
        let Some(before) = samples.len().checked_sub(2).and_then(|at| samples.get(at)) else { return };
        let window = reading(&self.0.node, first, last, now);
        let alerts = self.look(window.clone(), last, alerts, now);
        let Inner { hub, node, .. } = &*self.0;
        if hub.is_feed_watched(now) {
            let told = v1::OpsReading { alerts: alerts.clone(), ..reading(node, before, last, now) };
            hub.tell_reading(told, now);
        }
        if keep {
            let body = v1::OpsReading { alerts, ..window }.encode_to_vec();
            self.record(vec![Write::Reading { at: now, node: node.clone(), body }]);
        }
    }

    fn look(
        &self,
        window: v1::OpsReading,
        sample: &Sample,
        alerts: &mut Alerts,
        now: Timestamp,
    ) -> Vec<v1::OpsAlert> {
        let silent: Vec<String> = self.0.hub.silent_nodes().into_iter().map(|node| node.name).collect();
        metrics::gauge!(meters::NODES_SILENT).set(silent.len() as f64);
        let imbalance = sample.by(ledger::meters::IMBALANCE, "currency");
        let noticed = self.noticed();
        let facts = Facts {
            reading: window,
            imbalance_minor: imbalance.values().map(|value| value.abs()).fold(0.0, f64::max),
            broken: &noticed.broken,
            holds_overdue: noticed.holds_overdue,
            tasks_overdue: noticed.tasks_overdue,
            log_waits_s: noticed.log_waits_s,
            disclosures: &noticed.disclosures,
            silent: &silent,
            memory_limit_bytes: sample.first(meters::MEMORY_LIMIT_BYTES),
            open_files_max: sample.first(meters::MAX_FDS),
        };
        alerts.look(&facts, now)
    }

    /// Readings of all nodes, at most `points` for each.
    pub async fn history(&self, Stretch { from, to, points }: Stretch) -> Result<v1::OpsHistory, StoreError> {
        let mut merged = Merged::new(from, to, points);
        // Behind every node's name: what ends at `from` was before it.
        let mut after = (from, "~".to_owned());
        loop {
            let rows = self.journal().readings(after, to, ROWS_AT_ONCE).await?;
            let Some(last) = rows.last() else { return Ok(merged.into_history()) };
            after = (last.at, last.node.clone());
            for row in &rows {
                match v1::OpsReading::decode(row.body.as_slice()) {
                    Ok(reading) => merged.add(reading),
                    Err(error) => tracing::debug!(%error, "a reading of another version"),
                }
            }
        }
    }

    /// What the last audit of the record found, when, and how long it took.
    pub async fn lights(&self) -> Result<(Vec<v1::Light>, Timestamp, u32), StoreError> {
        let Some(found) = self.journal().lights().await? else { return Ok((Vec::new(), Timestamp::ZERO, 0)) };
        let lights = serde_json::from_str(&found.body)
            .map_err(|error| StoreError::Unavailable(format!("the lights cannot be read: {error}")))?;
        Ok((lights, found.at, found.took_ms))
    }

    /// Those that were heard of lately and those that went silent; a node alone knows itself.
    pub fn nodes(&self, now: Timestamp) -> Vec<v1::Node> {
        let Inner { hub, node, started_at, .. } = &*self.0;
        let shown = |view: &NodeView, draining| v1::Node {
            name: view.name.clone(),
            version: view.version.clone(),
            started_at_ms: view.started_at.millis(),
            heard_at_ms: view.heard_at.millis(),
            viewers: u32::try_from(view.viewers).unwrap_or(u32::MAX),
            draining,
            here: view.name == *node,
        };
        let mut nodes: Vec<v1::Node> = hub.nodes().iter().map(|view| shown(view, view.draining)).collect();
        nodes.extend(hub.silent_nodes().iter().map(|view| shown(view, view.draining)));
        if nodes.iter().all(|shown| !shown.here) {
            nodes.push(v1::Node {
                name: node.clone(),
                version: env!("CARGO_PKG_VERSION").into(),
                started_at_ms: started_at.millis(),
                heard_at_ms: now.millis(),
                viewers: hub.seated(),
                draining: hub.is_draining(),
                here: true,
            });
        }
        nodes
    }

    /// For what ops do that no layer records by itself.
    pub async fn note(
        &self,
        actor: &Subject,
        action: &'static str,
        subject: String,
        reason: String,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let actor = actor.clone();
        self.journal().commit(vec![Write::Audit { at: now, actor, action, subject, reason }]).await
    }

    /// Recorded, and then asked of that node. False: there is no such node.
    pub async fn drain(
        &self,
        node: &str,
        actor: &Subject,
        reason: String,
        once: Option<Once>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let Inner { hub, node: here, .. } = &*self.0;
        // Of several lives of one name the newest is there.
        let known = hub.nodes().into_iter().rfind(|view| view.name == node);
        if known.is_none() && node != here {
            return Ok(false);
        }
        let (actor, subject) = (actor.clone(), node.to_owned());
        let mut entry: Entry = once.map(Write::Once).into_iter().collect();
        entry.push(Write::Audit { at: now, actor, action: "drain-node", subject, reason });
        match self.journal().commit(entry).await {
            Ok(()) | Err(StoreError::Seen) => {}
            Err(error) => return Err(error),
        }
        match known.filter(|_| node != here) {
            Some(view) => hub.ask_to_drain(view.id, now),
            None => hub.told_to_leave().cancel(),
        }
        tracing::warn!(node, "a node is drained on the word of ops");
        Ok(true)
    }

    fn journal(&self) -> &Journal {
        self.0.sales.ledger().journal()
    }

    fn noticed(&self) -> MutexGuard<'_, Noticed> {
        self.0.noticed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Nobody waits for it, least of all while the record is away. What is lost is one point of a chart.
    fn record(&self, entry: Vec<Write>) {
        match self.journal().submit(entry) {
            Ok(pending) => drop(pending),
            Err(error) => tracing::debug!(%error, "a reading was not recorded"),
        }
    }
}

/// What of the history is asked for; checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    from: Timestamp,
    to: Timestamp,
    points: u32,
}

impl Stretch {
    /// The last hour at 600 points, where nothing else is said.
    pub fn new(
        from_ms: Option<i64>,
        to_ms: Option<i64>,
        points: Option<u32>,
        now: Timestamp,
    ) -> Result<Self, OutOfBound> {
        const HOUR: Duration = Duration::from_secs(60 * 60);
        const POINTS: u32 = 600;
        let to = to_ms.map_or(now, Timestamp);
        let from = from_ms.map_or_else(|| to - HOUR, Timestamp);
        if !(1..=now.millis() + CLOCKS_DIFFER_MS).contains(&to.millis()) {
            return Err(OutOfBound::new("toMs", "1 to now"));
        }
        if from.millis() < 0 || from >= to || from + KEPT_FOR < to {
            return Err(OutOfBound::new("fromMs", "before toMs, by a day at most"));
        }
        let points = points.unwrap_or(POINTS);
        if !(1..=POINTS_MAX).contains(&points) {
            return Err(OutOfBound::new("points", format!("1..={POINTS_MAX}")));
        }
        Ok(Self { from, to, points })
    }
}
