//! Many sessions that do nothing.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use clap::Args;

use super::server;
use super::target::{POLL_MAX, Plan, Target};
use crate::cli::Common;
use crate::error::BenchError;
use crate::procfs::{Process, Usage, mib};
use crate::report::Report;
use crate::stop;
use crate::swarm::{Notice, Swarm};

/// Options of `idle`.
#[derive(Clone, Debug, Args)]
pub struct Options {
    /// Options that all scenarios have.
    #[command(flatten)]
    pub common: Common,
    /// Sessions, each with one subscription.
    #[arg(long, default_value_t = 5000)]
    pub sessions: usize,
    /// All in the room of user 0 instead of a room for each.
    #[arg(long)]
    pub same_room: bool,
    /// Seconds to wait before the memory is read.
    #[arg(long, default_value = "5", value_parser = crate::cli::parse_seconds)]
    pub settle: Duration,
    /// Sessions a client process holds; more are held by child processes,
    /// because of the limit of open files.
    #[arg(long, default_value_t = 9000)]
    pub sessions_per_process: usize,
    /// The first user.
    #[arg(long, hide = true, default_value_t = 0)]
    pub first: usize,
}

/// Runs `idle`.
///
/// # Errors
///
/// See [`BenchError`]; sessions that end while idle are in the report.
pub fn run(options: &Options) -> Result<Report, BenchError> {
    let common = &options.common;
    let server = server::prepare(common)?;
    let target = Target::new(common)?;
    let before = usage(server);
    let started = Instant::now();
    let mut crowd = Crowd::open(options, &target)?;
    let opened = started.elapsed();
    let after = usage(server);
    let settled_at = Instant::now() + options.settle;
    let closed = crowd.hold(|| Instant::now() >= settled_at)?;
    let settled = usage(server);

    let sessions = options.sessions as u64;
    let mut report = Report::default();
    report
        .text("scenario", "idle")
        .text("url", &common.url)
        .count("sessions", sessions)
        .text(
            "rooms",
            if options.same_room {
                "one for all"
            } else {
                "one for each"
            },
        )
        .number("open_seconds", opened.as_secs_f64())
        .number(
            "sessions_opened_per_second",
            sessions as f64 / opened.as_secs_f64(),
        )
        .number("settle_seconds", options.settle.as_secs_f64())
        .count("connections_closed", closed);
    if let (Some(before), Some(after), Some(settled)) = (before, after, settled) {
        let cpu = settled.cpu.saturating_sub(before.cpu).as_secs_f64();
        report.group("server", memory(&before, &after, &settled, sessions));
        report.number("server_cpu_us_per_session", cpu * 1e6 / sessions as f64);
    }
    report.text(
        "note",
        "resident memory of the server; the kernel's memory for sockets is not in it",
    );
    Ok(report)
}

fn memory(before: &Usage, after: &Usage, settled: &Usage, sessions: u64) -> Report {
    let per_session = settled.rss_bytes as f64 - before.rss_bytes as f64;
    let mut report = Report::default();
    report
        .number("rss_before_mib", mib(before.rss_bytes))
        .number("rss_after_mib", mib(after.rss_bytes))
        .number("rss_settled_mib", mib(settled.rss_bytes))
        .number("rss_max_mib", mib(settled.rss_max_bytes))
        .number("rss_bytes_per_session", per_session / sessions as f64)
        .count("threads", settled.threads);
    report
}

fn usage(server: Option<Process>) -> Option<Usage> {
    server?.usage().ok()
}

/// The sessions, here or in child processes.
enum Crowd {
    Here(Box<Swarm>),
    Children(Vec<Worker>),
}

impl Crowd {
    fn open(options: &Options, target: &Target<'_>) -> Result<Crowd, BenchError> {
        if options.sessions <= options.sessions_per_process {
            return open_here(options, target).map(Box::new).map(Crowd::Here);
        }
        let per_process = options.sessions_per_process.max(1);
        let mut workers = Vec::new();
        for first in (0..options.sessions).step_by(per_process) {
            let sessions = per_process.min(options.sessions - first);
            workers.push(Worker::start(options.first + first, sessions)?);
        }
        Ok(Crowd::Children(workers))
    }

    /// Keeps them until `done`; answers how many ended meanwhile.
    fn hold(&mut self, done: impl Fn() -> bool) -> Result<u64, BenchError> {
        match self {
            Crowd::Here(swarm) => hold(swarm, done),
            Crowd::Children(workers) => {
                while !done() && !stop::requested() {
                    std::thread::sleep(POLL_MAX);
                }
                workers.iter_mut().map(Worker::finish).sum()
            }
        }
    }
}

fn open_here(options: &Options, target: &Target<'_>) -> Result<Swarm, BenchError> {
    let mut swarm = Swarm::new().map_err(BenchError::io("epoll"))?;
    let user = |at| {
        if options.same_room {
            0
        } else {
            options.first + at
        }
    };
    let plans: Vec<Plan> = (0..options.sessions)
        .map(|at| Plan::subscriber(user(at)))
        .collect();
    target.open(&mut swarm, &plans)?;
    Ok(swarm)
}

fn hold(swarm: &mut Swarm, done: impl Fn() -> bool) -> Result<u64, BenchError> {
    let mut closed = 0;
    while !done() && !stop::requested() {
        swarm
            .poll(POLL_MAX, |_, notice, _| {
                closed += u64::from(matches!(notice, Notice::Closed(_)));
            })
            .map_err(BenchError::io("poll"))?;
    }
    Ok(closed)
}

/// A child process that holds a part of the sessions.
struct Worker {
    child: Child,
    /// Its end tells the child to end.
    stdin: Option<ChildStdin>,
    stdout: BufReader<std::process::ChildStdout>,
}

impl Worker {
    /// Starts it with our own options and waits until its sessions are open.
    fn start(first: usize, sessions: usize) -> Result<Worker, BenchError> {
        let failed = || BenchError::io("start a child process");
        let program = std::env::current_exe().map_err(failed())?;
        let mut child = Command::new(program)
            .arg("idle-worker")
            .args(std::env::args_os().skip(2))
            .args(["--first", &first.to_string()])
            .args(["--sessions", &sessions.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(failed())?;
        let Some(stdout) = child.stdout.take() else {
            return Err(BenchError::Options("no pipe to the child".to_owned()));
        };
        let mut worker = Worker {
            stdin: child.stdin.take(),
            stdout: BufReader::new(stdout),
            child,
        };
        match worker.read_line()?.as_str() {
            "ready" => Ok(worker),
            _ => Err(BenchError::Options("a child process failed".to_owned())),
        }
    }

    fn finish(&mut self) -> Result<u64, BenchError> {
        drop(self.stdin.take());
        let closed = self.read_line()?;
        closed
            .parse()
            .map_err(|_| BenchError::Options("a child process failed".to_owned()))
    }

    fn read_line(&mut self) -> Result<String, BenchError> {
        let mut line = String::new();
        self.stdout
            .read_line(&mut line)
            .map_err(BenchError::io("read from a child process"))?;
        Ok(line.trim().to_owned())
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What `idle-worker` does: opens its sessions, says so, and holds them until
/// its input ends.
///
/// # Errors
///
/// See [`BenchError`].
pub fn worker(options: &Options) -> Result<(), BenchError> {
    let target = Target::new(&options.common)?;
    let mut swarm = open_here(options, &target)?;
    say("ready")?;
    let ended = Arc::new(AtomicBool::new(false));
    let watched = Arc::clone(&ended);
    std::thread::spawn(move || {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        watched.store(true, Ordering::Relaxed);
    });
    let closed = hold(&mut swarm, || ended.load(Ordering::Relaxed))?;
    say(&closed.to_string())
}

fn say(line: &str) -> Result<(), BenchError> {
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "{line}")
        .and_then(|()| stdout.flush())
        .map_err(BenchError::io("write to the parent process"))
}
