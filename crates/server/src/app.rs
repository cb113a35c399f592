//! The only place where adapters are chosen and wired.

mod options;

use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use madang_bus as bus;
use madang_domain::Timestamp;
use madang_domain::ports::{Bus, Clock, StoreError};
use madang_engine::{Engine, Ports};
use madang_presence::LocalCluster;
use madang_store::sqlite::{self, SqliteStore};
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
use crate::telemetry::engine::EngineTelemetry;
use crate::telemetry::metrics::Metrics;
use crate::tls::{self, Tls, TlsError};

/// The database inside the data directory.
const DATABASE: &str = "madang.db";

/// Connections that wait to be accepted; the system's own bound (`somaxconn`) may be lower.
const BACKLOG: u32 = 4_096;

/// How long what waits for the store may take once nobody is served any more.
const SHUT_DOWN_WITHIN: Duration = Duration::from_secs(10);

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
    /// It cannot be known whose tokens were revoked.
    #[error("revoked tokens cannot be read: {0}")]
    Revocations(madang_domain::Error),
    /// What `bus.url` says is no bus.
    #[error("bus.url: {0}")]
    Bus(#[from] bus::UrlError),
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
    let store = Arc::new(open_store(&config)?);
    let authenticator = Authenticator::from_config(&config)?;
    authenticator.start();
    let pictures = Arc::new(PictureStore::open(&config.pictures, &config.server.data)?);
    let listeners = Listeners::bind(&config).await?;

    let metrics = Arc::new(Metrics::new(SystemClock.now()));
    let gate = Gate::new(options::gate(&config, room), Arc::clone(&metrics));
    let keys = Keys::of(tls.as_ref(), &metrics)?;
    let bus = bus::open(&config.bus.url, &config.bus.options())?;
    let engine = Engine::start(ports(store, bus, &metrics), options::engine(&config));
    let identity = Arc::new(Identity::new(authenticator.clone()));
    let gateway = Gateway::start(
        Arc::clone(&engine),
        Arc::clone(&identity) as _,
        Arc::clone(&metrics),
        options::gateway(&config),
    );
    let ready = Arc::new(AtomicBool::new(true));
    revoked::heed(&engine, authenticator.clone(), gateway.clone())
        .await
        .map_err(ServeError::Revocations)?;
    tokio::spawn(pictures::remove_released(
        Arc::clone(&pictures),
        engine.subscribe_released_pictures(),
    ));
    let state = http_state(
        &config, &engine, &gateway, identity, &pictures, &metrics, &ready,
    );
    let doors = gateway_routes(&gateway, authenticator, state.origins.clone(), &config);
    let router = http::router(state).merge(doors);
    announce(&config, &listeners);
    let node = Node {
        engine,
        gateway,
        pictures,
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
    gateway: Gateway,
    pictures: Arc<PictureStore>,
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
            gateway.drain(window).await;
            drop(draining);
        };
        let sweep = sweep_pictures(self.pictures, &self.engine, stop());
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

/// The database says which pictures rooms have.
async fn sweep_pictures(
    pictures: Arc<PictureStore>,
    engine: &Engine,
    stop: impl Future<Output = ()>,
) {
    let retire = async |links: &[Arc<str>]| engine.retire_uploads(links).await;
    pictures::sweep_until(pictures, retire, stop).await;
}

/// The adapters of one node.
fn ports(store: Arc<SqliteStore>, bus: Arc<dyn Bus>, metrics: &Arc<Metrics>) -> Ports {
    Ports {
        store,
        bus,
        presence: LocalCluster::default().join(),
        clock: Arc::new(SystemClock),
        telemetry: Arc::new(EngineTelemetry(Arc::clone(metrics))),
    }
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
        let tcp = match config.stomp.tcp_listen {
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
    gateway: Gateway,
    stop: impl Future<Output = ()>,
) {
    let Some(bound) = bound else { return };
    let serve = move |stream, _| gateway.serve_tcp(stream);
    listener::accept(bound.listener, gate, tls, stop, serve).await;
}

fn http_state(
    config: &Config,
    engine: &Arc<Engine>,
    gateway: &Gateway,
    identity: Arc<Identity>,
    pictures: &Arc<PictureStore>,
    metrics: &Arc<Metrics>,
    ready: &Arc<AtomicBool>,
) -> HttpState {
    HttpState {
        engine: Arc::clone(engine),
        identify: Arc::clone(&identity) as _,
        events: Arc::new(gateway.clone()),
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

/// Brings the database of the data directory to this version's schema; says what was done.
///
/// # Errors
/// [`ServeError`]: the database is as it was.
pub fn migrate(data: &Path) -> Result<String, ServeError> {
    make_directory(data)?;
    let applied = sqlite::migrate(&data.join(DATABASE))?;
    let version = sqlite::schema_version();
    let done = applied.len();
    Ok(format!(
        "the schema is at version {version}; {done} migrations were applied"
    ))
}

/// Gives the rooms of a restored database another epoch; says how many.
///
/// # Errors
/// [`ServeError`]: the database is as it was.
pub fn restored(data: &Path) -> Result<String, ServeError> {
    let logs = sqlite::renew_epochs(&data.join(DATABASE))?;
    Ok(format!("{logs} rooms, inboxes and feeds will be read anew"))
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

fn open_store(config: &Config) -> Result<SqliteStore, ServeError> {
    make_directory(&config.server.data)?;
    let options = options::sqlite(config);
    Ok(SqliteStore::open(
        &config.server.data.join(DATABASE),
        &options,
    )?)
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

/// Tells whoever started it that it is ready, and what to do next. The first line is an interface:
/// scripts read the address from it.
fn announce(config: &Config, listeners: &Listeners) {
    let address = listeners.http.address;
    let tcp = listeners.tcp.as_ref().map(|tcp| tcp.address);
    let data = config.server.data.display();
    let (http, websocket) = match config.tls.cert_file {
        Some(_) => ("https", "wss"),
        None => ("http", "ws"),
    };
    let mut text = format!("listening on {http}://{address}\n");
    if config.serves_demo() {
        text.push_str(&format!(
            "\n  Open {http}://{address}/ in two windows and chat: once as customer, once as agent.\n"
        ));
    }
    if config.uses_development_tokens() {
        text.push_str(&format!(
            "  A token for development: madang token --data {data} --user kim@example.com\n"
        ));
    }
    text.push_str(&format!(
        "  STOMP over WebSocket:    {websocket}://{address}/ws   (CONNECT with Authorization: Bearer TOKEN)\n  \
           SockJS:                  {http}://{address}/ws\n  \
           JSON over WebSocket:     {websocket}://{address}/ws/v1\n  \
           Event stream:            {http}://{address}/api/v1/events\n"
    ));
    if let Some(tcp) = tcp {
        text.push_str(&format!("  STOMP over TCP:          {tcp}\n"));
    }
    text.push_str(&format!(
        "  REST:                    {http}://{address}/docs\n"
    ));
    // Nobody reads it: the server runs all the same.
    let mut out = io::stdout().lock();
    drop(out.write_all(text.as_bytes()).and_then(|()| out.flush()));
}
