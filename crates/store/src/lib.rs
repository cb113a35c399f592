//! Where everything accepted is kept: the [`Store`](madang_domain::ports::Store) port on SQLite,
//! PostgreSQL, MySQL and MariaDB, and the suite that every adapter of the port passes.

#[cfg(any(test, feature = "conformance"))]
#[expect(clippy::unwrap_used, clippy::print_stdout, reason = "these are tests")]
pub mod conformance;
pub mod remote;
pub mod sqlite;

mod data_lock;
mod extra;
mod notification;
mod numbers;
pub(crate) mod relational;

pub use data_lock::{DataLock, LOCK_FILE_NAME};
pub use relational::RelationalStore;
