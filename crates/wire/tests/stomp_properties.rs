//! What holds for any frames, any octets and any way of cutting them.

mod stomp_support;

use madang_wire::stomp::{
    Command, DecodeError, Decoder, Frame, Headers, Item, Limits, Peer, Version, message,
};
use proptest::collection::vec;
use proptest::prelude::*;
use stomp_support::{frames_of, negotiated};

/// Small enough that arbitrary input passes them now and then.
const TIGHT: Limits = Limits {
    header_count_max: 4,
    header_line_bytes_max: 48,
    head_bytes_max: 100,
    body_bytes_max: 40,
};

fn any_version() -> impl Strategy<Value = Version> {
    prop::sample::select(Version::ALL.as_slice())
}

fn any_peer() -> impl Strategy<Value = Peer> {
    prop::sample::select([Peer::Client, Peer::Server].as_slice())
}

/// Text rich in what has a meaning on the wire. No NUL: headers cannot express it.
fn any_text(at_least: usize) -> impl Strategy<Value = String> {
    let special = prop::sample::select(['\\', ':', '\n', '\r', ' ', 'n', 'r', 'c', 'é'].as_slice());
    let one = prop_oneof![special, any::<char>()];
    let text = vec(one.prop_filter("NUL", |c| *c != '\0'), at_least..12);
    text.prop_map(|chars| chars.into_iter().collect())
}

fn any_headers() -> impl Strategy<Value = Vec<(String, String)>> {
    vec((any_text(1), any_text(0)), 0..6)
}

fn any_body() -> impl Strategy<Value = Vec<u8>> {
    vec(prop_oneof![Just(0), Just(b'\n'), any::<u8>()], 0..40)
}

fn any_frame() -> impl Strategy<Value = Frame> {
    let command = prop::sample::select(Command::ALL.as_slice());
    (command, any_headers(), any_body()).prop_map(|(command, headers, body)| Frame {
        command,
        headers: headers
            .into_iter()
            .filter(|(name, _)| name != "content-length")
            .collect(),
        body: if command.may_have_body() {
            body
        } else {
            Vec::new()
        },
    })
}

/// Octets that look like frames most of the time: frames as encoded, with EOLs
/// between, and then some octets replaced, dropped or doubled.
fn any_stream() -> impl Strategy<Value = Vec<u8>> {
    let eols = prop::sample::select(["", "\n", "\r\n", "\n\n\r\n"].as_slice());
    let frames = vec((any_frame(), any_version(), eols), 0..4).prop_map(|frames| {
        let mut bytes = Vec::new();
        for (frame, version, eols) in frames {
            frame.encode(version, &mut bytes);
            bytes.extend_from_slice(eols.as_bytes());
        }
        bytes
    });
    let octet = prop_oneof![Just(0), Just(b'\n'), Just(b'\r'), Just(b'\\'), any::<u8>()];
    let mutations = vec((any::<prop::sample::Index>(), 0..3, octet), 0..4);
    let mutated = (frames, mutations).prop_map(|(mut bytes, mutations)| {
        for (at, kind, octet) in mutations {
            if bytes.is_empty() {
                break;
            }
            let at = at.index(bytes.len());
            match kind {
                0 => bytes[at] = octet,
                1 => drop(bytes.remove(at)),
                _ => bytes.insert(at, octet),
            }
        }
        bytes
    });
    prop_oneof![4 => mutated, 1 => vec(any::<u8>(), 0..200)]
}

/// What is left of a header in a version that cannot express it.
fn expressed(version: Version, command: Command, headers: &Headers) -> Vec<(String, String)> {
    let escaped = version != Version::V1_0 && command.is_escaped();
    let in_line = |text: &str| text.replace(['\r', '\n'], " ");
    headers
        .iter()
        .map(|(name, value)| match (escaped, version) {
            (true, _) => (name.to_owned(), value.to_owned()),
            (false, Version::V1_0) => (
                in_line(name).replace(':', " "),
                in_line(value).trim_matches(' ').to_owned(),
            ),
            (false, _) => (in_line(name).replace(':', " "), in_line(value)),
        })
        .collect()
}

fn others_than_content_length(frame: &Frame) -> Vec<(String, String)> {
    let others = frame
        .headers
        .iter()
        .filter(|(name, _)| *name != "content-length");
    others
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

fn cut<'a>(mut bytes: &'a [u8], sizes: &[usize]) -> Vec<&'a [u8]> {
    let mut chunks = Vec::new();
    for size in sizes.iter().cycle() {
        let (chunk, rest) = bytes.split_at((*size).min(bytes.len()));
        chunks.push(chunk);
        bytes = rest;
        if bytes.is_empty() {
            break;
        }
    }
    chunks
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1000) })]

    #[test]
    fn any_frame_is_decoded_as_it_was_encoded(frame in any_frame(), version in any_version()) {
        let newer = matches!(frame.command, Command::Stomp | Command::Nack);
        prop_assume!(version != Version::V1_0 || !newer);
        let mut bytes = Vec::new();
        frame.encode(version, &mut bytes);
        let mut decoder = negotiated(frame.command.sender(), version, Limits::default());
        let (frames, error) = frames_of(&mut decoder, [bytes.as_slice()]);
        prop_assert_eq!(error, None);
        prop_assert_eq!(frames.len(), 1);
        prop_assert_eq!(frames[0].command, frame.command);
        prop_assert_eq!(&frames[0].body, &frame.body);
        let expected = expressed(version, frame.command, &frame.headers);
        prop_assert_eq!(others_than_content_length(&frames[0]), expected);
        let length = (!frame.body.is_empty()).then(|| frame.body.len().to_string());
        prop_assert_eq!(frames[0].get("content-length"), length.as_deref());
    }

    #[test]
    fn a_message_keeps_its_subscription_ack_and_body_whatever_the_sender_adds(
        headers in any_headers(),
        forged in prop::sample::select(["subscription", "ack", " ack", "content-length"].as_slice()),
        subscription in any_text(1),
        body in any_body(),
        version in any_version(),
    ) {
        let sent = headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let mut bytes = Vec::new();
        message::encode_head(version, Some(&subscription), None, &mut bytes);
        message::encode_tail(version, [(forged, "7")].into_iter().chain(sent), &body, &mut bytes);
        let mut decoder = negotiated(Peer::Server, version, Limits::default());
        let (frames, error) = frames_of(&mut decoder, [bytes.as_slice()]);
        prop_assert_eq!(error, None);
        prop_assert_eq!(frames.len(), 1);
        let head = Headers::from_iter([("subscription", &subscription)]);
        let expected = &expressed(version, Command::Message, &head)[0].1;
        prop_assert_eq!(frames[0].get("subscription"), Some(expected.as_str()));
        prop_assert_eq!(frames[0].get("ack"), None);
        prop_assert_eq!(&frames[0].body, &body);
    }

    #[test]
    fn frames_do_not_depend_on_where_the_stream_was_cut(
        stream in any_stream(),
        sizes in vec(1_usize..20, 1..8),
        version in prop::option::of(any_version()),
        peer in any_peer(),
        tight in any::<bool>(),
    ) {
        let limits = if tight { TIGHT } else { Limits::default() };
        let fresh = || {
            let mut decoder = Decoder::new(peer, limits);
            if let Some(version) = version {
                decoder.set_version(version);
            }
            decoder
        };
        let whole = frames_of(&mut fresh(), [stream.as_slice()]);
        prop_assert_eq!(&whole, &frames_of(&mut fresh(), cut(&stream, &sizes)));
        prop_assert_eq!(&whole, &frames_of(&mut fresh(), stream.chunks(1)));
    }

    #[test]
    fn memory_and_heart_beats_are_bounded_whatever_arrives(
        stream in any_stream(),
        sizes in vec(1_usize..50, 1..4),
        version in any_version(),
        peer in any_peer(),
    ) {
        let heap_bytes_max = 2 * (48 + 100 + 40) + 512;
        let mut decoder = negotiated(peer, version, TIGHT);
        let mut failed = false;
        for mut chunk in cut(&stream, &sizes) {
            let eols = chunk.iter().filter(|octet| **octet == b'\n').count();
            let mut beats = 0;
            loop {
                match decoder.decode(&mut chunk) {
                    Ok(None) => break,
                    Ok(Some(Item::HeartBeat)) => beats += 1,
                    Ok(Some(Item::Frame(frame))) => {
                        prop_assert!(!failed);
                        prop_assert!(frame.headers.len() <= TIGHT.header_count_max);
                        prop_assert!(frame.body.len() <= TIGHT.body_bytes_max);
                    }
                    Err(_) => {
                        prop_assert!(!failed);
                        failed = true;
                    }
                }
                prop_assert!(decoder.heap_bytes() <= heap_bytes_max);
            }
            prop_assert!(chunk.is_empty());
            prop_assert!(beats <= eols);
            prop_assert!(decoder.heap_bytes() <= heap_bytes_max);
        }
    }

    #[test]
    fn frames_sent_along_with_a_connect_follow_the_version_chosen(
        value in any_text(0),
        version in any_version(),
        at in any::<prop::sample::Index>(),
    ) {
        let send = Frame::new(Command::Send).with("k", &value);
        let connect = Frame::new(Command::Connect).with("accept-version", version.as_str());
        let mut bytes = Vec::new();
        connect.encode(version, &mut bytes);
        send.encode(version, &mut bytes);
        let (front, back) = bytes.split_at(at.index(bytes.len()));
        let mut decoder = Decoder::new(Peer::Client, Limits::default());
        let mut values = Vec::new();
        for mut chunk in [front, back] {
            while let Some(item) = decoder.decode(&mut chunk)? {
                let Item::Frame(frame) = item else { continue };
                if let Some(asked) = frame.get("accept-version") {
                    decoder.set_version(Version::negotiate(Some(asked)).unwrap());
                }
                values.extend(frame.get("k").map(str::to_owned));
            }
        }
        let expected = expressed(version, Command::Send, &send.headers);
        prop_assert_eq!(&values, &[expected[0].1.clone()]);
    }
}

#[test]
fn the_same_octets_mean_what_their_version_says() {
    let bytes: &[u8] = b"SEND\na: x\\c \r\n\n\0";
    let value = |version| {
        let (frames, error) = frames_of(
            &mut negotiated(Peer::Client, version, Limits::default()),
            [bytes],
        );
        assert_eq!(error, None::<DecodeError>);
        frames[0].get("a").map(str::to_owned)
    };
    assert_eq!(value(Version::V1_0).as_deref(), Some("x\\c \r"));
    assert_eq!(value(Version::V1_1).as_deref(), Some(" x: \r"));
    assert_eq!(value(Version::V1_2).as_deref(), Some(" x: "));
}
