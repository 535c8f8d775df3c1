//! The viewers: one task each, that reads and counts and says nothing.

use std::{
    cell::{Cell, RefCell},
    net::{IpAddr, Ipv4Addr},
    rc::Rc,
    time::{Duration, Instant},
};

use apricot_proto::v1;
use tokio::{sync::mpsc, task::spawn_local, time::timeout};

use super::stamp::Stamp;
use crate::{
    contract::{
        Gone, Socket, Target,
        peek::{self, Peek, body},
        socket::join,
    },
    failure::Failure,
    latency::Latency,
    progress::Progress,
};

/// Lines stamped before `since` belong to the warm-up.
#[derive(Debug, Clone, Copy)]
pub enum Phase {
    WarmUp,
    Measured { since: Instant },
}

/// One address has some 28,000 ports.
const VIEWERS_PER_ADDRESS: u32 = 20_000;
const CONNECTING_MAX: u32 = 64;
/// The server closes sockets that say nothing for 60 s.
const SIGN_OF_LIFE: Duration = Duration::from_secs(25);

/// What all viewers share. One thread: no lock.
pub struct Crowd {
    pub target: Target,
    pub room: String,
    pub origin: Instant,
    pub phase: Cell<Phase>,
    pub counts: RefCell<Counts>,
}

#[derive(Debug, Default, Clone)]
pub struct Counts {
    pub critical: Latency,
    pub chat: Latency,
    pub critical_lost: u64,
    pub chat_skipped: u64,
    pub state_frames: u64,
    pub closes: std::collections::BTreeMap<String, u64>,
    pub totals: Totals,
}

/// Everything that was received, whatever it was.
#[derive(Debug, Default, Clone, Copy)]
pub struct Totals {
    pub frames: u64,
    pub bytes: u64,
    pub publications: u64,
}

impl Crowd {
    pub fn new(target: Target, room: String) -> Crowd {
        Crowd {
            target,
            room,
            origin: Instant::now(),
            phase: Cell::new(Phase::WarmUp),
            counts: RefCell::default(),
        }
    }

    pub fn totals(&self) -> Totals {
        self.counts.borrow().totals
    }

    pub fn us(&self, at: Instant) -> u64 {
        at.saturating_duration_since(self.origin).as_micros() as u64
    }

    fn measured_since_us(&self) -> u64 {
        match self.phase.get() {
            Phase::WarmUp => u64::MAX,
            Phase::Measured { since } => self.us(since),
        }
    }

    /// Connects all viewers and waits until each has its snapshot.
    pub async fn gather(self: &Rc<Self>, viewers: u32, progress: &Progress) -> Result<(), Failure> {
        let (joined, mut joins) = mpsc::channel::<Result<(), Gone>>(CONNECTING_MAX as usize);
        let mut connecting = 0;
        for number in 0..viewers {
            if connecting == CONNECTING_MAX {
                one_joined(&mut joins).await?;
                connecting -= 1;
            }
            let source = source_address(&self.target, number);
            spawn_local(Viewer { crowd: Rc::clone(self), offset: None }.live(source, joined.clone()));
            connecting += 1;
            progress.at(u64::from(number) + 1);
        }
        for _ in 0..connecting {
            one_joined(&mut joins).await?;
        }
        Ok(())
    }
}

async fn one_joined(joins: &mut mpsc::Receiver<Result<(), Gone>>) -> Result<(), Failure> {
    match joins.recv().await {
        Some(Ok(())) => Ok(()),
        Some(Err(gone)) => Err(Failure::Unreachable { what: "a viewer".into(), source: format!("{gone:?}") }),
        None => Err(Failure::off_contract("the viewers", "ended before they began")),
    }
}

/// 127.0.0.1, 127.0.0.2 and so on when the server is on this machine and the ports of one would not do.
fn source_address(target: &Target, number: u32) -> Option<IpAddr> {
    let block = number / VIEWERS_PER_ADDRESS;
    (target.address.ip().is_loopback() && block > 0)
        .then(|| IpAddr::V4(Ipv4Addr::new(127, 0, 0, (block % 250) as u8 + 1)))
}

struct Viewer {
    crowd: Rc<Crowd>,
    /// The last offset on the critical lane; `None` before the snapshot.
    offset: Option<u64>,
}

impl Viewer {
    async fn live(mut self, source: Option<IpAddr>, joined: mpsc::Sender<Result<(), Gone>>) {
        let mut socket = match self.connect(source).await {
            Ok(socket) => socket,
            // The receiver has gone when another viewer failed first.
            Err(gone) => return drop(joined.send(Err(gone)).await),
        };
        drop(joined.send(Ok(())).await);
        loop {
            let gone = match timeout(SIGN_OF_LIFE, socket.readable()).await {
                Ok(Ok(())) => match self.read(&mut socket) {
                    Ok(()) => socket.flush().await.err(),
                    Err(gone) => Some(gone),
                },
                Ok(Err(gone)) => Some(gone),
                Err(_) => socket.ping().await.err(),
            };
            if let Some(gone) = gone {
                let name = match gone {
                    Gone::Closed(code) => code.to_string(),
                    Gone::Lost(_) => "lost".into(),
                };
                *self.crowd.counts.borrow_mut().closes.entry(name).or_default() += 1;
                return;
            }
        }
    }

    async fn connect(&mut self, source: Option<IpAddr>) -> Result<Socket, Gone> {
        let mut socket = Socket::connect(&self.crowd.target, &self.crowd.room, source).await?;
        socket.send(&join("", None)).await?;
        while self.offset.is_none() {
            match timeout(Duration::from_secs(10), socket.readable()).await {
                Ok(readable) => readable?,
                Err(_) => return Err(Gone::Lost("no Joined within 10 s".into())),
            }
            self.read(&mut socket)?;
            socket.flush().await?;
        }
        Ok(socket)
    }

    fn read(&mut self, socket: &mut Socket) -> Result<(), Gone> {
        let crowd = &*self.crowd;
        let counts = &mut *crowd.counts.borrow_mut();
        let now_us = crowd.us(Instant::now());
        let since_us = crowd.measured_since_us();
        let offset = &mut self.offset;
        let mut publications = 0;
        let taken = socket.read(|publication| {
            publications += 1;
            counts.take(publication, offset, now_us, since_us);
        })?;
        counts.totals.frames += taken.frames;
        counts.totals.bytes += taken.bytes;
        counts.totals.publications += publications;
        Ok(())
    }
}

impl Counts {
    fn take(&mut self, publication: Peek<'_>, offset: &mut Option<u64>, now_us: u64, since_us: u64) {
        if publication.lane == v1::Lane::Critical as i32
            && let Some(last) = offset
        {
            self.critical_lost += publication.offset.saturating_sub(*last + 1);
            *last = publication.offset.max(*last);
        }
        match publication.body {
            body::JOINED => {
                let position = peek::text(publication.bytes, 1);
                *offset = Some(position.map_or(0, |position| peek::integer(position, 2)));
            }
            body::CHAT => record(&mut self.chat, peek::text(publication.bytes, 5), now_us, since_us),
            body::NOTICE => {
                record(&mut self.critical, peek::text(publication.bytes, 2), now_us, since_us);
            }
            body::STATE => self.state_frames += 1,
            body::SKIPPED => self.chat_skipped += peek::integer(publication.bytes, 1),
            _ => {}
        }
    }
}

fn record(latency: &mut Latency, text: Option<&[u8]>, now_us: u64, since_us: u64) {
    if let Some(stamp) = text.and_then(Stamp::read)
        && stamp.intended_us >= since_us
    {
        latency.record_us(now_us.saturating_sub(stamp.intended_us));
    }
}
