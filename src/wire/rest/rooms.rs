//! Rooms: what hosts and moderators do to them. The room layer decides; this decodes and encodes.

use std::sync::Arc;

use apricot_proto::v1;

use super::{Call, Made, Refused, forbidden, page};
use crate::store::journal::Listing;
use crate::contract::{self, parse};
use crate::model::{Caller, Room, RoomId};
use crate::room::{Moderation, RoomView};

pub async fn list(call: Call) -> Result<v1::RoomList, Refused> {
    let asked = call.page()?;
    let after: Option<RoomId> = asked.after.as_deref().and_then(|after| after.parse().ok());
    let limit = usize::try_from(asked.limit).unwrap_or(usize::MAX);
    // One more than asked says whether there is a next page.
    let views = call.wire.hub.page(&call.caller, after.as_ref(), limit.saturating_add(1));
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

pub async fn change_state(call: Call<v1::ChangeRoomState>) -> Result<v1::Room, Refused> {
    let next = parse::room_state(call.body.state)?;
    let id = seen(&call)?.id.clone();
    let view = call.wire.hub.change_state(&id, next, &call.caller, call.once, call.now).await?;
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
    let view = call.wire.hub.appoint_moderator(&id, subject, &call.caller, call.once, call.now).await?;
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

/// Blocked words are for those who moderate.
pub fn shown(view: &RoomView, caller: &Caller) -> v1::Room {
    contract::room(&view.room, &view.cards, caller.may_moderate(&view.room))
}
