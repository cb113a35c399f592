//! One destination, many subscribers, one publisher that keeps a window of
//! messages in flight.

use std::collections::VecDeque;
use std::ops::Range;
use std::time::{Duration, Instant};

use madang_wire::stomp::Command;
use madang_wire::websocket::{self, Kind};

use super::target::{POLL_MAX, Plan, Target};
use crate::ceiling::CeilingProcess;
use crate::error::BenchError;
use crate::report::Report;
use crate::sequence::{SequenceChecker, Tally};
use crate::stamp::{Stamp, StampFinder};
use crate::stats::Latencies;
use crate::stop;
use crate::swarm::{self, Notice, Opening, Outbox, Swarm, Transport};
use crate::template::SendTemplate;

/// The connection that publishes; it may be a subscriber too.
const PUBLISHER: usize = 0;

/// The subscribers of one destination and what they got.
pub(super) struct Fleet {
    pub(super) swarm: Swarm,
    /// The connections that subscribe.
    subscribers: Range<usize>,
    state: State,
}

struct State {
    publish: Publish,
    run: u16,
    outstanding: usize,
    started: Instant,
    finder: StampFinder,
    book: Book,
    /// The first MESSAGE that the publisher got.
    sample: Option<Vec<u8>>,
}

enum Publish {
    Stomp(SendTemplate),
    /// To the bare loop: the stamp alone, nothing to decode around it.
    Bare,
}

/// What was published and what arrived.
struct Book {
    checkers: Vec<SequenceChecker>,
    /// Subscribers that nobody waits for, such as stalled or closed ones.
    ignored: Vec<bool>,
    window: Window,
    counts: Counts,
    latencies: Latencies,
    failures: Failures,
}

/// Counted since the last [`Fleet::reset`].
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    pub(super) published: u64,
    /// To subscribers that are waited for.
    pub(super) deliveries: u64,
    /// To the others.
    pub(super) ignored_deliveries: u64,
    /// Messages given up before every subscriber had them.
    pub(super) incomplete: u64,
}

/// What went wrong on connections; the first one in words.
#[derive(Debug, Default)]
pub(super) struct Failures {
    pub(super) errors: u64,
    pub(super) closed: u64,
    first: Option<String>,
}

/// The messages in flight: how many got each, and when it was sent.
struct Window {
    base: u32,
    counts: VecDeque<(usize, u64)>,
    need: usize,
}

impl Fleet {
    /// Connects `subscribers` as one user; the last `stalled` of them get a
    /// small receive buffer and are not waited for.
    pub(super) fn open(
        target: &Target<'_>,
        subscribers: usize,
        stalled: usize,
        outstanding: usize,
        stalled_buffer: usize,
    ) -> Result<Fleet, BenchError> {
        let mut swarm = Swarm::new().map_err(BenchError::io("epoll"))?;
        let mut plans = vec![Plan::subscriber(0); subscribers];
        for plan in plans.iter_mut().rev().take(stalled) {
            plan.receive_buffer = Some(stalled_buffer);
        }
        target.open(&mut swarm, &plans)?;
        let publish = Publish::Stomp(target.send_template(0, false)?);
        let mut fleet = Fleet::new(swarm, 0..subscribers, publish, target.run, outstanding);
        for index in subscribers - stalled..subscribers {
            fleet.state.book.ignore(index);
        }
        Ok(fleet)
    }

    /// Connects `subscribers` as one user over `transport`, and a publisher
    /// that does not subscribe, always the same way.
    pub(super) fn open_over(
        target: &Target<'_>,
        transport: Transport,
        subscribers: usize,
        outstanding: usize,
    ) -> Result<Fleet, BenchError> {
        let mut swarm = Swarm::new().map_err(BenchError::io("epoll"))?;
        let subscriber = Plan {
            transport,
            ..Plan::subscriber(0)
        };
        let publisher = Plan {
            subscribe: false,
            ..Plan::subscriber(0)
        };
        let mut plans = vec![subscriber; subscribers + 1];
        plans[PUBLISHER] = publisher;
        target.open(&mut swarm, &plans)?;
        let publish = Publish::Stomp(target.send_template(0, false)?);
        // Its own mark: the log may hold what an earlier fleet published.
        let run = rand::random();
        let mut fleet = Fleet::new(swarm, 1..subscribers + 1, publish, run, outstanding);
        fleet.state.book.ignore(PUBLISHER);
        Ok(fleet)
    }

    /// Connects `subscribers` to the bare loop.
    pub(super) fn open_bare(
        ceiling: &CeilingProcess,
        subscribers: usize,
        run: u16,
        outstanding: usize,
    ) -> Result<Fleet, BenchError> {
        let mut swarm = Swarm::new().map_err(BenchError::io("epoll"))?;
        for _ in 0..subscribers {
            swarm
                .connect(ceiling.address, &Opening::Bare)
                .map_err(BenchError::io("connect to the ceiling"))?;
        }
        let publish = Publish::Bare;
        Ok(Fleet::new(swarm, 0..subscribers, publish, run, outstanding))
    }

    fn new(
        swarm: Swarm,
        subscribers: Range<usize>,
        publish: Publish,
        run: u16,
        outstanding: usize,
    ) -> Fleet {
        let connections = swarm.len();
        let book = Book {
            checkers: vec![SequenceChecker::default(); connections],
            ignored: vec![false; connections],
            window: Window {
                base: 0,
                counts: VecDeque::new(),
                need: connections,
            },
            counts: Counts::default(),
            latencies: Latencies::default(),
            failures: Failures::default(),
        };
        Fleet {
            state: State {
                publish,
                run,
                outstanding,
                started: swarm.started(),
                finder: StampFinder::default(),
                book,
                sample: None,
            },
            swarm,
            subscribers,
        }
    }

    /// Publishes for so long, or until there is nobody to publish to.
    pub(super) fn drive(
        &mut self,
        duration: Duration,
        answer_timeout: Duration,
    ) -> Result<(), BenchError> {
        let until = Instant::now() + duration;
        while Instant::now() < until && !stop::requested() && self.is_alive() {
            let state = &mut self.state;
            let now = self.swarm.now_ns();
            state.book.give_up(now, answer_timeout);
            self.swarm
                .send_all(|outbox| state.top_up(outbox))
                .map_err(BenchError::io("poll"))?;
            self.poll(until, true)?;
        }
        Ok(())
    }

    /// Waits until every open subscriber has everything, or so long.
    pub(super) fn drain(&mut self, timeout: Duration) -> Result<(), BenchError> {
        let until = Instant::now() + timeout;
        while Instant::now() < until && !stop::requested() && !self.is_complete() {
            self.poll(until, false)?;
        }
        Ok(())
    }

    fn poll(&mut self, until: Instant, publishing: bool) -> Result<(), BenchError> {
        let left = until.saturating_duration_since(Instant::now());
        let state = &mut self.state;
        self.swarm
            .poll(left.min(POLL_MAX), |index, notice, outbox| {
                state.take(index, notice, publishing, outbox);
            })
            .map_err(BenchError::io("poll"))
    }

    /// Begins to count anew. Sequences go on.
    pub(super) fn reset(&mut self) {
        self.state.book.counts = Counts::default();
        self.state.book.latencies.clear();
    }

    pub(super) fn counts(&self) -> Counts {
        self.state.book.counts
    }

    pub(super) fn latencies(&self) -> &Latencies {
        &self.state.book.latencies
    }

    pub(super) fn failures(&self) -> &Failures {
        &self.state.book.failures
    }

    /// The number of the message to be published next.
    pub(super) fn next_seq(&self) -> u32 {
        self.state.book.window.next_seq()
    }

    /// One behind the highest message that a subscriber has.
    pub(super) fn head_of(&self, index: usize) -> u32 {
        self.state.book.checkers[index].next()
    }

    /// What went wrong since the beginning, for all subscribers.
    pub(super) fn tally_all(&self) -> Tally {
        self.tally(self.subscribers.clone())
    }

    /// Ends all sessions, so that nothing of them is left at the server.
    pub(super) fn close(self, timeout: Duration) -> Result<(), BenchError> {
        self.swarm.close(timeout).map_err(BenchError::io("poll"))
    }

    /// What went wrong since the beginning, for these subscribers.
    pub(super) fn tally(&self, indices: Range<usize>) -> Tally {
        let end = self.next_seq();
        let mut tally = Tally::default();
        for checker in &self.state.book.checkers[indices] {
            tally.add(checker.tally(end));
        }
        tally
    }

    /// The bytes of one delivered WebSocket frame.
    pub(super) fn sample(&self) -> Option<Vec<u8>> {
        let payload = self.state.sample.as_ref()?;
        let mut frame = Vec::new();
        websocket::encode_message(Kind::Text, payload, &mut frame);
        Some(frame)
    }

    fn is_alive(&self) -> bool {
        self.swarm.is_open(PUBLISHER)
    }

    /// Whether every open subscriber has all that was published.
    pub(super) fn is_complete(&self) -> bool {
        let end = self.next_seq();
        self.subscribers.clone().all(|index| {
            self.state.book.checkers[index].is_complete(end) || !self.swarm.is_open(index)
        })
    }
}

impl State {
    fn take(&mut self, index: usize, notice: Notice<'_>, publishing: bool, outbox: &mut Outbox) {
        match notice {
            Notice::Message { payload, at_ns } => {
                if self.sample.is_none() && crate::stamp::position(payload).is_some() {
                    self.sample = Some(payload.to_vec());
                }
                let book = &mut self.book;
                self.finder.each(payload, |stamp| {
                    if stamp.run == self.run {
                        book.delivered(index, stamp, at_ns);
                    }
                });
                if publishing {
                    self.top_up(outbox);
                }
            }
            Notice::Answer { payload } => self.book.failures.take(payload),
            Notice::Error(error) => self.book.failures.error(error),
            Notice::Open | Notice::Event { .. } => {}
            Notice::Closed(error) => {
                self.book.failures.closed(&error);
                self.book.ignore(index);
            }
        }
    }

    /// Publishes until as many messages are in flight as may be.
    fn top_up(&mut self, outbox: &mut Outbox) {
        while self.book.window.counts.len() < self.outstanding {
            let sent_ns = self.started.elapsed().as_nanos() as u64;
            let stamp = Stamp {
                run: self.run,
                stream: 0,
                seq: self.book.window.next_seq(),
                sent_ns,
            };
            match &mut self.publish {
                Publish::Stomp(template) => outbox.send(PUBLISHER, template.render(&stamp, 0)),
                Publish::Bare => outbox.raw(PUBLISHER, &stamp.encode()),
            }
            self.book.window.counts.push_back((0, sent_ns));
            self.book.counts.published += 1;
        }
    }
}

impl Book {
    fn delivered(&mut self, index: usize, stamp: Stamp, at_ns: u64) {
        let first = self.checkers[index].take(stamp.seq);
        if self.ignored[index] {
            self.counts.ignored_deliveries += 1;
            return;
        }
        self.counts.deliveries += 1;
        self.latencies
            .record_ns(at_ns.saturating_sub(stamp.sent_ns));
        if first {
            self.window.delivered(stamp.seq);
        }
    }

    fn ignore(&mut self, index: usize) {
        if !std::mem::replace(&mut self.ignored[index], true) {
            self.window.need -= 1;
        }
    }

    /// Stops waiting for what some subscriber did not get in time.
    fn give_up(&mut self, now_ns: u64, timeout: Duration) {
        let timeout = timeout.as_nanos() as u64;
        let window = &mut self.window;
        while let Some((_, sent_ns)) = window.counts.front()
            && now_ns.saturating_sub(*sent_ns) > timeout
        {
            window.pop();
            self.counts.incomplete += 1;
        }
    }
}

impl Window {
    fn next_seq(&self) -> u32 {
        self.base + self.counts.len() as u32
    }

    fn delivered(&mut self, seq: u32) {
        let Some(at) = seq.checked_sub(self.base) else {
            return;
        };
        if let Some((count, _)) = self.counts.get_mut(at as usize) {
            *count += 1;
        }
        while self
            .counts
            .front()
            .is_some_and(|(count, _)| *count >= self.need)
        {
            self.pop();
        }
    }

    fn pop(&mut self) {
        self.counts.pop_front();
        self.base += 1;
    }
}

impl Failures {
    /// Takes note of the ERRORs in what is no MESSAGE.
    pub(super) fn take(&mut self, payload: &[u8]) {
        match swarm::frames(payload) {
            Ok(frames) => {
                for frame in frames {
                    if frame.command == Command::Error {
                        let message = frame.get("message").unwrap_or("no message");
                        self.error(format!("ERROR: {message}"));
                    }
                }
            }
            Err(error) => self.error(error.to_string()),
        }
    }

    pub(super) fn error(&mut self, what: String) {
        self.errors += 1;
        self.first.get_or_insert(what);
    }

    pub(super) fn closed(&mut self, error: &crate::client::ClientError) {
        self.closed += 1;
        self.first.get_or_insert_with(|| error.to_string());
    }

    /// Adds those of other connections.
    pub(super) fn add(&mut self, other: &Failures) {
        self.errors += other.errors;
        self.closed += other.closed;
        if self.first.is_none() {
            self.first.clone_from(&other.first);
        }
    }

    /// Adds the counts, and the words if there are any.
    pub(super) fn report(&self, report: &mut Report) {
        report
            .count("errors", self.errors)
            .count("connections_closed", self.closed);
        if let Some(first) = &self.first {
            report.text("first_failure", first);
        }
    }
}

/// Adds lost, repeated and out of order.
pub(super) fn report_tally(tally: Tally, report: &mut Report) {
    report
        .count("lost", tally.lost)
        .count("repeated", tally.repeated)
        .count("out_of_order", tally.out_of_order);
}
