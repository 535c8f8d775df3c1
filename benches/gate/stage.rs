//! What every measurement stands on: one open sale, and the orders of its buyers.

use std::time::Duration;

use apricot::clock::Clock;
use apricot::ledger::{CommissionRules, Ledger};
use apricot::model::{
    self, Currency, FlashSale, Money, Order, OrderId, Pledge, PledgeBase, PledgePart, Product, Room,
    RoomState, Rounding, SaleId, SaleState, Share, Subject, Timestamp,
};
use apricot::sale::outbox::OUTBOX_MAX;
use apricot::sale::{NEWS_MAX, News, SaleRules, Sales, Wish};
use apricot::store::journal::Task;
use apricot::store::{Inventory, Journal, Write};
use tokio::sync::mpsc;

/// A record with a room, a product, a pledge and an open sale of all its units.
pub struct Stage {
    pub ledger: Ledger,
    pub sales: Sales,
    pub sale: FlashSale,
}

impl Stage {
    pub async fn new(journal: Journal, orders: u32) -> Self {
        let now = Clock::System.now();
        let share = |ppm| Share::ppm(ppm).expect("in bounds");
        let commission =
            CommissionRules { by_category: [("farm".to_owned(), share(0))].into(), other: share(50_000) };
        let ledger = Ledger::new(journal.clone(), commission);
        let rules = SaleRules {
            waiting_list_max: 500,
            offer_for: Duration::from_secs(60),
            auto_confirm_after: Duration::from_secs(864_000),
        };
        let (news, mut told) = mpsc::channel::<News>(NEWS_MAX);
        let (outbox, mut tasks) = mpsc::channel::<Task>(OUTBOX_MAX);
        let sales = Sales::new(ledger.clone(), Inventory::default(), rules, news, outbox);
        tokio::spawn(async move { while told.recv().await.is_some() {} });
        tokio::spawn(async move { while tasks.recv().await.is_some() {} });
        let sale = set_up(&journal, &ledger, &sales, orders, now).await;
        Self { ledger, sales, sale }
    }
}

pub fn placed(sale: &FlashSale, n: u32, now: Timestamp) -> Order {
    Order {
        id: order(n),
        sale: sale.id,
        room: sale.room.clone(),
        sku: sale.sku.clone(),
        buyer: buyer(n),
        quantity: 1,
        unit_price: sale.price,
        wait: false,
        stage: model::Stage::Held { until: now + sale.hold_for, offered: false },
        hold: 1,
        placed_at: now,
        paid_at: None,
        refunded_minor: 0,
        charity_minor: 0,
        version: 1,
    }
}

async fn set_up(journal: &Journal, ledger: &Ledger, sales: &Sales, stock: u32, now: Timestamp) -> FlashSale {
    let host: Subject = "host".parse().expect("a subject");
    let price = Money::new(1_990, Currency::CNY);
    let room = Room {
        state: RoomState::Live,
        live_at: Some(now),
        ..Room::new("bench".parse().expect("an id"), "Bench", host.clone(), "Host")
    };
    let product = Product {
        sku: "apricots".parse().expect("a sku"),
        host: host.clone(),
        title: "Apricots".into(),
        unit: "box".into(),
        image_url: String::new(),
        origin: String::new(),
        price,
        on_hand: stock,
        category: "farm".into(),
    };
    let pledge = Pledge {
        id: apricot::model::PledgeId(Clock::System.new_id()),
        version: 1,
        host,
        parts: vec![PledgePart {
            project: "school-meals".into(),
            title: "School meals".into(),
            charity_name: "A foundation".into(),
            charity_registration: "53100000".into(),
            weight: 1,
        }],
        base: PledgeBase::PaidPrice(Share::ppm(25_000).expect("in bounds")),
        cap: None,
        starts_at: None,
        ends_at: None,
        rounding: Rounding::Down,
        agreement_sha256: "0".repeat(64),
    };
    let sale = FlashSale {
        id: SaleId(Clock::System.new_id()),
        room: room.id.clone(),
        sku: product.sku.clone(),
        price,
        stock,
        limit_per_buyer: 99,
        hold_for: Duration::from_secs(3_600),
        duration: Duration::from_secs(3_600),
        opens_at: None,
        state: SaleState::Scheduled,
        pledge: Some(pledge.reference()),
        version: 1,
    };
    journal.commit(vec![Write::Room(Box::new(room))]).await.expect("a room");
    sales.create_product(product, None).await.expect("a product");
    ledger.add_pledge(pledge, None).await.expect("a pledge");
    sales.create_sale(sale.clone(), None, now).await.expect("a sale");
    sales.open_sale(sale.id, now).await.expect("open");
    sale
}

pub fn buyer(n: u32) -> Subject {
    format!("buyer-{n}").parse().expect("a subject")
}

/// Ids that grow, as version 7 makes them.
pub fn order(n: u32) -> OrderId {
    OrderId(uuid::Uuid::from_u128(0x0190_a000_0000_7000_8000_0000_0000_0000 | u128::from(n) | 1 << 40))
}

pub fn wish(sale: SaleId, n: u32) -> Wish {
    Wish { order: order(n), sale, quantity: 1, wait: false }
}
