//! RFC 6455 section 7 and 5.5.1: how it ends.

use serde_json::json;

use super::peer::{CLOSE, FIN, PING, Peer, close, frame, text};

#[track_caller]
fn answered(sent: &[u8]) -> Option<u16> {
    let mut peer = Peer::joined();
    peer.write(sent);
    let (code, closing) = peer.closed();
    assert_eq!(closing, None, "who goes needs no reason");
    peer.ends();
    code
}

#[track_caller]
fn refused(sent: &[u8], codes: &[u16]) {
    let mut peer = Peer::joined();
    peer.write(sent);
    let code = peer.closed().0;
    assert!(code.is_some_and(|code| codes.contains(&code)), "{sent:02x?} is closed with {code:?}");
}

/// 7.1.1: the server ends the TCP connection, and does not wait for the client to do so.
#[test]
fn rfc6455_5_5_1_a_close_is_answered_with_its_code_and_then_the_connection_ends() {
    assert_eq!(answered(&close(1000, "")), Some(1000));
    assert_eq!(answered(&close(1000, "bye")), Some(1000));
    assert_eq!(answered(&close(1000, "再见")), Some(1000));
    assert_eq!(answered(&close(1000, &"x".repeat(123))), Some(1000));
}

#[test]
fn rfc6455_7_4_every_code_that_a_client_may_send_is_answered_with_itself() {
    for code in [1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999] {
        assert_eq!(answered(&close(code, "")), Some(code));
    }
}

/// 7.4: registered later, at IANA.
#[test]
fn rfc6455_7_4_2_codes_of_the_registry_are_answered_with_themselves() {
    for code in [1012, 1013, 1014] {
        assert_eq!(answered(&close(code, "")), Some(code));
    }
}

#[test]
fn rfc6455_7_1_5_a_close_without_a_code_is_answered() {
    let code = answered(&frame(FIN | CLOSE, b""));
    assert!(matches!(code, None | Some(1000)), "{code:?}");
}

#[test]
fn rfc6455_7_4_1_a_code_that_no_frame_may_have_is_1002() {
    for code in [0, 999, 1004, 1005, 1006, 1015] {
        refused(&close(code, ""), &[1002]);
    }
}

#[test]
fn rfc6455_7_4_2_a_code_of_no_range_is_1002() {
    for code in [1016, 1100, 2000, 2999, 5000, 65_535] {
        refused(&close(code, ""), &[1002]);
    }
}

#[test]
fn rfc6455_5_5_1_half_a_code_is_1002() {
    refused(&frame(FIN | CLOSE, &[3]), &[1002]);
}

#[test]
fn rfc6455_5_5_1_a_reason_that_is_not_utf8_is_1007_or_1002() {
    for reason in [&b"\xFF"[..], b"ok until \xC0\x80", b"\xE4\xB8"] {
        refused(&frame(FIN | CLOSE, &[&1000u16.to_be_bytes(), reason].concat()), &[1007, 1002]);
    }
}

#[test]
fn rfc6455_5_5_1_a_close_before_the_join_is_answered() {
    let mut peer = Peer::open();
    peer.write(&close(1000, ""));
    assert_eq!(peer.closed(), (Some(1000), None));
    peer.ends();
}

#[test]
fn rfc6455_5_5_1_data_after_the_close_is_ignored() {
    let mut listener = Peer::joined();
    let mut peer = Peer::viewer("late");
    let say = |id: u32, said: &str| text(json!({"id": id, "say": {"text": said}}).to_string());
    let sent = [say(2, "before the close"), close(1000, ""), say(3, "after the close")].concat();
    peer.write(&[sent, frame(FIN | PING, b"too late")].concat());
    assert_eq!(peer.closed().0, Some(1000));
    peer.ends();
    let mut later = Peer::viewer("later");
    later.write(&say(2, "somewhat later"));
    let ours = |line: &serde_json::Value| {
        let text = line["chat"]["text"].as_str()?;
        [text.ends_with("close"), text == "somewhat later"].contains(&true).then(|| text.to_owned())
    };
    assert_eq!(listener.until(ours), "before the close");
    assert_eq!(listener.until(ours), "somewhat later");
}

/// Rubbish, too: after the close there is nothing left to be wrong.
#[test]
fn rfc6455_5_5_1_a_broken_frame_after_the_close_changes_nothing() {
    assert_eq!(answered(&[close(1000, ""), vec![0xFF; 40]].concat()), Some(1000));
    assert_eq!(answered(&[close(3000, ""), close(1002, "")].concat()), Some(3000));
}

/// The contract: the reason in words first, then the frame with the same code.
#[test]
fn a_close_of_the_server_is_told_before() {
    for (sent, code) in [
        (frame(FIN | 0x3, b""), 1002),
        (frame(FIN | super::peer::BINARY, b""), 1003),
        (text(" ".repeat(16 * 1024 + 1)), 1009),
    ] {
        let mut peer = Peer::joined();
        peer.write(&sent);
        assert_eq!(peer.closed(), (Some(code), Some(u64::from(code))));
    }
    let mut stranger = Peer::open();
    stranger.write(&text(r#"{"id":1,"join":{"token":"forged"}}"#));
    assert_eq!(stranger.closed(), (Some(4001), Some(4001)));
}

#[test]
fn rfc6455_7_1_1_a_close_of_the_server_that_is_answered_ends_the_connection() {
    let mut peer = Peer::joined();
    peer.write(&frame(FIN | super::peer::BINARY, b""));
    assert_eq!(peer.closed().0, Some(1003));
    peer.write(&close(1003, ""));
    peer.ends();
}

/// 7.1.7: a client that does not answer is left, within a time.
#[test]
fn rfc6455_7_1_7_a_close_of_the_server_that_is_not_answered_ends_the_connection() {
    let mut peer = Peer::joined();
    peer.write(&frame(FIN | 0xB, b""));
    assert_eq!(peer.closed().0, Some(1002));
    peer.ends();
}

/// 5.5.1: "MUST NOT send any more data frames"; the reader of every test fails on one, and here there is much to say.
#[test]
fn rfc6455_5_5_1_the_server_sends_nothing_after_its_close() {
    let mut loud = Peer::viewer("loud");
    let mut peer = Peer::joined();
    peer.write(&frame(FIN | super::peer::BINARY, b""));
    for id in 10..20 {
        loud.write(&text(json!({"id": id, "say": {"text": "on and on"}}).to_string()));
    }
    loud.reply(19);
    assert_eq!(peer.closed().0, Some(1003));
    peer.write(
        &[frame(FIN | PING, b"still there?"), text(r#"{"id":7,"ping":{}}"#), close(1003, "")].concat(),
    );
    peer.ends();
}

/// 7.1.4 and 7.2.1: no close frame at all.
#[test]
fn rfc6455_7_2_1_a_client_that_vanishes_leaves_the_others_alone() {
    let mut witness = Peer::joined();
    for cut in [0, 1, 5, 20] {
        let mut peer = Peer::joined();
        peer.write(&text(r#"{"id":2,"ping":{}}"#)[..cut]);
        drop(peer);
        witness.is_alive();
    }
}
