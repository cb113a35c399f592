//! The WebSocket opening handshake, and taking the socket back from the HTTP stack.

use std::sync::Arc;

use http::header::{
    CONNECTION, HeaderMap, HeaderName, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY,
    SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use http::{Request, Response, StatusCode, Version};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use madang_wire::websocket::handshake::{self, HandshakeError, RequestHeaders};
use tokio::net::TcpStream;

use super::framing::Framing;
use super::session::stomp::{Handshake, Stomp};
use super::session::{Connection, Input, run};
use super::stream::Stream;
use super::{Chat, Gateway};
use crate::telemetry::metrics::Transport;

/// What STOMP clients offer, best first.
const SUBPROTOCOLS: [&str; 3] = ["v12.stomp", "v11.stomp", "v10.stomp"];

impl Gateway {
    /// Answers an upgrade request, and serves STOMP on its socket once HTTP has let go of it.
    /// `token` is what the request itself proves who it is with.
    ///
    /// # Errors
    /// [`HandshakeError`]: the client's fault; nothing was upgraded.
    pub fn upgrade<B>(
        &self,
        request: &mut Request<B>,
        token: Option<String>,
    ) -> Result<Response<()>, HandshakeError> {
        let headers = request.headers();
        if request.version() != Version::HTTP_11 {
            // Upgrading is of HTTP/1.1 (RFC 9110, section 7.8).
            return Err(HandshakeError::Upgrade);
        }
        let accept = accept(headers)?;
        let subprotocol = text(headers, &SEC_WEBSOCKET_PROTOCOL)
            .and_then(|offered| handshake::choose_subprotocol(offered, &SUBPROTOCOLS));
        let chat = Arc::clone(&self.chat);
        let upgrade = hyper::upgrade::on(request);
        tokio::spawn(serve(chat, upgrade, Handshake { token }));
        Ok(switching_protocols(&accept, subprotocol))
    }
}

async fn serve(chat: Arc<Chat>, upgrade: OnUpgrade, handshake: Handshake) {
    let upgraded = match upgrade.await {
        Ok(upgraded) => upgraded,
        // The peer went away before it had read the answer.
        Err(error) => return tracing::debug!(%error, "a connection was not upgraded"),
    };
    let Some((stream, read_ahead)) = take_socket(upgraded) else {
        return;
    };
    let connection = Connection {
        stream: Stream::Plain(stream),
        transport: Transport::WebSocket,
        input: Input::websocket(chat.shared.limits.websocket),
        framing: Framing::WebSocket,
        read_ahead,
        greeting: Vec::new(),
    };
    if let Some(session) = run(&chat.shared, connection, Stomp::new(&chat, handshake)) {
        // A task of its own: this one is as large as the handshake.
        tokio::spawn(session);
    }
}

fn take_socket(upgraded: Upgraded) -> Option<(TcpStream, Vec<u8>)> {
    match upgraded.downcast::<TokioIo<TcpStream>>() {
        Ok(parts) => Some((parts.io.into_inner(), parts.read_buf.to_vec())),
        Err(_) => {
            tracing::error!("an upgraded connection is no TCP stream");
            None
        }
    }
}

fn accept(headers: &HeaderMap) -> Result<String, HandshakeError> {
    handshake::check_request(&RequestHeaders {
        upgrade: text(headers, &UPGRADE),
        connection: text(headers, &CONNECTION),
        version: text(headers, &SEC_WEBSOCKET_VERSION),
        key: text(headers, &SEC_WEBSOCKET_KEY),
    })
}

fn switching_protocols(accept: &str, subprotocol: Option<&'static str>) -> Response<()> {
    let mut response = Response::new(());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    if let Ok(accept) = HeaderValue::from_str(accept) {
        headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
    }
    if let Some(subprotocol) = subprotocol {
        headers.insert(
            SEC_WEBSOCKET_PROTOCOL,
            HeaderValue::from_static(subprotocol),
        );
    }
    response
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}
