//! What every bus must do, written once: an adapter's tests call [`check_all`].
//!
//! Nothing here waits for a fixed time: what happens "soon" is tried again until it happened or
//! [`Capabilities::patience`] is over.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use madang_domain::ports::{BoxFuture, Bus, BusEvent, Topic};
use madang_domain::{RoomId, UserId};
use tokio::time::{Instant, timeout};

/// What an adapter promises beyond the port.
#[derive(Debug, Clone, Copy)]
pub struct Capabilities {
    /// Without failures, what one node publishes under one topic arrives once and in order.
    pub ordered: bool,
    /// [`Bus::reaches_others`] is `false` while no other node subscribes.
    pub knows_subscribers: bool,
    /// How long "soon" may take. Above zero.
    pub patience: Duration,
}

/// Makes the nodes under test.
pub trait Network: Send + Sync {
    /// What the adapter promises.
    fn capabilities(&self) -> Capabilities;

    /// Adds a node to the same network.
    fn join(&self) -> BoxFuture<'_, Arc<dyn Bus>>;

    /// Closes the node's bus for good, if the adapter can: answers whether it did.
    fn close(&self, _bus: &Arc<dyn Bus>) -> bool {
        false
    }
}

/// How long one try to hear something waits before the next.
const TRY: Duration = Duration::from_millis(50);

/// Published while nobody reads: above what any adapter keeps.
const FLOOD: usize = 20_000;

/// Runs the whole suite.
///
/// # Panics
/// When the adapter breaks a promise of the port or of its capabilities.
pub async fn check_all(network: &dyn Network) {
    delivers_to_every_other_subscriber_and_not_to_the_publisher(network).await;
    delivers_only_what_is_subscribed(network).await;
    carries_every_kind_of_topic_and_payload_unchanged(network).await;
    stops_after_unsubscribe(network).await;
    subscribing_twice_is_subscribing_once(network).await;
    never_blocks_when_nobody_reads(network).await;
    a_cancelled_wait_loses_nothing(network).await;
    a_node_that_left_disturbs_nobody(network).await;
    what_was_flushed_is_heard_though_its_node_ends(network).await;
    all_destinations_are_every_destination_and_nothing_else(network).await;
    a_destination_arrives_once_at_a_node_that_wants_it_twice(network).await;
    if network.capabilities().ordered {
        keeps_the_order_of_one_publisher(network).await;
    }
    if network.capabilities().knows_subscribers {
        tells_whether_others_listen(network).await;
    }
    answers_none_once_closed(network).await;
}

fn room(name: &str) -> Topic {
    Topic::Room(RoomId::new(name).expect("a room id"))
}

/// The next thing published, if it comes soon enough.
async fn heard(bus: &Arc<dyn Bus>, wait: Duration) -> Option<(Topic, Bytes)> {
    loop {
        match timeout(wait, bus.next_event()).await.ok()? {
            Some(BusEvent::Published { topic, payload }) => return Some((topic, payload)),
            Some(BusEvent::Reconnected) => {}
            None => panic!("the bus is closed"),
        }
    }
}

/// Subscribes, publishes probes until that works, then drains them.
async fn connect(network: &dyn Network, from: &Arc<dyn Bus>, to: &Arc<dyn Bus>, topic: &Topic) {
    to.subscribe(topic.clone());
    probe(network, from, to, topic).await;
}

/// Publishes under `topic` until `to` hears it, then drains what it heard.
async fn probe(network: &dyn Network, from: &Arc<dyn Bus>, to: &Arc<dyn Bus>, topic: &Topic) {
    let deadline = Instant::now() + network.capabilities().patience;
    let mut probes = 0_u32;
    let mut seen = None;
    while seen.is_none() {
        assert!(Instant::now() < deadline, "{topic:?} is never delivered");
        probes += 1;
        from.publish(topic, Bytes::from(format!("probe {probes}")));
        seen = heard(to, TRY).await;
    }
    let last = Bytes::from(format!("probe {probes}"));
    while let Some((_, payload)) = seen {
        if payload == last {
            return;
        }
        seen = heard(to, TRY).await;
    }
}

async fn expect(network: &dyn Network, bus: &Arc<dyn Bus>, topic: &Topic, payload: &Bytes) {
    let got = heard(bus, network.capabilities().patience).await;
    assert_eq!(got.as_ref(), Some(&(topic.clone(), payload.clone())));
}

async fn what_was_flushed_is_heard_though_its_node_ends(network: &dyn Network) {
    let (ending, other) = (network.join().await, network.join().await);
    let topic = room("flushed");
    connect(network, &ending, &other, &topic).await;
    let last = Bytes::from_static(b"the last words");
    for number in 0..2_000 {
        ending.publish(&topic, Bytes::from(format!("{number}")));
    }
    ending.publish(&topic, last.clone());
    ending.flush().await;
    drop(ending);
    let patience = network.capabilities().patience;
    loop {
        let heard = heard(&other, patience).await.expect("all of it");
        if heard == (topic.clone(), last.clone()) {
            return;
        }
    }
}

async fn delivers_to_every_other_subscriber_and_not_to_the_publisher(network: &dyn Network) {
    let (a, b, c) = (
        network.join().await,
        network.join().await,
        network.join().await,
    );
    let topic = room("to-all");
    connect(network, &a, &b, &topic).await;
    connect(network, &a, &c, &topic).await;
    while heard(&b, TRY).await.is_some() {}
    a.subscribe(topic.clone());
    // Hears `b`, so that its own message would have come too.
    connect(network, &b, &a, &topic).await;
    while heard(&c, TRY).await.is_some() {}
    let (own, fence) = (Bytes::from("own"), Bytes::from("fence"));
    a.publish(&topic, own.clone());
    expect(network, &b, &topic, &own).await;
    expect(network, &c, &topic, &own).await;
    b.publish(&topic, fence.clone());
    expect(network, &a, &topic, &fence).await;
}

async fn delivers_only_what_is_subscribed(network: &dyn Network) {
    let (a, b) = (network.join().await, network.join().await);
    let (wanted, other) = (room("wanted"), room("other"));
    connect(network, &a, &b, &wanted).await;
    let (no, yes) = (Bytes::from("no"), Bytes::from("yes"));
    a.publish(&other, no);
    a.publish(&wanted, yes.clone());
    expect(network, &b, &wanted, &yes).await;
    assert_eq!(heard(&b, TRY).await, None);
}

async fn carries_every_kind_of_topic_and_payload_unchanged(network: &dyn Network) {
    let (a, b) = (network.join().await, network.join().await);
    let names = ["고객@example.com", "a b*c>d.e/f", &"x".repeat(255)];
    let mut topics: Vec<_> = names.map(room).into();
    topics.push(Topic::Destination(Arc::from("/topic/고객.*.>")));
    // The same text in another kind is another topic.
    topics.push(Topic::Destination(Arc::from("x".repeat(255))));
    topics.extend(names.map(|name| Topic::User(UserId::new(name).expect("a user id"))));
    topics.extend([Topic::AllNodes, Topic::AllGateways]);
    topics.extend([0, u64::MAX].map(Topic::Gateway));
    let binary: Vec<u8> = (0..=255).cycle().take(64 * 1024).collect();
    for topic in &topics {
        connect(network, &a, &b, topic).await;
        for payload in [Bytes::new(), Bytes::from(binary.clone())] {
            a.publish(topic, payload.clone());
            expect(network, &b, topic, &payload).await;
        }
    }
}

async fn stops_after_unsubscribe(network: &dyn Network) {
    let (a, b) = (network.join().await, network.join().await);
    let (left, kept) = (room("left"), room("kept"));
    connect(network, &a, &b, &left).await;
    connect(network, &a, &b, &kept).await;
    b.unsubscribe(&left);
    b.unsubscribe(&left);
    let deadline = Instant::now() + network.capabilities().patience;
    loop {
        a.publish(&left, Bytes::from("late"));
        a.publish(&kept, Bytes::from("fence"));
        let mut stopped = true;
        while let Some((topic, _)) = heard(&b, TRY).await {
            stopped &= topic == kept;
        }
        if stopped {
            return;
        }
        assert!(Instant::now() < deadline, "delivery never stops");
    }
}

async fn subscribing_twice_is_subscribing_once(network: &dyn Network) {
    let (a, b) = (network.join().await, network.join().await);
    let topic = room("twice");
    connect(network, &a, &b, &topic).await;
    connect(network, &a, &b, &topic).await;
    let once = Bytes::from("once");
    a.publish(&topic, once.clone());
    expect(network, &b, &topic, &once).await;
    assert_eq!(heard(&b, TRY).await, None);
    b.unsubscribe(&topic);
    let deadline = Instant::now() + network.capabilities().patience;
    loop {
        a.publish(&topic, Bytes::from("late"));
        if heard(&b, TRY).await.is_none() {
            return;
        }
        assert!(Instant::now() < deadline, "one unsubscribe is not enough");
    }
}

async fn never_blocks_when_nobody_reads(network: &dyn Network) {
    let (a, b, c) = (
        network.join().await,
        network.join().await,
        network.join().await,
    );
    let topic = room("flood");
    connect(network, &a, &b, &topic).await;
    connect(network, &a, &c, &topic).await;
    for n in 0..FLOOD {
        // Returns: `publish` is no future, so a bus that waits would hang the suite here.
        a.publish(&topic, Bytes::from(n.to_string()));
    }
    // What did not fit is lost, and the node hears again once it reads.
    while heard(&b, TRY).await.is_some() {}
    connect(network, &a, &b, &topic).await;
}

async fn a_cancelled_wait_loses_nothing(network: &dyn Network) {
    let (a, b) = (network.join().await, network.join().await);
    let topic = room("cancelled");
    connect(network, &a, &b, &topic).await;
    for n in 0..10 {
        assert_eq!(heard(&b, Duration::from_millis(1)).await, None);
        let payload = Bytes::from(format!("after {n} given up"));
        a.publish(&topic, payload.clone());
        expect(network, &b, &topic, &payload).await;
    }
}

async fn a_node_that_left_disturbs_nobody(network: &dyn Network) {
    let (a, b, c) = (
        network.join().await,
        network.join().await,
        network.join().await,
    );
    let topic = room("left-behind");
    connect(network, &a, &b, &topic).await;
    connect(network, &a, &c, &topic).await;
    while heard(&b, TRY).await.is_some() {}
    drop(c);
    let still = Bytes::from("still here");
    a.publish(&topic, still.clone());
    expect(network, &b, &topic, &still).await;
}

fn destination(name: &str) -> Topic {
    Topic::Destination(Arc::from(name))
}

async fn all_destinations_are_every_destination_and_nothing_else(network: &dyn Network) {
    let (a, b) = (network.join().await, network.join().await);
    let (one, other) = (destination("/topic/all.one"), destination("/queue/a/b*c"));
    b.subscribe(Topic::AllDestinations);
    probe(network, &a, &b, &one).await;
    let text = Bytes::from("named by what it was published under");
    // The same name in another kind, and all at once: neither is a destination.
    a.publish(&room("/topic/all.one"), text.clone());
    let user = UserId::new("/topic/all.one").expect("a user id");
    a.publish(&Topic::User(user), text.clone());
    a.publish(&Topic::AllDestinations, text.clone());
    for topic in [&one, &other] {
        a.publish(topic, text.clone());
        expect(network, &b, topic, &text).await;
    }
    if network.capabilities().knows_subscribers {
        assert!(a.reaches_others(&destination("/topic/never.named")));
        assert!(!a.reaches_others(&room("/topic/all.one")));
    }
    b.unsubscribe(&Topic::AllDestinations);
    silence(network, &a, &b, &one).await;
}

async fn a_destination_arrives_once_at_a_node_that_wants_it_twice(network: &dyn Network) {
    let (a, b) = (network.join().await, network.join().await);
    let topic = destination("/topic/wanted-twice");
    connect(network, &a, &b, &topic).await;
    b.subscribe(Topic::AllDestinations);
    // Heard by nothing but the second subscription, so that both work now.
    probe(network, &a, &b, &destination("/topic/not-named")).await;
    for n in 0..20 {
        let once = Bytes::from(n.to_string());
        a.publish(&topic, once.clone());
        expect(network, &b, &topic, &once).await;
    }
    assert_eq!(heard(&b, TRY).await, None, "once each");
    // Either goes without the other.
    b.unsubscribe(&topic);
    b.unsubscribe(&topic);
    probe(network, &a, &b, &topic).await;
    b.subscribe(topic.clone());
    b.unsubscribe(&Topic::AllDestinations);
    silence(network, &a, &b, &destination("/topic/not-named")).await;
    probe(network, &a, &b, &topic).await;
}

/// Publishes under `topic` until `to` hears nothing of it.
async fn silence(network: &dyn Network, from: &Arc<dyn Bus>, to: &Arc<dyn Bus>, topic: &Topic) {
    let deadline = Instant::now() + network.capabilities().patience;
    loop {
        from.publish(topic, Bytes::from("late"));
        if heard(to, TRY).await.is_none() {
            return;
        }
        assert!(Instant::now() < deadline, "{topic:?} never ends");
    }
}

async fn keeps_the_order_of_one_publisher(network: &dyn Network) {
    let (a, b) = (network.join().await, network.join().await);
    let topic = room("ordered");
    connect(network, &a, &b, &topic).await;
    let payloads: Vec<_> = (0..500).map(|n| Bytes::from(n.to_string())).collect();
    for payload in &payloads {
        a.publish(&topic, payload.clone());
    }
    for payload in &payloads {
        expect(network, &b, &topic, payload).await;
    }
}

async fn tells_whether_others_listen(network: &dyn Network) {
    let (a, b) = (network.join().await, network.join().await);
    let topic = room("listened-to");
    a.subscribe(topic.clone());
    assert!(!a.reaches_others(&topic), "only itself listens");
    connect(network, &a, &b, &topic).await;
    assert!(a.reaches_others(&topic));
    b.unsubscribe(&topic);
    let deadline = Instant::now() + network.capabilities().patience;
    while a.reaches_others(&topic) {
        assert!(Instant::now() < deadline, "nobody listens any more");
        tokio::task::yield_now().await;
    }
}

async fn answers_none_once_closed(network: &dyn Network) {
    let bus = network.join().await;
    if !network.close(&bus) {
        return;
    }
    let patience = network.capabilities().patience;
    for _ in 0..2 {
        let end = timeout(patience, bus.next_event()).await;
        assert_eq!(end, Ok(None), "closed for good");
    }
    bus.publish(&room("closed"), Bytes::from("dropped"));
}
