//! One socket of the crowd.

use std::{
    io,
    net::{Ipv4Addr, SocketAddrV4},
    time::Duration,
};

use apricot_proto::v1::{self, client_message::Command};
use flate2::{Decompress, FlushDecompress, Status};
use mio::net::TcpStream;
use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, connect, socket_with, sockopt};

use super::{
    dialect::{Dialect, Heard},
    handshake,
    line::{Line, SEALED_BYTES, Taken},
    tally::{News, Position, Reader, Tally},
};
use crate::contract::{Gone, Target, frames};

/// Of viewers that do not read: what the kernel takes before the server has to keep it.
const SLOW_BUFFER_BYTES: usize = 4 * 1024;
/// The largest read; one buffer serves all sockets.
pub const READ_BYTES: usize = 256 * 1024;
/// A snapshot of a busy room stays well under this.
const INFLATED_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Chat and notices come from here.
pub const SPEAKERS_NODE: u32 = 0;

/// What becomes of a socket after it has joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    Reads,
    /// Never reads; its buffers are small.
    Slow,
    /// Gone without a word: never reads and answers no ping.
    Dead,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Away,
    Upgrading,
    Joining,
    Live,
}

pub struct Seat {
    pub room: u32,
    /// The node it is connected to.
    pub node: u32,
    pub part: Part,
    /// Index of its token; a guest has none.
    pub token: Option<u32>,
    pub state: State,
    pub position: Position,
    pub line: Option<Line>,
    /// When it first tried to come, in microseconds of the crowd.
    pub wished_us: u64,
    pub attempts: u8,
    /// The start of a frame whose end has not arrived.
    cut: Vec<u8>,
    pub out: Vec<u8>,
}

/// What all sockets share while one of them is read.
pub struct Bench {
    pub dialect: Dialect,
    pub scratch: Vec<u8>,
    pub sealed: Vec<u8>,
    pub inflater: Decompress,
    pub inflated: Vec<u8>,
}

impl Bench {
    pub fn new(dialect: Dialect) -> Bench {
        Bench {
            dialect,
            scratch: vec![0; READ_BYTES],
            sealed: vec![0; SEALED_BYTES],
            inflater: Decompress::new(false),
            inflated: Vec::new(),
        }
    }
}

impl Seat {
    pub fn at(self, node: u32) -> Seat {
        Seat { node, ..self }
    }

    pub fn new(room: u32, part: Part, token: Option<u32>) -> Seat {
        Seat {
            room,
            node: SPEAKERS_NODE,
            part,
            token,
            state: State::Away,
            position: Position::default(),
            line: None,
            wished_us: 0,
            attempts: 0,
            cut: Vec::new(),
            out: Vec::new(),
        }
    }

    /// Starts to connect, from `source` when given: one address has no more than some 28,000 ports.
    pub fn connect(&mut self, target: &Target, source: Option<Ipv4Addr>) -> io::Result<()> {
        let family = if target.address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        let socket = socket_with(family, SocketType::STREAM, flags, None)?;
        sockopt::set_tcp_nodelay(&socket, true)?;
        if self.part == Part::Slow {
            sockopt::set_socket_recv_buffer_size(&socket, SLOW_BUFFER_BYTES)?;
        }
        if let Some(source) = source {
            bind(&socket, &SocketAddrV4::new(source, 0))?;
        }
        match connect(&socket, &target.address) {
            Ok(()) | Err(rustix::io::Errno::INPROGRESS) => {}
            Err(error) => return Err(error.into()),
        }
        let tls = target.trust.as_ref().map(|trust| trust.connection(target.address.ip())).transpose()?;
        self.line = Some(Line::new(TcpStream::from_std(socket.into()), tls));
        self.state = State::Upgrading;
        self.cut.clear();
        self.out.clear();
        Ok(())
    }

    /// Cuts the connection without a goodbye; the server sees a reset.
    pub fn cut(&mut self) -> io::Result<()> {
        if let Some(line) = self.line.take() {
            sockopt::set_socket_linger(&line.socket, Some(Duration::ZERO))?;
        }
        self.state = State::Away;
        Ok(())
    }

    /// Writes what is waiting; the rest waits until the socket is writable.
    pub fn flush(&mut self) -> Result<(), Gone> {
        match &mut self.line {
            Some(line) => Ok(line.write(&mut self.out)?),
            None => Ok(()),
        }
    }

    pub fn has_to_write(&self) -> bool {
        !self.out.is_empty() || self.line.as_ref().is_some_and(Line::has_to_write)
    }

    /// Reads all there is. `now_us` is asked for after each read.
    pub fn read(
        &mut self,
        bench: &mut Bench,
        tally: &mut Tally,
        tokens: &[String],
        closed: bool,
        now_us: impl Fn() -> u64,
    ) -> Result<(), Gone> {
        let mut scratch = std::mem::take(&mut bench.scratch);
        let outcome = loop {
            let Some(line) = &mut self.line else { break Ok(()) };
            let kept = self.cut.len();
            if scratch.len() < kept + READ_BYTES {
                scratch.resize(kept + READ_BYTES, 0);
            }
            let read = match line.read(&mut scratch[kept..kept + READ_BYTES], &mut bench.sealed) {
                Ok(Taken { wire: 0, .. }) => {
                    break Err(Gone::Lost("the server hung up without a close".into()));
                }
                Ok(taken) => taken,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break Ok(()),
                Err(error) => break Err(error.into()),
            };
            scratch[..kept].copy_from_slice(&self.cut);
            self.cut.clear();
            tally.bytes += read.wire as u64;
            let mut rest = &scratch[..kept + read.opened];
            if let Err(gone) = self.take(&mut rest, bench, tally, tokens, now_us()) {
                break Err(gone);
            }
            self.cut.extend_from_slice(rest);
            // A short read emptied the socket, and more raises another event; an end does not.
            if read.emptied && !closed {
                break Ok(());
            }
        };
        bench.scratch = scratch;
        outcome?;
        if self.has_to_write() { self.flush() } else { Ok(()) }
    }

    fn take(
        &mut self,
        bytes: &mut &[u8],
        bench: &mut Bench,
        tally: &mut Tally,
        tokens: &[String],
        now_us: u64,
    ) -> Result<(), Gone> {
        if self.state == State::Upgrading {
            let Some((head, rest)) = handshake::split(bytes) else { return Ok(()) };
            let agreed = handshake::check(head, bench.dialect).map_err(Gone::Lost)?;
            tally.deflating += u64::from(agreed.deflate);
            *bytes = rest;
            self.upgraded(bench.dialect, tokens);
        }
        let before = self.position.offset;
        while let Some((first, payload)) = frames::split(bytes).map_err(broken)? {
            match first {
                0x81 | 0x82 => self.hear(payload, bench.dialect, tally, now_us)?,
                0xc1 | 0xc2 => {
                    tally.compressed_frames += 1;
                    let mut inflated = std::mem::take(&mut bench.inflated);
                    inflate(&mut bench.inflater, payload, &mut inflated)?;
                    self.hear(&inflated, bench.dialect, tally, now_us)?;
                    bench.inflated = inflated;
                }
                0x89 => frames::put(&mut self.out, frames::PONG, payload),
                0x8a => {}
                0x88 => return Err(Gone::Closed(frames::close_code(payload))),
                _ => return Err(Gone::Lost(format!("a frame that begins with {first:#x}"))),
            }
        }
        if let Some(lowest) = &mut tally.lowest
            && self.position.offset > before
        {
            lowest.advance(before, self.position.offset);
        }
        Ok(())
    }

    fn upgraded(&mut self, dialect: Dialect, tokens: &[String]) {
        if dialect == Dialect::Plain {
            self.state = State::Live;
            return;
        }
        let token = self.token.and_then(|token| tokens.get(token as usize)).cloned().unwrap_or_default();
        let Position { epoch, offset } = self.position;
        let position = (epoch != 0).then_some(v1::StreamPosition { epoch, offset });
        dialect.put_command(&mut self.out, 0, Command::Join(v1::Join { token, position }));
        self.state = State::Joining;
    }

    fn hear(&mut self, payload: &[u8], dialect: Dialect, tally: &mut Tally, now_us: u64) -> Result<(), Gone> {
        tally.frames += 1;
        let (mut joined, mut strange) = (None, false);
        let position = &mut self.position;
        let reader = Reader { now_us, across: self.node != SPEAKERS_NODE };
        let heard = dialect.hear(payload, |heard: Heard<'_>| match tally.take(heard, position, reader) {
            Ok(News::None) => {}
            Ok(News::Joined(stands)) => {
                *position = stands;
                joined = Some(());
            }
            Err(_) => strange = true,
        });
        if heard.is_err() || strange {
            return Err(Gone::Lost("a frame was no Batch".into()));
        }
        if joined.is_some() {
            self.state = State::Live;
        }
        Ok(())
    }
}

fn broken(broken: frames::Broken) -> Gone {
    Gone::Lost(format!("a frame was broken: {broken:?}"))
}

/// One message of permessage-deflate without context: its end marker is left out on the wire.
fn inflate(inflater: &mut Decompress, payload: &[u8], out: &mut Vec<u8>) -> Result<(), Gone> {
    let strange = || Gone::Lost("a frame did not inflate".into());
    inflater.reset(false);
    out.clear();
    for part in [payload, &[0, 0, 0xff, 0xff]] {
        let mut rest = part;
        while !rest.is_empty() {
            if out.len() > INFLATED_BYTES_MAX {
                return Err(strange());
            }
            out.reserve(rest.len() * 4 + 256);
            let before = inflater.total_in();
            let status = inflater.decompress_vec(rest, out, FlushDecompress::Sync).map_err(|_| strange())?;
            rest = &rest[(inflater.total_in() - before) as usize..];
            if status == Status::StreamEnd {
                return Ok(());
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use apricot_proto::v1::{Lane, Publication};
    use flate2::{Compress, Compression, FlushCompress};
    use prost::Message as _;

    use super::*;

    fn batch(offsets: std::ops::Range<u64>) -> Vec<u8> {
        let publications =
            offsets.map(|offset| Publication { lane: Lane::Critical as i32, offset, ..Default::default() });
        v1::Batch { publications: publications.collect() }.encode_to_vec()
    }

    fn take(seat: &mut Seat, tally: &mut Tally, bytes: &[u8]) -> Result<usize, Gone> {
        let mut rest = bytes;
        seat.take(&mut rest, &mut Bench::new(Dialect::Proto), tally, &[], 0)?;
        Ok(bytes.len() - rest.len())
    }

    fn live() -> Seat {
        let mut seat = Seat::new(0, Part::Reads, None);
        seat.state = State::Live;
        seat
    }

    #[test]
    fn frames_are_read_over_any_cut() {
        let mut bytes = Vec::new();
        frames::put_plain(&mut bytes, &batch(1..4));
        frames::put_plain(&mut bytes, &batch(4..60));
        for cut in 0..bytes.len() {
            let (mut seat, mut tally) = (live(), Tally::default());
            let taken = take(&mut seat, &mut tally, &bytes[..cut]).unwrap();
            assert_eq!(take(&mut seat, &mut tally, &bytes[taken..]), Ok(bytes.len() - taken));
            assert_eq!((seat.position.offset, tally.publications), (59, 59), "cut at {cut}");
            assert_eq!((tally.missed, tally.repeated, tally.frames), (0, 0, 2));
        }
    }

    #[test]
    fn a_compressed_frame_is_inflated_and_the_next_needs_nothing_of_it() {
        let mut bytes = Vec::new();
        for offsets in [1..40, 40..80] {
            let mut compress = Compress::new(Compression::default(), false);
            let mut small = Vec::with_capacity(4_096);
            compress.compress_vec(&batch(offsets), &mut small, FlushCompress::Sync).unwrap();
            let mut frame = Vec::new();
            frames::put_plain(&mut frame, &small[..small.len() - 4]);
            frame[0] = 0xc2;
            bytes.extend(frame);
        }
        let (mut seat, mut tally) = (live(), Tally::default());
        assert_eq!(take(&mut seat, &mut tally, &bytes), Ok(bytes.len()));
        assert_eq!((tally.publications, tally.compressed_frames, tally.missed), (79, 2, 0));
    }

    #[test]
    fn pings_are_answered_and_a_close_ends_the_socket() {
        let (mut seat, mut tally) = (live(), Tally::default());
        assert_eq!(take(&mut seat, &mut tally, &[0x89, 1, b'x']), Ok(3));
        assert_eq!(seat.out.len(), 7);
        let closed = take(&mut seat, &mut tally, &[0x88, 2, 0x0f, 0xa8]);
        assert_eq!(closed, Err(Gone::Closed(4008)));
    }
}
