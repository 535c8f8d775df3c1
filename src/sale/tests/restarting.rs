//! Everything in memory is lost and read again from the record.

use super::*;

#[tokio::test]
async fn holds_go_on_where_they_were() {
    let shop = Shop::open(3, 2).await;
    let placed = shop.place("ann", 1).await.unwrap();
    shop.place("bo", 2).await.unwrap();
    shop.pay("bo").await.unwrap();
    let shop = shop.restarted().await;
    assert_eq!(shop.stock(), [0, 3, 0, 0]);
    assert_eq!(shop.place("cy", 1).await, Err(Refusal::SoldOut { left: 0 }));
    let again = shop.place("ann", 1).await.unwrap();
    assert_eq!((again.fresh, again.view), (false, placed.view));
    assert_eq!(shop.place("ann", 2).await, Err(StoreError::ContentDiffers.into()));
    assert_eq!(
        shop.sales.0.journal.tasks(crate::model::Timestamp(i64::MAX)).await.unwrap(),
        [Task::Authorise(shop.payment("bo").await)]
    );
    shop.authorise("bo").await.unwrap();
    assert_eq!((shop.stage("bo").await, shop.stock()), ("paid", [0, 1, 2, 0]));
    shop.pass(HOLD);
    shop.place("cy", 1).await.unwrap();
    assert_eq!(shop.stage("ann").await, "expired");
    shop.audit();
}

#[tokio::test]
async fn waiting_list_goes_on_in_its_order() {
    let shop = Shop::open(2, 2).await;
    shop.place("ann", 2).await.unwrap();
    for who in ["zoe", "bo", "cy"] {
        shop.wait(who, 1).await.unwrap();
        shop.pass(Duration::from_millis(1));
    }
    let shop = shop.restarted().await;
    let mut places = Vec::new();
    for who in ["zoe", "bo", "cy"] {
        places.push(shop.view(who).await.waiting_place);
    }
    assert_eq!((places, shop.stock()), (vec![1, 2, 3], [0, 2, 0, 3]));
    shop.cancel("ann").await.unwrap();
    assert_eq!(
        [shop.stage("zoe").await, shop.stage("bo").await, shop.stage("cy").await],
        ["held", "held", "waiting"]
    );
    shop.audit();
}

#[tokio::test]
async fn limits_count_every_order_from_before() {
    let shop = Shop::open(9, 3).await;
    shop.bought("ann", 1).await;
    shop.bought("ann2", 1).await;
    let shop = shop.restarted().await;
    assert_eq!(shop.place("ann3", 2).await, Err(Refusal::LimitReached { limit: 3 }));
    shop.place("ann3", 1).await.unwrap();
    shop.audit();
}

/// Units came back and the offer was not made: the sweep makes it.
#[tokio::test]
async fn offer_that_was_not_made_is_made_after_the_restart() {
    let shop = Shop::open(1, 9).await;
    shop.place("ann", 1).await.unwrap();
    shop.wait("bo", 1).await.unwrap();
    let released = shop.view("ann").await.order.release().unwrap();
    let entry =
        super::super::place::end_hold(&released, crate::store::journal::HoldOutcome::Released, shop.now());
    shop.sales.0.journal.commit(entry).await.unwrap();
    let shop = shop.restarted().await;
    assert_eq!(shop.place("cy", 1).await, Err(Refusal::SoldOut { left: 0 }));
    shop.sweep().await;
    assert_eq!(shop.stage("bo").await, "held");
    shop.audit();
}

#[tokio::test]
async fn payments_and_refunds_go_on() {
    let shop = Shop::open(3, 9).await;
    shop.place("ann", 1).await.unwrap();
    shop.pay("ann").await.unwrap();
    shop.decline("ann").await.unwrap();
    shop.pass(Duration::from_millis(1));
    let shop = shop.restarted().await;
    assert_eq!(shop.payment_state("ann").await, "declined");
    shop.pay("ann").await.unwrap();
    let payment = shop.payment("ann").await;
    let shop = shop.restarted().await;
    assert_eq!(shop.payment("ann").await, payment);
    shop.authorise("ann").await.unwrap();
    let shop = shop.restarted().await;
    shop.authorise("ann").await.unwrap();
    assert_eq!((shop.stage("ann").await, shop.balance("buyer_clearing")), ("paid", -PRICE));
    let [total] = shop.sales.charity_totals(&room().id, START).try_into().unwrap();
    assert_eq!((total.gross_accrued, total.epoch), (SHARE, 42));
    shop.audit();
}

/// The lot is read again while orders are on their way to the record: none of them may be forgotten.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn lot_read_again_in_a_rush_forgets_no_order() {
    for round in 0..20 {
        let shop = std::sync::Arc::new(Shop::open(12, 99).await);
        let mut buyers = Vec::new();
        for n in 0..12 {
            let shop = std::sync::Arc::clone(&shop);
            buyers.push(tokio::spawn(async move { shop.place(&format!("ann{n}"), 1).await.is_ok() }));
            if n % 3 == 0 {
                tokio::task::yield_now().await;
            }
        }
        let rebuilding = std::sync::Arc::clone(&shop);
        let rebuilding = tokio::spawn(async move {
            for _ in 0..3 {
                rebuilding.sales.rebuild(rebuilding.sale).await;
            }
        });
        let mut placed = Vec::new();
        for (n, buyer) in buyers.into_iter().enumerate() {
            if buyer.await.unwrap() {
                placed.push(format!("ann{n}"));
            }
        }
        rebuilding.await.unwrap();
        let [left, held, _, _] = shop.stock();
        assert_eq!((held as usize, left as usize), (placed.len(), 12 - placed.len()), "round {round}");
        for who in placed {
            shop.pay(&who).await.unwrap();
            assert_eq!(shop.authorise(&who).await, Ok(()), "round {round}: {who}");
            assert_eq!(shop.stage(&who).await, "paid");
        }
        shop.audit();
    }
}
