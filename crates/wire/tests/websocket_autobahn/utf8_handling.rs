//! Group 6: UTF-8.

use madang_wire::websocket::Opcode::{Binary, Continuation, Text};

use crate::peer::{Answer, EchoServer, INVALID_PAYLOAD, fragments, part, run, text, whole};

const KOSME: &[u8] = b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5";

/// 6.5 to 6.11, 6.22, 6.23 of the suite: what is valid.
const VALID: &[&[u8]] = &[
    // 6.6: a word cut between its characters
    &[0xce, 0xba],
    &[0xce, 0xba, 0xe1, 0xbd, 0xb9],
    &[0xce, 0xba, 0xe1, 0xbd, 0xb9, 0xcf, 0x83],
    &[0xce, 0xba, 0xe1, 0xbd, 0xb9, 0xcf, 0x83, 0xce, 0xbc],
    KOSME,
    // 6.7: the first of each length
    b"\x00",
    b"\xc2\x80",
    b"\xe0\xa0\x80",
    b"\xf0\x90\x80\x80",
    // 6.9: the last of each length
    b"\x7f",
    b"\xdf\xbf",
    b"\xef\xbf\xbf",
    b"\xf4\x8f\xbf\xbf",
    // 6.11: around the surrogates and the end
    b"\xed\x9f\xbf",
    b"\xee\x80\x80",
    b"\xef\xbf\xbd",
    // 6.22: noncharacters
    b"\xef\xbf\xbe",
    b"\xf0\x9f\xbf\xbe",
    b"\xf0\x9f\xbf\xbf",
    b"\xf0\xaf\xbf\xbe",
    b"\xf0\xaf\xbf\xbf",
    b"\xf0\xbf\xbf\xbe",
    b"\xf0\xbf\xbf\xbf",
    b"\xf1\x8f\xbf\xbe",
    b"\xf1\x8f\xbf\xbf",
    b"\xf1\x9f\xbf\xbe",
    b"\xf1\x9f\xbf\xbf",
    b"\xf1\xaf\xbf\xbe",
    b"\xf1\xaf\xbf\xbf",
    b"\xf1\xbf\xbf\xbe",
    b"\xf1\xbf\xbf\xbf",
    b"\xf2\x8f\xbf\xbe",
    b"\xf2\x8f\xbf\xbf",
    b"\xf2\x9f\xbf\xbe",
    b"\xf2\x9f\xbf\xbf",
    b"\xf2\xaf\xbf\xbe",
    b"\xf2\xaf\xbf\xbf",
    b"\xf2\xbf\xbf\xbe",
    b"\xf2\xbf\xbf\xbf",
    b"\xf3\x8f\xbf\xbe",
    b"\xf3\x8f\xbf\xbf",
    b"\xf3\x9f\xbf\xbe",
    b"\xf3\x9f\xbf\xbf",
    b"\xf3\xaf\xbf\xbe",
    b"\xf3\xaf\xbf\xbf",
    b"\xf3\xbf\xbf\xbe",
    b"\xf3\xbf\xbf\xbf",
    b"\xf4\x8f\xbf\xbe",
    // 6.23: specials
    b"\xef\xbf\xb9",
    b"\xef\xbf\xba",
    b"\xef\xbf\xbb",
    b"\xef\xbf\xbc",
];

/// 6.6 to 6.21 of the suite: what is not.
const INVALID: &[&[u8]] = &[
    // 6.6: a word cut inside a character
    &[0xce],
    &[0xce, 0xba, 0xe1],
    &[0xce, 0xba, 0xe1, 0xbd],
    &[0xce, 0xba, 0xe1, 0xbd, 0xb9, 0xcf],
    &[0xce, 0xba, 0xe1, 0xbd, 0xb9, 0xcf, 0x83, 0xce],
    &[0xce, 0xba, 0xe1, 0xbd, 0xb9, 0xcf, 0x83, 0xce, 0xbc, 0xce],
    // 6.8, 6.10, 6.11: beyond the last code point
    b"\xf8\x88\x80\x80\x80",
    b"\xfc\x84\x80\x80\x80\x80",
    b"\xf7\xbf\xbf\xbf",
    b"\xfb\xbf\xbf\xbf\xbf",
    b"\xfd\xbf\xbf\xbf\xbf\xbf",
    b"\xf4\x90\x80\x80",
    // 6.12: continuation bytes alone
    b"\x80",
    b"\xbf",
    b"\x80\xbf",
    b"\x80\xbf\x80",
    b"\x80\xbf\x80\xbf",
    b"\x80\xbf\x80\xbf\x80",
    b"\x80\xbf\x80\xbf\x80\xbf",
    // 6.13: first bytes alone
    b"\xc0 \xc1 \xc2 \xc3 \xc4 \xc5 \xc6 \xc7 \xc8 \xc9 \xca \xcb \xcc \xcd \xce \xcf ",
    b"\xc2 ",
    b"\xdf ",
    b"\xe0 \xe1 \xe2 \xe3 \xe4 \xe5 \xe6 \xe7 \xe8 \xe9 \xea \xeb \xec \xed \xee \xef ",
    b"\xef ",
    b"\xf0 \xf1 \xf2 \xf3 \xf4 \xf5 \xf6 \xf7 ",
    b"\xf4 ",
    b"\xf8 \xf9 \xfa \xfb ",
    b"\xfc \xfd ",
    // 6.14, 6.15: the last continuation byte missing
    b"\xc0",
    b"\xe0\x80",
    b"\xf0\x80\x80",
    b"\xf8\x80\x80\x80",
    b"\xfc\x80\x80\x80\x80",
    b"\xdf",
    b"\xef\xbf",
    b"\xf7\xbf\xbf",
    b"\xfb\xbf\xbf\xbf",
    b"\xfd\xbf\xbf\xbf\xbf",
    b"\xc0\xe0\x80\xf0\x80\x80\xf8\x80\x80\x80\xfc\x80\x80\x80\x80\xdf\xef\xbf\xf7\xbf\xbf",
    // 6.16: bytes that never occur
    b"\xfe",
    b"\xff",
    b"\xfe\xfe\xff\xff",
    // 6.17, 6.18, 6.19: overlong forms
    b"\xc0\xaf",
    b"\xe0\x80\xaf",
    b"\xf0\x80\x80\xaf",
    b"\xf8\x80\x80\x80\xaf",
    b"\xfc\x80\x80\x80\x80\xaf",
    b"\xc1\xbf",
    b"\xe0\x9f\xbf",
    b"\xf0\x8f\xbf\xbf",
    b"\xf8\x87\xbf\xbf\xbf",
    b"\xfc\x83\xbf\xbf\xbf\xbf",
    b"\xc0\x80",
    b"\xe0\x80\x80",
    b"\xf0\x80\x80\x80",
    b"\xf8\x80\x80\x80\x80",
    b"\xfc\x80\x80\x80\x80\x80",
    // 6.20, 6.21: surrogates, alone and in pairs
    b"\xed\xa0\x80",
    b"\xed\xad\xbf",
    b"\xed\xae\x80",
    b"\xed\xaf\xbf",
    b"\xed\xb0\x80",
    b"\xed\xbe\x80",
    b"\xed\xbf\xbf",
    b"\xed\xa0\x80\xed\xb0\x80",
    b"\xed\xa0\x80\xed\xbf\xbf",
    b"\xed\xad\xbf\xed\xb0\x80",
    b"\xed\xad\xbf\xed\xbf\xbf",
    b"\xed\xae\x80\xed\xb0\x80",
    b"\xed\xae\x80\xed\xbf\xbf",
    b"\xed\xaf\xbf\xed\xb0\x80",
    b"\xed\xaf\xbf\xed\xbf\xbf",
];

fn bytewise(payload: &[u8]) -> Vec<Vec<u8>> {
    fragments(Text, &payload.chunks(1).collect::<Vec<_>>())
}

#[test]
fn case_6_1_empty_text_and_empty_fragments_are_echoed() {
    assert_eq!(run(&[whole(Text, b"")]), [text("")]);
    assert_eq!(run(&fragments(Text, &["", "", ""])), [text("")]);
    assert_eq!(
        run(&fragments(Text, &["", "middle frame payload", ""])),
        [text("middle frame payload")]
    );
}

#[test]
fn case_6_2_valid_text_is_echoed_however_it_is_fragmented() {
    let greeting = "Hello-µ@ßöäüàá-UTF-8!!";
    assert_eq!(run(&[whole(Text, greeting.as_bytes())]), [text(greeting)]);
    let (front, back) = greeting.split_at("Hello-µ@ßöä".len());
    assert_eq!(run(&fragments(Text, &[front, back])), [text(greeting)]);
    assert_eq!(run(&bytewise(greeting.as_bytes())), [text(greeting)]);
    assert_eq!(
        run(&bytewise(KOSME)),
        [text(std::str::from_utf8(KOSME).unwrap())]
    );
}

#[test]
fn case_6_3_invalid_text_is_refused_however_it_is_fragmented() {
    let payload = [KOSME, b"\xed\xa0\x80edited"].concat();
    assert_eq!(run(&[whole(Text, &payload)]), [INVALID_PAYLOAD]);
    assert_eq!(run(&bytewise(&payload)), [INVALID_PAYLOAD]);
}

/// What the server answers after each of `chunks`.
fn answers_after_each(chunks: &[&[u8]]) -> Vec<Vec<Answer>> {
    let mut server = EchoServer::new();
    let after_each = chunks.iter().map(|chunk| {
        server.receive(chunk);
        server.answers()
    });
    after_each.collect()
}

#[test]
fn case_6_4_1_and_6_4_2_invalid_text_is_refused_before_its_last_fragment() {
    let tail = b"\x80\x80edited";
    for (bad, rest) in [
        (&b"\xf4\x90\x80\x80"[..], &b"edited"[..]),
        (b"\xf4\x90", tail),
    ] {
        let frames = [
            part(Text, false, KOSME),
            part(Continuation, false, bad),
            part(Continuation, true, rest),
        ];
        let frames: Vec<_> = frames.iter().map(Vec::as_slice).collect();
        let refused = vec![INVALID_PAYLOAD];
        assert_eq!(
            answers_after_each(&frames),
            [vec![], refused.clone(), refused]
        );
    }
}

#[test]
fn case_6_4_3_and_6_4_4_invalid_text_is_refused_before_the_end_of_its_frame() {
    let frame = whole(Text, &[KOSME, b"\xf4\x90\x80\x80edited"].concat());
    let bad = 6 + KOSME.len();
    let refused = vec![INVALID_PAYLOAD];
    for end in [bad + 2, bad + 4] {
        let chops = [&frame[..bad + 1], &frame[bad + 1..end], &frame[end..]];
        assert_eq!(
            answers_after_each(&chops),
            [vec![], refused.clone(), refused.clone()]
        );
    }
}

#[test]
fn case_6_5_to_6_23_valid_sequences_are_echoed() {
    for payload in VALID {
        let expected = [text(std::str::from_utf8(payload).unwrap())];
        assert_eq!(run(&[whole(Text, payload)]), expected, "{payload:x?}");
        assert_eq!(
            run(&bytewise(payload)),
            expected,
            "{payload:x?} byte by byte"
        );
    }
}

#[test]
fn case_6_6_to_6_21_invalid_sequences_are_refused() {
    for payload in INVALID {
        assert_eq!(
            run(&[whole(Text, payload)]),
            [INVALID_PAYLOAD],
            "{payload:x?}"
        );
        assert_eq!(
            run(&bytewise(payload)),
            [INVALID_PAYLOAD],
            "{payload:x?} byte by byte"
        );
        let binary = [Answer::Binary(payload.to_vec())];
        assert_eq!(
            run(&[whole(Binary, payload)]),
            binary,
            "{payload:x?} as binary"
        );
    }
}

#[test]
fn every_sequence_is_valid_or_not_at_any_place_of_a_long_text() {
    for (payloads, valid) in [(VALID, true), (INVALID, false)] {
        for payload in payloads {
            for at in [0, 1, 30, 62, 63, 64, 65, 127, 200] {
                let padding = vec![b'a'; at];
                let long = [&padding[..], payload, &padding[..]].concat();
                let answer = &run(&[whole(Text, &long)])[..];
                assert_eq!(answer != [INVALID_PAYLOAD], valid, "{payload:x?} at {at}");
            }
        }
    }
}
