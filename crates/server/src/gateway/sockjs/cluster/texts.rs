//! The texts that a request brings, on their way to another gateway.

use bytes::{Buf, BufMut, Bytes, BytesMut};

use super::message::Part;

/// Bytes of one part: below the smallest bound that a broker has on a message (NATS: 1 MiB).
const PART_BYTES_MAX: usize = 256 * 1024;

/// The parts that these texts make: at least one.
///
/// `None`: they are more than the number of a part can say, 16 GiB.
pub(super) fn parts(texts: &[String]) -> Option<Vec<Part>> {
    let mut whole = BytesMut::new();
    for text in texts {
        whole.put_u32(u32::try_from(text.len()).ok()?);
        whole.put_slice(text.as_bytes());
    }
    let mut whole = whole.freeze();
    let count = u16::try_from(whole.len().div_ceil(PART_BYTES_MAX).max(1)).ok()?;
    let part = |index| Part {
        index,
        count,
        bytes: whole.split_to(whole.len().min(PART_BYTES_MAX)),
    };
    Some((0..count).map(part).collect())
}

/// The texts again; `None` for what is none.
pub(super) fn of_whole(mut whole: Bytes) -> Option<Vec<String>> {
    let mut texts = Vec::new();
    while !whole.is_empty() {
        let len = whole.try_get_u32().ok()? as usize;
        if len > whole.len() {
            return None;
        }
        let text = whole.split_to(len);
        texts.push(std::str::from_utf8(&text).ok()?.to_owned());
    }
    Some(texts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(parts: &[Part]) -> Bytes {
        let parts: Vec<_> = parts.iter().map(|part| part.bytes.as_ref()).collect();
        parts.concat().into()
    }

    #[test]
    fn texts_survive_their_parts() {
        let large = "고객".repeat(PART_BYTES_MAX / 4);
        for texts in [vec![], vec![""], vec!["a", "", "고객"], vec![&large, "b"]] {
            let texts: Vec<_> = texts.into_iter().map(str::to_owned).collect();
            let parts = parts(&texts).unwrap();
            assert!(parts.iter().all(|part| part.bytes.len() <= PART_BYTES_MAX));
            assert_eq!(of_whole(joined(&parts)), Some(texts));
        }
    }

    #[test]
    fn what_is_cut_short_is_no_texts() {
        let parts = parts(&["abc".to_owned()]).unwrap();
        let whole = joined(&parts);
        for end in 1..whole.len() {
            assert_eq!(of_whole(whole.slice(..end)), None, "{end}");
        }
    }
}
