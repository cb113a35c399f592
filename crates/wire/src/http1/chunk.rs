/// Ends the body; there are no trailers (RFC 9112, section 7.1).
pub const LAST_CHUNK: &[u8] = b"0\r\n\r\n";

/// Appends one chunk of the parts put together (RFC 9112, section 7.1). If
/// they are all empty nothing is appended: an empty chunk would end the body.
pub fn append_chunk(parts: &[&[u8]], out: &mut Vec<u8>) {
    let len = parts.iter().map(|part| part.len()).sum();
    if len == 0 {
        return;
    }
    append_hex(len, out);
    out.extend_from_slice(b"\r\n");
    for part in parts {
        out.extend_from_slice(part);
    }
    out.extend_from_slice(b"\r\n");
}

fn append_hex(number: usize, out: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = (usize::BITS - number.leading_zeros()).div_ceil(4);
    for digit in (0..digits).rev() {
        out.push(DIGITS[number >> (4 * digit) & 0xf]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(parts: &[&[u8]]) -> Vec<u8> {
        let mut out = Vec::new();
        append_chunk(parts, &mut out);
        out
    }

    #[test]
    fn a_chunk_says_its_length_in_hex() {
        assert_eq!(chunk(&[b"Wiki"]), b"4\r\nWiki\r\n");
        assert_eq!(
            chunk(&[b"pedia in ", b"", b"chunks"]),
            b"f\r\npedia in chunks\r\n"
        );
        assert!(chunk(&[&[b'x'; 16]]).starts_with(b"10\r\nx"));
        assert!(chunk(&[&[b'h'; 2048], b"\n"]).starts_with(b"801\r\nh"));
        assert!(chunk(&[&[0; 0xabcde]]).starts_with(b"abcde\r\n"));
    }

    #[test]
    fn nothing_does_not_end_the_body() {
        assert_eq!(chunk(&[]), b"");
        assert_eq!(chunk(&[b"", b""]), b"");
    }
}
