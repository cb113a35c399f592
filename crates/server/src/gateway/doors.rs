//! Where the protocols are reached that show all of a user's rooms on a plain WebSocket.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::StatusCode;
use http::header::{HeaderValue, SEC_WEBSOCKET_VERSION};
use http::request::Parts;
use madang_domain::{Caller, Code, Error};
use madang_wire::websocket::handshake::HandshakeError;

use super::Gateway;
use super::framing::Framing;
use super::session::Input;
use super::session::dialect::Dialect;
use super::session::direct::Direct;
use super::session::json::{Json, PING_EVERY, has_rooms};
use super::upgrade::{Carriage, Offer, Upgrade, VERSIONS};
use crate::auth::Authenticator;
use crate::contracts::realtime::JSON_SUBPROTOCOL;
use crate::http::{AllowedOrigins, Refusal, Trust};
use crate::telemetry::metrics::Transport;

/// Where JSON is spoken.
pub const JSON_PATH: &str = "/ws/v1";
/// Contract 3's WebSocket.
pub const DIRECT_PATH: &str = "/ws/chat";

const JSON_OFFER: Offer = Offer {
    subprotocols: &[JSON_SUBPROTOCOL],
    versions: VERSIONS,
};
const DIRECT_OFFER: Offer = Offer {
    subprotocols: &[],
    versions: VERSIONS,
};

/// How the doors are set up.
#[derive(Debug, Clone, Copy)]
pub struct DoorOptions {
    /// Whether `?token=` proves who a client is; it ends up in the logs of proxies.
    pub query_token: bool,
    /// Whether contract 3's WebSocket is served.
    pub direct_websocket: bool,
}

/// What the upgrade routes work with.
struct Doors {
    gateway: Gateway,
    authenticator: Authenticator,
    origins: AllowedOrigins,
    query_token: bool,
}

/// The upgrade routes.
pub fn routes(
    gateway: Gateway,
    authenticator: Authenticator,
    origins: AllowedOrigins,
    options: DoorOptions,
) -> Router {
    let doors = Arc::new(Doors {
        gateway,
        authenticator,
        origins,
        query_token: options.query_token,
    });
    let mut routes = Router::new().route(JSON_PATH, get(json));
    if options.direct_websocket {
        routes = routes.route(DIRECT_PATH, get(direct));
    }
    routes.with_state(doors)
}

/// Whoever says nothing of who they are says it in the first message.
async fn json(State(doors): State<Arc<Doors>>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    match doors.caller(&parts).await {
        Ok(caller) => {
            let dialect = Json::new(&doors.gateway.chat, caller);
            doors.serve(&parts, &JSON_OFFER, dialect).await
        }
        Err(error) => Refusal::from(error).into_response(),
    }
}

async fn direct(State(doors): State<Arc<Doors>>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let needed = || Error::from(Code::AuthenticationRequired);
    let caller = doors.caller(&parts).await;
    match caller.and_then(|caller| caller.ok_or_else(needed)) {
        Ok(caller) => {
            let dialect = Direct::new(&doors.gateway.chat, caller);
            doors.serve(&parts, &DIRECT_OFFER, dialect).await
        }
        Err(error) => Refusal::from(error).into_response(),
    }
}

impl Doors {
    /// Who the handshake proves the client to be, if it says anything.
    ///
    /// # Errors
    /// [`Code::Draining`]: retryable. The page's origin may not connect, the token is not valid, or
    /// its holder has no rooms: the client's fault.
    async fn caller(&self, parts: &Parts) -> Result<Option<Caller>, Error> {
        if self.gateway.is_draining() {
            return Err(Code::Draining.into());
        }
        let trust = self.origins.may_connect(&parts.headers, &parts.uri);
        let token = match trust.ok_or(Code::OriginForbidden)? {
            // What was said for this request counts before what a browser sends with every one.
            Trust::Cookies => {
                let said = self.authenticator.token_of_header(&parts.headers);
                let said = said.or_else(|| self.query_token(parts));
                said.or_else(|| self.authenticator.token_of_request(&parts.headers))
            }
            Trust::TokensOnly => self.query_token(parts),
        };
        let Some(token) = token else {
            return Ok(None);
        };
        let caller = self.gateway.chat.identity.token(&token).await?;
        has_rooms(caller).map(Some)
    }

    fn query_token(&self, parts: &Parts) -> Option<String> {
        let query = parts.uri.query().filter(|_| self.query_token)?;
        let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        let found = pairs.find(|(name, token)| *name == "token" && !token.is_empty());
        // Its percent-encoding is the authenticator's to undo.
        found.map(|(_, token)| token.to_owned())
    }

    /// Answers the handshake, and serves the dialect on the connection.
    async fn serve<D: Dialect>(&self, parts: &Parts, offer: &Offer, dialect: D) -> Response {
        let shared = &self.gateway.shared;
        let carriage = Carriage {
            transport: Transport::WebSocket,
            input: Input::websocket(shared.limits.websocket),
            framing: Framing::WebSocket,
            beat_every: PING_EVERY,
            greeting: Vec::new(),
        };
        match Upgrade::check(parts, offer) {
            Ok(upgrade) => match upgrade.serve(shared, carriage, dialect).await {},
            Err(error) => refuse(&error),
        }
    }
}

fn refuse(error: &HandshakeError) -> Response {
    let told = Error::with_detail(Code::WebSocketInvalid, error.to_string());
    let mut response: Response<Body> = Refusal::from(told).into_response();
    *response.status_mut() =
        StatusCode::from_u16(error.status()).unwrap_or(StatusCode::BAD_REQUEST);
    // RFC 6455, section 4.4: the version that is spoken.
    response
        .headers_mut()
        .insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
    response
}
