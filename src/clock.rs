//! Time and chance: the one file that reads a clock or makes a random number. Everything below `app` is handed values.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use uuid::Uuid;

use crate::model::Timestamp;

/// The system's clock, the system's clock corrected by that of the record, or one that a test moves by hand.
#[derive(Clone, Debug)]
pub enum Clock {
    System,
    /// Milliseconds to add to the system's.
    Corrected(Arc<AtomicI64>),
    Manual(Arc<AtomicI64>),
}

impl Clock {
    pub fn manual(start: Timestamp) -> Self {
        Self::Manual(Arc::new(AtomicI64::new(start.millis())))
    }

    /// As the system's until it is told how far that is off.
    pub fn corrected() -> Self {
        Self::Corrected(Arc::default())
    }

    pub fn now(&self) -> Timestamp {
        match self {
            Self::System => system(),
            Self::Corrected(by_millis) => Timestamp(system().millis() + by_millis.load(Ordering::Acquire)),
            Self::Manual(millis) => Timestamp(millis.load(Ordering::Acquire)),
        }
    }

    /// `theirs` is what the record's clock said at some time between the system's `asked` and now; halfway is the best guess. The answer is
    /// by how many milliseconds a corrected clock moved; other clocks do not listen.
    pub fn correct(&self, asked: Timestamp, theirs: Timestamp) -> i64 {
        let Self::Corrected(by_millis) = self else { return 0 };
        let halfway = i64::midpoint(asked.millis(), system().millis());
        let by = theirs.millis() - halfway;
        by - by_millis.swap(by, Ordering::AcqRel)
    }

    /// Moves a manual clock; the others do not listen.
    pub fn advance(&self, by: std::time::Duration) {
        if let Self::Manual(millis) = self {
            millis.fetch_add(i64::try_from(by.as_millis()).unwrap_or(i64::MAX), Ordering::AcqRel);
        }
    }

    /// Sorts by time of making.
    #[expect(clippy::disallowed_methods, reason = "the one place that makes ids")]
    pub fn new_id(&self) -> Uuid {
        Uuid::now_v7()
    }
}

/// Uncorrected: what a correction is measured against.
#[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
pub fn system() -> Timestamp {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
}

/// For durations: it never goes back.
#[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
pub fn instant() -> Instant {
    Instant::now()
}

/// A number that nobody can guess: epochs, keys, jitter.
pub fn random_u64() -> u64 {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).expect("the system has a source of randomness");
    u64::from_le_bytes(bytes)
}

pub fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the system has a source of randomness");
    bytes
}
