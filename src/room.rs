//! Live rooms: who is inside, what is said, and how it reaches everybody. A layer of values and bytes; it knows no socket.
//!
//! A change of a room is decided as an `Amendment`, recorded, and then told. Publishing writes into the room's lanes and rings the bells
//! of those who read for its sessions, each session from a cursor of its own. `tick` must be called every `TICK`: it says the state.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, Ordering};
use std::time::Duration;

use apricot_proto::v1;
use dashmap::{DashMap, Entry as Slot};
use tokio_util::task::TaskTracker;

use self::behind::Behind;
use self::lanes::StreamPosition;
use self::live_room::{Entrance, Visitor};
use self::outlet::Outlet;
use crate::model::room::CARDS_MAX;
use crate::model::{Caller, Role, Room, RoomId, RoomState, Sku, Subject, Timestamp, bounded_text};
use crate::sale::{News, Sales};
use crate::store::journal::Once;
use crate::store::{Journal, StoreError};

pub mod amendment;
pub mod behind;
pub mod bell;
pub mod close;
pub mod history;
mod hosting;
pub mod lanes;
pub mod limits;
pub mod live_room;
pub mod meters;
pub mod milestone;
pub mod moderation;
pub mod outlet;
pub mod people;
pub mod publication;
mod pulse;
pub mod refused;
pub mod ring;
#[cfg(test)]
pub(crate) mod scene;
pub mod session;
pub mod snapshot;

pub use amendment::{Amendment, Closes};
pub use close::CloseCode;
pub use limits::Limits;
pub use live_room::{LiveRoom, Reading, RoomView};
pub use moderation::Moderation;
pub use publication::Format;
pub use refused::RoomRefused;
pub use session::Session;

/// The state lane says the newest values at most this often.
pub const TICK: Duration = Duration::from_millis(100);
const FORGET_EVERY: Duration = Duration::from_secs(10);

/// All rooms of this node. Clones are one hub.
#[derive(Clone)]
pub struct Hub(Arc<Inner>);

struct Inner {
    journal: Journal,
    sales: Sales,
    limits: Limits,
    /// A random number: epochs and jitter.
    chance: fn() -> u64,
    rooms: DashMap<RoomId, Arc<LiveRoom>>,
    /// Those with viewers, and some that have just lost the last one: a tick need not look at the others.
    occupied: DashMap<RoomId, Arc<LiveRoom>>,
    people: people::People,
    connections: AtomicU32,
    draining: AtomicBool,
    forgot_at_ms: AtomicI64,
    /// What was told and is not yet in the audit trail.
    behind: Behind,
    /// Changes that are being recorded; a shutdown waits for them.
    changes: TaskTracker,
}

/// An open socket, joined or not. Counted until it is dropped.
pub struct Connection(Hub);

impl Hub {
    /// Loads all rooms and sanctions. `chance` is `clock::random_u64`, or a test's own.
    pub async fn open(
        journal: Journal,
        sales: Sales,
        limits: Limits,
        chance: fn() -> u64,
    ) -> Result<Self, StoreError> {
        let rooms = DashMap::new();
        for record in journal.rooms().await? {
            let mut cards = Vec::with_capacity(CARDS_MAX);
            for sku in &record.cards {
                cards.extend(journal.product(sku.clone()).await?);
            }
            rooms.insert(
                record.id.clone(),
                Arc::new(LiveRoom::new(record, cards, chance(), limits.readable_lines())),
            );
        }
        for (room, subject, sanction) in journal.sanctions().await? {
            if let Some(room) = rooms.get(&room) {
                room.lay(subject, sanction);
            }
        }
        Ok(Self(Arc::new(Inner {
            journal,
            sales,
            limits,
            chance,
            rooms,
            occupied: DashMap::new(),
            people: people::People::default(),
            connections: AtomicU32::new(0),
            draining: AtomicBool::new(false),
            forgot_at_ms: AtomicI64::new(0),
            behind: Behind::default(),
            changes: TaskTracker::new(),
        })))
    }

    pub fn limits(&self) -> &Limits {
        &self.0.limits
    }

    pub fn sales(&self) -> &Sales {
        &self.0.sales
    }

    pub fn chance(&self) -> u64 {
        (self.0.chance)()
    }

    /// `NotFound` also for a room that this caller may not see.
    pub fn view(&self, id: &RoomId, caller: &Caller) -> Result<RoomView, RoomRefused> {
        let view = self.find(id)?.view();
        if caller.may_see(&view.room) { Ok(view) } else { Err(RoomRefused::NotFound("room")) }
    }

    /// By id, after `after`, at most `limit`; only those that the caller may see.
    pub fn page(&self, caller: &Caller, after: Option<&RoomId>, limit: usize) -> Vec<RoomView> {
        let mut views: Vec<RoomView> = self
            .0
            .rooms
            .iter()
            .filter(|slot| after.is_none_or(|after| slot.key() > after))
            .map(|slot| slot.view())
            .filter(|view| caller.may_see(&view.room))
            .collect();
        views.sort_unstable_by(|one, other| one.room.id.cmp(&other.room.id));
        views.truncate(limit);
        views
    }

    pub fn viewers(&self, id: &RoomId) -> u32 {
        self.0.rooms.get(id).map_or(0, |room| room.viewers())
    }

    /// For REST, which has no session: a banned person may not buy in the room either.
    pub fn admit_order(&self, room: &RoomId, buyer: &Subject, now: Timestamp) -> Result<(), RoomRefused> {
        if self.0.rooms.get(room).is_some_and(|room| room.is_banned(buyer)) {
            return Err(RoomRefused::Banned);
        }
        let admitted = self.0.people.admit_order(buyer, self.0.limits.orders(), now);
        admitted.inspect_err(count_refusal)
    }

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
        let amendment =
            Amendment { record: Some(room.clone()), ..Amendment::new("create-room", String::new()) };
        let entry = amendment.entry(&room, caller, once, now);
        let hub = self.clone();
        self.see_through(async move {
            match hub.0.journal.commit(entry).await {
                Ok(()) => {
                    let live = Arc::new(LiveRoom::new(
                        room,
                        Vec::new(),
                        hub.chance(),
                        hub.limits().readable_lines(),
                    ));
                    match hub.0.rooms.entry(live.record().id.clone()) {
                        Slot::Vacant(slot) => Ok(slot.insert(live).view()),
                        Slot::Occupied(slot) => Ok(slot.get().view()),
                    }
                }
                Err(StoreError::Seen) => Ok(hub.find(&room.id)?.view()),
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
        caller: &Caller,
        once: Option<Once>,
        now: Timestamp,
    ) -> Result<RoomView, RoomRefused> {
        let by = caller.clone();
        let plan = move |room: &Room, _: &LiveRoom| hosting::change_state(room, next, &by, now);
        let view = self.amend(id, caller, once, now, plan).await?;
        if next == RoomState::Ended {
            self.0.sales.close_room(id, now).await;
        }
        Ok(view)
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
        self.amend(room, caller, once, now, move |room, _| hosting::notice(room, told, &by)).await?;
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

    pub async fn appoint_moderator(
        &self,
        id: &RoomId,
        subject: Subject,
        caller: &Caller,
        once: Option<Once>,
        now: Timestamp,
    ) -> Result<RoomView, RoomRefused> {
        let by = caller.clone();
        self.amend(id, caller, once, now, move |room, _| hosting::appoint(room, &by, subject)).await
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

    pub fn say(
        &self,
        room: &LiveRoom,
        caller: &Caller,
        text: &str,
        now: Timestamp,
    ) -> Result<(), RoomRefused> {
        let admit = || self.0.people.admit_line(&caller.subject, self.0.limits.lines(), now);
        room.say(caller, text, admit, now).inspect_err(count_refusal)
    }

    /// Passes on what the sale layer says happened.
    pub fn tell(&self, news: &News, now: Timestamp) {
        let room = match news {
            News::Sale(view) => &view.sale.room,
            News::Order(view) => &view.order.room,
        };
        let Some(room) = self.0.rooms.get(room).map(|slot| slot.value().clone()) else { return };
        match news {
            News::Sale(view) => room.tell_sale(view, now),
            News::Order(view) => room.tell_order(view, now),
        }
    }

    /// To be called every `TICK`.
    pub fn tick(&self, now: Timestamp) {
        self.0.occupied.retain(|id, room| {
            room.tick(self.0.sales.has_sales(id), || self.reading(id), now);
            room.viewers() > 0
        });
        let forgot_at = Timestamp(self.0.forgot_at_ms.load(Ordering::Relaxed));
        if forgot_at + FORGET_EVERY <= now {
            self.0.forgot_at_ms.store(now.millis(), Ordering::Relaxed);
            self.0.people.forget_idle(now);
        }
    }

    /// A socket opened. `Err`: close it with this code.
    pub fn connect(&self) -> Result<Connection, CloseCode> {
        if self.is_draining() {
            return Err(CloseCode::Draining);
        }
        let open = self.0.connections.fetch_add(1, Ordering::Relaxed);
        metrics::gauge!(meters::CONNECTIONS).increment(1.0);
        let connection = Connection(self.clone());
        if open >= self.0.limits.viewers_per_node { Err(CloseCode::Full) } else { Ok(connection) }
    }

    pub fn is_draining(&self) -> bool {
        self.0.draining.load(Ordering::Acquire)
    }

    /// From now on nobody gets in, and every session is told to go and when to come back. Returns when started changes are recorded.
    pub async fn drain(&self) {
        self.0.draining.store(true, Ordering::Release);
        for slot in &self.0.rooms {
            slot.value().close_all(CloseCode::Draining);
        }
        self.0.changes.close();
        self.0.changes.wait().await;
    }

    /// One of the person's sockets takes a seat.
    fn enter(
        &self,
        id: &RoomId,
        caller: &Caller,
        position: Option<StreamPosition>,
        outlet: &Arc<Outlet>,
        now: Timestamp,
    ) -> Result<(Arc<LiveRoom>, Entrance), CloseCode> {
        if self.is_draining() {
            return Err(CloseCode::Draining);
        }
        let room = self.find(id).map_err(|_| CloseCode::NoSuchRoom)?;
        let named = caller.role != Role::Guest;
        if named && !self.0.people.enter(&caller.subject, self.0.limits.connections_per_person) {
            return Err(CloseCode::Full);
        }
        let visitor = Visitor { caller, position, outlet: outlet.clone(), now };
        let (read, sales) = (|| self.reading(id), || self.0.sales.views(id));
        match room.enter(visitor, self.0.limits.viewers_per_room, read, sales) {
            Ok(entrance) => {
                if !self.0.occupied.contains_key(id) {
                    self.0.occupied.insert(id.clone(), room.clone());
                }
                // A drain that began after the first look has told only those who had a seat.
                if self.is_draining() {
                    outlet.close(CloseCode::Draining);
                }
                Ok((room, entrance))
            }
            Err(code) => {
                self.left(caller);
                Err(code)
            }
        }
    }

    fn left(&self, caller: &Caller) {
        if caller.role != Role::Guest {
            self.0.people.leave(&caller.subject);
        }
    }

    fn find(&self, id: &RoomId) -> Result<Arc<LiveRoom>, RoomRefused> {
        self.0.rooms.get(id).map(|slot| slot.value().clone()).ok_or(RoomRefused::NotFound("room"))
    }

    fn reading(&self, id: &RoomId) -> Reading {
        Reading { stocks: self.0.sales.stocks(id), charity: self.0.sales.charity_totals(id) }
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
            if let Some(once) = once
                && hub.0.journal.seen(once).await?
            {
                return Ok(room.view());
            }
            let record = room.record();
            let amendment = plan(&record, &room)?;
            match hub.0.journal.commit(amendment.entry(&record, &caller, once, now)).await {
                Ok(()) => {
                    room.apply(amendment, now);
                    Ok(room.view())
                }
                Err(StoreError::Seen) => Ok(room.view()),
                Err(StoreError::Stale) => {
                    if let Some(newer) = hub.0.journal.room(record.id.clone()).await? {
                        room.replace(newer, now);
                    }
                    Err(RoomRefused::ChangedMeanwhile)
                }
                Err(error) => Err(error.into()),
            }
        })
        .await
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

impl Drop for Connection {
    fn drop(&mut self) {
        self.0.0.connections.fetch_sub(1, Ordering::Relaxed);
        metrics::gauge!(meters::CONNECTIONS).decrement(1.0);
    }
}

fn count_refusal(refused: &RoomRefused) {
    let what = match refused {
        RoomRefused::RateLimited { what, .. } => what,
        RoomRefused::SlowMode { .. } => "slow-mode",
        _ => return,
    };
    metrics::counter!(meters::RATE_LIMITED, "what" => what).increment(1);
}
