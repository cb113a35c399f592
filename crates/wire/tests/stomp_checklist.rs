//! What a server must make of each sequence of octets; the names begin with
//! the row of the checklist that they keep.

mod stomp_support;

use madang_wire::stomp::{Command, DecodeError, Decoder, Item, Limits, Peer, Version};
use stomp_support::{decoded, frames_of, negotiated, send, server};

use Version::{V1_0, V1_1, V1_2};

fn refusal(version: Version, bytes: impl AsRef<[u8]>) -> DecodeError {
    server(version, bytes).expect_err("refused")
}

fn bodies(version: Version, bytes: impl AsRef<[u8]>) -> Vec<Vec<u8>> {
    let frames = server(version, bytes).expect("accepted");
    frames.into_iter().map(|frame| frame.body).collect()
}

#[test]
fn f1_cr_lf_ends_every_line_in_1_2() {
    let frames = server(V1_2, "SUBSCRIBE\r\nid:s1\r\ndestination:/d\r\n\r\n\0").unwrap();
    assert_eq!(frames[0].command, Command::Subscribe);
    assert_eq!(frames[0].get("id"), Some("s1"));
    assert_eq!(frames[0].get("destination"), Some("/d"));
}

#[test]
fn f1_cr_lf_ends_every_line_of_a_connect() {
    let mut decoder = Decoder::new(Peer::Client, Limits::default());
    let bytes: &[u8] = b"\r\nCONNECT\r\naccept-version:1.2\r\nhost:a:80\r\n\r\n\0";
    let (frames, error) = frames_of(&mut decoder, [bytes]);
    assert_eq!(error, None);
    assert_eq!(frames[0].get("accept-version"), Some("1.2"));
    assert_eq!(frames[0].get("host"), Some("a:80"));
}

#[test]
fn f1_cr_belongs_to_the_line_in_1_0_and_1_1() {
    for version in [V1_0, V1_1] {
        let frames = server(version, send("a:b\r\n", b"")).unwrap();
        assert_eq!(frames[0].get("a"), Some("b\r"));
        assert_eq!(
            refusal(version, "SEND\r\n\n\0"),
            DecodeError::UnknownCommand
        );
        assert_eq!(
            refusal(version, "\r\nSEND\n\n\0"),
            DecodeError::UnknownCommand
        );
        assert!(server(version, "SEND\n\r\n\0").is_err());
    }
}

#[test]
fn f1_cr_that_ends_no_line_is_refused_in_1_2() {
    for headers in ["a\rb:c\n", "a:b\rc\n", "a:b\r\r\n"] {
        let error = refusal(V1_2, send(headers, b""));
        assert!(
            matches!(error, DecodeError::MalformedHeader { .. }),
            "{headers:?}"
        );
    }
    assert_eq!(refusal(V1_2, "\rSEND\n\n\0"), DecodeError::UnknownCommand);
    assert_eq!(refusal(V1_2, "\r\r\n"), DecodeError::UnknownCommand);
}

#[test]
fn f2_eols_may_stand_between_frames() {
    let one = send("", b"1");
    let stream = [
        b"\n\n\r\n",
        one.as_slice(),
        b"\n\r\n\n",
        one.as_slice(),
        b"\n",
    ]
    .concat();
    assert_eq!(bodies(V1_2, stream), [b"1", b"1"]);
}

#[test]
fn f2_a_run_of_eols_is_one_heart_beat_and_no_eol_is_more_than_one() {
    let beats = |chunks: &[&[u8]]| {
        let mut decoder = negotiated(Peer::Client, V1_2, Limits::default());
        let mut beats = 0;
        for mut chunk in chunks.iter().copied() {
            while let Some(item) = decoder.decode(&mut chunk).unwrap() {
                assert_eq!(item, Item::HeartBeat);
                beats += 1;
            }
        }
        beats
    };
    assert_eq!(beats(&[b"\n"]), 1);
    assert_eq!(beats(&[b"\n\r\n\n"]), 1);
    assert_eq!(beats(&[b"\r", b"\n"]), 1);
    assert_eq!(beats(&[b"\n", b"\n"]), 2);
    assert_eq!(beats(&[b"\r"]), 0);
    assert_eq!(beats(&[]), 0);
}

#[test]
fn f2_a_nul_before_a_frame_is_refused() {
    for bytes in ["\0", "\0SEND\n\n\0", "\n\0SEND\n\n\0", "BEGIN\n\n\0\0"] {
        assert_eq!(
            refusal(V1_2, bytes),
            DecodeError::UnknownCommand,
            "{bytes:?}"
        );
    }
}

#[test]
fn f4_frames_of_one_chunk_come_in_order() {
    let stream: Vec<u8> = (0..50)
        .flat_map(|n| send("", format!("{n}").as_bytes()))
        .collect();
    let expected: Vec<_> = (0..50).map(|n| format!("{n}").into_bytes()).collect();
    assert_eq!(bodies(V1_2, stream), expected);
}

#[test]
fn f5_content_length_octets_are_body_whatever_they_hold() {
    for version in Version::ALL {
        assert_eq!(
            bodies(version, send("content-length:6\n", b"a\0b\0\0c")),
            [b"a\0b\0\0c"],
            "{version}"
        );
    }
}

#[test]
fn f7_every_octet_may_stand_in_a_body() {
    let all: Vec<u8> = (0..=255).collect();
    assert_eq!(bodies(V1_2, send("content-length:256\n", &all)), [all]);
}

#[test]
fn f8_without_content_length_the_body_ends_at_the_first_nul() {
    for body in ["", "\n\n", "\r\nx\r\n"] {
        assert_eq!(
            bodies(V1_2, send("", body.as_bytes())),
            [body.as_bytes()],
            "{body:?}"
        );
    }
    assert_eq!(bodies(V1_2, "SEND\n\na\0\nSEND\n\nb\0"), [b"a", b"b"]);
}

#[test]
fn f9_a_body_longer_than_its_content_length_is_refused() {
    for body in [&b"xyz"[..], b"xy", b"x\n"] {
        let error = refusal(V1_2, send("receipt:q\ncontent-length:1\n", body));
        assert!(matches!(error, DecodeError::MissingNul { .. }), "{error}");
        assert_eq!(error.receipt(), Some("q"));
    }
}

#[test]
fn f9_nothing_behind_a_violation_is_interpreted() {
    let mut decoder = negotiated(Peer::Client, V1_2, Limits::default());
    let bytes = [send("content-length:1\n", b"xyz"), send("", b"smuggled")].concat();
    let mut input = bytes.as_slice();
    assert!(decoder.decode(&mut input).is_err());
    assert!(input.is_empty());
    let mut more: &[u8] = b"\nSEND\n\n\0";
    assert_eq!(decoder.decode(&mut more), Ok(None));
    assert!(more.is_empty());
    assert_eq!(decoder.heap_bytes(), 0);
}

#[test]
fn f10_content_length_is_a_number_of_octets() {
    for bad in ["-1", "abc", "", "+1", " 1", "1 ", "0x1", "1.0", "١"] {
        let error = refusal(V1_2, send(&format!("content-length:{bad}\n"), b"x"));
        assert!(
            matches!(error, DecodeError::BadContentLength { .. }),
            "{bad}: {error}"
        );
    }
    assert_eq!(bodies(V1_2, send("content-length:0001\n", b"x")), [b"x"]);
    assert_eq!(bodies(V1_0, send("content-length: 1 \n", b"x")), [b"x"]);
}

#[test]
fn f11_a_header_line_has_a_name_and_a_colon() {
    for version in Version::ALL {
        for headers in ["nocolon\n", ":value\n", ":\n", " \n"] {
            let error = refusal(version, send(headers, b""));
            assert!(
                matches!(error, DecodeError::MalformedHeader { .. }),
                "{headers:?}"
            );
        }
    }
}

#[test]
fn f11_a_nul_in_the_headers_is_refused() {
    for bytes in [
        "SEND\n\0",
        "SEND\na\0b:c\n\n\0",
        "SEND\na:b\0\n\n\0",
        "SEND\na:b\n\0",
    ] {
        let error = refusal(V1_2, bytes);
        assert!(
            matches!(error, DecodeError::MalformedHeader { .. }),
            "{bytes:?}"
        );
    }
    assert_eq!(refusal(V1_2, "SE\0ND\n\n\0"), DecodeError::UnknownCommand);
}

#[test]
fn f12_commands_and_header_names_are_case_sensitive() {
    assert_eq!(refusal(V1_2, "send\n\n\0"), DecodeError::UnknownCommand);
    let frames = server(V1_2, "SEND\nDestination:/d\n\n\0").unwrap();
    assert_eq!(frames[0].get("destination"), None);
}

#[test]
fn f13_a_body_where_none_is_allowed_is_refused_from_1_1_on_and_ignored_in_1_0() {
    let plain = "SUBSCRIBE\nid:1\nreceipt:r\n\nbody\0BEGIN\n\n\0";
    let counted = "SUBSCRIBE\nid:1\nreceipt:r\ncontent-length:4\n\nb\0dy\0BEGIN\n\n\0";
    for bytes in [plain, counted] {
        for version in [V1_1, V1_2] {
            let error = refusal(version, bytes);
            assert_eq!(
                error,
                DecodeError::BodyNotAllowed {
                    receipt: Some("r".into())
                }
            );
        }
        let frames = server(V1_0, bytes).unwrap();
        assert_eq!(frames[0].body, b"");
        assert_eq!(frames[1].command, Command::Begin);
    }
    assert!(server(V1_2, "SUBSCRIBE\ncontent-length:0\n\n\0").is_ok());
    assert!(server(V1_2, "SUBSCRIBE\ncontent-length:0\n\nx\0").is_err());
}

#[test]
fn f13_a_connect_with_a_body_follows_the_version_it_asks_for() {
    let frames =
        |mut bytes: &[u8]| Decoder::new(Peer::Client, Limits::default()).decode(&mut bytes);
    assert!(matches!(
        frames(b"CONNECT\n\nbody\0"),
        Ok(Some(Item::Frame(_)))
    ));
    assert!(frames(b"CONNECT\naccept-version:1.1\n\nbody\0").is_err());
}

#[test]
fn e1_escapes_of_1_2_are_undone_in_names_and_values() {
    let frames = server(V1_2, send("k\\cey:a\\cb\\nc\\rd\\\\e\n", b"")).unwrap();
    assert_eq!(frames[0].get("k:ey"), Some("a:b\nc\rd\\e"));
}

#[test]
fn e2_an_undefined_escape_is_refused() {
    for headers in ["a:b\\tc\n", "a\\tb:c\n", "a:b\\\n", "a\\:b\n"] {
        let error = refusal(V1_2, send(headers, b""));
        assert!(
            matches!(error, DecodeError::BadEscape { .. }),
            "{headers:?}: {error}"
        );
    }
}

#[test]
fn e3_an_escaped_cr_is_refused_in_1_1() {
    assert!(matches!(
        refusal(V1_1, send("a:b\\rc\n", b"")),
        DecodeError::BadEscape { .. }
    ));
    assert!(server(V1_2, send("a:b\\rc\n", b"")).is_ok());
}

#[test]
fn e4_backslashes_are_ordinary_in_1_0() {
    let frames = server(V1_0, send("foo:a\\nb\\t\n", b"")).unwrap();
    assert_eq!(frames[0].get("foo"), Some("a\\nb\\t"));
}

#[test]
fn e5_values_are_trimmed_in_1_0_only() {
    for version in [V1_1, V1_2] {
        let frames = server(version, send("foo: a b \n", b"")).unwrap();
        assert_eq!(frames[0].get("foo"), Some(" a b "));
    }
    let frames = server(V1_0, send("foo: a b \n", b"")).unwrap();
    assert_eq!(frames[0].get("foo"), Some("a b"));
}

#[test]
fn e5_a_connect_is_trimmed_if_it_asks_for_1_0() {
    let mut decoder = Decoder::new(Peer::Client, Limits::default());
    let old: &[u8] = b"CONNECT\nlogin: ann\n\n\0";
    assert_eq!(
        frames_of(&mut decoder, [old]).0[0].get("login"),
        Some("ann")
    );
    let new: &[u8] = b"CONNECT\nlogin: ann\naccept-version:1.0,1.1\n\n\0";
    assert_eq!(
        frames_of(&mut decoder, [new]).0[0].get("login"),
        Some(" ann")
    );
}

#[test]
fn e6_headers_are_utf_8() {
    let frames = server(V1_2, send("ключ:€\n", "☃".as_bytes())).unwrap();
    assert_eq!(frames[0].get("ключ"), Some("€"));
    assert_eq!(frames[0].body, "☃".as_bytes());
}

#[test]
fn e7_the_first_of_repeated_headers_counts() {
    let frames = server(V1_2, send("foo:World\nfoo:Hello\n", b"")).unwrap();
    assert_eq!(frames[0].get("foo"), Some("World"));
    let twice = send("content-length:3\ncontent-length:1\n", b"a\0b");
    assert_eq!(bodies(V1_2, twice), [b"a\0b"]);
}

#[test]
fn e8_connect_stomp_and_connected_are_not_escaped() {
    for version in [None, Some(V1_2)] {
        for command in ["CONNECT", "STOMP"] {
            let mut decoder = Decoder::new(Peer::Client, Limits::default());
            if let Some(version) = version {
                decoder.set_version(version);
            }
            let bytes = format!("{command}\nx-note:a\\tb\n\n\0");
            let (frames, error) = frames_of(&mut decoder, [bytes.as_bytes()]);
            assert_eq!(error, None);
            assert_eq!(frames[0].get("x-note"), Some("a\\tb"));
        }
    }
    let frames = decoded(Peer::Server, V1_2, b"CONNECTED\nserver:a\\tb\n\n\0").unwrap();
    assert_eq!(frames[0].get("server"), Some("a\\tb"));
}

#[test]
fn e10_a_value_may_be_empty_and_may_hold_colons() {
    let frames = server(V1_2, send("foo:\nat:10:30\n", b"")).unwrap();
    assert_eq!(frames[0].get("foo"), Some(""));
    assert_eq!(frames[0].get("at"), Some("10:30"));
}

#[test]
fn e11_headers_that_are_not_utf_8_are_refused() {
    for version in Version::ALL {
        let error = refusal(version, b"SEND\nreceipt:r\nfoo:\xff\n\n\0");
        assert_eq!(
            error,
            DecodeError::NotUtf8 {
                receipt: Some("r".into())
            }
        );
        assert!(matches!(
            refusal(version, b"SEND\n\xc3:\xa9\n\n\0"),
            DecodeError::NotUtf8 { .. }
        ));
    }
}

#[test]
fn a_side_may_send_its_own_commands_only() {
    for command in Command::ALL {
        let bytes = format!("{command}\n\n\0");
        for peer in [Peer::Client, Peer::Server] {
            let expected = if command.sender() == peer {
                Ok(())
            } else {
                Err(DecodeError::WrongDirection)
            };
            assert_eq!(
                decoded(peer, V1_2, bytes.as_bytes()).map(drop),
                expected,
                "{command}"
            );
        }
    }
}

#[test]
fn a5_nack_and_stomp_do_not_exist_in_1_0() {
    for command in ["NACK", "STOMP"] {
        let bytes = format!("{command}\n\n\0");
        assert_eq!(refusal(V1_0, &bytes), DecodeError::UnknownCommand);
        assert!(server(V1_1, &bytes).is_ok());
    }
}

#[test]
fn c12_the_receipt_of_a_connect_does_not_count() {
    let mut decoder = Decoder::new(Peer::Client, Limits::default());
    let bytes: &[u8] = b"CONNECT\nreceipt:9\nnocolon\n\n\0";
    assert_eq!(frames_of(&mut decoder, [bytes]).1.unwrap().receipt(), None);
}

#[test]
fn c13_other_protocols_are_refused_at_once() {
    for junk in [
        &b"GET / HTTP/1.1\r\n"[..],
        b"GET / HTTP/1.1",
        b"\x16\x03\x01\x02\0\x01\0\x01",
    ] {
        let mut decoder = Decoder::new(Peer::Client, Limits::default());
        assert_eq!(
            frames_of(&mut decoder, [junk]).1,
            Some(DecodeError::UnknownCommand)
        );
    }
}

#[test]
fn x4_an_error_tells_the_receipt_that_the_frame_asked_for() {
    for fault in [
        "nocolon\n",
        "a:\\t\n",
        "content-length:x\n",
        "content-length:99999999999999999999\n",
    ] {
        let error = refusal(V1_2, send(&format!("receipt:q\\c1\n{fault}"), b""));
        assert_eq!(error.receipt(), Some("q:1"), "{fault:?}");
    }
    assert_eq!(
        refusal(V1_2, send("nocolon\nreceipt:q\n", b"")).receipt(),
        None
    );
}
