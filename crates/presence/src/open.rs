//! From the URL of presence to the node that speaks there.

use std::sync::Arc;

use madang_domain::ports::Presence;
use madang_redis::Place;

use crate::local::LocalCluster;
use crate::redis::RedisPresence;

/// What is not in the URL.
#[derive(Debug, Clone)]
pub struct Options {
    /// In front of every key: what sets two deployments apart that share a Redis. Without braces, which would take part in
    /// choosing a cluster's slot.
    pub prefix: String,
}

/// Why a URL names no place for presence. Whoever wrote the configuration has to change it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UrlError {
    /// Neither `local` nor a scheme of Redis.
    #[error("presence has no URLs that begin with \"{0}:\"")]
    Scheme(String),
    /// Not an address of Redis.
    #[error(transparent)]
    Redis(madang_redis::UrlError),
}

/// What a URL names, not connected.
enum Kept {
    Local,
    Redis(Place),
}

/// A node, without a lease, in the presence that `url` names. It connects when it is asked first.
///
/// | URL | |
/// |---|---|
/// | `local:` | one node |
/// | `redis://…` and the other forms of [`Place::parse`] | all nodes that name the same Redis |
///
/// # Errors
/// See [`UrlError`].
pub fn open(url: &str, options: &Options) -> Result<Arc<dyn Presence>, UrlError> {
    Ok(match kept(url)? {
        Kept::Local => LocalCluster::default().join(),
        Kept::Redis(place) => Arc::new(RedisPresence::new(place, &options.prefix)),
    })
}

/// Whether [`open`] would take `url`, without connecting.
///
/// # Errors
/// As [`open`].
pub fn check(url: &str) -> Result<(), UrlError> {
    kept(url).map(drop)
}

fn kept(url: &str) -> Result<Kept, UrlError> {
    if url.split_once(':').map_or(url, |(scheme, _)| scheme) == "local" {
        return Ok(Kept::Local);
    }
    Place::parse(url)
        .map(Kept::Redis)
        .map_err(|error| match error {
            madang_redis::UrlError::Scheme(scheme) => UrlError::Scheme(scheme),
            other => UrlError::Redis(other),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_that_names_no_place_is_refused_with_the_reason() {
        let refused = |url| check(url).expect_err(url);
        assert!(matches!(refused("nats://a"), UrlError::Scheme(scheme) if scheme == "nats"));
        assert!(matches!(refused("redis"), UrlError::Redis(_)));
        assert!(matches!(
            refused("redis+sentinel://a:1"),
            UrlError::Redis(_)
        ));
        // The store's own: it is opened there.
        assert!(matches!(refused("store:"), UrlError::Scheme(scheme) if scheme == "store"));
    }

    #[test]
    fn a_place_is_taken_without_being_asked() {
        for url in ["local:", "redis://127.0.0.1:1", "redis+cluster://a:1,b:2"] {
            assert!(check(url).is_ok(), "{url}");
        }
    }
}
