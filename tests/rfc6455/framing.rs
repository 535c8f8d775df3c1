//! RFC 6455 sections 5.1 to 5.4: frames and fragments.

use super::peer::{
    BINARY, CLOSE, CONTINUATION, FIN, Length, PING, PONG, Peer, RSV1, RSV2, RSV3, TEXT, closes, frame,
    frame_with, ping_of, text,
};

const HELLO: &[u8] = br#"{"id":2,"ping":{"clientTimeMs":"7"}}"#;

#[test]
fn rfc6455_5_1_a_frame_without_a_mask_is_1002() {
    closes(&frame_with(FIN | TEXT, Length::Shortest, None, HELLO), 1002);
    closes(&frame_with(FIN | PING, Length::Shortest, None, b""), 1002);
    closes(&frame_with(FIN | PONG, Length::Shortest, None, b"x"), 1002);
}

#[test]
fn rfc6455_5_1_a_close_frame_without_a_mask_is_not_taken() {
    closes(&frame_with(FIN | CLOSE, Length::Shortest, None, &1000u16.to_be_bytes()), 1002);
}

#[test]
fn rfc6455_5_1_the_later_fragment_has_a_mask_too() {
    let (first, last) = HELLO.split_at(9);
    let last = frame_with(FIN | CONTINUATION, Length::Shortest, None, last);
    closes(&[frame(TEXT, first), last].concat(), 1002);
}

#[test]
fn rfc6455_5_3_any_mask_is_taken_off() {
    let mut peer = Peer::joined();
    for (id, mask) in [[0; 4], [0xFF; 4], [1, 2, 3, 4], [0x80, 0, 0x7F, 0x55]].into_iter().enumerate() {
        let id = u32::try_from(id + 10).expect("few");
        // Lengths that no machine word divides.
        let sent = ping_of(id, 61 + usize::from(mask[0] % 7));
        peer.write(&frame_with(FIN | TEXT, Length::Shortest, Some(mask), sent.as_bytes()));
        assert_eq!(peer.reply(id)["pong"]["clientTimeMs"], "7");
    }
}

#[test]
fn rfc6455_5_2_a_reserved_bit_without_an_extension_is_1002() {
    for bit in [RSV1, RSV2, RSV3, RSV1 | RSV2 | RSV3] {
        for opcode in [TEXT, BINARY, PING, PONG] {
            closes(&frame(FIN | bit | opcode, b""), 1002);
        }
    }
}

#[test]
fn rfc6455_5_2_a_reserved_bit_of_a_later_fragment_is_1002() {
    let (first, last) = HELLO.split_at(9);
    closes(&[frame(TEXT, first), frame(FIN | RSV2 | CONTINUATION, last)].concat(), 1002);
}

#[test]
fn rfc6455_5_2_a_reserved_opcode_is_1002() {
    for opcode in (0x3..=0x7).chain(0xB..=0xF) {
        closes(&frame(FIN | opcode, b""), 1002);
    }
    closes(&frame(FIN | 0x3, b"with a payload"), 1002);
    closes(&frame(0x3, b"and not the last"), 1002);
}

#[test]
fn rfc6455_5_2_every_length_is_read() {
    let mut peer = Peer::joined();
    for (id, bytes) in [60, 124, 125, 126, 127, 128, 255, 256, 4_095, 4_096, 16_383].into_iter().enumerate() {
        let id = u32::try_from(id + 10).expect("few");
        peer.write(&text(ping_of(id, bytes)));
        assert_eq!(peer.reply(id)["pong"]["clientTimeMs"], "7", "{bytes} bytes");
    }
}

#[test]
fn rfc6455_5_2_a_length_that_could_be_shorter_is_1002() {
    let mask = Some([9; 4]);
    closes(&frame_with(FIN | TEXT, Length::Bits16, mask, HELLO), 1002);
    closes(&frame_with(FIN | TEXT, Length::Bits16, mask, ping_of(2, 125).as_bytes()), 1002);
    closes(&frame_with(FIN | TEXT, Length::Bits64, mask, HELLO), 1002);
    closes(&frame_with(FIN | TEXT, Length::Bits64, mask, ping_of(2, 200).as_bytes()), 1002);
    closes(&frame_with(FIN | PING, Length::Bits16, mask, b"short"), 1002);
}

#[test]
fn rfc6455_5_2_a_length_with_the_top_bit_is_1002() {
    closes(&frame_with(FIN | TEXT, Length::Claimed(1 << 63), Some([9; 4]), b"x"), 1002);
    closes(&frame_with(FIN | TEXT, Length::Claimed(u64::MAX), Some([9; 4]), b"x"), 1002);
}

#[test]
fn rfc6455_5_2_the_servers_frames_are_not_masked_and_have_the_shortest_length() {
    // Every test's reader looks at this; here short, middle and long ones have gone by: pongs, replies, the snapshot, a problem.
    let mut peer = Peer::joined();
    for bytes in [0, 1, 124, 125] {
        peer.write(&frame(FIN | PING, &vec![b'x'; bytes]));
        assert_eq!(peer.pong().len(), bytes);
    }
    peer.is_alive();
    peer.write(&text("{"));
    assert_eq!(peer.reply_to_the_unreadable(), "malformed");
}

#[test]
fn rfc6455_5_4_fragments_are_one_message() {
    let mut peer = Peer::joined();
    for cuts in [vec![1], vec![0, 36], vec![5, 5, 5], vec![1, 2, 3, 4, 30]] {
        let (mut sent, mut at, mut opcode) = (Vec::new(), 0, TEXT);
        for cut in cuts {
            let cut = cut.max(at);
            sent.extend(frame(opcode, &HELLO[at..cut]));
            (at, opcode) = (cut, CONTINUATION);
        }
        sent.extend(frame(FIN | CONTINUATION, &HELLO[at..]));
        peer.write(&sent);
        assert_eq!(peer.reply(2)["pong"]["clientTimeMs"], "7");
    }
}

#[test]
fn rfc6455_5_4_a_fragment_may_have_one_byte_or_none() {
    let mut peer = Peer::joined();
    peer.write(&frame(TEXT, b""));
    for byte in HELLO {
        peer.write(&frame(CONTINUATION, &[*byte]));
        peer.write(&frame(CONTINUATION, b""));
    }
    peer.write(&frame(FIN | CONTINUATION, b""));
    assert_eq!(peer.reply(2)["pong"]["clientTimeMs"], "7");
}

#[test]
fn rfc6455_5_4_control_frames_may_stand_between_fragments() {
    let mut peer = Peer::joined();
    let (first, last) = HELLO.split_at(20);
    peer.write(&frame(TEXT, first));
    peer.write(&frame(FIN | PING, b"between"));
    // 5.5.2: as soon as is practical, not after the message.
    assert_eq!(peer.pong(), b"between");
    peer.write(&frame(FIN | PONG, b"unasked"));
    peer.write(&frame(FIN | CONTINUATION, last));
    assert_eq!(peer.reply(2)["pong"]["clientTimeMs"], "7");
}

#[test]
fn rfc6455_5_4_a_close_between_fragments_is_answered() {
    let mut peer = Peer::joined();
    peer.write(&frame(TEXT, b"{"));
    peer.write(&super::peer::close(1000, "enough"));
    assert_eq!(peer.closed().0, Some(1000));
    peer.ends();
}

#[test]
fn rfc6455_5_4_a_continuation_of_nothing_is_1002() {
    closes(&frame(FIN | CONTINUATION, HELLO), 1002);
    closes(&frame(CONTINUATION, HELLO), 1002);
    closes(&[text(HELLO), frame(FIN | CONTINUATION, b"")].concat(), 1002);
}

#[test]
fn rfc6455_5_4_a_new_message_inside_another_is_1002() {
    closes(&[frame(TEXT, b"{"), text(HELLO)].concat(), 1002);
    closes(&[frame(TEXT, b"{"), frame(TEXT, b"}")].concat(), 1002);
    closes(&[frame(TEXT, b"{"), frame(FIN | BINARY, b"}")].concat(), 1002);
    closes(&[frame(TEXT, b"{"), frame(CONTINUATION, b" "), text(HELLO)].concat(), 1002);
}

/// 5.2 and 5.4 say what a frame is; where TCP cuts it means nothing.
#[test]
fn rfc6455_5_2_frames_may_come_byte_by_byte() {
    let mut peer = Peer::joined();
    let sent = [frame(FIN | PING, b"slow"), text(ping_of(3, 200)), text(HELLO)].concat();
    for byte in sent {
        peer.write(&[byte]);
    }
    assert_eq!(peer.pong(), b"slow");
    peer.reply(3);
    peer.reply(2);
}

#[test]
fn rfc6455_5_2_many_frames_may_come_at_once() {
    let mut peer = Peer::joined();
    let ids = 100..600;
    peer.write(&ids.clone().flat_map(|id| text(ping_of(id, 0))).collect::<Vec<u8>>());
    for id in ids {
        assert_eq!(peer.reply(id)["id"], id, "each answered, in order");
    }
}

#[test]
fn rfc6455_5_2_a_frame_may_be_cut_anywhere() {
    let sent = text(ping_of(3, 130));
    let mut peer = Peer::joined();
    for cut in (1..12).chain([137]) {
        let (first, last) = sent.split_at(cut);
        peer.write(first);
        std::thread::sleep(std::time::Duration::from_millis(5));
        peer.write(last);
        peer.reply(3);
    }
}
