//! Sets the scene over the contract alone: a product, a pledge, a room that is live, and a sale that waits.

use std::time::{Duration, Instant};

use apricot_proto::v1;
use tokio::time::sleep;
use uuid::Uuid;

use crate::{
    contract::{Answer, Rest},
    failure::Failure,
};

/// What was set up.
#[derive(Clone)]
pub struct Stage {
    pub room: String,
    pub sale: Uuid,
    /// As the server writes it.
    pub sale_id: String,
    pub pledge: Uuid,
    pub stock: u32,
    pub limit_per_buyer: u32,
    pub hold_seconds: u32,
    pub host: Rest,
    pub ops: Rest,
}

/// 25.90 yuan and 2.5 %: the share of one unit is 64.75 fen, so that rounding matters.
const PRICE_MINOR: i64 = 2_590;
const SHARE_PPM: u32 = 25_000;
const CURRENCY: &str = "CNY";
const CHARITY: &str = "53100000500000000X";
/// Of 64 fen, two to one: what does not divide matters too.
const PROJECTS: [(&str, u32); 2] = [("rush-meals", 2), ("rush-books", 1)];
/// How long after its hold a late payment comes.
const LATE_BY_MS: u32 = 1_500;
/// Longer than any run.
const SALE_SECONDS: u32 = 86_400;

#[derive(Debug, Clone, Copy)]
pub struct Wanted {
    pub stock: u32,
    pub limit_per_buyer: u32,
    pub hold_seconds: u32,
    /// A sponsor doubles what is given.
    pub matches: bool,
    /// The pledge ends before the stock does.
    pub capped: bool,
}

pub async fn set(host: Rest, ops: Rest, wanted: Wanted) -> Result<Stage, Failure> {
    let run = Uuid::now_v7().simple().to_string();
    let name = format!("rush-{}", &run[20..]);
    let key = |step: &str| format!("{step}-{run}");
    let money = |minor| Some(v1::Money { minor, currency: CURRENCY.into() });

    let product = v1::CreateProduct {
        sku: name.clone(),
        title: "Apricots, sun-dried".into(),
        unit: "box of 12, 2.5 kg".into(),
        origin: "the load test's orchard".into(),
        price: money(PRICE_MINOR + 400),
        on_hand: wanted.stock,
        category: "farm".into(),
        ..Default::default()
    };
    host.post::<_, v1::Product>("/v1/products", &product, Some(&key("product")))
        .await
        .required("creating the product")?;

    let charity = v1::PutCharity { name: "A foundation for the load test".into(), ..Default::default() };
    ops.put::<_, v1::Charity>(&format!("/v1/charities/{CHARITY}"), &charity, Some(&key("charity")))
        .await
        .required("registering the charity")?;
    let parts = PROJECTS.map(|(project, weight)| v1::PledgePart {
        project_id: project.into(),
        weight,
        ..Default::default()
    });
    for (project, _) in PROJECTS {
        let wanted = v1::PutProject { charity: CHARITY.into(), title: project.into(), ..Default::default() };
        ops.put::<_, v1::Project>(&format!("/v1/projects/{project}"), &wanted, Some(&key(project)))
            .await
            .required("registering a project")?;
    }
    let pledge = v1::CreatePledge {
        pledge: Some(v1::Pledge {
            parts: parts.to_vec(),
            cap: if wanted.capped { money(gifts_minor(wanted.stock) * 3 / 4) } else { None },
            base: v1::PledgeBase::PaidPrice as i32,
            share_ppm: SHARE_PPM,
            rounding: v1::Rounding::Down as i32,
            agreement_sha256: "ab".repeat(32),
            ..Default::default()
        }),
    };
    let pledge: v1::Pledge =
        host.post("/v1/pledges", &pledge, Some(&key("pledge"))).await.required("creating the pledge")?;

    if wanted.matches {
        sponsor(&ops, wanted.stock, &key("pool")).await?;
    }

    let room = open_room(&host, &name, &run).await?;

    let sale = v1::CreateSale {
        sku: name,
        price: money(PRICE_MINOR),
        stock: wanted.stock,
        limit_per_buyer: wanted.limit_per_buyer,
        hold_seconds: wanted.hold_seconds,
        duration_seconds: SALE_SECONDS,
        pledge_id: pledge.id.clone(),
        ..Default::default()
    };
    let sale: v1::FlashSale = host
        .post(&format!("/v1/rooms/{room}/sales"), &sale, Some(&key("sale")))
        .await
        .required("creating the sale")?;

    Ok(Stage {
        room,
        sale: id("the sale's id", &sale.id)?,
        sale_id: sale.id,
        pledge: id("the pledge's id", &pledge.id)?,
        stock: wanted.stock,
        limit_per_buyer: wanted.limit_per_buyer,
        hold_seconds: wanted.hold_seconds,
        host,
        ops,
    })
}

/// What the whole stock gives, a unit in each order.
fn gifts_minor(stock: u32) -> i64 {
    PRICE_MINOR * i64::from(SHARE_PPM) / 1_000_000 * i64::from(stock)
}

/// Doubles gifts until half of what the whole stock gives is matched.
async fn sponsor(ops: &Rest, stock: u32, key: &str) -> Result<(), Failure> {
    let doubled = v1::MatchRatio { ppm: 1_000_000 };
    let pool = v1::CreatePool {
        sponsor: "A sponsor of the load test".into(),
        currency: CURRENCY.into(),
        terms: Some(v1::PoolTerms {
            buyer_minute_limit: 1_000,
            rule: Some(v1::pool_terms::Rule::Ratio(doubled)),
            ..Default::default()
        }),
        slots: vec![v1::NewSlot {
            opens_at_ms: 0,
            closes_at_ms: super::unix_ms() + i64::from(SALE_SECONDS) * 1_000,
            budget_minor: gifts_minor(stock) / 2,
        }],
    };
    ops.post::<_, v1::MatchPool>("/v1/pools", &pool, Some(key)).await.required("making the pool").map(drop)
}

/// A room that is live.
pub async fn open_room(host: &Rest, name: &str, run: &str) -> Result<String, Failure> {
    let room = v1::CreateRoom {
        id: name.into(),
        title: "Load test".into(),
        host_name: "The load test".into(),
        place: "Memory".into(),
        ..Default::default()
    };
    let room: v1::Room =
        host.post("/v1/rooms", &room, Some(&format!("room-{run}"))).await.required("creating the room")?;
    let live = v1::ChangeRoomState { state: v1::RoomState::Live as i32, ..Default::default() };
    let path = format!("/v1/rooms/{}/state", room.id);
    host.post::<_, v1::Room>(&path, &live, Some(&format!("live-{run}"))).await.required("going live")?;
    Ok(room.id)
}

/// News go from node to node at once; a message that was lost is made up for within a second or two.
const KNOWN_WITHIN: Duration = Duration::from_secs(10);
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Until every node shows the room as live.
pub async fn until_room_known(rest: &Rest, room: &str) -> Result<(), Failure> {
    for node in 0..rest.nodes() {
        let began = Instant::now();
        loop {
            let answer: Answer<v1::Room> = rest.at(node).get(&format!("/v1/rooms/{room}")).await;
            match answer {
                Answer::Ok(room) if room.state() == v1::RoomState::Live => break,
                _ if began.elapsed() < KNOWN_WITHIN => sleep(LOOK_EVERY).await,
                Answer::Ok(room) => return Err(Failure::off_contract("a room at every node", room.state())),
                other => return other.required("reading the room at every node").map(drop),
            }
        }
    }
    Ok(())
}

impl Stage {
    pub async fn until_known_everywhere(&self) -> Result<(), Failure> {
        until_room_known(&self.host, &self.room).await?;
        for node in 0..self.host.nodes() {
            let began = Instant::now();
            let path = format!("/v1/sales/{}", self.sale);
            loop {
                match self.host.at(node).get::<v1::FlashSale>(&path).await {
                    Answer::Ok(_) => break,
                    _ if began.elapsed() < KNOWN_WITHIN => sleep(LOOK_EVERY).await,
                    other => return other.required("reading the sale at every node").map(drop),
                }
            }
        }
        Ok(())
    }

    pub async fn open_sale(&self) -> Result<(), Failure> {
        let path = format!("/v1/sales/{}/open", self.sale);
        let none = serde_json::json!({});
        let key = format!("open-{}", self.sale);
        let answer = self.host.post::<_, v1::FlashSale>(&path, &none, Some(&key)).await;
        let sale = answer.required("opening the sale")?;
        match sale.state() {
            v1::SaleState::Open => Ok(()),
            other => Err(Failure::off_contract("opening the sale", other)),
        }
    }

    /// A provider that sends webhooks twice, late, out of order, and loses first tries.
    pub async fn unsettle_provider(&self) -> Result<(), Failure> {
        let knobs = v1::SandboxKnobs {
            delay_ms: 20,
            duplicate_ppm: 150_000,
            reorder_ppm: 100_000,
            lost_ppm: 30_000,
            slow_ms: self.hold_seconds * 1_000 + LATE_BY_MS,
            reason: "rush".into(),
        };
        self.turn_knobs(&knobs).await
    }

    pub async fn turn_knobs(&self, knobs: &v1::SandboxKnobs) -> Result<(), Failure> {
        // Each turn is a wish of its own, also after a restart.
        let key = format!("knobs-{}", Uuid::now_v7().simple());
        let answer = self.ops.put_patiently::<_, v1::SandboxKnobs>("/sandbox/v1/knobs", knobs, &key).await;
        answer.required("turning the sandbox's knobs").map(drop)
    }

    pub async fn read_sale(&self) -> Result<v1::FlashSale, Failure> {
        let path = format!("/v1/sales/{}", self.sale);
        self.host.get_patiently(&path).await.required("reading the sale")
    }

    pub async fn read_total(&self) -> Result<v1::CharityTotal, Failure> {
        let path = format!("/v1/pledges/{}/total", self.pledge);
        self.host.get_patiently(&path).await.required("reading the charity total")
    }

    pub async fn read_trial_balance(&self) -> Result<v1::TrialBalance, Failure> {
        self.ops.get_patiently("/v1/ledger/trial-balance").await.required("reading the trial balance")
    }
}

fn id(what: &str, text: &str) -> Result<Uuid, Failure> {
    text.parse().map_err(|_| Failure::off_contract(what, text))
}
