//! What a seat's bytes go through: a bare socket, or TLS on one.

use std::io::{self, Read as _, Write as _};

use mio::net::TcpStream;
use rustls::ClientConnection;

use super::seat::READ_BYTES;

/// Less than the buffer for what it opens to: a record begun by the read before is at most 18 KiB.
pub const SEALED_BYTES: usize = READ_BYTES - 32 * 1024;

pub struct Line {
    pub socket: TcpStream,
    tls: Option<Box<ClientConnection>>,
}

/// One read of the socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taken {
    /// What came over the wire; zero when the server hung up.
    pub wire: usize,
    /// What of it is for the reader.
    pub opened: usize,
    /// A short read emptied the socket.
    pub emptied: bool,
}

impl Line {
    pub fn new(socket: TcpStream, tls: Option<ClientConnection>) -> Line {
        Line { socket, tls: tls.map(Box::new) }
    }

    /// Fills `into` from its start. `sealed` is scratch of `SEALED_BYTES`.
    pub fn read(&mut self, into: &mut [u8], sealed: &mut [u8]) -> io::Result<Taken> {
        let Some(tls) = &mut self.tls else {
            let wire = self.socket.read(into)?;
            return Ok(Taken { wire, opened: wire, emptied: wire < into.len() });
        };
        let wire = self.socket.read(sealed)?;
        let (mut rest, mut opened) = (&sealed[..wire], 0);
        // After the server's close_notify it takes nothing more.
        while !rest.is_empty() && tls.read_tls(&mut rest)? > 0 {
            tls.process_new_packets().map_err(io::Error::other)?;
            opened += open(tls, &mut into[opened..])?;
        }
        Ok(Taken { wire, opened, emptied: wire < sealed.len() })
    }

    /// Whether TLS has something to say by itself, as in its handshake.
    pub fn has_to_write(&self) -> bool {
        self.tls.as_ref().is_some_and(|tls| tls.wants_write())
    }

    /// Takes from `out` what it can; the rest waits until the socket is writable.
    pub fn write(&mut self, out: &mut Vec<u8>) -> io::Result<()> {
        let mut written = 0;
        let outcome = match &mut self.tls {
            None => write_plain(&mut self.socket, out, &mut written),
            Some(tls) => write_sealed(&mut self.socket, tls, out, &mut written),
        };
        out.drain(..written);
        match outcome {
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::NotConnected) => {
                Ok(())
            }
            outcome => outcome,
        }
    }
}

fn open(tls: &mut ClientConnection, into: &mut [u8]) -> io::Result<usize> {
    let mut opened = 0;
    loop {
        match tls.reader().read(&mut into[opened..]) {
            Ok(0) => return Ok(opened),
            Ok(read) => opened += read,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(opened),
            Err(error) => return Err(error),
        }
    }
}

fn write_plain(socket: &mut TcpStream, out: &[u8], written: &mut usize) -> io::Result<()> {
    while *written < out.len() {
        *written += socket.write(&out[*written..])?;
    }
    Ok(())
}

/// Until the handshake is done TLS keeps what it took, up to 64 KiB.
fn write_sealed(
    socket: &mut TcpStream,
    tls: &mut ClientConnection,
    out: &[u8],
    written: &mut usize,
) -> io::Result<()> {
    loop {
        let taken = tls.writer().write(&out[*written..])?;
        *written += taken;
        while tls.wants_write() {
            tls.write_tls(socket)?;
        }
        if taken == 0 {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;
    use crate::{contract::tls::counterpart::answering, spawn::Certificate};

    /// More than one read of the socket, and many records.
    const ANSWER_BYTES: usize = 3 * READ_BYTES + 7;
    const WAIT: Duration = Duration::from_secs(20);

    #[test]
    fn what_was_sealed_is_opened_whole_and_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let certificate = Certificate::make(folder.path()).unwrap();
        let answer: Vec<u8> = (0..ANSWER_BYTES).map(|at| (at % 251) as u8).collect();
        let (address, serving) = answering(&certificate, b"a question", answer.clone());
        let tls = certificate.trust.connection(address.ip()).unwrap();
        let mut line = Line::new(TcpStream::connect(address).unwrap(), Some(tls));
        let (mut out, mut heard, mut wire) = (b"a question".to_vec(), Vec::new(), 0);
        let (mut into, mut sealed) = (vec![0; READ_BYTES], vec![0; SEALED_BYTES]);
        let give_up = Instant::now() + WAIT;
        while heard.len() < ANSWER_BYTES && Instant::now() < give_up {
            line.write(&mut out).unwrap();
            match line.read(&mut into, &mut sealed) {
                Ok(taken) => {
                    wire += taken.wire;
                    heard.extend_from_slice(&into[..taken.opened]);
                }
                Err(error) => assert_eq!(error.kind(), io::ErrorKind::WouldBlock),
            }
        }
        assert!(heard == answer, "{} bytes of {ANSWER_BYTES}", heard.len());
        assert!(wire > ANSWER_BYTES, "{wire}");
        serving.join().unwrap().unwrap();
    }
}
