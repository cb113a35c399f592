use super::error::ProtocolError;
use super::event::Role;

/// The most bytes a Close, Ping or Pong frame may carry (RFC 6455, section 5.5).
pub const CONTROL_PAYLOAD_MAX: usize = 125;

/// What stands for a 16-bit length after the second byte (section 5.2).
pub(super) const LENGTH_16: u8 = 126;
/// What stands for a 64-bit length after the second byte (section 5.2).
pub(super) const LENGTH_64: u8 = 127;

pub(super) const FIN: u8 = 0x80;
pub(super) const MASK: u8 = 0x80;
const RESERVED_BITS: u8 = 0x70;

/// What a frame is (RFC 6455, section 5.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Opcode {
    /// The next fragment of a message.
    Continuation = 0x0,
    /// A text message, or its first fragment.
    Text = 0x1,
    /// A binary message, or its first fragment.
    Binary = 0x2,
    /// The last frame of its sender.
    Close = 0x8,
    /// A question whether the peer is there.
    Ping = 0x9,
    /// The answer to a ping, or a heart-beat nobody asked for.
    Pong = 0xa,
}

impl Opcode {
    /// Whether frames of this kind may stand between the fragments of a
    /// message (section 5.5).
    pub const fn is_control(self) -> bool {
        matches!(self, Self::Close | Self::Ping | Self::Pong)
    }

    fn parse(bits: u8) -> Result<Self, ProtocolError> {
        Ok(match bits {
            0x0 => Self::Continuation,
            0x1 => Self::Text,
            0x2 => Self::Binary,
            0x8 => Self::Close,
            0x9 => Self::Ping,
            0xa => Self::Pong,
            _ => return Err(ProtocolError::ReservedOpcode(bits)),
        })
    }
}

/// Everything of a frame that stands before its payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) fin: bool,
    pub(super) opcode: Opcode,
    /// Zero for a frame that is not masked.
    pub(super) mask: [u8; 4],
    pub(super) payload_len: u64,
}

/// Reads a head from the front of `bytes`: the head and its length, or `None`
/// if it is incomplete.
///
/// Every check is made on the first byte that allows it, so that a wrong
/// frame is refused without waiting for the rest of its head.
pub(super) fn parse(bytes: &[u8], role: Role) -> Result<Option<(Head, usize)>, ProtocolError> {
    let [first, after_first @ ..] = bytes else {
        return Ok(None);
    };
    let fin = first & FIN != 0;
    if first & RESERVED_BITS != 0 {
        return Err(ProtocolError::ReservedBits);
    }
    let opcode = Opcode::parse(first & 0x0f)?;
    if opcode.is_control() && !fin {
        return Err(ProtocolError::FragmentedControl);
    }

    let [second, after_second @ ..] = after_first else {
        return Ok(None);
    };
    match (role, second & MASK != 0) {
        (Role::Server, false) => return Err(ProtocolError::Unmasked),
        (Role::Client, true) => return Err(ProtocolError::Masked),
        _ => {}
    }
    let short_len = second & !MASK;
    if opcode.is_control() && usize::from(short_len) > CONTROL_PAYLOAD_MAX {
        return Err(ProtocolError::ControlTooLong);
    }

    let Some((payload_len, after_len)) = parse_len(short_len, after_second)? else {
        return Ok(None);
    };
    let (mask, payload) = match role {
        Role::Client => ([0; 4], after_len),
        Role::Server => match after_len.split_first_chunk() {
            Some((mask, payload)) => (*mask, payload),
            None => return Ok(None),
        },
    };
    let head = Head {
        fin,
        opcode,
        mask,
        payload_len,
    };
    Ok(Some((head, bytes.len() - payload.len())))
}

/// Reads the extended payload length, which has to be the shortest form
/// (section 5.2).
fn parse_len(short_len: u8, bytes: &[u8]) -> Result<Option<(u64, &[u8])>, ProtocolError> {
    let (len, rest, least) = match short_len {
        LENGTH_16 => match bytes.split_first_chunk() {
            Some((len, rest)) => (
                u64::from(u16::from_be_bytes(*len)),
                rest,
                u64::from(LENGTH_16),
            ),
            None => return Ok(None),
        },
        LENGTH_64 => match bytes.split_first_chunk() {
            Some((len, rest)) => (u64::from_be_bytes(*len), rest, 1 << 16),
            None => return Ok(None),
        },
        len => (u64::from(len), bytes, 0),
    };
    if len < least {
        return Err(ProtocolError::LengthNotMinimal);
    }
    if len >> 63 != 0 {
        return Err(ProtocolError::LengthTopBit);
    }
    Ok(Some((len, rest)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_incomplete_until_its_last_byte() {
        let heads: [&[u8]; 3] = [
            &[0x81, 0x85, 1, 2, 3, 4],
            &[0x82, 0xfe, 0x00, 0x7e, 1, 2, 3, 4],
            &[0x02, 0xff, 0, 0, 0, 0, 0, 1, 0, 0, 1, 2, 3, 4],
        ];
        for head in heads {
            for len in 0..head.len() {
                assert_eq!(
                    parse(&head[..len], Role::Server),
                    Ok(None),
                    "{len} of {head:x?}"
                );
            }
            let (parsed, len) = parse(head, Role::Server).unwrap().unwrap();
            assert_eq!((len, parsed.mask), (head.len(), [1, 2, 3, 4]));
        }
    }

    #[test]
    fn a_length_in_more_bytes_than_it_needs_is_refused() {
        let refused: [&[u8]; 4] = [
            &[0x82, 126, 0, 0],
            &[0x82, 126, 0, 125],
            &[0x82, 127, 0, 0, 0, 0, 0, 0, 0, 0],
            &[0x82, 127, 0, 0, 0, 0, 0, 0, 0xff, 0xff],
        ];
        for head in refused {
            assert_eq!(
                parse(head, Role::Client),
                Err(ProtocolError::LengthNotMinimal),
                "{head:x?}"
            );
        }
    }

    #[test]
    fn a_length_with_the_top_bit_is_refused() {
        let head = [0x82, 127, 0x80, 0, 0, 0, 0, 0, 0, 0];
        assert_eq!(parse(&head, Role::Client), Err(ProtocolError::LengthTopBit));
        let head = [0x82, 127, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
        assert_eq!(
            parse(&head, Role::Client).unwrap().unwrap().0.payload_len,
            u64::MAX >> 1
        );
    }

    #[test]
    fn a_wrong_first_byte_is_refused_without_waiting_for_the_second() {
        for control in [0x08, 0x09, 0x0a] {
            assert_eq!(
                parse(&[control], Role::Server),
                Err(ProtocolError::FragmentedControl)
            );
        }
        assert_eq!(
            parse(&[0xc1], Role::Server),
            Err(ProtocolError::ReservedBits)
        );
        assert_eq!(
            parse(&[0x83], Role::Server),
            Err(ProtocolError::ReservedOpcode(3))
        );
    }

    #[test]
    fn a_wrong_mask_bit_is_refused_for_either_role() {
        assert_eq!(
            parse(&[0x81, 0x00], Role::Server),
            Err(ProtocolError::Unmasked)
        );
        assert_eq!(
            parse(&[0x81, 0x80], Role::Client),
            Err(ProtocolError::Masked)
        );
    }
}
