//! RFC 7692 sections 6 and 7.2: compressed messages in both directions.

use serde_json::{Value, json};

use super::deflate::{Deflater, Inflater};
use super::offers::{Agreed, BROWSERS, agreed};
use super::peer::{CLOSE, CONTINUATION, FIN, PING, PONG, Peer, RSV1, RSV2, TEXT, frame, ping_of, text};
use super::request::Request;

const MESSAGE_BYTES_MAX: usize = 16 * 1024;

/// Somebody in the room whose messages may be compressed.
#[track_caller]
fn talker(offered: &str) -> (Agreed, Peer, Deflater) {
    let (agreed, mut peer) = agreed(offered);
    peer.join("");
    (agreed, peer, agreed.deflater())
}

fn packed(deflated: &[u8]) -> Vec<u8> {
    frame(FIN | RSV1 | TEXT, deflated)
}

/// A whole message in one block of a kind that compresses nothing.
fn stored(message: &[u8]) -> Vec<u8> {
    let length = u16::try_from(message.len()).expect("short");
    [&[0x00][..], &length.to_le_bytes(), &(!length).to_le_bytes(), message, &[0x00]].concat()
}

#[track_caller]
fn closes(sent: &[u8], codes: &[u16]) {
    let (_, mut peer, _) = talker(BROWSERS);
    peer.write(sent);
    let code = peer.closed().0;
    assert!(code.is_some_and(|code| codes.contains(&code)), "{code:?}");
}

#[test]
fn rfc7692_7_2_2_a_compressed_message_is_understood() {
    let (_, mut peer, mut deflater) = talker(BROWSERS);
    for (id, bytes) in [(10, 0), (11, 200), (12, 3_000), (13, 0)] {
        peer.write(&packed(&deflater.deflate(ping_of(id, bytes).as_bytes())));
        assert_eq!(peer.reply(id)["pong"]["clientTimeMs"], "7");
    }
}

/// Both kinds in turn; 7.2.1 keeps the window over messages that were not compressed.
#[test]
fn rfc7692_6_1_a_client_need_not_compress() {
    let (_, mut peer, mut deflater) = talker(BROWSERS);
    for id in 10..20 {
        let message = ping_of(id, 0);
        peer.write(&match id % 2 {
            0 => text(message),
            _ => packed(&deflater.deflate(message.as_bytes())),
        });
        assert_eq!(peer.reply(id)["id"], id);
    }
}

#[test]
fn rfc7692_7_2_2_the_window_goes_on_unless_it_was_agreed_otherwise() {
    for offered in [BROWSERS, "permessage-deflate", "permessage-deflate; client_no_context_takeover"] {
        let (agreed, mut peer, mut deflater) = talker(offered);
        let sizes: Vec<usize> = (0..6)
            .map(|_| {
                let deflated = deflater.deflate(ping_of(7, 0).as_bytes());
                peer.write(&packed(&deflated));
                assert_eq!(peer.reply(7)["pong"]["clientTimeMs"], "7");
                deflated.len()
            })
            .collect();
        let again = *sizes.last().expect("six");
        assert_eq!(again < 8, !agreed.client_no_context_takeover, "{sizes:?} after {agreed:?}");
    }
}

/// 32 KiB back, if the server agreed on no less.
#[test]
fn rfc7692_7_2_2_the_whole_window_may_be_used() {
    let (_, mut peer, mut deflater) = talker("permessage-deflate");
    let noise: String = (0..3_500u32).map(|number| number.wrapping_mul(2_654_435_761).to_string()).collect();
    let (first, rest) = noise.split_at(12_000);
    for (id, part) in [(10, first), (11, &rest[..12_000]), (12, first)] {
        let message = json!({"id": id, "say": {"text": part}}).to_string();
        peer.write(&packed(&deflater.deflate(message.as_bytes())));
        assert_eq!(peer.reply(id)["problem"]["type"], "token-required", "read as it was meant");
    }
}

#[test]
fn rfc7692_6_1_only_the_first_fragment_is_marked() {
    let (_, mut peer, mut deflater) = talker(BROWSERS);
    let deflated = deflater.deflate(ping_of(9, 0).as_bytes());
    for cut in [0, 1, deflated.len() / 2, deflated.len()] {
        let (first, last) = deflated.split_at(cut);
        // The same bytes again mean the same when nothing in them refers to earlier messages.
        let sent = [frame(RSV1 | TEXT, first), frame(FIN | PING, b"p"), frame(FIN | CONTINUATION, last)];
        peer.write(&sent.concat());
        assert_eq!(peer.pong(), b"p");
        assert_eq!(peer.reply(9)["pong"]["clientTimeMs"], "7", "cut at {cut}");
    }
}

#[test]
fn rfc7692_6_1_a_mark_on_a_later_fragment_is_1002() {
    let deflated = Deflater::default().deflate(ping_of(9, 0).as_bytes());
    let (first, last) = deflated.split_at(4);
    closes(&[frame(RSV1 | TEXT, first), frame(FIN | RSV1 | CONTINUATION, last)].concat(), &[1002]);
    closes(&[frame(TEXT, b"{"), frame(FIN | RSV1 | CONTINUATION, b"}")].concat(), &[1002]);
}

#[test]
fn rfc7692_5_a_mark_on_a_control_frame_is_1002() {
    for opcode in [PING, PONG, CLOSE] {
        closes(&frame(FIN | RSV1 | opcode, &1000u16.to_be_bytes()), &[1002]);
    }
}

#[test]
fn rfc7692_5_the_other_reserved_bits_stay_reserved() {
    closes(&frame(FIN | RSV1 | RSV2 | TEXT, b""), &[1002]);
    closes(&frame(FIN | RSV2 | TEXT, b"{}"), &[1002]);
}

#[test]
fn rfc7692_6_without_an_agreement_a_mark_is_1002() {
    let deflated = Deflater::default().deflate(ping_of(9, 0).as_bytes());
    super::peer::closes(&packed(&deflated), 1002);
    let (head, mut peer) = Request::new().and("Sec-WebSocket-Extensions", "permessage-deflate; no=1").open();
    assert_eq!(Agreed::read(&head), None);
    peer.join("");
    peer.write(&packed(&deflated));
    assert_eq!(peer.closed().0, Some(1002));
}

/// 7.2.3.3 to 7.2.3.6.
#[test]
fn rfc7692_7_2_3_every_kind_of_block_is_read() {
    let (_, mut peer, _) = talker(BROWSERS);
    let whole = ping_of(9, 0);
    peer.write(&packed(&stored(whole.as_bytes())));
    assert_eq!(peer.reply(9)["id"], 9, "7.2.3.3: not compressed");
    // Two blocks: the first stored, the second with the fixed code.
    let (first, last) = whole.split_at(10);
    let mut two = stored(first.as_bytes());
    two.pop();
    two.extend(Deflater::default().deflate(last.as_bytes()));
    peer.write(&packed(&two));
    assert_eq!(peer.reply(9)["id"], 9, "7.2.3.5: two blocks");
    // The first bit of all says that this block is the last; a byte of zeros follows.
    let mut last = Deflater::default().deflate(whole.as_bytes());
    last[0] |= 1;
    last.push(0);
    peer.write(&packed(&last));
    assert_eq!(peer.reply(9)["id"], 9, "7.2.3.4: a last block");
    peer.write(&packed(&[0x00]));
    assert_eq!(peer.reply_to_the_unreadable(), "malformed", "7.2.3.6: an empty message");
    peer.is_alive();
}

#[test]
fn rfc7692_7_2_2_what_is_not_deflate_ends_the_connection() {
    let type_three = [0x06, 0xFF];
    let lengths_that_differ = [0x00, 5, 0, 0, 0, b'x'];
    let match_before_the_window = [0x02, 0x7F, 0xFF, 0xFF];
    for broken in [&type_three[..], &lengths_that_differ, &match_before_the_window] {
        assert!(Inflater::default().inflate(broken).is_err(), "{broken:02x?}");
        closes(&packed(broken), &[1002, 1007]);
    }
}

#[test]
fn rfc7692_8_a_message_may_inflate_to_the_largest_size_and_no_more() {
    let (_, mut peer, mut deflater) = talker(BROWSERS);
    peer.write(&packed(&deflater.deflate(ping_of(9, MESSAGE_BYTES_MAX).as_bytes())));
    assert_eq!(peer.reply(9)["pong"]["clientTimeMs"], "7");
    peer.write(&packed(&deflater.deflate(ping_of(9, MESSAGE_BYTES_MAX + 1).as_bytes())));
    assert_eq!(peer.closed().0, Some(1009));
}

/// 100 KB, 2 MB, and as much again in fragments: a few bytes on the wire each.
#[test]
fn rfc7692_8_a_bomb_is_1009() {
    for inflated in [100_000, 2_000_000] {
        let bomb = Deflater::default().deflate(&vec![b' '; inflated]);
        assert!(bomb.len() < MESSAGE_BYTES_MAX, "{}", bomb.len());
        closes(&packed(&bomb), &[1009]);
        let (first, last) = bomb.split_at(bomb.len() / 2);
        closes(&[frame(RSV1 | TEXT, first), frame(FIN | CONTINUATION, last)].concat(), &[1009]);
    }
}

#[test]
fn rfc6455_8_1_compressed_text_is_utf8_too() {
    for wrong in [&b"\xFF"[..], b"{\"id\":2,\"say\":{\"text\":\"\xED\xA0\x80\"}}"] {
        closes(&packed(&Deflater::default().deflate(wrong)), &[1007]);
    }
}

/// The same lines, to one who may be sent compressed ones and one who may not: the reader of each inflates, or fails on the mark.
#[test]
fn rfc7692_7_2_1_what_the_server_compresses_is_what_it_tells_the_others() {
    let offers = [
        BROWSERS,
        "permessage-deflate; server_no_context_takeover",
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
    ];
    for (round, offered) in offers.into_iter().enumerate() {
        let mut plain = Peer::joined();
        let (_, mut packed, _) = talker(offered);
        let mut lin = Peer::viewer("lin");
        let said = |number: usize| format!("line {number} of {round}: 新鲜的杏子 {}", ", fresh".repeat(20));
        for number in 0..40 {
            let id = u32::try_from(100 + number).expect("few");
            lin.write(&text(json!({"id": id, "say": {"text": said(number)}}).to_string()));
            assert_eq!(lin.reply(id)["done"], json!({}));
        }
        for number in 0..40 {
            let this = |line: &Value| (line["chat"]["text"] == said(number)).then(|| line.clone());
            assert_eq!(plain.until(this), packed.until(this), "line {number} after {offered}");
        }
    }
}

/// Otherwise it would be agreed on and never done.
#[test]
fn rfc7692_6_1_a_large_message_of_the_server_is_smaller_on_the_wire() {
    let mut lin = Peer::viewer("lin");
    for id in 2..42 {
        let said = "the same sentence about apricots, again and again. ".repeat(3);
        lin.write(&text(json!({"id": id, "say": {"text": said}}).to_string()));
        assert_eq!(lin.reply(id)["done"], json!({}));
    }
    let mut peer = agreed(BROWSERS).1;
    peer.write(&text(r#"{"id":1,"join":{}}"#));
    let snapshot = peer.next_message();
    assert!(snapshot.payload.starts_with(b"{\"lane\""), "{snapshot:?}");
    assert!(
        snapshot.payload.len() > 5_000,
        "{}: the snapshot has the last lines in it",
        String::from_utf8_lossy(&snapshot.payload)
    );
    assert!(
        snapshot.compressed && snapshot.wire_bytes * 2 < snapshot.payload.len(),
        "{}",
        snapshot.wire_bytes
    );
}

#[test]
fn rfc7692_7_1_2_1_the_server_reaches_no_farther_back_than_it_agreed() {
    for bits in [9, 10, 12] {
        let (said, mut peer) =
            super::offers::offer(&format!("permessage-deflate; server_max_window_bits={bits}"));
        peer.join("");
        let mut lin = Peer::viewer("lin");
        for id in 2..30 {
            let said = format!("{id} {}", "far away and long ago ".repeat(8));
            lin.write(&text(json!({"id": id, "say": {"text": said}}).to_string()));
            assert_eq!(lin.reply(id)["done"], json!({}));
        }
        peer.until(|line| line["chat"]["text"].as_str()?.starts_with("29 far").then_some(()));
        let Some(said) = said else { continue };
        let reach = 1 << said.server_max_window_bits.expect("agreed");
        assert!(peer.inflater().farthest <= reach, "{} with {said:?}", peer.inflater().farthest);
    }
}

/// RFC 6455 5.5 and RFC 7692 5: the reader fails on a mark; here a pong and a close have gone by.
#[test]
fn rfc7692_5_the_servers_control_frames_are_never_compressed() {
    let (_, mut peer, mut deflater) = talker(BROWSERS);
    peer.write(&frame(FIN | PING, &[b'x'; 125]));
    assert_eq!(peer.pong(), [b'x'; 125]);
    peer.write(&packed(&deflater.deflate(b"{")));
    assert_eq!(peer.reply_to_the_unreadable(), "malformed");
    peer.write(&super::peer::close(1000, "bye"));
    assert_eq!(peer.closed().0, Some(1000));
    peer.ends();
}
