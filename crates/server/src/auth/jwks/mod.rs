//! The host's published keys: fetched, kept, and fetched again.
//!
//! One task fetches, whoever asks for it, so that there is never more than one fetch; those who wait
//! for a key see its end. Between two fetches lies the floor at least.

mod key_set;
mod source;
#[cfg(test)]
pub(super) mod tests;

use std::sync::Arc;
use std::time::Duration;

use madang_domain::ports::BoxFuture;
use madang_domain::{Code, Error};
use parking_lot::Mutex;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until, timeout};

use super::host_key::HostKeyError;
use super::jwt::{Head, VerifyingKey};
use crate::config::Auth;
use key_set::KeySet;
use source::{FETCH_TIMEOUT, Source};

/// How long a token waits for a fetch: as long as that may take, and for the task to begin with it.
const WAIT_MAX: Duration = Duration::from_secs(FETCH_TIMEOUT.as_secs() + 1);

/// When keys are fetched.
#[derive(Debug, Clone, Copy)]
struct Pace {
    /// From one fetch to the next that nobody asked for.
    refresh: Duration,
    /// Least time between two fetches.
    floor: Duration,
}

impl Pace {
    /// From the end of a fetch to the next that nobody asks for, after so many `failures` in a row:
    /// from the floor, doubled each time, to the usual.
    fn pause(self, failures: u32) -> Duration {
        match failures {
            // A little earlier, and each time another little, so that nodes do not come together.
            0 => self.refresh.mul_f64(rand::random_range(0.9..=1.0)),
            many => {
                let doubled = self.floor.saturating_mul(1 << (many - 1).min(16));
                doubled.min(self.refresh)
            }
        }
        .max(self.floor)
    }
}

/// What the last fetches brought.
#[derive(Default)]
struct Fetched {
    keys: KeySet,
    /// Fetches that came to their end.
    count: u64,
    /// When the last one did; `None` before the first.
    ended_at: Option<Instant>,
    /// Whether the last one brought nothing, so that `keys` are of an earlier one.
    failed: bool,
}

/// The host's published keys as they are known. The fetching task ends when this is dropped.
pub(super) struct Jwks {
    fetched: watch::Receiver<Fetched>,
    /// Full when a fetch is asked for already.
    asks: mpsc::Sender<()>,
    floor: Duration,
    /// Until [`Jwks::start`].
    task: Mutex<Option<Task>>,
}

impl Jwks {
    /// The keys that the options name, if they do. Those of a file are read now.
    ///
    /// # Errors
    /// [`HostKeyError`]: the operator's fault. That a server cannot be reached is none.
    pub(super) fn open(auth: &Auth) -> Result<Option<Self>, HostKeyError> {
        let pace = Pace {
            refresh: Duration::from_secs(auth.jwks_refresh_seconds),
            floor: Duration::from_secs(auth.jwks_unknown_kid_seconds),
        };
        if let Some(url) = &auth.jwks_url {
            let option = "jwks_url";
            let source = Source::of_address(url)
                .map_err(|problem| HostKeyError::Unfit { option, problem })?;
            return Ok(Some(Self::new(source, pace, Fetched::default())));
        }
        let Some(path) = auth.jwks_file.clone() else {
            return Ok(None);
        };
        let option = "jwks_file";
        let text = source::read_file(&path).map_err(|source| HostKeyError::File {
            option,
            path: path.clone(),
            source,
        })?;
        let keys =
            KeySet::parse(&text).map_err(|problem| HostKeyError::Unfit { option, problem })?;
        let fetched = Fetched {
            keys,
            count: 1,
            ended_at: Some(Instant::now()),
            failed: false,
        };
        Ok(Some(Self::new(Source::File(path), pace, fetched)))
    }

    fn new(source: Source, pace: Pace, fetched: Fetched) -> Self {
        let (asks, asked) = mpsc::channel(1);
        let (publish, fetched) = watch::channel(fetched);
        Self {
            fetched,
            asks,
            floor: pace.floor,
            task: Mutex::new(Some(Task {
                source,
                pace,
                asked,
                publish,
                failures: 0,
            })),
        }
    }

    /// Starts the task that fetches, on the current tokio runtime. Before that nothing is fetched.
    pub(super) fn start(&self) {
        if let Some(task) = self.task.lock().take() {
            tokio::spawn(task.run());
        }
    }

    /// The key that a token with this head must be signed by, as far as is known now.
    ///
    /// # Errors
    /// There is none. [`Code::TokenInvalid`]: the host published none when it was last asked.
    /// [`Code::Unavailable`]: the host could not be asked; retryable.
    pub(super) fn find(&self, head: &Head) -> Result<Arc<VerifyingKey>, Error> {
        let fetched = self.fetched.borrow();
        if let Some(key) = fetched.keys.find(head) {
            return Ok(key);
        }
        if fetched.failed || fetched.count == 0 {
            let detail = "the keys that check tokens cannot be fetched";
            return Err(Error::with_detail(Code::Unavailable, detail));
        }
        let detail = "no published key fits the token";
        Err(Error::with_detail(Code::TokenInvalid, detail))
    }

    /// The end of the fetch that may bring a key for a token with this head. `None` when its key is
    /// known, or when another fetch would come too early.
    pub(super) fn wait_for(&self, head: &Head) -> Option<BoxFuture<'static, ()>> {
        let fetched = self.fetched.borrow();
        let is_early = |ended_at: Instant| ended_at.elapsed() < self.floor;
        if fetched.keys.find(head).is_some() || fetched.ended_at.is_some_and(is_early) {
            return None;
        }
        let seen = fetched.count;
        drop(fetched);
        // Full: it was asked for already. Closed: the wait ends at once.
        let _ = self.asks.try_send(());
        let mut fetched = self.fetched.clone();
        Some(Box::pin(async move {
            let another = fetched.wait_for(|fetched| fetched.count > seen);
            // Whatever became of it, the key is there now or it is not.
            let _ = timeout(WAIT_MAX, another).await;
        }))
    }
}

/// The one that fetches.
struct Task {
    source: Source,
    pace: Pace,
    asked: mpsc::Receiver<()>,
    publish: watch::Sender<Fetched>,
    /// Fetches in a row that brought nothing.
    failures: u32,
}

impl Task {
    async fn run(mut self) {
        // What was read at the start is as good as fetched.
        if self.publish.borrow().count > 0 && !self.is_due().await {
            return;
        }
        loop {
            let outcome = self.source.fetch().await;
            self.took(outcome);
            if !self.is_due().await {
                return;
            }
        }
    }

    fn took(&mut self, outcome: Result<KeySet, String>) {
        let found = match outcome {
            Ok(keys) => {
                let count = keys.len();
                if count == 0 {
                    tracing::warn!("the host publishes no key that can check tokens");
                } else if self.failures > 0 || self.publish.borrow().count == 0 {
                    tracing::info!(count, "the host's published keys were fetched");
                }
                self.failures = 0;
                Some(keys)
            }
            Err(problem) => {
                if self.failures == 0 {
                    tracing::warn!(
                        problem,
                        "the host's published keys cannot be fetched; those that are known stay"
                    );
                }
                self.failures = self.failures.saturating_add(1);
                None
            }
        };
        // Who asked until now waits for what is published here.
        while self.asked.try_recv().is_ok() {}
        self.publish.send_modify(|fetched| {
            fetched.count += 1;
            fetched.ended_at = Some(Instant::now());
            fetched.failed = found.is_none();
            if let Some(keys) = found {
                fetched.keys = keys;
            }
        });
    }

    /// Waits until the next fetch is due: by time, or because a token asks for it and the last one is
    /// not too near. `false`: nobody needs keys any more.
    async fn is_due(&mut self) -> bool {
        let ended_at = self.publish.borrow().ended_at.unwrap_or_else(Instant::now);
        let due = sleep_until(ended_at + self.pace.pause(self.failures));
        tokio::pin!(due);
        loop {
            tokio::select! {
                () = &mut due => return true,
                asked = self.asked.recv() => match asked {
                    None => return false,
                    Some(()) if ended_at.elapsed() >= self.pace.floor => return true,
                    // It was asked for before the last fetch ended, which has answered it.
                    Some(()) => {}
                }
            }
        }
    }
}
