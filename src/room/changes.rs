//! What hosts and moderators do to a room: decided as an `Amendment`, recorded, told.

use std::future::Future;
use std::sync::Arc;

use apricot_proto::v1;
use dashmap::Entry as Slot;

use super::{Amendment, Hub, LiveRoom, Moderation, RoomRefused, RoomView, hosting, moderation};
use crate::model::room::{CARDS_MAX, RoomEdit};
use crate::model::{
    Caller, OutOfBound, Role, Room, RoomId, RoomState, RunSheetItem, Sku, Subject, Timestamp, bounded_text,
};
use crate::store::StoreError;
use crate::store::journal::Once;

impl Hub {
    pub async fn create_room(
        &self,
        room: Room,
        caller: &Caller,
        once: Option<Once>,
        now: Timestamp,
    ) -> Result<RoomView, RoomRefused> {
        if !matches!(caller.role, Role::Host | Role::Ops) {
            return Err(RoomRefused::Forbidden("only a host or ops may create a room"));
        }
        if room.id.is_feed() {
            return Err(OutOfBound::new("id", "not `ops`: that room is there already").into());
        }
        let amendment =
            Amendment { record: Some(room.clone()), ..Amendment::new("create-room", String::new()) };
        let entry = amendment.entry(&room, caller, once, now);
        let hub = self.clone();
        self.see_through(async move {
            match hub.0.journal.commit(entry).await {
                Ok(()) => {
                    hub.announce_change(&room.id, &amendment);
                    let live = Arc::new(hub.live_room(room, Vec::new()));
                    match hub.0.rooms.entry(live.record().id.clone()) {
                        Slot::Vacant(slot) => Ok(slot.insert(live).view()),
                        Slot::Occupied(slot) => Ok(slot.get().view()),
                    }
                }
                Err(StoreError::Seen) => {
                    hub.ensure(&room.id).await;
                    Ok(hub.find(&room.id)?.view())
                }
                Err(StoreError::Exists) => {
                    Err(RoomRefused::WrongState("there is a room with this id already"))
                }
                Err(error) => Err(error.into()),
            }
        })
        .await
    }

    pub async fn change_state(
        &self,
        id: &RoomId,
        next: RoomState,
        reason: String,
        caller: &Caller,
        once: Option<Once>,
        now: Timestamp,
    ) -> Result<RoomView, RoomRefused> {
        let by = caller.clone();
        let plan = move |room: &Room, _: &LiveRoom| {
            Ok(Amendment { reason, ..hosting::change_state(room, next, &by, now)? })
        };
        let view = self.amend(id, caller, once, now, plan).await?;
        if next == RoomState::Ended {
            self.0.sales.close_room(id, now).await;
        }
        Ok(view)
    }

    pub async fn edit(
        &self,
        id: &RoomId,
        edit: RoomEdit,
        caller: &Caller,
        once: Option<Once>,
        now: Timestamp,
    ) -> Result<RoomView, RoomRefused> {
        let by = caller.clone();
        self.amend(id, caller, once, now, move |room, _| hosting::edit(room, edit, &by)).await
    }

    /// `items` come from `contract::parse::run_sheet`: few, each product once. `made_from`: the room's version, or 0.
    pub async fn put_run_sheet(
        &self,
        id: &RoomId,
        items: Vec<RunSheetItem>,
        made_from: u64,
        caller: &Caller,
        once: Option<Once>,
        now: Timestamp,
    ) -> Result<RoomView, RoomRefused> {
        let known = self.find(id)?.record();
        let mut own = Vec::new();
        for item in items.iter().filter(|item| known.run_sheet.iter().all(|known| known.sku != item.sku)) {
            own.extend(self.0.journal.product(item.sku.clone()).await.map_err(RoomRefused::Store)?);
        }
        let by = caller.clone();
        let plan = move |room: &Room, _: &LiveRoom| hosting::put_run_sheet(room, items, made_from, &own, &by);
        self.amend(id, caller, once, now, plan).await
    }

    /// `skus` come from `contract::parse::cards`: at most three, different.
    pub async fn pin_cards(
        &self,
        id: &RoomId,
        skus: Vec<Sku>,
        caller: &Caller,
        once: Option<Once>,
        now: Timestamp,
    ) -> Result<RoomView, RoomRefused> {
        let mut cards = Vec::with_capacity(CARDS_MAX);
        for sku in skus {
            let product = self.0.journal.product(sku).await.map_err(RoomRefused::Store)?;
            cards.push(product.ok_or(RoomRefused::NotFound("product"))?);
        }
        let by = caller.clone();
        self.amend(id, caller, once, now, move |room, _| hosting::pin_cards(room, cards, &by)).await
    }

    /// `id` names the notice: made from the idempotency key, so that a retry gets the same one.
    pub async fn notice(
        &self,
        room: &RoomId,
        id: String,
        text: &str,
        caller: &Caller,
        once: Option<Once>,
        now: Timestamp,
    ) -> Result<v1::HostNotice, RoomRefused> {
        let notice = v1::HostNotice { id, text: bounded_text("text", text, 1..=200)? };
        let (by, told) = (caller.clone(), notice.clone());
        let label = once.as_ref().map_or_else(String::new, |_| format!("notice {}", notice.id));
        let plan = move |room: &Room, _: &LiveRoom| {
            Ok(Amendment { once: label, ..hosting::notice(room, told, &by)? })
        };
        self.amend(room, caller, once, now, plan).await?;
        Ok(notice)
    }

    /// Told at once, so that the room hears the host without waiting for the record; the audit trail follows right behind.
    pub fn post_notice(
        &self,
        room: &LiveRoom,
        caller: &Caller,
        text: &str,
        now: Timestamp,
    ) -> Result<(), RoomRefused> {
        let notice = v1::HostNotice {
            id: format!("{:016x}", self.chance()),
            text: bounded_text("text", text, 1..=200)?,
        };
        let record = room.record();
        let amendment = hosting::notice(&record, notice, caller)?;
        let entry = amendment.entry(&record, caller, None, now);
        let start = self.0.behind.put(entry)?;
        room.apply(amendment, now);
        if start {
            let hub = self.clone();
            self.0.changes.spawn(async move { hub.0.behind.record(&hub.0.journal).await });
        }
        Ok(())
    }

    /// `name`: of somebody who was invited by link.
    pub async fn appoint_moderator(
        &self,
        id: &RoomId,
        subject: Subject,
        name: Option<String>,
        caller: &Caller,
        once: Option<Once>,
        now: Timestamp,
    ) -> Result<RoomView, RoomRefused> {
        let by = caller.clone();
        self.amend(id, caller, once, now, move |room, _| hosting::appoint(room, &by, subject, name)).await
    }

    /// What they say and do from now on is a viewer's, on open sockets too.
    pub async fn dismiss_moderator(
        &self,
        id: &RoomId,
        subject: Subject,
        caller: &Caller,
        once: Option<Once>,
        now: Timestamp,
    ) -> Result<RoomView, RoomRefused> {
        let by = caller.clone();
        self.amend(id, caller, once, now, move |room, _| hosting::dismiss(room, &by, &subject)).await
    }

    pub async fn moderate(
        &self,
        id: &RoomId,
        act: Moderation,
        caller: &Caller,
        once: Option<Once>,
        now: Timestamp,
    ) -> Result<RoomView, RoomRefused> {
        let by = caller.clone();
        let plan = move |room: &Room, live: &LiveRoom| {
            moderation::moderate(room, &by, act, |line| live.line(line), now)
        };
        self.amend(id, caller, once, now, plan).await
    }

    /// Decides, records, tells; one change of a room at a time.
    async fn amend(
        &self,
        id: &RoomId,
        caller: &Caller,
        once: Option<Once>,
        now: Timestamp,
        plan: impl FnOnce(&Room, &LiveRoom) -> Result<Amendment, RoomRefused> + Send + 'static,
    ) -> Result<RoomView, RoomRefused> {
        let (hub, room, caller) = (self.clone(), self.find(id)?, caller.clone());
        self.see_through(async move {
            let _one_at_a_time = room.desk.lock().await;
            let seen = match once {
                Some(once) => hub.0.journal.seen(once).await?,
                None => false,
            };
            let record = room.record();
            let amendment = match plan(&record, &room) {
                Ok(amendment) if seen => {
                    hub.tell_again(&room, amendment, now);
                    return Ok(room.view());
                }
                Err(_) if seen => return Ok(room.view()),
                planned => planned?,
            };
            match hub.0.journal.commit(amendment.entry(&record, &caller, once, now)).await {
                Ok(()) => {
                    hub.announce_change(&record.id, &amendment);
                    room.apply(amendment, now);
                    Ok(room.view())
                }
                Err(StoreError::Seen) => {
                    hub.tell_again(&room, amendment, now);
                    Ok(room.view())
                }
                Err(StoreError::Stale) => {
                    // By another node, which tells it.
                    hub.read_record(&record.id, &room).await;
                    Err(RoomRefused::ChangedMeanwhile)
                }
                Err(error) => Err(error.into()),
            }
        })
        .await
    }

    /// The node that recorded it may have died before it told it. What else a change does is found in the record.
    fn tell_again(&self, room: &LiveRoom, amendment: Amendment, now: Timestamp) {
        if self.0.exchange.is_some() && !amendment.once.is_empty() {
            room.apply(amendment, now);
        }
    }

    /// To nodes that do not attend the room.
    fn announce_change(&self, id: &RoomId, amendment: &Amendment) {
        if let Some(exchange) = &self.0.exchange {
            exchange.announce_change(id, amendment.fact());
        }
    }

    /// Once started, a change is recorded and told even when the one who asked hangs up.
    async fn see_through(
        &self,
        change: impl Future<Output = Result<RoomView, RoomRefused>> + Send + 'static,
    ) -> Result<RoomView, RoomRefused> {
        match self.0.changes.spawn(change).await {
            Ok(outcome) => outcome,
            Err(broken) => Err(RoomRefused::Store(StoreError::Unavailable(broken.to_string()))),
        }
    }
}
