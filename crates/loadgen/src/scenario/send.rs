//! Sends over many rooms, each confirmed by a receipt.

use std::time::{Duration, Instant};

use clap::Args;
use madang_wire::stomp::{Command, Frame, Version};

use super::delivery::{Failures, report_tally};
use super::server::{self, Meter};
use super::target::{POLL_MAX, Plan, SUBSCRIPTION, Target};
use crate::cli::Common;
use crate::error::BenchError;
use crate::report::Report;
use crate::sequence::{SequenceChecker, Tally};
use crate::stamp::{Stamp, StampFinder};
use crate::stats::Latencies;
use crate::stop;
use crate::swarm::{self, Notice, Outbox, Swarm};
use crate::template::{SendTemplate, receipt_number};

/// Options of `send`.
#[derive(Clone, Debug, Args)]
pub struct Options {
    /// Options that all scenarios have.
    #[command(flatten)]
    pub common: Common,
    /// Rooms, each with a user and a connection of its own.
    #[arg(long, default_value_t = 1000)]
    pub rooms: usize,
    /// Sends in flight. Each sender takes its share of the rooms in turn and
    /// waits for the receipt before the next.
    #[arg(long, default_value_t = 64)]
    pub senders: usize,
    /// Stay subscribed, so that every send is delivered to its sender too, and
    /// check what is delivered. Otherwise the rooms are left after SUBSCRIBE
    /// has made them.
    #[arg(long)]
    pub keep_subscribed: bool,
}

struct Sender {
    /// The room of its next send.
    room: usize,
    waiting: Option<Waiting>,
}

#[derive(Clone, Copy)]
struct Waiting {
    receipt: u64,
    room: usize,
    sent: Instant,
}

struct Room {
    template: SendTemplate,
    seq: u32,
    checker: SequenceChecker,
    open: bool,
}

struct State {
    run: u16,
    senders: Vec<Sender>,
    rooms: Vec<Room>,
    receipts: u64,
    started: Instant,
    finder: StampFinder,
    counts: Counts,
    latencies: Latencies,
    failures: Failures,
    sending: bool,
}

#[derive(Clone, Copy, Default)]
struct Counts {
    sent: u64,
    confirmed: u64,
    missing: u64,
    unexpected: u64,
    delivered: u64,
}

/// Runs `send`.
///
/// # Errors
///
/// See [`BenchError`]; what goes wrong while measuring is in the report.
pub fn run(options: &Options) -> Result<Report, BenchError> {
    let common = &options.common;
    if options.senders == 0 || options.rooms < options.senders {
        return Err(BenchError::Options("every sender needs a room".to_owned()));
    }
    let server = server::prepare(common)?;
    let target = Target::new(common)?;
    let mut swarm = Swarm::new().map_err(BenchError::io("epoll"))?;
    let plans: Vec<Plan> = (0..options.rooms).map(Plan::subscriber).collect();
    target.open(&mut swarm, &plans)?;
    if !options.keep_subscribed {
        unsubscribe(&mut swarm)?;
    }
    let mut state = State::new(options, &target, &swarm)?;

    drive(&mut swarm, &mut state, common, common.warmup)?;
    state.counts = Counts::default();
    state.latencies.clear();
    let meter = Meter::start(server);
    let started = Instant::now();
    drive(&mut swarm, &mut state, common, common.duration)?;
    let seconds = started.elapsed().as_secs_f64();
    let cost = meter.stop();
    let measured = (state.counts, state.latencies.clone());
    state.sending = false;
    let until = Instant::now() + common.answer_timeout;
    while state.is_waiting() && Instant::now() < until && !stop::requested() {
        poll(&mut swarm, &mut state, until)?;
    }
    state.give_up(Duration::ZERO);

    let (counts, latencies) = measured;
    let mut report = Report::default();
    report
        .text("scenario", "send")
        .text("url", &common.url)
        .count("rooms", options.rooms as u64)
        .count("senders", options.senders as u64)
        .count("body_bytes", common.body_bytes as u64)
        .number("seconds", seconds)
        .count("sends", counts.confirmed)
        .number("sends_per_second", counts.confirmed as f64 / seconds)
        .count("receipts_missing", state.counts.missing)
        .count("receipts_unexpected", state.counts.unexpected);
    if options.keep_subscribed {
        report.count("deliveries", counts.delivered);
        report_tally(state.tally(), &mut report);
    }
    state.failures.report(&mut report);
    report.group("latency_ms", latencies.report());
    cost.report("sends", counts.confirmed, &mut report);
    Ok(report)
}

fn unsubscribe(swarm: &mut Swarm) -> Result<(), BenchError> {
    let mut bytes = Vec::new();
    Frame::new(Command::Unsubscribe)
        .with("id", SUBSCRIPTION)
        .encode(Version::V1_2, &mut bytes);
    for index in 0..swarm.len() {
        swarm
            .send(index, &bytes)
            .map_err(BenchError::io("unsubscribe"))?;
    }
    Ok(())
}

fn drive(
    swarm: &mut Swarm,
    state: &mut State,
    common: &Common,
    duration: Duration,
) -> Result<(), BenchError> {
    let until = Instant::now() + duration;
    while Instant::now() < until && !stop::requested() && state.rooms.iter().any(|room| room.open) {
        state.give_up(common.answer_timeout);
        swarm
            .send_all(|outbox| {
                for sender in 0..state.senders.len() {
                    if state.senders[sender].waiting.is_none() {
                        state.send(sender, outbox);
                    }
                }
            })
            .map_err(BenchError::io("send"))?;
        poll(swarm, state, until)?;
    }
    Ok(())
}

fn poll(swarm: &mut Swarm, state: &mut State, until: Instant) -> Result<(), BenchError> {
    let left = until.saturating_duration_since(Instant::now());
    swarm
        .poll(left.min(POLL_MAX), |index, notice, outbox| {
            state.take(index, notice, outbox);
        })
        .map_err(BenchError::io("poll"))
}

impl State {
    fn new(options: &Options, target: &Target<'_>, swarm: &Swarm) -> Result<State, BenchError> {
        let room = |n| {
            Ok(Room {
                template: target.send_template(n, true)?,
                seq: 0,
                checker: SequenceChecker::default(),
                open: true,
            })
        };
        let sender = |room| Sender {
            room,
            waiting: None,
        };
        Ok(State {
            run: target.run,
            senders: (0..options.senders).map(sender).collect(),
            rooms: (0..options.rooms)
                .map(room)
                .collect::<Result<_, BenchError>>()?,
            receipts: 0,
            started: swarm.started(),
            finder: StampFinder::default(),
            counts: Counts::default(),
            latencies: Latencies::default(),
            failures: Failures::default(),
            sending: true,
        })
    }

    /// Sends to the sender's next room that is still open.
    fn send(&mut self, sender: usize, outbox: &mut Outbox) {
        let senders = self.senders.len();
        let mut room = self.senders[sender].room;
        for _ in 0..self.rooms.len().div_ceil(senders) {
            let next = if room + senders < self.rooms.len() {
                room + senders
            } else {
                sender
            };
            if self.rooms[room].open {
                self.senders[sender].room = next;
                return self.send_to(sender, room, outbox);
            }
            room = next;
        }
    }

    fn send_to(&mut self, sender: usize, index: usize, outbox: &mut Outbox) {
        let room = &mut self.rooms[index];
        let receipt = self.receipts * self.senders.len() as u64 + sender as u64;
        let sent = Instant::now();
        let stamp = Stamp {
            run: self.run,
            stream: index as u32,
            seq: room.seq,
            sent_ns: sent.duration_since(self.started).as_nanos() as u64,
        };
        outbox.send(index, room.template.render(&stamp, receipt));
        room.seq += 1;
        self.receipts += 1;
        self.counts.sent += 1;
        self.senders[sender].waiting = Some(Waiting {
            receipt,
            room: index,
            sent,
        });
    }

    fn take(&mut self, index: usize, notice: Notice<'_>, outbox: &mut Outbox) {
        match notice {
            Notice::Message { payload, .. } => {
                self.finder.each(payload, |stamp| {
                    if stamp.run == self.run && stamp.stream as usize == index {
                        self.rooms[index].checker.take(stamp.seq);
                        self.counts.delivered += 1;
                    }
                });
            }
            Notice::Answer { payload } => self.answered(payload, outbox),
            Notice::Error(error) => self.failures.error(error),
            Notice::Open | Notice::Event { .. } => {}
            Notice::Closed(error) => {
                self.failures.closed(&error);
                self.rooms[index].open = false;
            }
        }
    }

    fn answered(&mut self, payload: &[u8], outbox: &mut Outbox) {
        let frames = match swarm::frames(payload) {
            Ok(frames) => frames,
            Err(error) => return self.failures.error(error.to_string()),
        };
        for frame in frames {
            match frame.command {
                Command::Receipt => {
                    let number = frame.get("receipt-id").and_then(receipt_number);
                    self.confirmed(number, outbox);
                }
                Command::Error => {
                    let message = frame.get("message").unwrap_or("no message");
                    self.failures.error(format!("ERROR: {message}"));
                }
                _ => {}
            }
        }
    }

    fn confirmed(&mut self, number: Option<u64>, outbox: &mut Outbox) {
        let senders = self.senders.len() as u64;
        let sender = number.map_or(0, |number| (number % senders) as usize);
        match self.senders[sender].waiting {
            Some(waiting) if Some(waiting.receipt) == number => {
                self.latencies.record(waiting.sent.elapsed());
                self.counts.confirmed += 1;
                self.senders[sender].waiting = None;
                if self.sending {
                    self.send(sender, outbox);
                }
            }
            _ => self.counts.unexpected += 1,
        }
    }

    /// Stops waiting for receipts that are late or whose connection is gone.
    fn give_up(&mut self, timeout: Duration) {
        for sender in &mut self.senders {
            if let Some(waiting) = sender.waiting
                && (waiting.sent.elapsed() >= timeout || !self.rooms[waiting.room].open)
            {
                sender.waiting = None;
                self.counts.missing += 1;
            }
        }
    }

    fn is_waiting(&self) -> bool {
        self.senders.iter().any(|sender| sender.waiting.is_some())
    }

    fn tally(&self) -> Tally {
        let mut tally = Tally::default();
        for room in &self.rooms {
            tally.add(room.checker.tally(room.seq));
        }
        tally
    }
}
