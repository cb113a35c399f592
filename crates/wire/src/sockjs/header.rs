//! Headers of SockJS's responses. Names are in lower case.

use super::Revision;
use crate::http1::append_date;

/// A header's name and its value.
pub type Header<'a> = (&'static str, &'a str);

/// A year, the `max-age` of what may be cached.
pub const CACHE_SECONDS: u64 = 365 * 24 * 60 * 60;

/// For responses that begin with what the client chose.
pub const NO_SNIFF: Header<'static> = ("x-content-type-options", "nosniff");

/// For [`Info`](super::Info) and for all of a session's responses: nothing may
/// be kept, not even of a POST.
pub fn no_store(revision: Revision) -> Header<'static> {
    let value = match revision {
        Revision::V0_3_3 => "no-store, no-cache, must-revalidate, max-age=0",
        Revision::V1_0 => "no-store, no-cache, no-transform, must-revalidate, max-age=0",
    };
    ("cache-control", value)
}

/// For the page of an iframe and for preflights: may be kept for a year from
/// `now`, in seconds since 1970.
pub fn cacheable(now: u64) -> [(&'static str, String); 2] {
    let mut expires = Vec::new();
    append_date(now.saturating_add(CACHE_SECONDS), &mut expires);
    [
        ("cache-control", format!("public, max-age={CACHE_SECONDS}")),
        ("expires", String::from_utf8_lossy(&expires).into_owned()),
    ]
}

/// What allows a page of another origin to read a response.
///
/// `origin` and `request_headers` are the request's `Origin` and
/// `Access-Control-Request-Headers`. Every origin is allowed: whether one is
/// not is the caller's to decide before.
pub fn cors<'a>(
    origin: Option<&'a str>,
    request_headers: Option<&'a str>,
    revision: Revision,
) -> impl Iterator<Item = Header<'a>> {
    let origin = match revision {
        // A file's page has the origin null, which old browsers do not take back.
        Revision::V0_3_3 => origin.filter(|origin| *origin != "null"),
        Revision::V1_0 => origin,
    };
    let has_credentials = origin.is_some() || revision == Revision::V0_3_3;
    let credentials = has_credentials.then_some(("access-control-allow-credentials", "true"));
    let headers = request_headers
        .filter(|headers| !headers.is_empty())
        .map(|headers| ("access-control-allow-headers", headers));
    [
        ("access-control-allow-origin", origin.unwrap_or("*")),
        ("vary", "Origin"),
    ]
    .into_iter()
    .chain(credentials)
    .chain(headers)
}

/// What a preflight's answer, [`Answer::PREFLIGHT`](super::Answer::PREFLIGHT),
/// has besides [`cors`] and [`cacheable`]. `methods` are those of
/// [`Endpoint::methods`](super::Endpoint::methods).
pub fn preflight(methods: &'static str) -> [Header<'static>; 2] {
    [
        ("access-control-max-age", "31536000"),
        ("access-control-allow-methods", methods),
    ]
}

/// The `Set-Cookie` of all of a session's responses where a load balancer
/// needs one to keep a client at its node: what the request's `Cookie` says,
/// so that the balancer can add to it, or else a dummy.
pub fn session_cookie(cookie: Option<&str>) -> (&'static str, String) {
    let value = cookie
        .and_then(|cookie| {
            cookie
                .split(';')
                .find_map(|pair| pair.trim().strip_prefix("JSESSIONID="))
        })
        .filter(|value| !value.is_empty() && value.bytes().all(is_cookie_octet))
        .unwrap_or("dummy");
    ("set-cookie", format!("JSESSIONID={value}; Path=/"))
}

/// RFC 6265, section 4.1.1
fn is_cookie_octet(byte: u8) -> bool {
    byte.is_ascii_graphic() && !matches!(byte, b'"' | b',' | b';' | b'\\')
}
