//! What the demo sells, and the host who sells it.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::room;
use crate::app::Running;
use crate::clock::Clock;
use crate::model::{
    Caller, CloseReason, Currency, FlashSale, Money, Pledge, PledgeBase, PledgeId, PledgeRef, Product, Room,
    RoomState, Rounding, SaleId, SaleState, Share, Sku,
};
use crate::sale::{Refusal, Sales};

struct Good {
    sku: &'static str,
    title: &'static str,
    unit: &'static str,
    image_url: &'static str,
    price: i64,
    flash_price: i64,
    stock: u32,
}

const GOODS: [Good; 4] = [
    Good {
        sku: "apricot-2500g",
        title: "树上黄杏 Tree-ripe apricots",
        unit: "2.5 kg 一箱 · box of 30",
        image_url: "",
        price: 5_990,
        flash_price: 3_990,
        stock: 40,
    },
    Good {
        sku: "apricot-dried-500g",
        title: "无硫杏干 Sun-dried apricots",
        unit: "500 g 一袋 · bag",
        image_url: "",
        price: 3_580,
        flash_price: 2_480,
        stock: 60,
    },
    Good {
        sku: "walnut-1kg",
        title: "薄皮核桃 Thin-shell walnuts",
        unit: "1 kg 一袋 · bag",
        image_url: "",
        price: 4_680,
        flash_price: 3_280,
        stock: 50,
    },
    Good {
        sku: "honey-500g",
        title: "杏花蜜 Apricot blossom honey",
        unit: "500 g 一瓶 · jar",
        image_url: "",
        price: 8_800,
        flash_price: 6_800,
        stock: 24,
    },
];

const BETWEEN_SALES: Duration = Duration::from_secs(20);
const LOOK_EVERY: Duration = Duration::from_secs(2);

pub async fn prepare(running: &Running, host: &Caller, clock: &Clock) -> Result<(), String> {
    let now = clock.now();
    if running.hub.view(&room(), host).is_ok() {
        return Ok(());
    }
    for good in &GOODS {
        let product = Product {
            sku: sku(good),
            host: host.subject.clone(),
            title: good.title.into(),
            unit: good.unit.into(),
            image_url: good.image_url.into(),
            origin: "新疆 轮台 · Luntai, Xinjiang".into(),
            price: yuan(good.price),
            on_hand: 5_000,
            category: "farm".into(),
        };
        running.sales.create_product(product, None).await.map_err(|error| error.to_string())?;
    }
    let pledge = Pledge {
        id: PledgeId(clock.new_id()),
        version: 1,
        host: host.subject.clone(),
        project: "山村小学午餐 Village school lunches (demo)".into(),
        charity_name: "示例基金会 Example Foundation".into(),
        charity_registration: "53100000DEMO00001X".into(),
        base: PledgeBase::PaidPrice(Share::ppm(50_000).expect("5 % is a share")),
        cap: None,
        starts_at: None,
        ends_at: None,
        rounding: Rounding::Down,
        // Of the sentence in docs/demo-agreement.txt.
        agreement_sha256: hex(include_bytes!("../../docs/demo-agreement.txt")),
    };
    let pledge =
        running.sales.ledger().add_pledge(pledge, None).await.map_err(|error| error.to_string())?.reference();
    let record = Room {
        place: "新疆 轮台 · Luntai, Xinjiang".into(),
        scheduled_at: Some(now),
        ..Room::new(
            room(),
            "杏子谷今早采的杏 · Apricots picked this morning",
            host.subject.clone(),
            host.name.clone(),
        )
    };
    let set_up = async {
        running.hub.create_room(record, host, None, now).await?;
        let cards = GOODS.iter().take(3).map(sku).collect();
        running.hub.pin_cards(&room(), cards, host, None, now).await?;
        running.hub.change_state(&room(), RoomState::Live, host, None, now).await
    };
    set_up.await.map_err(|error| error.to_string())?;
    open_next(&running.sales, Some(pledge), clock).await.map_err(|error| error.to_string())
}

/// When a sale is over, the next product's turn comes.
pub async fn keep_selling(sales: Sales, _host: Caller, clock: Clock, stop: CancellationToken) {
    loop {
        if !pause(LOOK_EVERY, &stop).await {
            return;
        }
        let views = sales.views(&room());
        if views.iter().any(|view| !matches!(view.sale.state, SaleState::Closed { .. })) {
            continue;
        }
        if !pause(BETWEEN_SALES, &stop).await {
            return;
        }
        let pledge = views.iter().find_map(|view| view.sale.pledge);
        if let Err(error) = open_next(&sales, pledge, &clock).await {
            tracing::warn!(%error, "the demo's next sale did not open");
        }
    }
}

async fn open_next(sales: &Sales, pledge: Option<PledgeRef>, clock: &Clock) -> Result<(), Refusal> {
    let now = clock.now();
    let turn = sales.views(&room()).len() % GOODS.len();
    let good = &GOODS[turn];
    let sale = FlashSale {
        id: SaleId(clock.new_id()),
        room: room(),
        sku: sku(good),
        price: yuan(good.flash_price),
        stock: good.stock,
        limit_per_buyer: 5,
        hold_for: Duration::from_secs(120),
        duration: Duration::from_secs(15 * 60),
        opens_at: None,
        state: SaleState::Scheduled,
        pledge,
        version: 1,
    };
    let id = sale.id;
    sales.create_sale(sale, None, now).await?;
    sales.open_sale(id, clock.now()).await?;
    tracing::debug!(sale = %id, sku = good.sku, close = ?CloseReason::Time, "the demo opened a sale");
    Ok(())
}

/// False: it is time to stop.
pub async fn pause(time: Duration, stop: &CancellationToken) -> bool {
    tokio::select! {
        () = stop.cancelled() => false,
        () = tokio::time::sleep(time) => true,
    }
}

fn sku(good: &Good) -> Sku {
    good.sku.parse().expect("a sku within bounds")
}

fn yuan(minor: i64) -> Money {
    Money::new(minor, Currency::CNY)
}

fn hex(document: &[u8]) -> String {
    use sha2::Digest;
    sha2::Sha256::digest(document).iter().map(|byte| format!("{byte:02x}")).collect()
}
