//! What is recorded right behind being told: the audit trail of notices that the host posts by socket. Whatever waits is one entry of the
//! record, so that a burst costs one commit and not one each.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::refused::RoomRefused;
use crate::store::{Entry, Journal, StoreError};

/// More waiting than that is a fault of the client or of the disk: a host posts a notice in some seconds.
pub const UNRECORDED_MAX: usize = 16_384;
/// What comes together is recorded together; less than a blink after it was told.
const GATHER: Duration = Duration::from_millis(20);

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
            return Err(RoomRefused::Store(StoreError::Busy));
        }
        queue.waiting.extend(entry);
        Ok(!std::mem::replace(&mut queue.recording, true))
    }

    /// Returns when nothing waits.
    pub async fn record(&self, journal: &Journal) {
        loop {
            tokio::time::sleep(GATHER).await;
            let Some(entry) = self.next() else { return };
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
