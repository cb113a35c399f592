//! The mark that a message of a run carries in its body: whose it is, its
//! number, and when it was to be sent.
//!
//! Of fixed length and without a character that JSON or STOMP would escape, so
//! that it is found in whatever the server makes of the body, and can be
//! overwritten in place.

/// Length of a stamp in bytes.
pub const STAMP_LEN: usize = MARK.len() + 4 + 8 + 8 + 16;

const MARK: &[u8; 4] = b"@mb:";

/// What a stamp says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// Told apart from what an earlier run left in a room.
    pub run: u16,
    /// Whose sequence it is, such as the number of the sender.
    pub stream: u32,
    /// Consecutive within the stream, from 0.
    pub seq: u32,
    /// When it was to be sent, in nanoseconds of the sender's own clock.
    pub sent_ns: u64,
}

impl Stamp {
    /// Its bytes.
    pub fn encode(&self) -> [u8; STAMP_LEN] {
        let mut out = [0; STAMP_LEN];
        out[..4].copy_from_slice(MARK);
        hex(u64::from(self.run), &mut out[4..8]);
        hex(u64::from(self.stream), &mut out[8..16]);
        hex(u64::from(self.seq), &mut out[16..24]);
        hex(self.sent_ns, &mut out[24..]);
        out
    }

    /// Reads the stamp that begins at the front of `bytes`, if one does.
    pub fn parse(bytes: &[u8]) -> Option<Stamp> {
        let bytes = bytes.get(..STAMP_LEN)?;
        if &bytes[..4] != MARK {
            return None;
        }
        Some(Stamp {
            run: unhex(&bytes[4..8])? as u16,
            stream: unhex(&bytes[8..16])? as u32,
            seq: unhex(&bytes[16..24])? as u32,
            sent_ns: unhex(&bytes[24..])?,
        })
    }
}

/// Finds stamps; built once, since it prepares its search.
#[derive(Debug)]
pub struct StampFinder(memchr::memmem::Finder<'static>);

impl Default for StampFinder {
    fn default() -> StampFinder {
        StampFinder(memchr::memmem::Finder::new(MARK))
    }
}

impl StampFinder {
    /// Calls `each` with every stamp in `payload`, in order.
    pub fn each(&self, mut payload: &[u8], mut each: impl FnMut(Stamp)) {
        while let Some(at) = self.0.find(payload) {
            payload = &payload[at..];
            let len = match Stamp::parse(payload) {
                Some(stamp) => {
                    each(stamp);
                    STAMP_LEN
                }
                None => MARK.len(),
            };
            payload = &payload[len..];
        }
    }
}

/// Where the first stamp in `bytes` lies.
pub fn position(bytes: &[u8]) -> Option<usize> {
    memchr::memmem::find_iter(bytes, MARK).find(|at| Stamp::parse(&bytes[*at..]).is_some())
}

/// Writes `value` as lower-case digits, as many as `out` is long.
pub fn hex(mut value: u64, out: &mut [u8]) {
    for digit in out.iter_mut().rev() {
        *digit = b"0123456789abcdef"[(value & 15) as usize];
        value >>= 4;
    }
}

/// Reads at most 16 lower-case digits.
pub fn unhex(digits: &[u8]) -> Option<u64> {
    let mut value = 0;
    for digit in digits {
        let nibble = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            _ => return None,
        };
        value = value << 4 | u64::from(nibble);
    }
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamp(seq: u32) -> Stamp {
        Stamp {
            run: 0xab,
            stream: 7,
            seq,
            sent_ns: u64::MAX - 1,
        }
    }

    #[test]
    fn a_stamp_is_read_back() {
        let bytes = stamp(12).encode();
        assert_eq!(Stamp::parse(&bytes), Some(stamp(12)));
        assert_eq!(Stamp::parse(&bytes[..STAMP_LEN - 1]), None);
    }

    #[test]
    fn every_stamp_of_a_payload_is_found_wherever_it_moves() {
        let finder = StampFinder::default();
        for padding in [10, 10, 3, 40, 0] {
            let mut payload = vec![b'@'; padding];
            payload.extend_from_slice(&stamp(1).encode());
            payload.extend_from_slice(b"\0MESSAGE @mb:nothing ");
            payload.extend_from_slice(&stamp(2).encode());
            let mut found = Vec::new();
            finder.each(&payload, |stamp| found.push(stamp.seq));
            assert_eq!(found, [1, 2], "padding {padding}");
        }
    }
}
