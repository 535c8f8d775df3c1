//! Several nodes on one record and one gate: what time asks for is done once, and by nobody whose lease has run out.

use apricot_servers::{Postgres, Redis, or_skip};

use super::shared::gate_at;
use super::*;
use crate::store::journal::{PostgresSettings, migrate};

pub(super) struct Stores {
    postgres: PostgresSettings,
    redis: Redis,
    clock: Clock,
    server: Postgres,
}

impl Stores {
    pub async fn start() -> Option<Self> {
        let server = or_skip(Postgres::start_with(&["fsync=off"]))?;
        let redis = or_skip(Redis::start())?;
        let url = server.fresh_database().unwrap();
        let postgres = PostgresSettings { url, password: None, connections: 4, ca: None };
        migrate(&postgres).await.unwrap();
        Some(Self { postgres, redis, clock: Clock::manual(START), server })
    }

    /// One that knows no sale yet.
    pub async fn node(&self) -> Shop {
        let journal = Journal::connect(&self.postgres, 42, START).await.unwrap();
        let (gate, folder) = (gate_at(&self.redis).await, tempfile::tempdir().unwrap());
        Shop::at(journal, gate, folder, self.clock.clone(), SaleId(Uuid::from_u128(1)))
    }

    /// From now on Redis answers nobody, and PostgreSQL is gone.
    pub fn fail(&mut self) {
        self.redis.signal("STOP");
        self.server.kill();
    }

    /// The first with an open sale, the other as it starts beside it.
    pub async fn two_nodes(&self, stock: u32) -> [Shop; 2] {
        self.two_nodes_with_limit(stock, 9).await
    }

    pub async fn two_nodes_with_limit(&self, stock: u32, limit: u32) -> [Shop; 2] {
        let first = self.node().await.stocked(stock, limit, None).await;
        first.sales.open_sale(first.sale, START).await.unwrap();
        let other = self.node().await;
        other.sales.load().await.unwrap();
        [first, other]
    }
}

#[tokio::test]
async fn receipts_are_confirmed_by_the_keeper_only() {
    let Some(stores) = Stores::start().await else { return };
    let [keeper, other] = stores.two_nodes(1).await;
    assert!(keeper.sales.keep("keeper", START).await.unwrap().is_some());
    assert_eq!(other.sales.keep("other", START).await, Ok(None));
    keeper.bought("ann", 1).await;
    let step = ShipStep::Ship { carrier: "SF".into(), tracking_number: "SF12345".into() };
    keeper.sales.ship(order("ann"), step, START).await.unwrap();
    keeper.pass(11 * DAY);
    other.sales.sweep_receipts(other.now()).await;
    assert_eq!(other.stage("ann").await, "shipped");
    keeper.sales.sweep_receipts(keeper.now()).await;
    assert_eq!(other.stage("ann").await, "confirmed");
}

#[tokio::test]
async fn keeper_that_slept_leaves_the_holds_to_the_next() {
    let Some(stores) = Stores::start().await else { return };
    let [slept, next] = stores.two_nodes(9).await;
    let lease = slept.sales.keep("slept", START).await.unwrap().unwrap();
    for n in 0..9 {
        slept.place(&format!("ann{n}"), 1).await.unwrap();
    }
    slept.pay("ann0").await.unwrap();
    slept.pass(HOLD);
    slept.sales.stop_keeping("slept").await;
    let newer = next.sales.keep("next", START).await.unwrap().unwrap();
    slept.sales.sweep(lease, slept.now()).await;
    assert_eq!((next.stage("ann8").await, next.stock()), ("held", [0, 9, 0, 0]));
    next.sales.sweep(newer, next.now()).await;
    assert_eq!((next.stage("ann0").await, next.stage("ann8").await), ("expired", "expired"));
    assert_eq!(next.stock(), [9, 0, 0, 0]);
    assert_eq!(next.view("ann0").await.payment, Some(PaymentState::Authorising));
}

/// An order, its payments and their number, whichever way they are read.
async fn many_are_found_as_each(here: Shop) {
    for who in ["ann", "bo", "cy"] {
        here.place(who, 1).await.unwrap();
    }
    here.pay("bo").await.unwrap();
    for _ in 0..2 {
        here.pay("cy").await.unwrap();
        here.decline("cy").await.unwrap();
    }
    // What one node alone remembers is forgotten.
    here.sales.0.orders.clear();
    let words = ["cy", "nobody", "ann", "bo"];
    let found = here.sales.find_all(words.iter().map(|who| order(who))).await.unwrap();
    assert_eq!(found.len(), 3);
    here.sales.0.orders.clear();
    for (who, payments) in [("ann", 0), ("bo", 1), ("cy", 2)] {
        let (one, among) = (here.sales.find(order(who)).await.unwrap(), &found[&order(who)]);
        assert_eq!((&one.order, &one.payment), (&among.order, &among.payment), "{who}");
        assert_eq!((one.payments, among.payments), (payments, payments), "{who}");
    }
}

#[tokio::test]
async fn many_orders_are_found_as_each_of_them() {
    many_are_found_as_each(Shop::open(9, 9).await).await;
    let Some(stores) = Stores::start().await else { return };
    let [here, _] = stores.two_nodes(9).await;
    many_are_found_as_each(here).await;
}
