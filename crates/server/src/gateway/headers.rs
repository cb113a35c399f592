//! Headers as text, and the heads of responses on connections that HTTP has let go of.

use http::header::{DATE, HeaderMap, HeaderName, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimePrinter;
use madang_domain::{Code, Error};
use madang_wire::http1::append_response_head;

/// A header that is there once, and is text.
pub(super) fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// How the end of a body is told on a connection that HTTP has let go of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BodyEnd {
    /// By the last chunk (HTTP/1.1).
    LastChunk,
    /// By the end of the connection (HTTP/1.0).
    Close,
}

/// The head of a 200 with `headers`, and with those that every response has.
///
/// # Errors
/// [`Code::Internal`]: a header cannot be told; nothing is to be sent.
pub(super) fn ok_head(headers: &HeaderMap, end: BodyEnd) -> Result<Vec<u8>, Error> {
    let mut headers = headers.clone();
    headers
        .entry(X_CONTENT_TYPE_OPTIONS)
        .or_insert(HeaderValue::from_static("nosniff"));
    if let Some(date) = date() {
        // RFC 9110, section 6.6.1: whoever has a clock says what it shows.
        headers.entry(DATE).or_insert(date);
    }
    let mut lines = Vec::with_capacity(headers.len() + 2);
    for (name, value) in &headers {
        let value = value.to_str().map_err(|_| Code::Internal)?;
        lines.push((name.as_str(), value));
    }
    if end == BodyEnd::LastChunk {
        lines.push(("transfer-encoding", "chunked"));
    }
    lines.push(("connection", "close"));
    let mut head = Vec::new();
    append_response_head(200, "OK", lines, &mut head).map_err(|_| Code::Internal)?;
    Ok(head)
}

fn date() -> Option<HeaderValue> {
    let date = DateTimePrinter::new().timestamp_to_rfc9110_string(&Timestamp::now());
    HeaderValue::from_str(&date.ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_says_the_date_and_forbids_to_guess_types_once() {
        let mut headers = HeaderMap::new();
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        let head = String::from_utf8(ok_head(&headers, BodyEnd::LastChunk).unwrap()).unwrap();
        assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
        assert_eq!(head.matches("x-content-type-options: nosniff").count(), 1);
        let date = head.split("date: ").nth(1).unwrap();
        assert!(
            date.split("\r\n").next().unwrap().ends_with(" GMT"),
            "{head}"
        );
        assert!(head.contains("transfer-encoding: chunked\r\nconnection: close\r\n"));
    }

    #[test]
    fn a_header_that_is_no_text_makes_no_head() {
        let mut headers = HeaderMap::new();
        headers.insert("x-odd", HeaderValue::from_bytes(b"\xff").unwrap());
        assert!(ok_head(&headers, BodyEnd::Close).is_err());
    }
}
