//! Things to sell.

use std::time::Duration;

use apricot::model::{Currency, FlashSale, Money, Product, SaleId, SaleState, Timestamp};
use apricot::sale::{SaleStock, SaleView};

use super::stage::{host, id};

pub const SALE: &str = "0190a000-0000-7000-8000-0000000000ff";

pub fn product() -> Product {
    Product {
        sku: "box".parse().expect("a sku"),
        host: host().subject,
        title: "Apricots".into(),
        unit: "box of 12".into(),
        image_url: format!("/{}", "a".repeat(480)),
        origin: "Gansu".into(),
        price: Money::new(2_000, Currency::CNY),
        on_hand: 100,
        category: "farm".into(),
    }
}

pub fn sale() -> FlashSale {
    FlashSale {
        id: SALE.parse().expect("an id"),
        room: id(),
        sku: product().sku,
        price: Money::new(1_000, Currency::CNY),
        stock: 2,
        limit_per_buyer: 2,
        hold_for: Duration::from_secs(60),
        duration: Duration::from_secs(600),
        opens_at: None,
        state: SaleState::Scheduled,
        pledge: None,
        version: 1,
    }
}

/// `number` stands in `stock.sold`, so that a reader can tell them apart.
pub fn view(number: u32, now: Timestamp) -> SaleView {
    let sale_id: SaleId = SALE.parse().expect("an id");
    let sale = sale().open(now).expect("opens");
    let stock = SaleStock { sale: sale_id, left: 1, held: 0, sold: number, waiting: 0 };
    SaleView { sale, product: product(), pledge: None, stock }
}
