//! A gate in Redis: what a node that died left undone, and a gate that goes away, in the eyes of buyers.

use apricot_servers::{Redis as Server, or_skip};

use super::*;
use crate::store::inventory::{EndRefused, NotNow, RedisGate, Request};
use crate::store::journal::HoldOutcome;
use crate::store::redis::{Redis, RedisSettings};

impl Shop {
    async fn shared(server: &Server, stock: u32) -> Self {
        let shop = Self::scheduled_at(gate_at(server).await, stock, 2, None).await;
        shop.sales.open_sale(shop.sale, shop.now()).await.unwrap();
        shop
    }

    fn gate(&self) -> &Inventory {
        &self.sales.0.inventory
    }

    /// As a node does that dies before it tells the record.
    async fn only_granted(&self, who: &str) {
        self.only_granted_as(who, who).await;
    }

    /// With an id of its own choice.
    async fn only_granted_as(&self, who: &str, id: &str) {
        let until = self.now() + HOLD;
        let request = Request { order: order(id), buyer: buyer(who), quantity: 1, limit: 2, until };
        self.gate().hold(self.sale, request, self.now()).await.unwrap();
    }

    /// Long enough for a difference to be seen to stand.
    async fn quiet_time(&self) {
        for _ in 0..8 {
            self.pass(Duration::from_secs(1));
            self.sweep().await;
        }
    }
}

pub(super) async fn gate_at(server: &Server) -> Inventory {
    let settings = RedisSettings { urls: vec![server.url()], ..RedisSettings::default() };
    Inventory::Redis(RedisGate::new(Redis::connect(settings).await.unwrap()))
}

#[tokio::test]
async fn sale_goes_its_way_at_a_shared_gate() {
    let Some(server) = or_skip(Server::start()) else { return };
    let shop = Shop::shared(&server, 2).await;
    shop.bought("ann", 1).await;
    shop.place("bo", 1).await.unwrap();
    assert_eq!(shop.place("cy", 1).await, Err(Refusal::SoldOut { left: 0 }));
    shop.wait("cy", 1).await.unwrap();
    shop.cancel("bo").await.unwrap();
    assert_eq!((shop.stage("cy").await, shop.stock()), ("held", [0, 1, 1, 0]));
    shop.pass(OFFER);
    shop.sweep().await;
    assert_eq!((shop.stage("cy").await, shop.stock()), ("expired", [1, 0, 1, 0]));
    shop.place("di", 1).await.unwrap();
    shop.audit();
}

#[tokio::test]
async fn units_granted_by_a_node_that_died_come_back_when_the_hold_runs_out() {
    let Some(server) = or_skip(Server::start()) else { return };
    let shop = Shop::shared(&server, 2).await;
    shop.only_granted("ann").await;
    shop.only_granted("bo").await;
    assert_eq!(shop.place("cy", 1).await, Err(Refusal::SoldOut { left: 0 }));
    shop.pass(HOLD);
    // One is displaced, the other swept.
    shop.place("cy", 1).await.unwrap();
    shop.sweep().await;
    assert_eq!(shop.stock(), [1, 1, 0, 0]);
    shop.place("di", 1).await.unwrap();
    shop.audit();
}

#[tokio::test]
async fn grant_under_the_id_of_anothers_order_takes_nothing_from_it() {
    let Some(server) = or_skip(Server::start()) else { return };
    let shop = Shop::shared(&server, 2).await;
    shop.place("ann", 1).await.unwrap();
    shop.only_granted_as("bo", "ann").await;
    assert_eq!(shop.stock(), [0, 2, 0, 0]);
    shop.pay("ann").await.unwrap();
    shop.authorise("ann").await.unwrap();
    shop.pass(HOLD);
    shop.sweep().await;
    assert_eq!((shop.stage("ann").await, shop.stock()), ("paid", [1, 0, 1, 0]));
    shop.audit();
}

#[tokio::test]
async fn claim_of_a_node_that_died_is_made_by_the_next() {
    let Some(server) = or_skip(Server::start()) else { return };
    let shop = Shop::shared(&server, 1).await;
    shop.place("ann", 1).await.unwrap();
    shop.pay("ann").await.unwrap();
    shop.gate().claim(shop.sale, order("ann"), &buyer("ann"), shop.now()).await.unwrap();
    // The provider tells it again, since nobody said that it was recorded.
    shop.authorise("ann").await.unwrap();
    assert_eq!((shop.stage("ann").await, shop.stock()), ("paid", [0, 0, 1, 0]));
    shop.audit();
}

#[tokio::test]
async fn what_a_node_that_died_left_half_done_is_put_right() {
    let Some(server) = or_skip(Server::start()) else { return };
    let shop = Shop::shared(&server, 3).await;
    shop.place("ann", 1).await.unwrap();
    shop.place("bo", 1).await.unwrap();
    shop.pay("bo").await.unwrap();
    // An end and a claim that were not recorded, and a grant that was ended before it was.
    shop.gate().end(shop.sale, order("ann"), &buyer("ann")).await.unwrap();
    shop.gate().claim(shop.sale, order("bo"), &buyer("bo"), shop.now()).await.unwrap();
    shop.only_granted("cy").await;
    shop.gate().end(shop.sale, order("cy"), &buyer("cy")).await.unwrap();
    assert_eq!(shop.stock(), [0, 2, 1, 0]);
    shop.quiet_time().await;
    assert_eq!(shop.stock(), [1, 2, 0, 0]);
    shop.authorise("bo").await.unwrap();
    shop.cancel("ann").await.unwrap();
    assert_eq!(shop.stock(), [2, 0, 1, 0]);
    let again = shop.gate().end(shop.sale, order("ann"), &buyer("ann")).await;
    assert_eq!(again, Err(EndRefused::Ended(HoldOutcome::Released)));
    shop.audit();
}

#[tokio::test]
async fn holds_that_a_dead_node_was_ending_are_ended_by_the_next() {
    let Some(server) = or_skip(Server::start()) else { return };
    let shop = Shop::shared(&server, 2).await;
    shop.place("ann", 1).await.unwrap();
    shop.pass(HOLD);
    // Taken by a sweep that did not come to the record.
    assert_eq!(shop.gate().take_expired(shop.sale, shop.now(), 9).await.len(), 1);
    shop.quiet_time().await;
    assert_eq!((shop.stage("ann").await, shop.stock()), ("expired", [2, 0, 0, 0]));
    shop.audit();
}

#[tokio::test]
async fn who_left_the_line_only_at_the_gate_stands_in_it_again() {
    let Some(server) = or_skip(Server::start()) else { return };
    let shop = Shop::shared(&server, 1).await;
    shop.place("ann", 1).await.unwrap();
    shop.wait("bo", 1).await.unwrap();
    assert!(shop.gate().leave(shop.sale, order("bo"), &buyer("bo")).await);
    assert_eq!(shop.cancel("bo").await, Err(Refusal::Store(StoreError::Stale)));
    shop.quiet_time().await;
    assert_eq!(shop.stock(), [0, 1, 0, 1]);
    shop.cancel("bo").await.unwrap();
    shop.audit();
}

#[tokio::test]
async fn line_of_a_sale_that_a_dead_node_was_closing_is_dismissed_by_the_next() {
    let Some(server) = or_skip(Server::start()) else { return };
    let shop = Shop::shared(&server, 1).await;
    shop.place("ann", 1).await.unwrap();
    shop.wait("bo", 1).await.unwrap();
    assert_eq!(shop.gate().close(shop.sale).await, [order("bo")]);
    let (live, now) = (shop.sales.live(shop.sale).unwrap(), shop.now());
    let closed = live.sale().close(now, CloseReason::Host).unwrap();
    shop.sales.0.journal.commit(vec![Write::Sale(closed.clone())]).await.unwrap();
    live.become_(closed);
    for _ in 0..4 {
        shop.quiet_time().await;
    }
    assert_eq!(shop.stage("bo").await, "expired");
    shop.audit();
}

#[tokio::test]
async fn gate_that_a_dead_node_closed_opens_again() {
    let Some(server) = or_skip(Server::start()) else { return };
    let shop = Shop::shared(&server, 1).await;
    shop.gate().close(shop.sale).await;
    assert_eq!(shop.place("ann", 1).await, Err(Refusal::Sale(SaleRefused::Closed)));
    shop.pass(Duration::from_secs(5));
    assert_eq!(shop.place("ann", 1).await, Err(Refusal::Sale(SaleRefused::Closed)));
    shop.sales.settle().await;
    shop.place("ann", 1).await.unwrap();
    shop.audit();
}

#[tokio::test]
async fn stock_is_shown_as_it_was_while_the_gate_is_away() {
    let Some(mut server) = or_skip(Server::start()) else { return };
    let shop = Shop::shared(&server, 3).await;
    shop.place("ann", 1).await.unwrap();
    server.kill();
    assert!(shop.place("bo", 1).await.is_err());
    assert_eq!(shop.stock(), [2, 1, 0, 0]);
}

#[tokio::test]
async fn buying_pauses_while_the_gate_is_away_and_goes_on_by_itself() {
    let Some(mut server) = or_skip(Server::start()) else { return };
    let shop = Shop::shared(&server, 2).await;
    shop.place("ann", 1).await.unwrap();
    server.kill();
    let refused = shop.place("bo", 1).await;
    assert!(matches!(refused, Err(Refusal::NotNow(NotNow { .. }))), "{refused:?}");
    server.restart().unwrap();
    // Who tries again soon is told the same, until the lot has been read from the record.
    loop {
        match shop.place("bo", 1).await {
            Ok(_) => break,
            Err(Refusal::NotNow(_)) => tokio::task::yield_now().await,
            Err(refusal) => panic!("{refusal}"),
        }
    }
    assert_eq!(shop.place("cy", 1).await, Err(Refusal::SoldOut { left: 0 }));
    shop.pay("ann").await.unwrap();
    shop.authorise("ann").await.unwrap();
    assert_eq!(shop.stock(), [0, 1, 1, 0]);
    shop.audit();
}
