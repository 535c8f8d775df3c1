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
    assert_eq!(desk.balance(&Account::CharityPayable(PLEDGE.into())), 150);
    assert_eq!(desk.balance(&Account::HostPayable(host())), 5_850);
    desk.assert_balanced();
}

/// What the charity has stays there, and a line of its own says that the host bears it.
#[tokio::test]
async fn nothing_is_clawed_back_after_remittance() {
    let desk = Desk::new(None).await;
    let first = desk.paid(8_000).await; // gives 200
    let first = desk.confirmed(first).await;
    assert_eq!(desk.remitted(1).await.unwrap().total(), cny(200));
    let second = desk.paid(2_000).await; // gives 50
    let second = desk.confirmed(second).await;
    // Of the 200, only the 50 of the other order are still here: those are reversed, 150 are corrected.
    let first = desk.refund(&first, 8_000).await.unwrap();
    assert_eq!((first.charity_minor, first.stage), (150, Stage::Refunded));
    assert_eq!(desk.charity(), charity(250, 50, 200, 200));
    let borne = Account::CorrectionBorne(PLEDGE.into());
    assert_eq!(desk.balance(&borne), 150);
    // In pieces: corrected once, not once for each.
    let second = desk.refund(&second, 1_000).await.unwrap();
    assert_eq!((second.charity_minor, desk.balance(&borne)), (50, 175));
    let second = desk.refund(&second, 1_000).await.unwrap();
    assert_eq!((second.charity_minor, desk.balance(&borne)), (50, 200));
    assert_eq!(desk.charity(), charity(250, 50, 200, 200));
    assert_eq!(desk.balance(&Account::CorrectionCost(host())), -200);
    assert_eq!(desk.balance(&Account::CharityPayable(PLEDGE.into())), 0);
    assert_eq!(desk.balance(&Account::CharityRemitted(PLEDGE.into())), 200);
    assert_eq!(desk.balance(&Account::HostPayable(host())), -200);
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
    desk.confirmed(order).await;
    read();
    desk.remitted(1).await.unwrap();
    read();
    for pair in readings.windows(2) {
        assert!(pair[1].sequence > pair[0].sequence, "{pair:?}");
        assert!(pair[1].gross_accrued >= pair[0].gross_accrued, "{pair:?}");
        assert!(pair[1].gross_reversed >= pair[0].gross_reversed, "{pair:?}");
        assert_eq!(pair[1].epoch, 42);
    }
    assert_eq!(desk.charity(), charity(250, 25, 225, 225));
    let other = desk.ledger.charity_total(PledgeId(Uuid::from_u128(78)), Currency::CNY);
    assert_eq!((other.sequence, other.gross_accrued), (0, 0));
}
