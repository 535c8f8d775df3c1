//! All meters at one instant: the text of `/metrics`, read back. What is shown to people and what Prometheus gets are one and the same.

use std::collections::HashMap;
use std::time::Instant;

use super::meters as process;
use crate::ledger::meters as ledger;
use crate::room::meters as room;
use crate::sale::meters as sale;
use crate::store::meters as store;

/// By the sandbox, which knows no other layer.
const EVENTS_WAITING: &str = "apricot_sandbox_events_waiting";
/// By the shards.
const WRITES_BLOCKED: &str = "apricot_writes_blocked_total";

/// What of it is kept. Histograms by the name before `_bucket`.
const KEPT: [&str; 41] = [
    room::CONNECTIONS,
    room::JOINS,
    room::FLUSHES,
    room::DELIVERIES,
    room::DELIVERY_SECONDS,
    room::CHAT_SKIPPED,
    room::CLOSES,
    room::PUBLISH_SECONDS,
    WRITES_BLOCKED,
    sale::ORDERS,
    sale::REFUSED,
    sale::HOLDS,
    sale::PAYMENT_EVENTS,
    sale::TASKS,
    store::COMMITS,
    store::COMMIT_ENTRIES,
    store::COMMIT_SECONDS,
    store::POOL_IN_USE,
    store::POOL_WAITING,
    store::GATE_OPERATIONS,
    store::GATE_SECONDS,
    store::REDIS_PRIMARIES,
    store::REDIS_REPLICAS,
    store::REDIS_MEMORY_BYTES,
    store::REDIS_MEMORY_LIMIT_BYTES,
    store::RECORD_CONNECTIONS,
    store::RECORD_CONNECTIONS_LIMIT,
    store::RECORD_LOCK_WAITS,
    store::RECORD_OLDEST_SECONDS,
    store::RECORD_SIZE_BYTES,
    store::RECORD_REPLICAS,
    store::RECORD_REPLICA_LAG_BYTES,
    store::UP,
    ledger::IMBALANCE,
    process::CPU_SECONDS,
    process::RESIDENT_MEMORY_BYTES,
    process::OPEN_FDS,
    process::MAX_FDS,
    process::MEMORY_LIMIT_BYTES,
    process::NODES_SILENT,
    EVENTS_WAITING,
];

#[derive(Debug)]
pub struct Sample {
    pub at: Instant,
    series: HashMap<&'static str, Vec<Series>>,
}

#[derive(Debug)]
struct Series {
    labels: Vec<(String, String)>,
    value: f64,
}

/// Samples of a histogram by the upper bound of their bucket, those below it too.
pub type Buckets = Vec<(f64, f64)>;

impl Sample {
    pub fn read(text: &str, at: Instant) -> Self {
        let mut series: HashMap<&'static str, Vec<Series>> = HashMap::new();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let Some((name, value)) = line.rsplit_once(' ') else { continue };
            let (name, labels) = name.split_once('{').unwrap_or((name, ""));
            let name = name.strip_suffix("_bucket").unwrap_or(name);
            let Some(name) = KEPT.into_iter().find(|kept| *kept == name) else { continue };
            if let Ok(value) = value.parse() {
                let labels = read_labels(labels.trim_end_matches('}'));
                series.entry(name).or_default().push(Series { labels, value });
            }
        }
        Self { at, series }
    }

    /// Over all labels.
    pub fn sum(&self, name: &str) -> f64 {
        self.all(name).map(|series| series.value).sum()
    }

    /// `None`: it is not measured here.
    pub fn first(&self, name: &str) -> Option<f64> {
        self.all(name).next().map(|series| series.value)
    }

    /// The sum of those with this label.
    pub fn with(&self, name: &str, label: &str, value: &str) -> f64 {
        self.all(name).filter(|series| series.label(label) == Some(value)).map(|series| series.value).sum()
    }

    /// Values by one of their labels.
    pub fn by(&self, name: &str, label: &str) -> HashMap<String, f64> {
        let mut sums = HashMap::new();
        for series in self.all(name) {
            if let Some(of) = series.label(label) {
                *sums.entry(of.to_owned()).or_default() += series.value;
            }
        }
        sums
    }

    /// `only`: a label and its value.
    pub fn histogram(&self, name: &str, only: Option<(&str, &str)>) -> Buckets {
        let of = self
            .all(name)
            .filter(|series| only.is_none_or(|(label, value)| series.label(label) == Some(value)));
        let mut buckets: Buckets = of
            .filter_map(|series| {
                let bound = series.label("le")?;
                Some((if bound == "+Inf" { f64::INFINITY } else { bound.parse().ok()? }, series.value))
            })
            .collect();
        buckets.sort_by(|one, other| one.0.total_cmp(&other.0));
        buckets
    }

    fn all(&self, name: &str) -> impl Iterator<Item = &Series> {
        self.series.get(name).into_iter().flatten()
    }
}

impl Series {
    fn label(&self, name: &str) -> Option<&str> {
        self.labels.iter().find(|(label, _)| label == name).map(|(_, value)| value.as_str())
    }
}

/// What is read of is counted, and in which order: what of the text of one histogram lies between two samples.
pub fn between(before: &Buckets, after: &Buckets) -> Buckets {
    let counted = |bound: f64| before.iter().find(|(of, _)| *of == bound).map_or(0.0, |(_, count)| *count);
    after.iter().map(|(bound, count)| (*bound, (count - counted(*bound)).max(0.0))).collect()
}

/// The value that this part of the samples does not pass, as if they lay evenly in their bucket. `None`: there are none.
pub fn quantile(buckets: &Buckets, part: f64) -> Option<f64> {
    let total = buckets.last().map(|(_, count)| *count).filter(|total| *total > 0.0)?;
    let rank = part * total;
    let (mut bound_below, mut count_below) = (0.0, 0.0);
    for (bound, count) in buckets {
        if *count >= rank && *count > count_below {
            // Of what lies above all bounds nothing more is known.
            let width = if bound.is_finite() { bound - bound_below } else { 0.0 };
            return Some(bound_below + width * (rank - count_below) / (count - count_below));
        }
        if bound.is_finite() {
            (bound_below, count_below) = (*bound, *count);
        }
    }
    Some(bound_below)
}

pub const WAITING: &str = EVENTS_WAITING;
pub const BLOCKED: &str = WRITES_BLOCKED;

/// Values of ours have no quotes and no commas in them.
fn read_labels(text: &str) -> Vec<(String, String)> {
    let pairs = text.split(',').filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (name.to_owned(), value.trim_matches('"').to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# TYPE apricot_joins_total counter
apricot_joins_total{recovery=\"fresh\"} 5
apricot_joins_total{recovery=\"lost\"} 2

apricot_http_requests_total{method=\"GET\",route=\"/v1/rooms\"} 9
apricot_journal_commit_seconds_bucket{le=\"0.001\"} 10
apricot_journal_commit_seconds_bucket{le=\"0.002\"} 30
apricot_journal_commit_seconds_bucket{le=\"+Inf\"} 40
apricot_journal_commit_seconds_sum 1.5
apricot_journal_commit_seconds_count 40
";

    fn sample(text: &str) -> Sample {
        Sample::read(text, crate::clock::instant())
    }

    #[test]
    fn what_is_asked_for_is_found() {
        let sample = sample(TEXT);
        assert_eq!(sample.sum(room::JOINS), 7.0);
        assert_eq!(sample.with(room::JOINS, "recovery", "lost"), 2.0);
        assert_eq!(sample.by(room::JOINS, "recovery")["fresh"], 5.0);
        assert_eq!((sample.first(room::CONNECTIONS), sample.sum(room::CONNECTIONS)), (None, 0.0));
        assert_eq!(sample.series.len(), 2);
    }

    #[test]
    fn quantiles_lie_evenly_in_their_bucket() {
        let buckets = sample(TEXT).histogram(store::COMMIT_SECONDS, None);
        assert_eq!(buckets, [(0.001, 10.0), (0.002, 30.0), (f64::INFINITY, 40.0)]);
        assert_eq!(quantile(&buckets, 0.125), Some(0.000_5));
        assert_eq!(quantile(&buckets, 0.5), Some(0.001_5));
        assert_eq!(quantile(&buckets, 0.99), Some(0.002), "above all bounds");
        let since = between(&vec![(0.001, 10.0), (0.002, 10.0), (f64::INFINITY, 10.0)], &buckets);
        assert_eq!(since, [(0.001, 0.0), (0.002, 20.0), (f64::INFINITY, 30.0)]);
        assert_eq!(quantile(&since, 0.5), Some(0.001_75));
        assert_eq!(quantile(&between(&buckets, &buckets), 0.5), None);
        assert_eq!(quantile(&Vec::new(), 0.5), None);
    }
}
