//! From bytes to pieces of content: WebSocket messages, lines of an HTTP
//! response, STOMP frames of a TCP stream. Any chunking of the bytes gives the
//! same pieces.

mod cutter;
mod http;
mod websocket;

use madang_wire::websocket::Limits;

use crate::client::ClientError;
use cutter::Cutter;
pub(super) use http::Head;
use http::{Body, Response};
pub(super) use websocket::Upgrade;
use websocket::WebSocket;

/// What the bytes of a connection hold.
#[derive(Debug)]
pub(super) enum Piece<'a> {
    /// Content can be sent.
    Ready,
    /// One piece of content.
    Content(&'a [u8]),
    /// A WebSocket ping, to be answered.
    Ping(&'a [u8]),
    /// The response is over, and the session is not: it is to be asked for
    /// the next one, on this socket if that stays.
    ResponseEnd { socket_stays: bool },
}

/// What turns the bytes of a connection into pieces.
#[derive(Debug)]
pub(super) enum Inbound {
    WebSocket(WebSocket),
    Tcp(Cutter),
    Http(Box<Http>),
}

/// A response that goes on for long, line by line.
#[derive(Debug)]
pub(super) struct Http {
    response: Response,
    cutter: Cutter,
    /// What a line must begin with; other lines are no content.
    prefix: &'static [u8],
}

impl Inbound {
    pub(super) fn bare() -> Inbound {
        Inbound::WebSocket(WebSocket::new(None, Limits::default()))
    }

    pub(super) fn websocket(upgrade: Upgrade, limits: Limits) -> Inbound {
        Inbound::WebSocket(WebSocket::new(Some(upgrade), limits))
    }

    /// A NUL ends a STOMP frame. One inside of a body, which only a
    /// `content-length` can tell (STOMP 1.2, "Body"), is not expected here.
    pub(super) fn tcp() -> Inbound {
        Inbound::Tcp(Cutter::new(b'\0'))
    }

    pub(super) fn http_lines() -> Inbound {
        Inbound::http(b"")
    }

    pub(super) fn http_events() -> Inbound {
        Inbound::http(b"data:")
    }

    fn http(prefix: &'static [u8]) -> Inbound {
        Inbound::Http(Box::new(Http {
            response: Response::default(),
            cutter: Cutter::new(b'\n'),
            prefix,
        }))
    }

    /// Calls `each` with all that `input` completes, in order.
    ///
    /// # Errors
    ///
    /// The server broke a protocol, refused, or ended the session; or `each`
    /// says so.
    pub(super) fn take(
        &mut self,
        input: &mut [u8],
        mut each: impl FnMut(Piece<'_>) -> Result<(), ClientError>,
    ) -> Result<(), ClientError> {
        match self {
            Inbound::WebSocket(websocket) => websocket.take(input, each),
            Inbound::Tcp(cutter) => cutter.take(input, |frame| each(Piece::Content(frame))),
            Inbound::Http(http) => http.take(input, each),
        }
    }

    /// Whether the end of the stream is no failure here: it ends a response
    /// that has no other end. The next one is to be asked for then.
    pub(super) fn take_end(&mut self) -> bool {
        match self {
            Inbound::Http(http) => http.response.take_end(),
            _ => false,
        }
    }
}

impl Http {
    fn take(
        &mut self,
        mut input: &[u8],
        mut each: impl FnMut(Piece<'_>) -> Result<(), ClientError>,
    ) -> Result<(), ClientError> {
        let prefix = self.prefix;
        loop {
            match self.response.next(&mut input)? {
                Body::NeedMore => return Ok(()),
                Body::Begin => each(Piece::Ready)?,
                Body::Data(data) => self.cutter.take(data, |line| {
                    match line.trim_ascii_end().strip_prefix(prefix) {
                        None | Some([]) => Ok(()),
                        Some(content) => each(Piece::Content(content.trim_ascii_start())),
                    }
                })?,
                Body::End { socket_stays } => each(Piece::ResponseEnd { socket_stays })?,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(mut inbound: Inbound, wire: &[u8], step: usize) -> Vec<String> {
        let mut out = Vec::new();
        for chunk in wire.to_vec().chunks_mut(step) {
            inbound
                .take(chunk, |piece| {
                    out.push(match piece {
                        Piece::Content(content) => String::from_utf8_lossy(content).into_owned(),
                        other => format!("{other:?}"),
                    });
                    Ok(())
                })
                .unwrap();
        }
        out
    }

    fn in_any_chunking(inbound: fn() -> Inbound, wire: &[u8], expected: &[&str]) {
        for step in 1..=wire.len() {
            assert_eq!(pieces(inbound(), wire, step), expected, "step {step}");
        }
    }

    #[test]
    fn stomp_frames_of_a_tcp_stream_are_the_same_in_any_chunking() {
        let wire = b"CONNECTED\nversion:1.2\n\n\0\n\nMESSAGE\n\nabc\0\nMESSAGE\n\nd\0";
        let expected = [
            "CONNECTED\nversion:1.2\n\n\0",
            "MESSAGE\n\nabc\0",
            "MESSAGE\n\nd\0",
        ];
        for step in 1..=wire.len() {
            let got = pieces(Inbound::tcp(), wire, step);
            let got: Vec<_> = got.iter().map(|frame| frame.trim_start()).collect();
            assert_eq!(got, expected, "step {step}");
        }
    }

    #[test]
    fn lines_of_a_chunked_response_are_the_same_in_any_chunking() {
        let wire = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n\
            5\r\nhhh\no\r\n1;x=y\r\n\n\r\nA\r\na[\"1\"]\na[\"\r\n4\r\n2\"]\n\r\n0\r\n\r\n\
            HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\nConnection: close\r\n\r\n\
            2\r\nh\n\r\n0\r\nX: trailer\r\n\r\n";
        in_any_chunking(
            Inbound::http_lines,
            wire,
            &[
                "Ready",
                "hhh",
                "o",
                r#"a["1"]"#,
                r#"a["2"]"#,
                "ResponseEnd { socket_stays: true }",
                "Ready",
                "h",
                "ResponseEnd { socket_stays: false }",
            ],
        );
    }

    #[test]
    fn events_are_the_same_in_any_chunking_with_either_line_end() {
        let wire = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n\
            \r\nretry: 3000\n\n: comment\n\nevent: message\ndata: {\"a\":1}\nid: 7\n\n\
            data: a[\"x\"]\r\n\r\ndata:o\r\n\r\n";
        in_any_chunking(
            Inbound::http_events,
            wire,
            &["Ready", r#"{"a":1}"#, r#"a["x"]"#, "o"],
        );
    }

    #[test]
    fn a_refusal_is_told_with_what_the_server_said() {
        let mut wire = b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 3\r\n\r\nno!".to_vec();
        let error = Inbound::http_events()
            .take(&mut wire, |_| Ok(()))
            .unwrap_err();
        assert!(matches!(&error, ClientError::Refused { status: 401, body, .. } if body == b"no!"));
    }

    #[test]
    fn what_is_no_response_or_chunk_is_an_error() {
        for wire in [
            "HTTP/2 200\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n",
        ] {
            let mut bytes = wire.as_bytes().to_vec();
            assert!(
                Inbound::http_lines().take(&mut bytes, |_| Ok(())).is_err(),
                "{wire}"
            );
        }
    }
}
