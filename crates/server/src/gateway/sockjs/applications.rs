//! Any application behind SockJS, without the chat.

use std::sync::Arc;

use axum::Router;
use axum::response::Response;
use http::request::Parts;
use madang_domain::ports::{Bus, BusEvent};
use madang_engine::GatewayMail;
use madang_wire::websocket::handshake::HandshakeError;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::{Opening, Service, SockJs, SockJsOptions, answer};
use crate::gateway::session::plain::{Application, Plain};
use crate::gateway::upgrade::{Offer, VERSIONS};
use crate::gateway::{SessionLimits, Shared};
use crate::listener::{Gate, GateLimits, raise_open_files};
use crate::telemetry::metrics::Metrics;

/// Connections that may be before their first request.
const HALF_OPEN_MAX: usize = 4_096;

/// Serves applications behind SockJS. Any page may connect.
pub struct SockJsServer {
    shared: Arc<Shared>,
    router: Router,
    /// To what others say; ends with the server.
    listening: JoinSet<()>,
}

impl SockJsServer {
    /// Starts the tasks that all sessions share, on the current tokio runtime.
    #[must_use]
    pub fn start(metrics: Arc<Metrics>, limits: SessionLimits) -> Self {
        let workers = tokio::runtime::Handle::current().metrics().num_workers();
        Self {
            shared: Shared::start(metrics, limits, workers),
            router: Router::new(),
            listening: JoinSet::new(),
        }
    }

    /// Adds an endpoint; `application` makes one for each session.
    #[must_use]
    pub fn mount<A: Application>(
        mut self,
        base: &'static str,
        options: SockJsOptions,
        application: impl Fn() -> A + Send + Sync + 'static,
    ) -> Self {
        let door = SockJs::new(base, &self.shared, Applications(application), options, None);
        self.router = self.router.merge(door.routes());
        self
    }

    /// The same, for an endpoint that other servers on `bus` have too: requests of one session may
    /// come to any of them. A bus carries one endpoint.
    #[must_use]
    pub fn mount_on<A: Application>(
        mut self,
        bus: Arc<dyn Bus>,
        base: &'static str,
        options: SockJsOptions,
        application: impl Fn() -> A + Send + Sync + 'static,
    ) -> Self {
        let service = Applications(application);
        let door = SockJs::new(base, &self.shared, service, options, Some(Arc::clone(&bus)));
        if let Some(mail) = door.mail() {
            self.listening.spawn(listen(bus, mail));
        }
        self.router = self.router.merge(door.routes());
        self
    }

    /// Serves until `stop` is done.
    pub async fn serve(self, listener: TcpListener, stop: impl Future<Output = ()>) {
        let limits = GateLimits {
            connections_max: raise_open_files(),
            per_address_max: 0,
            half_open_max: HALF_OPEN_MAX,
            trusted: Vec::new(),
        };
        let gate = Gate::new(limits, Arc::clone(&self.shared.metrics));
        // Nobody drains the sessions.
        let drained = std::future::ready(());
        crate::listener::serve(listener, gate, None, self.router, stop, drained).await;
    }
}

/// Hands on what other gateways say, as the engine does where there is one.
async fn listen(bus: Arc<dyn Bus>, mail: Arc<dyn GatewayMail>) {
    while let Some(event) = bus.next_event().await {
        match event {
            BusEvent::Published { payload, .. } => mail.heard(&payload),
            BusEvent::Reconnected => mail.missed(),
        }
    }
}

struct Applications<F>(F);

impl<A: Application, F: Fn() -> A + Send + Sync + 'static> Service for Applications<F> {
    type Dialect = Plain<A>;

    const RAW_OFFER: Offer = Offer {
        subprotocols: &[],
        versions: VERSIONS,
    };

    fn admit(&self, _: &Parts, _: bool) -> Result<Opening, Box<Response>> {
        Ok(Opening { token: None })
    }

    fn refuse_upgrade(&self, error: &HandshakeError) -> Response {
        answer((*error).into())
    }

    fn open(&self, _: Opening) -> Plain<A> {
        Plain((self.0)())
    }
}
