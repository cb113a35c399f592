//! Where a Redis is, and connecting to it. For adapters of ports; it knows nothing of what they keep there.
//!
//! Redis 7: a server alone, one that sentinels watch, or a cluster. All is said in RESP3.

mod commands;
mod place;
mod url;

use std::time::Duration;

pub use commands::Commands;
pub use place::{Cluster, Place, Server};
pub use url::{UrlError, one_url_each};

/// How long an answer may take.
pub const ANSWER: Duration = Duration::from_secs(5);
