//! Service accounts: those of the configuration and those of `DIR/accounts.toml`.

use std::path::Path;

use argon2::{Argon2, PasswordHash, PasswordHasher, PasswordVerifier};
use madang_domain::{InvalidId, UserId};
use thiserror::Error;

use super::credential_file::{self, CredentialFile, CredentialFileError, Kept, Table};
use crate::config::PasscodeHash;

/// Longest passcode, in bytes: nobody needs more, and hashing costs time per byte.
pub const PASSCODE_BYTES_MAX: usize = 1024;
/// Shortest passcode that `madang account` takes, in bytes.
pub const PASSCODE_BYTES_MIN: usize = 8;

/// Why an account cannot be read or written. The operator's fault, except for `Hash`.
#[derive(Debug, Error)]
pub enum AccountError {
    /// The file cannot be read or written, or holds something else.
    #[error(transparent)]
    File(#[from] CredentialFileError),
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

type Logins = Table<PasscodeHash>;

impl Kept for PasscodeHash {
    const FILE: &'static str = "accounts.toml";
    const LOCK: &'static str = "accounts.lock";
    const HEAD: &'static str =
        "# Service accounts. Written by `madang account`, which drops comments.";
    const SECTION: &'static str = "accounts";
    const WHAT: &'static str = "an argon2 hash";

    fn read(value: &toml::Value) -> Option<Self> {
        Self::parse(value.as_str()?)
    }

    fn written(&self) -> toml::Value {
        self.as_str().into()
    }

    fn check_name(name: &str) -> Result<(), String> {
        let checked = UserId::new(name).map(drop);
        checked.map_err(|error| format!("the login {name:?} {error}"))
    }
}

/// The accounts as they are now.
pub(super) struct Accounts {
    configured: Logins,
    file: CredentialFile<PasscodeHash>,
}

impl Accounts {
    /// Reads the file; a missing one holds no accounts.
    pub(super) fn open(configured: Logins, data: &Path) -> Result<Self, AccountError> {
        let file = CredentialFile::open(data)?;
        Ok(Self { configured, file })
    }

    /// The hash of `login` as of now, and one to compare with when there is none: the hash of some
    /// other account, so that both take equally long.
    ///
    /// Takes as long as [`CredentialFile::look`].
    pub(super) fn find(&self, login: &str) -> (Option<PasscodeHash>, Option<PasscodeHash>) {
        self.file.look(|kept| {
            let found = self.configured.get(login).or_else(|| kept.get(login));
            let mut others = self.configured.values().chain(kept.values());
            (found.cloned(), others.next().cloned())
        })
    }
}

/// Creates the account or replaces its passcode in `DIR/accounts.toml` (mode 0600). A running
/// server takes it at the next login. Runs at once wait for each other; none is lost.
///
/// # Errors
/// [`AccountError`]: nothing was changed.
pub fn save(data: &Path, login: &str, passcode: &str) -> Result<(), AccountError> {
    UserId::new(login)?;
    let hash = hash(passcode)?;
    credential_file::change(data, |table: &mut Logins| {
        table.insert(login.to_owned(), hash);
        Ok(())
    })
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
        let accounts = Accounts::open(Logins::new(), &data).unwrap();
        assert_eq!(account(&accounts, "a"), None);
        save(&data, "a", "first passcode").unwrap();
        let first = account(&accounts, "a").unwrap();
        save(&data, "a", "second passcode").unwrap();
        let second = account(&accounts, "a").unwrap();
        assert!(passcode_fits("first passcode", &first));
        assert!(!passcode_fits("first passcode", &second));
        assert!(passcode_fits("second passcode", &second));
        std::fs::remove_file(data.join(PasscodeHash::FILE)).unwrap();
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
        let kept = credential_file::read::<PasscodeHash>(&dir.path().join(PasscodeHash::FILE));
        assert_eq!(kept.unwrap().len(), 6);
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_reads_the_accounts() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        save(dir.path(), "a", "a passcode").unwrap();
        let metadata = std::fs::metadata(dir.path().join(PasscodeHash::FILE)).unwrap();
        assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_broken_file_stops_a_start_but_not_a_running_server() {
        let dir = tempfile::tempdir().unwrap();
        save(dir.path(), "a", "a passcode").unwrap();
        let accounts = Accounts::open(Logins::new(), dir.path()).unwrap();
        for text in [
            "[accounts",
            "a = 1",
            "[accounts]\nb = \"plain\"",
            "[accounts]\n\"\" = \"x\"",
        ] {
            std::fs::write(dir.path().join(PasscodeHash::FILE), text).unwrap();
            assert!(account(&accounts, "a").is_some(), "{text}");
            assert!(Accounts::open(Logins::new(), dir.path()).is_err(), "{text}");
        }
    }

    #[test]
    fn an_account_of_the_configuration_wins_over_the_files() {
        let dir = tempfile::tempdir().unwrap();
        save(dir.path(), "a", "of the file").unwrap();
        let configured = Logins::from([("a".to_owned(), hash("of the configuration").unwrap())]);
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
        assert!(!dir.path().join(PasscodeHash::FILE).exists());
    }
}
