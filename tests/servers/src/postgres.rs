//! `PostgreSQL`, from Debian's package.

use std::fs;
use std::ops::{Deref, DerefMut};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, OnceLock};

use crate::account::Account;
use crate::database::{Home, USER, fresh_name, output_of};
use crate::process::at_exit;
use crate::running::{Revivable, Running};

const PROGRAMS: &str = "/usr/lib/postgresql";

/// What makes it faster, and forget what it was told when it is killed.
const HASTY: [&str; 6] = [
    "-c",
    "fsync=off",
    "-c",
    "synchronous_commit=off",
    "-c",
    "full_page_writes=off",
];

static SHARED: OnceLock<PostgresServer> = OnceLock::new();

/// One server with its data in a temporary folder, as durable as it comes: `fsync` and `synchronous_commit` are on.
/// Its databases sort as people do, so that whoever wants bytes compared has to say so. Killed when dropped.
#[derive(Debug)]
pub struct PostgresServer {
    server: Revivable,
    port: u16,
    home: Arc<Home>,
}

impl Deref for PostgresServer {
    type Target = Revivable;

    fn deref(&self) -> &Revivable {
        &self.server
    }
}

impl DerefMut for PostgresServer {
    fn deref_mut(&mut self) -> &mut Revivable {
        &mut self.server
    }
}

impl PostgresServer {
    /// The server that all tests of this process share, each with a [`Self::fresh_database`] of its own. Gone when
    /// the process exits. It syncs nothing: nobody kills it.
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    pub fn shared() -> &'static Self {
        SHARED.get_or_init(|| {
            at_exit(end_shared);
            Self::start_in(Home::new(Account::unprivileged("postgres")), &HASTY)
        })
    }

    /// Starts one on a free port of the loopback address.
    ///
    /// # Panics
    /// When it does not start: Debian's `postgresql` is missing.
    #[must_use]
    pub fn start() -> Self {
        Self::start_in(Home::new(Account::unprivileged("postgres")), &[])
    }

    /// Starts one that takes no connection without TLS.
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    pub fn with_tls() -> Self {
        Self::start_in(
            Home::with_certificates(Account::unprivileged("postgres")),
            &[],
        )
    }

    fn start_in(home: Home, arguments: &'static [&'static str]) -> Self {
        initialise(&home).unwrap_or_else(|said| panic!("{said}"));
        let home = Arc::new(home);
        let its_home = Arc::clone(&home);
        let (server, port) =
            Revivable::on_free_port(move |port| launch(&its_home, port, arguments));
        let server = Self { server, port, home };
        server.ask("postgres", &format!("CREATE DATABASE {USER}"));
        server
    }

    /// Its port on 127.0.0.1; the same after a restart.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// `postgres://…`, the superuser's URL of a database that is empty at first.
    #[must_use]
    pub fn url(&self) -> String {
        self.url_of(USER)
    }

    /// The superuser's URL of a database of this name, which need not exist.
    #[must_use]
    pub fn url_of(&self, database: &str) -> String {
        self.home.url("postgres", self.port, database)
    }

    /// The superuser's URL of this database by way of a proxy on another port of 127.0.0.1.
    #[must_use]
    pub fn url_through(&self, port: u16, database: &str) -> String {
        self.home.url("postgres", port, database)
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

    /// What `psql` prints for this statement: a line for each row, its columns separated by `|`.
    ///
    /// # Panics
    /// When the statement fails.
    pub fn ask(&self, database: &str, statement: &str) -> String {
        let mut psql = Command::new("psql");
        psql.args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align"])
            .args(["--host", "127.0.0.1", "--port", &self.port.to_string()])
            .args(["--username", USER, "--dbname", database])
            .args(["--command", statement])
            .env("PGPASSWORD", &self.home.password);
        if let Some(authority) = self.authority() {
            psql.env("PGSSLMODE", "verify-full");
            psql.env("PGSSLROOTCERT", authority);
        }
        output_of(&mut psql).unwrap_or_else(|said| panic!("{statement}: {said}"))
    }
}

extern "C" fn end_shared() {
    if let Some(server) = SHARED.get() {
        server.server.end();
        server.home.remove();
    }
}

/// The newest version that is installed.
fn program(name: &str) -> PathBuf {
    let versions = fs::read_dir(PROGRAMS).into_iter().flatten();
    let newest = versions
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok())
        .max()
        .unwrap_or_else(|| panic!("nothing in {PROGRAMS}: scripts/prepare test installs it"));
    Path::new(PROGRAMS).join(format!("{newest}/bin/{name}"))
}

fn initialise(home: &Home) -> Result<(), String> {
    let password = home.path("password");
    home.account.write_secret(&password, &home.password);
    let mut initdb = home.command(program("initdb"));
    initdb
        .arg("--pgdata")
        .arg(home.path("data"))
        .arg("--pwfile")
        .arg(&password)
        .args(["--username", USER, "--auth", "scram-sha-256"])
        .args(["--encoding", "UTF8", "--locale", "C.UTF-8"])
        .args(["--locale-provider", "icu", "--icu-locale", "en-US"]);
    output_of(&mut initdb)?;
    if home.certificates.is_some() {
        let rules = home.path("data/pg_hba.conf");
        let text = "hostssl all all 127.0.0.1/32 scram-sha-256\n";
        fs::write(rules, text).map_err(|error| error.to_string())?;
    }
    Ok(())
}

fn launch(home: &Home, port: u16, arguments: &[&str]) -> Result<Running, String> {
    let mut command = home.command(program("postgres"));
    command.arg("-D").arg(home.path("data")).args(arguments);
    let mut set = |setting: String| {
        command.arg("-c").arg(setting);
    };
    set(format!("port={port}"));
    set("listen_addresses=127.0.0.1".to_owned());
    set("unix_socket_directories=".to_owned());
    set("max_connections=500".to_owned());
    if let Some(files) = &home.certificates {
        set("ssl=on".to_owned());
        set(format!("ssl_cert_file={}", files.certificate.display()));
        set(format!("ssl_key_file={}", files.key.display()));
    }
    Running::start("postgres", command, |line| {
        line.contains("database system is ready to accept connections")
    })
}
