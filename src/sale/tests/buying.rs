//! Placing, retries, limits, cancelling and the waiting list.

use super::*;

#[tokio::test]
async fn held_units_are_held_in_the_record() {
    let shop = Shop::open(3, 9).await;
    shop.told();
    let placed = shop.place("ann", 2).await.unwrap();
    assert!(placed.fresh);
    assert_eq!(placed.view.order.stage, Stage::Held { until: START + HOLD, offered: false });
    assert_eq!((placed.view.order.total(), placed.view.title.as_str()), (cny(2 * PRICE), "Apricots"));
    assert_eq!(shop.stock(), [1, 2, 0, 0]);
    assert_eq!(shop.sql("SELECT held FROM lots"), 2);
    assert_eq!(shop.place("bo", 2).await, Err(Refusal::SoldOut { left: 1 }));
    shop.place("bo", 1).await.unwrap();
    assert_eq!(shop.place("cy", 1).await, Err(Refusal::SoldOut { left: 0 }));
    assert_eq!(shop.told(), ["sale open 0"]);
    assert_eq!(shop.sql("SELECT count(*) FROM orders"), 2, "refusals never reach the record");
    shop.audit();
}

#[tokio::test]
async fn same_wish_again_is_answered_with_the_same_order() {
    let shop = Shop::open(3, 9).await;
    let first = shop.place("ann", 2).await.unwrap();
    shop.pass(Duration::from_secs(1));
    let again = shop.place("ann", 2).await.unwrap();
    assert_eq!((again.fresh, &again.view), (false, &first.view));
    assert_eq!(shop.place("ann", 1).await, Err(StoreError::ContentDiffers.into()));
    assert_eq!(shop.wait("ann", 2).await, Err(StoreError::ContentDiffers.into()));
    let stranger = shop.sales.place(&buyer("bo"), shop.wish("ann", 2, false), shop.now()).await;
    assert_eq!(stranger, Err(StoreError::ContentDiffers.into()));
    assert_eq!(shop.stock(), [1, 2, 0, 0]);
    // Also when it is over: the retry does not buy again.
    shop.cancel("ann").await.unwrap();
    let late = shop.place("ann", 2).await.unwrap();
    assert_eq!((late.fresh, late.view.order.stage), (false, Stage::Released));
    assert_eq!(shop.stock(), [3, 0, 0, 0]);
    shop.audit();
}

#[tokio::test]
async fn refused_wish_may_be_tried_again() {
    let shop = Shop::open(1, 9).await;
    shop.place("ann", 1).await.unwrap();
    assert_eq!(shop.place("bo", 1).await, Err(Refusal::SoldOut { left: 0 }));
    shop.cancel("ann").await.unwrap();
    assert!(shop.place("bo", 1).await.unwrap().fresh);
    shop.audit();
}

#[tokio::test]
async fn wishes_out_of_bound_or_for_nothing_are_refused() {
    let shop = Shop::scheduled(3, 9, None).await;
    assert_eq!(shop.place("ann", 1).await, Err(SaleRefused::NotOpen.into()));
    shop.sales.open_sale(shop.sale, shop.now()).await.unwrap();
    for quantity in [0, 100] {
        let refused = shop.place("ann", quantity).await;
        assert!(
            matches!(refused, Err(Refusal::OutOfBound(OutOfBound { field, .. })) if field == "quantity"),
            "{quantity}"
        );
    }
    let elsewhere = Wish { sale: SaleId(Uuid::from_u128(9)), ..shop.wish("ann", 1, false) };
    assert_eq!(shop.sales.place(&buyer("ann"), elsewhere, shop.now()).await, Err(Refusal::NotFound("sale")));
    assert_eq!(shop.sql("SELECT count(*) FROM orders"), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn same_wish_at_once_makes_one_order() {
    let shop = std::sync::Arc::new(Shop::open(50, 99).await);
    for round in 0..20 {
        let tries: Vec<_> = (0..8)
            .map(|_| {
                let shop = std::sync::Arc::clone(&shop);
                tokio::spawn(async move { shop.place(&format!("ann{round}"), 1).await.unwrap().fresh })
            })
            .collect();
        let mut fresh = 0;
        for one in tries {
            fresh += u32::from(one.await.unwrap());
        }
        assert_eq!(fresh, 1, "round {round}");
    }
    assert_eq!(shop.stock(), [30, 20, 0, 0]);
    shop.audit();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn rush_sells_every_unit_and_no_more() {
    let shop = std::sync::Arc::new(Shop::open(10, 1).await);
    let rush: Vec<_> = (0..60)
        .map(|n| {
            let shop = std::sync::Arc::clone(&shop);
            tokio::spawn(async move {
                // No digits: every buyer is somebody else.
                let who = format!("b{}", char::from(b'A' + n));
                match shop.place(&who, 1).await {
                    Ok(_) => {
                        shop.pay(&who).await.unwrap();
                        shop.authorise(&who).await.unwrap();
                        true
                    }
                    Err(Refusal::SoldOut { left: 0 }) => false,
                    Err(other) => panic!("{who}: {other}"),
                }
            })
        })
        .collect();
    let mut bought = 0;
    for one in rush {
        bought += u32::from(one.await.unwrap());
    }
    assert_eq!(bought, 10);
    assert_eq!(shop.stock(), [0, 0, 10, 0]);
    assert_eq!(shop.balance("charity_accrued"), 10 * SHARE);
    shop.audit();
}

#[tokio::test]
async fn limit_holds_over_orders_until_they_are_over() {
    let shop = Shop::open(9, 2).await;
    let limit = Err(Refusal::LimitReached { limit: 2 });
    assert_eq!(shop.place("ann", 3).await, limit);
    shop.place("ann", 1).await.unwrap();
    assert_eq!(shop.place("ann2", 2).await, limit);
    shop.bought("ann2", 1).await;
    assert_eq!(shop.place("ann3", 1).await, limit);
    shop.cancel("ann").await.unwrap();
    shop.place("ann3", 1).await.unwrap();
    assert_eq!(shop.place("ann4", 1).await, limit);
    // Its time is over, swept or not.
    shop.pass(HOLD);
    shop.place("ann4", 1).await.unwrap();
    shop.sweep().await;
    assert_eq!(shop.stage("ann3").await, "expired");
    shop.audit();
}

#[tokio::test]
async fn cancelling_gives_the_units_back_once() {
    let shop = Shop::open(1, 9).await;
    shop.place("ann", 1).await.unwrap();
    assert_eq!(shop.sales.cancel(&buyer("bo"), order("ann"), START).await, Err(Refusal::NotFound("order")));
    shop.told();
    assert_eq!(shop.cancel("ann").await.unwrap().order.stage, Stage::Released);
    assert_eq!(shop.told(), ["sale open 1", "ann released"]);
    assert_eq!(shop.cancel("ann").await, Err(OrderRefused::Released.into()));
    assert_eq!(shop.pay("ann").await, Err(OrderRefused::Released.into()));
    assert_eq!(shop.cancel("bo").await, Err(Refusal::NotFound("order")));
    shop.bought("bo", 1).await;
    assert_eq!(shop.cancel("bo").await, Err(OrderRefused::AlreadyPaid.into()));
    shop.audit();
}

#[tokio::test]
async fn hold_past_its_time_is_displaced_by_the_next_buyer() {
    let shop = Shop::open(3, 9).await;
    shop.place("ann", 3).await.unwrap();
    shop.pass(HOLD);
    shop.told();
    shop.place("bo", 1).await.unwrap();
    assert_eq!(shop.stage("ann").await, "expired");
    assert!(shop.told().contains(&"ann expired".to_owned()));
    assert_eq!(shop.stock(), [2, 1, 0, 0]);
    assert_eq!(shop.pay("ann").await, Err(OrderRefused::HoldExpired.into()));
    assert_eq!(shop.cancel("ann").await, Err(OrderRefused::HoldExpired.into()));
    shop.place("cy", 2).await.unwrap();
    assert_eq!(shop.sql("SELECT count(*) FROM holds WHERE outcome = 'expired'"), 1);
    shop.audit();
}

#[tokio::test]
async fn waiting_list_is_offered_what_is_released() {
    let shop = Shop::open(2, 2).await;
    shop.place("ann", 2).await.unwrap();
    let place = |placed: Result<Placed, Refusal>| placed.map(|placed| placed.view.waiting_place);
    assert_eq!(place(shop.wait("bo", 2).await), Ok(1));
    assert_eq!(place(shop.wait("cy", 1).await), Ok(2));
    assert_eq!(place(shop.wait("di", 1).await), Ok(3));
    assert_eq!(shop.wait("ed", 1).await, Err(Refusal::WaitingListFull { max: 3 }));
    assert_eq!(place(shop.wait("cy", 1).await), Ok(2), "a retry keeps its place");
    assert_eq!(shop.pay("bo").await, Err(OrderRefused::StillWaiting.into()));
    assert_eq!(shop.cancel("cy").await.unwrap().order.stage, Stage::Released);
    assert_eq!(shop.view("di").await.waiting_place, 2);
    shop.told();

    shop.cancel("ann").await.unwrap();
    let offered = Stage::Held { until: START + OFFER, offered: true };
    assert_eq!(shop.view("bo").await.order.stage, offered);
    assert_eq!(shop.view("di").await.waiting_place, 1);
    assert_eq!(shop.told(), ["bo held", "ann released"]);
    assert_eq!(shop.stock(), [0, 2, 0, 1]);
    assert_eq!(shop.place("newcomer", 1).await, Err(Refusal::SoldOut { left: 0 }));

    shop.pass(OFFER);
    assert_eq!(shop.place("newcomer", 1).await, Err(Refusal::SoldOut { left: 0 }), "before the sweep, too");
    shop.sweep().await;
    assert_eq!([shop.stage("bo").await, shop.stage("di").await], ["expired", "held"]);
    shop.pay("di").await.unwrap();
    shop.authorise("di").await.unwrap();
    assert_eq!(shop.stock(), [1, 0, 1, 0]);
    shop.place("newcomer", 1).await.unwrap();
    shop.audit();
}

#[tokio::test]
async fn nobody_waits_for_what_is_sold() {
    let shop = Shop::open(1, 9).await;
    shop.bought("ann", 1).await;
    assert_eq!(shop.wait("bo", 1).await, Err(Refusal::SoldOut { left: 0 }));
    assert_eq!(shop.sql("SELECT count(*) FROM orders"), 1);
    shop.audit();
}

#[tokio::test]
async fn lists_of_orders_show_whose_they_are() {
    let shop = Shop::open(9, 9).await;
    shop.bought("ann", 1).await;
    shop.place("ann2", 1).await.unwrap();
    shop.place("bo", 1).await.unwrap();
    shop.cancel("ann2").await.unwrap();
    let page = || crate::store::journal::Page { after: None, limit: 10 };
    let of_ann = shop.sales.orders_of_buyer(&buyer("ann"), page()).await.unwrap();
    assert_eq!(of_ann.items.len(), 2);
    assert_eq!(of_ann.items[1].payment, Some(PaymentState::Authorised));
    let open = shop.sales.open_orders(&buyer("ann"), &room().id).await.unwrap();
    assert_eq!(open.iter().map(|view| view.order.id).collect::<Vec<_>>(), [order("ann")]);
    assert_eq!(shop.sales.orders_of_room(&room().id, page()).await.unwrap().items.len(), 3);
    let to_pack = shop.sales.orders_to_pack(&room().id).await.unwrap();
    assert_eq!(to_pack.len(), 1);
    assert_eq!(to_pack[0].ship_to.as_ref().unwrap().phone, "+8613800000000");
    assert_eq!(shop.view("ann").await.ship_to, None, "reads by id leave it out unless asked");
    let with_address = shop.sales.order_with_address(order("ann")).await.unwrap().unwrap();
    assert_eq!(with_address.ship_to.unwrap().name, "Lin");
    assert_eq!(shop.sales.order(order("nobody")).await, Ok(None));
}
