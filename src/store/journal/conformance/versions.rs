//! Versions: a change made from an older one is refused.

use super::*;

laws! {
    new_version_follows_the_one_before_or_is_refused,
    paused_sale_is_read_as_it_was_written,
    content_of_an_order_is_never_updated,
    pledge_versions_are_kept_side_by_side,
    hosts_pledges_are_listed_in_their_newest_version,
    room_without_a_run_sheet_is_written_as_before,
    orders_are_read_with_their_payments,
}

fn run_sheet() -> Vec<RunSheetItem> {
    let planned = RunSheetItem {
        sku: "apricots".parse().unwrap(),
        price: Some(cny(1_500)),
        stock: 8,
        limit_per_buyer: 2,
        hold_seconds: 60,
        duration_seconds: 300,
        pledge: Some(pledge(1).id),
        note: "sweet \"ones\"".into(),
    };
    let open = RunSheetItem { sku: "honey".parse().unwrap(), price: None, pledge: None, ..planned.clone() };
    vec![open, planned]
}

async fn new_version_follows_the_one_before_or_is_refused(on: Engine) {
    let desk = Desk::with_lot(on, 10).await;
    let order = order(1, 2);
    assert_eq!(desk.commit(placed(&order)).await, Ok(()));
    assert_eq!(desk.commit(vec![Write::Room(Box::new(room()))]).await, Err(StoreError::Exists));
    assert_eq!(desk.commit(vec![Write::NewProduct(product(5))]).await, Err(StoreError::Exists));
    assert_eq!(desk.commit(vec![Write::Sale(sale(SALE, 1))]).await, Err(StoreError::Exists));
    assert_eq!(desk.commit(placed(&order)).await, Err(StoreError::Exists));
    assert_eq!(desk.commit(vec![Write::Payment(payment(&order))]).await, Ok(()));
    assert_eq!(desk.commit(vec![Write::Payment(payment(&order))]).await, Err(StoreError::Exists));

    let names = [("mo".parse().unwrap(), "Mo the Elder".to_owned())].into();
    let room_2 =
        Room { version: 2, title: "Later".into(), run_sheet: run_sheet(), moderator_names: names, ..room() };
    let sale_2 = sale(SALE, 10).open(NOW).unwrap();
    let released = order.clone().release().unwrap();
    let declined = payment(&order).into(PaymentState::Declined { reason: "no funds".into() });
    let second = |n: u32| match n {
        0 => Write::Room(Box::new(room_2.clone())),
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
    assert_eq!(desk.commit(vec![Write::Room(Box::new(jump))]).await, Err(StoreError::Stale));
    assert_eq!(desk.journal.room(room().id).await.unwrap(), Some(room_2));
    assert_eq!(desk.journal.sale(SALE).await.unwrap(), Some(sale_2));
    assert_eq!(desk.journal.order(order.id).await.unwrap(), Some(released));
    assert_eq!(desk.journal.payments_of(order.id).await.unwrap(), vec![declined]);
}

/// A program of before reads it, and this one reads what that one wrote.
async fn room_without_a_run_sheet_is_written_as_before(on: Engine) {
    let desk = Desk::with_lot(on, 1).await;
    let new = "SELECT count(*) FROM rooms WHERE body LIKE '%run_sheet%' OR body LIKE '%moderator_names%'";
    assert_eq!(desk.count(new).await, 0);
    assert_eq!(desk.journal.room(room().id).await, Ok(Some(room())));
    let planned = Room { version: 2, run_sheet: run_sheet(), ..room() };
    desk.commit(vec![Write::Room(Box::new(planned.clone()))]).await.unwrap();
    assert_eq!(desk.journal.rooms().await, Ok(vec![planned]));
}

async fn hosts_pledges_are_listed_in_their_newest_version(on: Engine) {
    let desk = Desk::new(on).await;
    let of = |n: u128, version, host: &str| {
        let host = host.parse().unwrap();
        Write::Pledge(Pledge { id: PledgeId(Uuid::from_u128(n)), host, ..pledge(version) })
    };
    for write in [of(1, 1, "li"), of(2, 1, "zhao"), of(3, 1, "li"), of(1, 2, "li"), of(4, 1, "li")] {
        desk.commit(vec![write]).await.unwrap();
    }
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = Page { after, limit: 2 };
        let Listing { items, next } = desk.journal.pledges_of("li".parse().unwrap(), page).await.unwrap();
        seen.extend(items.into_iter().map(|pledge| (pledge.id.0.as_u128(), pledge.version)));
        after = next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(seen, [(4, 1), (3, 1), (1, 2)]);
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
