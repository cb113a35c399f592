//! One process at a time serves a data directory.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

use madang_domain::ports::StoreError;

/// Name of the lock file in the data directory.
pub const LOCK_FILE_NAME: &str = "madang.lock";

/// Holds a data directory until it is dropped or the process ends, however it ends.
#[derive(Debug)]
pub struct DataLock {
    file: File,
    path: PathBuf,
}

impl DataLock {
    /// Takes the lock of `directory` without waiting. Advisory: it keeps out other Madang
    /// processes, not other programs.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`]: another process has it, or the file cannot be made.
    pub fn acquire(directory: &Path) -> Result<Self, StoreError> {
        Self::acquire_file(directory.join(LOCK_FILE_NAME))
    }

    /// Takes the lock that `path` stands for.
    pub(crate) fn acquire_file(path: PathBuf) -> Result<Self, StoreError> {
        let shown = path.display();
        // Not truncated and never removed: a file that is removed while another waits for it
        // would let both in.
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(|error| StoreError::Unavailable(format!("cannot open {shown}: {error}")))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { file, path }),
            Err(TryLockError::WouldBlock) => Err(StoreError::Unavailable(format!(
                "the data is in use: another process holds {shown}"
            ))),
            Err(TryLockError::Error(error)) => Err(StoreError::Unavailable(format!(
                "cannot lock {shown}: {error}"
            ))),
        }
    }

    /// The file that is locked.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for DataLock {
    fn drop(&mut self) {
        // Closing is not enough: a child that was forked and has not yet reached its exec holds
        // the same open file, and the lock is the file's until somebody unlocks it (flock(2)).
        if let Err(error) = self.file.unlock() {
            tracing::warn!(path = %self.path.display(), %error, "a lock could not be released");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_held_by_one_and_free_after_it() {
        let directory = tempfile::tempdir().unwrap();
        let first = DataLock::acquire(directory.path()).unwrap();
        let error = DataLock::acquire(directory.path()).unwrap_err();
        assert!(error.to_string().contains(LOCK_FILE_NAME), "{error}");
        drop(first);
        DataLock::acquire(directory.path()).unwrap();
    }

    #[test]
    fn a_copy_of_the_open_file_in_a_forked_child_does_not_keep_the_lock() {
        let directory = tempfile::tempdir().unwrap();
        let lock = DataLock::acquire(directory.path()).unwrap();
        let _as_in_a_child = lock.file.try_clone().unwrap();
        drop(lock);
        DataLock::acquire(directory.path()).unwrap();
    }
}
