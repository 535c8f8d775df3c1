//! A socket's bytes, without waiting: plain TCP, or TLS over it.

use std::io::{self, IoSlice, Read, Write};
use std::time::Duration;

use mio::net::TcpStream;
use socket2::SockRef;

/// What the system keeps for one viewer who does not read: the flushes of some seconds. It doubles the number for its own
/// bookkeeping. A room says at most some 50 KB a second, so that this is also enough for a second of distance.
const SEND_BUFFER_BYTES: usize = 64 * 1024;

pub enum Transport {
    Plain(TcpStream),
}

impl Transport {
    /// `user_timeout`: how long bytes may stay unacknowledged until the system gives the peer up.
    pub fn plain(stream: std::net::TcpStream, user_timeout: Duration) -> io::Result<Self> {
        let socket = SockRef::from(&stream);
        socket.set_send_buffer_size(SEND_BUFFER_BYTES)?;
        #[cfg(target_os = "linux")]
        socket.set_tcp_user_timeout(Some(user_timeout))?;
        Ok(Self::Plain(TcpStream::from_std(stream)))
    }

    pub fn stream(&mut self) -> &mut TcpStream {
        match self {
            Self::Plain(stream) => stream,
        }
    }

    /// 0: the other side has ended.
    pub fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.read(buffer),
        }
    }

    pub fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.write(bytes),
        }
    }

    pub fn write_all_of(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.write_vectored(parts),
        }
    }
}
