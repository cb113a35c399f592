//! The engine: its ports, its pipeline and its hub, and the tasks that run them.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use madang_domain::ports::{
    Bus, BusState, Clock, Commit, Presence, RetentionRule, Store, StoreError, Topic,
};
use madang_domain::{Answer, Code, Command, Error, RoomKind, Timestamp};
use parking_lot::Mutex;
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;

use crate::allowance::Allowance;
use crate::commit::{CommitLimits, CommitPipeline, Submission};
use crate::dispatch::Dispatcher;
use crate::gateways::GatewayMail;
use crate::hub::Hub;
use crate::known_users::KnownUsers;
use crate::presence::{Online, PresenceOptions};
use crate::released_pictures::ReleasedPictures;
use crate::revocation::Revocations;
use crate::signal_gate::SignalGate;
use crate::telemetry::Telemetry;
use crate::tell_presence::PresenceEdges;
use crate::{
    known_users, overdue, presence, retention, signal_gate, tell_presence, vital, watch_heads,
};

/// How long the bus may take for what was told last.
const FLUSH_WITHIN: Duration = Duration::from_secs(2);

/// How the engine is set up.
#[derive(Debug, Clone)]
pub struct EngineOptions {
    /// The commit pipeline's bounds.
    pub commit: CommitLimits,
    /// How often the heads of the rooms that are listened to here are compared with the store:
    /// the longest delay of a message whose hint the bus lost. Above zero.
    pub head_check_interval: Duration,
    /// How old a message may be that its sender edits or deletes; `None` is no bound.
    pub revise_within: Option<Duration>,
    /// How often at most read marks and typing of one member are told in a room. Above zero.
    pub signal_interval: Duration,
    /// After how long a waiting support room is noted as overdue; `None` for never.
    pub overdue_after: Option<Duration>,
    /// How many people one person may bring into rooms in 24 hours; 0 is no bound.
    pub added_per_user_per_day_max: u64,
    /// Leases and grace; `None` on a node without sessions, which takes no lease.
    pub presence: Option<PresenceOptions>,
    /// What of each kind's logs is kept, in the order of [`RoomKind::ALL`].
    pub retention: [RetentionRule; RoomKind::ALL.len()],
    /// Pause between two rounds of the sweeper through all rooms. Above zero.
    pub sweep_interval: Duration,
    /// Bytes set aside for the newest entries of rooms that are read, about; 0 keeps none.
    pub history_bytes_max: usize,
}

impl EngineOptions {
    /// What a server without a configuration has; nothing is removed and nothing noted as overdue.
    #[must_use]
    pub fn new(commit: CommitLimits) -> Self {
        Self {
            commit,
            head_check_interval: Duration::from_secs(5),
            revise_within: None,
            signal_interval: Duration::from_secs(1),
            overdue_after: None,
            added_per_user_per_day_max: 0,
            presence: Some(PresenceOptions {
                lease: Duration::from_secs(30),
                grace: Duration::from_secs(5),
            }),
            retention: Default::default(),
            sweep_interval: Duration::from_secs(3_600),
            history_bytes_max: 0,
        }
    }
}

/// What the engine needs of the world.
pub struct Ports {
    /// Where everything is kept.
    pub store: Arc<dyn Store>,
    /// The way between nodes.
    pub bus: Arc<dyn Bus>,
    /// Who is online.
    pub presence: Arc<dyn Presence>,
    /// The time of day.
    pub clock: Arc<dyn Clock>,
    /// What counts.
    pub telemetry: Arc<dyn Telemetry>,
}

/// What the server does. One per node; each public method is a use case that every door calls.
pub struct Engine {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) bus: Arc<dyn Bus>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) hub: Arc<Hub>,
    pub(crate) pipeline: Arc<CommitPipeline>,
    pub(crate) options: EngineOptions,
    pub(crate) signals: Arc<SignalGate>,
    pub(crate) online: Arc<Online>,
    pub(crate) edges: Arc<PresenceEdges>,
    pub(crate) known_users: Arc<KnownUsers>,
    pub(crate) revocations: Revocations,
    pub(crate) released: ReleasedPictures,
    pub(crate) gateway_mail: OnceLock<Arc<dyn GatewayMail>>,
    pub(crate) added: Allowance,
    /// Told when a support room begins to wait.
    pub(crate) waiting: Arc<Notify>,
    /// Told when the bus may have lost something.
    pub(crate) recheck: Arc<Notify>,
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
    pub fn start(ports: Ports, options: EngineOptions) -> Arc<Self> {
        let Ports {
            store,
            bus,
            presence,
            clock,
            telemetry,
        } = ports;
        let hub = Hub::new(
            Arc::clone(&bus),
            Arc::clone(&telemetry),
            options.history_bytes_max,
        );
        let hub = Arc::new(hub);
        let pipeline = CommitPipeline::new(options.commit, store.lanes(), Arc::clone(&telemetry));
        let pipeline = Arc::new(pipeline);
        // Not by the clock: two nodes may start at a time, and one after its clock was put back.
        let run_id = RandomState::new().hash_one(());
        bus.subscribe(Topic::AllNodes);
        let engine = Arc::new(Self {
            signals: Arc::new(SignalGate::new(options.signal_interval)),
            online: Arc::new(Online::new(presence)),
            edges: Arc::default(),
            known_users: Arc::default(),
            revocations: Revocations::new(clock.now()),
            released: ReleasedPictures::default(),
            gateway_mail: OnceLock::new(),
            added: Allowance::per_day(options.added_per_user_per_day_max),
            waiting: Arc::default(),
            recheck: Arc::default(),
            store,
            bus,
            clock,
            hub,
            pipeline,
            options,
            next_topic_message: AtomicU64::new(0),
            run_id,
            tasks: Mutex::default(),
        });
        engine.spawn(&telemetry);
        engine
    }

    fn spawn(self: &Arc<Self>, telemetry: &Arc<dyn Telemetry>) {
        let mut committing = Vec::new();
        for lane in 0..self.pipeline.lanes() {
            let (sender, committed) = CommitPipeline::dispatch_channel();
            let dispatcher = Dispatcher {
                hub: Arc::clone(&self.hub),
                bus: Arc::clone(&self.bus),
                telemetry: Arc::clone(telemetry),
                waiting: Arc::clone(&self.waiting),
                released: self.released.clone(),
            };
            let (pipeline, store) = (Arc::clone(&self.pipeline), Arc::clone(&self.store));
            let store: Arc<dyn Commit> = store;
            committing.push(vital::spawn("commit", async move {
                pipeline.run(lane, store, sender).await;
            }));
            committing.push(vital::spawn("dispatch", dispatcher.run(committed)));
        }
        let me = || Arc::downgrade(self);
        let recheck = Arc::clone(&self.recheck);
        let head_checks = self.options.head_check_interval;
        let mut listening = vec![
            tokio::spawn(watch_heads::listen(me())),
            tokio::spawn(watch_heads::check(me(), recheck, head_checks)),
            tokio::spawn(signal_gate::run(me(), Arc::clone(&self.signals))),
            tokio::spawn(tell_presence::run(me(), Arc::clone(&self.edges))),
            tokio::spawn(overdue::run(me())),
            tokio::spawn(retention::run(me(), self.options.sweep_interval)),
            tokio::spawn(known_users::run(me(), Arc::clone(&self.known_users))),
        ];
        if let Some(options) = self.options.presence {
            let online = Arc::clone(&self.online);
            listening.push(tokio::spawn(presence::run(me(), online, options)));
        }
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
        for task in tasks.listening {
            // Aborted, or ended before.
            drop(task.await);
        }
        self.release_presence().await;
        // What was told last is not to die with this process.
        if tokio::time::timeout(FLUSH_WITHIN, self.bus.flush())
            .await
            .is_err()
        {
            tracing::warn!("the bus did not take what was told last");
        }
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

    /// How this node stands with its bus.
    #[must_use]
    pub fn bus_state(&self) -> BusState {
        self.bus.state()
    }

    /// Has a command carried out by the next transaction and waits for its answer. Once queued it
    /// runs to its end although the caller stops waiting: what is stored is also told.
    ///
    /// # Errors
    /// What the store refuses with, the client's fault. [`Code::Unavailable`], [`Code::Draining`]:
    /// retryable.
    pub(crate) async fn carry_out(&self, command: Command) -> Result<Answer, Error> {
        self.queue(command).await.answer().await
    }

    /// Queues a command for the next transaction. Calls are carried out in the order made.
    pub(crate) async fn queue(&self, command: Command) -> Queued {
        let (sender, answer) = oneshot::channel();
        let submission = Submission {
            command,
            reply: Box::new(move |outcome| {
                // A caller that stopped waiting needs no answer.
                drop(sender.send(outcome));
            }),
        };
        self.pipeline.submit(submission).await;
        Queued(answer)
    }
}

/// A command that will be carried out, whether its answer is waited for or not.
pub(crate) struct Queued(oneshot::Receiver<Result<Answer, Error>>);

impl Queued {
    /// # Errors
    /// As [`Engine::carry_out`].
    pub(crate) async fn answer(self) -> Result<Answer, Error> {
        self.0.await.map_err(|_| Error::from(Code::Unavailable))?
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
