use std::sync::LazyLock;

use memchr::memmem::Finder;
use serde::Deserialize;

use super::transport::Content;
use crate::client::ClientError;

/// What a piece of content says.
#[derive(Debug)]
pub(super) enum Item<'a> {
    /// A SockJS session began.
    Began,
    /// A message of a room, as it came: escaped, if its transport escapes.
    Message(&'a [u8]),
    /// STOMP frames that are no MESSAGE, or an object of the JSON door that
    /// is no message; never escaped.
    Answer(&'a [u8]),
}

/// An object of the JSON door that is no message.
#[derive(Debug, Deserialize)]
pub(super) struct Object {
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) error: Option<ObjectError>,
}

#[derive(Debug, Deserialize)]
pub(super) struct ObjectError {
    code: String,
    message: String,
}

/// Where a string with a STOMP frame ends inside of a SockJS array. A frame
/// ends with NUL, and no quote stands unescaped in a string, so that nothing
/// else looks like this.
static STRING_END: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(br#"\u0000",""#));

impl Content {
    /// Calls `each` with all that `piece` holds, in order.
    ///
    /// # Errors
    ///
    /// The piece is malformed, or ends the session; or `each` says so.
    pub(super) fn read(
        self,
        piece: &[u8],
        mut each: impl FnMut(Item<'_>) -> Result<(), ClientError>,
    ) -> Result<(), ClientError> {
        match self {
            Content::Opaque => each(Item::Message(piece)),
            Content::Stomp => stomp(piece, each),
            Content::SockJs => sockjs(piece, each),
            Content::Json => match piece.starts_with(br#"{"type":"message""#) {
                true => each(Item::Message(piece)),
                false => json(piece, each),
            },
        }
    }
}

impl Object {
    pub(super) fn parse(piece: &[u8]) -> Result<Object, ClientError> {
        serde_json::from_slice(piece)
            .map_err(|_| ClientError::Protocol("no JSON object with a type"))
    }
}

impl std::fmt::Display for ObjectError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

/// Line ends before a frame are heart-beats (STOMP 1.2, "Heart-beating").
fn stomp(
    piece: &[u8],
    mut each: impl FnMut(Item<'_>) -> Result<(), ClientError>,
) -> Result<(), ClientError> {
    let frame = piece.trim_ascii_start();
    if frame.starts_with(b"MESSAGE\n") || frame.starts_with(b"MESSAGE\r\n") {
        return each(Item::Message(frame));
    }
    match frame.is_empty() {
        true => Ok(()),
        false => each(Item::Answer(frame)),
    }
}

/// Reads a SockJS frame (SockJS 0.3.3, "Protocol and framing").
fn sockjs(
    frame: &[u8],
    mut each: impl FnMut(Item<'_>) -> Result<(), ClientError>,
) -> Result<(), ClientError> {
    match frame.split_first() {
        Some((b'a', array)) => strings(array, each),
        Some((b'o', [])) => each(Item::Began),
        // A heart-beat, or the prelude of a streamed response.
        Some((b'h', _)) => Ok(()),
        Some((b'c', why)) => match serde_json::from_slice::<(u16, String)>(why) {
            Ok((code, reason)) => Err(ClientError::Closed {
                code: Some(code),
                reason,
            }),
            Err(_) => Err(ClientError::Protocol("malformed SockJS close frame")),
        },
        _ => Err(ClientError::Protocol("unknown SockJS frame")),
    }
}

/// Tells the strings of an array apart. MESSAGEs, which are nearly all there
/// is, are not unescaped; from the first other frame on all are.
fn strings(
    array: &[u8],
    mut each: impl FnMut(Item<'_>) -> Result<(), ClientError>,
) -> Result<(), ClientError> {
    let malformed = || ClientError::Protocol("malformed SockJS array");
    let mut rest = array
        .strip_prefix(b"[\"")
        .and_then(|rest| rest.strip_suffix(b"\"]"))
        .ok_or_else(malformed)?;
    while rest.starts_with(br"MESSAGE\n") {
        let Some(at) = STRING_END.find(rest) else {
            return each(Item::Message(rest));
        };
        each(Item::Message(&rest[..at]))?;
        rest = &rest[at + STRING_END.needle().len()..];
    }
    let json = [b"[\"", rest, b"\"]"].concat();
    let strings: Vec<String> = serde_json::from_slice(&json).map_err(|_| malformed())?;
    strings
        .iter()
        .try_for_each(|frame| stomp(frame.as_bytes(), &mut each))
}

fn json(
    piece: &[u8],
    mut each: impl FnMut(Item<'_>) -> Result<(), ClientError>,
) -> Result<(), ClientError> {
    // Fields may come in another order.
    match Object::parse(piece)?.kind == "message" {
        true => each(Item::Message(piece)),
        false => each(Item::Answer(piece)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(content: Content, piece: &str) -> Result<Vec<String>, ClientError> {
        let mut out = Vec::new();
        content.read(piece.as_bytes(), |item| {
            out.push(match item {
                Item::Began => "began".to_owned(),
                Item::Message(message) => format!("M {}", String::from_utf8_lossy(message)),
                Item::Answer(answer) => format!("A {}", String::from_utf8_lossy(answer)),
            });
            Ok(())
        })?;
        Ok(out)
    }

    #[test]
    fn heart_beats_before_a_frame_are_skipped() {
        assert_eq!(read(Content::Stomp, "\n\r\n").unwrap(), [""; 0]);
        assert_eq!(
            read(Content::Stomp, "\nMESSAGE\n\nx\0").unwrap(),
            ["M MESSAGE\n\nx\0"]
        );
        assert_eq!(
            read(Content::Stomp, "RECEIPT\n\n\0").unwrap(),
            ["A RECEIPT\n\n\0"]
        );
    }

    #[test]
    fn strings_of_a_sockjs_array_are_told_apart_whatever_their_bodies_hold() {
        let bodies = [
            "{\"a\":\"b\",\"c\"}",
            "\",\"",
            "\\u0000\",\"",
            "x\0\",\"y\0",
            "",
        ];
        let frames: Vec<String> = bodies
            .iter()
            .map(|body| format!("MESSAGE\nid:1\n\n{body}\0"))
            .collect();
        let array = format!("a{}", serde_json::to_string(&frames).unwrap());
        let got = read(Content::SockJs, &array).unwrap();
        assert_eq!(got.len(), frames.len());
        for (got, frame) in got.iter().zip(&frames) {
            let json = serde_json::to_string(frame).unwrap();
            let raw = json.trim_matches('"').trim_end_matches("\\u0000");
            assert_eq!(
                got.strip_prefix("M ").unwrap().trim_end_matches("\\u0000"),
                raw
            );
        }
    }

    #[test]
    fn what_is_no_message_is_unescaped_in_its_place() {
        let frames = ["MESSAGE\n\na\0", "\n", "RECEIPT\n\n\0", "MESSAGE\n\nb\0"];
        let array = format!("a{}", serde_json::to_string(&frames).unwrap());
        assert_eq!(
            read(Content::SockJs, &array).unwrap(),
            [r"M MESSAGE\n\na", "A RECEIPT\n\n\0", "M MESSAGE\n\nb\0"]
        );
    }

    #[test]
    fn the_other_sockjs_frames_are_known() {
        assert_eq!(read(Content::SockJs, "o").unwrap(), ["began"]);
        assert_eq!(read(Content::SockJs, &"h".repeat(2048)).unwrap(), [""; 0]);
        let closed = read(Content::SockJs, r#"c[3000,"Go away!"]"#).unwrap_err();
        assert_eq!(closed.close_code(), Some(3000));
        for bad in ["", "x", "oo", "a", "a[", "a[]", "a[1]", r#"a["\x"]"#, "c[]"] {
            assert!(read(Content::SockJs, bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn messages_of_the_json_door_are_told_from_the_rest() {
        let message = r#"{"type":"message","message":{}}"#;
        assert_eq!(
            read(Content::Json, message).unwrap(),
            [format!("M {message}")]
        );
        let turned = r#"{"message":{},"type":"message"}"#;
        assert_eq!(
            read(Content::Json, turned).unwrap(),
            [format!("M {turned}")]
        );
        let hello = r#"{"type":"hello","rooms":[]}"#;
        assert_eq!(read(Content::Json, hello).unwrap(), [format!("A {hello}")]);
        assert!(read(Content::Json, "[]").is_err());
    }
}
