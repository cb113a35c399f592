//! What the URLs of Redis say.

use redis::RedisError;

use crate::place::{Cluster, Place, Server};

/// Why a URL names no Redis. Whoever wrote the configuration has to change it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UrlError {
    /// Another scheme than `redis`, `rediss`, `redis+cluster`, `rediss+cluster`, `redis+sentinel` and
    /// `rediss+sentinel`.
    #[error("no Redis has URLs that begin with \"{0}:\"")]
    Scheme(String),
    /// Addresses of sentinels without the name of what they watch.
    #[error(
        "the URL of sentinels ends with the name of what they watch, as in redis+sentinel://10.0.0.1:26379,10.0.0.2:26379/chat"
    )]
    NoService,
    /// Not an address.
    #[error("not the address of a Redis server: {0}")]
    Address(#[from] RedisError),
}

impl Place {
    /// What `url` names, not connected.
    ///
    /// | URL | |
    /// |---|---|
    /// | `redis://[USER[:PASSWORD]@]HOST[:PORT]` | `rediss://` with TLS |
    /// | `redis+cluster://[USER[:PASSWORD]@]HOST[:PORT],HOST…` | some nodes of a cluster; `rediss+cluster://` |
    /// | `redis+sentinel://[USER[:PASSWORD]@]HOST[:PORT],HOST…/NAME` | sentinels; the user is the server's; `rediss+sentinel://` |
    ///
    /// # Errors
    /// See [`UrlError`].
    pub fn parse(url: &str) -> Result<Self, UrlError> {
        let (scheme, rest) = url.split_once(':').unwrap_or((url, ""));
        Ok(match scheme {
            "redis" | "rediss" => Self::Server(Server::alone(url)?),
            "redis+cluster" | "rediss+cluster" => {
                let nodes = one_url_each(scheme.trim_end_matches("+cluster"), rest);
                Self::Cluster(Cluster::new(&nodes)?)
            }
            "redis+sentinel" | "rediss+sentinel" => {
                let hosts = rest.strip_prefix("//").unwrap_or(rest);
                let (hosts, name) = hosts.rsplit_once('/').ok_or(UrlError::NoService)?;
                if name.is_empty() {
                    return Err(UrlError::NoService);
                }
                let sentinels = one_url_each(scheme.trim_end_matches("+sentinel"), hosts);
                Self::Server(Server::watched(&sentinels, name)?)
            }
            _ => return Err(UrlError::Scheme(scheme.to_owned())),
        })
    }
}

/// `//user:password@a,b` is `//user:password@a` and `//user:password@b`. URLs of other brokers list their hosts in the
/// same way.
#[must_use]
pub fn one_url_each(scheme: &str, rest: &str) -> Vec<String> {
    let hosts = rest.strip_prefix("//").unwrap_or(rest);
    let (user, hosts) = match hosts.rsplit_once('@') {
        Some((user, hosts)) => (format!("{user}@"), hosts),
        None => (String::new(), hosts),
    };
    hosts
        .split(',')
        .map(|host| format!("{scheme}://{user}{host}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_that_names_no_redis_is_refused_with_the_reason() {
        let refused = |url| Place::parse(url).err().expect(url);
        assert!(matches!(refused("nats://a"), UrlError::Scheme(scheme) if scheme == "nats"));
        for url in ["redis+sentinel://a:1,b:2", "redis+sentinel://a:1/"] {
            assert!(matches!(refused(url), UrlError::NoService), "{url}");
        }
        for url in ["redis://a:port", "redis+cluster://a:1,b:port"] {
            assert!(matches!(refused(url), UrlError::Address(_)), "{url}");
        }
    }

    #[test]
    fn every_host_of_a_url_has_the_same_user() {
        assert_eq!(
            one_url_each("redis", "//kim:p%40ss@a:1,b,[::1]:3"),
            [
                "redis://kim:p%40ss@a:1",
                "redis://kim:p%40ss@b",
                "redis://kim:p%40ss@[::1]:3"
            ]
        );
    }
}
