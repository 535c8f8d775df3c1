//! The opening handshake (RFC 6455, 4.2): from a request's head to what to answer.

use axum::body::Body;
use axum::http::header::{
    ALLOW, CONNECTION, HOST, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_EXTENSIONS, SEC_WEBSOCKET_KEY,
    SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Version};
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

mod extensions;

const WEBSOCKET: HeaderValue = HeaderValue::from_static("websocket");
const VERSION: HeaderValue = HeaderValue::from_static("13");
/// Each message stands for itself, both ways: no window is kept for a connection (RFC 7692, 7.1.1).
const DEFLATE: HeaderValue =
    HeaderValue::from_static("permessage-deflate; server_no_context_takeover; client_no_context_takeover");
const KEY_BYTES: usize = 16;

/// A handshake that is right, and what was chosen. A server that does not want to compress clears `deflate`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    pub accept_key: HeaderValue,
    /// The first of the client's list that is known here; without one, the client goes by its own rules.
    pub protocol: Option<&'static str>,
    pub deflate: bool,
}

/// A rule of RFC 6455, 4.2.1 that the request does not keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HandshakeRefused {
    #[error("a WebSocket is opened with GET (RFC 6455, 4.2.1)")]
    Method,
    #[error("a WebSocket is opened over HTTP/1.1 (RFC 6455, 4.2.1)")]
    HttpVersion,
    #[error("the request has one Host header (RFC 6455, 4.2.1)")]
    Host,
    #[error("the request says Upgrade: websocket (RFC 6455, 4.2.1)")]
    Upgrade,
    #[error("the request says Connection: Upgrade (RFC 6455, 4.2.1)")]
    Connection,
    #[error("the request has one Sec-WebSocket-Version, and it is 13 (RFC 6455, 4.2.1)")]
    WebSocketVersion,
    #[error("the request has one Sec-WebSocket-Key, 16 bytes in base64 (RFC 6455, 4.2.1)")]
    Key,
    #[error("Sec-WebSocket-Protocol lists names separated by commas (RFC 6455, 4.2.1)")]
    Protocols,
    #[error("Sec-WebSocket-Extensions lists names with parameters (RFC 6455, 9.1)")]
    Extensions,
}

/// `protocols` are those that the server knows.
pub fn accept(
    method: &Method,
    version: Version,
    headers: &HeaderMap,
    protocols: &[&'static str],
) -> Result<Accepted, HandshakeRefused> {
    if method != Method::GET {
        return Err(HandshakeRefused::Method);
    }
    // HTTP/2 has no Upgrade; RFC 8441 opens a WebSocket there by CONNECT.
    if version != Version::HTTP_11 {
        return Err(HandshakeRefused::HttpVersion);
    }
    only(headers, HOST).ok_or(HandshakeRefused::Host)?;
    if !lists(headers, UPGRADE, "websocket") {
        return Err(HandshakeRefused::Upgrade);
    }
    if !lists(headers, CONNECTION, "upgrade") {
        return Err(HandshakeRefused::Connection);
    }
    if only(headers, SEC_WEBSOCKET_VERSION) != Some("13") {
        return Err(HandshakeRefused::WebSocketVersion);
    }
    let key = only(headers, SEC_WEBSOCKET_KEY).ok_or(HandshakeRefused::Key)?;
    if !STANDARD.decode(key).is_ok_and(|bytes| bytes.len() == KEY_BYTES) {
        return Err(HandshakeRefused::Key);
    }
    let accept_key = derive_accept_key(key.as_bytes()).try_into().map_err(|_| HandshakeRefused::Key)?;
    let protocol = chosen(headers, protocols)?;
    let mut deflate = false;
    for value in headers.get_all(SEC_WEBSOCKET_EXTENSIONS) {
        let offers = extensions::offers(value.as_bytes()).ok_or(HandshakeRefused::Extensions)?;
        deflate |= offers.iter().any(extensions::Offer::is_deflate_as_we_do_it);
    }
    Ok(Accepted { accept_key, protocol, deflate })
}

impl Accepted {
    pub fn response_headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::with_capacity(5);
        headers.insert(UPGRADE, WEBSOCKET);
        headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
        headers.insert(SEC_WEBSOCKET_ACCEPT, self.accept_key.clone());
        if let Some(protocol) = self.protocol {
            headers.insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(protocol));
        }
        if self.deflate {
            headers.insert(SEC_WEBSOCKET_EXTENSIONS, DEFLATE);
        }
        headers
    }

    pub fn response(&self) -> Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        *response.headers_mut() = self.response_headers();
        response
    }
}

impl HandshakeRefused {
    pub fn status(self) -> StatusCode {
        match self {
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::WebSocketVersion => StatusCode::UPGRADE_REQUIRED,
            Self::HttpVersion
            | Self::Host
            | Self::Upgrade
            | Self::Connection
            | Self::Key
            | Self::Protocols
            | Self::Extensions => StatusCode::BAD_REQUEST,
        }
    }

    /// What a response of this status must also say (RFC 9110, 15.5.6 and 15.5.22; RFC 6455, 4.2.2).
    pub fn response_headers(self) -> HeaderMap {
        let headers: &[(HeaderName, HeaderValue)] = match self {
            Self::Method => &[(ALLOW, HeaderValue::from_static("GET"))],
            Self::WebSocketVersion => &[
                (UPGRADE, WEBSOCKET),
                (CONNECTION, HeaderValue::from_static("Upgrade")),
                (SEC_WEBSOCKET_VERSION, VERSION),
            ],
            _ => &[],
        };
        headers.iter().cloned().collect()
    }
}

/// The value of a header that stands there once.
fn only(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next().filter(|_| values.next().is_none())?;
    value.to_str().ok().map(str::trim_ascii)
}

/// Whether a comma-separated list has `token`, in any case.
fn lists(headers: &HeaderMap, name: HeaderName, token: &str) -> bool {
    let values = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|item| item.trim_ascii().eq_ignore_ascii_case(token))
}

/// The client lists what it likes best first (RFC 6455, 4.1), and may do so in several headers (11.3.4).
fn chosen(headers: &HeaderMap, protocols: &[&'static str]) -> Result<Option<&'static str>, HandshakeRefused> {
    let mut chosen = None;
    for value in headers.get_all(SEC_WEBSOCKET_PROTOCOL) {
        let names = value.to_str().map_err(|_| HandshakeRefused::Protocols)?;
        for name in names.split(',').map(str::trim_ascii).filter(|name| !name.is_empty()) {
            if !extensions::is_token(name.as_bytes()) {
                return Err(HandshakeRefused::Protocols);
            }
            chosen = chosen.or_else(|| protocols.iter().find(|known| **known == name).copied());
        }
    }
    Ok(chosen)
}
