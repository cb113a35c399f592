//! Several nodes on one database and one bus.

use madang_e2e::http::{self, Rest};
use madang_e2e::json::Json;
use madang_e2e::server::TestServer;
use madang_loadgen::identity;
use madang_test_servers::mariadb::MariaDbServer;
use madang_test_servers::nats::NatsServer;
use madang_test_servers::postgres::PostgresServer;
use serde_json::json;

/// What all nodes check tokens with.
const KEY: &str = "a secret of tests that is at least as long as the hash";

fn token(user: &str) -> String {
    identity::mint_with(KEY.as_bytes(), 0, user, "ROLE_USER")
}

fn node(store: &str, nats: &NatsServer, role: &str) -> TestServer {
    let node = TestServer::builder()
        .env("MADANG_AUTH__JWT_KEY", KEY)
        .flag("--store", store)
        .flag("--bus", nats.url())
        .flag("--role", role)
        .start();
    node.wait_until_ready();
    node
}

/// What is done by REST at one process is told by the sessions of the other, and what is said there is read here.
fn roles_apart(store: &str) {
    let nats = NatsServer::start();
    let (api, gateway) = (node(store, &nats, "api"), node(store, &nats, "gateway"));
    let host = |user: &str| Rest::of(api.address(), &token(user));
    let (kim, lee) = (host("kim"), host("lee"));
    let room = json!({ "kind": "open", "title": "everybody" });
    let room = kim.done("POST", "/api/v1/rooms", &room);
    let room = room["id"].as_str().expect("a room").to_owned();

    let (mut session, _) = Json::enter(gateway.address(), &token("lee"));
    // Joined at the one, told at the other: the session shows the room by itself.
    lee.done("POST", &format!("/api/v1/rooms/{room}/join"), &json!({}));
    let messages = format!("/api/v1/rooms/{room}/messages");
    kim.done(
        "POST",
        &messages,
        &json!({ "text": "by REST", "clientId": "1" }),
    );
    let mut heard = session.next_message();
    while heard["message"]["text"] != "by REST" {
        heard = session.next_message();
    }
    session.send(&room, "by the session");
    let read = kim.get(&messages);
    assert!(read.to_string().contains("by the session"), "{read}");
    // Said again with the same id, wherever: stored once.
    kim.done(
        "POST",
        &messages,
        &json!({ "text": "by REST", "clientId": "1" }),
    );
    let read = kim.get(&messages).to_string();
    assert_eq!(read.matches("by REST").count(), 1, "{read}");
}

#[test]
fn rest_and_sessions_of_two_processes_meet_in_postgres() {
    roles_apart(&PostgresServer::shared().fresh_database());
}

#[test]
fn rest_and_sessions_of_two_processes_meet_in_mariadb() {
    roles_apart(&MariaDbServer::shared().fresh_database());
}

/// Alive at once; ready once the database is there; what was asked meanwhile is refused and nothing worse.
#[test]
fn a_node_starts_before_its_database_and_goes_on_by_itself() {
    let mut database = PostgresServer::start();
    let url = database.fresh_database();
    database.kill();
    let server = TestServer::builder()
        .env("MADANG_AUTH__JWT_KEY", KEY)
        .flag("--store", &url)
        .start();
    let alive = http::get(server.address(), "/healthz", &[]);
    assert_eq!(alive.status, 200);
    let (status, text) = server.ready();
    assert_eq!(status, 503, "{text}");
    let kim = Rest::of(server.address(), &token("kim"));
    let refused = kim.call("GET", "/api/v1/rooms", &json!(null));
    assert_eq!(refused.status, 503, "{}", refused.text());
    assert!(refused.text().contains("UNAVAILABLE"), "{}", refused.text());
    database.restart();
    server.wait_until_ready();
    assert!(kim.get("/api/v1/rooms").is_object());
    let log = server.log_lines().join("\n");
    let password = url
        .split(':')
        .nth(2)
        .and_then(|rest| rest.split('@').next());
    let password = password.expect("the URL has a password");
    assert!(!log.contains(password), "the log shows the password");
}
