//! The socket at `/v1/rooms/{room}/live`. axum takes the request, the door waits for the first message and checks the token, and then
//! the stream moves to a shard: one thread for each core, which owns its sockets and writes what a room says to all of them in one walk.
//! Rooms, lanes and rules know nothing of it.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use axum::routing::get;
use hyper::upgrade::OnUpgrade;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::codec::{self, JSON, PROTO};
use super::token::{TokenRefused, Verified};
use super::websocket::{self, HandshakeRefused, Received};
use crate::clock::Clock;
use crate::model::{Caller, Timestamp};
use crate::room::publication::Format;
use crate::room::{CloseCode, Hub};

mod door;
mod frame;
mod hall;
mod meters;
mod problem;
mod shard;
mod shards;
mod transport;
mod viewer;
mod wheel;

use shards::Shards;

/// Answers who a token speaks for, and until when.
#[derive(Clone)]
pub struct Verifier(Arc<Verify>);

type Verify = dyn Fn(&str, Timestamp) -> Result<Verified, TokenRefused> + Send + Sync;

impl Verifier {
    pub fn new(
        verify: impl Fn(&str, Timestamp) -> Result<Verified, TokenRefused> + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(verify))
    }

    /// No token is a guest, for as long as it likes.
    fn caller(&self, token: &str, now: Timestamp) -> Result<Verified, TokenRefused> {
        if token.is_empty() {
            return Ok(Verified { caller: Caller::guest(), until: Timestamp(i64::MAX) });
        }
        (self.0)(token, now)
    }
}

/// How long the server waits for a client.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// For the first message.
    pub join: Duration,
    /// Without a message or a pong, until the server pings.
    pub ping: Duration,
    /// Without a message, a pong, or progress of a write.
    pub silence: Duration,
    /// For the other half of a close, so that the code is read before the connection goes.
    pub goodbye: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            join: Duration::from_secs(10),
            ping: Duration::from_secs(25),
            silence: Duration::from_secs(60),
            goodbye: Duration::from_secs(2),
        }
    }
}

/// What every socket is given. Clones are the same sockets.
#[derive(Clone)]
pub struct Sockets(Arc<Inner>);

struct Inner {
    hub: Hub,
    verifier: Verifier,
    clock: Clock,
    patience: Patience,
    shards: Shards,
    /// Open sockets and what they started.
    tasks: TaskTracker,
    /// Who comes while the server drains is told so. They are not waited for: some come again for as long as it lasts.
    latecomers: TaskTracker,
    draining: CancellationToken,
    joins: Semaphore,
}

/// Tokens that are verified and orders that are read for those who join, at the same time.
const JOINS_AT_ONCE: usize = 64;

impl Sockets {
    /// Starts a shard for each core; they end with the last clone. Must be called inside a runtime.
    pub fn new(hub: Hub, verifier: Verifier, clock: Clock, patience: Patience) -> std::io::Result<Self> {
        let (tasks, draining) = (TaskTracker::new(), CancellationToken::new());
        let latecomers = TaskTracker::new();
        let joins = Semaphore::new(JOINS_AT_ONCE);
        let shards = Shards::start(&hub, &clock, patience, &tasks)?;
        Ok(Self(Arc::new(Inner {
            hub,
            verifier,
            clock,
            patience,
            shards,
            tasks,
            latecomers,
            draining,
            joins,
        })))
    }

    pub fn router(self) -> Router {
        Router::new().route("/v1/rooms/{room}/live", get(upgrade)).with_state(self)
    }

    /// Tells every client to go and when to come back, and returns when all sockets are closed and all their orders answered.
    pub async fn drain(&self) {
        self.0.hub.drain().await;
        self.0.draining.cancel();
        self.0.tasks.close();
        self.0.tasks.wait().await;
    }
}

/// What a viewer reads: the same bytes for all of one dialect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Dialect {
    format: Format,
    /// permessage-deflate was negotiated.
    deflate: bool,
}

async fn upgrade(State(sockets): State<Sockets>, Path(room): Path<String>, mut request: Request) -> Response {
    let accepted = websocket::accept(request.method(), request.version(), request.headers(), &[PROTO, JSON]);
    let accepted = match accepted {
        Ok(accepted) => accepted,
        Err(refused) => return problem::not_a_socket(&refused),
    };
    let inner = &sockets.0;
    // What stands in front of many nodes asks the next one. A browser that came straight here would not be told when to come again.
    if inner.hub.is_draining() && inner.hub.is_shared() {
        return problem::draining();
    }
    // hyper has put it there for every request of HTTP/1.1.
    let Some(upgrading) = request.extensions_mut().remove::<OnUpgrade>() else {
        return problem::not_a_socket(&HandshakeRefused::HttpVersion);
    };
    let (chosen, deflate) = (accepted.protocol.and_then(codec::format_of), accepted.deflate);
    let tasks = if inner.hub.is_draining() { inner.latecomers.clone() } else { inner.tasks.clone() };
    tasks.spawn(async move {
        match upgrading.await {
            Ok(upgraded) => door::welcome(sockets, upgraded, room, chosen, deflate).await,
            Err(error) => tracing::debug!(%error, "a client left in the middle of the handshake"),
        }
    });
    accepted.response()
}

/// Why a socket ends, and what the client is told.
struct Ending {
    code: CloseCode,
    /// In the close frame.
    number: u16,
    reason: String,
}

impl Ending {
    fn because(code: CloseCode, reason: String) -> Self {
        Self { code, number: code.number(), reason }
    }

    /// The client closes; its code is sent back.
    fn answering(code: Option<u16>) -> Self {
        let ending = Self::from(CloseCode::ClientClosed);
        Self { number: code.unwrap_or(ending.number), reason: String::new(), ..ending }
    }
}

impl From<CloseCode> for Ending {
    fn from(code: CloseCode) -> Self {
        Self::because(code, code.name().to_owned())
    }
}

impl From<websocket::Broken> for Ending {
    fn from(broken: websocket::Broken) -> Self {
        let code = match broken.close_code() {
            1007 => CloseCode::NotUtf8,
            1009 => CloseCode::TooLarge,
            _ => CloseCode::ProtocolError,
        };
        Self::because(code, broken.to_string())
    }
}

/// The payload, when it is of the kind that this subprotocol sends.
fn payload<'a>(format: Format, received: &'a Received<'_>) -> Result<&'a [u8], CloseCode> {
    match (format, received) {
        (Format::Json, Received::Text(text)) => Ok(text.as_bytes()),
        (Format::Proto, Received::Binary(bytes)) => Ok(bytes),
        _ => Err(CloseCode::UnknownKind),
    }
}
