//! What stands accrued under a pledge and what is owed to its charity: caps and remittances are refused by the record.

use super::*;
use crate::model::{BankTransfer, PartRef, RemittanceRun, RunLine, RunStage};
use crate::store::journal::{Giver, Giving, GivingSums};

laws! {
    cap_is_kept_and_reached,
    no_more_is_handed_over_than_is_owed,
    rush_of_accruals_never_passes_the_cap,
    each_part_owes_for_itself,
    a_run_is_open_once_and_changes_by_version,
    what_was_given_is_read_by_month_and_by_whose_it_is,
    record_says_how_it_stands,
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

fn part_of(part: u8) -> PartRef {
    PartRef { pledge: pledge(1).id, part }
}

fn payable(part: u8, payable: i64) -> Write {
    Write::PledgeSums { of: part_of(part), currency: Currency::CNY, standing: 0, payable, cap: None }
}

async fn each_part_owes_for_itself(on: Engine) {
    let desk = Desk::new(on).await;
    desk.commit(vec![payable(0, 10), payable(2, 5)]).await.unwrap();
    assert_eq!(desk.commit(vec![payable(2, -6)]).await, Err(StoreError::Unpayable));
    assert_eq!(desk.commit(vec![payable(1, -1)]).await, Err(StoreError::Unpayable));
    assert_eq!(desk.commit(vec![payable(0, -10), payable(2, -5)]).await, Ok(()));
    let sums = desk.journal.pledge_sums(part_of(2), Currency::CNY).await.unwrap();
    assert_eq!(sums, PledgeSums { standing: 0, payable: 0 });
}

fn run(id: u128) -> RemittanceRun {
    let line =
        |part| RunLine { part: part_of(part), project: format!("p-{part}"), minor: 7 + i64::from(part) };
    RemittanceRun {
        id: Uuid::from_u128(id),
        version: 1,
        charity_registration: "53100000".into(),
        charity_name: "A foundation".into(),
        currency: Currency::CNY,
        lines: vec![line(0), line(2)],
        proposed_by: "an".parse().unwrap(),
        proposed_at: NOW + Duration::from_secs(u64::try_from(id).unwrap()),
        stage: RunStage::Proposed,
    }
}

async fn a_run_is_open_once_and_changes_by_version(on: Engine) {
    let desk = Desk::new(on).await;
    let put = async |run: &RemittanceRun| desk.commit(vec![Write::Run(run.clone())]).await;
    assert_eq!(put(&run(1)).await, Ok(()));
    assert_eq!(desk.journal.run(run(1).id).await, Ok(Some(run(1))));
    assert_eq!(put(&run(2)).await, Err(StoreError::Exists), "one is open");
    let approved = run(1).approve("bo".parse().unwrap(), NOW).unwrap();
    assert_eq!(put(&approved).await, Ok(()));
    assert_eq!(put(&approved).await, Err(StoreError::Stale), "somebody else was quicker");
    assert_eq!(put(&run(2)).await, Err(StoreError::Exists), "still open");
    let bank = BankTransfer { reference: "ICBC 1".into(), proof_sha256: "ab".repeat(32) };
    let done = approved.transfer(bank, "an".parse().unwrap(), NOW).unwrap();
    assert_eq!(put(&done).await, Ok(()));
    assert_eq!(put(&run(2)).await, Ok(()));
    let withdrawn = run(2).withdraw("a wrong account".into(), "an".parse().unwrap(), NOW).unwrap();
    assert_eq!(put(&withdrawn).await, Ok(()));
    let desk = desk.reopened().await;
    let all = desk.journal.runs(Page { after: None, limit: 9 }).await.unwrap().items;
    assert_eq!(all, [withdrawn, done], "the newest first");
    assert_eq!(desk.journal.run(Uuid::from_u128(9)).await, Ok(None));
}

async fn what_was_given_is_read_by_month_and_by_whose_it_is(on: Engine) {
    let desk = Desk::with_lot(on, 10).await;
    let part = |project: &str, charity: &str| PledgePart {
        project: project.into(),
        charity_registration: charity.into(),
        ..pledge(1).parts[0].clone()
    };
    let two = Pledge { parts: vec![part("meals", "53100000"), part("books", "53100001")], ..pledge(1) };
    desk.commit(vec![Write::Pledge(two)]).await.unwrap();
    let order = order(1, 2);
    desk.commit(placed(&order)).await.unwrap();
    let (later, host) = (NOW + Duration::from_secs(60), || Account::HostPayable("li".parse().unwrap()));
    let line = |debit, credit, minor, code, at| {
        Write::Transfer(Transfer { debit, credit, amount: cny(minor), code, order: Some(order.id), at })
    };
    let [accrued, payable] = [Account::CharityAccrued(part_of(1)), Account::CharityPayable(part_of(1))];
    let (cost, borne) =
        (Account::CorrectionCost("li".parse().unwrap()), Account::CorrectionBorne(part_of(1)));
    let lines = vec![
        line(host(), Account::CharityAccrued(part_of(0)), 34, Code::Accrue, NOW),
        line(host(), accrued.clone(), 33, Code::Accrue, NOW),
        line(accrued.clone(), host(), 3, Code::Reverse, later),
        line(accrued, payable.clone(), 30, Code::Confirm, later),
        line(payable, host(), 10, Code::Reverse, later),
        line(cost, borne, 5, Code::Correct, later),
    ];
    desk.commit(lines).await.unwrap();
    let read = async |of: Giver, from, to| desk.journal.givings(&of, from, to).await.unwrap();
    let books = || Giver::Project("books".into());
    let [early] = read(books(), NOW, later).await.try_into().unwrap();
    let only_accrued = GivingSums { accrued: 33, ..GivingSums::default() };
    assert_eq!((early.orders, early.within, early.until), (1, only_accrued, only_accrued));
    let end = later + Duration::from_secs(1);
    let [late] = read(books(), later, end).await.try_into().unwrap();
    let within = GivingSums { reversed: 13, confirmed: 20, corrected: 5, ..GivingSums::default() };
    assert_eq!((late.orders, late.within), (0, within));
    assert_eq!(late.until, GivingSums { accrued: 33, ..within });
    let parts = |givings: Vec<Giving>| givings.iter().map(|giving| giving.part.part).collect::<Vec<_>>();
    assert_eq!(parts(read(Giver::Host("li".parse().unwrap()), NOW, end).await), [0, 1]);
    assert_eq!(parts(read(Giver::Charity("53100000".into()), NOW, end).await), [0]);
    assert_eq!(parts(read(Giver::Charity("99999999".into()), NOW, end).await), Vec::<u8>::new());
    assert_eq!(parts(read(Giver::Everybody, NOW, end).await), [0, 1]);
    // By the version of the sale, which here has none; the whole price stands with each part.
    let sold = desk.journal.sold_under(&Giver::Everybody, NOW, end).await.unwrap();
    let said: Vec<_> =
        sold.iter().map(|it| (it.part.part, it.version, it.orders, it.paid, it.sums)).collect();
    let paid = order.total().minor;
    let first = GivingSums { accrued: 34, ..GivingSums::default() };
    assert_eq!(said, [(0, None, 1, paid, first), (1, None, 1, paid, GivingSums { accrued: 33, ..within })]);
    let late = desk.journal.sold_under(&books(), later, end).await.unwrap();
    assert_eq!((late.len(), late[0].orders, late[0].paid, late[0].sums), (1, 0, 0, within));
    assert_eq!(desk.journal.handed_over(&Giver::Everybody, NOW, end).await, Ok(vec![]));
    let names = desk.journal.host_names().await.unwrap();
    assert_eq!(names.get(&room().host), Some(&room().host_name));
}

async fn record_says_how_it_stands(on: Engine) {
    let desk = Desk::new(on).await;
    let state = desk.journal.state().await.unwrap();
    assert!(state.size_bytes > 0, "{state:?}");
    if matches!(desk.journal, Journal::Postgres(_)) {
        assert!((1..=state.connections_max).contains(&state.connections), "{state:?}");
        assert_eq!((state.replicas, state.replica_lag_bytes), (0, 0));
    }
}
