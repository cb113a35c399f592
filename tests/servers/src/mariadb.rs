//! `MariaDB`, from Debian's package.

use std::fmt::Write as _;
use std::ops::{Deref, DerefMut};
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, OnceLock};

use crate::account::Account;
use crate::database::{Home, USER, fresh_name, output_of};
use crate::process::at_exit;
use crate::running::{Revivable, Running};

/// Debian has it where only root looks for programs.
const PROGRAM: &str = "/usr/sbin/mariadbd";

/// What makes it faster, and forget what it was told when it is killed.
const HASTY: [&str; 3] = [
    "--innodb-flush-log-at-trx-commit=0",
    "--innodb-doublewrite=0",
    "--skip-log-bin",
];

static SHARED: OnceLock<MariaDbServer> = OnceLock::new();

/// One server with its data in a temporary folder and the settings it comes with: what is committed is on disk, and
/// a database whose maker says nothing else is in Latin-1. Killed when dropped.
#[derive(Debug)]
pub struct MariaDbServer {
    server: Revivable,
    port: u16,
    home: Arc<Home>,
}

impl Deref for MariaDbServer {
    type Target = Revivable;

    fn deref(&self) -> &Revivable {
        &self.server
    }
}

impl DerefMut for MariaDbServer {
    fn deref_mut(&mut self) -> &mut Revivable {
        &mut self.server
    }
}

impl MariaDbServer {
    /// The server that all tests of this process share, each with a [`Self::fresh_database`] of its own. Gone when
    /// the process exits. It syncs nothing: nobody kills it.
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    pub fn shared() -> &'static Self {
        SHARED.get_or_init(|| {
            at_exit(end_shared);
            Self::start_in(Home::new(Account::unprivileged("mysql")), &HASTY)
        })
    }

    /// Starts one on a free port of the loopback address.
    ///
    /// # Panics
    /// When it does not start: Debian's `mariadb-server` is missing.
    #[must_use]
    pub fn start() -> Self {
        Self::start_in(Home::new(Account::unprivileged("mysql")), &[])
    }

    /// Starts one that takes no connection without TLS.
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    pub fn with_tls() -> Self {
        Self::start_in(Home::with_certificates(Account::unprivileged("mysql")), &[])
    }

    fn start_in(home: Home, arguments: &'static [&'static str]) -> Self {
        initialise(&home).unwrap_or_else(|said| panic!("{said}"));
        let home = Arc::new(home);
        let its_home = Arc::clone(&home);
        let (server, port) =
            Revivable::on_free_port(move |port| launch(&its_home, port, arguments));
        Self { server, port, home }
    }

    /// Its port on 127.0.0.1; the same after a restart.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// `mysql://…`, the superuser's URL of a database that is empty at first.
    #[must_use]
    pub fn url(&self) -> String {
        self.url_of(USER)
    }

    /// The superuser's URL of a database of this name, which need not exist.
    #[must_use]
    pub fn url_of(&self, database: &str) -> String {
        self.home.url("mysql", self.port, database)
    }

    /// The superuser's URL of this database by way of a proxy on another port of 127.0.0.1.
    #[must_use]
    pub fn url_through(&self, port: u16, database: &str) -> String {
        self.home.url("mysql", port, database)
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

    /// What `mariadb` prints for this statement: a line for each row, its columns separated by tabs.
    ///
    /// # Panics
    /// When the statement fails.
    pub fn ask(&self, database: &str, statement: &str) -> String {
        let mut client = Command::new("mariadb");
        client
            .args(["--no-defaults", "--batch", "--skip-column-names"])
            .args(["--default-character-set=utf8mb4", "--protocol=tcp"])
            .args(["--host=127.0.0.1", &format!("--port={}", self.port)])
            .args(["--user", USER, "--execute", statement]);
        if let Some(authority) = self.authority() {
            client.arg("--ssl-ca").arg(authority);
            client.arg("--ssl-verify-server-cert");
        }
        client.arg(database).env("MYSQL_PWD", &self.home.password);
        output_of(&mut client).unwrap_or_else(|said| panic!("{statement}: {said}"))
    }
}

extern "C" fn end_shared() {
    if let Some(server) = SHARED.get() {
        server.server.end();
        server.home.remove();
    }
}

fn initialise(home: &Home) -> Result<(), String> {
    let mut install = home.command("mariadb-install-db");
    install
        .arg("--no-defaults")
        .arg(setting("datadir", &home.path("data")))
        .arg(setting("tmpdir", &home.path("")))
        .args(["--auth-root-authentication-method=normal", "--skip-test-db"]);
    output_of(&mut install)?;
    let mut script = String::new();
    let password = &home.password;
    for account in [&format!("'{USER}'@'%'"), "'root'@'localhost'"] {
        let _ = writeln!(
            script,
            "CREATE USER IF NOT EXISTS {account};\n\
             ALTER USER {account} IDENTIFIED BY '{password}';\n\
             GRANT ALL ON *.* TO {account} WITH GRANT OPTION;"
        );
    }
    let _ = writeln!(script, "CREATE DATABASE IF NOT EXISTS {USER};");
    home.account.write_secret(&home.path("start.sql"), &script);
    Ok(())
}

fn launch(home: &Home, port: u16, arguments: &[&str]) -> Result<Running, String> {
    let mut command = home.command(PROGRAM);
    command
        .arg("--no-defaults")
        .arg(setting("datadir", &home.path("data")))
        // A server that starts removes what others have in a folder they share.
        .arg(setting("tmpdir", &home.path("")))
        .arg(setting("socket", &home.path("socket")))
        .arg(setting("pid-file", &home.path("pid")))
        .arg(setting("init-file", &home.path("start.sql")))
        .args(["--bind-address=127.0.0.1", "--skip-name-resolve"])
        .args([&format!("--port={port}"), "--max-connections=500"])
        .args(arguments);
    if let Some(files) = &home.certificates {
        command
            .arg(setting("ssl-ca", &files.authority))
            .arg(setting("ssl-cert", &files.certificate))
            .arg(setting("ssl-key", &files.key))
            .arg("--require-secure-transport=on");
    }
    Running::start("mariadbd", command, |line| {
        line.contains("ready for connections")
    })
}

fn setting(name: &str, path: &Path) -> String {
    format!("--{name}={}", path.display())
}
