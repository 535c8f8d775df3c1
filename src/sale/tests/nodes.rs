//! Several nodes on one record and one gate: what time asks for is done once, and by nobody whose lease has run out.

use apricot_servers::{Postgres, Redis, or_skip};

use super::shared::gate_at;
use super::*;
use crate::store::journal::{PostgresSettings, migrate};

pub(super) struct Stores {
    postgres: PostgresSettings,
    redis: Redis,
    clock: Clock,
    _postgres: Postgres,
}

impl Stores {
    pub async fn start() -> Option<Self> {
        let server = or_skip(Postgres::start_with(&["fsync=off"]))?;
        let redis = or_skip(Redis::start())?;
        let url = server.fresh_database().unwrap();
        let postgres = PostgresSettings { url, password: None, connections: 4, ca: None };
        migrate(&postgres).await.unwrap();
        Some(Self { postgres, redis, clock: Clock::manual(START), _postgres: server })
    }

    /// One that knows no sale yet.
    pub async fn node(&self) -> Shop {
        let journal = Journal::connect(&self.postgres, 42, START).await.unwrap();
        let (gate, folder) = (gate_at(&self.redis).await, tempfile::tempdir().unwrap());
        Shop::at(journal, gate, folder, self.clock.clone(), SaleId(Uuid::from_u128(1)))
    }

    /// The first with an open sale, the other as it starts beside it.
    pub async fn two_nodes(&self, stock: u32) -> [Shop; 2] {
        let first = self.node().await.stocked(stock, 9, None).await;
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
