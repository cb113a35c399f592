//! A bus inside one process: nothing to reach for a single node, a real one for several engines
//! side by side.

use std::collections::HashSet;
use std::sync::{Arc, Weak};

use bytes::Bytes;
use madang_domain::ports::{BoxFuture, Bus, BusEvent, BusState, Topic};
use parking_lot::{Mutex, RwLock};

use crate::inbox::Inbox;

/// Nodes of one process that hear each other. Cheap to clone.
#[derive(Clone, Default)]
pub struct LocalNetwork {
    nodes: Arc<RwLock<Vec<Weak<Node>>>>,
}

struct Node {
    topics: Mutex<HashSet<Topic>>,
    inbox: Inbox,
}

struct LocalBus {
    node: Arc<Node>,
    network: LocalNetwork,
}

impl LocalNetwork {
    /// Adds a node. It leaves the network when its bus is dropped.
    #[must_use]
    pub fn join(&self) -> Arc<dyn Bus> {
        let node = Arc::new(Node {
            topics: Mutex::default(),
            inbox: Inbox::new(),
        });
        let mut nodes = self.nodes.write();
        nodes.retain(|node| node.strong_count() > 0);
        nodes.push(Arc::downgrade(&node));
        Arc::new(LocalBus {
            node,
            network: self.clone(),
        })
    }
}

impl LocalBus {
    fn others(&self, topic: &Topic) -> Vec<Arc<Node>> {
        let nodes = self.network.nodes.read();
        // Alone, as a single server is: not worth looking further.
        if nodes.len() < 2 {
            return Vec::new();
        }
        let others = nodes.iter().filter_map(Weak::upgrade);
        let others = others.filter(|node| !Arc::ptr_eq(node, &self.node));
        others
            .filter(|node| crate::wants(&node.topics.lock(), topic))
            .collect()
    }
}

impl Bus for LocalBus {
    fn publish(&self, topic: &Topic, payload: Bytes) {
        for node in self.others(topic) {
            node.inbox.push(topic.clone(), payload.clone());
        }
    }

    fn reaches_others(&self, topic: &Topic) -> bool {
        !self.others(topic).is_empty()
    }

    fn state(&self) -> BusState {
        BusState::Connected
    }

    fn subscribe(&self, topic: Topic) {
        self.node.topics.lock().insert(topic);
    }

    fn unsubscribe(&self, topic: &Topic) {
        self.node.topics.lock().remove(topic);
    }

    fn next_event(&self) -> BoxFuture<'_, Option<BusEvent>> {
        Box::pin(async { Some(self.node.inbox.next().await) })
    }
}
