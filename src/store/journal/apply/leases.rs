//! Leases of duties. SQLite has no clock of its own: a lease runs out when somebody asks for it at a later time.

use std::time::Duration;

use rusqlite::{OptionalExtension, params};

use super::Batch;
use super::fault::{Fault, refuse};
use crate::model::Timestamp;
use crate::store::StoreError;
use crate::store::journal::Duty;

impl Batch<'_, '_> {
    pub(super) fn fence(&mut self, duty: Duty, fence: u64) -> Result<(), Fault> {
        let sql = "SELECT fence FROM leases WHERE duty = ?1";
        let now = self.statements.one(sql, [duty.name()], |row| row.get::<_, i64>(0)).optional()?;
        if now == Some(fence.cast_signed()) { Ok(()) } else { refuse(StoreError::Fenced) }
    }

    pub(super) fn take_lease(
        &mut self,
        duty: Duty,
        node: &str,
        duration: Duration,
        now: Timestamp,
    ) -> Result<(), Fault> {
        self.insert(
            "INSERT INTO leases (duty, node, fence, until) VALUES (?1, ?2, 1, ?4)
             ON CONFLICT DO UPDATE SET fence = CASE WHEN until > ?3 THEN fence ELSE fence + 1 END, node = ?2, until = ?4
             WHERE node = ?2 OR until <= ?3",
            params![duty.name(), node, now.millis(), (now + duration).millis()],
            StoreError::Fenced,
        )
    }

    pub(super) fn give_up_lease(&mut self, duty: Duty, node: &str) -> Result<(), Fault> {
        let sql = "UPDATE leases SET until = 0 WHERE duty = ?1 AND node = ?2";
        self.execute(sql, (duty.name(), node)).map(|_| ())
    }
}
