//! Leaves of the public log.

use rusqlite::params;

use super::Batch;
use super::fault::Fault;
use crate::store::StoreError;
use crate::store::journal::rows::blob;
use crate::store::journal::{LeafOf, LogBatch};

impl Batch<'_, '_> {
    pub(super) fn log(&mut self, batch: &LogBatch) -> Result<(), Fault> {
        let LogBatch { size, leaves, done, checkpoint } = batch;
        let grown = size + leaves.len() as u64;
        self.insert(
            "UPDATE log SET size = ?2, checkpoint = ?3 WHERE id = 1 AND size = ?1",
            (size.cast_signed(), grown.cast_signed(), checkpoint),
            StoreError::Stale,
        )?;
        for (place, leaf) in (*size..).zip(leaves) {
            let (mut pool, mut slot) = (None, None);
            let (transfer, order, pledge, version, tally) = match &leaf.of {
                LeafOf::Line { transfer, order } => {
                    (Some(*transfer), order.map(|order| blob(order.0)), None, None, None)
                }
                LeafOf::Pledge(pledge) => (None, None, Some(blob(pledge.id.0)), Some(pledge.version), None),
                LeafOf::Tally(tally) => (None, None, None, None, Some(tally)),
                LeafOf::Pool { pool: of, seed } => {
                    (pool, slot) = (Some(blob(of.0)), Some(seed.map_or(-1, i64::from)));
                    (None, None, None, None, None)
                }
            };
            self.insert(
                "INSERT INTO log_leaves (place, leaf, transfer, order_id, pledge, version, tally, pool, slot)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
                params![place.cast_signed(), leaf.leaf, transfer, order, pledge, version, tally, pool, slot],
                StoreError::Exists,
            )?;
        }
        for seq in done {
            self.insert("DELETE FROM log_outbox WHERE seq = ?1", [seq], StoreError::Stale)
                .map_err(Fault::unclean)?;
        }
        Ok(())
    }
}
