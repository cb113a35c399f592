//! Bytes and texts that are trouble somewhere.

use crate::dice::Dice;

/// Spoils bytes in one to four places.
pub(super) fn spoil(dice: &mut Dice, bytes: &mut Vec<u8>) {
    for _ in 0..=dice.below(4) {
        let at = dice.below(bytes.len() + 1);
        match dice.below(7) {
            0 if at < bytes.len() => bytes[at] ^= 1 << dice.below(8),
            1 if at < bytes.len() => {
                bytes.remove(at);
            }
            2 => bytes.insert(at, dice.byte()),
            3 => bytes.truncate(at),
            4 => {
                let piece = bytes[at..(at + 16).min(bytes.len())].to_vec();
                bytes.splice(at..at, piece);
            }
            5 => {
                let odd = dice.pick(ODD_BYTES);
                bytes.splice(at..at, odd.iter().copied());
            }
            _ => {
                let length = 1 + dice.below(3000);
                bytes.splice(at..at, std::iter::repeat_n(b'A', length));
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
