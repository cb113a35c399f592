//! Rounds of fan-out against one side, measured one by one.

use std::time::Instant;

use super::delivery::Fleet;
use super::server::Meter;
use crate::cli::Common;
use crate::error::BenchError;
use crate::procfs::Server;
use crate::report::Report;
use crate::stats::{Latencies, spread};

/// One measured round.
pub(super) struct Round {
    pub(super) deliveries: u64,
    seconds: f64,
    server_cpu: Option<f64>,
    client_cpu: f64,
}

/// All rounds against one side.
#[derive(Default)]
pub(super) struct Side {
    pub(super) rounds: Vec<Round>,
    pub(super) latencies: Latencies,
    published: u64,
    incomplete: u64,
}

impl Round {
    pub(super) fn per_second(&self) -> f64 {
        self.deliveries as f64 / self.seconds
    }

    pub(super) fn per_cpu(&self) -> Option<f64> {
        self.server_cpu
            .filter(|cpu| *cpu > 0.0)
            .map(|cpu| self.deliveries as f64 / cpu)
    }
}

impl Side {
    pub(super) fn measure(
        &mut self,
        common: &Common,
        fleet: &mut Fleet,
        process: Option<Server>,
    ) -> Result<(), BenchError> {
        fleet.drive(common.warmup, common.answer_timeout)?;
        fleet.reset();
        let meter = Meter::start(process);
        let started = Instant::now();
        fleet.drive(common.duration, common.answer_timeout)?;
        let seconds = started.elapsed().as_secs_f64();
        let cost = meter.stop();
        let counts = fleet.counts();
        self.rounds.push(Round {
            deliveries: counts.deliveries,
            seconds,
            server_cpu: cost.server_cpu(),
            client_cpu: cost.client_cpu(),
        });
        self.published += counts.published;
        self.incomplete += counts.incomplete;
        self.latencies.add(fleet.latencies());
        // Nothing of this side may still be running when the other is measured.
        fleet.drain(common.answer_timeout)
    }

    /// What a value is in relation to that of another side in the same round.
    pub(super) fn ratios(&self, other: &Side, value: fn(&Round) -> Option<f64>) -> Vec<f64> {
        let pairs = self.rounds.iter().zip(&other.rounds);
        pairs
            .filter_map(|(ours, theirs)| Some(value(ours)? / value(theirs)?))
            .collect()
    }

    pub(super) fn report(&self, report: &mut Report) {
        let sum = |value: fn(&Round) -> f64| self.rounds.iter().map(value).sum::<f64>();
        let deliveries = self.rounds.iter().map(|round| round.deliveries).sum();
        let seconds = sum(|round| round.seconds);
        report
            .count("rounds", self.rounds.len() as u64)
            .number("seconds", seconds)
            .count("published", self.published)
            .count("deliveries", deliveries)
            .count("messages_given_up", self.incomplete);
        let per_second: Vec<f64> = self.rounds.iter().map(Round::per_second).collect();
        let per_cpu: Vec<f64> = self.rounds.iter().filter_map(Round::per_cpu).collect();
        match self.rounds.as_slice() {
            [_] => {
                report.number("deliveries_per_second", per_second[0]);
                if let Some(per_cpu) = per_cpu.first() {
                    report.number("deliveries_per_server_cpu_second", *per_cpu);
                }
            }
            _ => {
                report
                    .group("deliveries_per_second", spread(&per_second))
                    .group("deliveries_per_server_cpu_second", spread(&per_cpu));
            }
        }
        let count = deliveries as f64;
        let server_cpu: Option<f64> = self.rounds.iter().map(|round| round.server_cpu).sum();
        if let Some(cpu) = server_cpu {
            report
                .number("server_cpu_seconds", cpu)
                .number("server_cpu_us_per_delivery", cpu * 1e6 / count);
        }
        let client_cpu = sum(|round| round.client_cpu);
        report
            .number("client_cpu_seconds", client_cpu)
            .number("client_cpu_us_per_delivery", client_cpu * 1e6 / count)
            .group("latency_ms", self.latencies.report());
    }
}
