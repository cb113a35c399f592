//! The databases: what is committed outlives their death, and TLS is what they are asked for.

use std::process::Command;
use std::thread;

use madang_test_servers::mariadb::MariaDbServer;
use madang_test_servers::postgres::PostgresServer;
use madang_test_servers::{DatabaseKind, DatabaseServer};

const TABLE: &str = "CREATE TABLE kept (word VARCHAR(20))";
const ROW: &str = "INSERT INTO kept VALUES ('here')";
const ROWS: &str = "SELECT word FROM kept";

/// The database's name in a URL.
fn name(url: &str) -> &str {
    let (_, name) = url.rsplit_once('/').expect("a path");
    name
}

fn keeps_what_was_committed_when_it_is_killed<K: DatabaseKind>() {
    let mut server = DatabaseServer::<K>::start();
    let before = server.url();
    server.ask("madang", TABLE);
    server.ask("madang", ROW);
    server.kill();
    server.restart();
    assert_eq!(server.ask("madang", ROWS), "here\n");
    assert_eq!(server.url(), before);
}

fn answers_what_it_was_asked_while_frozen_once_it_is_thawed<K: DatabaseKind>() {
    let server = DatabaseServer::<K>::start();
    server.freeze();
    thread::scope(|scope| {
        let asked = scope.spawn(|| server.ask("madang", "SELECT 1"));
        server.thaw();
        assert_eq!(asked.join().expect("it was answered"), "1\n");
    });
}

fn a_fresh_database_knows_nothing_of_another<K: DatabaseKind>() {
    let server = DatabaseServer::<K>::shared();
    let (one, other) = (server.fresh_database(), server.fresh_database());
    server.ask(name(&one), TABLE);
    server.ask(name(&other), TABLE);
    let scheme = K::SCHEME;
    assert!(one.starts_with(&format!("{scheme}://madang:")), "{one}");
}

macro_rules! of_each_kind {
    ($($case:ident)*) => {
        mod postgres {
            $(#[test]
            fn $case() {
                super::$case::<madang_test_servers::postgres::Postgres>();
            })*
        }

        mod mariadb {
            $(#[test]
            fn $case() {
                super::$case::<madang_test_servers::mariadb::MariaDb>();
            })*
        }
    };
}

of_each_kind! {
    keeps_what_was_committed_when_it_is_killed
    answers_what_it_was_asked_while_frozen_once_it_is_thawed
    a_fresh_database_knows_nothing_of_another
}

#[test]
fn postgres_syncs_what_it_commits() {
    let server = PostgresServer::start();
    assert_eq!(server.ask("madang", "SHOW fsync"), "on\n");
    assert_eq!(server.ask("madang", "SHOW synchronous_commit"), "on\n");
}

#[test]
fn mariadb_syncs_what_it_commits() {
    let server = MariaDbServer::start();
    let flush = server.ask("madang", "SELECT @@innodb_flush_log_at_trx_commit");
    assert_eq!(flush, "1\n");
}

/// What the client says without a certificate to trust, and with that of another server.
fn refusals(clients: [&mut Command; 2]) -> [String; 2] {
    clients.map(|client| {
        let output = client.output().expect("the client runs");
        assert!(!output.status.success(), "it got in");
        String::from_utf8_lossy(&output.stderr).into_owned()
    })
}

#[test]
fn postgres_with_tls_is_known_by_its_own_authority_and_takes_nobody_without() {
    let (server, other) = (PostgresServer::with_tls(), PostgresServer::with_tls());
    let cipher = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
    assert_eq!(server.ask("madang", cipher), "t\n");
    let client = || {
        let mut psql = Command::new("psql");
        psql.args(["--command", "SELECT 1"]).arg(server.url());
        psql
    };
    let [plain, strange] = refusals([
        client().env("PGSSLMODE", "disable"),
        client()
            .env("PGSSLMODE", "verify-full")
            .env("PGSSLROOTCERT", other.authority().unwrap()),
    ]);
    assert!(plain.contains("no encryption"), "{plain}");
    assert!(strange.contains("certificate verify failed"), "{strange}");
}

#[test]
fn mariadb_with_tls_is_known_by_its_own_authority_and_takes_nobody_without() {
    let (server, other) = (MariaDbServer::with_tls(), MariaDbServer::with_tls());
    let cipher = "SELECT variable_value <> '' FROM information_schema.session_status \
                  WHERE variable_name = 'ssl_cipher'";
    assert_eq!(server.ask("madang", cipher), "1\n");
    let url = server.url();
    let (_, password) = url.split_once("madang:").unwrap();
    let (password, _) = password.split_once('@').unwrap();
    let client = || {
        let mut mariadb = Command::new("mariadb");
        mariadb
            .args(["--no-defaults", "--protocol=tcp", "--host=127.0.0.1"])
            .args(["--user=madang", "--execute=SELECT 1"])
            .arg(format!("--port={}", server.port()))
            .env("MYSQL_PWD", password);
        mariadb
    };
    let [plain, strange] = refusals([
        client().arg("--skip-ssl"),
        client()
            .arg("--ssl-verify-server-cert")
            .arg("--ssl-ca")
            .arg(other.authority().unwrap()),
    ]);
    assert!(plain.contains("Access denied"), "{plain}");
    assert!(strange.contains("certificate"), "{strange}");
}
