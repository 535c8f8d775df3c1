//! A sale that is paused: nobody new gets in, nobody who is in loses anything.

use super::*;

async fn pause(shop: &Shop) -> Result<SaleView, Refusal> {
    shop.sales.pause_sale(shop.sale, "a dropped crate".into(), &buyer("lin"), shop.now()).await
}

async fn resume(shop: &Shop) -> Result<SaleView, Refusal> {
    shop.sales.resume_sale(shop.sale, "mended".into(), &buyer("lin"), shop.now()).await
}

#[tokio::test]
async fn a_paused_sale_takes_no_orders_and_keeps_its_holds() {
    let shop = Shop::open(3, 9).await;
    shop.place("ann", 1).await.unwrap();
    shop.place("bo", 1).await.unwrap();
    shop.told();
    pause(&shop).await.unwrap();
    assert_eq!(shop.told(), ["sale paused 1"]);
    assert_eq!(shop.place("cy", 1).await, Err(SaleRefused::Paused.into()));
    assert_eq!(shop.wait("cy", 1).await, Err(SaleRefused::Paused.into()));
    let again = shop.place("ann", 1).await.unwrap();
    assert!(!again.fresh, "a retry is answered as before");
    shop.pay("ann").await.unwrap();
    shop.authorise("ann").await.unwrap();
    shop.cancel("bo").await.unwrap();
    assert_eq!((shop.stage("ann").await, shop.stock()), ("paid", [2, 0, 1, 0]));
    resume(&shop).await.unwrap();
    shop.place("cy", 2).await.unwrap();
    assert_eq!(shop.stock(), [0, 2, 1, 0]);
    let audit = "SELECT count(*) FROM audit WHERE actor = 'lin' AND (action = 'resume-sale' AND reason = 'mended' OR action = 'pause-sale' AND reason = 'a dropped crate')";
    assert_eq!(shop.sql(audit), 2);
    shop.audit();
}

#[tokio::test]
async fn who_waits_is_served_when_it_goes_on() {
    let shop = Shop::open(1, 9).await;
    shop.place("ann", 1).await.unwrap();
    shop.wait("bo", 1).await.unwrap();
    pause(&shop).await.unwrap();
    shop.cancel("ann").await.unwrap();
    shop.sweep().await;
    assert_eq!((shop.stage("bo").await, shop.stock()), ("waiting", [1, 0, 0, 1]));
    resume(&shop).await.unwrap();
    assert_eq!((shop.stage("bo").await, shop.stock()), ("held", [0, 1, 0, 0]));
    shop.audit();
}

#[tokio::test]
async fn its_time_runs_on_and_a_restart_leaves_it_paused() {
    let shop = Shop::open(2, 9).await;
    shop.place("ann", 1).await.unwrap();
    pause(&shop).await.unwrap();
    let shop = shop.restarted().await;
    assert_eq!(shop.place("bo", 1).await, Err(SaleRefused::Paused.into()));
    shop.pass(OPEN_FOR);
    assert_eq!(shop.place("bo", 1).await, Err(SaleRefused::Closed.into()));
    assert_eq!(resume(&shop).await, Err(SaleRefused::Closed.into()));
    shop.sweep().await;
    assert_eq!((shop.stage("ann").await, shop.on_hand()), ("expired", 100));
    shop.audit();
}

#[tokio::test]
async fn only_an_open_sale_is_paused_and_only_a_paused_one_goes_on() {
    let shop = Shop::scheduled(1, 9, None).await;
    assert_eq!(pause(&shop).await, Err(SaleRefused::NotOpen.into()));
    assert_eq!(resume(&shop).await, Err(SaleRefused::NotPaused.into()));
    shop.sales.open_sale(shop.sale, shop.now()).await.unwrap();
    assert_eq!(resume(&shop).await, Err(SaleRefused::NotPaused.into()));
    pause(&shop).await.unwrap();
    assert_eq!(pause(&shop).await, Err(SaleRefused::Paused.into()));
    let opened = shop.sales.open_sale(shop.sale, shop.now()).await;
    assert_eq!(opened, Err(SaleRefused::AlreadyOpen.into()));
    shop.close().await.unwrap();
    assert_eq!(resume(&shop).await, Err(SaleRefused::Closed.into()));
}
