//! Remittances: set aside, approved by a second person, handed over once.

use super::*;
use crate::model::RunRefused;

fn nothing_owed() -> LedgerRefused {
    LedgerRefused::NothingOwed { registration: "53100000".into(), currency: Currency::CNY }
}

#[tokio::test]
async fn a_run_hands_over_what_is_confirmed_and_no_more() {
    let desk = Desk::new(None).await;
    let order = desk.paid(10_000).await;
    assert_eq!(desk.proposed(1).await, Err(nothing_owed()), "accrued is not confirmed");
    let order = desk.confirmed(order).await;
    let run = desk.proposed(2).await.unwrap();
    assert_eq!((run.total(), run.lines.len()), (cny(250), 1));
    assert_eq!(desk.charity(), charity(250, 0, 250, 0), "set aside is not remitted");
    assert_eq!(desk.proposed(3).await, Err(nothing_owed()), "it is set aside");
    let same = desk.ledger.approve_run(run.id, None, &an(), NOW).await;
    assert_eq!(same, Err(LedgerRefused::Run(RunRefused::SamePerson)));
    let early = desk.ledger.transfer_run(run.id, bank(), None, &bo(), NOW).await;
    assert!(matches!(early, Err(LedgerRefused::Run(RunRefused::WrongStage { is: "proposed", .. }))));
    // A refund finds nothing to take from while it is set aside.
    let order = desk.refund(&order, 4_000).await.unwrap();
    assert_eq!((order.charity_minor, desk.charity()), (250, charity(250, 0, 250, 0)));
    desk.ledger.approve_run(run.id, None, &bo(), NOW).await.unwrap();
    let done = desk.ledger.transfer_run(run.id, bank(), None, &an(), NOW).await.unwrap();
    assert_eq!(done, desk.ledger.run(run.id).await.unwrap());
    assert_eq!(desk.charity(), charity(250, 0, 250, 250));
    let twice = desk.ledger.transfer_run(run.id, bank(), None, &an(), NOW).await;
    assert!(matches!(twice, Err(LedgerRefused::Run(RunRefused::WrongStage { is: "transferred", .. }))));
    assert_eq!(desk.ledger.run(Uuid::from_u128(99)).await, Err(LedgerRefused::NoRun));
    desk.assert_balanced();
}

#[tokio::test]
async fn what_is_withdrawn_is_owed_again_and_one_run_is_open_at_a_time() {
    let desk = Desk::new(None).await;
    let order = desk.paid(10_000).await;
    desk.confirmed(order).await;
    let run = desk.proposed(1).await.unwrap();
    let order = desk.paid(4_000).await;
    desk.confirmed(order).await;
    assert_eq!(desk.proposed(2).await, Err(LedgerRefused::RunOpen));
    desk.ledger.withdraw_run(run.id, "a wrong account".into(), None, &an(), NOW).await.unwrap();
    let all = desk.remitted(3).await.unwrap();
    assert_eq!(all.total(), cny(350));
    assert_eq!(desk.charity(), charity(350, 0, 350, 350));
    let listed =
        desk.ledger.journal().runs(crate::store::journal::Page { after: None, limit: 1 }).await.unwrap();
    assert_eq!(listed.items, [all], "the newest first");
    let rest = crate::store::journal::Page { after: listed.next, limit: 5 };
    let rest = desk.ledger.journal().runs(rest).await.unwrap();
    assert_eq!(rest.items.iter().map(|run| run.stage.name()).collect::<Vec<_>>(), ["withdrawn"]);
    assert_eq!(rest.next, None);
}

/// Remittances and late refunds want the same money: whoever comes first gets it, and nothing falls below zero.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn runs_and_refunds_at_once_never_overdraw_the_charity() {
    let desk = std::sync::Arc::new(Desk::new(None).await);
    let mut orders = Vec::new();
    for _ in 0..10 {
        let order = desk.paid(4_000).await; // 100 each
        orders.push(desk.confirmed(order).await);
    }
    let mut tasks = Vec::new();
    for (n, order) in orders.into_iter().enumerate() {
        let (remits, refunds) = (std::sync::Arc::clone(&desk), std::sync::Arc::clone(&desk));
        tasks.push(tokio::spawn(async move { drop(remits.remitted(100 + n as u128).await) }));
        tasks.push(tokio::spawn(async move { drop(refunds.refund(&order, 4_000).await.unwrap()) }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    let Charity { accrued, reversed, confirmed, remitted } = desk.charity();
    assert_eq!(accrued, 1_000);
    assert_eq!(confirmed, 1_000 - reversed);
    assert!(remitted <= confirmed, "{remitted} of {confirmed}");
    assert_eq!(desk.balance(&Account::CharityPayable(PLEDGE.into())), confirmed - remitted);
    assert_eq!(desk.balance(&Account::CorrectionBorne(PLEDGE.into())), 1_000 - reversed, "all was refunded");
    desk.assert_balanced();
}
