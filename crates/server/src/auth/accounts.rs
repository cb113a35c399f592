//! Service accounts: those of the configuration and those of `DIR/accounts.toml`.

use std::collections::BTreeMap;
use std::fs::Metadata;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use argon2::{Argon2, PasswordHash, PasswordHasher, PasswordVerifier};
use madang_domain::{InvalidId, UserId};
use parking_lot::Mutex;
use thiserror::Error;

use super::files;
use crate::config::PasscodeHash;

const ACCOUNTS_FILE: &str = "accounts.toml";
const LOCK_FILE: &str = "accounts.lock";
const FILE_HEAD: &str = "# Service accounts. Written by `madang account`, which drops comments.\n";

/// Longest passcode, in bytes: nobody needs more, and hashing costs time per byte.
pub const PASSCODE_BYTES_MAX: usize = 1024;
/// Shortest passcode that `madang account` takes, in bytes.
pub const PASSCODE_BYTES_MIN: usize = 8;

/// Why an account cannot be read or written. The operator's fault, except for `Hash`.
#[derive(Debug, Error)]
pub enum AccountError {
    /// The file or its directory cannot be read or written.
    #[error("{path}: {source}")]
    Io {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is there and is not a table of argon2 hashes.
    #[error("{path}: {problem}")]
    Malformed {
        /// Which file.
        path: PathBuf,
        /// What is wrong; never a hash.
        problem: String,
    },
    /// The login breaks the rules of ids.
    #[error("the login {0}")]
    Login(#[from] InvalidId),
    /// The passcode is too short or too long.
    #[error("the passcode must have {PASSCODE_BYTES_MIN} to {PASSCODE_BYTES_MAX} bytes")]
    Passcode,
    /// Hashing failed: too little memory, or no randomness.
    #[error("the passcode cannot be hashed: {0}")]
    Hash(String),
}

type Table = BTreeMap<String, PasscodeHash>;

/// What tells one state of the file from another. `madang account` puts a new file in place, so
/// that the inode differs even within one tick of the file system's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    modified: Option<SystemTime>,
    bytes: u64,
    inode: u64,
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        #[cfg(unix)]
        let inode = std::os::unix::fs::MetadataExt::ino(metadata);
        #[cfg(not(unix))]
        let inode = 0;
        Self {
            modified: metadata.modified().ok(),
            bytes: metadata.len(),
            inode,
        }
    }
}

struct FileState {
    stamp: Option<Stamp>,
    table: Table,
}

/// The accounts as they are now.
pub(super) struct Accounts {
    configured: Table,
    path: PathBuf,
    file: Mutex<FileState>,
}

impl Accounts {
    /// Reads the file; a missing one holds no accounts.
    pub(super) fn open(configured: Table, data: &Path) -> Result<Self, AccountError> {
        let path = data.join(ACCOUNTS_FILE);
        let stamp = stamp(&path);
        let table = read(&path)?;
        Ok(Self {
            configured,
            path,
            file: Mutex::new(FileState { stamp, table }),
        })
    }

    /// The hash of `login` as of now, and one to compare with when there is none: the hash of some
    /// other account, so that both take equally long.
    ///
    /// Looks at the file's metadata and reads the file when it changed: a few microseconds, rarely
    /// more, so it may be called on an asynchronous thread.
    pub(super) fn find(&self, login: &str) -> (Option<PasscodeHash>, Option<PasscodeHash>) {
        let mut file = self.file.lock();
        self.refresh(&mut file);
        let found = self.configured.get(login).or_else(|| file.table.get(login));
        let mut others = self.configured.values().chain(file.table.values());
        (found.cloned(), others.next().cloned())
    }

    fn refresh(&self, file: &mut FileState) {
        let now = stamp(&self.path);
        if now == file.stamp {
            return;
        }
        file.stamp = now;
        match read(&self.path) {
            Ok(table) => file.table = table,
            // The accounts that were good stay: a slip of an editor must not lock the host out.
            Err(error) => tracing::warn!(%error, "the service accounts stay as they were"),
        }
    }
}

fn stamp(path: &Path) -> Option<Stamp> {
    std::fs::metadata(path).ok().as_ref().map(Stamp::of)
}

fn read(path: &Path) -> Result<Table, AccountError> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Table::new()),
        Err(source) => {
            let path = path.to_owned();
            return Err(AccountError::Io { path, source });
        }
    };
    parse(&text).map_err(|problem| AccountError::Malformed {
        path: path.to_owned(),
        problem,
    })
}

fn parse(text: &str) -> Result<Table, String> {
    let mut document: toml::Table =
        toml::from_str(text).map_err(|error| format!("is not TOML: {}", error.message()))?;
    let accounts = document.remove("accounts");
    if let Some(key) = document.keys().next() {
        return Err(format!(
            "{key} is not known here; accounts stand in [accounts]"
        ));
    }
    let Some(accounts) = accounts else {
        return Ok(Table::new());
    };
    let accounts = accounts.as_table().ok_or("[accounts] is not a table")?;
    let entry = |(login, value): (&String, &toml::Value)| {
        UserId::new(login).map_err(|error| format!("the login {login:?} {error}"))?;
        let hash = value.as_str().and_then(PasscodeHash::parse);
        let hash = hash.ok_or_else(|| format!("accounts.{login} is not an argon2 hash"))?;
        Ok((login.clone(), hash))
    };
    accounts.iter().map(entry).collect()
}

/// Creates the account or replaces its passcode in `DIR/accounts.toml` (mode 0600). A running
/// server takes it at the next login. Runs at once wait for each other; none is lost.
///
/// # Errors
/// [`AccountError`]: nothing was changed.
pub fn save(data: &Path, login: &str, passcode: &str) -> Result<(), AccountError> {
    UserId::new(login)?;
    let hash = hash(passcode)?;
    let path = data.join(ACCOUNTS_FILE);
    let io_error = |source| AccountError::Io {
        path: path.clone(),
        source,
    };
    files::create_private_dir(data).map_err(io_error)?;
    let lock = files::open_private(&data.join(LOCK_FILE), false).map_err(io_error)?;
    lock.lock().map_err(io_error)?;
    let mut table = read(&path)?;
    table.insert(login.to_owned(), hash);
    files::replace(&path, render(&table).as_bytes()).map_err(io_error)
}

fn render(table: &Table) -> String {
    let accounts: toml::Table = table
        .iter()
        .map(|(login, hash)| (login.clone(), hash.as_str().into()))
        .collect();
    let mut document = toml::Table::new();
    document.insert("accounts".to_owned(), accounts.into());
    format!("{FILE_HEAD}{document}")
}

fn hash(passcode: &str) -> Result<PasscodeHash, AccountError> {
    if !(PASSCODE_BYTES_MIN..=PASSCODE_BYTES_MAX).contains(&passcode.len()) {
        return Err(AccountError::Passcode);
    }
    let failed = |error: String| AccountError::Hash(error);
    let hash: PasswordHash = Argon2::default()
        .hash_password(passcode.as_bytes())
        .map_err(|error| failed(error.to_string()))?;
    PasscodeHash::parse(&hash.to_string()).ok_or_else(|| failed("unknown format".to_owned()))
}

/// Whether the passcode is the hash's. Takes tens of milliseconds and megabytes: off the
/// asynchronous threads, and not many at once.
pub(super) fn passcode_fits(passcode: &str, hash: &PasscodeHash) -> bool {
    let verified = Argon2::default().verify_password(passcode.as_bytes(), hash.as_str());
    verified.is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(accounts: &Accounts, login: &str) -> Option<PasscodeHash> {
        accounts.find(login).0
    }

    #[test]
    fn a_saved_account_is_seen_by_a_running_server_and_replaced_by_the_next() {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("data");
        let accounts = Accounts::open(Table::new(), &data).unwrap();
        assert_eq!(account(&accounts, "a"), None);
        save(&data, "a", "first passcode").unwrap();
        let first = account(&accounts, "a").unwrap();
        save(&data, "a", "second passcode").unwrap();
        let second = account(&accounts, "a").unwrap();
        assert!(passcode_fits("first passcode", &first));
        assert!(!passcode_fits("first passcode", &second));
        assert!(passcode_fits("second passcode", &second));
        std::fs::remove_file(data.join(ACCOUNTS_FILE)).unwrap();
        assert_eq!(account(&accounts, "a"), None);
    }

    #[test]
    fn accounts_saved_at_once_are_all_kept() {
        let dir = tempfile::tempdir().unwrap();
        std::thread::scope(|scope| {
            for n in 0..6 {
                let data = dir.path();
                scope.spawn(move || save(data, &format!("a{n} \"x\"="), "a passcode").unwrap());
            }
        });
        assert_eq!(read(&dir.path().join(ACCOUNTS_FILE)).unwrap().len(), 6);
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_reads_the_accounts() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        save(dir.path(), "a", "a passcode").unwrap();
        let metadata = std::fs::metadata(dir.path().join(ACCOUNTS_FILE)).unwrap();
        assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_broken_file_stops_a_start_but_not_a_running_server() {
        let dir = tempfile::tempdir().unwrap();
        save(dir.path(), "a", "a passcode").unwrap();
        let accounts = Accounts::open(Table::new(), dir.path()).unwrap();
        for text in [
            "[accounts",
            "a = 1",
            "[accounts]\nb = \"plain\"",
            "[accounts]\n\"\" = \"x\"",
        ] {
            std::fs::write(dir.path().join(ACCOUNTS_FILE), text).unwrap();
            assert!(account(&accounts, "a").is_some(), "{text}");
            assert!(Accounts::open(Table::new(), dir.path()).is_err(), "{text}");
        }
    }

    #[test]
    fn an_account_of_the_configuration_wins_over_the_files() {
        let dir = tempfile::tempdir().unwrap();
        save(dir.path(), "a", "of the file").unwrap();
        let configured = Table::from([("a".to_owned(), hash("of the configuration").unwrap())]);
        let accounts = Accounts::open(configured, dir.path()).unwrap();
        let found = account(&accounts, "a").unwrap();
        assert!(passcode_fits("of the configuration", &found));
    }

    #[test]
    fn a_short_passcode_or_a_bad_login_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let too_long = "x".repeat(PASSCODE_BYTES_MAX + 1);
        for (login, passcode) in [
            ("a", "short"),
            ("", "long enough"),
            ("a\n", "long enough"),
            ("a", &too_long),
        ] {
            assert!(save(dir.path(), login, passcode).is_err());
        }
        assert!(!dir.path().join(ACCOUNTS_FILE).exists());
    }
}
