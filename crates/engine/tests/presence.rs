//! Who is online, as a node tells it: the edges, the grace, the lease, and what fails.

#![allow(clippy::unwrap_used, reason = "a test")]

mod fakes;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use fakes::{FakeBus, FakePresence, FakeStore};
use madang_domain::ports::PresenceEdge;
use madang_domain::{Caller, Code, Position, Role, RoomId, UserId};
use madang_engine::{
    Ended, Engine, EventBatch, Outlet, RoomEvent, SignalEvent, SubscriptionKey, TopicEvent,
    UserSubscription, WATCHED_MAX,
};
use parking_lot::Mutex;

/// As [`fakes::options`] has them.
const GRACE: u64 = 7;
const RENEWAL: u64 = 10;

/// A session that watches others.
#[derive(Default)]
struct Watcher(Mutex<Vec<String>>);

impl Watcher {
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock())
    }
}

impl Outlet for Watcher {
    fn offer(&self, _: SubscriptionKey, events: &EventBatch, from: usize) -> usize {
        events.len() - from
    }
    fn offer_from_log(&self, _: SubscriptionKey, events: &[RoomEvent]) -> usize {
        events.len()
    }
    fn lagging(&self, _: SubscriptionKey) {}
    fn offer_topic(&self, _: SubscriptionKey, _: &Arc<TopicEvent>) {}
    fn offer_signal(&self, _: SubscriptionKey, _: &Arc<SignalEvent>) {}
    fn rooms_changed(&self, _: SubscriptionKey, _: &RoomId, _: Option<Position>) {}
    fn rooms_unknown(&self, _: SubscriptionKey) {}
    fn presence_changed(&self, _: SubscriptionKey, edge: &PresenceEdge) {
        let sign = if edge.online { '+' } else { '-' };
        self.0.lock().push(format!("{sign}{}", edge.user));
    }
    fn ended(&self, _: SubscriptionKey, _: Ended) {}
}

struct Rig {
    engine: Arc<Engine>,
    store: Arc<FakeStore>,
    port: Arc<FakePresence>,
    watcher: Arc<Watcher>,
    _watching: Vec<UserSubscription>,
}

fn user(id: &str) -> UserId {
    UserId::new(id).unwrap()
}

fn caller(id: &str, role: Role) -> Caller {
    Caller::new(user(id), role)
}

/// Simulated: whatever is due until then has happened.
async fn pass(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

/// Everything that needs no time has happened.
async fn settle() {
    tokio::time::sleep(Duration::from_millis(1)).await;
}

impl Rig {
    /// A node on which somebody watches kim and lee.
    async fn new() -> Self {
        let (store, port) = (Arc::<FakeStore>::default(), Arc::<FakePresence>::default());
        let engine = fakes::start(&store, &port, &Arc::<FakeBus>::default(), fakes::options());
        let watcher = Arc::<Watcher>::default();
        let watched = [user("kim"), user("lee")];
        let outlet = Arc::clone(&watcher) as Arc<dyn Outlet>;
        let friend = caller("friend", Role::User);
        let watching = engine.watch_presence(&friend, &watched, outlet, 0).await;
        settle().await;
        Self {
            engine,
            store,
            port,
            watcher,
            _watching: watching.unwrap(),
        }
    }

    fn connected(&self, id: &str) {
        self.engine.connected(&user(id));
    }

    fn disconnected(&self, id: &str) {
        self.engine.disconnected(&user(id));
    }
}

#[tokio::test(start_paused = true)]
async fn presence_was_reached_from_the_first_lease_on_for_good() {
    let (store, port) = (Arc::<FakeStore>::default(), Arc::<FakePresence>::default());
    port.fails.store(true, Ordering::Relaxed);
    let engine = fakes::start(&store, &port, &Arc::<FakeBus>::default(), fakes::options());
    assert!(!engine.presence_was_reached().await);
    port.fails.store(false, Ordering::Relaxed);
    pass(RENEWAL + 1).await;
    assert!(engine.presence_was_reached().await);
    port.fails.store(true, Ordering::Relaxed);
    pass(5 * RENEWAL).await;
    assert!(engine.presence_was_reached().await);
}

#[tokio::test(start_paused = true)]
async fn a_user_goes_online_with_the_first_session_and_offline_a_grace_after_the_last() {
    let rig = Rig::new().await;
    rig.connected("kim");
    rig.connected("kim");
    settle().await;
    assert_eq!(rig.watcher.take(), ["+kim"]);
    rig.disconnected("kim");
    pass(3 * GRACE).await;
    assert!(rig.watcher.take().is_empty(), "there is another session");
    rig.disconnected("kim");
    pass(GRACE - 1).await;
    assert!(rig.watcher.take().is_empty());
    pass(2).await;
    assert_eq!(rig.watcher.take(), ["-kim"]);
    pass(3 * GRACE).await;
    assert_eq!(rig.port.take_told(), ["+kim", "-kim"], "each edge once");
}

#[tokio::test(start_paused = true)]
async fn whoever_comes_back_within_the_grace_was_never_away() {
    let rig = Rig::new().await;
    rig.connected("kim");
    for _ in 0..5 {
        pass(GRACE).await;
        rig.disconnected("kim");
        pass(GRACE - 1).await;
        rig.connected("kim");
    }
    assert_eq!(rig.port.take_told(), ["+kim"]);
    rig.disconnected("kim");
    rig.connected("kim");
    rig.disconnected("kim");
    pass(GRACE + 1).await;
    assert_eq!(rig.port.take_told(), ["-kim"]);
    rig.connected("kim");
    settle().await;
    assert_eq!(rig.watcher.take(), ["+kim", "-kim", "+kim"]);
}

#[tokio::test(start_paused = true)]
async fn whoever_comes_back_while_it_is_told_that_they_left_is_online_in_the_end() {
    let rig = Rig::new().await;
    rig.connected("kim");
    settle().await;
    rig.disconnected("kim");
    let calls = rig.port.gate.available_permits();
    rig.port.gate.forget_permits(calls);
    pass(GRACE + 1).await;
    rig.connected("kim");
    settle().await;
    rig.port.gate.add_permits(calls);
    settle().await;
    assert_eq!(rig.port.take_told(), ["+kim", "-kim", "+kim"]);
    assert_eq!(rig.watcher.take().last().unwrap(), "+kim");
}

#[tokio::test(start_paused = true)]
async fn whoever_leaves_while_it_is_told_that_they_came_goes_offline_after_the_grace() {
    let rig = Rig::new().await;
    let calls = rig.port.gate.available_permits();
    rig.port.gate.forget_permits(calls);
    rig.connected("kim");
    settle().await;
    rig.disconnected("kim");
    rig.port.gate.add_permits(calls);
    settle().await;
    assert_eq!(rig.watcher.take(), ["+kim"]);
    pass(GRACE).await;
    assert_eq!(rig.watcher.take(), ["-kim"]);
}

#[tokio::test(start_paused = true)]
async fn what_could_not_be_told_is_told_when_the_port_is_back_as_it_is_then() {
    let rig = Rig::new().await;
    rig.connected("park");
    settle().await;
    rig.port.take_told();
    rig.port.fails.store(true, Ordering::Relaxed);
    for id in ["kim", "lee", "choi"] {
        rig.connected(id);
    }
    rig.disconnected("park");
    rig.disconnected("choi");
    pass(GRACE + 1).await;
    assert!(rig.port.take_told().is_empty());
    rig.port.fails.store(false, Ordering::Relaxed);
    pass(RENEWAL).await;
    let mut told = rig.port.take_told();
    told.sort_unstable();
    // The port may have kept that choi came.
    assert_eq!(told, ["+kim", "+lee", "-choi", "-park"]);
    let mut seen = rig.watcher.take();
    seen.sort_unstable();
    assert_eq!(seen, ["+kim", "+lee"]);
}

#[tokio::test(start_paused = true)]
async fn whoever_is_here_is_said_to_be_online_again_after_the_lease_was_lost() {
    let rig = Rig::new().await;
    for id in ["kim", "lee"] {
        rig.connected(id);
    }
    settle().await;
    assert_eq!(rig.port.take_told().len(), 2);
    rig.watcher.take();
    // Away for a moment, and still within the grace when the lease is taken again.
    rig.port.loses_lease.store(true, Ordering::Relaxed);
    pass(RENEWAL - 1).await;
    rig.disconnected("lee");
    pass(1).await;
    let mut told = rig.port.take_told();
    told.sort_unstable();
    assert_eq!(told, ["+kim", "+lee"]);
    let seen = rig.watcher.take();
    let last = |id: &str| seen.iter().rfind(|edge| edge.ends_with(id)).unwrap();
    assert_eq!([last("kim"), last("lee")], ["+kim", "+lee"]);
    pass(GRACE).await;
    assert_eq!(rig.port.take_told(), ["-lee"]);
}

#[tokio::test(start_paused = true)]
async fn the_lease_is_renewed_three_times_within_itself_and_every_second_while_that_fails() {
    let rig = Rig::new().await;
    let renewals = || std::mem::take(&mut *rig.port.renewals.lock()).len();
    assert_eq!(renewals(), 1, "taken at once");
    pass(3 * RENEWAL).await;
    assert_eq!(renewals(), 3);
    rig.port.fails.store(true, Ordering::Relaxed);
    rig.connected("kim");
    // What cannot be told is a failure, too: the lease is renewed, in vain, and tried again.
    pass(RENEWAL).await;
    // The last one is due in the moment in which this ends.
    assert!((9..=10).contains(&renewals()));
    rig.port.fails.store(false, Ordering::Relaxed);
    pass(2).await;
    assert_eq!(rig.port.take_told(), ["+kim"]);
    renewals();
    pass(3 * RENEWAL).await;
    assert_eq!(renewals(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_crowd_is_told_in_pieces_of_a_bounded_size() {
    let rig = Rig::new().await;
    for n in 0..1_300 {
        rig.connected(&format!("u{n}"));
    }
    settle().await;
    let told = std::mem::take(&mut *rig.port.told.lock());
    let sizes: Vec<_> = told.iter().map(Vec::len).collect();
    assert_eq!(sizes, [512, 512, 276]);
}

#[tokio::test(start_paused = true)]
async fn a_node_that_shuts_down_gives_up_its_lease_and_tells_nothing_after_that() {
    let rig = Rig::new().await;
    rig.connected("kim");
    settle().await;
    rig.engine.shut_down().await;
    assert!(rig.port.released.load(Ordering::Relaxed));
    rig.port.take_told();
    rig.port.renewals.lock().clear();
    rig.connected("lee");
    pass(5 * RENEWAL).await;
    assert!(rig.port.take_told().is_empty() && rig.port.renewals.lock().is_empty());
}

#[tokio::test(start_paused = true)]
async fn only_people_who_share_a_room_and_agents_see_who_is_online() {
    let rig = Rig::new().await;
    let watched = [user("kim"), user("stranger"), user("lee")];
    rig.connected("kim");
    rig.connected("stranger");
    settle().await;
    let online = async |caller: &Caller| {
        let edges = rig.engine.presence_of(caller, &watched).await.unwrap();
        let online = edges.iter().map(|edge| edge.as_ref().map(|e| e.online));
        online.collect::<Vec<_>>()
    };
    let friend = caller("friend", Role::User);
    assert_eq!(online(&friend).await, [Some(true), None, None]);
    let agent = caller("agent", Role::Agent);
    assert_eq!(online(&agent).await, [Some(true), Some(true), None]);
    let themselves = caller("stranger", Role::User);
    assert_eq!(online(&themselves).await, [Some(true), Some(true), None]);

    let many: Vec<_> = (0..=WATCHED_MAX).map(|n| user(&format!("u{n}"))).collect();
    let refused = rig.engine.presence_of(&agent, &many).await;
    assert_eq!(refused.unwrap_err().code(), Code::ParameterInvalid);
    rig.port.fails.store(true, Ordering::Relaxed);
    let refused = rig.engine.presence_of(&agent, &watched).await;
    assert_eq!(refused.unwrap_err().code(), Code::Unavailable);
}

#[tokio::test(start_paused = true)]
async fn whoever_is_not_to_be_seen_is_not_watched() {
    let rig = Rig::new().await;
    let watcher = Arc::<Watcher>::default();
    let outlet = Arc::clone(&watcher) as Arc<dyn Outlet>;
    let friend = caller("friend", Role::User);
    let watched = [user("stranger"), user("kim")];
    let watching = rig.engine.watch_presence(&friend, &watched, outlet, 0);
    let watching = watching.await.unwrap();
    rig.connected("stranger");
    rig.connected("kim");
    settle().await;
    assert_eq!(watcher.take(), ["+kim"]);
    drop(watching);
    rig.disconnected("kim");
    pass(GRACE + 1).await;
    assert!(watcher.take().is_empty(), "watches no more");
}

#[tokio::test(start_paused = true)]
async fn whoever_shares_no_room_any_more_is_told_of_no_edge_until_they_share_one_again() {
    let rig = Rig::new().await;
    let of_agent = Arc::<Watcher>::default();
    let outlet = Arc::clone(&of_agent) as Arc<dyn Outlet>;
    let agent = caller("agent", Role::Agent);
    let watched = [user("kim")];
    let watching = rig.engine.watch_presence(&agent, &watched, outlet, 0);
    let _watching = watching.await.unwrap();
    rig.connected("kim");
    settle().await;
    assert_eq!(rig.watcher.take(), ["+kim"]);
    rig.store.parted.store(true, Ordering::Relaxed);
    rig.disconnected("kim");
    pass(GRACE + 1).await;
    assert_eq!(of_agent.take(), ["+kim", "-kim"], "agents see everybody");
    assert!(rig.watcher.take().is_empty());
    rig.store.parted.store(false, Ordering::Relaxed);
    rig.connected("kim");
    settle().await;
    assert_eq!(rig.watcher.take(), ["+kim"]);
}

#[tokio::test(start_paused = true)]
async fn while_the_store_cannot_say_who_may_see_it_agents_are_told_and_others_once_it_can() {
    let rig = Rig::new().await;
    let of_agent = Arc::<Watcher>::default();
    let outlet = Arc::clone(&of_agent) as Arc<dyn Outlet>;
    let agent = caller("agent", Role::Agent);
    let watched = [user("kim"), user("lee")];
    let watching = rig.engine.watch_presence(&agent, &watched, outlet, 0);
    let _watching = watching.await.unwrap();
    rig.store.fails.store(true, Ordering::Relaxed);
    rig.connected("kim");
    rig.connected("lee");
    rig.disconnected("lee");
    pass(3 * GRACE).await;
    assert_eq!(of_agent.take(), ["+kim", "+lee", "-lee"], "each edge");
    assert!(rig.watcher.take().is_empty());
    rig.store.fails.store(false, Ordering::Relaxed);
    pass(2).await;
    assert_eq!(rig.watcher.take(), ["+kim", "-lee"], "the newest edge");
}
