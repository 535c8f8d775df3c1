//! What should wake somebody. One table: docs/alerts.md says of each kind what to do, the ops page says it in each language, config/alerts.yml
//! has the same ones for Prometheus, and a test compares them.

use std::collections::BTreeMap;
use std::time::Duration;

use apricot_proto::v1::{self, Severity};

use crate::model::Timestamp;

pub struct Rule {
    pub kind: &'static str,
    pub severity: Severity,
    /// More than this is too much.
    pub bound: f64,
    /// For so long before anybody is told.
    pub holds_for: Duration,
    /// What it is about, and how much; nothing where nothing was measured.
    measure: fn(&Facts) -> Vec<(String, f64)>,
}

/// What rules look at.
#[derive(Default)]
pub struct Facts<'a> {
    /// Of the last ten seconds.
    pub reading: v1::OpsReading,
    /// The largest of all currencies, whatever its sign.
    pub imbalance_minor: f64,
    /// Broken rules of the record with their violations.
    pub broken: &'a [(String, u32)],
    pub holds_overdue: u64,
    pub tasks_overdue: u64,
    /// How long the line that waits longest for the public log has waited.
    pub log_waits_s: f64,
    /// Projects whose disclosure clock runs out, each with its day, and since when they are warned of, in days.
    pub disclosures: &'a [(String, f64)],
    /// Names of nodes.
    pub silent: &'a [String],
    pub memory_limit_bytes: Option<f64>,
    pub open_files_max: Option<f64>,
}

const SECOND: Duration = Duration::from_secs(1);
/// Alerts in one reading; the first in the order of the table.
const ALERTS_MAX: usize = 20;
/// Fewer writes in ten seconds say nothing of a share.
const WRITES_MIN: u64 = 100;

/// In the order of what is looked at first.
#[rustfmt::skip]
pub const RULES: [Rule; 18] = [
    Rule::new("record-away", Severity::Critical, 0.0, 3, |facts| yes(!facts.reading.record_up)),
    Rule::new("gate-away", Severity::Critical, 0.0, 3, |facts| yes(!facts.reading.gate_up)),
    Rule::new("rule-broken", Severity::Critical, 0.0, 0, |facts| facts.broken.iter().map(|(rule, violations)| (rule.clone(), f64::from(*violations))).collect()),
    Rule::new("ledger-imbalance", Severity::Critical, 0.0, 3, |facts| of_all(Some(facts.imbalance_minor))),
    Rule::new("commits-slow", Severity::Critical, 250.0, 10, |facts| of_all(p99_ms(facts.reading.commit_us))),
    Rule::new("gate-slow", Severity::Critical, 250.0, 10, |facts| of_all(p99_ms(facts.reading.gate_us))),
    Rule::new("deliveries-slow", Severity::Critical, 500.0, 10, |facts| of_all(p99_ms(delay(facts, v1::Lane::Critical)))),
    Rule::new("chat-slow", Severity::Warning, 2_000.0, 10, |facts| of_all(p99_ms(delay(facts, v1::Lane::Chat)))),
    Rule::new("viewers-slow", Severity::Warning, 5.0, 10, |facts| of_all(percent_blocked(facts))),
    Rule::new("busy", Severity::Critical, 1.0, 10, |facts| of_all(Some(turned_away_per_second(facts)))),
    Rule::new("holds-stuck", Severity::Critical, 0.0, 10, |facts| of_all(Some(facts.holds_overdue as f64))),
    Rule::new("payments-stuck", Severity::Warning, 0.0, 30, |facts| of_all(Some(facts.tasks_overdue as f64))),
    Rule::new("log-behind", Severity::Critical, 60.0, 10, |facts| of_all(Some(facts.log_waits_s))),
    Rule::new("node-silent", Severity::Critical, 0.0, 0, |facts| facts.silent.iter().map(|node| (node.clone(), 1.0)).collect()),
    Rule::new("memory-high", Severity::Warning, 90.0, 30, |facts| of_all(percent(facts.reading.memory_bytes as f64, facts.memory_limit_bytes))),
    Rule::new("redis-memory-high", Severity::Critical, 90.0, 30, |facts| of_all(percent(facts.reading.redis_memory_bytes as f64, Some(facts.reading.redis_memory_limit_bytes as f64)))),
    Rule::new("files-high", Severity::Warning, 90.0, 30, |facts| of_all(percent(facts.reading.open_files.into(), facts.open_files_max))),
    Rule::new("disclosure-due", Severity::Warning, 0.0, 0, |facts| facts.disclosures.to_vec()),
];

impl Rule {
    const fn new(
        kind: &'static str,
        severity: Severity,
        bound: f64,
        holds_for_seconds: u64,
        measure: fn(&Facts) -> Vec<(String, f64)>,
    ) -> Self {
        let holds_for = Duration::from_secs(SECOND.as_secs() * holds_for_seconds);
        Self { kind, severity, bound, holds_for, measure }
    }
}

/// Since when each rule has been passed without a break.
#[derive(Default)]
pub struct Alerts(BTreeMap<(usize, String), Timestamp>);

impl Alerts {
    /// To be called each second. Those that have lasted as long as their rule says.
    pub fn look(&mut self, facts: &Facts, now: Timestamp) -> Vec<v1::OpsAlert> {
        let mut passed = BTreeMap::new();
        let mut alerts = Vec::new();
        for (at, rule) in RULES.iter().enumerate() {
            for (about, value) in (rule.measure)(facts).into_iter().filter(|(_, value)| *value > rule.bound) {
                let key = (at, about);
                let since = self.0.get(&key).copied().unwrap_or(now);
                if since + rule.holds_for <= now && alerts.len() < ALERTS_MAX {
                    alerts.push(v1::OpsAlert {
                        kind: rule.kind.to_owned(),
                        severity: rule.severity.into(),
                        since_ms: since.millis(),
                        value,
                        bound: rule.bound,
                        about: key.1.clone(),
                    });
                }
                passed.insert(key, since);
            }
        }
        self.0 = passed;
        alerts
    }
}

fn of_all(value: Option<f64>) -> Vec<(String, f64)> {
    value.map(|value| (String::new(), value)).into_iter().collect()
}

fn yes(is: bool) -> Vec<(String, f64)> {
    of_all(is.then_some(1.0))
}

fn p99_ms(of: Option<v1::Quantiles>) -> Option<f64> {
    of.map(|of| of.p99 / 1_000.0)
}

fn delay(facts: &Facts, lane: v1::Lane) -> Option<v1::Quantiles> {
    facts.reading.lanes.iter().find(|of| of.lane == i32::from(lane))?.delay_us
}

fn percent_blocked(facts: &Facts) -> Option<f64> {
    let v1::OpsReading { flushes, writes_blocked, .. } = facts.reading;
    (flushes >= WRITES_MIN).then(|| 100.0 * writes_blocked as f64 / flushes as f64)
}

fn turned_away_per_second(facts: &Facts) -> f64 {
    let count = |rule: &str| facts.reading.refused.get(rule).copied().unwrap_or(0);
    let seconds = f64::from(facts.reading.over_ms.max(1)) / 1_000.0;
    (count("busy") + count("not-now")) as f64 / seconds
}

fn percent(value: f64, of: Option<f64>) -> Option<f64> {
    of.filter(|of| *of > 0.0).map(|of| 100.0 * value / of)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::words;
    use super::*;

    fn healthy() -> Facts<'static> {
        let reading =
            v1::OpsReading { over_ms: 10_000, record_up: true, gate_up: true, ..Default::default() };
        Facts { reading, ..Facts::default() }
    }

    fn kinds(alerts: &[v1::OpsAlert]) -> Vec<&str> {
        alerts.iter().map(|alert| alert.kind.as_str()).collect()
    }

    #[test]
    fn an_alert_is_told_when_it_has_lasted_and_ends_at_once() {
        let mut alerts = Alerts::default();
        let slow = || {
            let commit_us = Some(v1::Quantiles { p50: 1.0, p95: 2.0, p99: 300_000.0 });
            let reading = v1::OpsReading { commit_us, ..healthy().reading };
            Facts { reading, ..healthy() }
        };
        let mut at =
            |seconds: u64, facts: &Facts| alerts.look(facts, Timestamp(1_000) + SECOND * seconds as u32);
        assert_eq!(at(0, &slow()), []);
        assert_eq!(at(9, &slow()), []);
        let told = at(10, &slow());
        assert_eq!(kinds(&told), ["commits-slow"]);
        assert_eq!((told[0].since_ms, told[0].value, told[0].bound), (1_000, 300.0, 250.0));
        assert_eq!(at(11, &healthy()), []);
        assert_eq!(at(12, &slow()), [], "it begins anew");
    }

    #[test]
    fn each_rule_has_something_that_raises_it() {
        let slow = Some(v1::Quantiles { p50: 0.0, p95: 0.0, p99: 3e6 });
        let lane = |lane: v1::Lane| v1::LaneReading { lane: lane.into(), deliveries: 1, delay_us: slow };
        let facts = Facts {
            reading: v1::OpsReading {
                over_ms: 10_000,
                lanes: vec![lane(v1::Lane::Critical), lane(v1::Lane::Chat)],
                commit_us: slow,
                gate_us: slow,
                redis_memory_bytes: 95,
                redis_memory_limit_bytes: 100,
                flushes: 1_000,
                writes_blocked: 60,
                refused: [("busy".to_owned(), 9), ("not-now".to_owned(), 2)].into(),
                memory_bytes: 95,
                open_files: 95,
                ..Default::default()
            },
            imbalance_minor: 1.0,
            broken: &[("not_oversold".into(), 2)],
            holds_overdue: 1,
            tasks_overdue: 1,
            log_waits_s: 61.0,
            disclosures: &[("school-lunches, 2026-12-07".into(), 1.5)],
            silent: &["node-2".into()],
            memory_limit_bytes: Some(100.0),
            open_files_max: Some(100.0),
        };
        let mut alerts = Alerts::default();
        let at_once = ["rule-broken", "node-silent", "disclosure-due"];
        assert_eq!(kinds(&alerts.look(&facts, Timestamp(0))), at_once);
        let told = alerts.look(&facts, Timestamp(0) + SECOND * 60);
        assert_eq!(kinds(&told), RULES.iter().map(|rule| rule.kind).collect::<Vec<_>>());
        assert_eq!(told[2].about, "not_oversold");
        assert_eq!((told[17].about.as_str(), told[17].value), ("school-lunches, 2026-12-07", 1.5));
        assert_eq!(Alerts::default().look(&healthy(), Timestamp(0)), []);
    }

    /// Headings of docs/alerts.md, kinds of config/alerts.yml, advice of the ops page in each language, and this table.
    #[test]
    fn the_table_the_pages_and_the_rules_of_prometheus_name_the_same_kinds() {
        let coded: BTreeSet<&str> = RULES.iter().map(|rule| rule.kind).collect();
        let page = include_str!("../../docs/alerts.md");
        let documented: BTreeSet<&str> = page.lines().filter_map(|line| line.strip_prefix("## ")).collect();
        assert_eq!(coded, documented);
        let prometheus = include_str!("../../config/alerts.yml");
        let kinds = prometheus.lines().filter_map(|line| line.trim().strip_prefix("kind: "));
        assert_eq!(coded, kinds.collect());
        for words in words::OF_ALL {
            assert_eq!(words::names_in(words, "alertKinds"), coded);
        }
    }
}
