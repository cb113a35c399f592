use crate::client::{ClientError, parse_headers};

/// Longest head of a response in bytes.
const HEAD_BYTES_MAX: usize = 16 * 1024;

/// Longest line that gives the size of a chunk, or trailer, in bytes.
const LINE_BYTES_MAX: usize = 1024;

/// What comes next in a response.
#[derive(Debug)]
pub(super) enum Body<'a> {
    NeedMore,
    /// The head is complete.
    Begin,
    Data(&'a [u8]),
    /// The response is complete. Whether the server keeps the socket.
    End {
        socket_stays: bool,
    },
}

/// The head of a response (RFC 9112, section 4).
#[derive(Debug)]
pub(in crate::swarm) struct Head {
    pub(in crate::swarm) status: u16,
    pub(in crate::swarm) socket_stays: bool,
    /// Of the body; `None`: it has none, is chunked, or ends with the socket.
    pub(in crate::swarm) content_length: Option<usize>,
    is_chunked: bool,
    /// Its bytes.
    pub(in crate::swarm) len: usize,
}

impl Head {
    /// Reads the head at the front of `bytes`; `None`: it is not complete.
    ///
    /// # Errors
    ///
    /// It is none.
    pub(in crate::swarm) fn parse(bytes: &[u8]) -> Result<Option<Head>, ClientError> {
        let Some(end) = memchr::memmem::find(bytes, b"\r\n\r\n") else {
            return match bytes.len() > HEAD_BYTES_MAX {
                true => Err(ClientError::Protocol("the head of a response has no end")),
                false => Ok(None),
            };
        };
        let head = &bytes[..end];
        let status = head
            .strip_prefix(b"HTTP/1.1 ")
            .and_then(|rest| std::str::from_utf8(rest.get(..3)?).ok()?.parse().ok())
            .ok_or(ClientError::Protocol("the answer is not HTTP/1.1"))?;
        let headers = parse_headers(head);
        let has = |name: &str, value: &str| {
            headers.iter().any(|(have, values)| {
                have.eq_ignore_ascii_case(name)
                    && values
                        .split(',')
                        .any(|have| have.trim().eq_ignore_ascii_case(value))
            })
        };
        let length = headers
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
        Ok(Some(Head {
            status,
            socket_stays: !has("connection", "close"),
            content_length: length.and_then(|(_, value)| value.parse().ok()),
            is_chunked: has("transfer-encoding", "chunked"),
            len: end + 4,
        }))
    }
}

/// One response after the other on a socket.
#[derive(Debug, Default)]
pub(super) struct Response {
    state: State,
    socket_stays: bool,
    /// A response was complete on this socket.
    socket_was_used: bool,
    /// What of a head or line has arrived.
    partial: Vec<u8>,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    Head,
    /// At the size of a chunk (RFC 9112, section 7.1).
    Size,
    /// So many bytes of a chunk are to come.
    Chunk(usize),
    /// At the line end behind a chunk.
    ChunkEnd,
    /// Behind the last chunk, at a trailer or the empty line.
    Trailer,
    /// The body ends with the socket (RFC 9112, section 6.3).
    UntilEnd,
}

impl Response {
    /// The next part of what `input` begins with, which is taken off it.
    ///
    /// # Errors
    ///
    /// The response is malformed, or refuses.
    pub(super) fn next<'a>(&mut self, input: &mut &'a [u8]) -> Result<Body<'a>, ClientError> {
        loop {
            match self.state {
                State::Head => return self.head(input),
                State::UntilEnd => {
                    return Ok(match std::mem::take(input) {
                        [] => Body::NeedMore,
                        data => Body::Data(data),
                    });
                }
                State::Chunk(0) => self.state = State::ChunkEnd,
                State::Chunk(left) => {
                    let (data, rest) = input.split_at(left.min(input.len()));
                    if data.is_empty() {
                        return Ok(Body::NeedMore);
                    }
                    *input = rest;
                    self.state = State::Chunk(left - data.len());
                    return Ok(Body::Data(data));
                }
                State::Size | State::ChunkEnd | State::Trailer => {
                    if !self.line(input)? {
                        return Ok(Body::NeedMore);
                    }
                    if let Some(end) = self.take_line()? {
                        return Ok(end);
                    }
                }
            }
        }
    }

    /// Whether the end of the socket is no failure: it ends a body that has
    /// no other end, or the socket after a complete response, on which the
    /// next one was asked for in vain (RFC 9112, section 9.6).
    pub(super) fn take_end(&mut self) -> bool {
        let was_complete = std::mem::take(&mut self.socket_was_used);
        match self.state {
            State::UntilEnd => {
                self.state = State::Head;
                true
            }
            State::Head => was_complete && self.partial.is_empty(),
            _ => false,
        }
    }

    fn head<'a>(&mut self, input: &mut &'a [u8]) -> Result<Body<'a>, ClientError> {
        if input.is_empty() {
            return Ok(Body::NeedMore);
        }
        let before = self.partial.len();
        self.partial.extend_from_slice(input);
        let Some(head) = Head::parse(&self.partial)? else {
            *input = &[];
            return Ok(Body::NeedMore);
        };
        *input = &input[head.len - before..];
        self.partial.clear();
        if head.status != 200 {
            return Err(ClientError::Refused {
                status: head.status,
                headers: Vec::new(),
                body: input.to_vec(),
            });
        }
        self.socket_stays = head.socket_stays;
        self.state = match head.is_chunked {
            true => State::Size,
            false => State::UntilEnd,
        };
        Ok(Body::Begin)
    }

    /// Gathers a line in `partial`; whether it is complete.
    fn line(&mut self, input: &mut &[u8]) -> Result<bool, ClientError> {
        let end = memchr::memchr(b'\n', input);
        let (line, rest) = input.split_at(end.map_or(input.len(), |at| at + 1));
        if self.partial.len() + line.len() > LINE_BYTES_MAX {
            return Err(ClientError::Protocol("a chunk has no size"));
        }
        self.partial.extend_from_slice(line);
        *input = rest;
        Ok(end.is_some())
    }

    /// Takes the line that is complete; something if it ends the response.
    fn take_line(&mut self) -> Result<Option<Body<'static>>, ClientError> {
        let line = self.partial.trim_ascii();
        let next = match self.state {
            State::ChunkEnd if line.is_empty() => State::Size,
            State::Trailer if line.is_empty() => State::Head,
            State::Trailer => State::Trailer,
            State::Size => match chunk_size(line) {
                Some(0) => State::Trailer,
                Some(size) => State::Chunk(size),
                None => return Err(ClientError::Protocol("a chunk has no size")),
            },
            _ => return Err(ClientError::Protocol("a chunk is longer than its size")),
        };
        self.partial.clear();
        let is_end = matches!(next, State::Head);
        self.socket_was_used = is_end && self.socket_stays;
        self.state = next;
        Ok(is_end.then_some(Body::End {
            socket_stays: self.socket_stays,
        }))
    }
}

/// Without the extensions behind it (RFC 9112, section 7.1.1).
fn chunk_size(line: &[u8]) -> Option<usize> {
    let digits = line.split(|byte| *byte == b';').next()?.trim_ascii();
    usize::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}
