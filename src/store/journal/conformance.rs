//! Laws of the record, on a real one in a folder of its own. A second backend runs this file too: it changes `Desk` and nothing else.

use std::path::PathBuf;
use std::time::Duration;

use tempfile::TempDir;
use uuid::Uuid;

use super::*;
use crate::model::order::{ShipTo, Stage};
use crate::model::payment::{Method, ProviderEvent, ProviderNews, Refund};
use crate::model::room::Sanction;
use crate::model::{
    Account, Code, Currency, FlashSale, Money, Order, OrderId, Payment, PaymentId, PaymentState, Pledge,
    PledgeBase, PledgeId, Product, RefundId, Room, Rounding, SaleId, SaleState, Share, Subject, Transfer,
};

mod holds;
mod leases;
mod pledges;
mod survival;
mod totals;

const NOW: Timestamp = Timestamp(1_800_000_000_000);
const SALE: SaleId = SaleId(Uuid::from_u128(1));
const EPOCH: u64 = 42;

struct Desk {
    folder: TempDir,
    journal: Journal,
}

impl Desk {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::open(&folder.path().join("record.db"), EPOCH, NOW).unwrap();
        Self { folder, journal }
    }

    /// A room, a product with 100 units on hand and a sale with `stock` of them.
    async fn with_lot(stock: u32) -> Self {
        let desk = Self::new();
        for write in [Write::Room(room()), Write::NewProduct(product(100)), Write::Sale(sale(SALE, stock))] {
            assert_eq!(desk.commit(vec![write]).await, Ok(()));
        }
        desk
    }

    async fn commit(&self, entry: Entry) -> Result<(), StoreError> {
        self.journal.commit(entry).await
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("record.db")
    }

    /// As an auditor counts, beside the journal's own readings.
    fn count(&self, sql: &str) -> i64 {
        open_reader(&self.path()).unwrap().query_row(sql, [], |row| row.get(0)).unwrap()
    }

    async fn lot(&self) -> (u32, u32, u32) {
        let LotRow { stock, held, sold } = self.journal.lot(SALE).await.unwrap().unwrap();
        (stock, held, sold)
    }

    async fn on_hand(&self) -> u32 {
        self.journal.product("apricots".parse().unwrap()).await.unwrap().unwrap().on_hand
    }

    async fn reopened(self) -> Self {
        let Self { folder, journal } = self;
        journal.close().await;
        let journal = Journal::open(&folder.path().join("record.db"), 7, NOW).unwrap();
        Self { folder, journal }
    }
}

fn room() -> Room {
    Room {
        place: "Yunnan".into(),
        state: crate::model::RoomState::Live,
        live_at: Some(NOW),
        cards: vec!["apricots".parse().unwrap()],
        moderators: vec!["mo".parse().unwrap()],
        ..Room::new("orchard".parse().unwrap(), "Apricots from the slope", "li".parse().unwrap(), "Li")
    }
}

fn product(on_hand: u32) -> Product {
    Product {
        sku: "apricots".parse().unwrap(),
        host: "li".parse().unwrap(),
        title: "Apricots".into(),
        unit: "box".into(),
        image_url: String::new(),
        origin: "Yunnan".into(),
        price: cny(1_990),
        on_hand,
        category: "farm".into(),
    }
}

fn sale(id: SaleId, stock: u32) -> FlashSale {
    FlashSale {
        id,
        room: room().id,
        sku: product(0).sku,
        price: cny(1_990),
        stock,
        limit_per_buyer: 99,
        hold_for: Duration::from_secs(60),
        duration: Duration::from_secs(600),
        opens_at: None,
        state: SaleState::Scheduled,
        pledge: None,
        version: 1,
    }
}

fn order(n: u128, quantity: u32) -> Order {
    Order {
        id: OrderId(Uuid::from_u128(1_000 + n)),
        sale: SALE,
        room: room().id,
        sku: product(0).sku,
        buyer: format!("buyer-{n}").parse().unwrap(),
        quantity,
        unit_price: cny(1_990),
        wait: false,
        stage: Stage::Held { until: NOW + Duration::from_secs(60), offered: false },
        hold: 1,
        placed_at: NOW,
        paid_at: None,
        refunded_minor: 0,
        charity_minor: 0,
        version: 1,
    }
}

fn hold(order: &Order) -> Write {
    let until = NOW + Duration::from_secs(60);
    Write::Hold {
        order: order.id,
        hold: order.hold,
        sale: order.sale,
        quantity: order.quantity,
        expires_at: until,
    }
}

fn end_hold(order: &Order, outcome: HoldOutcome) -> Write {
    let Order { id, hold, sale, quantity, .. } = *order;
    Write::EndHold { order: id, hold, sale, quantity, outcome, at: NOW }
}

fn placed(order: &Order) -> Entry {
    vec![Write::Order(order.clone()), hold(order)]
}

fn pledge(version: u32) -> Pledge {
    Pledge {
        id: PledgeId(Uuid::from_u128(77)),
        version,
        host: "li".parse().unwrap(),
        project: "School meals".into(),
        charity_name: "A foundation".into(),
        charity_registration: "53100000".into(),
        base: PledgeBase::PaidPrice(Share::ppm(25_000 * version).unwrap()),
        cap: Some(cny(100_000)),
        starts_at: None,
        ends_at: None,
        rounding: Rounding::Down,
        agreement_sha256: "0".repeat(64),
    }
}

fn payment(order: &Order) -> Payment {
    Payment {
        id: PaymentId(order.id.0),
        order: order.id,
        amount: order.total(),
        method: Method::SandboxApprove,
        state: PaymentState::Authorising,
        created_at: NOW,
        version: 1,
    }
}

fn cny(minor: i64) -> Money {
    Money::new(minor, Currency::CNY)
}

fn transfer(amount: i64) -> Write {
    Write::Transfer(Transfer {
        debit: Account::HostPayable("li".parse().unwrap()),
        credit: Account::PlatformCommission,
        amount: cny(amount),
        code: Code::Commission,
        order: None,
        at: NOW,
    })
}

fn once(key: u128, content: u8) -> Once {
    Once { key: Uuid::from_u128(key), content: [content; 32] }
}

fn is_rule(answer: &Result<(), StoreError>) -> bool {
    matches!(answer, Err(StoreError::Rule(_)))
}

#[tokio::test]
async fn new_version_follows_the_one_before_or_is_refused() {
    let desk = Desk::with_lot(10).await;
    let order = order(1, 2);
    assert_eq!(desk.commit(placed(&order)).await, Ok(()));
    assert_eq!(desk.commit(vec![Write::Room(room())]).await, Err(StoreError::Exists));
    assert_eq!(desk.commit(vec![Write::NewProduct(product(5))]).await, Err(StoreError::Exists));
    assert_eq!(desk.commit(vec![Write::Sale(sale(SALE, 1))]).await, Err(StoreError::Exists));
    assert_eq!(desk.commit(placed(&order)).await, Err(StoreError::Exists));
    assert_eq!(desk.commit(vec![Write::Payment(payment(&order))]).await, Ok(()));
    assert_eq!(desk.commit(vec![Write::Payment(payment(&order))]).await, Err(StoreError::Exists));

    let room_2 = Room { version: 2, title: "Later".into(), ..room() };
    let sale_2 = sale(SALE, 10).open(NOW).unwrap();
    let released = order.clone().release().unwrap();
    let declined = payment(&order).into(PaymentState::Declined { reason: "no funds".into() });
    let second = |n: u32| match n {
        0 => Write::Room(room_2.clone()),
        1 => Write::Sale(sale_2.clone()),
        2 => Write::Order(released.clone()),
        _ => Write::Payment(declined.clone()),
    };
    for n in 0..4 {
        assert_eq!(desk.commit(vec![second(n)]).await, Ok(()), "the second version of {n}");
        assert_eq!(
            desk.commit(vec![second(n)]).await,
            Err(StoreError::Stale),
            "the second version of {n}, again"
        );
    }
    let jump = Room { version: 4, ..room_2.clone() };
    assert_eq!(desk.commit(vec![Write::Room(jump)]).await, Err(StoreError::Stale));
    assert_eq!(desk.journal.room(room().id).await.unwrap(), Some(room_2));
    assert_eq!(desk.journal.sale(SALE).await.unwrap(), Some(sale_2));
    assert_eq!(desk.journal.order(order.id).await.unwrap(), Some(released));
    assert_eq!(desk.journal.payments_of(order.id).await.unwrap(), vec![declined]);
}

#[tokio::test]
async fn content_of_an_order_is_never_updated() {
    let desk = Desk::with_lot(10).await;
    let order = order(1, 2);
    desk.commit(placed(&order)).await.unwrap();
    let next = order.clone().release().unwrap();
    for changed in [
        Order { quantity: 1, ..next.clone() },
        Order { unit_price: cny(1), ..next.clone() },
        Order { buyer: "other".parse().unwrap(), ..next.clone() },
        Order { wait: true, ..next.clone() },
    ] {
        assert_eq!(desk.commit(vec![Write::Order(changed)]).await, Err(StoreError::Stale));
    }
    assert_eq!(desk.journal.order(order.id).await.unwrap(), Some(order));
}

#[tokio::test]
async fn pledge_versions_are_kept_side_by_side() {
    let desk = Desk::new();
    assert_eq!(desk.commit(vec![Write::Pledge(pledge(2))]).await, Err(StoreError::Stale));
    assert_eq!(desk.commit(vec![Write::Pledge(pledge(1))]).await, Ok(()));
    assert_eq!(desk.commit(vec![Write::Pledge(pledge(1))]).await, Err(StoreError::Stale));
    assert_eq!(desk.commit(vec![Write::Pledge(pledge(2))]).await, Ok(()));
    assert_eq!(desk.journal.pledge(pledge(1).id, Some(1)).await.unwrap(), Some(pledge(1)));
    assert_eq!(desk.journal.pledge(pledge(1).id, None).await.unwrap(), Some(pledge(2)));
    assert_eq!(desk.journal.pledge(pledge(1).id, Some(3)).await.unwrap(), None);
}

#[tokio::test]
async fn key_is_used_once() {
    let desk = Desk::with_lot(10).await;
    let stock = |key, content| {
        vec![Write::Once(once(key, content)), Write::Stock { sku: "apricots".parse().unwrap(), change: 5 }]
    };
    assert_eq!(desk.commit(stock(1, 1)).await, Ok(()));
    assert_eq!(desk.commit(stock(1, 1)).await, Err(StoreError::Seen));
    assert_eq!(desk.commit(stock(1, 2)).await, Err(StoreError::ContentDiffers));
    assert_eq!(desk.commit(stock(2, 1)).await, Ok(()));
    assert_eq!(desk.on_hand().await, 100 - 10 + 5 + 5);
    assert_eq!(desk.journal.seen(once(1, 1)).await, Ok(true));
    assert_eq!(desk.journal.seen(once(1, 2)).await, Err(StoreError::ContentDiffers));
    assert_eq!(desk.journal.seen(once(3, 1)).await, Ok(false));
}

#[tokio::test]
async fn provider_event_is_seen_once() {
    let desk = Desk::new();
    let event = |id: &str, payment| {
        let news = ProviderNews::Authorised { payment: PaymentId(Uuid::from_u128(payment)) };
        Write::ProviderEvent { event: ProviderEvent { id: id.into(), news }, at: NOW }
    };
    assert_eq!(desk.commit(vec![event("evt_1", 1), transfer(5)]).await, Ok(()));
    assert_eq!(desk.commit(vec![event("evt_1", 1), transfer(5)]).await, Err(StoreError::Seen));
    assert_eq!(desk.commit(vec![event("evt_1", 2), transfer(5)]).await, Err(StoreError::Seen));
    assert_eq!(desk.commit(vec![event("evt_2", 1), transfer(5)]).await, Ok(()));
    assert_eq!(desk.count("SELECT sum(amount) FROM transfers"), 10);
}

#[tokio::test]
async fn entry_is_all_or_nothing_and_its_neighbours_stand() {
    let desk = Desk::with_lot(5).await;
    desk.commit(vec![Write::Once(once(1, 1))]).await.unwrap();
    let unknown = Order { sku: "no-such".parse().unwrap(), sale: SaleId(Uuid::from_u128(9)), ..order(8, 1) };
    let entries: Vec<(Entry, Result<(), StoreError>)> = vec![
        (vec![transfer(1)], Ok(())),
        // The first write is refused.
        (vec![Write::Once(once(1, 1)), transfer(10)], Err(StoreError::Seen)),
        (placed(&order(1, 2)), Ok(())),
        // A write in the middle is refused.
        (vec![transfer(100), Write::Once(once(1, 2)), transfer(100)], Err(StoreError::ContentDiffers)),
        (vec![Write::Once(once(2, 1)), transfer(1_000)], Ok(())),
        // The sum is refused, after all of its writes.
        (vec![transfer(10_000), Write::Order(order(2, 4)), hold(&order(2, 4))], Err(StoreError::OverStock)),
        (vec![transfer(100_000)], Ok(())),
    ];
    let submit = |entry: &Entry| desk.journal.submit(entry.clone()).unwrap();
    let pending: Vec<Pending> = entries.iter().map(|(entry, _)| submit(entry)).collect();
    let broken = submit(&vec![transfer(7), Write::Order(unknown.clone()), hold(&unknown)]);
    for (index, (pending, (_, expected))) in pending.into_iter().zip(&entries).enumerate() {
        assert_eq!(pending.committed().await, *expected, "entry {index}");
    }
    let broken = broken.committed().await;
    assert!(is_rule(&broken), "{broken:?}");
    assert_eq!(desk.count("SELECT sum(amount) FROM transfers"), 101_001);
    assert_eq!(desk.count("SELECT count(*) FROM orders"), 1);
    assert_eq!(desk.count("SELECT count(*) FROM once"), 2);
    assert_eq!(desk.lot().await, (5, 2, 0));
    let commission = desk.journal.totals().of(&Account::PlatformCommission, Currency::CNY, Code::Commission);
    assert_eq!(commission.credits, 101_001);
}

/// An account that a refused entry was the first to name is made again by the next.
#[tokio::test]
async fn account_of_a_refused_entry_is_made_again() {
    let desk = Desk::with_lot(1).await;
    desk.commit(vec![Write::Once(once(1, 1))]).await.unwrap();
    let refused = vec![transfer(5), Write::Once(once(1, 1))];
    assert_eq!(desk.commit(refused).await, Err(StoreError::Seen));
    assert_eq!(desk.count("SELECT count(*) FROM accounts"), 0);
    assert_eq!(desk.commit(vec![transfer(6)]).await, Ok(()));
    assert_eq!(desk.count("SELECT count(*) FROM accounts"), 2);
    assert_eq!(desk.count("SELECT sum(credits) FROM totals"), 6);
}

#[tokio::test]
async fn posted_lines_are_final() {
    let desk = Desk::new();
    desk.commit(vec![transfer(5)]).await.unwrap();
    let by_hand = rusqlite::Connection::open(desk.path()).unwrap();
    for sql in [
        "UPDATE transfers SET amount = 6",
        "DELETE FROM transfers",
        "UPDATE transfers SET at = 1 WHERE id = 1",
    ] {
        let refused = by_hand.execute(sql, []).unwrap_err();
        assert_eq!(refused.to_string(), "a posted line is final", "{sql}");
    }
    assert_eq!(desk.count("SELECT sum(amount) FROM transfers"), 5);
    let same = Write::Transfer(Transfer {
        debit: Account::RefundPayable,
        credit: Account::RefundPayable,
        amount: cny(1),
        code: Code::Refund,
        order: None,
        at: NOW,
    });
    assert!(is_rule(&desk.commit(vec![same]).await), "both sides in one account");
    assert!(is_rule(&desk.commit(vec![transfer(-1)]).await), "less than nothing");
    assert_eq!(desk.count("SELECT count(*) FROM transfers"), 1);
}

#[tokio::test]
async fn tasks_and_refunds_are_there_until_they_are_done() {
    let desk = Desk::with_lot(5).await;
    let order = order(1, 1);
    desk.commit(placed(&order)).await.unwrap();
    let refund = Refund {
        id: RefundId(Uuid::from_u128(5)),
        payment: payment(&order).id,
        order: order.id,
        amount: cny(100),
        reason: "bruised".into(),
        requested_at: NOW,
        done_at: None,
    };
    desk.commit(vec![Write::Payment(payment(&order)), Write::Refund(refund.clone())]).await.unwrap();
    let tasks =
        [Task::Authorise(payment(&order).id), Task::Capture(payment(&order).id), Task::Refund(refund.id)];
    for (n, task) in tasks.into_iter().enumerate() {
        let at = NOW + Duration::from_millis(n as u64);
        assert_eq!(desk.commit(vec![Write::Task { task, at }]).await, Ok(()));
        assert_eq!(desk.commit(vec![Write::Task { task, at }]).await, Err(StoreError::Exists));
    }
    assert_eq!(desk.journal.tasks(crate::model::Timestamp(i64::MAX)).await.unwrap(), tasks);
    assert_eq!(desk.commit(vec![Write::TaskDone(tasks[1])]).await, Ok(()));
    assert_eq!(desk.commit(vec![Write::TaskDone(tasks[1])]).await, Ok(()), "done is done");
    assert_eq!(desk.journal.tasks(crate::model::Timestamp(i64::MAX)).await.unwrap(), [tasks[0], tasks[2]]);

    assert_eq!(desk.commit(vec![Write::Refund(refund.clone())]).await, Err(StoreError::Exists));
    let done = vec![Write::RefundDone { refund: refund.id, at: NOW }];
    assert_eq!(desk.commit(done.clone()).await, Ok(()));
    assert_eq!(desk.commit(done).await, Err(StoreError::Seen));
    assert_eq!(desk.journal.refund(refund.id).await.unwrap(), Some(Refund { done_at: Some(NOW), ..refund }));
}

#[tokio::test]
async fn lists_go_on_after_the_last_key() {
    let desk = Desk::with_lot(10).await;
    for n in 1..=5 {
        let order = Order { buyer: "ann".parse().unwrap(), ..order(n, 1) };
        desk.commit(placed(&order)).await.unwrap();
    }
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = Page { after, limit: 2 };
        let Listing { items, next } =
            desk.journal.orders_of_buyer("ann".parse().unwrap(), page).await.unwrap();
        assert!(items.len() <= 2);
        seen.extend(items.into_iter().map(|order| order.id.0.as_u128() - 1_000));
        after = next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(seen, [5, 4, 3, 2, 1]);
}
