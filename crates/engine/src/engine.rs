//! The engine: its ports, its pipeline and its hub, and the tasks that run them.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use madang_domain::ports::{Bus, Clock, Store, StoreError};
use madang_domain::{Code, Error, Timestamp};
use parking_lot::Mutex;
use tokio::task::JoinHandle;

use crate::commit::{CommitLimits, CommitPipeline};
use crate::dispatch::Dispatcher;
use crate::hub::Hub;
use crate::telemetry::Telemetry;
use crate::vital;

/// How the engine is set up.
#[derive(Debug, Clone, Copy)]
pub struct EngineOptions {
    /// The commit pipeline's bounds.
    pub commit: CommitLimits,
    /// How often the heads of the rooms that are listened to here are compared with the store:
    /// the longest delay of a message whose hint the bus lost. Above zero.
    pub head_check_interval: Duration,
}

/// What the server does. One per node; each public method is a use case that every door calls.
pub struct Engine {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) bus: Arc<dyn Bus>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) hub: Arc<Hub>,
    pub(crate) pipeline: Arc<CommitPipeline>,
    pub(crate) next_topic_message: AtomicU64,
    /// Tells this run's topic messages from those of other nodes and earlier runs.
    pub(crate) run_id: u64,
    tasks: Mutex<Tasks>,
}

#[derive(Default)]
struct Tasks {
    /// End by themselves once the pipeline is closed and empty.
    committing: Vec<JoinHandle<()>>,
    /// Run until they are aborted.
    listening: Vec<JoinHandle<()>>,
}

impl Engine {
    /// Starts the engine's tasks on the current tokio runtime.
    #[must_use]
    pub fn start(
        store: Arc<dyn Store>,
        bus: Arc<dyn Bus>,
        clock: Arc<dyn Clock>,
        telemetry: Arc<dyn Telemetry>,
        options: EngineOptions,
    ) -> Arc<Self> {
        let hub = Arc::new(Hub::new(Arc::clone(&bus), Arc::clone(&telemetry)));
        let pipeline = Arc::new(CommitPipeline::new(options.commit, Arc::clone(&telemetry)));
        let run_id = clock.now().as_micros().unsigned_abs();
        let engine = Arc::new(Self {
            store,
            bus,
            clock,
            hub,
            pipeline,
            next_topic_message: AtomicU64::new(0),
            run_id,
            tasks: Mutex::default(),
        });
        engine.spawn(telemetry, options.head_check_interval);
        engine
    }

    fn spawn(self: &Arc<Self>, telemetry: Arc<dyn Telemetry>, head_check_interval: Duration) {
        let (sender, committed) = CommitPipeline::dispatch_channel();
        let (hub, bus) = (Arc::clone(&self.hub), Arc::clone(&self.bus));
        let dispatcher = Dispatcher {
            hub,
            bus,
            telemetry,
        };
        let (pipeline, store) = (Arc::clone(&self.pipeline), Arc::clone(&self.store));
        let committing = vec![
            vital::spawn("commit", async move { pipeline.run(store, sender).await }),
            vital::spawn("dispatch", dispatcher.run(committed)),
        ];
        let listening = vec![
            tokio::spawn(crate::watch_heads::listen(Arc::downgrade(self))),
            tokio::spawn(crate::watch_heads::check(
                Arc::downgrade(self),
                head_check_interval,
            )),
        ];
        *self.tasks.lock() = Tasks {
            committing,
            listening,
        };
    }

    /// Refuses new messages, commits and answers what is queued, and ends the engine's tasks.
    /// Idempotent.
    pub async fn shut_down(&self) {
        self.pipeline.close();
        let tasks = std::mem::take(&mut *self.tasks.lock());
        for task in tasks.committing {
            if let Err(error) = task.await {
                tracing::error!(%error, "an engine task ended badly");
            }
        }
        tasks.listening.iter().for_each(JoinHandle::abort);
    }

    /// The subscribers of this node.
    #[must_use]
    pub fn hub(&self) -> &Hub {
        &self.hub
    }

    /// Where subscriptions read their logs from.
    #[must_use]
    pub fn store(&self) -> &dyn Store {
        &*self.store
    }

    /// The time of day, as messages are stamped with it.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Whether the store can commit now.
    ///
    /// # Errors
    /// [`Code::Unavailable`]: it cannot; retryable.
    pub async fn check(&self) -> Result<(), Error> {
        self.store
            .check()
            .await
            .map_err(|error| store_failed(&error))
    }
}

/// Logs why the store failed, once, and answers what the client is told.
pub(crate) fn store_failed(error: &StoreError) -> Error {
    match error {
        StoreError::Unavailable(_) | StoreError::OutcomeUnknown(_) => {
            tracing::warn!(%error, "the store failed");
            Code::Unavailable.into()
        }
        StoreError::Corrupt(_) => {
            tracing::error!(%error, "the store failed");
            Code::Internal.into()
        }
    }
}
