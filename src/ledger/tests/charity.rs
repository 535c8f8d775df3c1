//! What is confirmed, remitted and taken back.

use super::*;

#[tokio::test]
async fn refund_after_receipt_takes_from_what_is_payable() {
    let desk = Desk::new(None).await;
    let order = desk.paid(10_000).await;
    let order = desk.confirmed(order).await;
    assert_eq!(desk.charity(), charity(250, 0, 250, 0));
    let order = desk.refund(&order, 4_000).await.unwrap();
    assert_eq!(order.charity_minor, 150);
    assert_eq!(desk.charity(), charity(250, 100, 150, 0));
    assert_eq!(desk.balance(&Account::CharityPayable(PLEDGE)), 150);
    assert_eq!(desk.balance(&Account::HostPayable(host())), 5_850);
    desk.assert_balanced();
}

#[tokio::test]
async fn nothing_is_clawed_back_after_remittance() {
    let desk = Desk::new(None).await;
    let order = desk.paid(10_000).await;
    let order = desk.confirmed(order).await;
    assert_eq!(desk.remit(200, 1).await.unwrap().remitted, 200);
    // Of the 250, only 50 are still here; the whole refund reverses those, and the host bears the 200.
    let order = desk.refund(&order, 10_000).await.unwrap();
    assert_eq!((order.charity_minor, order.stage), (200, Stage::Refunded));
    assert_eq!(desk.charity(), charity(250, 50, 200, 200));
    assert_eq!(desk.balance(&Account::CharityPayable(PLEDGE)), 0);
    assert_eq!(desk.balance(&Account::CharityRemitted(PLEDGE)), 200);
    assert_eq!(desk.balance(&Account::HostPayable(host())), -200);
    desk.assert_balanced();
}

#[tokio::test]
async fn remittance_hands_over_what_is_confirmed_and_no_more() {
    let desk = Desk::new(None).await;
    let too_much = |confirmed| Err(LedgerRefused::RemitTooMuch { confirmed: cny(confirmed) });
    let order = desk.paid(10_000).await;
    assert_eq!(desk.remit(1, 1).await, too_much(0), "accrued is not confirmed");
    desk.confirmed(order).await;
    assert_eq!(desk.remit(251, 2).await, too_much(250));
    let total = desk.remit(100, 3).await.unwrap();
    assert_eq!((total.confirmed, total.remitted), (250, 100));
    // The same key again: the same answer, and no second transfer.
    assert_eq!(desk.remit(100, 3).await.unwrap(), total);
    assert_eq!(desk.remit(90, 3).await, Err(LedgerRefused::Store(StoreError::ContentDiffers)));
    assert_eq!(desk.remit(151, 4).await, too_much(150));
    assert_eq!(desk.remit(150, 5).await.unwrap().remitted, 250);
    assert_eq!(desk.remit(100, 3).await.unwrap().remitted, 250, "a retry is known when nothing is left, too");
    assert_eq!(desk.charity(), charity(250, 0, 250, 250));
    desk.assert_balanced();
    let once = Once { key: Uuid::from_u128(9), content: [0; 32] };
    let stranger = PledgeId(Uuid::from_u128(78));
    let refused = desk.ledger.remit(stranger, cny(1), "x".into(), once, &"ops".parse().unwrap(), NOW).await;
    assert_eq!(refused, Err(LedgerRefused::NoPledge));
}

/// A remittance and a late refund want the same money: whoever comes first gets it, and nothing falls below zero.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn remittances_and_refunds_at_once_never_overdraw_the_charity() {
    let desk = std::sync::Arc::new(Desk::new(None).await);
    let mut orders = Vec::new();
    for _ in 0..10 {
        let order = desk.paid(4_000).await; // 100 each
        orders.push(desk.confirmed(order).await);
    }
    let mut tasks = Vec::new();
    for (n, order) in orders.into_iter().enumerate() {
        let (remits, refunds) = (std::sync::Arc::clone(&desk), std::sync::Arc::clone(&desk));
        tasks.push(tokio::spawn(async move { drop(remits.remit(150, 100 + n as u128).await) }));
        tasks.push(tokio::spawn(async move { drop(refunds.refund(&order, 4_000).await.unwrap()) }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    let Charity { accrued, reversed, confirmed, remitted } = desk.charity();
    assert_eq!(accrued, 1_000);
    assert_eq!(confirmed, 1_000 - reversed);
    assert!(remitted <= confirmed, "{remitted} of {confirmed}");
    assert_eq!(desk.balance(&Account::CharityPayable(PLEDGE)), confirmed - remitted);
    desk.assert_balanced();
}

/// The counter a client keeps: sequence and both gross figures never go back, whatever happens.
#[tokio::test]
async fn gross_figures_and_sequence_only_grow() {
    let desk = Desk::new(None).await;
    let mut readings = vec![desk.ledger.charity_total(PLEDGE, Currency::CNY)];
    let mut read = || readings.push(desk.ledger.charity_total(PLEDGE, Currency::CNY));
    let order = desk.paid(10_000).await;
    read();
    let order = desk.refund(&order, 1_000).await.unwrap();
    read();
    let order = desk.confirmed(order).await;
    read();
    desk.remit(100, 1).await.unwrap();
    read();
    desk.refund(&order, 9_000).await.unwrap();
    read();
    for pair in readings.windows(2) {
        assert!(pair[1].sequence > pair[0].sequence, "{pair:?}");
        assert!(pair[1].gross_accrued >= pair[0].gross_accrued, "{pair:?}");
        assert!(pair[1].gross_reversed >= pair[0].gross_reversed, "{pair:?}");
        assert_eq!(pair[1].epoch, 42);
    }
    assert_eq!(desk.charity(), charity(250, 150, 100, 100));
    let other = desk.ledger.charity_total(PledgeId(Uuid::from_u128(78)), Currency::CNY);
    assert_eq!((other.sequence, other.gross_accrued), (0, 0));
}
