//! Where adapters are chosen and wired.

use std::path::Path;

use thiserror::Error;

use crate::config::Config;

/// Why the server cannot run.
#[derive(Debug, Error)]
pub enum ServeError {
    /// This build has no store to migrate yet.
    #[error("this build has no store to migrate")]
    NoStore,
}

/// Runs the server until it is told to stop.
///
/// # Errors
/// [`ServeError`]: it could not start, or had to stop.
#[allow(clippy::unused_async)]
pub async fn serve(_config: Config) -> Result<(), ServeError> {
    Ok(())
}

/// Brings the store in the data directory to this version's schema; says what was done.
///
/// # Errors
/// [`ServeError`]: the store is as it was.
pub fn migrate(_data: &Path) -> Result<String, ServeError> {
    Err(ServeError::NoStore)
}
