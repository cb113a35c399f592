/// Masks or unmasks `payload` in place; the operation is its own inverse
/// (RFC 6455, section 5.3).
///
/// `key` is the masking key as it applies to the first byte; [`advance`] turns
/// it for the bytes after `payload`.
pub(super) fn apply(payload: &mut [u8], key: [u8; 4]) {
    let [a, b, c, d] = key;
    let key = [a, b, c, d, a, b, c, d];
    let word_key = u64::from_ne_bytes(key);
    let (words, rest) = payload.as_chunks_mut();
    for word in words {
        *word = (u64::from_ne_bytes(*word) ^ word_key).to_ne_bytes();
    }
    for (byte, key) in rest.iter_mut().zip(key) {
        *byte ^= key;
    }
}

/// The key as it applies to the byte that follows `len` masked bytes.
pub(super) fn advance(mut key: [u8; 4], len: usize) -> [u8; 4] {
    key.rotate_left(len % 4);
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_byte_is_xored_with_the_key_byte_of_its_position() {
        let key = [0x37, 0xfa, 0x21, 0x3d];
        for len in 0..70 {
            let plain: Vec<u8> = (0..len).collect();
            let expected: Vec<u8> = plain
                .iter()
                .enumerate()
                .map(|(i, byte)| byte ^ key[i % 4])
                .collect();
            let mut masked = plain.clone();
            apply(&mut masked, key);
            assert_eq!(masked, expected, "length {len}");
        }
    }

    #[test]
    fn a_payload_unmasked_in_pieces_equals_one_unmasked_whole() {
        let key = [1, 2, 4, 8];
        let plain = [0x55; 40];
        let mut whole = plain;
        apply(&mut whole, key);
        for cut in 0..plain.len() {
            let mut pieces = plain;
            let (front, back) = pieces.split_at_mut(cut);
            apply(front, key);
            apply(back, advance(key, cut));
            assert_eq!(pieces, whole, "cut at {cut}");
        }
    }
}
