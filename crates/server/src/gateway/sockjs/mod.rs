//! SockJS (sockjs-protocol 0.3): one endpoint with all its transports, in front of any dialect.
//!
//! The WebSocket transports are sessions as any other, in another framing. With the HTTP
//! transports a session's connection is a [`link`], found through a [`directory`].

mod applications;
mod cluster;
mod directory;
mod link;
mod pages;
mod receive;
mod response;
mod send;
mod websocket;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::any;
use http::header::{COOKIE, ORIGIN};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use madang_domain::Code;
use madang_domain::ports::Bus;
use madang_engine::GatewayMail;
pub use madang_wire::sockjs::Revision;
use madang_wire::sockjs::{Answer, Endpoint, IframePage, Transport, header};
use madang_wire::websocket::handshake::HandshakeError;

use super::Shared;
use super::headers::text;
use super::session::dialect::Dialect;
pub use super::session::plain::{Application, Client, Reaction};
use super::upgrade::Offer;
pub use applications::SockJsServer;
pub(in crate::gateway) use cluster::Cluster;
use cluster::ClusterOptions;
use directory::Directory;
pub(in crate::gateway) use link::Link;
use link::LinkOptions;
pub(in crate::gateway) use websocket::raw_websocket;

/// How much later than its heart-beats something of a session that is well comes from another node.
const SILENCE_BEYOND_HEART_BEAT: Duration = Duration::from_secs(10);

/// What lies behind an endpoint.
pub(in crate::gateway) trait Service: Send + Sync + 'static {
    /// What is said on its sessions.
    type Dialect: Dialect;

    /// What the raw WebSocket speaks.
    const RAW_OFFER: Offer;

    /// Whether the request may open a session or go on with one, and what it proves. `is_forgeable`:
    /// any page can make a browser send it, with the user's cookies and without an origin.
    ///
    /// # Errors
    /// The answer that refuses it.
    fn admit(&self, request: &Parts, is_forgeable: bool) -> Result<Opening, Box<Response>>;

    /// The answer to a handshake of the raw WebSocket that is refused.
    fn refuse_upgrade(&self, error: &HandshakeError) -> Response;

    /// The dialect of a new session.
    fn open(&self, opening: Opening) -> Self::Dialect;
}

/// What the request proves that opens a session.
pub(in crate::gateway) struct Opening {
    /// Its token, if it has one.
    pub(in crate::gateway) token: Option<String>,
}

/// How an endpoint behaves.
#[derive(Debug, Clone)]
pub struct SockJsOptions {
    /// Whether the WebSocket transports are served.
    pub websocket: bool,
    /// Whether responses set the cookie by which load balancers keep a client at its node.
    pub cookie_needed: bool,
    /// Bytes of frames after which a streaming response ends and the client asks anew: browsers
    /// keep all of it in memory.
    pub response_bytes_max: usize,
    /// Pause between heart-beats.
    pub heart_beat: Duration,
    /// How long a session without a receiving request lives.
    pub disconnect_delay: Duration,
    /// How long other gateways are asked for a session that is not here, where some may not answer.
    pub find_within: Duration,
    /// Sessions of the HTTP transports at a time. One more ends the oldest whose client has not said
    /// who it is; where there is none, it is refused with 503.
    pub sessions_max: usize,
    /// Where the pages of the iframe transports load the client library from.
    pub client_url: String,
    /// Which edition of the protocol's HTTP details is followed.
    pub revision: Revision,
}

impl Default for SockJsOptions {
    fn default() -> Self {
        Self {
            websocket: true,
            cookie_needed: false,
            response_bytes_max: madang_wire::sockjs::STREAM_BYTES_DEFAULT,
            heart_beat: Duration::from_secs(25),
            disconnect_delay: Duration::from_secs(5),
            find_within: Duration::from_millis(300),
            sessions_max: 100_000,
            client_url: "https://cdn.jsdelivr.net/npm/sockjs-client@1/dist/sockjs.min.js"
                .to_owned(),
            revision: Revision::default(),
        }
    }
}

/// An endpoint.
pub(in crate::gateway) struct SockJs<S> {
    base: &'static str,
    shared: Arc<Shared>,
    service: S,
    options: SockJsOptions,
    link_options: LinkOptions,
    directory: Arc<Directory>,
    /// The other gateways, where their requests may come here and those of here go there.
    cluster: Option<Arc<Cluster>>,
    iframe: IframePage,
}

impl<S: Service> SockJs<S> {
    pub(in crate::gateway) fn new(
        base: &'static str,
        shared: &Arc<Shared>,
        service: S,
        options: SockJsOptions,
        bus: Option<Arc<dyn Bus>>,
    ) -> Arc<Self> {
        let link_options = LinkOptions {
            response_bytes_max: options.response_bytes_max,
            inbox_bytes_max: shared.limits.websocket.message_bytes_max,
            disconnect_delay: options.disconnect_delay,
            revision: options.revision,
        };
        let directory = Arc::new(Directory::new(options.sessions_max));
        let cluster_options = ClusterOptions {
            find_within: options.find_within,
            silence_max: options.heart_beat + SILENCE_BEYOND_HEART_BEAT,
        };
        let cluster = bus.map(|bus| Cluster::join(bus, Arc::clone(&directory), cluster_options));
        if let Some(cluster) = &cluster {
            // A node serves one such endpoint.
            drop(shared.cluster.set(Arc::clone(cluster)));
        }
        Arc::new(Self {
            base,
            shared: Arc::clone(shared),
            service,
            link_options,
            directory,
            cluster,
            iframe: IframePage::new(&options.client_url, options.revision),
            options,
        })
    }

    /// Hears what other gateways say, where there may be any.
    pub(in crate::gateway) fn mail(&self) -> Option<Arc<dyn GatewayMail>> {
        let cluster = self.cluster.as_ref()?;
        Some(Arc::clone(cluster) as _)
    }

    /// The routes of everything below the base.
    pub(in crate::gateway) fn routes(self: Arc<Self>) -> Router {
        let base = self.base;
        Router::new()
            .route(base, any(serve::<S>))
            .route(&format!("{base}/"), any(serve::<S>))
            .route(&format!("{base}/{{*rest}}"), any(serve::<S>))
            .with_state(self)
    }
}

async fn serve<S: Service>(State(door): State<Arc<SockJs<S>>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path();
    let path = path.strip_prefix(door.base).unwrap_or(path).to_owned();
    let Some(endpoint) = Endpoint::parse(&path) else {
        return answer(Answer::NOT_FOUND);
    };
    let is_upgrade = parts.headers.contains_key(http::header::UPGRADE);
    match (&parts.method, endpoint) {
        (&Method::GET, Endpoint::Greeting | Endpoint::RawWebSocket)
            if is_upgrade || endpoint == Endpoint::RawWebSocket =>
        {
            door.raw_websocket(&parts).await
        }
        (&Method::GET, Endpoint::Greeting) => answer(Answer::GREETING),
        (&Method::GET, Endpoint::Info) => door.info(&parts),
        (&Method::GET, Endpoint::Iframe) => door.iframe(&parts),
        (method, endpoint) => door.session(method, endpoint, &parts, body).await,
    }
}

impl<S: Service> SockJs<S> {
    async fn session(
        self: Arc<Self>,
        method: &Method,
        endpoint: Endpoint<'_>,
        parts: &Parts,
        body: Body,
    ) -> Response {
        let methods = endpoint.methods();
        if *method == Method::OPTIONS && methods.contains("OPTIONS") {
            return self.preflight(parts, methods);
        }
        let takes = methods.split(", ").any(|name| name == method.as_str());
        let Endpoint::Session {
            session, transport, ..
        } = endpoint
        else {
            return not_allowed(methods);
        };
        if transport == Transport::WebSocket {
            // Refuses another method itself, as the upgrade that it is not.
            return self.websocket(method, parts).await;
        }
        if !takes {
            return not_allowed(methods);
        }
        let mut response = match transport {
            Transport::XhrSend => self.send(session, parts, body, false).await,
            Transport::JsonpSend => self.send(session, parts, body, true).await,
            _ => {
                let door = Arc::clone(&self);
                door.receive(session, transport, parts, body).await
            }
        };
        self.session_headers(parts, transport, response.headers_mut());
        response
    }

    /// # Errors
    /// [`Code::Draining`]: no session is opened any more; those that are open go on to their end.
    fn refuse_while_draining(&self) -> Result<(), Code> {
        match self.shared.registry.is_draining() {
            true => Err(Code::Draining),
            false => Ok(()),
        }
    }

    /// Headers of all of a session's responses.
    fn session_headers(&self, parts: &Parts, transport: Transport, headers: &mut HeaderMap) {
        let (name, value) = header::no_store(self.options.revision);
        put(headers, name, value);
        let (name, value) = header::NO_SNIFF;
        put(headers, name, value);
        self.session_cookie(parts, headers);
        if transport.has_cors() {
            self.cors_headers(parts, headers);
        }
    }

    fn session_cookie(&self, parts: &Parts, headers: &mut HeaderMap) {
        if self.options.cookie_needed {
            // HTTP/2 sends each cookie in a line of its own (RFC 9113, section 8.2.3).
            let lines = parts.headers.get_all(COOKIE).into_iter();
            let lines: Vec<_> = lines.filter_map(|line| line.to_str().ok()).collect();
            let cookies = (!lines.is_empty()).then(|| lines.join("; "));
            let (name, value) = header::session_cookie(cookies.as_deref());
            put(headers, name, &value);
        }
    }

    fn cors_headers(&self, parts: &Parts, headers: &mut HeaderMap) {
        let origin = text(&parts.headers, &ORIGIN);
        let asked = text(
            &parts.headers,
            &http::header::ACCESS_CONTROL_REQUEST_HEADERS,
        );
        for (name, value) in header::cors(origin, asked, self.options.revision) {
            put(headers, name, value);
        }
    }
}

/// An answer that the protocol knows.
fn answer(answer: Answer) -> Response {
    let mut response = Response::new(Body::from(answer.body.into_owned()));
    *response.status_mut() =
        StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if let Some(content_type) = answer.content_type {
        put(response.headers_mut(), "content-type", content_type);
    }
    response
}

fn not_allowed(methods: &'static str) -> Response {
    let mut response = answer(Answer::METHOD_NOT_ALLOWED);
    put(response.headers_mut(), "allow", methods);
    response
}

/// Sets a header; one whose value HTTP cannot carry is left out.
fn put(headers: &mut HeaderMap, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(HeaderName::from_static(name), value);
    }
}

/// Seconds since 1970.
fn unix_seconds() -> u64 {
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}
