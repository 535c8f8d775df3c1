//! What a rush found, as JSON, as words, and as plots.

use std::{sync::atomic::Ordering::Relaxed, time::Duration};

use serde_json::{Map, Value, json};

use super::{
    board::{Board, TIMELINE_STEP, Tally},
    kills::Restarts,
    plan::Crowd,
    proofs::Proofs,
    recompute::Recomputed,
    settle::TopUp,
};
use crate::{
    checker::{Rule, Verdict},
    history::End,
    report::{Curve, Page, Series},
};

/// The client is taken as saturated when its own lateness shows: the latencies are then the client's, not the server's.
const LAG_P99_MS_MAX: f64 = 10.0;

pub struct Outcome {
    pub crowd: Crowd,
    pub stock: u32,
    pub planned_seconds: f64,
    pub rush_seconds: f64,
    pub client_cpu_seconds: f64,
    pub server_cpu_seconds: Option<f64>,
    pub server_rss_bytes: Option<u64>,
    pub restarts: Restarts,
    pub top_up: TopUp,
    pub tally: Tally,
    pub board: Counts,
    /// From the end of a fault until every node sold again, or answered where nothing was left.
    pub recovered_in: Option<Duration>,
    pub sales_by_node: Vec<u64>,
    pub history_end: Option<End>,
    /// Of a server of our own.
    pub recomputed: Option<Recomputed>,
    pub proofs: Option<Proofs>,
    pub verdict: Verdict,
}

#[derive(Debug, Clone, Copy)]
pub struct Counts {
    retries: u64,
    reconnects: u64,
    given_up: u64,
    refusals_not_kept: u64,
    older_readings: u64,
    still_active: i64,
}

impl Counts {
    pub fn of(board: &Board) -> Counts {
        Counts {
            retries: board.retries.load(Relaxed),
            reconnects: board.reconnects.load(Relaxed),
            given_up: board.given_up.load(Relaxed),
            refusals_not_kept: board.refusals_not_kept.load(Relaxed),
            older_readings: board.older_readings.load(Relaxed),
            still_active: board.active.load(Relaxed),
        }
    }
}

impl Outcome {
    pub fn is_clean(&self) -> bool {
        self.verdict.is_clean()
            && self.recomputed.as_ref().is_none_or(|recomputed| recomputed.differs == 0)
            && self.proofs.as_ref().is_none_or(|proofs| proofs.answered == proofs.asked)
    }

    /// Tries that got no decision: nobody answered, or not now.
    pub fn undecided(&self) -> u64 {
        const UNDECIDED: [&str; 4] = ["busy", "not-now", "record-unavailable", "changed-meanwhile"];
        let refused = self.tally.refused.iter();
        let undecided =
            refused.filter(|(key, _)| key.split(' ').nth(1).is_some_and(|kind| UNDECIDED.contains(&kind)));
        undecided.map(|(_, count)| count).sum::<u64>() + self.board.retries
    }

    pub fn to_json(&self) -> Value {
        let mut keys: Map<String, Value> = self.verdict.to_json();
        let findings = keys.remove("findings");
        let checked = keys.remove("checked");
        let tally = &self.tally;
        let attempts = self.crowd.attempts;
        let lag_p99_ms = tally.lag.quantile_ms(0.99);
        let rest = json!({
            "won": tally.won.to_json(),
            "sold_out": tally.sold_out.to_json(),
            "accepted_per_s": rounded(tally.accepted_per_s()),
            "answers_per_s": rounded((tally.won.count() + tally.sold_out.count()) as f64 / self.rush_seconds),
            "seed": self.crowd.seed,
            "stock": self.stock,
            "arrivals": attempts,
            "connections": self.crowd.buyers,
            "limit_per_buyer": self.crowd.limit_per_buyer,
            "offered_per_s": rounded(f64::from(attempts) / self.planned_seconds.max(0.001)),
            "rush_seconds": rounded(self.rush_seconds),
            "won_over_rest": tally.won_over_rest.to_json(),
            "sold_out_over_rest": tally.sold_out_over_rest.to_json(),
            "paying": tally.paying.to_json(),
            "waiting": tally.waiting,
            "refused": tally.refused,
            "close_codes": tally.close_codes,
            "retries": self.board.retries,
            "reconnects": self.board.reconnects,
            "given_up": self.board.given_up,
            "unfinished": self.board.still_active,
            "older_counter_readings": self.board.older_readings,
            "refusals_not_kept": self.board.refusals_not_kept,
            "nodes": self.sales_by_node.len(),
            "accepted_by_node": self.sales_by_node,
            "kills": self.restarts.until_ready.count(),
            "restart": self.restarts.until_ready.to_json(),
            "top_up": self.top_up.to_json(),
            "client": {
                "saturated": lag_p99_ms > LAG_P99_MS_MAX,
                "lag": tally.lag.to_json(),
                "cpu_cores": rounded(self.client_cpu_seconds / self.rush_seconds),
            },
            "server": {
                "cpu_cores": self.server_cpu_seconds.map(|cpu| rounded(cpu / self.rush_seconds)),
                "rss_mb": self.server_rss_bytes.map(|bytes| rounded(bytes as f64 / 1e6)),
            },
            "end": self.history_end,
            "checked": checked,
            "findings": findings,
        });
        if let Some(recomputed) = &self.recomputed {
            keys.insert("recomputed_total_differs".into(), recomputed.differs.into());
            keys.insert(
                "log".into(),
                json!({ "leaves": recomputed.leaves, "examples": recomputed.examples }),
            );
        }
        if let Some(proofs) = &self.proofs {
            keys.insert("proofs".into(), proofs.to_json());
        }
        if let Value::Object(rest) = rest {
            keys.extend(rest);
        }
        Value::Object(keys)
    }

    /// For people, on stderr.
    pub fn words(&self) -> String {
        let mut text = String::new();
        for rule in Rule::ALL {
            text += &format!("{:>15} {}\n", rule.key(), self.verdict.count(rule));
        }
        if let Some(recomputed) = &self.recomputed {
            text +=
                &format!("{:>15} {} of {} leaves\n", "log differs", recomputed.differs, recomputed.leaves);
            for example in &recomputed.examples {
                text += &format!("  {example}\n");
            }
        }
        if let Some(proofs) = &self.proofs {
            let (p50, p99) = (proofs.latency.quantile_ms(0.5), proofs.latency.quantile_ms(0.99));
            text += &format!(
                "{:>15} {:.0} a second of {} leaves, p50 {p50:.2} ms, p99 {p99:.2} ms\n",
                "proofs",
                proofs.per_s(),
                proofs.leaves
            );
        }
        for finding in self.verdict.findings.iter().take(20) {
            text += &format!("  {finding}\n");
        }
        let tally = &self.tally;
        for (name, latency) in [("won", &tally.won), ("sold out", &tally.sold_out)] {
            if latency.count() > 0 {
                text += &format!(
                    "{name:>15} {} answers, p50 {:.2} ms, p99 {:.2} ms, p99.9 {:.2} ms\n",
                    latency.count(),
                    latency.quantile_ms(0.5),
                    latency.quantile_ms(0.99),
                    latency.quantile_ms(0.999),
                );
            }
        }
        text += &format!(
            "{:>15} {:.0} units a second; the client itself was late by {:.2} ms (p99)\n",
            "accepted",
            tally.accepted_per_s(),
            tally.lag.quantile_ms(0.99)
        );
        text
    }

    pub fn page(&self) -> Page {
        let tally = &self.tally;
        let step = TIMELINE_STEP.as_secs_f64();
        let column = |name: &str, column: usize| Series {
            name: name.into(),
            points: (0..)
                .zip(&tally.timeline)
                .map(|(index, counts)| (f64::from(index) * step, f64::from(counts[column]) / step))
                .collect(),
        };
        let curve = |name: &str, latency: &crate::latency::Latency| Curve {
            name: name.into(),
            points: latency.curve(),
        };
        Page {
            title: format!("Rush: {} wishes for {} units", self.crowd.attempts, self.stock),
            facts: Rule::ALL
                .into_iter()
                .map(|rule| (rule.key().to_string(), self.verdict.count(rule).to_string()))
                .chain([
                    ("seed".into(), self.crowd.seed.to_string()),
                    ("connections".into(), self.crowd.buyers.to_string()),
                    ("accepted a second".into(), format!("{:.0}", tally.accepted_per_s())),
                    ("client late, p99".into(), format!("{:.2} ms", tally.lag.quantile_ms(0.99))),
                    ("kills".into(), self.restarts.until_ready.count().to_string()),
                ])
                .collect(),
            curves: vec![
                curve("won", &tally.won),
                curve("sold out", &tally.sold_out),
                curve("client's own lateness", &tally.lag),
            ],
            series: vec![column("wishes", 0), column("won", 1), column("sold out", 2)],
            findings: self.verdict.findings.iter().map(ToString::to_string).collect(),
            json: self.to_json(),
            ..Page::default()
        }
    }
}

fn rounded(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}
