//! Live connections: a session is one task, one bounded outbox, one protocol state machine.
//!
//! [`upgrade`] checks a WebSocket handshake and takes the socket back from the HTTP stack; [`tcp`]
//! serves bare TCP; [`session`] is what lives on a connection; [`flusher`] writes what the hub put into outboxes; [`timers`]
//! beats and times out. Nothing here knows SQL or decides who may do what: sessions ask the
//! engine.

pub mod doors;
mod drain;
mod events;
mod flusher;
mod framing;
mod headers;
mod registry;
pub mod routes;
pub mod session;
pub mod sockjs;
pub(crate) mod stream;
pub(crate) mod takeover;
pub mod tcp;
mod throttle;
mod timers;
mod upgrade;
mod users;

use std::collections::HashSet;
use std::hash::RandomState;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use madang_domain::{Caller, Code, Error, Role, Timestamp, UserId};
use madang_engine::Engine;
use madang_wire::stomp::{self, HeartBeat};
use madang_wire::websocket;

pub use drain::DrainWindow;
use flusher::Flushers;
use registry::Registry;
use sockjs::Cluster;
use throttle::Rate;
use timers::Timers;
pub use users::UserLimits;
use users::Users;

use session::TokenProof;
use session::stomp::destination::DestinationMap;

use crate::auth::TokenCheck;
use crate::contracts::community::CommunityOptions;
use crate::contracts::support_desk::SupportDeskOptions;
use crate::contracts::topics::TopicPrefixes;
use crate::telemetry::metrics::Metrics;

/// Proves who a connecting peer is.
pub trait Identity: Send + Sync {
    /// The caller whose token this is: bare, or as `Authorization` and cookies carry it. Seldom, the
    /// answer has to wait for a key.
    ///
    /// # Errors
    /// `TokenInvalid`, `TokenExpired`, `TokenRevoked`: the peer's fault. `Unavailable`: retryable.
    fn token(&self, token: &str) -> TokenCheck;

    /// The service account with this login.
    ///
    /// # Errors
    /// `CredentialsInvalid`: the peer's fault; which of both is wrong is not told.
    fn account<'a>(
        &'a self,
        login: &'a str,
        passcode: &'a str,
    ) -> madang_domain::ports::BoxFuture<'a, Result<Caller, Error>>;

    /// Whether a token of `user` that was issued then has not been revoked since it was checked.
    fn still_counts(&self, user: &UserId, issued_at: Option<Timestamp>) -> bool;
}

/// The bounds of a session. Each has a stated outcome when it is reached.
#[derive(Debug, Clone)]
pub struct SessionLimits {
    /// Of STOMP frames; a larger one is answered with ERROR and close.
    pub stomp: stomp::Limits,
    /// Of WebSocket messages; a larger one closes with 1009.
    pub websocket: websocket::Limits,
    /// What the server offers in CONNECTED.
    pub heart_beat: HeartBeat,
    /// From the handshake to CONNECT; then ERROR and close.
    pub connect_timeout: Duration,
    /// Subscriptions of one session; one more is answered with ERROR and close.
    pub subscriptions_max: usize,
    /// Open transactions of one session; one more is answered with ERROR and close.
    pub transactions_max: usize,
    /// Frames in all open transactions of one session; one more is answered with ERROR and close.
    pub transaction_frames_max: usize,
    /// Frames whose answer waits for the store; beyond it the session stops reading.
    pub unanswered_max: usize,
    /// Bytes that wait to be written; beyond it room subscriptions read the log instead, and the
    /// session stops reading from its peer.
    pub queue_bytes_max: usize,
    /// Rooms that one session shows of its user; one more ends it with `TOO_MANY`.
    pub rooms_max: usize,
    /// The same of an event stream, which names all of them in each event.
    pub stream_rooms_max: usize,
    /// Bytes that wait to be written; beyond it a topic's event ends the session.
    pub topic_queue_bytes_max: usize,
    /// Frames that a client may send in one second, and as many at once; beyond it the session
    /// pauses reading. 0 for no bound.
    pub frames_per_second_max: u64,
    /// Bytes, in the same way.
    pub bytes_per_second_max: u64,
    /// Sessions of one user; one more is answered with an error and close.
    pub user: UserLimits,
}

impl Default for SessionLimits {
    /// What a server without a configuration has.
    fn default() -> Self {
        Self {
            stomp: stomp::Limits::default(),
            websocket: websocket::Limits {
                message_bytes_max: 1024 * 1024,
            },
            heart_beat: HeartBeat {
                send_ms: 10_000,
                want_ms: 10_000,
            },
            connect_timeout: Duration::from_secs(10),
            subscriptions_max: 1_024,
            transactions_max: 16,
            transaction_frames_max: 1_024,
            unanswered_max: 4_096,
            queue_bytes_max: 1024 * 1024,
            rooms_max: 1_024,
            stream_rooms_max: 256,
            topic_queue_bytes_max: 4 * 1024 * 1024,
            frames_per_second_max: 0,
            bytes_per_second_max: 0,
            user: UserLimits {
                sessions_max: 0,
                sockjs_sessions_max: 0,
            },
        }
    }
}

/// Which roles may publish to and subscribe to application topics.
#[derive(Debug, Clone)]
pub struct TopicRights {
    /// May SEND to `/topic/**` and `/queue/**`.
    pub publish: HashSet<Role>,
    /// May SUBSCRIBE to them.
    pub subscribe: HashSet<Role>,
}

/// How the gateway is set up.
#[derive(Debug, Clone)]
pub struct GatewayOptions {
    /// The bounds of each session.
    pub limits: SessionLimits,
    /// Who may use application topics.
    pub topics: TopicRights,
    /// Which destinations are application topics.
    pub topic_prefixes: TopicPrefixes,
    /// Native rooms are served behind it, too; empty for none.
    pub application_prefix: String,
    /// Contract 1; `None` when it is switched off.
    pub support_desk: Option<Arc<SupportDeskOptions>>,
    /// Contract 2; `None` when it is switched off.
    pub community: Option<Arc<CommunityOptions>>,
    /// How many tasks write outboxes: as many as the runtime has workers.
    pub flushers: usize,
}

/// The doors of live connections. Cheap to clone.
#[derive(Clone)]
pub struct Gateway {
    shared: Arc<Shared>,
    chat: Arc<Chat>,
}

/// What all sessions of the node share, whatever is said on them.
pub(crate) struct Shared {
    limits: SessionLimits,
    frame_rate: Rate,
    byte_rate: Rate,
    users: Arc<Users>,
    flushers: Flushers,
    timers: Timers,
    registry: Registry,
    metrics: Arc<Metrics>,
    next_session: AtomicU64,
    started: Instant,
    /// [`Shared::now_ms`] at the last tick of the timers.
    coarse_now: AtomicU64,
    run_id: u64,
    /// The other nodes, where SockJS is served to clients that may come to any of them.
    cluster: OnceLock<Arc<Cluster>>,
}

/// What the protocols that chat work with.
pub(crate) struct Chat {
    shared: Arc<Shared>,
    engine: Arc<Engine>,
    identity: Arc<dyn Identity>,
    topics: TopicRights,
    destinations: DestinationMap,
    support_desk: Option<Arc<SupportDeskOptions>>,
    community: Option<Arc<CommunityOptions>>,
    /// Recognises a token that is repeated without keeping it.
    token_hasher: RandomState,
}

impl Gateway {
    /// Starts the tasks that all sessions share, on the current tokio runtime. They end with the
    /// last clone and the last session.
    #[must_use]
    pub fn start(
        engine: Arc<Engine>,
        identity: Arc<dyn Identity>,
        metrics: Arc<Metrics>,
        options: GatewayOptions,
    ) -> Self {
        let shared = Shared::start(metrics, options.limits, options.flushers);
        let chat = Arc::new(Chat {
            shared: Arc::clone(&shared),
            engine,
            identity,
            topics: options.topics,
            destinations: DestinationMap {
                topics: options.topic_prefixes,
                application_prefix: options.application_prefix,
                support_desk: options.support_desk.is_some(),
                community: options.community.is_some(),
            },
            support_desk: options.support_desk,
            community: options.community,
            token_hasher: RandomState::new(),
        });
        Self { shared, chat }
    }
}

impl Gateway {
    /// Ends all sessions of `user` on this node that were opened with a token: those were revoked.
    /// Costs a look at each session of the node.
    pub fn end_sessions_of(&self, user: &UserId) {
        self.end_sessions(|proof| proof.user == *user);
    }

    /// Ends every session on this node whose token counts no more. Costs the same.
    pub fn end_revoked_sessions(&self) {
        let identity = &self.chat.identity;
        self.end_sessions(|proof| !identity.still_counts(&proof.user, proof.issued_at));
    }

    fn end_sessions(&self, is_revoked: impl Fn(&TokenProof) -> bool) {
        let sessions = self.shared.registry.all();
        for session in sessions {
            if session.proof().is_some_and(&is_revoked) {
                session.end(Code::TokenRevoked.into());
            }
        }
    }
}

impl Shared {
    fn start(metrics: Arc<Metrics>, limits: SessionLimits, flushers: usize) -> Arc<Self> {
        let shared = Arc::new(Self {
            frame_rate: Rate::per_second(limits.frames_per_second_max),
            byte_rate: Rate::per_second(limits.bytes_per_second_max),
            users: Users::new(limits.user),
            limits,
            flushers: Flushers::start(flushers, &metrics),
            timers: Timers::new(),
            registry: Registry::default(),
            metrics,
            next_session: AtomicU64::new(1),
            started: Instant::now(),
            coarse_now: AtomicU64::new(0),
            run_id: rand::random(),
            cluster: OnceLock::new(),
        });
        timers::start(&shared);
        shared
    }

    /// Milliseconds since the gateway started: what sessions stamp reads and writes with.
    fn now_ms(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// The same in nanoseconds.
    fn now_ns(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    /// The same as of the last tick of the timers: good enough for what is counted in seconds, and
    /// free.
    fn coarse_now_ms(&self) -> u64 {
        self.coarse_now.load(Ordering::Relaxed)
    }

    fn next_session_id(&self) -> u64 {
        self.next_session.fetch_add(1, Ordering::Relaxed)
    }
}
