//! A stall of the demo is set up, and its host opens one sale after the other.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::stalls::{Good, Stall};
use super::{pause, sponsoring};
use crate::app::Running;
use crate::clock::Clock;
use crate::model::{
    Caller, CloseReason, Currency, FlashSale, Money, Pledge, PledgeBase, PledgeId, PledgePart, PledgeRef,
    Product, Room, RoomState, Rounding, RunSheetItem, SaleId, SaleState, Share, Sku,
};
use crate::sale::{Refusal, Sales};

const LIMIT_PER_BUYER: u32 = 5;
const DURATION: Duration = Duration::from_secs(15 * 60);
const BETWEEN_SALES: Duration = Duration::from_secs(20);
const LOOK_EVERY: Duration = Duration::from_secs(2);

pub async fn prepare(
    running: &Running,
    stall: &'static Stall,
    host: &Caller,
    clock: &Clock,
) -> Result<(), String> {
    let now = clock.now();
    if running.hub.view(&stall.room(), host).is_ok() {
        return Ok(());
    }
    for good in &stall.goods {
        let product = Product {
            sku: sku(good),
            host: host.subject.clone(),
            title: good.title.into(),
            unit: good.unit.into(),
            image_url: String::new(),
            origin: stall.place.into(),
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
        parts: vec![PledgePart {
            project: stall.project_id.into(),
            title: stall.project.into(),
            charity_name: stall.charity_name.into(),
            charity_registration: stall.charity_registration.into(),
            weight: 1,
        }],
        base: PledgeBase::PaidPrice(Share::ppm(50_000).expect("5 % is a share")),
        cap: None,
        starts_at: None,
        ends_at: None,
        rounding: Rounding::Down,
        agreement_sha256: agreement(),
    };
    let pledge =
        running.sales.ledger().add_pledge(pledge, None).await.map_err(|error| error.to_string())?.reference();
    let record = Room {
        place: stall.place.into(),
        scheduled_at: Some(now),
        ..Room::new(stall.room(), stall.title, host.subject.clone(), host.name.clone())
    };
    let set_up = async {
        running.hub.create_room(record, host, None, now).await?;
        let plan = stall.goods.iter().map(|good| planned(good, pledge.id)).collect();
        running.hub.put_run_sheet(&stall.room(), plan, 0, host, None, now).await?;
        let cards = stall.goods.iter().take(3).map(sku).collect();
        running.hub.pin_cards(&stall.room(), cards, host, None, now).await?;
        running.hub.change_state(&stall.room(), RoomState::Live, String::new(), host, None, now).await
    };
    set_up.await.map_err(|error| error.to_string())?;
    if let Some(sponsor) = stall.sponsor {
        sponsoring::prepare(running, stall.project_id, sponsor, clock).await?;
    }
    open_next(&running.sales, stall, Some(pledge), clock).await.map_err(|error| error.to_string())
}

/// When a sale is over, the next product's turn comes.
pub async fn keep_selling(sales: Sales, stall: &'static Stall, clock: Clock, stop: CancellationToken) {
    loop {
        if !pause(LOOK_EVERY, &stop).await {
            return;
        }
        let views = sales.views(&stall.room());
        if views.iter().any(|view| !matches!(view.sale.state, SaleState::Closed { .. })) {
            continue;
        }
        if !pause(BETWEEN_SALES, &stop).await {
            return;
        }
        let pledge = views.iter().find_map(|view| view.sale.pledge);
        if let Err(error) = open_next(&sales, stall, pledge, &clock).await {
            tracing::warn!(%error, "the demo's next sale did not open");
        }
    }
}

async fn open_next(
    sales: &Sales,
    stall: &Stall,
    pledge: Option<PledgeRef>,
    clock: &Clock,
) -> Result<(), Refusal> {
    let now = clock.now();
    let turn = sales.views(&stall.room()).len() % stall.goods.len();
    let good = &stall.goods[turn];
    let sale = FlashSale {
        id: SaleId(clock.new_id()),
        room: stall.room(),
        sku: sku(good),
        price: yuan(good.flash_price),
        stock: good.stock,
        limit_per_buyer: LIMIT_PER_BUYER,
        hold_for: Duration::from_secs(120),
        duration: DURATION,
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

fn planned(good: &Good, pledge: PledgeId) -> RunSheetItem {
    RunSheetItem {
        sku: sku(good),
        price: Some(yuan(good.flash_price)),
        stock: good.stock,
        limit_per_buyer: LIMIT_PER_BUYER,
        hold_seconds: 0,
        duration_seconds: u32::try_from(DURATION.as_secs()).expect("a quarter of an hour"),
        pledge: Some(pledge),
        note: good.note.into(),
    }
}

fn sku(good: &Good) -> Sku {
    good.sku.parse().expect("a sku within bounds")
}

fn yuan(minor: i64) -> Money {
    Money::new(minor, Currency::CNY)
}

/// SHA-256 of the sentence in docs/demo-agreement.txt, which stands for all papers of the demo.
pub fn agreement() -> String {
    hex(include_bytes!("../../docs/demo-agreement.txt"))
}

fn hex(document: &[u8]) -> String {
    use sha2::Digest;
    sha2::Sha256::digest(document).iter().map(|byte| format!("{byte:02x}")).collect()
}
