//! How viewers leave: told to, unheard of, or by themselves.

use std::sync::atomic::Ordering;
use std::time::Instant;

use bytes::Bytes;

use super::{Shard, address, millis};
use crate::room::{CloseCode, meters};
use crate::wire::codec;
use crate::wire::live::viewer::{Life, Sent, Viewer};
use crate::wire::live::{Ending, frame};
use crate::wire::token::TokenRefused;
use crate::wire::websocket::{self, Opcode};

/// Somebody who got a close frame.
pub struct Leaver {
    pub until: Instant,
    key: usize,
    arrival: u32,
}

impl Shard {
    /// Says goodbye; the connection stays a moment for the client's half.
    pub(super) fn end(&mut self, key: usize, ending: Ending) {
        let Ending { code, number, reason } = ending;
        let client_closed = code == CloseCode::ClientClosed;
        if !self.leave(key, code) {
            return;
        }
        let Some(viewer) = self.viewers.get_mut(key) else { return };
        let close = websocket::close_frame(number, &reason);
        let sent = if client_closed {
            viewer.send(&close)
        } else {
            let (chance, now) = (self.hub.chance(), self.clock.now());
            let closing = codec::closing(viewer.dialect.format, code, &reason, chance, now);
            let closing = frame::publications(viewer.dialect, &mut self.deflater, &closing);
            viewer.send(&Bytes::from([closing, close].concat()))
        };
        match sent {
            Sent::Gone => self.forget(key),
            Sent::All if client_closed => self.forget(key),
            Sent::All | Sent::Some => {
                let until = self.now + self.patience.goodbye;
                self.leaving.push_back(Leaver { until, key, arrival: viewer.arrival });
            }
        }
    }

    /// The connection ended without a word.
    pub(super) fn gone(&mut self, key: usize) {
        self.leave(key, CloseCode::ClientClosed);
        self.forget(key);
    }

    /// Those whose time for the other half of the close is over.
    pub(super) fn see_off(&mut self) {
        while let Some(leaver) = self.leaving.pop_front_if(|leaver| leaver.until <= self.now) {
            let is_it = |viewer: &Viewer| viewer.arrival == leaver.arrival;
            if self.viewers.get(leaver.key).is_some_and(is_it) {
                self.forget(leaver.key);
            }
        }
    }

    /// Pings those who are silent, and sends away those who stay so and those whose token has ended.
    pub(super) fn turn_the_wheel(&mut self) {
        if self.viewers.is_empty() {
            return self.wheel.rest(self.now);
        }
        let (now_ms, now) = (self.now_ms(), self.clock.now());
        let (silence_ms, ping_ms) = (millis(self.patience.silence), millis(self.patience.ping));
        while let Some(keys) = self.wheel.turn(self.now, self.viewers.capacity()) {
            for key in keys {
                let Some(viewer) = self.viewers.get_mut(key) else { continue };
                let Life::Inside { .. } = viewer.life else { continue };
                let silent_ms = now_ms.saturating_sub(viewer.heard_at_ms);
                if silent_ms >= silence_ms {
                    self.end(key, CloseCode::Silent.into());
                } else if viewer.until <= now {
                    let reason = TokenRefused::Expired.to_string();
                    self.end(key, Ending::because(CloseCode::TokenRefused, reason));
                } else if viewer.is_ping_due(now_ms, ping_ms) && !viewer.is_blocked() {
                    viewer.pinged_at_ms = now_ms;
                    if viewer.send(&websocket::frame(Opcode::Ping, &[])) == Sent::Gone {
                        self.gone(key);
                    }
                }
            }
        }
    }

    /// Gives the seat back. False: it had none any more.
    fn leave(&mut self, key: usize, code: CloseCode) -> bool {
        let Some(viewer) = self.viewers.get_mut(key) else { return false };
        let client_closed = code == CloseCode::ClientClosed;
        let life = std::mem::replace(&mut viewer.life, Life::Leaving { client_closed });
        let (session, place) = match life {
            Life::Inside { session, place } => (session, place),
            Life::Leaving { client_closed: before } => {
                viewer.life = Life::Leaving { client_closed: before || client_closed };
                return false;
            }
        };
        metrics::counter!(meters::CLOSES, "code" => code.number().to_string()).increment(1);
        if let Some(hall) = self.halls.get_mut(place.hall) {
            hall.leave(place.seat);
            if hall.is_empty() {
                hall.room.not_read_by(&self.desk.bell);
                self.hall_of.remove(&address(&hall.room));
                self.halls.remove(place.hall);
            }
        }
        drop(session);
        true
    }

    pub(super) fn forget(&mut self, key: usize) {
        if let Some(mut viewer) = self.viewers.try_remove(key) {
            self.desk.sockets.fetch_sub(1, Ordering::Relaxed);
            if let Err(error) = self.poll.registry().deregister(viewer.transport.stream()) {
                tracing::debug!(%error, "a socket was not watched any more");
            }
        }
    }
}
