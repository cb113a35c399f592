//! Redis servers: alone, as a cluster, and watched by a sentinel. Debian's `redis-server`.

use std::ops::{Deref, DerefMut};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::PATIENCE;
use crate::ports::free_port;
use crate::running::{Revivable, Running, TRIES};

/// One server that stores nothing. Killed when dropped.
#[derive(Debug)]
pub struct RedisServer {
    server: Revivable,
    port: u16,
}

impl Deref for RedisServer {
    type Target = Revivable;

    fn deref(&self) -> &Revivable {
        &self.server
    }
}

impl DerefMut for RedisServer {
    fn deref_mut(&mut self) -> &mut Revivable {
        &mut self.server
    }
}

impl RedisServer {
    /// Starts it on a free port of the loopback address.
    ///
    /// # Panics
    /// When it does not start: Debian's `redis-server` is missing.
    #[must_use]
    pub fn start() -> Self {
        Self::with_options(&[])
    }

    /// Starts it with more options of its command line.
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    pub fn with_options(options: &[&str]) -> Self {
        let folder = TempDir::new().expect("a temporary folder can be made");
        let options: Vec<String> = options.iter().map(ToString::to_string).collect();
        let (server, port) = Revivable::on_free_port(move |port| launch(port, &options, &folder));
        Self { server, port }
    }

    /// Its port on 127.0.0.1; the same after a restart.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// `redis://…`
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// What `redis-cli` prints for this command.
    ///
    /// # Panics
    /// When the command fails.
    #[must_use]
    pub fn ask(&self, words: &[&str]) -> String {
        cli(self.port, words)
    }
}

/// Three masters that share all slots.
#[derive(Debug)]
pub struct RedisCluster {
    nodes: Vec<RedisServer>,
}

impl RedisCluster {
    /// Starts it.
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    pub fn start() -> Self {
        let options = [
            "--cluster-enabled",
            "yes",
            "--cluster-config-file",
            "nodes.conf",
            "--cluster-node-timeout",
            "2000",
        ];
        let nodes: Vec<_> = (0..3).map(|_| clustered(&options)).collect();
        let addresses: Vec<_> = nodes
            .iter()
            .map(|node| format!("127.0.0.1:{}", node.port))
            .collect();
        let mut command = Command::new("redis-cli");
        command.args(["--cluster", "create"]).args(&addresses);
        let output = command
            .arg("--cluster-yes")
            .output()
            .expect("redis-cli starts");
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{said}");
        for node in &nodes {
            await_answer(node.port, &["CLUSTER", "INFO"], "cluster_state:ok");
        }
        Self { nodes }
    }

    /// `redis+cluster://…` with all nodes.
    #[must_use]
    pub fn url(&self) -> String {
        let nodes: Vec<_> = self
            .nodes
            .iter()
            .map(|node| format!("127.0.0.1:{}", node.port))
            .collect();
        format!("redis+cluster://{}", nodes.join(","))
    }

    /// The servers.
    pub fn nodes(&mut self) -> &mut [RedisServer] {
        &mut self.nodes
    }
}

/// A node of a cluster: its second port, ten thousand above, has to be one.
fn clustered(options: &[&str]) -> RedisServer {
    loop {
        let server = RedisServer::with_options(options);
        if server.port < 55_000 {
            return server;
        }
    }
}

/// A master, its replica, and one sentinel that watches them under the name `madang`.
#[derive(Debug)]
pub struct WatchedRedis {
    /// The master at first.
    pub master: RedisServer,
    /// What takes its place.
    pub replica: RedisServer,
    sentinel: Running,
    sentinel_port: u16,
    _folder: TempDir,
}

impl WatchedRedis {
    /// Starts them.
    ///
    /// # Panics
    /// When one does not start.
    #[must_use]
    pub fn start() -> Self {
        let master = RedisServer::start();
        let port = master.port.to_string();
        let replica = RedisServer::with_options(&["--replicaof", "127.0.0.1", &port]);
        await_answer(
            replica.port,
            &["INFO", "replication"],
            "master_link_status:up",
        );
        let folder = TempDir::new().expect("a temporary folder can be made");
        let mut said = String::new();
        for _ in 0..TRIES {
            let sentinel_port = free_port();
            match watch(&master, sentinel_port, &folder) {
                Ok(sentinel) => {
                    await_answer(
                        sentinel_port,
                        &["SENTINEL", "REPLICAS", "madang"],
                        "127.0.0.1",
                    );
                    return Self {
                        master,
                        replica,
                        sentinel,
                        sentinel_port,
                        _folder: folder,
                    };
                }
                Err(error) => said = error,
            }
        }
        panic!("{said}");
    }

    /// `redis+sentinel://…/madang`
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis+sentinel://127.0.0.1:{}/madang", self.sentinel_port)
    }

    /// SIGKILL to the master, and to the sentinel when the replica has taken its place.
    ///
    /// # Panics
    /// When the replica does not take its place.
    pub fn fail_over(&mut self) {
        self.master.kill();
        await_answer(self.replica.port, &["ROLE"], "master");
        self.sentinel.signal(libc::SIGCONT);
    }
}

fn watch(master: &RedisServer, port: u16, folder: &TempDir) -> Result<Running, String> {
    let file = folder.path().join("sentinel.conf");
    let text = format!(
        "port {port}\nbind 127.0.0.1\nsentinel monitor madang 127.0.0.1 {} 1\n\
         sentinel down-after-milliseconds madang 500\nsentinel failover-timeout madang 3000\n",
        master.port
    );
    std::fs::write(&file, text).expect("the folder can be written");
    let mut command = Command::new("redis-server");
    command
        .arg(&file)
        .arg("--sentinel")
        .current_dir(folder.path());
    Running::start("redis-sentinel", command, |line| line.contains("+monitor"))
}

fn launch(port: u16, options: &[String], folder: &TempDir) -> Result<Running, String> {
    let mut command = Command::new("redis-server");
    command
        .args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
        .args(["--port", &port.to_string(), "--daemonize", "no"])
        .args(options)
        .current_dir(folder.path());
    Running::start("redis-server", command, |line| {
        line.contains("Ready to accept connections")
    })
}

fn cli(port: u16, words: &[&str]) -> String {
    let said = try_cli(port, words);
    said.unwrap_or_else(|error| panic!("redis-cli {words:?}: {error}"))
}

fn try_cli(port: u16, words: &[&str]) -> Result<String, String> {
    let mut command = Command::new("redis-cli");
    command.args(["-p", &port.to_string()]).args(words);
    let output = command.output().expect("redis-cli starts");
    if !output.status.success() {
        return Err(format!("{output:?}"));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Servers of Redis tell their state when asked, and nobody when it changes. A sentinel that makes a replica the master
/// also closes the connections of those who ask it.
fn await_answer(port: u16, words: &[&str], wanted: &str) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let said = try_cli(port, words);
        if said.as_ref().is_ok_and(|said| said.contains(wanted)) {
            return;
        }
        assert!(Instant::now() < deadline, "{words:?}: {said:?}");
        thread::sleep(Duration::from_millis(20));
    }
}
