//! Chance that a seed repeats, whatever library is linked.

/// SplitMix64 (Steele, Lea and Flood, 2014).
#[derive(Debug, Clone)]
pub(super) struct Dice(u64);

impl Dice {
    /// The chance of one input: of the run's seed, the group and the number in it.
    pub(super) fn new(seed: u64, group: usize, number: usize) -> Self {
        let mut dice = Self(seed ^ ((group as u64) << 48) ^ ((number as u64) << 8));
        dice.next();
        dice
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`, which is not 0.
    pub(super) fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound as u64).unwrap()
    }

    pub(super) fn byte(&mut self) -> u8 {
        self.next().to_le_bytes()[0]
    }

    pub(super) fn pick<'a, T: ?Sized>(&mut self, from: &[&'a T]) -> &'a T {
        from[self.below(from.len())]
    }

    /// Once in `bound` times.
    pub(super) fn once_in(&mut self, bound: usize) -> bool {
        self.below(bound) == 0
    }

    /// Spoils bytes in one to four places.
    pub(super) fn spoil(&mut self, bytes: &mut Vec<u8>) {
        for _ in 0..=self.below(4) {
            let at = self.below(bytes.len() + 1);
            match self.below(7) {
                0 if at < bytes.len() => bytes[at] ^= 1 << self.below(8),
                1 if at < bytes.len() => {
                    bytes.remove(at);
                }
                2 => bytes.insert(at, self.byte()),
                3 => bytes.truncate(at),
                4 => {
                    let piece = bytes[at..(at + 16).min(bytes.len())].to_vec();
                    bytes.splice(at..at, piece);
                }
                5 => {
                    let odd = self.pick(ODD_BYTES);
                    bytes.splice(at..at, odd.iter().copied());
                }
                _ => {
                    let length = 1 + self.below(3000);
                    bytes.splice(at..at, std::iter::repeat_n(b'A', length));
                }
            }
        }
    }
}

/// Text that is trouble somewhere.
pub(super) const ODD_TEXTS: &[&str] = &[
    "",
    "0",
    "-1",
    "18446744073709551616",
    "99999999999999999999999999",
    "1e999",
    "NaN",
    "null",
    "../../etc/passwd",
    "%00",
    "%2e%2e%2f",
    "%ff%fe",
    "%",
    "%zz",
    "\\x",
    "\\",
    ":",
    "\t\\n\\c\\\\",
    "한글 마당",
    "👩‍👩‍👧",
    "\u{feff}",
    "\u{202e}txt",
    "'; DROP TABLE messages; --",
    "<script>alert(1)</script>",
    "/sub/chat/room/",
    "/rooms/",
    "/topic/**",
    "/user/x/queue/y",
    "a@b.example",
];

const ODD_BYTES: &[&[u8]] = &[
    b"\0",
    b"\0\0\0",
    b"\r\n",
    b"\r\n\r\n",
    b"\n\n",
    b"\xff\xfe",
    b"\xed\xa0\x80",
    b"\xc0\xaf",
    b"\xf4\x90\x80\x80",
    b"\xe2\x28\xa1",
    b"\\",
    b"\\u0000",
    b"[[[[[[[[",
    b"{\"a\":",
    b"\"",
    b"content-length:5\n",
    b"Content-Length: 5\r\n",
    b"Transfer-Encoding: chunked\r\n",
];
