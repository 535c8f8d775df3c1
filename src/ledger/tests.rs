//! The ledger on a real record: what every claim, refund, receipt and remittance moves, and what it refuses to move.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tempfile::TempDir;
use uuid::Uuid;

use super::*;
use crate::model::order::Parcel;
use crate::model::payment::{Method, Refund};
use crate::model::{
    BankTransfer, FlashSale, Payment, PaymentId, PaymentState, PledgeBase, PledgePart, Product, RefundId,
    RemittanceRun, Room, RoomState, SaleId, SaleState, Stage,
};

mod charity;
mod nodes;
mod parts;
mod pools;
mod public_log;
mod runs;

const NOW: Timestamp = Timestamp(1_800_000_000_000);
const PLEDGE: PledgeId = PledgeId(Uuid::from_u128(77));
const SALE: SaleId = SaleId(Uuid::from_u128(1));

struct Desk {
    _folder: TempDir,
    ledger: Ledger,
    pledge: Pledge,
    orders: AtomicU64,
}

impl Desk {
    /// 2.5 % of the paid price, rounded down; farm produce pays no commission, everything else 5 %.
    async fn new(cap: Option<i64>) -> Self {
        Self::of(pledge(cap)).await
    }

    async fn of(pledge: Pledge) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::open(&folder.path().join("record.db"), 42, NOW).unwrap();
        let share = |ppm| Share::ppm(ppm).unwrap();
        let commission =
            CommissionRules { by_category: [("farm".into(), share(0))].into(), other: share(50_000) };
        let ledger = Ledger::new(journal, commission);
        let pledge = ledger.add_pledge(pledge, None).await.unwrap();
        let sale = FlashSale { pledge: Some(pledge.reference()), ..sale() };
        for write in [Write::Room(Box::new(room())), Write::NewProduct(product()), Write::Sale(sale)] {
            ledger.journal().commit(vec![write]).await.unwrap();
        }
        Self { _folder: folder, ledger, pledge: (*pledge).clone(), orders: AtomicU64::new(0) }
    }

    /// An order over `price`, not recorded.
    fn order(&self, price: i64) -> Order {
        let n = self.orders.fetch_add(1, Ordering::Relaxed) + 1;
        Order {
            id: OrderId(Uuid::from_u128(1_000 + u128::from(n))),
            sale: SALE,
            room: room().id,
            sku: product().sku,
            buyer: format!("buyer-{n}").parse().unwrap(),
            quantity: 1,
            unit_price: cny(price),
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

    fn postings(&self, order: &Order) -> ClaimPostings {
        self.ledger.claim(order, &host(), "farm", Some(&self.pledge), NOW)
    }

    /// A paid order, recorded with its postings.
    async fn paid(&self, price: i64) -> Order {
        let order = self.order(price);
        let postings = self.postings(&order);
        let paid = order.clone().claim(NOW, postings.charity).unwrap();
        let mut entry = vec![Write::Order(order), Write::Order(paid.clone()), Write::Payment(payment(&paid))];
        entry.extend(postings.writes());
        self.ledger.journal().commit(entry).await.unwrap();
        postings.committed();
        paid
    }

    /// As the sale layer does at receipt.
    async fn confirmed(&self, order: Order) -> Order {
        let order = order.ship(Parcel::default()).unwrap().confirm(NOW).unwrap();
        let shipped =
            Order { version: order.version - 1, stage: Stage::Shipped(Parcel::default()), ..order.clone() };
        let mut entry = vec![Write::Order(shipped), Write::Order(order.clone())];
        entry.extend(self.ledger.confirm(&order, &self.pledge, NOW).await.unwrap());
        self.ledger.journal().commit(entry).await.unwrap();
        order
    }

    async fn refund(&self, order: &Order, amount: i64) -> Result<Order, RefundFailed> {
        let n = self.orders.fetch_add(1, Ordering::Relaxed);
        let refund = Refund {
            id: RefundId(Uuid::from_u128(u128::from(n))),
            payment: payment(order).id,
            order: order.id,
            amount: cny(amount),
            reason: "bruised".into(),
            // No two at once: what was kept at which moment is read from the times.
            requested_at: NOW + Duration::from_millis(n),
            done_at: None,
        };
        self.ledger.refund(Vec::new(), order.clone(), refund, &host(), Some(&self.pledge)).await
    }

    async fn proposed(&self, key: u128) -> Result<RemittanceRun, LedgerRefused> {
        let payee = Payee { registration: "53100000".into(), name: "A foundation".into() };
        let once = Some(Once { key: Uuid::from_u128(key), content: [1; 32] });
        self.ledger.propose_run(Uuid::from_u128(key), payee, Currency::CNY, once, &an(), NOW).await
    }

    /// All that is owed, after two people and the bank.
    async fn remitted(&self, key: u128) -> Result<RemittanceRun, LedgerRefused> {
        let run = self.proposed(key).await?;
        let run = self.ledger.approve_run(run.id, None, &bo(), NOW).await?;
        let at = NOW + Duration::from_secs(u64::try_from(key).unwrap());
        self.ledger.transfer_run(run.id, bank(), None, &an(), at).await
    }

    fn charity(&self) -> Charity {
        let total = self.ledger.charity_total(PLEDGE, Currency::CNY);
        Charity {
            accrued: total.gross_accrued,
            reversed: total.gross_reversed,
            confirmed: total.confirmed,
            remitted: total.remitted,
        }
    }

    /// Credits less debits.
    fn balance(&self, account: &Account) -> i64 {
        let all = self.ledger.trial_balance().into_iter();
        all.filter(|it| it.name == account.to_string()).map(|it| it.credits - it.debits).sum()
    }

    fn assert_balanced(&self) {
        let difference: i64 = self.ledger.trial_balance().iter().map(|it| it.credits - it.debits).sum();
        assert_eq!(difference, 0, "{:?}", self.ledger.trial_balance());
    }
}

#[derive(Debug, PartialEq)]
struct Charity {
    accrued: i64,
    reversed: i64,
    confirmed: i64,
    remitted: i64,
}

fn charity(accrued: i64, reversed: i64, confirmed: i64, remitted: i64) -> Charity {
    Charity { accrued, reversed, confirmed, remitted }
}

fn an() -> Subject {
    "an".parse().unwrap()
}

fn bo() -> Subject {
    "bo".parse().unwrap()
}

fn bank() -> BankTransfer {
    BankTransfer::parse("ICBC 20260101", &"ab".repeat(32)).unwrap()
}

fn cny(minor: i64) -> Money {
    Money::new(minor, Currency::CNY)
}

fn host() -> Subject {
    "li".parse().unwrap()
}

fn payment(order: &Order) -> Payment {
    Payment {
        id: PaymentId(order.id.0),
        order: order.id,
        amount: order.total(),
        method: Method::SandboxApprove,
        state: PaymentState::Authorised,
        created_at: NOW,
        version: 1,
    }
}

fn pledge(cap: Option<i64>) -> Pledge {
    Pledge {
        id: PLEDGE,
        version: 1,
        host: host(),
        parts: vec![part("school-meals", 1)],
        base: PledgeBase::PaidPrice(Share::ppm(25_000).unwrap()),
        cap: cap.map(cny),
        starts_at: None,
        ends_at: None,
        rounding: Rounding::Down,
        agreement_sha256: "0".repeat(64),
    }
}

fn part(project: &str, weight: u32) -> PledgePart {
    PledgePart {
        project: project.into(),
        title: "School meals".into(),
        charity_name: "A foundation".into(),
        charity_registration: "53100000".into(),
        weight,
    }
}

fn room() -> Room {
    Room { state: RoomState::Live, ..Room::new("orchard".parse().unwrap(), "Apricots", host(), "Li") }
}

fn product() -> Product {
    Product {
        sku: "apricots".parse().unwrap(),
        host: host(),
        title: "Apricots".into(),
        unit: "box".into(),
        image_url: String::new(),
        origin: String::new(),
        price: cny(1_990),
        on_hand: 100,
        category: "farm".into(),
    }
}

fn sale() -> FlashSale {
    FlashSale {
        id: SALE,
        room: room().id,
        sku: product().sku,
        price: cny(1_990),
        stock: 100,
        limit_per_buyer: 99,
        hold_for: Duration::from_secs(60),
        duration: Duration::from_secs(600),
        opens_at: None,
        state: SaleState::Scheduled,
        pledge: None,
        version: 1,
    }
}

#[tokio::test]
async fn claim_pays_the_host_the_commission_and_the_pledge() {
    let desk = Desk::new(None).await;
    let order = Order { quantity: 3, ..desk.order(1_990) };
    let line = |debit, credit, minor, code| Transfer {
        debit,
        credit,
        amount: cny(minor),
        code,
        order: Some(order.id),
        at: NOW,
    };
    let li = || Account::HostPayable(host());
    let clearing = || Account::BuyerClearing { provider: SANDBOX };
    let farm = desk.postings(&order);
    assert_eq!(farm.charity, cny(149)); // 149.25
    let expected = vec![
        line(clearing(), li(), 5_970, Code::Sale),
        line(li(), Account::PlatformCommission, 0, Code::Commission), // the zero is said, not left out
        line(li(), Account::CharityAccrued(PLEDGE.into()), 149, Code::Accrue),
    ];
    assert_eq!(farm.transfers, expected);
    let other = desk.ledger.claim(&order, &host(), "crafts", None, NOW);
    assert_eq!(other.charity, cny(0));
    let expected = vec![
        line(clearing(), li(), 5_970, Code::Sale),
        line(li(), Account::PlatformCommission, 298, Code::Commission), // 298.5 goes to even
    ];
    assert_eq!(other.transfers, expected);
}

#[tokio::test]
async fn pledge_accrues_only_while_it_runs() {
    let desk = Desk::new(None).await;
    let order = desk.order(10_000);
    let runs =
        Pledge { starts_at: Some(NOW), ends_at: Some(NOW + Duration::from_secs(1)), ..desk.pledge.clone() };
    let accrued = |at| desk.ledger.claim(&order, &host(), "farm", Some(&runs), at).charity.minor;
    let before = NOW - Duration::from_millis(1);
    assert_eq!([accrued(before), accrued(NOW), accrued(NOW + Duration::from_secs(1))], [0, 250, 0]);
}

#[tokio::test]
async fn versions_of_a_pledge_are_numbered_here() {
    let desk = Desk::new(None).await;
    let once = Once { key: Uuid::from_u128(5), content: [1; 32] };
    let second =
        desk.ledger.add_pledge(Pledge { version: 9, ..pledge(Some(500)) }, Some(once)).await.unwrap();
    assert_eq!((second.version, second.cap), (2, Some(cny(500))));
    let again = desk.ledger.add_pledge(pledge(Some(500)), Some(once)).await.unwrap();
    assert_eq!(again.version, 2, "a retry makes no third version");
    let differs = desk.ledger.add_pledge(pledge(None), Some(Once { content: [2; 32], ..once })).await;
    assert_eq!(differs, Err(LedgerRefused::Store(StoreError::ContentDiffers)));
    let to_nobody = desk.ledger.add_pledge(Pledge { parts: vec![], ..pledge(None) }, None).await;
    assert!(matches!(to_nobody, Err(LedgerRefused::OutOfBound(bound)) if bound.field == "parts"));
    let to_others = Pledge { parts: vec![part("books", 1)], ..pledge(None) };
    assert_eq!(desk.ledger.add_pledge(to_others, None).await, Err(LedgerRefused::OtherParts));
    assert_eq!(desk.ledger.newest_pledge(PLEDGE).await.unwrap().unwrap().version, 2);
    let first = desk.ledger.pledge(desk.pledge.reference()).await.unwrap();
    assert_eq!(*first, desk.pledge, "a sale keeps the version it was made with");
    let unknown = PledgeRef { id: PLEDGE, version: 3 };
    assert_eq!(desk.ledger.pledge(unknown).await, Err(LedgerRefused::NoPledge));
}

#[tokio::test]
async fn trial_balance_is_zero_and_names_every_account() {
    let desk = Desk::new(None).await;
    let order = desk.paid(10_000).await;
    let (late, fee) =
        (desk.ledger.late(order.id, cny(700), NOW), desk.ledger.fee(order.id, &host(), cny(60), NOW));
    let back = desk.ledger.paid_back(order.id, cny(700), NOW);
    let entry = [late, fee, back].map(Write::Transfer).to_vec();
    desk.ledger.journal().commit(entry).await.unwrap();
    desk.assert_balanced();
    let balance: Vec<(String, i64)> =
        desk.ledger.trial_balance().into_iter().map(|it| (it.name, it.credits - it.debits)).collect();
    let expected = [
        ("buyer_clearing/sandbox".to_owned(), -10_000),
        (format!("charity_accrued/{PLEDGE}"), 250),
        ("host_payable/li".to_owned(), 9_690),
        ("platform_commission".to_owned(), 0),
        ("provider_fee/sandbox".to_owned(), 60),
        ("refund_payable".to_owned(), 0),
    ];
    assert_eq!(balance, expected);
}

#[tokio::test]
async fn claims_alive_at_once_never_pass_the_cap() {
    let desk = Desk::new(Some(1_000)).await;
    // 250 each: four fit.
    let order = desk.order(10_000);
    let alive: Vec<ClaimPostings> = (0..6).map(|_| desk.postings(&order)).collect();
    let given: Vec<i64> = alive.iter().map(|postings| postings.charity.minor).collect();
    assert_eq!(given, [250, 250, 250, 250, 0, 0]);
    // Nothing was committed: what was set aside for them is there again.
    drop(alive);
    assert_eq!(desk.postings(&order).charity, cny(250));
    for _ in 0..3 {
        desk.paid(12_000).await;
    }
    assert_eq!(desk.charity(), charity(900, 0, 0, 0));
    assert_eq!(desk.paid(12_000).await.charity_minor, 100, "the rest under the cap");
    let beyond = desk.paid(12_000).await;
    assert_eq!(beyond.charity_minor, 0);
    assert_eq!(desk.charity(), charity(1_000, 0, 0, 0));
    // A refund makes room under the cap.
    let first = desk.ledger.journal().order(OrderId(Uuid::from_u128(1_002))).await.unwrap().unwrap();
    assert_eq!(first.charity_minor, 300);
    desk.refund(&first, 12_000).await.unwrap();
    assert_eq!(desk.paid(12_000).await.charity_minor, 300);
    assert_eq!(desk.charity(), charity(1_300, 300, 0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn claims_of_many_threads_never_pass_the_cap() {
    let desk = std::sync::Arc::new(Desk::new(Some(2_000)).await);
    let claims: Vec<_> = (0..64)
        .map(|_| {
            let desk = std::sync::Arc::clone(&desk);
            tokio::spawn(async move {
                let paid = desk.paid(2_600).await; // 65 each
                let Charity { accrued, .. } = desk.charity();
                assert!(accrued <= 2_000, "{accrued}");
                paid.charity_minor
            })
        })
        .collect();
    let mut given = 0;
    for claim in claims {
        given += claim.await.unwrap();
    }
    assert_eq!(desk.charity().accrued, given);
    assert_eq!(given, 2_000, "the cap is reached as well as kept");
    assert_eq!(desk.charity(), charity(2_000, 0, 0, 0));
    desk.assert_balanced();
}

#[tokio::test]
async fn partial_refunds_close_to_zero() {
    let desk = Desk::new(None).await;
    let mut order = desk.paid(1_990).await; // accrues 49
    let mut reversed_before = 0;
    for (amount, kept) in [(333, 41), (1, 41), (999, 16), (600, 1), (57, 0)] {
        order = desk.refund(&order, amount).await.unwrap();
        assert_eq!(order.charity_minor, kept, "after {amount}");
        let Charity { accrued, reversed, .. } = desk.charity();
        assert_eq!((accrued, reversed), (49, 49 - kept));
        assert!(reversed >= reversed_before, "gross figures only grow");
        reversed_before = reversed;
        desk.assert_balanced();
    }
    assert_eq!(order.stage, Stage::Refunded);
    assert_eq!(desk.balance(&Account::HostPayable(host())), 0);
    assert_eq!(desk.balance(&Account::CharityAccrued(PLEDGE.into())), 0);
    assert_eq!(desk.balance(&Account::RefundPayable), 1_990);
    let more = desk.refund(&order, 1).await;
    assert_eq!(more, Err(RefundFailed::Refused(crate::model::order::OrderRefused::Refunded)));
}

#[tokio::test]
async fn refund_is_refused_beyond_what_was_paid_or_from_an_older_order() {
    let desk = Desk::new(None).await;
    let order = desk.paid(1_000).await;
    let refused = |left| {
        Err(RefundFailed::Refused(crate::model::order::OrderRefused::RefundTooLarge { left: cny(left) }))
    };
    assert_eq!(desk.refund(&order, 1_001).await, refused(1_000));
    let after = desk.refund(&order, 400).await.unwrap();
    assert_eq!(desk.refund(&after, 601).await, refused(600));
    assert_eq!(
        desk.refund(&order, 400).await,
        Err(RefundFailed::Store(StoreError::Stale)),
        "made from an older order"
    );
    assert_eq!(desk.balance(&Account::RefundPayable), 400);
    assert_eq!(desk.charity(), charity(25, 10, 0, 0));
}
