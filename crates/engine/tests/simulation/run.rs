//! One run from one seed: chaos, then healing, then the final checks.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use madang_domain::{Caller, Role, RoomId};
use tokio::task::JoinSet;

use crate::actors::{self, Accepted, Writer, caller};
use crate::attendant::{self, Attended};
use crate::cluster::{Cluster, HEAD_CHECK_MS};
use crate::session::{Session, View};
use crate::world::{Phase, World, sleep_ms};

/// Simulated time after which a run counts as one that hangs.
const RUN_MAX: Duration = Duration::from_secs(600);

/// Times that one message more is written which no bus carries: only what the hub believes to be
/// the head decides whether it is found.
const ROUNDS: usize = 2;

/// Longer than any use case takes that nobody waits for.
const GIVEN_UP_MS: u64 = 500;

/// What went wrong in a run, and what led to it.
pub(crate) struct Failure {
    pub(crate) violations: Vec<String>,
    pub(crate) trace: Vec<String>,
}

/// # Errors
/// What the run violated.
pub(crate) fn run(seed: u64, traced: bool) -> Result<(), Failure> {
    let world = run_world(seed, traced);
    match world.verdict() {
        violations if violations.is_empty() => Ok(()),
        violations => Err(Failure {
            violations,
            trace: world.trace(),
        }),
    }
}

/// Everything that happened in a run.
pub(crate) fn trace(seed: u64) -> Vec<String> {
    run_world(seed, true).trace()
}

fn run_world(seed: u64, traced: bool) -> Arc<World> {
    let world = Arc::new(World::new(seed, traced));
    world.note(|| format!("{:?}", world.plan));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        if tokio::time::timeout(RUN_MAX, simulate(Arc::clone(&world)))
            .await
            .is_err()
        {
            world.violated("the run does not end".into());
            world.enter(Phase::Over);
        }
    });
    drop(runtime);
    world
}

async fn simulate(world: Arc<World>) {
    let cluster = Cluster::start(Arc::clone(&world));
    let accepted = Arc::new(Accepted::default());
    let customers: Vec<_> = (0..world.plan.rooms)
        .map(|n| caller(&format!("kim{n}"), Role::User))
        .collect();
    let rooms: Vec<_> = customers.iter().map(own_room).collect();
    for customer in &customers {
        cluster.store.prefill(customer, world.plan.prefilled);
    }
    let writer = |caller: &Caller| Writer {
        cluster: Arc::clone(&cluster),
        caller: caller.clone(),
        accepted: Arc::clone(&accepted),
        sent: 0,
    };
    let agents: Vec<_> = (0..world.plan.agents)
        .map(|n| caller(&format!("lee{n}"), Role::Agent))
        .collect();
    let (mut sessions, views) = start_sessions(&cluster, &customers, &agents);
    let mut actors = JoinSet::new();
    let mut writers = Vec::new();
    for (customer, room) in customers.iter().zip(&rooms) {
        // Several devices at once, so that one node's batches meet another node's.
        for device in 0..world.plan.devices {
            let mut writer = writer(customer);
            writer.sent = device * 1_000;
            actors.spawn(actors::customer(writer, room.clone()));
        }
        let mut late = writer(customer);
        late.sent = 1_000_000;
        writers.push((late, room.clone()));
    }
    for agent in &agents {
        actors.spawn(actors::agent(writer(agent), rooms.clone()));
    }
    let attended = start_attendants(&cluster, &mut sessions, customers.iter().chain(&agents));
    let fate = tokio::spawn(actors::fate(Arc::clone(&cluster), rooms.clone()));
    while actors.join_next().await.is_some() {}
    // What was given up goes on to its end, and speaks on the bus while that still works.
    sleep_ms(GIVEN_UP_MS).await;
    world.enter(Phase::Healed);
    drop(fate.await);
    sleep_ms(4 * HEAD_CHECK_MS).await;
    check_sessions(&cluster, &views);
    check_attendants(&cluster, &attended);
    for _ in 0..ROUNDS {
        world.enter(Phase::Quiet);
        for (writer, room) in &mut writers {
            writer.send(room).await;
        }
        sleep_ms(world.within(0, 2 * HEAD_CHECK_MS)).await;
        world.enter(Phase::Healed);
        sleep_ms(4 * HEAD_CHECK_MS).await;
        check_sessions(&cluster, &views);
    }
    world.enter(Phase::Over);
    while sessions.join_next().await.is_some() {}
    for node in &cluster.nodes {
        node.shut_down().await;
    }
    check_accepted(&cluster, &accepted);
}

fn own_room(customer: &Caller) -> RoomId {
    RoomId::new(customer.user.as_str()).expect("a room id")
}

fn start_sessions(
    cluster: &Arc<Cluster>,
    customers: &[Caller],
    agents: &[Caller],
) -> (JoinSet<()>, Vec<Arc<View>>) {
    let (mut tasks, mut views) = (JoinSet::new(), Vec::new());
    for customer in customers {
        let admins =
            (0..cluster.world.plan.admins).map(|n| caller(&format!("admin{n}"), Role::Admin));
        for caller in [customer.clone()]
            .into_iter()
            .chain(agents.iter().cloned())
            .chain(admins)
        {
            let room = own_room(customer);
            let name = format!("{}:{room}", caller.user);
            let (session, view) = Session::new(name, caller, room, Arc::clone(cluster));
            tasks.spawn(session.run());
            views.push(view);
        }
    }
    (tasks, views)
}

fn start_attendants<'a>(
    cluster: &Arc<Cluster>,
    tasks: &mut JoinSet<()>,
    callers: impl Iterator<Item = &'a Caller>,
) -> Vec<Arc<Attended>> {
    let attend = |caller: &Caller| {
        let attended = Attended::new(caller.clone());
        tasks.spawn(attendant::run(Arc::clone(cluster), Arc::clone(&attended)));
        attended
    };
    callers.map(attend).collect()
}

/// Where no hint was lost for good, whoever attends a user knows the user's rooms.
fn check_attendants(cluster: &Cluster, attended: &[Arc<Attended>]) {
    if cluster.world.plan.drop_percent > 0 {
        return;
    }
    for attended in attended {
        let (known, user) = (attended.known(), &attended.caller.user);
        let rooms = cluster.store.rooms_of(user);
        if known.as_ref() != Some(&rooms) {
            let text = format!("{user}: has {rooms:?}, was told of {known:?}");
            cluster.world.violated(text);
        }
    }
}

/// Whoever may read has everything; whoever may not is not subscribed.
fn check_sessions(cluster: &Cluster, views: &[Arc<View>]) {
    for view in views {
        let now = cluster.store.moment();
        let entitled =
            cluster
                .store
                .could_read(&view.room, &view.caller.user, view.caller.role, now);
        match (entitled, &*view.outlet.lock()) {
            (false, None) => {}
            (false, Some(outlet)) => {
                let name = &outlet.name;
                cluster
                    .world
                    .violated(format!("{name}: subscribed without a right"));
            }
            (true, None) => {
                let name = &view.name;
                cluster.world.violated(format!("{name}: cannot subscribe"));
            }
            (true, Some(outlet)) => match cluster.store.head(&view.room) {
                Some(head) => outlet.check_complete(&head),
                None => cluster
                    .world
                    .violated(format!("{}: in no room", outlet.name)),
            },
        }
    }
}

/// What senders were told is what is stored; nothing is stored twice; numbers have no gap.
fn check_accepted(cluster: &Cluster, accepted: &Accepted) {
    let world = &cluster.world;
    for appended in &*accepted.lock() {
        let message = appended.message();
        if cluster
            .store
            .accepted(&message.room, message.position)
            .as_ref()
            != Some(message)
        {
            world.violated(format!(
                "{} was answered and is not stored",
                message.position
            ));
        }
    }
    for ((room, _), log) in cluster.store.lives() {
        let mut ids = BTreeSet::new();
        for (message, seq) in log.iter().zip(1..) {
            let id = message.client_id.as_ref().map(|id| id.as_str().to_owned());
            let once = id.is_none_or(|id| ids.insert((message.sender.clone(), id)));
            if message.position.seq.get() != seq || !once {
                world.violated(format!(
                    "{room}: {} is stored out of order or twice",
                    message.position
                ));
            }
        }
    }
}
