/// A part of a head that would not be read as it was meant. The caller is to
/// blame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BadHead {
    /// The status has not three digits.
    #[error("HTTP status out of range")]
    Status,
    /// The reason has a control character.
    #[error("control character in an HTTP reason")]
    Reason,
    /// A header's name is no token.
    #[error("HTTP header name is no token")]
    Name,
    /// A header's value has a control character, such as a line break.
    #[error("control character in an HTTP header value")]
    Value,
}

/// Appends the head of a response: status line, headers, empty line (RFC 9112,
/// sections 4 and 5).
///
/// The headers are written as they come. That `Content-Length`,
/// `Transfer-Encoding` and `Connection` fit what follows is the caller's.
///
/// # Errors
///
/// [`BadHead`] if a header would end early or begin another one; `out` is as
/// it was.
pub fn append_response_head<'a>(
    status: u16,
    reason: &str,
    headers: impl IntoIterator<Item = (&'a str, &'a str)>,
    out: &mut Vec<u8>,
) -> Result<(), BadHead> {
    let start = out.len();
    let result = try_append(status, reason, headers, out);
    if result.is_err() {
        out.truncate(start);
    }
    result
}

fn try_append<'a>(
    status: u16,
    reason: &str,
    headers: impl IntoIterator<Item = (&'a str, &'a str)>,
    out: &mut Vec<u8>,
) -> Result<(), BadHead> {
    if !(100..1000).contains(&status) {
        return Err(BadHead::Status);
    }
    if !is_field_content(reason) {
        return Err(BadHead::Reason);
    }
    out.extend_from_slice(b"HTTP/1.1 ");
    out.extend_from_slice(status.to_string().as_bytes());
    for part in [" ", reason, "\r\n"] {
        out.extend_from_slice(part.as_bytes());
    }
    for (name, value) in headers {
        if name.is_empty() || !name.bytes().all(is_token_byte) {
            return Err(BadHead::Name);
        }
        if !is_field_content(value) {
            return Err(BadHead::Value);
        }
        for part in [name, ": ", value, "\r\n"] {
            out.extend_from_slice(part.as_bytes());
        }
    }
    out.extend_from_slice(b"\r\n");
    Ok(())
}

/// RFC 9110, section 5.5
fn is_field_content(value: &str) -> bool {
    value
        .bytes()
        .all(|byte| byte == b'\t' || !byte.is_ascii_control())
}

/// RFC 9110, section 5.6.2
fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_ends_with_an_empty_line() {
        let mut out = b"before".to_vec();
        let headers = [("cache-control", "no-store"), ("x", "")];
        append_response_head(200, "OK", headers, &mut out).unwrap();
        assert_eq!(
            out,
            b"beforeHTTP/1.1 200 OK\r\ncache-control: no-store\r\nx: \r\n\r\n"
        );
    }

    #[test]
    fn no_value_begins_another_header() {
        for value in ["a\r\nb: c", "a\n", "\r", "\0", "\x7f"] {
            let mut out = b"before".to_vec();
            let result = append_response_head(200, "OK", [("a", "b"), ("x", value)], &mut out);
            assert_eq!(result, Err(BadHead::Value), "{value:?}");
            assert_eq!(out, b"before");
        }
        for name in ["", "a b", "a:", "a\r\n", "é"] {
            let result = append_response_head(200, "OK", [(name, "")], &mut Vec::new());
            assert_eq!(result, Err(BadHead::Name), "{name:?}");
        }
        let mut out = Vec::new();
        let none = [("a", "b"); 0];
        assert_eq!(
            append_response_head(99, "", none, &mut out),
            Err(BadHead::Status)
        );
        assert_eq!(
            append_response_head(200, "\r\n", none, &mut out),
            Err(BadHead::Reason)
        );
    }
}
