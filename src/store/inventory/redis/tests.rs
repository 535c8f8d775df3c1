//! Laws of the gate in Redis alone: what happens when it is not the Redis that it was, and what nodes see of each other.

use std::time::Duration;

use apricot_servers::{Redis as Server, RedisCluster, or_skip};

use super::*;
use crate::clock::Clock;
use crate::store::redis::{RedisMode, RedisSettings};

const NOW: Timestamp = Timestamp(1_800_000_000_000);

/// A node with a sale that has 2 units, one of them held by `a` and recorded.
struct Stall {
    gate: RedisGate,
    sale: SaleId,
    recorded: LotSnapshot,
}

impl Stall {
    async fn open(server: &Server) -> Self {
        Self::open_at(RedisSettings { urls: vec![server.url()], ..RedisSettings::default() }).await
    }

    async fn open_at(settings: RedisSettings) -> Self {
        let gate = node(settings).await;
        let sale = SaleId(Clock::System.new_id());
        let recorded = LotSnapshot { stock: 2, holds: vec![request(1)], ..LotSnapshot::default() };
        assert_eq!(read_again(&gate, sale, &recorded).await, Ok(true));
        Self { gate, sale, recorded }
    }

    async fn hold(&self, n: u32) -> Result<Grant, HoldRefused> {
        self.gate.hold(self.sale, request(n), NOW).await
    }

    /// Until Redis is there and was looked at.
    async fn ready(&self) -> bool {
        loop {
            match self.gate.is_ready(self.sale).await {
                Ok(ready) => return ready,
                Err(NotNow { .. }) => {
                    let mut up = self.gate.0.redis.watch();
                    up.wait_for(|up| *up).await.expect("the connection is kept");
                }
            }
        }
    }

    /// Whatever happened to Redis: nothing is granted before the lot was read again, and nothing above the record after.
    async fn is_read_again(&self) {
        assert!(!self.ready().await, "the lot of a Redis that is not the same is not the lot");
        assert!(matches!(self.hold(2).await, Err(HoldRefused::NotReady { .. })));
        assert!(matches!(
            self.gate.claim(self.sale, order(1), &request(1).buyer, NOW).await,
            Err(EndRefused::NotReady { .. })
        ));
        assert_eq!(self.gate.reading(self.sale), None);
        assert!(!self.gate.is_sold_out(self.sale, NOW));
        assert_eq!(read_again(&self.gate, self.sale, &self.recorded).await, Ok(true));
        self.sells_one_more().await;
    }

    async fn sells_one_more(&self) {
        assert_eq!(self.hold(2).await, Ok(Grant { displaced: Vec::new() }));
        assert_eq!(self.hold(3).await, Err(HoldRefused::SoldOut { left: 0 }));
        assert_eq!(self.gate.claim(self.sale, order(1), &request(1).buyer, NOW).await, Ok(()));
    }
}

async fn node(settings: RedisSettings) -> RedisGate {
    RedisGate::new(Redis::connect(settings).await.expect("a server that was just started"))
}

async fn read_again(gate: &RedisGate, sale: SaleId, recorded: &LotSnapshot) -> Result<bool, NotNow> {
    let seen = gate.seen(sale).await;
    gate.open(sale, seen, recorded).await
}

fn order(n: u32) -> OrderId {
    OrderId(uuid::Uuid::from_u128(u128::from(n)))
}

fn request(n: u32) -> Request {
    let buyer = format!("buyer-{n}").parse().expect("a subject");
    Request { order: order(n), buyer, quantity: 1, limit: 1, until: NOW + Duration::from_secs(60) }
}

#[tokio::test]
async fn restart_that_lost_everything_asks_for_the_lot_again() {
    let Some(mut server) = or_skip(Server::start()) else { return };
    let stall = Stall::open(&server).await;
    server.restart().unwrap();
    stall.is_read_again().await;
}

/// What the last second before a crash had is not in every append-only file.
#[tokio::test]
async fn restart_that_lost_nothing_asks_for_the_lot_again() {
    let Some(mut server) = or_skip(Server::start_with(&["--appendonly", "yes"])) else { return };
    let stall = Stall::open(&server).await;
    server.restart().unwrap();
    let keys = server.command(&["EXISTS", stall.gate.know(stall.sale).keys.lot()[0]]).unwrap();
    assert_eq!(keys, ":1", "the lot came back with the file");
    stall.is_read_again().await;
}

#[tokio::test]
async fn flushall_asks_for_the_lot_again() {
    let Some(server) = or_skip(Server::start()) else { return };
    let stall = Stall::open(&server).await;
    server.command(&["FLUSHALL"]).unwrap();
    stall.is_read_again().await;
}

/// The lot is what it was; only the Function has to come back.
#[tokio::test]
async fn function_flush_changes_nothing() {
    let Some(server) = or_skip(Server::start()) else { return };
    let stall = Stall::open(&server).await;
    server.command(&["FUNCTION", "FLUSH"]).unwrap();
    assert!(stall.ready().await);
    stall.sells_one_more().await;
}

/// A replica that took over may lack the last grants, whether it does or not.
#[tokio::test]
async fn failover_asks_for_the_lot_again() {
    let Some(mut cluster) = or_skip(RedisCluster::start(1)) else { return };
    let settings =
        RedisSettings { mode: RedisMode::Cluster, urls: cluster.urls(), ..RedisSettings::default() };
    let stall = Stall::open_at(settings).await;
    let key = stall.gate.know(stall.sale).keys.lot()[0].to_owned();
    let has = |server: &mut Server| server.command(&["EXISTS", &key]).is_ok_and(|answer| answer == ":1");
    let primary = cluster.nodes.iter_mut().position(has).expect("a primary has the lot");
    cluster.nodes[primary].kill();
    stall.gate.0.redis.watch().wait_for(|up| !up).await.expect("the connection is kept");
    stall.is_read_again().await;
}

#[tokio::test]
async fn of_nodes_that_read_a_lot_again_at_once_one_opens_it() {
    let Some(server) = or_skip(Server::start()) else { return };
    let stall = Stall::open(&server).await;
    let settings = RedisSettings { urls: vec![server.url()], ..RedisSettings::default() };
    let second = node(settings).await;
    assert_eq!(second.is_ready(stall.sale).await, Ok(true));
    server.command(&["FLUSHALL"]).unwrap();
    assert_eq!((stall.ready().await, second.is_ready(stall.sale).await), (false, Ok(false)));
    let seen = second.seen(stall.sale).await;
    assert_eq!(read_again(&stall.gate, stall.sale, &stall.recorded).await, Ok(true));
    assert_eq!(stall.hold(2).await, Ok(Grant { displaced: Vec::new() }));
    // It read the record before that, and does not undo it.
    assert_eq!(second.open(stall.sale, seen, &stall.recorded).await, Ok(false));
    assert_eq!(second.hold(stall.sale, request(3), NOW).await, Err(HoldRefused::SoldOut { left: 0 }));
    // A node that starts takes the lot as it is.
    let third = node(RedisSettings { urls: vec![server.url()], ..RedisSettings::default() }).await;
    assert_eq!(third.is_ready(stall.sale).await, Ok(true));
    assert_eq!(third.reading(stall.sale), Some(Reading { stock: 2, held: 2, sold: 0, waiting: 0 }));
}

#[tokio::test]
async fn nodes_see_each_other_sell_out_and_have_units_again() {
    let Some(mut server) = or_skip(Server::start()) else { return };
    let here = Stall::open(&server).await;
    let there = node(RedisSettings { urls: vec![server.url()], ..RedisSettings::default() }).await;
    assert_eq!(there.is_ready(here.sale).await, Ok(true));
    let seen_there = async |sold_out: bool| {
        while there.is_sold_out(here.sale, NOW) != sold_out {
            tokio::task::yield_now().await;
        }
    };
    assert!(!there.is_sold_out(here.sale, NOW));
    here.hold(2).await.expect("held");
    seen_there(true).await;
    here.gate.end(here.sale, order(2), &request(2).buyer).await.expect("ended");
    here.gate.free(here.sale, order(2), &request(2).buyer, HoldOutcome::Released).await;
    seen_there(false).await;
    here.hold(3).await.expect("held");
    seen_there(true).await;
    // Nobody is sent away by a reading that nobody can change any more.
    server.kill();
    seen_there(false).await;
    assert!(matches!(there.hold(here.sale, request(4), NOW).await, Err(HoldRefused::NotReady { .. })));
}

#[tokio::test]
async fn sold_out_answers_ask_redis_nothing() {
    let Some(server) = or_skip(Server::start()) else { return };
    let stall = Stall::open(&server).await;
    stall.hold(2).await.expect("held");
    let calls = || {
        let stats = server.command(&["INFO", "commandstats"]).unwrap();
        stats.lines().filter(|line| line.starts_with("cmdstat_fcall")).map(str::to_owned).collect::<Vec<_>>()
    };
    let before = calls();
    for _ in 0..100_000 {
        assert!(stall.gate.is_sold_out(stall.sale, NOW));
    }
    assert_eq!(calls(), before);
}

/// Far more than one call may take of what the record says, and of what is asked.
#[tokio::test]
async fn lot_of_many_orders_is_opened_and_asked_in_parts() {
    let Some(server) = or_skip(Server::start()) else { return };
    let gate = node(RedisSettings { urls: vec![server.url()], ..RedisSettings::default() }).await;
    let sale = SaleId(Clock::System.new_id());
    let claimed = (0..5_000).map(|n| (order(n), request(n).buyer, 1)).collect();
    let holds = (5_000..10_000).map(request).collect();
    let recorded = LotSnapshot { stock: 12_000, sold: 5_000, claimed, holds, ..LotSnapshot::default() };
    assert_eq!(read_again(&gate, sale, &recorded).await, Ok(true));
    assert_eq!(gate.reading(sale), Some(Reading { stock: 12_000, held: 5_000, sold: 5_000, waiting: 0 }));
    let asked = (10_000..13_000).map(|n| gate.hold(sale, request(n), NOW));
    let granted = futures_util::future::join_all(asked).await.into_iter().filter(Result::is_ok).count();
    assert_eq!(granted, 2_000);
    let expired = gate.take_expired(sale, NOW + Duration::from_secs(60), 10_000).await;
    assert_eq!(expired.len(), 7_000);
    futures_util::future::join_all(
        expired.iter().map(|it| gate.free(sale, it.order, &it.buyer, HoldOutcome::Expired)),
    )
    .await;
    assert_eq!(gate.reading(sale), Some(Reading { stock: 12_000, held: 0, sold: 5_000, waiting: 0 }));
    assert_eq!(
        gate.end(sale, order(4_999), &request(4_999).buyer).await,
        Err(EndRefused::Ended(HoldOutcome::Claimed))
    );
    assert_eq!(
        gate.end(sale, order(9_999), &request(9_999).buyer).await,
        Err(EndRefused::Ended(HoldOutcome::Expired))
    );
}

#[tokio::test]
async fn rights_in_the_docs_suffice() {
    let Some(server) = or_skip(Server::start()) else { return };
    let text = include_str!("../../../../docs/decisions/redis-gate.md");
    let rights = text.lines().filter(|line| line.starts_with("    ")).flat_map(str::split_whitespace);
    let user = ["ACL", "SETUSER", "shop", "on", ">secret"].into_iter().chain(rights).collect::<Vec<_>>();
    assert_eq!(server.command(&user).unwrap(), "+OK");
    let stall = Stall::open_at(RedisSettings {
        urls: vec![server.url()],
        user: Some("shop".into()),
        password: Some("secret".into()),
        ..RedisSettings::default()
    })
    .await;
    stall.sells_one_more().await;
    assert!(stall.gate.is_sold_out(stall.sale, NOW));
    server.command(&["FUNCTION", "FLUSH"]).unwrap();
    stall.gate.end(stall.sale, order(2), &request(2).buyer).await.expect("ended");
    stall.gate.free(stall.sale, order(2), &request(2).buyer, HoldOutcome::Released).await;
    assert!(!stall.gate.is_sold_out(stall.sale, NOW));
    assert_eq!(stall.gate.close(stall.sale).await, []);
}

#[tokio::test]
async fn full_queue_says_when_to_come_again() {
    let Some(server) = or_skip(Server::start()) else { return };
    let stall = Stall::open(&server).await;
    let asked = (10..10_000).map(|n| stall.hold(n));
    let answers = futures_util::future::join_all(asked).await;
    let busy = HoldRefused::NotReady { retry_after: QUEUE_RETRY_AFTER };
    assert!(answers.contains(&Err(busy)));
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
    assert_eq!(stall.gate.reading(stall.sale).map(|lot| lot.held), Some(2));
}
