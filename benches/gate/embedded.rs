//! In process and on SQLite.

use std::path::Path;

use apricot::clock::{Clock, instant};
use apricot::ledger::log::PublicLog;
use apricot::model::order::ShipTo;
use apricot::model::payment::{Method, ProviderEvent, ProviderNews};
use apricot::sale::Refusal;
use apricot::store::inventory::{LotSnapshot, Request};
use apricot::store::journal::HoldOutcome;
use apricot::store::{Inventory, Journal, Write};
use rusqlite::Connection;

use crate::stage::{Stage, buyer, order, placed, wish};
use crate::{Options, each};

/// What waits for the public log becomes leaves, as the node that has the duty does it.
pub async fn told(journal: Journal, folder: &Path) -> f64 {
    let origin = Some("bench.example/log".to_owned());
    let log = PublicLog::open(journal, folder, origin, &[[7; 32]]).await.expect("a log");
    let started = instant();
    while log.append(None, false, Clock::System.now()).await.expect("appended") {}
    let (leaves, _) = log.checkpoint();
    leaves as f64 / started.elapsed().as_secs_f64()
}

/// The gate and the journal alone, as the sale layer uses them.
pub async fn gate_and_journal(journal: Journal, options: &Options) -> f64 {
    let Stage { ledger, sale, .. } = Stage::new(journal, options.orders).await;
    let inventory = Inventory::default();
    let snapshot = LotSnapshot { stock: options.orders, ..LotSnapshot::default() };
    let seen = inventory.seen(sale.id).await;
    inventory.open(sale.id, seen, &snapshot).await.expect("a lot");
    let pledge = ledger.pledge(sale.pledge.expect("a pledge")).await.expect("the pledge");
    let host = pledge.host.clone();
    let started = instant();
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

            inventory.claim(sale.id, placed.id, &placed.buyer, now).await.expect("claimed");
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

pub async fn whole_checkout(journal: Journal, options: &Options) -> (f64, f64) {
    let Stage { sales, sale, .. } = Stage::new(journal, options.orders).await;
    let sale = sale.id;
    let started = instant();
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
    let refused = instant();
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

/// The same rows, the same two durable steps, batches as large as the journal's, and nothing else: no gate, no answers, no checks.
pub fn baseline(path: &Path, orders: u32) -> f64 {
    const BATCH: u32 = 1_024;
    let mut connection = Connection::open(path).expect("a database");
    connection
        .execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -65536; PRAGMA wal_autocheckpoint = 8192;")
        .expect("settings");
    connection.execute_batch(include_str!("../../migrations/sqlite/V1__record.sql")).expect("tables");
    connection.execute_batch("PRAGMA foreign_keys = OFF;").expect("settings");
    let started = instant();
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
