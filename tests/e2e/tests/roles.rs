//! Nodes with one role: each serves its own doors, and names the other role at those of the other.

use std::net::{SocketAddr, TcpStream};

use madang_e2e::http::{self, Response};
use madang_e2e::server::TestServer;

fn with_role(role: &str) -> TestServer {
    let server = TestServer::builder().flag("--role", role);
    server.stomp_tcp().start()
}

fn get(address: SocketAddr, path: &str) -> Response {
    http::get(address, path, &[])
}

#[track_caller]
fn refuses(server: &TestServer, path: &str, other: &str) {
    let answer = get(server.address(), path);
    assert_eq!(answer.status, 404, "{path}: {}", answer.text());
    let words = format!("nodes with the role {other} have this");
    assert!(answer.text().contains(&words), "{path}: {}", answer.text());
}

#[test]
fn a_gateway_serves_sessions_and_no_rest() {
    let server = with_role("gateway");
    for path in [
        "/healthz",
        "/readyz",
        "/metrics",
        "/ws/info",
        "/sockjs/sockjs.min.js",
    ] {
        let answer = get(server.address(), path);
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    }
    for path in [
        "/",
        "/docs",
        "/openapi.json",
        "/api/v1/rooms",
        "/pictures/x.png",
    ] {
        refuses(&server, path, "api");
    }
    refuses(&server, "/admin/chats", "api");
    let token = server.token("kim", "user");
    let (mut kim, hello) = madang_e2e::json::Json::enter(server.address(), &token);
    assert_eq!(hello["type"], "hello");
    kim.assert_quiet();
    let tcp = server.listener("STOMP over TCP");
    TcpStream::connect(tcp).expect("it listens there");
}

#[test]
fn an_api_node_serves_rest_and_no_sessions() {
    let server = with_role("api");
    for path in [
        "/healthz",
        "/readyz",
        "/metrics",
        "/",
        "/docs",
        "/openapi.json",
    ] {
        let answer = get(server.address(), path);
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    }
    for path in [
        "/ws",
        "/ws/info",
        "/ws/v1",
        "/ws/chat",
        "/stomp/chat",
        "/api/v1/events",
    ] {
        refuses(&server, path, "gateway");
    }
    let kim = crate::people::Someone::new(&server, "kim");
    let lee = crate::people::Someone::new(&server, "lee");
    let room = kim.direct(&lee);
    kim.say(&room, "안녕하세요");
    assert_eq!(lee.texts(&room), ["안녕하세요"]);
    let log = server.log_lines();
    assert!(!log.iter().any(|line| line.contains("STOMP over TCP")));
    assert!(
        log.iter()
            .any(|line| line.contains("node.roles are not all")),
        "{log:?}"
    );
}
