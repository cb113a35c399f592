//! What certificate files must be, and that changed ones are taken up.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use madang_domain::Timestamp;
use rustls::ClientConfig;
use rustls::RootCertStore;
use rustls::pki_types::{CertificateDer, ServerName};
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio::signal::unix::{SignalKind, signal};
use tokio_rustls::client::TlsStream;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::*;
use crate::telemetry::metrics::Metrics;

/// A certificate for `localhost` in a directory of its own.
pub(crate) struct Pair {
    pub(crate) dir: TempDir,
    pub(crate) certificate: CertificateDer<'static>,
}

impl Pair {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let certificate = write_pair(dir.path());
        Self { dir, certificate }
    }

    pub(crate) fn tls(&self) -> Tls {
        Tls::load(&cert_file(self.dir.path()), &key_file(self.dir.path())).unwrap()
    }
}

fn cert_file(dir: &Path) -> PathBuf {
    dir.join("tls.crt")
}

fn key_file(dir: &Path) -> PathBuf {
    dir.join("tls.key")
}

/// Replaces both files as renewals do: under new names, then renamed.
fn write_pair(dir: &Path) -> CertificateDer<'static> {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    for (file, text) in [
        (key_file(dir), made.signing_key.serialize_pem()),
        (cert_file(dir), made.cert.pem()),
    ] {
        let new = file.with_extension("new");
        std::fs::write(&new, text).unwrap();
        std::fs::rename(&new, &file).unwrap();
    }
    made.cert.der().clone()
}

/// A client that trusts the certificate and offers these protocols.
pub(crate) async fn connect(
    address: SocketAddr,
    certificate: &CertificateDer<'static>,
    alpn: &[&[u8]],
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(certificate.clone()).unwrap();
    let provider = Arc::new(aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|protocol| protocol.to_vec()).collect();
    let socket = TcpStream::connect(address).await?;
    let name = ServerName::try_from("localhost").unwrap();
    TlsConnector::from(Arc::new(config))
        .connect(name, socket)
        .await
}

/// A server that does handshakes and nothing else.
async fn handshakes(tls: &Tls) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let acceptor = TlsAcceptor::from(tls.server_config(&[]).unwrap());
    tokio::spawn(async move {
        loop {
            let (socket, _) = listener.accept().await.unwrap();
            drop(acceptor.accept(socket).await);
        }
    });
    address
}

fn metrics() -> Arc<Metrics> {
    Arc::new(Metrics::new(Timestamp::from_micros(0)))
}

/// Waits until the server counted what it must, on its way to which `nudge` is repeated.
async fn until(done: impl Fn() -> bool, nudge: impl Fn()) {
    let waiting = async {
        let mut ticks = tokio::time::interval(Duration::from_millis(20));
        while !done() {
            nudge();
            ticks.tick().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), waiting)
        .await
        .unwrap();
}

#[tokio::test]
async fn files_that_do_not_fit_are_refused_by_name() {
    let one = Pair::new();
    let other = Pair::new();
    let (cert, key) = (cert_file(one.dir.path()), key_file(one.dir.path()));
    let problem = |cert: &Path, key: &Path| Tls::load(cert, key).unwrap_err().to_string();
    let said = problem(&cert, &key_file(other.dir.path()));
    assert!(
        said.contains("tls.key_file") && said.contains("is not the key of"),
        "{said}"
    );
    let said = problem(&one.dir.path().join("missing"), &key);
    assert!(
        said.contains("tls.cert_file") && said.contains("cannot be read"),
        "{said}"
    );
    let said = problem(&key, &key);
    assert!(said.contains("holds no certificate"), "{said}");
    let said = problem(&cert, &cert);
    assert!(said.contains("holds no private key"), "{said}");
    assert!(Tls::load(&cert, &key).unwrap().expires_at().is_some());
}

#[tokio::test]
async fn changed_files_are_used_by_the_next_handshake() {
    let pair = Pair::new();
    let tls = Arc::new(pair.tls());
    let metrics = metrics();
    let hangup = signal(SignalKind::user_defined1()).unwrap();
    tokio::spawn(keep_fresh(Arc::clone(&tls), hangup, Arc::clone(&metrics)));
    let address = handshakes(&tls).await;
    connect(address, &pair.certificate, &[]).await.unwrap();
    until(|| metrics.connections.tls_expiry.get() > 0, || {}).await;

    let renewed = write_pair(pair.dir.path());
    until(|| metrics.connections.tls_reloaded.get() == 1, || {}).await;
    connect(address, &renewed, &[]).await.unwrap();
    assert!(connect(address, &pair.certificate, &[]).await.is_err());

    // A broken pair changes nothing, and the next good one is taken up.
    std::fs::write(key_file(pair.dir.path()), "no key").unwrap();
    until(|| metrics.connections.tls_refused.get() == 1, || {}).await;
    connect(address, &renewed, &[]).await.unwrap();
    let again = write_pair(pair.dir.path());
    until(|| metrics.connections.tls_reloaded.get() == 2, || {}).await;
    connect(address, &again, &[]).await.unwrap();
}

#[tokio::test]
async fn a_signal_takes_up_what_no_watch_tells() {
    let pair = Pair::new();
    let tls = Arc::new(pair.tls());
    let metrics = metrics();
    let hangup = signal(SignalKind::hangup()).unwrap();
    // Links to files elsewhere: at the start the links lead nowhere else.
    let elsewhere = tempfile::tempdir().unwrap();
    let renewed = write_pair(elsewhere.path());
    tokio::spawn(keep_fresh(Arc::clone(&tls), hangup, Arc::clone(&metrics)));
    until(|| metrics.connections.tls_expiry.get() > 0, || {}).await;
    // Nothing is written in a watched directory: hard links of open files cannot be seen changing.
    for file in [cert_file, key_file] {
        let text = std::fs::read(file(elsewhere.path())).unwrap();
        write_unseen(&file(pair.dir.path()), &text);
    }
    let hang_up = || {
        let me = rustix::process::getpid();
        rustix::process::kill_process(me, rustix::process::Signal::HUP).unwrap();
    };
    until(|| metrics.connections.tls_reloaded.get() == 1, hang_up).await;
    let address = handshakes(&tls).await;
    connect(address, &renewed, &[]).await.unwrap();
}

/// Writes through a descriptor that stays open: the kernel tells watchers when it is closed.
fn write_unseen(path: &Path, text: &[u8]) {
    use std::io::Write;
    let mut file = std::fs::File::options()
        .write(true)
        .truncate(true)
        .open(path)
        .unwrap();
    file.write_all(text).unwrap();
    std::mem::forget(file);
}
