//! A STOMP-over-WebSocket client and the load scenarios of `madang-bench`.
//!
//! [`client`] is the convenient side: one connection, async, able to send any
//! bytes, for tests and tools. [`swarm`] is the cheap side: thousands of
//! connections over any [transport](swarm::Transport) in one epoll loop on one
//! thread, so that on a small machine the server gets the processor. [`scenario`] measures with swarms; [`ceiling`] is
//! the bare loop that a server is compared with.

pub mod ceiling;
pub mod cli;
pub mod client;
pub mod error;
pub mod http;
pub mod identity;
pub mod procfs;
pub mod report;
pub mod scenario;
pub mod sequence;
pub mod stamp;
pub mod stats;
pub mod stop;
pub mod swarm;
pub mod template;
pub mod url;
