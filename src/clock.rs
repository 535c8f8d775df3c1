//! Time and chance: the one file that reads a clock or makes a random number. Everything below `app` is handed values.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use uuid::Uuid;

use crate::model::Timestamp;

/// The system's clock, that of the record, or one that a test moves by hand.
#[derive(Clone, Debug)]
pub enum Clock {
    System,
    Corrected(Arc<Corrected>),
    Manual(Arc<AtomicI64>),
}

/// The record's time, carried on from one measurement to the next by a clock that nobody can set: when somebody sets the system's, this one
/// does not notice.
#[derive(Debug)]
pub struct Corrected {
    origin: Instant,
    millis_at_origin: AtomicI64,
}

impl Clock {
    pub fn manual(start: Timestamp) -> Self {
        Self::Manual(Arc::new(AtomicI64::new(start.millis())))
    }

    /// As the system's until it is told better.
    pub fn corrected() -> Self {
        let millis_at_origin = AtomicI64::new(system().millis());
        Self::Corrected(Arc::new(Corrected { origin: instant(), millis_at_origin }))
    }

    pub fn now(&self) -> Timestamp {
        match self {
            Self::System => system(),
            Self::Corrected(corrected) => {
                let millis_at_origin = corrected.millis_at_origin.load(Ordering::Acquire);
                Timestamp(millis_at_origin) + corrected.origin.elapsed()
            }
            Self::Manual(millis) => Timestamp(millis.load(Ordering::Acquire)),
        }
    }

    /// `theirs` is what the record's clock said at some time between `asked` and now; halfway is the best guess, and so far off at most.
    /// When `trip_max` was not enough for the question, only what is surely wrong is put right. The answer is by how many milliseconds a
    /// corrected clock moved; other clocks do not listen.
    pub fn correct(&self, asked: Instant, theirs: Timestamp, trip_max: Duration) -> i64 {
        let Self::Corrected(corrected) = self else { return 0 };
        let trip = asked.elapsed();
        let by = theirs.millis() - (self.now() - trip / 2).millis();
        let surely_wrong = u128::from(by.unsigned_abs()) > (trip / 2).as_millis();
        if trip > trip_max && !surely_wrong {
            return 0;
        }
        corrected.millis_at_origin.fetch_add(by, Ordering::AcqRel);
        by
    }

    /// Moves a manual clock; the others do not listen.
    pub fn advance(&self, by: Duration) {
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

#[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
fn system() -> Timestamp {
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
