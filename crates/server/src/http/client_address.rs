//! From where a request comes, through whatever proxies are trusted.

use std::net::IpAddr;

use axum::http::HeaderMap;

use crate::config::AddressRange;

const FORWARDED_FOR: &str = "x-forwarded-for";

/// The client's address: the connection's `peer`, or, where that is a trusted proxy, the last address
/// in `X-Forwarded-For` that is no trusted proxy's. What stands before it is anybody's word.
pub(super) fn client_address(
    peer: IpAddr,
    headers: &HeaderMap,
    trusted: &[AddressRange],
) -> IpAddr {
    let is_trusted = |address: IpAddr| trusted.iter().any(|range| range.contains(address));
    let mut client = peer;
    let lines = headers.get_all(FORWARDED_FOR).iter().rev();
    let mut passed_on = lines
        .flat_map(|line| line.to_str().unwrap_or("?").rsplit(','))
        .map(|address| address.trim().parse::<IpAddr>());
    while is_trusted(client)
        && let Some(Ok(before)) = passed_on.next()
    {
        client = before;
    }
    client
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn client(peer: &str, lines: &[&'static str]) -> String {
        let trusted = ["127.0.0.0/8", "10.0.0.0/8", "::1"].map(|range| range.parse().unwrap());
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(FORWARDED_FOR, HeaderValue::from_static(line));
        }
        client_address(peer.parse().unwrap(), &headers, &trusted).to_string()
    }

    #[test]
    fn only_a_trusted_proxy_is_believed_and_only_for_the_one_before_it() {
        for (peer, lines, expected) in [
            ("192.0.2.1", &[][..], "192.0.2.1"),
            ("192.0.2.1", &["198.51.100.1"], "192.0.2.1"),
            ("127.0.0.1", &[], "127.0.0.1"),
            ("127.0.0.1", &["198.51.100.1"], "198.51.100.1"),
            ("10.1.1.1", &["203.0.113.9, 198.51.100.1"], "198.51.100.1"),
            ("10.1.1.1", &["203.0.113.9", "198.51.100.1"], "198.51.100.1"),
            (
                "10.1.1.1",
                &["203.0.113.9, 198.51.100.1 , 10.2.2.2"],
                "198.51.100.1",
            ),
            ("10.1.1.1", &["198.51.100.1", "10.2.2.2"], "198.51.100.1"),
            ("10.1.1.1", &["10.3.3.3, 10.2.2.2"], "10.3.3.3"),
            ("10.1.1.1", &["198.51.100.1, unknown, 10.2.2.2"], "10.2.2.2"),
            ("10.1.1.1", &["unknown"], "10.1.1.1"),
            ("10.1.1.1", &[""], "10.1.1.1"),
            ("::1", &["2001:db8::1"], "2001:db8::1"),
        ] {
            assert_eq!(client(peer, lines), expected, "{peer} {lines:?}");
        }
    }
}
