//! From the upgrade to the first message: a task for each socket, for as long as that takes. Who may come in moves on to a shard.

use std::cell::RefCell;
use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_rustls::server::TlsStream;
use tokio_util::task::task_tracker::TaskTrackerToken;

use super::transport::{IntoLine, Line};
use super::{Dialect, Ending, Sockets, frame, payload};
use crate::model::Timestamp;
use crate::room::publication::Format;
use crate::room::session::{Answer, Arrival, Join, Outcome};
use crate::room::{CloseCode, Session};
use crate::wire::codec::{self, JSON, PROTO};
use crate::wire::token::Verified;
use crate::wire::websocket::{self, Deflater, Inbound, Inflater, Opcode, Received};

/// A Join with a token is a few hundred bytes; the rest of a longer one comes with the next read.
const READ_BYTES: usize = 2 * 1024;
/// Messages of one read, which inflated may be large: more than the rate and its warnings let through.
const HEARD_AT_ONCE: usize = 64;

/// Somebody who has joined and waits for a place on a shard.
pub struct Newcomer {
    pub line: Line,
    pub inbound: Inbound,
    pub dialect: Dialect,
    pub session: Session,
    /// The token's end.
    pub until: Timestamp,
    /// Keeps a shutdown waiting.
    pub counted: TaskTrackerToken,
    /// Frames for this viewer alone: what it joined with.
    pub first: Bytes,
    /// What came right behind the join.
    pub early: VecDeque<Heard>,
}

struct Entered {
    session: Session,
    until: Timestamp,
    first: Bytes,
    early: VecDeque<Heard>,
}

/// A message that is not decided yet.
pub enum Heard {
    Message(Vec<u8>),
    Ping(Vec<u8>),
    Pong,
    Close { code: Option<u16> },
}

/// A socket without a session.
struct Stranger<S> {
    sockets: Sockets,
    stream: S,
    inbound: Inbound,
    dialect: Dialect,
}

thread_local! {
    /// One of each for a thread: a viewer's own frames are small and rare.
    static DEFLATER: RefCell<Deflater> = RefCell::new(Deflater::new());
    static INFLATER: RefCell<Inflater> = RefCell::new(Inflater::new());
}

/// `chosen`: by the subprotocol. The listener serves plain connections and those with TLS.
pub async fn welcome(
    sockets: Sockets,
    upgraded: Upgraded,
    room: String,
    chosen: Option<Format>,
    deflate: bool,
) {
    // Without a subprotocol the reason can only stand in the close frame.
    let dialect = Dialect { format: chosen.unwrap_or(Format::Json), deflate };
    let wanted = chosen.map(|_| room);
    match upgraded.downcast::<TokioIo<TcpStream>>() {
        Ok(parts) => {
            Stranger::new(sockets, parts.io.into_inner(), dialect).welcome(wanted, parts.read_buf).await;
        }
        Err(upgraded) => match upgraded.downcast::<TokioIo<TlsStream<TcpStream>>>() {
            Ok(parts) => {
                Stranger::new(sockets, parts.io.into_inner(), dialect).welcome(wanted, parts.read_buf).await;
            }
            Err(_) => tracing::error!("an upgraded connection is of a kind that no listener here makes"),
        },
    }
}

impl<S: AsyncRead + AsyncWrite + IntoLine + Unpin> Stranger<S> {
    fn new(sockets: Sockets, stream: S, dialect: Dialect) -> Self {
        Self { sockets, stream, inbound: Inbound::new(dialect.deflate), dialect }
    }

    /// `room`: `None` when the client asked for no subprotocol that is known here.
    async fn welcome(mut self, room: Option<String>, early: Bytes) {
        let hub = self.sockets.0.hub.clone();
        let arrival = || -> Result<Arrival, Ending> {
            let unknown = || Ending::because(CloseCode::UnknownKind, format!("ask for {PROTO} or {JSON}"));
            let room = room.ok_or_else(unknown)?.parse().map_err(|_| CloseCode::NoSuchRoom)?;
            Ok(Arrival::new(hub.clone(), hub.connect()?, room, self.dialect.format))
        };
        let entered = match arrival() {
            Ok(arrival) => self.enter(arrival, early).await,
            Err(ending) => Err(ending),
        };
        match entered {
            Err(ending) => self.turn_away(ending).await,
            Ok(Entered { session, until, first, early }) => {
                let Self { sockets, stream, inbound, dialect } = self;
                let counted = sockets.0.tasks.token();
                match stream.into_line() {
                    Ok(line) => {
                        let newcomer =
                            Newcomer { line, inbound, dialect, session, until, counted, first, early };
                        sockets.0.shards.take_in(newcomer);
                    }
                    Err(error) => tracing::warn!(%error, "a socket could not be handed on"),
                }
            }
        }
    }

    async fn enter(&mut self, mut arrival: Arrival, early: Bytes) -> Result<Entered, Ending> {
        let deadline = Instant::now() + self.sockets.0.patience.join;
        let draining = self.sockets.0.draining.clone();
        let mut heard = VecDeque::new();
        let mut bytes = BytesMut::from(early);
        loop {
            let read = read_frames(&mut self.inbound, self.dialect, &mut bytes, &mut heard);
            // What came before a broken frame counts.
            while let Some(message) = heard.pop_front() {
                if let Some(join) = self.decide(&mut arrival, message).await? {
                    read?;
                    let (session, until, first) = self.join(arrival, join).await?;
                    return Ok(Entered { session, until, first, early: heard });
                }
            }
            read?;
            bytes.clear();
            bytes.reserve(READ_BYTES);
            tokio::select! {
                received = self.stream.read_buf(&mut bytes) => {
                    if !matches!(received, Ok(1..)) {
                        return Err(CloseCode::ClientClosed.into());
                    }
                }
                () = sleep_until(deadline) => return Err(CloseCode::JoinTimeout.into()),
                () = draining.cancelled() => return Err(CloseCode::Draining.into()),
            }
        }
    }

    async fn decide(&mut self, arrival: &mut Arrival, heard: Heard) -> Result<Option<Join>, Ending> {
        let (format, now) = (self.dialect.format, self.sockets.0.clock.now());
        if let Heard::Close { code } = heard {
            return Err(Ending::answering(code));
        }
        if let Err(warning) = arrival.admit_message(now)? {
            self.say(&codec::answer(format, warning, now)).await?;
            return Ok(None);
        }
        match heard {
            Heard::Ping(payload) => self.write(&websocket::frame(Opcode::Pong, &payload)).await?,
            Heard::Pong | Heard::Close { .. } => {}
            Heard::Message(payload) => match codec::decode(format, &payload) {
                Err(unreadable) => self.say(&codec::unreadable(format, unreadable, now)).await?,
                Ok(message) => match arrival.on_message(message) {
                    Ok(join) => return Ok(Some(join)),
                    Err(Some(answer)) => self.say(&codec::answer(format, answer, now)).await?,
                    Err(None) => {}
                },
            },
        }
        Ok(None)
    }

    async fn join(&mut self, arrival: Arrival, join: Join) -> Result<(Session, Timestamp, Bytes), Ending> {
        // In turn: those who watch already do not wait for a crowd that comes.
        let _turn = self.sockets.0.joins.acquire().await.map_err(|_| CloseCode::Draining)?;
        let (format, now) = (self.dialect.format, self.sockets.0.clock.now());
        let caller = self.sockets.0.verifier.caller(&join.token, now);
        let Verified { caller, until } =
            caller.map_err(|refused| Ending::because(CloseCode::TokenRefused, refused.to_string()))?;
        let (session, mut joined) = arrival.join(caller, join.position, now).await?;
        if join.id != 0 {
            let done = codec::answer(format, Answer { id: join.id, outcome: Ok(Outcome::Done) }, now);
            joined = [joined, done].concat().into();
        }
        Ok((session, until, self.framed(&joined)))
    }

    /// Says goodbye within a moment; a client that is gone or does not read is left.
    async fn turn_away(mut self, ending: Ending) {
        let Ending { code, number, reason } = ending;
        metrics::counter!(crate::room::meters::CLOSES, "code" => code.number().to_string()).increment(1);
        let (chance, now) = (self.sockets.0.hub.chance(), self.sockets.0.clock.now());
        let patience = self.sockets.0.patience.goodbye;
        let goodbye = async {
            if code != CloseCode::ClientClosed {
                let closing = codec::closing(self.dialect.format, code, &reason, chance, now);
                self.say(&closing).await?;
            }
            self.write(&websocket::close_frame(number, &reason)).await?;
            self.stream.shutdown().await.map_err(|_| CloseCode::ClientClosed)?;
            // Closing a connection with unread bytes makes the client's system throw the close frame away.
            let mut ignored = BytesMut::with_capacity(READ_BYTES);
            while let Ok(1..) = self.stream.read_buf(&mut ignored).await {
                ignored.clear();
            }
            Ok::<(), CloseCode>(())
        };
        if timeout(patience, goodbye).await.is_err() {
            tracing::debug!(code = code.number(), "the client did not hear the goodbye");
        }
    }

    async fn say(&mut self, publications: &[u8]) -> Result<(), CloseCode> {
        let frame = self.framed(publications);
        self.write(&frame).await
    }

    fn framed(&self, publications: &[u8]) -> Bytes {
        DEFLATER.with_borrow_mut(|deflater| frame::publications(self.dialect, deflater, publications))
    }

    /// Waits for a client that reads slowly no longer than it may take to join.
    async fn write(&mut self, bytes: &[u8]) -> Result<(), CloseCode> {
        let written = timeout(self.sockets.0.patience.join, self.stream.write_all(bytes)).await;
        match written {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(CloseCode::ClientClosed),
            Err(_) => Err(CloseCode::Silent),
        }
    }
}

fn read_frames(
    inbound: &mut Inbound,
    dialect: Dialect,
    bytes: &mut [u8],
    into: &mut VecDeque<Heard>,
) -> Result<(), Ending> {
    INFLATER.with_borrow_mut(|inflater| {
        inbound.read(bytes, inflater, |received| {
            if into.len() == HEARD_AT_ONCE {
                return Err(CloseCode::TooManyMessages.into());
            }
            into.push_back(match received {
                Received::Ping(payload) => Heard::Ping(payload.to_vec()),
                Received::Pong => Heard::Pong,
                Received::Close { code, .. } => Heard::Close { code },
                data => Heard::Message(payload(dialect.format, &data)?.to_vec()),
            });
            Ok::<(), Ending>(())
        })
    })
}
