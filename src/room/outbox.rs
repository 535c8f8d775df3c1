//! Rooms that have something to say to other nodes. A room is here at most once, so that the list is bounded by the rooms.

use std::sync::{Mutex, PoisonError};

use tokio::sync::Notify;

use super::parcel::NodeId;
use crate::model::RoomId;

pub struct Outbox {
    pub node: NodeId,
    rooms: Mutex<Vec<RoomId>>,
    called: Notify,
}

impl Outbox {
    pub fn new(node: NodeId) -> Self {
        Self { node, rooms: Mutex::default(), called: Notify::new() }
    }

    /// Never waits.
    pub fn call(&self, room: RoomId) {
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner).push(room);
        self.called.notify_one();
    }

    /// Waits for the first.
    pub async fn called(&self) -> Vec<RoomId> {
        loop {
            let rooms = self.take();
            if !rooms.is_empty() {
                return rooms;
            }
            self.called.notified().await;
        }
    }

    pub fn take(&self) -> Vec<RoomId> {
        std::mem::take(&mut *self.rooms.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
