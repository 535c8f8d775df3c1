//! One entry of many is refused: the others do not pay for it.

use apricot_servers::Proxy;
use tokio_postgres::NoTls;

use super::desk::settings;
use super::*;

laws! {
    of_many_entries_each_is_refused_or_granted_in_its_turn,
    keys_are_told_apart_where_others_are_refused,
}

/// More than one part of a batch, and in each some that ask for too much.
async fn of_many_entries_each_is_refused_or_granted_in_its_turn(on: Engine) {
    let desk = Desk::with_lot(on, 100).await;
    let orders: Vec<Order> =
        (0..700).map(|n| order(n, if n % 7 == 0 { 9 } else { 1 + n as u32 % 2 })).collect();
    let mut left = 100;
    let expected: Vec<Result<(), StoreError>> = orders
        .iter()
        .map(|order| {
            if order.quantity > left {
                return Err(StoreError::OverStock);
            }
            left -= order.quantity;
            Ok(())
        })
        .collect();
    let answers = desk.commit_at_once(orders.iter().map(placed).collect()).await;
    assert_eq!(answers, expected);
    assert_eq!(desk.lot().await, (100, 100 - left, 0));
}

/// A key that is used by a later entry was not used before this one.
async fn keys_are_told_apart_where_others_are_refused(on: Engine) {
    let desk = Desk::with_lot(on, 1).await;
    desk.commit(vec![Write::Once(once(1, 1))]).await.unwrap();
    let entries = vec![
        vec![transfer(1), Write::Once(once(2, 2)), Write::Once(once(1, 1))],
        vec![transfer(1), Write::Once(once(2, 9))],
        vec![transfer(1), Write::Once(once(2, 2))],
        vec![transfer(1), Write::Once(once(3, 3)), Write::Once(once(3, 3))],
        placed(&order(1, 2)),
    ];
    let answers = desk.commit_at_once(entries).await;
    let (seen, differs, over) =
        (Err(StoreError::Seen), Err(StoreError::ContentDiffers), Err(StoreError::OverStock));
    assert_eq!(answers, [seen.clone(), Ok(()), differs, seen, over]);
}

/// What takes two round trips of 200 ms for each entry takes more than half a minute; what takes a few for all of them, two seconds.
const A_FEW_TRIPS: Duration = Duration::from_secs(15);

/// The answers of a node that is far away from the record.
async fn far_away(desk: &Desk, entries: Vec<Entry>) -> Vec<Result<(), StoreError>> {
    let (port, url) = (desk.record.port(), desk.record.url());
    let proxy = Proxy::to(([127, 0, 0, 1], port).into()).unwrap();
    let by_proxy = url.replace(&port.to_string(), &proxy.address().port().to_string());
    let far = Desk {
        record: desk.record.clone(),
        journal: Journal::connect(&settings(by_proxy), EPOCH, NOW).await.unwrap(),
    };
    proxy.delay(Duration::from_millis(100), Duration::from_millis(100));
    let answers = tokio::time::timeout(A_FEW_TRIPS, far.commit_at_once(entries)).await;
    far.journal.close().await;
    answers.expect("a few round trips")
}

#[tokio::test]
async fn one_refused_entry_costs_its_batch_a_few_round_trips() {
    let Some(engine) = Engine::postgres() else { return };
    let desk = Desk::with_lot(engine, 99).await;
    let mut expected = vec![Ok(()); 99];
    expected.push(Err(StoreError::OverStock));
    let entries = (0..100).map(|n| placed(&order(n, 1))).collect();
    assert_eq!(far_away(&desk, entries).await, expected);
    assert_eq!(desk.lot().await, (99, 99, 0));
}

#[tokio::test]
async fn what_stands_behind_a_lost_duty_is_refused_together() {
    let Some(engine) = Engine::postgres() else { return };
    let desk = Desk::with_lot(engine, 100).await;
    let fence = |fence| Write::Fence { duty: Duty::Keeper, fence };
    let lost = desk.journal.take_lease(Duty::Keeper, "a", Duration::ZERO, NOW).await.unwrap().unwrap();
    let now =
        desk.journal.take_lease(Duty::Keeper, "b", Duration::from_secs(60), NOW).await.unwrap().unwrap();
    let entries = (0..200).map(|n| {
        let mut entry = placed(&order(n, 1));
        entry.insert(0, fence(if n % 2 == 0 { lost.fence } else { now.fence }));
        entry
    });
    let entries = entries.collect();
    let expected: Vec<_> = (0..100).flat_map(|_| [Err(StoreError::Fenced), Ok(())]).collect();
    assert_eq!(far_away(&desk, entries).await, expected);
    assert_eq!(desk.lot().await, (100, 100, 0));
}

/// Its time was up while it waited for a lock that somebody else held: nothing was done, and it is sent again.
#[tokio::test]
async fn who_waited_in_vain_for_a_lock_waits_once_more() {
    let Some(engine) = Engine::postgres() else { return };
    let desk = Desk::with_lot(engine, 10).await;
    let (somebody, connection) = tokio_postgres::connect(&desk.record.url(), NoTls).await.unwrap();
    let connection = tokio::spawn(connection);
    somebody.batch_execute("BEGIN; UPDATE lots SET held = held").await.unwrap();
    let waiting = desk.journal.submit(placed(&order(1, 1))).unwrap();
    // As when its time is up.
    let cancel = "SELECT pg_cancel_backend(pid) FROM pg_stat_activity
                  WHERE datname = current_database() AND wait_event_type = 'Lock'";
    while somebody.query(cancel, &[]).await.unwrap().is_empty() {}
    somebody.batch_execute("COMMIT").await.unwrap();
    assert_eq!(waiting.committed().await, Ok(()));
    assert_eq!(desk.lot().await, (10, 1, 0));
    drop(somebody);
    connection.await.unwrap().unwrap();
}
