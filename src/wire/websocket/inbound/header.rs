//! The header of a client's frame, and the rules that it breaks or keeps by itself (RFC 6455, 5.2).

use super::super::Broken;

#[derive(Clone, Copy, Debug)]
pub struct Header {
    pub kind: Kind,
    /// FIN: of its message.
    pub last: bool,
    pub compressed: bool,
    pub mask: [u8; 4],
    /// Of the header itself, the masking key with it.
    pub bytes: usize,
    pub payload_bytes: usize,
}

#[derive(Clone, Copy, Debug)]
pub enum Kind {
    Start(Data),
    Continuation,
    Close,
    Ping,
    Pong,
}

#[derive(Clone, Copy, Debug)]
pub enum Data {
    Text,
    Binary,
}

/// What stands at the beginning of some bytes.
pub enum Look {
    Whole(Header),
    /// At least so many bytes more are needed to say more.
    Lacks(usize),
}

const FIN: u8 = 0b1000_0000;
const RSV1: u8 = 0b0100_0000;
const RSV2_AND_3: u8 = 0b0011_0000;
const OPCODE: u8 = 0b0000_1111;
const MASKED: u8 = 0b1000_0000;
const SHORT_MAX: u8 = 125;
const IN_TWO_BYTES: u8 = 126;

impl Header {
    /// A whole header; whether its payload is there is not looked at.
    pub fn read(bytes: &[u8], deflate: bool) -> Result<Look, Broken> {
        let &[first, second, ref more @ ..] = bytes else { return Ok(Look::Lacks(2 - bytes.len())) };
        let kind = Kind::of(first & OPCODE)?;
        let last = first & FIN != 0;
        let compressed = first & RSV1 != 0;
        let short = second & !MASKED;
        if first & RSV2_AND_3 != 0 || compressed && !deflate {
            return Err(Broken::ReservedBits);
        }
        match kind {
            Kind::Close | Kind::Ping | Kind::Pong if compressed => return Err(Broken::CompressedControl),
            Kind::Close | Kind::Ping | Kind::Pong if !last => return Err(Broken::FragmentedControl),
            Kind::Close | Kind::Ping | Kind::Pong if short > SHORT_MAX => return Err(Broken::ControlTooLong),
            Kind::Continuation if compressed => return Err(Broken::CompressedContinuation),
            _ => {}
        }
        if second & MASKED == 0 {
            return Err(Broken::NotMasked);
        }
        let length_bytes = match short {
            0..=SHORT_MAX => 0,
            IN_TWO_BYTES => 2,
            _ => 8,
        };
        let Some((length, more)) = more.split_at_checked(length_bytes) else {
            return Ok(Look::Lacks(length_bytes + 4 - more.len()));
        };
        let length = match *length {
            [] => u64::from(short),
            [a, b] => minimal(u64::from(u16::from_be_bytes([a, b])), 126)?,
            _ => {
                let length = length.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte));
                if length >> 63 != 0 {
                    return Err(Broken::LengthTooLarge);
                }
                minimal(length, 0x1_0000)?
            }
        };
        let payload_bytes = usize::try_from(length).map_err(|_| Broken::TOO_LARGE)?;
        let Some((mask, _)) = more.split_first_chunk::<4>() else { return Ok(Look::Lacks(4 - more.len())) };
        let bytes = 2 + length_bytes + 4;
        Ok(Look::Whole(Self { kind, last, compressed, mask: *mask, bytes, payload_bytes }))
    }

    /// Only for a header whose length was found to be small.
    pub fn frame_bytes(&self) -> usize {
        self.bytes + self.payload_bytes
    }
}

impl Kind {
    /// RFC 6455, 11.8.
    fn of(opcode: u8) -> Result<Self, Broken> {
        Ok(match opcode {
            0x0 => Self::Continuation,
            0x1 => Self::Start(Data::Text),
            0x2 => Self::Start(Data::Binary),
            0x8 => Self::Close,
            0x9 => Self::Ping,
            0xa => Self::Pong,
            _ => return Err(Broken::ReservedOpcode),
        })
    }
}

fn minimal(length: u64, least: u64) -> Result<u64, Broken> {
    if length < least { Err(Broken::LengthNotMinimal) } else { Ok(length) }
}
