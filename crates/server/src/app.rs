//! The only place where adapters are chosen and wired.

mod announce;
mod options;
mod store;

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use madang_bus as bus;
use madang_domain::Timestamp;
use madang_domain::ports::{Clock, Store, StoreError};
use madang_engine::{Engine, Ports};
use madang_presence as presence;
use rustls::ServerConfig;
use thiserror::Error;
use tokio::net::{TcpListener, TcpSocket};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use crate::auth::{AuthError, Authenticator};
use crate::config::Config;
use crate::gateway::doors::DoorOptions;
use crate::gateway::{self, DrainWindow, Gateway};
use crate::http::{
    self, AllowedOrigins, ContractOptions, DemoOptions, GuestOptions, HttpState, TopicOptions,
};
use crate::identity::Identity;
use crate::listener::{self, Gate};
use crate::pictures::{self, PictureStore, PicturesError};
use crate::revoked;
use crate::roles::NodeRole;
use crate::telemetry::engine::EngineTelemetry;
use crate::telemetry::metrics::Metrics;
use crate::tls::{self, Tls, TlsError};

/// Connections that wait to be accepted; the system's own bound (`somaxconn`) may be lower.
const BACKLOG: u32 = 4_096;

/// How long what waits for the store may take once nobody is served any more.
const SHUT_DOWN_WITHIN: Duration = Duration::from_secs(10);

pub use store::{migrate, restored};

/// Why the server cannot run. The operator's to mend; nothing was served.
#[derive(Debug, Error)]
pub enum ServeError {
    /// The data directory cannot be made or entered.
    #[error("the data directory {path} cannot be used: {source}")]
    Data {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The database cannot be opened, belongs to a running server, or is newer than this build.
    #[error("the database cannot be used: {0}")]
    Store(#[from] StoreError),
    /// A key or an account file cannot be used.
    #[error(transparent)]
    Auth(#[from] AuthError),
    /// The certificate or its key cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// Pictures cannot be kept.
    #[error(transparent)]
    Pictures(#[from] PicturesError),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// Which.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// What `bus.url` says is no bus.
    #[error("bus.url: {0}")]
    Bus(#[from] bus::UrlError),
    /// What `presence.url` says is no place for it.
    #[error("presence.url: {0}")]
    Presence(#[from] presence::UrlError),
    /// Signals cannot be received.
    #[error("signals cannot be received: {0}")]
    Signals(io::Error),
}

/// Runs the server until SIGTERM or SIGINT, drains it, and returns. Told a second time, it returns
/// without waiting for anybody.
///
/// # Errors
/// [`ServeError`]: it could not start.
pub async fn serve(config: Config) -> Result<(), ServeError> {
    let signals = Signals::new().map_err(ServeError::Signals)?;
    let room = listener::raise_open_files();
    let tls = Tls::from_config(&config)?.map(Arc::new);
    make_directory(&config.server.data)?;
    let store = store::open(&config)?;
    let authenticator = Authenticator::from_config(&config)?;
    authenticator.start();
    let pictures = Arc::new(PictureStore::open(&config.pictures, &config.server.data)?);
    let listeners = Listeners::bind(&config).await?;

    let metrics = Arc::new(Metrics::new(SystemClock.now()));
    let gate = Gate::new(options::gate(&config, room), Arc::clone(&metrics));
    let keys = Keys::of(tls.as_ref(), &metrics)?;
    let ports = ports(&config, store, &metrics)?;
    let engine = Engine::start(ports, options::engine(&config));
    let identity = Arc::new(Identity::new(authenticator.clone()));
    let gateway = config.node.roles.have(NodeRole::Gateway).then(|| {
        let identity = Arc::clone(&identity) as _;
        let options = options::gateway(&config);
        Gateway::start(Arc::clone(&engine), identity, Arc::clone(&metrics), options)
    });
    let ready = Arc::new(AtomicBool::new(true));
    revoked::heed(&engine, authenticator.clone(), gateway.clone()).await;
    let unused = config.node.roles.have(NodeRole::Api);
    let unused = unused.then(|| UnusedPictures::of(&pictures, &engine));
    let state = http_state(
        &config,
        &engine,
        gateway.as_ref(),
        identity,
        &pictures,
        &metrics,
        &ready,
    );
    let doors = gateway
        .as_ref()
        .map(|gateway| gateway_routes(gateway, authenticator, state.origins.clone(), &config));
    let router = http::router(state).merge(doors.unwrap_or_default());
    let tcp = listeners.tcp.as_ref().map(|tcp| tcp.address);
    announce::announce(&config, listeners.http.address, tcp);
    let node = Node {
        engine,
        gateway,
        unused,
        gate,
        keys,
        router,
        ready,
    };
    node.run(listeners, signals, options::drain(&config)).await;
    Ok(())
}

/// What runs until it is told to stop.
struct Node {
    engine: Arc<Engine>,
    /// On a node that has sessions.
    gateway: Option<Gateway>,
    /// On a node that has the jobs.
    unused: Option<UnusedPictures>,
    gate: Arc<Gate>,
    keys: Keys,
    router: axum::Router,
    ready: Arc<AtomicBool>,
}

impl Node {
    /// Serves until a signal comes, drains, and returns; at once when another one comes.
    async fn run(self, listeners: Listeners, mut signals: Signals, window: DrainWindow) {
        let Self { gateway, gate, .. } = self;
        let (stopping, stopped) = watch::channel(());
        let stop = || {
            let mut stopped = stopped.clone();
            // Never sent: dropped when the node stops.
            async move { drop(stopped.changed().await) }
        };
        let stopper = async {
            signals.received().await;
            self.ready.store(false, Ordering::Release);
            tracing::info!(delay = ?window.delay, "not ready any more");
            tokio::select! {
                () = tokio::time::sleep(window.delay) => drop(stopping),
                () = signals.received() => return,
            }
            signals.received().await;
        };
        let (draining, mut drained) = watch::channel(());
        let drained = async move { drop(drained.changed().await) };
        let http = listener::serve(
            listeners.http.listener,
            Arc::clone(&gate),
            self.keys.http,
            self.router,
            stop(),
            drained,
        );
        let tcp = serve_tcp(
            listeners.tcp,
            gate,
            self.keys.stomp,
            gateway.clone(),
            stop(),
        );
        let drain = async {
            stop().await;
            if let Some(gateway) = &gateway {
                gateway.drain(window).await;
            }
            drop(draining);
        };
        let sweep = async {
            if let Some(unused) = self.unused {
                unused.sweep_until(stop()).await;
            }
        };
        tokio::select! {
            _ = async { tokio::join!(http, tcp, drain, sweep) } => {}
            () = stopper => tracing::warn!("told to stop twice: nobody is waited for"),
        }
        let shut_down = tokio::time::timeout(SHUT_DOWN_WITHIN, self.engine.shut_down());
        match shut_down.await {
            Ok(()) => tracing::info!("stopped"),
            // What was answered is stored; what was not is sent again.
            Err(_) => tracing::warn!("stopped before all that waited was stored"),
        }
    }
}

/// Pictures that no room has: removed when they are told of, and looked for each hour.
struct UnusedPictures {
    pictures: Arc<PictureStore>,
    engine: Arc<Engine>,
}

impl UnusedPictures {
    /// Starts to remove what is told of.
    fn of(pictures: &Arc<PictureStore>, engine: &Arc<Engine>) -> Self {
        let released = engine.subscribe_released_pictures();
        tokio::spawn(pictures::remove_released(Arc::clone(pictures), released));
        Self {
            pictures: Arc::clone(pictures),
            engine: Arc::clone(engine),
        }
    }

    /// The database says which pictures rooms have.
    async fn sweep_until(self, stop: impl Future<Output = ()>) {
        let retire = async |links: &[Arc<str>]| self.engine.retire_uploads(links).await;
        pictures::sweep_until(self.pictures, retire, stop).await;
    }
}

/// The adapters of one node.
fn ports(
    config: &Config,
    store: Arc<dyn Store>,
    metrics: &Arc<Metrics>,
) -> Result<Ports, ServeError> {
    if config.node.roles.missing().is_some() && config.bus.is_local() {
        tracing::warn!(
            "node.roles are not all and bus.url is local: nodes with the other roles hear of messages late, and of topics, typing and presence never"
        );
    }
    store::warn_of_halves(config);
    if config.keeps_presence_to_itself() {
        tracing::warn!(
            "presence.url is local: and bus.url is not: each of several nodes knows its own users only"
        );
    }
    Ok(Ports {
        store,
        bus: bus::open(&config.bus.url, &config.bus.options())?,
        presence: store::open_presence(config)?,
        clock: Arc::new(SystemClock),
        telemetry: Arc::new(EngineTelemetry(Arc::clone(metrics))),
    })
}

/// Where the node listens.
struct Listeners {
    http: Bound,
    /// STOMP over TCP, where it is wanted.
    tcp: Option<Bound>,
}

impl Listeners {
    async fn bind(config: &Config) -> Result<Self, ServeError> {
        let http = Bound::at(config.server.listen).await?;
        let has_sessions = config.node.roles.have(NodeRole::Gateway);
        let tcp = match config.stomp.tcp_listen.filter(|_| has_sessions) {
            Some(address) => Some(Bound::at(address).await?),
            None => None,
        };
        Ok(Self { http, tcp })
    }
}

/// A socket that listens, and where.
struct Bound {
    listener: TcpListener,
    address: SocketAddr,
}

impl Bound {
    async fn at(address: SocketAddr) -> Result<Self, ServeError> {
        let listener = listen(address).map_err(|source| ServeError::Listen { address, source })?;
        let address = listener.local_addr().unwrap_or(address);
        Ok(Self { listener, address })
    }
}

/// As [`TcpListener::bind`], but with room for a crowd that comes back at once: a connection that
/// finds none is tried again by its client's system after a second.
fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv6() {
        TcpSocket::new_v6()?
    } else {
        TcpSocket::new_v4()?
    };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// What the listeners need for TLS; nothing where it is off.
#[derive(Default)]
struct Keys {
    http: Option<Arc<ServerConfig>>,
    stomp: Option<Arc<ServerConfig>>,
}

impl Keys {
    /// Starts the task that keeps the certificate fresh.
    fn of(tls: Option<&Arc<Tls>>, metrics: &Arc<Metrics>) -> Result<Self, ServeError> {
        let Some(tls) = tls else {
            return Ok(Self::default());
        };
        let hangup = signal(SignalKind::hangup()).map_err(ServeError::Signals)?;
        tokio::spawn(tls::keep_fresh(
            Arc::clone(tls),
            hangup,
            Arc::clone(metrics),
        ));
        Ok(Self {
            http: Some(tls.server_config(&tls::ALPN_HTTP)?),
            stomp: Some(tls.server_config(&[])?),
        })
    }
}

/// Serves STOMP over TCP where it is wanted.
async fn serve_tcp(
    bound: Option<Bound>,
    gate: Arc<Gate>,
    tls: Option<Arc<ServerConfig>>,
    gateway: Option<Gateway>,
    stop: impl Future<Output = ()>,
) {
    let (Some(bound), Some(gateway)) = (bound, gateway) else {
        return;
    };
    let serve = move |stream, _| gateway.serve_tcp(stream);
    listener::accept(bound.listener, gate, tls, stop, serve).await;
}

fn http_state(
    config: &Config,
    engine: &Arc<Engine>,
    gateway: Option<&Gateway>,
    identity: Arc<Identity>,
    pictures: &Arc<PictureStore>,
    metrics: &Arc<Metrics>,
    ready: &Arc<AtomicBool>,
) -> HttpState {
    HttpState {
        engine: Arc::clone(engine),
        identify: Arc::clone(&identity) as _,
        roles: config.node.roles,
        events: gateway.map(|gateway| Arc::new(gateway.clone()) as _),
        query_token: config.http.query_token,
        contracts: ContractOptions {
            support_desk: options::support_desk(config),
            community: options::community(config),
            direct_websocket: config.contracts.direct_websocket,
            direct_rest: config.contracts.direct_rest,
        },
        topics: TopicOptions::of(config),
        pictures: Arc::clone(pictures),
        guests: GuestOptions::of(config, Arc::clone(&identity) as _),
        demo: config.serves_demo().then(|| DemoOptions {
            tokens: identity as _,
            websocket_path: Arc::from(gateway::routes::STOMP_PATH),
        }),
        origins: AllowedOrigins::new(config.websocket.allowed_origins.clone()),
        ready: Arc::clone(ready),
        metrics: {
            let metrics = Arc::clone(metrics);
            Arc::new(move || metrics.encode())
        },
        observer: Arc::clone(metrics) as _,
    }
}

struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(jiff::Timestamp::now().as_microsecond())
    }
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn new() -> io::Result<Self> {
        let terminate = signal(SignalKind::terminate())?;
        Ok(Self {
            terminate,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// Waits for the next one. Cancel safe.
    async fn received(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

fn make_directory(path: &Path) -> Result<(), ServeError> {
    use std::os::unix::fs::DirBuilderExt;
    let made = std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path);
    made.map_err(|source| ServeError::Data {
        path: path.to_owned(),
        source,
    })
}

fn gateway_routes(
    gateway: &Gateway,
    authenticator: Authenticator,
    origins: AllowedOrigins,
    config: &Config,
) -> axum::Router {
    let options = DoorOptions {
        query_token: config.websocket.query_token,
        direct_websocket: config.contracts.direct_websocket,
    };
    let stomp = gateway::routes::routes(
        gateway.clone(),
        authenticator.clone(),
        origins.clone(),
        options::sockjs(config),
    );
    let live = gateway::doors::routes(gateway.clone(), authenticator, origins, options);
    stomp.merge(live)
}
