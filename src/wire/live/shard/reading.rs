//! What viewers send: bytes, frames, messages, and what the session decides.

use std::io;
use std::sync::Arc;
use std::task::{Context, Waker};

use super::Shard;
use crate::room::Format;
use crate::room::outlet::Outlet;
use crate::room::session::{Errand, Next};
use crate::wire::codec;
use crate::wire::live::door::Heard;
use crate::wire::live::viewer::{Life, Viewer};
use crate::wire::live::{Ending, payload};
use crate::wire::websocket::{self, Opcode, Received};

impl Shard {
    pub(super) fn read(&mut self, key: usize) {
        let now_ms = self.now_ms();
        let Some(viewer) = self.viewers.get_mut(key) else { return };
        let read = match viewer.transport.read(&mut self.buffer) {
            Ok(0) => return self.gone(key),
            Ok(read) => read,
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {
                return;
            }
            Err(_) => return self.gone(key),
        };
        if viewer.transport.may_have_more(read, self.buffer.len()) {
            self.unread.push(key);
        }
        viewer.heard_at_ms = now_ms;
        let mut inbound = std::mem::take(&mut viewer.inbound);
        let mut buffer = std::mem::take(&mut self.buffer);
        let mut inflater = self.inflater.take().unwrap_or_default();
        let done =
            inbound.read(&mut buffer[..read], &mut inflater, |received| self.on_received(key, received));
        (self.buffer, self.inflater) = (buffer, Some(inflater));
        if let Some(viewer) = self.viewers.get_mut(key) {
            viewer.inbound = inbound;
        }
        // Answers to what came before a broken message are owed.
        self.write_answers(key);
        if let Err(ending) = done {
            self.end(key, ending);
        }
    }

    fn on_received(&mut self, key: usize, received: Received<'_>) -> Result<(), Ending> {
        let heard = match received {
            Received::Ping(bytes) => Heard::Ping(bytes.to_vec()),
            Received::Pong => Heard::Pong,
            Received::Close { code, .. } => Heard::Close { code },
            data => {
                let Some(viewer) = self.viewers.get(key) else { return Ok(()) };
                if let Life::Leaving { .. } = viewer.life {
                    return Ok(());
                }
                return self.on_message(key, payload(viewer.dialect.format, &data)?);
            }
        };
        self.on_heard(key, heard)
    }

    pub(super) fn on_heard(&mut self, key: usize, heard: Heard) -> Result<(), Ending> {
        let Some(viewer) = self.viewers.get_mut(key) else { return Ok(()) };
        let Life::Inside { session, .. } = &mut viewer.life else {
            if let (Heard::Close { .. }, Life::Leaving { client_closed }) = (&heard, &mut viewer.life) {
                *client_closed = true;
            }
            return Ok(());
        };
        // Pings and pongs count too.
        let now = self.clock.now();
        match heard {
            Heard::Message(payload) => return self.on_message(key, &payload),
            Heard::Close { code } => return Err(Ending::answering(code)),
            Heard::Ping(_) | Heard::Pong => {
                if let Err(warning) = session.admit_message(now)? {
                    session.outlet().push(codec::answer(viewer.dialect.format, warning, now));
                    return Ok(());
                }
            }
        }
        if let Heard::Ping(payload) = heard {
            // Behind the answers to what came before it.
            self.write_answers(key);
            let Some(viewer) = self.viewers.get_mut(key) else { return Ok(()) };
            viewer.send(&websocket::frame(Opcode::Pong, &payload));
        }
        Ok(())
    }

    fn on_message(&mut self, key: usize, payload: &[u8]) -> Result<(), Ending> {
        let now = self.clock.now();
        // One read may hold hundreds of messages, and an outlet holds few answers.
        if let Some(Viewer { life: Life::Inside { session, .. }, .. }) = self.viewers.get(key)
            && session.outlet().is_half_full()
        {
            self.write_answers(key);
        }
        let Some(Viewer { life: Life::Inside { session, .. }, dialect, .. }) = self.viewers.get_mut(key)
        else {
            return Ok(());
        };
        let format = dialect.format;
        if let Err(warning) = session.admit_message(now)? {
            session.outlet().push(codec::answer(format, warning, now));
            return Ok(());
        }
        let message = match codec::decode(format, payload) {
            Ok(message) => message,
            Err(unreadable) => {
                session.outlet().push(codec::unreadable(format, unreadable, now));
                return Ok(());
            }
        };
        match session.on_message(message, now) {
            Next::Nothing => {}
            Next::Answer(answer) => session.outlet().push(codec::answer(format, answer, now)),
            Next::Run(errand) => {
                let outlet = session.outlet().clone();
                self.run_errand(errand, outlet, format);
            }
        }
        Ok(())
    }

    /// Runs on when the socket closes: an order that was sent is decided, and a shutdown waits for it. Bounded by `IN_FLIGHT_MAX`.
    fn run_errand(&self, errand: Errand, outlet: Arc<Outlet>, format: Format) {
        let clock = self.clock.clone();
        let mut errand = Box::pin(async move {
            if let Some(answer) = errand.run().await {
                outlet.push(codec::answer(format, answer, clock.now()));
            }
        });
        // Most refusals, sold out above all, are there at once: no task for them.
        if errand.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending() {
            self.tasks.spawn(errand);
        }
    }
}
