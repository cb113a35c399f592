//! The Presence port: who is online. Adapters know `domain` and what keeps their data only.

#[expect(clippy::unwrap_used, clippy::print_stdout, reason = "these are tests")]
pub mod conformance;

mod local;

pub use local::{LAST_SEEN_MAX, LocalCluster};
