//! What clients send: sockjs-protocol, "Framing accepted by the server".

use memchr::memchr2;

use super::form;
use super::form::hex_digit;

/// The bounds of what one request or WebSocket message brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The most texts.
    pub messages_max: usize,
    /// The most bytes of JSON. The texts together are never longer.
    pub bytes_max: usize,
}

/// Why nothing was decoded. The client is to blame. Over HTTP it is told so and
/// the session goes on; a WebSocket is closed with
/// [`Close::BROKEN_FRAMING`](super::Close::BROKEN_FRAMING).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// There is nothing at all.
    #[error("Payload expected.")]
    Empty,
    /// It is not JSON.
    #[error("Broken JSON encoding.")]
    Broken,
    /// It is not made of strings.
    #[error("Payload expected: an array of strings.")]
    NotStrings,
    /// There are more texts than [`Limits::messages_max`].
    #[error("Too many messages.")]
    TooManyMessages,
    /// There are more bytes than [`Limits::bytes_max`].
    #[error("Payload too large.")]
    TooLarge,
}

/// Decodes the body of an `xhr_send`: a JSON array of strings, which may be
/// empty. The content type does not matter.
///
/// A surrogate without its other half, which JavaScript lets through, becomes
/// U+FFFD.
///
/// # Errors
///
/// Those of [`DecodeError`].
pub fn decode_body(body: &[u8], limits: Limits) -> Result<Vec<String>, DecodeError> {
    if body.is_empty() {
        return Err(DecodeError::Empty);
    }
    let mut reader = Reader::new(body, limits)?;
    let texts = reader.read_array(limits.messages_max)?;
    reader.expect_end()?;
    Ok(texts)
}

/// Decodes the body of a `jsonp_send`: the field `d` of a form, or of another
/// content type as [`decode_body`] does.
///
/// # Errors
///
/// Those of [`DecodeError`]; a form without a `d` is empty. The bytes are
/// counted as they come and without the form's escapes.
pub fn decode_form(
    body: &[u8],
    content_type: Option<&str>,
    limits: Limits,
) -> Result<Vec<String>, DecodeError> {
    let media_type = content_type.and_then(|value| value.split(';').next());
    let is_form = media_type.is_some_and(|media_type| {
        media_type
            .trim()
            .eq_ignore_ascii_case("application/x-www-form-urlencoded")
    });
    if !is_form {
        return decode_body(body, limits);
    }
    // A form's escapes make up to three bytes of one.
    if body.len() / 3 > limits.bytes_max {
        return Err(DecodeError::TooLarge);
    }
    let json = form::value(body, b"d").ok_or(DecodeError::Empty)?;
    decode_body(&json, limits)
}

/// Decodes a WebSocket message: a JSON array of strings, or one string. An
/// empty message is ignored: it has no texts.
///
/// # Errors
///
/// Those of [`DecodeError`], but not [`Empty`](DecodeError::Empty).
pub fn decode_frame(payload: &[u8], limits: Limits) -> Result<Vec<String>, DecodeError> {
    if payload.is_empty() {
        return Ok(Vec::new());
    }
    let mut reader = Reader::new(payload, limits)?;
    let texts = match reader.peek() {
        Some(b'"') if limits.messages_max == 0 => return Err(DecodeError::TooManyMessages),
        Some(b'"') => vec![reader.read_string()?],
        _ => reader.read_array(limits.messages_max)?,
    };
    reader.expect_end()?;
    Ok(texts)
}

/// Reads JSON (RFC 8259) as far as it is strings and arrays of them.
struct Reader<'a> {
    rest: &'a str,
}

impl<'a> Reader<'a> {
    fn new(json: &'a [u8], limits: Limits) -> Result<Self, DecodeError> {
        if json.len() > limits.bytes_max {
            return Err(DecodeError::TooLarge);
        }
        let rest = simdutf8::basic::from_utf8(json).map_err(|_| DecodeError::Broken)?;
        Ok(Self { rest })
    }

    fn read_array(&mut self, messages_max: usize) -> Result<Vec<String>, DecodeError> {
        if !self.skip(b'[') {
            return Err(self.unexpected());
        }
        let mut texts = Vec::new();
        if self.skip(b']') {
            return Ok(texts);
        }
        loop {
            if texts.len() == messages_max {
                return Err(DecodeError::TooManyMessages);
            }
            texts.push(self.read_string()?);
            if self.skip(b']') {
                return Ok(texts);
            }
            if !self.skip(b',') {
                return Err(DecodeError::Broken);
            }
        }
    }

    fn read_string(&mut self) -> Result<String, DecodeError> {
        if !self.skip(b'"') {
            return Err(self.unexpected());
        }
        let mut text = String::new();
        loop {
            let end = memchr2(b'"', b'\\', self.rest.as_bytes()).ok_or(DecodeError::Broken)?;
            let (plain, rest) = self.rest.split_at(end);
            // RFC 8259, section 7: control characters have to be escaped.
            if plain.bytes().any(|byte| byte < 0x20) {
                return Err(DecodeError::Broken);
            }
            text.push_str(plain);
            if let Some(rest) = rest.strip_prefix('"') {
                self.rest = rest;
                return Ok(text);
            }
            self.rest = &rest[1..];
            text.push(self.read_escape()?);
        }
    }

    /// Reads what follows a backslash.
    fn read_escape(&mut self) -> Result<char, DecodeError> {
        let mut chars = self.rest.chars();
        let char = match chars.next() {
            Some(char @ ('"' | '\\' | '/')) => char,
            Some('b') => '\u{8}',
            Some('f') => '\u{c}',
            Some('n') => '\n',
            Some('r') => '\r',
            Some('t') => '\t',
            Some('u') => return self.read_units(),
            _ => return Err(DecodeError::Broken),
        };
        self.rest = chars.as_str();
        Ok(char)
    }

    /// Reads `uXXXX`, and its other half if that follows.
    fn read_units(&mut self) -> Result<char, DecodeError> {
        let first = self.take_unit("u").ok_or(DecodeError::Broken)?;
        if !(0xd800..0xdc00).contains(&first) {
            // A second half alone is no character.
            return Ok(char::from_u32(first.into()).unwrap_or(char::REPLACEMENT_CHARACTER));
        }
        let before_second = self.rest;
        let second = self.take_unit("\\u").unwrap_or_default();
        match char::decode_utf16([first, second]).next() {
            Some(Ok(char)) => Ok(char),
            _ => {
                self.rest = before_second;
                Ok(char::REPLACEMENT_CHARACTER)
            }
        }
    }

    fn take_unit(&mut self, prefix: &str) -> Option<u16> {
        let digits = self.rest.strip_prefix(prefix)?;
        let rest = digits.get(4..)?;
        let unit = digits.bytes().take(4).try_fold(0, |unit, digit| {
            Some(unit << 4 | u16::from(hex_digit(digit)?))
        })?;
        self.rest = rest;
        Some(unit)
    }

    fn peek(&mut self) -> Option<u8> {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\n', '\r']);
        self.rest.bytes().next()
    }

    fn skip(&mut self, byte: u8) -> bool {
        let is_next = self.peek() == Some(byte);
        if is_next {
            self.rest = &self.rest[1..];
        }
        is_next
    }

    fn expect_end(&mut self) -> Result<(), DecodeError> {
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(DecodeError::Broken),
        }
    }

    /// Whether what comes next could be JSON of another shape is told by its
    /// first byte; the rest of it is not looked at.
    fn unexpected(&mut self) -> DecodeError {
        match self.peek() {
            Some(b'"' | b'[' | b'{' | b'-' | b'0'..=b'9' | b't' | b'f' | b'n') => {
                DecodeError::NotStrings
            }
            _ => DecodeError::Broken,
        }
    }
}
