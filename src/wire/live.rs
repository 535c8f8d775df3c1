//! The socket at `/v1/rooms/{room}/live`: one task for each, which reads messages, carries out what the session decides, and writes
//! what the session has not sent yet. Rooms, lanes and rules know nothing of it.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{WebSocket, WebSocketUpgrade};
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::get;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::codec::{self, JSON, MESSAGE_BYTES_MAX, PROTO};
use super::token::TokenRefused;
use crate::clock::Clock;
use crate::model::{Caller, Timestamp};
use crate::room::publication::Format;
use crate::room::{CloseCode, Hub, Session};

mod problem;
mod talk;

use talk::{Ending, Talk};

/// Answers who a token speaks for.
#[derive(Clone)]
pub struct Verifier(Arc<Verify>);

type Verify = dyn Fn(&str, Timestamp) -> Result<Caller, TokenRefused> + Send + Sync;

impl Verifier {
    pub fn new(
        verify: impl Fn(&str, Timestamp) -> Result<Caller, TokenRefused> + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(verify))
    }

    /// No token is a guest.
    fn caller(&self, token: &str, now: Timestamp) -> Result<Caller, TokenRefused> {
        if token.is_empty() { Ok(Caller::guest()) } else { (self.0)(token, now) }
    }
}

/// How long the server waits for a client.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// For the first message.
    pub join: Duration,
    /// Between pings of the server; jittered by a fifth, so that sockets that opened together do not ping together.
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
pub struct Sockets {
    hub: Hub,
    verifier: Verifier,
    clock: Clock,
    patience: Patience,
    /// Open sockets and what they started.
    tasks: TaskTracker,
    draining: CancellationToken,
}

impl Sockets {
    pub fn new(hub: Hub, verifier: Verifier, clock: Clock, patience: Patience) -> Self {
        let (tasks, draining) = (TaskTracker::new(), CancellationToken::new());
        Self { hub, verifier, clock, patience, tasks, draining }
    }

    pub fn router(self) -> Router {
        Router::new().route("/v1/rooms/{room}/live", get(upgrade)).with_state(self)
    }

    /// Tells every client to go and when to come back, and returns when all sockets are closed and all their orders answered.
    pub async fn drain(&self) {
        self.hub.drain().await;
        self.draining.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

/// The largest payload is a late viewer's flush: both rings in one format, less than 1 MiB; and a snapshot before it.
const WRITE_BYTES_MAX: usize = 2 * 1024 * 1024;
/// Messages up to here are read and refused in order; larger ones end the connection at their header. Bounds what a socket can make
/// the server keep.
const READ_BYTES_MAX: usize = 4 * MESSAGE_BYTES_MAX;
/// Most messages are a few hundred bytes, and this much is kept for every open socket.
const READ_BUFFER_BYTES: usize = 2 * 1024;

async fn upgrade(
    State(sockets): State<Sockets>,
    Path(room): Path<String>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    let upgrade = match upgrade {
        Ok(upgrade) => upgrade,
        Err(rejection) => return problem::not_a_socket(&rejection.to_string()),
    };
    let upgrade = upgrade
        .max_message_size(READ_BYTES_MAX)
        .max_frame_size(READ_BYTES_MAX)
        .read_buffer_size(READ_BUFFER_BYTES)
        .write_buffer_size(0)
        .max_write_buffer_size(WRITE_BYTES_MAX)
        .protocols([PROTO, JSON]);
    let chosen = upgrade.selected_protocol().and_then(|name| name.to_str().ok()).and_then(codec::format_of);
    let tasks = sockets.tasks.clone();
    upgrade.on_upgrade(move |socket| tasks.track_future(serve(sockets, socket, room, chosen)))
}

async fn serve(sockets: Sockets, socket: WebSocket, room: String, chosen: Option<Format>) {
    // Without a subprotocol the reason can only stand in the close frame.
    let format = chosen.unwrap_or(Format::Json);
    let opened = || -> Result<Session, Ending> {
        chosen
            .ok_or_else(|| Ending::because(CloseCode::UnknownKind, format!("ask for {PROTO} or {JSON}")))?;
        let room = room.parse().map_err(|_| Ending::from(CloseCode::NoSuchRoom))?;
        Ok(Session::new(sockets.hub.clone(), sockets.hub.connect()?, room, format))
    };
    let session = opened();
    let mut talk = Talk::new(sockets, socket, format);
    let ending = match session {
        Ok(session) => talk.run(session).await,
        Err(ending) => ending,
    };
    talk.end(ending).await;
}
