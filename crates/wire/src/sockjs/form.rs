//! `application/x-www-form-urlencoded` (WHATWG URL, section 5), one value of it.

/// The decoded value of the first field of that name. Escapes that are none
/// stay as they are.
pub(super) fn value(form: &[u8], name: &[u8]) -> Option<Vec<u8>> {
    form.split(|byte| *byte == b'&').find_map(|field| {
        let equals = memchr::memchr(b'=', field).unwrap_or(field.len());
        let (key, value) = field.split_at(equals);
        (decode(key) == name).then(|| decode(value.strip_prefix(b"=").unwrap_or(value)))
    })
}

fn decode(encoded: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(encoded.len());
    let mut rest = encoded;
    while let [first, after @ ..] = rest {
        rest = after;
        match (first, after) {
            (b'+', _) => plain.push(b' '),
            (b'%', [high, low, after @ ..]) => match (hex_digit(*high), hex_digit(*low)) {
                (Some(high), Some(low)) => {
                    plain.push(high << 4 | low);
                    rest = after;
                }
                _ => plain.push(b'%'),
            },
            _ => plain.push(*first),
        }
    }
    plain
}

pub(super) fn hex_digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}
