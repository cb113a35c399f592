//! Database servers: what they have in common is a folder, a superuser with a random password, and databases that are
//! made when a test wants one.

use std::fmt::Debug;
use std::fs::{self, File};
use std::io::Read as _;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};

use tempfile::TempDir;

use crate::account::Account;
use crate::certificates::Certificates;
use crate::process::at_exit;
use crate::running::{Revivable, Running};

/// The superuser's name, and that of the database which is there from the start.
pub(crate) const USER: &str = "madang";

/// One server with its data in a temporary folder, as durable as it comes: what is committed is on disk. Killed when
/// dropped.
#[derive(Debug)]
pub struct DatabaseServer<K: DatabaseKind> {
    server: Revivable,
    port: u16,
    home: Arc<Home>,
    kind: PhantomData<K>,
}

/// A kind of database server.
pub trait DatabaseKind: Debug + Send + Sync + Sized + 'static {
    /// What its URLs begin with.
    const SCHEME: &'static str;

    /// Its Debian package's account.
    const ACCOUNT: &'static str;

    /// What makes it faster, and forget what it was told when it is killed.
    const HASTY: &'static [&'static str];

    /// Where [`DatabaseServer::shared`] is.
    fn shared() -> &'static OnceLock<DatabaseServer<Self>>;

    /// Makes the data folder.
    ///
    /// # Errors
    /// What the program said that makes it.
    fn initialise(home: &Home) -> Result<(), String>;

    /// Starts the server that is to have this port.
    ///
    /// # Errors
    /// What it said.
    fn launch(home: &Home, port: u16, arguments: &[&str]) -> Result<Running, String>;

    /// What is left to do when it runs for the first time.
    fn started(server: &DatabaseServer<Self>) {
        let _ = server;
    }

    /// Its client, about to ask a server on this port.
    fn client(home: &Home, port: u16, database: &str, statement: &str) -> Command;
}

impl<K: DatabaseKind> Deref for DatabaseServer<K> {
    type Target = Revivable;

    fn deref(&self) -> &Revivable {
        &self.server
    }
}

impl<K: DatabaseKind> DerefMut for DatabaseServer<K> {
    fn deref_mut(&mut self) -> &mut Revivable {
        &mut self.server
    }
}

impl<K: DatabaseKind> DatabaseServer<K> {
    /// The server that all tests of this process share, each with a [`Self::fresh_database`] of its own. Gone when
    /// the process exits. It syncs nothing: nobody kills it.
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    pub fn shared() -> &'static Self {
        K::shared().get_or_init(|| {
            at_exit(end_shared::<K>);
            Self::start_in(Home::new(Account::unprivileged(K::ACCOUNT)), K::HASTY)
        })
    }

    /// Starts one on a free port of the loopback address.
    ///
    /// # Panics
    /// When it does not start: its Debian package is missing.
    #[must_use]
    pub fn start() -> Self {
        Self::start_in(Home::new(Account::unprivileged(K::ACCOUNT)), &[])
    }

    /// Starts one that takes no connection without TLS.
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    pub fn with_tls() -> Self {
        let account = Account::unprivileged(K::ACCOUNT);
        Self::start_in(Home::with_certificates(account), &[])
    }

    fn start_in(home: Home, arguments: &'static [&'static str]) -> Self {
        K::initialise(&home).unwrap_or_else(|said| panic!("{said}"));
        let home = Arc::new(home);
        let its_home = Arc::clone(&home);
        let (server, port) =
            Revivable::on_free_port(move |port| K::launch(&its_home, port, arguments));
        let kind = PhantomData;
        let server = Self {
            server,
            port,
            home,
            kind,
        };
        K::started(&server);
        server
    }

    /// Its port on 127.0.0.1; the same after a restart.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The superuser's URL of a database that is empty at first.
    #[must_use]
    pub fn url(&self) -> String {
        self.url_of(USER)
    }

    /// The superuser's URL of a database of this name, which need not exist.
    #[must_use]
    pub fn url_of(&self, database: &str) -> String {
        self.url_through(self.port, database)
    }

    /// The superuser's URL of this database by way of a proxy on another port of 127.0.0.1.
    #[must_use]
    pub fn url_through(&self, port: u16, database: &str) -> String {
        let (scheme, password) = (K::SCHEME, &self.home.password);
        format!("{scheme}://{USER}:{password}@127.0.0.1:{port}/{database}")
    }

    /// Makes an empty database; answers the superuser's URL of it.
    ///
    /// # Panics
    /// When the server does not answer.
    #[must_use]
    pub fn fresh_database(&self) -> String {
        let name = fresh_name();
        self.ask(USER, &format!("CREATE DATABASE {name}"));
        self.url_of(&name)
    }

    /// The file of the authority to trust, in PEM. `None`: it speaks no TLS.
    #[must_use]
    pub fn authority(&self) -> Option<&Path> {
        self.home.authority()
    }

    /// What the server's own client prints for this statement: a line for each row, its columns separated by `|` as
    /// `psql` does, or by tabs as `mariadb` does.
    ///
    /// # Panics
    /// When the statement fails.
    pub fn ask(&self, database: &str, statement: &str) -> String {
        let mut client = K::client(&self.home, self.port, database, statement);
        output_of(&mut client).unwrap_or_else(|said| panic!("{statement}: {said}"))
    }
}

extern "C" fn end_shared<K: DatabaseKind>() {
    if let Some(server) = K::shared().get() {
        server.server.end();
        server.home.remove();
    }
}

/// What a database server is given. Its folder goes with it.
#[derive(Debug)]
pub struct Home {
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
fn fresh_name() -> String {
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
