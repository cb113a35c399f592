//! A program judges one client, over one transport or several, and prints a row for each.

use std::path::Path;
use std::process::Command;
use std::sync::{Mutex, OnceLock};

use madang_e2e::{browser, node, program, python};

use crate::clients::servers;

/// Who runs a program, and with that where the client comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Runtime {
    /// Node; packages of `js/package-lock.json`.
    Node,
    /// Node, which drives a Chromium; packages of `js/package-lock.json`.
    Chromium,
    /// Python; packages of `python/requirements.txt`.
    Python,
    /// The distribution's Ruby and its package of the client.
    Ruby,
    /// The distribution's Perl and its package of the client.
    Perl,
    /// The distribution's PHP and its package of the client.
    Php,
    /// A shell script around the distribution's curl.
    Curl,
}

/// The way into the server that a program takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Door {
    /// STOMP over WebSocket at `/ws`.
    WebSocket,
    /// The SockJS paths below `/ws`.
    SockJs,
    /// STOMP over TCP.
    Tcp,
    /// JSON over WebSocket at `/ws/v1`.
    Json,
    /// Server-sent events at `/api/v1/events`.
    Events,
    /// HTTP/2 over TLS.
    Tls,
    /// REST.
    Rest,
}

/// A row of the table: client, version, transport, result.
pub(crate) type Row = [String; 4];

/// What became of a program.
#[derive(Debug, Clone)]
pub(crate) enum Outcome {
    /// The rows that it printed.
    Rows(Vec<Row>),
    /// What this machine lacks to run it.
    Missing(&'static str),
    /// All that it printed before it failed.
    Failed(String),
}

/// A program that judges a client. It runs once per test process, whoever asks first.
#[derive(Debug)]
pub(crate) struct Program {
    runtime: Runtime,
    pub(crate) door: Door,
    script: &'static str,
    arguments: &'static [&'static str],
    outcome: OnceLock<Outcome>,
}

impl Program {
    pub(crate) const fn new(runtime: Runtime, door: Door, script: &'static str) -> Self {
        Self::with(runtime, door, script, &[])
    }

    pub(crate) const fn with(
        runtime: Runtime,
        door: Door,
        script: &'static str,
        arguments: &'static [&'static str],
    ) -> Self {
        Self {
            runtime,
            door,
            script,
            arguments,
            outcome: OnceLock::new(),
        }
    }

    /// Runs it, or answers what became of it before.
    pub(crate) fn outcome(&self) -> &Outcome {
        self.outcome.get_or_init(|| match self.missing() {
            Some(what) => Outcome::Missing(what),
            None => self.run(),
        })
    }

    /// Fails unless the client got through. Where the client is not installed there is nothing to
    /// judge, except in CI, which has to have all.
    pub(crate) fn judge(&self) {
        match self.outcome() {
            Outcome::Rows(rows) => rows.iter().for_each(|row| println!("{}", row.join(" | "))),
            Outcome::Missing(what) => {
                assert!(std::env::var_os("CI").is_none(), "missing: {what}");
                eprintln!("skipped: {what} is missing (scripts/prepare test)");
            }
            Outcome::Failed(how) => {
                servers::print_logs();
                panic!("{how}");
            }
        }
    }

    /// Whether its client comes from the distribution, in whatever version that has.
    pub(crate) const fn is_of_the_system(&self) -> bool {
        matches!(
            self.runtime,
            Runtime::Ruby | Runtime::Perl | Runtime::Php | Runtime::Curl
        )
    }

    fn missing(&self) -> Option<&'static str> {
        let (name, probe): (_, &[&str]) = match self.runtime {
            Runtime::Node => return None,
            Runtime::Chromium => return browser::chromium().is_none().then_some("chromium"),
            Runtime::Python => ("python3-venv", &["python3", "-c", "import venv, ensurepip"]),
            Runtime::Ruby => ("ruby-stomp", &["ruby", "-rstomp", "-e", "exit"]),
            Runtime::Perl => ("libnet-stomp-perl", &["perl", "-MNet::Stomp", "-e", "1"]),
            Runtime::Php => ("php-stomp", &["php", "-r", "new ReflectionClass('Stomp');"]),
            Runtime::Curl => ("curl", &["curl", "--version"]),
        };
        let found = program::succeeds(Command::new(probe[0]).args(&probe[1..]));
        (!found).then_some(name)
    }

    fn run(&self) -> Outcome {
        let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut command = match self.runtime {
            Runtime::Node | Runtime::Chromium => Command::new("node"),
            Runtime::Python => Command::new(python::interpreter()),
            Runtime::Ruby => Command::new("ruby"),
            Runtime::Perl => Command::new("perl"),
            Runtime::Php => Command::new("php"),
            Runtime::Curl => Command::new("sh"),
        };
        match self.runtime {
            Runtime::Node => drop(node::scripts()),
            Runtime::Chromium => {
                node::scripts();
                command.env("CHROMIUM", browser::chromium().unwrap_or_default());
            }
            // Nothing is written beside the sources.
            Runtime::Python => drop(command.env("PYTHONDONTWRITEBYTECODE", "1")),
            _ => {}
        }
        command.arg(tests.join(self.script)).args(self.arguments);
        servers::describe(self.door, &mut command);
        match program::run(self.script, command) {
            Ok(lines) => rows(self.script, &lines),
            Err(how) => Outcome::Failed(how),
        }
    }
}

fn rows(script: &str, lines: &[String]) -> Outcome {
    let parsed: Option<Vec<Row>> = lines.iter().map(|line| row(line)).collect();
    match parsed {
        Some(rows) if !rows.is_empty() => Outcome::Rows(rows),
        _ => Outcome::Failed(format!("{script} printed no rows but {lines:?}")),
    }
}

/// A row as programs print it and as the document has it, there between further bars.
pub(crate) fn row(line: &str) -> Option<Row> {
    let line = line.trim().trim_start_matches("| ").trim_end_matches(" |");
    let cells: Vec<String> = line
        .split(" | ")
        .map(|cell| cell.trim().to_owned())
        .collect();
    cells.try_into().ok()
}

/// Programs wait for each other before these many run: each is a runtime of its own.
pub(crate) const AT_ONCE: usize = 4;

/// Runs all of them, some at once.
pub(crate) fn run_all(programs: &[&'static Program]) {
    let next = Mutex::new(programs.iter());
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let taken = next.lock().unwrap().next();
                    let Some(program) = taken else { break };
                    program.outcome();
                }
            });
        }
    });
}
