//! What sponsors add: exact under a rush, whatever fails, and back again by refunds.

use apricot_tlog::leaf::{Rule, Terms, Tier};
use proptest::prelude::*;

use super::*;
use crate::ledger::DRAW_OPENS_AFTER;
use crate::model::pool::still_matched;
use crate::model::{MatchPool, PoolId, PoolSeed, PoolSlot};

const POOL: PoolId = PoolId(Uuid::from_u128(500));
const HOUR: Duration = Duration::from_secs(3_600);

/// Doubles what orders give.
pub fn terms() -> Terms {
    let rule = Rule::Ratio { ppm: 1_000_000 };
    Terms { project: String::new(), buyer_day_cap: 0, project_cap: 0, buyer_minute_limit: 1_000, rule }
}

pub fn pool(budget: i64, terms: Terms) -> MatchPool {
    let slot = PoolSlot { opens_at: NOW, closes_at: NOW + HOUR, budget, seed: PoolSeed([7; 32]) };
    MatchPool { id: POOL, sponsor: "An orchard".into(), currency: Currency::CNY, terms, slots: vec![slot] }
}

pub fn ops() -> Subject {
    "ops".parse().unwrap()
}

impl Desk {
    async fn sponsored(budget: i64, terms: Terms) -> Self {
        let desk = Self::new(None).await;
        desk.ledger.add_pool(pool(budget, terms), None, &ops(), NOW).await.unwrap();
        desk
    }

    /// As the sale layer claims; what was added.
    pub async fn matched(&self, order: Order) -> (Order, i64) {
        loop {
            let postings = self.postings(&order);
            let paid = order.clone().claim(NOW, postings.charity).unwrap();
            let pledge = Some(&self.pledge);
            let sponsors = self.ledger.sponsors(&order, pledge, postings.charity, NOW).await.unwrap();
            let mut entry =
                vec![Write::Order(order.clone()), Write::Order(paid.clone()), Write::Payment(payment(&paid))];
            entry.extend(postings.writes());
            let (pending, matching) = self.ledger.submit_matched(entry, &sponsors).unwrap();
            match pending.committed().await {
                Ok(()) => {
                    postings.committed();
                    matching.committed();
                    return (paid, self.ledger.matched(order.id).await.unwrap());
                }
                Err(StoreError::PoolChanged) => self.ledger.reread_pools(matching).await.unwrap(),
                Err(refused) => panic!("{refused}"),
            }
        }
    }

    /// An order whose entry is refused when everything in it was decided.
    async fn failed(&self, order: Order) {
        let postings = self.postings(&order);
        let sponsors = self.ledger.sponsors(&order, Some(&self.pledge), postings.charity, NOW).await.unwrap();
        let stale = Order { version: 9, ..order };
        let (pending, _matching) = self.ledger.submit_matched(vec![Write::Order(stale)], &sponsors).unwrap();
        assert!(matches!(pending.committed().await, Err(StoreError::Stale | StoreError::PoolChanged)));
    }

    async fn spent(&self) -> i64 {
        self.ledger.pool(POOL).await.unwrap().sums.slots[0].spent
    }

    fn added(&self) -> (i64, i64) {
        let total = self.ledger.charity_total(PLEDGE, Currency::CNY);
        (total.gross_matched, total.gross_unmatched)
    }
}

#[tokio::test]
async fn a_sponsor_adds_what_the_order_gives_and_the_last_gets_the_rest() {
    let desk = Desk::sponsored(600, terms()).await;
    let mut given = Vec::new();
    for _ in 0..4 {
        given.push(desk.matched(desk.order(10_000)).await.1); // accrues 250
    }
    assert_eq!(given, [250, 250, 100, 0]);
    assert_eq!(desk.added(), (600, 0));
    assert_eq!(desk.balance(&Account::SponsorPool(POOL)), -600);
    assert_eq!(desk.balance(&Account::CharityMatched(PLEDGE)), 600);
    assert_eq!(desk.charity(), charity(1_000, 0, 0, 0), "apart from what the pledge gives");
    assert_eq!(desk.matched(desk.order(39)).await.1, 0, "an order that gives nothing is not matched");
    desk.assert_balanced();
}

#[tokio::test]
async fn pools_match_in_their_time_currency_and_project() {
    let desk = Desk::sponsored(1_000, terms()).await;
    let order = desk.order(10_000);
    let at = async |now| desk.ledger.sponsors(&order, Some(&desk.pledge), cny(250), now).await.unwrap().len();
    assert_eq!([at(NOW).await, at(NOW + HOUR - Duration::from_millis(1)).await], [1, 1]);
    assert_eq!([at(NOW - Duration::from_millis(1)).await, at(NOW + HOUR).await], [0, 0]);
    let of = async |given| desk.ledger.sponsors(&order, Some(&desk.pledge), given, NOW).await.unwrap().len();
    assert_eq!(of(Money::new(250, "EUR".parse().unwrap())).await, 0);
    assert_eq!(of(cny(0)).await, 0);
    let other = Pledge { parts: vec![part("books", 1)], ..desk.pledge.clone() };
    let named = MatchPool {
        id: PoolId(Uuid::from_u128(501)),
        ..pool(1_000, Terms { project: "books".into(), ..terms() })
    };
    desk.ledger.add_pool(named, None, &ops(), NOW).await.unwrap();
    let named = async |pledge| desk.ledger.sponsors(&order, Some(pledge), cny(250), NOW).await.unwrap().len();
    assert_eq!([named(&desk.pledge).await, named(&other).await], [1, 2], "several pools may match one order");
    let both = desk.ledger.sponsors(&order, None, cny(250), NOW).await.unwrap();
    assert!(both.is_empty(), "without a pledge");
}

#[tokio::test]
async fn a_frozen_pool_matches_nothing_until_it_goes_on() {
    let desk = Desk::sponsored(1_000, terms()).await;
    let freeze = async |frozen| {
        desk.ledger.freeze_pool(POOL, frozen, "a question", &ops(), NOW).await.unwrap().sums.frozen
    };
    assert!(freeze(true).await);
    assert_eq!(desk.matched(desk.order(10_000)).await.1, 0);
    assert!(!freeze(false).await);
    assert_eq!(desk.matched(desk.order(10_000)).await.1, 250);
    let nobody = desk.ledger.freeze_pool(PoolId(Uuid::from_u128(9)), true, "why", &ops(), NOW).await;
    assert_eq!(nobody, Err(LedgerRefused::NoPool));
    let reasonless = desk.ledger.freeze_pool(POOL, true, " ", &ops(), NOW).await;
    assert!(matches!(reasonless, Err(LedgerRefused::OutOfBound(bound)) if bound.field == "reason"));
}

#[tokio::test]
async fn a_pool_is_made_once_and_not_for_the_past() {
    let desk = Desk::new(None).await;
    let once = Some(Once { key: Uuid::from_u128(5), content: [1; 32] });
    let made = desk.ledger.add_pool(pool(1_000, terms()), once, &ops(), NOW).await.unwrap();
    let later = NOW + HOUR / 2;
    let other_seed = MatchPool {
        slots: vec![PoolSlot { seed: PoolSeed([9; 32]), ..pool(1_000, terms()).slots[0].clone() }],
        ..pool(1_000, terms())
    };
    let again = desk.ledger.add_pool(other_seed, once, &ops(), later).await.unwrap();
    assert_eq!(again, made, "a retry keeps the seed that was committed to");
    let past = MatchPool { id: PoolId(Uuid::from_u128(501)), ..pool(1_000, terms()) };
    let past = desk.ledger.add_pool(past, None, &ops(), later).await;
    assert!(matches!(past, Err(LedgerRefused::OutOfBound(bound)) if bound.field == "slots"));
    let draw = |opens_at| {
        let rule = Rule::Draw { tiers: vec![Tier { chance_ppm: 1, amount: 5 }] };
        let mut drawn =
            MatchPool { id: PoolId(Uuid::from_u128(503)), ..pool(1_000, Terms { rule, ..terms() }) };
        drawn.slots[0].opens_at = opens_at;
        drawn
    };
    let early = NOW + DRAW_OPENS_AFTER - Duration::from_millis(1);
    let early = desk.ledger.add_pool(draw(early), None, &ops(), NOW).await;
    assert!(matches!(early, Err(LedgerRefused::OutOfBound(bound)) if bound.field == "slots[0].opensAtMs"));
    assert!(desk.ledger.add_pool(draw(NOW + DRAW_OPENS_AFTER), None, &ops(), NOW).await.is_ok());
    let hearts = |pledge| {
        let rule = Rule::Hearts { room: "orchard".into(), hearts: 10, amount: 5, pledge };
        MatchPool { id: PoolId(Uuid::from_u128(502)), ..pool(1_000, Terms { rule, ..terms() }) }
    };
    let nobody = desk.ledger.add_pool(hearts(Uuid::from_u128(1)), None, &ops(), NOW).await;
    assert_eq!(nobody, Err(LedgerRefused::NoPledge));
    assert!(desk.ledger.add_pool(hearts(PLEDGE.0), None, &ops(), NOW).await.is_ok());
}

/// A thousand at once, every fifth of whom fails: what failed is matched by others, to the last fen.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_thousand_at_once_drain_a_pool_to_its_last_fen() {
    const BUDGET: i64 = 20_010;
    let desk = std::sync::Arc::new(Desk::sponsored(BUDGET, terms()).await);
    let rush: Vec<_> = (0..1_000)
        .map(|n| {
            let desk = std::sync::Arc::clone(&desk);
            tokio::spawn(async move {
                let order = desk.order(2_600); // 65 each
                if n % 5 == 0 {
                    desk.failed(order).await;
                    return 0;
                }
                desk.matched(order).await.1
            })
        })
        .collect();
    let mut given = Vec::new();
    for claim in rush {
        given.push(claim.await.unwrap());
    }
    assert_eq!(given.iter().sum::<i64>(), BUDGET, "drained to the last fen");
    given.retain(|amount| *amount > 0);
    assert_eq!(given.len(), 308, "307 whole ones and the rest");
    assert_eq!(desk.spent().await, BUDGET);
    assert_eq!(desk.added(), (BUDGET, 0));
    desk.assert_balanced();
}

#[tokio::test]
async fn hearts_release_each_amount_once_up_to_the_budget() {
    let desk = Desk::new(None).await;
    let rule = Rule::Hearts { room: "orchard".into(), hearts: 100, amount: 30, pledge: PLEDGE.0 };
    desk.ledger.add_pool(pool(100, Terms { rule, ..terms() }), None, &ops(), NOW).await.unwrap();
    assert_eq!(desk.ledger.pools_of_hearts(NOW).await.unwrap(), [(POOL, "orchard".parse().unwrap())]);
    let mut released = Vec::new();
    for more in [99, 1, 250, 49, 1, 100] {
        assert_eq!(desk.ledger.release_hearts(POOL, more, None, NOW).await.unwrap(), more);
        released.push(desk.added().0);
    }
    assert_eq!(released, [0, 30, 90, 90, 100, 100], "the last release gets the rest");
    let sums = desk.ledger.pool(POOL).await.unwrap().sums;
    assert_eq!((sums.slots[0].hearts, sums.slots[0].spent), (500, 100));
    assert_eq!(desk.ledger.release_hearts(POOL, 100, None, NOW + HOUR).await.unwrap(), 0, "the slot is over");
    let order = desk.order(10_000);
    assert_eq!(desk.matched(order).await.1, 0, "orders are not matched by it");
    desk.assert_balanced();
}

#[tokio::test]
async fn a_refund_takes_back_in_proportion_and_makes_room() {
    let desk = Desk::sponsored(300, terms()).await;
    let (mut order, added) = desk.matched(desk.order(1_990)).await; // accrues 49
    assert_eq!(added, 49);
    let mut back = Vec::new();
    for amount in [333, 1, 999, 600, 57] {
        order = desk.refund(&order, amount).await.unwrap();
        back.push(desk.ledger.matched(order.id).await.unwrap());
    }
    assert_eq!(back, [40, 40, 16, 1, 0]);
    assert_eq!(desk.added(), (49, 49));
    assert_eq!(desk.spent().await, 0);
    let (_, added) = desk.matched(desk.order(12_000)).await;
    assert_eq!(added, 300, "there is room for all of it again");
    desk.assert_balanced();
}

/// What happens to pools, in words: an order over so much, a refund of so much of the n-th, an order that fails.
#[derive(Clone, Debug)]
enum Step {
    Pay { buyer: u8, price: i64 },
    Refund { order: usize, percent: i64 },
    Fail { price: i64 },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let pay = (0..3_u8, 1..40_000_i64).prop_map(|(buyer, price)| Step::Pay { buyer, price });
    let refund = (0..12_usize, 1..=100_i64).prop_map(|(order, percent)| Step::Refund { order, percent });
    let fail = (1..40_000_i64).prop_map(|price| Step::Fail { price });
    proptest::collection::vec(prop_oneof![4 => pay, 3 => refund, 1 => fail], 1..20)
}

/// A pool as it is thought of: one budget, one project, buyers' days.
#[derive(Default)]
struct Thought {
    spent: i64,
    of_buyers: [i64; 3],
    orders: Vec<(Order, u8, i64, i64)>,
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_steps_end_as_the_thought_does(steps in steps(), budget in 1..1_500_i64, day in 0..700_i64, project in 0..1_200_i64) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let terms = Terms { buyer_day_cap: day, project_cap: project, ..terms() };
            let desk = Desk::sponsored(budget, terms).await;
            let mut thought = Thought::default();
            let cap = |cap: i64| if cap > 0 { cap } else { i64::MAX };
            for step in steps {
                match step {
                    Step::Pay { buyer, price } => {
                        let order = Order { buyer: format!("buyer-{buyer}").parse().unwrap(), ..desk.order(price) };
                        let (order, added) = desk.matched(order).await;
                        let of_buyer = &mut thought.of_buyers[usize::from(buyer)];
                        let left = (budget - thought.spent).min(cap(project) - thought.spent).min(cap(day) - *of_buyer);
                        let due = order.charity_minor.min(left);
                        prop_assert_eq!(added, due);
                        thought.spent += due;
                        *of_buyer += due;
                        thought.orders.push((order, buyer, due, due));
                    }
                    Step::Refund { order, percent } => {
                        let Some((order, buyer, matched, kept)) = thought.orders.get_mut(order) else { continue };
                        let left = order.total().minor - order.refunded_minor;
                        if left == 0 {
                            continue;
                        }
                        *order = desk.refund(order, (left * percent / 100).max(1)).await.unwrap();
                        let still = still_matched(*matched, order.total().minor, order.total().minor - order.refunded_minor);
                        thought.spent -= *kept - still;
                        thought.of_buyers[usize::from(*buyer)] -= *kept - still;
                        *kept = still;
                        prop_assert_eq!(desk.ledger.matched(order.id).await.unwrap(), still);
                    }
                    Step::Fail { price } => {
                        desk.failed(desk.order(price)).await;
                    }
                }
                prop_assert_eq!(desk.spent().await, thought.spent);
                let (matched, unmatched) = desk.added();
                prop_assert_eq!(matched - unmatched, thought.spent);
            }
            desk.assert_balanced();
            Ok::<(), TestCaseError>(())
        })?;
    }
}
