//! Limits hold while the bytes arrive, at the octet where they are passed.

mod stomp_support;

use madang_wire::stomp::{Command, DecodeError, Decoder, Frame, Limits, Peer, Version};
use stomp_support::{frames_of, negotiated, send};

const SMALL: Limits = Limits {
    header_count_max: 3,
    header_line_bytes_max: 20,
    head_bytes_max: 60,
    body_bytes_max: 8,
};

fn outcome(limits: Limits, bytes: &[u8]) -> Result<usize, DecodeError> {
    let fresh = || negotiated(Peer::Client, Version::V1_2, limits);
    let whole = frames_of(&mut fresh(), [bytes]);
    assert_eq!(
        whole,
        frames_of(&mut fresh(), bytes.chunks(1)),
        "cut into octets"
    );
    whole.1.map_or(Ok(whole.0.len()), Err)
}

#[test]
fn l1_the_number_of_headers_is_limited() {
    assert_eq!(outcome(SMALL, b"ACK\na:\nb:\nc:\n\n\0"), Ok(1));
    let error = outcome(SMALL, b"ACK\na:\nreceipt:r\na:\na:\n\n\0").unwrap_err();
    assert_eq!(
        error,
        DecodeError::TooManyHeaders {
            receipt: Some("r".into())
        }
    );
    assert!(error.is_limit());
}

#[test]
fn l2_the_length_of_a_header_line_is_limited() {
    assert_eq!(
        outcome(SMALL, format!("ACK\na:{}\n\n\0", "x".repeat(18)).as_bytes()),
        Ok(1)
    );
    for tail in ["", "\n", "\n\n\0", "\0"] {
        let bytes = format!("ACK\na:{}{tail}", "x".repeat(19));
        let error = outcome(SMALL, bytes.as_bytes()).unwrap_err();
        assert_eq!(
            error,
            DecodeError::HeaderTooLong { receipt: None },
            "{tail:?}"
        );
    }
}

#[test]
fn l2_the_length_of_all_headers_is_limited() {
    let head = |last: usize| {
        let line = format!("a:{}\n", "x".repeat(18));
        format!("ACK\n{line}{line}a:{}\n\n\0", "x".repeat(last))
    };
    // 4 + 21 + 21, then the last line of 3 octets and what it is filled up with, then 1.
    assert_eq!(outcome(SMALL, head(10).as_bytes()), Ok(1));
    let error = outcome(SMALL, head(11).as_bytes()).unwrap_err();
    assert_eq!(error, DecodeError::HeadTooLarge { receipt: None });
    assert!(outcome(SMALL, head(18).as_bytes()).is_err());
}

#[test]
fn l3_the_length_of_a_body_is_limited() {
    assert_eq!(outcome(SMALL, &send("", b"12345678")), Ok(1));
    assert_eq!(
        outcome(SMALL, &send("content-length:8\n", b"12345678")),
        Ok(1)
    );
    for bytes in [
        send("", b"123456789"),
        send("content-length:9\n", b"123456789"),
    ] {
        let error = outcome(SMALL, &bytes).unwrap_err();
        assert_eq!(error, DecodeError::BodyTooLarge { receipt: None });
    }
}

#[test]
fn l3_an_announced_body_that_is_too_long_is_refused_before_it_arrives() {
    for length in ["9", "4294967296", "18446744073709551616"] {
        let bytes = format!("SEND\nreceipt:r\ncontent-length:{length}\n\n");
        let limits = Limits {
            header_line_bytes_max: 100,
            head_bytes_max: 100,
            ..SMALL
        };
        let error = outcome(limits, bytes.as_bytes()).unwrap_err();
        assert_eq!(
            error,
            DecodeError::BodyTooLarge {
                receipt: Some("r".into())
            }
        );
    }
}

#[test]
fn l3_memory_is_not_reserved_by_what_a_peer_announces() {
    let limits = Limits {
        body_bytes_max: usize::MAX,
        ..Limits::default()
    };
    let mut decoder = negotiated(Peer::Client, Version::V1_2, limits);
    let bytes: &[u8] = b"SEND\ncontent-length:1000000000000\n\nabc";
    assert_eq!(frames_of(&mut decoder, [bytes]), (vec![], None));
    assert!(decoder.heap_bytes() < 1024, "{}", decoder.heap_bytes());
}

#[test]
fn l3_a_body_that_arrives_in_pieces_never_takes_more_memory_than_its_limit() {
    let body = vec![b'x'; Limits::default().body_bytes_max];
    for headers in ["", "content-length:65536\n"] {
        let mut decoder = negotiated(Peer::Client, Version::V1_2, Limits::default());
        let bytes = send(headers, &body);
        for mut piece in bytes.chunks(700) {
            decoder.decode(&mut piece).unwrap();
            assert!(
                decoder.heap_bytes() <= body.len() + 1024,
                "{}",
                decoder.heap_bytes()
            );
        }
        assert_eq!(decoder.heap_bytes(), 0);
    }
}

#[test]
fn l3_an_ignored_body_of_1_0_is_limited_and_not_kept() {
    let mut decoder = negotiated(Peer::Client, Version::V1_0, Limits::default());
    let body = [b'x'; 1000];
    let (_, error) = frames_of(&mut decoder, [&b"BEGIN\n\n"[..], &body, &body]);
    assert_eq!(error, None);
    assert!(decoder.heap_bytes() < 1024, "{}", decoder.heap_bytes());
    let (_, error) = frames_of(&mut decoder, std::iter::repeat_n(&body[..], 100));
    assert!(matches!(error, Some(DecodeError::BodyTooLarge { .. })));
}

#[test]
fn l4_four_mebibytes_without_line_end_are_refused_in_bounded_memory() {
    let bytes = [b"CONNECT\nx:".as_slice(), &vec![b'x'; 4 << 20]].concat();
    for chunk_bytes in [1, 1000, 8192, bytes.len()] {
        let mut decoder = Decoder::new(Peer::Client, Limits::default());
        let mut most = 0;
        let mut error = None;
        for mut chunk in bytes.chunks(chunk_bytes) {
            if let Err(refused) = decoder.decode(&mut chunk) {
                error = Some(refused);
                break;
            }
            most = most.max(decoder.heap_bytes());
        }
        assert_eq!(error, Some(DecodeError::HeaderTooLong { receipt: None }));
        assert!(
            most <= 2 * Limits::default().header_line_bytes_max + 1024,
            "{most}"
        );
    }
}

#[test]
fn limits_may_be_raised_after_a_login() {
    let mut decoder = negotiated(Peer::Client, Version::V1_2, SMALL);
    decoder.set_limits(Limits::default());
    assert_eq!(decoder.limits(), Limits::default());
    let bytes = send("", &[b'x'; 5000]);
    assert_eq!(frames_of(&mut decoder, [bytes.as_slice()]).1, None);
}

#[test]
fn an_idle_decoder_is_small_and_holds_no_heap() {
    assert!(
        size_of::<Decoder>() <= size_of::<Limits>() + 24,
        "{}",
        size_of::<Decoder>()
    );
    assert!(size_of::<Frame>() <= 104, "{}", size_of::<Frame>());
    let mut decoder = negotiated(Peer::Client, Version::V1_2, Limits::default());
    assert_eq!(decoder.heap_bytes(), 0);
    let bytes = send("a:b\n", b"body");
    let (front, back) = bytes.split_at(20);
    frames_of(&mut decoder, [front]);
    assert!(decoder.heap_bytes() > 0);
    let (frames, _) = frames_of(&mut decoder, [back, b"\n\r"]);
    assert_eq!(frames[0].command, Command::Send);
    assert_eq!(decoder.heap_bytes(), 0);
}
