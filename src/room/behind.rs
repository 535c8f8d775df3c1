//! What is recorded right behind being told: the audit trail of notices that the host posts by socket. Whatever waits is one entry of the
//! record, so that a burst costs one commit and not one each.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::refused::RoomRefused;
use crate::store::{Entry, Journal};

/// About 50 ms of the record at 20,000 writes a second; more waiting than that is a fault of the client or of the disk.
pub const UNRECORDED_MAX: usize = 1_024;

#[derive(Debug, Default)]
pub struct Behind(Mutex<Queue>);

#[derive(Debug, Default)]
struct Queue {
    waiting: Entry,
    recording: bool,
}

impl Behind {
    /// True: nobody is recording, so `record` must be started.
    pub fn put(&self, entry: Entry) -> Result<bool, RoomRefused> {
        let mut queue = self.queue();
        if queue.waiting.len() >= UNRECORDED_MAX {
            return Err(RoomRefused::InFlight { max: UNRECORDED_MAX });
        }
        queue.waiting.extend(entry);
        Ok(!std::mem::replace(&mut queue.recording, true))
    }

    /// Returns when nothing waits.
    pub async fn record(&self, journal: &Journal) {
        while let Some(entry) = self.next() {
            let count = entry.len();
            if let Err(error) = journal.commit(entry).await {
                tracing::warn!(count, %error, "notices were told and are not in the audit trail");
            }
        }
    }

    fn next(&self) -> Option<Entry> {
        let mut queue = self.queue();
        queue.recording = !queue.waiting.is_empty();
        queue.recording.then(|| std::mem::take(&mut queue.waiting))
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
