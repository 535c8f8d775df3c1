//! The server's half of RFC 6455 (WebSocket) and RFC 7692 (permessage-deflate) as functions on bytes: no socket, no clock, no task.
//! Who reads and writes, when to ping and how long to wait is decided elsewhere.
//!
//! ```text
//! handshake   a request's headers -> what to answer, or the rule that was broken
//! inbound     bytes as they were read, cut anywhere -> whole messages and control frames
//! outbound    a message -> one frame, the same bytes for every viewer
//! deflate     one deflater and one inflater for all sockets of a thread, fresh for each message
//! ```
//!
//! Absent: the client's half, other extensions, fragments in what the server sends, a window that outlives a message. An idle
//! connection costs the 16 bytes of its [`Inbound`].

use super::codec::MESSAGE_BYTES_MAX;

mod deflate;
mod handshake;
mod inbound;
mod outbound;

pub use deflate::{Deflater, Inflater};
pub use handshake::{Accepted, HandshakeRefused, accept};
pub use inbound::{Inbound, Received};
pub use outbound::{Opcode, close_frame, frame, header};

/// A rule that the client broke. The connection ends with [`Broken::close_code`], and nothing after it is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    #[error("a client masks every frame (RFC 6455, 5.1)")]
    NotMasked,
    #[error("a reserved bit is set that no extension gave a meaning (RFC 6455, 5.2)")]
    ReservedBits,
    #[error("opcodes 3 to 7 and 11 to 15 are reserved (RFC 6455, 5.2)")]
    ReservedOpcode,
    #[error("a length is written in the fewest bytes that hold it (RFC 6455, 5.2)")]
    LengthNotMinimal,
    #[error("the highest bit of a length in eight bytes is 0 (RFC 6455, 5.2)")]
    LengthTooLarge,
    #[error("a fragmented message is finished before the next one starts (RFC 6455, 5.4)")]
    StartInsideMessage,
    #[error("a continuation follows the first fragment of a message (RFC 6455, 5.4)")]
    ContinuationWithoutStart,
    #[error("a control frame is not fragmented (RFC 6455, 5.5)")]
    FragmentedControl,
    #[error("a control frame carries at most 125 bytes (RFC 6455, 5.5)")]
    ControlTooLong,
    #[error("the body of a close frame is empty or begins with a code of two bytes (RFC 6455, 5.5.1)")]
    CloseTooShort,
    #[error("this close code is not for sending (RFC 6455, 7.4)")]
    CloseCodeInvalid,
    #[error("a text, also the reason of a close, is UTF-8 (RFC 6455, 5.6 and 8.1)")]
    NotUtf8,
    #[error("a control frame is not compressed (RFC 7692, 6)")]
    CompressedControl,
    #[error("only the first frame of a message says that it is compressed (RFC 7692, 6)")]
    CompressedContinuation,
    #[error("a compressed message is DEFLATE that ends at the boundary of a block (RFC 7692, 7.2.2)")]
    NotInflatable,
    #[error("a message has at most {bytes_max} bytes, compressed and inflated (RFC 6455, 10.4)")]
    TooLarge { bytes_max: usize },
}

impl Broken {
    const TOO_LARGE: Self = Self::TooLarge { bytes_max: MESSAGE_BYTES_MAX };

    /// What the close frame says (RFC 6455, 7.4.1).
    pub fn close_code(&self) -> u16 {
        match self {
            Self::NotMasked
            | Self::ReservedBits
            | Self::ReservedOpcode
            | Self::LengthNotMinimal
            | Self::LengthTooLarge
            | Self::StartInsideMessage
            | Self::ContinuationWithoutStart
            | Self::FragmentedControl
            | Self::ControlTooLong
            | Self::CloseTooShort
            | Self::CloseCodeInvalid
            | Self::CompressedControl
            | Self::CompressedContinuation => 1002,
            Self::NotUtf8 | Self::NotInflatable => 1007,
            Self::TooLarge { .. } => 1009,
        }
    }
}

#[cfg(test)]
mod tests;
