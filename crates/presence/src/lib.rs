//! The Presence port: who is online. Adapters know `domain` and what keeps their data only.

#[expect(clippy::unwrap_used, clippy::print_stdout, reason = "these are tests")]
pub mod conformance;

mod local;
mod open;
mod redis;

pub use local::LocalCluster;
pub use open::{Options, UrlError, check, open};

/// Offline users whose last edge is kept. With one more, who left first is forgotten, and is as
/// one who never came. Who is online does not count.
pub const LAST_SEEN_MAX: usize = 100_000;
