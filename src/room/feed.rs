//! The room `ops`: what each node reads of itself each second goes to those who watch, as any other critical publication goes to its room.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use apricot_proto::v1::{self, publication::Body};
use dashmap::Entry as Slot;

use super::Hub;
use crate::model::{Room, RoomId, RoomState, Timestamp};
use crate::store::{StoreError, Write};

/// Readings are said for so long after the last one has left, so that who was cut off recovers what it missed.
const UNWATCHED_FOR: Duration = Duration::from_secs(60);
/// Nobody's subject: the room has no host.
const HOST: &str = "apricot";

impl Hub {
    /// Makes the room where the record has none.
    pub async fn open_feed(&self, now: Timestamp) -> Result<(), StoreError> {
        let id = RoomId::feed();
        if self.0.rooms.contains_key(&id) {
            return Ok(());
        }
        let host = HOST.parse().expect("within bounds");
        let room = Room {
            state: RoomState::Live,
            live_at: Some(now),
            ..Room::new(id.clone(), "Ops", host, "Apricot")
        };
        let record = match self.0.journal.commit(vec![Write::Room(Box::new(room.clone()))]).await {
            Ok(()) => room,
            // By another node, which started at the same time.
            Err(StoreError::Exists) => self.0.journal.room(id.clone()).await?.unwrap_or(room),
            Err(error) => return Err(error),
        };
        if let Slot::Vacant(slot) = self.0.rooms.entry(id) {
            slot.insert(Arc::new(self.live_room(record, Vec::new())));
        }
        Ok(())
    }

    /// Whether somebody is in the feed, on whatever node, or was a moment ago: otherwise a reading need not be put together.
    pub fn is_feed_watched(&self, now: Timestamp) -> bool {
        if self.viewers(&RoomId::feed()) > 0 {
            self.0.watched_at_ms.store(now.millis(), Ordering::Relaxed);
        }
        let watched_at = self.0.watched_at_ms.load(Ordering::Relaxed);
        watched_at > i64::MIN && now < Timestamp(watched_at) + UNWATCHED_FOR
    }

    pub fn tell_reading(&self, reading: v1::OpsReading, now: Timestamp) {
        if let Some(room) = self.0.rooms.get(&RoomId::feed()) {
            room.publish_alone(Body::OpsReading(reading), now);
        }
    }
}
