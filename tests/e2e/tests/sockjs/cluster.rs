//! Two nodes on one bus, and clients whose requests come to either: no sticky sessions.
//!
//! The nodes have a store each: what is said here is not stored (`/topic/**`).

use std::process::Command;

use madang_e2e::round_robin::RoundRobin;
use madang_e2e::server::TestServer;
use madang_e2e::sockjs::Session;
use madang_e2e::{node, program};
use madang_test_servers::redis::RedisServer;

use crate::shared::{LOGIN, PASSCODE, unique};

struct Cluster {
    nodes: [TestServer; 2],
    _redis: RedisServer,
}

impl Cluster {
    fn start() -> Self {
        let redis = RedisServer::start();
        let nodes = [(); 2].map(|()| {
            TestServer::builder()
                .account(LOGIN, PASSCODE)
                .env("MADANG_SERVER__DRAIN_SECONDS", 4)
                .flag("--bus", redis.url())
                .start()
        });
        for node in &nodes {
            node.wait_until_ready();
        }
        Self {
            nodes,
            _redis: redis,
        }
    }

    /// A session that the first node opened, as each of both is asked for it.
    fn opened(&self) -> [Session; 2] {
        let id = unique("s");
        let session = |node: &TestServer| Session::new(node.address(), "/ws", &id);
        let sessions = self.nodes.each_ref().map(session);
        assert_eq!(sessions[0].poll("xhr").text(), "o\n");
        sessions
    }
}

#[test]
fn sockjs_client_speaks_through_a_balancer_that_knows_no_sessions() {
    let cluster = Cluster::start();
    let addresses = cluster.nodes.each_ref().map(TestServer::address);
    let balancer = RoundRobin::start(addresses.to_vec());
    node::scripts();
    let script = "js/clients/sockjs.mjs";
    let mut command = Command::new("node");
    command
        .arg(format!("{}/{script}", env!("CARGO_MANIFEST_DIR")))
        .env("URL", format!("http://{}", balancer.address()))
        .env("LOGIN", LOGIN)
        .env("PASSCODE", PASSCODE)
        .env("TOPIC", unique("/topic/balanced-"));
    let rows = program::run(script, command).unwrap_or_else(|how| panic!("{how}"));
    assert_eq!(rows.len(), 4, "each transport: {rows:?}");
}

#[test]
fn stomp_goes_on_whichever_node_a_request_comes_to() {
    let cluster = Cluster::start();
    let [here, there] = cluster.opened();
    let connect = crate::shared::connect_frame("1.2", "");
    assert_eq!(there.send(&[&connect]).status, 204);
    assert!(there.poll("xhr").text().starts_with("a[\"CONNECTED"));
    for (number, session) in [&here, &there, &here, &there].into_iter().enumerate() {
        let frame = format!("SEND\ndestination:/topic/a\nreceipt:{number}\n\n\0");
        assert_eq!(session.send(&[&frame]).status, 204);
        let other = if number % 2 == 0 { &there } else { &here };
        let receipt = other.poll("xhr");
        let expected = format!("receipt-id:{number}");
        assert!(receipt.text().contains(&expected), "{receipt:?}");
    }
}

#[test]
fn a_session_whose_node_is_killed_ends_at_the_other_and_its_client_opens_another() {
    let mut cluster = Cluster::start();
    let [_, there] = cluster.opened();
    let mut stream = there.begin("xhr_streaming", "");
    assert_eq!(there.send(&[]).status, 204);
    cluster.nodes[0].kill9();
    let mut rest = Vec::new();
    // Its end comes in good order or not: clients take either for the end.
    drop(std::io::Read::read_to_end(&mut stream, &mut rest));
    assert_eq!(there.send(&["late"]).status, 404);
    assert_eq!(there.poll("xhr").text(), "o\n");
}

#[test]
fn a_session_whose_node_drains_is_told_so_at_the_other() {
    let mut cluster = Cluster::start();
    let [_, there] = cluster.opened();
    let connect = crate::shared::connect_frame("1.2", "");
    let mut stream = there.ask("xhr_streaming", "");
    assert_eq!(there.send(&[&connect]).status, 204);
    // Its response is at the session's node: who asks later may find that node gone.
    while !stream.frame().starts_with("a[\"CONNECTED") {}
    cluster.nodes[0].terminate();
    let mut frame = stream.frame();
    while frame.starts_with("a[") {
        frame = stream.frame();
    }
    assert!(frame.starts_with("c[1012,"), "{frame:?}");
    assert!(cluster.nodes[0].wait_exit().success());
    // Nobody is waited for who left.
    let next = Session::new(cluster.nodes[1].address(), "/ws", &unique("s"));
    assert_eq!(next.poll("xhr").text(), "o\n");
}

#[test]
fn a_node_that_drains_sends_those_on_who_wait_there_for_the_sessions_of_another() {
    let mut cluster = Cluster::start();
    let [here, there] = cluster.opened();
    let mut stream = there.ask("xhr_streaming", "");
    stream.frame();
    cluster.nodes[1].terminate();
    assert_eq!(stream.chunk(), None, "the response is complete");
    assert!(cluster.nodes[1].wait_exit().success());
    // The session is where it was.
    let connect = crate::shared::connect_frame("1.2", "");
    assert_eq!(here.send(&[&connect]).status, 204);
    assert!(here.poll("xhr").text().starts_with("a[\"CONNECTED"));
}
