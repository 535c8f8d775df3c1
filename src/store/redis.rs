//! The connection to Redis: one server, a primary that sentinels watch, or a cluster. Calls fail at once while it is down; it comes back by
//! itself.
//!
//! All that Apricot does in Redis is done by Functions of its own libraries, one call each, and by sharded pub/sub. The libraries are
//! loaded wherever a primary is found, and again where a call finds none.

use std::sync::Arc;

use redis::aio::MultiplexedConnection;
use redis::{Cmd, PushInfo, PushKind, ToRedisArgs, Value, cmd};
use tokio::sync::{Notify, watch};
use tokio_util::sync::{CancellationToken, DropGuard};

mod error;
mod keeper;
mod library;
mod load;
mod primaries;
mod server;
mod settings;
mod subscriber;
#[cfg(test)]
mod tests;

pub use error::RedisError;
pub use settings::{RedisMode, RedisSettings};
pub use subscriber::{Subscriber, Told};

use error::{Verdict, judge};
use primaries::{Primaries, Primary};

#[derive(Clone)]
pub struct Redis(Arc<Shared>);

struct Shared {
    settings: RedisSettings,
    primaries: watch::Sender<Arc<Primaries>>,
    up: watch::Sender<bool>,
    /// Somebody met a server that is not what the map says.
    nudge: Arc<Notify>,
    /// Ends the tasks that keep the connections.
    _over: DropGuard,
}

impl Redis {
    /// Refused when a server cannot be reached or cannot be used as it is; the error says what to do. Later failures heal by themselves.
    pub async fn connect(settings: RedisSettings) -> Result<Self, RedisError> {
        let over = CancellationToken::new();
        let shared = Arc::new(Shared {
            settings,
            primaries: watch::Sender::new(Arc::default()),
            up: watch::Sender::new(false),
            nudge: Arc::default(),
            _over: over.clone().drop_guard(),
        });
        keeper::renew(&shared).await?;
        tokio::spawn(keeper::keep(Arc::downgrade(&shared), Arc::clone(&shared.nudge), over));
        Ok(Self(shared))
    }

    /// Whether all its primaries are there.
    pub fn is_up(&self) -> bool {
        *self.0.up.borrow()
    }

    pub fn watch(&self) -> watch::Receiver<bool> {
        self.0.up.subscribe()
    }

    /// Calls a Function. All keys have one hash tag; the first decides which server is asked.
    pub async fn call(
        &self,
        function: &str,
        keys: &[&str],
        args: &[impl ToRedisArgs],
    ) -> Result<Value, RedisError> {
        let Some(name) = library::full_name(function) else {
            return Err(RedisError::Refused { reason: format!("no library has the Function {function}") });
        };
        let Some(first) = keys.first() else {
            return Err(RedisError::Refused { reason: format!("{function} was called without a key") });
        };
        let mut call = cmd("FCALL");
        call.arg(name).arg(keys.len()).arg(keys).arg(args);
        self.command(first, &call).await
    }

    /// Sends a command to the server that has the key.
    pub async fn command(&self, key: &str, command: &Cmd) -> Result<Value, RedisError> {
        let (primary, verdict) = match self.try_command(key, command).await? {
            Ok(value) => return Ok(value),
            Err(met) => met,
        };
        // Those that were certainly not executed get a second chance, where there is one.
        match verdict {
            Verdict::Moved => {
                let mut primaries = self.0.primaries.subscribe();
                primaries.mark_unchanged();
                self.0.nudge.notify_one();
                let renewed = tokio::time::timeout(server::ANSWER_WITHIN, primaries.changed()).await;
                if !renewed.is_ok_and(|renewed| renewed.is_ok()) {
                    return Err(RedisError::Down);
                }
            }
            Verdict::NoFunction => server::load(&mut primary.connection.clone(), &primary.address).await?,
            Verdict::NotNow => {
                self.drop_primary(&primary);
                return Err(RedisError::Down);
            }
            Verdict::Broken(error) => {
                self.drop_primary(&primary);
                return Err(error);
            }
            Verdict::Final(error) => return Err(error),
        }
        match self.try_command(key, command).await? {
            Ok(value) => Ok(value),
            Err((primary, Verdict::Broken(error))) => {
                self.drop_primary(&primary);
                Err(error)
            }
            Err((_, Verdict::Final(error))) => Err(error),
            Err((_, Verdict::Moved | Verdict::NotNow | Verdict::NoFunction)) => Err(RedisError::Down),
        }
    }

    /// A listener of its own, with connections of its own: a flood of messages delays no call.
    pub fn subscriber(&self) -> (Subscriber, tokio::sync::mpsc::Receiver<Told>) {
        subscriber::start(&self.0)
    }

    async fn try_command(
        &self,
        key: &str,
        command: &Cmd,
    ) -> Result<Result<Value, (Arc<Primary>, Verdict)>, RedisError> {
        let primary = self.0.primaries.borrow().of_key(key).map(Arc::clone).ok_or(RedisError::Down)?;
        let mut connection: MultiplexedConnection = primary.connection.clone();
        Ok(server::ask(&mut connection, command).await.map_err(|error| {
            let verdict = judge(&primary.address, &error);
            (primary, verdict)
        }))
    }

    fn drop_primary(&self, primary: &Primary) {
        primary.lost.cancel();
        self.0.nudge.notify_one();
    }
}

/// For connections that carry calls: they only hear that they broke.
fn on_disconnect(
    shared: &Arc<Shared>,
    lost: CancellationToken,
) -> impl Fn(PushInfo) -> Result<(), ()> + use<> {
    let shared = Arc::downgrade(shared);
    move |push| {
        if push.kind == PushKind::Disconnection {
            lost.cancel();
            if let Some(shared) = shared.upgrade() {
                shared.nudge.notify_one();
            }
        }
        Ok(())
    }
}
