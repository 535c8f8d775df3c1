use super::*;

mod handshake;
mod properties;
mod rfc6455;
mod rfc7692;

/// What was received, to keep.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Heard {
    Text(String),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong,
    Close(Option<u16>, String),
}

impl From<Received<'_>> for Heard {
    fn from(received: Received<'_>) -> Self {
        match received {
            Received::Text(text) => Self::Text(text.into()),
            Received::Binary(bytes) => Self::Binary(bytes.into()),
            Received::Ping(bytes) => Self::Ping(bytes.into()),
            Received::Pong => Self::Pong,
            Received::Close { code, reason } => Self::Close(code, reason.into()),
        }
    }
}

/// A connection with what it heard.
struct Ear {
    inbound: Inbound,
    inflater: Inflater,
    heard: Vec<Heard>,
}

impl Ear {
    fn new(deflate: bool) -> Self {
        Self { inbound: Inbound::new(deflate), inflater: Inflater::new(), heard: Vec::new() }
    }

    fn read(&mut self, bytes: &[u8]) -> Result<(), Broken> {
        let Self { inbound, inflater, heard } = self;
        inbound.read(&mut bytes.to_vec(), inflater, |received| {
            heard.push(received.into());
            Ok(())
        })
    }
}

/// What a client says that sends `bytes`; the same in one piece, byte by byte, and cut in two anywhere.
fn heard(deflate: bool, bytes: &[u8]) -> Result<Vec<Heard>, Broken> {
    let in_pieces = |sizes: &[usize]| {
        let (mut ear, mut rest) = (Ear::new(deflate), bytes);
        for size in sizes {
            let (now, later) = rest.split_at((*size).min(rest.len()));
            ear.read(now)?;
            rest = later;
        }
        assert!(rest.is_empty());
        Ok(ear.heard)
    };
    let whole = in_pieces(&[bytes.len()]);
    assert_eq!(in_pieces(&vec![1; bytes.len()]), whole, "byte by byte");
    for cut in 0..bytes.len().min(200) {
        assert_eq!(in_pieces(&[cut, bytes.len()]), whole, "cut at {cut}");
    }
    whole
}

const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];
const FIN: u8 = 0x80;
const RSV1: u8 = 0x40;

/// A client's frame; the length in the fewest bytes.
fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    masked_with(MASK, first, payload)
}

fn masked_with(mask: [u8; 4], first: u8, payload: &[u8]) -> Vec<u8> {
    let (header, count) = header(Opcode::Binary, false, payload.len());
    let mut bytes = header[..count].to_vec();
    bytes[0] = first;
    bytes[1] |= 0x80;
    bytes.extend(mask);
    bytes.extend(payload.iter().zip(mask.into_iter().cycle()).map(|(byte, key)| byte ^ key));
    bytes
}
