//! How long publications take from the lanes to the sockets. A histogram of this program's own: a walk past ten thousand viewers is one
//! addition to it, where the recorder would keep ten thousand samples.

use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use apricot_proto::v1;

use super::meters::DELIVERY_SECONDS;

/// From a tenth of a millisecond to ten seconds, three a decade; above is one bucket more.
pub const BOUNDS_MICROS: [u64; 16] = [
    100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000, 1_000_000,
    2_000_000, 5_000_000, 10_000_000,
];
const LANES: [(v1::Lane, &str); 3] =
    [(v1::Lane::Critical, "critical"), (v1::Lane::State, "state"), (v1::Lane::Chat, "chat")];

static BY_LANE: [Delays; 3] = [const { Delays::new() }; 3];

/// A publication that was put into a lane of this node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Put {
    pub lane: v1::Lane,
    pub at: Instant,
}

struct Delays {
    buckets: [AtomicU64; BOUNDS_MICROS.len() + 1],
    sum_micros: AtomicU64,
}

impl Put {
    /// To so many viewers.
    pub fn reached(self, viewers: u64, now: Instant) {
        if let Some(at) = LANES.iter().position(|(lane, _)| *lane == self.lane) {
            BY_LANE[at].record(now.saturating_duration_since(self.at), viewers);
        }
    }
}

impl Delays {
    const fn new() -> Self {
        Self {
            buckets: [const { AtomicU64::new(0) }; BOUNDS_MICROS.len() + 1],
            sum_micros: AtomicU64::new(0),
        }
    }

    fn record(&self, delay: Duration, count: u64) {
        let micros = u64::try_from(delay.as_micros()).unwrap_or(u64::MAX);
        let bucket = BOUNDS_MICROS.partition_point(|bound| *bound < micros);
        self.buckets[bucket].fetch_add(count, Ordering::Relaxed);
        self.sum_micros.fetch_add(micros.saturating_mul(count), Ordering::Relaxed);
    }

    fn render(&self, lane: &str, text: &mut String) -> std::fmt::Result {
        let mut count = 0;
        for (at, bucket) in self.buckets.iter().enumerate() {
            count += bucket.load(Ordering::Relaxed);
            let bound = BOUNDS_MICROS.get(at).map(|micros| *micros as f64 / 1e6);
            let bound = bound.map_or_else(|| "+Inf".to_owned(), |seconds| seconds.to_string());
            writeln!(text, "{DELIVERY_SECONDS}_bucket{{lane=\"{lane}\",le=\"{bound}\"}} {count}")?;
        }
        let sum = self.sum_micros.load(Ordering::Relaxed) as f64 / 1e6;
        writeln!(text, "{DELIVERY_SECONDS}_sum{{lane=\"{lane}\"}} {sum}")?;
        writeln!(text, "{DELIVERY_SECONDS}_count{{lane=\"{lane}\"}} {count}\n")
    }
}

/// In Prometheus text format.
pub fn render(text: &mut String) -> std::fmt::Result {
    writeln!(text, "# TYPE {DELIVERY_SECONDS} histogram")?;
    LANES.iter().zip(&BY_LANE).try_for_each(|((_, lane), delays)| delays.render(lane, text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_walk_is_one_addition_for_all_it_reached() {
        let delays = Delays::new();
        delays.record(Duration::from_micros(100), 10_000);
        delays.record(Duration::from_millis(3), 2);
        delays.record(Duration::from_secs(60), 1);
        let mut text = String::new();
        delays.render("chat", &mut text).unwrap();
        for line in [
            "_bucket{lane=\"chat\",le=\"0.0001\"} 10000",
            "_bucket{lane=\"chat\",le=\"0.002\"} 10000",
            "_bucket{lane=\"chat\",le=\"0.005\"} 10002",
            "_bucket{lane=\"chat\",le=\"10\"} 10002",
            "_bucket{lane=\"chat\",le=\"+Inf\"} 10003",
            "_sum{lane=\"chat\"} 61.006",
            "_count{lane=\"chat\"} 10003",
        ] {
            assert!(text.contains(&format!("{DELIVERY_SECONDS}{line}\n")), "{line}: {text}");
        }
    }
}
