//! RFC 6455 section 5.5: control frames, pings and pongs.

use super::peer::{CLOSE, CONTINUATION, FIN, Heard, PING, PONG, Peer, close, closes, frame, text};

#[test]
fn rfc6455_5_5_a_control_frame_above_125_bytes_is_1002() {
    for opcode in [PING, PONG] {
        closes(&frame(FIN | opcode, &[b'x'; 126]), 1002);
        closes(&frame(FIN | opcode, &[b'x'; 70_000]), 1002);
    }
    closes(&frame(FIN | CLOSE, &[&1000u16.to_be_bytes()[..], &[b'x'; 124]].concat()), 1002);
}

#[test]
fn rfc6455_5_5_a_control_frame_in_fragments_is_1002() {
    for opcode in [PING, PONG, CLOSE] {
        closes(&frame(opcode, &1000u16.to_be_bytes()), 1002);
    }
    closes(&[frame(PING, b"a"), frame(FIN | CONTINUATION, b"b")].concat(), 1002);
}

#[test]
fn rfc6455_5_5_2_a_ping_is_answered_with_its_own_payload() {
    let mut peer = Peer::joined();
    for payload in [&b""[..], b"a", b"\x00\xFF\xFE not text", &[0xA5; 125]] {
        peer.write(&frame(FIN | PING, payload));
        assert_eq!(peer.pong(), payload);
    }
}

/// 5.5.3: of several pings at once the latest must be answered; those that are, in order.
#[test]
fn rfc6455_5_5_3_of_several_pings_the_last_is_answered() {
    let mut peer = Peer::joined();
    let payloads: Vec<[u8; 1]> = (0..50).map(|number| [number]).collect();
    peer.write(&payloads.iter().flat_map(|payload| frame(FIN | PING, payload)).collect::<Vec<u8>>());
    let mut least = 0;
    while least < 50 {
        let pong = peer.pong();
        assert!(pong.len() == 1 && pong[0] >= least, "{pong:?} after {least}");
        least = pong[0] + 1;
    }
    peer.is_alive();
}

#[test]
fn rfc6455_5_5_2_a_ping_before_the_join_is_answered() {
    let mut peer = Peer::open();
    peer.write(&frame(FIN | PING, b"early"));
    assert_eq!(peer.pong(), b"early");
    peer.join("");
}

#[test]
fn rfc6455_5_5_3_a_pong_that_nobody_asked_for_is_ignored() {
    let mut peer = Peer::joined();
    peer.write(&[frame(FIN | PONG, b""), frame(FIN | PONG, &[7; 125])].concat());
    peer.is_alive();
}

/// Who asks for more pongs than it reads is served or closed; the others do not notice.
#[test]
fn rfc6455_5_5_2_a_flood_of_pings_is_survived() {
    let (mut witness, mut peer) = (Peer::joined(), Peer::joined());
    let burst = frame(FIN | PING, &[1; 125]).repeat(2_000);
    peer.write(&[burst, frame(FIN | PING, b"last")].concat());
    witness.is_alive();
    loop {
        match peer.heard() {
            Heard::Pong(payload) if payload == b"last" => break peer.is_alive(),
            Heard::Close(..) | Heard::End => break,
            Heard::Pong(_) | Heard::Message(_) | Heard::Ping => {}
        }
    }
    witness.is_alive();
}

/// 5.5.1, 7.1.5: nothing more after it, and the connection ends.
#[test]
fn rfc6455_5_5_1_a_close_right_behind_a_message_comes_after_its_answer() {
    let mut peer = Peer::joined();
    peer.write(&[frame(FIN | PING, b"p"), text(r#"{"id":5,"ping":{}}"#), close(1000, "")].concat());
    assert_eq!(peer.closed().0, Some(1000));
    peer.ends();
}
