//! The real brokers and databases that adapters are tested with: each test process starts its own, on free ports
//! and in temporary folders, and none outlives it.
//!
//! Everything here blocks and gives up after [`PATIENCE`].

mod account;
mod certificates;
pub mod clock;
mod database;
pub mod mariadb;
pub mod nats;
pub mod ports;
pub mod postgres;
pub mod process;
pub mod proxy;
pub mod python;
pub mod redis;
mod running;
pub mod target;

use std::time::Duration;

pub use database::{DatabaseKind, DatabaseServer};
pub use running::Revivable;

/// How long a server may take to start. Far above what is ever needed, so that a busy machine fails no test.
pub const PATIENCE: Duration = Duration::from_secs(60);
