//! Viewers by the ten thousand on one thread: one epoll loop, one read buffer, a seat for each.
//!
//! A seat that was read is counted and forgotten; what a publication says is looked at only in an open loop. Speakers sit among
//! the viewers and hear what they say.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap},
    io,
    net::Ipv4Addr,
    time::{Duration, Instant},
};

use mio::{Events, Interest, Poll, Token};
use rand::{RngExt as _, SeedableRng as _, rngs::ChaCha8Rng};

use crate::{
    contract::{Gone, Target},
    failure::Failure,
    latency::Latency,
};

pub mod dialect;
mod handshake;
mod line;
mod lowest;
pub mod seat;
pub mod stamp;
pub mod tally;

use dialect::Dialect;
use lowest::Lowest;
use seat::{Bench, Part, Seat, State};
use tally::Tally;

/// Read in one turn, so that sending is never late by more than a few milliseconds.
const EVENTS: usize = 512;
/// One address has some 28,000 ports, and finding a free one is quick while most are.
const SEATS_PER_ADDRESS: usize = 4_000;
const ADDRESSES: usize = 200;
/// As the web pages wait before they come back: up to this, doubled with every try.
const BACK_OFF_FIRST_US: u64 = 500_000;
const BACK_OFF_DOUBLINGS: u8 = 5;
const ATTEMPTS_MAX: u8 = 10;
/// Nothing came of a wish to join for this long.
const JOIN_WAIT: Duration = Duration::from_secs(60);

pub struct Setting {
    /// Seats know theirs by its number.
    pub nodes: Vec<Target>,
    pub dialect: Dialect,
    pub rooms: Vec<String>,
    pub tokens: Vec<String>,
    pub deflate: bool,
    pub in_progress_max: usize,
    pub spin: bool,
    pub seed: u64,
}

pub struct Crowd {
    setting: Setting,
    pub seats: Vec<Seat>,
    pub tally: Tally,
    bench: Bench,
    poll: Poll,
    events: Events,
    origin: Instant,
    chance: ChaCha8Rng,
    /// Who comes when.
    wishes: BinaryHeap<Reverse<(u64, u32)>>,
    in_progress: usize,
    pub comings: Comings,
    /// Ends of live sockets, by close code.
    pub closes: BTreeMap<String, u64>,
    /// How long one turn of the loop took: by this the last socket of a turn was read late.
    pub turns: Latency,
    /// Each connect has a port of its own, also when it comes back.
    connects: usize,
    /// Whether waiting for others on the way is part of a coming.
    queued_counts: bool,
    failed: Option<String>,
}

/// From the first wish of each to its snapshot.
#[derive(Default)]
pub struct Comings {
    pub joined: u64,
    pub retries: u64,
    pub took: Latency,
    pub last_us: u64,
}

/// Says something when its time has come.
pub trait Voice {
    /// When it wants to be asked again, in microseconds of the crowd.
    fn speak(&mut self, crowd: &mut Crowd) -> Result<u64, Failure>;
}

/// Says nothing.
pub struct Silence;

impl Voice for Silence {
    fn speak(&mut self, _crowd: &mut Crowd) -> Result<u64, Failure> {
        Ok(u64::MAX)
    }
}

impl Crowd {
    pub fn new(setting: Setting, seats: Vec<Seat>) -> Result<Crowd, Failure> {
        Ok(Crowd {
            bench: Bench::new(setting.dialect),
            chance: ChaCha8Rng::seed_from_u64(setting.seed ^ 0x7365_6174),
            setting,
            seats,
            tally: Tally::default(),
            poll: Poll::new().map_err(Failure::system("opening epoll"))?,
            events: Events::with_capacity(EVENTS),
            origin: Instant::now(),
            wishes: BinaryHeap::new(),
            in_progress: 0,
            comings: Comings::default(),
            closes: BTreeMap::new(),
            turns: Latency::default(),
            connects: 0,
            queued_counts: false,
            failed: None,
        })
    }

    pub fn now_us(&self) -> u64 {
        self.origin.elapsed().as_micros() as u64
    }

    pub fn dialect(&self) -> Dialect {
        self.setting.dialect
    }

    pub fn seats_of(&self, room: u32) -> impl Iterator<Item = &Seat> {
        self.seats.iter().filter(move |seat| seat.room == room && seat.part == Part::Reads)
    }

    /// From now on it is known how far the last of the readers in the first room is.
    pub fn watch_the_lowest(&mut self) {
        let offsets: Vec<u64> = self.seats_of(0).map(|seat| seat.position.offset).collect();
        let least = offsets.iter().copied().min().unwrap_or_default();
        let mut lowest = Lowest::new(offsets.len() as u32, least);
        offsets.into_iter().filter(|offset| *offset > least).for_each(|offset| lowest.advance(least, offset));
        self.tally.lowest = Some(lowest);
    }

    pub fn lowest(&self) -> u64 {
        self.tally.lowest.as_ref().map_or(0, Lowest::offset)
    }

    /// This one comes at that time, and again when it fails.
    pub fn wish(&mut self, seat: usize, at_us: u64) {
        self.seats[seat].wished_us = at_us;
        self.seats[seat].attempts = 0;
        self.wishes.push(Reverse((at_us, seat as u32)));
    }

    /// Everybody who is away comes at once, as many at a time as the setting says. Returns how long it took until the last had joined.
    pub fn gather(&mut self, voice: &mut impl Voice) -> Result<Duration, Failure> {
        let began = self.now_us();
        for seat in 0..self.seats.len() {
            if self.seats[seat].state == State::Away {
                self.wish(seat, began);
            }
        }
        self.settle(voice)?;
        Ok(Duration::from_micros(self.comings.last_us.saturating_sub(began)))
    }

    /// Until nobody is on the way any more.
    pub fn settle(&mut self, voice: &mut impl Voice) -> Result<(), Failure> {
        let give_up = Instant::now() + JOIN_WAIT;
        while !self.wishes.is_empty() || self.in_progress > 0 {
            if Instant::now() > give_up {
                let left = self.wishes.len() + self.in_progress;
                return Err(Failure::Unreachable {
                    what: format!("{left} viewers"),
                    source: format!("not joined within {} s", JOIN_WAIT.as_secs()),
                });
            }
            let next_us = voice.speak(self)?;
            self.turn(next_us.min(self.now_us() + 100_000))?;
        }
        Ok(())
    }

    /// Reads and speaks until then.
    pub fn run(&mut self, until_us: u64, voice: &mut impl Voice) -> Result<(), Failure> {
        while self.now_us() < until_us {
            let next_us = voice.speak(self)?;
            self.turn(next_us.min(until_us))?;
        }
        Ok(())
    }

    pub fn rest(&mut self, pause: Duration) -> Result<(), Failure> {
        self.run(self.now_us() + pause.as_micros() as u64, &mut Silence)
    }

    /// Waits for events, not longer than until `wake_us`, and sees to each.
    fn turn(&mut self, wake_us: u64) -> Result<(), Failure> {
        self.admit()?;
        let wishes_us = match self.wishes.peek() {
            Some(Reverse((at_us, _))) if self.in_progress < self.setting.in_progress_max => *at_us,
            Some(_) | None => u64::MAX,
        };
        let pause_us = wake_us.min(wishes_us).saturating_sub(self.now_us());
        // epoll counts in milliseconds; the last one is spent asking again and again.
        let pause = Duration::from_millis(if self.setting.spin { 0 } else { pause_us / 1_000 });
        match self.poll.poll(&mut self.events, Some(pause)) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(()),
            Err(error) => return Err(Failure::system("waiting for events")(error)),
        }
        if self.events.is_empty() {
            return Ok(());
        }
        let began_us = self.now_us();
        let events = std::mem::replace(&mut self.events, Events::with_capacity(0));
        for event in &events {
            self.attend(event.token().0, event.is_writable(), event.is_read_closed() || event.is_error());
        }
        self.events = events;
        self.turns.record_us(self.now_us() - began_us);
        match self.failed.take() {
            Some(source) => Err(Failure::Unreachable { what: "a viewer".into(), source }),
            None => Ok(()),
        }
    }

    #[inline]
    fn attend(&mut self, index: usize, writable: bool, closed: bool) {
        let seat = &mut self.seats[index];
        let before = seat.state;
        let flushed = if writable && seat.has_to_write() { seat.flush() } else { Ok(()) };
        let origin = self.origin;
        let now_us = || origin.elapsed().as_micros() as u64;
        let outcome = flushed
            .and_then(|()| seat.read(&mut self.bench, &mut self.tally, &self.setting.tokens, closed, now_us));
        let after = seat.state;
        if before != State::Live && after == State::Live {
            self.arrived(index);
        }
        if let Err(gone) = outcome {
            self.lose(index, gone);
        }
    }

    fn arrived(&mut self, index: usize) {
        let now_us = self.now_us();
        self.in_progress -= 1;
        self.comings.joined += 1;
        self.comings.last_us = now_us;
        let seat = &mut self.seats[index];
        self.comings.took.record_us(now_us.saturating_sub(seat.wished_us));
        if seat.part != Part::Reads
            && let Some(line) = &mut seat.line
            && let Err(error) = self.poll.registry().deregister(&mut line.socket)
        {
            self.failed = Some(error.to_string());
        }
    }

    /// Who was on the way tries again; who was live is counted.
    fn lose(&mut self, index: usize, gone: Gone) {
        let seat = &mut self.seats[index];
        seat.line = None;
        match std::mem::replace(&mut seat.state, State::Away) {
            State::Live => {
                if let Some(lowest) = self.tally.lowest.as_mut().filter(|_| seat.room == 0) {
                    lowest.leave(seat.position.offset);
                }
                let name = match gone {
                    Gone::Closed(code) => code.to_string(),
                    Gone::Lost(_) => "lost".into(),
                };
                *self.closes.entry(name).or_default() += 1;
            }
            State::Upgrading | State::Joining => {
                self.in_progress -= 1;
                self.again(index, gone);
            }
            State::Away => {}
        }
    }

    fn again(&mut self, index: usize, gone: Gone) {
        let attempts = self.seats[index].attempts;
        if attempts == ATTEMPTS_MAX || matches!(gone, Gone::Closed(1002 | 1003 | 4001 | 4003 | 4004 | 4010)) {
            self.failed = Some(format!("{gone:?} at try {}", attempts + 1));
            return;
        }
        self.comings.retries += 1;
        self.seats[index].attempts += 1;
        let at_us = self.now_us() + self.back_off_us(attempts);
        self.wishes.push(Reverse((at_us, index as u32)));
    }

    /// The whole span is jittered, so that thousands do not come back at one instant.
    pub fn back_off_us(&mut self, attempts: u8) -> u64 {
        let span = BACK_OFF_FIRST_US << attempts.min(BACK_OFF_DOUBLINGS);
        self.chance.random_range(0..span)
    }

    /// Lets those come whose time it is, as many as may be on the way.
    fn admit(&mut self) -> Result<(), Failure> {
        while self.in_progress < self.setting.in_progress_max
            && let Some(Reverse((at_us, index))) = self.wishes.peek().copied()
            && at_us <= self.now_us()
        {
            self.wishes.pop();
            self.in_progress += 1;
            let now_us = self.now_us();
            let seat = &mut self.seats[index as usize];
            if seat.attempts == 0 && !self.queued_counts {
                seat.wished_us = now_us;
            }
            if let Err(gone) = self.connect(index as usize) {
                self.lose(index as usize, gone);
            }
        }
        match self.failed.take() {
            Some(source) => Err(Failure::Unreachable { what: "a viewer".into(), source }),
            None => Ok(()),
        }
    }

    fn connect(&mut self, index: usize) -> Result<(), Gone> {
        let Setting { nodes, dialect, rooms, deflate, .. } = &self.setting;
        let block = (self.connects / SEATS_PER_ADDRESS % ADDRESSES) as u8;
        self.connects += 1;
        let target = &nodes[self.seats[index].node as usize % nodes.len()];
        let local = target.address.ip().is_loopback() && target.address.is_ipv4();
        let seat = &mut self.seats[index];
        seat.state = State::Upgrading;
        seat.connect(target, local.then(|| Ipv4Addr::new(127, 0, 0, block + 1)))?;
        let path = format!("/v1/rooms/{}/live", rooms[seat.room as usize]);
        seat.out.extend_from_slice(handshake::request(target, &path, *dialect, *deflate).as_bytes());
        if let Some(line) = &mut seat.line {
            let interest = Interest::READABLE | Interest::WRITABLE;
            self.poll.registry().register(&mut line.socket, Token(index), interest)?;
        }
        seat.flush()
    }

    /// Ends every connection but one without a goodbye. Returns when.
    pub fn cut_all_but(&mut self, spared: usize) -> Result<u64, Failure> {
        for (index, seat) in self.seats.iter_mut().enumerate() {
            if index != spared {
                seat.cut().map_err(Failure::system("cutting a connection"))?;
            }
        }
        self.setting.in_progress_max = usize::MAX;
        self.queued_counts = true;
        Ok(self.now_us())
    }

    /// Hands over what a speaker has to say.
    pub fn flush(&mut self, index: usize) {
        if let Err(gone) = self.seats[index].flush() {
            self.lose(index, gone);
        }
    }
}
