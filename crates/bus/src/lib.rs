//! The Bus port: how nodes hint to each other. Adapters know `domain` and their broker only.

pub mod conformance;

mod channel;
mod envelope;
mod inbox;
mod interests;
mod link;
mod local;
mod nats;
mod open;
mod queue;
mod redis;

use std::collections::HashSet;

use madang_domain::ports::Topic;

pub use local::LocalNetwork;
pub use open::{Options, UrlError, check, open};

/// Whether a node that subscribes to these wants what is published under `topic`.
fn wants(topics: &HashSet<Topic>, topic: &Topic) -> bool {
    match topic {
        Topic::Room(_)
        | Topic::User(_)
        | Topic::AllNodes
        | Topic::AllGateways
        | Topic::Gateway(_) => topics.contains(topic),
        Topic::Destination(_) => topics.contains(topic) || topics.contains(&Topic::AllDestinations),
        Topic::AllDestinations => false,
    }
}
