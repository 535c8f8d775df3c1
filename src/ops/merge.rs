//! A day of readings on a chart: several of a node become one.

use std::collections::BTreeMap;

use apricot_proto::v1;

use crate::model::Timestamp;

/// Readings are kept of so much at a time.
pub const STEP_MS: u64 = 10_000;

/// Gathers readings, oldest first, into stretches of equal length.
pub struct Merged {
    from: Timestamp,
    step_ms: i64,
    by_stretch: BTreeMap<(i64, String), v1::OpsReading>,
}

impl Merged {
    /// At most `points` stretches lie between the two.
    pub fn new(from: Timestamp, to: Timestamp, points: u32) -> Self {
        let span_ms = (to.millis() - from.millis()).max(1).unsigned_abs();
        let step_ms = span_ms.div_ceil(points.max(1).into()).div_ceil(STEP_MS) * STEP_MS;
        let step_ms = i64::try_from(step_ms).unwrap_or(i64::MAX);
        Self { from, step_ms, by_stretch: BTreeMap::new() }
    }

    pub fn add(&mut self, reading: v1::OpsReading) {
        // A reading ends at its time, and belongs to the stretch that it ends in.
        let stretch = (reading.at_ms - self.from.millis() - 1).div_euclid(self.step_ms);
        match self.by_stretch.entry((stretch, reading.node.clone())) {
            std::collections::btree_map::Entry::Vacant(slot) => drop(slot.insert(reading)),
            std::collections::btree_map::Entry::Occupied(mut slot) => merge(slot.get_mut(), reading),
        }
    }

    pub fn into_history(self) -> v1::OpsHistory {
        let step_ms = u32::try_from(self.step_ms).unwrap_or(u32::MAX);
        v1::OpsHistory { readings: self.by_stretch.into_values().collect(), step_ms }
    }
}

/// Counts are added; of what stands at one time, and of quantiles, the highest is kept; a store that was away once was away.
fn merge(into: &mut v1::OpsReading, later: v1::OpsReading) {
    let (ms_before, ms_later) = (u64::from(into.over_ms), u64::from(later.over_ms));
    let cpu = u64::from(into.cpu_ppm) * ms_before + u64::from(later.cpu_ppm) * ms_later;
    into.cpu_ppm = u32::try_from(cpu / (ms_before + ms_later).max(1)).unwrap_or(u32::MAX);
    into.at_ms = later.at_ms;
    into.over_ms = into.over_ms.saturating_add(later.over_ms);
    for (count, more) in [
        (&mut into.joins, later.joins),
        (&mut into.flushes, later.flushes),
        (&mut into.chat_skipped, later.chat_skipped),
        (&mut into.writes_blocked, later.writes_blocked),
        (&mut into.closed_slow, later.closed_slow),
        (&mut into.closed_other, later.closed_other),
        (&mut into.holds_granted, later.holds_granted),
        (&mut into.holds_expired, later.holds_expired),
        (&mut into.orders_paid, later.orders_paid),
        (&mut into.commits, later.commits),
        (&mut into.provider_tasks, later.provider_tasks),
    ] {
        *count = count.saturating_add(more);
    }
    for (high, other) in [
        (&mut into.connections, later.connections),
        (&mut into.pool_in_use, later.pool_in_use),
        (&mut into.pool_waiting, later.pool_waiting),
        (&mut into.provider_waiting, later.provider_waiting),
        (&mut into.open_files, later.open_files),
        (&mut into.redis_primaries, later.redis_primaries),
        (&mut into.redis_replicas, later.redis_replicas),
        (&mut into.record_connections, later.record_connections),
        (&mut into.record_connections_limit, later.record_connections_limit),
        (&mut into.record_lock_waits, later.record_lock_waits),
        (&mut into.record_replicas, later.record_replicas),
    ] {
        *high = other.max(*high);
    }
    for (high, other) in [
        (&mut into.memory_bytes, later.memory_bytes),
        (&mut into.redis_memory_bytes, later.redis_memory_bytes),
        (&mut into.redis_memory_limit_bytes, later.redis_memory_limit_bytes),
        (&mut into.record_oldest_ms, later.record_oldest_ms),
        (&mut into.record_size_bytes, later.record_size_bytes),
        (&mut into.record_replica_lag_bytes, later.record_replica_lag_bytes),
    ] {
        *high = other.max(*high);
    }
    (into.record_up, into.gate_up) = (into.record_up && later.record_up, into.gate_up && later.gate_up);
    for (counts, more) in
        [(&mut into.refused, later.refused), (&mut into.payment_events, later.payment_events)]
    {
        for (of, count) in more {
            *counts.entry(of).or_default() += count;
        }
    }
    for (spread, other) in [
        (&mut into.batch, later.batch),
        (&mut into.commit_us, later.commit_us),
        (&mut into.publish_us, later.publish_us),
        (&mut into.gate_batch, later.gate_batch),
        (&mut into.gate_us, later.gate_us),
    ] {
        *spread = highest(*spread, other);
    }
    for lane in later.lanes {
        match into.lanes.iter_mut().find(|known| known.lane == lane.lane) {
            Some(known) => {
                known.deliveries = known.deliveries.saturating_add(lane.deliveries);
                known.delay_us = highest(known.delay_us, lane.delay_us);
            }
            None => into.lanes.push(lane),
        }
    }
    for alert in later.alerts {
        match into.alerts.iter_mut().find(|known| known.kind == alert.kind && known.about == alert.about) {
            Some(known) => known.value = known.value.max(alert.value),
            None => into.alerts.push(alert),
        }
    }
}

fn highest(one: Option<v1::Quantiles>, other: Option<v1::Quantiles>) -> Option<v1::Quantiles> {
    match (one, other) {
        (Some(one), Some(other)) => Some(v1::Quantiles {
            p50: one.p50.max(other.p50),
            p95: one.p95.max(other.p95),
            p99: one.p99.max(other.p99),
        }),
        (one, other) => one.or(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(node: &str, at_ms: i64, joins: u64, p99: f64) -> v1::OpsReading {
        v1::OpsReading {
            node: node.into(),
            at_ms,
            over_ms: 10_000,
            joins,
            connections: 3,
            cpu_ppm: 100_000,
            record_up: true,
            commit_us: (p99 > 0.0).then_some(v1::Quantiles { p50: 1.0, p95: 2.0, p99 }),
            refused: [("sold-out".to_owned(), joins)].into(),
            ..Default::default()
        }
    }

    #[test]
    fn counts_are_added_and_the_highest_quantile_is_kept() {
        let mut merged = Merged::new(Timestamp(0), Timestamp(120_000), 4);
        assert_eq!(merged.step_ms, 30_000);
        for (at, joins, p99) in [(10_000, 1, 0.0), (20_000, 2, 9.0), (30_000, 3, 4.0), (40_000, 4, 0.0)] {
            merged.add(reading("a", at, joins, p99));
        }
        merged.add(reading("b", 10_000, 7, 0.0));
        let v1::OpsHistory { readings, step_ms } = merged.into_history();
        assert_eq!(step_ms, 30_000);
        let shown: Vec<_> =
            readings.iter().map(|it| (it.node.as_str(), it.at_ms, it.over_ms, it.joins)).collect();
        assert_eq!(shown, [("a", 30_000, 30_000, 6), ("b", 10_000, 10_000, 7), ("a", 40_000, 10_000, 4)]);
        assert_eq!(readings[0].commit_us.map(|it| it.p99), Some(9.0));
        assert_eq!(
            (readings[0].connections, readings[0].cpu_ppm, readings[0].refused["sold-out"]),
            (3, 100_000, 6)
        );
    }

    #[test]
    fn there_are_never_more_points_than_asked_for() {
        for (span, points) in
            [(3_600_000, 600), (86_400_000, 600), (86_400_000, 2_000), (95_000, 3), (1, 1), (605_000, 60)]
        {
            let mut merged = Merged::new(Timestamp(0), Timestamp(span), points);
            (1..=span / 10_000).for_each(|at| merged.add(reading("a", at * 10_000, 1, 0.0)));
            merged.add(reading("a", span, 1, 0.0));
            let count = merged.into_history().readings.len();
            assert!(count <= points as usize, "{span} {points}: {count}");
        }
    }
}
