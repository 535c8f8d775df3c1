//! The client's half of WebSocket framing, over borrowed bytes.
//!
//! tokio-tungstenite does the handshake; after it, a server's frames are plain (no mask, no extension), so their payload
//! can be read where the kernel put it. That keeps a thousand sockets at one `read` and no allocation per flush.

/// What the server sent, in place.
#[derive(Debug, PartialEq, Eq)]
pub enum Frame<'a> {
    Binary(&'a [u8]),
    Ping(&'a [u8]),
    Pong,
    /// The close code; 1005 when none was given.
    Close(u16),
}

/// Frames that a server must not send to this client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Broken {
    Masked,
    Reserved,
    Text,
    TooLarge { bytes: u64 },
}

/// A snapshot of a busy room with its last lines stays well under this.
pub const FRAME_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// Splits the first whole frame off `bytes`; `None` until more has arrived. Fragments are given as they come: the
/// server frames a flush once, so a fragmented message is treated as broken.
pub fn next<'a>(bytes: &mut &'a [u8]) -> Result<Option<Frame<'a>>, Broken> {
    let mut rest = *bytes;
    let Some((first, payload)) = split(&mut rest)? else { return Ok(None) };
    let frame = match first {
        0x82 => Frame::Binary(payload),
        0x81 => return Err(Broken::Text),
        0x89 => Frame::Ping(payload),
        0x8a => Frame::Pong,
        0x88 => Frame::Close(close_code(payload)),
        _ => return Err(Broken::Reserved),
    };
    *bytes = rest;
    Ok(Some(frame))
}

/// The first byte (flags and kind) and the payload of the first whole frame, for those who take text and compressed frames too.
pub fn split<'a>(bytes: &mut &'a [u8]) -> Result<Option<(u8, &'a [u8])>, Broken> {
    let Some(head) = head(bytes) else { return Ok(None) };
    if head.masked {
        return Err(Broken::Masked);
    }
    if head.length > FRAME_BYTES_MAX {
        return Err(Broken::TooLarge { bytes: head.length });
    }
    let Some((payload, rest)) = bytes[head.bytes..].split_at_checked(head.length as usize) else {
        return Ok(None);
    };
    let first = bytes[0];
    *bytes = rest;
    Ok(Some((first, payload)))
}

pub fn close_code(payload: &[u8]) -> u16 {
    payload.first_chunk::<2>().map_or(1005, |code| u16::from_be_bytes(*code))
}

struct Head {
    masked: bool,
    /// Of the head itself, without the mask.
    bytes: usize,
    /// Of the payload.
    length: u64,
}

fn head(bytes: &[u8]) -> Option<Head> {
    let [_, second, rest @ ..] = bytes else { return None };
    let (length, bytes) = match second & 0x7f {
        126 => (u64::from(u16::from_be_bytes(*rest.first_chunk()?)), 4),
        127 => (u64::from_be_bytes(*rest.first_chunk()?), 10),
        short => (u64::from(short), 2),
    };
    Some(Head { masked: second & 0x80 != 0, bytes, length })
}

/// What a baseline needs to know of a client's frame.
#[derive(Debug, PartialEq, Eq)]
pub enum Masked<'a> {
    Binary(&'a [u8]),
    Close,
    Other,
}

/// Unmasks the first whole frame of a client in place, and says how many bytes it took.
pub fn next_masked(bytes: &mut [u8]) -> Result<Option<(Masked<'_>, usize)>, Broken> {
    let Some(head) = head(bytes) else { return Ok(None) };
    if !head.masked {
        return Err(Broken::Reserved);
    }
    if head.length > FRAME_BYTES_MAX {
        return Err(Broken::TooLarge { bytes: head.length });
    }
    let first = bytes[0];
    let Some((mask, rest)) = bytes[head.bytes..].split_first_chunk_mut::<4>() else { return Ok(None) };
    let Some(payload) = rest.get_mut(..head.length as usize) else { return Ok(None) };
    payload.iter_mut().zip(mask.iter().cycle()).for_each(|(byte, mask)| *byte ^= mask);
    let frame = match first {
        0x82 => Masked::Binary(payload),
        0x88 => Masked::Close,
        _ => Masked::Other,
    };
    Ok(Some((frame, head.bytes + 4 + head.length as usize)))
}

/// Appends one frame of a server.
pub fn put_plain(out: &mut Vec<u8>, payload: &[u8]) {
    put_head(out, BINARY, payload.len(), 0);
    out.extend_from_slice(payload);
}

fn put_head(out: &mut Vec<u8>, opcode: u8, length: usize, mask_flag: u8) {
    out.push(0x80 | opcode);
    match length {
        length @ 0..126 => out.push(mask_flag | length as u8),
        length @ 126..=0xffff => {
            out.push(mask_flag | 126);
            out.extend_from_slice(&(length as u16).to_be_bytes());
        }
        length => {
            out.push(mask_flag | 127);
            out.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
}

/// Appends one masked frame. The mask is fixed: it protects proxies from hostile pages, and there is neither here.
pub fn put(out: &mut Vec<u8>, opcode: u8, payload: &[u8]) {
    const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];
    put_head(out, opcode, payload.len(), 0x80);
    out.extend_from_slice(&MASK);
    out.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
}

pub const TEXT: u8 = 0x1;
pub const BINARY: u8 = 0x2;
pub const CLOSE: u8 = 0x8;
pub const PONG: u8 = 0xa;

#[cfg(test)]
mod tests {
    use super::*;

    fn server_frame(first: u8, payload: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        put_plain(&mut out, payload);
        out[0] = first;
        out
    }

    #[test]
    fn frames_of_every_length_are_read_whole_or_not_at_all() {
        for length in [0, 1, 125, 126, 300, 65_535, 65_536] {
            let payload = vec![b'a'; length];
            let bytes = server_frame(0x82, &payload);
            for cut in [0, 1, 2, 3, bytes.len() - 1] {
                assert_eq!(next(&mut &bytes[..cut.min(bytes.len() - 1)]), Ok(None));
            }
            let mut rest = &bytes[..];
            assert_eq!(next(&mut rest), Ok(Some(Frame::Binary(&payload))));
            assert_eq!(rest, b"");
        }
    }

    #[test]
    fn a_close_carries_its_code() {
        assert_eq!(next(&mut &server_frame(0x88, &4008u16.to_be_bytes())[..]), Ok(Some(Frame::Close(4008))));
        assert_eq!(next(&mut &server_frame(0x88, b"")[..]), Ok(Some(Frame::Close(1005))));
    }

    #[test]
    fn what_a_server_may_not_send_is_refused() {
        assert_eq!(next(&mut &[0x82, 0x80, 0, 0, 0, 0][..]), Err(Broken::Masked));
        assert_eq!(next(&mut &[0xc2, 0x00][..]), Err(Broken::Reserved));
        assert_eq!(next(&mut &[0x81, 0x00][..]), Err(Broken::Text));
    }

    #[test]
    fn a_client_frame_unmasks_to_its_payload() {
        let mut out = Vec::new();
        put(&mut out, BINARY, b"apricot");
        assert_eq!(out[..2], [0x82, 0x80 | 7]);
        for cut in 0..out.len() {
            assert_eq!(next_masked(&mut out.clone()[..cut]), Ok(None), "cut at {cut}");
        }
        assert_eq!(next_masked(&mut out), Ok(Some((Masked::Binary(b"apricot"), 13))));
    }
}
