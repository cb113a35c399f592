//! Where everything accepted is kept: the [`Store`](madang_domain::ports::Store) port on SQLite,
//! and the suite that every adapter of the port passes.

pub mod sqlite;

mod data_lock;

pub use data_lock::{DataLock, LOCK_FILE_NAME};
