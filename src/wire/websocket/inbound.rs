//! Bytes as they come from a client, cut anywhere, into whole messages and control frames.
//!
//! A frame that is whole in what was read is unmasked where it lies and costs no memory. Text is checked when its message is whole,
//! as RFC 6455, 8.1 leaves open: a message is bounded, so little can follow the first wrong byte.

use super::{Broken, Inflater, MESSAGE_BYTES_MAX};
use header::{Data, Header, Kind, Look};

mod header;

/// One connection's reading half.
#[derive(Debug, Default)]
pub struct Inbound {
    /// `None` while no frame is cut and no message is fragmented, which is nearly always.
    kept: Option<Box<Kept>>,
    /// The handshake agreed on permessage-deflate.
    deflate: bool,
    /// A close was read, or something that was refused.
    ended: bool,
}

#[derive(Debug, PartialEq, Eq)]
pub enum Received<'a> {
    Text(&'a str),
    Binary(&'a [u8]),
    /// To be answered with a pong of the same payload.
    Ping(&'a [u8]),
    Pong,
    /// `None` is a close without a body; its answer has none either.
    Close {
        code: Option<u16>,
        reason: &'a str,
    },
}

/// `KEPT_BYTES_MAX` at most: headers are refused before payload is kept.
#[derive(Debug, Default)]
struct Kept {
    /// The beginning of a frame, as it was sent.
    cut: Vec<u8>,
    started: Option<Started>,
}

/// A message whose last fragment has not come.
#[derive(Debug)]
struct Started {
    data: Data,
    compressed: bool,
    payload: Vec<u8>,
}

/// Doubling would keep half as much again for nothing; growing byte by byte would copy 16 KiB as often as a client likes.
const STEP_BYTES: usize = 1024;
/// A header of 6 bytes and 125 of payload. Of a data frame, the payload counts towards its message.
const CONTROL_BYTES_MAX: usize = 131;

impl Inbound {
    /// The heap that one connection can hold on to: a message that lacks its end, a control frame that lacks its last byte, and the
    /// steps in which both grow.
    pub const KEPT_BYTES_MAX: usize =
        MESSAGE_BYTES_MAX + CONTROL_BYTES_MAX + 2 * STEP_BYTES + size_of::<Kept>();

    pub fn new(deflate: bool) -> Self {
        Self { kept: None, deflate, ended: false }
    }

    /// Takes in what was read from the socket and calls `each` for every whole message or control frame, in order. `bytes` is
    /// unmasked in place; what is left of a cut frame is kept for the next call. After a close or an error, also one of `each`,
    /// further bytes are ignored.
    pub fn read<E: From<Broken>>(
        &mut self,
        bytes: &mut [u8],
        inflater: &mut Inflater,
        mut each: impl FnMut(Received<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        if self.ended {
            return Ok(());
        }
        let read = self.take_in(bytes, inflater, &mut each);
        self.ended |= read.is_err();
        read
    }

    /// The heap that it holds on to now.
    pub fn kept_bytes(&self) -> usize {
        self.kept.as_ref().map_or(0, |kept| {
            size_of::<Kept>()
                + kept.cut.capacity()
                + kept.started.as_ref().map_or(0, |started| started.payload.capacity())
        })
    }

    fn take_in<E: From<Broken>>(
        &mut self,
        mut bytes: &mut [u8],
        inflater: &mut Inflater,
        each: &mut impl FnMut(Received<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let Kept { mut cut, mut started } = self.kept.take().map(|kept| *kept).unwrap_or_default();
        if !cut.is_empty() {
            let header;
            (header, bytes) = self.complete(&mut cut, bytes, started.as_ref())?;
            if let Some(header) = header {
                self.on_frame(header, &mut cut[header.bytes..], &mut started, inflater, each)?;
                cut = Vec::new();
            }
        }
        while !self.ended && !bytes.is_empty() {
            match self.look(bytes, started.as_ref())? {
                Look::Whole(header) => {
                    let (frame, later) = bytes.split_at_mut(header.frame_bytes());
                    self.on_frame(header, &mut frame[header.bytes..], &mut started, inflater, each)?;
                    bytes = later;
                }
                Look::Lacks(_) => {
                    cut = bytes.to_vec();
                    break;
                }
            }
        }
        if !self.ended && (started.is_some() || !cut.is_empty()) {
            self.kept = Some(Box::new(Kept { cut, started }));
        }
        Ok(())
    }

    /// Gives a cut frame what it lacks and no more. Its header, if it is whole now, and the bytes behind it.
    fn complete<'a>(
        &self,
        cut: &mut Vec<u8>,
        mut bytes: &'a mut [u8],
        started: Option<&Started>,
    ) -> Result<(Option<Header>, &'a mut [u8]), Broken> {
        loop {
            let lacking = match self.look(cut, started)? {
                Look::Whole(header) => return Ok((Some(header), bytes)),
                Look::Lacks(_) if bytes.is_empty() => return Ok((None, bytes)),
                Look::Lacks(count) => count,
            };
            let (now, later) = bytes.split_at_mut(lacking.min(bytes.len()));
            append(cut, now, cut.len() + lacking);
            bytes = later;
        }
    }

    /// Judges the frame at the beginning of `bytes` by its header, before its payload is there.
    fn look(&self, bytes: &[u8], started: Option<&Started>) -> Result<Look, Broken> {
        let header = match Header::read(bytes, self.deflate)? {
            Look::Whole(header) => header,
            lacks @ Look::Lacks(_) => return Ok(lacks),
        };
        let before = match (header.kind, started) {
            (Kind::Start(_), Some(_)) => return Err(Broken::StartInsideMessage),
            (Kind::Continuation, None) => return Err(Broken::ContinuationWithoutStart),
            (Kind::Continuation, Some(started)) => started.payload.len(),
            (Kind::Start(_), None) | (Kind::Close | Kind::Ping | Kind::Pong, _) => 0,
        };
        if header.payload_bytes > MESSAGE_BYTES_MAX - before {
            return Err(Broken::TOO_LARGE);
        }
        let lacking = header.frame_bytes().saturating_sub(bytes.len());
        Ok(if lacking == 0 { Look::Whole(header) } else { Look::Lacks(lacking) })
    }

    fn on_frame<E: From<Broken>>(
        &mut self,
        header: Header,
        payload: &mut [u8],
        started: &mut Option<Started>,
        inflater: &mut Inflater,
        each: &mut impl FnMut(Received<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        unmask(payload, header.mask);
        let Header { last, compressed, .. } = header;
        let mut message = match header.kind {
            Kind::Ping => return each(Received::Ping(payload)),
            Kind::Pong => return each(Received::Pong),
            Kind::Close => {
                self.ended = true;
                return each(closed(payload)?);
            }
            Kind::Start(data) if last => return each(whole(data, compressed, payload, inflater)?),
            Kind::Start(data) => Started { data, compressed, payload: Vec::new() },
            Kind::Continuation => started.take().ok_or(Broken::ContinuationWithoutStart)?,
        };
        append(&mut message.payload, payload, MESSAGE_BYTES_MAX);
        if last {
            return each(whole(message.data, message.compressed, &message.payload, inflater)?);
        }
        *started = Some(message);
        Ok(())
    }
}

fn whole<'a>(
    data: Data,
    compressed: bool,
    payload: &'a [u8],
    inflater: &'a mut Inflater,
) -> Result<Received<'a>, Broken> {
    let payload = if compressed { inflater.message(payload)? } else { payload };
    Ok(match data {
        Data::Text => Received::Text(text(payload)?),
        Data::Binary => Received::Binary(payload),
    })
}

fn closed(payload: &[u8]) -> Result<Received<'_>, Broken> {
    match payload {
        [] => Ok(Received::Close { code: None, reason: "" }),
        [_] => Err(Broken::CloseTooShort),
        [high, low, reason @ ..] => {
            let code = u16::from_be_bytes([*high, *low]);
            if !may_be_sent(code) {
                return Err(Broken::CloseCodeInvalid);
            }
            Ok(Received::Close { code: Some(code), reason: text(reason)? })
        }
    }
}

/// RFC 6455, 7.4, and the codes that IANA has registered since (1012 to 1014). 1004 is undefined; 1005, 1006 and 1015 stand for
/// something that was not sent.
fn may_be_sent(code: u16) -> bool {
    matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999)
}

fn text(payload: &[u8]) -> Result<&str, Broken> {
    std::str::from_utf8(payload).map_err(|_| Broken::NotUtf8)
}

/// Grows in steps and never beyond `bytes_max`, where `bytes_max` bounds what is there and what comes.
fn append(kept: &mut Vec<u8>, more: &[u8], bytes_max: usize) {
    let bytes = kept.len() + more.len();
    if bytes > kept.capacity() {
        let room = bytes.next_multiple_of(STEP_BYTES).min(bytes_max).max(bytes);
        kept.reserve_exact(room - kept.len());
    }
    kept.extend_from_slice(more);
}

/// Eight bytes at a time (RFC 6455, 5.3): the key repeats every four.
fn unmask(payload: &mut [u8], mask: [u8; 4]) {
    let [a, b, c, d] = mask;
    let key = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
    let (words, rest) = payload.as_chunks_mut::<8>();
    for word in words {
        *word = (u64::from_ne_bytes(*word) ^ key).to_ne_bytes();
    }
    for (byte, key) in rest.iter_mut().zip(mask.into_iter().cycle()) {
        *byte ^= key;
    }
}
