//! How long something took, always counted from when it was meant to happen, so that a stalled sender cannot hide a stall.

use hdrhistogram::Histogram;
use serde_json::{Value, json};

/// 1 µs to 10 minutes with three digits: some 200 KB.
const LONGEST_US: u64 = 600_000_000;

#[derive(Debug, Clone)]
pub struct Latency {
    histogram: Histogram<u64>,
}

impl Default for Latency {
    fn default() -> Latency {
        let histogram = Histogram::new_with_bounds(1, LONGEST_US, 3);
        Latency { histogram: histogram.expect("bounds are 1..=600,000,000 with 3 digits") }
    }
}

impl Latency {
    pub fn record_us(&mut self, us: u64) {
        self.histogram.saturating_record(us.max(1));
    }

    pub fn clear(&mut self) {
        self.histogram.reset();
    }

    pub fn count(&self) -> u64 {
        self.histogram.len()
    }

    pub fn quantile_ms(&self, quantile: f64) -> f64 {
        self.histogram.value_at_quantile(quantile) as f64 / 1e3
    }

    /// `count`, and `p50_ms`, `p99_ms`, `p999_ms`, `max_ms` (null when nothing was counted).
    pub fn to_json(&self) -> Value {
        let at = |quantile| (self.count() > 0).then(|| self.quantile_ms(quantile));
        json!({
            "count": self.count(),
            "p50_ms": at(0.5),
            "p99_ms": at(0.99),
            "p999_ms": at(0.999),
            "max_ms": at(1.0),
        })
    }

    /// Points of the curve of percentiles: (the quantile, milliseconds), denser towards 1.
    pub fn curve(&self) -> Vec<(f64, f64)> {
        if self.count() == 0 {
            return Vec::new();
        }
        let points = self.histogram.iter_quantiles(4);
        points.map(|point| (point.quantile_iterated_to(), point.value_iterated_to() as f64 / 1e3)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_in_milliseconds() {
        let mut latency = Latency::default();
        assert_eq!(latency.to_json()["p50_ms"], Value::Null);
        for us in 1..=1_000 {
            latency.record_us(us * 1_000);
        }
        let json = latency.to_json();
        assert_eq!(json["count"], 1_000);
        assert!((json["p50_ms"].as_f64().unwrap() - 500.0).abs() < 1.0, "{json}");
        assert!((json["p999_ms"].as_f64().unwrap() - 999.0).abs() < 2.0, "{json}");
        assert!(latency.curve().is_sorted_by_key(|(quantile, _)| (*quantile * 1e9) as u64));
    }
}
