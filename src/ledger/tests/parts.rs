//! Pledges of several parts: split to the fen, refunded to the fen, and told so that an independent recount agrees.

use apricot_tlog::leaf::Scope;
use apricot_tlog::ledger::Recount;
use proptest::prelude::*;

use super::log::PublicLog;
use super::*;
use crate::model::PartRef;

fn thirds() -> Pledge {
    let parts = vec![part("school-meals", 1), part("books", 1), part("shoes", 1)];
    Pledge { parts, ..pledge(None) }
}

fn accounts(of: impl Fn(PartRef) -> Account) -> [Account; 3] {
    [0, 1, 2].map(|part| of(PartRef { pledge: PLEDGE, part }))
}

impl Desk {
    fn balances(&self, of: impl Fn(PartRef) -> Account) -> [i64; 3] {
        accounts(of).map(|account| self.balance(&account))
    }

    /// Everything that was told, judged by somebody who has only the leaves.
    async fn recounted(&self) -> Recount {
        let folder = tempfile::tempdir().unwrap();
        let origin = Some("apricot.example/log".to_owned());
        let log =
            PublicLog::open(self.ledger.journal().clone(), folder.path(), origin, &[[7; 32]]).await.unwrap();
        while log.append(None, false, NOW + Duration::from_secs(10_000)).await.unwrap() {}
        log.append(None, true, NOW + Duration::from_secs(10_000)).await.unwrap();
        let mut recount = Recount::default();
        for placed in self.ledger.journal().log_leaves(0, 10_000).await.unwrap() {
            recount.push(placed.leaf.as_bytes());
        }
        recount
    }
}

#[tokio::test]
async fn each_part_gets_its_share_and_gives_back_its_share() {
    let desk = Desk::of(thirds()).await;
    let order = desk.paid(4_010).await; // gives 100
    assert_eq!(desk.balances(Account::CharityAccrued), [34, 33, 33]);
    assert_eq!(desk.charity(), charity(100, 0, 0, 0));
    let order = desk.refund(&order, 2_005).await.unwrap(); // 50 stay
    assert_eq!(desk.balances(Account::CharityAccrued), [17, 17, 16], "in proportion to what each had");
    let order = desk.confirmed(order).await;
    assert_eq!(desk.balances(Account::CharityPayable), [17, 17, 16]);
    let run = desk.remitted(1).await.unwrap();
    assert_eq!(run.lines.iter().map(|line| line.minor).collect::<Vec<_>>(), [17, 17, 16]);
    let order = desk.refund(&order, 2_005).await.unwrap();
    assert_eq!((order.charity_minor, order.stage), (50, Stage::Refunded));
    assert_eq!(desk.balances(Account::CharityRemitted), [17, 17, 16]);
    assert_eq!(desk.balances(Account::CorrectionBorne), [17, 17, 16]);
    desk.assert_balanced();
    let recount = desk.recounted().await;
    assert_eq!(recount.findings(), []);
    let books = recount.total(Scope::Project, "books", "CNY".parse().unwrap());
    assert_eq!((books.accrued, books.reversed, books.confirmed, books.remitted), (33, 16, 17, 17));
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Pay { price: i64 },
    Confirm { nth: usize },
    Refund { nth: usize, amount: i64 },
    Remit,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => (1..20_000i64).prop_map(|price| Step::Pay { price }),
        2 => (0..8usize).prop_map(|nth| Step::Confirm { nth }),
        4 => (0..8usize, 1..9_000i64).prop_map(|(nth, amount)| Step::Refund { nth, amount }),
        1 => Just(Step::Remit),
    ];
    prop::collection::vec(step, 1..24)
}

/// Whatever happened, the rest of each order is refunded at the end.
async fn live_through(pledge: Pledge, steps: &[Step]) -> Desk {
    let desk = Desk::of(pledge).await;
    let (mut orders, mut runs) = (Vec::<Order>::new(), 0);
    for step in steps {
        match *step {
            Step::Pay { price } => orders.push(desk.paid(price).await),
            Step::Confirm { nth } => {
                let Some(order) = orders.get_mut(nth).filter(|order| matches!(order.stage, Stage::Paid))
                else {
                    continue;
                };
                *order = desk.confirmed(order.clone()).await;
            }
            Step::Refund { nth, amount } => {
                let Some(order) = orders.get_mut(nth) else { continue };
                let left = order.total().minor - order.refunded_minor;
                if left > 0 {
                    *order = desk.refund(order, amount.min(left)).await.unwrap();
                }
            }
            Step::Remit => {
                runs += 1;
                match desk.remitted(runs).await {
                    Ok(_) | Err(LedgerRefused::NothingOwed { .. }) => {}
                    Err(refused) => panic!("{refused}"),
                }
            }
        }
    }
    for order in &orders {
        let left = order.total().minor - order.refunded_minor;
        if left > 0 {
            desk.refund(order, left).await.unwrap();
        }
    }
    desk
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Shares, refunds in any pieces, receipts and remittances in any order: everything ends exact, and a stranger's recount agrees.
    #[test]
    fn any_life_ends_exact(
        steps in steps(), ppm in 1_000..=400_000u32, weights in prop::collection::vec(1..=9u32, 1..=5), cap in prop::option::of(1..2_000i64),
        rounding in prop_oneof![Just(Rounding::Down), Just(Rounding::HalfEven), Just(Rounding::Up)],
    ) {
        let parts = weights.iter().enumerate().map(|(n, weight)| part(&format!("project-{n}"), *weight)).collect();
        let base = PledgeBase::PaidPrice(Share::ppm(ppm).unwrap());
        let pledge = Pledge { parts, base, rounding, ..pledge(cap) };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let desk = live_through(pledge, &steps).await;
            desk.assert_balanced();
            let Charity { accrued, reversed, confirmed, remitted } = desk.charity();
            let corrected: i64 = (0..5).map(|part| desk.balance(&Account::CorrectionBorne(PartRef { pledge: PLEDGE, part }))).sum();
            assert_eq!(accrued - reversed - corrected, 0, "all was refunded");
            assert_eq!((confirmed, accrued - reversed), (remitted, remitted), "only what the charity has stands");
            for part in (0..5).map(|part| PartRef { pledge: PLEDGE, part }) {
                assert_eq!(desk.balance(&Account::CharityAccrued(part)), 0);
                assert_eq!(desk.balance(&Account::CharityPayable(part)), 0);
            }
            let recount = desk.recounted().await;
            assert_eq!(recount.findings(), []);
            let all = recount.total(Scope::All, "", "CNY".parse().unwrap());
            assert_eq!([all.accrued, all.reversed, all.confirmed, all.remitted], [accrued, reversed, confirmed, remitted]);
        });
    }
}
