//! The Presence port: who is online. Adapters know `domain` and what keeps their data only.

#[expect(clippy::unwrap_used, clippy::print_stdout, reason = "these are tests")]
pub mod conformance;

mod local;
mod open;
mod redis;

pub use local::LocalCluster;
pub use open::{Options, UrlError, check, open};
