//! `PostgreSQL`, from Debian's package.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::database::{DatabaseKind, DatabaseServer, Home, USER, output_of};
use crate::running::Running;

const PROGRAMS: &str = "/usr/lib/postgresql";

/// One server with its data in a temporary folder, as durable as it comes: `fsync` and `synchronous_commit` are on.
/// Its databases sort as people do, so that whoever wants bytes compared has to say so. Killed when dropped.
pub type PostgresServer = DatabaseServer<Postgres>;

/// What a [`PostgresServer`] is.
#[derive(Debug)]
pub struct Postgres;

impl DatabaseKind for Postgres {
    const SCHEME: &'static str = "postgres";
    const ACCOUNT: &'static str = "postgres";
    const HASTY: &'static [&'static str] = &[
        "-c",
        "fsync=off",
        "-c",
        "synchronous_commit=off",
        "-c",
        "full_page_writes=off",
    ];

    fn shared() -> &'static OnceLock<DatabaseServer<Self>> {
        static SHARED: OnceLock<PostgresServer> = OnceLock::new();
        &SHARED
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

    fn started(server: &DatabaseServer<Self>) {
        server.ask("postgres", &format!("CREATE DATABASE {USER}"));
    }

    fn client(home: &Home, port: u16, database: &str, statement: &str) -> Command {
        let mut psql = Command::new("psql");
        psql.args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align"])
            .args(["--host", "127.0.0.1", "--port", &port.to_string()])
            .args(["--username", USER, "--dbname", database])
            .args(["--command", statement])
            .env("PGPASSWORD", &home.password);
        if let Some(authority) = home.authority() {
            psql.env("PGSSLMODE", "verify-full");
            psql.env("PGSSLROOTCERT", authority);
        }
        psql
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
