//! Two nodes on one record: caps and what is owed to a charity hold over both.

use apricot_servers::{Postgres, or_skip};
use tokio::join;

use super::*;
use crate::store::journal::{PostgresSettings, migrate};

impl Desk {
    /// Two nodes that share a pledge with this cap.
    pub(super) async fn nodes(server: &Postgres, cap: i64) -> [Self; 2] {
        let url = server.fresh_database().unwrap();
        let settings = PostgresSettings { url, password: None, connections: 2, ca: None };
        migrate(&settings).await.unwrap();
        let node = async || {
            let journal = Journal::connect(&settings, 42, NOW).await.unwrap();
            let commission = CommissionRules { by_category: HashMap::new(), other: Share::ppm(0).unwrap() };
            Ledger::new(journal, commission)
        };
        let (first, second) = (node().await, node().await);
        let pledge = first.add_pledge(pledge(Some(cap)), None).await.unwrap();
        let sale = FlashSale { pledge: Some(pledge.reference()), ..sale() };
        for write in [Write::Room(Box::new(room())), Write::NewProduct(product()), Write::Sale(sale)] {
            first.journal().commit(vec![write]).await.unwrap();
        }
        [(first, 0), (second, 1_000)].map(|(ledger, orders)| Self {
            _folder: tempfile::tempdir().unwrap(),
            ledger,
            pledge: (*pledge).clone(),
            orders: AtomicU64::new(orders),
        })
    }

    /// As the sale layer does it: what the cap refuses is tried again with less.
    pub(super) async fn claimed(&self, price: i64) -> Order {
        let order = self.order(price);
        loop {
            let postings = self.postings(&order);
            let paid = order.clone().claim(NOW, postings.charity).unwrap();
            let mut entry =
                vec![Write::Order(order.clone()), Write::Order(paid.clone()), Write::Payment(payment(&paid))];
            entry.extend(postings.writes());
            match self.ledger.journal().commit(entry).await {
                Ok(()) => {
                    postings.committed();
                    return paid;
                }
                Err(StoreError::CapReached) => self.ledger.reread_standing(&self.pledge).await.unwrap(),
                Err(refused) => panic!("{refused}"),
            }
        }
    }

    /// Forty, one after another; what they gave.
    pub(super) async fn claim_all(&self, price: i64) -> i64 {
        let mut given = 0;
        for _ in 0..40 {
            given += self.claimed(price).await.charity_minor;
        }
        given
    }

    async fn sums(&self) -> (i64, i64) {
        let sums = self.ledger.journal().pledge_sums(PLEDGE.into(), Currency::CNY).await.unwrap();
        (sums.standing, sums.payable)
    }
}

#[tokio::test]
async fn two_nodes_reach_a_cap_and_keep_it() {
    let Some(server) = or_skip(Postgres::start()) else { return };
    let [ours, theirs] = Desk::nodes(&server, 2_000).await;
    let (given_here, given_there) = join!(ours.claim_all(2_600), theirs.claim_all(2_600)); // 65 each
    assert_eq!(given_here + given_there, 2_000, "{given_here} and {given_there}");
    assert_eq!(ours.sums().await, (2_000, 0));
    // A refund on one node makes room on the other.
    let paid = ours.ledger.journal().order(OrderId(Uuid::from_u128(1_001))).await.unwrap().unwrap();
    assert_eq!(paid.charity_minor, 65);
    ours.refund(&paid, 2_600).await.unwrap();
    theirs.ledger.journal().renew_totals().await.unwrap();
    assert_eq!(theirs.claimed(12_000).await.charity_minor, 65);
    assert_eq!(theirs.sums().await, (2_000, 0));
}

/// Each node only knows its own claims: the record tells them of the others.
#[tokio::test]
async fn two_nodes_drain_a_pool_to_its_last_fen() {
    use super::pools::{ops, pool, terms};
    let Some(server) = or_skip(Postgres::start()) else { return };
    let [ours, theirs] = Desk::nodes(&server, 1_000_000).await;
    let made = pool(4_010, terms());
    let id = made.id;
    ours.ledger.add_pool(made, None, &ops(), NOW).await.unwrap();
    theirs.ledger.follow_pools(NOW).await.unwrap();
    let drain = async |desk: &Desk| {
        let (mut given, mut orders) = (0, Vec::new());
        for _ in 0..40 {
            let (order, added) = desk.matched(desk.order(2_600)).await; // 65 each
            given += added;
            orders.push((order, added));
        }
        (given, orders)
    };
    let ((here, orders), (there, _)) = join!(drain(&ours), drain(&theirs));
    assert_eq!(here + there, 4_010, "{here} and {there}");
    let (first, added) = orders.into_iter().find(|(_, added)| *added == 65).unwrap();
    // A refund on one node makes room on the other.
    ours.refund(&first, 2_600).await.unwrap();
    theirs.ledger.follow_pools(NOW).await.unwrap();
    assert_eq!(theirs.matched(theirs.order(12_000)).await.1, added);
    // What is frozen on one matches nothing on the other, which does not know it yet.
    ours.ledger.freeze_pool(id, true, "a question", &ops(), NOW).await.unwrap();
    assert_eq!(theirs.matched(theirs.order(2_600)).await.1, 0);
    let sums = theirs.ledger.pool(id).await.unwrap().sums;
    assert_eq!(sums.slots[0].spent, 4_010);
}

#[tokio::test]
async fn two_nodes_hand_over_no_more_than_is_owed() {
    let Some(server) = or_skip(Postgres::start()) else { return };
    let [ours, theirs] = Desk::nodes(&server, 1_000).await;
    let paid = ours.claimed(40_000).await;
    ours.confirmed(paid).await;
    assert_eq!(theirs.sums().await, (1_000, 1_000));
    let (here, there) = join!(ours.proposed(1), theirs.proposed(2));
    let (run, refused) = if here.is_ok() { (here, there) } else { (there, here) };
    let refused = refused.unwrap_err();
    assert!(matches!(refused, LedgerRefused::RunOpen | LedgerRefused::NothingOwed { .. }), "{refused}");
    assert_eq!(run.unwrap().total(), cny(1_000));
    assert_eq!(ours.sums().await, (1_000, 0));
}
