//! Where STOMP is reached over HTTP: plain WebSockets and SockJS, under one base path.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::StatusCode;
use http::header::ORIGIN;
use http::request::Parts;
use madang_domain::{Code, Error};
use madang_wire::websocket::handshake::HandshakeError;

use super::Gateway;
use super::session::stomp::{Handshake, Stomp};
use super::sockjs::{Opening, Service, SockJs, SockJsOptions, raw_websocket};
use super::upgrade::{Offer, VERSIONS};
use crate::auth::Authenticator;
use crate::http::{AllowedOrigins, Refusal, Trust};

/// The base of SockJS. It is a plain WebSocket too, and so is `/websocket` below it.
pub const STOMP_PATH: &str = "/ws";

/// Where contract 2's clients speak STOMP on a plain WebSocket.
pub const COMMUNITY_PATH: &str = "/stomp/chat";

/// What the browser says of a request that a page of its own origin makes (Fetch Metadata).
const SEC_FETCH_SITE: &str = "sec-fetch-site";

/// STOMP behind SockJS and plain WebSockets.
#[derive(Clone)]
struct StompDoor {
    gateway: Gateway,
    authenticator: Authenticator,
    origins: AllowedOrigins,
}

impl Service for StompDoor {
    type Dialect = Stomp;

    const RAW_OFFER: Offer = Offer {
        subprotocols: &["v12.stomp", "v11.stomp", "v10.stomp"],
        versions: VERSIONS,
    };

    fn admit(&self, request: &Parts, is_forgeable: bool) -> Result<Opening, Box<Response>> {
        let trust = self.origins.may_connect(&request.headers, &request.uri);
        let Some(trust) = trust else {
            let refusal = Refusal::from(Code::OriginForbidden);
            return Err(Box::new(refusal.into_response()));
        };
        let is_own = || {
            let site = request.headers.get(SEC_FETCH_SITE);
            site.is_some_and(|site| site == "same-origin")
        };
        let has_origin = request.headers.contains_key(ORIGIN);
        let token = match trust {
            // No page can say that it is of another origin than it is.
            Trust::Cookies if !is_forgeable || is_own() || has_origin => {
                self.authenticator.token_of_request(&request.headers)
            }
            Trust::Cookies | Trust::TokensOnly => None,
        };
        Ok(Opening { token })
    }

    fn refuse_upgrade(&self, error: &HandshakeError) -> Response {
        let told = Error::with_detail(Code::WebSocketInvalid, error.to_string());
        let mut response = Refusal::from(told).into_response();
        *response.status_mut() =
            StatusCode::from_u16(error.status()).unwrap_or(StatusCode::BAD_REQUEST);
        response
    }

    fn open(&self, Opening { token }: Opening) -> Stomp {
        Stomp::new(&self.gateway.chat, Handshake { token })
    }
}

/// The routes of STOMP.
pub fn routes(
    gateway: Gateway,
    authenticator: Authenticator,
    origins: AllowedOrigins,
    sockjs: SockJsOptions,
) -> Router {
    let shared = Arc::clone(&gateway.shared);
    let serves_community = gateway.chat.community.is_some();
    let door = StompDoor {
        gateway,
        authenticator,
        origins,
    };
    let mut plain = Router::new();
    if serves_community {
        plain = plain.route(COMMUNITY_PATH, get(websocket));
    }
    let plain = plain.with_state(Arc::new(door.clone()));
    let engine = Arc::clone(&door.gateway.chat.engine);
    let bus = Arc::clone(engine.bus());
    let sockjs = SockJs::new(STOMP_PATH, &shared, door, sockjs, Some(bus));
    if let Some(mail) = sockjs.mail() {
        engine.deliver_gateway_mail(mail);
    }
    sockjs.routes().merge(plain)
}

async fn websocket(State(door): State<Arc<StompDoor>>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    raw_websocket(&*door, &door.gateway.shared, &parts).await
}
