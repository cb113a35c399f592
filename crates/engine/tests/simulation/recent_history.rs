//! What is read of a room's newest entries is what the store holds, on whichever node it was changed
//! and whatever the bus did with the news.

use std::sync::Arc;

use madang_domain::ports::LogQuery;
use madang_domain::{Caller, Code, Message, Position, Role, RoomAction, RoomId, RoomKind, Seq};

use crate::across_nodes::subscribed;
use crate::actors::{Accepted, Writer, caller};
use crate::cluster::{Cluster, Node};
use crate::members::{Place, come};
use crate::plan::Plan;
use crate::world::{Rng, World, sleep_ms};

const SEEDS: u64 = 300;
const STEPS: u64 = 12;

/// What is done in a step while others read.
const ACTS: u64 = 5;

/// Pages that each node is asked for after each step.
const PAGES: u64 = 3;

fn plan(rng: &mut Rng) -> Plan {
    Plan {
        nodes: 2,
        late_percent: 30,
        drop_percent: 25,
        repeat_percent: 20,
        reorder_percent: 40,
        read_failure_percent: 0,
        append_failure_percent: 0,
        queue_max: 100,
        ..Plan::new(rng)
    }
}

#[test]
fn a_read_answers_what_the_store_holds_whatever_is_kept_in_memory() {
    let mut reads = [0; 3];
    for seed in 0..SEEDS {
        let plan = plan(&mut Rng::new(seed));
        let world = Arc::new(World::new(seed, true).planned(plan));
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .expect("a runtime");
        let cluster = runtime.block_on(run(Arc::clone(&world)));
        let violations = world.verdict();
        let trace = world.trace().join("\n");
        assert!(
            violations.is_empty(),
            "seed {seed}: {violations:?} after\n{trace}"
        );
        for (sum, count) in reads.iter_mut().zip(cluster.reads.counts()) {
            *sum += count;
        }
    }
    let [memory, shared, store] = reads;
    assert!(memory > store / 2 && shared > 0, "{reads:?}");
}

async fn run(world: Arc<World>) -> Arc<Cluster> {
    let cluster = Cluster::start(Arc::clone(&world));
    let people = ["kim", "lee"].map(|id| caller(id, Role::User));
    let place = Place::new(RoomKind::Group, 0, &people);
    place.prefill(&cluster, world.plan.prefilled);
    let mut writer = Writer {
        cluster: Arc::clone(&cluster),
        caller: people[0].clone(),
        accepted: Arc::<Accepted>::default(),
        sent: 0,
    };
    let reader = Reader {
        cluster: &cluster,
        caller: caller("admin", Role::Admin),
        room: &place.room,
    };
    let mut listening = None;
    for _ in 0..STEPS {
        if world.one_in(8) {
            // Whoever listens makes the bus bring what the other node does.
            let (node, who) = (cluster.any_node(), &reader.caller);
            let subscribing = subscribed(&cluster, &node, who, &place.room);
            listening = subscribing.await.ok();
        }
        if world.one_in(8) {
            listening = None;
        }
        let nodes = &cluster.nodes;
        let acting = async {
            for _ in 0..ACTS {
                act(&mut writer, &place).await;
            }
        };
        let reading = async |node: &Node| {
            let reads = || reader.read_on(node);
            tokio::join!(reads(), reads(), reads(), reads());
        };
        tokio::select! {
            () = acting => {}
            ((), ()) = async { tokio::join!(reading(&nodes[0]), reading(&nodes[1])) } => {}
        }
        for node in nodes {
            reader.read_at_rest(node).await;
        }
    }
    drop(listening);
    for node in &cluster.nodes {
        node.shut_down().await;
    }
    cluster
}

async fn act(writer: &mut Writer, place: &Place) {
    let world = Arc::clone(&writer.cluster.world);
    match world.below(14) {
        0..=5 => writer.send(&place.room).await,
        6..=8 => writer.revise(&place.room).await,
        9..=10 => writer.cluster.store.prune(&place.room),
        11 if world.one_in(3) => writer.act(&place.room, RoomAction::Delete).await,
        12 => come(writer, place).await,
        _ => sleep_ms(world.within(1, 60)).await,
    }
}

struct Reader<'a> {
    cluster: &'a Cluster,
    caller: Caller,
    room: &'a RoomId,
}

impl Reader<'_> {
    /// Until whoever writes is done.
    async fn read_on(&self, node: &Node) {
        loop {
            self.read_meanwhile(node).await;
            self.cluster.world.wander().await;
        }
    }

    fn question(&self) -> (LogQuery, usize) {
        let world = &self.cluster.world;
        let head = self.cluster.store.head(self.room);
        let last = head.map_or(0, |head| head.last.get());
        let at = Seq::new(world.within(last.saturating_sub(12), last + 1));
        let query = match world.below(4) {
            0 => LogQuery::Before(Seq::MAX),
            1 => LogQuery::Before(at),
            2 => LogQuery::After(at),
            _ => LogQuery::Within(at, 20),
        };
        let limit = usize::try_from(world.within(1, 12)).expect("a number");
        (query, limit)
    }

    /// Asks a node for each page by several readers at once, while nobody writes.
    async fn read_at_rest(&self, node: &Node) {
        let (store, engine) = (&self.cluster.store, &node.engine);
        for _ in 0..PAGES {
            let (query, limit) = self.question();
            let held = store.page(self.room, query, limit);
            let ask = || engine.read_history(&self.caller, self.room, query, limit);
            let (first, second, third) = tokio::join!(ask(), ask(), ask());
            if store.page(self.room, query, limit) != held {
                // Somebody gave up waiting for what is done only now.
                continue;
            }
            for answer in [first, second, third] {
                let is_held = match (&answer, &held) {
                    (Ok(page), Some(held)) => page == held,
                    (Err(error), None) => error.code() == Code::RoomNotFound,
                    _ => false,
                };
                if !is_held {
                    let index = node.index;
                    self.cluster.world.violated(format!(
                        "node {index} answered {query:?} ({limit}) with {answer:?}, not {held:?}"
                    ));
                }
            }
        }
    }

    /// Asks a node while somebody writes: what was accepted before the call is in the page, and each
    /// entry reads as it did at the call or later.
    async fn read_meanwhile(&self, node: &Node) {
        let (store, world) = (&self.cluster.store, &self.cluster.world);
        let Some(before) = store.head(self.room) else {
            return;
        };
        let at = |seq| Position {
            epoch: before.epoch,
            seq: Seq::new(seq),
        };
        let versions = |seq| store.versions(self.room, at(seq)).len();
        let known: Vec<_> = (0..=before.last.get()).map(versions).collect();
        // Always the same, so that readers meet.
        let (query, limit) = (LogQuery::Before(Seq::MAX), 8);
        let reading = node
            .engine
            .read_history(&self.caller, self.room, query, limit);
        let page = match reading.await {
            Ok(page) if page.head.epoch == before.epoch => page,
            _ => return,
        };
        let is_behind = page.head.last < before.last || page.head.oldest < before.oldest;
        let is_stale = |entry: &Arc<Message>| {
            let seq = usize::try_from(entry.position.seq.get()).expect("an index");
            let older = known.get(seq).map_or(0, |known| known - 1);
            let all = store.versions(self.room, entry.position);
            !all[older..].contains(entry)
        };
        if is_behind || page.messages.iter().any(is_stale) {
            let index = node.index;
            world.violated(format!(
                "node {index} answered {query:?} ({limit}) with {page:?} after {before:?}"
            ));
        }
    }
}
