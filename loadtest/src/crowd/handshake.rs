//! The opening of a WebSocket, by hand: thousands a second from one thread.

use super::dialect::Dialect;
use crate::contract::Target;

/// One for all: it protects from caches between, and there are none.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
/// What the standard says belongs to this key.
const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
/// Both sides forget between messages, so that one inflater serves all sockets.
const DEFLATE: &str = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";

/// What the server agreed to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Agreed {
    pub deflate: bool,
}

pub fn request(target: &Target, path: &str, dialect: Dialect, deflate: bool) -> String {
    let mut request = format!(
        "GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: {KEY}\r\n",
        target.host
    );
    if let Some(protocol) = dialect.subprotocol() {
        request += &format!("Sec-WebSocket-Protocol: {protocol}\r\n");
    }
    if deflate {
        request += &format!("Sec-WebSocket-Extensions: {DEFLATE}\r\n");
    }
    request + "\r\n"
}

/// The answer's head and what came behind it; `None` until the head is whole.
pub fn split(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    Some((&bytes[..end], &bytes[end + 4..]))
}

/// Checks the status, the key and the subprotocol.
pub fn check(head: &[u8], dialect: Dialect) -> Result<Agreed, String> {
    let text = String::from_utf8_lossy(head);
    let refused = || text.chars().take(200).collect::<String>();
    let mut lines = text.split("\r\n");
    if !lines.next().is_some_and(|status| status.starts_with("HTTP/1.1 101")) {
        return Err(format!("no upgrade: {}", refused()));
    }
    let (mut accept, mut protocol, mut deflate) = (false, None, false);
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        let value = value.trim();
        if name.eq_ignore_ascii_case("sec-websocket-accept") {
            accept = value == ACCEPT;
        } else if name.eq_ignore_ascii_case("sec-websocket-protocol") {
            protocol = Some(value);
        } else if name.eq_ignore_ascii_case("sec-websocket-extensions") {
            deflate = value.starts_with("permessage-deflate");
            if deflate && !value.contains("server_no_context_takeover") {
                return Err("the server compresses with a context it was asked not to keep".into());
            }
        }
    }
    if !accept || protocol != dialect.subprotocol() {
        return Err(format!("an upgrade without the right key and subprotocol: {}", refused()));
    }
    Ok(Agreed { deflate })
}

#[cfg(test)]
mod tests {
    use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

    use super::*;

    #[test]
    fn an_answer_is_checked_when_it_is_whole() {
        assert_eq!(derive_accept_key(KEY.as_bytes()), ACCEPT);
        let answer = format!(
            "HTTP/1.1 101 Switching Protocols\r\nsec-websocket-accept: {ACCEPT}\r\nSec-WebSocket-Protocol: apricot.v1.proto\r\n\r\n\x02"
        );
        for cut in 0..answer.len() - 1 {
            assert_eq!(split(&answer.as_bytes()[..cut]), None, "cut at {cut}");
        }
        let (head, rest) = split(answer.as_bytes()).unwrap();
        assert_eq!((check(head, Dialect::Proto), rest), (Ok(Agreed { deflate: false }), &b"\x02"[..]));
        assert!(check(head, Dialect::Json).is_err());
        assert!(check(b"HTTP/1.1 503 Service Unavailable", Dialect::Proto).is_err());
        assert!(check(b"HTTP/1.1 101 x\r\nsec-websocket-accept: other", Dialect::Plain).is_err());
        let compressed = format!(
            "HTTP/1.1 101 x\r\nsec-websocket-accept: {ACCEPT}\r\nsec-websocket-extensions: permessage-deflate; server_no_context_takeover"
        );
        assert_eq!(check(compressed.as_bytes(), Dialect::Plain), Ok(Agreed { deflate: true }));
    }
}
