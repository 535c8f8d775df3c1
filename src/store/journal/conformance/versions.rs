//! Versions: a change made from an older one is refused.

use super::*;

laws! {
    new_version_follows_the_one_before_or_is_refused,
    paused_sale_is_read_as_it_was_written,
    content_of_an_order_is_never_updated,
    pledge_versions_are_kept_side_by_side,
    orders_are_read_with_their_payments,
}

async fn new_version_follows_the_one_before_or_is_refused(on: Engine) {
    let desk = Desk::with_lot(on, 10).await;
    let order = order(1, 2);
    assert_eq!(desk.commit(placed(&order)).await, Ok(()));
    assert_eq!(desk.commit(vec![Write::Room(room())]).await, Err(StoreError::Exists));
    assert_eq!(desk.commit(vec![Write::NewProduct(product(5))]).await, Err(StoreError::Exists));
    assert_eq!(desk.commit(vec![Write::Sale(sale(SALE, 1))]).await, Err(StoreError::Exists));
    assert_eq!(desk.commit(placed(&order)).await, Err(StoreError::Exists));
    assert_eq!(desk.commit(vec![Write::Payment(payment(&order))]).await, Ok(()));
    assert_eq!(desk.commit(vec![Write::Payment(payment(&order))]).await, Err(StoreError::Exists));

    let room_2 = Room { version: 2, title: "Later".into(), ..room() };
    let sale_2 = sale(SALE, 10).open(NOW).unwrap();
    let released = order.clone().release().unwrap();
    let declined = payment(&order).into(PaymentState::Declined { reason: "no funds".into() });
    let second = |n: u32| match n {
        0 => Write::Room(room_2.clone()),
        1 => Write::Sale(sale_2.clone()),
        2 => Write::Order(released.clone()),
        _ => Write::Payment(declined.clone()),
    };
    for n in 0..4 {
        assert_eq!(desk.commit(vec![second(n)]).await, Ok(()), "the second version of {n}");
        assert_eq!(
            desk.commit(vec![second(n)]).await,
            Err(StoreError::Stale),
            "the second version of {n}, again"
        );
    }
    let jump = Room { version: 4, ..room_2.clone() };
    assert_eq!(desk.commit(vec![Write::Room(jump)]).await, Err(StoreError::Stale));
    assert_eq!(desk.journal.room(room().id).await.unwrap(), Some(room_2));
    assert_eq!(desk.journal.sale(SALE).await.unwrap(), Some(sale_2));
    assert_eq!(desk.journal.order(order.id).await.unwrap(), Some(released));
    assert_eq!(desk.journal.payments_of(order.id).await.unwrap(), vec![declined]);
}

async fn paused_sale_is_read_as_it_was_written(on: Engine) {
    let desk = Desk::with_lot(on, 10).await;
    let open = sale(SALE, 10).open(NOW).unwrap();
    let paused = open.clone().pause(NOW).unwrap();
    let resumed = paused.clone().resume(NOW).unwrap();
    for sale in [open, paused, resumed] {
        desk.commit(vec![Write::Sale(sale.clone())]).await.unwrap();
        assert_eq!(desk.journal.sale(SALE).await.unwrap(), Some(sale));
    }
}

async fn content_of_an_order_is_never_updated(on: Engine) {
    let desk = Desk::with_lot(on, 10).await;
    let order = order(1, 2);
    desk.commit(placed(&order)).await.unwrap();
    let next = order.clone().release().unwrap();
    for changed in [
        Order { quantity: 1, ..next.clone() },
        Order { unit_price: cny(1), ..next.clone() },
        Order { buyer: "other".parse().unwrap(), ..next.clone() },
        Order { wait: true, ..next.clone() },
    ] {
        assert_eq!(desk.commit(vec![Write::Order(changed)]).await, Err(StoreError::Stale));
    }
    assert_eq!(desk.journal.order(order.id).await.unwrap(), Some(order));
}

async fn pledge_versions_are_kept_side_by_side(on: Engine) {
    let desk = Desk::new(on).await;
    assert_eq!(desk.commit(vec![Write::Pledge(pledge(2))]).await, Err(StoreError::Stale));
    assert_eq!(desk.commit(vec![Write::Pledge(pledge(1))]).await, Ok(()));
    assert_eq!(desk.commit(vec![Write::Pledge(pledge(1))]).await, Err(StoreError::Stale));
    assert_eq!(desk.commit(vec![Write::Pledge(pledge(2))]).await, Ok(()));
    assert_eq!(desk.journal.pledge(pledge(1).id, Some(1)).await.unwrap(), Some(pledge(1)));
    assert_eq!(desk.journal.pledge(pledge(1).id, None).await.unwrap(), Some(pledge(2)));
    assert_eq!(desk.journal.pledge(pledge(1).id, Some(3)).await.unwrap(), None);
}

async fn orders_are_read_with_their_payments(on: Engine) {
    let desk = Desk::with_lot(on, 10).await;
    let [paid_twice, unpaid] = [1, 2].map(|n| order(n, 1));
    for order in [&paid_twice, &unpaid] {
        desk.commit(placed(order)).await.unwrap();
    }
    let first = payment(&paid_twice);
    let second = Payment {
        id: PaymentId(Uuid::from_u128(77)),
        created_at: NOW + Duration::from_millis(1),
        ..first.clone()
    };
    for payment in [&second, &first] {
        desk.commit(vec![Write::Payment(payment.clone())]).await.unwrap();
    }
    let ids = vec![paid_twice.id, unpaid.id, order(3, 1).id];
    let mut found = desk.journal.orders_with_payments(ids).await.unwrap();
    found.sort_by_key(|(order, _)| order.id);
    let both = (paid_twice.clone(), vec![first, second]);
    assert_eq!(found, [both.clone(), (unpaid, Vec::new())]);
    assert_eq!(desk.journal.order_with_payments(paid_twice.id).await.unwrap(), Some(both));
    assert_eq!(desk.journal.orders_with_payments(Vec::new()).await.unwrap(), []);
}
