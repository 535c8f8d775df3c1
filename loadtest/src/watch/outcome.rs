//! What a watch found, as JSON, as words, and as plots.

use std::{collections::BTreeMap, time::Duration};

use serde_json::{Value, json};

use super::WatchOptions;
use crate::{
    crowd::{
        Comings,
        tally::{LaneTally, Tally},
    },
    latency::Latency,
    pin::{self, Cores},
    report::{Curve, Page},
    spawn::{Kind, StoresUsage},
    usage::{KernelMemory, Usage},
};

/// Readings at one instant: processor time, memory, and what had been received.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    pub at_us: u64,
    pub server: Usage,
    /// Of nodes that share them.
    pub stores: Option<StoresUsage>,
    pub client: Usage,
    pub frames: u64,
    pub bytes: u64,
    pub publications: u64,
}

#[derive(Debug, Clone, Copy)]
pub struct Memory {
    pub server: Usage,
    pub kernel: KernelMemory,
}

/// What was said in the measured time.
pub struct Said {
    pub before: Moment,
    pub after: Moment,
    pub critical: Lane,
    pub chat: Lane,
    /// From the intended to the actual sending.
    pub lag: Latency,
    /// Not said, because the speaker's socket was gone.
    pub unsent: u64,
    pub stalls: u64,
}

#[derive(Debug, Clone, Copy, Default)]
pub struct Lane {
    pub sent: u64,
    pub refused: u64,
    pub expected: u64,
}

impl Said {
    pub fn between(before: Moment, after: Moment) -> Said {
        let (critical, chat) = (Lane::default(), Lane::default());
        Said { before, after, critical, chat, lag: Latency::default(), unsent: 0, stalls: 0 }
    }

    pub fn nothing(moment: Moment) -> Said {
        Said::between(moment, moment)
    }

    fn seconds(&self) -> f64 {
        (self.after.at_us - self.before.at_us) as f64 / 1e6
    }

    fn publications(&self) -> u64 {
        self.after.publications - self.before.publications
    }

    fn server_cpu(&self) -> Duration {
        self.after.server.cpu.saturating_sub(self.before.server.cpu)
    }

    /// The part of the time that the server, then the load, was ready to run and others had its core.
    fn waited(&self) -> Option<(f64, f64)> {
        let share = |before: Usage, after: Usage| {
            after.waited.saturating_sub(before.waited).as_secs_f64() / self.seconds()
        };
        let shares =
            (share(self.before.server, self.after.server), share(self.before.client, self.after.client));
        (self.seconds() > 0.0).then_some(shares)
    }

    /// A second, over the measured time; `null` without a shared Redis.
    fn redis(&self) -> Value {
        let (Some(before), Some(after)) = (self.before.stores, self.after.stores) else { return Value::Null };
        let seconds = self.seconds();
        if seconds == 0.0 {
            return Value::Null;
        }
        let cpu = after.redis.cpu.saturating_sub(before.redis.cpu).as_secs_f64();
        json!({
            "commands_per_s": rounded((after.redis_commands - before.redis_commands) as f64 / seconds),
            "cpu_cores": rounded(cpu / seconds),
        })
    }

    fn client_cores(&self) -> Option<f64> {
        let cpu = self.after.client.cpu.saturating_sub(self.before.client.cpu);
        (self.seconds() > 0.0).then(|| cpu.as_secs_f64() / self.seconds())
    }
}

pub struct Outcome {
    pub options: WatchOptions,
    pub seed: u64,
    pub cores: Option<Cores>,
    pub joining: Duration,
    pub empty: Memory,
    pub seated: Memory,
    pub end: Memory,
    pub said: Said,
    pub comings: Comings,
    pub closes: BTreeMap<String, u64>,
    pub turns: Latency,
    pub sockets: u64,
    pub tally: Tally,
    /// The same with one of the nodes.
    pub one_node: Option<Box<Outcome>>,
}

/// A client later than this on its own account makes latencies upper bounds.
const LATE_MS: f64 = 10.0;
const BUSY_CORES: f64 = 0.9;
/// Above this the machine was not ours alone.
const CROWDED_CORES: f64 = 0.1;

impl Outcome {
    /// Nothing on the critical lane may be lost or come twice; a closed viewer is not a lost publication, but it is shown.
    pub fn is_clean(&self) -> bool {
        let alone_too = self.one_node.as_ref().is_none_or(|alone| alone.is_clean());
        self.critical_lost() == 0 && self.tally.repeated == 0 && alone_too
    }

    fn critical_lost(&self) -> u64 {
        let delivered = self.tally.critical.latency.count();
        let missing = self.said.critical.expected.saturating_sub(delivered);
        self.tally.missed.max(if self.closes.is_empty() { missing } else { 0 })
    }

    fn chat_lost(&self) -> u64 {
        self.said.chat.expected.saturating_sub(self.tally.chat.latency.count() + self.tally.skipped)
    }

    fn is_saturated(&self) -> bool {
        let late = |latency: &Latency| latency.count() > 0 && latency.quantile_ms(0.99) > LATE_MS;
        late(&self.said.lag)
            || late(&self.turns)
            || !self.options.spin && self.said.client_cores().is_some_and(|cores| cores > BUSY_CORES)
    }

    fn kind(&self) -> Kind {
        self.options.server.spawn.unwrap_or(Kind::Apricot)
    }

    pub fn to_json(&self) -> Value {
        let said = &self.said;
        let seconds = said.seconds();
        let deliveries = said.publications();
        let cpu_us = said.server_cpu().as_secs_f64() * 1e6;
        let bytes = said.after.bytes - said.before.bytes;
        let grown = |from: u64, to: u64| per(to.saturating_sub(from) as f64, self.sockets);
        json!({
            "server_kind": self.kind().name(),
            "viewers": self.options.viewers,
            "rooms": self.options.rooms,
            "in_flight": self.options.in_flight,
            "seconds": rounded(seconds),
            "seed": self.seed,
            "pinned": pin::to_json(self.cores),
            "subprotocol": if self.options.json_subprotocol { "apricot.v1.json" } else { "apricot.v1.proto" },
            "tls": self.options.tls,
            "deflate": {"offered": self.options.deflate, "agreed": self.tally.deflating > 0},
            "deliveries_per_s": (seconds > 0.0).then(|| rounded(deliveries as f64 / seconds)),
            "cpu_us_per_delivery": per(cpu_us, deliveries),
            "lost": self.critical_lost() + self.chat_lost(),
            "skipped": self.tally.skipped,
            "lanes": {
                "critical": lane(said.critical, &self.tally.critical, self.critical_lost()),
                "chat": lane(said.chat, &self.tally.chat, self.chat_lost()),
            },
            "rss_bytes_per_viewer": grown(self.empty.server.rss_bytes, self.seated.server.rss_bytes),
            "kernel_bytes_per_viewer": grown(self.empty.kernel.bytes, self.seated.kernel.bytes),
            "wire_bytes_per_delivery": per(bytes as f64, deliveries),
            "deliveries_per_frame": per(deliveries as f64, said.after.frames - said.before.frames),
            "joins_per_s": rounded(self.comings.joined as f64 / self.joining.as_secs_f64().max(1e-6)),
            "joins": joins(&self.comings, &self.options),
            "missed": self.tally.missed,
            "repeated": self.tally.repeated,
            "state_delivered": self.tally.state,
            "unsent": said.unsent,
            "stalls": said.stalls,
            "refused": self.tally.refused,
            "closes": self.closes,
            "server": {
                "cpu_cores": (seconds > 0.0).then(|| rounded(cpu_us / 1e6 / seconds)),
                "waited_cores": said.waited().map(|(server, _)| rounded(server)),
                "rss_bytes_empty": self.empty.server.rss_bytes,
                "rss_bytes_seated": self.seated.server.rss_bytes,
                "rss_bytes_end": self.end.server.rss_bytes,
            },
            "nodes": self.options.server.scale.nodes,
            "redis": said.redis(),
            "over_one_node": self.over_one_node(),
            "one_node": self.one_node.as_ref().map(|alone| alone.to_json()),
            "client": {
                "cpu_cores": said.client_cores().map(rounded),
                "waited_cores": said.waited().map(|(_, client)| rounded(client)),
                "spins": self.options.spin,
                "lag": said.lag.to_json(),
                "turns": self.turns.to_json(),
                "saturated": self.is_saturated(),
            },
        })
    }

    /// How much later the slowest hundredth came, than with all viewers on one node.
    fn over_one_node(&self) -> Value {
        let Some(alone) = &self.one_node else { return Value::Null };
        let p99 = |lane: &Latency| lane.quantile_ms(0.99);
        let lane = |here: &LaneTally, alone: &LaneTally| {
            json!({
                "p99_ms": rounded(p99(&here.latency) - p99(&alone.latency)),
                "across_p99_ms": rounded(p99(&here.across) - p99(&alone.latency)),
            })
        };
        json!({
            "critical": lane(&self.tally.critical, &alone.tally.critical),
            "chat": lane(&self.tally.chat, &alone.tally.chat),
        })
    }

    pub fn words(&self) -> String {
        let json = self.to_json();
        let shown = |path: &str| json.pointer(path).map_or_else(String::new, Value::to_string);
        let mut text = format!(
            "{:>10} {} sockets joined, {}/s; {} B of memory each\n",
            self.kind().name(),
            self.comings.joined,
            shown("/joins_per_s"),
            shown("/rss_bytes_per_viewer")
        );
        let lanes = [("critical", &self.tally.critical), ("chat", &self.tally.chat)];
        for (name, lane) in lanes.into_iter().filter(|(_, lane)| lane.latency.count() > 0) {
            text += &format!(
                "{name:>10} {} deliveries, p50 {:.2} ms, p99 {:.2} ms, p99.9 {:.2} ms; to the last viewer p99 {:.2} ms\n",
                lane.latency.count(),
                lane.latency.quantile_ms(0.5),
                lane.latency.quantile_ms(0.99),
                lane.latency.quantile_ms(0.999),
                lane.to_the_last().quantile_ms(0.99),
            );
        }
        if self.one_node.is_some() {
            text += &format!(
                "{:>10} p99 over the same on one node: critical {} ms, chat {} ms; across nodes {} and {} ms; Redis {} commands/s\n",
                "nodes",
                shown("/over_one_node/critical/p99_ms"),
                shown("/over_one_node/chat/p99_ms"),
                shown("/over_one_node/critical/across_p99_ms"),
                shown("/over_one_node/chat/across_p99_ms"),
                shown("/redis/commands_per_s")
            );
        }
        if self.said.publications() > 0 {
            text += &format!(
                "{:>10} {} deliveries/s, {} µs of the server's processor each; {} lost, {} skipped\n",
                "cost",
                shown("/deliveries_per_s"),
                shown("/cpu_us_per_delivery"),
                shown("/lost"),
                shown("/skipped")
            );
        }
        if self.said.waited().is_some_and(|(server, client)| server.max(client) > CROWDED_CORES) {
            text +=
                "   warning other programs had the cores for a part of the time: speeds are lower bounds\n";
        }
        if self.options.deflate && self.tally.deflating == 0 {
            text += "   deflate was offered and declined\n";
        }
        if self.is_saturated() && self.options.in_flight.is_none() {
            text += "   warning the client was saturated: latencies are upper bounds\n";
        }
        text
    }

    pub fn page(&self) -> Page {
        let json = self.to_json();
        let fact = |name: &str, path: &str| {
            (name.to_string(), json.pointer(path).map_or_else(String::new, Value::to_string))
        };
        Page {
            title: format!("Watch: {} viewers of {}", self.options.viewers, self.kind().name()),
            facts: vec![
                fact("deliveries/s", "/deliveries_per_s"),
                fact("µs per delivery", "/cpu_us_per_delivery"),
                fact("lost", "/lost"),
                fact("skipped", "/skipped"),
                fact("B per viewer", "/rss_bytes_per_viewer"),
            ],
            curves: vec![
                Curve { name: "critical".into(), points: self.tally.critical.latency.curve() },
                Curve { name: "chat".into(), points: self.tally.chat.latency.curve() },
                Curve { name: "client's own lateness".into(), points: self.said.lag.curve() },
            ],
            json: json.clone(),
            ..Page::default()
        }
    }
}

fn lane(said: Lane, heard: &LaneTally, lost: u64) -> Value {
    let mut lane = heard.latency.to_json();
    if let Value::Object(lane) = &mut lane {
        let delivered = lane.remove("count");
        lane.insert("delivered".into(), delivered.unwrap_or_default());
        lane.insert("sent".into(), said.sent.into());
        lane.insert("refused".into(), said.refused.into());
        lane.insert("expected".into(), said.expected.into());
        lane.insert("lost".into(), lost.into());
        lane.insert("to_the_last".into(), heard.to_the_last().to_json());
        lane.insert("across".into(), heard.across.to_json());
        lane.insert("curve".into(), json!(heard.latency.curve()));
    }
    lane
}

fn joins(comings: &Comings, options: &WatchOptions) -> Value {
    let mut joins = comings.took.to_json();
    if let Value::Object(joins) = &mut joins {
        joins.insert("retries".into(), comings.retries.into());
        joins.insert("in_progress_max".into(), options.connects_in_progress.into());
        joins.insert("named".into(), (options.named || options.idle && !options.guests).into());
    }
    joins
}

fn per(amount: f64, of: u64) -> Option<f64> {
    (of > 0).then(|| (amount / of as f64 * 10_000.0).round() / 10_000.0)
}

fn rounded(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}
