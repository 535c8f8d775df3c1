//! One live socket at `/v1/rooms/{room}/live`, subprotocol `apricot.v1.proto`.

use std::{
    cell::RefCell,
    io,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use apricot_proto::v1;
use prost::Message as _;
use tokio::{
    net::{TcpSocket, TcpStream},
    time::timeout,
};
use tokio_tungstenite::tungstenite::{
    client::IntoClientRequest as _,
    http::{HeaderValue, header::SEC_WEBSOCKET_PROTOCOL},
};

use super::{
    Target,
    frames::{self, Frame},
    peek::{self, Peek},
};

/// Why a socket cannot go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Gone {
    /// The server's close code (docs/api.md has the table).
    Closed(u16),
    Lost(String),
}

impl From<io::Error> for Gone {
    fn from(error: io::Error) -> Gone {
        Gone::Lost(error.to_string())
    }
}

const HANDSHAKE_WAIT: Duration = Duration::from_secs(10);

/// First size of the shared read buffer; it grows to the largest frame seen.
const SCRATCH_BYTES: usize = 64 * 1024;

thread_local! {
    /// One read buffer for all sockets of a thread: a socket keeps only what is left of a cut frame.
    static SCRATCH: RefCell<Vec<u8>> = RefCell::new(vec![0; SCRATCH_BYTES]);
}

pub struct Socket {
    stream: TcpStream,
    /// The start of a frame whose end has not arrived.
    cut: Vec<u8>,
    out: Vec<u8>,
}

/// Totals of one `read`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Taken {
    pub frames: u64,
    pub bytes: u64,
}

impl Socket {
    /// Connects from `source` when given: one address has no more than some 28,000 ports.
    pub async fn connect(target: &Target, room: &str, source: Option<IpAddr>) -> Result<Socket, Gone> {
        timeout(HANDSHAKE_WAIT, handshake(target, room, source))
            .await
            .map_err(|_| Gone::Lost("no handshake within 10 s".into()))?
    }

    pub async fn send(&mut self, message: &v1::ClientMessage) -> Result<(), Gone> {
        frames::put(&mut self.out, frames::BINARY, &message.encode_to_vec());
        self.flush().await
    }

    /// Says goodbye without waiting for the answer.
    pub async fn close(mut self) {
        frames::put(&mut self.out, frames::CLOSE, &1000u16.to_be_bytes());
        if let Err(gone) = self.flush().await {
            drop(gone); // The socket was gone already, which is what was wanted.
        }
    }

    /// Waits until there is something to read. Safe to cancel.
    pub async fn readable(&self) -> Result<(), Gone> {
        Ok(self.stream.readable().await?)
    }

    /// Reads once and shows every publication that is whole. Pings are answered with the next `flush`.
    pub fn read(&mut self, mut each: impl FnMut(Peek<'_>)) -> Result<Taken, Gone> {
        SCRATCH.with_borrow_mut(|scratch| {
            let kept = self.cut.len();
            if scratch.len() < kept + SCRATCH_BYTES {
                scratch.resize(kept + SCRATCH_BYTES, 0);
            }
            let read = match self.stream.try_read(&mut scratch[kept..]) {
                Ok(0) => return Err(Gone::Lost("the server hung up without a close".into())),
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    return Ok(Taken::default());
                }
                Err(error) => return Err(error.into()),
            };
            scratch[..kept].copy_from_slice(&self.cut);
            self.cut.clear();
            let mut rest = &scratch[..kept + read];
            let mut taken = Taken { frames: 0, bytes: read as u64 };
            loop {
                match frames::next(&mut rest) {
                    Ok(Some(Frame::Binary(batch))) => {
                        taken.frames += 1;
                        for publication in peek::publications(batch) {
                            each(publication.map_err(|_| Gone::Lost("a frame was no Batch".into()))?);
                        }
                    }
                    Ok(Some(Frame::Ping(payload))) => {
                        frames::put(&mut self.out, frames::PONG, payload);
                    }
                    Ok(Some(Frame::Pong)) => {}
                    Ok(Some(Frame::Close(code))) => return Err(Gone::Closed(code)),
                    Ok(None) => break,
                    Err(broken) => return Err(Gone::Lost(format!("a frame was broken: {broken:?}"))),
                }
            }
            self.cut.extend_from_slice(rest);
            Ok(taken)
        })
    }

    /// Writes what is waiting (nothing, most of the time).
    pub async fn flush(&mut self) -> Result<(), Gone> {
        let mut written = 0;
        while written < self.out.len() {
            match self.stream.try_write(&self.out[written..]) {
                Ok(count) => written += count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.stream.writable().await?;
                }
                Err(error) => {
                    self.out.clear();
                    return Err(error.into());
                }
            }
        }
        self.out.clear();
        Ok(())
    }
}

async fn handshake(target: &Target, room: &str, source: Option<IpAddr>) -> Result<Socket, Gone> {
    let socket = if target.address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    if let Some(source) = source {
        socket.bind(SocketAddr::new(source, 0))?;
    }
    let stream = socket.connect(target.address).await?;
    stream.set_nodelay(true)?;
    let mut request = format!("ws://{}/v1/rooms/{room}/live", target.host)
        .into_client_request()
        .map_err(|error| Gone::Lost(error.to_string()))?;
    request.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static("apricot.v1.proto"));
    // The server says nothing before Join, so no bytes are left behind in the handshake's buffer.
    let (handshaken, _response) = tokio_tungstenite::client_async(request, stream)
        .await
        .map_err(|error| Gone::Lost(error.to_string()))?;
    Ok(Socket { stream: handshaken.into_inner(), cut: Vec::new(), out: Vec::new() })
}

/// The first message of every socket.
pub fn join(token: &str, position: Option<v1::StreamPosition>) -> v1::ClientMessage {
    v1::ClientMessage {
        id: 0,
        command: Some(v1::client_message::Command::Join(v1::Join { token: token.into(), position })),
    }
}
