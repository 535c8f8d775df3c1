//! What can go wrong with Redis, and what to do about it.

use redis::{ErrorKind, ServerErrorKind};

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RedisError {
    #[error("{reason}")]
    Settings { reason: String },
    #[error(
        "Redis at {address} cannot be reached: {reason}; check the address, and that the server runs and lets this machine in"
    )]
    Unreachable { address: String, reason: String },
    #[error("Redis at {address} refuses the user or password: {reason}; set redis.user and redis.password")]
    NotLetIn { address: String, reason: String },
    #[error(
        "Redis at {address} is version {version}; Apricot needs 7.0 or newer, for Functions and sharded pub/sub"
    )]
    TooOld { address: String, version: String },
    #[error("Redis at {address} runs as {is}; set redis.mode to what it is")]
    WrongMode { address: String, is: String },
    #[error(
        "Redis at {address} is a replica and takes no writes; name its primary, or use redis.mode = \"sentinel\""
    )]
    Replica { address: String },
    #[error(
        "the user of Redis at {address} may not {what}; docs/decisions/redis-gate.md lists the rights it needs"
    )]
    MayNot { address: String, what: String },
    /// Not executed: asked again later it may be.
    #[error("Redis is not there")]
    Down,
    /// The connection broke, or no answer came in time: it may have been executed or not.
    #[error("Redis did not answer: {reason}")]
    Lost { reason: String },
    /// By the server or by the Function; what it did before is not undone.
    #[error("Redis refused: {reason}")]
    Refused { reason: String },
}

impl RedisError {
    pub(super) fn unreachable(address: &impl ToString, reason: &impl ToString) -> Self {
        Self::Unreachable { address: address.to_string(), reason: reason.to_string() }
    }
}

/// What an error of the client means for the call that met it.
pub(super) enum Verdict {
    /// Not executed; this server has it no more. The map of primaries is old.
    Moved,
    /// Not executed; this server takes no writes now.
    NotNow,
    /// Not executed; the library is not loaded.
    NoFunction,
    /// The connection is of no use any more.
    Broken(RedisError),
    Final(RedisError),
}

pub(super) fn judge(address: &impl ToString, error: &redis::RedisError) -> Verdict {
    let refused = || RedisError::Refused { reason: error.to_string() };
    match error.kind() {
        ErrorKind::Server(kind) => match kind {
            ServerErrorKind::Moved | ServerErrorKind::Ask => Verdict::Moved,
            ServerErrorKind::TryAgain
            | ServerErrorKind::ClusterDown
            | ServerErrorKind::MasterDown
            | ServerErrorKind::BusyLoading
            | ServerErrorKind::ReadOnly => Verdict::NotNow,
            ServerErrorKind::NoPerm => Verdict::Final(RedisError::MayNot {
                address: address.to_string(),
                what: error.detail().unwrap_or("do this").to_owned(),
            }),
            _ if error.detail().is_some_and(|detail| detail.contains("Function not found")) => {
                Verdict::NoFunction
            }
            _ => Verdict::Final(refused()),
        },
        _ if error.is_io_error() || error.is_timeout() || error.is_unrecoverable_error() => {
            Verdict::Broken(RedisError::Lost { reason: error.to_string() })
        }
        _ => Verdict::Final(refused()),
    }
}
