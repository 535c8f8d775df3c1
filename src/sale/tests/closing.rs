//! How a sale opens and closes, and where the units go.

use super::*;

fn state(shop: &Shop) -> SaleState {
    shop.sales.view(shop.sale).unwrap().sale.state
}

fn closed(shop: &Shop) -> Option<CloseReason> {
    match state(shop) {
        SaleState::Closed { reason, .. } => Some(reason),
        SaleState::Scheduled | SaleState::Open { .. } | SaleState::Paused { .. } => None,
    }
}

#[tokio::test]
async fn sale_opens_when_its_time_has_come() {
    let shop = Shop::scheduled(3, 9, Some(START + HOLD)).await;
    shop.sweep().await;
    assert_eq!(state(&shop), SaleState::Scheduled);
    shop.pass(HOLD);
    shop.sweep().await;
    assert_eq!(state(&shop), SaleState::Open { closes_at: START + HOLD + OPEN_FOR });
    let again = shop.sales.open_sale(shop.sale, shop.now()).await;
    assert_eq!(again, Err(SaleRefused::AlreadyOpen.into()));
    assert_eq!(shop.told(), ["sale scheduled 3", "sale open 3"]);
}

#[tokio::test]
async fn stock_is_set_aside_from_the_product_and_comes_back() {
    let shop = Shop::open(10, 9).await;
    assert_eq!(shop.on_hand(), 90);
    let too_many = FlashSale { id: SaleId(Uuid::from_u128(2)), stock: 91, ..sale() };
    let refused = shop.sales.create_sale(too_many, None, shop.now()).await;
    assert_eq!(refused, Err(StoreError::StockShort.into()));
    shop.bought("ann", 2).await;
    shop.place("bo", 3).await.unwrap();
    shop.close().await.unwrap();
    assert_eq!((shop.on_hand(), shop.stock()), (95, [0, 3, 2, 0]));
    let again = shop.close().await;
    assert_eq!(again, Err(SaleRefused::Closed.into()));
    assert_eq!(shop.place("cy", 1).await, Err(SaleRefused::Closed.into()));
    assert_eq!(shop.wait("cy", 1).await, Err(SaleRefused::Closed.into()));
    // What is held may still be paid.
    shop.pay("bo").await.unwrap();
    shop.authorise("bo").await.unwrap();
    assert_eq!((shop.stage("bo").await, shop.on_hand(), shop.stock()), ("paid", 95, [0, 0, 5, 0]));
    shop.audit();
}

#[tokio::test]
async fn room_hears_how_a_closed_sale_came_out_when_its_last_hold_has_ended() {
    let shop = Shop::open(10, 9).await;
    shop.place("ann", 2).await.unwrap();
    shop.place("bo", 1).await.unwrap();
    shop.close().await.unwrap();
    shop.pay("ann").await.unwrap();
    shop.told();
    shop.authorise("ann").await.unwrap();
    assert_eq!((shop.told(), shop.stock()), (vec!["ann paid".into()], [0, 1, 2, 0]));
    assert_eq!(shop.sales.stocks(&sale().room).len(), 1, "the state still tells of it");
    shop.pass(HOLD);
    shop.sweep().await;
    assert_eq!(
        (shop.told(), shop.stock()),
        (vec!["bo expired".into(), "sale closed 0".into()], [0, 0, 2, 0])
    );
    assert!(shop.sales.stocks(&sale().room).is_empty());
}

#[tokio::test]
async fn time_closes_a_sale_swept_or_not() {
    let shop = Shop::open(3, 9).await;
    shop.pass(OPEN_FOR - Duration::from_millis(1));
    shop.place("ann", 1).await.unwrap();
    shop.pass(Duration::from_millis(1));
    assert_eq!(shop.place("bo", 1).await, Err(SaleRefused::Closed.into()));
    shop.sweep().await;
    assert_eq!(closed(&shop), Some(CloseReason::Time));
    assert_eq!(shop.on_hand(), 99);
    shop.audit();
}

#[tokio::test]
async fn hold_that_ends_after_the_close_goes_back_to_the_product() {
    let shop = Shop::open(3, 9).await;
    for who in ["ann", "bo", "cy"] {
        shop.place(who, 1).await.unwrap();
    }
    shop.pay("cy").await.unwrap();
    shop.close().await.unwrap();
    assert_eq!(shop.on_hand(), 97);
    shop.cancel("ann").await.unwrap();
    assert_eq!(shop.on_hand(), 98, "cancelled after the close");
    shop.audit();
    shop.pass(HOLD);
    shop.sweep().await;
    assert_eq!((shop.on_hand(), shop.stage("bo").await), (100, "expired"));
    shop.audit();
    // The money that comes now finds nothing to hold.
    shop.authorise("cy").await.unwrap();
    assert_eq!((shop.stage("cy").await, shop.payment_state("cy").await), ("expired", "refunding"));
    shop.audit();
}

#[tokio::test]
async fn late_payment_after_the_close_ends_its_own_hold() {
    let shop = Shop::open(1, 9).await;
    shop.place("ann", 1).await.unwrap();
    shop.pay("ann").await.unwrap();
    shop.close().await.unwrap();
    shop.pass(HOLD);
    shop.authorise("ann").await.unwrap();
    assert_eq!((shop.stage("ann").await, shop.payment_state("ann").await), ("expired", "refunding"));
    assert_eq!(shop.on_hand(), 100);
    shop.audit();
}

#[tokio::test]
async fn sold_out_closes_when_everything_is_paid() {
    let shop = Shop::open(2, 9).await;
    shop.bought("ann", 1).await;
    shop.place("bo", 1).await.unwrap();
    shop.wait("cy", 1).await.unwrap();
    shop.sweep().await;
    assert_eq!(closed(&shop), None, "a hold may still come back");
    shop.pay("bo").await.unwrap();
    shop.authorise("bo").await.unwrap();
    shop.told();
    shop.sweep().await;
    assert_eq!(closed(&shop), Some(CloseReason::SoldOut));
    assert_eq!(shop.told(), ["sale closed 0", "cy expired"]);
    shop.audit();
}

#[tokio::test]
async fn close_dismisses_who_waits() {
    let shop = Shop::open(1, 9).await;
    shop.place("ann", 1).await.unwrap();
    shop.wait("bo", 1).await.unwrap();
    shop.wait("cy", 1).await.unwrap();
    shop.close().await.unwrap();
    assert_eq!([shop.stage("bo").await, shop.stage("cy").await], ["expired", "expired"]);
    assert_eq!(shop.cancel("bo").await, Err(OrderRefused::HoldExpired.into()));
    assert_eq!(
        shop.wait("bo", 1).await.unwrap().view.order.stage,
        Stage::Expired,
        "a retry is told how it ended"
    );
    shop.audit();
}

/// As a crash between the close and the dismissals would leave it.
#[tokio::test]
async fn who_still_waits_for_a_closed_sale_is_dismissed_by_the_sweep() {
    let shop = Shop::open(1, 9).await;
    shop.place("ann", 1).await.unwrap();
    shop.wait("bo", 1).await.unwrap();
    let closed = shop.sales.view(shop.sale).unwrap().sale.close(shop.now(), CloseReason::Host).unwrap();
    let entry = vec![Write::Sale(closed), Write::ReturnLeftovers(shop.sale)];
    shop.sales.0.journal.commit(entry).await.unwrap();
    let shop = shop.restarted().await;
    assert_eq!(shop.stage("bo").await, "waiting");
    shop.sweep().await;
    assert_eq!(shop.stage("bo").await, "expired");
    shop.audit();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn close_in_a_rush_loses_no_unit() {
    for _ in 0..10 {
        let shop = std::sync::Arc::new(Shop::open(30, 99).await);
        for n in 0..10 {
            shop.place(&format!("held{n}"), 1).await.unwrap();
        }
        let mut tasks = Vec::new();
        for n in 0..10 {
            let placing = std::sync::Arc::clone(&shop);
            tasks.push(tokio::spawn(async move { drop(placing.place(&format!("new{n}"), 1).await) }));
            let cancelling = std::sync::Arc::clone(&shop);
            tasks.push(tokio::spawn(async move { drop(cancelling.cancel(&format!("held{n}")).await) }));
        }
        let closing = std::sync::Arc::clone(&shop);
        tasks.push(tokio::spawn(async move {
            closing.close().await.unwrap();
        }));
        for task in tasks {
            task.await.unwrap();
        }
        shop.audit();
        shop.pass(HOLD);
        shop.sweep().await;
        assert_eq!(shop.on_hand(), 100);
        shop.audit();
    }
}
