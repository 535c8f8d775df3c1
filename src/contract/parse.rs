//! Messages from outside as checked values. Ids and times that only the server decides are arguments.

use std::time::Duration;

use apricot_proto::v1;

use crate::model::money::MINOR_MAX;
use crate::model::order::ShipTo;
use crate::model::payment::Method;
use crate::model::product::picture_address;
use crate::model::room::{CARDS_MAX, ChatRules, RoomEdit};
use crate::model::run_sheet::RUN_SHEET_MAX;
use crate::model::{
    Currency, FlashSale, Money, Order, OrderId, OutOfBound, Pledge, PledgeBase, PledgeId, PledgePart,
    PledgeRef, Product, Room, RoomId, RoomState, Rounding, RunSheetItem, SaleId, SaleState, Share, Sku,
    Subject, Timestamp, bounded_text,
};
use crate::sale::{ShipStep, Wish};

pub mod registry;

/// Longer than a stream and its preparation.
const INVITATION_HOURS: u32 = 12;

/// An amount somebody pays: present and positive.
pub fn money(field: &'static str, message: Option<&v1::Money>) -> Result<Money, OutOfBound> {
    let wanted =
        || OutOfBound::new(field, format!("1..={MINOR_MAX} in minor units, with a currency such as CNY"));
    let message = message.ok_or_else(wanted)?;
    let currency: Currency = message.currency.parse().map_err(|_| wanted())?;
    Money::positive(field, message.minor, currency).map_err(|_| wanted())
}

pub fn wish(message: &v1::PlaceOrder) -> Result<Wish, OutOfBound> {
    if !(1..=Order::QUANTITY_MAX).contains(&message.quantity) {
        return Err(OutOfBound::new("quantity", format!("1..={}", Order::QUANTITY_MAX)));
    }
    Ok(Wish {
        order: message.order_id.parse()?,
        sale: message.sale_id.parse()?,
        quantity: message.quantity,
        wait: message.wait,
    })
}

/// REST has the order's id in the path too; it passes the path's id inside the message.
pub fn pay_order(message: &v1::PayOrder) -> Result<(OrderId, Method, ShipTo), OutOfBound> {
    let ship_to = message.ship_to.as_ref();
    let ship_to = ship_to.ok_or_else(|| OutOfBound::new("shipTo", "given: name, phone and address"))?;
    Ok((message.order_id.parse()?, method(message.method)?, self::ship_to(ship_to)?))
}

pub fn cancel_order(message: &v1::CancelOrder) -> Result<OrderId, OutOfBound> {
    message.order_id.parse()
}

pub fn method(number: i32) -> Result<Method, OutOfBound> {
    match v1::PaymentMethod::try_from(number) {
        Ok(v1::PaymentMethod::SandboxApprove) => Ok(Method::SandboxApprove),
        Ok(v1::PaymentMethod::SandboxDecline) => Ok(Method::SandboxDecline),
        Ok(v1::PaymentMethod::SandboxSlow) => Ok(Method::SandboxSlow),
        Ok(v1::PaymentMethod::Unspecified) | Err(_) => Err(OutOfBound::new(
            "method",
            "PAYMENT_METHOD_SANDBOX_APPROVE, PAYMENT_METHOD_SANDBOX_DECLINE or PAYMENT_METHOD_SANDBOX_SLOW",
        )),
    }
}

pub fn ship_to(message: &v1::ShipTo) -> Result<ShipTo, OutOfBound> {
    let v1::ShipTo { name, phone, address } = message.clone();
    ShipTo { name, phone, address }.check()
}

/// A new room in state scheduled, version 1. `spare` is the id when the message names none.
pub fn room(message: &v1::CreateRoom, host: Subject, spare: RoomId) -> Result<Room, OutOfBound> {
    let room = Room {
        place: bounded_text("place", &message.place, 0..=80)?,
        scheduled_at: time("scheduledAtMs", message.scheduled_at_ms)?,
        playback_url: message.playback_url.clone(),
        poster_url: message.poster_url.clone(),
        ..Room::new(
            if message.id.is_empty() { spare } else { message.id.parse()? },
            bounded_text("title", &message.title, 1..=80)?,
            host,
            bounded_text("hostName", &message.host_name, 1..=40)?,
        )
    };
    room.check()?;
    Ok(room)
}

pub fn room_edit(message: &v1::EditRoom) -> Result<RoomEdit, OutOfBound> {
    picture_address("playbackUrl", &message.playback_url)?;
    picture_address("posterUrl", &message.poster_url)?;
    Ok(RoomEdit {
        title: bounded_text("title", &message.title, 1..=80)?,
        host_name: bounded_text("hostName", &message.host_name, 1..=40)?,
        place: bounded_text("place", &message.place, 0..=80)?,
        scheduled_at: time("scheduledAtMs", message.scheduled_at_ms)?,
        playback_url: message.playback_url.clone(),
        poster_url: message.poster_url.clone(),
    })
}

/// Each product once.
pub fn run_sheet(message: &v1::PutRunSheet) -> Result<Vec<RunSheetItem>, OutOfBound> {
    if message.items.len() > RUN_SHEET_MAX {
        return Err(OutOfBound::new("items", format!("at most {RUN_SHEET_MAX} products")));
    }
    let mut items: Vec<RunSheetItem> = Vec::with_capacity(message.items.len());
    for (index, sent) in message.items.iter().enumerate() {
        let item = run_sheet_item(sent).map_err(|refused| refused.in_item("items", index))?;
        if items.iter().any(|known| known.sku == item.sku) {
            return Err(OutOfBound::new("sku", "each product once").in_item("items", index));
        }
        items.push(item);
    }
    Ok(items)
}

fn run_sheet_item(message: &v1::RunSheetItem) -> Result<RunSheetItem, OutOfBound> {
    let item = RunSheetItem {
        sku: message.sku.parse()?,
        price: message.price.as_ref().map(|price| money("price", Some(price))).transpose()?,
        stock: message.stock,
        limit_per_buyer: message.limit_per_buyer,
        hold_seconds: message.hold_seconds,
        duration_seconds: message.duration_seconds,
        pledge: if message.pledge_id.is_empty() { None } else { Some(message.pledge_id.parse()?) },
        note: bounded_text("note", &message.note, 0..=200)?,
    };
    item.check()?;
    Ok(item)
}

/// The moderator's name, and how long the link lasts.
pub fn invitation(message: &v1::InviteModerator) -> Result<(String, Duration), OutOfBound> {
    let hours = match message.hours {
        0 => INVITATION_HOURS,
        hours @ 1..=72 => hours,
        _ => return Err(OutOfBound::new("hours", "1..=72, or 0 for 12")),
    };
    Ok((bounded_text("name", &message.name, 1..=40)?, Duration::from_secs(u64::from(hours) * 3_600)))
}

pub fn room_state(number: i32) -> Result<RoomState, OutOfBound> {
    match v1::RoomState::try_from(number) {
        Ok(v1::RoomState::Scheduled) => Ok(RoomState::Scheduled),
        Ok(v1::RoomState::Rehearsal) => Ok(RoomState::Rehearsal),
        Ok(v1::RoomState::Live) => Ok(RoomState::Live),
        Ok(v1::RoomState::Paused) => Ok(RoomState::Paused),
        Ok(v1::RoomState::Ended) => Ok(RoomState::Ended),
        Ok(v1::RoomState::Unspecified) | Err(_) => Err(OutOfBound::new(
            "state",
            "ROOM_STATE_SCHEDULED, ROOM_STATE_REHEARSAL, ROOM_STATE_LIVE, ROOM_STATE_PAUSED or ROOM_STATE_ENDED",
        )),
    }
}

pub fn cards(message: &v1::PinCards) -> Result<Vec<Sku>, OutOfBound> {
    let wanted = || OutOfBound::new("skus", format!("at most {CARDS_MAX} different skus"));
    if message.skus.len() > CARDS_MAX {
        return Err(wanted());
    }
    let mut cards: Vec<Sku> = Vec::with_capacity(CARDS_MAX);
    for sku in &message.skus {
        let sku = sku.parse().map_err(|error: OutOfBound| OutOfBound::new("skus", error.bound))?;
        if cards.contains(&sku) {
            return Err(wanted());
        }
        cards.push(sku);
    }
    Ok(cards)
}

/// Words are trimmed and kept once.
pub fn chat_rules(message: &v1::ChatRules) -> Result<ChatRules, OutOfBound> {
    let mut blocked_words: Vec<String> = Vec::new();
    // Checked before the loop too, since the loop compares each word with those before it.
    if message.blocked_words.len() > 200 {
        return Err(OutOfBound::new("chatRules.blockedWords", "at most 200 words"));
    }
    for word in &message.blocked_words {
        let word = bounded_text("chatRules.blockedWords", word, 1..=40)?;
        if !blocked_words.contains(&word) {
            blocked_words.push(word);
        }
    }
    let rules = ChatRules { slow_mode_seconds: message.slow_mode_seconds, blocked_words };
    rules.check()?;
    Ok(rules)
}

pub fn product(message: &v1::CreateProduct, host: Subject) -> Result<Product, OutOfBound> {
    let product = Product {
        sku: message.sku.parse()?,
        host,
        title: bounded_text("title", &message.title, 1..=80)?,
        unit: bounded_text("unit", &message.unit, 1..=60)?,
        image_url: message.image_url.clone(),
        origin: bounded_text("origin", &message.origin, 0..=80)?,
        price: money("price", message.price.as_ref())?,
        on_hand: message.on_hand,
        category: bounded_text("category", &message.category, 1..=30)?,
    };
    product.check()?;
    Ok(product)
}

/// A new sale in state scheduled, version 1. `pledge` is the version that `pledgeId` stands for now, looked up by the caller.
pub fn sale(
    message: &v1::CreateSale,
    id: SaleId,
    room: RoomId,
    default_hold: Duration,
    pledge: Option<PledgeRef>,
) -> Result<FlashSale, OutOfBound> {
    let hold_for = match message.hold_seconds {
        0 => default_hold,
        seconds => Duration::from_secs(seconds.into()),
    };
    let sale = FlashSale {
        id,
        room,
        sku: message.sku.parse()?,
        price: money("price", message.price.as_ref())?,
        stock: message.stock,
        limit_per_buyer: message.limit_per_buyer,
        hold_for,
        duration: Duration::from_secs(message.duration_seconds.into()),
        opens_at: time("opensAtMs", message.opens_at_ms)?,
        state: SaleState::Scheduled,
        pledge,
        version: 1,
    };
    sale.check()?;
    Ok(sale)
}

/// `None`: no charity label.
pub fn pledge_id(message: &v1::CreateSale) -> Result<Option<PledgeId>, OutOfBound> {
    if message.pledge_id.is_empty() { Ok(None) } else { message.pledge_id.parse().map(Some) }
}

/// `id` and `version` are the server's: a new id and 1, or the named pledge and the version after its newest.
/// `parts` are read from the register.
pub fn pledge(
    message: &v1::Pledge,
    id: PledgeId,
    version: u32,
    host: Subject,
    parts: Vec<PledgePart>,
) -> Result<Pledge, OutOfBound> {
    let base = match v1::PledgeBase::try_from(message.base) {
        Ok(v1::PledgeBase::PaidPrice) => PledgeBase::PaidPrice(Share::ppm(message.share_ppm)?),
        Ok(v1::PledgeBase::PerUnit) => PledgeBase::PerUnit(money("perUnit", message.per_unit.as_ref())?),
        Ok(v1::PledgeBase::Unspecified) | Err(_) => {
            return Err(OutOfBound::new("base", "PLEDGE_BASE_PAID_PRICE or PLEDGE_BASE_PER_UNIT"));
        }
    };
    let cap = message.cap.as_ref().map(|cap| money("cap", Some(cap))).transpose()?;
    let pledge = Pledge {
        id,
        version,
        host,
        parts,
        base,
        cap,
        starts_at: time("startsAtMs", message.starts_at_ms)?,
        ends_at: time("endsAtMs", message.ends_at_ms)?,
        rounding: rounding(message.rounding)?,
        agreement_sha256: message.agreement_sha256.to_ascii_lowercase(),
    };
    pledge.check()?;
    Ok(pledge)
}

pub fn rounding(number: i32) -> Result<Rounding, OutOfBound> {
    match v1::Rounding::try_from(number) {
        Ok(v1::Rounding::Down) => Ok(Rounding::Down),
        Ok(v1::Rounding::HalfEven) => Ok(Rounding::HalfEven),
        Ok(v1::Rounding::Up) => Ok(Rounding::Up),
        Ok(v1::Rounding::Unspecified) | Err(_) => {
            Err(OutOfBound::new("rounding", "ROUNDING_DOWN, ROUNDING_HALF_EVEN or ROUNDING_UP"))
        }
    }
}

/// `None` for the amount: all that is not yet refunded.
pub fn refund(message: &v1::RefundOrder) -> Result<(Option<Money>, String), OutOfBound> {
    let amount = message.amount.as_ref().map(|amount| money("amount", Some(amount))).transpose()?;
    Ok((amount, bounded_text("reason", &message.reason, 1..=200)?))
}

pub fn ship_step(message: &v1::ShipOrder) -> Result<ShipStep, OutOfBound> {
    match v1::OrderState::try_from(message.state) {
        Ok(v1::OrderState::Packed) => Ok(ShipStep::Pack),
        Ok(v1::OrderState::Shipped) => Ok(ShipStep::Ship {
            carrier: bounded_text("carrier", &message.carrier, 1..=60)?,
            tracking_number: bounded_text("trackingNumber", &message.tracking_number, 1..=60)?,
        }),
        Ok(v1::OrderState::Delivered) => Ok(ShipStep::Deliver),
        Ok(v1::OrderState::Confirmed) => Ok(ShipStep::Confirm),
        Ok(_) | Err(_) => Err(OutOfBound::new(
            "state",
            "ORDER_STATE_PACKED, ORDER_STATE_SHIPPED, ORDER_STATE_DELIVERED or ORDER_STATE_CONFIRMED",
        )),
    }
}

/// "": CNY.
pub fn currency(field: &'static str, text: &str) -> Result<Currency, OutOfBound> {
    if text.is_empty() {
        return Ok(Currency::CNY);
    }
    text.parse().map_err(|_| OutOfBound::new(field, "three letters of ISO 4217, such as CNY"))
}

/// Unix milliseconds; 0 is "not given", and a negative time is a mistake.
pub(super) fn time(field: &'static str, millis: i64) -> Result<Option<Timestamp>, OutOfBound> {
    // The year 9999: later ones are a client's microseconds or worse.
    const MILLIS_MAX: i64 = 253_402_300_799_999;
    if (0..=MILLIS_MAX).contains(&millis) {
        return Ok(Timestamp::from_contract(millis));
    }
    Err(OutOfBound::new(field, "Unix milliseconds, or 0 for none"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract;
    use proptest::prelude::*;

    const ID: &str = "0190a000-0000-7000-8000-000000000001";

    fn cny(minor: i64) -> Option<v1::Money> {
        Some(v1::Money { minor, currency: "CNY".into() })
    }

    fn field<T: std::fmt::Debug>(result: Result<T, OutOfBound>) -> std::borrow::Cow<'static, str> {
        result.expect_err("must be refused").field
    }

    #[test]
    fn a_refusal_names_the_field_as_the_contract_spells_it() {
        let wish = |order_id: &str, sale_id: &str, quantity| {
            super::wish(&v1::PlaceOrder {
                order_id: order_id.into(),
                sale_id: sale_id.into(),
                quantity,
                wait: false,
            })
        };
        assert_eq!(field(wish("x", ID, 1)), "orderId");
        assert_eq!(field(wish(ID, "", 1)), "saleId");
        assert_eq!(field(wish(ID, ID, 0)), "quantity");
        assert_eq!(field(wish(ID, ID, 100)), "quantity");
        assert_eq!(wish(ID, ID, 99).map(|wish| wish.quantity), Ok(99));
        assert_eq!(field(money("price", None)), "price");
        assert_eq!(field(money("price", cny(0).as_ref())), "price");
        assert_eq!(field(room_state(0)), "state");
        assert_eq!(field(room_state(77)), "state");
        let paying = v1::PayOrder { order_id: ID.into(), method: 1, ship_to: None };
        assert_eq!(field(pay_order(&paying)), "shipTo");
        let four = v1::PinCards { skus: ["a", "b", "c", "d"].map(str::to_owned).to_vec() };
        assert_eq!(field(cards(&four)), "skus");
        let items =
            |items: Vec<v1::RunSheetItem>| super::run_sheet(&v1::PutRunSheet { items, room_version: 0 });
        let item = |sku: &str| v1::RunSheetItem { sku: sku.into(), ..Default::default() };
        assert_eq!(items(vec![item("a"), item("b")]).map(|items| items.len()), Ok(2));
        assert_eq!(field(items(vec![item("a"), item("")])), "items[1].sku");
        assert_eq!(field(items(vec![item("a"), item("a")])), "items[1].sku");
        assert_eq!(field(items(vec![v1::RunSheetItem { price: cny(0), ..item("a") }])), "items[0].price");
        assert_eq!(
            field(items(vec![v1::RunSheetItem { hold_seconds: 5, ..item("a") }])),
            "items[0].holdSeconds"
        );
        assert_eq!(
            field(items(vec![v1::RunSheetItem { pledge_id: "x".into(), ..item("a") }])),
            "items[0].pledgeId"
        );
        assert_eq!(
            field(items(vec![v1::RunSheetItem { note: "x".repeat(201), ..item("a") }])),
            "items[0].note"
        );
        assert_eq!(field(items((0..=RUN_SHEET_MAX).map(|n| item(&n.to_string())).collect())), "items");
        let invite = |hours| super::invitation(&v1::InviteModerator { name: "Mo".into(), hours });
        assert_eq!(invite(0), Ok(("Mo".into(), Duration::from_secs(12 * 3_600))));
        assert_eq!(field(invite(73)), "hours");
        let twice = v1::PinCards { skus: ["a", "a"].map(str::to_owned).to_vec() };
        assert_eq!(field(cards(&twice)), "skus");
    }

    #[test]
    fn every_enum_survives_the_way_out_and_in() {
        use RoomState::*;
        for state in [Scheduled, Rehearsal, Live, Paused, Ended] {
            assert_eq!(room_state(contract::room_state(state).into()), Ok(state));
        }
        for method in [Method::SandboxApprove, Method::SandboxDecline, Method::SandboxSlow] {
            assert_eq!(super::method(contract::method(method).into()), Ok(method));
        }
        for rounding in [Rounding::Down, Rounding::HalfEven, Rounding::Up] {
            assert_eq!(super::rounding(contract::rounding(rounding).into()), Ok(rounding));
        }
    }

    proptest! {
        #[test]
        fn a_pledge_survives_the_way_out_and_in(
            ppm in 1..=1_000_000u32, unit in 1..=MINOR_MAX, per_unit in any::<bool>(), cap in prop::option::of(1..=MINOR_MAX),
            starts in 0..1_000i64, lasts in 1..1_000i64,
        ) {
            let message = v1::Pledge {
                id: ID.into(),
                version: 3,
                host_id: "li".into(),
                parts: vec![v1::PledgePart {
                    project_id: "school-meals".into(),
                    title: "School meals".into(),
                    charity_name: "A foundation".into(),
                    charity_registration: "53100000".into(),
                    weight: 1,
                }],
                base: if per_unit { v1::PledgeBase::PerUnit } else { v1::PledgeBase::PaidPrice }.into(),
                share_ppm: if per_unit { 0 } else { ppm },
                per_unit: per_unit.then(|| cny(unit)).flatten(),
                cap: cap.and_then(cny),
                starts_at_ms: starts,
                ends_at_ms: starts + lasts,
                rounding: v1::Rounding::HalfEven.into(),
                agreement_sha256: "0a".repeat(32),
                leaves: Vec::new(),
            };
            let parts = vec![PledgePart {
                project: "school-meals".into(),
                title: "School meals".into(),
                charity_name: "A foundation".into(),
                charity_registration: "53100000".into(),
                weight: 1,
            }];
            let parsed = pledge(&message, ID.parse().unwrap(), 3, "li".parse().unwrap(), parts);
            prop_assert_eq!(parsed.map(|pledge| contract::pledge(&pledge)), Ok(message));
        }
    }
}
