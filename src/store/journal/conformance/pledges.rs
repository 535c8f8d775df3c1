//! What stands accrued under a pledge and what is owed to its charity: caps and remittances are refused by the record.

use super::*;

laws! {
    cap_is_kept_and_reached,
    no_more_is_handed_over_than_is_owed,
    rush_of_accruals_never_passes_the_cap,
}

fn sums(standing: i64, payable: i64, cap: Option<i64>) -> Write {
    Write::PledgeSums { of: pledge(1).id.into(), currency: Currency::CNY, standing, payable, cap }
}

async fn now(desk: &Desk) -> (i64, i64) {
    let PledgeSums { standing, payable } =
        desk.journal.pledge_sums(pledge(1).id.into(), Currency::CNY).await.unwrap();
    (standing, payable)
}

async fn cap_is_kept_and_reached(on: Engine) {
    let desk = Desk::new(on).await;
    assert_eq!(now(&desk).await, (0, 0));
    let cap = Some(1_000);
    assert_eq!(desk.commit(vec![sums(1_001, 0, cap)]).await, Err(StoreError::CapReached));
    assert_eq!(desk.commit(vec![sums(700, 0, cap), transfer(700)]).await, Ok(()));
    assert_eq!(desk.commit(vec![sums(301, 0, cap), transfer(301)]).await, Err(StoreError::CapReached));
    assert_eq!(desk.commit(vec![sums(300, 0, cap)]).await, Ok(()));
    assert_eq!(desk.commit(vec![sums(-100, 0, None)]).await, Ok(()), "a reversal makes room");
    assert_eq!(desk.commit(vec![sums(101, 0, cap)]).await, Err(StoreError::CapReached));
    assert_eq!(desk.commit(vec![sums(100, 0, cap)]).await, Ok(()));
    assert_eq!(desk.commit(vec![sums(5_000, 0, None)]).await, Ok(()), "without a cap");
    assert_eq!(now(&desk).await, (6_000, 0));
    assert_eq!(desk.count("SELECT CAST(sum(amount) AS BIGINT) FROM transfers").await, 700);
}

async fn no_more_is_handed_over_than_is_owed(on: Engine) {
    let desk = Desk::new(on).await;
    assert_eq!(desk.commit(vec![sums(0, -1, None)]).await, Err(StoreError::Unpayable));
    assert_eq!(desk.commit(vec![sums(500, 200, None)]).await, Ok(()));
    assert_eq!(desk.commit(vec![sums(0, -201, None), transfer(201)]).await, Err(StoreError::Unpayable));
    assert_eq!(desk.commit(vec![sums(0, -200, None)]).await, Ok(()));
    assert!(is_rule(&desk.commit(vec![sums(-501, 0, None)]).await), "less than nothing stands accrued");
    assert_eq!(now(&desk).await, (500, 0));
    assert_eq!(desk.count("SELECT count(*) FROM transfers").await, 0);
}

/// In one rush: what fits under the cap stands, in the order of submission.
async fn rush_of_accruals_never_passes_the_cap(on: Engine) {
    let desk = Desk::new(on).await;
    let accruals: Vec<Pending> =
        (0..50).map(|_| desk.journal.submit(vec![sums(30, 0, Some(300)), transfer(30)]).unwrap()).collect();
    let mut answers = Vec::new();
    for accrual in accruals {
        answers.push(accrual.committed().await);
    }
    let expected = (0..50).map(|n| if n < 10 { Ok(()) } else { Err(StoreError::CapReached) });
    assert_eq!(answers, expected.collect::<Vec<_>>());
    assert_eq!(now(&desk).await, (300, 0));
    assert_eq!(desk.count("SELECT CAST(sum(amount) AS BIGINT) FROM transfers").await, 300);
}
