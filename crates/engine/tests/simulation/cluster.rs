//! Engines side by side over one store.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use madang_domain::ports::{BoxFuture, Presence, PresenceEdge, PresenceError};
use madang_domain::{Timestamp, UserId};
use madang_engine::commit::CommitLimits;
use madang_engine::{Engine, EngineOptions, Ports, PresenceOptions};

use crate::bus::{SimBus, SimNetwork};
use crate::history_reads::HistoryReads;
use crate::store::SimStore;
use crate::world::World;

pub(crate) const HEAD_CHECK_MS: u64 = 250;

const SIGNALS_MS: u64 = 40;

/// Longer than any run: presence is not simulated.
const LEASE: Duration = Duration::from_secs(100_000);

pub(crate) struct Cluster {
    pub(crate) world: Arc<World>,
    pub(crate) store: Arc<SimStore>,
    pub(crate) nodes: Vec<Arc<Node>>,
    /// Of all nodes.
    pub(crate) reads: Arc<HistoryReads>,
}

pub(crate) struct Node {
    pub(crate) index: u64,
    pub(crate) engine: Arc<Engine>,
    pub(crate) bus: Arc<SimBus>,
    down: AtomicBool,
}

impl Node {
    pub(crate) fn is_down(&self) -> bool {
        self.down.load(Ordering::Relaxed)
    }

    pub(crate) async fn shut_down(&self) {
        self.down.store(true, Ordering::Relaxed);
        self.engine.shut_down().await;
    }
}

impl Cluster {
    pub(crate) fn start(world: Arc<World>) -> Arc<Self> {
        let store = SimStore::new(Arc::clone(&world));
        let network = SimNetwork::new(Arc::clone(&world));
        let reads = Arc::<HistoryReads>::default();
        let start = |index| start_node(index, &world, (&store, &reads), network.join());
        let nodes = (0..world.plan.nodes).map(start).collect();
        Arc::new(Self {
            world: Arc::clone(&world),
            store,
            nodes,
            reads,
        })
    }

    /// A node that is up; the first never goes down.
    pub(crate) fn any_node(&self) -> Arc<Node> {
        let node = self.world.pick(&self.nodes);
        let node = if node.is_down() { &self.nodes[0] } else { node };
        Arc::clone(node)
    }
}

fn start_node(
    index: u64,
    world: &Arc<World>,
    (store, reads): (&Arc<SimStore>, &Arc<HistoryReads>),
    bus: Arc<SimBus>,
) -> Arc<Node> {
    let size = |n| usize::try_from(n).unwrap_or(usize::MAX);
    let options = EngineOptions {
        commit: CommitLimits {
            batch_drafts_max: size(world.plan.batch_drafts_max),
            batch_bytes_max: 64,
            queue_drafts_max: size(world.plan.commit_queue_max),
        },
        head_check_interval: Duration::from_millis(HEAD_CHECK_MS),
        revise_within: None,
        signal_interval: Duration::from_millis(SIGNALS_MS),
        overdue_after: None,
        added_per_user_per_day_max: 0,
        presence: Some(PresenceOptions {
            lease: LEASE,
            grace: Duration::ZERO,
        }),
        retention: Default::default(),
        sweep_interval: LEASE,
        history_bytes_max: size(world.plan.history_bytes_max),
    };
    let ports = Ports {
        store: Arc::clone(store) as _,
        bus: Arc::clone(&bus) as _,
        presence: Arc::new(Nobody),
        clock: Arc::clone(world) as _,
        telemetry: Arc::clone(reads) as _,
    };
    let engine = Engine::start(ports, options);
    Arc::new(Node {
        index,
        engine,
        bus,
        down: AtomicBool::new(false),
    })
}

/// Presence is not simulated: nobody is ever online.
struct Nobody;

impl Presence for Nobody {
    fn renew(
        &self,
        _: Timestamp,
        _: Duration,
    ) -> BoxFuture<'_, Result<(bool, Vec<PresenceEdge>), PresenceError>> {
        Box::pin(async { Ok((true, Vec::new())) })
    }

    fn set<'a>(
        &'a self,
        _: &'a [(UserId, bool)],
        _: Timestamp,
    ) -> BoxFuture<'a, Result<Vec<PresenceEdge>, PresenceError>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn of<'a>(
        &'a self,
        users: &'a [UserId],
    ) -> BoxFuture<'a, Result<Vec<Option<PresenceEdge>>, PresenceError>> {
        Box::pin(async { Ok(users.iter().map(|_| None).collect()) })
    }

    fn release(&self, _: Timestamp) -> BoxFuture<'_, Result<Vec<PresenceEdge>, PresenceError>> {
        Box::pin(async { Ok(Vec::new()) })
    }
}
