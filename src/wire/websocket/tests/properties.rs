//! Whatever is sent, however it is cut: the same as a simple model, and the same as another implementation.

use std::io::{self, Read, Write};

use proptest::prelude::*;
use proptest::sample::Index;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Bytes, Error, Message, WebSocket};

use super::rfc7692::{deflated, deflated_with_a_last_block};
use super::*;

#[derive(Clone, Debug)]
enum Said {
    Control(Heard),
    Data { heard: Heard, packed: Packed, fragments: Vec<(Index, Option<Heard>)> },
}

#[derive(Clone, Copy, Debug)]
enum Packed {
    Plain,
    Deflated(u32),
    /// With a last block.
    Ended(u32),
}

fn control() -> impl Strategy<Value = Heard> {
    let bytes = prop::collection::vec(any::<u8>(), 0..=125);
    prop_oneof![bytes.prop_map(Heard::Ping), Just(Heard::Pong)]
}

fn text() -> impl Strategy<Value = String> {
    // The last two cross every width of a length, and the limit when they are deflated.
    prop_oneof![
        4 => ".{0,40}",
        1 => (".{1,3}", 1..1_200usize).prop_map(|(few, times)| few.repeat(times)),
        1 => Just("a".repeat(MESSAGE_BYTES_MAX)),
    ]
}

fn data() -> impl Strategy<Value = Heard> {
    let bytes = prop::collection::vec(any::<u8>(), 0..700);
    prop_oneof![text().prop_map(Heard::Text), bytes.prop_map(Heard::Binary)]
}

fn said() -> impl Strategy<Value = Said> {
    let packed = prop_oneof![
        Just(Packed::Plain),
        (0..=9u32).prop_map(Packed::Deflated),
        (0..=9u32).prop_map(Packed::Ended)
    ];
    let fragments = prop::collection::vec((any::<Index>(), prop::option::weighted(0.3, control())), 0..5);
    let message = (data(), packed, fragments);
    prop_oneof![
        1 => control().prop_map(Said::Control),
        3 => message.prop_map(|(heard, packed, fragments)| Said::Data { heard, packed, fragments }),
    ]
}

fn control_frame(mask: [u8; 4], heard: &Heard) -> Vec<u8> {
    match heard {
        Heard::Ping(bytes) => masked_with(mask, FIN | 0x9, bytes),
        _ => masked_with(mask, FIN | 0xa, b"pong"),
    }
}

/// The bytes of a client who says it, and what is heard of it.
fn sent(said: &Said, mut masks: impl FnMut() -> [u8; 4]) -> (Vec<u8>, Vec<Heard>) {
    let Said::Data { heard, packed, fragments } = said else {
        let Said::Control(heard) = said else { unreachable!() };
        return (control_frame(masks(), heard), vec![heard.clone()]);
    };
    let (opcode, payload) = match heard {
        Heard::Text(text) => (0x1, text.as_bytes()),
        Heard::Binary(bytes) => (0x2, bytes.as_slice()),
        other => panic!("no data: {other:?}"),
    };
    let (mark, payload) = match *packed {
        Packed::Plain => (0, payload.to_vec()),
        Packed::Deflated(level) => (RSV1, deflated(level, payload)),
        Packed::Ended(level) => (RSV1, deflated_with_a_last_block(level, payload)),
    };
    // Stored blocks need some bytes more than they hold.
    let (mark, payload) = if payload.len() > MESSAGE_BYTES_MAX {
        (RSV1, deflated(6, &vec![b'a'; MESSAGE_BYTES_MAX]))
    } else {
        (mark, payload)
    };
    let (mut bytes, mut expected, mut rest, mut first) =
        (Vec::new(), Vec::new(), &payload[..], opcode | mark);
    for (cut, between) in fragments {
        let (now, later) = rest.split_at(cut.index(rest.len() + 1));
        bytes.extend(masked_with(masks(), first, now));
        if let Some(control) = between {
            bytes.extend(control_frame(masks(), control));
            expected.push(control.clone());
        }
        (rest, first) = (later, 0);
    }
    bytes.extend(masked_with(masks(), FIN | first, rest));
    expected.push(heard.clone());
    (bytes, expected)
}

/// Marsaglia's xorshift64.
fn chance(mut state: u64) -> impl FnMut() -> u64 {
    state |= 1;
    move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    }
}

fn four(number: u64) -> [u8; 4] {
    let [_, _, bytes @ .., _, _] = number.to_le_bytes();
    bytes
}

/// In pieces of any size: mostly small ones, where cuts are.
fn in_pieces(
    bytes: &[u8],
    seed: u64,
    mut piece: impl FnMut(&[u8]) -> Result<(), Broken>,
) -> Result<(), Broken> {
    let (mut next, mut rest) = (chance(seed), bytes);
    while !rest.is_empty() {
        let number = next();
        let most = [3, 17, 200, 5_000][(number >> 60) as usize % 4];
        let (now, later) = rest.split_at(((number >> 20) as usize % most + 1).min(rest.len()));
        piece(now)?;
        rest = later;
    }
    Ok(())
}

/// What the other side has written and not read yet.
#[derive(Default)]
struct Pipe {
    incoming: io::Cursor<Vec<u8>>,
    written: Vec<u8>,
}

impl Read for Pipe {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.incoming.read(buffer)? {
            0 => Err(io::ErrorKind::WouldBlock.into()),
            count => Ok(count),
        }
    }
}

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.written.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// All that tungstenite hears; `None` when it refuses something.
fn heard_by_tungstenite(role: Role, bytes: Vec<u8>) -> Option<Vec<Heard>> {
    let pipe = Pipe { incoming: io::Cursor::new(bytes), written: Vec::new() };
    let config = WebSocketConfig::default().max_message_size(Some(MESSAGE_BYTES_MAX));
    let mut other = WebSocket::from_raw_socket(pipe, role, Some(config));
    let mut heard = Vec::new();
    loop {
        heard.push(match other.read() {
            Ok(Message::Text(text)) => Heard::Text(text.to_string()),
            Ok(Message::Binary(bytes)) => Heard::Binary(bytes.into()),
            Ok(Message::Ping(bytes)) => Heard::Ping(bytes.into()),
            Ok(Message::Pong(_)) => Heard::Pong,
            Ok(Message::Close(None)) => Heard::Close(None, String::new()),
            Ok(Message::Close(Some(CloseFrame { code, reason }))) => {
                Heard::Close(Some(code.into()), reason.to_string())
            }
            Ok(Message::Frame(_)) => unreachable!("never read"),
            Err(Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => return Some(heard),
            Err(Error::ConnectionClosed) => return Some(heard),
            Err(_) => return None,
        });
        if matches!(heard.last(), Some(Heard::Close(..))) {
            return Some(heard);
        }
    }
}

fn closes() -> impl Strategy<Value = Option<(u16, String)>> {
    prop::option::of((prop_oneof![1000..=1003u16, 1007..=1013u16, 3000..=4999u16], "[a-z杏]{0,40}"))
}

/// Headers that are nearly right, with a little payload: what chance alone never writes. No text starts in fragments: tungstenite
/// looks at each of them, we at the whole.
fn nearly_a_frame() -> impl Strategy<Value = Vec<u8>> {
    let usual = prop::sample::select(vec![0x81, 0x82, 0x02, 0x00, 0x80, 0x88, 0x89]);
    let first = prop_oneof![3 => usual, 1 => any::<u8>().prop_filter("text", |first| *first != 0x01)];
    let length = prop_oneof![0..8u8, Just(126), Just(127), any::<u8>()];
    let payload = prop_oneof![prop::collection::vec(any::<u8>(), 0..12), Just(vec![0x03, 0xe8, 0x61])];
    (first, length, any::<[u8; 4]>(), payload, 0..20u8).prop_map(|(first, length, mask, payload, odd)| {
        let mut bytes = masked_with(mask, first, &payload);
        if odd == 0 {
            bytes[1] = length;
        }
        bytes
    })
}

proptest! {
    #[test]
    fn what_is_said_is_heard_however_it_is_cut(
        all in prop::collection::vec(said(), 0..12), masks in any::<u64>(), cuts in any::<u64>(),
    ) {
        let mut next = chance(masks);
        let (mut bytes, mut expected) = (Vec::new(), Vec::new());
        for said in &all {
            let (more, heard) = sent(said, || four(next()));
            bytes.extend(more);
            expected.extend(heard);
        }
        let mut ear = Ear::new(true);
        in_pieces(&bytes, cuts, |piece| ear.read(piece)).expect("all of it is right");
        prop_assert_eq!(ear.heard, expected);
        prop_assert_eq!(ear.inbound.kept_bytes(), 0, "nothing is left");
    }

    #[test]
    fn no_bytes_panic_or_are_kept_without_a_bound(
        bytes in prop::collection::vec(any::<u8>(), 0..600), cuts in any::<u64>(), deflate in any::<bool>(),
    ) {
        let mut ear = Ear::new(deflate);
        let _refused = in_pieces(&bytes, cuts, |piece| {
            ear.read(piece)?;
            assert!(ear.inbound.kept_bytes() <= bytes.len() + 3 * 1024);
            Ok(())
        });
    }

    /// As much as a client can make us keep, before it is refused.
    #[test]
    fn what_is_kept_is_bounded(
        sizes in prop::collection::vec(0..9_000usize, 1..12), cuts in any::<u64>(), ping in 0..126usize,
    ) {
        let mut ear = Ear::new(false);
        let mut bytes = masked(0x2, b"");
        for size in sizes {
            bytes.extend(masked(0x0, &vec![0; size]));
            bytes.extend(masked(FIN | 0x9, &vec![0; ping]));
        }
        let mut most = 0;
        let read = in_pieces(&bytes, cuts, |piece| {
            let read = ear.read(piece);
            most = most.max(ear.inbound.kept_bytes());
            read
        });
        prop_assert!(most <= Inbound::KEPT_BYTES_MAX, "{most} bytes were kept");
        prop_assert!(read.is_ok() || read == Err(Broken::TOO_LARGE));
        prop_assert_eq!(ear.inbound.kept_bytes() == 0, read.is_err());
    }

    #[test]
    fn any_bytes_are_inflated_or_refused(payload in prop::collection::vec(any::<u8>(), 0..300)) {
        let mut inflater = Inflater::new();
        if let Ok(inflated) = inflater.message(&payload) {
            prop_assert!(inflated.len() <= MESSAGE_BYTES_MAX);
        }
    }

    #[test]
    fn what_we_deflate_inflates_to_the_same(texts in prop::collection::vec(text(), 1..4)) {
        let (mut deflater, mut inflater) = (Deflater::new(), Inflater::new());
        for text in &texts {
            let bytes = deflater.message(Opcode::Text, text.as_bytes());
            let plain = frame(Opcode::Text, text.as_bytes());
            prop_assert!(bytes == plain || bytes.len() < plain.len() && bytes[0] == FIN | RSV1 | 0x1);
            if bytes != plain {
                let (_, count) = header(Opcode::Text, true, bytes.len() - if bytes[1] < 126 { 2 } else { 4 });
                prop_assert_eq!(inflater.message(&bytes[count..]), Ok(text.as_bytes()));
            }
        }
    }

    #[test]
    fn what_tungstenite_writes_is_read_by_us(
        all in prop::collection::vec(prop_oneof![data(), control()], 0..12), close in closes(), cuts in any::<u64>(),
    ) {
        let mut other = WebSocket::from_raw_socket(Pipe::default(), Role::Client, None);
        for heard in &all {
            other.send(match heard.clone() {
                Heard::Text(text) => Message::text(text),
                Heard::Binary(bytes) => Message::binary(bytes),
                Heard::Ping(bytes) => Message::Ping(bytes.into()),
                _ => Message::Pong(Bytes::from_static(b"pong")),
            }).expect("a pipe takes all");
        }
        other.close(close.clone().map(|(code, reason)| CloseFrame { code: code.into(), reason: reason.into() }))
            .expect("a pipe takes all");
        let mut ear = Ear::new(true);
        in_pieces(&other.get_ref().written, cuts, |piece| ear.read(piece)).expect("all of it is right");
        let (code, reason) = close.map_or((None, String::new()), |(code, reason)| (Some(code), reason));
        let expected: Vec<Heard> = all.into_iter().chain([Heard::Close(code, reason)]).collect();
        prop_assert_eq!(ear.heard, expected);
    }

    #[test]
    fn what_we_write_is_read_by_tungstenite(
        all in prop::collection::vec(prop_oneof![data(), control()], 0..12), close in closes(),
    ) {
        let mut bytes = Vec::new();
        for heard in &all {
            bytes.extend(match heard {
                Heard::Text(text) => frame(Opcode::Text, text.as_bytes()),
                Heard::Binary(bytes) => frame(Opcode::Binary, bytes),
                Heard::Ping(bytes) => frame(Opcode::Ping, bytes),
                _ => frame(Opcode::Pong, b"pong"),
            });
        }
        let (code, reason) = match close {
            None => (None, String::new()),
            Some((code, reason)) => (Some(code), reason),
        };
        bytes.extend(code.map_or_else(|| frame(Opcode::Close, &[]), |code| close_frame(code, &reason)));
        let expected: Vec<Heard> = all.into_iter().chain([Heard::Close(code, reason)]).collect();
        prop_assert_eq!(heard_by_tungstenite(Role::Client, bytes), Some(expected));
    }

    /// We are the stricter one, and never read something else.
    #[test]
    fn what_we_read_tungstenite_reads_too(frames in prop::collection::vec(nearly_a_frame(), 0..8)) {
        let bytes = frames.concat();
        let mut ear = Ear::new(false);
        if ear.read(&bytes).is_ok() {
            // Registered after tungstenite's list was made.
            prop_assume!(!matches!(ear.heard.last(), Some(Heard::Close(Some(1014), _))));
            prop_assert_eq!(Some(ear.heard), heard_by_tungstenite(Role::Server, bytes));
        }
    }
}
