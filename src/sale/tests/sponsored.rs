//! Sponsors add to what orders give: from the payment to the public log, recounted as a stranger would.

use apricot_tlog::leaf::{Fact, Leaf, Rule, Scope, Terms, Tier};
use apricot_tlog::ledger::{Finding, Recount};

use super::*;
use crate::ledger::DRAW_OPENS_AFTER;
use crate::ledger::log::PublicLog;
use crate::model::{MatchPool, PoolId, PoolSeed, PoolSlot};

const SLOT: Duration = Duration::from_secs(300);
const PEOPLE: [&str; 12] =
    ["ann", "ben", "cat", "dan", "eve", "fay", "gus", "hal", "ida", "jon", "kim", "leo"];

fn pool(n: u128, budget: i64, rule: Rule) -> MatchPool {
    let terms =
        Terms { project: String::new(), buyer_day_cap: 0, project_cap: 0, buyer_minute_limit: 9, rule };
    let seed = PoolSeed([u8::try_from(n % 251).unwrap(); 32]);
    let slot = PoolSlot { opens_at: START, closes_at: START + SLOT, budget, seed };
    let id = PoolId(Uuid::from_u128(n));
    MatchPool { id, sponsor: "An orchard".into(), currency: Currency::CNY, terms, slots: vec![slot] }
}

impl Shop {
    async fn sponsored_by(&self, pool: MatchPool) {
        self.sales.ledger().add_pool(pool, None, &"ops".parse().unwrap(), self.now()).await.unwrap();
    }

    async fn log(&self) -> PublicLog {
        let journal = self.sales.ledger().journal().clone();
        PublicLog::open(journal, &self.folder.path().join("log"), None, &[[7; 32]]).await.unwrap()
    }

    /// Everything that waits is in the log, with tallies; what is wrong with it.
    async fn recounted(&self, log: &PublicLog) -> (Recount, Vec<Finding>, Vec<Leaf>) {
        while log.append(None, false, self.now()).await.unwrap() {}
        log.append(None, true, self.now()).await.unwrap();
        let placed = self.sales.ledger().journal().log_leaves(0, 10_000).await.unwrap();
        let (mut recount, mut leaves) = (Recount::default(), Vec::new());
        for placed in placed {
            recount.push(placed.leaf.as_bytes());
            leaves.push(Leaf::parse(placed.leaf.as_bytes()).unwrap());
        }
        let findings = recount.findings().iter().cloned().chain(recount.lacking()).collect();
        (recount, findings, leaves)
    }
}

fn kinds(leaves: &[Leaf], kind: fn(&Fact) -> bool) -> usize {
    leaves.iter().filter(|leaf| kind(&leaf.fact)).count()
}

/// A ratio that runs out, a draw, and hearts; a refund in part and one of all; the seeds.
#[tokio::test]
async fn the_log_of_a_sponsored_sale_has_no_finding() {
    let shop = Shop::open(50, 9).await;
    let tiers = vec![Tier { chance_ppm: 300_000, amount: 70 }, Tier { chance_ppm: 700_000, amount: 11 }];
    let hearts = Rule::Hearts { room: "orchard".into(), hearts: 10, amount: 8, pledge: pledge().id.0 };
    shop.sponsored_by(pool(501, 8 * SHARE + 20, Rule::Ratio { ppm: 1_000_000 })).await;
    let mut drawn = pool(502, 100_000, Rule::Draw { tiers });
    drawn.slots[0].opens_at = START + DRAW_OPENS_AFTER;
    shop.sponsored_by(drawn).await;
    shop.sponsored_by(pool(503, 20, hearts)).await;
    let log = shop.log().await;
    assert_eq!(shop.recounted(&log).await.1, []);
    shop.pass(DRAW_OPENS_AFTER);
    for who in PEOPLE {
        shop.pass(Duration::from_millis(1));
        shop.bought(who, 1).await;
    }
    let ledger = shop.sales.ledger();
    assert_eq!(ledger.release_hearts(PoolId(Uuid::from_u128(503)), 45, None, shop.now()).await.unwrap(), 45);
    let matched_before = ledger.matched(order("ann")).await.unwrap();
    assert!(matched_before >= SHARE);
    for (who, minor) in [("ann", Some(500)), ("ben", None)] {
        let id = RefundId(order(who).0);
        let (reason, now) = ("bruised".to_owned(), shop.now());
        shop.sales.refund(order(who), minor.map(cny), reason, id, None, &host(), now).await.unwrap();
    }
    let kept = ledger.matched(order("ann")).await.unwrap();
    assert!(kept < matched_before && kept > 0, "{kept} of {matched_before}");
    assert_eq!(ledger.matched(order("ben")).await.unwrap(), 0);
    let (recount, findings, leaves) = shop.recounted(&log).await;
    assert_eq!(findings, [], "before the seeds");
    assert_eq!(kinds(&leaves, |fact| matches!(fact, Fact::Seed(_))), 0);
    let total = ledger.charity_total(pledge().id, Currency::CNY);
    let told = recount.total(Scope::Pledge, &pledge().id.to_string(), "CNY".parse().unwrap());
    assert_eq!((told.matched, told.unmatched), (total.gross_matched, total.gross_unmatched));
    assert_eq!(told.accrued, total.gross_accrued, "apart");

    assert_eq!(ledger.publish_seeds(None, shop.now()).await.unwrap(), 0, "the slots are open");
    shop.pass(SLOT);
    assert_eq!(ledger.publish_seeds(None, shop.now()).await.unwrap(), 0, "not at once");
    shop.pass(Duration::from_secs(60));
    assert_eq!(ledger.publish_seeds(None, shop.now()).await.unwrap(), 3);
    assert_eq!(ledger.publish_seeds(None, shop.now()).await.unwrap(), 0, "once");
    let (recount, findings, leaves) = shop.recounted(&log).await;
    assert_eq!(findings, [], "every draw can be repeated");
    assert_eq!(recount.withheld(), 0);
    assert_eq!(kinds(&leaves, |fact| matches!(fact, Fact::Seed(_))), 3);
    assert_eq!(kinds(&leaves, |fact| matches!(fact, Fact::Pool(_))), 3);
    let drawn =
        leaves.iter().filter(|leaf| matches!(&leaf.fact, Fact::Match(it) if it.tier.is_some())).count();
    assert_eq!(drawn, PEOPLE.len(), "these tiers leave nobody without");
    let ratio = leaves.iter().filter_map(|leaf| match &leaf.fact {
        Fact::Match(it) if it.pool == Uuid::from_u128(501) => Some(it.amount),
        _ => None,
    });
    assert_eq!(ratio.collect::<Vec<_>>(), [SHARE, SHARE, SHARE, SHARE, SHARE, SHARE, SHARE, SHARE, 20]);
    shop.audit();

    shop.bought("mia", 1).await;
    assert_eq!(ledger.matched(order("mia")).await.unwrap(), 0, "the slots are over");
    // A day later the log still has what is due.
    shop.pass(2 * DAY);
    assert_eq!(shop.recounted(&log).await.1, []);
}

/// The budget holds over a restart, and who pays late is not matched.
#[tokio::test]
async fn a_pool_goes_on_after_a_restart() {
    let shop = Shop::open(50, 9).await;
    shop.sponsored_by(pool(501, 2 * SHARE, Rule::Ratio { ppm: 1_000_000 })).await;
    shop.bought("ann", 1).await;
    let shop = shop.restarted().await;
    for who in ["ben", "cat"] {
        shop.bought(who, 1).await;
    }
    let ledger = shop.sales.ledger();
    let mut added = Vec::new();
    for who in ["ann", "ben", "cat"] {
        added.push(ledger.matched(order(who)).await.unwrap());
    }
    assert_eq!(added, [SHARE, SHARE, 0]);
    assert_eq!(shop.balance("charity_matched"), 2 * SHARE);
    assert_eq!(shop.balance("sponsor_pool"), -2 * SHARE);
    shop.audit();
}

/// The same news again, and twice at once, matches once.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_order_is_matched_once_by_each_pool() {
    let shop = std::sync::Arc::new(Shop::open(50, 9).await);
    shop.sponsored_by(pool(501, 1_000, Rule::Ratio { ppm: 1_000_000 })).await;
    shop.sponsored_by(pool(502, 1_000, Rule::Ratio { ppm: 500_000 })).await;
    shop.place("ann", 1).await.unwrap();
    shop.pay("ann").await.unwrap();
    let told: Vec<_> = (0..8)
        .map(|n| {
            let shop = std::sync::Arc::clone(&shop);
            tokio::spawn(async move {
                let payment = shop.payment("ann").await;
                // The provider repeats what was not taken.
                while shop.tell(&format!("auth-{n}"), ProviderNews::Authorised { payment }).await.is_err() {}
            })
        })
        .collect();
    for told in told {
        told.await.unwrap();
    }
    assert_eq!(shop.sales.ledger().matched(order("ann")).await.unwrap(), SHARE + SHARE / 2);
    assert_eq!(shop.sql("SELECT count(*) FROM transfers WHERE code = 13"), 2);
    shop.audit();
}

/// Two matches a minute and no more, whoever pays more often; a minute later it goes on.
#[tokio::test]
async fn who_pays_too_often_in_a_minute_pays_unmatched() {
    let shop = Shop::open(50, 9).await;
    let mut pool = pool(501, 100_000, Rule::Ratio { ppm: 1_000_000 });
    pool.terms.buyer_minute_limit = 2;
    shop.sponsored_by(pool).await;
    let log = shop.log().await;
    let mut added = Vec::new();
    for (name, passes) in [("first", 0), ("second", 20), ("third", 20), ("fourth", 21)] {
        shop.pass(Duration::from_secs(passes));
        let wish = Wish { order: order(name), sale: shop.sale, quantity: 1, wait: false };
        shop.sales.place(&buyer("ann"), wish, shop.now()).await.unwrap();
        let ship_to = ShipTo {
            name: "Ann".into(),
            phone: "+86 138-0000-0000".into(),
            address: "1 Orchard Road".into(),
        };
        shop.sales
            .pay(&buyer("ann"), order(name), Method::SandboxApprove, ship_to, shop.now())
            .await
            .unwrap();
        shop.authorise(name).await.unwrap();
        assert_eq!(shop.stage(name).await, "paid", "{name}");
        added.push(shop.sales.ledger().matched(order(name)).await.unwrap());
    }
    assert_eq!(added, [SHARE, SHARE, 0, SHARE], "the fourth comes when the first is over a minute old");
    shop.bought("ben", 1).await;
    assert_eq!(shop.sales.ledger().matched(order("ben")).await.unwrap(), SHARE, "others are matched");
    assert_eq!(shop.recounted(&log).await.1, []);
    shop.audit();
}
