//! A way to a server that a test can spoil: cut, silent, or slow.
//!
//! Two threads for each connection, one for each direction. Bytes are passed on as they come; nothing of what they say is known here.

#![expect(clippy::disallowed_methods, reason = "delays bytes")]

use std::collections::{HashMap, VecDeque};
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

const READ_BYTES: usize = 64 * 1024;
/// Delayed reads of one direction that are kept; more are left in the kernel, as on a long line that is full.
const DELAYED_MAX: usize = 1_024;
const CONNECT_WITHIN: Duration = Duration::from_secs(2);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    Open,
    /// Connections are closed, and new ones at once: whoever tries knows it.
    Cut,
    /// New connections are accepted and nothing is passed on, in neither direction: whoever tries waits. What was kept is passed on when
    /// the line is open again, as after lost packets.
    Silent,
}

/// Listens on a port of its own until it is dropped.
pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    line: Line,
    /// Towards the server, and back.
    delay: [Duration; 2],
    targets: Vec<SocketAddr>,
    turn: usize,
    connections: HashMap<u64, [TcpStream; 2]>,
    opened: u64,
    ended: bool,
}

#[derive(Clone, Copy)]
enum Way {
    There,
    Back,
}

impl Proxy {
    pub fn to(target: SocketAddr) -> io::Result<Self> {
        Self::between(&[target])
    }

    /// Each connection goes to the next of the targets that takes it.
    pub fn between(targets: &[SocketAddr]) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let state = State {
            line: Line::Open,
            delay: [Duration::ZERO; 2],
            targets: targets.to_vec(),
            turn: 0,
            connections: HashMap::new(),
            opened: 0,
            ended: false,
        };
        let shared = Arc::new(Shared { state: Mutex::new(state), changed: Condvar::new() });
        let own = Arc::clone(&shared);
        std::thread::spawn(move || own.accept(&listener));
        Ok(Self { address, shared })
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn set(&self, line: Line) {
        let mut state = self.shared.state();
        state.line = line;
        if line == Line::Cut {
            state.cut();
        }
        self.shared.changed.notify_all();
    }

    /// For what is read from now on.
    pub fn delay(&self, there: Duration, back: Duration) {
        self.shared.state().delay = [there, back];
    }

    /// For connections from now on.
    pub fn retarget(&self, targets: &[SocketAddr]) {
        self.shared.state().targets = targets.to_vec();
    }

    pub fn connections(&self) -> usize {
        self.shared.state().connections.len()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let mut state = self.shared.state();
        state.ended = true;
        state.line = Line::Cut;
        state.cut();
        drop(state);
        self.shared.changed.notify_all();
        // The listener's thread is woken, sees that it is over, and ends; a failure says that it has ended.
        drop(TcpStream::connect(self.address));
    }
}

impl State {
    /// The threads of a connection see the end of both of its sockets.
    fn cut(&mut self) {
        for socket in self.connections.drain().flat_map(|(_, pair)| pair) {
            // Its other end may be gone already.
            drop(socket.shutdown(Shutdown::Both));
        }
    }
}

impl Shared {
    /// A panic elsewhere leaves nothing half done in here.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn accept(self: &Arc<Self>, listener: &TcpListener) {
        while let Ok((client, _)) = listener.accept() {
            let state = self.state();
            if state.ended {
                break;
            }
            if state.line == Line::Cut {
                continue;
            }
            drop(state);
            let own = Arc::clone(self);
            std::thread::spawn(move || {
                // Who cannot be connected is hung up on.
                drop(own.connect(client));
            });
        }
    }

    fn connect(self: &Arc<Self>, client: TcpStream) -> io::Result<()> {
        if !self.passable() {
            return Ok(());
        }
        let server = self.reach()?;
        for socket in [&client, &server] {
            socket.set_nodelay(true)?;
        }
        let number = {
            let mut state = self.state();
            if state.line == Line::Cut {
                return Ok(());
            }
            state.opened += 1;
            let number = state.opened;
            state.connections.insert(number, [client.try_clone()?, server.try_clone()?]);
            number
        };
        let (from_server, to_client) = (server.try_clone()?, client.try_clone()?);
        let own = Arc::clone(self);
        let back = std::thread::spawn(move || own.pass(Way::Back, from_server, to_client));
        self.pass(Way::There, client, server);
        if back.join().is_err() {
            eprintln!("a direction of a connection through a proxy panicked");
        }
        self.state().connections.remove(&number);
        Ok(())
    }

    fn reach(&self) -> io::Result<TcpStream> {
        let targets = {
            let mut state = self.state();
            state.turn += 1;
            let turn = state.turn % state.targets.len().max(1);
            let mut targets = state.targets.clone();
            targets.rotate_left(turn);
            targets
        };
        let mut failed = io::Error::other("there is no target");
        for target in targets {
            match TcpStream::connect_timeout(&target, CONNECT_WITHIN) {
                Ok(server) => return Ok(server),
                Err(error) => failed = error,
            }
        }
        Err(failed)
    }

    /// Waits while the line is silent. False when it is cut.
    fn passable(&self) -> bool {
        let silent = |state: &mut State| state.line == Line::Silent;
        let state = self.changed.wait_while(self.state(), silent).unwrap_or_else(PoisonError::into_inner);
        state.line == Line::Open
    }

    /// One direction, until its end. An end passes on as a half-closed connection.
    fn pass(&self, way: Way, mut from: TcpStream, mut to: TcpStream) {
        if let Err(error) = self.pass_bytes(way, &mut from, &mut to) {
            // Resets are what this is for; the other end is told.
            if error.kind() != io::ErrorKind::UnexpectedEof {
                drop(from.shutdown(Shutdown::Both));
                drop(to.shutdown(Shutdown::Both));
                return;
            }
        }
        drop(to.shutdown(Shutdown::Write));
    }

    fn pass_bytes(&self, way: Way, from: &mut TcpStream, to: &mut TcpStream) -> io::Result<()> {
        let mut delayed: VecDeque<(Instant, Vec<u8>)> = VecDeque::new();
        let mut buffer = vec![0; READ_BYTES];
        let mut ended = false;
        loop {
            let now = Instant::now();
            while delayed.front().is_some_and(|(due, _)| *due <= now) {
                if let Some((_, bytes)) = delayed.pop_front() {
                    self.write(to, &bytes)?;
                }
            }
            let pause = delayed.front().map(|(due, _)| due.saturating_duration_since(now));
            if let Some(pause) = pause.filter(|_| ended || delayed.len() == DELAYED_MAX) {
                std::thread::sleep(pause);
                continue;
            }
            if ended {
                return Ok(());
            }
            from.set_read_timeout(pause.map(|pause| pause.max(Duration::from_millis(1))))?;
            match from.read(&mut buffer) {
                Ok(0) => ended = true,
                Ok(read) => {
                    let delay = self.state().delay[way as usize];
                    if delay.is_zero() && delayed.is_empty() {
                        self.write(to, &buffer[..read])?;
                    } else {
                        delayed.push_back((Instant::now() + delay, buffer[..read].to_vec()));
                    }
                }
                Err(error) if is_pause(&error) => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn write(&self, to: &mut TcpStream, bytes: &[u8]) -> io::Result<()> {
        if !self.passable() {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        to.write_all(bytes)
    }
}

fn is_pause(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut | io::ErrorKind::Interrupted)
}
