//! RFC 6455 sections 8.1 and 10.4: text is UTF-8, and messages have a size.

use serde_json::json;

use super::peer::{
    BINARY, CLOSE, CONTINUATION, FIN, Heard, Length, PING, Peer, TEXT, closes, frame, frame_with, ping_of,
    text,
};
use super::request::Request;

/// The contract's bound (docs/api.md).
const MESSAGE_BYTES_MAX: usize = 16 * 1024;

const NOT_UTF8: [&[u8]; 8] = [
    b"\xFF",
    b"\x80",
    // An overlong form of NUL, and of a slash.
    b"\xC0\x80",
    b"\xE0\x80\xAF",
    // Half of a pair of surrogates.
    b"\xED\xA0\x80",
    // Beyond U+10FFFF.
    b"\xF4\x90\x80\x80",
    b"\xF5\x80\x80\x80",
    // A letter that does not end.
    b"\xE4\xB8",
];

fn say(text: &[u8]) -> Vec<u8> {
    [br#"{"id":2,"say":{"text":""#, text, br#""}}"#].concat()
}

#[test]
fn rfc6455_8_1_text_that_is_not_utf8_is_1007() {
    for wrong in NOT_UTF8 {
        closes(&text(say(wrong)), 1007);
        closes(&text(wrong), 1007);
    }
}

#[test]
fn rfc6455_8_1_text_that_is_not_utf8_over_fragments_is_1007() {
    for wrong in NOT_UTF8 {
        let whole = say(wrong);
        let at = whole.windows(wrong.len()).position(|part| part == wrong).expect("inside");
        for cut in at..=at + wrong.len() {
            let (first, last) = whole.split_at(cut);
            closes(&[frame(TEXT, first), frame(FIN | CONTINUATION, last)].concat(), 1007);
        }
    }
}

/// 5.6: only the whole message must be valid.
#[test]
fn rfc6455_5_6_a_letter_may_be_cut_by_fragments() {
    let mut peer = Peer::viewer("cut");
    for said in ["杏", "🍑", "é"] {
        let whole = say(said.as_bytes());
        for cut in 23..whole.len() {
            let (first, last) = whole.split_at(cut);
            peer.write(&[frame(TEXT, first), frame(FIN | CONTINUATION, last)].concat());
            assert_eq!(peer.reply(2)["done"], json!({}), "{said} cut at {cut}");
        }
    }
}

#[test]
fn rfc6455_8_1_every_plane_of_unicode_is_text() {
    let mut peer = Peer::viewer("planes");
    for said in
        ["\u{7F}\u{80}\u{7FF}\u{800}", "\u{D7FF}\u{E000}\u{FFFD}\u{FFFE}\u{FFFF}", "\u{10000}\u{10FFFF}"]
    {
        let line = json!({"id": 3, "ping": {"clientTimeMs": "1"}, "ignored": said}).to_string();
        // An unknown field is a problem of the contract; text that is not UTF-8 would have been the end.
        peer.write(&text(line));
        peer.is_alive();
    }
}

/// 8.1 is about text: what a binary message contains is the application's.
#[test]
fn rfc6455_5_6_binary_is_not_looked_at_as_text() {
    let (_, mut peer) = Request::new().with("Sec-WebSocket-Protocol", "apricot.v1.proto").open();
    // A ClientMessage that has only a field of tomorrow: number 100, two bytes.
    peer.write(&frame(FIN | BINARY, b"\x08\x05\xA2\x06\x02\xFF\xFE"));
    let answer = peer.next_message();
    assert_eq!(answer.opcode, BINARY, "and is answered in kind");
}

#[test]
fn rfc6455_10_4_a_message_of_the_largest_size_is_taken() {
    let mut peer = Peer::joined();
    let largest = ping_of(2, MESSAGE_BYTES_MAX);
    assert_eq!(largest.len(), MESSAGE_BYTES_MAX);
    peer.write(&text(&largest));
    assert_eq!(peer.reply(2)["pong"]["clientTimeMs"], "7");
    let (first, last) = largest.as_bytes().split_at(9_000);
    peer.write(&[frame(TEXT, first), frame(FIN | PING, b"!"), frame(FIN | CONTINUATION, last)].concat());
    assert_eq!(peer.reply(2)["pong"]["clientTimeMs"], "7");
}

#[test]
fn rfc6455_7_4_1_a_larger_message_is_1009() {
    for bytes in [MESSAGE_BYTES_MAX + 1, 20_000, 65_535, 65_536, 300_000] {
        closes(&text(ping_of(2, bytes)), 1009);
    }
}

#[test]
fn rfc6455_7_4_1_a_larger_message_in_fragments_is_1009() {
    let (whole, half) = (vec![b' '; MESSAGE_BYTES_MAX], vec![b' '; MESSAGE_BYTES_MAX / 2 + 1]);
    closes(&[frame(TEXT, &whole), frame(FIN | CONTINUATION, b" ")].concat(), 1009);
    closes(&[frame(TEXT, &half), frame(CONTINUATION, &half), frame(FIN | CONTINUATION, b"")].concat(), 1009);
    closes(
        &frame(TEXT, b"          ")
            .into_iter()
            .chain(frame(CONTINUATION, &[b' '; 125]).repeat(600))
            .collect::<Vec<_>>(),
        1009,
    );
}

/// The header is enough: the server does not wait for a gigabyte, nor make room for it.
#[test]
fn rfc6455_7_4_1_a_size_that_is_only_announced_is_1009() {
    for claimed in [1 << 20, 1 << 32, (1 << 63) - 1] {
        closes(&frame_with(FIN | TEXT, Length::Claimed(claimed), Some([9; 4]), b"{"), 1009);
    }
}

#[test]
fn rfc6455_10_4_the_size_is_the_same_for_binary() {
    let mut asked = Request::new().with("Sec-WebSocket-Protocol", "apricot.v1.proto").open().1;
    // `id: 6`, `join: {}`, and a field of tomorrow that fills it up.
    let padded = |bytes: usize| {
        let fill = bytes - 9;
        let length = [
            0x80 | u8::try_from(fill & 0x7F).expect("seven bits"),
            0x80 | u8::try_from(fill >> 7 & 0x7F).expect("seven bits"),
            u8::try_from(fill >> 14).expect("few bits"),
        ];
        [b"\x08\x06\x12\x00\xA2\x06"[..].to_vec(), length.to_vec(), vec![0; fill]].concat()
    };
    assert_eq!(padded(MESSAGE_BYTES_MAX).len(), MESSAGE_BYTES_MAX);
    asked.write(&frame(FIN | BINARY, &padded(MESSAGE_BYTES_MAX)));
    let joined = asked.next_message();
    assert!(joined.payload.windows(8).any(|part| part == b"Apricots"), "the snapshot names the room");
    asked.write(&frame(FIN | BINARY, &padded(MESSAGE_BYTES_MAX + 1)));
    assert_eq!(asked.closed().0, Some(1009));
}

/// What was read before the broken frame counts.
#[test]
fn what_came_before_a_broken_frame_is_answered() {
    let mut peer = Peer::joined();
    peer.write(&[text(ping_of(8, 0)), frame(FIN | PING, b"p"), frame(FIN | 0x5, b"")].concat());
    assert_eq!(peer.reply(8)["id"], 8);
    assert_eq!(peer.closed().0, Some(1002));
}

#[test]
fn rfc6455_5_6_an_empty_message_is_a_message() {
    let mut peer = Peer::joined();
    peer.write(&text(""));
    assert_eq!(peer.reply_to_the_unreadable(), "malformed");
    peer.write(&[frame(TEXT, b""), frame(FIN | CONTINUATION, b"")].concat());
    assert_eq!(peer.reply_to_the_unreadable(), "malformed");
    peer.write(&frame(FIN | CLOSE, &1000u16.to_be_bytes()));
    assert_eq!(peer.closed().0, Some(1000));
}

/// Another kind of message than the subprotocol has.
#[test]
fn rfc6455_7_4_1_the_other_kind_of_message_is_1003() {
    closes(&frame(FIN | BINARY, b"\x08\x01"), 1003);
    let (_, mut peer) = Request::new().with("Sec-WebSocket-Protocol", "apricot.v1.proto").open();
    peer.write(&text("{}"));
    let code = loop {
        match peer.heard() {
            Heard::Close(code, _) => break code,
            Heard::Message(closing) => assert_eq!(closing.opcode, BINARY),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(code, Some(1003));
}
