//! A bus that loses, repeats, delays and reorders, and takes a while until it hears of interest.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use madang_domain::ports::{BoxFuture, Bus, BusEvent, BusState, Topic};
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::{Duration, Instant};

use crate::world::{Phase, World};

pub(crate) struct SimNetwork {
    world: Arc<World>,
    nodes: Mutex<Vec<Arc<Inbox>>>,
}

struct Inbox {
    /// From when on they are delivered.
    topics: Mutex<HashMap<Topic, Instant>>,
    events: Mutex<Vec<BusEvent>>,
    arrived: Notify,
}

pub(crate) struct SimBus {
    network: Arc<SimNetwork>,
    inbox: Arc<Inbox>,
}

impl SimNetwork {
    pub(crate) fn new(world: Arc<World>) -> Arc<Self> {
        Arc::new(Self {
            world,
            nodes: Mutex::default(),
        })
    }

    pub(crate) fn join(self: &Arc<Self>) -> Arc<SimBus> {
        let inbox = Arc::new(Inbox {
            topics: Mutex::default(),
            events: Mutex::default(),
            arrived: Notify::new(),
        });
        self.nodes.lock().push(Arc::clone(&inbox));
        Arc::new(SimBus {
            network: Arc::clone(self),
            inbox,
        })
    }
}

impl Inbox {
    fn wants(&self, topic: &Topic) -> bool {
        let topics = self.topics.lock();
        let wanted = |topic| {
            topics
                .get(topic)
                .is_some_and(|from| *from <= Instant::now())
        };
        let destination = matches!(topic, Topic::Destination(_));
        wanted(topic) || destination && wanted(&Topic::AllDestinations)
    }

    fn push(&self, event: BusEvent) {
        self.events.lock().push(event);
        self.arrived.notify_one();
    }
}

impl SimBus {
    /// All that waits is lost, and the node is told that something may be.
    pub(crate) fn reconnect(&self) {
        self.inbox.events.lock().clear();
        self.inbox.push(BusEvent::Reconnected);
    }

    fn take(&self) -> Option<BusEvent> {
        let world = &self.network.world;
        let mut events = self.inbox.events.lock();
        if events.is_empty() {
            return None;
        }
        let reordered = world.fault(world.plan.reorder_percent);
        let at = if reordered {
            world.below(events.len() as u64)
        } else {
            0
        };
        Some(events.remove(usize::try_from(at).expect("an index")))
    }
}

impl Bus for SimBus {
    fn publish(&self, topic: &Topic, payload: Bytes) {
        let world = &self.network.world;
        // Dead once healed: what the hub then misses only the head check can find.
        if world.phase() != Phase::Chaos {
            return;
        }
        for other in &*self.network.nodes.lock() {
            if Arc::ptr_eq(other, &self.inbox) || !other.wants(topic) {
                continue;
            }
            let copies = 1 + u64::from(world.percent(world.plan.repeat_percent));
            for _ in 0..copies {
                if world.percent(world.plan.drop_percent) {
                    world.note(|| format!("bus loses a hint for {topic:?}"));
                    continue;
                }
                other.push(BusEvent::Published {
                    topic: topic.clone(),
                    payload: payload.clone(),
                });
            }
        }
    }

    fn reaches_others(&self, _: &Topic) -> bool {
        true
    }

    fn state(&self) -> BusState {
        BusState::Connected
    }
    fn subscribe(&self, topic: Topic) {
        let world = &self.network.world;
        let late = match topic {
            // What is missed of these nothing but a reconnect heals.
            Topic::User(_) | Topic::AllNodes | Topic::AllGateways | Topic::Gateway(_) => 0,
            _ if world.fault(world.plan.late_percent) => world.within(1, 40),
            _ => 0,
        };
        let from = Instant::now() + Duration::from_millis(late);
        self.inbox.topics.lock().insert(topic, from);
    }

    fn unsubscribe(&self, topic: &Topic) {
        self.inbox.topics.lock().remove(topic);
    }

    fn next_event(&self) -> BoxFuture<'_, Option<BusEvent>> {
        Box::pin(async move {
            loop {
                self.network.world.wander().await;
                if let Some(event) = self.take() {
                    return Some(event);
                }
                self.inbox.arrived.notified().await;
            }
        })
    }
}
