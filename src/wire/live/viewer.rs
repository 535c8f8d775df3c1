//! One socket on a shard: its stream, what is half read and half written, and the session that decides.

use std::io;

use bytes::{Buf, Bytes};
use tokio_util::task::task_tracker::TaskTrackerToken;

use super::Dialect;
use super::transport::Transport;
use crate::model::Timestamp;
use crate::room::Session;
use crate::wire::websocket::Inbound;

pub struct Viewer {
    pub transport: Transport,
    pub inbound: Inbound,
    pub dialect: Dialect,
    pub life: Life,
    /// Which one on this shard.
    pub arrival: u32,
    /// The token's end.
    pub until: Timestamp,
    /// Milliseconds of the shard's life: a message, a pong, or progress of a write.
    pub heard_at_ms: u64,
    /// Likewise: the last ping.
    pub pinged_at_ms: u64,
    /// What a full socket did not take. While there is something, lanes are not read for this viewer: it skips chat.
    unsent: Option<Box<Unsent>>,
    /// Keeps a shutdown waiting.
    _counted: TaskTrackerToken,
}

/// Rare, so that the others pay for a pointer only.
struct Unsent {
    parts: Vec<Bytes>,
}

pub enum Life {
    Inside {
        session: Session,
        place: Place,
    },
    /// A close frame is sent or waiting to be.
    Leaving {
        client_closed: bool,
    },
}

/// Where in which hall of this shard.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    pub hall: usize,
    pub seat: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    All,
    /// The rest is kept and goes first when the socket takes more.
    Some,
    /// The connection is gone.
    Gone,
}

/// For a client that pings and does not read. Of further pings the newest is answered (RFC 6455, section 5.5.3).
const UNSENT_PARTS_MAX: usize = 8;
/// The first byte of a pong.
const PONG: u8 = 0x8A;

impl Viewer {
    pub fn new(
        transport: Transport,
        inbound: Inbound,
        dialect: Dialect,
        life: Life,
        until: Timestamp,
        arrival: u32,
        counted: TaskTrackerToken,
    ) -> Self {
        Self {
            transport,
            inbound,
            dialect,
            life,
            until,
            arrival,
            heard_at_ms: 0,
            pinged_at_ms: 0,
            unsent: None,
            _counted: counted,
        }
    }

    /// Nothing was heard for as long as a ping is worth, and the last one is as long ago.
    pub fn is_ping_due(&self, now_ms: u64, ping_ms: u64) -> bool {
        now_ms.saturating_sub(self.heard_at_ms.max(self.pinged_at_ms)) >= ping_ms
    }

    pub fn is_blocked(&self) -> bool {
        self.unsent.is_some() || self.transport.is_blocked()
    }

    /// The whole of one frame, or what the socket takes of it.
    pub fn send(&mut self, frame: &Bytes) -> Sent {
        if let Some(Unsent { parts }) = self.unsent.as_deref_mut() {
            let is_pong = |part: &Bytes| part.first() == Some(&PONG);
            if parts.len() < UNSENT_PARTS_MAX {
                parts.push(frame.clone());
            } else if let Some(last) = parts.last_mut().filter(|last| is_pong(last) && is_pong(frame)) {
                *last = frame.clone();
            }
            return Sent::Some;
        }
        match attempt(self.transport.write(frame)) {
            Ok(written) if written == frame.len() => {
                if self.transport.is_blocked() {
                    Sent::Some
                } else {
                    Sent::All
                }
            }
            Ok(written) => {
                self.unsent = Some(Box::new(Unsent { parts: vec![frame.slice(written..)] }));
                Sent::Some
            }
            Err(_) => Sent::Gone,
        }
    }

    /// The socket takes more. `All`: nothing is left over from before.
    pub fn send_rest(&mut self, now_ms: u64) -> Sent {
        if self.transport.flush().is_err() {
            return Sent::Gone;
        }
        let mut rest = self.unsent.take().map(|unsent| unsent.parts).unwrap_or_default();
        while let Some(part) = rest.first_mut() {
            match attempt(self.transport.write(part)) {
                Ok(0) => break,
                Ok(written) => {
                    self.heard_at_ms = now_ms;
                    part.advance(written);
                    if part.is_empty() {
                        rest.remove(0);
                    }
                }
                Err(_) => return Sent::Gone,
            }
        }
        if !rest.is_empty() {
            self.unsent = Some(Box::new(Unsent { parts: rest }));
        }
        if self.is_blocked() { Sent::Some } else { Sent::All }
    }
}

/// A full socket takes nothing.
fn attempt(written: io::Result<usize>) -> io::Result<usize> {
    match written {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
        other => other,
    }
}
