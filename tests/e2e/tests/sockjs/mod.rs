//! SockJS in front of STOMP: every transport, who may come, when a session ends.

#[cfg(feature = "servers")]
mod cluster;
mod sessions;
mod transports;
mod trust;

use std::sync::OnceLock;

use madang_e2e::server::TestServer;
use madang_e2e::sockjs::Session;

use crate::shared::unique;

/// The one origin besides the server's own.
const LISTED: &str = "https://app.example";

/// Sessions die after a second without a receiver, responses end after 4 KiB.
fn server() -> &'static TestServer {
    static SERVER: OnceLock<TestServer> = OnceLock::new();
    SERVER.get_or_init(|| {
        TestServer::builder()
            .account(crate::shared::LOGIN, crate::shared::PASSCODE)
            .env("MADANG_SOCKJS__DISCONNECT_SECONDS", 1)
            .env("MADANG_SOCKJS__HEART_BEAT_SECONDS", 3)
            .env("MADANG_SOCKJS__RESPONSE_BYTES_MAX", 4096)
            .env("MADANG_WEBSOCKET__ALLOWED_ORIGINS", LISTED)
            .start()
    })
}

fn session() -> Session {
    Session::new(server().address(), "/ws", &unique("s"))
}

/// An open session, of which nothing was said.
fn opened() -> Session {
    let session = session();
    assert_eq!(session.poll("xhr").text(), "o\n");
    session
}

/// An open session, connected as the service account.
fn connected() -> Session {
    let session = opened();
    let connect = crate::shared::connect_frame("1.2", "");
    assert_eq!(session.send(&[&connect]).status, 204);
    let answer = session.poll("xhr");
    assert!(answer.text().starts_with("a[\"CONNECTED"), "{answer:?}");
    session
}

/// The texts of a frame.
fn texts(frame: &str) -> Vec<String> {
    let json = frame.trim_end().strip_prefix('a').expect("an array");
    serde_json::from_str(json).expect("the texts are JSON")
}
