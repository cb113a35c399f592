//! Subscribing behind the head of a room.

use std::time::{Duration, Instant};

use clap::Args;
use madang_wire::stomp::{Command, Frame, Version};

use super::delivery::{Failures, report_tally};
use super::server::{self, Meter};
use super::target::{POLL_MAX, Plan, SUBSCRIPTION, Target, progress};
use crate::cli::Common;
use crate::error::BenchError;
use crate::procfs::Server;
use crate::report::Report;
use crate::sequence::{SequenceChecker, Tally};
use crate::stamp::{Stamp, StampFinder};
use crate::stats::spread;
use crate::stop;
use crate::swarm::{self, Notice, Swarm};

/// Options of `resume`.
#[derive(Clone, Debug, Args)]
pub struct Options {
    /// Options that all scenarios have.
    #[command(flatten)]
    pub common: Common,
    /// Messages missed by each session.
    #[arg(long, default_value_t = 10_000)]
    pub messages: u32,
    /// Sessions that resume at the same time.
    #[arg(long, default_value_t = 1)]
    pub sessions: usize,
    /// How often they resume.
    #[arg(long, default_value_t = 5)]
    pub rounds: usize,
    /// Messages in flight while publishing.
    #[arg(long, default_value_t = 256)]
    pub publish_window: u32,
    /// Header of MESSAGE that says where it stands.
    #[arg(long, default_value = "position")]
    pub position_header: String,
    /// Header of SUBSCRIBE that says where to go on.
    #[arg(long, default_value = "since")]
    pub since_header: String,
}

/// One session that resumes.
struct Session {
    checker: SequenceChecker,
    finished: Option<Instant>,
}

/// Runs `resume`.
///
/// # Errors
///
/// See [`BenchError`]; what goes wrong while measuring is in the report.
pub fn run(options: &Options) -> Result<Report, BenchError> {
    let common = &options.common;
    if options.messages == 0 || options.sessions == 0 {
        return Err(BenchError::Options("nothing to resume".to_owned()));
    }
    let server = server::prepare(common)?;
    let target = Target::new(common)?;
    let mut swarm = Swarm::new().map_err(BenchError::io("epoll"))?;
    target.open(&mut swarm, &[Plan::subscriber(0)])?;
    let since = publish(options, &target, &mut swarm)?;
    let mut unsubscribe = Vec::new();
    Frame::new(Command::Unsubscribe)
        .with("id", SUBSCRIPTION)
        .encode(Version::V1_2, &mut unsubscribe);
    swarm
        .send(0, &unsubscribe)
        .map_err(BenchError::io("unsubscribe"))?;

    let mut outcome = Outcome::default();
    let meter = Meter::start(server);
    let bar = progress("resuming", options.rounds as u64);
    for _ in 0..options.rounds.max(1) {
        if stop::requested() {
            break;
        }
        outcome.round(options, &target, &since, server)?;
        bar.inc(1);
    }
    bar.finish_and_clear();
    let cost = meter.stop();

    let mut report = Report::default();
    report
        .text("scenario", "resume")
        .text("url", &common.url)
        .count("messages_missed", options.messages.into())
        .count("sessions", options.sessions as u64)
        .count("rounds", outcome.seconds.len() as u64)
        .count("messages_received", outcome.tally.received);
    report_tally(outcome.tally, &mut report);
    outcome.failures.report(&mut report);
    report
        .count("sessions_incomplete", outcome.incomplete)
        .group(
            "messages_per_second_per_session",
            spread(&outcome.session_rates),
        )
        .group("messages_per_second", spread(&outcome.round_rates))
        .group("messages_per_server_cpu_second", spread(&outcome.cpu_rates))
        .group("seconds", spread(&outcome.seconds));
    cost.report(
        "messages_with_connecting",
        outcome.tally.received,
        &mut report,
    );
    Ok(report)
}

/// Publishes one message more than are to be missed; answers the position of
/// the first.
fn publish(
    options: &Options,
    target: &Target<'_>,
    swarm: &mut Swarm,
) -> Result<String, BenchError> {
    let total = options.messages + 1;
    let mut template = target.send_template(0, false)?;
    let finder = StampFinder::default();
    let mut checker = SequenceChecker::default();
    let mut failures = Failures::default();
    let (mut since, mut sent) = (None, 0);
    let bar = progress("publishing", total.into());
    let deadline = Instant::now() + target.common.setup_timeout;
    while !checker.is_complete(total) {
        let window = if since.is_some() {
            options.publish_window.max(1)
        } else {
            1
        };
        swarm
            .send_all(|outbox| {
                while sent < total && sent < checker.next() + window {
                    let stamp = Stamp {
                        run: target.run,
                        stream: 0,
                        seq: sent,
                        sent_ns: 0,
                    };
                    outbox.send(0, template.render(&stamp, 0));
                    sent += 1;
                }
            })
            .map_err(BenchError::io("publish"))?;
        swarm
            .poll(POLL_MAX, |_, notice, _| match notice {
                Notice::Message { payload, .. } => {
                    finder.each(payload, |stamp| {
                        if stamp.run == target.run {
                            checker.take(stamp.seq);
                            if since.is_none() {
                                since = position(payload, &options.position_header);
                            }
                        }
                    });
                }
                Notice::Answer { payload } => failures.take(payload),
                Notice::Error(error) => failures.error(error),
                Notice::Open | Notice::Event { .. } => {}
                Notice::Closed(error) => failures.closed(&error),
            })
            .map_err(BenchError::io("poll"))?;
        bar.set_position(checker.next().into());
        let no_position = checker.next() > 0 && since.is_none();
        if no_position {
            let header = &options.position_header;
            return Err(BenchError::Options(format!(
                "MESSAGE has no header {header}"
            )));
        }
        if stop::requested() {
            return Err(BenchError::Stopped);
        }
        if Instant::now() > deadline || !swarm.is_open(0) {
            let mut why = Report::default();
            failures.report(&mut why);
            return Err(target.timed_out(format!("publishing {total} messages\n{why}")));
        }
    }
    bar.finish_and_clear();
    since.ok_or_else(|| target.timed_out("the first message"))
}

fn position(payload: &[u8], header: &str) -> Option<String> {
    let frames = swarm::frames(payload).ok()?;
    frames.first()?.get(header).map(str::to_owned)
}

#[derive(Default)]
struct Outcome {
    tally: Tally,
    failures: Failures,
    incomplete: u64,
    seconds: Vec<f64>,
    session_rates: Vec<f64>,
    round_rates: Vec<f64>,
    cpu_rates: Vec<f64>,
}

impl Outcome {
    fn round(
        &mut self,
        options: &Options,
        target: &Target<'_>,
        since: &str,
        server: Option<Server>,
    ) -> Result<(), BenchError> {
        let mut swarm = Swarm::new().map_err(BenchError::io("epoll"))?;
        let plan = Plan {
            subscribe: false,
            ..Plan::subscriber(0)
        };
        target.open(&mut swarm, &vec![plan; options.sessions])?;
        let end = options.messages + 1;
        let mut sessions: Vec<Session> = (0..options.sessions)
            .map(|_| Session {
                checker: SequenceChecker::starting_at(1),
                finished: None,
            })
            .collect();
        let mut subscribe = Vec::new();
        let frame = target.subscribe_frame(0).with(&options.since_header, since);
        frame.encode(Version::V1_2, &mut subscribe);

        let meter = Meter::start(server);
        let started = Instant::now();
        swarm
            .send_all(|outbox| {
                for index in 0..options.sessions {
                    outbox.send(index, &subscribe);
                }
            })
            .map_err(BenchError::io("subscribe"))?;
        let deadline = started + options.common.duration.max(options.common.answer_timeout);
        self.receive(target, &mut swarm, &mut sessions, end, deadline)?;
        let cost = meter.stop();
        self.take(&sessions, started, end, cost.server_cpu());
        Ok(())
    }

    fn receive(
        &mut self,
        target: &Target<'_>,
        swarm: &mut Swarm,
        sessions: &mut [Session],
        end: u32,
        deadline: Instant,
    ) -> Result<(), BenchError> {
        let finder = StampFinder::default();
        let mut left = sessions.len();
        let mut quiet_until = None;
        // A little longer than needed, so that repeats are seen.
        while Instant::now() < quiet_until.unwrap_or(deadline) && !stop::requested() {
            swarm
                .poll(Duration::from_millis(10), |index, notice, _| match notice {
                    Notice::Message { payload, .. } => {
                        let session = &mut sessions[index];
                        finder.each(payload, |stamp| {
                            if stamp.run == target.run {
                                session.checker.take(stamp.seq);
                            }
                        });
                        if session.finished.is_none() && session.checker.is_complete(end) {
                            session.finished = Some(Instant::now());
                            left -= 1;
                        }
                    }
                    Notice::Answer { payload } => self.failures.take(payload),
                    Notice::Error(error) => self.failures.error(error),
                    Notice::Open | Notice::Event { .. } => {}
                    Notice::Closed(error) => self.failures.closed(&error),
                })
                .map_err(BenchError::io("poll"))?;
            if left == 0 && quiet_until.is_none() {
                quiet_until = Some(Instant::now() + Duration::from_millis(20));
            }
        }
        Ok(())
    }

    fn take(&mut self, sessions: &[Session], started: Instant, end: u32, cpu: Option<f64>) {
        let missed = f64::from(end - 1);
        let mut last = started;
        let mut received = 0;
        for session in sessions {
            let tally = session.checker.tally(end);
            received += tally.received;
            self.tally.add(tally);
            match session.finished {
                Some(finished) => {
                    last = last.max(finished);
                    let seconds = finished.duration_since(started).as_secs_f64();
                    self.session_rates.push(missed / seconds);
                }
                None => self.incomplete += 1,
            }
        }
        let seconds = last.duration_since(started).as_secs_f64();
        if seconds > 0.0 {
            self.seconds.push(seconds);
            self.round_rates.push(received as f64 / seconds);
        }
        if let Some(cpu) = cpu.filter(|cpu| *cpu > 0.0) {
            self.cpu_rates.push(received as f64 / cpu);
        }
    }
}
