//! The rules of RFC 6455 that a server keeps, by section.

use super::*;

const CONTROLS: [u8; 3] = [0x8, 0x9, 0xa];

fn text(text: &str) -> Heard {
    Heard::Text(text.into())
}

fn binary(bytes: &[u8]) -> Heard {
    Heard::Binary(bytes.into())
}

fn close(code: u16, reason: &[u8]) -> Vec<u8> {
    masked(FIN | 0x8, &[&code.to_be_bytes(), reason].concat())
}

#[test]
fn an_unmasked_frame_is_refused_5_1() {
    let unmasked = [0x81, 0x05, b'H', b'e', b'l', b'l', b'o'];
    assert_eq!(heard(false, &unmasked), Err(Broken::NotMasked));
    for opcode in CONTROLS {
        assert_eq!(heard(false, &[FIN | opcode, 0x00]), Err(Broken::NotMasked));
    }
}

#[test]
fn our_frames_are_not_masked_5_1() {
    for opcode in [Opcode::Text, Opcode::Binary, Opcode::Close, Opcode::Ping, Opcode::Pong] {
        assert_eq!(frame(opcode, &[])[1], 0);
    }
}

#[test]
fn a_reserved_bit_without_an_extension_is_refused_5_2() {
    for bit in [0x40, 0x20, 0x10] {
        for opcode in [0x0, 0x1, 0x2, 0x8, 0x9, 0xa] {
            assert_eq!(heard(false, &masked(FIN | bit | opcode, b"")), Err(Broken::ReservedBits));
        }
    }
}

#[test]
fn a_reserved_opcode_is_refused_5_2() {
    for opcode in (0x3..=0x7).chain(0xb..=0xf) {
        assert_eq!(heard(false, &masked(FIN | opcode, b"")), Err(Broken::ReservedOpcode));
        assert_eq!(heard(true, &masked(FIN | RSV1 | opcode, b"")), Err(Broken::ReservedOpcode));
    }
}

#[test]
fn a_length_that_is_not_minimal_is_refused_5_2() {
    for length in [0u16, 1, 125] {
        let bytes = [&[0x82, 0xfe], &length.to_be_bytes()[..], &MASK, &vec![0; length.into()]].concat();
        assert_eq!(heard(false, &bytes), Err(Broken::LengthNotMinimal));
    }
    for length in [0u64, 125, 126, 0xffff] {
        let bytes = [&[0x82, 0xff], &length.to_be_bytes()[..], &MASK].concat();
        assert_eq!(heard(false, &bytes), Err(Broken::LengthNotMinimal));
    }
}

#[test]
fn a_length_of_64_bits_is_refused_5_2() {
    for length in [1u64 << 63, u64::MAX] {
        let bytes = [&[0x82, 0xff], &length.to_be_bytes()[..], &MASK].concat();
        assert_eq!(heard(false, &bytes), Err(Broken::LengthTooLarge));
    }
    let bytes = [&[0x82, 0xff], &(u64::MAX >> 1).to_be_bytes()[..], &MASK].concat();
    assert_eq!(heard(false, &bytes), Err(Broken::TOO_LARGE));
}

#[test]
fn every_length_is_read_and_written_5_2() {
    for length in [0, 1, 125, 126, 127, 128, 255, 256, 4_095, MESSAGE_BYTES_MAX] {
        let payload: Vec<u8> = (0..length).map(|at| at.to_le_bytes()[0]).collect();
        assert_eq!(heard(false, &masked(FIN | 0x2, &payload)), Ok(vec![binary(&payload)]), "{length}");
    }
    for (length, expected) in [
        (0, &[0x82, 0][..]),
        (125, &[0x82, 125]),
        (126, &[0x82, 126, 0, 126]),
        (0xffff, &[0x82, 126, 0xff, 0xff]),
        (0x1_0000, &[0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0]),
    ] {
        let (bytes, count) = header(Opcode::Binary, false, length);
        assert_eq!(&bytes[..count], expected);
        let payload = vec![7; length];
        assert_eq!(frame(Opcode::Binary, &payload), [expected, &payload].concat());
    }
}

#[test]
fn every_byte_is_unmasked_with_its_part_of_the_key_5_3() {
    for mask in [[0; 4], MASK, [0xff; 4], [1, 2, 3, 4]] {
        for length in 0..70 {
            let payload: Vec<u8> = (0..length).collect();
            let bytes = masked_with(mask, FIN | 0x2, &payload);
            assert_eq!(heard(false, &bytes), Ok(vec![binary(&payload)]), "{length} bytes under {mask:?}");
        }
    }
}

#[test]
fn fragments_are_one_message_5_4() {
    let bytes = [masked(0x1, b"ap"), masked(0x0, b""), masked(0x0, b"ri"), masked(FIN, b"cot")].concat();
    assert_eq!(heard(false, &bytes), Ok(vec![text("apricot")]));
    let empty = [masked(0x2, b""), masked(0x0, b""), masked(FIN, b"")].concat();
    assert_eq!(heard(false, &[empty.clone(), empty].concat()), Ok(vec![binary(b""), binary(b"")]));
}

#[test]
fn control_frames_may_stand_between_fragments_5_4() {
    let bytes = [
        masked(0x1, b"ap"),
        masked(FIN | 0x9, b"there?"),
        masked(0x0, b"ri"),
        masked(FIN | 0xa, b"here"),
        masked(FIN, b"cot"),
    ];
    let expected = vec![Heard::Ping(b"there?".into()), Heard::Pong, text("apricot")];
    assert_eq!(heard(false, &bytes.concat()), Ok(expected));
    let bytes = [masked(0x1, b"ap"), close(1000, b""), masked(FIN, b"cot")].concat();
    assert_eq!(heard(false, &bytes), Ok(vec![Heard::Close(Some(1000), String::new())]));
}

#[test]
fn a_continuation_without_a_start_is_refused_5_4() {
    for first in [0x0, FIN] {
        assert_eq!(heard(false, &masked(first, b"cot")), Err(Broken::ContinuationWithoutStart));
        let after_a_whole_one = [masked(FIN | 0x1, b"apri"), masked(first, b"cot")].concat();
        assert_eq!(heard(false, &after_a_whole_one), Err(Broken::ContinuationWithoutStart));
    }
}

#[test]
fn a_start_inside_a_message_is_refused_5_4() {
    for first in [0x1, 0x2, FIN | 0x1, FIN | 0x2] {
        let bytes = [masked(0x1, b"ap"), masked(first, b"ri")].concat();
        assert_eq!(heard(false, &bytes), Err(Broken::StartInsideMessage));
    }
}

#[test]
fn a_fragmented_control_frame_is_refused_5_5() {
    for opcode in CONTROLS {
        assert_eq!(heard(false, &masked(opcode, b"")), Err(Broken::FragmentedControl));
    }
}

#[test]
fn a_control_frame_above_125_bytes_is_refused_5_5() {
    for opcode in CONTROLS {
        for length in [126, 127, 0x1_0000] {
            let bytes = masked(FIN | opcode, &vec![0; length]);
            assert_eq!(heard(false, &bytes), Err(Broken::ControlTooLong));
        }
    }
    assert_eq!(heard(false, &masked(FIN | 0x9, &[b'p'; 125])), Ok(vec![Heard::Ping(vec![b'p'; 125])]));
}

#[test]
fn a_close_has_no_body_or_a_code_and_perhaps_a_reason_5_5_1() {
    assert_eq!(heard(false, &masked(FIN | 0x8, b"")), Ok(vec![Heard::Close(None, String::new())]));
    assert_eq!(heard(false, &close(1001, b"")), Ok(vec![Heard::Close(Some(1001), String::new())]));
    let reason = "再见".repeat(20);
    assert_eq!(heard(false, &close(3000, reason.as_bytes())), Ok(vec![Heard::Close(Some(3000), reason)]));
}

#[test]
fn a_close_with_half_a_code_is_refused_5_5_1() {
    assert_eq!(heard(false, &masked(FIN | 0x8, &[3])), Err(Broken::CloseTooShort));
}

#[test]
fn nothing_is_read_after_a_close_5_5_1() {
    let mut ear = Ear::new(false);
    let closed = [close(1000, b"bye"), masked(FIN | 0x1, b"and"), vec![0xff; 20]].concat();
    for bytes in [&closed[..], &masked(FIN | 0x1, b"but"), &[0xff; 20]] {
        assert_eq!(ear.read(bytes), Ok(()));
        assert_eq!(ear.heard, [Heard::Close(Some(1000), "bye".into())]);
    }
    assert_eq!(ear.inbound.kept_bytes(), 0);
}

#[test]
fn a_ping_is_handed_over_with_what_its_pong_must_say_5_5_2() {
    assert_eq!(heard(false, &masked(FIN | 0x9, b"7")), Ok(vec![Heard::Ping(b"7".into())]));
    assert_eq!(frame(Opcode::Pong, b"7"), [0x8a, 0x01, b'7'].as_slice());
}

#[test]
fn a_pong_that_nobody_asked_for_is_read_5_5_3() {
    assert_eq!(heard(false, &masked(FIN | 0xa, b"beat")), Ok(vec![Heard::Pong]));
}

#[test]
fn the_examples_5_7() {
    let hello = [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];
    assert_eq!(heard(false, &hello), Ok(vec![text("Hello")]));
    assert_eq!(frame(Opcode::Text, b"Hello"), [0x81, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f].as_slice());
    // The two fragments stand there unmasked; 5.1 has them masked.
    let fragments = [masked(0x01, b"Hel"), masked(0x80, b"lo")].concat();
    assert_eq!(heard(false, &fragments), Ok(vec![text("Hello")]));
    assert_eq!(frame(Opcode::Ping, b"Hello"), [0x89, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f].as_slice());
    let pong = [0x8a, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];
    assert_eq!(heard(false, &pong), Ok(vec![Heard::Pong]));
    let bytes_256 = [&[0x82, 0xfe, 0x01, 0x00][..], &[0; 4], &[9; 256]].concat();
    assert_eq!(heard(false, &bytes_256), Ok(vec![binary(&[9; 256])]));
    assert_eq!(frame(Opcode::Binary, &[9; 256])[..4], [0x82, 0x7e, 0x01, 0x00]);
    let kib_64 = frame(Opcode::Binary, &[9; 65_536]);
    assert_eq!(kib_64[..10], [0x82, 0x7f, 0, 0, 0, 0, 0, 0x01, 0, 0]);
}

#[test]
fn reading_stops_at_the_first_broken_rule_7_1_7() {
    let mut ear = Ear::new(false);
    let broken = [masked(FIN | 0x1, b"well"), vec![FIN | 0x1, 0x00], masked(FIN | 0x1, b"not")].concat();
    assert_eq!(ear.read(&broken), Err(Broken::NotMasked));
    assert_eq!(ear.read(&masked(FIN | 0x1, b"nor")), Ok(()));
    assert_eq!(ear.heard, [text("well")]);
    assert_eq!(ear.inbound.kept_bytes(), 0);
}

#[test]
fn a_close_code_that_must_not_be_sent_is_refused_7_4() {
    let may = |code: u16| heard(false, &close(code, b""));
    let refused = [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1999, 2000, 2999, 5000, 0xffff];
    for code in refused {
        assert_eq!(may(code), Err(Broken::CloseCodeInvalid), "{code}");
    }
    for code in (1000..=1003).chain(1007..=1014).chain([3000, 3999, 4000, 4999]) {
        assert_eq!(may(code), Ok(vec![Heard::Close(Some(code), String::new())]), "{code}");
    }
}

#[test]
fn what_was_broken_is_a_code_that_may_be_sent_and_a_sentence_with_its_section_7_4_1() {
    for (broken, code) in [
        (Broken::NotMasked, 1002),
        (Broken::ReservedBits, 1002),
        (Broken::ReservedOpcode, 1002),
        (Broken::LengthNotMinimal, 1002),
        (Broken::LengthTooLarge, 1002),
        (Broken::StartInsideMessage, 1002),
        (Broken::ContinuationWithoutStart, 1002),
        (Broken::FragmentedControl, 1002),
        (Broken::ControlTooLong, 1002),
        (Broken::CloseTooShort, 1002),
        (Broken::CloseCodeInvalid, 1002),
        (Broken::CompressedControl, 1002),
        (Broken::CompressedContinuation, 1002),
        (Broken::NotUtf8, 1007),
        (Broken::NotInflatable, 1007),
        (Broken::TOO_LARGE, 1009),
    ] {
        assert_eq!(broken.close_code(), code);
        let sentence = broken.to_string();
        assert!(sentence.contains(" (RFC ") && sentence.len() <= 123, "{sentence}");
    }
}

#[test]
fn a_close_of_ours_has_its_code_and_a_reason_that_fits_5_5() {
    assert_eq!(close_frame(1001, "bye"), [0x88, 5, 0x03, 0xe9, b'b', b'y', b'e'].as_slice());
    let long = close_frame(1000, &"x".repeat(500));
    assert_eq!((long.len(), long[1]), (127, 125));
    // 123 is 41 letters of three bytes; one byte before them leaves room for 40.
    let long = close_frame(1000, &format!("x{}", "杏".repeat(100)));
    assert_eq!(&long[4..], format!("x{}", "杏".repeat(40)).as_bytes());
}

#[test]
fn a_text_that_is_not_utf_8_is_refused_8_1() {
    let wrong: [&[u8]; 8] = [
        b"\xff",
        b"a\x80",
        b"\xc0\xaf",
        b"\xe6\x9d",
        b"\xed\xa0\x80",
        b"\xf4\x90\x80\x80",
        b"apricot\xfe",
        "杏".as_bytes().split_last().expect("three bytes").1,
    ];
    for payload in wrong {
        assert_eq!(heard(false, &masked(FIN | 0x1, payload)), Err(Broken::NotUtf8), "{payload:?}");
        let in_fragments = [masked(0x1, payload), masked(FIN, b"")].concat();
        assert_eq!(heard(false, &in_fragments), Err(Broken::NotUtf8), "{payload:?}");
        assert_eq!(heard(false, &close(1000, payload)), Err(Broken::NotUtf8), "{payload:?}");
        assert_eq!(heard(false, &masked(FIN | 0x2, payload)), Ok(vec![binary(payload)]), "{payload:?}");
    }
}

#[test]
fn a_letter_may_be_cut_between_fragments_5_6() {
    let letter = "杏".as_bytes();
    let bytes = [masked(0x1, &letter[..1]), masked(0x0, &letter[1..2]), masked(FIN, &letter[2..])].concat();
    assert_eq!(heard(false, &bytes), Ok(vec![text("杏")]));
}

#[test]
fn a_message_above_the_limit_is_refused_at_its_header_10_4() {
    let above = masked(FIN | 0x2, &vec![0; MESSAGE_BYTES_MAX + 1]);
    let mut ear = Ear::new(false);
    assert_eq!(ear.read(&above[..7]), Ok(()));
    assert_eq!(ear.read(&above[7..8]), Err(Broken::TOO_LARGE), "its header has 8 bytes");
    let huge = [&[0x82, 0xff], &(1u64 << 40).to_be_bytes()[..], &MASK].concat();
    assert_eq!(heard(false, &huge), Err(Broken::TOO_LARGE));
}

#[test]
fn fragments_that_add_up_above_the_limit_are_refused_10_4() {
    let most = masked(0x2, &vec![0; MESSAGE_BYTES_MAX]);
    let mut ear = Ear::new(false);
    assert_eq!(ear.read(&[&most[..], &masked(0x0, b""), &masked(FIN, b"")].concat()), Ok(()));
    assert_eq!(ear.heard, [binary(&vec![0; MESSAGE_BYTES_MAX])]);
    assert_eq!(ear.read(&[&most[..], &masked(0x0, b"")].concat()), Ok(()));
    assert_eq!(ear.read(&masked(FIN, b"x")[..6]), Err(Broken::TOO_LARGE), "at the header");
}

#[test]
fn an_idle_connection_keeps_16_bytes_and_nothing_on_the_heap() {
    assert!(size_of::<Inbound>() <= 16);
    let mut ear = Ear::new(true);
    let message = masked(0x1, b"ap");
    for (bytes, keeps) in [
        (&message[..], true),
        (&masked(FIN | 0x9, b"?"), true),
        (&masked(FIN, b"ricot"), false),
        (&message[..1], true),
        (&message[1..], true),
        (&masked(FIN, b""), false),
        (&masked(FIN | 0x2, &[7; 300])[..299], true),
        (&masked(FIN | 0x2, &[7; 300])[299..], false),
        (&[], false),
    ] {
        assert_eq!(ear.read(bytes), Ok(()));
        assert_eq!(ear.inbound.kept_bytes() > 0, keeps, "after {bytes:?}");
    }
}

/// They are held by tasks that move between threads.
#[test]
fn all_parts_may_move_to_another_thread() {
    fn moves<T: Send + 'static>() {}
    moves::<Inbound>();
    moves::<Inflater>();
    moves::<Deflater>();
}

#[test]
fn what_the_reader_refuses_ends_reading() {
    #[derive(Debug, PartialEq)]
    enum Ending {
        Broken(Broken),
        Enough,
    }
    impl From<Broken> for Ending {
        fn from(broken: Broken) -> Self {
            Self::Broken(broken)
        }
    }
    let mut inbound = Inbound::default();
    let mut bytes = masked(FIN | 0xa, b"").repeat(3);
    let mut count = 0;
    let mut second = |_: Received<'_>| {
        count += 1;
        if count == 2 { Err(Ending::Enough) } else { Ok(()) }
    };
    let mut inflater = Inflater::new();
    assert_eq!(inbound.read(&mut bytes, &mut inflater, &mut second), Err(Ending::Enough));
    assert_eq!(inbound.read(&mut [0xff; 9], &mut inflater, &mut second), Ok(()));
    assert_eq!(count, 2);
}
