//! One message to many subscribers, alone or next to the bare loop.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::delivery::{Fleet, report_tally};
use super::rounds::{Round, Side};
use super::target::{Target, progress};
use super::transports::Transports;
use super::{compare, server, stalled};
use crate::ceiling::CeilingProcess;
use crate::cli::Common;
use crate::error::BenchError;
use crate::procfs::Server;
use crate::report::Report;
use crate::stats::spread;
use crate::stop;

/// Options of `fanout`.
#[derive(Clone, Debug, Args)]
pub struct Options {
    /// Options that all scenarios have.
    #[command(flatten)]
    pub common: Common,
    /// By which doors to measure.
    #[command(flatten)]
    pub transports: Transports,
    /// Connections that subscribe, all as user 0; the first one publishes.
    /// With --transport one more publishes, over stomp-websocket.
    #[arg(long, default_value_t = 1000)]
    pub subscribers: usize,
    /// Messages in flight; the next is sent when every subscriber got one.
    #[arg(long, default_value_t = 1)]
    pub outstanding: usize,
    /// How often to measure; by default once, with --with-ceiling or several
    /// transports three times.
    #[arg(long)]
    pub rounds: Option<usize>,
    /// Measure the bare loop too, in turns, and compare.
    #[arg(long, conflicts_with_all = ["stalled", "transport"])]
    pub with_ceiling: bool,
    /// Subscribers that stop reading for a while.
    #[arg(long, default_value_t = 0, conflicts_with = "transport")]
    pub stalled: usize,
    /// Seconds they do not read.
    #[arg(long, default_value = "20", value_parser = crate::cli::parse_seconds)]
    pub stall_seconds: Duration,
    /// Seconds they may take to catch up once nothing is published any more.
    #[arg(long, default_value = "30", value_parser = crate::cli::parse_seconds)]
    pub catch_up_timeout: Duration,
    /// Receive buffer of a stalled subscriber in bytes. Much less than the
    /// 64 KiB segments of a loopback device would measure TCP's timers.
    #[arg(long, default_value_t = 128 * 1024)]
    pub stalled_receive_buffer: usize,
    /// The program that has `ceiling-server`; this one unless a test says so.
    #[arg(long, hide = true)]
    pub ceiling_program: Option<PathBuf>,
}

/// Runs `fanout`.
///
/// # Errors
///
/// See [`BenchError`]; what goes wrong while measuring is in the report.
pub fn run(options: &Options) -> Result<Report, BenchError> {
    let common = &options.common;
    if options.subscribers <= options.stalled || options.outstanding == 0 {
        return Err(BenchError::Options(
            "there must be a subscriber that is not stalled, and a message in flight".to_owned(),
        ));
    }
    if options.transports.is_given() {
        return compare::run(options);
    }
    let server = server::prepare(common)?;
    let target = Target::new(common)?;
    let mut fleet = Fleet::open(
        &target,
        options.subscribers,
        options.stalled,
        options.outstanding,
        options.stalled_receive_buffer,
    )?;
    let mut report = Report::default();
    report
        .text("scenario", "fanout")
        .text("url", &common.url)
        .count("subscribers", options.subscribers as u64)
        .count("outstanding", options.outstanding as u64)
        .count("body_bytes", common.body_bytes as u64);
    if options.stalled > 0 {
        stalled::run(options, &mut fleet, server, &mut report)?;
        return Ok(report);
    }
    measure(options, &target, &mut fleet, server, &mut report)?;
    Ok(report)
}

fn measure(
    options: &Options,
    target: &Target<'_>,
    fleet: &mut Fleet,
    server: Option<Server>,
    report: &mut Report,
) -> Result<(), BenchError> {
    let common = &options.common;
    fleet.drive(common.warmup, common.answer_timeout)?;
    fleet.drain(common.answer_timeout)?;
    let Some(frame) = fleet.sample() else {
        let mut why = Report::default();
        fleet.failures().report(&mut why);
        return Err(target.timed_out(format!("the first delivery\n{why}")));
    };
    report.count("frame_bytes", frame.len() as u64);

    let mut bare = None;
    if options.with_ceiling {
        let ceiling = start_ceiling(options, &frame)?;
        let (subscribers, outstanding) = (options.subscribers, options.outstanding);
        let fleet = Fleet::open_bare(&ceiling, subscribers, target.run, outstanding)?;
        bare = Some((fleet, ceiling));
    }
    let default_rounds = if options.with_ceiling { 3 } else { 1 };
    let rounds = options.rounds.unwrap_or(default_rounds).max(1);
    let (mut ours, mut theirs) = (Side::default(), Side::default());
    let bar = progress("rounds", rounds as u64);
    for _ in 0..rounds {
        ours.measure(common, fleet, server)?;
        if let Some((fleet, ceiling)) = &mut bare {
            theirs.measure(common, fleet, Server::of(vec![ceiling.process()]))?;
        }
        bar.inc(1);
        if stop::requested() {
            break;
        }
    }
    bar.finish_and_clear();

    ours.report(report);
    report_tally(fleet.tally(0..options.subscribers), report);
    fleet.failures().report(report);
    if let Some(usage) = server.and_then(|server| server.usage().ok()) {
        report.group("server", usage.report_memory());
    }
    if let Some((fleet, _)) = &bare {
        let mut ceiling = Report::default();
        theirs.report(&mut ceiling);
        report_tally(fleet.tally(0..options.subscribers), &mut ceiling);
        report.group("ceiling", ceiling);
        report_ratio(&ours, &theirs, report);
    }
    Ok(())
}

fn start_ceiling(options: &Options, frame: &[u8]) -> Result<CeilingProcess, BenchError> {
    let program = match &options.ceiling_program {
        Some(program) => program.clone(),
        None => std::env::current_exe().map_err(BenchError::io("find this program"))?,
    };
    let ceiling = CeilingProcess::start(&program, frame, options.subscribers)?;
    if let Some(cpu) = options.common.pin_server {
        ceiling
            .process()
            .pin(cpu)
            .map_err(BenchError::io("pin the ceiling"))?;
    }
    Ok(ceiling)
}

fn report_ratio(ours: &Side, theirs: &Side, report: &mut Report) {
    let ratio = |value| spread(&ours.ratios(theirs, value));
    let mut group = Report::default();
    group
        .group("deliveries_per_server_cpu_second", ratio(Round::per_cpu))
        .group(
            "deliveries_per_second",
            ratio(|round| Some(round.per_second())),
        );
    report.group("ratio_to_ceiling", group);
}
