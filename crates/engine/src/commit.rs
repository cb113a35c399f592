//! The commit pipeline: group commit without a timer.
//!
//! Commands that arrive while a transaction runs form the next one, so an idle server adds no
//! latency and a busy one spreads the cost of a commit. There are as many lanes as the store has writers;
//! a room's commands take one of them. All that changes a log comes this way, so that what is delivered
//! live comes in the order of the log.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use madang_domain::ports::{Commit, StoreError};
use madang_domain::{Answer, Appended, Code, Command, DraftGroup, Error, Outcome};
use parking_lot::Mutex;
use tokio::sync::{Notify, Semaphore, mpsc};

use crate::telemetry::Telemetry;

/// Batches that may wait for dispatch while the next transaction runs.
const BATCHES_IN_DISPATCH: usize = 2;

/// After so many commands in a row that the store could not take one by one, the rest of the batch
/// is failed without a try: the store is down, and each try may wait for a time-out.
const CONSECUTIVE_FAILURES_MAX: usize = 3;

/// Receives what became of a command. Called once, after the commit, in the order of submission.
/// Must not wait.
pub type Reply = Box<dyn FnOnce(Result<Answer, Error>) + Send>;

/// What became of one group: one [`Appended`] per draft, or why the whole group was refused.
pub type GroupOutcome = Result<Vec<Appended>, Error>;

/// A command and whoever waits for it.
pub struct Submission {
    /// Carried out whole or not at all.
    pub command: Command,
    /// Told after the commit.
    pub reply: Reply,
}

impl Submission {
    /// Of drafts that are accepted together or not at all.
    #[must_use]
    pub fn send(group: DraftGroup, reply: impl FnOnce(GroupOutcome) + Send + 'static) -> Self {
        Self {
            command: Command::Send(group),
            reply: Box::new(move |outcome| {
                reply(outcome.and_then(Answer::into_sent));
            }),
        }
    }
}

/// What became of a transaction.
pub(crate) struct CommittedBatch {
    /// Whoever waited and what they are told, in order.
    pub(crate) outcomes: Vec<(Reply, Outcome)>,
    /// A change of whose rooms are which may have been stored, or not.
    pub(crate) rooms_unknown: bool,
}

/// Bytes of text and data that one place in the queue is for.
const PLACE_BYTES: usize = 1024;

/// The bounds of the pipeline.
#[derive(Debug, Clone, Copy)]
pub struct CommitLimits {
    /// Drafts in one transaction at most; bounds how long a reader of the reply waits.
    pub batch_drafts_max: usize,
    /// Bytes of text and data in one transaction at most.
    pub batch_bytes_max: usize,
    /// Drafts that may wait at once, and KiB of text and data; senders beyond it wait ([`CommitPipeline::submit`]).
    pub queue_drafts_max: usize,
}

/// The way in. Shared by all senders; each lane is run by one task.
pub struct CommitPipeline {
    lanes: Box<[Lane]>,
    /// Of all lanes together.
    drafts: AtomicUsize,
    places: Semaphore,
    limits: CommitLimits,
    telemetry: Arc<dyn Telemetry>,
}

struct Lane {
    queue: Mutex<Queue>,
    arrived: Notify,
}

struct Queue {
    submissions: VecDeque<Submission>,
    open: bool,
}

impl CommitPipeline {
    /// `lanes` is at least one.
    pub(crate) fn new(limits: CommitLimits, lanes: usize, telemetry: Arc<dyn Telemetry>) -> Self {
        let lane = || Lane {
            queue: Mutex::new(Queue {
                submissions: VecDeque::new(),
                open: true,
            }),
            arrived: Notify::new(),
        };
        Self {
            lanes: std::iter::repeat_with(lane).take(lanes.max(1)).collect(),
            drafts: AtomicUsize::new(0),
            places: Semaphore::new(limits.queue_drafts_max),
            limits,
            telemetry,
        }
    }

    /// Queues `submission` if there is a place for all its drafts.
    ///
    /// # Errors
    /// Gives the submission back when the queue is full: use [`CommitPipeline::submit`] to wait.
    pub fn try_submit(&self, submission: Submission) -> Result<(), Submission> {
        let Ok(permit) = self.places.try_acquire_many(self.places_for(&submission)) else {
            return Err(submission);
        };
        permit.forget();
        self.enqueue(submission);
        Ok(())
    }

    /// Queues `submission`, waiting for a place. Submissions of one task to one room keep their
    /// order. Cancel
    /// safe: a cancelled call has queued nothing.
    pub async fn submit(&self, submission: Submission) {
        // The semaphore is never closed.
        if let Ok(permit) = self.places.acquire_many(self.places_for(&submission)).await {
            permit.forget();
            self.enqueue(submission);
        }
    }

    /// How many places a submission takes: one per draft, and of large ones one per KiB, so that what
    /// waits is bounded in bytes as well. Never more than there are, or it would wait for ever.
    fn places_for(&self, submission: &Submission) -> u32 {
        let command = &submission.command;
        let large = command.bytes().div_ceil(PLACE_BYTES);
        let places = command.weight().max(large);
        u32::try_from(places.min(self.limits.queue_drafts_max)).unwrap_or(u32::MAX)
    }

    fn enqueue(&self, submission: Submission) {
        let lane = &self.lanes[submission.command.lane(self.lanes.len())];
        let mut queue = lane.queue.lock();
        if !queue.open {
            drop(queue);
            self.places
                .add_permits(self.places_for(&submission) as usize);
            return (submission.reply)(Err(Code::Draining.into()));
        }
        let weight = submission.command.weight();
        self.drafts.fetch_add(weight, Ordering::Relaxed);
        queue.submissions.push_back(submission);
        drop(queue);
        lane.arrived.notify_one();
    }

    /// Refuses new submissions from now on; what is queued is still committed.
    pub(crate) fn close(&self) {
        for lane in &self.lanes {
            lane.queue.lock().open = false;
            lane.arrived.notify_one();
        }
    }

    pub(crate) fn lanes(&self) -> usize {
        self.lanes.len()
    }

    /// Runs a lane's transactions until the pipeline is closed and the lane empty.
    pub(crate) async fn run(
        &self,
        lane: usize,
        store: Arc<dyn Commit>,
        out: mpsc::Sender<CommittedBatch>,
    ) {
        let lane = &self.lanes[lane];
        while let Some(batch) = self.next_batch(lane).await {
            let drafts: usize = batch.iter().map(|s| s.command.weight()).sum();
            let places: usize = batch.iter().map(|s| self.places_for(s) as usize).sum();
            let (commands, replies): (Vec<_>, Vec<_>) =
                batch.into_iter().map(|s| (s.command, s.reply)).unzip();
            let started = Instant::now();
            let (outcomes, rooms_unknown) = self.commit(&*store, commands).await;
            self.telemetry.batch_committed(drafts, started.elapsed());
            self.places.add_permits(places);
            let batch = CommittedBatch {
                outcomes: replies.into_iter().zip(outcomes).collect(),
                rooms_unknown,
            };
            if out.send(batch).await.is_err() {
                return;
            }
        }
    }

    pub(crate) fn dispatch_channel()
    -> (mpsc::Sender<CommittedBatch>, mpsc::Receiver<CommittedBatch>) {
        mpsc::channel(BATCHES_IN_DISPATCH)
    }

    async fn next_batch(&self, lane: &Lane) -> Option<Vec<Submission>> {
        loop {
            let (batch, open) = self.take_batch(lane);
            if batch.is_some() || !open {
                return batch;
            }
            lane.arrived.notified().await;
        }
    }

    /// What is queued, up to the limits, and whether more may come: asked at one moment, so that
    /// nothing is queued behind a lane that has ended.
    fn take_batch(&self, lane: &Lane) -> (Option<Vec<Submission>>, bool) {
        let mut queue = lane.queue.lock();
        let open = queue.open;
        let (mut batch, mut drafts, mut bytes, mut taken) = (Vec::new(), 0, 0, 0);
        while let Some(next) = queue.submissions.front() {
            drafts += next.command.weight();
            bytes += next.command.bytes();
            let full = drafts > self.limits.batch_drafts_max || bytes > self.limits.batch_bytes_max;
            if full && !batch.is_empty() {
                break;
            }
            let Some(next) = queue.submissions.pop_front() else {
                break;
            };
            taken += next.command.weight();
            batch.push(next);
        }
        drop(queue);
        let left = self.drafts.fetch_sub(taken, Ordering::Relaxed) - taken;
        self.telemetry.commit_queue_depth(left);
        ((!batch.is_empty()).then_some(batch), open)
    }

    /// One transaction; if it fails as a whole, one for each command, so that one bad command cannot
    /// fail its neighbours. Answers besides whether rooms may have changed that nobody is told of.
    async fn commit(&self, store: &dyn Commit, commands: Vec<Command>) -> (Vec<Outcome>, bool) {
        let count = commands.len();
        // For a second try that hardly ever comes; of texts and ids it copies the handles alone: 70 ns
        // for each draft, of 13 µs that the store takes for it.
        let error = match store.commit(commands.clone()).await {
            Ok(outcomes) => return (outcomes, false),
            Err(error) => error,
        };
        self.telemetry.batch_failed();
        tracing::warn!(%error, commands = count, "a batch was not committed");
        // What may have been stored must not be stored again.
        let is_unknown = matches!(error, StoreError::OutcomeUnknown(_));
        if count == 1 || is_unknown {
            let rooms_unknown = is_unknown && commands.iter().any(changes_rooms);
            return (refuse_all(count), rooms_unknown);
        }
        self.commit_one_by_one(store, commands).await
    }

    async fn commit_one_by_one(
        &self,
        store: &dyn Commit,
        commands: Vec<Command>,
    ) -> (Vec<Outcome>, bool) {
        let count = commands.len();
        let mut outcomes = Vec::with_capacity(count);
        let (mut failures, mut rooms_unknown) = (0, false);
        for command in commands {
            if failures >= CONSECUTIVE_FAILURES_MAX {
                break;
            }
            let of_rooms = changes_rooms(&command);
            match store.commit(vec![command]).await {
                Ok(mut single) => {
                    failures = 0;
                    outcomes.append(&mut single);
                }
                Err(error) => {
                    failures += 1;
                    rooms_unknown |= of_rooms && matches!(error, StoreError::OutcomeUnknown(_));
                    tracing::warn!(%error, "a command was not committed");
                    outcomes.push(Err(Code::Unavailable.into()));
                }
            }
        }
        outcomes.resize_with(count, || Err(Code::Unavailable.into()));
        (outcomes, rooms_unknown)
    }
}

/// Whether it may change whose rooms are which. What only adds to logs is found by the head check.
const fn changes_rooms(command: &Command) -> bool {
    match command {
        Command::OpenSupport(_)
        | Command::Create(_)
        | Command::Room(_)
        // A user's first notification makes the inbox.
        | Command::Notify(_)
        | Command::AlertOverdue { .. } => true,
        Command::Send(_) | Command::Notifications { .. } => false,
    }
}

fn refuse_all(count: usize) -> Vec<Outcome> {
    std::iter::repeat_with(|| Err(Error::from(Code::Unavailable)))
        .take(count)
        .collect()
}

/// Counts what became of drafts: stored, repeats.
pub(crate) fn count(outcome: &[Appended]) -> (usize, usize) {
    let new = outcome
        .iter()
        .filter(|appended| matches!(appended, Appended::New(_)))
        .count();
    (new, outcome.len() - new)
}

#[cfg(test)]
#[path = "commit_tests.rs"]
mod tests;
