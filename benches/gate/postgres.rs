//! The record on PostgreSQL: batches of the journal, against one transaction per order.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use apricot::clock::{Clock, instant};
use apricot::store::Journal;
use apricot::store::journal::{PostgresSettings, migrate};
use apricot_servers::Postgres;
use serde_json::Value;
use tokio::runtime::Runtime;
use tokio_postgres::{Client, NoTls, Statement};

use crate::stage::{buyer, order};
use crate::{Options, embedded};

/// What an operator sets on a machine with some memory; everything else, fsync and full_page_writes among it, is as PostgreSQL comes.
const SETTINGS: [&str; 4] =
    ["shared_buffers=512MB", "max_wal_size=8GB", "checkpoint_timeout=15min", "wal_compression=lz4"];

/// Clients of the baseline, and for how long they are watched.
const CLIENTS: usize = 16;
const BASELINE_FOR: Duration = Duration::from_secs(4);

/// The two take turns, each time in a database of its own, so that whatever else the machine does slows both.
const TURNS: u32 = 3;

pub fn report(runtime: &Runtime, place: &str, options: &Options) -> Value {
    let spawned = (place == "spawn").then(|| Postgres::start_with(&SETTINGS).expect("a PostgreSQL"));
    let turns = if spawned.is_some() { TURNS } else { 1 };
    let turn = Options { orders: options.orders / turns, ..options.clone() };
    let (mut orders, mut baseline) = (Vec::new(), Vec::new());
    for _ in 0..turns {
        let fresh = spawned.as_ref().map(|server| server.fresh_database().expect("a database"));
        let url = fresh.unwrap_or_else(|| place.to_owned());
        orders.push(runtime.block_on(orders_per_s(&url, &turn)));
        baseline.push(runtime.block_on(hot_row_baseline_per_s(&url)));
    }
    // Turns are of as many orders, or of as much time.
    let rate = |rates: &[f64]| rates.len() as f64 / rates.iter().map(|rate| 1.0 / rate).sum::<f64>();
    let mean = |rates: &[f64]| rates.iter().sum::<f64>() / rates.len() as f64;
    let (orders_per_s, baseline_per_s) = (rate(&orders), mean(&baseline));
    let rounded = |rates: &[f64]| rates.iter().map(|rate| rate.round()).collect::<Vec<_>>();
    serde_json::json!({
        "orders_per_s": orders_per_s.round(),
        "hot_row_baseline_per_s": baseline_per_s.round(),
        "ratio": (orders_per_s / baseline_per_s * 100.0).round() / 100.0,
        "turns": { "orders_per_s": rounded(&orders), "hot_row_baseline_per_s": rounded(&baseline) },
        "orders": options.orders,
        "buyers": options.buyers,
        "baseline_clients": CLIENTS,
    })
}

async fn orders_per_s(url: &str, options: &Options) -> f64 {
    let settings = PostgresSettings { url: url.to_owned(), password: None, connections: 4, ca: None };
    migrate(&settings).await.expect("tables");
    let now = Clock::System.now();
    let journal = Journal::connect(&settings, now.millis().unsigned_abs(), now).await.expect("a record");
    embedded::gate_and_journal(journal, options).await
}

/// The same rows of an order, the same hot rows, in one transaction: as most write it, with the hot rows last.
async fn hot_row_baseline_per_s(url: &str) -> f64 {
    let first = connect(url).await;
    let sale = first.query_one("SELECT sale FROM lots", &[]).await.expect("a lot");
    let sale: uuid::Uuid = sale.get(0);
    first.execute("UPDATE lots SET set_aside = 1000000000, stock = 1000000000", &[]).await.expect("units");
    first.execute("CREATE SEQUENCE one_by_one START 1000000000000000", &[]).await.expect("a sequence");
    let (next, done) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
    let started = instant();
    let mut clients = Vec::new();
    for _ in 0..CLIENTS {
        let (next, done, url) = (Arc::clone(&next), Arc::clone(&done), url.to_owned());
        clients.push(tokio::spawn(async move {
            let buying = Buying::prepare(connect(&url).await).await;
            while started.elapsed() < BASELINE_FOR {
                buying.one(sale, u32::MAX - next.fetch_add(1, Ordering::Relaxed)).await;
                done.fetch_add(1, Ordering::Relaxed);
            }
        }));
    }
    for client in clients {
        client.await.expect("a client");
    }
    f64::from(done.load(Ordering::Relaxed)) / started.elapsed().as_secs_f64()
}

async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.expect("a connection");
    tokio::spawn(connection);
    client
}

struct Buying {
    client: Client,
    place: Statement,
    hold: Statement,
    claim: Statement,
    pay: Statement,
    post: Statement,
    totals: Statement,
    lot: Statement,
}

impl Buying {
    async fn prepare(client: Client) -> Self {
        let prepare = async |sql: &str| client.prepare(sql).await.expect("a statement");
        Self {
            place: prepare(
                "INSERT INTO orders (id, sale, room, sku, buyer, quantity, unit_price, currency, wait, stage, held_until, hold,
                                     placed_at, version)
                 VALUES ($1, $2, 'bench', 'apricots', $3, 1, 1990, 'CNY', 0, 'held', 1, 1, 1, 1)",
            )
            .await,
            hold: prepare("INSERT INTO holds (order_id, hold, sale, quantity, expires_at) VALUES ($1, 1, $2, 1, 1)").await,
            claim: prepare("UPDATE holds SET outcome = 'claimed', ended_at = 1 WHERE order_id = $1 AND hold = 1").await,
            pay: prepare("UPDATE orders SET stage = 'paid', paid_at = 1, charity = 49, version = 2 WHERE id = $1").await,
            post: prepare(
                "INSERT INTO transfers (id, at, code, debit, credit, amount, order_id)
                 VALUES (nextval('one_by_one'), 1, 1, 1, 2, 1990, $1), (nextval('one_by_one'), 1, 2, 2, 3, 0, $1),
                        (nextval('one_by_one'), 1, 3, 2, 4, 49, $1)",
            )
            .await,
            lot: prepare("UPDATE lots SET sold = sold + 1 WHERE sale = $1 AND sold + held + 1 <= stock").await,
            totals: prepare("UPDATE totals SET debits = debits + 1, credits = credits + 1").await,
            client,
        }
    }

    async fn one(&self, sale: uuid::Uuid, n: u32) {
        let (id, who) = (order(n).0, buyer(n).to_string());
        self.client.batch_execute("BEGIN").await.expect("begun");
        self.run(&self.place, &[&id, &sale, &who]).await;
        self.run(&self.hold, &[&id, &sale]).await;
        self.run(&self.claim, &[&id]).await;
        self.run(&self.pay, &[&id]).await;
        self.run(&self.post, &[&id]).await;
        self.run(&self.lot, &[&sale]).await;
        self.run(&self.totals, &[]).await;
        self.client.batch_execute("COMMIT").await.expect("committed");
    }

    async fn run(&self, statement: &Statement, values: &[&(dyn tokio_postgres::types::ToSql + Sync)]) {
        assert!(self.client.execute(statement, values).await.expect("a row") > 0);
    }
}
