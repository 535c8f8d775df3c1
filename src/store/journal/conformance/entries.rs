//! Entries are all or nothing; what is recorded once is recorded once.

use super::*;

laws! {
    key_is_used_once,
    provider_event_is_seen_once,
    entry_is_all_or_nothing_and_its_neighbours_stand,
    account_of_a_refused_entry_is_made_again,
    posted_lines_are_final,
    tasks_and_refunds_are_there_until_they_are_done,
    lists_go_on_after_the_last_key,
}

async fn key_is_used_once(on: Engine) {
    let desk = Desk::with_lot(on, 10).await;
    let stock = |key, content| {
        vec![Write::Once(once(key, content)), Write::Stock { sku: "apricots".parse().unwrap(), change: 5 }]
    };
    assert_eq!(desk.commit(stock(1, 1)).await, Ok(()));
    assert_eq!(desk.commit(stock(1, 1)).await, Err(StoreError::Seen));
    assert_eq!(desk.commit(stock(1, 2)).await, Err(StoreError::ContentDiffers));
    assert_eq!(desk.commit(stock(2, 1)).await, Ok(()));
    assert_eq!(desk.on_hand().await, 100 - 10 + 5 + 5);
    assert_eq!(desk.journal.seen(once(1, 1)).await, Ok(true));
    assert_eq!(desk.journal.seen(once(1, 2)).await, Err(StoreError::ContentDiffers));
    assert_eq!(desk.journal.seen(once(3, 1)).await, Ok(false));
}

async fn provider_event_is_seen_once(on: Engine) {
    let desk = Desk::new(on).await;
    let event = |id: &str, payment| {
        let news = ProviderNews::Authorised { payment: PaymentId(Uuid::from_u128(payment)) };
        Write::ProviderEvent { event: ProviderEvent { id: id.into(), news }, at: NOW }
    };
    assert_eq!(desk.commit(vec![event("evt_1", 1), transfer(5)]).await, Ok(()));
    assert_eq!(desk.commit(vec![event("evt_1", 1), transfer(5)]).await, Err(StoreError::Seen));
    assert_eq!(desk.commit(vec![event("evt_1", 2), transfer(5)]).await, Err(StoreError::Seen));
    assert_eq!(desk.commit(vec![event("evt_2", 1), transfer(5)]).await, Ok(()));
    assert_eq!(desk.count("SELECT CAST(sum(amount) AS BIGINT) FROM transfers").await, 10);
}

async fn entry_is_all_or_nothing_and_its_neighbours_stand(on: Engine) {
    let desk = Desk::with_lot(on, 5).await;
    desk.commit(vec![Write::Once(once(1, 1))]).await.unwrap();
    let unknown = Order { sku: "no-such".parse().unwrap(), sale: SaleId(Uuid::from_u128(9)), ..order(8, 1) };
    let entries: Vec<(Entry, Result<(), StoreError>)> = vec![
        (vec![transfer(1)], Ok(())),
        // The first write is refused.
        (vec![Write::Once(once(1, 1)), transfer(10)], Err(StoreError::Seen)),
        (placed(&order(1, 2)), Ok(())),
        // A write in the middle is refused.
        (vec![transfer(100), Write::Once(once(1, 2)), transfer(100)], Err(StoreError::ContentDiffers)),
        (vec![Write::Once(once(2, 1)), transfer(1_000)], Ok(())),
        // The sum is refused, after all of its writes.
        (vec![transfer(10_000), Write::Order(order(2, 4)), hold(&order(2, 4))], Err(StoreError::OverStock)),
        (vec![transfer(100_000)], Ok(())),
    ];
    let submit = |entry: &Entry| desk.journal.submit(entry.clone()).unwrap();
    let pending: Vec<Pending> = entries.iter().map(|(entry, _)| submit(entry)).collect();
    let broken = submit(&vec![transfer(7), Write::Order(unknown.clone()), hold(&unknown)]);
    for (index, (pending, (_, expected))) in pending.into_iter().zip(&entries).enumerate() {
        assert_eq!(pending.committed().await, *expected, "entry {index}");
    }
    let broken = broken.committed().await;
    assert!(is_rule(&broken), "{broken:?}");
    assert_eq!(desk.count("SELECT CAST(sum(amount) AS BIGINT) FROM transfers").await, 101_001);
    assert_eq!(desk.count("SELECT count(*) FROM orders").await, 1);
    assert_eq!(desk.count("SELECT count(*) FROM once").await, 2);
    assert_eq!(desk.lot().await, (5, 2, 0));
    let commission = desk.totals().await.of(&Account::PlatformCommission, Currency::CNY, Code::Commission);
    assert_eq!(commission.credits, 101_001);
}

/// An account that a refused entry was the first to name is made again by the next.
async fn account_of_a_refused_entry_is_made_again(on: Engine) {
    let desk = Desk::with_lot(on, 1).await;
    desk.commit(vec![Write::Once(once(1, 1))]).await.unwrap();
    let refused = vec![transfer(5), Write::Once(once(1, 1))];
    assert_eq!(desk.commit(refused).await, Err(StoreError::Seen));
    assert_eq!(desk.count("SELECT count(*) FROM accounts").await, 0);
    assert_eq!(desk.commit(vec![transfer(6)]).await, Ok(()));
    assert_eq!(desk.count("SELECT count(*) FROM accounts").await, 2);
    assert_eq!(desk.count("SELECT CAST(sum(credits) AS BIGINT) FROM totals").await, 6);
}

async fn posted_lines_are_final(on: Engine) {
    let desk = Desk::new(on).await;
    desk.commit(vec![transfer(5)]).await.unwrap();
    for sql in [
        "UPDATE transfers SET amount = 6",
        "DELETE FROM transfers",
        "UPDATE transfers SET at = 1 WHERE id = 1",
    ] {
        let refused = desk.record.by_hand(sql).unwrap_err();
        assert!(refused.contains("a posted line is final"), "{sql}: {refused}");
    }
    assert_eq!(desk.count("SELECT CAST(sum(amount) AS BIGINT) FROM transfers").await, 5);
    let same = Write::Transfer(Transfer {
        debit: Account::RefundPayable,
        credit: Account::RefundPayable,
        amount: cny(1),
        code: Code::Refund,
        order: None,
        at: NOW,
    });
    assert!(is_rule(&desk.commit(vec![same]).await), "both sides in one account");
    assert!(is_rule(&desk.commit(vec![transfer(-1)]).await), "less than nothing");
    assert_eq!(desk.count("SELECT count(*) FROM transfers").await, 1);
}

async fn tasks_and_refunds_are_there_until_they_are_done(on: Engine) {
    let desk = Desk::with_lot(on, 5).await;
    let order = order(1, 1);
    desk.commit(placed(&order)).await.unwrap();
    let refund = Refund {
        id: RefundId(Uuid::from_u128(5)),
        payment: payment(&order).id,
        order: order.id,
        amount: cny(100),
        reason: "bruised".into(),
        requested_at: NOW,
        done_at: None,
    };
    desk.commit(vec![Write::Payment(payment(&order)), Write::Refund(refund.clone())]).await.unwrap();
    let tasks =
        [Task::Authorise(payment(&order).id), Task::Capture(payment(&order).id), Task::Refund(refund.id)];
    for (n, task) in tasks.into_iter().enumerate() {
        let at = NOW + Duration::from_millis(n as u64);
        assert_eq!(desk.commit(vec![Write::Task { task, at }]).await, Ok(()));
        assert_eq!(desk.commit(vec![Write::Task { task, at }]).await, Err(StoreError::Exists));
    }
    assert_eq!(desk.journal.tasks(crate::model::Timestamp(i64::MAX)).await.unwrap(), tasks);
    assert_eq!(desk.commit(vec![Write::TaskDone(tasks[1])]).await, Ok(()));
    assert_eq!(desk.commit(vec![Write::TaskDone(tasks[1])]).await, Ok(()), "done is done");
    assert_eq!(desk.journal.tasks(crate::model::Timestamp(i64::MAX)).await.unwrap(), [tasks[0], tasks[2]]);

    assert_eq!(desk.commit(vec![Write::Refund(refund.clone())]).await, Err(StoreError::Exists));
    let done = vec![Write::RefundDone { refund: refund.id, at: NOW }];
    assert_eq!(desk.commit(done.clone()).await, Ok(()));
    assert_eq!(desk.commit(done).await, Err(StoreError::Seen));
    assert_eq!(desk.journal.refund(refund.id).await.unwrap(), Some(Refund { done_at: Some(NOW), ..refund }));
}

async fn lists_go_on_after_the_last_key(on: Engine) {
    let desk = Desk::with_lot(on, 10).await;
    for n in 1..=5 {
        let order = Order { buyer: "ann".parse().unwrap(), ..order(n, 1) };
        desk.commit(placed(&order)).await.unwrap();
    }
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = Page { after, limit: 2 };
        let Listing { items, next } =
            desk.journal.orders_of_buyer("ann".parse().unwrap(), page).await.unwrap();
        assert!(items.len() <= 2);
        seen.extend(items.into_iter().map(|order| order.id.0.as_u128() - 1_000));
        after = next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(seen, [5, 4, 3, 2, 1]);
}
