//! Appending frames to a buffer.
//!
//! A server's frame is never masked (RFC 6455, section 5.1): it is the same
//! bytes for every receiver, and can be encoded once for all of them.

use super::close::CloseCode;
use super::event::Kind;
use super::frame::{CONTROL_PAYLOAD_MAX, FIN, LENGTH_16, LENGTH_64, MASK, Opcode};
use super::mask;

/// The most bytes in front of a payload: 2, a 64-bit length, a masking key.
pub const HEAD_LEN_MAX: usize = 14;

/// The most bytes of a close reason: a control frame's 125 less the code.
pub const CLOSE_REASON_MAX: usize = CONTROL_PAYLOAD_MAX - 2;

/// Appends the head of an unmasked, final frame (server to client); exactly
/// `payload_len` bytes of payload have to follow it.
///
/// A control frame's `payload_len` is at most [`CONTROL_PAYLOAD_MAX`]: that is
/// the caller's to keep.
pub fn encode_head(opcode: Opcode, payload_len: usize, out: &mut Vec<u8>) {
    debug_assert!(!opcode.is_control() || payload_len <= CONTROL_PAYLOAD_MAX);
    head(FIN | opcode as u8, 0, payload_len, out);
}

/// Appends a whole message as one unmasked frame (server to client).
///
/// `payload` of a [`Kind::Text`] has to be UTF-8: that is the caller's to keep.
pub fn encode_message(kind: Kind, payload: &[u8], out: &mut Vec<u8>) {
    let opcode = match kind {
        Kind::Text => Opcode::Text,
        Kind::Binary => Opcode::Binary,
    };
    frame(opcode, payload, out);
}

/// Appends an unmasked Close frame; it has to be the last one that is sent
/// (RFC 6455, section 5.5.1).
///
/// A reason longer than [`CLOSE_REASON_MAX`] bytes is cut at the last
/// character that fits. To answer a Close without a code, send
/// [`encode_head`]`(Opcode::Close, 0, …)`.
pub fn encode_close(code: CloseCode, reason: &str, out: &mut Vec<u8>) {
    let reason = &reason[..reason.floor_char_boundary(CLOSE_REASON_MAX)];
    out.reserve(2 + 2 + reason.len());
    encode_head(Opcode::Close, 2 + reason.len(), out);
    out.extend_from_slice(&code.get().to_be_bytes());
    out.extend_from_slice(reason.as_bytes());
}

/// Appends an unmasked Ping frame with the first [`CONTROL_PAYLOAD_MAX`] bytes
/// of `payload`.
pub fn encode_ping(payload: &[u8], out: &mut Vec<u8>) {
    frame(Opcode::Ping, cut(payload), out);
}

/// Appends an unmasked Pong frame with the first [`CONTROL_PAYLOAD_MAX`] bytes
/// of `payload`; the answer to a ping carries the ping's (RFC 6455, section
/// 5.5.3).
pub fn encode_pong(payload: &[u8], out: &mut Vec<u8>) {
    frame(Opcode::Pong, cut(payload), out);
}

/// Appends a masked frame (client to server) as it is asked for: neither the
/// order of fragments nor the length of a control frame is checked.
///
/// A client takes every `mask` from a source its user cannot predict (RFC
/// 6455, section 10.3).
pub fn encode_masked(opcode: Opcode, fin: bool, payload: &[u8], mask: [u8; 4], out: &mut Vec<u8>) {
    out.reserve(HEAD_LEN_MAX + payload.len());
    let fin = if fin { FIN } else { 0 };
    head(fin | opcode as u8, MASK, payload.len(), out);
    out.extend_from_slice(&mask);
    let start = out.len();
    out.extend_from_slice(payload);
    mask::apply(&mut out[start..], mask);
}

fn frame(opcode: Opcode, payload: &[u8], out: &mut Vec<u8>) {
    out.reserve(HEAD_LEN_MAX + payload.len());
    encode_head(opcode, payload.len(), out);
    out.extend_from_slice(payload);
}

fn cut(payload: &[u8]) -> &[u8] {
    &payload[..payload.len().min(CONTROL_PAYLOAD_MAX)]
}

/// Appends the two bytes and the extended length, in its shortest form
/// (RFC 6455, section 5.2).
fn head(first: u8, mask_bit: u8, payload_len: usize, out: &mut Vec<u8>) {
    if let Ok(len) = u8::try_from(payload_len)
        && len < LENGTH_16
    {
        out.extend_from_slice(&[first, mask_bit | len]);
    } else if let Ok(len) = u16::try_from(payload_len) {
        let [a, b] = len.to_be_bytes();
        out.extend_from_slice(&[first, mask_bit | LENGTH_16, a, b]);
    } else {
        let [a, b, c, d, e, f, g, h] = (payload_len as u64).to_be_bytes();
        out.extend_from_slice(&[first, mask_bit | LENGTH_64, a, b, c, d, e, f, g, h]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head_of(payload_len: usize) -> Vec<u8> {
        let mut out = Vec::new();
        encode_head(Opcode::Binary, payload_len, &mut out);
        out
    }

    #[test]
    fn a_length_takes_its_shortest_form() {
        assert_eq!(head_of(0), [0x82, 0]);
        assert_eq!(head_of(125), [0x82, 125]);
        assert_eq!(head_of(126), [0x82, 126, 0, 126]);
        assert_eq!(head_of(65535), [0x82, 126, 0xff, 0xff]);
        assert_eq!(head_of(65536), [0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0]);
    }

    #[test]
    fn frames_equal_the_examples_of_section_5_7() {
        let mut out = Vec::new();
        encode_message(Kind::Text, b"Hello", &mut out);
        assert_eq!(out, b"\x81\x05Hello");
        out.clear();
        encode_masked(
            Opcode::Text,
            true,
            b"Hello",
            [0x37, 0xfa, 0x21, 0x3d],
            &mut out,
        );
        assert_eq!(out, b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58");
        out.clear();
        encode_ping(b"Hello", &mut out);
        assert_eq!(out, b"\x89\x05Hello");
        out.clear();
        encode_message(Kind::Binary, &[0; 65536], &mut out);
        assert_eq!(out[..10], [0x82, 0x7f, 0, 0, 0, 0, 0, 1, 0, 0]);
    }

    #[test]
    fn a_long_close_reason_is_cut_between_characters() {
        let mut out = Vec::new();
        encode_close(CloseCode::GOING_AWAY, &"한".repeat(42), &mut out);
        assert_eq!(out[..4], [0x88, 125, 0x03, 0xe9]);
        assert_eq!(out[4..], *"한".repeat(41).as_bytes());
        out.clear();
        encode_close(CloseCode::GOING_AWAY, &"é".repeat(80), &mut out);
        assert_eq!(out[..2], [0x88, 124]);
        assert_eq!(out[4..], *"é".repeat(61).as_bytes());
    }

    #[test]
    fn a_control_payload_is_cut_at_125_bytes() {
        let mut out = Vec::new();
        encode_ping(&[7; 200], &mut out);
        encode_pong(&[7; 200], &mut out);
        assert_eq!(out.len(), 2 * 127);
        assert_eq!(out[..2], [0x89, 125]);
        assert_eq!(out[127..129], [0x8a, 125]);
    }
}
