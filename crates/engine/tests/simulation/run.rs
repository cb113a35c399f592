//! One run from one seed: chaos, then healing, then the final checks.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use madang_domain::{Caller, Role, RoomId};
use tokio::task::JoinSet;

use crate::actors::{self, Accepted, Writer, caller};
use crate::attendant::{self, Attended};
use crate::cluster::{Cluster, HEAD_CHECK_MS};
use crate::desk;
use crate::members::{self, Place};
use crate::plan::Plan;
use crate::session::{Session, View};
use crate::world::{Phase, World, sleep_ms};

/// Simulated time after which a run counts as one that hangs.
const RUN_MAX: Duration = Duration::from_secs(600);

/// Times that one message more is written which no bus carries: only what the hub believes to be
/// the head decides whether it is found.
const ROUNDS: u64 = 2;

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

/// Who takes part in a run, and where.
struct Cast {
    customers: Vec<Caller>,
    agents: Vec<Caller>,
    admins: Vec<Caller>,
    /// Belongs to no room, and reads open ones.
    stranger: Caller,
    places: Vec<Place>,
}

impl Cast {
    fn new(plan: &Plan) -> Self {
        let callers = |name: &str, count, role| -> Vec<_> {
            let id = |n| caller(&format!("{name}{n}"), role);
            (0..count).map(id).collect()
        };
        let people = callers("u", plan.people, Role::User);
        let kinds = plan.member_rooms.iter().zip(0..);
        Self {
            customers: callers("kim", plan.support_rooms, Role::User),
            agents: callers("lee", plan.agents, Role::Agent),
            admins: callers("admin", plan.admins, Role::Admin),
            stranger: caller("x", Role::User),
            places: kinds
                .map(|(kind, n)| Place::new(*kind, n, &people))
                .collect(),
        }
    }

    /// Every room that somebody listens to, and who tries to.
    fn audience(&self) -> Vec<(RoomId, Vec<Caller>)> {
        let mut audience = Vec::new();
        for customer in &self.customers {
            let mut callers = vec![customer.clone()];
            callers.extend(self.agents.iter().chain(&self.admins).cloned());
            audience.push((own_room(customer), callers));
        }
        for place in &self.places {
            let mut callers = place.people.clone();
            // Somebody who looks on, and keeps on when they are no member any more.
            let looks_on = caller(place.people[1].user.as_str(), Role::Admin);
            callers.extend([self.stranger.clone(), looks_on]);
            audience.push((place.room.clone(), callers));
        }
        audience.push((RoomId::desk(), self.agents.clone()));
        audience
    }

    fn rooms(&self) -> Vec<RoomId> {
        let audience = self.audience().into_iter().map(|(room, _)| room);
        audience.collect()
    }

    /// Everybody who has rooms of their own.
    fn attended(&self) -> Vec<Caller> {
        let people = self.places.iter().flat_map(|place| place.people.iter());
        let all = self.customers.iter().chain(&self.agents).chain(people);
        let mut all: Vec<_> = all.cloned().collect();
        all.sort_by(|a, b| a.user.cmp(&b.user));
        all.dedup_by(|a, b| a.user == b.user);
        all
    }
}

async fn simulate(world: Arc<World>) {
    let cluster = Cluster::start(Arc::clone(&world));
    let accepted = Arc::new(Accepted::default());
    let cast = Cast::new(&world.plan);
    for customer in &cast.customers {
        cluster.store.prefill(customer, world.plan.prefilled);
    }
    for place in &cast.places {
        place.prefill(&cluster, world.plan.prefilled);
    }
    let writer = |caller: &Caller, sent| Writer {
        cluster: Arc::clone(&cluster),
        caller: caller.clone(),
        accepted: Arc::clone(&accepted),
        sent,
    };
    let (mut sessions, views) = start_sessions(&cluster, &cast);
    let attended = start_attendants(&cluster, &mut sessions, &cast);
    let mut actors = start_actors(&world, &cast, &writer);
    let fate = tokio::spawn(actors::fate(Arc::clone(&cluster), cast.rooms()));
    while actors.join_next().await.is_some() {}
    // What was given up goes on to its end, and speaks on the bus while that still works.
    sleep_ms(GIVEN_UP_MS).await;
    world.enter(Phase::Healed);
    drop(fate.await);
    sleep_ms(4 * HEAD_CHECK_MS).await;
    check_sessions(&cluster, &views);
    if world.plan.drop_percent == 0 {
        check_attendants(&cluster, &attended);
    }
    for round in 1..=ROUNDS {
        world.enter(Phase::Quiet);
        let late = |caller: &Caller| writer(caller, round * 1_000_000);
        write_once_more(&cluster, &cast, &late).await;
        sleep_ms(world.within(0, 2 * HEAD_CHECK_MS)).await;
        world.enter(Phase::Healed);
        sleep_ms(4 * HEAD_CHECK_MS).await;
        check_sessions(&cluster, &views);
    }
    // A bus that lost something says so in the end.
    cluster.nodes.iter().for_each(|node| node.bus.reconnect());
    sleep_ms(4 * HEAD_CHECK_MS).await;
    check_attendants(&cluster, &attended);
    world.enter(Phase::Over);
    while sessions.join_next().await.is_some() {}
    for node in &cluster.nodes {
        node.shut_down().await;
    }
    check_accepted(&cluster, &accepted);
}

fn start_actors(
    world: &World,
    cast: &Cast,
    writer: &dyn Fn(&Caller, u64) -> Writer,
) -> JoinSet<()> {
    let mut actors = JoinSet::new();
    for customer in &cast.customers {
        // Several devices at once, so that one node's batches meet another node's.
        for device in 0..world.plan.devices {
            let writer = writer(customer, device * 1_000);
            actors.spawn(desk::customer(writer, own_room(customer)));
        }
    }
    let rooms: Vec<_> = cast.customers.iter().map(own_room).collect();
    for agent in cast.agents.iter().filter(|_| !rooms.is_empty()) {
        let colleagues = cast.agents.clone();
        actors.spawn(desk::agent(writer(agent, 0), rooms.clone(), colleagues));
    }
    for (place, n) in cast.places.iter().zip(0..) {
        for person in &place.people {
            let writer = writer(person, n * 10_000);
            actors.spawn(members::member(writer, place.clone()));
        }
    }
    actors
}

/// In every room, and takes somebody's right in some.
async fn write_once_more(cluster: &Cluster, cast: &Cast, writer: &dyn Fn(&Caller) -> Writer) {
    for customer in &cast.customers {
        writer(customer).send(&own_room(customer)).await;
    }
    for place in &cast.places {
        if cluster.world.one_in(3) {
            place.remove_somebody(cluster).await;
        }
        if let Some(member) = place.any_member(cluster) {
            writer(&member).send(&place.room).await;
        }
    }
}

fn own_room(customer: &Caller) -> RoomId {
    RoomId::new(customer.user.as_str()).expect("a room id")
}

fn start_sessions(cluster: &Arc<Cluster>, cast: &Cast) -> (JoinSet<()>, Vec<Arc<View>>) {
    let (mut tasks, mut views) = (JoinSet::new(), Vec::new());
    for (room, callers) in cast.audience() {
        for caller in callers {
            let name = format!("{}/{:?}:{room}", caller.user, caller.role);
            let (session, view) = Session::new(name, caller, room.clone(), Arc::clone(cluster));
            tasks.spawn(session.run());
            views.push(view);
        }
    }
    (tasks, views)
}

fn start_attendants(
    cluster: &Arc<Cluster>,
    tasks: &mut JoinSet<()>,
    cast: &Cast,
) -> Vec<Arc<Attended>> {
    let attend = |caller| {
        let attended = Attended::new(caller);
        tasks.spawn(attendant::run(Arc::clone(cluster), Arc::clone(&attended)));
        attended
    };
    cast.attended().into_iter().map(attend).collect()
}

/// Whoever attends a user shows exactly the user's rooms.
fn check_attendants(cluster: &Cluster, attended: &[Arc<Attended>]) {
    for attended in attended {
        let (known, caller) = (attended.known(), &attended.caller);
        let rooms = cluster.store.rooms_of(&caller.user, caller.role);
        if known.as_ref() != Some(&rooms) {
            let text = format!("{}: has {rooms:?}, shows {known:?}", caller.user);
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
        let stored = cluster.store.versions(&message.room, message.position);
        if !stored.contains(message) {
            world.violated(format!(
                "{} was answered and is not stored",
                message.position
            ));
        }
    }
    for life in cluster.store.lives() {
        let mut ids = BTreeSet::new();
        for (message, seq) in life.entries.iter().zip(1..) {
            let id = message.client_id.as_ref().map(|id| id.as_str().to_owned());
            let once = id.is_none_or(|id| ids.insert((message.sender.clone(), id)));
            if message.position.seq.get() != seq || !once {
                world.violated(format!(
                    "{}: {} is stored out of order or twice",
                    life.room, message.position
                ));
            }
        }
    }
}
