//! A snapshot that is read.

use madang_domain::ports::StoreError;

use super::database::Database;
use super::log::{Newest, Outdated};
use super::workers::Worker;

/// One moment of the database and of what its tables do not have yet.
#[derive(Clone, Copy)]
pub(crate) struct Read<'a> {
    pub(crate) database: &'a dyn Database,
    pub(crate) newest: &'a dyn Newest,
}

/// Why a read did not come to its end.
#[derive(Debug)]
pub(crate) enum Halt {
    /// It has to begin again.
    Outdated,
    Failed(StoreError),
}

impl From<Outdated> for Halt {
    fn from(_: Outdated) -> Self {
        Self::Outdated
    }
}

impl From<StoreError> for Halt {
    fn from(error: StoreError) -> Self {
        Self::Failed(error)
    }
}

/// A worker that reads.
pub(crate) trait Reads: Worker {
    /// Runs `read` on one snapshot, taken now; again on a newer one when it has to begin again.
    fn snapshot<T>(&mut self, read: impl Fn(Read<'_>) -> Result<T, Halt>) -> Result<T, StoreError>;

    /// Runs `look` on what is there, each statement on its own.
    fn look<T>(
        &mut self,
        look: impl Fn(&dyn Database) -> Result<T, StoreError>,
    ) -> Result<T, StoreError>;
}
