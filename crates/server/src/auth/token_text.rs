//! Tokens as headers and cookies carry them.

use std::borrow::Cow;

use http::HeaderMap;
use http::header::{AUTHORIZATION, COOKIE};
use percent_encoding::percent_decode_str;

const SCHEME: &str = "bearer";

const API_KEY: &str = "x-api-key";

/// The token without scheme, quotes and URL-encoding; empty when there is none.
pub(super) fn bare(text: &str) -> Cow<'_, str> {
    // A token's own characters are never escaped (RFC 7515, section 3.1), so decoding is safe.
    let text = match text.contains('%') {
        true => percent_decode_str(text).decode_utf8_lossy(),
        false => Cow::Borrowed(text),
    };
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(without_scheme(text)),
        Cow::Owned(text) => Cow::Owned(without_scheme(&text).to_owned()),
    }
}

fn without_scheme(text: &str) -> &str {
    let text = text.trim().trim_matches('"').trim();
    let after = text
        .get(..SCHEME.len())
        .filter(|start| start.eq_ignore_ascii_case(SCHEME))
        .and_then(|_| text.get(SCHEME.len()..));
    match after {
        // Form encoding writes the space as a plus, which no token contains.
        Some(rest) if rest.is_empty() || rest.starts_with([' ', '+', '\t']) => {
            rest.trim_start_matches([' ', '+', '\t'])
        }
        _ => text,
    }
}

/// The token of a request: `Authorization` header, else an API key in its own header, else the
/// cookie of that name.
pub(super) fn of_request(headers: &HeaderMap, cookie: Option<&str>) -> Option<String> {
    let header = headers
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    let usable = |token: &Cow<'_, str>| !token.is_empty() && !token.contains(' ');
    if let Some(token) = header.map(bare).filter(usable) {
        return Some(token.into_owned());
    }
    let header = headers.get(API_KEY).and_then(|value| value.to_str().ok());
    // A key that is not ours is refused later: passed over, a mistyped one would ask for a token.
    if let Some(key) = header.map(str::trim).filter(|key| !key.is_empty()) {
        return Some(key.to_owned());
    }
    let cookie = cookie?;
    let values = headers.get_all(COOKIE).iter();
    let pairs = values.filter_map(|value| value.to_str().ok());
    let mut tokens = pairs
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.split_once('='))
        .filter(|(name, _)| name.trim() == cookie)
        .map(|(_, value)| bare(value))
        .filter(usable);
    tokens.next().map(Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn a_token_is_found_in_every_form_that_clients_send() {
        for text in [
            "a.b.c",
            "Bearer a.b.c",
            "bearer  a.b.c",
            " BEARER\ta.b.c ",
            "Bearer%20a.b.c",
            "Bearer+a.b.c",
            "\"Bearer a.b.c\"",
            "%22a.b.c%22",
        ] {
            assert_eq!(bare(text), "a.b.c", "{text}");
        }
        for text in ["", " ", "Bearer", "Bearer ", "Bearer%20", "\"\""] {
            assert_eq!(bare(text), "", "{text}");
        }
        assert_eq!(bare("bearerish"), "bearerish");
        assert_eq!(bare("é"), "é");
    }

    fn headers(pairs: &[(http::HeaderName, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(name, HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn the_header_counts_before_the_cookie_and_another_scheme_not_at_all() {
        let cookie = (COOKIE, "x=1; Authorization=Bearer%20of.the.cookie; y=2");
        let header = (AUTHORIZATION, "Bearer of.the.header");
        let both = headers(&[cookie.clone(), header]);
        assert_eq!(
            of_request(&both, Some("Authorization")).unwrap(),
            "of.the.header"
        );
        for other in ["Basic dXNlcjpwYXNz", "", "Bearer "] {
            let request = headers(&[cookie.clone(), (AUTHORIZATION, other)]);
            let token = of_request(&request, Some("Authorization"));
            assert_eq!(token.unwrap(), "of.the.cookie", "{other}");
        }
        assert_eq!(
            of_request(
                &headers(std::slice::from_ref(&cookie)),
                Some("authorization")
            ),
            None
        );
        assert_eq!(of_request(&headers(&[cookie]), None), None);
        assert_eq!(of_request(&HeaderMap::new(), Some("Authorization")), None);
    }

    #[test]
    fn an_api_key_has_a_header_of_its_own_between_the_two() {
        let name = http::HeaderName::from_static(API_KEY);
        let all = [
            (COOKIE, "token=of.the.cookie"),
            (name.clone(), " mdk_shop_x "),
            (AUTHORIZATION, "Bearer of.the.header"),
        ];
        let found = |pairs| of_request(&headers(pairs), Some("token")).unwrap();
        assert_eq!(found(&all), "of.the.header");
        assert_eq!(found(&all[..2]), "mdk_shop_x");
        let mistyped = [all[0].clone(), (name.clone(), "mdc_shop_x")];
        assert_eq!(found(&mistyped), "mdc_shop_x", "to be refused");
        let empty = [all[0].clone(), (name, " ")];
        assert_eq!(found(&empty), "of.the.cookie");
    }

    #[test]
    fn a_cookie_in_a_second_header_line_is_found() {
        let request = headers(&[(COOKIE, "a=1"), (COOKIE, "token=a.b.c")]);
        assert_eq!(of_request(&request, Some("token")).unwrap(), "a.b.c");
    }
}
