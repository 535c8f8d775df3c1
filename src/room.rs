//! Live rooms: who is inside, what is said, and how it reaches everybody. A layer of values and bytes; it knows no socket.
//!
//! A change of a room is decided as an `Amendment`, recorded, and then told. Publishing writes into the room's lanes and rings the bells
//! of those who read for its sessions, each session from a cursor of its own. `tick` must be called every `TICK`: it says the state.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, Ordering};
use std::time::Duration;

use dashmap::DashMap;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::behind::Behind;
use self::exchange::Exchange;
use self::live_room::{Entrance, Visitor};
use self::outlet::Outlet;
use crate::model::{Caller, Product, Role, Room, RoomId, StreamPosition, Subject, Timestamp};
use crate::sale::{News, SaleView, Sales};
use crate::store::{Broker, Journal, StoreError};

pub mod amendment;
mod attendance;
mod awaited;
pub mod behind;
pub mod bell;
mod changes;
pub mod close;
#[cfg(test)]
mod company;
#[cfg(test)]
mod conformance;
pub mod delivery;
mod exchange;
mod feed;
pub mod history;
mod hosting;
pub mod lanes;
pub mod limits;
pub mod live_room;
pub mod meters;
pub mod milestone;
pub mod moderation;
pub mod nodes;
mod outbox;
pub mod outlet;
pub mod parcel;
pub mod people;
pub mod publication;
mod pulse;
mod reconcile;
pub mod refused;
pub mod ring;
#[cfg(test)]
pub(crate) mod scene;
mod sequence;
pub mod session;
pub mod snapshot;
pub mod turnout;

pub use amendment::{Amendment, Closes};
pub use attendance::Expected;
pub use close::CloseCode;
pub use limits::Limits;
pub use live_room::{LiveRoom, Reading, RoomView};
pub use moderation::Moderation;
pub use nodes::NodeView;
pub use parcel::NodeId;
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
    /// `None`: this node is alone.
    exchange: Option<Arc<Exchange>>,
    rooms: DashMap<RoomId, Arc<LiveRoom>>,
    /// Those with viewers, and some that have just lost the last one: a tick need not look at the others.
    occupied: DashMap<RoomId, Arc<LiveRoom>>,
    people: people::People,
    connections: AtomicU32,
    draining: AtomicBool,
    told_to_leave: CancellationToken,
    forgot_at_ms: AtomicI64,
    /// When somebody was last seen in the feed.
    watched_at_ms: AtomicI64,
    sanctions_read_at_ms: AtomicI64,
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
        broker: Broker,
        limits: Limits,
        chance: fn() -> u64,
    ) -> Result<Self, StoreError> {
        let exchange = match broker {
            Broker::Local => None,
            Broker::Redis(broker) => Some(Arc::new(Exchange::new(broker, NodeId(chance())))),
        };
        let hub = Self(Arc::new(Inner {
            journal,
            sales,
            limits,
            chance,
            exchange,
            rooms: DashMap::new(),
            occupied: DashMap::new(),
            people: people::People::default(),
            connections: AtomicU32::new(0),
            draining: AtomicBool::new(false),
            told_to_leave: CancellationToken::new(),
            forgot_at_ms: AtomicI64::new(0),
            watched_at_ms: AtomicI64::new(i64::MIN),
            sanctions_read_at_ms: AtomicI64::new(0),
            behind: Behind::default(),
            changes: TaskTracker::new(),
        }));
        for record in hub.0.journal.rooms().await? {
            let cards = hub.cards_of(&record).await?;
            hub.0.rooms.insert(record.id.clone(), Arc::new(hub.live_room(record, cards)));
        }
        for (room, subject, sanction) in hub.0.journal.sanctions().await? {
            if let Some(room) = hub.0.rooms.get(&room) {
                room.lay(subject, sanction);
            }
        }
        Ok(hub)
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

    /// By id, after `after`, at most `limit`; only those that are wanted. The feed is in no list.
    pub fn page(
        &self,
        wanted: impl Fn(&Room) -> bool,
        after: Option<&RoomId>,
        limit: usize,
    ) -> Vec<RoomView> {
        let mut views: Vec<RoomView> = self
            .0
            .rooms
            .iter()
            .filter(|slot| !slot.key().is_feed() && after.is_none_or(|after| slot.key() > after))
            .map(|slot| slot.view())
            .filter(|view| wanted(&view.room))
            .collect();
        views.sort_unstable_by(|one, other| one.room.id.cmp(&other.room.id));
        views.truncate(limit);
        views
    }

    /// On all nodes.
    pub fn viewers(&self, id: &RoomId) -> u32 {
        self.0.rooms.get(id).map_or(0, |room| room.all_viewers())
    }

    /// Given in a room, on all nodes; `None` of a room that is not here.
    pub fn hearts(&self, id: &RoomId) -> Option<u64> {
        self.0.rooms.get(id).map(|room| room.hearts())
    }

    /// For REST, which has no session: a banned person may not buy in the room either.
    pub fn admit_order(&self, room: &RoomId, buyer: &Subject, now: Timestamp) -> Result<(), RoomRefused> {
        if let Some(room) = self.0.rooms.get(room) {
            room.tap(now);
            if room.is_banned(buyer) {
                return Err(RoomRefused::Banned);
            }
        }
        let admitted = self.0.people.admit_order(buyer, self.0.limits.orders(), now);
        admitted.inspect_err(count_refusal)
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

    /// What this node found in the record and perhaps was not told: told to those who are here, unless they were told of it.
    pub fn remind(&self, view: &SaleView, now: Timestamp) {
        if let Some(room) = self.0.rooms.get(&view.sale.room) {
            room.remind_sale(view, now);
        }
    }

    /// To be called every `TICK`.
    pub fn tick(&self, now: Timestamp) {
        self.0.occupied.retain(|id, room| {
            room.tick(self.0.sales.has_sales(id), || self.reading(id, now), now);
            room.viewers() > 0
        });
        let forgot_at = Timestamp(self.0.forgot_at_ms.load(Ordering::Relaxed));
        if forgot_at + FORGET_EVERY <= now {
            self.0.forgot_at_ms.store(now.millis(), Ordering::Relaxed);
            self.0.people.forget_idle(now);
            self.leave_empty_rooms(now);
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

    /// Whether other nodes have the same rooms.
    pub fn is_shared(&self) -> bool {
        self.0.exchange.is_some()
    }

    /// Cancelled when somebody asked that this node ends in order.
    pub fn told_to_leave(&self) -> &CancellationToken {
        &self.0.told_to_leave
    }

    /// Open seats over all rooms of this node.
    pub fn seated(&self) -> u32 {
        self.0.occupied.iter().map(|slot| slot.value().viewers()).fold(0, u32::saturating_add)
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
        caller: &Arc<Caller>,
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
        let visitor = Visitor { caller: caller.clone(), position, outlet: outlet.clone(), now };
        let (read, sales) = (|| self.reading(id, now), || self.0.sales.views(id));
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

    fn reading(&self, id: &RoomId, now: Timestamp) -> Reading {
        Reading { stocks: self.0.sales.stocks(id), charity: self.0.sales.charity_totals(id, now) }
    }

    fn live_room(&self, record: Room, cards: Vec<Product>) -> LiveRoom {
        LiveRoom::new(record, cards, self.chance(), self.0.limits.readable_lines(), self.outbox())
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
