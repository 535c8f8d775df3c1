//! People, rooms and readers for this layer's tests.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use apricot_proto::v1::{self, publication::Body};
use bytes::Bytes;
use prost::Message;
use tokio::sync::mpsc;

use super::{Hub, Limits};
use crate::ledger::{CommissionRules, Ledger};
use crate::model::{
    Caller, Currency, FlashSale, Money, Order, Product, Role, Room, RoomState, SaleState, Share, Stage,
    Timestamp,
};
use crate::sale::{OrderView, SaleRules, SaleStock, SaleView, Sales};
use crate::store::{Broker, Inventory, Journal};

pub const NOW: Timestamp = Timestamp(1_790_000_000_000);

pub fn caller(name: &str, role: Role) -> Caller {
    Caller {
        subject: name.parse().expect("a subject"),
        name: name.to_owned(),
        role,
        room: None,
        county: None,
    }
}

pub fn host() -> Caller {
    caller("li", Role::Host)
}

pub fn viewer(name: &str) -> Caller {
    caller(name, Role::Viewer)
}

pub fn room(state: RoomState) -> Room {
    Room {
        place: "Gansu".into(),
        state,
        moderators: vec!["mo".parse().expect("a subject")],
        ..Room::new("orchard".parse().expect("an id"), "Apricots", host().subject, "Li")
    }
}

/// A record in a folder of its own, and a hub that reads it. Reopening gives a new life on the same record.
pub struct Scene {
    pub hub: Hub,
    journal: Journal,
    limits: Limits,
    pub folder: tempfile::TempDir,
}

impl Scene {
    pub async fn new(limits: Limits) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        Self::open(folder, limits).await
    }

    async fn open(folder: tempfile::TempDir, limits: Limits) -> Self {
        let journal = Journal::open(&folder.path().join("record.db"), 1, NOW).expect("a record");
        let share = Share::ppm(50_000).expect("in bounds");
        let ledger =
            Ledger::new(journal.clone(), CommissionRules { by_category: HashMap::new(), other: share });
        let rules = SaleRules {
            waiting_list_max: 10,
            offer_for: Duration::from_secs(60),
            auto_confirm_after: Duration::from_secs(86_400),
        };
        let (news, outbox) = (mpsc::channel(64).0, mpsc::channel(64).0);
        let sales = Sales::new(ledger, Inventory::default(), rules, news, outbox);
        let hub = Hub::open(journal.clone(), sales, Broker::Local, limits, || 7).await.expect("a hub");
        Self { hub, journal, limits, folder }
    }

    pub async fn reopened(self) -> Self {
        let Self { hub, journal, limits, folder } = self;
        hub.drain().await;
        drop(hub);
        journal.close().await;
        Self::open(folder, limits).await
    }

    pub async fn with_live_room(limits: Limits) -> Self {
        let scene = Self::new(limits).await;
        let hub = &scene.hub;
        hub.create_room(room(RoomState::Scheduled), &host(), None, NOW).await.expect("a room");
        let id = room(RoomState::Live).id;
        hub.change_state(&id, RoomState::Live, String::new(), &host(), None, NOW).await.expect("live");
        scene
    }
}

/// A paid order in the room.
pub fn order_view(buyer: &Caller) -> OrderView {
    let order = Order {
        id: "0190a000-0000-7000-8000-000000000001".parse().expect("an id"),
        sale: "0190a000-0000-7000-8000-000000000002".parse().expect("an id"),
        room: room(RoomState::Live).id,
        sku: "box".parse().expect("a sku"),
        buyer: buyer.subject.clone(),
        quantity: 1,
        unit_price: Money::new(100, Currency::CNY),
        wait: false,
        stage: Stage::Paid,
        hold: 1,
        placed_at: NOW,
        paid_at: Some(NOW),
        refunded_minor: 0,
        charity_minor: 0,
        version: 2,
    };
    OrderView { order, title: "A box".into(), waiting_place: 0, payment: None, ship_to: None, revision: 1 }
}

/// An open sale in the room.
pub fn sale_view(version: u64) -> SaleView {
    let price = Money::new(100, Currency::CNY);
    let product = Product {
        sku: "box".parse().expect("a sku"),
        host: host().subject,
        title: "A box".into(),
        unit: "5 kg".into(),
        image_url: String::new(),
        origin: "Gansu".into(),
        price,
        on_hand: 0,
        category: "fruit".into(),
    };
    let sale = FlashSale {
        id: "0190a000-0000-7000-8000-000000000002".parse().expect("an id"),
        room: room(RoomState::Live).id,
        sku: product.sku.clone(),
        price,
        stock: 10,
        limit_per_buyer: 2,
        hold_for: Duration::from_secs(60),
        duration: Duration::from_secs(60),
        opens_at: None,
        state: SaleState::Open { closes_at: NOW + Duration::from_secs(60) },
        pledge: None,
        version,
    };
    let stock = SaleStock { sale: sale.id, left: 10, held: 0, sold: 0, waiting: 0 };
    SaleView { sale, product, pledge: None, stock }
}

pub fn read(bytes: Option<Bytes>) -> Vec<Body> {
    let batch = v1::Batch::decode(bytes.unwrap_or_default()).expect("a batch");
    batch.publications.into_iter().map(|publication| publication.body.expect("a body")).collect()
}

/// The only publication, which must be the snapshot.
pub fn joined(bytes: Bytes) -> v1::Joined {
    match read(Some(bytes)).as_slice() {
        [Body::Joined(joined)] => joined.clone(),
        other => panic!("{other:?}"),
    }
}

pub fn texts(bodies: &[Body]) -> Vec<String> {
    let text = |body: &Body| match body {
        Body::Chat(line) => Some(line.text.clone()),
        _ => None,
    };
    bodies.iter().filter_map(text).collect()
}

pub fn outlet() -> Arc<super::outlet::Outlet> {
    Arc::new(super::outlet::Outlet::new(super::Format::Proto))
}
