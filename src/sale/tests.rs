//! The sale layer on a real record, gate and ledger. The clock is moved by hand; the provider is the test itself, which reads the
//! tasks that it is asked and tells what it likes, as often as it likes.

use std::sync::Mutex;

use tempfile::TempDir;
use uuid::Uuid;

use super::*;
use crate::clock::Clock;
use crate::ledger::CommissionRules;
use crate::model::payment::{Method, ProviderEvent, ProviderNews};
use crate::model::{
    CloseReason, Currency, PledgeBase, PledgeId, PledgePart, RefundId, Room, RoomState, Rounding, Share,
    Subject, Timestamp,
};
use crate::store::Write;
use crate::store::journal::{Once, open_reader};

mod beside;
mod buying;
mod closing;
mod moving;
mod nodes;
mod pausing;
mod paying;
mod restarting;
mod restocking;
mod schedule;
mod shared;
mod sponsored;
mod sweeping;

const START: Timestamp = Timestamp(1_800_000_000_000);
const HOLD: Duration = Duration::from_secs(60);
const OPEN_FOR: Duration = Duration::from_secs(600);
const OFFER: Duration = Duration::from_secs(30);
const DAY: Duration = Duration::from_secs(86_400);
const WAITING_MAX: usize = 3;
const ON_HAND: u32 = 100;
const PRICE: i64 = 2_000;
/// 2.5 % of the price.
const SHARE: i64 = 50;

struct Shop {
    folder: TempDir,
    clock: Clock,
    sales: Sales,
    news: Mutex<mpsc::Receiver<News>>,
    tasks: Mutex<mpsc::Receiver<Task>>,
    sale: SaleId,
}

impl Shop {
    /// One open sale with `stock` units at 20 yuan.
    async fn open(stock: u32, limit: u32) -> Self {
        let shop = Self::scheduled(stock, limit, None).await;
        shop.sales.open_sale(shop.sale, shop.now()).await.unwrap();
        shop
    }

    async fn scheduled(stock: u32, limit: u32, opens_at: Option<Timestamp>) -> Self {
        Self::scheduled_at(Inventory::default(), stock, limit, opens_at).await
    }

    async fn scheduled_at(gate: Inventory, stock: u32, limit: u32, opens_at: Option<Timestamp>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let shop = Self::at_gate(gate, folder, Clock::manual(START), SaleId(Uuid::from_u128(1)));
        shop.stocked(stock, limit, opens_at).await
    }

    /// With a room, a product, a pledge and a sale.
    async fn stocked(mut self, stock: u32, limit: u32, opens_at: Option<Timestamp>) -> Self {
        self.sales.0.journal.commit(vec![Write::Room(Box::new(room()))]).await.unwrap();
        self.sales.create_product(product(), None).await.unwrap();
        self.sales.ledger().add_pledge(pledge(), None).await.unwrap();
        self.sale = self.add_sale(1, stock, limit, opens_at).await;
        self
    }

    async fn add_sale(&self, n: u128, stock: u32, limit: u32, opens_at: Option<Timestamp>) -> SaleId {
        let sale =
            FlashSale { id: SaleId(Uuid::from_u128(n)), stock, limit_per_buyer: limit, opens_at, ..sale() };
        self.sales.create_sale(sale, None, self.now()).await.unwrap().sale.id
    }

    fn on(folder: TempDir, clock: Clock, sale: SaleId) -> Self {
        Self::at_gate(Inventory::default(), folder, clock, sale)
    }

    fn at_gate(gate: Inventory, folder: TempDir, clock: Clock, sale: SaleId) -> Self {
        let journal = Journal::open(&folder.path().join("record.db"), 42, clock.now()).unwrap();
        Self::at(journal, gate, folder, clock, sale)
    }

    fn at(journal: Journal, gate: Inventory, folder: TempDir, clock: Clock, sale: SaleId) -> Self {
        let share = |ppm| Share::ppm(ppm).unwrap();
        let commission =
            CommissionRules { by_category: [("farm".into(), share(0))].into(), other: share(50_000) };
        let ledger = Ledger::new(journal, commission);
        let rules =
            SaleRules { waiting_list_max: WAITING_MAX, offer_for: OFFER, auto_confirm_after: 10 * DAY };
        let (news, told) = mpsc::channel(NEWS_MAX);
        let (outbox, tasks) = mpsc::channel(outbox::OUTBOX_MAX);
        let sales = Sales::new(ledger, gate, rules, news, outbox);
        Self { folder, clock, sales, news: Mutex::new(told), tasks: Mutex::new(tasks), sale }
    }

    /// Everything in memory is dropped; the record stays.
    async fn restarted(self) -> Self {
        let Self { folder, clock, sales, news, tasks, sale } = self;
        sales.settle().await;
        let journal = sales.0.journal.clone();
        drop((sales, news, tasks));
        journal.close().await;
        let shop = Self::on(folder, clock, sale);
        shop.sales.load().await.unwrap();
        shop
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn pass(&self, by: Duration) {
        self.clock.advance(by);
    }

    async fn sweep(&self) {
        self.sales.sweep(Keeping::Alone, self.now()).await;
    }

    async fn place(&self, who: &str, quantity: u32) -> Result<Placed, Refusal> {
        self.sales.place(&buyer(who), self.wish(who, quantity, false), self.now()).await
    }

    async fn wait(&self, who: &str, quantity: u32) -> Result<Placed, Refusal> {
        self.sales.place(&buyer(who), self.wish(who, quantity, true), self.now()).await
    }

    fn wish(&self, who: &str, quantity: u32, wait: bool) -> Wish {
        Wish { order: order(who), sale: self.sale, quantity, wait }
    }

    async fn pay(&self, who: &str) -> Result<OrderView, Refusal> {
        let ship_to = ShipTo {
            name: "Lin".into(),
            phone: "+86 138-0000-0000".into(),
            address: "1 Orchard Road".into(),
        };
        self.sales.pay(&buyer(who), order(who), Method::SandboxApprove, ship_to, self.now()).await
    }

    async fn cancel(&self, who: &str) -> Result<OrderView, Refusal> {
        self.sales.cancel(&buyer(who), order(who), self.now()).await
    }

    async fn close(&self) -> Result<SaleView, Refusal> {
        self.sales.close_sale(self.sale, String::new(), &buyer("lin"), self.now()).await
    }

    async fn payment(&self, who: &str) -> PaymentId {
        self.sales.payment_of(order(who)).await.unwrap()
    }

    async fn tell(&self, id: &str, news: ProviderNews) -> Result<(), Refusal> {
        self.sales.on_provider_event(ProviderEvent { id: id.into(), news }, self.now()).await
    }

    /// The provider says yes to the newest payment of an order, under an event id made from it.
    async fn authorise(&self, who: &str) -> Result<(), Refusal> {
        let payment = self.payment(who).await;
        self.tell(&format!("auth-{payment}"), ProviderNews::Authorised { payment }).await
    }

    async fn decline(&self, who: &str) -> Result<(), Refusal> {
        let payment = self.payment(who).await;
        let news = ProviderNews::Declined { payment, reason: "no funds".into() };
        self.tell(&format!("no-{payment}"), news).await
    }

    /// Placed and paid.
    async fn bought(&self, who: &str, quantity: u32) {
        self.place(who, quantity).await.unwrap();
        self.pay(who).await.unwrap();
        self.authorise(who).await.unwrap();
        assert_eq!(self.stage(who).await, "paid");
    }

    async fn view(&self, who: &str) -> OrderView {
        self.sales.order(order(who)).await.unwrap().unwrap()
    }

    async fn stage(&self, who: &str) -> &'static str {
        self.view(who).await.order.stage.name()
    }

    async fn payment_state(&self, who: &str) -> &'static str {
        self.view(who).await.payment.map_or("none", |state| state.name())
    }

    /// Left, held, sold, waiting.
    fn stock(&self) -> [u32; 4] {
        let SaleStock { left, held, sold, waiting, .. } = self.sales.view(self.sale).unwrap().stock;
        [left, held, sold, waiting]
    }

    /// What the provider was asked since the last look.
    fn asked(&self) -> Vec<Task> {
        let mut tasks = self.tasks.lock().unwrap();
        std::iter::from_fn(|| tasks.try_recv().ok()).collect()
    }

    /// What was told since the last look: `sale open 3` or `ann held`.
    fn told(&self) -> Vec<String> {
        let mut news = self.news.lock().unwrap();
        let told = std::iter::from_fn(|| news.try_recv().ok());
        told.map(|news| match news {
            News::Sale(view) => {
                let state = match view.sale.state {
                    SaleState::Scheduled => "scheduled",
                    SaleState::Open { .. } => "open",
                    SaleState::Paused { .. } => "paused",
                    SaleState::Closed { .. } => "closed",
                };
                format!("sale {state} {}", view.stock.left)
            }
            News::Order(view) => format!("{} {}", view.order.buyer, view.order.stage.name()),
        })
        .collect()
    }

    /// A number of the record, read with plain SQL beside everything else.
    fn sql(&self, sql: &str) -> i64 {
        let reader = open_reader(&self.folder.path().join("record.db")).unwrap();
        reader.query_row(sql, [], |row| row.get(0)).unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    fn on_hand(&self) -> i64 {
        self.sql("SELECT on_hand FROM products")
    }

    fn balance(&self, account: &str) -> i64 {
        self.sql(&format!("SELECT coalesce(sum(t.credits - t.debits), 0) FROM totals t JOIN accounts a ON a.id = t.account WHERE a.name LIKE '{account}%'"))
    }

    /// Rules that hold whatever happened, as an auditor checks them.
    fn audit(&self) {
        let now = self.now().millis();
        let none = |rule: &str, sql: &str| {
            assert_eq!(self.sql(&format!("SELECT count(*) FROM ({sql})")), 0, "{rule}")
        };
        none("sold + held <= stock", "SELECT 1 FROM lots WHERE sold + held > stock");
        none(
            "a lot counts its holds",
            "SELECT 1 FROM lots l WHERE
               held <> (SELECT coalesce(sum(quantity), 0) FROM holds h WHERE h.sale = l.sale AND outcome IS NULL)
            OR sold <> (SELECT coalesce(sum(quantity), 0) FROM holds h WHERE h.sale = l.sale AND outcome = 'claimed')",
        );
        none(
            "a closed lot keeps no units for nobody",
            "SELECT 1 FROM lots l JOIN sales s ON s.id = l.sale WHERE s.state = 'closed' AND stock <> held + sold",
        );
        none(
            "every unit is with the product or in a lot",
            &format!(
                "SELECT 1 FROM products WHERE on_hand + (SELECT coalesce(sum(stock), 0) FROM lots) <> {ON_HAND}"
            ),
        );
        none(
            "one claim for an order",
            "SELECT 1 FROM holds WHERE outcome = 'claimed' GROUP BY order_id HAVING count(*) > 1",
        );
        none(
            "one open hold for an order",
            "SELECT 1 FROM holds WHERE outcome IS NULL GROUP BY order_id HAVING count(*) > 1",
        );
        none(
            "an order in stage held has an open hold, and no other has",
            "SELECT 1 FROM orders o WHERE (stage = 'held') <> EXISTS
               (SELECT 1 FROM holds h WHERE h.order_id = o.id AND h.hold = o.hold AND outcome IS NULL AND expires_at = o.held_until)",
        );
        none(
            "an order is paid when its hold was claimed",
            "SELECT 1 FROM orders o WHERE (paid_at IS NOT NULL) <> EXISTS
               (SELECT 1 FROM holds h WHERE h.order_id = o.id AND outcome = 'claimed')",
        );
        none(
            "the trial balance is zero",
            "SELECT 1 FROM (SELECT sum(debits) AS debits, sum(credits) AS credits FROM totals) WHERE debits <> credits",
        );
        none(
            "totals are the sum of the lines",
            "SELECT 1 FROM totals t WHERE debits <> (SELECT coalesce(sum(amount), 0) FROM transfers x WHERE x.debit = t.account AND x.code = t.code)
                OR credits <> (SELECT coalesce(sum(amount), 0) FROM transfers x WHERE x.credit = t.account AND x.code = t.code)",
        );
        let line = |code: i64| {
            format!(
                "(SELECT coalesce(sum(amount), 0) FROM transfers t WHERE t.order_id = o.id AND t.code = {code})"
            )
        };
        let [sale, accrue, reverse, refund, late] = [1, 3, 4, 8, 9].map(line);
        none(
            "an order's lines sum as its stage says",
            &format!(
                "SELECT 1 FROM orders o WHERE
                    {sale} <> iif(paid_at IS NULL, 0, quantity * unit_price)
                 OR {accrue} - {reverse} <> charity OR {refund} <> refunded
                 OR {late} <> (SELECT coalesce(sum(amount), 0) FROM payments p WHERE p.order_id = o.id AND state IN ('refunding', 'refunded'))"
            ),
        );
        none(
            "nobody is beyond the limit",
            &format!(
                "SELECT 1 FROM orders o JOIN sales s ON s.id = o.sale
                 WHERE stage NOT IN ('released', 'expired') AND NOT (stage = 'held' AND held_until <= {now})
                 GROUP BY buyer, s.id HAVING sum(quantity) > limit_per_buyer"
            ),
        );
        none(
            "nobody waits for a closed sale",
            "SELECT 1 FROM orders o JOIN sales s ON s.id = o.sale WHERE stage = 'waiting' AND s.state = 'closed'",
        );
    }
}

/// The letters name the buyer, the whole word the order: `ann` and `ann2` are two orders of ann.
fn order(word: &str) -> OrderId {
    let bytes = word.bytes().fold(0_u128, |id, byte| id << 8 | u128::from(byte));
    OrderId(Uuid::from_u128(bytes | 0x0190_a000_0000 << 80))
}

fn buyer(word: &str) -> Subject {
    word.trim_end_matches(|c: char| c.is_ascii_digit()).parse().unwrap()
}

fn cny(minor: i64) -> Money {
    Money::new(minor, Currency::CNY)
}

fn host() -> Subject {
    "li".parse().unwrap()
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
        price: cny(PRICE),
        on_hand: ON_HAND,
        category: "farm".into(),
    }
}

fn pledge() -> Pledge {
    Pledge {
        id: PledgeId(Uuid::from_u128(77)),
        version: 1,
        host: host(),
        parts: vec![PledgePart {
            project: "school-meals".into(),
            title: "School meals".into(),
            charity_name: "A foundation".into(),
            charity_registration: "53100000".into(),
            weight: 1,
        }],
        base: PledgeBase::PaidPrice(Share::ppm(25_000).unwrap()),
        cap: None,
        starts_at: None,
        ends_at: None,
        rounding: Rounding::Down,
        agreement_sha256: "0".repeat(64),
    }
}

fn sale() -> FlashSale {
    FlashSale {
        id: SaleId(Uuid::from_u128(1)),
        room: room().id,
        sku: product().sku,
        price: cny(PRICE),
        stock: 1,
        limit_per_buyer: 1,
        hold_for: HOLD,
        duration: OPEN_FOR,
        opens_at: None,
        state: SaleState::Scheduled,
        pledge: Some(pledge().reference()),
        version: 1,
    }
}
