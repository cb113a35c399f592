//! What sends and deliveries cost on one, two and three nodes of each store and bus: starts them all on this machine,
//! has `madang-bench` measure, and prints a table. See `docs/benchmarks.md`.

#![allow(clippy::print_stdout, reason = "a report is what it is for")]

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{fs, io};

use clap::Parser;
use madang_e2e::server::TestServer;
use madang_test_servers::mariadb::MariaDbServer;
use madang_test_servers::nats::NatsServer;
use madang_test_servers::postgres::PostgresServer;
use madang_test_servers::redis::RedisServer;
use serde_json::Value;

/// What all nodes check tokens with.
const KEY: &str = "a secret of tests that is at least as long as the hash";

#[derive(Debug, Parser)]
#[command(about, long_about = None)]
struct Options {
    /// The program that measures.
    #[arg(long, default_value = "target/release/madang-bench")]
    bench: PathBuf,
    /// Nodes at most.
    #[arg(long, default_value_t = 3)]
    nodes: usize,
    /// Seconds of each measurement.
    #[arg(long, default_value_t = 5)]
    seconds: u32,
    /// Rooms that are sent to, each with a connection of its own.
    #[arg(long, default_value_t = 1000)]
    rooms: usize,
    /// Sends in flight.
    #[arg(long, default_value_t = 64)]
    senders: usize,
    /// Connections that a message goes to.
    #[arg(long, default_value_t = 1000)]
    subscribers: usize,
}

#[derive(Clone, Copy)]
enum Store {
    Postgres,
    MariaDb,
}

#[derive(Clone, Copy)]
enum Bus {
    /// Nothing: for one node.
    Local,
    Redis,
    Nats,
}

/// What runs beside the nodes; gone when dropped.
enum Running {
    Postgres(PostgresServer),
    MariaDb(MariaDbServer),
    Redis(RedisServer),
    Nats(NatsServer),
}

impl Running {
    fn url(&self) -> String {
        match self {
            Self::Postgres(server) => server.url(),
            Self::MariaDb(server) => server.url(),
            Self::Redis(server) => server.url(),
            Self::Nats(server) => server.url(),
        }
    }
}

fn main() -> io::Result<()> {
    let options = Options::parse();
    let folder = std::env::temp_dir().join(format!("madang-bench-cluster-{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    let key = folder.join("key");
    fs::write(&key, KEY)?;
    println!(
        "| store | bus | nodes | sends/s | p50 ms | p99 ms | sends per CPU-second of the nodes | of all processes | deliveries/s | per CPU-second of the nodes |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|");
    for store in [None, Some(Store::Postgres), Some(Store::MariaDb)] {
        for bus in [Bus::Local, Bus::Redis, Bus::Nats] {
            for nodes in 1..=options.nodes {
                let is_alone = store.is_none() || matches!(bus, Bus::Local);
                if nodes > 1 && is_alone {
                    continue;
                }
                measure(&options, &key, (store, bus, nodes));
            }
        }
    }
    fs::remove_dir_all(folder)
}

fn measure(options: &Options, key: &Path, (store, bus, count): (Option<Store>, Bus, usize)) {
    let database = store.map(|store| match store {
        Store::Postgres => Running::Postgres(PostgresServer::start()),
        Store::MariaDb => Running::MariaDb(MariaDbServer::start()),
    });
    let broker = match bus {
        Bus::Local => None,
        Bus::Redis => Some(Running::Redis(RedisServer::start())),
        Bus::Nats => Some(Running::Nats(NatsServer::start())),
    };
    let node = || {
        let mut builder = TestServer::builder().env("MADANG_AUTH__JWT_KEY", KEY);
        if let Some(database) = &database {
            builder = builder.flag("--store", database.url());
        }
        if let Some(broker) = &broker {
            builder = builder.flag("--bus", broker.url());
        }
        builder.start()
    };
    let nodes: Vec<TestServer> = (0..count).map(|_| node()).collect();
    let before = cpu_of_children();
    let send = bench(
        options,
        key,
        &nodes,
        "send",
        &[("--rooms", options.rooms), ("--senders", options.senders)],
    );
    let spent: f64 = cpu_of_children() - before;
    let fanout = bench(
        options,
        key,
        &nodes,
        "fanout",
        &[
            ("--subscribers", options.subscribers),
            ("--outstanding", 16),
        ],
    );
    let number = |report: &Value, path: &str| report.pointer(path).and_then(Value::as_f64);
    let shown = |value: Option<f64>| value.map_or("?".to_owned(), |value| format!("{value:.0}"));
    let exact = |value: Option<f64>| value.map_or("?".to_owned(), |value| format!("{value:.1}"));
    // All that ran meanwhile, warming up included.
    let warmed = f64::from(options.seconds + 1) / f64::from(options.seconds);
    let of_all = number(&send, "/sends").map(|sends| sends * warmed / spent);
    println!(
        "| {} | {} | {count} | {} | {} | {} | {} | {} | {} | {} |",
        name_of_store(store),
        name_of_bus(bus),
        shown(number(&send, "/sends_per_second")),
        exact(number(&send, "/latency_ms/p50")),
        exact(number(&send, "/latency_ms/p99")),
        shown(number(&send, "/sends_per_server_cpu_second")),
        shown(of_all),
        shown(number(&fanout, "/deliveries_per_second")),
        shown(number(&fanout, "/deliveries_per_server_cpu_second")),
    );
}

fn bench(
    options: &Options,
    key: &Path,
    nodes: &[TestServer],
    scenario: &str,
    numbers: &[(&str, usize)],
) -> Value {
    let mut command = Command::new(&options.bench);
    command.args([scenario, "--format", "json", "--warmup", "1"]);
    command.arg("--duration").arg(options.seconds.to_string());
    command.arg("--jwt-key-file").arg(key);
    for (at, node) in nodes.iter().enumerate() {
        let (url, pid) = match at {
            0 => ("--url", "--server-pid"),
            _ => ("--node-url", "--node-pid"),
        };
        command.arg(url).arg(format!("ws://{}/ws", node.address()));
        command.arg(pid).arg(node.pid().to_string());
    }
    for (option, number) in numbers {
        command.arg(option).arg(number.to_string());
    }
    let output = command.output().expect("the bench runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).expect("a report")
}

/// Seconds that all processes below this one have used, but for the bench's own.
fn cpu_of_children() -> f64 {
    // Of Linux's clock, on every machine that this runs on.
    const TICKS: f64 = 100.0;
    let mut processes = HashMap::new();
    for entry in fs::read_dir("/proc").expect("Linux").flatten() {
        let pid = entry.file_name().to_string_lossy().parse::<u32>();
        let stat = fs::read_to_string(entry.path().join("stat"));
        if let (Ok(pid), Ok(stat)) = (pid, stat)
            && let Some(found) = parent_and_ticks(&stat)
        {
            processes.insert(pid, found);
        }
    }
    let is_below = |mut pid: u32| {
        while let Some((parent, _)) = processes.get(&pid) {
            if *parent == std::process::id() {
                return true;
            }
            pid = *parent;
        }
        false
    };
    let below = processes.iter().filter(|(pid, _)| is_below(**pid));
    let ticks: u64 = below.map(|(_, (_, ticks))| ticks).sum();
    ticks as f64 / TICKS
}

fn parent_and_ticks(stat: &str) -> Option<(u32, u64)> {
    // Behind the name, which may have spaces in it.
    let (_, rest) = stat.rsplit_once(") ")?;
    let fields: Vec<&str> = rest.split(' ').collect();
    let ticks = |at: usize| fields.get(at)?.parse::<u64>().ok();
    Some((fields.get(1)?.parse().ok()?, ticks(11)? + ticks(12)?))
}

const fn name_of_store(store: Option<Store>) -> &'static str {
    match store {
        None => "SQLite",
        Some(Store::Postgres) => "PostgreSQL",
        Some(Store::MariaDb) => "MariaDB",
    }
}

const fn name_of_bus(bus: Bus) -> &'static str {
    match bus {
        Bus::Local => "local",
        Bus::Redis => "Redis",
        Bus::Nats => "NATS",
    }
}
