//! The account that databases run as: they refuse to run as root.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

/// An account without rights, or the caller's own when that is not root.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Account(Option<Ids>);

#[derive(Debug, Clone, Copy)]
struct Ids {
    user: u32,
    group: u32,
}

impl Account {
    /// The account of that name, which the database's package makes, if the caller is root.
    pub(crate) fn unprivileged(name: &str) -> Self {
        if !is_root() {
            return Self(None);
        }
        let ids = ids(name).or_else(|| ids("nobody"));
        Self(Some(ids.expect("every system has an account nobody")))
    }

    /// Lets `command` run as this account.
    pub(crate) fn run(self, command: &mut Command) {
        if let Some(ids) = self.0 {
            command.uid(ids.user).gid(ids.group);
        }
    }

    /// Gives it the file or folder.
    pub(crate) fn own(self, path: &Path) {
        if let Some(ids) = self.0 {
            chown(path, Some(ids.user), Some(ids.group)).expect("root gives files away");
        }
    }

    /// Writes a file that only this account can read.
    pub(crate) fn write_secret(self, path: &Path, text: &str) {
        fs::write(path, "").expect("the folder can be written");
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).expect("it is ours");
        fs::write(path, text).expect("the folder can be written");
        self.own(path);
    }
}

fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt as _;
    // A process's entry belongs to whom it runs as.
    fs::metadata("/proc/self").is_ok_and(|entry| entry.uid() == 0)
}

/// From `name:x:user:group:…`.
fn ids(name: &str) -> Option<Ids> {
    let text = fs::read_to_string("/etc/passwd").ok()?;
    let mut accounts = text.lines().map(|line| line.split(':').collect::<Vec<_>>());
    let account = accounts.find(|fields| fields.first() == Some(&name))?;
    Some(Ids {
        user: account.get(2)?.parse().ok()?,
        group: account.get(3)?.parse().ok()?,
    })
}
