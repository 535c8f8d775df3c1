//! Rooms: what hosts and moderators do to them. The room layer decides; this decodes and encodes.

use std::sync::Arc;

use apricot_proto::v1;

use super::{Asks, Call, Made, Refused, forbidden, page};
use crate::contract::{self, parse};
use crate::model::{Caller, Role, Room, RoomId, Subject, Timestamp, bounded_text};
use crate::room::{Moderation, RoomView};
use crate::store::journal::Listing;
use crate::wire::problem::Kind;

pub const MINE: &[Asks] = &[Asks {
    name: "mine",
    kind: "boolean",
    what: "True: one's own rooms, those of one's county, those that appointed one; rehearsals and ended ones too.",
}];

pub async fn list(call: Call) -> Result<v1::RoomList, Refused> {
    let (asked, mine) = call.page_of_rooms()?;
    if mine && call.caller.role == Role::Guest {
        return Err(Kind::TokenRequired.because("Send a token, or leave `mine` out.").into());
    }
    let after: Option<RoomId> = asked.after.as_deref().and_then(|after| after.parse().ok());
    let limit = usize::try_from(asked.limit).unwrap_or(usize::MAX);
    // One more than asked says whether there is a next page.
    let wanted = |room: &Room| if mine { call.caller.works_in(room) } else { call.caller.may_see(room) };
    let views = call.wire.hub.page(wanted, after.as_ref(), limit.saturating_add(1));
    let listing = Listing::cut(views, asked.limit, |view| view.room.id.to_string());
    let rooms = listing.items.iter().map(|view| shown(view, &call.caller)).collect();
    Ok(v1::RoomList { rooms, next_cursor: page::cursor(listing.next.as_deref()) })
}

pub async fn create(call: Call<v1::CreateRoom>) -> Result<Made<v1::Room>, Refused> {
    let name = call.new_id().simple().to_string();
    // The last twelve digits are the random ones, or those of the key's hash.
    let spare = format!("room-{}", &name[20..]).parse()?;
    let room = parse::room(&call.body, call.caller.subject.clone(), spare)?;
    call.in_room(&room.id)?;
    let view = call.wire.hub.create_room(room, &call.caller, call.once, call.now).await?;
    Ok(Made(shown(&view, &call.caller)))
}

pub async fn read(call: Call) -> Result<v1::Room, Refused> {
    let view = call.wire.hub.view(&call.part("room")?, &call.caller)?;
    Ok(shown(&view, &call.caller))
}

pub async fn edit(call: Call<v1::EditRoom>) -> Result<v1::Room, Refused> {
    let edit = parse::room_edit(&call.body)?;
    let id = seen(&call)?.id.clone();
    let view = call.wire.hub.edit(&id, edit, &call.caller, call.once, call.now).await?;
    Ok(shown(&view, &call.caller))
}

pub async fn put_run_sheet(call: Call<v1::PutRunSheet>) -> Result<v1::Room, Refused> {
    let (items, made_from) = (parse::run_sheet(&call.body)?, call.body.room_version);
    let id = seen(&call)?.id.clone();
    let view = call.wire.hub.put_run_sheet(&id, items, made_from, &call.caller, call.once, call.now).await?;
    Ok(shown(&view, &call.caller))
}

pub async fn change_state(call: Call<v1::ChangeRoomState>) -> Result<v1::Room, Refused> {
    let next = parse::room_state(call.body.state)?;
    let reason = bounded_text("reason", &call.body.reason, 0..=200)?;
    let id = seen(&call)?.id.clone();
    let view = call.wire.hub.change_state(&id, next, reason, &call.caller, call.once, call.now).await?;
    Ok(shown(&view, &call.caller))
}

pub async fn pin_cards(call: Call<v1::PinCards>) -> Result<v1::Room, Refused> {
    let cards = parse::cards(&call.body)?;
    let id = seen(&call)?.id.clone();
    let view = call.wire.hub.pin_cards(&id, cards, &call.caller, call.once, call.now).await?;
    Ok(shown(&view, &call.caller))
}

pub async fn notify(call: Call<v1::CreateNotice>) -> Result<v1::HostNotice, Refused> {
    let id = seen(&call)?.id.clone();
    let (name, text) = (call.new_id().to_string(), &call.body.text);
    Ok(call.wire.hub.notice(&id, name, text, &call.caller, call.once, call.now).await?)
}

pub async fn appoint(call: Call<v1::AppointModerator>) -> Result<v1::Room, Refused> {
    let subject = call.body.subject.parse()?;
    let id = seen(&call)?.id.clone();
    let view = call.wire.hub.appoint_moderator(&id, subject, None, &call.caller, call.once, call.now).await?;
    Ok(shown(&view, &call.caller))
}

/// A retry with the same key names the same moderator, and its token lasts as long from then.
pub async fn invite(call: Call<v1::InviteModerator>) -> Result<Made<v1::Invitation>, Refused> {
    let (name, lasts) = parse::invitation(&call.body)?;
    let id = seen(&call)?.id.clone();
    let subject: Subject = format!("helper-{}", call.new_id().simple()).parse()?;
    // Tokens count in seconds.
    let until = Timestamp((call.now + lasts).millis() / 1_000 * 1_000);
    let helper = Caller {
        subject: subject.clone(),
        name: name.clone(),
        role: Role::Moderator,
        room: Some(id.clone()),
        county: None,
    };
    let token = call.wire.keys.sign(&helper, call.now, until).map_err(|error| {
        tracing::error!(%error, "an invitation could not be signed");
        Kind::RecordUnavailable.because("The invitation could not be signed; tell ops.")
    })?;
    let (hub, caller) = (&call.wire.hub, &call.caller);
    let view =
        hub.appoint_moderator(&id, subject.clone(), Some(name.clone()), caller, call.once, call.now).await?;
    let (subject, room) = (subject.to_string(), Some(shown(&view, caller)));
    Ok(Made(v1::Invitation { subject, name, token, expires_at_ms: until.millis(), room }))
}

pub async fn dismiss(call: Call) -> Result<v1::Room, Refused> {
    let subject = call.part("subject")?;
    let id = seen(&call)?.id.clone();
    let view = call.wire.hub.dismiss_moderator(&id, subject, &call.caller, call.once, call.now).await?;
    Ok(shown(&view, &call.caller))
}

pub async fn moderate(call: Call<v1::Moderation>) -> Result<v1::Room, Refused> {
    let act = Moderation::parse(&call.body)?;
    let id = seen(&call)?.id.clone();
    let view = call.wire.hub.moderate(&id, act, &call.caller, call.once, call.now).await?;
    Ok(shown(&view, &call.caller))
}

/// The room of the path, when the caller may see it.
pub fn seen<B>(call: &Call<B>) -> Result<Arc<Room>, Refused> {
    Ok(call.wire.hub.view(&call.part("room")?, &call.caller)?.room)
}

/// The room of the path, when the caller runs it.
pub fn hosted<B>(call: &Call<B>) -> Result<Arc<Room>, Refused> {
    hosted_by_id(call, &call.part("room")?)
}

pub fn hosted_by_id<B>(call: &Call<B>, id: &RoomId) -> Result<Arc<Room>, Refused> {
    let room = call.wire.hub.view(id, &call.caller)?.room;
    if call.caller.may_host(&room) { Ok(room) } else { Err(forbidden("This is for the room's host.")) }
}

/// Blocked words, run sheet and names of moderators are for those who moderate.
pub fn shown(view: &RoomView, caller: &Caller) -> v1::Room {
    contract::room(&view.room, &view.cards, caller.may_moderate(&view.room))
}
