//! One thread with many sockets: it reads what viewers send, and walks past the viewers of a room to write what the room says. Nothing
//! here waits for a viewer.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, VecDeque};
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Waker};
use std::time::{Duration, Instant};

use mio::event::Event;
use mio::{Events, Interest, Poll, Token};
use slab::Slab;
use tokio_util::task::TaskTracker;

use super::door::{Heard, Newcomer};
use super::hall::{Due, Framed, Hall, Pass};
use super::meters::Meters;
use super::shards::Desk;
use super::transport::Transport;
use super::viewer::{Life, Place, Sent, Viewer};
use super::wheel::Wheel;
use super::{Ending, Patience, frame, payload};
use crate::clock::{self, Clock};
use crate::room::bell::{Rung, Urgency};
use crate::room::lanes::Cursor;
use crate::room::outlet::Outlet;
use crate::room::session::{Errand, Next};
use crate::room::{CloseCode, Format, Hub, LiveRoom};
use crate::wire::codec;
use crate::wire::websocket::{self, Deflater, Inflater, Opcode, Received};

mod goodbye;

use goodbye::Leaver;

pub const WAKER: Token = Token(usize::MAX);

/// Shared by all sockets of a shard: a read is whole or goes on at the next turn.
const READ_BYTES: usize = 64 * 1024;
const EVENTS_AT_ONCE: usize = 1_024;
/// About a millisecond of writes; then what viewers sent is looked at.
const PASSED_AT_ONCE: usize = 256;

pub struct Shard {
    poll: Poll,
    desk: Arc<Desk>,
    hub: Hub,
    clock: Clock,
    patience: Patience,
    tasks: TaskTracker,
    began: Instant,
    now: Instant,
    viewers: Slab<Viewer>,
    halls: Slab<Hall>,
    /// By the address of the room, which lives as long as its hall.
    hall_of: HashMap<usize, usize>,
    urgent: VecDeque<usize>,
    soon: VecDeque<usize>,
    waiting: BinaryHeap<Reverse<(Instant, usize)>>,
    /// Those who got a close frame, in the order of their deadlines.
    leaving: VecDeque<Leaver>,
    /// A key is used again; this is not.
    arrivals: u32,
    /// Sockets whose last read filled the buffer.
    unread: Vec<usize>,
    wheel: Wheel,
    rung: Vec<Rung>,
    buffer: Vec<u8>,
    inflater: Inflater,
    deflater: Deflater,
    meters: Meters,
}

impl Shard {
    pub fn new(
        poll: Poll,
        desk: Arc<Desk>,
        hub: Hub,
        clock: Clock,
        patience: Patience,
        tasks: TaskTracker,
    ) -> Self {
        let now = clock::instant();
        Self {
            poll,
            desk,
            hub,
            clock,
            patience,
            tasks,
            began: now,
            now,
            viewers: Slab::new(),
            halls: Slab::new(),
            hall_of: HashMap::new(),
            urgent: VecDeque::new(),
            soon: VecDeque::new(),
            waiting: BinaryHeap::new(),
            leaving: VecDeque::new(),
            arrivals: 0,
            unread: Vec::new(),
            wheel: Wheel::new(patience.ping, now),
            rung: Vec::new(),
            buffer: vec![0; READ_BYTES],
            inflater: Inflater::new(),
            deflater: Deflater::new(),
            meters: Meters::new(),
        }
    }

    /// Until all clones of the sockets are gone.
    pub fn run(mut self) {
        let mut events = Events::with_capacity(EVENTS_AT_ONCE);
        while !self.desk.is_stopped() {
            let wait = self.may_wait();
            if let Err(error) = self.poll.poll(&mut events, wait)
                && error.kind() != io::ErrorKind::Interrupted
            {
                tracing::error!(%error, "a shard cannot wait for its sockets");
            }
            self.now = clock::instant();
            for event in &events {
                self.on_event(event);
            }
            self.read_on();
            self.look_around();
            self.walk();
            self.turn_the_wheel();
            self.see_off();
        }
    }

    /// `Some(0)`: there is something to do.
    fn may_wait(&mut self) -> Option<Duration> {
        if !self.urgent.is_empty()
            || !self.soon.is_empty()
            || !self.unread.is_empty()
            || !self.desk.bell.may_rest()
        {
            return Some(Duration::ZERO);
        }
        let walk_at = self.waiting.peek().map(|Reverse((at, _))| *at);
        let leave_at = self.leaving.front().map(|leaver| leaver.until);
        let spoke_at = (!self.viewers.is_empty()).then_some(self.wheel.next_at());
        let next = [walk_at, leave_at, spoke_at].into_iter().flatten().min()?;
        Some(next.saturating_duration_since(clock::instant()))
    }

    fn on_event(&mut self, event: &Event) {
        let Token(key) = event.token();
        if event.token() == WAKER || !self.viewers.contains(key) {
            return;
        }
        if event.is_writable() && self.viewers[key].is_blocked() {
            self.write_on(key);
        }
        if event.is_readable() || event.is_read_closed() || event.is_error() {
            self.read(key);
        }
    }

    /// Sockets that had more than a buffer full: one read each, so that nobody else waits for them.
    fn read_on(&mut self) {
        for key in std::mem::take(&mut self.unread) {
            self.read(key);
        }
    }

    fn read(&mut self, key: usize) {
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
        if read == self.buffer.len() {
            self.unread.push(key);
        }
        viewer.heard_at_ms = now_ms;
        let mut inbound = std::mem::take(&mut viewer.inbound);
        let mut buffer = std::mem::take(&mut self.buffer);
        let mut inflater = std::mem::take(&mut self.inflater);
        let done =
            inbound.read(&mut buffer[..read], &mut inflater, |received| self.on_received(key, received));
        (self.buffer, self.inflater) = (buffer, inflater);
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

    fn on_heard(&mut self, key: usize, heard: Heard) -> Result<(), Ending> {
        let Some(viewer) = self.viewers.get_mut(key) else { return Ok(()) };
        let Life::Inside { session, .. } = &mut viewer.life else {
            if let (Heard::Close { .. }, Life::Leaving { client_closed }) = (&heard, &mut viewer.life) {
                *client_closed = true;
            }
            return Ok(());
        };
        let payload = match heard {
            Heard::Message(payload) => return self.on_message(key, &payload),
            Heard::Close { code } => return Err(Ending::answering(code)),
            Heard::Ping(payload) => Some(payload),
            Heard::Pong => None,
        };
        // Pings and pongs count too, and say nothing.
        let now = self.clock.now();
        match session.admit_message(now)? {
            Err(warning) => session.outlet().push(codec::answer(viewer.dialect.format, warning, now)),
            Ok(()) => {
                if let Some(payload) = payload {
                    viewer.send(&websocket::frame(Opcode::Pong, &payload));
                }
            }
        }
        Ok(())
    }

    fn on_message(&mut self, key: usize, payload: &[u8]) -> Result<(), Ending> {
        let now = self.clock.now();
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
        if pin!(errand.as_mut()).poll(&mut Context::from_waker(Waker::noop())).is_pending() {
            self.tasks.spawn(errand);
        }
    }

    /// Of the shard's life.
    fn now_ms(&self) -> u32 {
        u32::try_from((self.now - self.began).as_millis()).unwrap_or(u32::MAX)
    }

    /// What rang since the last time, and who came.
    fn look_around(&mut self) {
        let mut rung = std::mem::take(&mut self.rung);
        rung.clear();
        self.desk.bell.take(&mut rung);
        for newcomer in self.desk.newcomers() {
            self.take_in(newcomer);
        }
        for rung in &rung {
            match *rung {
                Rung::Session(key) => self.write_answers(key),
                Rung::Room(hall, urgency) => self.ring(hall, urgency),
            }
        }
        self.rung = rung;
        while let Some(Reverse((at, hall))) = self.waiting.peek().copied()
            && at <= self.now
        {
            self.waiting.pop();
            if let Some(hall) = self.halls.get_mut(hall) {
                hall.waited();
            }
            self.ring(hall, Urgency::Soon);
        }
    }

    fn take_in(&mut self, newcomer: Newcomer) {
        let Newcomer { stream, inbound, dialect, session, first, early } = newcomer;
        let key = self.viewers.vacant_key();
        let transport = Transport::plain(stream, self.patience.silence).and_then(|mut transport| {
            let interest = Interest::READABLE | Interest::WRITABLE;
            self.poll.registry().register(transport.stream(), Token(key), interest)?;
            Ok(transport)
        });
        let transport = match transport {
            Ok(transport) => transport,
            Err(error) => {
                tracing::debug!(%error, "a socket was gone before it had a place");
                self.desk.sockets.fetch_sub(1, Ordering::Relaxed);
                return;
            }
        };
        let hall = self.hall_of.get(&address(session.room())).copied();
        let hall = hall.unwrap_or_else(|| self.open_hall(session.room()));
        let place = Place { hall, seat: self.halls[hall].seat(key) };
        session.outlet().read_by(self.desk.bell.clone(), key);
        self.arrivals = self.arrivals.wrapping_add(1);
        let mut viewer = Viewer::new(
            transport,
            inbound,
            dialect,
            Life::Inside { session, place },
            self.arrivals,
            self.tasks.token(),
        );
        viewer.heard_at_ms = self.now_ms();
        let sent = viewer.send(&first);
        self.viewers.insert(viewer);
        if sent == Sent::Gone {
            return self.gone(key);
        }
        for heard in early {
            if let Err(ending) = self.on_heard(key, heard) {
                return self.end(key, ending);
            }
        }
        self.catch_up(key);
        self.write_answers(key);
    }

    fn open_hall(&mut self, room: &Arc<LiveRoom>) -> usize {
        let hall = self.halls.insert(Hall::new(room.clone()));
        self.hall_of.insert(address(room), hall);
        room.read_by(&self.desk.bell, hall);
        hall
    }

    fn ring(&mut self, key: usize, urgency: Urgency) {
        let Some(hall) = self.halls.get_mut(key) else { return };
        let bell = &self.desk.bell;
        match hall.ring(urgency, |room| room.look(bell), self.now) {
            Due::Queue(Urgency::Now) => self.urgent.push_back(key),
            Due::Queue(Urgency::Soon) => self.soon.push_back(key),
            Due::At(at) => self.waiting.push(Reverse((at, key))),
            Due::Already => {}
        }
    }

    /// A part of what there is to walk, critical news first.
    fn walk(&mut self) {
        let mut left = PASSED_AT_ONCE;
        while left > 0 {
            let (key, urgency) = match (self.urgent.front(), self.soon.front()) {
                (Some(key), _) => (*key, Urgency::Now),
                (None, Some(key)) => (*key, Urgency::Soon),
                (None, None) => return,
            };
            let queue = if urgency == Urgency::Now { &mut self.urgent } else { &mut self.soon };
            // A walk for chat that turned into one for news stands in both queues.
            let Some(hall) = self.halls.get_mut(key).filter(|hall| hall.urgency() == Some(urgency)) else {
                queue.pop_front();
                continue;
            };
            let began = clock::instant();
            let passed = hall.pass(left);
            left -= passed.len().clamp(1, left);
            for viewer in passed {
                self.bring(key, viewer);
            }
            let ended = clock::instant();
            let Some(hall) = self.halls.get_mut(key) else { continue };
            if let Pass::Over { again, cost } = hall.passed(ended - began) {
                self.meters.walk_seconds.record(cost);
                let queue = if urgency == Urgency::Now { &mut self.urgent } else { &mut self.soon };
                queue.pop_front();
                self.now = ended;
                if let Some(again) = again {
                    self.ring(key, again);
                }
            }
        }
    }

    /// One viewer of a walk.
    fn bring(&mut self, hall: usize, key: usize) {
        let Some(viewer) = self.viewers.get_mut(key) else { return };
        let blocked = viewer.is_blocked();
        let Life::Inside { session, .. } = &mut viewer.life else { return };
        if blocked {
            if session.room().fell_behind(session.cursor()) {
                self.end(key, CloseCode::TooSlow.into());
            }
            return;
        }
        let (dialect, deflater) = (viewer.dialect, &mut self.deflater);
        let framed = self.halls[hall]
            .framed(session.cursor(), dialect, |payload| frame::publications(dialect, deflater, payload));
        match framed {
            Ok(None) => {}
            Ok(Some(framed)) => self.deliver(key, &framed),
            Err(code) => self.end(key, code.into()),
        }
    }

    fn deliver(&mut self, key: usize, framed: &Framed) {
        let Some(viewer) = self.viewers.get_mut(key) else { return };
        let sent = viewer.send(&framed.frame);
        if let Life::Inside { session, .. } = &mut viewer.life {
            session.has_read(framed.flush.cursor);
        }
        self.meters.flushed(framed);
        match sent {
            Sent::All => {}
            Sent::Some => self.meters.blocked.increment(1),
            Sent::Gone => self.gone(key),
        }
    }

    /// Brings one viewer to where its room stands now.
    fn catch_up(&mut self, key: usize) {
        let Some(viewer) = self.viewers.get_mut(key) else { return };
        let Life::Inside { session, .. } = &viewer.life else { return };
        let head: Cursor = session.room().head();
        match session.flush(head) {
            Ok(None) => {}
            Ok(Some(flush)) => {
                let frame = frame::publications(viewer.dialect, &mut self.deflater, &flush.bytes);
                self.deliver(key, &Framed { frame, flush });
            }
            Err(code) => self.end(key, code.into()),
        }
    }

    /// What waits for this viewer alone.
    fn write_answers(&mut self, key: usize) {
        let Some(viewer) = self.viewers.get_mut(key) else { return };
        match &viewer.life {
            Life::Leaving { client_closed } => {
                if *client_closed && !viewer.is_blocked() {
                    self.forget(key);
                }
            }
            // They wait in the outlet, which is bounded.
            Life::Inside { session, .. } if viewer.is_blocked() => {
                if let Some(code) = session.outlet().closing() {
                    self.end(key, code.into());
                }
            }
            Life::Inside { session, .. } => {
                let (answers, close) = session.outlet().take();
                if let Some(answers) = answers {
                    let frame = frame::publications(viewer.dialect, &mut self.deflater, &answers);
                    if viewer.send(&frame) == Sent::Gone {
                        return self.gone(key);
                    }
                }
                if let Some(code) = close {
                    // The reason to close may be on the lanes.
                    self.catch_up(key);
                    self.end(key, code.into());
                }
            }
        }
    }

    /// The socket takes more: what was cut first, then answers, then what the room has said meanwhile.
    fn write_on(&mut self, key: usize) {
        let now_ms = self.now_ms();
        let Some(viewer) = self.viewers.get_mut(key) else { return };
        match viewer.send_rest(now_ms) {
            Sent::Some => {}
            Sent::Gone => self.gone(key),
            Sent::All => {
                self.write_answers(key);
                if self.viewers.get(key).is_some_and(|viewer| !viewer.is_blocked()) {
                    self.catch_up(key);
                }
            }
        }
    }
}

fn address(room: &Arc<LiveRoom>) -> usize {
    Arc::as_ptr(room).addr()
}
