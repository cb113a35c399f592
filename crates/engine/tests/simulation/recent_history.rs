//! What is read of a room's newest entries is what the store holds, on whichever node it was changed
//! and whatever the bus did with the news.

use std::sync::Arc;

use madang_domain::ports::LogQuery;
use madang_domain::{Caller, Code, Role, RoomAction, RoomKind, Seq};

use crate::across_nodes::subscribed;
use crate::actors::{Accepted, Writer, caller};
use crate::cluster::{Cluster, Node};
use crate::members::{Place, come};
use crate::plan::Plan;
use crate::world::{Rng, World, sleep_ms};

const SEEDS: u64 = 300;
const STEPS: u64 = 60;

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
    let reader = caller("admin", Role::Admin);
    let mut listening = None;
    for _ in 0..STEPS {
        match world.below(16) {
            0..=5 => writer.send(&place.room).await,
            6..=8 => writer.revise(&place.room).await,
            9..=10 => cluster.store.prune(&place.room),
            11 if world.one_in(3) => writer.act(&place.room, RoomAction::Delete).await,
            12 => come(&writer, &place).await,
            // Whoever listens makes the bus bring what the other node does.
            13 => {
                let node = cluster.any_node();
                let subscribing = subscribed(&cluster, &node, &reader, &place.room);
                listening = subscribing.await.ok();
            }
            14 => listening = None,
            _ => sleep_ms(world.within(1, 60)).await,
        }
        for node in &cluster.nodes {
            read(&world, &cluster, node, &reader, &place).await;
        }
    }
    drop(listening);
    for node in &cluster.nodes {
        node.shut_down().await;
    }
    cluster
}

/// Asks a node for each page by several readers at once, while nobody writes.
async fn read(world: &World, cluster: &Cluster, node: &Node, reader: &Caller, place: &Place) {
    for _ in 0..PAGES {
        let head = cluster.store.head(&place.room);
        let last = head.map_or(0, |head| head.last.get());
        let place_in_log = Seq::new(world.within(last.saturating_sub(12), last + 1));
        let query = match world.below(4) {
            0 => LogQuery::Before(Seq::MAX),
            1 => LogQuery::Before(place_in_log),
            2 => LogQuery::After(place_in_log),
            _ => LogQuery::Within(place_in_log, 20),
        };
        let limit = usize::try_from(world.within(1, 12)).expect("a number");
        let held = cluster.store.page(&place.room, query, limit);
        let ask = || node.engine.read_history(reader, &place.room, query, limit);
        let (first, second, third) = tokio::join!(ask(), ask(), ask());
        if cluster.store.page(&place.room, query, limit) != held {
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
                world.violated(format!(
                    "node {index} answered {query:?} ({limit}) with {answer:?}, not {held:?}"
                ));
            }
        }
    }
}
