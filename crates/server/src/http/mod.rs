//! The HTTP door: REST for users, agents, admins and the host's back end, the contracts' REST,
//! operations and pages.
//!
//! Every handler asks the engine, which asks the domain's policy; none decides a right by itself
//! beyond the kind of caller it takes. `crate::authorization` lists who may do what.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::HeaderMap;
use axum::http::request::Parts;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::Response;
use madang_domain::ports::BoxFuture;
use madang_domain::{Caller, Code, Error, Role, RoomId};
use madang_engine::Engine;
use utoipa_axum::router::OpenApiRouter;

use crate::asyncapi::{self, DoorSet};
use crate::config::Config;
use crate::contracts::community::CommunityOptions;
use crate::contracts::support_desk::SupportDeskOptions;
use crate::contracts::topics::TopicPrefixes;
use crate::pictures::PictureStore;
use crate::roles::{NodeRole, NodeRoles};

mod admin;
mod agent;
mod client_address;
mod contracts;
mod elsewhere;
mod extract;
mod form;
mod guests;
mod host;
mod layers;
mod multipart;
mod native;
mod openapi;
mod ops;
mod origins;
mod pages;
mod paths;
mod pictures;
mod problem;
mod service;
mod user;

#[cfg(test)]
mod tests;

pub use extract::{Identify, Peer};
pub use guests::{GuestOptions, MakeGuests};
pub use layers::ObserveRequests;
pub use openapi::document;
pub use origins::AllowedOrigins;
pub(crate) use origins::Trust;
pub use pages::demo::{DemoOptions, MintToken};
pub(crate) use problem::Refusal;

/// Largest request body, in bytes: the largest message with every character escaped, and room for
/// its envelope. More is refused with `TOO_LARGE`.
pub const BODY_BYTES_MAX: usize = 64 * 1024;

/// What the HTTP door works with.
pub struct HttpState {
    /// Does what is asked.
    pub engine: Arc<Engine>,
    /// Tells who asks.
    pub identify: Arc<dyn Identify>,
    /// What this node is for.
    pub roles: NodeRoles,
    /// Streams events; `None` on a node without the role `gateway`.
    pub events: Option<Arc<dyn StreamEvents>>,
    /// Whether event streams take the token from the query.
    pub query_token: bool,
    /// Which contracts are served beside the native API.
    pub contracts: ContractOptions,
    /// Application topics.
    pub topics: TopicOptions,
    /// Pictures of rooms.
    pub pictures: Arc<PictureStore>,
    /// Visitors' tokens.
    pub guests: GuestOptions,
    /// The demo page's tokens; `None` where development tokens are not in use.
    pub demo: Option<DemoOptions>,
    /// Which other origins' pages may call.
    pub origins: AllowedOrigins,
    /// Whether this node takes clients: false until it has started and once it drains.
    pub ready: Arc<AtomicBool>,
    /// Renders the metrics in the OpenMetrics text format.
    pub metrics: Arc<dyn Fn() -> String + Send + Sync>,
    /// Counts requests.
    pub observer: Arc<dyn ObserveRequests>,
}

impl HttpState {
    /// # Errors
    /// [`Code::NotFound`]: this node has no sessions.
    fn events(&self) -> Result<&dyn StreamEvents, Error> {
        Ok(self.events.as_deref().ok_or(Code::NotFound)?)
    }
}

/// What an event stream shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventScope {
    /// All of the caller's rooms, and what is published for them.
    All {
        /// The id of the last event that the client has.
        last: Option<String>,
    },
    /// One room, which the caller may read.
    One {
        /// Which.
        room: RoomId,
        /// The id of the last event that the client has.
        last: Option<String>,
    },
    /// Contract 2: the caller's inbox.
    Inbox {
        /// The id of the last event that the client has; one that is not the caller's counts as none.
        last: Option<String>,
    },
}

/// Opens event streams. The gateway does.
pub trait StreamEvents: Send + Sync {
    /// The response to a request, with `headers` besides its own; or nothing, for ever, when the
    /// connection is taken over to be written to.
    ///
    /// # Errors
    /// [`madang_domain::Code::PositionInvalid`]: the client's fault.
    /// [`madang_domain::Code::Draining`]: retryable.
    fn open<'a>(
        &'a self,
        parts: &'a Parts,
        headers: HeaderMap,
        caller: Caller,
        scope: EventScope,
    ) -> BoxFuture<'a, Result<Response, Error>>;
}

/// Which contracts are served; see each one's options.
#[derive(Debug, Clone, Default)]
pub struct ContractOptions {
    /// Contract 1; `None` switches it off.
    pub support_desk: Option<SupportDeskOptions>,
    /// Contract 2; `None` switches it off.
    pub community: Option<CommunityOptions>,
    /// Whether contract 3's WebSocket is served, which only documents need to know here.
    pub direct_websocket: bool,
    /// Whether contract 3's REST is served.
    pub direct_rest: bool,
}

/// How application topics are published to.
#[derive(Debug, Clone, Default)]
pub struct TopicOptions {
    /// Which destinations are topics.
    pub prefixes: TopicPrefixes,
    /// Who may publish, besides the host's back end.
    pub publish: HashSet<Role>,
    /// Largest body of a message, in bytes: as through STOMP.
    pub body_bytes_max: usize,
}

impl TopicOptions {
    /// As the configuration has it.
    #[must_use]
    pub fn of(config: &Config) -> Self {
        Self {
            prefixes: TopicPrefixes {
                broker: config.topics.prefixes.clone(),
                user: config.topics.user_prefix.clone(),
            },
            publish: config.topics.publish.iter().copied().collect(),
            body_bytes_max: config.stomp.body_bytes_max,
        }
    }

    /// Largest request, in bytes: the largest message with every character escaped (JSON takes up
    /// to six bytes for one), and room for its envelope.
    const fn request_bytes_max(&self) -> usize {
        self.body_bytes_max
            .saturating_mul(6)
            .saturating_add(BODY_BYTES_MAX)
    }
}

pub(crate) type Shared = Arc<HttpState>;

/// Which optional routes there are.
#[derive(Debug, Clone, Copy)]
pub struct RouteSet {
    /// Which roles' routes.
    pub roles: NodeRoles,
    /// Contract 1.
    pub support_desk: bool,
    /// Contract 2.
    pub community: bool,
    /// Contract 3.
    pub direct_rest: bool,
    /// Uploading pictures.
    pub picture_upload: bool,
    /// The demo page's tokens.
    pub demo: bool,
}

impl RouteSet {
    /// Everything: what documents describe.
    pub const ALL: Self = Self {
        roles: NodeRoles::ALL,
        support_desk: true,
        community: true,
        direct_rest: true,
        picture_upload: true,
        demo: true,
    };
}

/// All routes of the HTTP door.
///
/// Requests should carry a [`Peer`] among their extensions; without it none counts as made on this
/// machine.
pub fn router(state: HttpState) -> Router {
    routed(Arc::new(state))
}

fn routed(state: Shared) -> Router {
    let set = RouteSet {
        roles: state.roles,
        support_desk: state.contracts.support_desk.is_some(),
        community: state.contracts.community.is_some(),
        direct_rest: state.contracts.direct_rest,
        picture_upload: state.pictures.takes_uploads(),
        demo: state.demo.is_some(),
    };
    let live = asyncapi::document(DoorSet {
        support_desk: set.support_desk,
        community: set.community,
        direct_websocket: state.contracts.direct_websocket,
    });
    // Clients reach all nodes at one address: the document has what any of them serves.
    let description = document(RouteSet {
        roles: NodeRoles::ALL,
        ..set
    });
    let (mut routes, _) = documented_routes(set).split_for_parts();
    if set.roles.have(NodeRole::Api) {
        routes = routes.merge(pages::routes(set.demo));
    }
    if set.roles.have(NodeRole::Gateway) {
        routes = routes.merge(pages::of_sockjs());
    }
    routes
        .merge(elsewhere::routes(set))
        .layer(axum::Extension(ops::Documents::new(&description, &live)))
        .layer(axum::Extension(Arc::<ops::StoreChecks>::default()))
        .fallback(layers::no_such_route)
        .method_not_allowed_fallback(layers::no_such_method)
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(from_fn_with_state(Arc::clone(&state), origins::judge))
        .layer(from_fn(layers::protect))
        .layer(from_fn_with_state(Arc::clone(&state), layers::guard))
        .with_state(state)
}

/// The routes that the OpenAPI document describes.
fn documented_routes(set: RouteSet) -> OpenApiRouter<Shared> {
    let mut routes = openapi::start().merge(ops::routes()).merge(admin::routes());
    if set.roles.have(NodeRole::Api) {
        routes = routes.merge(routes_of_api(set));
    }
    if set.roles.have(NodeRole::Gateway) {
        routes = routes.nest("/api/v1", user::streams().merge(agent::streams()));
        if set.community {
            routes = routes.merge(contracts::community::streams());
        }
    }
    routes
}

fn routes_of_api(set: RouteSet) -> OpenApiRouter<Shared> {
    let mut routes = ops::documents().merge(pictures::routes()).nest(
        "/api/v1",
        user::routes()
            .merge(agent::routes())
            .merge(service::routes())
            .merge(guests::routes())
            .nest("/host", host::routes()),
    );
    if set.support_desk {
        routes = routes.merge(contracts::support_desk::routes());
    }
    if set.community {
        routes = routes.merge(contracts::community::routes());
    }
    if set.direct_rest {
        routes = routes.merge(contracts::direct::routes());
    }
    if set.picture_upload {
        routes = routes.nest("/api/v1", pictures::upload_routes());
    }
    if set.demo {
        routes = routes.merge(pages::demo::routes());
    }
    routes
}
