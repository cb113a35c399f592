//! SIGTERM: what was taken is answered, and clients are told to come back.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use madang_e2e::http;
use madang_e2e::server::TestServer;
use madang_e2e::stomp::{Arrival, Stomp};

use crate::rooms::{Customer, follow, room_send, since, text};

/// Sends much at once and reads to the end; answers whose receipts came, and the close code.
fn receipts_until_closed(peer: &mut Stomp) -> (BTreeSet<String>, Option<u16>) {
    let mut receipts = BTreeSet::new();
    loop {
        match peer.arrival() {
            Arrival::Frame(frame) if frame.command == "RECEIPT" => {
                receipts.insert(frame.need("receipt-id").to_owned());
            }
            Arrival::Frame(frame) => assert_eq!(frame.get("code"), Some("DRAINING"), "{frame:?}"),
            Arrival::Beat => {}
            Arrival::Closed(code) => return (receipts, code),
        }
    }
}

#[test]
fn sigterm_answers_what_was_accepted_and_closes_with_1012() {
    let mut server = TestServer::builder()
        .env("MADANG_SERVER__DRAIN_SECONDS", 1)
        .start();
    let mut customer = Customer::new(&server);
    let mut watcher = customer.again(&server);
    follow(&mut watcher, &customer.id, "");
    customer.say("begin");
    let begin = watcher.message();
    let room = customer.id.clone();
    for number in 0..500 {
        let headers = format!("client-id:c{number}\nreceipt:{number}\n");
        customer
            .peer
            .send(room_send(&room, &headers, &number.to_string()));
    }
    customer.peer.receipt("0");
    server.terminate();
    let (mut receipts, code) = receipts_until_closed(&mut customer.peer);
    receipts.insert("0".to_owned());
    assert_eq!(code, Some(1012));
    loop {
        match watcher.arrival() {
            Arrival::Closed(code) => break assert_eq!(code, Some(1012)),
            Arrival::Frame(frame) => assert_eq!(frame.command, "MESSAGE"),
            Arrival::Beat => {}
        }
    }
    assert!(
        server.wait_exit().success(),
        "a drained server exits with success"
    );

    server.restart();
    customer.peer = customer.again(&server);
    customer.say("end");
    let mut back = customer.again(&server);
    follow(&mut back, &room, &since(&begin));
    let mut stored = BTreeSet::new();
    loop {
        let text = text(&back.message());
        if text == "end" {
            break;
        }
        assert!(stored.insert(text), "stored twice");
    }
    assert_eq!(stored, receipts, "stored and accepted are the same");
}

#[test]
fn a_draining_server_is_not_ready_and_takes_nobody_new() {
    let mut server = TestServer::builder()
        .env("MADANG_SERVER__DRAIN_SECONDS", 1)
        .start();
    let customer = Customer::new(&server);
    let mut peer = customer.again(&server);
    server.terminate();
    let (_, code) = receipts_until_closed(&mut peer);
    assert_eq!(code, Some(1012));
    assert!(server.wait_exit().success());
    assert!(std::net::TcpStream::connect(server.address()).is_err());
}

/// Longer than any test waits.
const NEVER_SECONDS: u64 = 3_600;

/// Asks on one new connection after another until it is answered with 503.
fn wait_until_not_ready(server: &TestServer) {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let answer = http::get(server.address(), "/readyz", &[]);
        if answer.status == 503 {
            return assert_eq!(answer.json()["code"], "DRAINING");
        }
        assert!(Instant::now() < deadline, "it stays ready");
    }
}

#[test]
fn a_server_told_to_stop_says_so_on_new_connections_and_serves_on_until_balancers_know() {
    let mut server = TestServer::builder()
        .env("MADANG_SERVER__DRAIN_DELAY_SECONDS", NEVER_SECONDS)
        .start();
    let mut before = Customer::new(&server);
    server.terminate();
    wait_until_not_ready(&server);
    assert_eq!(http::get(server.address(), "/healthz", &[]).status, 200);
    before.say("still served");
    let mut late = Customer::new(&server);
    late.say("sent here before the balancer knew");
    server.terminate();
    assert!(server.wait_exit().success());
}

#[test]
fn a_server_stops_accepting_once_the_delay_is_over() {
    let mut server = TestServer::builder()
        .env("MADANG_SERVER__DRAIN_DELAY_SECONDS", 1)
        .env("MADANG_SERVER__DRAIN_SECONDS", 1)
        .start();
    let mut customer = Customer::new(&server);
    server.terminate();
    wait_until_not_ready(&server);
    let (_, code) = receipts_until_closed(&mut customer.peer);
    assert_eq!(code, Some(1012));
    assert!(server.wait_exit().success());
    assert!(std::net::TcpStream::connect(server.address()).is_err());
}

#[test]
fn a_server_told_twice_to_stop_waits_for_nobody_and_loses_nothing() {
    let mut server = TestServer::builder()
        .env("MADANG_SERVER__DRAIN_SECONDS", NEVER_SECONDS)
        .start();
    let mut customer = Customer::new(&server);
    let mut watcher = customer.again(&server);
    follow(&mut watcher, &customer.id, "");
    customer.say("begin");
    let begin = watcher.message();
    customer.say("accepted");
    server.terminate();
    let deadline = Instant::now() + Duration::from_secs(20);
    while std::net::TcpStream::connect(server.address()).is_ok() {
        assert!(Instant::now() < deadline, "it goes on accepting");
    }
    server.terminate();
    assert!(server.wait_exit().success());
    server.restart();
    let mut back = customer.again(&server);
    follow(&mut back, &customer.id, &since(&begin));
    assert_eq!(text(&back.message()), "accepted");
}
