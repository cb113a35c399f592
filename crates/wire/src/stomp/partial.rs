use std::{fmt, mem};

use memchr::{memchr, memchr2};

use super::command::{Command, Peer};
use super::decoder::accepts_cr_lf;
use super::error::DecodeError;
use super::escape::unescape;
use super::frame::{CONTENT_LENGTH, Frame};
use super::headers::Headers;
use super::limits::Limits;
use super::version::Version;

/// What a decoder knows apart from the frame it is in.
#[derive(Clone, Copy)]
pub(super) struct Rules<'a> {
    pub(super) limits: &'a Limits,
    /// `None` before the CONNECT is answered.
    pub(super) version: Option<Version>,
    pub(super) peer: Peer,
}

/// A frame of which only the front has arrived. Header lines are decoded one
/// by one as they are completed, so only an unfinished line is kept raw.
pub(super) struct Partial {
    /// `None` until the command line is complete.
    command: Option<Command>,
    headers: Headers,
    /// Octets of the complete lines so far.
    head_bytes: usize,
    /// What has arrived of the line in progress.
    line: Vec<u8>,
    /// `None` until the blank line.
    body_rule: Option<BodyRule>,
    /// Octets of body that have arrived, kept or not.
    body_seen: usize,
    body: Vec<u8>,
}

#[derive(Clone, Copy, Debug)]
struct BodyRule {
    end: BodyEnd,
    fate: BodyFate,
}

#[derive(Clone, Copy, Debug)]
enum BodyEnd {
    FirstNul,
    ContentLength(usize),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum BodyFate {
    Kept,
    /// STOMP 1.0: "the body of SUBSCRIBE is ignored".
    Ignored,
    Refused,
}

/// Room for the headers of a usual frame, to be had with one allocation each.
const HEADER_COUNT_USUAL: usize = 8;
const HEADER_TEXT_BYTES_USUAL: usize = 256;

/// Tells sizes only: an unfinished line may hold half a passcode.
impl fmt::Debug for Partial {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Partial")
            .field("command", &self.command)
            .field("head_bytes", &(self.head_bytes + self.line.len()))
            .field("body_bytes", &self.body_seen)
            .finish_non_exhaustive()
    }
}

impl Partial {
    /// A frame that begins with the first of `input_bytes` octets at hand.
    pub(super) fn new(input_bytes: usize) -> Partial {
        let text_bytes = input_bytes.min(HEADER_TEXT_BYTES_USUAL);
        Partial {
            command: None,
            headers: Headers::with_capacity(HEADER_COUNT_USUAL, text_bytes),
            head_bytes: 0,
            line: Vec::new(),
            body_rule: None,
            body_seen: 0,
            body: Vec::new(),
        }
    }

    pub(super) fn heap_bytes(&self) -> usize {
        self.headers.heap_bytes() + self.line.capacity() + self.body.capacity()
    }

    /// Takes from `input` what belongs to this frame. `None`: that was all of
    /// it, and more belongs to the frame. Not to be called again after a frame
    /// or an error.
    pub(super) fn advance(
        &mut self,
        rules: Rules<'_>,
        input: &mut &[u8],
    ) -> Result<Option<Frame>, DecodeError> {
        self.read(rules, input)
            .map_err(|error| error.of_frame(self.command, &self.headers))
    }

    fn read(&mut self, rules: Rules<'_>, input: &mut &[u8]) -> Result<Option<Frame>, DecodeError> {
        if self.body_rule.is_none() {
            self.read_head(rules, input)?;
        }
        let (Some(command), Some(body_rule)) = (self.command, self.body_rule) else {
            return Ok(None);
        };
        let complete = match body_rule.end {
            BodyEnd::FirstNul => self.read_body_to_nul(rules, body_rule.fate, input)?,
            BodyEnd::ContentLength(length) => self.read_body_of(length, body_rule.fate, input)?,
        };
        Ok(complete.then(|| Frame {
            command,
            headers: mem::take(&mut self.headers),
            body: mem::take(&mut self.body),
        }))
    }

    /// Reads lines up to the blank one or the end of `input`.
    fn read_head(&mut self, rules: Rules<'_>, input: &mut &[u8]) -> Result<(), DecodeError> {
        while self.body_rule.is_none() {
            let end = memchr2(b'\n', 0, input);
            let seen = end.unwrap_or(input.len());
            self.check_line_bytes(rules, self.line.len() + seen)?;
            let (part, rest) = input.split_at(seen);
            let Some(terminator) = rest.first() else {
                self.line.extend_from_slice(part);
                *input = rest;
                return Ok(());
            };
            // Frames end at a NUL, and this one has had no blank line.
            if *terminator == 0 {
                return Err(match self.command {
                    None => DecodeError::UnknownCommand,
                    Some(_) => DecodeError::MalformedHeader { receipt: None },
                });
            }
            *input = &rest[1..];
            if self.line.is_empty() {
                self.take_line(rules, part)?;
            } else {
                let mut line = mem::take(&mut self.line);
                line.extend_from_slice(part);
                self.take_line(rules, &line)?;
            }
        }
        Ok(())
    }

    /// Refuses a line as soon as it is too long, whether or not its end is in
    /// sight, and by the limit it passes first.
    fn check_line_bytes(&self, rules: Rules<'_>, line_bytes: usize) -> Result<(), DecodeError> {
        if self.command.is_none() && line_bytes > Command::NAME_BYTES_MAX + "\r".len() {
            return Err(DecodeError::UnknownCommand);
        }
        let line_bytes_max = rules.limits.header_line_bytes_max;
        let head_bytes_left = rules.limits.head_bytes_max.saturating_sub(self.head_bytes);
        if line_bytes <= line_bytes_max.min(head_bytes_left) {
            return Ok(());
        }
        Err(if line_bytes_max <= head_bytes_left {
            DecodeError::HeaderTooLong { receipt: None }
        } else {
            DecodeError::HeadTooLarge { receipt: None }
        })
    }

    /// Takes a complete line without its LF.
    fn take_line(&mut self, rules: Rules<'_>, line: &[u8]) -> Result<(), DecodeError> {
        self.head_bytes += line.len() + 1;
        if self.head_bytes > rules.limits.head_bytes_max {
            return Err(DecodeError::HeadTooLarge { receipt: None });
        }
        let line = match line {
            [line @ .., b'\r'] if accepts_cr_lf(rules.version) => line,
            line => line,
        };
        let Some(command) = self.command else {
            self.command = Some(rules.command(line)?);
            return Ok(());
        };
        if line.is_empty() {
            if rules.is_1_0(&self.headers) && rules.version.is_none() {
                self.headers = trimmed(&self.headers);
            }
            self.body_rule = Some(rules.body_rule(command, &self.headers)?);
            return Ok(());
        }
        if self.headers.len() >= rules.limits.header_count_max {
            return Err(DecodeError::TooManyHeaders { receipt: None });
        }
        rules.read_header(command, line, &mut self.headers)
    }

    /// Without `content-length` the body ends at the first NUL (STOMP 1.2, "Body").
    fn read_body_to_nul(
        &mut self,
        rules: Rules<'_>,
        fate: BodyFate,
        input: &mut &[u8],
    ) -> Result<bool, DecodeError> {
        let end = memchr(0, input);
        let (part, rest) = input.split_at(end.unwrap_or(input.len()));
        if fate == BodyFate::Refused && !part.is_empty() {
            return Err(DecodeError::BodyNotAllowed { receipt: None });
        }
        let bytes_max = rules.limits.body_bytes_max;
        if self.body_seen + part.len() > bytes_max {
            return Err(DecodeError::BodyTooLarge { receipt: None });
        }
        self.take_body(part, fate, bytes_max);
        *input = rest.get(1..).unwrap_or_default();
        Ok(end.is_some())
    }

    /// With `content-length` that many octets are body, NULs among them, and
    /// a NUL has to follow (STOMP 1.2, "Header content-length").
    fn read_body_of(
        &mut self,
        length: usize,
        fate: BodyFate,
        input: &mut &[u8],
    ) -> Result<bool, DecodeError> {
        let (part, rest) = input.split_at(input.len().min(length - self.body_seen));
        self.take_body(part, fate, length);
        *input = rest;
        match rest {
            [] => Ok(false),
            [0, rest @ ..] => {
                *input = rest;
                Ok(true)
            }
            _ if fate == BodyFate::Refused => Err(DecodeError::BodyNotAllowed { receipt: None }),
            _ => Err(DecodeError::MissingNul { receipt: None }),
        }
    }

    /// Keeps a piece of a body of at most `bytes_max` octets. Reserves by what
    /// has arrived and not by what was announced, and never more than `bytes_max`.
    fn take_body(&mut self, part: &[u8], fate: BodyFate, bytes_max: usize) {
        self.body_seen += part.len();
        if fate != BodyFate::Kept {
            return;
        }
        let needed = self.body.len() + part.len();
        if needed > self.body.capacity() {
            let capacity = needed.max(2 * self.body.capacity()).min(bytes_max);
            self.body.reserve_exact(capacity - self.body.len());
        }
        self.body.extend_from_slice(part);
    }
}

impl Rules<'_> {
    /// Whether the frame with these headers follows 1.0. Before the CONNECT is
    /// answered the frame says so itself, by not naming versions (STOMP 1.2,
    /// "Protocol Negotiation").
    fn is_1_0(self, headers: &Headers) -> bool {
        match self.version {
            Some(version) => version == Version::V1_0,
            None => headers.get(self.peer.version_header()).is_none(),
        }
    }

    fn command(self, line: &[u8]) -> Result<Command, DecodeError> {
        let command = Command::from_bytes(line).ok_or(DecodeError::UnknownCommand)?;
        if command.sender() != self.peer {
            return Err(DecodeError::WrongDirection);
        }
        let is_newer = matches!(command, Command::Stomp | Command::Nack);
        if is_newer && self.version == Some(Version::V1_0) {
            return Err(DecodeError::UnknownCommand);
        }
        Ok(command)
    }

    /// Reads a line that is neither blank nor the command line.
    fn read_header(
        self,
        command: Command,
        line: &[u8],
        headers: &mut Headers,
    ) -> Result<(), DecodeError> {
        let colon = match memchr(b':', line) {
            None | Some(0) => return Err(DecodeError::MalformedHeader { receipt: None }),
            Some(colon) => colon,
        };
        // STOMP 1.2, "Augmented BNF", header-name and header-value.
        if self.version == Some(Version::V1_2) && memchr(b'\r', line).is_some() {
            return Err(DecodeError::MalformedHeader { receipt: None });
        }
        let line =
            simdutf8::basic::from_utf8(line).map_err(|_| DecodeError::NotUtf8 { receipt: None })?;
        let (name, value) = (&line[..colon], &line[colon + 1..]);
        match self.version {
            Some(Version::V1_0) => headers.push(name, value.trim_matches(' ')),
            Some(version) if command.is_escaped() => {
                headers.push(&unescape(version, name)?, &unescape(version, value)?);
            }
            _ => headers.push(name, value),
        }
        Ok(())
    }

    fn body_rule(self, command: Command, headers: &Headers) -> Result<BodyRule, DecodeError> {
        let fate = if command.may_have_body() {
            BodyFate::Kept
        } else if self.is_1_0(headers) {
            BodyFate::Ignored
        } else {
            BodyFate::Refused
        };
        let Some(length) = headers.get(CONTENT_LENGTH) else {
            return Ok(BodyRule {
                end: BodyEnd::FirstNul,
                fate,
            });
        };
        let length = content_length(length)?;
        if length > 0 && fate == BodyFate::Refused {
            return Err(DecodeError::BodyNotAllowed { receipt: None });
        }
        if length > self.limits.body_bytes_max {
            return Err(DecodeError::BodyTooLarge { receipt: None });
        }
        Ok(BodyRule {
            end: BodyEnd::ContentLength(length),
            fate,
        })
    }
}

/// A number too large for the machine counts as its largest.
fn content_length(text: &str) -> Result<usize, DecodeError> {
    if text.is_empty() || !text.bytes().all(|octet| octet.is_ascii_digit()) {
        return Err(DecodeError::BadContentLength { receipt: None });
    }
    Ok(text.parse().unwrap_or(usize::MAX))
}

fn trimmed(headers: &Headers) -> Headers {
    headers
        .iter()
        .map(|(name, value)| (name, value.trim_matches(' ')))
        .collect()
}
