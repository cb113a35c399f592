//! How long a server takes to be there.

use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use clap::Args;

use super::target::{POLL_MAX, Plan, Target};
use crate::cli::Common;
use crate::error::BenchError;
use crate::procfs::{Process, mib};
use crate::report::Report;
use crate::stats::spread;
use crate::stop;
use crate::swarm::{Notice, Swarm};

/// Options of `start`.
#[derive(Clone, Debug, Args)]
pub struct Options {
    /// Options that all scenarios have.
    #[command(flatten)]
    pub common: Common,
    /// Command line of the server, run by a shell that it replaces.
    #[arg(long)]
    pub command: String,
    /// How often to start it.
    #[arg(long, default_value_t = 5)]
    pub rounds: usize,
    /// Also connect a STOMP session of user 0, without a subscription.
    #[arg(long)]
    pub stomp: bool,
}

/// How long a server may take to end after SIGTERM.
const END_TIMEOUT: Duration = Duration::from_secs(10);

/// How often a connection is tried.
const RETRY: Duration = Duration::from_micros(500);

/// Ends its process however the run ends.
struct Server(Child);

/// Runs `start`.
///
/// # Errors
///
/// The server does not start, or somebody else listens there already.
pub fn run(options: &Options) -> Result<Report, BenchError> {
    let common = &options.common;
    super::server::prepare(common)?;
    let target = Target::new(common)?;
    if TcpStream::connect(target.address).is_ok() {
        let busy = format!("somebody listens at {} already", target.address);
        return Err(BenchError::Options(busy));
    }
    let (mut accepted, mut opened) = (Vec::new(), Vec::new());
    let (mut rss, mut rss_max) = (Vec::new(), Vec::new());
    for _ in 0..options.rounds.max(1) {
        if stop::requested() && !accepted.is_empty() {
            break;
        }
        let started = Instant::now();
        let mut server = Server::spawn(&options.command)?;
        server.wait_accepting(&target, started)?;
        accepted.push(started.elapsed().as_secs_f64() * 1000.0);
        if options.stomp {
            open_session(&target)?;
            opened.push(started.elapsed().as_secs_f64() * 1000.0);
        }
        let usage = Process(server.0.id())
            .usage()
            .map_err(BenchError::io("read /proc"))?;
        rss.push(mib(usage.rss_bytes));
        rss_max.push(mib(usage.rss_max_bytes));
    }
    let mut report = Report::default();
    report
        .text("scenario", "start")
        .text("command", &options.command)
        .count("rounds", accepted.len() as u64)
        .group("first_connection_ms", spread(&accepted))
        .group("first_session_ms", spread(&opened))
        .group("rss_mib", spread(&rss))
        .group("rss_max_mib", spread(&rss_max));
    Ok(report)
}

fn open_session(target: &Target<'_>) -> Result<(), BenchError> {
    let mut swarm = Swarm::new().map_err(BenchError::io("epoll"))?;
    let plan = Plan {
        subscribe: false,
        ..Plan::subscriber(0)
    };
    target.open(&mut swarm, &[plan])?;
    // Whatever it still had to say.
    swarm
        .poll(Duration::ZERO, |_, _: Notice<'_>, _| {})
        .map_err(BenchError::io("poll"))
}

impl Server {
    fn spawn(command: &str) -> Result<Server, BenchError> {
        Command::new("sh")
            .args(["-c", &format!("exec {command}")])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .map(Server)
            .map_err(BenchError::io("start the server"))
    }

    fn wait_accepting(&mut self, target: &Target<'_>, started: Instant) -> Result<(), BenchError> {
        while TcpStream::connect(target.address).is_err() {
            if let Ok(Some(status)) = self.0.try_wait() {
                return Err(BenchError::Options(format!(
                    "the server ended with {status}"
                )));
            }
            if stop::requested() {
                return Err(BenchError::Stopped);
            }
            if started.elapsed() > target.common.setup_timeout {
                return Err(target.timed_out("the first connection"));
            }
            std::thread::sleep(RETRY);
        }
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        use rustix::process::{Pid, Signal, kill_process};
        let pid = i32::try_from(self.0.id()).ok().and_then(Pid::from_raw);
        if let Some(pid) = pid {
            let _ = kill_process(pid, Signal::TERM);
        }
        let until = Instant::now() + END_TIMEOUT;
        while Instant::now() < until {
            match self.0.try_wait() {
                Ok(None) => std::thread::sleep(POLL_MAX),
                _ => return,
            }
        }
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
