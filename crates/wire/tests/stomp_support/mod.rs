//! Shared by the STOMP suites.

// Each suite uses its own part of this.
#![allow(dead_code, unreachable_pub)]

use madang_wire::stomp::{Command, DecodeError, Decoder, Frame, Item, Limits, Peer, Version};

/// A decoder behind a CONNECT that was answered with `version`.
pub fn negotiated(peer: Peer, version: Version, limits: Limits) -> Decoder {
    let mut decoder = Decoder::new(peer, limits);
    decoder.set_version(version);
    decoder
}

/// All frames of `chunks`, without heart-beats, and the error if there was one.
pub fn frames_of<'a>(
    decoder: &mut Decoder,
    chunks: impl IntoIterator<Item = &'a [u8]>,
) -> (Vec<Frame>, Option<DecodeError>) {
    let mut frames = Vec::new();
    for mut chunk in chunks {
        loop {
            match decoder.decode(&mut chunk) {
                Ok(Some(Item::Frame(frame))) => frames.push(frame),
                Ok(Some(Item::HeartBeat)) => {}
                Ok(None) => break,
                Err(error) => return (frames, Some(error)),
            }
        }
    }
    (frames, None)
}

/// The frames of `bytes`, the same whether they come at once or one octet at a
/// time; `Err` if they end in an error.
pub fn decoded(peer: Peer, version: Version, bytes: &[u8]) -> Result<Vec<Frame>, DecodeError> {
    let fresh = || negotiated(peer, version, Limits::default());
    let whole = frames_of(&mut fresh(), [bytes]);
    assert_eq!(
        whole,
        frames_of(&mut fresh(), bytes.chunks(1)),
        "cut into octets"
    );
    match whole {
        (frames, None) => Ok(frames),
        (_, Some(error)) => Err(error),
    }
}

/// What a server of `version` decodes from a client.
pub fn server(version: Version, bytes: impl AsRef<[u8]>) -> Result<Vec<Frame>, DecodeError> {
    decoded(Peer::Client, version, bytes.as_ref())
}

/// A SEND with `headers` as they stand on the wire, each ended by LF, and `body`.
pub fn send(headers: &str, body: &[u8]) -> Vec<u8> {
    let mut bytes = format!("{}\ndestination:/d\n{headers}\n", Command::Send).into_bytes();
    bytes.extend_from_slice(body);
    bytes.push(0);
    bytes
}
