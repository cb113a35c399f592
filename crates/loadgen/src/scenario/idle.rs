//! Many sessions that do nothing.

use std::time::{Duration, Instant};

use clap::Args;

use super::idle_crowd::{self, Crowd};
use super::server;
use super::target::Target;
use super::transports::{Transports, parse_transport};
use crate::cli::Common;
use crate::error::BenchError;
use crate::procfs::{Server, Usage, mib};
use crate::report::Report;
use crate::stop;
use crate::swarm::Transport;

/// Options of `idle`.
#[derive(Clone, Debug, Args)]
pub struct Options {
    /// Options that all scenarios have.
    #[command(flatten)]
    pub common: Common,
    /// By which doors to measure.
    #[command(flatten)]
    pub transports: Transports,
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
    /// Keep the sessions of a transport open while the next one is measured, so
    /// that it gets no memory that the server had for them.
    #[arg(long, requires = "transport")]
    pub keep_open: bool,
    /// The first user.
    #[arg(long, hide = true, default_value_t = 0)]
    pub first: usize,
    /// By which door a child process goes in.
    #[arg(long, hide = true, value_parser = parse_transport)]
    pub only: Option<Transport>,
}

/// What the sessions of one transport took.
struct Measured {
    before: Option<Usage>,
    after: Option<Usage>,
    settled: Option<Usage>,
    open_seconds: f64,
}

const NOTE: &str = "resident memory of the server; the kernel's memory for sockets is not in it";

/// Runs `idle`.
///
/// # Errors
///
/// See [`BenchError`]; sessions that end while idle are in the report.
pub fn run(options: &Options) -> Result<Report, BenchError> {
    let common = &options.common;
    let server = server::prepare(common)?;
    let target = Target::new(common)?;
    if options.transports.is_given() {
        return compare(options, target, server);
    }
    let (crowd, measured) = Measured::take(options, &target, Transport::StompWebSocket, server)?;
    let closed = crowd.close(common.answer_timeout)?;

    let sessions = options.sessions as u64;
    let mut report = Report::default();
    report
        .text("scenario", "idle")
        .text("url", &common.url)
        .count("sessions", sessions)
        .text("rooms", rooms(options))
        .number("open_seconds", measured.open_seconds)
        .number(
            "sessions_opened_per_second",
            sessions as f64 / measured.open_seconds,
        )
        .number("settle_seconds", options.settle.as_secs_f64())
        .count("connections_closed", closed);
    if let (Some(before), Some(after), Some(settled)) =
        (measured.before, measured.after, measured.settled)
    {
        let cpu = settled.cpu.saturating_sub(before.cpu).as_secs_f64();
        report.group("server", memory(&before, &after, &settled, sessions));
        report.number("server_cpu_us_per_session", cpu * 1e6 / sessions as f64);
    }
    report.text("note", NOTE);
    Ok(report)
}

/// Measures one transport after the other.
fn compare(
    options: &Options,
    mut target: Target<'_>,
    server: Option<Server>,
) -> Result<Report, BenchError> {
    options.transports.locate(&mut target)?;
    target.open_room()?;
    let timeout = options.common.answer_timeout;
    let (mut rows, mut kept) = (Vec::new(), Vec::new());
    for (at, transport) in options.transports.list().into_iter().enumerate() {
        if at > 0 && !options.keep_open {
            // What the server frees late is not to be the next one's gain.
            std::thread::sleep(options.settle);
        }
        let (crowd, measured) = Measured::take(options, &target, transport, server)?;
        let row = measured.row(transport, options.sessions);
        if options.keep_open {
            kept.push((crowd, row));
        } else {
            rows.push(closed(crowd, row, timeout)?);
        }
        if stop::requested() {
            break;
        }
    }
    for (crowd, row) in kept {
        rows.push(closed(crowd, row, timeout)?);
    }
    let sessions_before = if options.keep_open { "kept" } else { "closed" };
    let mut report = Report::default();
    report
        .text("scenario", "idle")
        .text("url", &options.common.url)
        .count("sessions_per_transport", options.sessions as u64)
        .text("rooms", rooms(options))
        .text("sessions_of_earlier_transports", sessions_before)
        .number("settle_seconds", options.settle.as_secs_f64())
        .rows("memory", rows)
        .text("note", NOTE);
    Ok(report)
}

fn closed(crowd: Crowd, mut row: Report, timeout: Duration) -> Result<Report, BenchError> {
    let closed = crowd.close(timeout)?;
    row.count("connections_closed", closed);
    Ok(row)
}

fn rooms(options: &Options) -> &'static str {
    if options.same_room {
        "one for all"
    } else {
        "one for each"
    }
}

impl Measured {
    /// Opens sessions and looks at the server before, after, and once it has
    /// settled.
    fn take(
        options: &Options,
        target: &Target<'_>,
        transport: Transport,
        server: Option<Server>,
    ) -> Result<(Crowd, Measured), BenchError> {
        let before = usage(server);
        let started = Instant::now();
        let mut crowd = Crowd::open(options, target, transport)?;
        let open_seconds = started.elapsed().as_secs_f64();
        let after = usage(server);
        let settled_at = Instant::now() + options.settle;
        crowd.hold(|| Instant::now() >= settled_at)?;
        let measured = Measured {
            before,
            after,
            settled: usage(server),
            open_seconds,
        };
        Ok((crowd, measured))
    }

    /// A row of the table.
    fn row(&self, transport: Transport, sessions: usize) -> Report {
        let mut row = Report::default();
        row.text("transport", transport.name());
        if let (Some(before), Some(settled)) = (self.before, self.settled) {
            let grown = settled.rss_bytes as f64 - before.rss_bytes as f64;
            let cpu = settled.cpu.saturating_sub(before.cpu).as_secs_f64();
            row.number("rss_bytes_per_session", grown / sessions as f64)
                .number("rss_before_mib", mib(before.rss_bytes))
                .number("rss_settled_mib", mib(settled.rss_bytes))
                .number("server_cpu_us_per_session", cpu * 1e6 / sessions as f64);
        }
        row.number("opened_per_second", sessions as f64 / self.open_seconds);
        row
    }
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

fn usage(server: Option<Server>) -> Option<Usage> {
    server?.usage().ok()
}

/// What `idle-worker` does: opens its sessions, says so, and holds them until
/// its input ends.
///
/// # Errors
///
/// See [`BenchError`].
pub fn worker(options: &Options) -> Result<(), BenchError> {
    idle_crowd::worker(options)
}
