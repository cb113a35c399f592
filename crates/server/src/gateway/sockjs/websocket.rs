//! The WebSocket transports: SockJS's, and the raw one without its frames.

use std::sync::Arc;
use std::time::Duration;

use axum::response::{IntoResponse, Response};
use http::Method;
use http::request::Parts;
use madang_domain::Code;
use madang_wire::sockjs::{Answer, WEBSOCKET_VERSIONS, frame};
use madang_wire::websocket::handshake::HandshakeError;
use madang_wire::websocket::{Kind, encode_message};

use super::{Service, SockJs, answer, not_allowed, put};
use crate::gateway::Shared;
use crate::gateway::framing::Framing;
use crate::gateway::session::Input;
use crate::gateway::upgrade::{Carriage, Offer, Upgrade};
use crate::http::Refusal;
use crate::telemetry::metrics::Transport;

/// What SockJS clients speak on a WebSocket.
const OFFER: Offer = Offer {
    subprotocols: &[],
    versions: WEBSOCKET_VERSIONS,
};

impl<S: Service> SockJs<S> {
    /// `/{server}/{session}/websocket`: a session of its own, whatever the id.
    pub(super) async fn websocket(self: Arc<Self>, method: &Method, parts: &Parts) -> Response {
        if !self.options.websocket {
            return answer(Answer::NOT_FOUND);
        }
        if *method != Method::GET {
            return not_allowed("GET");
        }
        let limits = self.shared.limits.websocket;
        let mut greeting = Vec::new();
        encode_message(Kind::Text, frame::OPEN, &mut greeting);
        let carriage = Carriage {
            transport: Transport::SockJs,
            input: Input::sockjs(limits, self.message_limits()),
            framing: Framing::SockJsWebSocket,
            beat_every: self.options.heart_beat,
            greeting,
        };
        let refuse = |error: HandshakeError| answer(error.into());
        upgrade(&self.service, &self.shared, parts, &OFFER, carriage, refuse).await
    }

    /// `/websocket`: as a plain WebSocket.
    pub(super) async fn raw_websocket(self: Arc<Self>, parts: &Parts) -> Response {
        if !self.options.websocket {
            return answer(Answer::NOT_FOUND);
        }
        raw_websocket(&self.service, &self.shared, parts).await
    }
}

/// A plain WebSocket to what lies behind an endpoint.
pub(in crate::gateway) async fn raw_websocket<S: Service>(
    service: &S,
    shared: &Arc<Shared>,
    parts: &Parts,
) -> Response {
    let carriage = Carriage {
        transport: Transport::WebSocket,
        input: Input::websocket(shared.limits.websocket),
        framing: Framing::WebSocket,
        beat_every: Duration::ZERO,
        greeting: Vec::new(),
    };
    let refuse = |error| service.refuse_upgrade(&error);
    upgrade(service, shared, parts, &S::RAW_OFFER, carriage, refuse).await
}

async fn upgrade<S: Service>(
    service: &S,
    shared: &Arc<Shared>,
    parts: &Parts,
    offer: &Offer,
    carriage: Carriage,
    refuse: impl FnOnce(HandshakeError) -> Response,
) -> Response {
    if shared.registry.is_draining() {
        return Refusal::from(Code::Draining).into_response();
    }
    let opening = match service.admit(parts, false) {
        Ok(opening) => opening,
        Err(refused) => return *refused,
    };
    match Upgrade::check(parts, offer) {
        Ok(upgrade) => {
            let dialect = service.open(opening);
            match upgrade.padded().serve(shared, carriage, dialect).await {}
        }
        Err(error) => {
            let mut response = refuse(error);
            // RFC 6455, section 4.4: the versions that are spoken.
            let versions = offer.versions.join(", ");
            put(response.headers_mut(), "sec-websocket-version", &versions);
            response
        }
    }
}
