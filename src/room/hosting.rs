//! What a host does with its room, as rules over values.

use apricot_proto::v1::{HostNotice, publication::Body};

use super::amendment::{Amendment, Closes};
use super::refused::RoomRefused;
use crate::model::room::MODERATORS_MAX;
use crate::model::{Caller, OutOfBound, Product, Room, RoomState, Subject, Timestamp};

pub fn change_state(
    room: &Room,
    next: RoomState,
    by: &Caller,
    now: Timestamp,
) -> Result<Amendment, RoomRefused> {
    if !by.may_host(room) {
        return Err(RoomRefused::Forbidden("only the host changes the state of a room"));
    }
    if !room.state.may_become(next) {
        return Err(RoomRefused::WrongState(
            "a room goes scheduled, rehearsal, live, paused, ended; ended is final and live is never a rehearsal again",
        ));
    }
    let live_at = if next == RoomState::Live { room.live_at.or(Some(now)) } else { room.live_at };
    let ended_at = if next == RoomState::Ended { Some(now) } else { room.ended_at };
    let closes = Closes::of(next);
    let record = Room { state: next, live_at, ended_at, ..room.clone() };
    Ok(Amendment { closes, ..Amendment::of_record("change-state", format!("{next:?}"), record) })
}

pub fn pin_cards(room: &Room, cards: Vec<Product>, by: &Caller) -> Result<Amendment, RoomRefused> {
    if !by.may_moderate(room) {
        return Err(RoomRefused::Forbidden("only the host and its moderators pin cards"));
    }
    if cards.iter().any(|product| product.host != room.host) {
        return Err(OutOfBound::new("skus", "products of this room's host").into());
    }
    let skus = cards.iter().map(|product| product.sku.clone()).collect();
    let amendment = Amendment::of_record("pin-cards", String::new(), Room { cards: skus, ..room.clone() });
    Ok(Amendment { cards: Some(cards), ..amendment })
}

pub fn notice(room: &Room, notice: HostNotice, by: &Caller) -> Result<Amendment, RoomRefused> {
    if !by.may_host(room) {
        return Err(RoomRefused::Forbidden("only the host may post a notice"));
    }
    let about = notice.id.clone();
    Ok(Amendment { publication: Some(Body::Notice(notice)), ..Amendment::new("notice", about) })
}

pub fn appoint(room: &Room, caller: &Caller, subject: Subject) -> Result<Amendment, RoomRefused> {
    if !caller.may_host(room) {
        return Err(RoomRefused::Forbidden("only the host appoints moderators"));
    }
    let mut moderators = room.moderators.clone();
    if !moderators.contains(&subject) {
        moderators.push(subject.clone());
    }
    if moderators.len() > MODERATORS_MAX {
        let bound = format!("at most {MODERATORS_MAX} moderators in a room");
        return Err(OutOfBound::new("subject", bound).into());
    }
    Ok(Amendment::of_record("appoint-moderator", subject.to_string(), Room { moderators, ..room.clone() }))
}
