//! Duties that one node at a time does, leased in the record. The lease's number goes with everything its holder writes, and the record
//! compares it in the same transaction: a holder that slept too long is refused.

use std::time::{Duration, Instant};

use super::query::Value;
use super::{Journal, StoreError, Write};
use crate::clock::instant;
use crate::model::Timestamp;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Duty {
    /// Opens and closes sales by time, ends holds, asks the provider again.
    Keeper,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lease {
    /// Grows each time the lease is taken; a renewal keeps it.
    pub fence: u64,
    /// By the record's clock.
    pub until: Timestamp,
}

/// When a lease has run out for its holder: counted from before the record was asked, so that it has not run out there before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadline(Instant);

impl Deadline {
    pub fn after(duration: Duration) -> Self {
        Self(instant() + duration)
    }

    pub fn has_passed(self) -> bool {
        self.0 <= instant()
    }
}

impl Duty {
    /// As it stands in the record.
    pub fn name(self) -> &'static str {
        match self {
            Self::Keeper => "keeper",
        }
    }
}

impl Journal {
    /// Renews the lease when `node` holds it, takes it when it has run out; `None` while somebody else holds it. PostgreSQL goes by
    /// its own clock, SQLite by `now`.
    pub async fn take_lease(
        &self,
        duty: Duty,
        node: &str,
        duration: Duration,
        now: Timestamp,
    ) -> Result<Option<Lease>, StoreError> {
        if self.is_held_by_another(duty, node, now).await? {
            return Ok(None);
        }
        let take = Write::TakeLease { duty, node: node.to_owned(), duration, now };
        match self.commit(vec![take]).await {
            Ok(()) => {}
            Err(StoreError::Fenced) => return Ok(None),
            Err(error) => return Err(error),
        }
        let sql = "SELECT fence, until FROM leases WHERE duty = ?1 AND node = ?2";
        let values = vec![Value::text(duty.name()), Value::text(node)];
        self.one(sql, values, |row| {
            Ok(Lease { fence: row.int(0)?.cast_unsigned(), until: Timestamp(row.int(1)?) })
        })
        .await
    }

    /// Every node asks again and again, and nearly always the answer is no: that should cost a reading, not a transaction that fails.
    async fn is_held_by_another(&self, duty: Duty, node: &str, now: Timestamp) -> Result<bool, StoreError> {
        let mut values = vec![Value::text(duty.name()), Value::text(node)];
        values.extend((!self.is_shared()).then(|| Value::Int(now.millis())));
        let sql = self.either(
            "SELECT 1 FROM leases WHERE duty = ?1 AND node <> ?2 AND until > ?3",
            "SELECT 1 FROM leases WHERE duty = ?1 AND node <> ?2 AND until > clock_ms()",
        );
        Ok(self.one(sql, values, |_| Ok(())).await?.is_some())
    }

    /// So that the next node need not wait until it has run out.
    pub async fn give_up_lease(&self, duty: Duty, node: &str) -> Result<(), StoreError> {
        self.commit(vec![Write::GiveUpLease { duty, node: node.to_owned() }]).await
    }
}
