//! `MariaDB`, from Debian's package.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

use crate::database::{DatabaseKind, DatabaseServer, Home, USER, output_of};
use crate::running::Running;

/// Debian has it where only root looks for programs.
const PROGRAM: &str = "/usr/sbin/mariadbd";

/// One server with its data in a temporary folder and the settings it comes with: what is committed is on disk, and
/// a database whose maker says nothing else is in Latin-1. Killed when dropped.
pub type MariaDbServer = DatabaseServer<MariaDb>;

/// What a [`MariaDbServer`] is.
#[derive(Debug)]
pub struct MariaDb;

impl DatabaseKind for MariaDb {
    const SCHEME: &'static str = "mysql";
    const ACCOUNT: &'static str = "mysql";
    const HASTY: &'static [&'static str] = &[
        "--innodb-flush-log-at-trx-commit=0",
        "--innodb-doublewrite=0",
        "--skip-log-bin",
    ];

    fn shared() -> &'static OnceLock<DatabaseServer<Self>> {
        static SHARED: OnceLock<MariaDbServer> = OnceLock::new();
        &SHARED
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

    fn client(home: &Home, port: u16, database: &str, statement: &str) -> Command {
        let mut client = Command::new("mariadb");
        client
            .args(["--no-defaults", "--batch", "--skip-column-names"])
            .args(["--default-character-set=utf8mb4", "--protocol=tcp"])
            .args(["--host=127.0.0.1", &format!("--port={}", port)])
            .args(["--user", USER, "--execute", statement]);
        if let Some(authority) = home.authority() {
            client.arg("--ssl-ca").arg(authority);
            client.arg("--ssl-verify-server-cert");
        }
        client.arg(database).env("MYSQL_PWD", &home.password);
        client
    }
}

fn setting(name: &str, path: &Path) -> String {
    format!("--{name}={}", path.display())
}
