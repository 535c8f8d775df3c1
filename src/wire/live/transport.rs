//! A socket's bytes, without waiting: plain TCP, or TLS over it.

use std::io::{self, Read, Write};
use std::time::Duration;

use mio::net::TcpStream;
use rustls::ServerConnection;
use socket2::SockRef;
use tokio_rustls::server::TlsStream;

/// What the system keeps for one viewer who does not read: the flushes of some seconds. It doubles the number for its own
/// bookkeeping. A room says at most some 50 KB a second, so that this is also enough for a second of distance.
const SEND_BUFFER_BYTES: usize = 64 * 1024;

pub enum Transport {
    Plain(TcpStream),
    /// Each viewer's bytes are encrypted apart, which is the cost of doing without a proxy.
    Tls(Box<Tls>),
}

pub struct Tls {
    stream: TcpStream,
    session: ServerConnection,
}

/// A connection on its way from the runtime to a shard.
pub enum Line {
    Plain(std::net::TcpStream),
    Tls(std::net::TcpStream, Box<ServerConnection>),
}

/// What the door holds and a shard takes over.
pub trait IntoLine {
    fn into_line(self) -> io::Result<Line>;
}

impl IntoLine for tokio::net::TcpStream {
    fn into_line(self) -> io::Result<Line> {
        self.into_std().map(Line::Plain)
    }
}

impl IntoLine for TlsStream<tokio::net::TcpStream> {
    fn into_line(self) -> io::Result<Line> {
        let (stream, session) = self.into_inner();
        Ok(Line::Tls(stream.into_std()?, Box::new(session)))
    }
}

impl Transport {
    /// `user_timeout`: how long bytes may stay unacknowledged until the system gives the peer up.
    pub fn new(line: Line, user_timeout: Duration) -> io::Result<Self> {
        let set_up = |stream: std::net::TcpStream| {
            let socket = SockRef::from(&stream);
            socket.set_send_buffer_size(SEND_BUFFER_BYTES)?;
            #[cfg(target_os = "linux")]
            socket.set_tcp_user_timeout(Some(user_timeout))?;
            Ok::<_, io::Error>(TcpStream::from_std(stream))
        };
        Ok(match line {
            Line::Plain(stream) => Self::Plain(set_up(stream)?),
            Line::Tls(stream, session) => {
                Self::Tls(Box::new(Tls { stream: set_up(stream)?, session: *session }))
            }
        })
    }

    pub fn stream(&mut self) -> &mut TcpStream {
        match self {
            Self::Plain(stream) => stream,
            Self::Tls(tls) => &mut tls.stream,
        }
    }

    /// 0: the other side has ended.
    pub fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.read(buffer),
            Self::Tls(tls) => tls.read(buffer),
        }
    }

    /// Whether there may be more behind a read of `read` bytes that the system will not tell of again.
    pub fn may_have_more(&self, read: usize, buffer: usize) -> bool {
        match self {
            Self::Plain(_) => read == buffer,
            Self::Tls(_) => true,
        }
    }

    /// Whether there may be bytes that were read from the system before this was made.
    pub fn holds_more(&self) -> bool {
        matches!(self, Self::Tls(_))
    }

    pub fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.write(bytes),
            Self::Tls(tls) => tls.write(bytes),
        }
    }

    /// Encrypted bytes wait for a socket that is full.
    pub fn is_blocked(&self) -> bool {
        match self {
            Self::Plain(_) => false,
            Self::Tls(tls) => tls.session.wants_write(),
        }
    }

    /// Writes what waits here. A full socket is no error.
    pub fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(_) => Ok(()),
            Self::Tls(tls) => tls.flush(),
        }
    }
}

impl Tls {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.session.reader().read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                done => return done,
            }
            if self.session.read_tls(&mut self.stream)? == 0 {
                return Ok(0);
            }
            let processed = self.session.process_new_packets();
            // An alert, or an answer to the client's new keys.
            self.flush()?;
            processed.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        }
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.flush()?;
        let mut taken = 0;
        // The session takes 64 KiB at a time, and the system tells of room again only after it had none.
        while taken < bytes.len() && !self.session.wants_write() {
            taken += self.session.writer().write(&bytes[taken..])?;
            self.flush()?;
        }
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        while self.session.wants_write() {
            match self.session.write_tls(&mut self.stream) {
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}
