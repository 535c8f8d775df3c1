//! One lot in Redis: holds per second when a node gathers what its buyers ask, holds with one Function call each, and what a sold-out
//! answer costs Redis.
//!
//!     cargo bench --bench gate -- --redis spawn --json [--orders N] [--buyers N]
//!
//! Every hold has a buyer with a limit and runs out. `--redis spawn` starts a server and, where `taskset` is, keeps it on one core; an
//! address in the place of `spawn` takes the server that is there.

use std::time::Duration;

use apricot::clock::{Clock, instant};
use apricot::model::SaleId;
use apricot::store::inventory::{LotSnapshot, RedisGate, Request};
use apricot::store::redis::{Redis, RedisSettings};
use redis::aio::MultiplexedConnection;
use redis::{Value, cmd, from_redis_value, pipe};
use tokio::runtime::Runtime;

use super::stage::{buyer, order};
use super::{Options, each};

const HOLD_FOR: Duration = Duration::from_secs(120);
const LIMIT: u32 = 4;
/// Calls on their way at once for the baseline: more does not make it faster.
const PIPELINED: u32 = 256;
const ONE_CALL: &str = include_str!("one_call.lua");
const SOLD_OUT_ANSWERS: u32 = 4_000_000;

pub fn report(runtime: &Runtime, place: &str, options: &Options) -> serde_json::Value {
    let spawned = (place == "spawn").then(|| apricot_servers::Redis::start().expect("a Redis server"));
    let url = spawned.as_ref().map_or_else(|| place.to_owned(), apricot_servers::Redis::url);
    if let Some(pid) = spawned.as_ref().and_then(apricot_servers::Redis::pid) {
        pin(pid);
    }
    runtime.block_on(measure(url, options))
}

async fn measure(url: String, options: &Options) -> serde_json::Value {
    let holds = options.orders;
    let settings = RedisSettings { urls: vec![url.clone()], ..RedisSettings::default() };
    let gate = RedisGate::new(Redis::connect(settings).await.expect("a server that can be used"));
    let client = redis::Client::open(url).expect("an address");
    let mut probe = client.get_multiplexed_async_connection().await.expect("a connection");
    let baseline = cmd("FUNCTION").arg("LOAD").arg("REPLACE").arg(ONE_CALL).exec_async(&mut probe).await;
    baseline.expect("the baseline's library");

    // In turns, so that a neighbour on this machine disturbs both.
    let (mut gathered, mut single) = (Vec::new(), Vec::new());
    let (mut busy, mut calls) = (0.0, 0);
    for _ in 0..3 {
        let sale = opened(&gate, holds).await;
        let before = Usage::of(&mut probe).await;
        gathered.push(hold_gathered(&gate, sale, options).await);
        let used = Usage::of(&mut probe).await;
        busy += used.cpu - before.cpu;
        calls += used.calls - before.calls;
        single.push(hold_singly(&mut probe, holds / 4).await);
    }
    let (sold_out, asked) = sold_out(&gate, &mut probe).await;
    let per_s = |mut rates: Vec<f64>| {
        rates.sort_by(f64::total_cmp);
        rates[rates.len() / 2]
    };
    let (gathered_per_s, single_per_s) = (per_s(gathered.clone()), per_s(single));
    let all = 3.0 * f64::from(holds);
    serde_json::json!({
        "holds_per_s": gathered_per_s.round(),
        "best_holds_per_s": gathered.iter().copied().fold(0.0, f64::max).round(),
        "one_call_baseline_per_s": single_per_s.round(),
        "ratio_to_baseline": (gathered_per_s / single_per_s * 100.0).round() / 100.0,
        "sold_out_per_s": sold_out.round(),
        "redis_ops_per_sold_out": asked as f64 / f64::from(SOLD_OUT_ANSWERS),
        "batch": (all / calls as f64).round(),
        "redis_cpu_us_per_hold": (busy * 1e6 / all * 100.0).round() / 100.0,
        "orders": holds,
        "buyers": options.buyers,
    })
}

async fn opened(gate: &RedisGate, stock: u32) -> SaleId {
    let sale = SaleId(Clock::System.new_id());
    let seen = gate.seen(sale).await;
    let opened = gate.open(sale, seen, &LotSnapshot { stock, ..LotSnapshot::default() }).await;
    assert_eq!(opened, Ok(true));
    sale
}

/// As the sale layer asks: every buyer by itself, answered by itself.
async fn hold_gathered(gate: &RedisGate, sale: SaleId, options: &Options) -> f64 {
    let (gate, started) = (gate.clone(), instant());
    each(options, move |n| {
        let gate = gate.clone();
        async move { hold(&gate, sale, n).await }
    })
    .await;
    f64::from(options.orders) / started.elapsed().as_secs_f64()
}

async fn hold(gate: &RedisGate, sale: SaleId, n: u32) {
    let now = Clock::System.now();
    let (order, buyer, until) = (order(n), buyer(n), now + HOLD_FOR);
    gate.hold(sale, Request { order, buyer, quantity: 1, limit: LIMIT, until }, now).await.expect("held");
}

/// Holds with one Function call for each (one_call.lua), pipelined over one connection.
async fn hold_singly(connection: &mut MultiplexedConnection, holds: u32) -> f64 {
    let tag = format!("bench:{{{}}}", Clock::System.new_id());
    let keys = ["lot", "buyers", "orders", "expiries"].map(|part| format!("{tag}:{part}"));
    let stocked = cmd("HSET").arg(&keys[0]).arg("stock").arg(holds).exec_async(connection).await;
    stocked.expect("a stock");
    let started = instant();
    for from in (0..holds).step_by(PIPELINED as usize) {
        let mut calls = pipe();
        for n in from..(from + PIPELINED).min(holds) {
            let (now, quantity) = (Clock::System.now(), 1);
            let call = calls.cmd("FCALL").arg("apricot_bench_hold").arg(keys.len()).arg(&keys);
            call.arg(order(n).0.as_bytes()).arg(buyer(n).as_str()).arg(quantity).arg(LIMIT);
            call.arg((now + HOLD_FOR).millis()).arg(now.millis());
        }
        let held: Vec<u32> = calls.query_async(connection).await.expect("answers");
        assert!(held.iter().all(|held| *held == 1), "every hold is granted");
    }
    f64::from(holds) / started.elapsed().as_secs_f64()
}

/// Sold-out answers per second, and what Redis was asked meanwhile.
async fn sold_out(gate: &RedisGate, probe: &mut MultiplexedConnection) -> (f64, u64) {
    let sale = opened(gate, 1).await;
    hold(gate, sale, 0).await;
    let before = Usage::of(probe).await.commands;
    let started = instant();
    let workers: Vec<_> = (0..2)
        .map(|_| {
            let gate = gate.clone();
            tokio::spawn(async move {
                let now = Clock::System.now();
                for _ in 0..SOLD_OUT_ANSWERS / 2 {
                    assert!(gate.is_sold_out(sale, now));
                }
            })
        })
        .collect();
    for worker in workers {
        worker.await.expect("answers");
    }
    let took = started.elapsed();
    (f64::from(SOLD_OUT_ANSWERS) / took.as_secs_f64(), Usage::of(probe).await.commands - before)
}

/// What Redis says of itself.
struct Usage {
    /// Seconds of its main thread.
    cpu: f64,
    /// Function calls.
    calls: u64,
    /// Commands of every kind and from everywhere, within Functions too, without those that ask for this.
    commands: u64,
}

impl Usage {
    async fn of(connection: &mut MultiplexedConnection) -> Self {
        let mut info = cmd("INFO");
        let info: Value = info.arg("everything").query_async(connection).await.expect("INFO");
        let info: String = from_redis_value(info).expect("a text");
        let cpu = info.lines().filter(|line| line.starts_with("used_cpu_") && line.contains("_main_thread:"));
        let seconds = cpu.filter_map(|line| line.split(':').nth(1)?.trim().parse::<f64>().ok());
        let stats = info.lines().filter_map(|line| line.strip_prefix("cmdstat_")?.split_once(":calls="));
        let stats = stats.map(|(name, rest)| {
            let calls = rest.split(',').next().and_then(|calls| calls.parse().ok());
            (name, calls.expect("a number of calls"))
        });
        let (mut calls, mut commands) = (0, 0);
        for (name, count) in stats.filter(|(name, _)| *name != "info") {
            commands += count;
            if name == "fcall" {
                calls = count;
            }
        }
        Self { cpu: seconds.sum(), calls, commands }
    }
}

fn pin(pid: u32) {
    let pinned = std::process::Command::new("taskset").args(["-a", "-cp", "1", &pid.to_string()]).output();
    if !pinned.is_ok_and(|output| output.status.success()) {
        eprintln!("the server is not kept on one core: no taskset, or no second core");
    }
}
