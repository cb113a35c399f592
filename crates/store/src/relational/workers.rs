//! Threads that own connections, and the bounded queues before them.
//!
//! SQLite calls block, so none runs on a thread of the async runtime. A thread ends when its
//! queue is closed and empty; dropping a handle waits for that.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{
    Receiver, RecvTimeoutError, SyncSender, TryRecvError, TrySendError, sync_channel,
};
use std::thread::JoinHandle;
use std::time::Duration;

use madang_domain::ports::StoreError;
use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

/// Jobs that wait for the writer. Callers beyond half of it wait for their turn, except appends:
/// those are refused when it is full, since they must be queued at the call.
const WRITER_QUEUE: usize = 1_024;

/// Jobs that wait for a reader; callers beyond it wait for their turn.
const READER_QUEUE: usize = 256;

pub(crate) type Answer<T> = oneshot::Receiver<Result<T, StoreError>>;

/// How many do something at a time, and how many wait for that.
#[derive(Debug)]
pub(crate) struct Turns {
    turns: Arc<Semaphore>,
    places: Semaphore,
}

impl Turns {
    pub(crate) fn new(at_a_time: usize, waiting: usize) -> Self {
        Self {
            turns: Arc::new(Semaphore::new(at_a_time)),
            places: Semaphore::new(waiting),
        }
    }

    /// Waits for a turn, which ends when it is dropped.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`]: too many wait.
    pub(crate) async fn turn(&self) -> Result<OwnedSemaphorePermit, StoreError> {
        let _place = self
            .places
            .try_acquire()
            .map_err(|_| StoreError::Unavailable("too many wait for a turn".to_owned()))?;
        let turn = Arc::clone(&self.turns).acquire_owned();
        turn.await.map_err(|_| stopped())
    }
}

/// What a worker thread owns.
pub(crate) trait Worker: Send + 'static {
    /// Called after a job panicked: makes the worker fit for the next job.
    fn recover(&mut self);

    /// Does a piece of work that nobody waits for; whether there is more of it.
    fn background(&mut self) -> bool {
        false
    }

    /// Called when nothing is queued and there is no more of that work; how long until it wants to
    /// be called again, if it does.
    fn idle(&mut self) -> Option<Duration> {
        None
    }

    /// The last call.
    fn close(self);
}

type Job<W> = Box<dyn FnOnce(&mut W) + Send>;

/// A queue and the threads that serve it.
#[derive(Debug)]
pub(crate) struct Workers<W> {
    /// `None` only while dropping.
    jobs: Option<SyncSender<Job<W>>>,
    threads: Vec<JoinHandle<()>>,
    turns: Arc<Semaphore>,
}

impl<W: Worker> Workers<W> {
    /// One thread that writes.
    pub(crate) fn writer(worker: W) -> Result<Self, StoreError> {
        Self::start(
            "madang-store-w",
            vec![worker],
            WRITER_QUEUE,
            WRITER_QUEUE / 2,
        )
    }

    /// Threads that read, one per worker.
    pub(crate) fn readers(workers: Vec<W>) -> Result<Self, StoreError> {
        Self::start("madang-store-r", workers, READER_QUEUE, READER_QUEUE)
    }

    fn start(name: &str, workers: Vec<W>, queue: usize, turns: usize) -> Result<Self, StoreError> {
        let (jobs, receiver) = sync_channel(queue);
        let receiver = Arc::new(Mutex::new(receiver));
        let mut pool = Self {
            jobs: Some(jobs),
            threads: Vec::new(),
            turns: Arc::new(Semaphore::new(turns)),
        };
        for worker in workers {
            let receiver = Arc::clone(&receiver);
            let thread = std::thread::Builder::new()
                .name(name.to_owned())
                .spawn(move || serve(worker, &receiver))
                .map_err(|error| StoreError::Unavailable(error.to_string()))?;
            pool.threads.push(thread);
        }
        Ok(pool)
    }

    /// Queues `job` now or refuses it.
    pub(crate) fn submit<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut W) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<Answer<T>, StoreError> {
        let (answer, receiver) = oneshot::channel();
        let job: Job<W> = Box::new(move |worker| {
            // A caller that went away does not undo what is done.
            let _ = answer.send(job(worker));
        });
        let jobs = self.jobs.as_ref().ok_or_else(stopped)?;
        match jobs.try_send(job) {
            Ok(()) => Ok(receiver),
            Err(TrySendError::Full(_)) => {
                Err(StoreError::Unavailable("the queue is full".to_owned()))
            }
            Err(TrySendError::Disconnected(_)) => Err(stopped()),
        }
    }

    /// As [`Workers::run`], but the job is not begun when its caller has gone away by then.
    pub(crate) async fn ask<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut W) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (caller, asked) = oneshot::channel::<()>();
        let answer = self.run(move |worker| {
            if caller.is_closed() {
                return Err(StoreError::Unavailable("the caller went away".to_owned()));
            }
            job(worker)
        });
        let answer = answer.await;
        drop(asked);
        answer
    }

    /// Queues `job` when there is a place for it and waits for its answer.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut W) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let ((), answer) = self.begin(|| (), job).await?;
        wait(answer).await
    }

    /// Queues `job` when there is a place for it, right after `prepare`.
    pub(crate) async fn begin<P, T: Send + 'static>(
        &self,
        prepare: impl FnOnce() -> P,
        job: impl FnOnce(&mut W) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<(P, Answer<T>), StoreError> {
        let turn = Arc::clone(&self.turns);
        let turn = turn.acquire_owned().await.map_err(|_| stopped())?;
        let prepared = prepare();
        let answer = self.submit(move |worker| {
            // Given back when the job begins or is dropped: a caller that goes away earlier
            // leaves its job in the queue.
            drop(turn);
            job(worker)
        })?;
        Ok((prepared, answer))
    }
}

/// Waits for what [`Workers::submit`] queued.
pub(crate) async fn wait<T>(answer: Answer<T>) -> Result<T, StoreError> {
    answer.await.unwrap_or_else(|_| {
        Err(StoreError::OutcomeUnknown(
            "the job panicked; the log has the cause".to_owned(),
        ))
    })
}

fn stopped() -> StoreError {
    StoreError::Unavailable("the store is closed".to_owned())
}

impl<W> Drop for Workers<W> {
    fn drop(&mut self) {
        self.jobs = None;
        for thread in self.threads.drain(..) {
            // Panics of jobs are caught and logged; another one cannot be helped here.
            let _ = thread.join();
        }
    }
}

fn serve<W: Worker>(mut worker: W, jobs: &Mutex<Receiver<Job<W>>>) {
    let mut more = true;
    while let Some(next) = next_job(&mut worker, jobs, more) {
        let done = catch_unwind(AssertUnwindSafe(|| {
            if let Next::Job(job) = next {
                job(&mut worker);
            }
            worker.background()
        }));
        more = done.unwrap_or_else(|_| {
            tracing::error!("a job of the store panicked");
            worker.recover();
            false
        });
    }
    worker.close();
}

enum Next<W> {
    Job(Job<W>),
    /// The worker's own work.
    Own,
}

/// Waits when there is nothing to do; `None` when nothing will come.
fn next_job<W: Worker>(
    worker: &mut W,
    jobs: &Mutex<Receiver<Job<W>>>,
    more: bool,
) -> Option<Next<W>> {
    match jobs.lock().try_recv() {
        Ok(job) => return Some(Next::Job(job)),
        Err(TryRecvError::Empty) if more => return Some(Next::Own),
        Err(TryRecvError::Empty) => {}
        Err(TryRecvError::Disconnected) => return None,
    }
    let idle = catch_unwind(AssertUnwindSafe(|| worker.idle()));
    let Some(pause) = idle.unwrap_or_else(|_| {
        tracing::error!("a worker of the store panicked");
        worker.recover();
        None
    }) else {
        return jobs.lock().recv().ok().map(Next::Job);
    };
    match jobs.lock().recv_timeout(pause) {
        Ok(job) => Some(Next::Job(job)),
        Err(RecvTimeoutError::Timeout) => Some(Next::Own),
        Err(RecvTimeoutError::Disconnected) => None,
    }
}
