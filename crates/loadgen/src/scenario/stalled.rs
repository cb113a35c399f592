//! Fan-out while some subscribers do not read.

use std::time::{Duration, Instant};

use super::delivery::{Fleet, report_tally};
use super::fanout::Options;
use super::server::Meter;
use crate::error::BenchError;
use crate::procfs::{Server, mib};
use crate::report::Report;
use crate::stop;

/// How finely the moment is observed at which all have caught up.
const SLICE: Duration = Duration::from_millis(20);

/// Measures before, during and after the stall, and whether the stalled
/// subscribers got everything in the end.
pub(super) fn run(
    options: &Options,
    fleet: &mut Fleet,
    server: Option<Server>,
    report: &mut Report,
) -> Result<(), BenchError> {
    let common = &options.common;
    let others = 0..options.subscribers - options.stalled;
    let stalled = others.end..options.subscribers;
    report
        .count("stalled", options.stalled as u64)
        .number("stall_seconds", options.stall_seconds.as_secs_f64());

    fleet.drive(common.warmup, common.answer_timeout)?;
    report.group(
        "before",
        phase(options, fleet, server, common.duration, |_| {})?,
    );

    pause(fleet, stalled.clone(), true)?;
    report.group(
        "during",
        phase(options, fleet, server, options.stall_seconds, |_| {})?,
    );

    pause(fleet, stalled.clone(), false)?;
    let resumed = Instant::now();
    let missed_until = fleet.next_seq();
    let behind: u64 = stalled
        .clone()
        .map(|index| u64::from(missed_until.saturating_sub(fleet.head_of(index))))
        .sum();
    let mut caught_up = None;
    let mut watch = |fleet: &Fleet| {
        if caught_up.is_none()
            && stalled
                .clone()
                .all(|index| fleet.head_of(index) >= missed_until)
        {
            caught_up = Some(resumed.elapsed());
        }
    };
    report.group(
        "after",
        phase(options, fleet, server, common.duration, &mut watch)?,
    );
    let until = Instant::now() + options.catch_up_timeout;
    while Instant::now() < until && !stop::requested() && !fleet.is_complete() {
        fleet.drain(SLICE)?;
        watch(fleet);
    }

    let tally = fleet.tally(stalled.clone());
    let mut late = Report::default();
    late.count("messages_behind_at_resume", behind)
        .count("received", tally.received);
    report_tally(tally, &mut late);
    late.count(
        "connections_open",
        stalled.filter(|index| fleet.swarm.is_open(*index)).count() as u64,
    );
    late.text("caught_up_with_nothing_missing", yes_no(tally.is_clean()));
    if let Some(caught_up) = caught_up {
        late.number("catch_up_seconds", caught_up.as_secs_f64());
    }
    report.group("stalled_subscribers", late);
    let mut rest = Report::default();
    report_tally(fleet.tally(others), &mut rest);
    report.group("other_subscribers", rest);
    fleet.failures().report(report);
    if let Some(usage) = server.and_then(|server| server.usage().ok()) {
        report.number("server_rss_max_mib", mib(usage.rss_max_bytes));
    }
    Ok(())
}

fn phase(
    options: &Options,
    fleet: &mut Fleet,
    server: Option<Server>,
    duration: Duration,
    mut watch: impl FnMut(&Fleet),
) -> Result<Report, BenchError> {
    fleet.reset();
    let meter = Meter::start(server);
    let started = Instant::now();
    while started.elapsed() < duration && !stop::requested() {
        let left = duration.saturating_sub(started.elapsed());
        fleet.drive(left.min(SLICE), options.common.answer_timeout)?;
        watch(fleet);
    }
    let seconds = started.elapsed().as_secs_f64();
    let cost = meter.stop();
    let counts = fleet.counts();
    let mut report = Report::default();
    report
        .number("seconds", seconds)
        .count("published", counts.published)
        .count("deliveries_to_others", counts.deliveries)
        .count("deliveries_to_stalled", counts.ignored_deliveries)
        .count("messages_given_up", counts.incomplete)
        .number(
            "deliveries_to_others_per_second",
            counts.deliveries as f64 / seconds,
        )
        .group("latency_of_others_ms", fleet.latencies().report());
    let all = counts.deliveries + counts.ignored_deliveries;
    cost.report("deliveries", all, &mut report);
    Ok(report)
}

fn pause(
    fleet: &mut Fleet,
    stalled: std::ops::Range<usize>,
    paused: bool,
) -> Result<(), BenchError> {
    for index in stalled {
        if fleet.swarm.is_open(index) {
            fleet
                .swarm
                .set_paused(index, paused)
                .map_err(BenchError::io("poll"))?;
        }
    }
    Ok(())
}

fn yes_no(yes: bool) -> &'static str {
    if yes { "yes" } else { "no" }
}
