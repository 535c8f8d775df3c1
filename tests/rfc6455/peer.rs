//! A client that has no opinions: it writes the bytes it is given, and reads frames so strictly that whatever the server may not send
//! fails the test that sees it.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

use serde_json::{Value, json};

use super::deflate::Inflater;
use super::request::Request;
use super::server::Server;

pub const FIN: u8 = 0x80;
pub const RSV1: u8 = 0x40;
pub const RSV2: u8 = 0x20;
pub const RSV3: u8 = 0x10;

pub const CONTINUATION: u8 = 0x0;
pub const TEXT: u8 = 0x1;
pub const BINARY: u8 = 0x2;
pub const CLOSE: u8 = 0x8;
pub const PING: u8 = 0x9;
pub const PONG: u8 = 0xA;

const MASK: [u8; 4] = [0x37, 0xFA, 0x21, 0x3D];

/// How the length is written; RFC 6455 5.2 allows the shortest only.
#[derive(Clone, Copy)]
pub enum Length {
    Shortest,
    Bits16,
    Bits64,
    /// Whatever the payload has.
    Claimed(u64),
}

/// A masked frame as it should be.
pub fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    frame_with(first, Length::Shortest, Some(MASK), payload)
}

pub fn frame_with(first: u8, length: Length, mask: Option<[u8; 4]>, payload: &[u8]) -> Vec<u8> {
    let masked = if mask.is_some() { 0x80 } else { 0 };
    let short = u8::try_from(payload.len()).ok().filter(|length| *length < 126);
    let shorter = u16::try_from(payload.len());
    let mut bytes = vec![first];
    match (length, short, shorter) {
        (Length::Shortest, Some(length), _) => bytes.push(masked | length),
        (Length::Shortest | Length::Bits16, _, Ok(length)) => {
            bytes.push(masked | 126);
            bytes.extend(length.to_be_bytes());
        }
        (Length::Claimed(length), _, _) => {
            bytes.push(masked | 127);
            bytes.extend(length.to_be_bytes());
        }
        (Length::Shortest | Length::Bits16 | Length::Bits64, _, _) => {
            bytes.push(masked | 127);
            bytes.extend((payload.len() as u64).to_be_bytes());
        }
    }
    let mask = mask.inspect(|mask| bytes.extend(mask)).unwrap_or_default();
    bytes.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    bytes
}

pub fn text(payload: impl AsRef<[u8]>) -> Vec<u8> {
    frame(FIN | TEXT, payload.as_ref())
}

pub fn close(code: u16, reason: &str) -> Vec<u8> {
    frame(FIN | CLOSE, &[&code.to_be_bytes(), reason.as_bytes()].concat())
}

/// A command with an answer, and with spaces until it has `bytes`.
pub fn ping_of(id: u32, bytes: usize) -> String {
    let mut command = json!({"id": id, "ping": {"clientTimeMs": "7"}}).to_string();
    command.extend(std::iter::repeat_n(' ', bytes.saturating_sub(command.len())));
    command
}

#[derive(Debug)]
struct Frame {
    fin: bool,
    rsv1: bool,
    opcode: u8,
    payload: Vec<u8>,
}

#[derive(Debug, PartialEq)]
pub enum Heard {
    Message(Message),
    Ping,
    Pong(Vec<u8>),
    /// With its code and reason.
    Close(Option<u16>, String),
    /// The end of the TCP connection.
    End,
}

#[derive(Debug, PartialEq)]
pub struct Message {
    pub opcode: u8,
    pub compressed: bool,
    pub wire_bytes: usize,
    /// Inflated.
    pub payload: Vec<u8>,
}

pub struct Peer {
    stream: TcpStream,
    closed: bool,
    inflater: Option<Inflater>,
    waiting: Vec<Value>,
    _server: Arc<Server>,
}

impl Peer {
    pub fn new(stream: TcpStream, server: Arc<Server>) -> Self {
        Self { stream, closed: false, inflater: None, waiting: Vec::new(), _server: server }
    }

    /// Has shaken hands and not joined.
    pub fn open() -> Self {
        Request::new().open().1
    }

    /// A guest in the room.
    pub fn joined() -> Self {
        let mut peer = Self::open();
        peer.join("");
        peer
    }

    /// Someone who may talk.
    pub fn viewer(subject: &str) -> Self {
        let request = Request::new();
        let token = request.server().viewer_token(subject);
        let mut peer = request.open().1;
        peer.join(&token);
        peer
    }

    /// From here on the server may compress.
    pub fn inflating(self, inflater: Inflater) -> Self {
        Self { inflater: Some(inflater), ..self }
    }

    pub fn inflater(&self) -> &Inflater {
        self.inflater.as_ref().expect("compression was agreed on")
    }

    pub fn join(&mut self, token: &str) -> Value {
        self.write(&text(json!({"id": 1, "join": {"token": token}}).to_string()));
        let joined = self.until(|publication| publication.get("joined").cloned());
        assert_eq!(self.reply(1), json!({"id": 1, "done": {}}));
        joined
    }

    /// A server that has closed already does not hear the rest, which is its right.
    pub fn write(&mut self, bytes: &[u8]) {
        match self.stream.write_all(bytes) {
            Ok(()) => {}
            Err(error) if matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset) => {}
            Err(error) => panic!("{error}"),
        }
    }

    fn read(&mut self, count: usize) -> Option<Vec<u8>> {
        let mut bytes = vec![0; count];
        match self.stream.read_exact(&mut bytes) {
            Ok(()) => Some(bytes),
            Err(error) if matches!(error.kind(), ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset) => {
                None
            }
            Err(error) => panic!("nothing was heard in time: {error}"),
        }
    }

    /// `None` at the end. Section 5.2 and 5.5 for a server: no mask, no reserved bit, no reserved opcode, the shortest length, whole
    /// and short control frames; 5.5.1: nothing after a close.
    fn frame(&mut self) -> Option<Frame> {
        let head = self.read(2)?;
        assert!(!self.closed, "5.5.1: a frame after the close frame: {head:02x?}");
        let (first, second) = (head[0], head[1]);
        let (fin, rsv1, opcode) = (first & FIN != 0, first & RSV1 != 0, first & 0x0F);
        assert_eq!(second & 0x80, 0, "5.1: a server does not mask");
        assert_eq!(first & (RSV2 | RSV3), 0, "5.2: reserved bits");
        assert!(matches!(opcode, 0..=2 | 8..=10), "5.2: opcode {opcode}");
        let length = match second {
            126 => u64::from(u16::from_be_bytes(self.read(2)?.try_into().expect("two bytes"))),
            127 => u64::from_be_bytes(self.read(8)?.try_into().expect("eight bytes")),
            short => u64::from(short),
        };
        let shortest = match length {
            0..126 => second < 126,
            126..65_536 => second == 126,
            _ => second == 127,
        };
        assert!(shortest, "5.2: {length} bytes are announced by {second}");
        assert!(opcode < CLOSE || fin && !rsv1 && length <= 125, "5.5: control frames are whole and short");
        assert!(length < 4 << 20, "{length} bytes in a frame");
        let payload = self.read(usize::try_from(length).expect("a length"))?;
        self.closed = opcode == CLOSE;
        Some(Frame { fin, rsv1, opcode, payload })
    }

    /// What comes between the fragments of a message is heard before it.
    pub fn heard(&mut self) -> Heard {
        let Some(first) = self.frame() else { return Heard::End };
        match first.opcode {
            PING => {
                self.write(&frame(FIN | PONG, &first.payload));
                Heard::Ping
            }
            PONG => Heard::Pong(first.payload),
            CLOSE => closed(&first.payload),
            CONTINUATION => panic!("5.4: a continuation of nothing"),
            _ => self.message(first),
        }
    }

    fn message(&mut self, mut whole: Frame) -> Heard {
        while !whole.fin {
            let Some(next) = self.frame() else { return Heard::End };
            match next.opcode {
                CONTINUATION => {
                    assert!(!next.rsv1, "RFC 7692 6.1: RSV1 of a later fragment");
                    whole.payload.extend(next.payload);
                    whole.fin = next.fin;
                }
                PING => self.write(&frame(FIN | PONG, &next.payload)),
                PONG => {}
                CLOSE => return closed(&next.payload),
                opcode => panic!("5.4: opcode {opcode} inside a message"),
            }
        }
        let (wire_bytes, compressed) = (whole.payload.len(), whole.rsv1);
        let payload = match (&mut self.inflater, compressed) {
            (_, false) => whole.payload,
            (Some(inflater), true) => inflater.inflate(&whole.payload).expect("RFC 7692 7.2: DEFLATE"),
            (None, true) => panic!("RFC 7692 6: RSV1, and compression was not agreed on"),
        };
        Heard::Message(Message { opcode: whole.opcode, compressed, wire_bytes, payload })
    }

    /// The next message; pings and pongs are passed over.
    #[track_caller]
    pub fn next_message(&mut self) -> Message {
        loop {
            match self.heard() {
                Heard::Message(message) => return message,
                Heard::Ping | Heard::Pong(_) => {}
                other => panic!("{other:?} instead of a message"),
            }
        }
    }

    /// The first publication that `wanted` likes; those behind it in the same message are kept.
    #[track_caller]
    pub fn until<T>(&mut self, wanted: impl Fn(&Value) -> Option<T>) -> T {
        loop {
            if self.waiting.is_empty() {
                self.waiting = publications(&self.next_message());
            }
            while !self.waiting.is_empty() {
                if let Some(found) = wanted(&self.waiting.remove(0)) {
                    return found;
                }
            }
        }
    }

    #[track_caller]
    pub fn reply(&mut self, id: u32) -> Value {
        self.until(|publication| publication.get("reply").filter(|reply| reply["id"] == id).cloned())
    }

    /// The kind of problem that a message without a readable id is answered with.
    #[track_caller]
    pub fn reply_to_the_unreadable(&mut self) -> String {
        self.until(|publication| Some(publication["reply"]["problem"]["type"].as_str()?.to_owned()))
    }

    #[track_caller]
    pub fn pong(&mut self) -> Vec<u8> {
        loop {
            match self.heard() {
                Heard::Pong(payload) => return payload,
                Heard::Message(_) | Heard::Ping => {}
                other => panic!("{other:?} instead of a pong"),
            }
        }
    }

    /// It has understood all until here, and goes on.
    #[track_caller]
    pub fn is_alive(&mut self) {
        const ID: u32 = 4_000_000;
        self.write(&text(ping_of(ID, 0)));
        assert_eq!(self.reply(ID)["pong"]["clientTimeMs"], "7");
    }

    /// The code of the close frame, and of the `Closing` before it.
    #[track_caller]
    pub fn closed(&mut self) -> (Option<u16>, Option<u64>) {
        let mut closing = None;
        loop {
            match self.heard() {
                Heard::Close(code, _) => return (code, closing),
                Heard::End => panic!("7.1.5: the connection ended without a close frame"),
                Heard::Message(message) if message.opcode == TEXT => {
                    let said = publications(&message);
                    closing = said.iter().find_map(|said| said["closing"]["code"].as_u64()).or(closing);
                }
                Heard::Message(_) | Heard::Ping | Heard::Pong(_) => {}
            }
        }
    }

    #[track_caller]
    pub fn ends(&mut self) {
        assert_eq!(self.heard(), Heard::End);
    }
}

fn closed(payload: &[u8]) -> Heard {
    let (code, reason) = match payload {
        [] => (None, &[][..]),
        [_] => panic!("5.5.1: a close frame with half a code"),
        [high, low, reason @ ..] => (Some(u16::from_be_bytes([*high, *low])), reason),
    };
    assert!(code.is_none_or(|code| !matches!(code, 0..1000 | 1004..=1006 | 1015..3000)), "7.4.1: {code:?}");
    Heard::Close(code, String::from_utf8(reason.to_owned()).expect("5.5.1: a reason is UTF-8"))
}

fn publications(message: &Message) -> Vec<Value> {
    assert_eq!(message.opcode, TEXT, "apricot.v1.json is text");
    let text = std::str::from_utf8(&message.payload).expect("8.1: text is UTF-8");
    text.lines().map(|line| serde_json::from_str(line).expect("a publication a line")).collect()
}

/// A guest who has joined sends this, and the connection is closed with that code.
#[track_caller]
pub fn closes(sent: &[u8], code: u16) {
    let mut peer = Peer::joined();
    peer.write(sent);
    assert_eq!(peer.closed().0, Some(code), "{:02x?}", &sent[..sent.len().min(24)]);
}
