//! What this node should know of rooms and missed: every message may be lost, the record is not.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::parcel::Fact;
use super::{Hub, LiveRoom, outbox::Outbox};
use crate::model::room::CARDS_MAX;
use crate::model::{Product, Room, RoomId, RoomState, Timestamp};
use crate::store::StoreError;

/// Of a node, each second. They are read by their keys: of 100,000 orders in 5 ms, or 30 ms where PostgreSQL plans it anew.
const ORDERS_AT_ONCE: usize = 1_000;
const SANCTIONS_EVERY: Duration = Duration::from_secs(10);

impl Hub {
    /// Compares with the record; to be called every second where there are other nodes.
    pub async fn reconcile(&self, now: Timestamp) {
        if self.0.exchange.is_none() {
            return;
        }
        if let Err(error) = self.read_newer_rooms().await {
            tracing::debug!(%error, "the rooms could not be compared with the record");
        }
        self.0.rooms.iter().for_each(|room| room.remind(now));
        self.read_awaited_orders(now).await;
        let read_at = Timestamp(self.0.sanctions_read_at_ms.load(Ordering::Relaxed));
        if read_at + SANCTIONS_EVERY <= now {
            self.0.sanctions_read_at_ms.store(now.millis(), Ordering::Relaxed);
            self.read_sanctions_of_attended().await;
        }
    }

    /// Knows the room, if there is one: it may have been made on another node a moment ago.
    pub async fn ensure(&self, id: &RoomId) {
        let Some(exchange) = self.0.exchange.as_ref().filter(|_| !self.0.rooms.contains_key(id)) else {
            return;
        };
        let Ok(_one_of_few) = exchange.lookups.acquire().await else { return };
        match self.0.journal.room(id.clone()).await {
            Ok(Some(record)) => self.learn(record).await,
            Ok(None) => {}
            Err(error) => tracing::debug!(room = %id, %error, "whether there is such a room is not known"),
        }
    }

    pub(super) async fn read_record(&self, id: &RoomId, room: &LiveRoom) {
        let read = async {
            let Some(record) = self.0.journal.room(id.clone()).await? else { return Ok(()) };
            let cards = self.cards_of(&record).await?;
            room.know(record, cards);
            Ok::<(), StoreError>(())
        };
        if let Err(error) = read.await {
            tracing::debug!(room = %id, %error, "a room is shown as it was");
        }
    }

    pub(super) async fn read_sanctions(&self, id: &RoomId, room: &LiveRoom) {
        let changes = room.sanction_changes();
        match self.0.journal.sanctions_of(id.clone()).await {
            Ok(sanctions) => room.lay_all(sanctions, changes),
            Err(error) => tracing::debug!(room = %id, %error, "the sanctions of a room stay as they were"),
        }
    }

    /// By other nodes, in rooms that need not be attended here.
    pub(super) async fn heed_changes(&self, changed: Vec<(RoomId, Fact)>) {
        let Some(exchange) = &self.0.exchange else { return };
        for (id, fact) in changed {
            self.ensure(&id).await;
            let Some(room) = self.0.rooms.get(&id).map(|slot| slot.value().clone()) else { continue };
            // Where the room is attended, its parcels say so, and when.
            if exchange.attendances.contains_key(&id) {
                continue;
            }
            room.heed(&fact);
            if room.record().version < fact.room_version {
                self.read_record(&id, &room).await;
            }
        }
    }

    pub(super) fn outbox(&self) -> Option<Arc<Outbox>> {
        self.0.exchange.as_ref().map(|exchange| exchange.outbox.clone())
    }

    pub(super) async fn cards_of(&self, record: &Room) -> Result<Vec<Product>, StoreError> {
        let mut cards = Vec::with_capacity(CARDS_MAX);
        for sku in &record.cards {
            cards.extend(self.0.journal.product(sku.clone()).await?);
        }
        Ok(cards)
    }

    async fn read_newer_rooms(&self) -> Result<(), StoreError> {
        let versions: HashMap<RoomId, u64> = self.0.journal.room_versions().await?.into_iter().collect();
        for (id, version) in &versions {
            match self.0.rooms.get(id).map(|slot| slot.value().clone()) {
                None => self.ensure(id).await,
                Some(room) if room.record().version < *version => self.read_record(id, &room).await,
                Some(_) => {}
            }
        }
        // Those that are not live any more are not among the versions.
        let ended = |room: &LiveRoom| room.record().state != RoomState::Ended;
        let missing =
            self.0.rooms.iter().filter(|slot| !versions.contains_key(slot.key()) && ended(slot.value()));
        let missing: Vec<_> = missing.map(|slot| (slot.key().clone(), slot.value().clone())).collect();
        for (id, room) in missing {
            self.read_record(&id, &room).await;
        }
        Ok(())
    }

    /// One query for all rooms.
    async fn read_awaited_orders(&self, now: Timestamp) {
        let rooms: Vec<Arc<LiveRoom>> = self.0.occupied.iter().map(|slot| slot.value().clone()).collect();
        let mut told = HashMap::new();
        for room in rooms {
            told.extend(room.awaited(ORDERS_AT_ONCE - told.len(), now));
        }
        if told.is_empty() {
            return;
        }
        let newer = self.0.sales.newer_orders(&told).await.unwrap_or_else(|error| {
            tracing::debug!(%error, "open orders could not be compared with the record");
            Vec::new()
        });
        for view in newer {
            if let Some(room) = self.0.rooms.get(&view.order.room) {
                room.remind_order(&view, now);
            }
        }
    }

    async fn read_sanctions_of_attended(&self) {
        let Some(exchange) = &self.0.exchange else { return };
        let attended: Vec<RoomId> = exchange.attendances.iter().map(|slot| slot.key().clone()).collect();
        for id in attended {
            if let Some(room) = self.0.rooms.get(&id).map(|slot| slot.value().clone()) {
                self.read_sanctions(&id, &room).await;
            }
        }
    }

    async fn learn(&self, record: Room) {
        let id = record.id.clone();
        let cards = match self.cards_of(&record).await {
            Ok(cards) => cards,
            Err(error) => return tracing::debug!(room = %id, %error, "a new room waits for its cards"),
        };
        let room = Arc::new(self.live_room(record, cards));
        self.read_sanctions(&id, &room).await;
        self.0.rooms.entry(id.clone()).or_insert(room);
        self.recount(vec![id]);
    }
}
