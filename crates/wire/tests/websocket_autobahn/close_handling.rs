//! Group 7: the close handshake.

use madang_wire::websocket::CloseCode;
use madang_wire::websocket::Opcode::{Close, Continuation, Ping, Text};

use crate::peer::{Answer, INVALID_PAYLOAD, PROTOCOL_ERROR, close, part, run, text, whole};

fn closed(code: u16) -> Answer {
    Answer::Close(Some(code), String::new())
}

#[test]
fn case_7_1_1_a_close_after_a_message_is_answered() {
    let frames = [whole(Text, b"Hello World!"), close(1000, b"")];
    assert_eq!(run(&frames), [text("Hello World!"), closed(1000)]);
}

#[test]
fn case_7_1_2_to_7_1_4_whatever_follows_a_close_is_ignored() {
    for after in [
        close(1000, b""),
        whole(Ping, b""),
        whole(Text, b"Hello World!"),
        vec![0xff; 9],
    ] {
        assert_eq!(run(&[close(1000, b""), after]), [closed(1000)]);
    }
}

#[test]
fn case_7_1_5_a_close_between_fragments_ends_the_message_unread() {
    let frames = [
        part(Text, false, b"fragment1"),
        close(1000, b""),
        part(Continuation, true, b"fragment2"),
    ];
    assert_eq!(run(&frames), [closed(1000)]);
}

#[test]
fn case_7_1_6_a_close_after_a_large_message_is_answered_and_a_ping_after_it_is_not() {
    let large = "BAsd7&jh23".repeat(26_214);
    let frames = [
        whole(Text, large.as_bytes()),
        whole(Text, b"Hello World!"),
        close(1000, b""),
        whole(Ping, b""),
    ];
    assert_eq!(
        run(&frames),
        [text(&large), text("Hello World!"), closed(1000)]
    );
}

#[test]
fn case_7_3_1_a_close_without_a_code_is_answered_without_one() {
    assert_eq!(
        run(&[whole(Close, b"")]),
        [Answer::Close(None, String::new())]
    );
}

#[test]
fn case_7_3_2_a_close_with_half_a_code_is_refused() {
    assert_eq!(run(&[whole(Close, b"a")]), [PROTOCOL_ERROR]);
}

#[test]
fn case_7_3_3_to_7_3_5_a_reason_of_up_to_123_bytes_is_taken() {
    for reason in [&b""[..], b"Hello World!", &[b'*'; 123]] {
        assert_eq!(run(&[close(1000, reason)]), [closed(1000)]);
    }
}

#[test]
fn case_7_3_6_a_reason_of_124_bytes_is_refused() {
    assert_eq!(run(&[close(1000, &[b'*'; 124])]), [PROTOCOL_ERROR]);
}

#[test]
fn case_7_5_1_a_reason_that_is_not_utf8_is_refused() {
    let reason =
        b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80\x65\x64\x69\x74\x65\x64";
    assert_eq!(run(&[close(1000, reason)]), [INVALID_PAYLOAD]);
}

#[test]
fn case_7_7_codes_that_may_be_sent_are_echoed() {
    let codes = [
        1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000,
        4999,
    ];
    for code in codes {
        assert_eq!(run(&[close(code, b"")]), [closed(code)], "code {code}");
        assert_eq!(CloseCode::new(code).map(CloseCode::get), Some(code));
    }
}

#[test]
fn case_7_9_and_7_13_codes_that_must_not_be_sent_are_refused() {
    let codes = [
        0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535,
    ];
    for code in codes {
        assert_eq!(run(&[close(code, b"")]), [PROTOCOL_ERROR], "code {code}");
        assert_eq!(CloseCode::new(code), None);
    }
}
