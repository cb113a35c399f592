//! From the URL of a bus to the bus.

use std::sync::Arc;

use async_nats::ServerAddr;
use madang_domain::ports::Bus;
use madang_redis::{Cluster, Place, Server, one_url_each};

use crate::link;
use crate::local::LocalNetwork;
use crate::nats::NatsConnector;

/// What is not in the URL.
#[derive(Debug, Clone)]
pub struct Options {
    /// In front of every channel's name: what sets two deployments apart that share a broker. ASCII letters, digits,
    /// `-` and `_`, 64 at most.
    pub prefix: String,
}

/// Why a URL names no bus. Whoever wrote the configuration has to change it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UrlError {
    /// Another scheme than `local`, `redis`, `rediss`, `redis+cluster`, `rediss+cluster`, `redis+sentinel`, `rediss+sentinel`,
    /// `nats` and `tls`.
    #[error("no bus has URLs that begin with \"{0}:\"")]
    Scheme(String),
    /// Not an address of Redis.
    #[error(transparent)]
    Redis(#[from] madang_redis::UrlError),
    /// Not an address of NATS.
    #[error("not the address of a NATS server: {0}")]
    Nats(std::io::Error),
    /// A prefix with other characters.
    #[error("the prefix of a bus has 1 to 64 ASCII letters, digits, '-' and '_'")]
    Prefix,
}

/// Longest prefix of channels, in bytes.
const PREFIX_BYTES_MAX: usize = 64;

/// What a URL names, not connected.
enum Broker {
    Local,
    Redis(Server),
    Cluster(Cluster),
    Nats(NatsConnector),
}

/// The bus that `url` names. It connects in the background, tries for ever, and tells
/// [`Reconnected`](madang_domain::ports::BusEvent::Reconnected) when it has. Needs a runtime.
///
/// | URL | |
/// |---|---|
/// | `local:` | one node |
/// | `redis://[USER[:PASSWORD]@]HOST[:PORT]` | `rediss://` with TLS |
/// | `redis+cluster://[USER[:PASSWORD]@]HOST[:PORT],HOST…` | some nodes of a cluster; `rediss+cluster://` |
/// | `redis+sentinel://[USER[:PASSWORD]@]HOST[:PORT],HOST…/NAME` | sentinels; the user is the server's; `rediss+sentinel://` |
/// | `nats://[USER:PASSWORD@]HOST[:PORT],HOST…` | some servers of a network; `tls://` with TLS |
///
/// # Errors
/// See [`UrlError`].
pub fn open(url: &str, options: &Options) -> Result<Arc<dyn Bus>, UrlError> {
    let prefix = &options.prefix;
    Ok(match broker(url, prefix)? {
        Broker::Local => LocalNetwork::default().join(),
        Broker::Redis(server) => link::start(server, prefix),
        Broker::Cluster(cluster) => link::start(cluster, prefix),
        Broker::Nats(connector) => link::start(connector, prefix),
    })
}

/// Whether [`open`] would take these, without connecting.
///
/// # Errors
/// As [`open`].
pub fn check(url: &str, options: &Options) -> Result<(), UrlError> {
    broker(url, &options.prefix).map(drop)
}

fn broker(url: &str, prefix: &str) -> Result<Broker, UrlError> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if !(1..=PREFIX_BYTES_MAX).contains(&prefix.len()) || !prefix.bytes().all(plain) {
        return Err(UrlError::Prefix);
    }
    let (scheme, rest) = url.split_once(':').unwrap_or((url, ""));
    Ok(match scheme {
        "local" => Broker::Local,
        "redis" | "rediss" | "redis+cluster" | "rediss+cluster" | "redis+sentinel"
        | "rediss+sentinel" => match Place::parse(url)? {
            Place::Server(server) => Broker::Redis(server),
            Place::Cluster(cluster) => Broker::Cluster(cluster),
        },
        "nats" | "tls" => {
            let servers = one_url_each(scheme, rest);
            let servers: Result<Vec<ServerAddr>, _> =
                servers.iter().map(|server| server.parse()).collect();
            Broker::Nats(NatsConnector {
                servers: servers.map_err(UrlError::Nats)?,
                nobody: format!("{prefix}.nobody"),
            })
        }
        _ => return Err(UrlError::Scheme(scheme.to_owned())),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(url: &str) -> UrlError {
        let options = Options {
            prefix: "madang".to_owned(),
        };
        open(url, &options).err().expect(url)
    }

    #[tokio::test]
    async fn a_url_that_names_no_bus_is_refused_with_the_reason() {
        assert!(matches!(refused("kafka://a"), UrlError::Scheme(scheme) if scheme == "kafka"));
        assert!(matches!(refused("redis://a:port"), UrlError::Redis(_)));
        assert!(matches!(refused("nats://a:port"), UrlError::Nats(_)));
        for prefix in ["", "a.b", "a b", "고", &"x".repeat(65)] {
            let options = Options {
                prefix: prefix.to_owned(),
            };
            assert!(
                matches!(open("local:", &options), Err(UrlError::Prefix)),
                "{prefix:?}"
            );
        }
    }
}
