//! Gate and journal in process, on one lot: how many orders are accepted when each is held, committed, claimed and committed with its
//! postings, every commit with fsync before its answer; the same through the whole checkout with the payment's own rows; how fast
//! sold-out answers come; and what SQLite alone does with the same rows.
//!
//!     cargo bench --bench gate -- --json [--orders N] [--buyers N]
//!     cargo bench --bench gate -- --postgres spawn --json [--orders N] [--buyers N]
//!     cargo bench --bench gate -- --redis spawn --json [--orders N] [--buyers N]
//!
//! An accepted order has two durable steps: placed (order, hold, lot) and claimed (hold to sold, order paid, three postings, totals).
//! `checkout_per_s` adds what a payment needs: its row, the address, two tasks of the outbox, the provider's event. Sold-out answers
//! touch no store. `log_leaves_per_s` is how fast the lines of these orders become leaves of the public log, with tiles on the disk and signed
//! checkpoints.
//!
//! With `--postgres` the record is PostgreSQL, `spawn` starts one: orders as above, against one transaction per order that updates the hot
//! rows.
//!
//! With `--redis` only the gate is asked, which is in Redis then: holds that a node gathers, against one Function call for each.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use apricot::clock::Clock;
use apricot::store::Journal;
use serde_json::Value;

mod embedded;
mod postgres;
mod redis_gate;
mod stage;

fn main() {
    let options = Options::parse();
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("runtime");
    let report = match (&options.redis, &options.postgres) {
        (Some(place), _) => redis_gate::report(&runtime, place, &options),
        (None, Some(place)) => postgres::report(&runtime, place, &options),
        (None, None) => on_sqlite(&runtime, &options),
    };
    if options.json {
        println!("{report}");
    } else {
        println!("{report:#}");
    }
}

fn on_sqlite(runtime: &tokio::runtime::Runtime, options: &Options) -> Value {
    let folder = std::env::temp_dir().join(format!("apricot-gate-bench-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder for the bench");
    let journal = record(&folder, "gate.db");
    let accepted = runtime.block_on(embedded::gate_and_journal(journal.clone(), options));
    let told = runtime.block_on(embedded::told(journal, &folder.join("log")));
    let checkout = embedded::whole_checkout(record(&folder, "checkout.db"), options);
    let (checkout, sold_out) = runtime.block_on(checkout);
    let baseline = embedded::baseline(&folder.join("baseline.db"), options.orders);
    let _left_behind = std::fs::remove_dir_all(&folder);
    serde_json::json!({
        "accepted_per_s": accepted.round(),
        "sold_out_per_s": sold_out.round(),
        "sqlite_baseline_per_s": baseline.round(),
        "ratio_to_baseline": (accepted / baseline * 100.0).round() / 100.0,
        "checkout_per_s": checkout.round(),
        "log_leaves_per_s": told.round(),
        "orders": options.orders,
        "buyers": options.buyers,
    })
}

fn record(folder: &Path, name: &str) -> Journal {
    let now = Clock::System.now();
    Journal::open(&folder.join(name), now.millis().unsigned_abs(), now).expect("a record")
}

#[derive(Clone)]
struct Options {
    json: bool,
    orders: u32,
    buyers: u32,
    /// `spawn`, or the address of an empty database.
    postgres: Option<String>,
    /// `spawn`, or the address of a server.
    redis: Option<String>,
}

impl Options {
    /// `cargo bench` adds `--bench`, which says nothing here.
    fn parse() -> Self {
        let arguments: Vec<String> = std::env::args().collect();
        let value =
            |name: &str| arguments.iter().position(|it| it == name).and_then(|at| arguments.get(at + 1));
        let number = |name: &str, default| {
            value(name)
                .map_or(default, |value| value.parse().unwrap_or_else(|_| panic!("{name} takes a number")))
        };
        Self {
            json: arguments.iter().any(|it| it == "--json"),
            orders: number("--orders", 200_000),
            buyers: number("--buyers", 2_048),
            postgres: value("--postgres").cloned(),
            redis: value("--redis").cloned(),
        }
    }
}

/// Runs `step` for every order, `buyers` of them at a time.
async fn each<F>(options: &Options, step: impl Fn(u32) -> F + Send + Sync + 'static)
where
    F: Future<Output = ()> + Send + 'static,
{
    let (next, step, orders) = (Arc::new(AtomicU32::new(0)), Arc::new(step), options.orders);
    let buyers: Vec<_> = (0..options.buyers)
        .map(|_| {
            let (next, step) = (Arc::clone(&next), Arc::clone(&step));
            tokio::spawn(async move {
                loop {
                    let n = next.fetch_add(1, Ordering::Relaxed);
                    if n >= orders {
                        return;
                    }
                    step(n).await;
                }
            })
        })
        .collect();
    for buyer in buyers {
        buyer.await.expect("a buyer");
    }
}
