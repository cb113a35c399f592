//! Server-Sent Events (WHATWG HTML, section 9.2), server side.
//!
//! An event is [`append_id`], if it has one, then [`append_event`]: what many
//! receivers share can be kept, and an id of each one's own put before it.

/// The `Content-Type`.
pub const CONTENT_TYPE: &str = "text/event-stream";

/// A comment that keeps the connection open. Goes between events.
pub const HEART_BEAT: &[u8] = b":\n\n";

/// A text that fits into one line: the name of an event, or an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line<'a>(&'a str);

/// A text with CR, LF or NUL in it: a line would end early, and an id with a
/// NUL is ignored by receivers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line break or NUL in a line of an event stream")]
pub struct BadLine;

impl<'a> Line<'a> {
    /// Takes a text.
    ///
    /// # Errors
    ///
    /// [`BadLine`].
    pub fn new(text: &'a str) -> Result<Self, BadLine> {
        match text.contains(['\r', '\n', '\0']) {
            true => Err(BadLine),
            false => Ok(Self(text)),
        }
    }

    /// The text.
    pub fn as_str(&self) -> &'a str {
        self.0
    }
}

/// Appends the id of the event that has to follow: what a receiver that lost
/// its connection says in `Last-Event-ID`. An empty one takes the last back.
pub fn append_id(id: Line<'_>, out: &mut Vec<u8>) {
    append_field("id", id.0, out);
}

/// Appends an event and its end. Without a name it is a `message`.
///
/// Line breaks in the data, of any kind, arrive as LF.
pub fn append_event(name: Option<Line<'_>>, data: &str, out: &mut Vec<u8>) {
    if let Some(name) = name {
        append_field("event", name.0, out);
    }
    for line in lines(data) {
        append_field("data", line, out);
    }
    out.push(b'\n');
}

/// Appends how long a receiver waits before it connects again. Goes between
/// events.
pub fn append_retry(milliseconds: u32, out: &mut Vec<u8>) {
    append_field("retry", &milliseconds.to_string(), out);
    out.push(b'\n');
}

/// Appends a comment, which receivers ignore. Goes between events.
pub fn append_comment(text: &str, out: &mut Vec<u8>) {
    for line in lines(text) {
        append_field("", line, out);
    }
    out.push(b'\n');
}

/// One space after the colon is not part of the value: always writing it keeps
/// those that are.
fn append_field(name: &str, value: &str, out: &mut Vec<u8>) {
    for part in [name, ": ", value, "\n"] {
        out.extend_from_slice(part.as_bytes());
    }
}

/// Lines end with CR LF, LF or CR.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let Some(end) = memchr::memchr2(b'\r', b'\n', text.as_bytes()) else {
            return rest.take();
        };
        let (line, after) = text.split_at(end);
        rest = after.strip_prefix("\r\n").or_else(|| after.get(1..));
        Some(line)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(name: Option<&str>, data: &str) -> String {
        let mut out = Vec::new();
        let name = name.map(|name| Line::new(name).unwrap());
        append_event(name, data, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn an_event_is_its_name_its_data_and_an_empty_line() {
        assert_eq!(event(None, "x"), "data: x\n\n");
        assert_eq!(event(Some("room"), "{}"), "event: room\ndata: {}\n\n");
        assert_eq!(event(None, ""), "data: \n\n");
        assert_eq!(event(None, " x"), "data:  x\n\n");
    }

    #[test]
    fn every_line_of_the_data_has_its_field() {
        assert_eq!(event(None, "a\nb"), "data: a\ndata: b\n\n");
        assert_eq!(event(None, "a\r\nb\rc"), "data: a\ndata: b\ndata: c\n\n");
        assert_eq!(event(None, "a\n"), "data: a\ndata: \n\n");
        assert_eq!(event(None, "\n\r"), "data: \ndata: \ndata: \n\n");
    }

    #[test]
    fn an_id_goes_before_an_event_that_is_kept() {
        let mut out = Vec::new();
        append_id(Line::new("7-42").unwrap(), &mut out);
        out.extend_from_slice(event(Some("message"), "x").as_bytes());
        assert_eq!(out, b"id: 7-42\nevent: message\ndata: x\n\n");
    }

    #[test]
    fn no_line_breaks_into_another() {
        for text in ["a\nb", "a\r", "\0"] {
            assert_eq!(Line::new(text), Err(BadLine));
        }
        assert_eq!(Line::new("a b:").unwrap().as_str(), "a b:");
    }

    #[test]
    fn comments_and_retry_stand_alone() {
        let mut out = Vec::new();
        append_comment("a\nb", &mut out);
        append_retry(3000, &mut out);
        assert_eq!(out, b": a\n: b\n\nretry: 3000\n\n");
    }
}
