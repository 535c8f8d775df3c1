//! Why the room layer said no, with the numbers of the rule.

use std::time::Duration;

use crate::model::{OutOfBound, Timestamp};
use crate::sale::Refusal;
use crate::store::StoreError;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RoomRefused {
    #[error(transparent)]
    OutOfBound(#[from] OutOfBound),
    #[error("the message carries no command that is known here")]
    NoCommand,
    #[error("this needs a token")]
    TokenRequired,
    #[error("there is no such {0}")]
    NotFound(&'static str),
    #[error("{0}")]
    Forbidden(&'static str),
    #[error("banned from this room")]
    Banned,
    #[error("muted in this room until {} (Unix milliseconds)", until.millis())]
    Muted { until: Timestamp, retry_after: Duration },
    #[error("the line contains a word that this room does not allow")]
    BlockedWord,
    #[error("{0}")]
    WrongState(&'static str),
    #[error("it was changed meanwhile")]
    ChangedMeanwhile,
    #[error("slow mode: wait {} ms before the next line", wait.as_millis())]
    SlowMode { wait: Duration },
    #[error("too many {what}: wait {} ms", retry_after.as_millis())]
    RateLimited { what: &'static str, retry_after: Duration },
    #[error("{max} of your requests are still being worked on")]
    InFlight { max: usize },
    #[error(transparent)]
    Sale(#[from] Refusal),
    #[error(transparent)]
    Store(StoreError),
}

impl From<StoreError> for RoomRefused {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Stale => Self::ChangedMeanwhile,
            other => Self::Store(other),
        }
    }
}
