//! What is spoken on a socket: Apricot's two subprotocols, or the baselines' bare messages.

use apricot_proto::v1::{self, Lane, client_message::Command};
use prost::Message as _;

use super::stamp::Stamp;
use crate::contract::{
    frames,
    peek::{self, NotProtobuf, Peek, body},
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    Proto,
    Json,
    /// A message is `n` (critical) or `c` (chat), its stamp, and filling. Its number is its offset.
    Plain,
}

/// What a speaker says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speech {
    /// On the critical lane, by the host.
    Notice,
    /// A chat line.
    Line,
}

/// A publication that was read. Its header is known; the rest is looked at when asked for.
#[derive(Debug, Clone, Copy)]
pub struct Heard<'a> {
    pub lane: i32,
    pub offset: u64,
    /// The encoded publication, or the message of a baseline.
    pub bytes: &'a [u8],
    plain: bool,
}

impl<'a> Heard<'a> {
    pub fn peek(&self) -> Result<Peek<'a>, NotProtobuf> {
        if self.plain {
            let body = if self.lane == Lane::Critical as i32 { body::NOTICE } else { body::CHAT };
            return Ok(Peek { lane: self.lane, offset: self.offset, body, bytes: self.bytes });
        }
        peek::publication(self.bytes)
    }

    /// Only of what a speaker of this program said.
    pub fn stamp(&self, peek: &Peek<'a>) -> Option<Stamp> {
        if self.plain {
            return Stamp::read(&peek.bytes[1..]);
        }
        let text = match peek.body {
            body::NOTICE => peek::text(peek.bytes, 2),
            body::CHAT => peek::text(peek.bytes, 5),
            _ => None,
        };
        text.and_then(Stamp::read)
    }
}

impl Dialect {
    pub fn subprotocol(self) -> Option<&'static str> {
        match self {
            Dialect::Proto => Some("apricot.v1.proto"),
            Dialect::Json => Some("apricot.v1.json"),
            Dialect::Plain => None,
        }
    }

    /// Appends a command as one frame. A baseline knows no commands.
    pub fn put_command(self, out: &mut Vec<u8>, id: u32, command: Command) {
        let message = v1::ClientMessage { id, command: Some(command) };
        match self {
            Dialect::Proto => frames::put(out, frames::BINARY, &message.encode_to_vec()),
            Dialect::Json => {
                let json = serde_json::to_vec(&message).expect("a message of strings and numbers");
                frames::put(out, frames::TEXT, &json);
            }
            Dialect::Plain => {}
        }
    }

    /// Appends what a speaker says, `bytes` long: the text for Apricot, the whole message for a baseline.
    pub fn put_speech(self, out: &mut Vec<u8>, speech: Speech, stamp: Stamp, bytes: usize, id: u32) {
        match (self, speech) {
            (Dialect::Plain, _) => {
                let lane = if speech == Speech::Notice { "n" } else { "c" };
                let message = lane.to_string() + &stamp.line(bytes.saturating_sub(1));
                frames::put(out, frames::BINARY, message.as_bytes());
            }
            (_, Speech::Notice) => {
                let notice = v1::PostNotice { text: stamp.line(bytes) };
                self.put_command(out, id, Command::PostNotice(notice));
            }
            (_, Speech::Line) => {
                self.put_command(out, id, Command::Say(v1::Say { text: stamp.line(bytes) }));
            }
        }
    }

    /// Shows every publication of one message of the server.
    pub fn hear(self, payload: &[u8], mut each: impl FnMut(Heard<'_>)) -> Result<(), NotProtobuf> {
        match self {
            Dialect::Proto => {
                for bytes in peek::whole(payload) {
                    let bytes = bytes?;
                    let (lane, offset) = peek::head(bytes)?;
                    each(Heard { lane, offset, bytes, plain: false });
                }
            }
            Dialect::Json => {
                for line in payload.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
                    let publication: v1::Publication =
                        serde_json::from_slice(line).map_err(|_| NotProtobuf)?;
                    let (lane, offset) = (publication.lane, publication.offset);
                    each(Heard { lane, offset, bytes: &publication.encode_to_vec(), plain: false });
                }
            }
            Dialect::Plain => {
                let (lane, rest) = payload.split_first().ok_or(NotProtobuf)?;
                let lane = if *lane == b'n' { Lane::Critical } else { Lane::Chat };
                let offset = Stamp::number(rest).ok_or(NotProtobuf)?;
                each(Heard { lane: lane as i32, offset, bytes: payload, plain: true });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch() -> v1::Batch {
        let notice = v1::HostNotice { id: "n".into(), text: Stamp { number: 3, intended_us: 7 }.line(40) };
        let line = v1::ChatLine { text: Stamp { number: 4, intended_us: 8 }.line(40), ..Default::default() };
        let publication = |lane: Lane, offset, body| v1::Publication {
            lane: lane as i32,
            offset,
            at_ms: 1_790_000_000_000,
            body: Some(body),
        };
        v1::Batch {
            publications: vec![
                publication(Lane::Critical, 300, v1::publication::Body::Notice(notice)),
                publication(Lane::Chat, 0, v1::publication::Body::Chat(line)),
            ],
        }
    }

    fn heard(dialect: Dialect, payload: &[u8]) -> Vec<(i32, u64, Option<Stamp>)> {
        let mut all = Vec::new();
        let read = dialect.hear(payload, |heard| {
            let peek = heard.peek().unwrap();
            all.push((heard.lane, heard.offset, heard.stamp(&peek)));
        });
        assert_eq!(read, Ok(()));
        all
    }

    #[test]
    fn both_subprotocols_are_heard_alike() {
        let lines: Vec<String> =
            batch().publications.iter().map(|it| serde_json::to_string(it).unwrap()).collect();
        let expected = [
            (Lane::Critical as i32, 300, Some(Stamp { number: 3, intended_us: 7 })),
            (Lane::Chat as i32, 0, Some(Stamp { number: 4, intended_us: 8 })),
        ];
        assert_eq!(heard(Dialect::Proto, &batch().encode_to_vec()), expected);
        assert_eq!(heard(Dialect::Json, lines.join("\n").as_bytes()), expected);
    }

    #[test]
    fn a_baseline_passes_the_stamp_on() {
        let (mut out, stamp) = (Vec::new(), Stamp { number: 9, intended_us: 5 });
        Dialect::Plain.put_speech(&mut out, Speech::Notice, stamp, 128, 0);
        let Ok(Some((frames::Masked::Binary(payload), _))) = frames::next_masked(&mut out) else {
            panic!("one frame")
        };
        assert_eq!(payload.len(), 128);
        assert_eq!(heard(Dialect::Plain, payload), [(Lane::Critical as i32, 9, Some(stamp))]);
        assert_eq!(Dialect::Plain.hear(b"", |_| {}), Err(NotProtobuf));
    }
}
