//! One kept HTTP/1.1 connection that asks one thing after the other.
//!
//! It blocks, so that a measured request has no runtime in its way. It reads what Madang answers to
//! REST calls: bodies with a length. It follows nothing and decodes nothing.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;
use std::{io, str};

/// How long an answer may take; longer ones end the run.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);

/// A body that is longer is none that is asked for here.
const BODY_BYTES_MAX: usize = 64 * 1024 * 1024;

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Such as `GET`.
    pub method: &'static str,
    /// With query; begins with a slash. Percent-encoded already.
    pub path: String,
    /// What the server gets as a bearer token; none if it is empty.
    pub token: String,
    /// JSON; empty for none.
    pub body: String,
}

/// What is answered; valid until the next request.
#[derive(Clone, Copy, Debug)]
pub struct Answer<'a> {
    /// The status code.
    pub status: u16,
    /// Empty if there is none.
    pub body: &'a [u8],
}

/// One connection.
#[derive(Debug)]
pub struct HttpConnection {
    stream: BufReader<TcpStream>,
    host: String,
    request: String,
    line: String,
    body: Vec<u8>,
}

impl Request {
    /// A GET of `path` as the holder of `token`.
    pub fn get(path: impl Into<String>, token: impl Into<String>) -> Request {
        Request {
            method: "GET",
            path: path.into(),
            token: token.into(),
            body: String::new(),
        }
    }

    /// The same with another method and a body.
    #[must_use]
    pub fn with(self, method: &'static str, body: impl Into<String>) -> Request {
        Request {
            method,
            body: body.into(),
            ..self
        }
    }
}

impl Answer<'_> {
    /// Whether it was done: 2xx.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The status and the beginning of the body, for people.
    pub fn describe(&self) -> String {
        let text = String::from_utf8_lossy(self.body);
        let beginning: String = text.chars().take(200).collect();
        format!("{} {beginning}", self.status)
    }
}

impl HttpConnection {
    /// Connects; `host` is what requests say in `Host`.
    ///
    /// # Errors
    ///
    /// Nobody listens there.
    pub fn open(address: SocketAddr, host: impl Into<String>) -> io::Result<HttpConnection> {
        HttpConnection::open_within(address, host, ANSWER_TIMEOUT)
    }

    /// The same with another patience, for connecting and for each read of an answer.
    ///
    /// # Errors
    ///
    /// Nobody listens there, or not in time.
    pub fn open_within(
        address: SocketAddr,
        host: impl Into<String>,
        patience: Duration,
    ) -> io::Result<HttpConnection> {
        let stream = TcpStream::connect_timeout(&address, patience)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(patience))?;
        Ok(HttpConnection {
            stream: BufReader::with_capacity(64 * 1024, stream),
            host: host.into(),
            request: String::new(),
            line: String::new(),
            body: Vec::new(),
        })
    }

    /// Sends a request with one write and waits for its answer.
    ///
    /// # Errors
    ///
    /// The connection fails, the answer takes too long, or it is no HTTP/1.1 with a length. It
    /// cannot be used any more.
    pub fn ask(&mut self, request: &Request) -> io::Result<Answer<'_>> {
        self.encode(request);
        self.stream.get_mut().write_all(self.request.as_bytes())?;
        let status = self.status()?;
        let length = self.length()?;
        // Of these there is no body whatever the head says (RFC 9112, section 6.3).
        let length = match (status, length) {
            (204 | 304, _) => 0,
            (_, Some(length)) => length,
            (_, None) => return Err(malformed("an answer without a length")),
        };
        if length > BODY_BYTES_MAX {
            return Err(malformed("an answer that is far too long"));
        }
        self.body.resize(length, 0);
        self.stream.read_exact(&mut self.body)?;
        Ok(Answer {
            status,
            body: &self.body,
        })
    }

    fn encode(&mut self, request: &Request) {
        let Request {
            method,
            path,
            token,
            body,
        } = request;
        let out = &mut self.request;
        out.clear();
        // Writing to a String cannot fail.
        let _ = write!(out, "{method} {path} HTTP/1.1\r\nHost: {}\r\n", self.host);
        if !token.is_empty() {
            let _ = write!(out, "Authorization: Bearer {token}\r\n");
        }
        if !body.is_empty() {
            let length = body.len();
            let _ = write!(
                out,
                "Content-Type: application/json\r\nContent-Length: {length}\r\n"
            );
        } else if *method != "GET" {
            out.push_str("Content-Length: 0\r\n");
        }
        out.push_str("\r\n");
        out.push_str(body);
    }

    fn status(&mut self) -> io::Result<u16> {
        self.read_line()?;
        let status = self.line.strip_prefix("HTTP/1.1 ");
        let status = status.and_then(|rest| rest.get(..3));
        let status = status.and_then(|status| status.parse().ok());
        status.ok_or_else(|| malformed("no HTTP/1.1"))
    }

    /// Reads the rest of the head; answers what it says of the body's length.
    fn length(&mut self) -> io::Result<Option<usize>> {
        let mut length = None;
        loop {
            self.read_line()?;
            let line = self.line.trim_end();
            if line.is_empty() {
                return Ok(length);
            }
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse().ok();
            }
        }
    }

    fn read_line(&mut self) -> io::Result<()> {
        self.line.clear();
        match self.stream.read_line(&mut self.line)? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }
}

/// `text` as one segment of a path, or one value of a query (RFC 3986, section 2.1).
pub fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

fn malformed(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    /// Asks once; answers what was sent and what came back.
    fn exchange(request: &Request, answer: &'static str) -> (String, io::Result<(u16, String)>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut sent = vec![0; 4096];
            let length = stream.read(&mut sent).unwrap();
            stream.write_all(answer.as_bytes()).unwrap();
            String::from_utf8_lossy(&sent[..length]).into_owned()
        });
        let mut connection = HttpConnection::open(address, "h:1").unwrap();
        let answer = connection.ask(request).map(|answer| {
            let body = String::from_utf8_lossy(answer.body).into_owned();
            (answer.status, body)
        });
        (server.join().unwrap(), answer)
    }

    #[test]
    fn a_request_says_who_asks_and_how_long_its_body_is() {
        let request = Request::get("/a?b=c", "t").with("PUT", r#"{"seq":1}"#);
        let ok = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi";
        let (sent, answer) = exchange(&request, ok);
        assert_eq!(
            sent,
            "PUT /a?b=c HTTP/1.1\r\nHost: h:1\r\nAuthorization: Bearer t\r\n\
             Content-Type: application/json\r\nContent-Length: 9\r\n\r\n{\"seq\":1}"
        );
        assert_eq!(answer.unwrap(), (200, "hi".to_owned()));
    }

    #[test]
    fn an_answer_may_have_no_body_but_not_one_of_unknown_length() {
        let request = Request::get("/", "");
        let (sent, answer) = exchange(&request, "HTTP/1.1 204 No Content\r\n\r\n");
        assert_eq!(sent, "GET / HTTP/1.1\r\nHost: h:1\r\n\r\n");
        assert_eq!(answer.unwrap(), (204, String::new()));
        for answer in ["HTTP/1.1 200 OK\r\n\r\nhi", "hello\r\n\r\n", ""] {
            assert!(exchange(&request, answer).1.is_err(), "{answer}");
        }
    }

    #[test]
    fn what_is_no_plain_letter_is_percent_encoded() {
        assert_eq!(encoded("a-1@b/환"), "a-1%40b%2F%ED%99%98");
    }
}
