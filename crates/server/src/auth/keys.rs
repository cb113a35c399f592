//! The keys that sign tokens of this server's own: made by the server itself, never a default.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::files;
use crate::hex;

const DEVELOPMENT_FILE: &str = "jwt.key";
pub(super) const GUEST_FILE: &str = "guest.key";

/// What development tokens call their key, so that a server that does not take them can say so.
pub(super) const DEVELOPMENT_KID: &str = "madang-development";

/// The length of a key that the server makes.
pub(super) const KEY_BYTES: usize = 32;

/// Why there is no key. The operator's fault; retryable once it is put right.
#[derive(Debug, Error)]
pub enum KeyError {
    /// The file or its directory cannot be made or read.
    #[error("{path}: {source}")]
    Io {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is there and holds something else.
    #[error("{path}: is not a key of this server (64 hexadecimal digits)")]
    Malformed {
        /// Which file.
        path: PathBuf,
    },
}

/// The key of one data directory. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct DevelopmentKey([u8; KEY_BYTES]);

impl fmt::Debug for DevelopmentKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DevelopmentKey")
    }
}

impl DevelopmentKey {
    /// Reads `DIR/jwt.key`, or makes it (mode 0600, the directory 0700) when it is missing. A key
    /// that exists is never overwritten; processes that start at once agree on one.
    ///
    /// # Errors
    /// [`KeyError`] says what is wrong with which file.
    pub fn open(dir: &Path) -> Result<Self, KeyError> {
        open(dir, DEVELOPMENT_FILE).map(Self)
    }

    pub(super) const fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Reads the key in `DIR/file`, or makes it: see [`DevelopmentKey::open`].
pub(super) fn open(dir: &Path, file: &str) -> Result<[u8; KEY_BYTES], KeyError> {
    let path = dir.join(file);
    let io_error = |source| KeyError::Io {
        path: path.clone(),
        source,
    };
    if !path.exists() {
        files::create_private_dir(dir).map_err(io_error)?;
        match files::create(&path, new_key_text().as_bytes()) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            other => other.map_err(io_error)?,
        }
    }
    let text = std::fs::read_to_string(&path).map_err(io_error)?;
    let key = hex::decode(text.trim()).and_then(|bytes| bytes.try_into().ok());
    key.ok_or(KeyError::Malformed { path })
}

fn new_key_text() -> String {
    let key: [u8; KEY_BYTES] = rand::random();
    hex::encode(&key) + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_and_kept() {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("a/b");
        let key = DevelopmentKey::open(&data).unwrap();
        assert_eq!(DevelopmentKey::open(&data).unwrap(), key);
        let files: Vec<_> = std::fs::read_dir(&data).unwrap().collect();
        assert_eq!(files.len(), 1, "nothing else is left behind");
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_reads_the_key() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("data");
        DevelopmentKey::open(&data).unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&data), 0o700);
        assert_eq!(mode(&data.join(DEVELOPMENT_FILE)), 0o600);
    }

    #[test]
    fn those_who_race_agree_on_one_key() {
        for _ in 0..20 {
            let dir = tempfile::tempdir().unwrap();
            let keys: Vec<_> = std::thread::scope(|scope| {
                let open = || DevelopmentKey::open(dir.path()).unwrap();
                let threads: Vec<_> = (0..8).map(|_| scope.spawn(open)).collect();
                threads.into_iter().map(|t| t.join().unwrap()).collect()
            });
            assert!(keys.windows(2).all(|pair| pair[0] == pair[1]));
        }
    }

    #[test]
    fn what_is_no_key_is_refused_and_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(DEVELOPMENT_FILE);
        for text in ["", "abc", &"g".repeat(64), &"a".repeat(62), &"é".repeat(32)] {
            std::fs::write(&path, text).unwrap();
            let error = DevelopmentKey::open(dir.path()).unwrap_err();
            assert!(matches!(error, KeyError::Malformed { .. }), "{text}");
            assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
        }
    }
}
