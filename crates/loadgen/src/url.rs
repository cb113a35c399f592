//! The address of a WebSocket server.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::str::FromStr;

/// A `ws://` address. TLS is not spoken: it would be measured along.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Url {
    /// Name or address, without the brackets of IPv6.
    pub host: String,
    /// 80 if the address has none.
    pub port: u16,
    /// With query; begins with a slash.
    pub path: String,
}

/// An address that is no `ws://host[:port][/path]`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not of the form ws://host:port/path")]
pub struct BadUrl(String);

impl Url {
    /// What a request says in `Host`.
    pub fn authority(&self) -> String {
        let host = match self.host.contains(':') {
            true => format!("[{}]", self.host),
            false => self.host.clone(),
        };
        match self.port {
            80 => host,
            port => format!("{host}:{port}"),
        }
    }

    /// The first address that the name resolves to. Blocks.
    ///
    /// # Errors
    ///
    /// The name has no address.
    pub fn resolve(&self) -> io::Result<SocketAddr> {
        (self.host.as_str(), self.port)
            .to_socket_addrs()?
            .next()
            .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "host has no address"))
    }
}

impl FromStr for Url {
    type Err = BadUrl;

    fn from_str(text: &str) -> Result<Url, BadUrl> {
        let bad = || BadUrl(text.to_owned());
        let rest = text.strip_prefix("ws://").ok_or_else(bad)?;
        if rest.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err(bad());
        }
        let (authority, path) = match rest.find(['/', '?']) {
            Some(at) => rest.split_at(at),
            None => (rest, "/"),
        };
        let (host, port) = match authority.strip_prefix('[') {
            Some(v6) => v6.split_once(']').ok_or_else(bad)?,
            None => authority.split_at(authority.find(':').unwrap_or(authority.len())),
        };
        let port = match port.strip_prefix(':') {
            Some(port) => port.parse().map_err(|_| bad())?,
            None if port.is_empty() => 80,
            None => return Err(bad()),
        };
        if host.is_empty() {
            return Err(bad());
        }
        Ok(Url {
            host: host.to_owned(),
            port,
            path: match path.strip_prefix('?') {
                Some(query) => format!("/?{query}"),
                None => path.to_owned(),
            },
        })
    }
}

impl std::fmt::Display for Url {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ws://{}{}", self.authority(), self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_port_and_path_are_told_apart() {
        for (text, host, port, path) in [
            ("ws://127.0.0.1:8080/ws", "127.0.0.1", 8080, "/ws"),
            ("ws://localhost", "localhost", 80, "/"),
            ("ws://[::1]:81/a?b=c:d", "::1", 81, "/a?b=c:d"),
            ("ws://h?x", "h", 80, "/?x"),
        ] {
            let url: Url = text.parse().unwrap();
            assert_eq!((&*url.host, url.port, &*url.path), (host, port, path));
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in [
            "http://h/",
            "ws://",
            "ws://:1/",
            "ws://h:x/",
            "ws://h/ y",
            "ws://[::1",
        ] {
            assert!(text.parse::<Url>().is_err(), "{text}");
        }
    }
}
