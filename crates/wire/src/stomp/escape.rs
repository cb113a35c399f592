//! STOMP 1.2, "Value Encoding", and what 1.1 and 1.0 have in its place.

use std::borrow::Cow;

use memchr::memchr;

use super::Version;

/// A backslash sequence that the version does not define.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("undefined escape sequence")]
pub struct BadEscape;

/// Appends a header name or value to `out` as `version` writes it.
///
/// 1.2 escapes CR, LF, colon and backslash. 1.1 has no escape for CR, where it
/// is an ordinary octet. 1.0 has no escapes at all: CR and LF, which cannot be
/// expressed, become spaces, and all else stays as it is. In every version a
/// NUL becomes a space, since receivers take it for the end of the frame.
pub fn escape_into(version: Version, text: &str, out: &mut Vec<u8>) {
    write_replacing(text, out, |octet| value_replacement(version, octet));
}

/// As [`escape_into`], for names. A colon that 1.0 cannot express becomes a
/// space too: left alone it would end the name there, and `message-id\cx` of a
/// 1.2 sender would be the `message-id` of a 1.0 receiver.
pub(super) fn escape_name_into(version: Version, name: &str, out: &mut Vec<u8>) {
    write_replacing(name, out, |octet| match (version, octet) {
        (Version::V1_0, b':') => Some(b" "),
        _ => value_replacement(version, octet),
    });
}

/// Undoes the escapes of `version` in a header name or value. Borrows when
/// there are none, as always in 1.0.
///
/// # Errors
///
/// [`BadEscape`] for a backslash that begins none of the version's sequences,
/// which is fatal. `\r` is one of them in 1.1.
pub fn unescape(version: Version, text: &str) -> Result<Cow<'_, str>, BadEscape> {
    if version == Version::V1_0 {
        return Ok(Cow::Borrowed(text));
    }
    let Some(mut backslash) = memchr(b'\\', text.as_bytes()) else {
        return Ok(Cow::Borrowed(text));
    };
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    loop {
        plain.push_str(&rest[..backslash]);
        plain.push(match rest.as_bytes().get(backslash + 1) {
            Some(b'\\') => '\\',
            Some(b'n') => '\n',
            Some(b'c') => ':',
            Some(b'r') if version == Version::V1_2 => '\r',
            _ => return Err(BadEscape),
        });
        rest = &rest[backslash + 2..];
        match memchr(b'\\', rest.as_bytes()) {
            Some(next) => backslash = next,
            None => break,
        }
    }
    plain.push_str(rest);
    Ok(Cow::Owned(plain))
}

fn value_replacement(version: Version, octet: u8) -> Option<&'static [u8]> {
    match (version, octet) {
        (_, 0) | (Version::V1_0, b'\n' | b'\r') => Some(b" "),
        (Version::V1_0, _) => None,
        (_, b'\\') => Some(b"\\\\"),
        (_, b'\n') => Some(b"\\n"),
        (_, b':') => Some(b"\\c"),
        (Version::V1_2, b'\r') => Some(b"\\r"),
        _ => None,
    }
}

fn write_replacing(
    text: &str,
    out: &mut Vec<u8>,
    replacement: impl Fn(u8) -> Option<&'static [u8]>,
) {
    let mut rest = text.as_bytes();
    while let Some((at, with)) = rest
        .iter()
        .enumerate()
        .find_map(|(at, octet)| Some((at, replacement(*octet)?)))
    {
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(with);
        rest = &rest[at + 1..];
    }
    out.extend_from_slice(rest);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn escaped(version: Version, text: &str) -> String {
        let mut out = Vec::new();
        escape_into(version, text, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn e1_all_four_escapes_of_1_2_are_written_and_undone() {
        assert_eq!(escaped(Version::V1_2, "a:b\nc\rd\\e€"), r"a\cb\nc\rd\\e€");
        assert_eq!(
            unescape(Version::V1_2, r"a\cb\nc\rd\\e€"),
            Ok("a:b\nc\rd\\e€".into())
        );
        assert_eq!(unescape(Version::V1_2, r"\\n"), Ok("\\n".into()));
    }

    #[test]
    fn e2_undefined_escapes_are_refused() {
        for bad in [r"a\tc", r"\", r"a\", r"\\\", r"\N", r"\€", r"\ ", r"\c\0"] {
            assert_eq!(unescape(Version::V1_2, bad), Err(BadEscape), "{bad}");
            assert_eq!(unescape(Version::V1_1, bad), Err(BadEscape), "{bad}");
        }
    }

    #[test]
    fn e3_backslash_r_is_undefined_in_1_1_and_cr_is_ordinary() {
        assert_eq!(unescape(Version::V1_1, r"b\rc"), Err(BadEscape));
        assert_eq!(unescape(Version::V1_1, r"\c\n\\"), Ok(":\n\\".into()));
        assert_eq!(escaped(Version::V1_1, "a:b\nc\rd\\"), "a\\cb\\nc\rd\\\\");
    }

    #[test]
    fn e4_1_0_has_no_escapes() {
        assert_eq!(unescape(Version::V1_0, r"a\nb\t\"), Ok(r"a\nb\t\".into()));
        assert_eq!(escaped(Version::V1_0, r"a:\nb\t"), r"a:\nb\t");
    }

    #[test]
    fn m7_line_ends_become_spaces_in_1_0() {
        assert_eq!(escaped(Version::V1_0, "a\r\nb"), "a  b");
    }

    #[test]
    fn a_colon_in_a_name_cannot_forge_another_header_in_1_0() {
        let mut out = Vec::new();
        escape_name_into(Version::V1_0, "message-id:x", &mut out);
        assert_eq!(out, b"message-id x");
    }

    #[test]
    fn a_nul_never_reaches_the_wire_in_a_header() {
        for version in Version::ALL {
            assert_eq!(escaped(version, "a\0b"), "a b");
        }
    }

    #[test]
    fn text_without_escapes_is_borrowed() {
        assert!(matches!(
            unescape(Version::V1_2, "plain"),
            Ok(Cow::Borrowed("plain"))
        ));
    }
}
