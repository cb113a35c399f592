//! What the databases have in common: a folder, a superuser with a random password, and databases that are made
//! when a test wants one.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use tempfile::TempDir;

use crate::account::Account;
use crate::certificates::Certificates;

/// The superuser's name, and that of the database which is there from the start.
pub(crate) const USER: &str = "madang";

/// What a database server is given. Its folder goes with it.
#[derive(Debug)]
pub(crate) struct Home {
    folder: TempDir,
    pub(crate) account: Account,
    pub(crate) password: String,
    pub(crate) certificates: Option<Certificates>,
}

impl Home {
    pub(crate) fn new(account: Account) -> Self {
        let folder = TempDir::new().expect("a temporary folder can be made");
        account.own(folder.path());
        Self {
            folder,
            account,
            password: random_digits(),
            certificates: None,
        }
    }

    pub(crate) fn with_certificates(account: Account) -> Self {
        let home = Self::new(account);
        let certificates = Certificates::make(home.folder.path(), account);
        Self {
            certificates: Some(certificates),
            ..home
        }
    }

    /// Where this is or will be.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The authority that signed the server's certificate.
    pub(crate) fn authority(&self) -> Option<&Path> {
        let certificates = self.certificates.as_ref()?;
        Some(&certificates.authority)
    }

    /// `scheme://user:password@127.0.0.1:port/database`
    pub(crate) fn url(&self, scheme: &str, port: u16, database: &str) -> String {
        let password = &self.password;
        format!("{scheme}://{USER}:{password}@127.0.0.1:{port}/{database}")
    }

    /// A command that runs as the server's account, in its folder.
    pub(crate) fn command(&self, program: impl AsRef<Path>) -> Command {
        let mut command = Command::new(program.as_ref());
        command.current_dir(self.folder.path());
        self.account.run(&mut command);
        command
    }

    /// Removes the folder of a server that is never dropped.
    pub(crate) fn remove(&self) {
        let _ = fs::remove_dir_all(self.folder.path());
    }
}

/// 32 hexadecimal digits that nobody can guess.
pub(crate) fn random_digits() -> String {
    let mut bytes = [0_u8; 16];
    let mut random = File::open("/dev/urandom").expect("the kernel has randomness");
    let read = random.read_exact(&mut bytes);
    read.expect("the kernel has randomness");
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A name that no other database of this process has.
pub(crate) fn fresh_name() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    format!("test_{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

/// Runs a program to its end; answers what it printed.
///
/// # Errors
/// What it printed instead, when it failed or does not exist.
pub(crate) fn output_of(command: &mut Command) -> Result<String, String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command
        .output()
        .map_err(|error| format!("{name}: {error} (scripts/prepare test installs it)"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("{name}: {}: {said}", output.status))
}
