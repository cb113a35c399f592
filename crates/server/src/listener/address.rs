//! Whose connection it is: by its socket, or by what a proxy says.

use std::net::{IpAddr, SocketAddr};

use axum::http::HeaderMap;
use axum::http::header::{FORWARDED, HeaderName};

use crate::config::AddressRange;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The address of the client that made a request: `peer`, unless that is a trusted proxy; then
/// the last address that the proxies name and that is not trusted itself. What stands before it
/// anybody may have written.
///
/// `X-Forwarded-For` is read, and `Forwarded` (RFC 7239) where there is none: a proxy that sets
/// one must remove the other.
pub(crate) fn client_address(
    peer: IpAddr,
    headers: &HeaderMap,
    trusted: &[AddressRange],
) -> IpAddr {
    let is_trusted = |address| trusted.iter().any(|range| range.contains(address));
    let mut client = peer.to_canonical();
    let (name, read): (_, fn(&str) -> Option<IpAddr>) = match headers.contains_key(X_FORWARDED_FOR)
    {
        true => (X_FORWARDED_FOR, node_address),
        false => (FORWARDED, forwarded_for),
    };
    let lines: Vec<_> = headers.get_all(name).into_iter().collect();
    // Several lines are one list (RFC 9110, section 5.3).
    let hops = lines.iter().rev().flat_map(|line| {
        let line = line.to_str().unwrap_or_default();
        line.rsplit(',')
    });
    for hop in hops {
        if !is_trusted(client) {
            break;
        }
        match read(hop.trim()) {
            Some(address) => client = address.to_canonical(),
            // A name, or `unknown`: the proxy that wrote it is the last that is known.
            None => break,
        }
    }
    client
}

/// The `for` of one element of `Forwarded` (RFC 7239, section 4).
fn forwarded_for(element: &str) -> Option<IpAddr> {
    let pairs = element.split(';').filter_map(|pair| pair.split_once('='));
    let mut values = pairs.filter(|(name, _)| name.trim().eq_ignore_ascii_case("for"));
    let (_, value) = values.next()?;
    node_address(value.trim().trim_matches('"'))
}

/// An address with or without a port; IPv6 in brackets, or bare as `X-Forwarded-For` has it.
fn node_address(node: &str) -> Option<IpAddr> {
    if let Ok(address) = node.parse::<IpAddr>() {
        return Some(address);
    }
    if let Ok(address) = node.parse::<SocketAddr>() {
        return Some(address.ip());
    }
    let inner = node.strip_prefix('[')?.strip_suffix(']')?;
    inner.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(peer: &str, lines: &[(&'static str, &str)]) -> String {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(HeaderName::from_static(name), value.parse().unwrap());
        }
        let trusted = ["127.0.0.0/8", "::1", "10.0.0.0/8"].map(|range| range.parse().unwrap());
        client_address(peer.parse().unwrap(), &headers, &trusted).to_string()
    }

    #[test]
    fn the_last_address_that_no_proxy_has_is_the_client() {
        let xff = "x-forwarded-for";
        for (peer, lines, expected) in [
            ("127.0.0.1", vec![], "127.0.0.1"),
            ("192.0.2.1", vec![(xff, "198.51.100.7")], "192.0.2.1"),
            ("127.0.0.1", vec![(xff, "198.51.100.7")], "198.51.100.7"),
            // Forged by the client, before what the proxy appended.
            (
                "127.0.0.1",
                vec![(xff, "1.1.1.1, 198.51.100.7")],
                "198.51.100.7",
            ),
            (
                "127.0.0.1",
                vec![(xff, "1.1.1.1, 198.51.100.7, 10.0.0.9")],
                "198.51.100.7",
            ),
            (
                "127.0.0.1",
                vec![(xff, "1.1.1.1"), (xff, "198.51.100.7,10.0.0.9")],
                "198.51.100.7",
            ),
            ("127.0.0.1", vec![(xff, "10.0.0.1, 10.0.0.2")], "10.0.0.1"),
            (
                "127.0.0.1",
                vec![(xff, "1.1.1.1, unknown, 10.0.0.2")],
                "10.0.0.2",
            ),
            ("127.0.0.1", vec![(xff, "")], "127.0.0.1"),
            (
                "::ffff:127.0.0.1",
                vec![(xff, "::ffff:198.51.100.7")],
                "198.51.100.7",
            ),
            ("::1", vec![(xff, "2001:db8::5")], "2001:db8::5"),
            ("::1", vec![(xff, "[2001:db8::5]:4711")], "2001:db8::5"),
            ("::1", vec![(xff, "198.51.100.7:80")], "198.51.100.7"),
        ] {
            assert_eq!(client(peer, &lines), expected, "{peer} {lines:?}");
        }
    }

    #[test]
    fn the_standard_header_is_read_where_the_customary_one_is_missing() {
        let forwarded = "forwarded";
        for (lines, expected) in [
            (
                vec![(forwarded, "for=198.51.100.7;proto=https")],
                "198.51.100.7",
            ),
            (
                vec![(forwarded, "proto=https; For=\"[2001:db8::5]:47\"")],
                "2001:db8::5",
            ),
            (
                vec![(forwarded, "for=1.1.1.1, for=198.51.100.7, for=10.0.0.1")],
                "198.51.100.7",
            ),
            (vec![(forwarded, "for=_hidden, for=10.0.0.1")], "10.0.0.1"),
            (
                vec![(forwarded, "for=1.1.1.1"), ("x-forwarded-for", "2.2.2.2")],
                "2.2.2.2",
            ),
        ] {
            assert_eq!(client("127.0.0.1", &lines), expected, "{lines:?}");
        }
    }
}
