//! The client's half of the opening handshake, as text that a test may spoil.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use super::peer::Peer;
use super::server::{ROOM, Server};

/// The key of RFC 6455 1.3, and what it must be answered with.
pub const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
pub const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// Longer than anything here takes; a test that waits for it has failed.
const TOO_LONG: Duration = Duration::from_secs(15);
const HEAD_BYTES_MAX: usize = 64 * 1024;

pub struct Request {
    server: Arc<Server>,
    line: String,
    headers: Vec<(String, String)>,
}

/// The server's half.
#[derive(Debug)]
pub struct Head {
    pub line: String,
    pub status: u16,
    headers: Vec<(String, String)>,
}

impl Request {
    pub fn new() -> Self {
        let server = Server::shared();
        let headers = [
            ("Host", server.address().to_string()),
            ("Upgrade", "websocket".into()),
            ("Connection", "Upgrade".into()),
            ("Sec-WebSocket-Key", KEY.into()),
            ("Sec-WebSocket-Version", "13".into()),
            ("Sec-WebSocket-Protocol", "apricot.v1.json".into()),
        ];
        let headers = headers.map(|(name, value)| (name.to_owned(), value)).into();
        Self { line: format!("GET /v1/rooms/{ROOM}/live HTTP/1.1"), headers, server }
    }

    pub fn server(&self) -> &Arc<Server> {
        &self.server
    }

    pub fn line(self, line: impl Into<String>) -> Self {
        Self { line: line.into(), ..self }
    }

    pub fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(other, _)| !other.eq_ignore_ascii_case(name));
        self
    }

    /// One more line, after those with the same name.
    pub fn and(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    pub fn with(self, name: &str, value: impl Into<String>) -> Self {
        self.without(name).and(name, value)
    }

    pub fn bytes(&self) -> Vec<u8> {
        let headers = self.headers.iter().map(|(name, value)| format!("{name}: {value}\r\n"));
        format!("{}\r\n{}\r\n", self.line, headers.collect::<String>()).into_bytes()
    }

    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.server.address()).expect("a connection");
        stream.set_nodelay(true).expect("no delay");
        stream.set_read_timeout(Some(TOO_LONG)).expect("a time limit");
        stream
    }

    pub fn answer(&self) -> Head {
        let mut stream = self.connect();
        stream.write_all(&self.bytes()).expect("sent");
        Head::read(&mut stream)
    }

    #[track_caller]
    pub fn open(self) -> (Head, Peer) {
        let mut stream = self.connect();
        stream.write_all(&self.bytes()).expect("sent");
        let head = Head::read(&mut stream);
        assert_eq!(head.status, 101, "{head:?}");
        (head, Peer::new(stream, self.server))
    }
}

impl Head {
    /// Byte by byte, so that nothing behind it is taken.
    pub fn read(stream: &mut TcpStream) -> Self {
        let (mut bytes, mut byte) = (Vec::new(), [0]);
        while !bytes.ends_with(b"\r\n\r\n") {
            assert!(bytes.len() < HEAD_BYTES_MAX, "the head does not end");
            stream.read_exact(&mut byte).expect("a whole head");
            bytes.push(byte[0]);
        }
        let text = String::from_utf8(bytes).expect("a head is ASCII");
        let mut lines = text.trim_end().split("\r\n");
        let line = lines.next().expect("a status line").to_owned();
        let status = line.split(' ').nth(1).and_then(|status| status.parse().ok());
        let header = |line: &str| {
            let (name, value) = line.split_once(':').expect("a header");
            (name.to_ascii_lowercase(), value.trim().to_owned())
        };
        Self { status: status.expect("a status"), headers: lines.map(header).collect(), line }
    }

    /// `None` when it is not there; it may stand there once.
    #[track_caller]
    pub fn value(&self, name: &str) -> Option<&str> {
        let values: Vec<&str> = self.values(name).collect();
        assert!(values.len() <= 1, "{name}: {values:?}");
        values.first().copied()
    }

    pub fn values(&self, name: &str) -> impl Iterator<Item = &str> {
        let named = self.headers.iter().filter(move |(other, _)| other.eq_ignore_ascii_case(name));
        named.map(|(_, value)| value.as_str())
    }
}
