//! What the server sends. Its frames are not masked (RFC 6455, 5.1) and each message is one frame.

use bytes::Bytes;

/// What a whole frame of the server is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opcode {
    Text,
    Binary,
    Close,
    Ping,
    Pong,
}

const FIN: u8 = 0b1000_0000;
/// "Per-Message Compressed" (RFC 7692, 6).
const RSV1: u8 = 0b0100_0000;
const HEADER_BYTES_MAX: usize = 10;
/// A control frame carries at most 125 bytes (RFC 6455, 5.5), and a close's code takes two.
const REASON_BYTES_MAX: usize = 123;

impl Opcode {
    pub(super) fn is_control(self) -> bool {
        match self {
            Self::Text | Self::Binary => false,
            Self::Close | Self::Ping | Self::Pong => true,
        }
    }

    /// RFC 6455, 11.8.
    fn number(self) -> u8 {
        match self {
            Self::Text => 0x1,
            Self::Binary => 0x2,
            Self::Close => 0x8,
            Self::Ping => 0x9,
            Self::Pong => 0xa,
        }
    }
}

/// A header for `len` bytes of payload, and how many bytes it has: for a payload that is shared and not copied behind it. Only a text
/// or a binary message may be `compressed`.
pub fn header(opcode: Opcode, compressed: bool, len: usize) -> ([u8; HEADER_BYTES_MAX], usize) {
    debug_assert!(!opcode.is_control() || len <= 125 && !compressed, "{opcode:?} with {len} bytes");
    let mut bytes = [0; HEADER_BYTES_MAX];
    bytes[0] = FIN | opcode.number() | if compressed { RSV1 } else { 0 };
    let long = (len as u64).to_be_bytes();
    let count = match len {
        0..=125 => {
            bytes[1] = long[7];
            2
        }
        126..=0xffff => {
            bytes[1] = 126;
            bytes[2..4].copy_from_slice(&long[6..]);
            4
        }
        _ => {
            bytes[1] = 127;
            bytes[2..].copy_from_slice(&long);
            10
        }
    };
    (bytes, count)
}

/// A whole frame in one buffer. A control frame carries at most 125 bytes.
pub fn frame(opcode: Opcode, payload: &[u8]) -> Bytes {
    assembled(opcode, false, payload)
}

/// The reason is shortened to what a close frame can carry.
pub fn close_frame(code: u16, reason: &str) -> Bytes {
    let reason = &reason[..reason.floor_char_boundary(REASON_BYTES_MAX)];
    frame(Opcode::Close, &[&code.to_be_bytes(), reason.as_bytes()].concat())
}

pub(super) fn assembled(opcode: Opcode, compressed: bool, payload: &[u8]) -> Bytes {
    let (header, count) = header(opcode, compressed, payload.len());
    [&header[..count], payload].concat().into()
}
