//! C: how a session begins.

use madang_e2e::stomp::{Frame, Stomp};

use super::{Bench, SINCE_1_1, VERSIONS};
use crate::shared::{self, LOGIN, PASSCODE, connect_frame, send_frame};

/// The answer to a CONNECT with these header lines besides the credentials.
fn connected(headers: &str) -> (Stomp, Frame) {
    let mut peer = Stomp::open(shared::server().address());
    peer.send(format!(
        "CONNECT\n{headers}login:{LOGIN}\npasscode:{PASSCODE}\n\n\0"
    ));
    let frame = peer.expect("CONNECTED");
    (peer, frame)
}

#[test]
fn c1_connected_names_the_version() {
    for version in SINCE_1_1 {
        let (_, frame) = connected(&format!("accept-version:{version}\nhost:x\n"));
        assert_eq!(frame.get("version"), Some(version));
    }
}

#[test]
fn c2_stomp_is_handled_as_connect() {
    for version in SINCE_1_1 {
        let mut peer = Stomp::open(shared::server().address());
        peer.send(connect_frame(version, "").replace("CONNECT\n", "STOMP\n"));
        assert_eq!(peer.expect("CONNECTED").get("version"), Some(version));
    }
}

#[test]
fn c3_the_highest_common_version_is_spoken() {
    for (accept, version) in [("1.0,1.1,2.0", "1.1"), ("1.2,1.0", "1.2")] {
        let (_, frame) = connected(&format!("accept-version:{accept}\nhost:x\n"));
        assert_eq!(frame.get("version"), Some(version));
    }
}

#[test]
fn c4_no_accept_version_means_1_0() {
    let (mut peer, frame) = connected("");
    assert!(
        matches!(frame.get("version"), None | Some("1.0")),
        "{frame:?}"
    );
    let topic = shared::fresh_topic();
    peer.send(format!("SUBSCRIBE\ndestination:{topic}\nreceipt:r\n\n\0"));
    peer.receipt("r");
    peer.send(send_frame(&topic, "a:\\t\n", "x"));
    assert_eq!(peer.message().get("a"), Some("\\t"), "no escapes in 1.0");
}

fn refused_version() -> Frame {
    let mut peer = Stomp::open(shared::server().address());
    peer.send(connect_frame("9.9", ""));
    peer.error_then_close()
}

#[test]
fn c5_no_common_version_is_an_error_and_the_close() {
    assert_eq!(refused_version().need("code"), "VERSION_UNSUPPORTED");
}

#[test]
fn c6_that_error_names_the_versions_spoken() {
    let error = refused_version();
    let versions: Vec<_> = error.need("version").split(',').map(str::trim).collect();
    assert_eq!(versions, VERSIONS);
}

fn refused_login(version: &str, login: &str) -> Frame {
    let mut peer = Stomp::open(shared::server().address());
    let connect = connect_frame(version, "");
    let connect = connect.replace(&format!("login:{LOGIN}\n"), &format!("login:{login}\n"));
    peer.send(connect.replace(PASSCODE, "wrong"));
    peer.error_then_close()
}

#[test]
fn c7_a_rejected_client_is_told_why_before_the_close() {
    for version in SINCE_1_1 {
        assert_eq!(
            refused_login(version, LOGIN).need("code"),
            "CREDENTIALS_INVALID"
        );
    }
}

#[test]
fn c8_rejection_does_not_tell_an_unknown_login_from_a_wrong_passcode() {
    for version in VERSIONS {
        let [wrong, unknown] = [LOGIN, "nobody"].map(|login| refused_login(version, login));
        assert_eq!(wrong.need("message"), unknown.need("message"));
        assert_eq!(
            (wrong.get("code"), &wrong.body),
            (unknown.get("code"), &unknown.body)
        );
    }
}

#[test]
fn c9_a_session_begins_with_connect() {
    let mut peer = Stomp::open(shared::server().address());
    peer.send(send_frame("/topic/x", "receipt:r\n", "x"));
    peer.refused();
}

#[test]
fn c10_a_second_connect_is_refused() {
    for version in VERSIONS {
        let mut bench = Bench::new(version);
        bench.peer.send(connect_frame(version, ""));
        bench.peer.refused();
    }
}

#[test]
fn c11_a_missing_or_unknown_host_is_accepted() {
    for host in ["", "host:\n", "host:/\n", "host:nowhere.example:61613\n"] {
        connected(&format!("accept-version:1.2\n{host}"));
    }
}

#[test]
fn c12_connected_is_the_first_answer_even_if_connect_asks_for_a_receipt() {
    for version in VERSIONS {
        let mut peer = Stomp::open(shared::server().address());
        peer.send(connect_frame(version, "receipt:9\n"));
        let first = peer.take("any frame", |_| true);
        assert_eq!(first.command, "CONNECTED");
        peer.send("BEGIN\ntransaction:t\nreceipt:next\n\n\0");
        let next = peer.take("any frame", |_| true);
        assert_eq!(
            next.get("receipt-id"),
            Some("next"),
            "CONNECT's receipt is ignored"
        );
    }
}

#[test]
fn c13_junk_is_refused_and_the_next_client_served() {
    let server = shared::server();
    for junk in [
        "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        "\0",
        "\u{16}\u{3}\u{1}\n\n\0",
    ] {
        let mut peer = Stomp::open(server.address());
        peer.send(junk);
        peer.refused();
    }
    Bench::subscribed("1.2");
}

#[test]
fn c14_the_server_header_is_absent_or_well_formed() {
    let (_, frame) = connected("accept-version:1.2\n");
    if let Some(server) = frame.get("server") {
        let name = server.split(' ').next().unwrap();
        let parts: Vec<_> = name.split('/').collect();
        assert!(
            parts.len() <= 2 && parts.iter().all(|part| !part.is_empty()),
            "{server:?}"
        );
    }
}

#[test]
fn c15_session_ids_are_unique_and_there_in_1_0() {
    let sessions = ["", "", "accept-version:1.2\n", "accept-version:1.2\n"].map(|headers| {
        let (_, frame) = connected(headers);
        let session = frame.get("session").map(str::to_owned);
        assert!(
            session.is_some() || !headers.is_empty(),
            "1.0 always sends session"
        );
        session
    });
    for (at, session) in sessions.iter().enumerate() {
        assert!(
            session.is_none() || !sessions[..at].contains(session),
            "{sessions:?}"
        );
    }
}
