//! The rules of RFC 6455, 4.2 and RFC 7692, 7.1.

use axum::http::header::{
    ALLOW, CONNECTION, HOST, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_EXTENSIONS, SEC_WEBSOCKET_KEY,
    SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use axum::http::{HeaderMap, HeaderName, Method, StatusCode, Version};

use super::*;

const KNOWN: [&str; 2] = ["apricot.v1.proto", "apricot.v1.json"];

/// After the example of 1.3.
fn request() -> HeaderMap {
    [
        (HOST, "server.example.com"),
        (UPGRADE, "websocket"),
        (CONNECTION, "Upgrade"),
        (SEC_WEBSOCKET_KEY, "dGhlIHNhbXBsZSBub25jZQ=="),
        (SEC_WEBSOCKET_VERSION, "13"),
    ]
    .into_iter()
    .map(|(name, value)| (name, value.parse().expect("a value")))
    .collect()
}

fn answer(headers: &HeaderMap) -> Result<Accepted, HandshakeRefused> {
    accept(&Method::GET, Version::HTTP_11, headers, &KNOWN)
}

fn with(name: HeaderName, values: &[&str]) -> Result<Accepted, HandshakeRefused> {
    let mut headers = request();
    headers.remove(&name);
    for value in values {
        headers.append(&name, value.parse().expect("a value"));
    }
    answer(&headers)
}

fn deflates(offer: &str) -> Result<bool, HandshakeRefused> {
    with(SEC_WEBSOCKET_EXTENSIONS, &[offer]).map(|accepted| accepted.deflate)
}

#[test]
fn the_example_1_3() {
    let accepted = answer(&request()).expect("it is the RFC's");
    let response = accepted.response();
    assert_eq!(response.status(), StatusCode::SWITCHING_PROTOCOLS);
    let headers = response.headers();
    assert_eq!(headers[SEC_WEBSOCKET_ACCEPT], "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    assert_eq!(headers[UPGRADE], "websocket");
    assert_eq!(headers[CONNECTION], "Upgrade");
    assert_eq!(headers.len(), 3, "neither a protocol nor an extension was asked for");
}

#[test]
fn another_method_is_refused_4_2_1() {
    for method in [Method::POST, Method::HEAD, Method::CONNECT] {
        let refused = accept(&method, Version::HTTP_11, &request(), &KNOWN).expect_err("not GET");
        assert_eq!((refused, refused.status().as_u16()), (HandshakeRefused::Method, 405));
        assert_eq!(refused.response_headers()[ALLOW], "GET");
    }
}

#[test]
fn another_http_is_refused_4_2_1() {
    for version in [Version::HTTP_09, Version::HTTP_10, Version::HTTP_2, Version::HTTP_3] {
        let refused = accept(&Method::GET, version, &request(), &KNOWN);
        assert_eq!(refused, Err(HandshakeRefused::HttpVersion));
    }
}

#[test]
fn a_request_names_its_host_once_4_2_1() {
    assert_eq!(with(HOST, &[]), Err(HandshakeRefused::Host));
    assert_eq!(with(HOST, &["a.example", "b.example"]), Err(HandshakeRefused::Host));
}

#[test]
fn upgrade_is_a_list_with_websocket_in_any_case_4_2_1() {
    for values in [&["WebSocket"][..], &["h2c, websocket"], &["h2c", "WEBSOCKET"], &[" websocket ,"]] {
        assert!(with(UPGRADE, values).is_ok(), "{values:?}");
    }
    for values in [&[][..], &["h2c"], &["websockets"], &["web socket"], &[""]] {
        assert_eq!(with(UPGRADE, values), Err(HandshakeRefused::Upgrade), "{values:?}");
    }
}

#[test]
fn connection_is_a_list_with_upgrade_in_any_case_4_2_1() {
    for values in [&["upgrade"][..], &["keep-alive, Upgrade"], &["keep-alive", "UPGRADE"]] {
        assert!(with(CONNECTION, values).is_ok(), "{values:?}");
    }
    for values in [&[][..], &["close"], &["upgraded"]] {
        assert_eq!(with(CONNECTION, values), Err(HandshakeRefused::Connection), "{values:?}");
    }
}

#[test]
fn a_key_is_16_bytes_in_base64_and_there_once_4_2_1() {
    let key = "dGhlIHNhbXBsZSBub25jZQ==";
    for values in [
        &[][..],
        &[""],
        &["dGhlIHNhbXBsZSBub25jZQ"],
        &["dGhlIHNhbXBsZSBub25jZR=="],
        &["dGhlIHNhbXBsZSBub25jZQA="],
        &["dGhlIHNhbXBsZSBub25j"],
        &["not base64, certainly =="],
        &[key, key],
    ] {
        assert_eq!(with(SEC_WEBSOCKET_KEY, values), Err(HandshakeRefused::Key), "{values:?}");
    }
}

#[test]
fn another_version_is_told_which_one_is_spoken_4_4() {
    for values in [&[][..], &["8"], &["14"], &["013"], &["13, 8"], &["13", "13"], &["thirteen"]] {
        let refused = with(SEC_WEBSOCKET_VERSION, values).expect_err("not 13");
        assert_eq!(refused, HandshakeRefused::WebSocketVersion, "{values:?}");
        assert_eq!(refused.status(), StatusCode::UPGRADE_REQUIRED);
        let headers = refused.response_headers();
        assert_eq!((headers[SEC_WEBSOCKET_VERSION].as_bytes(), headers.len()), (&b"13"[..], 3));
    }
}

#[test]
fn the_first_protocol_that_is_known_is_chosen_4_2_2() {
    for (values, expected) in [
        (&[][..], None),
        (&["apricot.v1.json"], Some(KNOWN[1])),
        (&["chat, apricot.v1.json , apricot.v1.proto"], Some(KNOWN[1])),
        (&["chat", "apricot.v1.proto,apricot.v1.json"], Some(KNOWN[0])),
        (&["chat,,superchat,"], None),
        (&["Apricot.v1.json"], None),
    ] {
        let accepted = with(SEC_WEBSOCKET_PROTOCOL, values).expect("names");
        assert_eq!(accepted.protocol, expected, "{values:?}");
        let said = accepted.response_headers().get(SEC_WEBSOCKET_PROTOCOL).cloned();
        assert_eq!(said.as_ref().map(|said| said.to_str().expect("text")), expected);
    }
}

#[test]
fn a_protocol_is_a_token_4_1() {
    for values in ["apricot v1", "apricot.v1.json; q=1", "\"apricot.v1.json\"", "a/b", "chat, 杏"] {
        assert_eq!(with(SEC_WEBSOCKET_PROTOCOL, &[values]), Err(HandshakeRefused::Protocols), "{values}");
    }
}

#[test]
fn an_extension_that_is_not_known_is_not_answered_9_1() {
    for offer in ["foo", "foo, bar; baz=2", "x-webkit-deflate-frame", "permessage-deflated", "", ",", " , ,"]
    {
        assert_eq!(deflates(offer), Ok(false), "{offer}");
    }
}

#[test]
fn extensions_that_are_not_a_list_are_refused_9_1() {
    for offer in [
        "foo bar",
        "foo;",
        "foo; =1",
        "foo; a=",
        "foo; a=\"",
        "foo; a=\"\"",
        "foo; a=\"b c\"",
        "foo; a=\"b",
        "foo; a=\"b\\",
        "foo; a=b c",
        ";",
        "=",
        "permessage-deflate; server_max_window_bits=10, (",
        "permessage-deflate; client_max_window_bits=15 15",
    ] {
        assert_eq!(deflates(offer), Err(HandshakeRefused::Extensions), "{offer}");
    }
}

#[test]
fn deflate_is_agreed_on_without_context_takeover_7_1_1() {
    for offer in [
        "permessage-deflate",
        "permessage-deflate; client_max_window_bits",
        "permessage-deflate;client_max_window_bits=8",
        "permessage-deflate; client_max_window_bits=\"1\\5\"",
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
        "foo; a=\"b\", permessage-deflate",
    ] {
        let accepted = with(SEC_WEBSOCKET_EXTENSIONS, &[offer]).expect("a list");
        assert_eq!(
            accepted.response_headers()[SEC_WEBSOCKET_EXTENSIONS],
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
            "{offer}"
        );
    }
}

#[test]
fn an_offer_with_a_wrong_parameter_is_declined_7_1() {
    for parameters in [
        "server_no_context_takeover=1",
        "client_no_context_takeover=\"true\"",
        "server_no_context_takeover; server_no_context_takeover",
        "client_max_window_bits; client_max_window_bits=15",
        "client_max_window_bits=7",
        "client_max_window_bits=16",
        "client_max_window_bits=08",
        "client_max_window_bits=1a",
        "server_max_window_bits",
        "unknown",
        "unknown=1",
    ] {
        let offer = format!("permessage-deflate; {parameters}");
        assert_eq!(deflates(&offer), Ok(false), "{offer}");
        assert_eq!(deflates(&format!("{offer}, permessage-deflate")), Ok(true), "the next is taken");
    }
}

#[test]
fn an_offer_that_limits_our_window_is_declined_7_1_2_1() {
    assert_eq!(deflates("permessage-deflate; server_max_window_bits=10"), Ok(false));
    assert_eq!(
        deflates("permessage-deflate; server_max_window_bits=10, permessage-deflate; client_max_window_bits"),
        Ok(true)
    );
}

#[test]
fn offers_may_come_in_several_headers_11_3_2() {
    let offers = ["foo", "permessage-deflate; unknown", "permessage-deflate"];
    assert!(with(SEC_WEBSOCKET_EXTENSIONS, &offers).is_ok_and(|accepted| accepted.deflate));
}

#[test]
fn what_is_refused_names_its_section() {
    for refused in [
        HandshakeRefused::Method,
        HandshakeRefused::HttpVersion,
        HandshakeRefused::Host,
        HandshakeRefused::Upgrade,
        HandshakeRefused::Connection,
        HandshakeRefused::WebSocketVersion,
        HandshakeRefused::Key,
        HandshakeRefused::Protocols,
        HandshakeRefused::Extensions,
    ] {
        assert!(refused.to_string().contains(" (RFC 6455, "), "{refused}");
        assert!(refused.status().is_client_error());
    }
}
