//! Who has ever ordered in a room. Most who join have not, and are spared a look into the record.

use std::collections::HashSet;

use dashmap::DashMap;

use crate::model::{RoomId, Subject};
use crate::store::{Journal, StoreError};

/// A room is read from the record when the first buyer joins. Right as long as every order of the record is placed by this process.
#[derive(Default)]
pub struct Buyers(DashMap<RoomId, Known>);

#[derive(Default)]
struct Known {
    buyers: HashSet<Subject>,
    /// Those of the record are among them.
    complete: bool,
}

impl Buyers {
    /// To be told before the order is recorded.
    pub fn add(&self, room: &RoomId, buyer: &Subject) {
        let mut known = self.0.entry(room.clone()).or_default();
        if !known.buyers.contains(buyer) {
            known.buyers.insert(buyer.clone());
        }
    }

    pub async fn has(&self, room: &RoomId, buyer: &Subject, journal: &Journal) -> Result<bool, StoreError> {
        if let Some(known) = self.0.get(room).filter(|known| known.complete) {
            return Ok(known.buyers.contains(buyer));
        }
        let recorded = journal.buyers_of_room(room.clone()).await?;
        let mut known = self.0.entry(room.clone()).or_default();
        known.buyers.extend(recorded);
        known.complete = true;
        Ok(known.buyers.contains(buyer))
    }
}
