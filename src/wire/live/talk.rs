//! The loop of one socket.

use std::future::Future;
use std::pin::pin;

use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket};
use bytes::Bytes;
use futures_util::poll;
use tokio::time::{Duration, Instant, interval_at, sleep_until, timeout};
use tokio_tungstenite::tungstenite;

use super::Sockets;
use crate::room::publication::Format;
use crate::room::session::{Answer, Next, Outcome};
use crate::room::{CloseCode, Session, meters};
use crate::wire::codec::{self, MESSAGE_BYTES_MAX};

/// How often a write that does not get through is looked at.
const STALL_LOOK: Duration = Duration::from_secs(1);

pub struct Talk {
    sockets: Sockets,
    socket: WebSocket,
    format: Format,
    heard_at: Instant,
    /// What comes in cannot be read any more.
    deaf: bool,
}

/// Why a socket ends, and what the client is told.
pub struct Ending {
    code: CloseCode,
    reason: String,
}

impl Ending {
    pub fn because(code: CloseCode, reason: String) -> Self {
        Self { code, reason }
    }
}

impl From<CloseCode> for Ending {
    fn from(code: CloseCode) -> Self {
        Self { code, reason: code.name().to_owned() }
    }
}

impl Talk {
    pub fn new(sockets: Sockets, socket: WebSocket, format: Format) -> Self {
        Self { sockets, socket, format, heard_at: Instant::now(), deaf: false }
    }

    pub async fn run(&mut self, mut session: Session) -> Ending {
        match self.converse(&mut session).await {
            Ok(never) => match never {},
            Err(ending) => ending,
        }
    }

    /// Says goodbye within a moment; a client that is gone or does not read is left.
    pub async fn end(mut self, ending: Ending) {
        let Ending { code, reason } = ending;
        metrics::counter!(meters::CLOSES, "code" => code.number().to_string()).increment(1);
        if code == CloseCode::ClientClosed {
            // The library has queued the answer to the client's close; reading on sends it.
            let answer = async { while let Some(Ok(_)) = self.socket.recv().await {} };
            if timeout(self.sockets.patience.goodbye, answer).await.is_err() {
                tracing::debug!("the client closed and did not go");
            }
            return;
        }
        let chance = self.sockets.hub.chance();
        let closing = codec::closing(self.format, code, &reason, chance, self.sockets.clock.now());
        let frame = CloseFrame { code: code.number(), reason: shortened(&reason).into() };
        let patience = self.sockets.patience.goodbye;
        let goodbye = async {
            self.socket.send(message(self.format, closing)).await?;
            self.socket.send(Message::Close(Some(frame))).await?;
            // What the client still sends is read, or left lying until it had time to read: closing a connection with unread
            // bytes makes the client's system throw the close frame away.
            while let Some(Ok(_)) = self.socket.recv().await {}
            if self.deaf {
                std::future::pending::<()>().await;
            }
            Ok::<(), axum::Error>(())
        };
        if let Ok(Err(error)) = timeout(patience, goodbye).await {
            tracing::debug!(code = code.number(), %error, "the client did not hear the goodbye");
        }
    }

    async fn converse(&mut self, session: &mut Session) -> Result<std::convert::Infallible, Ending> {
        let opened_at = Instant::now();
        let mut ping_at = opened_at + self.ping_after();
        loop {
            let close = self.write_waiting(session).await?;
            if let Some(code) = close {
                return Err(code.into());
            }
            let silent_at = self.heard_at + self.sockets.patience.silence;
            let join_by = (!session.has_joined()).then(|| opened_at + self.sockets.patience.join);
            let wake_at = [Some(silent_at), Some(ping_at), join_by].into_iter().flatten().min();
            tokio::select! {
                received = self.socket.recv() => self.on_received(session, received).await?,
                () = session.rung() => {}
                () = self.sockets.draining.cancelled() => return Err(CloseCode::Draining.into()),
                () = sleep_until(wake_at.unwrap_or(silent_at)) => {
                    let now = Instant::now();
                    if now >= silent_at {
                        return Err(CloseCode::Silent.into());
                    }
                    if join_by.is_some_and(|by| now >= by) {
                        return Err(CloseCode::JoinTimeout.into());
                    }
                    ping_at = now + self.ping_after();
                    self.write(session, Message::Ping(Bytes::new())).await?;
                }
            }
        }
    }

    /// Answers first, then the lanes; whether to close after them.
    async fn write_waiting(&mut self, session: &mut Session) -> Result<Option<CloseCode>, Ending> {
        let (answers, close) = session.outlet().take();
        if let Some(bytes) = answers {
            self.write(session, message(self.format, bytes)).await?;
        }
        if let Some(bytes) = session.flush()? {
            self.write(session, message(self.format, bytes)).await?;
        }
        Ok(close)
    }

    /// Waits for a client that reads slowly as long as the rules allow: its chat is skipped meanwhile, and only the critical lane, a
    /// closing room or a minute of silence end it.
    async fn write(&mut self, session: &Session, message: Message) -> Result<(), Ending> {
        let started = Instant::now();
        let silence = self.sockets.patience.silence;
        let mut sending = pin!(self.socket.send(message));
        let mut look = interval_at(started + STALL_LOOK, STALL_LOOK);
        loop {
            tokio::select! {
                biased;
                sent = &mut sending => return sent.map_err(|_| CloseCode::ClientClosed.into()),
                _ = look.tick() => {
                    if session.fell_behind() {
                        return Err(CloseCode::TooSlow.into());
                    }
                    if let Some(code) = session.outlet().closing() {
                        return Err(code.into());
                    }
                    if started.elapsed() >= silence {
                        return Err(CloseCode::Silent.into());
                    }
                }
            }
        }
    }

    async fn on_received(
        &mut self,
        session: &mut Session,
        received: Option<Result<Message, axum::Error>>,
    ) -> Result<(), Ending> {
        self.heard_at = Instant::now();
        let payload = match (self.format, received) {
            (_, None | Some(Ok(Message::Close(_)))) => return Err(CloseCode::ClientClosed.into()),
            (_, Some(Err(error))) => {
                let code = why_broken(error);
                self.deaf = code != CloseCode::ClientClosed;
                return Err(code.into());
            }
            (_, Some(Ok(Message::Ping(_) | Message::Pong(_)))) => None,
            (Format::Json, Some(Ok(Message::Text(text)))) => Some(Bytes::from(text)),
            (Format::Proto, Some(Ok(Message::Binary(bytes)))) => Some(bytes),
            (Format::Json, Some(Ok(Message::Binary(_)))) | (Format::Proto, Some(Ok(Message::Text(_)))) => {
                return Err(CloseCode::UnknownKind.into());
            }
        };
        if payload.as_ref().is_some_and(|payload| payload.len() > MESSAGE_BYTES_MAX) {
            return Err(CloseCode::TooLarge.into());
        }
        let now = self.sockets.clock.now();
        if let Err(warning) = session.admit_message(now)? {
            session.outlet().push(codec::answer(self.format, warning, now));
            return Ok(());
        }
        // Pings and pongs count too, and say nothing.
        let Some(payload) = payload else { return Ok(()) };
        match codec::decode(self.format, &payload) {
            Err(unreadable) => session.outlet().push(codec::unreadable(self.format, unreadable, now)),
            Ok(message) => self.carry_out(session, message).await?,
        }
        Ok(())
    }

    async fn carry_out(
        &mut self,
        session: &mut Session,
        message: apricot_proto::v1::ClientMessage,
    ) -> Result<(), Ending> {
        let now = self.sockets.clock.now();
        match session.on_message(message, now) {
            Next::Nothing => {}
            Next::Answer(answer) => session.outlet().push(codec::answer(self.format, answer, now)),
            Next::Join { id, token, position } => {
                let caller = self.sockets.verifier.caller(&token, now);
                let caller = caller
                    .map_err(|refused| Ending::because(CloseCode::TokenRefused, refused.to_string()))?;
                let joined = session.join(caller, position, now).await?;
                self.write(session, self::message(self.format, joined)).await?;
                if id != 0 {
                    let done = Answer { id, outcome: Ok(Outcome::Done) };
                    session.outlet().push(codec::answer(self.format, done, now));
                }
            }
            Next::Run(errand) => {
                let (outlet, format) = (session.outlet().clone(), self.format);
                let clock = self.sockets.clock.clone();
                let mut errand = Box::pin(async move {
                    if let Some(answer) = errand.run().await {
                        outlet.push(codec::answer(format, answer, clock.now()));
                    }
                });
                // Most refusals, sold out above all, are there at once: no task for them.
                if poll!(errand.as_mut()).is_pending() {
                    self.start(errand);
                }
            }
        }
        Ok(())
    }

    /// Runs on when the socket closes: an order that was sent is decided, and a shutdown waits for it. Bounded by `IN_FLIGHT_MAX`.
    fn start(&self, errand: impl Future<Output = ()> + Send + 'static) {
        self.sockets.tasks.spawn(errand);
    }

    fn ping_after(&self) -> Duration {
        let ping = self.sockets.patience.ping;
        let fifth_ms = u64::try_from(ping.as_millis() / 5).unwrap_or(u64::MAX);
        ping - Duration::from_millis(self.sockets.hub.chance() % (fifth_ms + 1))
    }
}

fn message(format: Format, bytes: Bytes) -> Message {
    match format {
        Format::Proto => Message::Binary(bytes),
        Format::Json => Message::Text(Utf8Bytes::try_from(bytes).expect("our own JSON is UTF-8")),
    }
}

fn why_broken(error: axum::Error) -> CloseCode {
    match error.into_inner().downcast_ref::<tungstenite::Error>() {
        Some(tungstenite::Error::Capacity(_)) => CloseCode::TooLarge,
        Some(tungstenite::Error::Protocol(_) | tungstenite::Error::Utf8(_)) => CloseCode::ProtocolError,
        _ => CloseCode::ClientClosed,
    }
}

/// A close frame carries at most 123 bytes of reason.
fn shortened(reason: &str) -> &str {
    &reason[..reason.floor_char_boundary(123)]
}
