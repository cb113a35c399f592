//! HTTP/1.1, one request per connection: enough to see exactly which bytes came back.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use serde_json::Value;

use crate::PATIENCE;

/// A whole response.
#[derive(Debug, Clone)]
pub struct Response {
    /// Its status.
    pub status: u16,
    /// Its headers, names in lower case, in order.
    pub headers: Vec<(String, String)>,
    /// Its body.
    pub body: Vec<u8>,
}

impl Response {
    /// The first header of that name (lower case).
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(have, _)| have == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> &str {
        str::from_utf8(&self.body).expect("the body is UTF-8")
    }

    /// The body as JSON.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error} in body of {}: {}", self.status, self.text()))
    }
}

/// `GET path`.
pub fn get(address: SocketAddr, path: &str, headers: &[(&str, &str)]) -> Response {
    request(address, "GET", path, headers)
}

/// A request without body.
///
/// # Panics
/// When there is no whole response.
pub fn request(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
) -> Response {
    send(address, method, path, headers, &[])
}

/// A request with a body, if it is not empty, which is sent to its end before the response is read.
///
/// # Panics
/// When it cannot be sent, or there is no whole response.
pub fn send(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Response {
    try_send(address, method, path, headers, body).expect("the request is answered")
}

/// As [`send`], of a server that may be killed meanwhile.
///
/// # Errors
/// It is not there, or ended before it had answered as a whole.
pub fn try_send(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> io::Result<Response> {
    let mut stream = write(address, method, path, headers, body)?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes)?;
    let cut = || io::Error::from(io::ErrorKind::UnexpectedEof);
    let (mut response, rest) = parse_head(&bytes).ok_or_else(cut)?;
    let length = response.header("content-length");
    if length.is_some_and(|length| method != "HEAD" && length != rest.len().to_string()) {
        return Err(cut());
    }
    response.body = match response.header("transfer-encoding") {
        Some(_) => unchunk(rest),
        None => rest.to_vec(),
    };
    Ok(response)
}

/// Sends a request on a connection of its own.
fn write(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> io::Result<TcpStream> {
    let mut head = format!("{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    if !body.is_empty() {
        head.push_str(&format!("Content-Length: {}\r\n", body.len()));
    }
    head.push_str("\r\n");
    let mut stream = connect(address)?;
    stream.write_all(head.as_bytes())?;
    stream.write_all(body)?;
    Ok(stream)
}

/// Somebody who calls REST in JSON.
#[derive(Debug, Clone)]
pub struct Rest {
    address: SocketAddr,
    authorization: (&'static str, String),
}

impl Rest {
    /// A person with a token.
    #[must_use]
    pub fn of(address: SocketAddr, token: &str) -> Self {
        Self {
            address,
            authorization: ("Authorization", format!("Bearer {token}")),
        }
    }

    /// The host's back end with an API key.
    #[must_use]
    pub fn host(address: SocketAddr, key: &str) -> Self {
        Self {
            address,
            authorization: ("X-API-Key", key.to_owned()),
        }
    }

    /// A request, with a body unless it is null.
    #[must_use]
    pub fn call(&self, method: &str, path: &str, body: &Value) -> Response {
        let (headers, bytes) = self.parts(body);
        send(self.address, method, path, &headers, &bytes)
    }

    /// `GET path`, which is answered with 200: the JSON.
    ///
    /// # Panics
    /// When it is refused.
    #[must_use]
    pub fn get(&self, path: &str) -> Value {
        self.done("GET", path, &Value::Null)
    }

    /// A request that is done: the JSON of its answer, null where there is none.
    ///
    /// # Panics
    /// When it is refused.
    pub fn done(&self, method: &str, path: &str, body: &Value) -> Value {
        let response = self.call(method, path, body);
        let status = response.status;
        assert!(
            status < 300,
            "{method} {path}: {status} {}",
            response.text()
        );
        match response.body.is_empty() {
            true => Value::Null,
            false => response.json(),
        }
    }

    /// Sends a request and hangs up before it is answered.
    ///
    /// # Panics
    /// When it cannot be sent.
    pub fn abandon(&self, method: &str, path: &str, body: &Value) {
        let (headers, bytes) = self.parts(body);
        let sent = write(self.address, method, path, &headers, &bytes);
        drop(sent.expect("the request can be sent"));
    }

    fn parts(&self, body: &Value) -> (Vec<(&str, &str)>, Vec<u8>) {
        let (name, value) = &self.authorization;
        let mut headers = vec![(*name, value.as_str())];
        if body.is_null() {
            return (headers, Vec::new());
        }
        headers.push(("Content-Type", "application/json"));
        (headers, body.to_string().into_bytes())
    }
}

/// A connection that gives up after [`PATIENCE`].
pub(crate) fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    Ok(stream)
}

/// The head of a response and what follows it; `None` while the head is incomplete.
pub(crate) fn parse_head(bytes: &[u8]) -> Option<(Response, &[u8])> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = str::from_utf8(&bytes[..end]).expect("response heads are UTF-8");
    let mut lines = head.split("\r\n");
    let status = lines
        .next()
        .and_then(|line| line.split(' ').nth(1)?.parse().ok());
    let headers = lines.filter_map(|line| line.split_once(':'));
    let response = Response {
        status: status.expect("a status"),
        headers: headers
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect(),
        body: Vec::new(),
    };
    Some((response, &bytes[end + 4..]))
}

fn unchunk(mut bytes: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    loop {
        let end = bytes
            .windows(2)
            .position(|window| window == b"\r\n")
            .expect("a chunk head");
        let head = str::from_utf8(&bytes[..end]).expect("chunk heads are text");
        let length = head
            .split(';')
            .next()
            .map(|hex| usize::from_str_radix(hex.trim(), 16));
        let length = length.and_then(Result::ok).expect("a chunk length");
        if length == 0 {
            return body;
        }
        body.extend_from_slice(&bytes[end + 2..end + 2 + length]);
        bytes = &bytes[end + 2 + length + 2..];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_complete_only_with_its_blank_line() {
        assert!(parse_head(b"HTTP/1.1 200 OK\r\nA: b\r\n").is_none());
        let (response, rest) = parse_head(b"HTTP/1.1 403 No\r\nX-A:  b \r\n\r\nrest").unwrap();
        assert_eq!((response.status, response.header("x-a")), (403, Some("b")));
        assert_eq!(rest, b"rest");
    }

    #[test]
    fn chunks_are_joined() {
        assert_eq!(unchunk(b"3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n"), b"abcde");
    }
}
