//! What a host does with its room, as rules over values.

use apricot_proto::v1::{HostNotice, publication::Body};

use super::amendment::{Amendment, Closes};
use super::refused::RoomRefused;
use crate::model::room::{MODERATORS_MAX, RoomEdit};
use crate::model::run_sheet::is_reordered;
use crate::model::{Caller, OutOfBound, Product, Room, RoomState, RunSheetItem, Subject, Timestamp};

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

pub fn edit(room: &Room, edit: RoomEdit, by: &Caller) -> Result<Amendment, RoomRefused> {
    if !by.may_host(room) {
        return Err(RoomRefused::Forbidden("only the host changes what its room says of itself"));
    }
    if room.state == RoomState::Ended {
        return Err(RoomRefused::WrongState("the room has ended; it stays as it was"));
    }
    let RoomEdit { title, host_name, place, scheduled_at, playback_url, poster_url } = edit;
    let record = Room { title, host_name, place, scheduled_at, playback_url, poster_url, ..room.clone() };
    Ok(of_staff("edit-room", String::new(), record))
}

/// `made_from` is the version of the room that the sheet was made from; 0 asks for none. `own` are those of its products that were found to be
/// the host's; those on the sheet already are known to be.
pub fn put_run_sheet(
    room: &Room,
    items: Vec<RunSheetItem>,
    made_from: u64,
    own: &[Product],
    by: &Caller,
) -> Result<Amendment, RoomRefused> {
    if !by.may_moderate(room) {
        return Err(RoomRefused::Forbidden("only the host and those who help it change the run sheet"));
    }
    if made_from != 0 && made_from != room.version {
        return Err(RoomRefused::ChangedMeanwhile);
    }
    if !by.may_host(room) && !is_reordered(&room.run_sheet, &items) {
        return Err(RoomRefused::Forbidden("moderators and commissioners only put the run sheet in order"));
    }
    for (index, item) in items.iter().enumerate() {
        let known = room.run_sheet.iter().any(|known| known.sku == item.sku);
        if !known && !own.iter().any(|product| product.sku == item.sku && product.host == room.host) {
            let bound = "a product of this room's host";
            return Err(OutOfBound::new("sku", bound).in_item("items", index).into());
        }
    }
    Ok(Amendment::of_record("put-run-sheet", String::new(), Room { run_sheet: items, ..room.clone() }))
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

/// `name`: what the host calls somebody who was invited by link.
pub fn appoint(
    room: &Room,
    caller: &Caller,
    subject: Subject,
    name: Option<String>,
) -> Result<Amendment, RoomRefused> {
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
    let mut moderator_names = room.moderator_names.clone();
    moderator_names.extend(name.map(|name| (subject.clone(), name)));
    let record = Room { moderators, moderator_names, ..room.clone() };
    Ok(Amendment::of_record("appoint-moderator", subject.to_string(), record))
}

pub fn dismiss(room: &Room, caller: &Caller, subject: &Subject) -> Result<Amendment, RoomRefused> {
    if !caller.may_host(room) {
        return Err(RoomRefused::Forbidden("only the host dismisses moderators"));
    }
    if !room.is_moderator(subject) {
        return Err(RoomRefused::NotFound("moderator"));
    }
    let mut record = room.clone();
    record.moderators.retain(|known| known != subject);
    record.moderator_names.remove(subject);
    Ok(of_staff("dismiss-moderator", subject.to_string(), record))
}

/// Somebody may lose a right by it, and the sight of a rehearsal with it.
fn of_staff(action: &'static str, about: String, record: Room) -> Amendment {
    Amendment { closes: Closes::of(record.state), ..Amendment::of_record(action, about, record) }
}
