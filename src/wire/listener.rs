//! Takes connections and serves them, with TLS or without. A connection that says nothing does not stay.
//!
//! The server below HTTP is either `TokioIo<TcpStream>` or `TokioIo<TlsStream<TcpStream>>`, never boxed: after an upgrade
//! `hyper::upgrade::Upgraded::downcast` gives that type back.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use std::{io, pin::pin};

use axum::Router;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep_until};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::problem::Kind;
use super::rest::Refused;
use super::tls::Certificates;

/// From connecting, or from the last answer, to the end of the next request's head.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
/// From connecting to the end of the handshake: three round trips of a slow telephone, ten times over.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// Under way at once, below 30 KB each. More connections wait in the system's queue until one is done or out of time.
const HANDSHAKES_MAX: usize = 1_024;
/// Who is not accepted yet waits in the system's queue; who finds no room there tries again after a second. 4,096 is the most that
/// Linux gives by default (net.core.somaxconn).
const BACKLOG: u32 = 4_096;
/// 10,000 a second.
const ACCEPTS_AT_ONCE: u32 = 100;
const ACCEPT_TICK: Duration = Duration::from_millis(10);
/// After accept failed for want of file descriptors: some close by then.
const PAUSE: Duration = Duration::from_millis(50);
/// The first byte that every TLS client sends: a record of the handshake.
const HANDSHAKE_RECORD: u8 = 0x16;

/// What a connection turned out to speak.
enum Greeted {
    Tls(Box<TlsStream<TcpStream>>),
    Plain(TcpStream),
}

/// Must be called inside a runtime.
pub fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // As the standard library does: a restart need not wait for old connections to be forgotten.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Takes only so many connections at a time, so that those who watch already do not wait for a crowd that comes.
struct Herd {
    left: u32,
    next_at: Instant,
}

impl Herd {
    fn new() -> Self {
        Self { left: ACCEPTS_AT_ONCE, next_at: Instant::now() + ACCEPT_TICK }
    }

    /// May be dropped and called again.
    async fn turn(&mut self) {
        if self.left == 0 {
            sleep_until(self.next_at).await;
        }
        if self.next_at <= Instant::now() {
            *self = Self::new();
        }
    }

    fn took(&mut self) {
        self.left = self.left.saturating_sub(1);
    }
}

/// Runs until `stop`, then lets each connection finish the request it is in.
pub async fn run(
    listener: TcpListener,
    router: Router,
    certificates: Option<Certificates>,
    stop: CancellationToken,
) {
    let connections = TaskTracker::new();
    let turns = Arc::new(Semaphore::new(HANDSHAKES_MAX));
    let mut herd = Herd::new();
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            () = herd.turn() => {}
        }
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = accept(&listener, certificates.is_some().then_some(&turns)) => accepted,
        };
        herd.took();
        match (accepted, &certificates) {
            (Ok((stream, turn)), Some(certificates)) => {
                let acceptor = certificates.acceptor().clone();
                connections.spawn(secure(stream, acceptor, turn, router.clone(), stop.clone()));
            }
            (Ok((stream, _)), None) => {
                connections.spawn(serve(stream, router.clone(), stop.clone()));
            }
            (Err(error), _) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
    connections.close();
    connections.wait().await;
}

/// With `turns`, a connection and the right to shake hands on it.
async fn accept(
    listener: &TcpListener,
    turns: Option<&Arc<Semaphore>>,
) -> io::Result<(TcpStream, Option<OwnedSemaphorePermit>)> {
    let turn = match turns {
        Some(turns) => Arc::clone(turns).acquire_owned().await.ok(),
        None => None,
    };
    let (stream, _) = listener.accept().await?;
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection was gone before it began");
    }
    Ok((stream, turn))
}

async fn secure(
    stream: TcpStream,
    acceptor: TlsAcceptor,
    turn: Option<OwnedSemaphorePermit>,
    router: Router,
    stop: CancellationToken,
) {
    let greeted = tokio::select! {
        greeted = greet(stream, &acceptor, HANDSHAKE_TIMEOUT) => greeted,
        () = stop.cancelled() => return,
    };
    drop(turn);
    match greeted {
        Ok(Greeted::Tls(stream)) => serve(*stream, router, stop).await,
        Ok(Greeted::Plain(stream)) => serve(stream, Router::new().fallback(speaks_https), stop).await,
        // Scanners, and clients that do not trust the certificate.
        Err(error) => tracing::debug!(%error, "a handshake failed"),
    }
}

async fn greet(stream: TcpStream, acceptor: &TlsAcceptor, within: Duration) -> io::Result<Greeted> {
    let greeted = async {
        let mut first = [HANDSHAKE_RECORD];
        stream.peek(&mut first).await?;
        if first != [HANDSHAKE_RECORD] {
            return Ok(Greeted::Plain(stream));
        }
        Ok(Greeted::Tls(Box::new(acceptor.accept(stream).await?)))
    };
    tokio::time::timeout(within, greeted).await?
}

async fn speaks_https() -> Response {
    let detail = "This port speaks HTTPS; begin the address with https:// or wss://.";
    let close = [(header::CONNECTION, HeaderValue::from_static("close"))];
    (close, Refused(Kind::Malformed.because(detail))).into_response()
}

async fn serve<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    stream: S,
    router: Router,
    stop: CancellationToken,
) {
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router))
        .with_upgrades();
    let mut connection = pin!(connection);
    let served = tokio::select! {
        served = connection.as_mut() => served,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = served {
        // A client that went away in the middle; nobody can be told.
        tracing::debug!(%error, "a connection ended early");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_client_that_says_nothing_does_not_stay() {
        let folder = tempfile::tempdir().unwrap();
        let (certificate, key) = (folder.path().join("certificate.pem"), folder.path().join("key.pem"));
        let pair = rcgen::generate_simple_self_signed(["apricot.test".into()]).unwrap();
        std::fs::write(&certificate, pair.cert.pem()).unwrap();
        std::fs::write(&key, pair.signing_key.serialize_pem()).unwrap();
        let certificates = Certificates::open(&certificate, &key).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        // The second sends the beginning of a handshake and then nothing.
        for said in [b"".as_slice(), &[HANDSHAKE_RECORD, 3, 1]] {
            let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
            client.try_write(said).unwrap();
            let (stream, _) = listener.accept().await.unwrap();
            let greeted = greet(stream, certificates.acceptor(), Duration::from_millis(20)).await;
            assert_eq!(greeted.err().unwrap().kind(), io::ErrorKind::TimedOut);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_crowd_is_taken_in_at_a_rate() {
        let (mut herd, began) = (Herd::new(), Instant::now());
        for _ in 0..10 * ACCEPTS_AT_ONCE {
            herd.turn().await;
            herd.took();
        }
        assert_eq!(began.elapsed().as_millis(), 9 * ACCEPT_TICK.as_millis());
    }
}
