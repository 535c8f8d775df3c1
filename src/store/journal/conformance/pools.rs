//! Sponsors' pools: a claim is granted when it is exactly what is left for it, and refused with its whole entry otherwise.

use apricot_tlog::leaf::{Rule, Terms};

use super::*;
use crate::audit::audit;
use crate::model::{MatchPool, PoolId, PoolSeed, PoolSlot};

laws! {
    pool_is_read_as_it_was_made,
    budget_is_kept_and_reached,
    thousand_claims_end_at_the_last_fen,
    claims_beyond_the_budget_are_refused_one_by_one,
    caps_of_buyers_and_projects_are_kept,
    buyer_is_matched_so_often_in_a_minute,
    frozen_pool_and_published_seed_match_nothing,
    refused_claim_leaves_nothing_of_its_entry,
    what_is_taken_back_can_be_matched_again,
    release_of_hearts_is_recorded_once,
    seed_is_published_once_and_waits_for_the_log,
    matches_wait_for_the_log_behind_what_they_are_of,
}

const POOL: PoolId = PoolId(Uuid::from_u128(500));
const HOUR: Duration = Duration::from_secs(3_600);

fn terms() -> Terms {
    let rule = Rule::Ratio { ppm: 1_000_000 };
    Terms { project: String::new(), buyer_day_cap: 0, project_cap: 0, buyer_minute_limit: 1_000, rule }
}

/// One slot from now on, and one after it.
fn pool(budget: i64, terms: Terms) -> MatchPool {
    let slot = |opens_at, seed| PoolSlot {
        opens_at,
        closes_at: opens_at + HOUR,
        budget,
        seed: PoolSeed([seed; 32]),
    };
    let slots = vec![slot(NOW, 1), slot(NOW + HOUR, 2)];
    MatchPool { id: POOL, sponsor: "An orchard".into(), currency: Currency::CNY, terms, slots }
}

async fn desk(on: Engine, budget: i64, terms: Terms) -> Desk {
    let desk = Desk::new(on).await;
    desk.commit(vec![Write::Pool(Box::new(pool(budget, terms)))]).await.unwrap();
    desk
}

/// Order `n` of a buyer of its own.
fn claim(n: u128, due: i64, amount: i64) -> Match {
    Match {
        claim: OrderId(Uuid::from_u128(1_000 + n)),
        pool: POOL,
        slot: 0,
        release: None,
        pledge: pledge(1).id,
        project: "School meals".into(),
        buyer: Some(format!("buyer-{n}").parse().unwrap()),
        at: NOW,
        tier: None,
        due,
        amount,
    }
}

/// With its line, as the ledger makes it.
fn entry(it: Match) -> Entry {
    let line = Transfer {
        debit: Account::SponsorPool(it.pool),
        credit: Account::CharityMatched(it.pledge),
        amount: cny(it.amount),
        code: Code::Match,
        order: Some(it.claim),
        at: it.at,
    };
    let line = (it.amount > 0).then_some(Write::Transfer(line));
    [Write::Match(it)].into_iter().chain(line).collect()
}

fn back(n: u128, amount: i64) -> Entry {
    let claim = OrderId(Uuid::from_u128(1_000 + n));
    let line = Transfer {
        debit: Account::CharityMatched(pledge(1).id),
        credit: Account::SponsorPool(POOL),
        amount: cny(amount),
        code: Code::Unmatch,
        order: Some(claim),
        at: NOW,
    };
    vec![Write::Unmatch { claim, pool: POOL, amount }, Write::Transfer(line)]
}

const CHANGED: Result<(), StoreError> = Err(StoreError::PoolChanged);

async fn sums(desk: &Desk) -> PoolSums {
    desk.journal.pool(POOL).await.unwrap().unwrap().sums
}

async fn spent(desk: &Desk) -> i64 {
    sums(desk).await.slots[0].spent
}

/// Rules of pools that an audit finds broken.
async fn broken(desk: &Desk) -> Vec<String> {
    let report = audit(&desk.record.snapshot().await).await.unwrap();
    let broken = report.checks.into_iter().filter(|check| check.violations > 0).map(|check| check.name);
    broken
        .filter(|name| matches!(name.as_str(), "pools_spent_what_they_matched" | "matches_are_posted"))
        .collect()
}

async fn pool_is_read_as_it_was_made(on: Engine) {
    let made = pool(500, Terms { buyer_day_cap: 70, project_cap: 900, ..terms() });
    let desk = Desk::new(on).await;
    assert_eq!(desk.journal.pool(POOL).await, Ok(None));
    desk.commit(vec![Write::Pool(Box::new(made.clone()))]).await.unwrap();
    assert_eq!(desk.commit(vec![Write::Pool(Box::new(made.clone()))]).await, Err(StoreError::Exists));
    let other = MatchPool { id: PoolId(Uuid::from_u128(501)), ..made.clone() };
    desk.commit(vec![Write::Pool(Box::new(other.clone()))]).await.unwrap();
    let row = desk.journal.pool(POOL).await.unwrap().unwrap();
    assert_eq!(row.pool, made);
    let empty = PoolSums { frozen: false, slots: vec![SlotSums::default(); 2], projects: vec![] };
    assert_eq!(row.sums, empty);
    let ids = |rows: Vec<PoolRow>| rows.into_iter().map(|row| row.pool.id).collect::<Vec<_>>();
    let first = desk.journal.pools(Page { after: None, limit: 1 }).await.unwrap();
    assert_eq!((ids(first.items), first.next.clone()), (vec![other.id], Some(other.id.to_string())));
    let second = desk.journal.pools(Page { after: first.next, limit: 1 }).await.unwrap();
    assert_eq!((ids(second.items), second.next), (vec![POOL], None));
    assert_eq!(ids(desk.journal.pools_running(NOW + HOUR).await.unwrap()), [POOL, other.id]);
    assert_eq!(ids(desk.journal.pools_running(NOW + 2 * HOUR).await.unwrap()), []);
}

async fn budget_is_kept_and_reached(on: Engine) {
    let desk = desk(on, 1_000, terms()).await;
    assert_eq!(desk.commit(entry(claim(1, 1_001, 1_001))).await, CHANGED, "too much");
    assert_eq!(desk.commit(entry(claim(1, 700, 700))).await, Ok(()));
    assert_eq!(desk.commit(entry(claim(2, 301, 299))).await, CHANGED, "too little");
    assert_eq!(desk.commit(entry(claim(2, 301, 0))).await, CHANGED, "something is left");
    assert_eq!(desk.commit(entry(claim(2, 301, 300))).await, Ok(()), "the last of it");
    assert_eq!(desk.commit(entry(claim(3, 1, 1))).await, CHANGED);
    assert_eq!(desk.commit(entry(claim(3, 1, 0))).await, Ok(()), "looked at");
    assert_eq!(
        desk.commit(entry(Match { slot: 1, ..claim(3, 1_000, 1_000) })).await,
        Ok(()),
        "of its own budget"
    );
    assert_eq!(desk.commit(entry(Match { slot: 2, ..claim(4, 1, 0) })).await, CHANGED, "no such slot");
    assert_eq!(spent(&desk).await, 1_000);
    assert_eq!(desk.count("SELECT count(*) FROM matches").await, 3);
    assert_eq!(broken(&desk).await, Vec::<String>::new());
}

/// As one node decides a rush: each gets what is due while it is there, one the rest, the others nothing.
async fn thousand_claims_end_at_the_last_fen(on: Engine) {
    let desk = desk(on, 10_000, terms()).await;
    let mut left = 10_000;
    let entries = (0..1_000).map(|n| {
        let amount = left.min(30);
        left -= amount;
        entry(claim(n, 30, amount))
    });
    let answers = desk.commit_at_once(entries.collect()).await;
    assert_eq!(answers, vec![Ok(()); 1_000]);
    assert_eq!(spent(&desk).await, 10_000);
    assert_eq!(desk.count("SELECT count(*) FROM matches WHERE amount = 30").await, 333);
    assert_eq!(desk.count("SELECT count(*) FROM matches WHERE amount = 10").await, 1);
    assert_eq!(desk.count("SELECT count(*) FROM matches").await, 334);
    assert_eq!(
        desk.totals().await.of(&Account::SponsorPool(POOL), Currency::CNY, Code::Match).debits,
        10_000
    );
    assert_eq!(broken(&desk).await, Vec::<String>::new());
}

/// As nodes that do not know of each other: whoever asks for what is gone is refused, in the order of submission.
async fn claims_beyond_the_budget_are_refused_one_by_one(on: Engine) {
    let desk = desk(on, 10_000, terms()).await;
    let answers = desk.commit_at_once((0..1_000).map(|n| entry(claim(n, 30, 30))).collect()).await;
    let expected: Vec<_> = (0..1_000).map(|n| if n < 333 { Ok(()) } else { CHANGED }).collect();
    assert_eq!(answers, expected);
    assert_eq!(spent(&desk).await, 9_990);
    assert_eq!(desk.count("SELECT CAST(sum(amount) AS BIGINT) FROM transfers").await, 9_990);
    assert_eq!(desk.commit(entry(claim(2_000, 30, 10))).await, Ok(()));
    assert_eq!(broken(&desk).await, Vec::<String>::new());
}

async fn caps_of_buyers_and_projects_are_kept(on: Engine) {
    let desk = desk(on, 1_000, Terms { buyer_day_cap: 100, project_cap: 250, ..terms() }).await;
    let ann = |n, due, amount| Match { buyer: Some("ann".parse().unwrap()), ..claim(n, due, amount) };
    assert_eq!(desk.commit(entry(ann(1, 80, 80))).await, Ok(()));
    assert_eq!(desk.commit(entry(ann(2, 80, 80))).await, CHANGED, "the buyer's day");
    assert_eq!(desk.commit(entry(ann(2, 80, 20))).await, Ok(()));
    let tomorrow = Timestamp(NOW.0 + 24 * 3_600_000);
    assert_eq!(desk.commit(entry(Match { at: tomorrow, ..ann(3, 80, 80) })).await, Ok(()), "another day");
    assert_eq!(desk.commit(entry(claim(4, 80, 80))).await, CHANGED, "the project");
    assert_eq!(desk.commit(entry(claim(4, 80, 70))).await, Ok(()));
    assert_eq!(desk.commit(entry(claim(5, 80, 0))).await, Ok(()));
    let other = Match { project: "Books".into(), ..claim(6, 80, 80) };
    assert_eq!(desk.commit(entry(other)).await, Ok(()), "another project");
    let net = vec![("Books".to_owned(), 80), ("School meals".to_owned(), 250)];
    assert_eq!(sums(&desk).await.projects, net);
    let had = desk.journal.pool_buyer(POOL, "ann".parse().unwrap(), NOW).await.unwrap();
    assert_eq!(had.today, 100);
    assert_eq!(broken(&desk).await, Vec::<String>::new());
}

async fn buyer_is_matched_so_often_in_a_minute(on: Engine) {
    let desk = desk(on, 1_000, Terms { buyer_minute_limit: 2, ..terms() }).await;
    let ann =
        |n, at, amount| entry(Match { buyer: Some("ann".parse().unwrap()), at, ..claim(n, 10, amount) });
    for n in [1, 2] {
        assert_eq!(desk.commit(ann(n, NOW, 10)).await, Ok(()));
    }
    let soon = NOW + Duration::from_millis(59_999);
    assert_eq!(desk.commit(ann(3, soon, 10)).await, CHANGED);
    assert_eq!(desk.commit(ann(3, soon, 0)).await, Ok(()));
    let lately = async |at| desk.journal.pool_buyer(POOL, "ann".parse().unwrap(), at).await.unwrap().lately;
    assert_eq!((lately(soon).await, lately(NOW + Duration::from_secs(60)).await), (2, 0));
    assert_eq!(desk.commit(ann(3, NOW + Duration::from_secs(60), 10)).await, Ok(()), "a minute later");
    assert_eq!(desk.commit(entry(claim(4, 10, 10))).await, Ok(()), "somebody else");
}

async fn frozen_pool_and_published_seed_match_nothing(on: Engine) {
    let desk = desk(on, 1_000, terms()).await;
    let freeze = |frozen| vec![Write::FreezePool { pool: POOL, frozen }];
    desk.commit(freeze(true)).await.unwrap();
    assert!(sums(&desk).await.frozen);
    assert_eq!(desk.commit(entry(claim(1, 10, 10))).await, CHANGED);
    assert_eq!(desk.commit(entry(claim(1, 10, 0))).await, Ok(()));
    desk.commit(freeze(false)).await.unwrap();
    assert_eq!(desk.commit(entry(claim(1, 10, 10))).await, Ok(()));
    desk.commit(vec![Write::PublishSeed { pool: POOL, slot: 0, at: NOW }]).await.unwrap();
    assert_eq!(desk.commit(entry(claim(2, 10, 10))).await, CHANGED);
    assert_eq!(desk.commit(entry(claim(2, 10, 0))).await, Ok(()));
    assert_eq!(desk.commit(back(1, 4)).await, Ok(()), "a refund still takes back");
    assert_eq!(spent(&desk).await, 6);
}

async fn refused_claim_leaves_nothing_of_its_entry(on: Engine) {
    let desk = desk(on, 100, terms()).await;
    let mut first = vec![Write::Once(once(1, 1)), transfer(5)];
    first.extend(entry(claim(1, 101, 101)));
    let second = vec![Write::Once(once(2, 2)), transfer(7)];
    assert_eq!(desk.commit_at_once(vec![first, second]).await, [CHANGED, Ok(())]);
    assert_eq!(desk.count("SELECT count(*) FROM once").await, 1);
    assert_eq!(desk.count("SELECT CAST(sum(amount) AS BIGINT) FROM transfers").await, 7);
    assert_eq!(desk.count("SELECT count(*) FROM matches").await, 0);
    assert_eq!((spent(&desk).await, sums(&desk).await.projects), (0, vec![]));
}

async fn what_is_taken_back_can_be_matched_again(on: Engine) {
    let desk = desk(on, 100, Terms { buyer_day_cap: 60, project_cap: 90, ..terms() }).await;
    desk.commit(entry(claim(1, 60, 60))).await.unwrap();
    desk.commit(entry(claim(2, 60, 30))).await.unwrap();
    assert_eq!(desk.commit(back(1, 61)).await, CHANGED, "more than was matched");
    assert_eq!(desk.commit(back(3, 1)).await, CHANGED, "nothing was matched");
    assert_eq!(desk.commit(back(1, 45)).await, Ok(()));
    assert_eq!(desk.commit(back(1, 16)).await, CHANGED, "more than is left of it");
    let again = Match { buyer: Some("buyer-1".parse().unwrap()), ..claim(3, 60, 45) };
    assert_eq!(desk.commit(entry(again)).await, Ok(()), "as much as the buyer's day and the project leave");
    let given = desk.journal.matches_of(OrderId(Uuid::from_u128(1_001))).await.unwrap();
    let expected = GivenMatch {
        pool: POOL,
        slot: 0,
        pledge: pledge(1).id,
        project: "School meals".into(),
        currency: Currency::CNY,
        amount: 60,
        kept: 15,
    };
    assert_eq!(given, [expected]);
    assert_eq!(spent(&desk).await, 90);
    assert_eq!(broken(&desk).await, Vec::<String>::new());
    desk.record.by_hand("UPDATE pool_slots SET spent = spent + 1 WHERE slot = 0").unwrap();
    assert_eq!(broken(&desk).await, ["pools_spent_what_they_matched", "matches_are_posted"]);
    desk.record.by_hand("UPDATE pool_slots SET spent = spent - 1 WHERE slot = 0").unwrap();
    desk.record.by_hand("UPDATE pool_buyer_days SET net = net + 1 WHERE buyer = 'buyer-1'").unwrap();
    assert_eq!(broken(&desk).await, ["pools_spent_what_they_matched"]);
}

async fn release_of_hearts_is_recorded_once(on: Engine) {
    let desk = desk(on, 100, terms()).await;
    let release = |before, number: u32| {
        let count = Write::PoolHearts { pool: POOL, slot: 0, before, more: 10 };
        let it = Match { release: Some(number), buyer: None, ..claim(9_000 + u128::from(number), 7, 7) };
        [count].into_iter().chain(entry(it)).collect::<Entry>()
    };
    assert_eq!(desk.commit(release(0, 1)).await, Ok(()));
    assert_eq!(desk.commit(release(0, 1)).await, Err(StoreError::Stale), "another keeper counted");
    assert_eq!(desk.commit(release(10, 1)).await, Err(StoreError::Exists), "and released");
    assert_eq!(desk.commit(release(10, 2)).await, Ok(()));
    let slot = sums(&desk).await.slots[0];
    assert_eq!((slot.hearts, slot.spent), (20, 14));
    let report = audit(&desk.record.snapshot().await).await.unwrap();
    let postings = report.checks.iter().find(|check| check.name == "posting_has_its_order").unwrap();
    assert_eq!(postings.violations, 0, "a release is no order");
    desk.record.by_hand("UPDATE matches SET release = NULL").unwrap();
    let report = audit(&desk.record.snapshot().await).await.unwrap();
    let postings = report.checks.iter().find(|check| check.name == "posting_has_its_order").unwrap();
    assert_eq!(postings.violations, 2);
}

async fn seed_is_published_once_and_waits_for_the_log(on: Engine) {
    let desk = desk(on, 100, terms()).await;
    let publish = |slot| vec![Write::PublishSeed { pool: POOL, slot, at: NOW }];
    assert_eq!(desk.journal.seeds_due(NOW + HOUR).await.unwrap(), [(POOL, 0)]);
    assert_eq!(desk.journal.pools_untold().await.unwrap(), [pool(100, terms())]);
    assert_eq!(desk.journal.seeds_untold().await.unwrap(), []);
    assert_eq!(desk.commit(publish(0)).await, Ok(()));
    assert_eq!(desk.commit(publish(0)).await, Err(StoreError::Seen));
    assert_eq!(desk.journal.seeds_due(NOW + HOUR).await.unwrap(), []);
    assert_eq!(desk.journal.seeds_untold().await.unwrap(), [(POOL, 0, PoolSeed([1; 32]))]);
    let told = |size, seed| {
        let leaf = LogLeaf { leaf: format!("{{{size}}}"), of: LeafOf::Pool { pool: POOL, seed } };
        vec![Write::Log(LogBatch { size, leaves: vec![leaf], done: vec![], checkpoint: String::new() })]
    };
    assert_eq!(desk.commit(told(0, None)).await, Ok(()));
    assert_eq!(desk.journal.pools_untold().await.unwrap(), []);
    assert_eq!(desk.commit(told(1, Some(0))).await, Ok(()));
    assert_eq!(desk.journal.seeds_untold().await.unwrap(), []);
    assert!(desk.commit(told(2, Some(0))).await.is_err(), "no leaf twice");
    assert_eq!(desk.journal.log_state().await.unwrap().size, 2);
}

async fn matches_wait_for_the_log_behind_what_they_are_of(on: Engine) {
    let desk = desk(on, 100, terms()).await;
    let accrual = Write::Transfer(Transfer {
        debit: Account::HostPayable("li".parse().unwrap()),
        credit: Account::CharityAccrued(pledge(1).id.into()),
        amount: cny(9),
        code: Code::Accrue,
        order: Some(OrderId(Uuid::from_u128(1_001))),
        at: NOW,
    });
    let it = Match { tier: Some(2), ..claim(1, 9, 9) };
    desk.commit([accrual].into_iter().chain(entry(it)).collect()).await.unwrap();
    desk.commit(back(1, 4)).await.unwrap();
    let waiting = desk.journal.log_waiting(100).await.unwrap();
    assert!(waiting.windows(2).all(|two| two[0].seq < two[1].seq), "{waiting:?}");
    let [Untold::Line(line), Untold::Match(matched), Untold::Match(unmatched)] =
        &waiting.iter().map(|waiting| waiting.what.clone()).collect::<Vec<_>>()[..]
    else {
        panic!("{waiting:?}")
    };
    assert_eq!((line.code, line.amount), (Code::Accrue, cny(9)));
    let expected = MatchLine {
        transfer: matched.transfer,
        at: NOW,
        code: Code::Match,
        amount: cny(9),
        claim: OrderId(Uuid::from_u128(1_001)),
        pool: POOL,
        slot: 0,
        project: "School meals".into(),
        tier: Some(2),
    };
    assert_eq!(**matched, expected);
    assert_eq!((unmatched.code, unmatched.amount), (Code::Unmatch, cny(4)));
    assert_eq!(desk.journal.log_waiting(2).await.unwrap(), waiting[..2], "the first of both kinds");
    assert_eq!(desk.journal.log_of_order(OrderId(Uuid::from_u128(1_001))).await.unwrap(), (vec![], 3));
}
