use super::command::Command;
use super::escape::{escape_into, escape_name_into};
use super::headers::Headers;
use super::version::Version;

/// A frame, its headers without escapes.
///
/// In a decoded frame `content-length` is among the headers if the peer sent
/// it; [`Frame::encode`] ignores it there and states the length of `body`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// What the frame is.
    pub command: Command,
    /// Its headers in order.
    pub headers: Headers,
    /// Its body, empty where there is none. Any octets, NUL included.
    pub body: Vec<u8>,
}

impl Frame {
    /// A frame without headers and body; allocates nothing.
    pub const fn new(command: Command) -> Frame {
        Frame {
            command,
            headers: Headers::new(),
            body: Vec::new(),
        }
    }

    /// The frame with one more header behind those it has.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Frame {
        self.headers.push(name, value);
        self
    }

    /// The frame with this body in place of its own.
    #[must_use]
    pub fn with_body(mut self, body: impl Into<Vec<u8>>) -> Frame {
        self.body = body.into();
        self
    }

    /// The value of the first header called `name`, the one that counts.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.headers.get(name)
    }

    /// Appends the frame to `out` as `version` writes it, up to and including
    /// its NUL; no EOL follows.
    ///
    /// What is written is always one well-formed frame: a `content-length` is
    /// written for every body that is not empty, and only for those; the body
    /// of a command that may not have one and headers with an empty name are
    /// left out; what a header cannot express in `version` is replaced as
    /// [`escape_into`](super::escape_into) says. CONNECT, STOMP and CONNECTED
    /// follow the rules of 1.0 there.
    pub fn encode(&self, version: Version, out: &mut Vec<u8>) {
        let version = if self.command.is_escaped() {
            version
        } else {
            Version::V1_0
        };
        let body = if self.command.may_have_body() {
            self.body.as_slice()
        } else {
            &[]
        };
        out.reserve(self.encoded_bytes_about(body));
        out.extend_from_slice(self.command.as_str().as_bytes());
        out.push(b'\n');
        for (name, value) in &self.headers {
            if name != CONTENT_LENGTH {
                encode_header(version, name, value, out);
            }
        }
        encode_rest(body, out);
    }

    fn encoded_bytes_about(&self, body: &[u8]) -> usize {
        const COMMAND_AND_CONTENT_LENGTH: usize = 48;
        COMMAND_AND_CONTENT_LENGTH + self.headers.text_bytes() + 2 * self.headers.len() + body.len()
    }
}

pub(super) const CONTENT_LENGTH: &str = "content-length";

/// Appends one header line. The BNF knows no empty name, so such a header is left out.
pub(super) fn encode_header(version: Version, name: &str, value: &str, out: &mut Vec<u8>) {
    if name.is_empty() {
        return;
    }
    escape_name_into(version, name, out);
    out.push(b':');
    escape_into(version, value, out);
    out.push(b'\n');
}

/// Appends what follows a frame's other headers: `content-length` if there is
/// a body, blank line, body, NUL.
pub(super) fn encode_rest(body: &[u8], out: &mut Vec<u8>) {
    if !body.is_empty() {
        out.extend_from_slice(CONTENT_LENGTH.as_bytes());
        out.push(b':');
        push_decimal(body.len(), out);
        out.push(b'\n');
    }
    out.push(b'\n');
    out.extend_from_slice(body);
    out.push(0);
}

fn push_decimal(mut number: usize, out: &mut Vec<u8>) {
    let start = out.len();
    loop {
        out.push(b'0' + (number % 10) as u8);
        number /= 10;
        if number == 0 {
            break;
        }
    }
    out[start..].reverse();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(frame: &Frame, version: Version) -> String {
        let mut out = Vec::new();
        frame.encode(version, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn headers_are_escaped_by_the_version_of_the_receiver() {
        let frame = Frame::new(Command::Receipt).with("receipt-id", "a:b\\c");
        assert_eq!(
            encoded(&frame, Version::V1_0),
            "RECEIPT\nreceipt-id:a:b\\c\n\n\0"
        );
        assert_eq!(
            encoded(&frame, Version::V1_1),
            "RECEIPT\nreceipt-id:a\\cb\\\\c\n\n\0"
        );
        assert_eq!(
            encoded(&frame, Version::V1_2),
            "RECEIPT\nreceipt-id:a\\cb\\\\c\n\n\0"
        );
    }

    #[test]
    fn e8_connect_stomp_and_connected_are_never_escaped() {
        for command in [Command::Connect, Command::Stomp, Command::Connected] {
            let frame = Frame::new(command).with("host", "a:80\\");
            assert_eq!(
                encoded(&frame, Version::V1_2),
                format!("{command}\nhost:a:80\\\n\n\0")
            );
        }
    }

    #[test]
    fn x6_content_length_is_that_of_the_body_whatever_the_headers_say() {
        let frame = Frame::new(Command::Error)
            .with("content-length", "9")
            .with("message", "no")
            .with_body(*b"a\0bcdefghijk");
        assert_eq!(
            encoded(&frame, Version::V1_2),
            "ERROR\nmessage:no\ncontent-length:12\n\na\0bcdefghijk\0"
        );
    }

    #[test]
    fn a_body_is_never_written_where_none_is_allowed() {
        let frame = Frame::new(Command::Receipt)
            .with("content-length", "1")
            .with_body(*b"x");
        assert_eq!(encoded(&frame, Version::V1_2), "RECEIPT\n\n\0");
    }

    #[test]
    fn a_header_without_a_name_is_left_out() {
        assert_eq!(
            encoded(&Frame::new(Command::Ack).with("", "x"), Version::V1_2),
            "ACK\n\n\0"
        );
    }
}
