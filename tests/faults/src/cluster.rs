//! The nodes, their bus and their database, and what goes wrong among them.

use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use madang_e2e::server::TestServer;
use madang_loadgen::identity;
use madang_test_servers::mariadb::MariaDbServer;
use madang_test_servers::nats::NatsServer;
use madang_test_servers::ports::free_port;
use madang_test_servers::postgres::PostgresServer;
use madang_test_servers::proxy::Proxy;
use madang_test_servers::redis::RedisServer;
use madang_test_servers::{PATIENCE, Revivable};
use serde_json::Value;
use tokio::task::block_in_place;
use tokio::time::{sleep, timeout};

use crate::clients::Rest;
use crate::plan::{DELAY, Fault, Link, Part};
use crate::spec::{BusKind, Combination, StoreKind};

/// What all nodes check tokens with.
const KEY: &str = "a secret of tests that is at least as long as the hash";

/// How often the server says that it is alive, in milliseconds: readers notice a node that hangs.
const BEAT_MS: u32 = 500;

/// What a node that is told to end gives its clients to go elsewhere, in seconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Drain {
    /// Served as before.
    delay: u32,
    /// Sessions are ended.
    seconds: u32,
}

impl Drain {
    pub(crate) const SHORT: Self = Self {
        delay: 0,
        seconds: 2,
    };
    /// What nodes do that are not told otherwise.
    pub(crate) const USUAL: Self = Self {
        delay: 2,
        seconds: 10,
    };
}

/// A cluster that serves. Ends when dropped.
#[derive(Debug)]
pub(crate) struct Cluster {
    nodes: Vec<Node>,
    /// A balancer over the nodes.
    clients: Proxy,
    bus: Option<Mutex<Bus>>,
    store: Option<Mutex<Store>>,
}

#[derive(Debug)]
struct Node {
    server: Mutex<TestServer>,
    address: SocketAddr,
    bus: Option<Proxy>,
    store: Option<Proxy>,
}

#[derive(Debug)]
enum Bus {
    Redis(RedisServer),
    Nats(NatsServer),
}

#[derive(Debug)]
enum Store {
    Postgres(PostgresServer),
    MariaDb(MariaDbServer),
}

impl Bus {
    fn start(kind: BusKind) -> Option<Self> {
        match kind {
            BusKind::Local => None,
            BusKind::Redis => Some(Self::Redis(RedisServer::start())),
            BusKind::Nats => Some(Self::Nats(NatsServer::start())),
        }
    }

    const fn port(&self) -> u16 {
        match self {
            Self::Redis(server) => server.port(),
            Self::Nats(server) => server.port(),
        }
    }

    fn url_through(&self, port: u16) -> String {
        let scheme = match self {
            Self::Redis(_) => "redis",
            Self::Nats(_) => "nats",
        };
        format!("{scheme}://127.0.0.1:{port}")
    }

    fn process(&mut self) -> &mut Revivable {
        match self {
            Self::Redis(server) => server,
            Self::Nats(server) => server,
        }
    }
}

impl Store {
    fn start(kind: StoreKind) -> Option<Self> {
        match kind {
            StoreKind::Sqlite => None,
            StoreKind::Postgres => Some(Self::Postgres(PostgresServer::start())),
            StoreKind::Mysql => Some(Self::MariaDb(MariaDbServer::start())),
        }
    }

    const fn port(&self) -> u16 {
        match self {
            Self::Postgres(server) => server.port(),
            Self::MariaDb(server) => server.port(),
        }
    }

    /// Of the database that is empty at first.
    fn url_through(&self, port: u16) -> String {
        match self {
            Self::Postgres(server) => server.url_through(port, "madang"),
            Self::MariaDb(server) => server.url_through(port, "madang"),
        }
    }

    fn process(&mut self) -> &mut Revivable {
        match self {
            Self::Postgres(server) => server,
            Self::MariaDb(server) => server,
        }
    }
}

impl Cluster {
    /// Starts everything, and waits until each node listens.
    pub(crate) fn start(combination: Combination, drain: Drain) -> Self {
        let bus = Bus::start(combination.bus);
        let store = Store::start(combination.store);
        let nodes: Vec<Node> = (0..combination.nodes())
            .map(|_| Node::start(bus.as_ref(), store.as_ref(), drain))
            .collect();
        Self {
            clients: Proxy::over(nodes.iter().map(|node| node.address).collect()),
            nodes,
            bus: bus.map(Mutex::new),
            store: store.map(Mutex::new),
        }
    }

    /// Where clients connect: to each node in turn, but for those that refuse.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.clients.address()
    }

    /// Where each node itself listens.
    pub(crate) fn node_addresses(&self) -> Vec<SocketAddr> {
        self.nodes.iter().map(|node| node.address).collect()
    }

    /// Makes it happen, and makes it good again after that time.
    ///
    /// # Errors
    /// What does not work again.
    pub(crate) async fn suffer(&self, fault: Fault, lasts: Duration) -> Result<(), String> {
        self.begin(fault);
        // How long it lasts is the plan's: nothing waits for anything here.
        sleep(lasts).await;
        self.end(fault)
    }

    /// Waits until a node says that it is ready.
    ///
    /// # Errors
    /// It does not in time.
    pub(crate) async fn ready(&self, node: usize) -> Result<(), String> {
        let asking = Rest {
            address: self.nodes[node].address,
            token: token("nobody", "ROLE_USER"),
        };
        let ready = timeout(PATIENCE, asking.insist("GET", "/readyz", &Value::Null)).await;
        let ready = ready.map_err(|_| format!("node {} does not get ready", node + 1))?;
        ready.map(drop)
    }

    fn begin(&self, fault: Fault) {
        match fault {
            Fault::Kill(Part::Node(node)) => block_in_place(|| self.nodes[node].server().kill9()),
            Fault::Drain(node) => self.nodes[node].server().terminate(),
            Fault::Freeze(Part::Node(node)) => self.nodes[node].server().freeze(),
            Fault::Kill(part) => self.with_server(part, Revivable::kill),
            Fault::Freeze(part) => self.with_server(part, |server| server.freeze()),
            Fault::Cut(node, link) => self.link(node, link).refuse(),
            Fault::Stall(node, link) => self.link(node, link).stall(),
            Fault::Delay(node, link) => self.link(node, link).delay(DELAY),
            Fault::CutClients => self.clients.cut(),
        }
    }

    fn end(&self, fault: Fault) -> Result<(), String> {
        match fault {
            Fault::Kill(Part::Node(node)) => return block_in_place(|| self.nodes[node].revive()),
            Fault::Drain(node) => return block_in_place(|| self.nodes[node].replace()),
            Fault::Freeze(Part::Node(node)) => self.nodes[node].server().thaw(),
            Fault::Kill(part) => self.with_server(part, Revivable::restart),
            Fault::Freeze(part) => self.with_server(part, |server| server.thaw()),
            Fault::Cut(node, link) | Fault::Stall(node, link) | Fault::Delay(node, link) => {
                self.link(node, link).heal();
            }
            Fault::CutClients => {}
        }
        Ok(())
    }

    fn with_server(&self, part: Part, act: impl FnOnce(&mut Revivable)) {
        block_in_place(|| match part {
            Part::Bus => act(locked(self.bus.as_ref().expect("there is one")).process()),
            Part::Store => act(locked(self.store.as_ref().expect("there is one")).process()),
            Part::Node(_) => unreachable!("nodes are no servers of others"),
        });
    }

    fn link(&self, node: usize, link: Link) -> &Proxy {
        let node = &self.nodes[node];
        let proxy = match link {
            Link::Bus => &node.bus,
            Link::Store => &node.store,
        };
        proxy.as_ref().expect("plans have what there is")
    }

    /// What each node logged lately.
    pub(crate) fn logs(&self) -> Vec<Vec<String>> {
        let nodes = self.nodes.iter();
        nodes.map(|node| node.server().log_lines()).collect()
    }
}

impl Node {
    fn start(bus: Option<&Bus>, store: Option<&Store>, drain: Drain) -> Self {
        let in_front = |port| Proxy::to(SocketAddr::from(([127, 0, 0, 1], port)));
        let mut builder = TestServer::builder()
            .port(free_port())
            .env("MADANG_AUTH__JWT_KEY", KEY)
            .env("MADANG_STOMP__HEART_BEAT_SEND_MS", BEAT_MS)
            .env("MADANG_SERVER__DRAIN_DELAY_SECONDS", drain.delay)
            .env("MADANG_SERVER__DRAIN_SECONDS", drain.seconds);
        let bus_proxy = bus.map(|bus| in_front(bus.port()));
        let store_proxy = store.map(|store| in_front(store.port()));
        if let (Some(bus), Some(proxy)) = (bus, &bus_proxy) {
            builder = builder.flag("--bus", bus.url_through(proxy.address().port()));
        }
        if let (Some(store), Some(proxy)) = (store, &store_proxy) {
            builder = builder.flag("--store", store.url_through(proxy.address().port()));
        }
        let server = builder.start();
        Self {
            address: server.address(),
            server: Mutex::new(server),
            bus: bus_proxy,
            store: store_proxy,
        }
    }

    fn server(&self) -> MutexGuard<'_, TestServer> {
        locked(&self.server)
    }

    /// Once it has ended.
    fn replace(&self) -> Result<(), String> {
        let status = self.server().wait_exit();
        if !status.success() {
            return Err(format!("a node that was drained ended with {status}"));
        }
        self.revive()
    }

    /// As a service manager does: again and again, while what the node needs is away.
    fn revive(&self) -> Result<(), String> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.server().try_restart() {
                Ok(()) => return Ok(()),
                Err(said) if Instant::now() > deadline => return Err(said),
                Err(_) => {}
            }
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A token that every node takes.
pub(crate) fn token(user: &str, authorities: &str) -> String {
    identity::mint_with(KEY.as_bytes(), 0, user, authorities)
}
