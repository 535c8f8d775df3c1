//! What a node did between two samples, as the contract says it.

use std::collections::HashMap;

use apricot_proto::v1;

use super::meters as process;
use super::sample::{self, Buckets, Sample, between, quantile};
use crate::model::Timestamp;
use crate::room::CloseCode;
use crate::room::meters as room;
use crate::sale::meters as sale;
use crate::store::meters as store;

const MILLION: f64 = 1e6;
const LANES: [(v1::Lane, &str); 3] =
    [(v1::Lane::Critical, "critical"), (v1::Lane::State, "state"), (v1::Lane::Chat, "chat")];

/// Without alerts. `at` is the time of the later one.
pub fn reading(node: &str, before: &Sample, after: &Sample, at: Timestamp) -> v1::OpsReading {
    let over = after.at.saturating_duration_since(before.at);
    let grown = |name: &str| whole(after.sum(name) - before.sum(name));
    let grown_with = |name: &str, label, value: &str| {
        whole(after.with(name, label, value) - before.with(name, label, value))
    };
    let grown_by = |name: &str, label| {
        let earlier = before.by(name, label);
        let since = |(of, count): (String, f64)| {
            let count = whole(count - earlier.get(&of).copied().unwrap_or(0.0));
            (count > 0).then_some((of, count))
        };
        after.by(name, label).into_iter().filter_map(since).collect::<HashMap<String, u64>>()
    };
    let spread = |name: &str, only, unit| {
        quantiles(&between(&before.histogram(name, only), &after.histogram(name, only)), unit)
    };
    let closes = grown_by(room::CLOSES, "code");
    let closed = |code: CloseCode| closes.get(&code.number().to_string()).copied().unwrap_or(0);
    let cpu_seconds = after.sum(process::CPU_SECONDS) - before.sum(process::CPU_SECONDS);
    v1::OpsReading {
        node: node.to_owned(),
        at_ms: at.millis(),
        over_ms: u32::try_from(over.as_millis()).unwrap_or(u32::MAX),
        connections: small(after.sum(room::CONNECTIONS)),
        joins: grown(room::JOINS),
        lanes: LANES
            .into_iter()
            .map(|(lane, name)| v1::LaneReading {
                lane: lane.into(),
                deliveries: grown_with(room::DELIVERIES, "lane", name),
                delay_us: spread(room::DELIVERY_SECONDS, Some(("lane", name)), MILLION),
            })
            .collect(),
        flushes: grown(room::FLUSHES),
        chat_skipped: grown(room::CHAT_SKIPPED),
        writes_blocked: grown(sample::BLOCKED),
        closed_slow: closed(CloseCode::TooSlow),
        closed_other: closes.values().sum::<u64>()
            - closed(CloseCode::TooSlow)
            - closed(CloseCode::ClientClosed),
        holds_granted: grown_with(sale::HOLDS, "outcome", "granted"),
        holds_expired: grown_with(sale::HOLDS, "outcome", "expired"),
        refused: hyphened(grown_by(sale::REFUSED, "rule")),
        orders_paid: grown_with(sale::ORDERS, "stage", "paid"),
        commits: grown(store::COMMITS),
        batch: spread(store::COMMIT_ENTRIES, None, 1.0).map(at_least_one),
        commit_us: spread(store::COMMIT_SECONDS, None, MILLION),
        record_up: after.with(store::UP, "store", "record") > 0.0,
        gate_up: after.with(store::UP, "store", "gate") > 0.0,
        publish_us: spread(room::PUBLISH_SECONDS, None, MILLION),
        pool_in_use: small(after.sum(store::POOL_IN_USE)),
        pool_waiting: small(after.sum(store::POOL_WAITING)),
        payment_events: hyphened(grown_by(sale::PAYMENT_EVENTS, "kind")),
        provider_tasks: grown(sale::TASKS),
        provider_waiting: small(after.sum(sample::WAITING)),
        cpu_ppm: small(cpu_seconds.max(0.0) * MILLION / over.as_secs_f64().max(0.001)),
        memory_bytes: whole(after.sum(process::RESIDENT_MEMORY_BYTES)),
        open_files: small(after.sum(process::OPEN_FDS)),
        alerts: Vec::new(),
        gate_batch: spread(store::GATE_OPERATIONS, None, 1.0).map(at_least_one),
        gate_us: spread(store::GATE_SECONDS, None, MILLION),
        redis_primaries: small(after.sum(store::REDIS_PRIMARIES)),
        redis_replicas: small(after.sum(store::REDIS_REPLICAS)),
        redis_memory_bytes: whole(after.sum(store::REDIS_MEMORY_BYTES)),
        redis_memory_limit_bytes: whole(after.sum(store::REDIS_MEMORY_LIMIT_BYTES)),
        record_connections: small(after.sum(store::RECORD_CONNECTIONS)),
        record_connections_limit: small(after.sum(store::RECORD_CONNECTIONS_LIMIT)),
        record_lock_waits: small(after.sum(store::RECORD_LOCK_WAITS)),
        record_oldest_ms: whole(after.sum(store::RECORD_OLDEST_SECONDS) * 1_000.0),
        record_size_bytes: whole(after.sum(store::RECORD_SIZE_BYTES)),
        record_replicas: small(after.sum(store::RECORD_REPLICAS)),
        record_replica_lag_bytes: whole(after.sum(store::RECORD_REPLICA_LAG_BYTES)),
    }
}

/// As problems are named: "sold-out".
fn hyphened(counts: HashMap<String, u64>) -> HashMap<String, u64> {
    counts.into_iter().map(|(of, count)| (of.replace('_', "-"), count)).collect()
}

/// The first bucket is that of one: nothing lies below it.
fn at_least_one(of: v1::Quantiles) -> v1::Quantiles {
    v1::Quantiles { p50: of.p50.max(1.0), p95: of.p95.max(1.0), p99: of.p99.max(1.0) }
}

fn quantiles(buckets: &Buckets, unit: f64) -> Option<v1::Quantiles> {
    let of = |part| quantile(buckets, part).map(|value| (value * unit * 10.0).round() / 10.0);
    Some(v1::Quantiles { p50: of(0.5)?, p95: of(0.95)?, p99: of(0.99)? })
}

/// Counters only grow, and are below what a float says exactly.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "counts, rounded")]
fn whole(value: f64) -> u64 {
    value.max(0.0).round() as u64
}

fn small(value: f64) -> u32 {
    u32::try_from(whole(value)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn counts_are_of_the_stretch() {
        let began = crate::clock::instant();
        let before = "apricot_deliveries_total{lane=\"chat\"} 100\napricot_orders_refused_total{rule=\"sold-out\"} 3\n\
                      process_cpu_seconds_total 1.5\napricot_closes_total{code=\"4008\"} 1\n";
        let after = "apricot_deliveries_total{lane=\"chat\"} 350\napricot_orders_refused_total{rule=\"sold-out\"} 3\n\
                     apricot_orders_refused_total{rule=\"not_now\"} 2\nprocess_cpu_seconds_total 2.0\n\
                     apricot_closes_total{code=\"4008\"} 3\napricot_closes_total{code=\"1000\"} 7\n\
                     apricot_closes_total{code=\"4014\"} 4\napricot_store_up{store=\"record\"} 1\n\
                     apricot_delivery_seconds_bucket{lane=\"chat\",le=\"0.001\"} 200\n\
                     apricot_delivery_seconds_bucket{lane=\"chat\",le=\"+Inf\"} 200\n\
                     apricot_gate_call_operations_bucket{le=\"1\"} 10\napricot_gate_call_operations_bucket{le=\"4\"} 10\n\
                     apricot_gate_call_operations_bucket{le=\"16\"} 20\napricot_gate_call_operations_bucket{le=\"+Inf\"} 20\n\
                     apricot_gate_call_seconds_bucket{le=\"0.0005\"} 20\napricot_gate_call_seconds_bucket{le=\"+Inf\"} 20\n\
                     apricot_redis_memory_bytes 900\napricot_redis_memory_limit_bytes 1000\n\
                     apricot_redis_primaries 3\napricot_redis_replicas 2\n\
                     apricot_record_connections 12\napricot_record_oldest_transaction_seconds 1.5\n";
        let after = Sample::read(after, began + Duration::from_secs(2));
        let reading = reading("a", &Sample::read(before, began), &after, Timestamp(9));
        assert_eq!((reading.over_ms, reading.cpu_ppm), (2_000, 250_000));
        assert_eq!((reading.closed_slow, reading.closed_other), (2, 4));
        assert_eq!(reading.refused, HashMap::from([("not-now".to_owned(), 2)]));
        assert_eq!((reading.record_up, reading.gate_up), (true, false));
        let [critical, _, chat] = reading.lanes.as_slice() else { panic!("{:?}", reading.lanes) };
        assert_eq!((critical.deliveries, critical.delay_us), (0, None));
        assert_eq!((chat.deliveries, chat.delay_us.map(|delay| delay.p50)), (250, Some(500.0)));
        let (batch, us) = (reading.gate_batch.unwrap(), reading.gate_us.unwrap());
        assert_eq!((batch.p50, batch.p95, us.p50), (1.0, 14.8, 250.0));
        let redis = (reading.redis_primaries, reading.redis_replicas);
        let memory = (reading.redis_memory_bytes, reading.redis_memory_limit_bytes);
        assert_eq!((redis, memory), ((3, 2), (900, 1_000)));
        assert_eq!((reading.record_connections, reading.record_oldest_ms), (12, 1_500));
    }
}
