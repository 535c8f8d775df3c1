//! What a watch found, as JSON, as words, and as plots.

use std::time::Duration;

use serde_json::{Value, json};

use super::{
    WatchOptions,
    speakers::Said,
    viewer::{Counts, Crowd, Totals},
};
use crate::{
    report::{Curve, Page},
    spawn::Usage,
};

/// Readings of processor and memory around the phases: server, client, received.
pub struct Readings {
    pub empty: Usage,
    pub seated: Usage,
    pub before: (Usage, Usage, Totals),
    pub after: (Usage, Usage, Totals),
    pub measured: Duration,
}

pub struct Outcome {
    viewers: u32,
    seed: u64,
    offered: (f64, f64),
    counts: Counts,
    said: Said,
    readings: Readings,
}

pub fn of(options: &WatchOptions, seed: u64, crowd: &Crowd, said: Said, readings: Readings) -> Outcome {
    Outcome {
        viewers: options.viewers,
        seed,
        offered: (options.chat_rate, options.critical_rate),
        counts: crowd.counts.borrow().clone(),
        said,
        readings,
    }
}

impl Outcome {
    /// Nothing on the critical lane may be lost; a closed viewer is not a lost publication, but it is shown.
    pub fn is_clean(&self) -> bool {
        self.critical_lost() == 0
    }

    fn critical_lost(&self) -> u64 {
        let expected = self.said.notices_accepted * u64::from(self.viewers);
        let closed: u64 = self.counts.closes.values().sum();
        let missing = if closed == 0 { expected.saturating_sub(self.counts.critical.count()) } else { 0 };
        self.counts.critical_lost.max(missing)
    }

    fn server_cpu(&self) -> Duration {
        self.readings.after.0.cpu.saturating_sub(self.readings.before.0.cpu)
    }

    fn received(&self) -> Totals {
        let (after, before) = (self.readings.after.2, self.readings.before.2);
        Totals {
            frames: after.frames - before.frames,
            bytes: after.bytes - before.bytes,
            publications: after.publications - before.publications,
        }
    }

    pub fn to_json(&self) -> Value {
        let seconds = self.readings.measured.as_secs_f64().max(0.001);
        let received = self.received();
        let cpu_us = self.server_cpu().as_secs_f64() * 1e6;
        let client_cpu = self.readings.after.1.cpu.saturating_sub(self.readings.before.1.cpu);
        let chat_expected = self.said.chat_accepted * u64::from(self.viewers);
        let chat_delivered = self.counts.chat.count();
        let seated = self.readings.seated.rss_bytes.saturating_sub(self.readings.empty.rss_bytes);
        json!({
            "viewers": self.viewers,
            "seconds": seconds,
            "seed": self.seed,
            "offered": {"chat_per_s": self.offered.0, "critical_per_s": self.offered.1},
            "critical": lane(&self.counts.critical, json!({
                "sent": self.said.notices_accepted,
                "refused": self.said.notices_refused,
                "expected": self.said.notices_accepted * u64::from(self.viewers),
                "lost": self.critical_lost(),
            })),
            "chat": lane(&self.counts.chat, json!({
                "sent": self.said.chat_accepted,
                "refused": self.said.chat_refused,
                "expected": chat_expected,
                "skipped": self.counts.chat_skipped,
                "lost": chat_expected.saturating_sub(chat_delivered + self.counts.chat_skipped),
            })),
            "state": {"delivered": self.counts.state_frames},
            "closes": self.counts.closes,
            "server": {
                "cpu_cores": rounded(cpu_us / 1e6 / seconds),
                "cpu_us_per_delivery": per(cpu_us, received.publications),
                "cpu_us_per_frame": per(cpu_us, received.frames),
                "deliveries_per_s": rounded(received.publications as f64 / seconds),
                "frames_per_s": rounded(received.frames as f64 / seconds),
                "bytes_per_s": rounded(received.bytes as f64 / seconds),
                "rss_mb_empty": rounded(self.readings.empty.rss_bytes as f64 / 1e6),
                "rss_mb_seated": rounded(self.readings.seated.rss_bytes as f64 / 1e6),
                "rss_mb_end": rounded(self.readings.after.0.rss_bytes as f64 / 1e6),
                "rss_kb_per_viewer": per(seated as f64 / 1e3, self.viewers.into()),
            },
            "client": {
                "cpu_cores": rounded(client_cpu.as_secs_f64() / seconds),
                "lag": self.said.lag.to_json(),
            },
        })
    }

    pub fn words(&self) -> String {
        let received = self.received();
        let lanes = [("critical", &self.counts.critical), ("chat", &self.counts.chat)];
        let mut text = String::new();
        for (name, latency) in lanes.into_iter().filter(|(_, latency)| latency.count() > 0) {
            text += &format!(
                "{name:>10} {} deliveries, p50 {:.2} ms, p99 {:.2} ms, p99.9 {:.2} ms\n",
                latency.count(),
                latency.quantile_ms(0.5),
                latency.quantile_ms(0.99),
                latency.quantile_ms(0.999),
            );
        }
        text + &format!(
            "{:>10} {} critical, {} chat lines skipped; {} frames, {:.2} µs of the server's processor each\n",
            "lost",
            self.critical_lost(),
            self.counts.chat_skipped,
            received.frames,
            self.server_cpu().as_secs_f64() * 1e6 / received.frames.max(1) as f64
        )
    }

    pub fn page(&self) -> Page {
        let json = self.to_json();
        let fact = |name: &str, path: &str| {
            (name.to_string(), json.pointer(path).map_or_else(String::new, Value::to_string))
        };
        Page {
            title: format!("Watch: {} viewers", self.viewers),
            facts: vec![
                fact("critical lost", "/critical/lost"),
                fact("chat skipped", "/chat/skipped"),
                fact("server, cores", "/server/cpu_cores"),
                fact("µs per delivery", "/server/cpu_us_per_delivery"),
                fact("KB per viewer", "/server/rss_kb_per_viewer"),
            ],
            curves: vec![
                Curve { name: "critical".into(), points: self.counts.critical.curve() },
                Curve { name: "chat".into(), points: self.counts.chat.curve() },
                Curve { name: "client's own lateness".into(), points: self.said.lag.curve() },
            ],
            series: Vec::new(),
            findings: Vec::new(),
            json: json.clone(),
        }
    }
}

fn lane(latency: &crate::latency::Latency, counts: Value) -> Value {
    let mut lane = counts;
    if let (Value::Object(lane), Value::Object(latency)) = (&mut lane, latency.to_json()) {
        for (key, value) in latency {
            lane.insert(if key == "count" { "delivered".into() } else { key }, value);
        }
    }
    lane
}

fn per(amount: f64, of: u64) -> Option<f64> {
    (of > 0).then(|| rounded(amount / of as f64))
}

fn rounded(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}
