//! Two nodes on one record: of what both want, one gets it. And what becomes of entries when PostgreSQL goes away under them.

use apricot_servers::{Line, Postgres as Server, Proxy, or_skip};
use tokio::join;
use tokio_postgres::NoTls;

use super::desk::settings;
use super::*;

/// Both nodes hand in their entries at once; the answers of both.
async fn race(desk: &Desk, entries: impl Fn(u128) -> Vec<Entry>) -> Vec<Result<(), StoreError>> {
    let other = desk.other_node().await;
    let (ours, theirs) = join!(desk.commit_at_once(entries(0)), other.commit_at_once(entries(1)));
    other.journal.close().await;
    [ours, theirs].concat()
}

fn granted(answers: &[Result<(), StoreError>], refusal: StoreError) -> usize {
    let granted = answers.iter().filter(|answer| answer.is_ok()).count();
    let refused = answers.iter().filter(|answer| **answer == Err(refusal.clone())).count();
    assert_eq!(granted + refused, answers.len(), "{answers:?}");
    granted
}

#[tokio::test]
async fn of_two_nodes_the_lot_gives_each_unit_once() {
    let Some(engine) = Engine::postgres() else { return };
    let desk = Desk::with_lot(engine, 10).await;
    let holds = |node: u128| (0..20).map(|n| placed(&order(100 * node + n, 1))).collect();
    let answers = race(&desk, holds).await;
    assert_eq!(granted(&answers, StoreError::OverStock), 10);
    assert_eq!(desk.lot().await, (10, 10, 0));
    assert_eq!(desk.count("SELECT count(*) FROM orders").await, 10);
}

#[tokio::test]
async fn of_two_nodes_one_has_the_event() {
    let Some(engine) = Engine::postgres() else { return };
    let desk = Desk::new(engine).await;
    let event = |n: u128| {
        let news = ProviderNews::Authorised { payment: PaymentId(Uuid::from_u128(n)) };
        Write::ProviderEvent { event: ProviderEvent { id: format!("evt_{n}"), news }, at: NOW }
    };
    let answers = race(&desk, |_| (0..50).map(|n| vec![event(n), transfer(1)]).collect()).await;
    assert_eq!(granted(&answers, StoreError::Seen), 50);
    assert_eq!(desk.count("SELECT count(*) FROM transfers").await, 50);
}

#[tokio::test]
async fn of_two_nodes_one_makes_the_next_version() {
    let Some(engine) = Engine::postgres() else { return };
    let desk = Desk::with_lot(engine, 20).await;
    for n in 0..20 {
        desk.commit(placed(&order(n, 1))).await.unwrap();
    }
    let released = |n| {
        let order = order(n, 1);
        vec![Write::Order(order.clone().release().unwrap()), end_hold(&order, HoldOutcome::Released)]
    };
    // Against each other's order, as they would lock each other out.
    let entries = |node: u128| (0..20).map(|n| released(if node == 0 { n } else { 19 - n })).collect();
    let answers = race(&desk, entries).await;
    assert_eq!(granted(&answers, StoreError::Stale), 20);
    assert_eq!(desk.lot().await, (20, 0, 0));
}

#[tokio::test]
async fn of_two_nodes_one_gets_the_lease() {
    let Some(engine) = Engine::postgres() else { return };
    let desk = Desk::new(engine).await;
    let other = desk.other_node().await;
    let ten = Duration::from_secs(10);
    let (ours, theirs) = join!(
        desk.journal.take_lease(Duty::Keeper, "a", ten, NOW),
        other.journal.take_lease(Duty::Keeper, "b", ten, NOW)
    );
    let leases: Vec<Lease> = [ours.unwrap(), theirs.unwrap()].into_iter().flatten().collect();
    assert_eq!(leases.iter().map(|lease| lease.fence).collect::<Vec<_>>(), [1]);
}

/// Who does not hold it asks every second: that locks nothing and writes nothing.
#[tokio::test]
async fn who_does_not_hold_the_lease_only_reads() {
    let Some(engine) = Engine::postgres() else { return };
    let desk = Desk::new(engine).await;
    let minute = Duration::from_secs(60);
    desk.journal.take_lease(Duty::Keeper, "a", minute, NOW).await.unwrap().unwrap();
    let (locking, connection) = tokio_postgres::connect(&desk.record.url(), NoTls).await.unwrap();
    let connection = tokio::spawn(connection);
    locking
        .batch_execute("BEGIN; SELECT 1 FROM leases FOR UPDATE; LOCK commits IN EXCLUSIVE MODE")
        .await
        .unwrap();
    let asked = desk.journal.take_lease(Duty::Keeper, "b", minute, NOW);
    let answer = tokio::time::timeout(Duration::from_secs(5), asked).await;
    assert_eq!(answer.expect("no lock is waited for"), Ok(None));
    drop(locking);
    connection.await.unwrap().unwrap();
}

/// By PostgreSQL's clock: nobody else has taken it.
#[tokio::test]
async fn lease_that_ran_out_refuses_its_holder() {
    let Some(engine) = Engine::postgres() else { return };
    let desk = Desk::new(engine).await;
    let lease = desk.journal.take_lease(Duty::Keeper, "a", Duration::ZERO, NOW).await.unwrap().unwrap();
    let write = Write::Fence { duty: Duty::Keeper, fence: lease.fence };
    assert_eq!(desk.commit(vec![write, transfer(1)]).await, Err(StoreError::Fenced));
    let clock = desk.journal.clock().await.unwrap().unwrap();
    assert!(clock >= lease.until, "{clock:?} {lease:?}");
}

#[tokio::test]
async fn two_nodes_never_pass_a_cap_together() {
    let Some(engine) = Engine::postgres() else { return };
    let desk = Desk::new(engine).await;
    let sums = Write::PledgeSums {
        of: pledge(1).id.into(),
        currency: Currency::CNY,
        standing: 30,
        payable: 0,
        cap: Some(300),
    };
    let answers = race(&desk, |_| vec![vec![sums.clone(), transfer(30)]; 20]).await;
    assert_eq!(granted(&answers, StoreError::CapReached), 10);
    let standing = desk.journal.pledge_sums(pledge(1).id.into(), Currency::CNY).await.unwrap().standing;
    assert_eq!(standing, 300);
    assert_eq!(desk.count("SELECT CAST(sum(amount) AS BIGINT) FROM transfers").await, 300);
}

/// Ids of transfers are in the order of commits for each account, so that the newest total has the highest sequence.
#[tokio::test]
async fn totals_follow_what_other_nodes_post() {
    let Some(engine) = Engine::postgres() else { return };
    let desk = Desk::new(engine).await;
    let other = desk.other_node().await;
    let mut before = 0;
    for n in 1..=20 {
        let node = if n % 2 == 0 { &desk } else { &other };
        assert_eq!(node.commit(vec![transfer(n)]).await, Ok(()));
        let total =
            |totals: &Totals| totals.of(&Account::PlatformCommission, Currency::CNY, Code::Commission);
        let (ours, theirs) = (total(desk.totals().await), total(other.totals().await));
        assert_eq!(ours, theirs);
        assert_eq!(ours.credits, n * (n + 1) / 2);
        assert!(ours.newest > before);
        before = ours.newest;
    }
}

fn postgres(desk: &Desk) -> &Postgres {
    match &desk.journal {
        Journal::Postgres(postgres) => postgres,
        Journal::Sqlite(_) => panic!("SQLite"),
    }
}

fn accrued(amount: i64) -> Write {
    Write::Transfer(Transfer {
        debit: Account::RefundPayable,
        credit: Account::CharityAccrued(pledge(1).id.into()),
        amount: cny(amount),
        code: Code::Accrue,
        order: None,
        at: NOW,
    })
}

#[tokio::test]
async fn totals_that_have_not_moved_are_not_read_again() {
    let Some(engine) = Engine::postgres() else { return };
    let desk = Desk::new(engine).await;
    let other = desk.other_node().await;
    desk.commit(vec![transfer(1), accrued(2)]).await.unwrap();
    other.commit(vec![transfer(3)]).await.unwrap();
    for node in [&desk, &other] {
        node.totals().await;
        assert_eq!(postgres(node).renew_totals().await, Ok(0));
    }
    assert_eq!(
        desk.totals().await.of(&Account::PlatformCommission, Currency::CNY, Code::Commission).credits,
        4
    );
}

impl Desk {
    /// Posts to a total in a transaction that has not committed.
    async fn posting_slowly(&self) -> (tokio_postgres::Client, impl Future<Output = ()>) {
        let (slow, connection) = tokio_postgres::connect(&self.record.url(), NoTls).await.unwrap();
        let connection = tokio::spawn(connection);
        let posted = "BEGIN; SELECT 1 FROM totals WHERE code = 2 FOR UPDATE;
                      UPDATE totals SET credits = credits + 5, newest = nextval('transfer_blocks') * 16384 + 1 WHERE code = 2 AND credits > 0";
        slow.batch_execute(posted).await.unwrap();
        (slow, async { connection.await.unwrap().unwrap() })
    }

    async fn commission(&self) -> i64 {
        self.totals().await.of(&Account::PlatformCommission, Currency::CNY, Code::Commission).credits
    }
}

/// The newest of all transactions, which no snapshot names while it is under way.
#[tokio::test]
async fn totals_that_were_under_way_at_a_look_are_seen() {
    let Some(engine) = Engine::postgres() else { return };
    let desk = Desk::new(engine).await;
    desk.commit(vec![transfer(1), accrued(2)]).await.unwrap();
    let (slow, gone) = desk.posting_slowly().await;
    assert_eq!(desk.commission().await, 1);
    slow.batch_execute("COMMIT").await.unwrap();
    assert_eq!(desk.commission().await, 6);
    drop(slow);
    gone.await;
}

/// It took its ids before others that are committed already, and nothing is posted after it.
#[tokio::test]
async fn totals_that_were_long_under_way_are_seen() {
    let Some(engine) = Engine::postgres() else { return };
    let desk = Desk::new(engine).await;
    desk.commit(vec![transfer(1), accrued(2)]).await.unwrap();
    let (slow, gone) = desk.posting_slowly().await;
    for n in 1..=3 {
        desk.commit(vec![accrued(n)]).await.unwrap();
        let total = |account, code| desk.journal.totals().of(&account, Currency::CNY, code).credits;
        desk.totals().await;
        assert_eq!(total(Account::CharityAccrued(pledge(1).id.into()), Code::Accrue), 2 + n * (n + 1) / 2);
        assert_eq!(total(Account::PlatformCommission, Code::Commission), 1);
    }
    slow.batch_execute("COMMIT").await.unwrap();
    assert_eq!(desk.commission().await, 6);
    assert_eq!(postgres(&desk).renew_totals().await, Ok(0));
    drop(slow);
    gone.await;
}

#[tokio::test]
async fn acknowledged_entry_survives_a_crash_of_postgres() {
    let Some(mut server) = or_skip(Server::start()) else { return };
    let url = server.fresh_database().unwrap();
    migrate(&settings(url.clone())).await.unwrap();
    let journal = Journal::connect(&settings(url), EPOCH, NOW).await.unwrap();
    for n in 1..=3 {
        assert_eq!(journal.commit(vec![Write::Once(once(n, 1)), transfer(1)]).await, Ok(()));
        server.kill();
        let away = journal.submit(vec![Write::Once(once(100 + n, 1)), transfer(10)]).unwrap();
        server.restart().unwrap();
        // It waited for the restart.
        assert_eq!(away.committed().await, Ok(()));
    }
    for n in [1, 2, 3, 101, 102, 103] {
        assert_eq!(journal.seen(once(n, 1)).await, Ok(true), "{n}");
    }
    journal.renew_totals().await.unwrap();
    let total = journal.totals().of(&Account::PlatformCommission, Currency::CNY, Code::Commission);
    assert_eq!(total.credits, 33);
    journal.close().await;
}

/// The line is cut again and again, wherever a commit may be: what was acknowledged is there once, and nothing is there twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_answer_is_found_out() {
    let Some(Engine::Postgres(_)) = Engine::postgres() else { return };
    let Some(server) = or_skip(Server::start()) else { return };
    let url = server.fresh_database().unwrap();
    migrate(&settings(url.clone())).await.unwrap();
    let proxy = Proxy::to(([127, 0, 0, 1], server.port()).into()).unwrap();
    let by_proxy = url.replace(&server.port().to_string(), &proxy.address().port().to_string());
    let journal = Journal::connect(&settings(by_proxy), EPOCH, NOW).await.unwrap();
    let mut acknowledged = Vec::new();
    for round in 0..30_i64 {
        let entries = (1..=50).map(|n| vec![transfer(1_000 * round + n)]);
        let pending: Vec<Pending> = entries.map(|entry| journal.submit(entry).unwrap()).collect();
        // At another moment of the commit each time.
        for _ in 0..round * 40 {
            tokio::task::yield_now().await;
        }
        proxy.set(Line::Cut);
        proxy.set(Line::Open);
        for (n, entry) in (1..).zip(pending) {
            if entry.committed().await == Ok(()) {
                acknowledged.push(1_000 * round + n);
            }
        }
    }
    let direct = Journal::connect(&settings(url), EPOCH, NOW).await.unwrap();
    let recorded =
        direct.list("SELECT amount FROM transfers ORDER BY amount", vec![], |row| row.int(0)).await.unwrap();
    assert!(recorded.windows(2).all(|two| two[0] < two[1]), "something was done twice");
    let lost: Vec<_> = acknowledged.iter().filter(|n| recorded.binary_search(n).is_err()).collect();
    assert!(lost.is_empty(), "{lost:?}");
    assert_eq!(acknowledged.len(), 1_500, "a cut line is no reason to give up");
    journal.close().await;
    direct.close().await;
}

#[tokio::test]
async fn record_that_is_not_up_to_date_is_refused() {
    let Some(server) = or_skip(Server::start()) else { return };
    let url = server.fresh_database().unwrap();
    let refused = |connected: Result<Journal, StoreError>| match connected {
        Err(StoreError::Unavailable(why)) => why,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("connected"),
    };
    let why = refused(Journal::connect(&settings(url.clone()), EPOCH, NOW).await);
    assert!(why.contains("run `apricot migrate`"), "{why}");
    assert_eq!(migrate(&settings(url.clone())).await.unwrap()[0], "version 1, record");
    assert_eq!(migrate(&settings(url.clone())).await.unwrap(), Vec::<String>::new());
    let later = "INSERT INTO refinery_schema_history SELECT 99, 'later', applied_on, checksum FROM refinery_schema_history WHERE version = 1";
    let database = url.rsplit('/').next().unwrap();
    server.sql(database, later).unwrap();
    let why = refused(Journal::connect(&settings(url), EPOCH, NOW).await);
    assert!(why.contains("newer than this program"), "{why}");
}
