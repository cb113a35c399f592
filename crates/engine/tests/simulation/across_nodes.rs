//! Two nodes and no faults: what is done on one is heard on the other.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use madang_domain::ports::PresenceEdge;
use madang_domain::{
    Body, Caller, ClaimOutcome, Code, Content, Error, MemberRole, Position, Profile, Role,
    RoomAction, RoomId, RoomKind, Seq, UserId,
};
use madang_engine::{
    Destinations, Ended, EventBatch, Outlet, RoomEvent, RoomPlan, SignalEvent, SignalKind, Start,
    Subscribed, SubscriptionKey, TopicDraft, TopicEvent, TopicMessageId, TopicSource, TopicTarget,
};
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::actors::caller;
use crate::attendant::Notes;
use crate::cluster::{Cluster, Node};
use crate::outlet::{KEY, SimOutlet};
use crate::plan::Plan;
use crate::world::{World, sleep_ms};

/// Longer than anything here takes; simulated.
const PATIENCE: Duration = Duration::from_secs(60);

fn calm() -> Arc<Cluster> {
    Cluster::start(Arc::new(World::calm(Plan {
        nodes: 2,
        late_percent: 0,
        drop_percent: 0,
        repeat_percent: 0,
        reorder_percent: 0,
        read_failure_percent: 0,
        append_failure_percent: 0,
        queue_max: 100,
        ..Plan::new(&mut crate::world::Rng::new(0))
    })))
}

fn simulated(test: impl AsyncFnOnce(&Cluster)) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let cluster = calm();
        test(&cluster).await;
        assert_eq!(cluster.world.verdict(), Vec::<String>::new());
        for node in &cluster.nodes {
            node.shut_down().await;
        }
    });
}

/// Passes on what a session is offered of topics: subscription, destination and body.
struct TopicOutlet(mpsc::UnboundedSender<(SubscriptionKey, String, Bytes)>);

impl Outlet for TopicOutlet {
    fn offer(&self, _: SubscriptionKey, events: &EventBatch, from: usize) -> usize {
        events.len() - from
    }
    fn offer_from_log(&self, _: SubscriptionKey, events: &[RoomEvent]) -> usize {
        events.len()
    }
    fn lagging(&self, _: SubscriptionKey) {}
    fn offer_topic(&self, key: SubscriptionKey, event: &Arc<TopicEvent>) {
        let text = event.destination.to_string();
        drop(self.0.send((key, text, event.body.clone())));
    }
    fn offer_signal(&self, _: SubscriptionKey, _: &Arc<SignalEvent>) {}
    fn rooms_changed(&self, _: SubscriptionKey, _: &RoomId, _: Option<Position>) {}
    fn rooms_unknown(&self, _: SubscriptionKey) {}
    fn presence_changed(&self, _: SubscriptionKey, _: &PresenceEdge) {}
    fn ended(&self, _: SubscriptionKey, _: Ended) {}
}

type Inbox = mpsc::UnboundedReceiver<(SubscriptionKey, String, Bytes)>;

fn topic_outlet() -> (Arc<dyn Outlet>, Inbox) {
    let (sender, inbox) = mpsc::unbounded_channel();
    (Arc::new(TopicOutlet(sender)), inbox)
}

/// A subscription of `who` on `node`, whose outlet checks all that it is offered.
pub(crate) async fn subscribed(
    cluster: &Cluster,
    node: &Node,
    who: &Caller,
    room: &RoomId,
) -> Result<(Arc<SimOutlet>, Subscribed), Error> {
    let (world, store) = (Arc::clone(&cluster.world), Arc::clone(&cluster.store));
    let name = who.user.to_string();
    let outlet = SimOutlet::new(name, who.clone(), room.clone(), world, store);
    let shared = Arc::clone(&outlet);
    let subscribing = node
        .engine
        .subscribe_room(who, room, Start::Now, shared, KEY);
    let subscribed = subscribing.await?;
    outlet.started(subscribed.head.position(), subscribed.live);
    Ok((outlet, subscribed))
}

fn user(id: &str) -> UserId {
    UserId::new(id).expect("a user id")
}

fn shared(text: &str) -> TopicSource {
    TopicSource::Shared(Destinations::parse(text).expect("a destination"))
}

fn own(id: &str, text: &str) -> TopicSource {
    TopicSource::Own(user(id), Destinations::parse(text).expect("a destination"))
}

fn publish(node: &Node, target: TopicTarget, body: &str) -> TopicMessageId {
    node.engine.publish_topic(TopicDraft {
        target,
        headers: Vec::new(),
        body: Bytes::copy_from_slice(body.as_bytes()),
    })
}

fn to_all(destination: &str) -> TopicTarget {
    TopicTarget::Shared(Arc::from(destination))
}

fn to_user(id: &str, destination: &str) -> TopicTarget {
    TopicTarget::User(user(id), Arc::from(destination))
}

async fn next(inbox: &mut Inbox) -> (SubscriptionKey, String, String) {
    let next = timeout(PATIENCE, inbox.recv()).await;
    let (key, destination, body) = next.expect("in time").expect("open");
    (
        key,
        destination,
        String::from_utf8_lossy(&body).into_owned(),
    )
}

#[test]
fn a_pattern_hears_every_matching_destination_of_both_nodes_in_order() {
    simulated(async |cluster| {
        let [a, b] = &*cluster.nodes else {
            panic!("two nodes")
        };
        let (outlet, mut inbox) = topic_outlet();
        let held = ["/topic/price.stock.*", "/topic/price.stock.a", "/queue/**"];
        let _held: Vec<_> = (0..)
            .zip(held)
            .map(|(key, text)| {
                b.engine
                    .subscribe_topic(&shared(text), Arc::clone(&outlet), key)
            })
            .collect();
        publish(a, to_all("/topic/other"), "no");
        publish(a, to_user("kim", "/queue/x"), "no");
        let mut ids = BTreeSet::new();
        for n in 0..20 {
            let name = if n % 2 == 0 { "a" } else { "b" };
            let destination = format!("/topic/price.stock.{name}");
            ids.insert(publish(a, to_all(&destination), &n.to_string()));
        }
        publish(a, to_all("/queue/deep/er"), "last");
        assert_eq!(ids.len(), 20, "an id of its own each");
        let (mut by_pattern, mut by_name) = (Vec::new(), Vec::new());
        loop {
            match next(&mut inbox).await {
                (0, _, body) => by_pattern.push(body),
                (1, destination, body) => {
                    assert_eq!(destination, "/topic/price.stock.a");
                    by_name.push(body);
                }
                (_, _, body) => {
                    assert_eq!(body, "last");
                    break;
                }
            }
        }
        let numbers = |step| (0..20).step_by(step).map(|n| n.to_string());
        assert!(by_pattern.into_iter().eq(numbers(1)), "once each, in order");
        assert!(by_name.into_iter().eq(numbers(2)), "once each, in order");

        // The node's own are offered before the call comes back.
        publish(b, to_all("/queue/here"), "here");
        let (key, destination, _) = next(&mut inbox).await;
        assert_eq!((key, &*destination), (2, "/queue/here"));
        drop(_held);
        publish(a, to_all("/queue/here"), "over");
        publish(b, to_all("/queue/here"), "over");
        sleep_ms(1_000).await;
        assert!(inbox.try_recv().is_err(), "nobody is subscribed any more");
    });
}

#[test]
fn a_user_destination_reaches_that_users_sessions_and_nobody_else() {
    simulated(async |cluster| {
        let [a, b] = &*cluster.nodes else {
            panic!("two nodes")
        };
        let (outlet, mut inbox) = topic_outlet();
        let (stranger, mut strangers) = topic_outlet();
        let subscribe = |source: TopicSource, outlet: &Arc<dyn Outlet>, key| {
            b.engine.subscribe_topic(&source, Arc::clone(outlet), key)
        };
        let _held = [
            subscribe(own("kim/1", "/user/queue/x"), &outlet, 0),
            subscribe(own("kim/1", "/user/queue/**"), &outlet, 1),
            subscribe(own("kim/1", "/user/topic/*"), &outlet, 2),
            subscribe(own("lee", "/user/**"), &stranger, 0),
            subscribe(shared("/**"), &stranger, 1),
            subscribe(shared("/user/queue/x"), &stranger, 2),
        ];
        for (node, body) in [(a, "from afar"), (b, "from here")] {
            publish(node, to_user("kim/1", "/user/queue/x"), body);
            let mut keys = BTreeSet::new();
            for _ in 0..2 {
                let (key, destination, got) = next(&mut inbox).await;
                assert_eq!((&*destination, &*got), ("/user/queue/x", body));
                keys.insert(key);
            }
            assert_eq!(keys, BTreeSet::from([0, 1]), "once by each subscription");
        }
        // Shared, although named as a user destination: not the user's.
        publish(a, to_all("/user/queue/x"), "shared");
        assert_eq!(next(&mut strangers).await.2, "shared");
        assert_eq!(next(&mut strangers).await.2, "shared");
        sleep_ms(1_000).await;
        assert!(inbox.try_recv().is_err() && strangers.try_recv().is_err());
    });
}

#[test]
fn typing_and_read_marks_reach_the_other_node_from_those_who_may_and_rise_only() {
    simulated(async |cluster| {
        let [a, b] = &*cluster.nodes else {
            panic!("two nodes")
        };
        let (kim, lee) = (caller("kim", Role::User), caller("lee", Role::Agent));
        let admin = caller("admin", Role::Admin);
        let room = RoomId::new("kim").expect("a room id");
        cluster.store.prefill(&kim, 5);
        let won = b.engine.claim_room(&lee, &room).await;
        assert_eq!(won.expect("claimed"), ClaimOutcome::Won);
        let subscribing = subscribed(cluster, b, &lee, &room).await;
        let (outlet, subscribed) = subscribing.expect("subscribed");
        let signals = async || {
            sleep_ms(1_000).await;
            std::mem::take(&mut *outlet.signals.lock())
        };

        a.engine.set_typing(&kim, &room, true).await.expect("may");
        let typing = signals().await;
        assert_eq!(typing.len(), 1);
        assert_eq!(typing[0].user, kim.user);
        assert_eq!(typing[0].kind, SignalKind::Typing { active: true });
        for other in [&admin, &caller("park", Role::Agent)] {
            let refused = a.engine.set_typing(other, &room, true).await;
            assert_eq!(refused.expect_err("may not").code(), Code::NotYourRoom);
        }

        let at = |seq| Position {
            epoch: subscribed.head.epoch,
            seq: Seq::new(seq),
        };
        let mark = async |who: &Caller, seq| {
            let marked = a.engine.mark_read(who, &room, at(seq)).await;
            marked.expect("may")
        };
        assert_eq!(mark(&kim, 3).await, at(3));
        assert_eq!(mark(&kim, 2).await, at(3), "never falls");
        assert_eq!(mark(&kim, 3).await, at(3));
        assert_eq!(mark(&kim, 99).await, at(7), "at most to the head");
        assert_eq!(mark(&admin, 5).await, at(5), "an admin has none");
        let told = |before, now| SignalKind::Read {
            before: Seq::new(before),
            now: at(now),
        };
        let read: Vec<_> = signals().await.into_iter().map(|s| s.kind).collect();
        assert_eq!(read, [told(0, 3), told(3, 7)]);
    });
}

#[test]
fn attending_sessions_on_the_other_node_are_told_whose_room_it_is() {
    simulated(async |cluster| {
        let [a, b] = &*cluster.nodes else {
            panic!("two nodes")
        };
        let (kim, lee) = (caller("kim", Role::User), caller("lee", Role::Agent));
        let room = RoomId::new("kim").expect("a room id");
        let notes = [&kim, &lee].map(|caller| Notes::of(&caller.user));
        let [customers, agents] = &notes;
        let customer = Arc::clone(customers) as Arc<dyn Outlet>;
        let agent = Arc::clone(agents) as Arc<dyn Outlet>;
        let attending = [
            b.engine.attend(&kim, customer, 0),
            b.engine.attend(&lee, agent, 0),
        ];
        let told = async || {
            sleep_ms(1_000).await;
            [customers, agents].map(|notes| notes.take().0.contains(&room))
        };

        a.engine.open_support_room(&kim, &room).await.expect("open");
        assert_eq!(told().await, [true, false], "opened");
        a.engine.open_support_room(&kim, &room).await.expect("open");
        assert_eq!(told().await, [false, false], "was open before");
        a.engine.claim_room(&lee, &room).await.expect("claimed");
        assert_eq!(told().await, [true, true], "claimed");
        a.engine.claim_room(&lee, &room).await.expect("claimed");
        assert_eq!(told().await, [false, false], "was claimed before");
        a.engine.complete_room(&lee, &room).await.expect("done");
        assert_eq!(told().await, [true, true], "completed");
        let again = Content::Message(Body::new("again", None).expect("a body"));
        a.engine
            .send_message(&kim, room.clone(), again, None)
            .await
            .expect("sent");
        a.engine.claim_room(&lee, &room).await.expect("claimed");
        told().await;
        let left = a.engine.change_room(&kim, &room, RoomAction::Leave).await;
        left.expect("left");
        assert_eq!(told().await, [true, true], "deleted");

        b.bus.reconnect();
        sleep_ms(1_000).await;
        assert!(
            customers.take().1 && agents.take().1,
            "all may have changed"
        );
        drop(attending);
        a.engine.open_support_room(&kim, &room).await.expect("open");
        assert_eq!(told().await, [false, false], "nobody attends any more");
    });
}

#[test]
fn a_member_who_is_removed_on_one_node_hears_no_more_on_the_other_until_they_are_added_again() {
    simulated(async |cluster| {
        let [a, b] = &*cluster.nodes else {
            panic!("two nodes")
        };
        let [kim, lee] = ["kim", "lee"].map(|id| caller(id, Role::User));
        let notes = Notes::of(&lee.user);
        let _attending = b
            .engine
            .attend(&lee, Arc::clone(&notes) as Arc<dyn Outlet>, 0);
        let plan = RoomPlan {
            kind: RoomKind::Group,
            profile: Profile {
                title: Some(Arc::from("g")),
                ..Profile::default()
            },
            members: vec![lee.user.clone()],
            owner: None,
        };
        let made = a.engine.create_room(&kim, plan).await;
        let room = made.expect("made").0.id;
        let told = async || {
            sleep_ms(1_000).await;
            notes.take().0.contains(&room)
        };
        assert!(told().await, "is a member now");
        let write = async |text| {
            let content = Content::Message(Body::new(text, None).expect("a body"));
            let sent = a.engine.send_message(&kim, room.clone(), content, None);
            sent.await.expect("sent");
        };
        let (theirs, held) = subscribed(cluster, b, &lee, &room).await.expect("may");
        let (owners, _held) = subscribed(cluster, b, &kim, &room).await.expect("may");
        write("first").await;
        let remove = RoomAction::Remove(lee.user.clone());
        let removed = a.engine.change_room(&kim, &room, remove).await;
        assert_eq!(removed.expect("removed"), 1);
        write("behind it").await;
        assert!(told().await, "is none any more");
        let last = theirs.drain(u64::MAX).expect("something");
        assert_eq!(last.seq, Seq::new(3), "made, first, removed");
        assert!(theirs.is_over() && !owners.is_over());
        assert_eq!(owners.drain(u64::MAX).expect("all").seq, Seq::new(4));
        drop(held);
        let refused = subscribed(cluster, b, &lee, &room).await;
        let refused = refused.err().map(|error| error.code());
        assert_eq!(refused, Some(Code::NotYourRoom));

        let again = vec![lee.user.clone()];
        let added = a.engine.add_members(&kim, &room, again, MemberRole::Member);
        assert_eq!(added.await.expect("added"), 1);
        assert!(told().await, "is one again");
        let (theirs, _held) = subscribed(cluster, b, &lee, &room).await.expect("may");
        write("welcome").await;
        sleep_ms(1_000).await;
        assert_eq!(theirs.drain(u64::MAX).expect("it").seq, Seq::new(6));
    });
}
