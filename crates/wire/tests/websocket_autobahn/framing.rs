//! Groups 1 to 4: framing, pings and pongs, reserved bits, opcodes.

use madang_wire::websocket::Opcode::{Binary, Ping, Pong, Text};

use crate::peer::{Answer, PROTOCOL_ERROR, odd, run, text, whole};

const SIZES: [usize; 7] = [0, 125, 126, 127, 128, 65535, 65536];

#[test]
fn case_1_1_text_of_every_length_form_is_echoed() {
    for size in SIZES {
        let payload = "*".repeat(size);
        assert_eq!(
            run(&[whole(Text, payload.as_bytes())]),
            [text(&payload)],
            "{size}"
        );
    }
}

#[test]
fn case_1_2_binary_of_every_length_form_is_echoed() {
    for size in SIZES {
        let payload = vec![0xfe; size];
        assert_eq!(
            run(&[whole(Binary, &payload)]),
            [Answer::Binary(payload)],
            "{size}"
        );
    }
}

#[test]
fn case_2_1_to_2_4_and_2_6_a_ping_is_answered_with_its_payload() {
    let payloads: [&[u8]; 4] = [
        b"",
        b"Hello, world!",
        b"\x00\xff\xfe\xfd\xfc\xfb\x00\xff",
        &[0xfe; 125],
    ];
    for payload in payloads {
        assert_eq!(
            run(&[whole(Ping, payload)]),
            [Answer::Pong(payload.to_vec())]
        );
    }
}

#[test]
fn case_2_5_a_ping_of_126_bytes_is_refused() {
    assert_eq!(run(&[whole(Ping, &[0xfe; 126])]), [PROTOCOL_ERROR]);
}

#[test]
fn case_2_7_and_2_8_a_pong_nobody_asked_for_is_ignored() {
    assert_eq!(run(&[whole(Pong, b"")]), []);
    assert_eq!(run(&[whole(Pong, b"unsolicited pong payload")]), []);
}

#[test]
fn case_2_9_a_ping_after_an_unsolicited_pong_is_answered() {
    let frames = [
        whole(Pong, b"unsolicited pong payload"),
        whole(Ping, b"ping payload"),
    ];
    assert_eq!(run(&frames), [Answer::Pong(b"ping payload".to_vec())]);
}

#[test]
fn case_2_10_and_2_11_ten_pings_are_answered_in_order() {
    let payloads: Vec<_> = (0..10)
        .map(|i| format!("payload-{i}").into_bytes())
        .collect();
    let frames: Vec<_> = payloads
        .iter()
        .map(|payload| whole(Ping, payload))
        .collect();
    let answers: Vec<_> = payloads.into_iter().map(Answer::Pong).collect();
    assert_eq!(run(&frames), answers);
}

#[test]
fn case_3_1_a_reserved_bit_is_refused() {
    assert_eq!(run(&[odd(1, 1, b"small payload")]), [PROTOCOL_ERROR]);
}

#[test]
fn case_3_2_to_3_4_what_came_before_a_reserved_bit_is_echoed_and_nothing_after() {
    for bits in [2, 3, 4] {
        let frames = [
            whole(Text, b"small payload"),
            odd(bits, 1, b"small payload"),
            whole(Ping, b""),
        ];
        assert_eq!(
            run(&frames),
            [text("small payload"), PROTOCOL_ERROR],
            "bits {bits}"
        );
    }
}

#[test]
fn case_3_5_to_3_7_reserved_bits_are_refused_on_any_frame() {
    assert_eq!(run(&[odd(5, 2, &[0; 8])]), [PROTOCOL_ERROR]);
    assert_eq!(run(&[odd(6, 9, b"")]), [PROTOCOL_ERROR]);
    assert_eq!(run(&[odd(7, 8, b"")]), [PROTOCOL_ERROR]);
}

#[test]
fn case_4_1_and_4_2_reserved_opcodes_are_refused() {
    for opcode in (3..=7).chain(11..=15) {
        assert_eq!(
            run(&[odd(0, opcode, b"")]),
            [PROTOCOL_ERROR],
            "opcode {opcode}"
        );
        let frames = [
            whole(Text, b"small payload"),
            odd(0, opcode, b"reserved"),
            whole(Ping, b""),
        ];
        assert_eq!(
            run(&frames),
            [text("small payload"), PROTOCOL_ERROR],
            "opcode {opcode}"
        );
    }
}
