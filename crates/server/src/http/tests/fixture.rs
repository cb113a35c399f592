//! A server without a socket, and who calls it.

mod answer;
mod tokens;

use std::collections::HashSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Method, Request, StatusCode, header};
use jiff::tz::TimeZone;
use madang_bus::LocalNetwork;
use madang_domain::command::OpenSupport;
use madang_domain::message::Body as MessageBody;
use madang_domain::ports::{Clock, Commit, Store};
use madang_domain::{
    Actor, Caller, Code, Command, Committed, Content, Role, RoomAction, RoomCommand, RoomId,
    Timestamp, UserId,
};
use madang_engine::commit::CommitLimits;
use madang_engine::telemetry::NoTelemetry;
use madang_engine::{Engine, EngineOptions, Ports};
use madang_presence::LocalCluster;
use madang_store::sqlite::{SqliteOptions, SqliteStore, Synchronous};
use serde_json::Value;
use tower::ServiceExt;

use crate::config::{self, Pictures, assemble};
use crate::contracts::community::CommunityOptions;
use crate::contracts::support_desk::SupportDeskOptions;
use crate::contracts::topics::TopicPrefixes;
use crate::gateway::{Gateway, GatewayOptions, SessionLimits, TopicRights};
use crate::http::{
    AllowedOrigins, ContractOptions, DemoOptions, GuestOptions, HttpState, ObserveRequests, Peer,
    TopicOptions, routed,
};
use crate::pictures::{PictureStore, remove_released};
use crate::roles::NodeRoles;
use crate::telemetry::metrics::Metrics;

pub(super) use answer::Answer;
use tokens::PlainTokens;
pub(super) use tokens::caller;

/// Who may publish and subscribe to topics by configuration.
pub(super) const PUBLISHING_ROLE: Role = Role::Agent;

pub(super) const TOPIC_BODY_BYTES_MAX: usize = 100_000;

pub(super) struct Server {
    pub(super) router: Router,
    pub(super) engine: Arc<Engine>,
    pub(super) gateway: Gateway,
    pub(super) store: Arc<SqliteStore>,
    /// By which other nodes reach this one.
    pub(super) network: LocalNetwork,
    pub(super) ready: Arc<AtomicBool>,
    pub(super) seen: Arc<Seen>,
    state: Arc<HttpState>,
    directory: tempfile::TempDir,
}

/// What a server is made with.
struct Setup<'a> {
    contracts: bool,
    demo: bool,
    origins: &'a [&'a str],
    /// Options of the section `[pictures]`, as the environment sets them.
    pictures: &'a [(&'a str, &'a str)],
    guests: GuestOptions,
    added_per_user_per_day_max: u64,
    roles: NodeRoles,
}

impl Default for Setup<'_> {
    fn default() -> Self {
        Self {
            contracts: true,
            demo: true,
            origins: &[],
            pictures: &[],
            guests: guests(true, 0),
            added_per_user_per_day_max: 0,
            roles: NodeRoles::ALL,
        }
    }
}

#[derive(Default)]
pub(super) struct Seen(
    pub(super) Mutex<Vec<(String, u16)>>,
    pub(super) Mutex<Vec<Code>>,
);

struct Now;

pub(super) fn user(id: &str) -> UserId {
    UserId::new(id).unwrap()
}

fn picture_options(set: &[(&str, &str)]) -> Pictures {
    let variable = |(name, value): &(&str, &str)| {
        let name = format!("MADANG_PICTURES__{}", name.to_uppercase());
        (name, (*value).to_owned())
    };
    let variables: Vec<_> = set.iter().map(variable).collect();
    config::assemble(None, &variables, &[])
        .unwrap()
        .config
        .pictures
}

fn community() -> CommunityOptions {
    CommunityOptions {
        time_zone: TimeZone::fixed(jiff::tz::offset(9)),
    }
}

fn contract_options(are_served: bool) -> ContractOptions {
    ContractOptions {
        support_desk: are_served.then(support_desk),
        community: are_served.then(community),
        direct_websocket: true,
        direct_rest: true,
    }
}

pub(super) fn engine_options() -> EngineOptions {
    EngineOptions::new(CommitLimits {
        batch_drafts_max: 64,
        batch_bytes_max: 1 << 20,
        queue_drafts_max: 64,
    })
}

/// A node on a store, which others may have, too.
pub(super) fn engine(
    store: &Arc<SqliteStore>,
    network: &LocalNetwork,
    options: EngineOptions,
) -> Arc<Engine> {
    let ports = Ports {
        store: Arc::clone(store) as Arc<dyn Store>,
        bus: network.join(),
        presence: LocalCluster::default().join(),
        clock: Arc::new(Now),
        telemetry: Arc::new(NoTelemetry),
    };
    Engine::start(ports, options)
}

fn support_desk() -> SupportDeskOptions {
    SupportDeskOptions {
        agent_name: Arc::from("상담원"),
        time_zone: TimeZone::fixed(jiff::tz::offset(9)),
    }
}

fn gateway(engine: &Arc<Engine>) -> Gateway {
    let metrics = Arc::new(Metrics::new(Now.now()));
    let options = GatewayOptions {
        limits: SessionLimits::default(),
        topics: TopicRights {
            publish: HashSet::from([PUBLISHING_ROLE]),
            subscribe: HashSet::from([PUBLISHING_ROLE]),
        },
        topic_prefixes: TopicPrefixes::default(),
        application_prefix: String::new(),
        support_desk: Some(Arc::new(support_desk())),
        community: Some(Arc::new(community())),
        flushers: 1,
    };
    Gateway::start(Arc::clone(engine), Arc::new(PlainTokens), metrics, options)
}

fn guests(is_open: bool, per_address_max: u32) -> GuestOptions {
    let mut config = assemble(None, &[], &[]).unwrap().config;
    config.auth.guests = is_open;
    config.auth.guests_per_address_max = per_address_max;
    GuestOptions::of(&config, Arc::new(PlainTokens))
}

impl ObserveRequests for Seen {
    fn answered(&self, method: &Method, route: &str, status: u16, _: Duration) {
        let mut seen = self.0.lock().unwrap();
        seen.push((format!("{method} {route}"), status));
    }

    fn refused(&self, code: Code) {
        self.1.lock().unwrap().push(code);
    }
}

impl Clock for Now {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(jiff::Timestamp::now().as_microsecond())
    }
}

impl Server {
    pub(super) fn start() -> Self {
        Self::start_with(true, true)
    }

    pub(super) fn start_with(contracts: bool, demo: bool) -> Self {
        Self::build(Setup {
            contracts,
            demo,
            ..Setup::default()
        })
    }

    pub(super) fn with_guests(is_open: bool, per_address_max: u32) -> Self {
        Self::build(Setup {
            guests: guests(is_open, per_address_max),
            ..Setup::default()
        })
    }

    pub(super) fn with_origins(origins: &[&str]) -> Self {
        Self::build(Setup {
            origins,
            ..Setup::default()
        })
    }

    /// Where one person brings so many people into rooms in a day.
    pub(super) fn with_added_max(added_per_user_per_day_max: u64) -> Self {
        Self::build(Setup {
            added_per_user_per_day_max,
            ..Setup::default()
        })
    }

    /// Without the demo, which needs all of them.
    pub(super) fn with_roles(roles: NodeRoles) -> Self {
        Self::build(Setup {
            roles,
            demo: false,
            ..Setup::default()
        })
    }

    /// With options of the section `[pictures]`, as the environment sets them.
    pub(super) fn with_pictures(options: &[(&str, &str)]) -> Self {
        Self::build(Setup {
            pictures: options,
            ..Setup::default()
        })
    }

    fn build(setup: Setup<'_>) -> Self {
        let Setup {
            contracts,
            demo,
            origins,
            pictures,
            guests,
            added_per_user_per_day_max,
            roles,
        } = setup;
        let directory = tempfile::tempdir().unwrap();
        let pictures = PictureStore::open(&picture_options(pictures), directory.path()).unwrap();
        let options = SqliteOptions {
            synchronous: Synchronous::Normal,
            ..SqliteOptions::default()
        };
        let store = SqliteStore::open(&directory.path().join("madang.db"), &options).unwrap();
        let store = Arc::new(store);
        let network = LocalNetwork::default();
        let options = EngineOptions {
            added_per_user_per_day_max,
            ..engine_options()
        };
        let engine = engine(&store, &network, options);
        let pictures = Arc::new(pictures);
        tokio::spawn(remove_released(
            Arc::clone(&pictures),
            engine.subscribe_released_pictures(),
        ));
        let gateway = gateway(&engine);
        let ready = Arc::new(AtomicBool::new(true));
        let seen = Arc::new(Seen::default());
        let state = Arc::new(HttpState {
            engine: Arc::clone(&engine),
            identify: Arc::new(PlainTokens),
            roles,
            events: Some(Arc::new(gateway.clone())),
            query_token: false,
            contracts: contract_options(contracts),
            topics: TopicOptions {
                publish: HashSet::from([PUBLISHING_ROLE]),
                body_bytes_max: TOPIC_BODY_BYTES_MAX,
                ..TopicOptions::default()
            },
            pictures,
            guests,
            demo: demo.then(|| DemoOptions {
                tokens: Arc::new(PlainTokens),
                websocket_path: Arc::from("/ws"),
            }),
            origins: AllowedOrigins::new(origins.iter().map(ToString::to_string).collect()),
            ready: Arc::clone(&ready),
            metrics: Arc::new(|| "# EOF\n".to_owned()),
            observer: Arc::clone(&seen) as Arc<dyn ObserveRequests>,
        });
        Self {
            router: routed(Arc::clone(&state)),
            state,
            engine,
            gateway,
            store,
            network,
            ready,
            seen,
            directory,
        }
    }

    /// Where everything is kept.
    pub(super) fn directory(&self) -> &Path {
        self.directory.path()
    }

    pub(super) fn state(&self) -> Arc<HttpState> {
        Arc::clone(&self.state)
    }

    pub(super) async fn ask(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let is_endless = parts
            .headers
            .get(header::CONTENT_TYPE)
            .is_some_and(|media_type| media_type == "text/event-stream");
        let body = if is_endless { Body::empty() } else { body };
        Answer {
            status: parts.status.as_u16(),
            headers: parts.headers,
            body: to_bytes(body, usize::MAX).await.unwrap().to_vec(),
        }
    }

    pub(super) async fn call(&self, token: &str, method: &str, path: &str) -> Answer {
        self.ask(request(token, method, path).body(Body::empty()).unwrap())
            .await
    }

    pub(super) async fn post(&self, token: &str, path: &str, body: &str) -> Answer {
        self.say(token, ("POST", path), body).await
    }

    /// Asks with a JSON body.
    pub(super) async fn say(
        &self,
        token: &str,
        (method, path): (&str, &str),
        body: impl ToString,
    ) -> Answer {
        let request = request(token, method, path)
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(body.to_string()));
        self.ask(request.unwrap()).await
    }

    /// Reads, and expects to be let.
    #[track_caller]
    pub(super) fn read<'a>(
        &'a self,
        token: &'a str,
        path: &'a str,
    ) -> impl Future<Output = Value> + 'a {
        let caller = std::panic::Location::caller();
        async move {
            let answer = self.call(token, "GET", path).await;
            let text = String::from_utf8_lossy(&answer.body);
            assert_eq!(answer.status, 200, "{caller}: {path}: {text}");
            answer.json()
        }
    }

    /// A room that its owner made, whose owner is also the one who asks.
    pub(super) async fn make_room(&self, token: &str, body: Value) -> String {
        let made = self.say(token, ("POST", "/api/v1/rooms"), body).await;
        made.is(StatusCode::CREATED).json()["id"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    pub(super) async fn open(&self, token: &str) -> RoomId {
        let customer = caller(token);
        let at = Timestamp::from_micros(1_696_436_490_123_456);
        let room = RoomId::new(customer.user.as_str()).unwrap();
        let open = OpenSupport { customer, at };
        self.commit(Command::OpenSupport(Box::new(open))).await;
        room
    }

    /// Past the engine, at a moment of the test's choice.
    pub(super) async fn commit(&self, command: Command) -> Committed {
        let mut outcomes = self.store.commit(vec![command]).await.unwrap();
        outcomes.remove(0).unwrap()
    }

    async fn act(&self, room: &RoomId, user: &str, action: RoomAction) {
        let agent = Caller::new(UserId::new(user).unwrap(), Role::Agent);
        let command = RoomCommand {
            room: room.clone(),
            actor: Actor::from(&agent),
            action,
            at: Timestamp::from_micros(1_696_436_490_123_457),
        };
        self.commit(Command::Room(Box::new(command))).await;
    }

    pub(super) async fn send(&self, token: &str, room: &RoomId, text: &str) {
        let sender = caller(token);
        let content = Content::Message(MessageBody::new(text, None).unwrap());
        let sent = self
            .engine
            .send_message(&sender, room.clone(), content, None);
        sent.await.unwrap();
    }

    /// Whoever it is comes as an agent, so that a room can be given to anybody.
    pub(super) async fn assign(&self, room: &RoomId, user: &str) {
        self.act(room, user, RoomAction::Claim).await;
    }

    pub(super) async fn release(&self, room: &RoomId, user: &str) {
        self.act(room, user, RoomAction::Release).await;
    }

    pub(super) async fn complete(&self, room: &RoomId) {
        self.assign(room, "somebody").await;
        self.act(room, "somebody", RoomAction::Complete).await;
    }
}

/// A request from another machine; without a token when `token` is empty.
pub(super) fn request(token: &str, method: &str, path: &str) -> axum::http::request::Builder {
    let peer = SocketAddr::from((Ipv4Addr::new(192, 0, 2, 7), 40_000));
    let request = Request::builder()
        .method(method)
        .uri(path)
        .extension(Peer(peer));
    if token.is_empty() {
        return request;
    }
    request.header(header::AUTHORIZATION, format!("Bearer {token}"))
}

/// A request from a browser on this machine.
pub(super) fn local_request(method: &str, path: &str) -> axum::http::request::Builder {
    let peer = SocketAddr::from((Ipv4Addr::LOCALHOST, 40_000));
    Request::builder()
        .method(method)
        .uri(path)
        .header(header::HOST, "localhost:8080")
        .extension(Peer(peer))
}
