//! Groups 5 and 10: fragmentation.

use madang_wire::websocket::Opcode::{self, Binary, Continuation, Ping, Pong, Text};

use crate::peer::{Answer, EchoServer, PROTOCOL_ERROR, fragments, part, run, text, whole};

#[test]
fn case_5_1_and_5_2_a_fragmented_ping_or_pong_is_refused() {
    for opcode in [Ping, Pong] {
        assert_eq!(
            run(&fragments(opcode, &["fragment1", "fragment2"])),
            [PROTOCOL_ERROR]
        );
        assert_eq!(run(&[part(opcode, false, b"fragment1")]), [PROTOCOL_ERROR]);
    }
}

#[test]
fn case_5_3_to_5_5_two_fragments_are_one_message() {
    let frames = fragments(Text, &["fragment1", "fragment2"]);
    assert_eq!(run(&frames), [text("fragment1fragment2")]);
}

#[test]
fn case_5_6_to_5_8_a_ping_between_fragments_is_answered_at_once() {
    let frames = [
        part(Text, false, b"fragment1"),
        whole(Ping, b"ping payload"),
        part(Continuation, true, b"fragment2"),
    ];
    let pong = Answer::Pong(b"ping payload".to_vec());
    assert_eq!(run(&frames), [pong.clone(), text("fragment1fragment2")]);

    let mut server = EchoServer::new();
    server.receive(&frames[..2].concat());
    assert_eq!(server.answers(), [pong]);
}

#[test]
fn case_5_9_to_5_14_a_continuation_of_nothing_is_refused() {
    for fin in [true, false] {
        let frames = [
            part(Continuation, fin, b"non-continuation payload"),
            whole(Text, b"Hello, world!"),
        ];
        assert_eq!(run(&frames), [PROTOCOL_ERROR], "fin {fin}");
    }
}

#[test]
fn case_5_15_a_continuation_after_a_finished_message_is_refused() {
    let mut frames = fragments(Text, &["fragment1", "fragment2"]);
    frames.push(part(Continuation, false, b"fragment3"));
    frames.push(whole(Text, b"fragment4"));
    assert_eq!(run(&frames), [text("fragment1fragment2"), PROTOCOL_ERROR]);
}

#[test]
fn case_5_16_and_5_17_a_continuation_before_its_message_is_refused() {
    for fin in [false, true] {
        let frames: Vec<_> = std::iter::repeat_n(
            [
                part(Continuation, fin, b"fragment1"),
                part(Text, false, b"fragment2"),
                part(Continuation, true, b"fragment3"),
            ],
            2,
        )
        .flatten()
        .collect();
        assert_eq!(run(&frames), [PROTOCOL_ERROR], "fin {fin}");
    }
}

#[test]
fn case_5_18_a_message_inside_a_message_is_refused() {
    for (first, second) in [
        (Text, Text),
        (Text, Binary),
        (Binary, Text),
        (Binary, Binary),
    ] {
        for fin in [true, false] {
            let frames = [
                part(first, false, b"fragment1"),
                part(second, fin, b"fragment2"),
            ];
            assert_eq!(run(&frames), [PROTOCOL_ERROR], "{first:?}, {second:?}");
        }
    }
}

#[test]
fn case_5_19_and_5_20_pings_between_five_fragments_are_answered_in_order() {
    let first = [
        part(Text, false, b"fragment1"),
        part(Continuation, false, b"fragment2"),
        whole(Ping, b"pongme 1!"),
    ];
    let second = [
        part(Continuation, false, b"fragment3"),
        part(Continuation, false, b"fragment4"),
        whole(Ping, b"pongme 2!"),
        part(Continuation, true, b"fragment5"),
    ];
    let answers = [
        Answer::Pong(b"pongme 1!".to_vec()),
        Answer::Pong(b"pongme 2!".to_vec()),
        text("fragment1fragment2fragment3fragment4fragment5"),
    ];
    assert_eq!(run(&[&first[..], &second[..]].concat()), answers);

    let mut server = EchoServer::new();
    server.receive(&first.concat());
    assert_eq!(server.answers(), answers[..1]);
    server.receive(&second.concat());
    assert_eq!(server.answers(), answers);
}

#[test]
fn case_10_1_a_message_fragmented_at_1300_bytes_is_echoed_whole() {
    let payload = "*".repeat(65536);
    let parts: Vec<_> = payload.as_bytes().chunks(1300).collect();
    assert_eq!(run(&fragments(Text, &parts)), [text(&payload)]);
}

#[test]
fn fragments_of_a_binary_message_may_be_empty() {
    for opcode in [Opcode::Text, Opcode::Binary] {
        let frames = fragments(opcode, &["", "", "a", "", "b", ""]);
        let expected = match opcode {
            Opcode::Text => text("ab"),
            _ => Answer::Binary(b"ab".to_vec()),
        };
        assert_eq!(run(&frames), [expected]);
    }
}
