//! One thread with many sockets: it reads what viewers send, and walks past the viewers of a room to write what the room says. Nothing
//! here waits for a viewer.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, VecDeque};
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use mio::event::Event;
use mio::{Events, Interest, Poll, Token};
use slab::Slab;
use tokio_util::task::TaskTracker;

use super::Patience;
use super::door::Newcomer;
use super::hall::Hall;
use super::meters::Meters;
use super::shards::Desk;
use super::transport::Transport;
use super::viewer::{Life, Place, Sent, Viewer};
use super::wheel::Wheel;
use crate::clock::{self, Clock};
use crate::room::bell::{Rung, Urgency};
use crate::room::{Hub, LiveRoom};
use crate::wire::websocket::{Deflater, Inflater};

mod goodbye;
mod reading;
mod walking;

use goodbye::Leaver;

pub const WAKER: Token = Token(usize::MAX);

/// Shared by all sockets of a shard: a read is whole or goes on at the next turn.
const READ_BYTES: usize = 64 * 1024;
const EVENTS_AT_ONCE: usize = 1_024;
/// Viewers with something for them alone; then the rooms have a turn.
const SESSIONS_AT_ONCE: usize = 256;

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
    /// Sockets that may have more, of which the system does not tell again.
    unread: Vec<usize>,
    wheel: Wheel,
    /// What rang and was not looked at yet.
    rung: VecDeque<Rung>,
    /// Handed to the bell to be filled.
    ringing: Vec<Rung>,
    buffer: Vec<u8>,
    /// `None` only while a socket is read.
    inflater: Option<Inflater>,
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
            rung: VecDeque::new(),
            ringing: Vec::new(),
            buffer: vec![0; READ_BYTES],
            inflater: Some(Inflater::new()),
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
            || !self.rung.is_empty()
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
        // The end may lie behind what was read, and is not told of again.
        if event.is_read_closed() && self.viewers.contains(key) {
            self.unread.push(key);
        }
    }

    /// One read each, so that nobody else waits for them.
    fn read_on(&mut self) {
        for key in std::mem::take(&mut self.unread) {
            self.read(key);
        }
    }

    /// Of the shard's life.
    fn now_ms(&self) -> u64 {
        millis(self.now - self.began)
    }

    /// What rang since the last time, and who came.
    fn look_around(&mut self) {
        self.desk.bell.take(&mut self.ringing);
        for newcomer in self.desk.newcomers() {
            self.take_in(newcomer);
        }
        for rung in self.ringing.drain(..) {
            match rung {
                Rung::Room(..) => self.rung.push_front(rung),
                Rung::Session(_) => self.rung.push_back(rung),
            }
        }
        // The end of a large room rings for everybody at once.
        let mut sessions = SESSIONS_AT_ONCE;
        while sessions > 0
            && let Some(rung) = self.rung.pop_front()
        {
            match rung {
                Rung::Room(hall, urgency) => self.ring(hall, urgency),
                Rung::Session(key) => {
                    sessions -= 1;
                    self.write_answers(key);
                }
            }
        }
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
        let Newcomer { line, inbound, dialect, session, until, counted, first, early } = newcomer;
        let key = self.viewers.vacant_key();
        let transport = Transport::new(line, self.patience.silence).and_then(|mut transport| {
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
            until,
            self.arrivals,
            counted,
        );
        viewer.heard_at_ms = self.now_ms();
        let sent = viewer.send(&first);
        self.viewers.insert(viewer);
        if sent == Sent::Gone {
            return self.gone(key);
        }
        for heard in early {
            if let Err(ending) = self.on_heard(key, heard) {
                self.write_answers(key);
                return self.end(key, ending);
            }
        }
        self.write_answers(key);
        if self.viewers.get(key).is_some_and(|viewer| !viewer.is_blocked()) {
            self.catch_up(key);
        }
        // What TLS has decrypted already will not be told of again.
        if self.viewers.get(key).is_some_and(|viewer| viewer.transport.holds_more()) {
            self.unread.push(key);
        }
    }

    fn open_hall(&mut self, room: &Arc<LiveRoom>) -> usize {
        let hall = self.halls.insert(Hall::new(room.clone()));
        self.hall_of.insert(address(room), hall);
        room.read_by(&self.desk.bell, hall);
        hall
    }
}

fn address(room: &Arc<LiveRoom>) -> usize {
    Arc::as_ptr(room).addr()
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
