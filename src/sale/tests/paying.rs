//! Payments and the provider's events, in every order and number in which they may come.

use super::*;

#[tokio::test]
async fn payment_becomes_a_claim_with_its_postings() {
    let shop = Shop::open(3, 9).await;
    shop.place("ann", 2).await.unwrap();
    let view = shop.pay("ann").await.unwrap();
    assert_eq!((view.payment, view.order.stage.name()), (Some(PaymentState::Authorising), "held"));
    let payment = shop.payment("ann").await;
    assert_eq!(shop.asked(), [Task::Authorise(payment)]);
    shop.authorise("ann").await.unwrap();
    assert_eq!(shop.asked(), [Task::Capture(payment)]);
    let order = shop.view("ann").await.order;
    assert_eq!((order.stage.name(), order.paid_at, order.charity_minor), ("paid", Some(START), 2 * SHARE));
    assert_eq!(shop.stock(), [1, 0, 2, 0]);
    assert_eq!(shop.balance("buyer_clearing"), -2 * PRICE);
    assert_eq!(shop.balance("host_payable"), 2 * (PRICE - SHARE));
    assert_eq!(shop.balance("charity_accrued"), 2 * SHARE);

    shop.tell("cap-1", ProviderNews::Captured { payment, fee: cny(24) }).await.unwrap();
    assert_eq!(shop.payment_state("ann").await, "captured");
    assert_eq!(shop.balance("provider_fee"), 24);
    assert_eq!(shop.sql("SELECT count(*) FROM outbox"), 0);
    let [total] = shop.sales.charity_totals(&room().id, START).try_into().unwrap();
    assert_eq!((total.gross_accrued, total.gross_reversed), (2 * SHARE, 0));
    shop.audit();
}

#[tokio::test]
async fn declined_payment_keeps_the_hold_for_another_try() {
    let shop = Shop::open(1, 9).await;
    shop.place("ann", 1).await.unwrap();
    shop.pay("ann").await.unwrap();
    let first = shop.payment("ann").await;
    shop.told();
    shop.decline("ann").await.unwrap();
    assert_eq!(shop.view("ann").await.payment, Some(PaymentState::Declined { reason: "no funds".into() }));
    assert_eq!((shop.told(), shop.stock()), (vec!["ann held".into()], [0, 1, 0, 0]));
    shop.pass(Duration::from_secs(1));
    shop.pay("ann").await.unwrap();
    let second = shop.payment("ann").await;
    assert_ne!(first, second);
    assert_eq!(shop.asked(), [Task::Authorise(first), Task::Authorise(second)]);
    // The first cannot come back to life.
    shop.tell("zombie", ProviderNews::Authorised { payment: first }).await.unwrap();
    assert_eq!(shop.stage("ann").await, "held");
    shop.authorise("ann").await.unwrap();
    assert_eq!(shop.stage("ann").await, "paid");
    // Nor can a late decline take it away.
    shop.tell("late-no", ProviderNews::Declined { payment: second, reason: "?".into() }).await.unwrap();
    assert_eq!(shop.payment_state("ann").await, "authorised");
    assert_eq!(shop.balance("buyer_clearing"), -PRICE);
    shop.audit();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn paying_again_is_one_payment() {
    let shop = std::sync::Arc::new(Shop::open(1, 9).await);
    shop.place("ann", 1).await.unwrap();
    let taps: Vec<_> = (0..8)
        .map(|_| {
            let shop = std::sync::Arc::clone(&shop);
            tokio::spawn(async move { shop.pay("ann").await.unwrap().payment })
        })
        .collect();
    for tap in taps {
        assert_eq!(tap.await.unwrap(), Some(PaymentState::Authorising));
    }
    assert_eq!(shop.asked(), [Task::Authorise(shop.payment("ann").await)]);
    shop.authorise("ann").await.unwrap();
    assert_eq!(shop.pay("ann").await.unwrap().payment, Some(PaymentState::Authorised));
    assert_eq!(shop.sql("SELECT count(*) FROM payments"), 1);
    shop.audit();
}

#[tokio::test]
async fn payment_needs_a_hold_that_stands_and_an_address() {
    let shop = Shop::open(1, 9).await;
    shop.place("ann", 1).await.unwrap();
    let nowhere = ShipTo { name: "Lin".into(), phone: "none".into(), address: "x".into() };
    let refused =
        shop.sales.pay(&buyer("ann"), order("ann"), Method::SandboxApprove, nowhere.clone(), START).await;
    assert!(matches!(refused, Err(Refusal::OutOfBound(OutOfBound { field, .. })) if field == "shipTo.phone"));
    let somewhere = ShipTo { phone: "13800000000".into(), ..nowhere };
    let thief = shop.sales.pay(&buyer("bo"), order("ann"), Method::SandboxApprove, somewhere, START).await;
    assert_eq!(thief, Err(Refusal::NotFound("order")));
    shop.pass(HOLD);
    assert_eq!(shop.pay("ann").await, Err(OrderRefused::HoldExpired.into()), "swept or not");
    assert_eq!(shop.sql("SELECT count(*) FROM payments"), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn event_has_one_effect_however_often_it_comes() {
    let shop = std::sync::Arc::new(Shop::open(5, 9).await);
    shop.place("ann", 1).await.unwrap();
    shop.pay("ann").await.unwrap();
    let payment = shop.payment("ann").await;
    let tellings: Vec<_> = (0..12)
        .map(|n| {
            let shop = std::sync::Arc::clone(&shop);
            // The same event six times, and six others that say the same.
            let id = if n % 2 == 0 { "evt".to_owned() } else { format!("evt-{n}") };
            tokio::spawn(async move { shop.tell(&id, ProviderNews::Authorised { payment }).await })
        })
        .collect();
    for telling in tellings {
        // A loser of the race may ask to be told again.
        drop(telling.await.unwrap());
    }
    assert_eq!(shop.tell("evt", ProviderNews::Authorised { payment }).await, Ok(()));
    assert_eq!(shop.stage("ann").await, "paid");
    assert_eq!(shop.stock(), [4, 0, 1, 0]);
    for _ in 0..3 {
        shop.tell("cap", ProviderNews::Captured { payment, fee: cny(7) }).await.unwrap();
        shop.tell("cap-2", ProviderNews::Captured { payment, fee: cny(7) }).await.unwrap();
    }
    assert_eq!((shop.balance("buyer_clearing"), shop.balance("provider_fee")), (-PRICE, 7));
    shop.audit();
}

#[tokio::test]
async fn event_id_used_for_another_payment_is_not_taken() {
    let shop = Shop::open(5, 9).await;
    for who in ["ann", "bo"] {
        shop.place(who, 1).await.unwrap();
        shop.pay(who).await.unwrap();
    }
    let (ann, bo) = (shop.payment("ann").await, shop.payment("bo").await);
    shop.tell("evt", ProviderNews::Authorised { payment: ann }).await.unwrap();
    shop.tell("evt", ProviderNews::Authorised { payment: bo }).await.unwrap();
    assert_eq!([shop.stage("ann").await, shop.stage("bo").await], ["paid", "held"]);
    assert_eq!(shop.stock(), [3, 1, 1, 0]);
    shop.tell("evt-2", ProviderNews::Authorised { payment: bo }).await.unwrap();
    assert_eq!((shop.stage("bo").await, shop.stock()), ("paid", [3, 0, 2, 0]));
    let unknown = PaymentId(Uuid::from_u128(5));
    assert_eq!(
        shop.tell("evt-3", ProviderNews::Authorised { payment: unknown }).await,
        Err(Refusal::NotFound("payment"))
    );
    shop.audit();
}

#[tokio::test]
async fn capture_that_overtakes_the_authorisation_is_told_again() {
    let shop = Shop::open(1, 9).await;
    shop.place("ann", 1).await.unwrap();
    shop.pay("ann").await.unwrap();
    let payment = shop.payment("ann").await;
    let capture = || shop.tell("cap", ProviderNews::Captured { payment, fee: cny(7) });
    assert_eq!(capture().await, Err(StoreError::Stale.into()));
    shop.authorise("ann").await.unwrap();
    assert_eq!(capture().await, Ok(()));
    assert_eq!(shop.payment_state("ann").await, "captured");
    shop.audit();
}

#[tokio::test]
async fn late_payment_is_held_again_while_units_are_left() {
    for swept in [false, true] {
        let shop = Shop::open(1, 1).await;
        shop.place("ann", 1).await.unwrap();
        shop.pay("ann").await.unwrap();
        shop.pass(HOLD);
        if swept {
            shop.sweep().await;
            assert_eq!(shop.stage("ann").await, "expired");
        }
        shop.authorise("ann").await.unwrap();
        let order = shop.view("ann").await.order;
        assert_eq!((order.stage, order.hold, order.charity_minor), (Stage::Paid, 2, SHARE), "swept {swept}");
        assert_eq!(shop.stock(), [0, 0, 1, 0]);
        assert_eq!(shop.sql("SELECT count(*) FROM holds WHERE outcome = 'expired'"), 1);
        assert_eq!(shop.sql("SELECT count(*) FROM holds WHERE outcome = 'claimed'"), 1);
        shop.audit();
    }
}

#[tokio::test]
async fn late_payment_goes_back_by_itself_when_nothing_is_left() {
    let shop = Shop::open(1, 9).await;
    shop.place("ann", 1).await.unwrap();
    shop.pay("ann").await.unwrap();
    shop.pass(HOLD);
    shop.bought("bo", 1).await;
    shop.asked();
    shop.authorise("ann").await.unwrap();
    assert_eq!((shop.stage("ann").await, shop.payment_state("ann").await), ("expired", "refunding"));
    let asked = shop.asked();
    let [Task::Refund(refund)] = asked[..] else { panic!("{asked:?}") };
    assert_eq!(shop.balance("refund_payable"), PRICE);
    shop.authorise("ann").await.unwrap();
    assert_eq!(shop.asked(), []);
    assert_eq!(shop.tell("back", ProviderNews::Refunded { refund }).await, Ok(()));
    assert_eq!(shop.tell("back", ProviderNews::Refunded { refund }).await, Ok(()));
    assert_eq!(shop.tell("back-2", ProviderNews::Refunded { refund }).await, Ok(()));
    assert_eq!(shop.payment_state("ann").await, "refunded");
    assert_eq!((shop.balance("refund_payable"), shop.balance("buyer_clearing")), (0, -PRICE));
    assert_eq!(shop.sql("SELECT count(*) FROM outbox WHERE kind = 'refund'"), 0);
    shop.audit();
}

#[tokio::test]
async fn who_waits_goes_before_a_late_payment() {
    let shop = Shop::open(1, 9).await;
    shop.place("ann", 1).await.unwrap();
    shop.pay("ann").await.unwrap();
    shop.wait("bo", 1).await.unwrap();
    shop.pass(HOLD);
    shop.authorise("ann").await.unwrap();
    assert_eq!((shop.stage("ann").await, shop.payment_state("ann").await), ("expired", "refunding"));
    shop.sweep().await;
    assert_eq!(shop.stage("bo").await, "held");
    shop.audit();
}

#[tokio::test]
async fn units_of_a_late_payment_are_announced_when_they_come_free() {
    let shop = Shop::open(1, 1).await;
    shop.place("ann", 1).await.unwrap();
    shop.pay("ann").await.unwrap();
    shop.pass(HOLD);
    // Ann has bought again by then: her limit leaves no room for the late one.
    shop.bought("ann2", 1).await;
    shop.authorise("ann").await.unwrap();
    assert_eq!(shop.payment_state("ann").await, "refunding");
    assert_eq!(shop.stock(), [0, 0, 1, 0]);
    shop.audit();
}

#[tokio::test]
async fn money_for_a_cancelled_order_goes_back() {
    let shop = Shop::open(1, 9).await;
    shop.place("ann", 1).await.unwrap();
    shop.pay("ann").await.unwrap();
    shop.cancel("ann").await.unwrap();
    assert_eq!(shop.stock(), [1, 0, 0, 0]);
    shop.authorise("ann").await.unwrap();
    assert_eq!((shop.stage("ann").await, shop.payment_state("ann").await), ("released", "refunding"));
    assert_eq!((shop.stock(), shop.balance("refund_payable")), ([1, 0, 0, 0], PRICE));
    shop.audit();
}
