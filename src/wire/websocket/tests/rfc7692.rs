//! The rules of RFC 7692 for messages, by section.

use flate2::{Compress, Compression, FlushCompress};

use super::*;

fn text(text: &str) -> Result<Vec<Heard>, Broken> {
    Ok(vec![Heard::Text(text.into())])
}

fn compressed(payload: &[u8]) -> Vec<u8> {
    masked(FIN | RSV1 | 0x1, payload)
}

const HELLO: [u8; 7] = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];

/// As a client does it that flushes, without the four bytes at the end (7.2.1).
pub fn deflated(level: u32, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(payload.len() + 100);
    let mut state = Compress::new(Compression::new(level), false);
    state.compress_vec(payload, &mut out, FlushCompress::Sync).expect("space enough");
    assert_eq!(out.split_off(out.len() - 4), [0x00, 0x00, 0xff, 0xff]);
    out
}

/// As a client does it that ends a stream for each message (7.2.3.4).
pub fn deflated_with_a_last_block(level: u32, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(payload.len() + 100);
    let mut state = Compress::new(Compression::new(level), false);
    state.compress_vec(payload, &mut out, FlushCompress::Finish).expect("space enough");
    out.push(0x00);
    out
}

#[test]
fn a_compressed_control_frame_is_refused_6() {
    for opcode in [0x8, 0x9, 0xa] {
        assert_eq!(heard(true, &masked(FIN | RSV1 | opcode, b"")), Err(Broken::CompressedControl));
    }
}

#[test]
fn only_the_first_frame_of_a_message_is_marked_6() {
    let fragments = [masked(RSV1 | 0x1, &HELLO[..3]), masked(FIN, &HELLO[3..])].concat();
    assert_eq!(heard(true, &fragments), text("Hello"));
    let marked = [masked(RSV1 | 0x1, &HELLO[..3]), masked(FIN | RSV1, &HELLO[3..])].concat();
    assert_eq!(heard(true, &marked), Err(Broken::CompressedContinuation));
    let marked = [masked(0x1, b"Hel"), masked(FIN | RSV1, b"lo")].concat();
    assert_eq!(heard(true, &marked), Err(Broken::CompressedContinuation));
}

#[test]
fn with_the_extension_a_message_may_still_be_plain_6() {
    let bytes = [masked(FIN | 0x1, b"Hello"), compressed(&HELLO), masked(FIN | 0x1, b"Hello")].concat();
    assert_eq!(heard(true, &bytes), Ok(vec![Heard::Text("Hello".into()); 3]));
    for bit in [0x20, 0x10] {
        assert_eq!(heard(true, &masked(FIN | bit | 0x1, b"")), Err(Broken::ReservedBits));
    }
}

#[test]
fn one_compressed_block_7_2_3_1() {
    assert_eq!(heard(true, &compressed(&HELLO)), text("Hello"));
}

#[test]
fn a_message_does_not_see_the_one_before_it_7_2_3_2() {
    assert_eq!(heard(true, &compressed(&HELLO).repeat(2)), Ok(vec![Heard::Text("Hello".into()); 2]));
    // The second message of the example refers to the first; the handshake said that this is not done.
    let shared = [0xf2, 0x00, 0x11, 0x00, 0x00];
    let bytes = [compressed(&HELLO), compressed(&shared)].concat();
    assert_eq!(heard(true, &bytes), Err(Broken::NotInflatable));
}

#[test]
fn a_block_with_no_compression_7_2_3_3() {
    let stored = [0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00];
    assert_eq!(heard(true, &compressed(&stored)), text("Hello"));
}

#[test]
fn a_block_with_the_final_bit_set_7_2_3_4() {
    let last = [0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00];
    assert_eq!(heard(true, &compressed(&last)), text("Hello"));
    let twice = [&last[..7], &last[..]].concat();
    assert_eq!(heard(true, &compressed(&twice)), text("HelloHello"));
}

#[test]
fn two_blocks_in_one_message_7_2_3_5() {
    let two = [0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0x00];
    assert_eq!(heard(true, &compressed(&two)), text("Hello"));
}

#[test]
fn an_empty_message_is_one_byte_7_2_3_6() {
    assert_eq!(heard(true, &compressed(&[0x00])), text(""));
}

#[test]
fn what_is_not_deflate_is_refused_7_2_2() {
    let wrong: [&[u8]; 7] = [
        // Nothing, and a piece of a message.
        b"",
        &HELLO[..4],
        &HELLO[..6],
        // A reserved type of block.
        &[0x06],
        // The length and its complement are not.
        &[0x00, 0x05, 0x00, 0x00, 0x00, 0x48],
        // A stored block that ends in what is appended.
        &[0x00, 0x09, 0x00, 0xf6, 0xff, 0x48],
        // A last block and nothing behind it.
        &[0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00],
    ];
    for payload in wrong {
        assert_eq!(heard(true, &compressed(payload)), Err(Broken::NotInflatable), "{payload:?}");
    }
}

#[test]
fn an_inflated_text_that_is_not_utf_8_is_refused() {
    assert_eq!(heard(true, &compressed(&deflated(6, b"\xc3\x28"))), Err(Broken::NotUtf8));
}

#[test]
fn a_message_is_bounded_also_when_inflated() {
    let most = "杏".repeat(MESSAGE_BYTES_MAX / 3 + 1);
    let most = &most[..most.floor_char_boundary(MESSAGE_BYTES_MAX)];
    let mut ear = Ear::new(true);
    assert_eq!(ear.read(&compressed(&deflated(6, most.as_bytes()))), Ok(()));
    assert_eq!(ear.heard, [Heard::Text(most.into())]);
    for (more, expected) in [(0, Ok(())), (1, Err(Broken::TOO_LARGE)), (16_000_000, Err(Broken::TOO_LARGE))] {
        let zeros = vec![0; MESSAGE_BYTES_MAX + more];
        let bytes = compressed(&deflated(9, &zeros));
        assert_eq!(Ear::new(true).read(&bytes), expected, "{more} more");
    }
}

#[test]
fn every_state_is_fresh_after_a_refusal() {
    let mut inflater = Inflater::new();
    for payload in [&HELLO[..3], &[0x06], &deflated(9, &vec![0; 100_000])] {
        assert!(inflater.message(payload).is_err());
        assert_eq!(inflater.message(&HELLO), Ok(&b"Hello"[..]));
    }
}

#[test]
fn our_messages_are_compressed_when_it_makes_them_smaller() {
    let mut deflater = Deflater::new();
    let mut inflater = Inflater::new();
    let line = r#"{"chat":{"author":"林","text":"how many are left? how many?"}}"#.repeat(3);
    for _ in 0..3 {
        let frame = deflater.message(Opcode::Text, line.as_bytes());
        assert_eq!(frame[0], FIN | RSV1 | 0x1);
        assert!(frame.len() < line.len() / 2, "{} of {}", frame.len(), line.len());
        assert_eq!(inflater.message(&frame[2..]), Ok(line.as_bytes()));
    }
    let chance: Vec<u8> =
        (0..1_000u64).map(|at| (at.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56).to_le_bytes()[0]).collect();
    let mut chance_squared = chance.clone();
    chance_squared.iter_mut().enumerate().for_each(|(at, byte)| *byte ^= chance[at * at % 997]);
    for (opcode, payload) in
        [(Opcode::Text, &b"short"[..]), (Opcode::Binary, &chance_squared), (Opcode::Ping, &[b' '; 125])]
    {
        assert_eq!(deflater.message(opcode, payload), frame(opcode, payload));
    }
    let large = vec![b' '; 1_000_000];
    let large_frame = deflater.message(Opcode::Binary, &large);
    assert!(large_frame.len() < 10_000 && large_frame[0] & RSV1 != 0);
}
