//! The floor under any server: one epoll loop that knows nothing but frames.
//!
//! What clients said in one turn of the loop is framed once into one buffer, and every connection gets all that it lacks of
//! it with one `send`. A connection is a cursor into that buffer.

use std::io::{self, Read as _, Write as _};

use mio::{
    Events, Interest, Poll, Token,
    net::{TcpListener, TcpStream},
};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::print_listening;
use crate::{contract::frames, failure::Failure};

const EVENTS: usize = 1_024;
const LISTENER: Token = Token(usize::MAX);
const BACKLOG: i32 = 4_096;
const READ_BYTES: usize = 64 * 1024;
/// What those behind have not read. Who is further behind is cut off.
const PENDING_BYTES_MAX: usize = 64 * 1024 * 1024;
/// What all have is dropped in pieces of this size while somebody is behind: the rest has to be moved.
const FORGET_BYTES: u64 = 4 * 1024 * 1024;

struct Connection {
    stream: TcpStream,
    /// The start of a request or of a frame whose end has not arrived.
    cut: Vec<u8>,
    /// Up to here of all that was ever said this connection has it; `None` before the handshake.
    cursor: Option<u64>,
}

/// What somebody lacks: the bytes from `start` on.
#[derive(Default)]
struct Pending {
    start: u64,
    bytes: Vec<u8>,
}

impl Pending {
    fn end(&self) -> u64 {
        self.start + self.bytes.len() as u64
    }

    fn since(&self, cursor: u64) -> &[u8] {
        &self.bytes[(cursor - self.start) as usize..]
    }

    fn forget_before(&mut self, cursor: u64) {
        self.bytes.drain(..(cursor - self.start) as usize);
        self.start = cursor;
    }
}

pub fn serve() -> Result<(), Failure> {
    let doing = Failure::system;
    let mut poll = Poll::new().map_err(doing("opening epoll"))?;
    let listener = std::net::TcpListener::bind("127.0.0.1:0").map_err(doing("listening for the baseline"))?;
    listener.set_nonblocking(true).map_err(doing("listening for the baseline"))?;
    // The standard library's 128 would turn a crowd away for a second.
    rustix::net::listen(&listener, BACKLOG)
        .map_err(|error| doing("listening for the baseline")(error.into()))?;
    let mut listener = TcpListener::from_std(listener);
    print_listening(listener.local_addr().map_err(doing("reading the baseline's address"))?)?;
    poll.registry()
        .register(&mut listener, LISTENER, Interest::READABLE)
        .map_err(doing("watching the listener"))?;
    let mut floor = Floor { connections: Vec::new(), free: Vec::new(), pending: Pending::default() };
    let mut events = Events::with_capacity(EVENTS);
    let mut scratch = vec![0; READ_BYTES];
    loop {
        match poll.poll(&mut events, None) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(doing("waiting for events")(error)),
        }
        let before = floor.pending.end();
        for event in &events {
            match event.token() {
                LISTENER => floor.accept(&listener, &poll).map_err(doing("accepting"))?,
                Token(index) => {
                    if event.is_readable() || event.is_read_closed() {
                        floor.read(index, &mut scratch, event.is_read_closed());
                    }
                    if event.is_writable() && !floor.pending.bytes.is_empty() {
                        floor.write(index);
                    }
                }
            }
        }
        if floor.pending.end() > before {
            (0..floor.connections.len()).for_each(|index| floor.write(index));
        }
        if !floor.pending.bytes.is_empty() {
            floor.forget();
        }
    }
}

struct Floor {
    connections: Vec<Option<Connection>>,
    free: Vec<usize>,
    pending: Pending,
}

impl Floor {
    fn accept(&mut self, listener: &TcpListener, poll: &Poll) -> io::Result<()> {
        loop {
            let mut stream = match listener.accept() {
                Ok((stream, _)) => stream,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            };
            stream.set_nodelay(true)?;
            let index = self.free.pop().unwrap_or(self.connections.len());
            poll.registry().register(&mut stream, Token(index), Interest::READABLE | Interest::WRITABLE)?;
            let connection = Some(Connection { stream, cut: Vec::new(), cursor: None });
            match self.connections.get_mut(index) {
                Some(slot) => *slot = connection,
                None => self.connections.push(connection),
            }
        }
    }

    fn read(&mut self, index: usize, scratch: &mut [u8], closed: bool) {
        let Some(connection) = self.connections[index].as_mut() else { return };
        loop {
            match connection.stream.read(scratch) {
                Ok(0) => return self.leave(index),
                Ok(read) => {
                    connection.cut.extend_from_slice(&scratch[..read]);
                    if connection.take(&mut self.pending).is_err() {
                        return self.leave(index);
                    }
                    // A short read emptied the socket; more raises another event.
                    if read < scratch.len() && !closed {
                        return;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(_) => return self.leave(index),
            }
        }
    }

    fn write(&mut self, index: usize) {
        let Some(connection) = self.connections[index].as_mut() else { return };
        let Some(cursor) = connection.cursor.filter(|cursor| *cursor < self.pending.end()) else { return };
        // A part of it means that the socket is full; it becomes writable again.
        match connection.stream.write(self.pending.since(cursor)) {
            Ok(written) => connection.cursor = Some(cursor + written as u64),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(_) => self.leave(index),
        }
    }

    fn leave(&mut self, index: usize) {
        self.connections[index] = None;
        self.free.push(index);
    }

    /// Drops what everybody has.
    fn forget(&mut self) {
        let end = self.pending.end();
        let lowest = |floor: &Floor| {
            floor.connections.iter().flatten().filter_map(|it| it.cursor).min().unwrap_or(end)
        };
        let mut keep = lowest(self);
        while end - keep > PENDING_BYTES_MAX as u64 {
            let behind = |it: &Option<Connection>| it.as_ref().is_some_and(|it| it.cursor == Some(keep));
            let index = self.connections.iter().position(behind);
            index.into_iter().for_each(|index| self.leave(index));
            keep = lowest(self);
        }
        if keep == end || keep - self.pending.start >= FORGET_BYTES {
            self.pending.forget_before(keep);
        }
    }
}

/// The client said something that is no request and no frame.
struct Nonsense;

impl Connection {
    fn take(&mut self, pending: &mut Pending) -> Result<(), Nonsense> {
        let mut bytes = std::mem::take(&mut self.cut);
        let mut taken = 0;
        if self.cursor.is_none() {
            let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else {
                self.cut = bytes;
                return Ok(());
            };
            self.stream.write_all(accepted(&bytes[..end])?.as_bytes()).map_err(|_| Nonsense)?;
            self.cursor = Some(pending.end());
            taken = end + 4;
        }
        while let Some((frame, length)) = frames::next_masked(&mut bytes[taken..]).map_err(|_| Nonsense)? {
            match frame {
                frames::Masked::Binary(payload) => frames::put_plain(&mut pending.bytes, payload),
                frames::Masked::Close => return Err(Nonsense),
                frames::Masked::Other => {}
            }
            taken += length;
        }
        bytes.drain(..taken);
        self.cut = bytes;
        Ok(())
    }
}

fn accepted(request: &[u8]) -> Result<String, Nonsense> {
    let text = std::str::from_utf8(request).map_err(|_| Nonsense)?;
    let key = text
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("sec-websocket-key"))
        .ok_or(Nonsense)?
        .1;
    Ok(format!(
        "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-accept: {}\r\n\r\n",
        derive_accept_key(key.trim().as_bytes())
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pending_bytes_are_found_by_their_place_in_all_that_was_said() {
        let mut pending = Pending::default();
        pending.bytes.extend_from_slice(b"one two");
        assert_eq!(pending.since(4), b"two");
        pending.forget_before(4);
        pending.bytes.extend_from_slice(b" three");
        assert_eq!((pending.since(4), pending.end()), (&b"two three"[..], 13));
        assert_eq!(pending.since(13), b"");
    }

    #[test]
    fn the_accept_key_is_the_one_of_the_standard() {
        let request = b"GET / HTTP/1.1\r\nsec-webSocket-key:  dGhlIHNhbXBsZSBub25jZQ==\r\nhost: x";
        assert!(accepted(request).is_ok_and(|answer| answer.contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")));
        assert!(accepted(b"GET / HTTP/1.1\r\nhost: x").is_err());
    }
}
