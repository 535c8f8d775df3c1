//! Publications as frames: what is the same for many viewers is framed once.

use bytes::Bytes;

use super::Dialect;
use crate::room::publication::Format;
use crate::wire::websocket::{self, Deflater, Opcode};

pub fn publications(dialect: Dialect, deflater: &mut Deflater, payload: &[u8]) -> Bytes {
    let opcode = match dialect.format {
        Format::Proto => Opcode::Binary,
        Format::Json => Opcode::Text,
    };
    if dialect.deflate { deflater.message(opcode, payload) } else { websocket::frame(opcode, payload) }
}
