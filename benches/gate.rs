//! Gate and journal in process, on one lot: how many orders are accepted when each is held, committed, claimed and committed with its
//! postings, every commit with fsync before its answer; the same through the whole checkout with the payment's own rows; how fast
//! sold-out answers come; and what SQLite alone does with the same rows.
//!
//!     cargo bench --bench gate -- --json [--orders N] [--buyers N]
//!
//! An accepted order has two durable steps: placed (order, hold, lot) and claimed (hold to sold, order paid, three postings, totals).
//! `checkout_per_s` adds what a payment needs: its row, the address, two tasks of the outbox, the provider's event. Sold-out answers
//! touch no store.

#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use apricot::clock::Clock;
use apricot::ledger::{CommissionRules, Ledger};
use apricot::model::order::ShipTo;
use apricot::model::payment::{Method, ProviderEvent, ProviderNews};
use apricot::model::{
    Currency, FlashSale, Money, Order, OrderId, Pledge, PledgeBase, Product, Room, RoomState, Rounding,
    SaleId, SaleState, Share, Stage, Subject, Timestamp,
};
use apricot::sale::outbox::OUTBOX_MAX;
use apricot::sale::{NEWS_MAX, News, Refusal, SaleRules, Sales, Wish};
use apricot::store::inventory::{LotSnapshot, Request};
use apricot::store::journal::{HoldOutcome, Task};
use apricot::store::{Inventory, Journal, Write};
use rusqlite::Connection;
use tokio::sync::mpsc;

fn main() {
    let options = Options::parse();
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("runtime");
    let folder = std::env::temp_dir().join(format!("apricot-gate-bench-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder for the bench");
    let accepted = runtime.block_on(gate_and_journal(&folder.join("gate.db"), &options));
    let (checkout, sold_out) = runtime.block_on(whole_checkout(&folder.join("checkout.db"), &options));
    let baseline = baseline(&folder.join("baseline.db"), options.orders);
    let _left_behind = std::fs::remove_dir_all(&folder);
    let report = serde_json::json!({
        "accepted_per_s": accepted.round(),
        "sold_out_per_s": sold_out.round(),
        "sqlite_baseline_per_s": baseline.round(),
        "ratio_to_baseline": (accepted / baseline * 100.0).round() / 100.0,
        "checkout_per_s": checkout.round(),
        "orders": options.orders,
        "buyers": options.buyers,
    });
    if options.json {
        println!("{report}");
    } else {
        println!("{report:#}");
    }
}

struct Options {
    json: bool,
    orders: u32,
    buyers: u32,
}

impl Options {
    /// `cargo bench` adds `--bench`, which says nothing here.
    fn parse() -> Self {
        let arguments: Vec<String> = std::env::args().collect();
        let number = |name: &str, default| {
            let value = arguments.iter().position(|it| it == name).and_then(|at| arguments.get(at + 1));
            value.map_or(default, |value| value.parse().unwrap_or_else(|_| panic!("{name} takes a number")))
        };
        Self {
            json: arguments.iter().any(|it| it == "--json"),
            orders: number("--orders", 200_000),
            buyers: number("--buyers", 2_048),
        }
    }
}

/// The gate and the journal alone, as the sale layer uses them.
async fn gate_and_journal(record: &Path, options: &Options) -> f64 {
    let bench = Bench::open(record, options).await;
    let (inventory, sale, ledger) = (Inventory::default(), bench.sale, bench.ledger.clone());
    let snapshot = LotSnapshot { stock: options.orders, ..LotSnapshot::default() };
    let seen = inventory.seen(sale.id).await;
    inventory.open(sale.id, seen, &snapshot).await.expect("a lot");
    let pledge = ledger.pledge(sale.pledge.expect("a pledge")).await.expect("the pledge");
    let host = pledge.host.clone();
    let started = Instant::now();
    each(options, move |n| {
        let (inventory, journal, ledger) = (inventory.clone(), ledger.journal().clone(), ledger.clone());
        let (sale, pledge, host) = (sale.clone(), pledge.clone(), host.clone());
        async move {
            let now = Clock::System.now();
            let placed = placed(&sale, n, now);
            let request = Request {
                order: placed.id,
                buyer: placed.buyer.clone(),
                quantity: 1,
                limit: sale.limit_per_buyer,
                until: now + sale.hold_for,
            };
            inventory.hold(sale.id, request, now).await.expect("held");
            let hold = Write::Hold {
                order: placed.id,
                hold: 1,
                sale: sale.id,
                quantity: 1,
                expires_at: now + sale.hold_for,
            };
            journal.commit(vec![Write::Order(placed.clone()), hold]).await.expect("placed");

            inventory.claim(sale.id, placed.id, now).await.expect("claimed");
            let postings = ledger.claim(&placed, &host, "farm", Some(&pledge), now);
            let end = Write::EndHold {
                order: placed.id,
                hold: 1,
                sale: sale.id,
                quantity: 1,
                outcome: HoldOutcome::Claimed,
                at: now,
            };
            let mut entry = vec![end, Write::Order(placed.claim(now, postings.charity).expect("held"))];
            entry.extend(postings.writes());
            journal.commit(entry).await.expect("claimed");
        }
    })
    .await;
    f64::from(options.orders) / started.elapsed().as_secs_f64()
}

async fn whole_checkout(record: &Path, options: &Options) -> (f64, f64) {
    let Bench { sales, sale, .. } = Bench::open(record, options).await;
    let sale = sale.id;
    let started = Instant::now();
    let buying = sales.clone();
    each(options, move |n| {
        let sales = buying.clone();
        async move {
            let now = Clock::System.now();
            sales.place(&buyer(n), wish(sale, n), now).await.expect("placed");
            let ship_to =
                ShipTo { name: "Lin".into(), phone: "13800000000".into(), address: "1 Orchard Road".into() };
            sales.pay(&buyer(n), order(n), Method::SandboxApprove, ship_to, now).await.expect("recorded");
            let payment = sales.payment_of(order(n)).await.expect("a payment");
            let event = ProviderEvent { id: format!("evt_{n}"), news: ProviderNews::Authorised { payment } };
            sales.on_provider_event(event, now).await.expect("claimed");
        }
    })
    .await;
    let buying = started.elapsed();

    let late = options.orders;
    let answers = 2_000_000_u32;
    let refused = Instant::now();
    let workers: Vec<_> = (0..2)
        .map(|worker| {
            let sales = sales.clone();
            tokio::spawn(async move {
                let (who, now) = (buyer(late + worker), Clock::System.now());
                for n in 0..answers / 2 {
                    let wish = wish(sale, late + 1 + worker * answers + n);
                    let refusal = sales.place(&who, wish, now).await.expect_err("sold out");
                    assert!(matches!(refusal, Refusal::SoldOut { left: 0 }), "{refusal}");
                }
            })
        })
        .collect();
    for worker in workers {
        worker.await.expect("answers");
    }
    let refusing = refused.elapsed();

    sales.settle().await;
    (f64::from(options.orders) / buying.as_secs_f64(), f64::from(answers) / refusing.as_secs_f64())
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

struct Bench {
    ledger: Ledger,
    sales: Sales,
    sale: FlashSale,
}

impl Bench {
    async fn open(record: &Path, options: &Options) -> Self {
        let now = Clock::System.now();
        let journal = Journal::open(record, now.millis().unsigned_abs(), now).expect("a record");
        let share = |ppm| Share::ppm(ppm).expect("in bounds");
        let commission =
            CommissionRules { by_category: [("farm".to_owned(), share(0))].into(), other: share(50_000) };
        let ledger = Ledger::new(journal.clone(), commission);
        let rules = SaleRules {
            waiting_list_max: 500,
            offer_for: Duration::from_secs(60),
            auto_confirm_after: Duration::from_secs(864_000),
        };
        let (news, mut told) = mpsc::channel::<News>(NEWS_MAX);
        let (outbox, mut tasks) = mpsc::channel::<Task>(OUTBOX_MAX);
        let sales = Sales::new(ledger.clone(), Inventory::default(), rules, news, outbox);
        tokio::spawn(async move { while told.recv().await.is_some() {} });
        tokio::spawn(async move { while tasks.recv().await.is_some() {} });
        let sale = set_up(&journal, &ledger, &sales, options.orders, now).await;
        Self { ledger, sales, sale }
    }
}

fn placed(sale: &FlashSale, n: u32, now: Timestamp) -> Order {
    Order {
        id: order(n),
        sale: sale.id,
        room: sale.room.clone(),
        sku: sale.sku.clone(),
        buyer: buyer(n),
        quantity: 1,
        unit_price: sale.price,
        wait: false,
        stage: Stage::Held { until: now + sale.hold_for, offered: false },
        hold: 1,
        placed_at: now,
        paid_at: None,
        refunded_minor: 0,
        charity_minor: 0,
        version: 1,
    }
}

async fn set_up(journal: &Journal, ledger: &Ledger, sales: &Sales, stock: u32, now: Timestamp) -> FlashSale {
    let host: Subject = "host".parse().expect("a subject");
    let price = Money::new(1_990, Currency::CNY);
    let room = Room {
        state: RoomState::Live,
        live_at: Some(now),
        ..Room::new("bench".parse().expect("an id"), "Bench", host.clone(), "Host")
    };
    let product = Product {
        sku: "apricots".parse().expect("a sku"),
        host: host.clone(),
        title: "Apricots".into(),
        unit: "box".into(),
        image_url: String::new(),
        origin: String::new(),
        price,
        on_hand: stock,
        category: "farm".into(),
    };
    let pledge = Pledge {
        id: apricot::model::PledgeId(Clock::System.new_id()),
        version: 1,
        host,
        project: "School meals".into(),
        charity_name: "A foundation".into(),
        charity_registration: "53100000".into(),
        base: PledgeBase::PaidPrice(Share::ppm(25_000).expect("in bounds")),
        cap: None,
        starts_at: None,
        ends_at: None,
        rounding: Rounding::Down,
        agreement_sha256: "0".repeat(64),
    };
    let sale = FlashSale {
        id: SaleId(Clock::System.new_id()),
        room: room.id.clone(),
        sku: product.sku.clone(),
        price,
        stock,
        limit_per_buyer: 99,
        hold_for: Duration::from_secs(3_600),
        duration: Duration::from_secs(3_600),
        opens_at: None,
        state: SaleState::Scheduled,
        pledge: Some(pledge.reference()),
        version: 1,
    };
    journal.commit(vec![Write::Room(room)]).await.expect("a room");
    sales.create_product(product, None).await.expect("a product");
    ledger.add_pledge(pledge, None).await.expect("a pledge");
    sales.create_sale(sale.clone(), None, now).await.expect("a sale");
    sales.open_sale(sale.id, now).await.expect("open");
    sale
}

fn buyer(n: u32) -> Subject {
    format!("buyer-{n}").parse().expect("a subject")
}

/// Ids that grow, as version 7 makes them.
fn order(n: u32) -> OrderId {
    OrderId(uuid::Uuid::from_u128(0x0190_a000_0000_7000_8000_0000_0000_0000 | u128::from(n) | 1 << 40))
}

fn wish(sale: SaleId, n: u32) -> Wish {
    Wish { order: order(n), sale, quantity: 1, wait: false }
}

/// The same rows, the same two durable steps, batches as large as the journal's, and nothing else: no gate, no answers, no checks.
fn baseline(path: &Path, orders: u32) -> f64 {
    const BATCH: u32 = 1_024;
    let mut connection = Connection::open(path).expect("a database");
    connection
        .execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -65536; PRAGMA wal_autocheckpoint = 8192;")
        .expect("settings");
    connection.execute_batch(include_str!("../migrations/sqlite/V1__record.sql")).expect("tables");
    connection.execute_batch("PRAGMA foreign_keys = OFF;").expect("settings");
    let started = Instant::now();
    for from in (0..orders).step_by(BATCH as usize) {
        let transaction = connection.transaction().expect("a transaction");
        for n in from..(from + BATCH).min(orders) {
            baseline_place(&transaction, n);
        }
        transaction.commit().expect("a commit");
    }
    for from in (0..orders).step_by(BATCH as usize) {
        let transaction = connection.transaction().expect("a transaction");
        for n in from..(from + BATCH).min(orders) {
            baseline_claim(&transaction, n);
        }
        transaction.commit().expect("a commit");
    }
    f64::from(orders) / started.elapsed().as_secs_f64()
}

fn baseline_place(connection: &Connection, n: u32) {
    let id = order(n).0.into_bytes();
    let run = |sql: &str, values: &[&dyn rusqlite::ToSql]| {
        connection.prepare_cached(sql).expect("a statement").execute(values).expect("a row");
    };
    run(
        "INSERT INTO orders (id, sale, room, sku, buyer, quantity, unit_price, currency, wait, stage, held_until, hold, placed_at, version)
         VALUES (?1, zeroblob(16), 'bench', 'apricots', ?2, 1, 1990, 'CNY', 0, 'held', 1, 1, 1, 1)",
        &[&id, &format!("buyer-{n}")],
    );
    run(
        "INSERT INTO holds (order_id, hold, sale, quantity, expires_at) VALUES (?1, 1, zeroblob(16), 1, 1)",
        &[&id],
    );
}

fn baseline_claim(connection: &Connection, n: u32) {
    let id = order(n).0.into_bytes();
    let run = |sql: &str, values: &[&dyn rusqlite::ToSql]| {
        connection.prepare_cached(sql).expect("a statement").execute(values).expect("a row");
    };
    run("UPDATE holds SET outcome = 'claimed', ended_at = 1 WHERE order_id = ?1 AND hold = 1", &[&id]);
    run("UPDATE orders SET stage = 'paid', paid_at = 1, charity = 49, version = 2 WHERE id = ?1", &[&id]);
    for (code, amount) in [(1, 1_990), (2, 0), (3, 49)] {
        run(
            "INSERT INTO transfers (at, code, debit, credit, amount, order_id) VALUES (1, ?1, 1, 2, ?2, ?3)",
            &[&code, &amount, &id],
        );
    }
}
