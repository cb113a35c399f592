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

use super::Gateway;
use super::upgrade::{Origins, Refused};
use crate::auth::Authenticator;
use crate::http::Refusal;

/// Paths of plain WebSockets that speak STOMP; the second is where SockJS has its raw WebSocket.
pub const STOMP_PATHS: [&str; 2] = ["/ws", "/ws/websocket"];

/// What the upgrade routes work with.
struct Door {
    gateway: Gateway,
    authenticator: Authenticator,
    origins: Origins,
}

/// The upgrade routes.
pub fn routes(gateway: Gateway, authenticator: Authenticator, origins: Origins) -> Router {
    let door = Arc::new(Door { gateway, authenticator, origins });
    let routes = STOMP_PATHS
        .iter()
        .fold(Router::new(), |routes, path| routes.route(path, get(upgrade)));
    routes.with_state(door)
}

async fn upgrade(State(door): State<Arc<Door>>, mut request: Request) -> Response {
    let token = door.authenticator.token_of_request(request.headers());
    match door.gateway.upgrade(&mut request, &door.origins, token) {
        Ok(response) => response.map(|()| Body::empty()),
        Err(Refused::Policy(error)) => Refusal::from(error).into_response(),
        Err(Refused::Handshake(error)) => {
            let told = Error::with_detail(Code::WebSocketInvalid, error.to_string());
            let mut response = Refusal::from(told).into_response();
            let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::BAD_REQUEST);
            *response.status_mut() = status;
            // RFC 6455, section 4.4: the version that is spoken.
            response.headers_mut().insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
            response
        }
    }
}
