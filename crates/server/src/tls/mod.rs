//! The server's certificate: read from two files, used for every handshake, read anew when the
//! files change.

mod expiry;
mod reload;
mod watch;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use madang_domain::Timestamp;
use parking_lot::RwLock;
use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{InconsistentKeys, ServerConfig};
use thiserror::Error;

pub(crate) use reload::keep_fresh;

use crate::config::Config;

/// What is offered on the HTTP listener, best first (RFC 7301).
pub(crate) const ALPN_HTTP: [&[u8]; 2] = [ALPN_HTTP2, b"http/1.1"];

/// HTTP/2 over TLS (RFC 9113, section 3.2).
pub(crate) const ALPN_HTTP2: &[u8] = b"h2";

/// Why the files cannot be used. The operator's to mend.
#[derive(Debug, Error)]
pub enum TlsError {
    /// The certificate file cannot be read or holds no certificate that can be used.
    #[error("tls.cert_file: {path}: {problem}", path = path.display())]
    Certificate {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// The key file cannot be read, holds no key that can be used, or another certificate's.
    #[error("tls.key_file: {path}: {problem}", path = path.display())]
    Key {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// TLS cannot be set up at all: not a matter of the files.
    #[error("TLS cannot be set up: {0}")]
    Setup(#[from] rustls::Error),
}

impl TlsError {
    /// The option in section `tls` that is at fault.
    #[must_use]
    pub fn option(&self) -> &'static str {
        match self {
            Self::Certificate { .. } | Self::Setup(_) => "cert_file",
            Self::Key { .. } => "key_file",
        }
    }
}

/// Finds out whether the configured files can be used. Nothing configured is nothing wrong.
///
/// # Errors
/// [`TlsError`]: the operator's fault.
pub fn check(config: &Config) -> Result<(), TlsError> {
    Tls::from_config(config).map(drop)
}

/// The certificate in use. What it hands out follows it when the files change.
#[derive(Debug)]
pub(crate) struct Tls {
    files: Files,
    provider: Arc<CryptoProvider>,
    current: Arc<Current>,
}

#[derive(Debug, Clone)]
struct Files {
    certificate: PathBuf,
    key: PathBuf,
}

#[derive(Debug)]
struct Current(RwLock<Arc<CertifiedKey>>);

/// What came of reading the files anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reloaded {
    /// New handshakes use another certificate.
    Changed,
    /// They hold what is in use.
    Same,
}

impl Tls {
    /// `None` when no files are configured.
    ///
    /// # Errors
    /// [`TlsError`]: they cannot be used.
    pub(crate) fn from_config(config: &Config) -> Result<Option<Self>, TlsError> {
        match (&config.tls.cert_file, &config.tls.key_file) {
            (Some(certificate), Some(key)) => Self::load(certificate, key).map(Some),
            _ => Ok(None),
        }
    }

    /// Reads the certificate chain and its key.
    ///
    /// # Errors
    /// [`TlsError`]: they cannot be used.
    pub(crate) fn load(certificate: &Path, key: &Path) -> Result<Self, TlsError> {
        let files = Files {
            certificate: certificate.to_owned(),
            key: key.to_owned(),
        };
        let provider = Arc::new(aws_lc_rs::default_provider());
        let certified = Arc::new(files.read(&provider)?);
        Ok(Self {
            files,
            provider,
            current: Arc::new(Current(RwLock::new(certified))),
        })
    }

    /// What the handshakes of a listener need. `alpn` are the protocols that it offers, best
    /// first; empty offers none and takes every client.
    ///
    /// # Errors
    /// [`TlsError::Setup`].
    pub(crate) fn server_config(&self, alpn: &[&[u8]]) -> Result<Arc<ServerConfig>, TlsError> {
        let builder = ServerConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])?;
        let resolver = Arc::clone(&self.current);
        let mut config = builder.with_no_client_auth().with_cert_resolver(resolver);
        config.alpn_protocols = alpn.iter().map(|protocol| protocol.to_vec()).collect();
        // A crowd that comes back after a restart of the network resumes: no state here for each.
        config.ticketer = aws_lc_rs::Ticketer::new()?;
        Ok(Arc::new(config))
    }

    /// When the certificate ends to be valid; `None` when it does not tell.
    pub(crate) fn expires_at(&self) -> Option<Timestamp> {
        let current = self.current.0.read();
        expiry::not_after(current.cert.first()?)
    }

    /// Reads the files anew. Blocks.
    ///
    /// # Errors
    /// [`TlsError`]: they cannot be used; what was in use stays so.
    fn reload(&self) -> Result<Reloaded, TlsError> {
        let certified = self.files.read(&self.provider)?;
        let mut current = self.current.0.write();
        // A matching key with the same certificates is the same key.
        if current.cert == certified.cert {
            return Ok(Reloaded::Same);
        }
        *current = Arc::new(certified);
        Ok(Reloaded::Changed)
    }
}

impl ResolvesServerCert for Current {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.read()))
    }
}

impl Files {
    fn read(&self, provider: &CryptoProvider) -> Result<CertifiedKey, TlsError> {
        let chain = read_chain(&self.certificate).map_err(|problem| TlsError::Certificate {
            path: self.certificate.clone(),
            problem,
        })?;
        let bad_key = |problem| TlsError::Key {
            path: self.key.clone(),
            problem,
        };
        let key = read_key(&self.key).map_err(bad_key)?;
        let signing = provider.key_provider.load_private_key(key);
        let signing = signing.map_err(|error| bad_key(format!("cannot be used: {error}")))?;
        let certified = CertifiedKey::new(chain, signing);
        match certified.keys_match() {
            // Not every kind of key tells; then the first handshake does.
            Ok(()) | Err(rustls::Error::InconsistentKeys(InconsistentKeys::Unknown)) => {
                Ok(certified)
            }
            Err(rustls::Error::InconsistentKeys(_)) => Err(bad_key(format!(
                "is not the key of the certificate in {}",
                self.certificate.display()
            ))),
            Err(error) => Err(TlsError::Certificate {
                path: self.certificate.clone(),
                problem: format!("cannot be used: {error}"),
            }),
        }
    }
}

fn read_chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let text = std::fs::read(path).map_err(|error| format!("cannot be read: {error}"))?;
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    match chain {
        Ok(chain) if chain.is_empty() => Err("holds no certificate as PEM".to_owned()),
        Ok(chain) => Ok(chain),
        Err(error) => Err(format!("is not PEM: {error}")),
    }
}

fn read_key(path: &Path) -> Result<PrivateKeyDer<'static>, String> {
    let text = std::fs::read(path).map_err(|error| format!("cannot be read: {error}"))?;
    PrivateKeyDer::from_pem_slice(&text).map_err(|error| match error {
        pem::Error::NoItemsFound => "holds no private key as PEM without a passphrase".to_owned(),
        error => format!("is not PEM: {error}"),
    })
}

#[cfg(test)]
pub(crate) mod tests;
