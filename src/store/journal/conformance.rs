//! Laws of the record. Each runs on SQLite and on PostgreSQL, on a real one of its own.

use std::time::Duration;

use uuid::Uuid;

use self::desk::{Desk, Engine};
use super::*;
use crate::model::order::{ShipTo, Stage};
use crate::model::payment::{Method, ProviderEvent, ProviderNews, Refund};
use crate::model::room::Sanction;
use crate::model::{
    Account, Code, Currency, FlashSale, Money, Order, OrderId, Payment, PaymentId, PaymentState, Pledge,
    PledgeBase, PledgeId, PledgePart, Product, RefundId, Room, Rounding, RunSheetItem, SaleId, SaleState,
    Share, Subject, Transfer,
};

/// Each law as a test on each engine.
macro_rules! laws {
    ($($law:ident),* $(,)?) => {
        mod sqlite {
            $(#[tokio::test]
            async fn $law() {
                super::$law(super::Engine::Sqlite).await;
            })*
        }
        mod postgres {
            $(#[tokio::test]
            async fn $law() {
                if let Some(engine) = super::Engine::postgres() {
                    super::$law(engine).await;
                }
            })*
        }
    };
}

mod alike;
mod audited;
mod desk;
mod entries;
mod figures;
mod holds;
mod leases;
mod log;
mod nodes;
mod pledges;
mod pools;
mod refusals;
mod registry;
mod settled;
mod survival;
mod totals;
mod versions;
mod watched;

const NOW: Timestamp = Timestamp(1_800_000_000_000);
const SALE: SaleId = SaleId(Uuid::from_u128(1));
const EPOCH: u64 = 42;

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
        parts: vec![PledgePart {
            project: "school-meals".into(),
            title: "School meals".into(),
            charity_name: "A foundation".into(),
            charity_registration: "53100000".into(),
            weight: 1,
        }],
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
