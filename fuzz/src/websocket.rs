//! A socket's bytes before anybody knows what they say: the opening handshake, then frames, cut anywhere.

use apricot::wire::codec::{JSON, MESSAGE_BYTES_MAX, PROTO};
use apricot::wire::websocket::{
    Broken, Deflater, HandshakeRefused, Inbound, Inflater, Opcode, Received, accept, close_frame, frame,
};
use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Version};

/// The first byte says whether the messages may be compressed, the second how they are cut; the rest is what a client sends.
pub fn websocket(data: &[u8]) {
    let [extension, cuts, sent @ ..] = data else { return };
    let deflate = extension & 1 == 1;
    let whole = hear(deflate, sent, usize::MAX);
    assert_eq!(hear(deflate, sent, usize::from(*cuts) + 1), whole, "cut it says something else");
    if sent.len() <= 512 {
        assert_eq!(hear(deflate, sent, 1), whole, "byte by byte it says something else");
    }
    let (said, broken) = whole;
    match broken {
        Some(broken) => {
            assert!(broken.to_string().contains(" (RFC "), "{broken}");
            assert!([1002, 1007, 1009].contains(&broken.close_code()));
        }
        None if !deflate => retold(&said),
        None => {}
    }
    let mut deflater = Deflater::new();
    for (opcode, payload) in said {
        let deflated = masked(&deflater.message(opcode, &payload));
        assert_eq!(hear(true, &deflated, usize::MAX), (vec![(opcode, payload)], None));
    }
}

type Said = Vec<(Opcode, Vec<u8>)>;

/// Pongs are not handed over with what they say.
fn hear(deflate: bool, sent: &[u8], piece: usize) -> (Said, Option<Broken>) {
    let (mut inbound, mut inflater, mut said) = (Inbound::new(deflate), Inflater::new(), Vec::new());
    let mut heard = |received: Received<'_>| {
        let (opcode, payload) = match received {
            Received::Text(text) => (Opcode::Text, text.as_bytes().to_vec()),
            Received::Binary(bytes) => (Opcode::Binary, bytes.to_vec()),
            Received::Ping(bytes) => (Opcode::Ping, bytes.to_vec()),
            Received::Pong => (Opcode::Pong, Vec::new()),
            Received::Close { code, reason } => {
                (Opcode::Close, code.map_or_else(Vec::new, |code| close_frame(code, reason)[2..].to_vec()))
            }
        };
        assert!(payload.len() <= MESSAGE_BYTES_MAX);
        said.push((opcode, payload));
        Ok(())
    };
    let mut broken = None;
    for piece in sent.chunks(piece) {
        if let Err(rule) = inbound.read(&mut piece.to_vec(), &mut inflater, &mut heard) {
            assert_eq!(broken.replace(rule), None, "what is refused is refused once");
        }
        assert!(inbound.kept_bytes() <= Inbound::KEPT_BYTES_MAX);
    }
    (said, broken)
}

/// What was heard is heard again from our own frames, masked as a client's.
fn retold(said: &Said) {
    let bytes: Vec<u8> = said.iter().flat_map(|(opcode, payload)| masked(&frame(*opcode, payload))).collect();
    assert_eq!(hear(false, &bytes, usize::MAX), (said.clone(), None));
}

/// A frame of the server as one of the client, under a key that changes nothing.
fn masked(frame: &Bytes) -> Vec<u8> {
    let mut bytes = frame.to_vec();
    let length_bytes = match bytes[1] {
        126 => 2,
        127 => 8,
        _ => 0,
    };
    bytes[1] |= 0x80;
    bytes.splice(2 + length_bytes..2 + length_bytes, [0; 4]);
    bytes
}

/// Header lines. Those that must be there are added when they are not, so that chance reaches what lies behind them.
pub fn handshake(data: &[u8]) {
    let mut headers = HeaderMap::new();
    for line in data.split(|byte| *byte == b'\n') {
        let at = line.iter().position(|byte| *byte == b':').unwrap_or(line.len());
        let value = line.get(at + 1..).unwrap_or_default().trim_ascii();
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(&line[..at]), HeaderValue::from_bytes(value)) {
            headers.append(name, value);
        }
    }
    answered(&headers);
    for (name, value) in [
        ("host", "apricot.example"),
        ("upgrade", "websocket"),
        ("connection", "Upgrade"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ] {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    answered(&headers);
}

fn answered(headers: &HeaderMap) {
    match accept(&Method::GET, Version::HTTP_11, headers, &[PROTO, JSON]) {
        Err(refused) => {
            assert!(refused.to_string().contains(" (RFC 6455, "), "{refused}");
            assert!(refused.status().is_client_error());
            assert!(!matches!(refused, HandshakeRefused::Method | HandshakeRefused::HttpVersion));
        }
        Ok(accepted) => {
            let listed = |name: &str, wanted: &str| {
                let values = headers.get_all(name).iter().map(|value| value.to_str().expect("it was read"));
                values.flat_map(|value| value.split([',', ';'])).any(|item| item.trim() == wanted)
            };
            assert_eq!(accepted.accept_key.len(), 28);
            assert!(accepted.protocol.is_none_or(|name| listed("sec-websocket-protocol", name)));
            assert!(!accepted.deflate || listed("sec-websocket-extensions", "permessage-deflate"));
            let response = accepted.response();
            assert_eq!(response.status(), 101);
            let optional = usize::from(accepted.protocol.is_some()) + usize::from(accepted.deflate);
            assert_eq!(response.headers().len(), 3 + optional);
        }
    }
}
