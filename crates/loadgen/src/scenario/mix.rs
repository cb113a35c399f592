//! Many rooms whose members talk.
//!
//! Sends have a schedule that does not wait for the server, and a latency
//! counts from the moment the schedule names, so that a server that stalls
//! cannot hide it by holding up the load (no coordinated omission).

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::{Duration, Instant};

use clap::Args;
use rand::RngExt as _;

use super::delivery::{Failures, report_tally};
use super::server::{self, Meter};
use super::target::{POLL_MAX, Plan, Target};
use crate::cli::Common;
use crate::error::BenchError;
use crate::report::Report;
use crate::sequence::{SequenceChecker, Tally};
use crate::stamp::{Stamp, StampFinder};
use crate::stats::Latencies;
use crate::stop;
use crate::swarm::{Notice, Swarm};
use crate::template::SendTemplate;

/// Options of `mix`.
#[derive(Clone, Debug, Args)]
pub struct Options {
    /// Options that all scenarios have.
    #[command(flatten)]
    pub common: Common,
    /// Rooms.
    #[arg(long, default_value_t = 500)]
    pub rooms: usize,
    /// Connections in each room, all as its user.
    #[arg(long, default_value_t = 4)]
    pub members_per_room: usize,
    /// Mean pause of a member between two sends, in milliseconds; each pause
    /// is between half and one and a half of it.
    #[arg(long, default_value_t = 5000)]
    pub think_ms: u64,
    /// Sends per second over all rooms at constant intervals, members in
    /// turn, in place of --think-ms.
    #[arg(long)]
    pub rate: Option<f64>,
}

/// When members send: a moment in nanoseconds, and which member.
struct Schedule {
    due: BinaryHeap<Reverse<(u64, usize)>>,
    pause_ns: u64,
    jitter: bool,
}

struct State {
    run: u16,
    members: usize,
    templates: Vec<SendTemplate>,
    /// Next number of each member.
    next: Vec<u32>,
    /// For each connection, one for each member of its room.
    checkers: Vec<SequenceChecker>,
    counts: Counts,
    latencies: Latencies,
    late: Latencies,
    failures: Failures,
    finder: StampFinder,
}

#[derive(Clone, Copy, Default)]
struct Counts {
    sends: u64,
    deliveries: u64,
}

/// Runs `mix`.
///
/// # Errors
///
/// See [`BenchError`]; what goes wrong while measuring is in the report.
pub fn run(options: &Options) -> Result<Report, BenchError> {
    let common = &options.common;
    let connections = options.rooms * options.members_per_room;
    let rate_is_wrong = options
        .rate
        .is_some_and(|rate| !(0.001..=1e7).contains(&rate));
    if connections == 0 || rate_is_wrong || options.think_ms == 0 {
        return Err(BenchError::Options("there is nothing to send".to_owned()));
    }
    let server = server::prepare(common)?;
    let target = Target::new(common)?;
    let mut swarm = Swarm::new().map_err(BenchError::io("epoll"))?;
    let members = options.members_per_room;
    let plans: Vec<Plan> = (0..connections)
        .map(|at| Plan::subscriber(at / members))
        .collect();
    target.open(&mut swarm, &plans)?;
    let mut state = State::new(options, &target)?;
    let mut schedule = Schedule::new(options, connections, swarm.now_ns());

    drive(&mut swarm, &mut state, Some(&mut schedule), common.warmup)?;
    state.reset();
    let meter = Meter::start(server);
    let started = Instant::now();
    drive(&mut swarm, &mut state, Some(&mut schedule), common.duration)?;
    let seconds = started.elapsed().as_secs_f64();
    let cost = meter.stop();
    let counts = state.counts;
    let until = Instant::now() + common.answer_timeout;
    while Instant::now() < until && !stop::requested() && !state.is_complete() {
        drive(&mut swarm, &mut state, None, POLL_MAX)?;
    }

    let mut report = Report::default();
    report
        .text("scenario", "mix")
        .text("url", &common.url)
        .count("rooms", options.rooms as u64)
        .count("members_per_room", members as u64)
        .count("body_bytes", common.body_bytes as u64)
        .number("seconds", seconds)
        .count("sends", counts.sends)
        .number("sends_per_second", counts.sends as f64 / seconds)
        .count("deliveries", counts.deliveries)
        .number("deliveries_per_second", counts.deliveries as f64 / seconds);
    report_tally(state.tally(), &mut report);
    state.failures.report(&mut report);
    report
        .group("latency_from_intended_send_ms", state.latencies.report())
        .group("client_behind_schedule_ms", state.late.report());
    cost.report("deliveries", counts.deliveries, &mut report);
    Ok(report)
}

/// Sends what is due, if there is a schedule, and takes what arrives.
fn drive(
    swarm: &mut Swarm,
    state: &mut State,
    mut schedule: Option<&mut Schedule>,
    duration: Duration,
) -> Result<(), BenchError> {
    let until = Instant::now() + duration;
    while Instant::now() < until && !stop::requested() {
        let mut wait = until
            .saturating_duration_since(Instant::now())
            .min(POLL_MAX);
        if let Some(schedule) = &mut schedule {
            let now = swarm.now_ns();
            while let Some((due, member)) = schedule.next(now) {
                if swarm.is_open(member) {
                    state.send(swarm, member, due)?;
                }
            }
            wait = wait.min(schedule.wait(swarm.now_ns()));
        }
        swarm
            .poll(wait, |index, notice, _| state.take(index, notice))
            .map_err(BenchError::io("poll"))?;
    }
    Ok(())
}

impl Schedule {
    fn new(options: &Options, members: usize, now_ns: u64) -> Schedule {
        let pause_ns = match options.rate {
            Some(rate) => (members as f64 * 1e9 / rate) as u64,
            None => options.think_ms * 1_000_000,
        };
        let step = pause_ns as f64 / members as f64;
        let first = |member: usize| Reverse((now_ns + (member as f64 * step) as u64, member));
        Schedule {
            due: (0..members).map(first).collect(),
            pause_ns,
            jitter: options.rate.is_none(),
        }
    }

    /// Whose turn it is, and since when; puts the member's next turn in.
    fn next(&mut self, now_ns: u64) -> Option<(u64, usize)> {
        let mut first = self.due.peek_mut()?;
        let Reverse((due, member)) = *first;
        if due > now_ns {
            return None;
        }
        let pause = match self.jitter {
            true => rand::rng().random_range(self.pause_ns / 2..=self.pause_ns * 3 / 2),
            false => self.pause_ns,
        };
        *first = Reverse((due + pause, member));
        Some((due, member))
    }

    fn wait(&self, now_ns: u64) -> Duration {
        let due = self.due.peek().map_or(u64::MAX, |Reverse((due, _))| *due);
        Duration::from_nanos(due.saturating_sub(now_ns))
    }
}

impl State {
    fn new(options: &Options, target: &Target<'_>) -> Result<State, BenchError> {
        let members = options.members_per_room;
        let connections = options.rooms * members;
        Ok(State {
            run: target.run,
            members,
            templates: (0..options.rooms)
                .map(|room| target.send_template(room, false))
                .collect::<Result<_, _>>()?,
            next: vec![0; connections],
            checkers: vec![SequenceChecker::default(); connections * members],
            counts: Counts::default(),
            latencies: Latencies::default(),
            late: Latencies::default(),
            failures: Failures::default(),
            finder: StampFinder::default(),
        })
    }

    fn reset(&mut self) {
        self.counts = Counts::default();
        self.latencies.clear();
        self.late.clear();
    }

    fn send(&mut self, swarm: &mut Swarm, member: usize, due: u64) -> Result<(), BenchError> {
        let stamp = Stamp {
            run: self.run,
            stream: member as u32,
            seq: self.next[member],
            sent_ns: due,
        };
        self.next[member] += 1;
        self.counts.sends += 1;
        self.late.record_ns(swarm.now_ns().saturating_sub(due));
        let frame = self.templates[member / self.members].render(&stamp, 0);
        swarm.send(member, frame).map_err(BenchError::io("send"))
    }

    fn take(&mut self, index: usize, notice: Notice<'_>) {
        match notice {
            Notice::Message { payload, at_ns } => {
                let members = self.members;
                self.finder.each(payload, |stamp| {
                    let sender = stamp.stream as usize;
                    // Only a message of the own room can be meant.
                    if stamp.run == self.run && sender / members == index / members {
                        self.checkers[index * members + sender % members].take(stamp.seq);
                        self.counts.deliveries += 1;
                        self.latencies
                            .record_ns(at_ns.saturating_sub(stamp.sent_ns));
                    }
                });
            }
            Notice::Answer { payload } => self.failures.take(payload),
            Notice::Error(error) => self.failures.error(error),
            Notice::Open | Notice::Event { .. } => {}
            Notice::Closed(error) => self.failures.closed(&error),
        }
    }

    /// Each checker with how many its sender sent.
    fn expected(&self) -> impl Iterator<Item = (&SequenceChecker, u32)> {
        self.checkers.iter().enumerate().map(|(at, checker)| {
            let room = at / self.members / self.members;
            (checker, self.next[room * self.members + at % self.members])
        })
    }

    fn is_complete(&self) -> bool {
        self.expected()
            .all(|(checker, sent)| checker.is_complete(sent))
    }

    fn tally(&self) -> Tally {
        let mut tally = Tally::default();
        for (checker, sent) in self.expected() {
            tally.add(checker.tally(sent));
        }
        tally
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_spreads_members_evenly_and_goes_on_however_late_it_is_asked() {
        let mut schedule = Schedule {
            due: (0..4)
                .map(|member| Reverse((member as u64 * 25, member)))
                .collect(),
            pause_ns: 100,
            jitter: false,
        };
        assert_eq!(schedule.next(0), Some((0, 0)));
        assert_eq!(schedule.next(24), None);
        assert_eq!(schedule.wait(20), Duration::from_nanos(5));
        let late: Vec<_> = std::iter::from_fn(|| schedule.next(150)).collect();
        assert_eq!(
            late,
            [(25, 1), (50, 2), (75, 3), (100, 0), (125, 1), (150, 2)]
        );
    }
}
