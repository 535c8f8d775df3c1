//! RFC 6455 section 4: who may open a socket, and what the server says to it.

use std::io::Write;

use super::peer::{Peer, text};
use super::request::{ACCEPT, Head, KEY, Request};
use super::server::ROOM;

const VERSION: &str = "Sec-WebSocket-Version";
const PROTOCOL: &str = "Sec-WebSocket-Protocol";

#[track_caller]
fn refused(request: Request, statuses: &[u16]) -> Head {
    let head = request.answer();
    assert!(statuses.contains(&head.status), "{head:?}");
    assert_eq!(head.value("Sec-WebSocket-Accept"), None);
    head
}

#[track_caller]
fn accepted(request: Request) -> (Head, Peer) {
    let (head, mut peer) = request.open();
    peer.join("");
    (head, peer)
}

#[test]
fn rfc6455_4_2_2_the_answer_is_101_with_upgrade_connection_and_the_accept_value() {
    let (head, _) = accepted(Request::new());
    assert!(head.line.starts_with("HTTP/1.1 101"), "{head:?}");
    assert!(head.value("Upgrade").is_some_and(|value| value.eq_ignore_ascii_case("websocket")), "{head:?}");
    assert!(head.value("Connection").is_some_and(|value| value.eq_ignore_ascii_case("upgrade")), "{head:?}");
    assert_eq!(head.value("Sec-WebSocket-Accept"), Some(ACCEPT), "1.3: the RFC's own example");
    let another = Request::new().with("Sec-WebSocket-Key", "x3JJHMbDL1EzLkh9GBhXDw==");
    assert_eq!(another.answer().value("Sec-WebSocket-Accept"), Some("HSmrc0sMlYUkAGmm5OPpG2HaGWk="));
}

#[test]
fn rfc6455_4_1_2_only_get_opens_a_socket() {
    for method in ["POST", "PUT", "HEAD", "OPTIONS", "DELETE"] {
        let line = format!("{method} /v1/rooms/{ROOM}/live HTTP/1.1");
        let head = Request::new().line(line).with("Content-Length", "0").answer();
        assert_ne!(head.status, 101, "{method}");
        assert_eq!(head.value("Sec-WebSocket-Accept"), None, "{method}");
    }
}

#[test]
fn rfc6455_4_2_1_1_http_1_0_is_too_old() {
    let line = format!("GET /v1/rooms/{ROOM}/live HTTP/1.0");
    refused(Request::new().line(line), &[400, 426, 505]);
}

#[test]
fn rfc6455_4_2_1_1_the_request_may_name_the_whole_address() {
    let request = Request::new();
    let line = format!("GET http://{}/v1/rooms/{ROOM}/live HTTP/1.1", request.server().address());
    accepted(request.line(line));
}

#[test]
fn rfc6455_4_2_1_2_a_host_is_needed() {
    refused(Request::new().without("Host"), &[400]);
}

#[test]
fn rfc6455_4_2_1_3_upgrade_must_be_websocket_in_any_case() {
    for value in ["WebSocket", "WEBSOCKET"] {
        accepted(Request::new().with("Upgrade", value));
    }
    refused(Request::new().without("Upgrade"), &[400, 426]);
    refused(Request::new().with("Upgrade", "h2c"), &[400, 426]);
    refused(Request::new().with("Upgrade", "websockets"), &[400, 426]);
}

#[test]
fn rfc6455_4_2_1_4_connection_has_the_token_upgrade_among_others() {
    for value in
        ["upgrade", "UPGRADE", "keep-alive, Upgrade", "Upgrade,keep-alive", "keep-alive ,\tupgrade , TE"]
    {
        accepted(Request::new().with("Connection", value));
    }
    refused(Request::new().without("Connection"), &[400, 426]);
    refused(Request::new().with("Connection", "keep-alive"), &[400, 426]);
}

#[test]
fn rfc6455_4_2_1_4_a_token_is_more_than_a_part_of_another() {
    refused(Request::new().with("Connection", "not-upgrade, upgraded"), &[400, 426]);
}

#[test]
fn rfc6455_4_2_1_4_connection_may_stand_in_two_lines() {
    accepted(Request::new().with("Connection", "keep-alive").and("Connection", "Upgrade"));
}

#[test]
fn rfc6455_4_2_1_5_the_key_is_there_once() {
    refused(Request::new().without("Sec-WebSocket-Key"), &[400]);
    refused(Request::new().and("Sec-WebSocket-Key", KEY), &[400]);
}

#[test]
fn rfc6455_4_2_1_5_the_key_is_sixteen_bytes_in_base64() {
    let none = "";
    let fifteen = "AAAAAAAAAAAAAAAAAAAA";
    let seventeen = "AAAAAAAAAAAAAAAAAAAAAAA=";
    let not_base64 = "dGhlIHNhbXBsZSBub25j*Q==";
    let unpadded = "dGhlIHNhbXBsZSBub25jZQ";
    for key in [none, fifteen, seventeen, not_base64, unpadded] {
        refused(Request::new().with("Sec-WebSocket-Key", key), &[400]);
    }
}

#[test]
fn rfc6455_4_4_another_version_is_answered_with_426_and_ours() {
    for version in ["8", "12", "14", "0", "255"] {
        let head = refused(Request::new().with(VERSION, version), &[426]);
        assert_eq!(head.value(VERSION), Some("13"), "4.2.2: {head:?}");
    }
}

#[test]
fn rfc6455_4_2_1_6_a_version_is_needed() {
    refused(Request::new().without(VERSION), &[400, 426]);
}

#[test]
fn rfc6455_4_2_2_the_subprotocol_is_one_that_the_client_named() {
    let chosen = |named: &str| {
        let (head, _) = Request::new().with(PROTOCOL, named).open();
        head.value(PROTOCOL).map(str::to_owned)
    };
    assert_eq!(chosen("apricot.v1.json").as_deref(), Some("apricot.v1.json"));
    assert_eq!(chosen("apricot.v1.proto").as_deref(), Some("apricot.v1.proto"));
    assert_eq!(chosen("chat, apricot.v1.json").as_deref(), Some("apricot.v1.json"));
    assert_eq!(chosen("chat,apricot.v1.proto ,superchat").as_deref(), Some("apricot.v1.proto"));
    let either = chosen("apricot.v1.json, apricot.v1.proto");
    assert!(matches!(either.as_deref(), Some("apricot.v1.json" | "apricot.v1.proto")), "{either:?}");
    assert_eq!(chosen("chat, superchat"), None, "none of them is known");
}

/// 11.3.4: the lines together are one list.
#[test]
fn rfc6455_11_3_4_the_subprotocols_may_stand_in_two_lines() {
    let (head, _) = accepted(Request::new().with(PROTOCOL, "chat").and(PROTOCOL, "apricot.v1.json"));
    assert_eq!(head.value(PROTOCOL), Some("apricot.v1.json"));
}

/// The contract, not the RFC: the socket opens, and the reason comes in words and as a code.
#[test]
fn without_a_subprotocol_the_socket_is_closed_with_1003() {
    let (head, mut peer) = Request::new().without(PROTOCOL).open();
    assert_eq!(head.value(PROTOCOL), None, "4.2.2: nothing was asked for");
    assert_eq!(peer.closed(), (Some(1003), Some(1003)));
}

/// 10.2: a page from elsewhere may not use the person's browser to get in.
#[test]
fn rfc6455_4_2_2_a_page_of_another_origin_is_refused_with_403() {
    for origin in ["https://evil.example", "null", "http://127.0.0.1.evil.example"] {
        refused(Request::new().and("Origin", origin), &[403]);
    }
    let request = Request::new();
    let own = format!("http://{}", request.server().address());
    accepted(request.and("Origin", own));
}

#[test]
fn rfc6455_4_2_2_extensions_are_agreed_on_only_when_asked_for() {
    let (head, _) = accepted(Request::new());
    assert_eq!(head.value("Sec-WebSocket-Extensions"), None);
    let unknown = Request::new().and("Sec-WebSocket-Extensions", "x-mux; max-channels=4; flow, x-gzip");
    assert_eq!(accepted(unknown).0.value("Sec-WebSocket-Extensions"), None, "9.1: unknown ones are ignored");
}

#[test]
fn rfc6455_4_2_1_unknown_headers_are_ignored() {
    let request = Request::new().and("Cookie", "a=b").and("Pragma", "no-cache").and("X-Anything", "1");
    accepted(request);
}

/// RFC 9110 5.1, to which section 4 leaves it.
#[test]
fn rfc6455_4_2_1_names_of_headers_are_in_any_case() {
    let request = Request::new().without("Sec-WebSocket-Key").without("Upgrade");
    let request = request.and("SEC-WEBSOCKET-KEY", KEY).and("upgrade", "websocket");
    assert_eq!(accepted(request).0.value("Sec-WebSocket-Accept"), Some(ACCEPT));
}

#[test]
fn rfc6455_4_2_1_a_request_may_come_byte_by_byte() {
    let request = Request::new();
    let mut stream = request.connect();
    for byte in request.bytes() {
        stream.write_all(&[byte]).expect("sent");
    }
    let head = Head::read(&mut stream);
    assert_eq!((head.status, head.value("Sec-WebSocket-Accept")), (101, Some(ACCEPT)));
    Peer::new(stream, request.server().clone()).join("");
}

/// 1.3: it is an ordinary HTTP connection until then, so a refusal is an ordinary answer.
#[test]
fn rfc6455_4_2_2_a_refusal_says_why() {
    let head = refused(Request::new().without("Upgrade").without("Connection"), &[400, 426]);
    assert_eq!(head.value("Content-Type"), Some("application/problem+json"));
}

/// 4.1 makes clients wait for the answer; what a hasty one sent must not be taken for a second request.
#[test]
fn what_is_sent_right_behind_the_request_is_read_as_frames() {
    let request = Request::new();
    let mut stream = request.connect();
    let join = text(r#"{"id":9,"join":{}}"#);
    stream.write_all(&[request.bytes(), join].concat()).expect("sent");
    assert_eq!(Head::read(&mut stream).status, 101);
    let mut peer = Peer::new(stream, request.server().clone());
    assert_eq!(peer.reply(9)["done"], serde_json::json!({}));
}
