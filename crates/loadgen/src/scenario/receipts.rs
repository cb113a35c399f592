//! All members of a room read a message at once: what each of them is told of that.

use std::time::{Duration, Instant};

use clap::Args;
use serde::Deserialize;
use serde_json::json;

use super::api::{self, Api};
use super::dataset::DataSet;
use super::delivery::Failures;
use super::fill::fill;
use super::server::{self, Cost, Meter};
use super::target::{POLL_MAX, Plan, Target, progress};
use crate::cli::Common;
use crate::error::BenchError;
use crate::procfs::Server;
use crate::report::Report;
use crate::stats::{Latencies, spread};
use crate::stop;
use crate::swarm::{Notice, Swarm, Transport};

/// Options of `receipts`.
#[derive(Clone, Debug, Args)]
pub struct Options {
    /// Options that all scenarios have.
    #[command(flatten)]
    pub common: Common,
    /// API key with all scopes, by which the room is made.
    #[arg(long)]
    pub api_key: String,
    /// Members of the room, each with a session over JSON.
    #[arg(long, default_value_t = 1_000)]
    pub members: u32,
    /// Messages that all of them read at once, one after the other.
    #[arg(long, default_value_t = 5)]
    pub rounds: usize,
    /// Seconds without an event after which a round is over.
    #[arg(long, default_value = "3", value_parser = crate::cli::parse_seconds)]
    pub settle: Duration,
}

/// What one session was told in a round.
#[derive(Clone, Copy, Default)]
struct Told {
    /// That its own mark was raised.
    confirmed: bool,
    /// One by one, who has read.
    reads: u64,
    /// As a number, how many more have.
    summaries: u64,
}

/// All that is measured.
#[derive(Default)]
struct Outcome {
    /// Of each round: of all sessions together.
    marks: u64,
    reads: u64,
    summaries: u64,
    /// Events of each session in each round.
    events: Vec<f64>,
    /// Seconds from the message to the last confirmation.
    seconds: Vec<f64>,
    cpu: Vec<f64>,
    confirmations: Latencies,
    failures: Failures,
}

/// A message of the JSON door, as far as it is looked at.
#[derive(Deserialize)]
struct Delivery {
    message: Position,
}

#[derive(Deserialize)]
struct Position {
    position: String,
}

/// Runs `receipts`.
///
/// # Errors
///
/// See [`BenchError`]; what goes wrong while measuring is in the report.
pub fn run(options: &Options) -> Result<Report, BenchError> {
    let common = &options.common;
    if options.members == 0 || options.rounds == 0 {
        return Err(BenchError::Options("there is nobody to read".to_owned()));
    }
    let server = server::prepare(common)?;
    let target = Target::new(common)?;
    let api = Api {
        target: &target,
        api_key: &options.api_key,
    };
    let data = DataSet::of_one_room("readers", options.members, 1);
    let room = fill(&api, &data, 0)?.ids.remove(0);
    let mut swarm = Swarm::new().map_err(BenchError::io("epoll"))?;
    let plan = |user| Plan {
        transport: Transport::Json,
        ..Plan::subscriber(user)
    };
    let plans: Vec<Plan> = (0..options.members as usize).map(plan).collect();
    target.open(&mut swarm, &plans)?;
    let mut outcome = Outcome::default();
    let bar = progress("rounds", options.rounds as u64);
    for _ in 0..options.rounds {
        if stop::requested() {
            break;
        }
        outcome.round(options, &api, &room, &mut swarm, server)?;
        bar.inc(1);
    }
    bar.finish_and_clear();
    swarm
        .close(common.answer_timeout)
        .map_err(BenchError::io("poll"))?;
    Ok(outcome.report(options))
}

impl Outcome {
    /// Sends one message, which every session reads as soon as it has it.
    fn round(
        &mut self,
        options: &Options,
        api: &Api<'_>,
        room: &str,
        swarm: &mut Swarm,
        server: Option<Server>,
    ) -> Result<(), BenchError> {
        // Whatever an earlier round still tells is not of this one.
        settle(swarm, options.settle)?;
        let mut told = vec![Told::default(); swarm.len()];
        let meter = Meter::start(server);
        let mut connection = api.target.http()?;
        let body = json!({ "text": "모두 읽어 주세요" }).to_string();
        let send = api.room(0, room, "/messages")?.with("POST", body);
        let started = Instant::now();
        api::ask(&mut connection, &send)?;
        let mut last = Instant::now();
        let mut all_confirmed = None;
        while last.elapsed() < options.settle && !stop::requested() {
            swarm
                .poll(POLL_MAX, |index, notice, outbox| {
                    let Some(read) = self.take(notice, &mut told[index], started) else {
                        return;
                    };
                    last = Instant::now();
                    if let Read::To(position) = read {
                        let read = json!({
                            "type": "read", "id": "r", "room": room, "position": position,
                        });
                        outbox.send(index, read.to_string().as_bytes());
                    }
                })
                .map_err(BenchError::io("poll"))?;
            if all_confirmed.is_none() && told.iter().all(|told| told.confirmed) {
                all_confirmed = Some(started.elapsed());
            }
        }
        self.add(&told, all_confirmed, &meter.stop());
        Ok(())
    }

    /// Takes note of what a session was told; `None` if that is nothing that counts.
    fn take(&mut self, notice: Notice<'_>, told: &mut Told, started: Instant) -> Option<Read> {
        match notice {
            Notice::Message { payload, .. } => {
                let delivery = serde_json::from_slice::<Delivery>(payload).ok()?;
                return Some(Read::To(delivery.message.position));
            }
            Notice::Event { kind: "read" } => told.reads += 1,
            Notice::Event { kind: "receipts" } => told.summaries += 1,
            Notice::Event { kind: "ack" } => {
                told.confirmed = true;
                self.confirmations.record(started.elapsed());
            }
            Notice::Event { .. } | Notice::Open | Notice::Answer { .. } => return None,
            Notice::Error(error) => self.failures.error(error),
            Notice::Closed(error) => self.failures.closed(&error),
        }
        Some(Read::Nothing)
    }

    fn add(&mut self, told: &[Told], all_confirmed: Option<Duration>, cost: &Cost) {
        for told in told {
            self.marks += u64::from(told.confirmed);
            self.reads += told.reads;
            self.summaries += told.summaries;
            self.events.push((told.reads + told.summaries) as f64);
        }
        self.seconds
            .extend(all_confirmed.map(|it| it.as_secs_f64()));
        self.cpu.extend(cost.server_cpu());
    }

    fn report(&self, options: &Options) -> Report {
        let mut report = Report::default();
        report
            .text("scenario", "receipts")
            .text("url", &options.common.url)
            .count("members", options.members.into())
            .count("rounds", options.rounds as u64)
            .count("marks_raised", self.marks)
            .count("read_events", self.reads)
            .count("receipts_events", self.summaries)
            .group("events_per_session_and_round", spread(&self.events))
            .group("seconds_until_all_are_confirmed", spread(&self.seconds))
            .group("confirmation_ms", self.confirmations.report())
            .group("server_cpu_seconds_per_round", spread(&self.cpu));
        let per_mark = |cpu: &f64| cpu * 1e6 / f64::from(options.members);
        let per_mark: Vec<f64> = self.cpu.iter().map(per_mark).collect();
        report.group("server_cpu_us_per_mark", spread(&per_mark));
        self.failures.report(&mut report);
        report
    }
}

/// What a session does about a notice.
enum Read {
    Nothing,
    /// Raises its mark to there.
    To(String),
}

/// Waits until nothing has come for so long.
fn settle(swarm: &mut Swarm, quiet: Duration) -> Result<(), BenchError> {
    let mut last = Instant::now();
    while last.elapsed() < quiet && !stop::requested() {
        swarm
            .poll(POLL_MAX, |_, _, _| last = Instant::now())
            .map_err(BenchError::io("poll"))?;
    }
    Ok(())
}
