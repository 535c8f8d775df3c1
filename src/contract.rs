//! Values as messages of `proto/apricot/v1` (here) and messages as checked values (`parse`).
//!
//! A function here never fails: what the model holds can be said. A function in `parse` answers `OutOfBound` with the field as the
//! contract spells it, so that REST and the socket refuse with the same words.

use apricot_proto::v1;

use crate::ledger::CharityTotal;
use crate::model::order::{Parcel, ShipTo};
use crate::model::payment::Method;
use crate::model::room::{ChatLine, ChatRules};
use crate::model::{
    CloseReason, Money, Order, PaymentState, Pledge, PledgeBase, PledgeEnd, PledgePart, Product,
    RemittanceRun, Room, RoomState, Rounding, RunLine, RunSheetItem, RunStage, SaleState, Stage, Timestamp,
};
use crate::sale::{OrderView, SaleStock, SaleView};

pub mod parse;
pub mod pool;
pub mod registry;

pub fn money(money: Money) -> v1::Money {
    v1::Money { minor: money.minor, currency: money.currency.as_str().to_owned() }
}

/// `cards` are the pinned products; they appear in the room's own order, and one that is missing is left out.
/// Blocked words, the run sheet and the names of moderators are for those who run or moderate the room (`for_staff`): a viewer who knows the
/// words can write around them, and one who knows the plan buys nothing before.
pub fn room(room: &Room, cards: &[Product], for_staff: bool) -> v1::Room {
    let names = room.moderator_names.iter().filter(|_| for_staff);
    let run_sheet = if for_staff { room.run_sheet.as_slice() } else { &[] };
    let pinned = room.cards.iter().filter_map(|sku| cards.iter().find(|card| card.sku == *sku));
    v1::Room {
        id: room.id.to_string(),
        title: room.title.clone(),
        host_id: room.host.to_string(),
        host_name: room.host_name.clone(),
        place: room.place.clone(),
        state: room_state(room.state).into(),
        scheduled_at_ms: millis(room.scheduled_at),
        live_at_ms: millis(room.live_at),
        ended_at_ms: millis(room.ended_at),
        playback_url: room.playback_url.clone(),
        poster_url: room.poster_url.clone(),
        chat_rules: Some(chat_rules(&room.chat_rules, for_staff)),
        cards: pinned.map(product_card).collect(),
        pinned_line: room.pinned_line.as_ref().map(chat_line),
        moderators: room.moderators.iter().map(ToString::to_string).collect(),
        version: room.version,
        run_sheet: run_sheet.iter().map(run_sheet_item).collect(),
        moderator_names: names.map(|(subject, name)| (subject.to_string(), name.clone())).collect(),
    }
}

pub fn run_sheet_item(item: &RunSheetItem) -> v1::RunSheetItem {
    v1::RunSheetItem {
        sku: item.sku.to_string(),
        price: item.price.map(money),
        stock: item.stock,
        limit_per_buyer: item.limit_per_buyer,
        hold_seconds: item.hold_seconds,
        duration_seconds: item.duration_seconds,
        pledge_id: item.pledge.map(|pledge| pledge.to_string()).unwrap_or_default(),
        note: item.note.clone(),
    }
}

pub fn room_state(state: RoomState) -> v1::RoomState {
    match state {
        RoomState::Scheduled => v1::RoomState::Scheduled,
        RoomState::Rehearsal => v1::RoomState::Rehearsal,
        RoomState::Live => v1::RoomState::Live,
        RoomState::Paused => v1::RoomState::Paused,
        RoomState::Ended => v1::RoomState::Ended,
    }
}

pub fn chat_rules(rules: &ChatRules, with_words: bool) -> v1::ChatRules {
    let blocked_words = if with_words { rules.blocked_words.clone() } else { Vec::new() };
    v1::ChatRules { slow_mode_seconds: rules.slow_mode_seconds, blocked_words }
}

pub fn chat_line(line: &ChatLine) -> v1::ChatLine {
    v1::ChatLine {
        id: line.id.clone(),
        author_id: line.author.to_string(),
        author_name: line.author_name.clone(),
        author_role: line.author_role.clone(),
        text: line.text.clone(),
        at_ms: line.at.millis(),
    }
}

pub fn product(product: &Product) -> v1::Product {
    v1::Product {
        sku: product.sku.to_string(),
        host_id: product.host.to_string(),
        title: product.title.clone(),
        unit: product.unit.clone(),
        image_url: product.image_url.clone(),
        origin: product.origin.clone(),
        price: Some(money(product.price)),
        on_hand: product.on_hand,
        category: product.category.clone(),
    }
}

pub fn product_card(product: &Product) -> v1::ProductCard {
    v1::ProductCard {
        sku: product.sku.to_string(),
        title: product.title.clone(),
        unit: product.unit.clone(),
        image_url: product.image_url.clone(),
        price: Some(money(product.price)),
    }
}

pub fn sale(view: &SaleView) -> v1::FlashSale {
    let SaleView { sale, product, stock, .. } = view;
    let (closes_at, close_reason) = match sale.state {
        SaleState::Scheduled => (None, v1::CloseReason::Unspecified),
        SaleState::Open { closes_at } | SaleState::Paused { closes_at } => {
            (Some(closes_at), v1::CloseReason::Unspecified)
        }
        SaleState::Closed { at, reason } => (Some(at), self::close_reason(reason)),
    };
    v1::FlashSale {
        id: sale.id.to_string(),
        room_id: sale.room.to_string(),
        sku: sale.sku.to_string(),
        title: product.title.clone(),
        unit: product.unit.clone(),
        image_url: product.image_url.clone(),
        price: Some(money(sale.price)),
        list_price: Some(money(product.price)),
        stock: sale.stock,
        left: stock.left,
        sold: stock.sold,
        held: stock.held,
        limit_per_buyer: sale.limit_per_buyer,
        hold_seconds: seconds(sale.hold_for),
        opens_at_ms: millis(sale.opens_at),
        closes_at_ms: millis(closes_at),
        duration_seconds: seconds(sale.duration),
        state: sale_state(view).into(),
        close_reason: close_reason.into(),
        pledge: view.pledge.as_ref().map(pledge),
        charity_per_unit: view.charity_per_unit().map(money),
        version: sale.version,
    }
}

/// Open with nothing left to hold reads as sold out; a released hold makes it open again.
pub fn sale_state(view: &SaleView) -> v1::SaleState {
    match view.sale.state {
        SaleState::Scheduled => v1::SaleState::Scheduled,
        SaleState::Open { .. } if view.is_sold_out() => v1::SaleState::SoldOut,
        SaleState::Open { .. } => v1::SaleState::Open,
        SaleState::Paused { .. } => v1::SaleState::Paused,
        SaleState::Closed { .. } => v1::SaleState::Closed,
    }
}

pub fn close_reason(reason: CloseReason) -> v1::CloseReason {
    match reason {
        CloseReason::Time => v1::CloseReason::Time,
        CloseReason::Host => v1::CloseReason::Host,
        CloseReason::SoldOut => v1::CloseReason::SoldOut,
    }
}

pub fn sale_stock(stock: &SaleStock) -> v1::SaleStock {
    v1::SaleStock {
        sale_id: stock.sale.to_string(),
        left: stock.left,
        held: stock.held,
        sold: stock.sold,
        waiting: stock.waiting,
    }
}

pub fn order(view: &OrderView) -> v1::Order {
    let OrderView { order, .. } = view;
    let (hold_expires_at, offered) = match order.stage {
        Stage::Held { until, offered } => (Some(until), offered),
        _ => (None, false),
    };
    let confirmed_at = match order.stage {
        Stage::Confirmed { at, .. } => Some(at),
        _ => None,
    };
    let parcel = parcel(&order.stage);
    v1::Order {
        id: order.id.to_string(),
        sale_id: order.sale.to_string(),
        room_id: order.room.to_string(),
        sku: order.sku.to_string(),
        title: view.title.clone(),
        buyer_id: order.buyer.to_string(),
        quantity: order.quantity,
        unit_price: Some(money(order.unit_price)),
        total: Some(money(order.total())),
        state: order_state(order).into(),
        hold_expires_at_ms: millis(hold_expires_at),
        waiting_place: view.waiting_place,
        offered,
        payment_state: view.payment.as_ref().map_or(v1::PaymentState::Unspecified, payment_state).into(),
        decline_reason: view.payment.as_ref().map(decline_reason).unwrap_or_default(),
        refunded: Some(money(order.refunded())),
        charity: Some(money(order.charity())),
        carrier: parcel.map(|parcel| parcel.carrier.clone()).unwrap_or_default(),
        tracking_number: parcel.map(|parcel| parcel.tracking_number.clone()).unwrap_or_default(),
        placed_at_ms: order.placed_at.millis(),
        paid_at_ms: millis(order.paid_at),
        shipped_at_ms: millis(parcel.map(|parcel| parcel.shipped_at)),
        confirmed_at_ms: millis(confirmed_at),
        ship_to: view.ship_to.as_ref().map(ship_to),
        version: view.revision,
    }
}

pub fn order_state(order: &Order) -> v1::OrderState {
    match order.stage {
        Stage::Waiting => v1::OrderState::Waiting,
        Stage::Held { .. } => v1::OrderState::Held,
        Stage::Paid => v1::OrderState::Paid,
        Stage::Packed => v1::OrderState::Packed,
        Stage::Shipped(_) => v1::OrderState::Shipped,
        Stage::Delivered(_) => v1::OrderState::Delivered,
        Stage::Confirmed { .. } => v1::OrderState::Confirmed,
        Stage::Released => v1::OrderState::Released,
        Stage::Expired => v1::OrderState::Expired,
        Stage::Refunded => v1::OrderState::Refunded,
    }
}

pub fn payment_state(state: &PaymentState) -> v1::PaymentState {
    match state {
        PaymentState::Authorising => v1::PaymentState::Authorising,
        PaymentState::Declined { .. } => v1::PaymentState::Declined,
        PaymentState::Authorised => v1::PaymentState::Authorised,
        PaymentState::Captured => v1::PaymentState::Captured,
        PaymentState::Refunding => v1::PaymentState::Refunding,
        PaymentState::Refunded => v1::PaymentState::Refunded,
    }
}

pub fn method(method: Method) -> v1::PaymentMethod {
    match method {
        Method::SandboxApprove => v1::PaymentMethod::SandboxApprove,
        Method::SandboxDecline => v1::PaymentMethod::SandboxDecline,
        Method::SandboxSlow => v1::PaymentMethod::SandboxSlow,
    }
}

pub fn ship_to(ship_to: &ShipTo) -> v1::ShipTo {
    v1::ShipTo { name: ship_to.name.clone(), phone: ship_to.phone.clone(), address: ship_to.address.clone() }
}

pub fn pledge(pledge: &Pledge) -> v1::Pledge {
    let (base, share_ppm, per_unit) = match pledge.base {
        PledgeBase::PaidPrice(share) => (v1::PledgeBase::PaidPrice, share.as_ppm(), None),
        PledgeBase::PerUnit(unit) => (v1::PledgeBase::PerUnit, 0, Some(money(unit))),
    };
    v1::Pledge {
        id: pledge.id.to_string(),
        version: pledge.version,
        host_id: pledge.host.to_string(),
        parts: pledge.parts.iter().map(pledge_part).collect(),
        base: base.into(),
        share_ppm,
        per_unit,
        cap: pledge.cap.map(money),
        starts_at_ms: millis(pledge.starts_at),
        ends_at_ms: millis(pledge.ends_at),
        rounding: rounding(pledge.rounding).into(),
        agreement_sha256: pledge.agreement_sha256.clone(),
        leaves: Vec::new(),
    }
}

fn pledge_part(part: &PledgePart) -> v1::PledgePart {
    v1::PledgePart {
        project_id: part.project.clone(),
        weight: part.weight,
        title: part.title.clone(),
        charity_name: part.charity_name.clone(),
        charity_registration: part.charity_registration.clone(),
    }
}

pub fn rounding(rounding: Rounding) -> v1::Rounding {
    match rounding {
        Rounding::Down => v1::Rounding::Down,
        Rounding::HalfEven => v1::Rounding::HalfEven,
        Rounding::Up => v1::Rounding::Up,
    }
}

pub fn charity_total(total: &CharityTotal) -> v1::CharityTotal {
    v1::CharityTotal {
        pledge_id: total.pledge.to_string(),
        epoch: total.epoch,
        sequence: total.sequence,
        currency: total.currency.as_str().to_owned(),
        gross_accrued_minor: total.gross_accrued,
        gross_reversed_minor: total.gross_reversed,
        confirmed_minor: total.confirmed,
        remitted_minor: total.remitted,
        gross_matched_minor: total.gross_matched,
        gross_unmatched_minor: total.gross_unmatched,
        ended: pledge_end(total.ended).into(),
        tally_leaf: 0,
    }
}

fn pledge_end(end: Option<PledgeEnd>) -> v1::PledgeEnd {
    match end {
        None => v1::PledgeEnd::Unspecified,
        Some(PledgeEnd::CapReached) => v1::PledgeEnd::CapReached,
        Some(PledgeEnd::PeriodOver) => v1::PledgeEnd::PeriodOver,
    }
}

pub fn remittance(run: &RemittanceRun) -> v1::Remittance {
    let line = |line: &RunLine| v1::RemittanceLine {
        pledge_id: line.part.pledge.to_string(),
        part: line.part.part.into(),
        project_id: line.project.clone(),
        minor: line.minor,
    };
    let mut said = v1::Remittance {
        id: run.id.to_string(),
        charity_registration: run.charity_registration.clone(),
        charity_name: run.charity_name.clone(),
        amount: Some(money(run.total())),
        lines: run.lines.iter().map(line).collect(),
        state: remittance_state(&run.stage).into(),
        proposed_by: run.proposed_by.to_string(),
        proposed_at_ms: run.proposed_at.millis(),
        ..Default::default()
    };
    if let RunStage::Approved(approval) | RunStage::Transferred { approval, .. } = &run.stage {
        said.approved_by = approval.by.to_string();
        said.approved_at_ms = approval.at.millis();
    }
    if let RunStage::Transferred { by, at, .. } | RunStage::Withdrawn { by, at, .. } = &run.stage {
        said.ended_by = by.to_string();
        said.ended_at_ms = at.millis();
    }
    match &run.stage {
        RunStage::Transferred { transfer, .. } => {
            said.reference = transfer.reference.clone();
            said.proof_sha256 = transfer.proof_sha256.clone();
        }
        RunStage::Withdrawn { reason, .. } => said.reason = reason.clone(),
        RunStage::Proposed | RunStage::Approved(_) => {}
    }
    said
}

fn remittance_state(stage: &RunStage) -> v1::RemittanceState {
    match stage {
        RunStage::Proposed => v1::RemittanceState::Proposed,
        RunStage::Approved(_) => v1::RemittanceState::Approved,
        RunStage::Transferred { .. } => v1::RemittanceState::Transferred,
        RunStage::Withdrawn { .. } => v1::RemittanceState::Withdrawn,
    }
}

/// The contract writes "not yet" as 0.
fn millis(at: Option<Timestamp>) -> i64 {
    at.map_or(0, Timestamp::millis)
}

fn seconds(duration: std::time::Duration) -> u32 {
    u32::try_from(duration.as_secs()).unwrap_or(u32::MAX)
}

fn parcel(stage: &Stage) -> Option<&Parcel> {
    match stage {
        Stage::Shipped(parcel) | Stage::Delivered(parcel) | Stage::Confirmed { parcel, .. } => Some(parcel),
        _ => None,
    }
}

fn decline_reason(state: &PaymentState) -> String {
    match state {
        PaymentState::Declined { reason } => reason.clone(),
        _ => String::new(),
    }
}
