//! Who has ever ordered in a room, as far as this node knows. Most who join or try to buy have not, and are spared a look into the record.

use std::collections::HashSet;

use dashmap::DashMap;

use crate::model::{RoomId, Subject};
use crate::store::{Journal, StoreError};

/// With a record of its own, a room is read from it when the first buyer joins, and the answer is complete from then on. With one that other
/// nodes write too, who is known here has ordered, and of anybody else the record is asked.
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

    /// Without a look into the record.
    pub fn knows(&self, room: &RoomId, buyer: &Subject) -> bool {
        self.0.get(room).is_some_and(|known| known.buyers.contains(buyer))
    }

    pub async fn has(&self, room: &RoomId, buyer: &Subject, journal: &Journal) -> Result<bool, StoreError> {
        if journal.is_shared() {
            let has = self.knows(room, buyer) || journal.has_open_orders(buyer.clone(), room.clone()).await?;
            if has {
                self.add(room, buyer);
            }
            return Ok(has);
        }
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
