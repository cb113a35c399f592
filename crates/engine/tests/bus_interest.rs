//! What a node tells the bus that it wants to hear, as its subscribers come and go.

#![allow(clippy::unwrap_used, reason = "a test")]

use std::collections::HashSet;
use std::sync::Arc;

use bytes::Bytes;
use madang_domain::ports::{BoxFuture, Bus, BusEvent, BusState, PresenceEdge, Topic};
use madang_domain::{RoomId, UserId};
use madang_engine::telemetry::NoTelemetry;
use madang_engine::{
    Destinations, Ended, EventBatch, Hub, Outlet, RoomEvent, SignalEvent, SubscriptionKey,
    TopicEvent, TopicSource,
};
use parking_lot::Mutex;

#[derive(Default)]
struct Interest(Mutex<HashSet<Topic>>);

impl Bus for Interest {
    fn publish(&self, _: &Topic, _: Bytes) {}
    fn reaches_others(&self, _: &Topic) -> bool {
        false
    }
    fn state(&self) -> BusState {
        BusState::Connected
    }
    fn subscribe(&self, topic: Topic) {
        assert!(self.0.lock().insert(topic), "told once");
    }
    fn unsubscribe(&self, topic: &Topic) {
        assert!(self.0.lock().remove(topic), "told once");
    }
    fn next_event(&self) -> BoxFuture<'_, Option<BusEvent>> {
        Box::pin(async { None })
    }
}

struct Deaf;

impl Outlet for Deaf {
    fn offer(&self, _: SubscriptionKey, events: &EventBatch, from: usize) -> usize {
        events.len() - from
    }
    fn offer_from_log(&self, _: SubscriptionKey, events: &[RoomEvent]) -> usize {
        events.len()
    }
    fn lagging(&self, _: SubscriptionKey) {}
    fn offer_topic(&self, _: SubscriptionKey, _: &Arc<TopicEvent>) {}
    fn offer_signal(&self, _: SubscriptionKey, _: &Arc<SignalEvent>) {}
    fn rooms_changed(&self, _: SubscriptionKey, _: &RoomId, _: Option<madang_domain::Position>) {}
    fn rooms_unknown(&self, _: SubscriptionKey) {}
    fn presence_changed(&self, _: SubscriptionKey, _: &PresenceEdge) {}
    fn ended(&self, _: SubscriptionKey, _: Ended) {}
}

fn parse(text: &str) -> Destinations {
    Destinations::parse(text).unwrap()
}

#[test]
fn the_bus_hears_of_the_first_and_the_last_pattern_only() {
    let bus = Arc::new(Interest::default());
    let hub = Hub::new(Arc::clone(&bus) as Arc<dyn Bus>, Arc::new(NoTelemetry), 0);
    let subscribe = |text| {
        let source = TopicSource::Shared(parse(text));
        hub.topics().subscribe(&source, Arc::new(Deaf), 0)
    };
    let all = || bus.0.lock().contains(&Topic::AllDestinations);
    let exact = subscribe("/topic/a");
    assert!(!all(), "an exact subscription needs no more than itself");
    for _ in 0..2 {
        let patterns = ["/topic/*", "/topic/*", "/*/a", "/queue/**"].map(subscribe);
        let mut left = patterns.len();
        for pattern in patterns {
            assert!(all());
            drop(pattern);
            left -= 1;
        }
        assert_eq!((left, all()), (0, false));
    }
    drop(exact);
    assert!(bus.0.lock().is_empty());
}

#[test]
fn the_bus_hears_of_a_user_while_any_session_attends_or_listens() {
    let bus = Arc::new(Interest::default());
    let hub = Hub::new(Arc::clone(&bus) as Arc<dyn Bus>, Arc::new(NoTelemetry), 0);
    let kim = UserId::new("kim").unwrap();
    let wanted = || bus.0.lock().clone();
    let only = HashSet::from([Topic::User(kim.clone())]);
    let attending = hub.users().attend(&kim, Arc::new(Deaf), 0);
    let own = TopicSource::Own(kim.clone(), parse("/user/queue/**"));
    let listening = hub.topics().subscribe(&own, Arc::new(Deaf), 1);
    assert_eq!(wanted(), only, "one topic, for patterns as well");
    drop(attending);
    assert_eq!(wanted(), only);
    drop(listening);
    assert!(wanted().is_empty());
}
