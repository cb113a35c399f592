//! A host that publishes its keys: every door waits for one that is not known yet.

use std::thread;
use std::time::{Duration, Instant};

use madang_e2e::PATIENCE;
use madang_e2e::doors::list::DOORS;
use madang_e2e::doors::{Connect, Endpoint, Identity, json};
use madang_e2e::http;
use madang_e2e::issuer::{Issuer, IssuerKey};
use madang_e2e::server::TestServer;
use madang_e2e::stomp::Stomp;

use crate::shared::{fresh_topic, send_frame, unique};

const A_MOMENT: Duration = Duration::from_millis(20);

fn server(issuer: &Issuer) -> TestServer {
    TestServer::builder()
        .stomp_tcp()
        .env("MADANG_AUTH__JWKS_URL", issuer.url())
        .env("MADANG_AUTH__JWKS_UNKNOWN_KID_SECONDS", 1)
        .start()
}

/// The code with which the door refuses the token; empty when it lets it in. What the server says can
/// be tried again is: the host may have been too slow on a busy machine.
fn enter(connect: Connect, endpoint: &Endpoint, token: &str) -> String {
    let deadline = Instant::now() + PATIENCE;
    let identity = Identity { token: Some(token) };
    loop {
        let refused = connect(endpoint, identity).err();
        let code = refused.map_or_else(String::new, |refused| refused.code);
        if code != "UNAVAILABLE" || Instant::now() > deadline {
            return code;
        }
        thread::sleep(A_MOMENT);
    }
}

fn ways() -> Vec<(&'static str, Connect)> {
    let doors = DOORS.iter().filter(|door| !door.tls);
    let mut ways: Vec<(&str, Connect)> = doors.map(|door| (door.name, door.connect)).collect();
    ways.push(("json_by_handshake", json::by_handshake));
    ways
}

fn open_connections(server: &TestServer) -> usize {
    let response = http::get(server.address(), "/metrics", &[]);
    let value = response
        .text()
        .lines()
        .find_map(|line| line.strip_prefix("madang_connections_open "));
    value.expect("the metric").parse().expect("a number")
}

#[test]
fn every_door_waits_for_the_keys_and_then_lets_in() {
    let (issuer, key) = (Issuer::silent(), IssuerKey::new("first"));
    issuer.publish(&[&key]);
    let server = server(&issuer);
    let (endpoint, ways) = (server.endpoint(), ways());
    thread::scope(|scope| {
        let entering: Vec<_> = ways
            .iter()
            .map(|(name, connect)| {
                let (endpoint, token) = (&endpoint, key.token(&unique("kim")));
                (
                    *name,
                    scope.spawn(move || enter(*connect, endpoint, &token)),
                )
            })
            .collect();
        let deadline = Instant::now() + PATIENCE;
        while open_connections(&server) <= ways.len() && Instant::now() < deadline {
            thread::sleep(A_MOMENT);
        }
        issuer.speak();
        for (name, entered) in entering {
            assert_eq!(entered.join().unwrap(), "", "{name}");
        }
    });
}

#[test]
fn a_rotated_key_opens_every_door_and_the_one_before_none() {
    let issuer = Issuer::silent();
    let (old, new) = (IssuerKey::new("old"), IssuerKey::new("new"));
    issuer.publish(&[&old]);
    issuer.speak();
    let server = server(&issuer);
    let endpoint = server.endpoint();
    let first = ways()[0].1;
    assert_eq!(enter(first, &endpoint, &old.token("kim")), "");
    issuer.publish(&[&new]);
    // Until the floor is over, a key that came behind the last fetch is not known.
    let deadline = Instant::now() + PATIENCE;
    while enter(first, &endpoint, &new.token("kim")) == "TOKEN_INVALID" {
        assert!(Instant::now() < deadline, "the new key is never fetched");
        thread::sleep(A_MOMENT);
    }
    for (name, connect) in ways() {
        let user = unique("kim");
        assert_eq!(enter(connect, &endpoint, &new.token(&user)), "", "{name}");
        let refused = enter(connect, &endpoint, &old.token(&user));
        assert_eq!(refused, "TOKEN_INVALID", "{name}");
    }
}

/// What a session of the service account is told that repeats this token with a SUBSCRIBE and sends
/// behind it, once `then` was done: the frames' commands, or the code of the ERROR.
fn repeat(server: &TestServer, token: &str, then: impl Fn()) -> Vec<String> {
    let topic = fresh_topic();
    let mut peer = Stomp::open(server.address());
    peer.send("CONNECT\naccept-version:1.2\nhost:x\nlogin:svc\npasscode:sesame-0\n\n\0");
    peer.expect("CONNECTED");
    peer.send(format!(
        "SUBSCRIBE\nid:s1\ndestination:{topic}\nAuthorization:Bearer {token}\nreceipt:r1\n\n\0"
    ));
    peer.send(send_frame(&topic, "receipt:r2\n", "behind it"));
    then();
    let mut told = Vec::new();
    while told.len() < 3 {
        let frame = peer.take("an answer", |_| true);
        if frame.command == "ERROR" {
            return vec![frame.need("code").to_owned()];
        }
        told.push(frame.command);
    }
    told.sort();
    told
}

#[test]
fn a_repeated_token_waits_for_its_key_and_what_comes_behind_it_too() {
    let (published, other) = (IssuerKey::new("a"), IssuerKey::new("b"));
    for (key, expected) in [
        (&published, &["MESSAGE", "RECEIPT", "RECEIPT"][..]),
        (&other, &["TOKEN_INVALID"]),
    ] {
        let issuer = Issuer::silent();
        issuer.publish(&[&published]);
        let server = TestServer::builder()
            .account("svc", "sesame-0")
            .env("MADANG_AUTH__JWKS_URL", issuer.url())
            .env("MADANG_AUTH__JWKS_UNKNOWN_KID_SECONDS", 1)
            .start();
        let token = key.token("kim");
        let deadline = Instant::now() + PATIENCE;
        // A busy machine may be slower than the server waits.
        let mut told = repeat(&server, &token, || {
            // What was sent before this is answered was met by the server, mostly.
            http::get(server.address(), "/healthz", &[]);
            issuer.speak();
        });
        while told == ["UNAVAILABLE"] && Instant::now() < deadline {
            thread::sleep(A_MOMENT);
            told = repeat(&server, &token, || {});
        }
        assert_eq!(told, expected);
    }
}

fn rooms(server: &TestServer, token: &str) -> (u16, serde_json::Value) {
    let bearer = format!("Bearer {token}");
    let headers = [("Authorization", bearer.as_str())];
    let response = http::get(server.address(), "/api/v1/rooms", &headers);
    (response.status, response.json()["code"].clone())
}

#[test]
fn a_server_starts_without_its_host_and_says_so_once() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/keys", closed.local_addr().unwrap());
    drop(closed);
    let server = TestServer::builder()
        .env("MADANG_AUTH__JWKS_URL", url)
        .start();
    let token = IssuerKey::new("a").token("kim");
    for _ in 0..3 {
        assert_eq!(rooms(&server, &token), (503, "UNAVAILABLE".into()));
    }
    let said = server.log_lines().into_iter();
    let said = said.filter(|line| line.contains("cannot be fetched"));
    assert_eq!(said.count(), 1);
}

#[test]
fn over_tls_only_the_host_whose_certificate_is_trusted_is_believed() {
    let (issuer, key) = (Issuer::silent_over_tls(), IssuerKey::new("a"));
    issuer.publish(&[&key]);
    issuer.speak();
    let folder = tempfile::tempdir().unwrap();
    let start = |trusted: &str| {
        let file = folder.path().join("ca.pem");
        std::fs::write(&file, trusted).unwrap();
        TestServer::builder()
            .env("MADANG_AUTH__JWKS_URL", issuer.url())
            .env("SSL_CERT_FILE", file.display())
            .start()
    };
    let trusting = start(issuer.certificate());
    let entered = enter(ways()[0].1, &trusting.endpoint(), &key.token("kim"));
    assert_eq!(entered, "");
    let other = Issuer::silent_over_tls();
    let strict = start(other.certificate());
    assert_eq!(rooms(&strict, &key.token("kim")).0, 503);
}
