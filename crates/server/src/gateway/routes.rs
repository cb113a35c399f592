//! Where STOMP over WebSocket is reached.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::StatusCode;
use http::header::{HeaderValue, SEC_WEBSOCKET_VERSION};
use madang_domain::{Code, Error};
use madang_wire::websocket::HandshakeError;

use super::Gateway;
use crate::auth::Authenticator;
use crate::http::{AllowedOrigins, Refusal, Trust};

/// Paths of plain WebSockets that speak STOMP; the second is where SockJS has its raw WebSocket.
pub const STOMP_PATHS: [&str; 2] = ["/ws", "/ws/websocket"];

/// What the upgrade routes work with.
struct Door {
    gateway: Gateway,
    authenticator: Authenticator,
    origins: AllowedOrigins,
}

/// The upgrade routes.
pub fn routes(gateway: Gateway, authenticator: Authenticator, origins: AllowedOrigins) -> Router {
    let door = Arc::new(Door {
        gateway,
        authenticator,
        origins,
    });
    let add = |routes: Router<_>, path| routes.route(path, get(upgrade));
    STOMP_PATHS
        .into_iter()
        .fold(Router::new(), add)
        .with_state(door)
}

async fn upgrade(State(door): State<Arc<Door>>, mut request: Request) -> Response {
    if door.gateway.is_draining() {
        return Refusal::from(Code::Draining).into_response();
    }
    let Some(trust) = door.origins.may_connect(request.headers(), request.uri()) else {
        return Refusal::from(Code::OriginForbidden).into_response();
    };
    let token = match trust {
        Trust::Cookies => door.authenticator.token_of_request(request.headers()),
        Trust::TokensOnly => None,
    };
    match door.gateway.upgrade(&mut request, token) {
        Ok(response) => response.map(|()| Body::empty()),
        Err(error) => refuse(&error),
    }
}

fn refuse(error: &HandshakeError) -> Response {
    let told = Error::with_detail(Code::WebSocketInvalid, error.to_string());
    let mut response = Refusal::from(told).into_response();
    *response.status_mut() =
        StatusCode::from_u16(error.status()).unwrap_or(StatusCode::BAD_REQUEST);
    // RFC 6455, section 4.4: the version that is spoken.
    response
        .headers_mut()
        .insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
    response
}
