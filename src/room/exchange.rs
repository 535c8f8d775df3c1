//! This node among others: sends what its rooms have to say, hears what the others say, and tells all that it is here.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use dashmap::DashMap;
use tokio::sync::{Notify, Semaphore, mpsc};
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::attendance::Attendance;
use super::nodes::{Announcement, NodeView, Nodes};
use super::outbox::Outbox;
use super::parcel::{FACTS_WAITING_MAX, Fact, NodeId};
use super::{Hub, LiveRoom, meters};
use crate::clock::{self, Clock};
use crate::model::{RoomId, Timestamp};
use crate::store::broker::{Heard, Listener, RedisBroker};
use crate::store::redis::RedisError;

/// How often a node that does not hear it is told to go.
const DRAIN_SAID_FOR: Duration = Duration::from_secs(10);
const ANNOUNCE_EVERY: Duration = Duration::from_secs(1);
/// Between two tries of a parcel that nobody took, unless Redis comes back before: the first and the longest.
const TRY_AGAIN_AFTER: Duration = Duration::from_millis(100);
const TRY_AGAIN_AFTER_MAX: Duration = Duration::from_secs(2);
/// What is still to be said at the end may take this long.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// Announcements of changes that wait for the record. What does not fit is found there with the next look.
const CHANGES_WAITING_MAX: usize = 1_024;
/// Anybody may ask for any room: the record is asked by a few of them, and the others wait in the queue of those who join.
const LOOKUPS_AT_ONCE: usize = 4;

pub struct Exchange {
    pub broker: RedisBroker,
    pub outbox: Arc<Outbox>,
    pub nodes: Nodes,
    pub attendances: DashMap<RoomId, Attendance>,
    /// Nodes to be drained, and until when this is said again.
    drains: Mutex<Vec<(NodeId, Timestamp)>>,
    /// To be announced to all nodes at once.
    changed: Mutex<Changes>,
    announce: Notify,
    /// The last parcel of any room was taken.
    connected: AtomicBool,
    /// What has to be said, and will be.
    saying: TaskTracker,
    /// Those who attend rooms, until it is over.
    pub attending: TaskTracker,
    /// Ends who attends, and who still has something to say.
    pub over: CancellationToken,
    /// Rooms that this node does not know are looked up by so many at a time.
    pub lookups: Semaphore,
}

/// Of rooms, as one node announced them.
type Changes = Vec<(RoomId, Fact)>;

/// Who this node is to the others.
#[derive(Clone)]
struct Identity {
    name: String,
    started_at: Timestamp,
}

impl Exchange {
    pub fn new(broker: RedisBroker, node: NodeId) -> Self {
        Self {
            broker,
            outbox: Arc::new(Outbox::new(node)),
            nodes: Nodes::default(),
            attendances: DashMap::new(),
            drains: Mutex::default(),
            changed: Mutex::default(),
            announce: Notify::new(),
            connected: AtomicBool::new(true),
            saying: TaskTracker::new(),
            attending: TaskTracker::new(),
            over: CancellationToken::new(),
            lookups: Semaphore::new(LOOKUPS_AT_ONCE),
        }
    }

    /// To all nodes, also those that do not attend the room. What does not fit they find in the record.
    pub fn announce_change(&self, room: &RoomId, fact: Fact) {
        let mut changed = self.changed.lock().unwrap_or_else(PoisonError::into_inner);
        if changed.len() < FACTS_WAITING_MAX {
            changed.push((room.clone(), fact));
        }
        drop(changed);
        self.announce.notify_one();
    }

    /// Messages may be lost: this is said each second for a while.
    pub fn ask_to_drain(&self, node: NodeId, now: Timestamp) {
        self.drains().push((node, now + DRAIN_SAID_FOR));
        self.announce.notify_one();
    }

    fn to_be_drained(&self, now: Timestamp) -> Vec<NodeId> {
        let mut drains = self.drains();
        drains.retain(|(_, until)| now < *until);
        drains.iter().map(|(node, _)| *node).collect()
    }

    fn drains(&self) -> MutexGuard<'_, Vec<(NodeId, Timestamp)>> {
        self.drains.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Said once when it changes.
    fn report(&self, taken: Result<(), &RedisError>) {
        let was = self.connected.swap(taken.is_ok(), Ordering::AcqRel);
        match taken {
            Ok(()) if !was => tracing::info!("rooms are told on all nodes again"),
            Err(error) if was => tracing::warn!(%error, "rooms are told on this node alone"),
            Ok(()) | Err(_) => {}
        }
    }
}

impl Hub {
    /// Runs until `stop`, and then until the last words are said. On a node alone there is nothing to do.
    pub async fn exchange(self, mut listener: Listener, name: String, clock: Clock, stop: CancellationToken) {
        let Some(exchange) = self.0.exchange.clone() else { return };
        let identity = Identity { name, started_at: clock.now() };
        let mut ticks = interval(ANNOUNCE_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let changed = self.heed_changes_in_turn(&exchange);
        exchange.broker.hear_nodes().await;
        loop {
            tokio::select! {
                heard = listener.hear() => match heard {
                    Some(heard) => self.take_in(heard, &changed, &clock),
                    None => break,
                },
                rooms = exchange.outbox.called() => self.send_for(rooms),
                _ = ticks.tick() => {
                    self.recount(exchange.nodes.forget_gone(clock.now()));
                    // Two who count at the same time may leave the older sum.
                    self.recount(self.0.occupied.iter().map(|slot| slot.key().clone()).collect());
                    self.announce(&identity, true, clock.now());
                }
                () = exchange.announce.notified() => self.announce(&identity, false, clock.now()),
                () = stop.cancelled() => break,
            }
        }
        self.send_for(exchange.outbox.take());
        exchange.saying.close();
        if timeout(LAST_WORDS, exchange.saying.wait()).await.is_err() {
            tracing::warn!("the other nodes did not hear all that this one had to say");
        }
        exchange.over.cancel();
        exchange.saying.wait().await;
        exchange.attending.close();
        exchange.attending.wait().await;
        let last = Announcement { leaving: true, ..identity.announcement(&exchange) };
        exchange.say(last).await;
    }

    /// The nodes that were heard of lately, this one too.
    pub fn nodes(&self) -> Vec<NodeView> {
        self.0.exchange.as_ref().map_or_else(Vec::new, |exchange| exchange.nodes.views())
    }

    /// Those that went without a goodbye in the last ten minutes.
    pub fn silent_nodes(&self) -> Vec<NodeView> {
        self.0.exchange.as_ref().map_or_else(Vec::new, |exchange| exchange.nodes.silent_views())
    }

    /// Asks another node that was heard of to end in order.
    pub fn ask_to_drain(&self, node: NodeId, now: Timestamp) {
        if let Some(exchange) = &self.0.exchange {
            exchange.ask_to_drain(node, now);
        }
    }

    /// Never waits.
    fn take_in(&self, heard: Heard, changed: &mpsc::Sender<Changes>, clock: &Clock) {
        match heard {
            Heard::Parcel { room, standing, bytes } => {
                self.pass_on_parcel(&room, standing, bytes, clock.now())
            }
            Heard::Attending { room } => self.pass_on_attending(&room),
            Heard::Announcement { bytes } => match Announcement::read(&bytes) {
                Some(announcement) => self.heed(announcement, changed, clock.now()),
                None => tracing::warn!(bytes = bytes.len(), "an announcement is not a node's"),
            },
        }
    }

    fn heed(&self, announcement: Announcement, changed: &mpsc::Sender<Changes>, now: Timestamp) {
        let Some(exchange) = &self.0.exchange else { return };
        self.recount(exchange.nodes.heed(&announcement, now));
        let ours = announcement.node == exchange.outbox.node;
        if announcement.drains.contains(&exchange.outbox.node) {
            self.0.told_to_leave.cancel();
        }
        if !ours && !announcement.changed.is_empty() && changed.try_send(announcement.changed).is_err() {
            tracing::debug!("changes of rooms are found in the record");
        }
    }

    /// One announcement after the other: a ban and its pardon must not change places.
    fn heed_changes_in_turn(&self, exchange: &Exchange) -> mpsc::Sender<Changes> {
        let (changed, mut changes) = mpsc::channel(CHANGES_WAITING_MAX);
        let (hub, over) = (self.clone(), exchange.over.clone());
        let heed = async move {
            while let Some(changed) = changes.recv().await {
                hub.heed_changes(changed).await;
            }
        };
        exchange.attending.spawn(async move { over.run_until_cancelled(heed).await });
        changed
    }

    /// Viewers of these rooms on other nodes.
    pub(super) fn recount(&self, rooms: Vec<RoomId>) {
        let Some(exchange) = &self.0.exchange else { return };
        for id in rooms {
            if let Some(room) = self.0.rooms.get(&id) {
                room.elsewhere(exchange.nodes.elsewhere(exchange.outbox.node, &id));
            }
        }
    }

    fn announce(&self, identity: &Identity, with_counts: bool, now: Timestamp) {
        let Some(exchange) = self.0.exchange.clone() else { return };
        let counts = || {
            let rooms = self.0.occupied.iter().map(|slot| (slot.key().clone(), slot.value().viewers()));
            rooms.filter(|(_, viewers)| *viewers > 0).collect()
        };
        let changed = std::mem::take(&mut *exchange.changed.lock().unwrap_or_else(PoisonError::into_inner));
        let rooms = with_counts.then(counts);
        let drains = exchange.to_be_drained(now);
        let draining = self.is_draining();
        let announcement =
            Announcement { rooms, changed, drains, draining, ..identity.announcement(&exchange) };
        let saying = exchange.saying.clone();
        saying.spawn(async move { exchange.say(announcement).await });
    }

    fn send_for(&self, rooms: Vec<RoomId>) {
        let Some(exchange) = &self.0.exchange else { return };
        for id in rooms {
            if let Some(room) = self.0.rooms.get(&id).map(|slot| slot.value().clone()) {
                let (exchange, over, hub) = (exchange.clone(), exchange.over.clone(), self.clone());
                exchange.saying.clone().spawn(async move {
                    over.run_until_cancelled(exchange.send(&id, &room, || hub.chance())).await;
                });
            }
        }
    }
}

impl Exchange {
    /// One parcel after the other until nothing waits. What comes meanwhile goes with the next.
    async fn send(&self, id: &RoomId, room: &LiveRoom, chance: impl Fn() -> u64) {
        let mut again_after = TRY_AGAIN_AFTER;
        let hurry = room.hurry();
        while let Some(wait) = room.waits(clock::instant()) {
            if !wait.is_zero() && timeout(wait, hurry.notified()).await.is_err() {
                tracing::trace!("gathered");
            }
            let began = clock::instant();
            let Some(taken) = room.take_parcel(chance(), began) else { return };
            metrics::histogram!(meters::PARCEL_BYTES).record(taken.parcel.size_bytes() as f64);
            let answer = self.broker.publish(id, &taken.parcel).await;
            metrics::histogram!(meters::PUBLISH_SECONDS).record(clock::instant() - began);
            self.report(answer.as_ref().map(|_| ()));
            match answer {
                Ok(standing) => {
                    again_after = TRY_AGAIN_AFTER;
                    metrics::counter!(meters::PARCELS, "outcome" => "taken").increment(1);
                    room.was_taken(taken, standing);
                }
                Err(error) => {
                    tracing::debug!(room = %id, %error, "a parcel was not taken");
                    metrics::counter!(meters::PARCELS, "outcome" => "failed").increment(1);
                    room.was_not_taken(taken);
                    tokio::select! {
                        () = sleep(again_after) => {}
                        () = self.broker.comes_back() => {}
                    }
                    again_after = (2 * again_after).min(TRY_AGAIN_AFTER_MAX);
                }
            }
        }
    }

    async fn say(&self, announcement: Announcement) {
        if let Err(error) = self.broker.announce(&announcement.encode()).await {
            // The next one says the same; what changed is in the record.
            tracing::debug!(%error, "an announcement was not heard");
        }
    }
}

impl Identity {
    fn announcement(&self, exchange: &Exchange) -> Announcement {
        Announcement {
            node: exchange.outbox.node,
            name: self.name.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            started_at: self.started_at,
            rooms: None,
            changed: Vec::new(),
            leaving: false,
            draining: false,
            drains: Vec::new(),
        }
    }
}
