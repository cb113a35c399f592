//! Group 9: limits and performance, without the clock.

use madang_wire::websocket::Opcode::{Binary, Continuation, Text};
use madang_wire::websocket::{
    CloseCode, Decoder, Event, Kind, Limits, Opcode, ProtocolError, Role,
};

use crate::peer::{Answer, EchoServer, fragments, part, run, whole};

fn answer(opcode: Opcode, payload: Vec<u8>) -> Answer {
    match opcode {
        Text => Answer::Text(String::from_utf8(payload).expect("the text is UTF-8")),
        _ => Answer::Binary(payload),
    }
}

fn echo(chunks: &[impl AsRef<[u8]>]) -> Vec<Answer> {
    let mut server = EchoServer::new();
    chunks
        .iter()
        .for_each(|chunk| server.receive(chunk.as_ref()));
    server.answers()
}

#[test]
fn case_9_1_and_9_2_messages_of_64_kib_to_16_mib_are_echoed() {
    for size in [64 << 10, 256 << 10, 1 << 20, 4 << 20, 8 << 20, 16 << 20] {
        for opcode in [Text, Binary] {
            let payload = vec![b'*'; size];
            let frame = whole(opcode, &payload);
            assert!(
                echo(&[frame]) == [answer(opcode, payload)],
                "{opcode:?} of {size}"
            );
        }
    }
}

#[test]
fn case_9_3_and_9_4_a_message_in_fragments_of_64_bytes_to_4_mib_is_echoed() {
    let payload = vec![b'*'; 4 << 20];
    for size in [
        64,
        256,
        1 << 10,
        4 << 10,
        16 << 10,
        64 << 10,
        256 << 10,
        1 << 20,
        4 << 20,
    ] {
        for opcode in [Text, Binary] {
            let parts: Vec<_> = payload.chunks(size).collect();
            let frames = fragments(opcode, &parts);
            let expected = [answer(opcode, payload.clone())];
            assert!(echo(&frames) == expected, "{opcode:?} by {size}");
        }
    }
}

#[test]
fn case_9_5_and_9_6_a_message_in_chops_of_64_bytes_to_2_kib_is_echoed() {
    let payload = vec![b'*'; 1 << 20];
    for size in [64, 128, 256, 512, 1024, 2048] {
        for opcode in [Text, Binary] {
            let frame = whole(opcode, &payload);
            let chops: Vec<_> = frame.chunks(size).collect();
            let expected = [answer(opcode, payload.clone())];
            assert!(echo(&chops) == expected, "{opcode:?} by {size}");
        }
    }
}

#[test]
fn case_9_7_and_9_8_a_thousand_messages_are_echoed_in_order() {
    for size in [0, 16, 64, 256, 1024, 4096] {
        for opcode in [Text, Binary] {
            let payload = vec![b'*'; size];
            let frames = vec![whole(opcode, &payload); 1000];
            let answers = run(&frames);
            assert_eq!(answers.len(), 1000);
            assert!(
                answers
                    .iter()
                    .all(|each| *each == answer(opcode, payload.clone()))
            );
        }
    }
}

fn decode_all(limit: usize, bytes: &[u8]) -> (usize, Result<(), ProtocolError>) {
    let mut bytes = bytes.to_vec();
    let mut input = bytes.as_mut_slice();
    let mut decoder = Decoder::new(
        Role::Server,
        Limits {
            message_bytes_max: limit,
        },
    );
    let mut messages = 0;
    loop {
        match decoder.decode(&mut input) {
            Ok(Some(event)) => {
                assert!(matches!(
                    event,
                    Event::Message {
                        kind: Kind::Binary,
                        ..
                    }
                ));
                messages += 1;
            }
            Ok(None) => return (messages, Ok(())),
            Err(error) => return (messages, Err(error)),
        }
    }
}

#[test]
fn a_message_of_the_limit_is_taken_and_one_byte_more_is_refused_with_1009() {
    let frame = |size| whole(Binary, &vec![0; size]);
    assert_eq!(decode_all(1000, &frame(1000)), (1, Ok(())));
    assert_eq!(
        decode_all(1000, &frame(1001)),
        (0, Err(ProtocolError::MessageTooBig))
    );
    assert_eq!(
        ProtocolError::MessageTooBig.close_code(),
        CloseCode::TOO_BIG
    );
}

#[test]
fn the_limit_counts_all_fragments_of_one_message_and_not_the_next() {
    let of = |last| {
        [
            part(Binary, false, &[0; 400]),
            part(Continuation, false, &[0; 400]),
            part(Continuation, true, &vec![0; last]),
        ]
        .concat()
    };
    assert_eq!(decode_all(1000, &[of(200), of(200)].concat()), (2, Ok(())));
    let refused = (1, Err(ProtocolError::MessageTooBig));
    assert_eq!(decode_all(1000, &[of(200), of(201)].concat()), refused);
}

#[test]
fn a_frame_over_the_limit_is_refused_by_its_head_alone() {
    let head = &whole(Binary, &[0; 70_000])[..14];
    assert_eq!(
        decode_all(65_536, head),
        (0, Err(ProtocolError::MessageTooBig))
    );
    let mut largest = *b"\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff\0\0\0\0";
    assert_eq!(
        decode_all(usize::MAX, &largest),
        (0, Err(ProtocolError::MessageTooBig))
    );
    largest[2] = 0xff;
    assert_eq!(
        decode_all(usize::MAX, &largest),
        (0, Err(ProtocolError::LengthTopBit))
    );
}
