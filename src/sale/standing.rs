//! Whether the stores that selling needs are there.

use std::time::Duration;

use super::Sales;
use crate::store::meters;

/// A commit takes milliseconds.
const COMMIT_WITHIN: Duration = Duration::from_secs(2);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Without it nothing is accepted.
    pub record: bool,
    /// Without it nothing is held, so buying pauses.
    pub gate: bool,
}

impl Standing {
    pub const UP: Self = Self { record: true, gate: true };

    /// For the log, when it was `before`.
    pub fn tell(self, before: Self) {
        for (is, was, store, without) in [
            (self.record, before.record, "the record", "nothing is accepted; rooms go on"),
            (self.gate, before.gate, "the gate", "buying pauses; rooms go on"),
        ] {
            match (was, is) {
                (true, false) => tracing::error!("{store} does not answer: {without}"),
                (false, true) => tracing::info!("{store} answers again"),
                _ => {}
            }
        }
    }
}

impl Sales {
    /// An empty entry goes through the record's queue and its writer.
    pub async fn standing(&self) -> Standing {
        let written = tokio::time::timeout(COMMIT_WITHIN, self.0.journal.commit(Vec::new())).await;
        let standing =
            Standing { record: written.is_ok_and(|written| written.is_ok()), gate: self.0.inventory.is_up() };
        meters::up("record", standing.record);
        meters::up("gate", standing.gate);
        standing
    }
}
