//! Where the host publishes its keys: an address or a file.

use std::fmt::Write as _;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use http::header::ACCEPT;
use reqwest::{Client, Url, redirect};

use super::key_set::{KeySet, SET_BYTES_MAX};

/// From the connection to the last byte of the answer.
pub(super) const FETCH_TIMEOUT: Duration = Duration::from_secs(5);

const MEDIA_TYPES: &str = "application/jwk-set+json, application/json";

/// Where the keys are.
pub(super) enum Source {
    /// A server's.
    Address { client: Client, url: Url },
    /// This machine's.
    File(PathBuf),
}

impl Source {
    /// # Errors
    /// What is wrong, in words for the operator.
    pub(super) fn of_address(url: &str) -> Result<Self, String> {
        let url = Url::parse(url).map_err(|error| error.to_string())?;
        let builder = Client::builder()
            // Whoever can redirect the request could bring keys of their own.
            .redirect(redirect::Policy::none())
            .timeout(FETCH_TIMEOUT)
            // The next request comes in minutes.
            .pool_max_idle_per_host(0)
            .user_agent(concat!("madang/", env!("CARGO_PKG_VERSION")));
        let builder = match url.scheme() {
            "https" => builder,
            // The system's certificates are not needed, so they need not be there.
            _ => builder.tls_certs_only([]),
        };
        // A proxy (HTTPS_PROXY) leads out of this machine, not back to it.
        let builder = match is_this_machine(&url) {
            true => builder.no_proxy(),
            false => builder,
        };
        let client = builder.build().map_err(|error| causes(&error))?;
        Ok(Self::Address { client, url })
    }

    /// The keys as they are now.
    ///
    /// # Errors
    /// Why they cannot be had, in words for the operator. Another try can help.
    pub(super) async fn fetch(&self) -> Result<KeySet, String> {
        let text = match self {
            Self::Address { client, url } => get(client, url).await?,
            Self::File(path) => {
                let path = path.clone();
                let read = tokio::task::spawn_blocking(move || read_file(&path)).await;
                read.unwrap_or_else(|error| Err(std::io::Error::other(error)))
                    .map_err(|error| error.to_string())?
            }
        };
        KeySet::parse(&text)
    }
}

fn is_this_machine(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

async fn get(client: &Client, url: &Url) -> Result<Vec<u8>, String> {
    // The address is the operator's to name in the log, not the error's.
    let told = |error: reqwest::Error| causes(&error.without_url());
    let request = client.get(url.clone()).header(ACCEPT, MEDIA_TYPES);
    let mut response = request.send().await.map_err(told)?;
    if response.status() != http::StatusCode::OK {
        return Err(format!("was answered with {}", response.status()));
    }
    let mut text = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(told)? {
        // One byte too many is enough for the set to be refused.
        let room = (SET_BYTES_MAX + 1).saturating_sub(text.len());
        text.extend_from_slice(&chunk[..chunk.len().min(room)]);
        if text.len() > SET_BYTES_MAX {
            break;
        }
    }
    Ok(text)
}

/// The file, or as much of it as shows that it is too long.
pub(super) fn read_file(path: &std::path::Path) -> std::io::Result<Vec<u8>> {
    use std::io::Read;
    let mut text = Vec::new();
    let file = std::fs::File::open(path)?;
    file.take(SET_BYTES_MAX as u64 + 1).read_to_end(&mut text)?;
    Ok(text)
}

/// The error with its causes: the library's own text says only what was tried.
fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        // Writing to a String cannot fail.
        let _ = write!(text, ": {error}");
        cause = error.source();
    }
    text
}
