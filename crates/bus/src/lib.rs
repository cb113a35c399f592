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

pub use local::LocalNetwork;
pub use open::{Options, UrlError, open};
