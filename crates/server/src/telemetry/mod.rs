//! What operators see of a running server: logs and metrics.

pub mod connections;
pub(crate) mod engine;
pub mod history;
mod http;
pub mod limits;
pub mod logs;
pub mod metrics;

/// The version of this build, as in `Cargo.toml`.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The compiler that built it, as `rustc --version` prints it.
pub const RUSTC: &str = env!("MADANG_BUILD_RUSTC");

/// The features that are built in, by name.
pub const FEATURES: &[&str] = &[
    #[cfg(feature = "mimalloc")]
    "mimalloc",
];
