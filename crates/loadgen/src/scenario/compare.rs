//! Fan-out over several transports, in turns.

use super::delivery::{Failures, Fleet, report_tally};
use super::fanout::Options;
use super::rounds::{Round, Side};
use super::server;
use super::target::{Target, progress};
use crate::error::BenchError;
use crate::procfs::{Server, mib};
use crate::report::Report;
use crate::sequence::Tally;
use crate::stats::spread;
use crate::stop;
use crate::swarm::Transport;

/// What the others are compared with, if it is among them; else the first.
const REFERENCE: Transport = Transport::StompWebSocket;

/// All rounds over one transport.
struct Contender {
    transport: Transport,
    side: Side,
    tally: Tally,
    failures: Failures,
    /// The server's resident memory at the end of each round.
    rss_mib: Vec<f64>,
}

/// Measures each transport in each round, with only its own sessions open.
///
/// # Errors
///
/// As `fanout`; and a transport by which nothing at all arrives.
pub(super) fn run(options: &Options) -> Result<Report, BenchError> {
    let common = &options.common;
    let server = server::prepare(common)?;
    let mut target = Target::new(common)?;
    options.transports.locate(&mut target)?;
    target.open_room()?;
    let mut contenders: Vec<Contender> = options
        .transports
        .list()
        .into_iter()
        .map(Contender::new)
        .collect();
    let default_rounds = if contenders.len() > 1 { 3 } else { 1 };
    let rounds = options.rounds.unwrap_or(default_rounds).max(1);
    let bar = progress("rounds", (rounds * contenders.len()) as u64);
    'rounds: for _ in 0..rounds {
        for contender in &mut contenders {
            contender.round(options, &target, server)?;
            bar.inc(1);
            if stop::requested() {
                break 'rounds;
            }
        }
    }
    bar.finish_and_clear();
    Ok(report(options, &contenders))
}

impl Contender {
    fn new(transport: Transport) -> Contender {
        Contender {
            transport,
            side: Side::default(),
            tally: Tally::default(),
            failures: Failures::default(),
            rss_mib: Vec::new(),
        }
    }

    fn round(
        &mut self,
        options: &Options,
        target: &Target<'_>,
        server: Option<Server>,
    ) -> Result<(), BenchError> {
        let common = &options.common;
        let (subscribers, outstanding) = (options.subscribers, options.outstanding);
        let mut fleet = Fleet::open_over(target, self.transport, subscribers, outstanding)?;
        self.side.measure(common, &mut fleet, server)?;
        if let Some(usage) = server.and_then(|server| server.usage().ok()) {
            self.rss_mib.push(mib(usage.rss_bytes));
        }
        self.tally.add(fleet.tally_all());
        self.failures.add(fleet.failures());
        if self.tally.received == 0 && !stop::requested() {
            let mut why = Report::default();
            fleet.failures().report(&mut why);
            let what = format!("the first delivery over {}\n{why}", self.transport.name());
            return Err(target.timed_out(what));
        }
        fleet.close(common.answer_timeout)
    }

    /// A row of the table.
    fn row(&self, reference: &Contender) -> Report {
        let median = |values: Vec<f64>| spread(&values).get_number("median").unwrap_or(f64::NAN);
        let value = |value: fn(&Round) -> Option<f64>| {
            median(self.side.rounds.iter().filter_map(value).collect())
        };
        let latency = self.side.latencies.report();
        let latency = |name| latency.get_number(name).unwrap_or(f64::NAN);
        let ratio = spread(&self.ratios(reference));
        let ratio = |name| ratio.get_number(name).unwrap_or(f64::NAN);
        let mut row = Report::default();
        row.text("transport", self.transport.name())
            .number("per_second", value(|round| Some(round.per_second())))
            .number("per_server_cpu_second", value(Round::per_cpu))
            .number("ratio", ratio("median"))
            .number("ratio_min", ratio("min"))
            .number("ratio_max", ratio("max"))
            .number("p50_ms", latency("p50"))
            .number("p99_ms", latency("p99"))
            .number("server_rss_mib", median(self.rss_mib.clone()));
        row
    }

    /// By CPU time of the server if that is known, else by time.
    fn ratios(&self, reference: &Contender) -> Vec<f64> {
        let by_cpu = self.side.ratios(&reference.side, Round::per_cpu);
        match by_cpu.is_empty() {
            true => {
                let per_second = |round: &Round| Some(round.per_second());
                self.side.ratios(&reference.side, per_second)
            }
            false => by_cpu,
        }
    }

    fn report(&self) -> Report {
        let mut report = Report::default();
        self.side.report(&mut report);
        report_tally(self.tally, &mut report);
        self.failures.report(&mut report);
        report
    }
}

fn report(options: &Options, contenders: &[Contender]) -> Report {
    let common = &options.common;
    let mut report = Report::default();
    report
        .text("scenario", "fanout")
        .text("url", &common.url)
        .count("subscribers", options.subscribers as u64)
        .count("outstanding", options.outstanding as u64)
        .count("body_bytes", common.body_bytes as u64);
    let reference = contenders
        .iter()
        .find(|contender| contender.transport == REFERENCE)
        .or(contenders.first());
    let Some(reference) = reference else {
        return report;
    };
    let measured = |contender: &&Contender| !contender.side.rounds.is_empty();
    let rows = contenders.iter().filter(measured);
    report.text("ratio_to", reference.transport.name()).rows(
        "deliveries",
        rows.map(|contender| contender.row(reference)).collect(),
    );
    for contender in contenders.iter().filter(measured) {
        report.group(contender.transport.name(), contender.report());
    }
    report
}
