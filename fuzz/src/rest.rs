//! Request bodies: canonical protobuf JSON, then the checks of the contract.

use std::fmt::Debug;
use std::time::Duration;

use apricot::contract::{self, parse, pool};
use apricot::model::room::Sanction;
use apricot::model::{
    BankTransfer, PledgeBase, PledgeId, PledgePart, PoolId, PoolSeed, PoolSlot, ProjectId, RoomId, SaleId,
    Subject, Timestamp, bounded_text,
};
use apricot::room::Moderation;
use apricot::room::moderation::Act;
use apricot::sale::ShipStep;
use apricot::sandbox::Knobs;
use apricot::wire::rest::{BODY_BYTES_MAX, Body};
use apricot_proto::v1;
use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderValue, header};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{settled, well_refused, well_said};

const ID: &str = "0190a000-0000-7000-8000-000000000001";

/// What routes take; `tests/decoders.rs` compares it with the table of routes.
pub const MESSAGES: [&str; 30] = [
    "CreateRoom",
    "EditRoom",
    "ChangeRoomState",
    "PutRunSheet",
    "PinCards",
    "CreateNotice",
    "AppointModerator",
    "InviteModerator",
    "Moderation",
    "CreateSale",
    "CloseSale",
    "PauseSale",
    "ResumeSale",
    "CreateProduct",
    "ChangeStock",
    "CreatePledge",
    "ProposeRemittance",
    "TransferRemittance",
    "WithdrawRemittance",
    "PutCharity",
    "PutProject",
    "CreateReport",
    "CreatePool",
    "FreezePool",
    "PlaceOrder",
    "PayOrder",
    "RefundOrder",
    "ShipOrder",
    "DrainNode",
    "SandboxKnobs",
];

/// A body as each message: what is right for one is wrong for the others.
pub fn rest(data: &[u8]) {
    if data.len() > BODY_BYTES_MAX {
        return;
    }
    let body = Bytes::copy_from_slice(data);
    rooms(&body);
    goods(&body);
    registry(&body);
    pools(&body);
    orders(&body);
}

fn rooms(body: &Bytes) {
    if let Some(message) = read::<v1::CreateRoom>(body) {
        let spare: RoomId = "spare".parse().expect("an id");
        settled(parse::room(&message, host(), spare.clone()), |room| {
            let written = contract::room(room, &[], true);
            let v1::Room { id, title, host_name, place, scheduled_at_ms, playback_url, poster_url, .. } =
                written;
            let message =
                v1::CreateRoom { id, title, host_name, place, scheduled_at_ms, playback_url, poster_url };
            parse::room(&message, host(), spare.clone())
        });
    }
    if let Some(message) = read::<v1::ChangeRoomState>(body) {
        settled(parse::room_state(message.state), |state| {
            parse::room_state(contract::room_state(*state).into())
        });
    }
    if let Some(message) = read::<v1::PinCards>(body) {
        settled(parse::cards(&message), |cards| {
            parse::cards(&v1::PinCards { skus: cards.iter().map(ToString::to_string).collect() })
        });
    }
    if let Some(message) = read::<v1::EditRoom>(body) {
        settled(parse::room_edit(&message), |edit| {
            parse::room_edit(&v1::EditRoom {
                title: edit.title.clone(),
                host_name: edit.host_name.clone(),
                place: edit.place.clone(),
                scheduled_at_ms: edit.scheduled_at.map_or(0, |at| at.millis()),
                playback_url: edit.playback_url.clone(),
                poster_url: edit.poster_url.clone(),
            })
        });
    }
    if let Some(message) = read::<v1::PutRunSheet>(body) {
        settled(parse::run_sheet(&message), |items| {
            let items = items.iter().map(contract::run_sheet_item).collect();
            parse::run_sheet(&v1::PutRunSheet { items, room_version: message.room_version })
        });
    }
    if let Some(message) = read::<v1::InviteModerator>(body) {
        settled(parse::invitation(&message), |(name, lasts)| {
            let hours = u32::try_from(lasts.as_secs() / 3_600).expect("in bounds");
            parse::invitation(&v1::InviteModerator { name: name.clone(), hours })
        });
    }
    read::<v1::CreateNotice>(body);
    if let Some(message) = read::<v1::AppointModerator>(body) {
        settled(message.subject.parse::<Subject>(), |subject| subject.as_str().parse());
    }
    if let Some(message) = read::<v1::Moderation>(body) {
        moderation(&message);
    }
    if let Some(message) = read::<v1::CreateSale>(body) {
        settled(parse::pledge_id(&message), |id| {
            let pledge_id = id.map(|id| id.to_string()).unwrap_or_default();
            parse::pledge_id(&v1::CreateSale { pledge_id, ..message.clone() })
        });
        sale(&message);
    }
    read::<v1::CloseSale>(body);
    read::<v1::PauseSale>(body);
    read::<v1::ResumeSale>(body);
    read::<v1::DrainNode>(body);
}

fn goods(body: &Bytes) {
    if let Some(message) = read::<v1::CreateProduct>(body) {
        settled(parse::product(&message, host()), |product| {
            let v1::Product { sku, title, unit, image_url, origin, price, on_hand, category, .. } =
                contract::product(product);
            let message = v1::CreateProduct { sku, title, unit, image_url, origin, price, on_hand, category };
            parse::product(&message, host())
        });
    }
    read::<v1::ChangeStock>(body);
    if let Some(v1::CreatePledge { pledge: Some(message) }) = read(body) {
        let id: PledgeId = ID.parse().expect("an id");
        settled(parse::pledge(&message, id, 1, host(), registered(&message)), |pledge| {
            let written = contract::pledge(pledge);
            assert_eq!(matches!(pledge.base, PledgeBase::PerUnit(_)), written.per_unit.is_some());
            parse::pledge(&written, id, 1, host(), registered(&written))
        });
    }
    if let Some(message) = read::<v1::ProposeRemittance>(body) {
        settled(parse::currency("currency", &message.currency), |currency| {
            parse::currency("currency", currency.as_str())
        });
    }
    if let Some(message) = read::<v1::TransferRemittance>(body) {
        settled(BankTransfer::parse(&message.reference, &message.proof_sha256), |transfer| {
            BankTransfer::parse(&transfer.reference, &transfer.proof_sha256)
        });
    }
    read::<v1::WithdrawRemittance>(body);
}

/// As if the register had every project that is named.
fn registered(message: &v1::Pledge) -> Vec<PledgePart> {
    let part = |part: &v1::PledgePart| PledgePart {
        project: part.project_id.clone(),
        title: "School meals".into(),
        charity_name: "A foundation".into(),
        charity_registration: "53100000".into(),
        weight: part.weight.max(1),
    };
    message.parts.iter().map(part).collect()
}

fn registry(body: &Bytes) {
    if let Some(message) = read::<v1::PutCharity>(body) {
        settled(parse::registry::charity(&message, "53100000X"), |charity| {
            let v1::Charity { registration, name, qualification, platform, platform_url, .. } =
                contract::registry::charity(charity);
            let again = v1::PutCharity { name, qualification, platform, platform_url, version: 0 };
            parse::registry::charity(&again, &registration)
        });
    }
    let id: ProjectId = "school-lunches".parse().expect("an id");
    if let Some(message) = read::<v1::PutProject>(body) {
        let parsed =
            |message: &v1::PutProject| parse::registry::project(message, id.clone(), super::socket::NOW);
        settled(parsed(&message), |project| {
            let v1::Project { charity, title, summary, target, place, record_number, give_url, .. } =
                contract::registry::project(project);
            parsed(&v1::PutProject {
                charity,
                title,
                summary,
                target,
                place,
                record_number,
                give_url,
                disclose_every_days: project.disclose_every_days,
                started_at_ms: project.started_at.millis(),
                ended_at_ms: project.ended_at.map_or(0, |at| at.millis()),
                version: 0,
            })
        });
    }
    if let Some(message) = read::<v1::CreateReport>(body) {
        let report_id = ID.parse::<PledgeId>().expect("an id").0;
        let parsed = |message: &v1::CreateReport| {
            parse::registry::report(message, report_id, id.clone(), super::socket::NOW)
        };
        settled(parsed(&message), |report| {
            let v1::ProgressReport { title, text, document_sha256, .. } = contract::registry::report(report);
            parsed(&v1::CreateReport { title, text, document_sha256 })
        });
    }
}

fn pools(body: &Bytes) {
    if let Some(message) = read::<v1::CreatePool>(body) {
        let id: PoolId = ID.parse().expect("an id");
        let parsed =
            |message: &v1::CreatePool| pool::parse_pool(message, id, || PoolSeed([1; 32]), Timestamp(1));
        settled(parsed(&message), |pool| {
            let slot = |slot: &PoolSlot| v1::NewSlot {
                opens_at_ms: slot.opens_at.millis(),
                closes_at_ms: slot.closes_at.millis(),
                budget_minor: slot.budget,
            };
            parsed(&v1::CreatePool {
                sponsor: pool.sponsor.clone(),
                currency: pool.currency.as_str().to_owned(),
                terms: Some(pool::terms(&pool.terms)),
                slots: pool.slots.iter().map(slot).collect(),
            })
        });
    }
    if let Some(message) = read::<v1::FreezePool>(body) {
        settled(bounded_text("reason", &message.reason, 1..=200), |reason| {
            bounded_text("reason", reason, 1..=200)
        });
    }
}

fn orders(body: &Bytes) {
    if let Some(message) = read::<v1::PlaceOrder>(body) {
        settled(parse::wish(&message), |wish| {
            let (order_id, sale_id) = (wish.order.to_string(), wish.sale.to_string());
            parse::wish(&v1::PlaceOrder { order_id, sale_id, quantity: wish.quantity, wait: wish.wait })
        });
    }
    if let Some(message) = read::<v1::PayOrder>(body) {
        // REST has the order's id in the path.
        for message in [v1::PayOrder { order_id: ID.into(), ..message.clone() }, message] {
            settled(parse::pay_order(&message), |(order, method, ship_to)| {
                let ship_to = Some(contract::ship_to(ship_to));
                let method = contract::method(*method).into();
                parse::pay_order(&v1::PayOrder { order_id: order.to_string(), method, ship_to })
            });
        }
    }
    if let Some(message) = read::<v1::RefundOrder>(body) {
        settled(parse::refund(&message), |(amount, reason)| {
            parse::refund(&v1::RefundOrder { amount: amount.map(contract::money), reason: reason.clone() })
        });
    }
    if let Some(message) = read::<v1::ShipOrder>(body) {
        settled(parse::ship_step(&message), |step| parse::ship_step(&shipping(step)));
    }
    if let Some(message) = read::<v1::SandboxKnobs>(body) {
        let v1::SandboxKnobs { delay_ms, duplicate_ppm, reorder_ppm, lost_ppm, slow_ms, reason: _ } = message;
        settled(Knobs { delay_ms, duplicate_ppm, reorder_ppm, lost_ppm, slow_ms }.checked(), |k| k.checked());
    }
}

/// A message that survives JSON and protobuf, or a problem that says what is wrong.
fn read<M>(body: &Bytes) -> Option<M>
where
    M: Body + prost::Message + Default + Serialize + DeserializeOwned + PartialEq + Debug,
{
    let headers: HeaderMap =
        [(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))].into_iter().collect();
    let message = <M as Body>::decode(&headers, body).inspect_err(well_said).ok()?;
    let json = Bytes::from(serde_json::to_vec(&message).expect("what was read has names"));
    assert_eq!(<M as Body>::decode(&headers, &json).as_ref(), Ok(&message));
    assert_eq!(<M as prost::Message>::decode(message.encode_to_vec().as_slice()).as_ref(), Ok(&message));
    Some(message)
}

pub fn moderation(message: &v1::Moderation) {
    match Moderation::parse(message) {
        Err(refused) => well_refused(refused),
        Ok(Moderation { act, reason }) => {
            assert!(reason.chars().count() <= 200);
            match act {
                Act::ChatRules(rules) => {
                    settled(Ok(rules), |rules| parse::chat_rules(&contract::chat_rules(rules, true)));
                }
                Act::Mute { lasts, .. } => {
                    let now = super::socket::NOW;
                    assert!(Sanction::Muted { until: now + lasts } != Sanction::Muted { until: now });
                }
                Act::DeleteLine { line } | Act::PinLine { line } => assert!(!line.is_empty()),
                Act::Ban { .. } | Act::Pardon { .. } | Act::UnpinLine => {}
            }
        }
    }
}

fn sale(message: &v1::CreateSale) {
    let (id, room): (SaleId, RoomId) = (ID.parse().expect("an id"), "orchard".parse().expect("an id"));
    let parsed =
        |message: &v1::CreateSale| parse::sale(message, id, room.clone(), Duration::from_secs(120), None);
    settled(parsed(message), |sale| {
        let seconds = |duration: Duration| u32::try_from(duration.as_secs()).expect("in bounds");
        parsed(&v1::CreateSale {
            sku: sale.sku.to_string(),
            price: Some(contract::money(sale.price)),
            stock: sale.stock,
            limit_per_buyer: sale.limit_per_buyer,
            hold_seconds: seconds(sale.hold_for),
            opens_at_ms: sale.opens_at.map_or(0, |at| at.millis()),
            duration_seconds: seconds(sale.duration),
            pledge_id: String::new(),
            open_now: message.open_now,
        })
    });
}

fn shipping(step: &ShipStep) -> v1::ShipOrder {
    let (state, carrier, tracking_number) = match step.clone() {
        ShipStep::Pack => (v1::OrderState::Packed, String::new(), String::new()),
        ShipStep::Ship { carrier, tracking_number } => (v1::OrderState::Shipped, carrier, tracking_number),
        ShipStep::Deliver => (v1::OrderState::Delivered, String::new(), String::new()),
        ShipStep::Confirm => (v1::OrderState::Confirmed, String::new(), String::new()),
    };
    v1::ShipOrder { state: state.into(), carrier, tracking_number }
}

fn host() -> Subject {
    "li".parse().expect("a subject")
}
