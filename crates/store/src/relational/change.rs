//! An open transaction that changes what is kept.

use madang_domain::ports::StoreError;

use super::database::{Database, execute, values};
use super::log::Log;
use super::memory::Memory;
use super::workers::Worker;

/// What a business transaction works with. Whoever made it commits.
pub(crate) struct Change<'a> {
    pub(crate) database: &'a dyn Database,
    pub(crate) log: &'a mut dyn Log,
    pub(crate) memory: &'a mut Memory,
}

/// A worker that changes what is kept.
pub(crate) trait Changes: Worker + Sized {
    /// Runs `work` in one transaction: all of it is durable when this answers `Ok`, none of it is
    /// done otherwise, but for [`StoreError::OutcomeUnknown`]. Runs it again, from the beginning, when
    /// others were in the way.
    fn change<T>(
        &mut self,
        work: impl FnMut(&mut Change<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError>;

    /// Why nothing more is accepted now, if that is so.
    fn refuses(&self) -> Option<StoreError> {
        None
    }

    /// Commits a change, so that a database that cannot be written is found. A database may write
    /// nothing where what is written is what is there.
    fn check(&mut self) -> Result<(), StoreError> {
        let salt: [u8; 8] = rand::random();
        let note = "INSERT INTO settings (name, value) VALUES ('checked', ?1)
            ON CONFLICT (name) DO UPDATE SET value = excluded.value";
        self.change(|change| execute(change.database, note, values![&salt[..]]).map(drop))
    }
}

impl Change<'_> {
    /// Runs `work` so that an inner error leaves no trace of it in the open transaction.
    pub(crate) fn all_or_nothing<T, E>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<Result<T, E>, StoreError>,
    ) -> Result<Result<T, E>, StoreError> {
        let step = self.log.step();
        execute(self.database, "SAVEPOINT step", values![])?;
        let result = work(self)?;
        if result.is_err() {
            execute(self.database, "ROLLBACK TO SAVEPOINT step", values![])?;
            self.log.undo_to(step);
            self.memory.clear();
        }
        execute(self.database, "RELEASE SAVEPOINT step", values![])?;
        Ok(result)
    }
}
