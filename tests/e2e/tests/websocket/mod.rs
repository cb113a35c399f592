//! RFC 6455 at the gateway's door: what is let in, what each breach is answered with.

mod close;
mod handshake;
mod messages;

use std::sync::OnceLock;

use madang_e2e::server::TestServer;
use madang_e2e::websocket::{Opening, Received, WebSocket};

use crate::shared;

fn open() -> WebSocket {
    WebSocket::open(shared::server().address(), Opening::default())
}

/// The code of the close frame that comes, after whatever data; the stream has to end behind it.
fn close_code(socket: &mut WebSocket) -> Option<u16> {
    loop {
        match socket.receive() {
            Received::Close(code) => {
                assert_eq!(
                    socket.receive(),
                    Received::Eof,
                    "the stream ends in good order"
                );
                return code;
            }
            end @ (Received::Eof | Received::Reset) => panic!("{end:?} without a close frame"),
            _ => {}
        }
    }
}

/// A server with a short time to CONNECT and one origin in its list.
fn strict_server() -> &'static TestServer {
    static SERVER: OnceLock<TestServer> = OnceLock::new();
    SERVER.get_or_init(|| {
        TestServer::builder()
            .env("MADANG_STOMP__CONNECT_TIMEOUT_SECONDS", 1)
            .env("MADANG_WEBSOCKET__ALLOWED_ORIGINS", "https://app.example")
            .start()
    })
}
