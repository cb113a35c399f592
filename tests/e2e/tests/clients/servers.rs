//! The servers that the clients talk to, and how a program is told where they are.

use std::process::Command;
use std::sync::OnceLock;

use madang_e2e::server::TestServer;
use tempfile::TempDir;

use crate::clients::OPEN;
use crate::clients::program::Door;
use crate::shared::{LOGIN, PASSCODE, unique};

/// The host application's key: the front ends' programs sign their tokens with it.
const KEY: &str = "the-hosts-own-key-of-at-least-32-bytes";
/// Where the pages of another origin come from; `js/clients/chromium.mjs` has it too.
const ELSEWHERE: &str = "http://front.localhost:5173";

static SERVER: OnceLock<TestServer> = OnceLock::new();
static TLS_SERVER: OnceLock<TlsServer> = OnceLock::new();

/// The server with every door that needs no certificate.
fn server() -> &'static TestServer {
    SERVER.get_or_init(|| {
        let mut builder = TestServer::builder()
            .account(LOGIN, PASSCODE)
            .env("MADANG_AUTH__JWT_KEY", KEY)
            .env("MADANG_WEBSOCKET__ALLOWED_ORIGINS", ELSEWHERE);
        if OPEN.contains(&Door::Tcp) {
            builder = builder.flag("--stomp-tcp", "127.0.0.1:0");
        }
        builder.start()
    })
}

/// For failures: the servers are shared, so that none is dropped by the test that fails.
pub(crate) fn print_logs() {
    if let Some(server) = SERVER.get() {
        server.print_log();
    }
    if let Some(TlsServer { server, .. }) = TLS_SERVER.get() {
        server.print_log();
    }
}

/// Tells a program where the server is and who it may be.
pub(crate) fn describe(door: Door, command: &mut Command) {
    command
        .env("LOGIN", LOGIN)
        .env("PASSCODE", PASSCODE)
        .env("KEY", KEY)
        .env("TOPIC", unique("/topic/client-"))
        .env("USER_ID", unique("client-") + "@example.com");
    if door == Door::Tls {
        let tls = TLS_SERVER.get_or_init(TlsServer::start);
        command.env("URL", tls.server.url());
        command.env("CA", tls.folder.path().join("cert.pem"));
        return;
    }
    command.env("URL", server().url());
    if door == Door::Tcp {
        command.env("TCP", server().listener("STOMP over TCP").to_string());
    }
}

/// A server with a certificate of its own making, which its clients are given as their authority.
struct TlsServer {
    server: TestServer,
    /// Of the certificate.
    folder: TempDir,
}

impl TlsServer {
    fn start() -> Self {
        let folder = TempDir::new().unwrap();
        let (cert, key) = (
            folder.path().join("cert.pem"),
            folder.path().join("key.pem"),
        );
        let mut openssl = Command::new("openssl");
        openssl
            .args([
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:P-256",
            ])
            .args(["-nodes", "-days", "2", "-subj", "/CN=localhost"])
            .args(["-addext", "subjectAltName=IP:127.0.0.1"])
            .arg("-keyout")
            .arg(&key)
            .arg("-out")
            .arg(&cert);
        let made = openssl.output().unwrap();
        assert!(
            made.status.success(),
            "{}",
            String::from_utf8_lossy(&made.stderr)
        );
        let server = TestServer::builder()
            .env("MADANG_AUTH__JWT_KEY", KEY)
            .flag("--tls-cert", cert.display())
            .flag("--tls-key", key.display())
            .start();
        Self { server, folder }
    }
}
