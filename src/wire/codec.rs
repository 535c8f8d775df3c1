//! A socket's payloads: client messages in, answers out. Nothing that a client sends may panic here.

use apricot_proto::v1::{self, ClientMessage, publication::Body, reply::Outcome as Said};
use bytes::Bytes;
use prost::Message;

use super::problem::Kind;
use crate::contract;
use crate::model::Timestamp;
use crate::room::CloseCode;
use crate::room::publication::{Format, direct};
use crate::room::session::{Answer, Outcome};

/// Checked before anything is parsed. The largest message that makes sense, 200 blocked words of 40 characters, is about 25 KiB and
/// goes by REST; everything else is below 2 KiB.
pub const MESSAGE_BYTES_MAX: usize = 16 * 1024;

/// A parser's sentence may quote what it read.
const DETAIL_CHARACTERS_MAX: usize = 200;

pub const PROTO: &str = "apricot.v1.proto";
pub const JSON: &str = "apricot.v1.json";

pub fn format_of(subprotocol: &str) -> Option<Format> {
    match subprotocol {
        PROTO => Some(Format::Proto),
        JSON => Some(Format::Json),
        _ => None,
    }
}

/// A sentence on what cannot be read.
#[derive(Debug)]
pub struct Unreadable(String);

pub fn decode(format: Format, payload: &[u8]) -> Result<ClientMessage, Unreadable> {
    match format {
        Format::Proto => ClientMessage::decode(payload)
            .map_err(|error| Unreadable::new("a ClientMessage", &error.to_string())),
        Format::Json => serde_json::from_slice(payload)
            .map_err(|error| Unreadable::new("one ClientMessage as canonical JSON", &error.to_string())),
    }
}

pub fn answer(format: Format, answer: Answer, now: Timestamp) -> Bytes {
    let said = match answer.outcome {
        Ok(Outcome::Done) => Said::Done(v1::Done {}),
        Ok(Outcome::Pong { client_time_ms }) => {
            Said::Pong(v1::Pong { client_time_ms, server_time_ms: now.millis() })
        }
        Ok(Outcome::Order(view)) => Said::Order(contract::order(&view)),
        Err(refused) => Said::Problem(refused.into()),
    };
    direct(format, now, Body::Reply(v1::Reply { id: answer.id, outcome: Some(said) }))
}

/// The message's id is not known when it cannot be read.
pub fn unreadable(format: Format, Unreadable(detail): Unreadable, now: Timestamp) -> Bytes {
    let problem = Kind::Malformed.because(detail);
    direct(format, now, Body::Reply(v1::Reply { id: 0, outcome: Some(Said::Problem(problem)) }))
}

/// The last publication of a session that the server ends.
pub fn closing(format: Format, code: CloseCode, reason: &str, chance: u64, now: Timestamp) -> Bytes {
    let retry_after_ms = u32::try_from(code.retry_after(chance).as_millis()).unwrap_or(u32::MAX);
    let closing = v1::Closing { code: code.number().into(), reason: reason.to_owned(), retry_after_ms };
    direct(format, now, Body::Closing(closing))
}

impl Unreadable {
    fn new(wanted: &str, found: &str) -> Self {
        let found: String = found.chars().filter(|c| !c.is_control()).take(DETAIL_CHARACTERS_MAX).collect();
        Self(format!("Send {wanted}. The parser said: {found}."))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_documented_lines_are_read() {
        let join = decode(Format::Json, br#"{"id":1,"join":{"token":"x"}}"#).expect("a join");
        assert_eq!(join.id, 1);
        let say = decode(Format::Json, r#"{"id":2,"say":{"text":"新鲜吗？"}}"#.as_bytes()).expect("a line");
        let Some(v1::client_message::Command::Say(say)) = say.command else { panic!("{say:?}") };
        assert_eq!(say.text, "新鲜吗？");
    }

    #[test]
    fn what_cannot_be_read_is_a_problem_with_a_bounded_sentence() {
        let deep = "[".repeat(MESSAGE_BYTES_MAX);
        let quoted = format!(r#"{{"{}":1}}"#, "x".repeat(4_000));
        let hostile: [(Format, &[u8]); 9] = [
            (Format::Json, b""),
            (Format::Json, b"{"),
            (Format::Json, b"[]"),
            (Format::Json, br#"{"id":-1}"#),
            (Format::Json, br#"{"id":1,"say":{"text":7}}"#),
            (Format::Json, b"\xff\xfe"),
            (Format::Json, deep.as_bytes()),
            (Format::Json, quoted.as_bytes()),
            (Format::Proto, b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"),
        ];
        for (format, payload) in hostile {
            let Unreadable(detail) = decode(format, payload).expect_err("must be refused");
            assert!((20..300).contains(&detail.chars().count()), "{detail}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(payload in prop::collection::vec(any::<u8>(), 0..600), json in any::<bool>()) {
            let format = if json { Format::Json } else { Format::Proto };
            if let Err(Unreadable(detail)) = decode(format, &payload) {
                prop_assert!(detail.starts_with("Send "));
            }
        }

        /// Bytes that nearly are a message.
        #[test]
        fn no_damaged_message_panics(at in 0..64usize, byte in any::<u8>(), text in ".{0,40}") {
            let say = v1::client_message::Command::Say(v1::Say { text });
            let message = ClientMessage { id: 7, command: Some(say) };
            let json = serde_json::to_vec(&message).expect("serialisable");
            for (format, mut payload) in [(Format::Proto, message.encode_to_vec()), (Format::Json, json)] {
                let index = at % payload.len();
                payload[index] = byte;
                if let Err(Unreadable(detail)) = decode(format, &payload) {
                    prop_assert!(detail.starts_with("Send "));
                }
            }
        }
    }
}
