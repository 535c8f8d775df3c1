//! Units for a running sale from its product, and back.

use futures_util::future::join_all;

use super::nodes::Stores;
use super::*;
use crate::model::OutOfBound;

impl Shop {
    async fn restock(&self, change: i64) -> Result<SaleView, Refusal> {
        self.sales.restock(self.sale, change, None, &host(), self.now()).await
    }

    /// Units in the lot as the record has it.
    fn lot(&self) -> i64 {
        self.sql("SELECT stock FROM lots WHERE stock = set_aside")
    }
}

#[tokio::test]
async fn units_come_from_the_product_and_go_back_to_it() {
    let shop = Shop::open(3, 9).await;
    shop.place("ann", 2).await.unwrap();
    shop.told();
    let view = shop.restock(4).await.unwrap();
    assert_eq!((view.sale.stock, view.stock.left, shop.lot(), shop.on_hand()), (7, 5, 7, 93));
    assert_eq!(shop.told(), ["sale open 5"]);
    assert_eq!(shop.restock(-6).await, Err(Refusal::Promised { free: 5 }));
    assert_eq!(shop.restock(-7).await, Err(Refusal::Promised { free: 5 }), "nor does the last one go");
    assert_eq!(shop.restock(94).await, Err(StoreError::StockShort.into()));
    assert_eq!((shop.stock(), shop.lot(), shop.on_hand()), ([5, 2, 0, 0], 7, 93));
    shop.restock(-5).await.unwrap();
    assert_eq!((shop.stock(), shop.lot(), shop.on_hand()), ([0, 2, 0, 0], 2, 98));
    assert_eq!(shop.place("bo", 1).await, Err(Refusal::SoldOut { left: 0 }));
    assert_eq!(shop.told().last().unwrap(), "sale open 0");
    let audit =
        "SELECT count(*) FROM audit WHERE actor = 'li' AND action = 'restock-sale' AND subject LIKE '% -5'";
    assert_eq!(shop.sql(audit), 1);
    let shop = shop.restarted().await;
    assert_eq!(shop.stock(), [0, 2, 0, 0]);
    shop.restock(1).await.unwrap();
    shop.place("bo", 1).await.unwrap();
    shop.audit();
}

#[tokio::test]
async fn units_that_come_are_offered_to_who_waits() {
    let shop = Shop::open(1, 9).await;
    shop.place("ann", 1).await.unwrap();
    shop.wait("bo", 1).await.unwrap();
    shop.wait("cy", 2).await.unwrap();
    shop.told();
    shop.restock(2).await.unwrap();
    assert_eq!((shop.stage("bo").await, shop.stage("cy").await), ("held", "waiting"));
    assert_eq!(shop.stock(), [1, 2, 0, 1]);
    assert!(shop.told().contains(&"bo held".into()));
    shop.restock(1).await.unwrap();
    assert_eq!((shop.stage("cy").await, shop.stock()), ("held", [0, 4, 0, 0]));
    shop.audit();
}

#[tokio::test]
async fn what_is_sold_stays_and_a_lot_that_is_sold_closes() {
    let shop = Shop::open(3, 9).await;
    shop.bought("ann", 1).await;
    shop.restock(-2).await.unwrap();
    assert_eq!(shop.restock(-1).await, Err(Refusal::Promised { free: 0 }));
    shop.sweep().await;
    assert!(matches!(shop.sales.view(shop.sale).unwrap().sale.state, SaleState::Closed { .. }));
    assert_eq!(shop.restock(1).await, Err(SaleRefused::Closed.into()));
    assert_eq!(shop.on_hand(), 99);
    shop.audit();
}

#[tokio::test]
async fn one_unit_stays_and_nobody_sets_aside_a_harvest() {
    let shop = Shop::scheduled(3, 9, None).await;
    for change in [0, 999_998, i64::MAX / 2] {
        assert_eq!(shop.restock(change).await, Err(out_of_bound("-2..=999997, not 0")), "{change}");
    }
    for change in [-3, i64::MIN / 2] {
        assert_eq!(shop.restock(change).await, Err(Refusal::Promised { free: 2 }), "{change}");
    }
    shop.restock(-2).await.unwrap();
    shop.restock(1).await.unwrap();
    assert_eq!((shop.stock(), shop.lot(), shop.on_hand()), ([2, 0, 0, 0], 2, 98));
    shop.audit();
}

fn out_of_bound(bound: &str) -> Refusal {
    OutOfBound::new("change", bound).into()
}

#[tokio::test]
async fn the_same_key_moves_units_once() {
    let shop = Shop::open(3, 9).await;
    let once = Some(Once { key: Uuid::from_u128(5), content: [1; 32] });
    for change in [-2, -2] {
        let view = shop.sales.restock(shop.sale, change, once, &host(), shop.now()).await.unwrap();
        assert_eq!((view.sale.stock, shop.stock(), shop.on_hand()), (1, [1, 0, 0, 0], 99));
    }
    let other = Some(Once { key: Uuid::from_u128(5), content: [2; 32] });
    let differs = shop.sales.restock(shop.sale, -1, other, &host(), shop.now()).await;
    assert_eq!(differs, Err(StoreError::ContentDiffers.into()));
    shop.audit();
}

/// Buyers, cancellations and the host's changes at once: each unit is where the record says, and none is sold twice.
async fn everything_at_once(here: &Shop, there: &Shop) {
    let buyers: Vec<String> = (0..24).map(|n| format!("ann{n}")).collect();
    let bought = join_all(buyers.iter().enumerate().map(async |(n, who)| {
        let shop = if n % 2 == 0 { here } else { there };
        let placed = shop.place(who, 1).await.is_ok();
        if placed && n % 3 == 0 {
            // Another node may have ended it meanwhile.
            return shop.cancel(who).await.is_err();
        }
        placed
    }));
    let changes = join_all([3_i64, -2, 4, -3, 2, -4].iter().enumerate().map(async |(n, change)| {
        let shop = if n % 2 == 0 { here } else { there };
        match shop.restock(*change).await {
            Ok(_) => *change,
            Err(Refusal::Promised { .. } | Refusal::OutOfBound(_) | Refusal::Store(StoreError::Stale)) => 0,
            Err(refusal) => panic!("{refusal}"),
        }
    }));
    let (bought, changes) = tokio::join!(bought, changes);
    let (held, changed) = (bought.iter().filter(|bought| **bought).count(), changes.iter().sum::<i64>());
    let lot = here.sales.0.journal.lot(here.sale).await.unwrap().unwrap();
    assert_eq!(i64::from(lot.stock), 8 + changed, "{changes:?}");
    assert_eq!((lot.held as usize, lot.sold), (held, 0));
    assert!(lot.held <= lot.stock, "{lot:?}");
    // What the gate grants now is what the record has.
    let mut lot = lot;
    for n in 0.. {
        assert!(n < 10_000, "undersold: {lot:?}");
        match here.place(&format!("bo{n}"), 1).await {
            // That units came free is heard of a moment later.
            Ok(_) | Err(Refusal::SoldOut { .. }) => {}
            Err(refusal) => panic!("{refusal}"),
        }
        lot = here.sales.0.journal.lot(here.sale).await.unwrap().unwrap();
        if lot.held == lot.stock {
            break;
        }
    }
    let on_hand = here.sales.product(&product().sku).await.unwrap().unwrap().on_hand;
    assert_eq!(on_hand + lot.stock, ON_HAND);
}

#[tokio::test(flavor = "multi_thread")]
async fn buyers_and_host_at_once_never_pass_the_stock() {
    let shop = Shop::open(8, 99).await;
    everything_at_once(&shop, &shop).await;
    shop.audit();
}

#[tokio::test(flavor = "multi_thread")]
async fn buyers_and_host_on_two_nodes_at_once_never_pass_the_stock() {
    let Some(stores) = Stores::start().await else { return };
    let [here, there] = stores.two_nodes_with_limit(8, 99).await;
    everything_at_once(&here, &there).await;
}

#[tokio::test]
async fn stock_that_a_dead_node_only_took_at_the_gate_is_sold_again() {
    let Some(stores) = Stores::start().await else { return };
    let [here, there] = stores.two_nodes(3).await;
    there.sales.0.inventory.take_back(there.sale, 2).await.unwrap();
    here.place("ann", 1).await.unwrap();
    assert_eq!(here.place("bo", 1).await, Err(Refusal::SoldOut { left: 0 }));
    let lease = here.sales.keep("here", START).await.unwrap().unwrap();
    for _ in 0..8 {
        here.pass(Duration::from_secs(1));
        here.sales.sweep(lease, here.now()).await;
    }
    here.place("bo", 2).await.unwrap();
    assert_eq!(here.stock(), [0, 3, 0, 0]);
}

#[tokio::test]
async fn another_node_sells_what_was_put_in() {
    let Some(stores) = Stores::start().await else { return };
    let [here, there] = stores.two_nodes(1).await;
    here.place("ann", 1).await.unwrap();
    assert_eq!(there.place("bo", 1).await, Err(Refusal::SoldOut { left: 0 }));
    here.restock(2).await.unwrap();
    there.sales.reconcile().await.unwrap();
    assert_eq!(there.sales.view(there.sale).unwrap().sale.stock, 3);
    // Asked, so that it is not a matter of which message comes first.
    assert_eq!(there.sales.0.inventory.is_ready(there.sale).await, Ok(true));
    there.place("bo", 2).await.unwrap();
    assert_eq!(there.restock(-1).await, Err(Refusal::Promised { free: 0 }));
}
