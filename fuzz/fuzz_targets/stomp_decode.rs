//! Any octets, cut anywhere: the same frames and the same error, no panic,
//! bounded memory, and what was decoded survives encoding and decoding.

#![no_main]

use libfuzzer_sys::fuzz_target;
use madang_wire::stomp::{DecodeError, Decoder, Frame, Item, Limits, Peer, Version, message};

const LIMITS: Limits = Limits {
    header_count_max: 8,
    header_line_bytes_max: 64,
    head_bytes_max: 256,
    body_bytes_max: 128,
};

/// Twice what the limits allow, and what an empty frame costs.
const HEAP_BYTES_MAX: usize = 2 * (64 + 256 + 128) + 512;

fuzz_target!(|input: (u8, u8, &[u8])| {
    let (setup, cut, bytes) = input;
    let peer = if setup & 1 == 0 {
        Peer::Client
    } else {
        Peer::Server
    };
    let version = match (setup >> 1) & 3 {
        0 => None,
        n => Some(Version::ALL[usize::from(n) - 1]),
    };
    let whole = decode(peer, version, LIMITS, [bytes]);
    let chunk_bytes = usize::from(cut).max(1);
    assert_eq!(
        whole,
        decode(peer, version, LIMITS, bytes.chunks(chunk_bytes))
    );
    for frame in &whole.0 {
        for to in Version::ALL {
            round_trip(frame, to);
        }
    }
});

/// As a session does: the version counts from the first frame on.
fn decode<'a>(
    peer: Peer,
    version: Option<Version>,
    limits: Limits,
    chunks: impl IntoIterator<Item = &'a [u8]>,
) -> (Vec<Frame>, Option<DecodeError>) {
    let mut decoder = Decoder::new(peer, limits);
    if let Some(version) = version {
        decoder.set_version(version);
    }
    let mut frames = Vec::new();
    for mut chunk in chunks {
        let mut eols = chunk.iter().filter(|octet| **octet == b'\n').count();
        loop {
            match decoder.decode(&mut chunk) {
                Ok(Some(Item::HeartBeat)) => eols = eols.checked_sub(1).expect("a beat per EOL"),
                Ok(Some(Item::Frame(frame))) => {
                    if version.is_none() && frames.is_empty() {
                        let asked = frame.get("accept-version").or(frame.get("version"));
                        decoder.set_version(Version::negotiate(asked).unwrap_or(Version::V1_0));
                    }
                    frames.push(frame);
                }
                Ok(None) => break,
                Err(error) => return (frames, Some(error)),
            }
            assert!(decoder.heap_bytes() <= HEAP_BYTES_MAX);
        }
        assert!(chunk.is_empty());
        assert!(decoder.heap_bytes() <= HEAP_BYTES_MAX);
    }
    (frames, None)
}

fn round_trip(frame: &Frame, to: Version) {
    if to == Version::V1_0 && matches!(frame.command.as_str(), "NACK" | "STOMP") {
        return;
    }
    let mut encoded = Vec::new();
    frame.encode(to, &mut encoded);
    let limits = Limits::default();
    let (again, error) = decode(
        frame.command.sender(),
        Some(to),
        limits,
        [encoded.as_slice()],
    );
    assert_eq!(error, None);
    assert_eq!(again.len(), 1);
    assert_eq!(again[0].command, frame.command);
    assert_eq!(again[0].body, frame.body);
    let unescaped = to == Version::V1_0 || !frame.command.is_escaped();
    let expressed = |text: &str, is_name: bool| {
        if !unescaped {
            return text.to_owned();
        }
        let text = text.replace(['\r', '\n'], " ");
        match (is_name, to) {
            (true, _) => text.replace(':', " "),
            (false, Version::V1_0) => text.trim_matches(' ').to_owned(),
            (false, _) => text,
        }
    };
    let sent: Vec<_> = frame
        .headers
        .iter()
        .filter(|(name, _)| *name != "content-length")
        .map(|(name, value)| (expressed(name, true), expressed(value, false)))
        .collect();
    let got: Vec<_> = again[0]
        .headers
        .iter()
        .filter(|(name, _)| *name != "content-length")
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    assert_eq!(got, sent);

    let mut message = Vec::new();
    message::encode_head(to, Some("s"), None, &mut message);
    message::encode_tail(to, frame.headers.iter(), &frame.body, &mut message);
    let (again, error) = decode(Peer::Server, Some(to), limits, [message.as_slice()]);
    assert_eq!(error, None);
    assert_eq!(again.len(), 1);
    assert_eq!(again[0].get("subscription"), Some("s"));
    assert_eq!(again[0].get("ack"), None);
    assert_eq!(again[0].body, frame.body);
}
