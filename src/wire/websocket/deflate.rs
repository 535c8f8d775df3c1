//! permessage-deflate without context takeover (RFC 7692, 7.2): each message stands for itself, so one state serves all sockets of a
//! thread, and a compressed frame is the same bytes for every viewer who has the extension.

use bytes::Bytes;
use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

use super::outbound::assembled;
use super::{Broken, MESSAGE_BYTES_MAX, Opcode};

/// Shorter ones shrink by a few bytes or none: a line of chat alone, 160 B, by a fifth.
const WORTH_BYTES: usize = 64;
/// With zlib-rs on 160 B to 1.6 KB of chat as JSON it takes 2.4 to 3.8 µs; level 2 takes three times as long for results that are 2
/// to 15 % smaller. miniz_oxide takes 14 µs and more at any level, most of it to clear its state for each message.
const LEVEL: u32 = 1;
/// Length and its complement of an empty stored block: what a sync flush ends with and a message leaves out (RFC 7692, 7.2.1).
const FLUSH_END: [u8; 4] = [0x00, 0x00, 0xff, 0xff];
/// The same, and a last empty block: only a stream that was at the boundary of a block ends exactly behind it.
const MESSAGE_END: [u8; 9] = [0x00, 0x00, 0xff, 0xff, 0x01, 0x00, 0x00, 0xff, 0xff];

pub struct Deflater {
    state: Compress,
    /// As large as the largest message so far: less than 2 MiB for each thread.
    deflated: Vec<u8>,
}

impl Deflater {
    pub fn new() -> Self {
        Self { state: Compress::new(Compression::new(LEVEL), false), deflated: Vec::new() }
    }

    /// A whole frame; not compressed when that would not make it smaller.
    pub fn message(&mut self, opcode: Opcode, payload: &[u8]) -> Bytes {
        let worth = !opcode.is_control() && payload.len() >= WORTH_BYTES;
        match worth.then(|| self.deflate(payload)).flatten() {
            Some(deflated) => assembled(opcode, true, deflated),
            None => assembled(opcode, false, payload),
        }
    }

    /// `None` unless it comes out smaller.
    fn deflate(&mut self, payload: &[u8]) -> Option<&[u8]> {
        self.state.reset();
        self.deflated.clear();
        self.deflated.reserve(payload.len());
        let status = self.state.compress_vec(payload, &mut self.deflated, FlushCompress::Sync).ok()?;
        // A flush that filled the buffer may not be over.
        let whole = status == Status::Ok
            && self.state.total_in() == payload.len() as u64
            && self.deflated.len() < self.deflated.capacity();
        let deflated = self.deflated.strip_suffix(&FLUSH_END).filter(|_| whole)?;
        (deflated.len() < payload.len()).then_some(deflated)
    }
}

impl Default for Deflater {
    fn default() -> Self {
        Self::new()
    }
}

pub struct Inflater {
    state: Decompress,
    /// One byte more than a message may have, to see that it has more.
    inflated: Box<[u8]>,
}

impl Inflater {
    pub fn new() -> Self {
        Self { state: Decompress::new(false), inflated: vec![0; MESSAGE_BYTES_MAX + 1].into() }
    }

    /// Stops at the first byte beyond `MESSAGE_BYTES_MAX`, however much more would come.
    pub(super) fn message(&mut self, payload: &[u8]) -> Result<&[u8], Broken> {
        self.state.reset(false);
        let (mut bytes, mut at_end) = (0, false);
        for mut input in [payload, &MESSAGE_END] {
            while !input.is_empty() {
                if at_end {
                    // A client may end its blocks with a last one, and go on behind it (RFC 7692, 7.2.3.4).
                    self.state.reset(false);
                }
                let (in_before, out_before) = (self.state.total_in(), self.state.total_out());
                let room = &mut self.inflated[bytes..];
                let status = self.state.decompress(input, room, FlushDecompress::Sync);
                at_end = match status {
                    Ok(Status::StreamEnd) => true,
                    Ok(Status::Ok | Status::BufError) => false,
                    Err(_) => return Err(Broken::NotInflatable),
                };
                let taken = to_usize(self.state.total_in() - in_before);
                let given = to_usize(self.state.total_out() - out_before);
                bytes += given;
                if bytes > MESSAGE_BYTES_MAX {
                    return Err(Broken::TOO_LARGE);
                }
                if taken == 0 && given == 0 {
                    return Err(Broken::NotInflatable);
                }
                input = &input[taken..];
            }
        }
        if at_end { Ok(&self.inflated[..bytes]) } else { Err(Broken::NotInflatable) }
    }
}

impl Default for Inflater {
    fn default() -> Self {
        Self::new()
    }
}

/// Of a count that is no more than a buffer's length.
fn to_usize(count: u64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}
