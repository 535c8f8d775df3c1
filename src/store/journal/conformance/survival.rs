//! What was acknowledged is there, in the order of submission, after a crash and after a restart.

use super::*;

laws! {
    entries_are_committed_in_the_order_of_submission,
    entry_is_committed_though_nobody_waits,
    reopened_record_says_the_same,
}

async fn entries_are_committed_in_the_order_of_submission(on: Engine) {
    let desk = Desk::new(on).await;
    let pending: Vec<Pending> =
        (1..=3_000).map(|n| desk.journal.submit(vec![transfer(n)]).unwrap()).collect();
    for entry in pending {
        assert_eq!(entry.committed().await, Ok(()));
    }
    let out_of_order =
        "SELECT count(*) FROM (SELECT amount, lag(amount) OVER (ORDER BY id) AS before FROM transfers) lines
                        WHERE before >= amount";
    assert_eq!(desk.count(out_of_order).await, 0);
    assert_eq!(desk.count("SELECT count(*) FROM transfers").await, 3_000);
}

/// A caller who stops waiting does not undo what it asked for.
async fn entry_is_committed_though_nobody_waits(on: Engine) {
    let desk = Desk::new(on).await;
    drop(desk.journal.submit(vec![transfer(5)]).unwrap());
    desk.commit(vec![transfer(6)]).await.unwrap();
    assert_eq!(desk.count("SELECT CAST(sum(amount) AS BIGINT) FROM transfers").await, 11);
}

/// The files are copied right after the answer, as a crash would leave them.
#[tokio::test]
async fn acknowledged_entry_survives_a_crash_of_sqlite() {
    let desk = Desk::with_lot(Engine::Sqlite, 10).await;
    for n in 0..10 {
        let order = order(n, 1);
        let mut entry = placed(&order);
        entry.push(transfer(1 + n as i64));
        assert_eq!(desk.commit(entry).await, Ok(()));
        let crashed = tempfile::tempdir().unwrap();
        for end in ["", "-wal"] {
            let name = format!("record.db{end}");
            std::fs::copy(desk.record.path().with_file_name(&name), crashed.path().join(&name)).unwrap();
        }
        let journal = Journal::open(&crashed.path().join("record.db"), 7, NOW).unwrap();
        let seen = journal.order(order.id).await.unwrap();
        assert_eq!(seen, Some(order), "order {n}");
        let LotRow { held, .. } = journal.lot(SALE).await.unwrap().unwrap();
        assert_eq!(held, n as u32 + 1);
        assert_eq!(journal.totals().all(), in_order(&desk.journal, journal.totals()));
        assert_eq!(journal.epoch(), EPOCH);
    }
}

/// The totals of `of`, in the order in which `like` lists them.
fn in_order(of: &Journal, like: &Totals) -> Vec<((Account, Currency, Code), Total)> {
    let total = |((account, currency, code), _): ((Account, Currency, Code), Total)| {
        let total = of.totals().of(&account, currency, code);
        ((account, currency, code), total)
    };
    like.all().into_iter().map(total).collect()
}

async fn reopened_record_says_the_same(on: Engine) {
    let desk = Desk::with_lot(on, 10).await;
    let order = order(1, 2);
    let mut entry = placed(&order);
    entry.extend([
        Write::Address {
            order: order.id,
            ship_to: ShipTo {
                name: "Lin".into(),
                phone: "13800000000".into(),
                address: "1 Orchard Road".into(),
            },
        },
        Write::Payment(payment(&order)),
        Write::Task { task: Task::Authorise(payment(&order).id), at: NOW },
        Write::Pledge(pledge(1)),
        transfer(250),
    ]);
    desk.commit(entry).await.unwrap();
    let sanction = Sanction::Muted { until: NOW };
    let muted = (room().id, "mallory".parse::<Subject>().unwrap(), sanction.clone());
    let write = Write::Sanction { room: muted.0.clone(), subject: muted.1.clone(), sanction: Some(sanction) };
    desk.commit(vec![write]).await.unwrap();
    let totals = desk.totals().await.all();
    let desk = desk.reopened().await;

    assert_eq!(desk.journal.epoch(), EPOCH, "a record keeps its name");
    assert_eq!(desk.journal.rooms().await.unwrap(), vec![room()]);
    assert_eq!(desk.journal.sanctions().await.unwrap(), vec![muted]);
    assert_eq!(desk.on_hand().await, 90);
    assert_eq!(desk.journal.live_sales().await.unwrap(), vec![sale(SALE, 10)]);
    assert_eq!(desk.lot().await, (10, 2, 0));
    assert_eq!(desk.journal.orders_of_sale(SALE).await.unwrap(), vec![order.clone()]);
    assert_eq!(desk.journal.payments_of_sale(SALE).await.unwrap(), vec![payment(&order)]);
    assert_eq!(desk.journal.address(order.id).await.unwrap().unwrap().name, "Lin");
    assert_eq!(
        desk.journal.tasks(crate::model::Timestamp(i64::MAX)).await.unwrap(),
        vec![Task::Authorise(payment(&order).id)]
    );
    assert_eq!(desk.journal.pledge(pledge(1).id, None).await.unwrap(), Some(pledge(1)));
    assert_eq!(totals.len(), 2);
    for ((account, currency, code), total) in totals {
        assert_eq!(desk.totals().await.of(&account, currency, code), total);
    }
    assert_eq!(desk.commit(placed(&order)).await, Err(StoreError::Exists));
    assert_eq!(desk.commit(vec![Write::Order(order.release().unwrap())]).await, Ok(()));
}
