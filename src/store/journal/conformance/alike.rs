//! Two engines, one meaning: random entries, handed in together, get the same answers and leave the same tables.
//!
//! Where sums are refused the drafts only go one way (holds are not released in the small lot, what is payable only falls): then it does
//! not matter into which batches the entries fall.

use apricot_tlog::leaf::{Rule, Terms};
use proptest::prelude::*;

use super::*;
use crate::model::order::Parcel;
use crate::model::{Charity, MatchPool, PoolId, PoolSeed, PoolSlot, ProgressReport, Project};

/// Kind of write, which of few things it is about, and a choice.
type Draft = (u8, u8, u8);

const SMALL: SaleId = SaleId(Uuid::from_u128(2));
const KINDS: u8 = 25;

fn drafts() -> impl Strategy<Value = Vec<Vec<Vec<Draft>>>> {
    let write = (0..KINDS, 0..6_u8, 0..4_u8);
    let entry = proptest::collection::vec(write, 1..5);
    proptest::collection::vec(proptest::collection::vec(entry, 1..30), 1..4)
}

fn sale_of(n: u8) -> SaleId {
    if n < 3 { SALE } else { SMALL }
}

fn some_order(n: u8, choice: u8) -> Order {
    let base = Order { sale: sale_of(n), wait: true, ..order(n.into(), 1) };
    match choice {
        0 => base,
        1 => Order { stage: Stage::Waiting, version: 2, hold: 0, ..base },
        2 => {
            let (stage, paid_at) =
                (Stage::Shipped(Parcel { shipped_at: NOW, ..Parcel::default() }), Some(NOW));
            Order { stage, version: 2, paid_at, charity_minor: 49, ..base }
        }
        // Of another content.
        _ => Order { quantity: 2, version: 2, ..base },
    }
}

fn write_of((kind, n, choice): Draft) -> Write {
    let order = some_order(n, 0);
    let id = |base: u128| Uuid::from_u128(base + u128::from(n));
    let payment = Payment { id: PaymentId(id(5_000)), ..payment(&order) };
    let refund = RefundId(id(6_000));
    let sums = |pledge: u128, standing, payable, cap| Write::PledgeSums {
        of: PledgeId(Uuid::from_u128(pledge)).into(),
        currency: Currency::CNY,
        standing,
        payable,
        cap,
    };
    match kind {
        0..3 => Write::Order(some_order(n, if kind == 0 { 0 } else { choice })),
        3 => Write::Hold {
            order: order.id,
            hold: u32::from(choice % 2) + 1,
            sale: order.sale,
            quantity: 1,
            expires_at: NOW,
        },
        4 | 5 => {
            let outcome = if n < 3 && choice % 2 == 0 { HoldOutcome::Released } else { HoldOutcome::Claimed };
            let hold = u32::from(choice / 2) + 1;
            Write::EndHold { order: order.id, hold, sale: order.sale, quantity: 1, outcome, at: NOW }
        }
        6 => Write::Payment(payment),
        7 => Write::Payment(payment.into(PaymentState::Declined { reason: "no funds".into() })),
        8 => {
            let news = ProviderNews::Authorised { payment: payment.id };
            Write::ProviderEvent { event: ProviderEvent { id: format!("evt_{n}{choice}"), news }, at: NOW }
        }
        9 => Write::Once(once(n.into(), choice % 2)),
        10 => Write::Task { task: Task::Authorise(payment.id), at: NOW },
        11 => Write::TaskDone(Task::Authorise(payment.id)),
        12 => Write::Refund(Refund {
            id: refund,
            payment: payment.id,
            order: order.id,
            amount: cny(100),
            reason: "bruised".into(),
            requested_at: NOW,
            done_at: None,
        }),
        13 => Write::RefundDone { refund, at: NOW },
        14 => transfer((u32::from(n) * 10 + u32::from(choice)).into()),
        15 => {
            let ship_to = ShipTo {
                name: format!("Lin {choice}"),
                phone: "13800000000".into(),
                address: "1 Orchard Road".into(),
            };
            Write::Address { order: order.id, ship_to }
        }
        16 if n == 0 && choice == 0 => Write::ReturnLeftovers(SMALL),
        16 => Write::Stock { sku: product(0).sku, change: i64::from(choice) - 2 },
        17 => sums(77, 30 + i64::from(n), 0, Some(if choice == 0 { 200 } else { 400 })),
        18 => sums(78, 0, -i64::from(choice), None),
        20 => Write::Charity(Box::new(Charity {
            registration: format!("5310000{}", n / 3),
            name: format!("Foundation {n}"),
            qualification: String::new(),
            platform: String::new(),
            platform_url: None,
            version: 1 + u64::from(choice),
        })),
        21 => Write::Project(Box::new(Project {
            id: format!("p-{n}").parse().unwrap(),
            charity: format!("5310000{}", choice / 3),
            title: format!("Lunches {choice}"),
            summary: String::new(),
            target: None,
            place: "轮台".into(),
            record_number: String::new(),
            give_url: None,
            disclose_every_days: 30,
            started_at: NOW,
            ended_at: None,
            version: 1 + u64::from(choice),
        })),
        22 => Write::ProgressReport(Box::new(ProgressReport {
            id: id(7_000 + u128::from(choice) * 100),
            project: format!("p-{n}").parse().unwrap(),
            at: NOW + Duration::from_secs(choice.into()),
            title: "told".into(),
            text: "told".into(),
            document_sha256: None,
        })),
        23 => Write::Match(some_claim(n, choice)),
        24 => match choice {
            0 => Write::FreezePool { pool: POOL, frozen: n == 0 },
            1 if n == 1 => Write::PublishSeed { pool: POOL, slot: 1, at: NOW },
            _ => Write::Unmatch { claim: some_claim(n, 0).claim, pool: POOL, amount: choice.into() },
        },
        _ => match choice {
            0 => Write::Room(Box::new(Room { version: 2 + u64::from(n), ..room() })),
            1 => Write::Sanction {
                room: room().id,
                subject: format!("mallory-{n}").parse().unwrap(),
                sanction: (n % 2 == 0).then_some(Sanction::Banned),
            },
            2 => Write::Pledge(pledge(1 + u32::from(n) / 2)),
            _ => Write::Audit {
                at: NOW,
                actor: "ops".parse().unwrap(),
                action: "look",
                subject: n.to_string(),
                reason: String::new(),
            },
        },
    }
}

const POOL: PoolId = PoolId(Uuid::from_u128(9_000));

/// Every amount that is right is right in whatever batch it falls: each claim is compared on its own.
fn some_claim(n: u8, choice: u8) -> Match {
    Match {
        claim: OrderId(Uuid::from_u128(1_000 + u128::from(n))),
        pool: POOL,
        slot: u32::from(n % 2),
        release: None,
        pledge: pledge(1).id,
        project: format!("project-{}", n % 3),
        buyer: (n < 5).then(|| format!("buyer-{}", n / 2).parse().unwrap()),
        at: NOW,
        tier: None,
        due: 20,
        amount: [20, 20, 10, 0][usize::from(choice)],
    }
}

fn some_pool() -> MatchPool {
    let slot = |seed| PoolSlot { opens_at: NOW, closes_at: NOW, budget: 50, seed: PoolSeed([seed; 32]) };
    let terms = Terms {
        project: String::new(),
        buyer_day_cap: 30,
        project_cap: 40,
        buyer_minute_limit: 2,
        rule: Rule::Ratio { ppm: 1 },
    };
    let slots = vec![slot(1), slot(2)];
    MatchPool { id: POOL, sponsor: "An orchard".into(), currency: Currency::CNY, terms, slots }
}

/// Everything that may be seen. Ids of transfers and accounts are left out: PostgreSQL does not give one twice, used or not. So are accounts
/// that nobody posted to: there they are made for a whole part of a batch, some of which may be refused.
const SIGHTS: [&str; 21] = [
    "SELECT hex(id) || stage || version || hold || offered || refunded || charity || quantity || coalesce(parcel, '-')
         || coalesce(CAST(held_until AS TEXT), '-') || coalesce(CAST(paid_at AS TEXT), '-') FROM orders",
    "SELECT hex(order_id) || hold || hex(sale) || coalesce(outcome, '-') FROM holds",
    "SELECT hex(sale) || '/' || stock || '/' || held || '/' || sold FROM lots",
    "SELECT sku || on_hand FROM products",
    "SELECT hex(id) || state || coalesce(reason, '-') || version FROM payments",
    "SELECT hex(id) || amount || coalesce(CAST(done_at AS TEXT), '-') FROM refunds",
    "SELECT id || kind || hex(subject) FROM provider_events",
    "SELECT hex(key) FROM once",
    "SELECT kind || hex(subject) FROM outbox",
    "SELECT hex(order_id) || name FROM addresses",
    "SELECT hex(pledge) || '/' || part || '/' || standing || '/' || payable FROM pledge_sums",
    "SELECT name || currency FROM accounts WHERE id IN (SELECT account FROM totals)",
    "SELECT a.name || '/' || t.code || '/' || t.debits || '/' || t.credits FROM totals t JOIN accounts a ON a.id = t.account",
    "SELECT d.name || c.name || t.code || '/' || t.amount FROM transfers t JOIN accounts d ON d.id = t.debit
         JOIN accounts c ON c.id = t.credit",
    "SELECT id || version || body FROM rooms",
    "SELECT registration || name || version || name_words FROM charities",
    "SELECT id || charity || title || version || words || '/' || due_at || coalesce(CAST(reported_at AS TEXT), '-') FROM projects",
    "SELECT hex(id) || project || at || body FROM reports",
    "SELECT hex(s.pool) || '/' || s.slot || '/' || s.spent || '/' || p.frozen || coalesce(CAST(s.published_at AS TEXT), '-')
         FROM pool_slots s JOIN pools p ON p.id = s.pool",
    "SELECT project || '/' || net FROM pool_projects UNION ALL SELECT buyer || '/' || day || '/' || net FROM pool_buyer_days",
    "SELECT hex(claim) || slot || project || coalesce(buyer, '-') || '/' || amount || '/' || kept FROM matches",
];

async fn sights(desk: &Desk) -> Vec<Vec<String>> {
    let mut sights = Vec::new();
    for sql in SIGHTS {
        let mut rows = desk.journal.list(sql, vec![], |row| row.text(0).map(str::to_owned)).await.unwrap();
        rows.sort();
        sights.push(rows);
    }
    sights
}

/// The wording of a rule is the engine's own.
fn wordless(answer: Result<(), StoreError>) -> Result<(), StoreError> {
    match answer {
        Err(StoreError::Rule(_)) => Err(StoreError::Rule(String::new())),
        answer => answer,
    }
}

async fn told(on: Engine, rounds: &[Vec<Vec<Draft>>]) -> (Vec<Result<(), StoreError>>, Vec<Vec<String>>) {
    let desk = Desk::with_lot(on, 50).await;
    desk.commit(vec![Write::Sale(sale(SMALL, 3))]).await.unwrap();
    let payable = Write::PledgeSums {
        of: PledgeId(Uuid::from_u128(78)).into(),
        currency: Currency::CNY,
        standing: 0,
        payable: 10,
        cap: None,
    };
    desk.commit(vec![payable]).await.unwrap();
    desk.commit(vec![Write::Pool(Box::new(some_pool()))]).await.unwrap();
    let mut answers = Vec::new();
    for round in rounds {
        let entries = round.iter().map(|entry| entry.iter().copied().map(write_of).collect()).collect();
        answers.extend(desk.commit_at_once(entries).await.into_iter().map(wordless));
    }
    let sights = sights(&desk).await;
    desk.journal.close().await;
    (answers, sights)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn both_engines_answer_alike(rounds in drafts()) {
        let Some(postgres) = Engine::postgres() else { return Ok(()) };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (ours, theirs) = runtime.block_on(async {
            (told(Engine::Sqlite, &rounds).await, told(postgres, &rounds).await)
        });
        prop_assert_eq!(ours, theirs);
    }
}
