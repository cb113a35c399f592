//! How what a session wrote becomes frames.

use std::borrow::Cow;

/// The next frame of `units`, and how many bytes of them it stands for: texts that follow each
/// other are one array.
pub(super) fn next_frame(units: &[u8]) -> Option<(Cow<'_, [u8]>, usize)> {
    let first = line(units)?;
    if !first.starts_with(b"\"") {
        return Some((first.into(), first.len() + 1));
    }
    let mut frame = Vec::with_capacity(first.len() + 3);
    frame.extend_from_slice(b"a[");
    frame.extend_from_slice(first);
    let mut len = first.len() + 1;
    while let Some(text) = next_text(&units[len..]) {
        frame.push(b',');
        frame.extend_from_slice(text);
        len += text.len() + 1;
    }
    frame.push(b']');
    Some((frame.into(), len))
}

fn next_text(units: &[u8]) -> Option<&[u8]> {
    units.starts_with(b"\"").then(|| line(units)).flatten()
}

fn line(units: &[u8]) -> Option<&[u8]> {
    let end = memchr::memchr(b'\n', units)?;
    Some(&units[..end])
}
