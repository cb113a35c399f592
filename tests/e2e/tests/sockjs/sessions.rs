//! When a session ends, and what whoever asks then is told.

use std::thread;
use std::time::{Duration, Instant};

use madang_e2e::PATIENCE;
use madang_e2e::server::TestServer;
use madang_e2e::sockjs::Session;

use super::{connected, opened, session};
use crate::shared::{fresh_topic, send_frame};

#[test]
fn a_session_ends_after_the_disconnect_delay_without_a_receiver() {
    let session = opened();
    let left = Instant::now();
    while session.send(&[]).status != 404 {
        assert!(left.elapsed() < PATIENCE, "the session does not end");
        thread::sleep(Duration::from_millis(20));
    }
    assert!(left.elapsed() > Duration::from_millis(800), "too early");
}

#[test]
fn a_session_lives_as_long_as_somebody_receives_and_is_told_so_by_heart_beats() {
    for (transport, beat) in [("xhr", "h\n"), ("jsonp?c=f", "/**/f(\"h\");\r\n")] {
        let session = connected();
        let began = Instant::now();
        assert_eq!(session.poll(transport).text(), beat);
        // Longer than the disconnect delay.
        assert!(began.elapsed() > Duration::from_millis(1500));
        assert_eq!(session.send(&[]).status, 204);
    }
    let session = connected();
    let mut stream = session.ask("eventsource", "");
    assert_eq!(
        stream.head.header("x-content-type-options"),
        Some("nosniff")
    );
    assert!(stream.head.header("date").is_some());
    assert_eq!(stream.frame(), "\r\n");
    for _ in 0..2 {
        assert_eq!(stream.frame(), "data: h\r\n\r\n");
    }
    assert_eq!(session.send(&[]).status, 204);
}

#[test]
fn a_second_receiver_is_refused_and_the_first_goes_on() {
    let session = session();
    let mut first = session.ask("xhr_streaming", "");
    first.frame();
    assert_eq!(first.frame(), "o\n");
    let told = session.poll("xhr");
    assert_eq!(told.text(), "c[2010,\"Another connection still open\"]\n");
    let connect = crate::shared::connect_frame("1.2", "");
    assert_eq!(session.send(&[&connect]).status, 204);
    assert!(first.frame().starts_with("a[\"CONNECTED"));
}

#[test]
fn a_receiver_that_breaks_off_ends_the_session() {
    for transport in ["xhr", "xhr_streaming"] {
        let session = connected();
        // It is there once another is refused; one that came first waits for its heart-beat.
        let receiver = loop {
            let receiver = session.begin(transport, "");
            if session.poll("xhr").text().starts_with("c[2010,") {
                break receiver;
            }
        };
        let began = Instant::now();
        drop(receiver);
        let told = loop {
            let told = session.poll("xhr").text().to_owned();
            if !told.starts_with("c[2010,") {
                break told;
            }
            assert!(began.elapsed() < PATIENCE);
        };
        assert_eq!(told, "c[1002,\"Connection interrupted\"]\n", "{transport}");
    }
}

#[test]
fn bodies_that_are_no_texts_are_refused_and_the_session_goes_on() {
    let session = connected();
    for (body, status) in [
        ("", 500),
        ("[\"x", 500),
        ("{}", 500),
        ("[1]", 500),
        ("[]", 204),
    ] {
        let answer = session.ask("xhr_send", body);
        assert_eq!(answer.head.status, status, "{body}");
    }
    let many = vec!["\n"; 5000];
    assert_eq!(session.send(&many).status, 413);
    assert_eq!(session.send(&["\n"]).status, 204);
    let unknown = super::session();
    assert_eq!(unknown.send(&["\n"]).status, 404);
}

#[test]
fn a_frame_behind_the_clients_goodbye_is_refused() {
    let session = connected();
    assert_eq!(session.send(&["DISCONNECT\n\n\0"]).status, 204);
    let late = session.send(&[&send_frame(&fresh_topic(), "", "late")]);
    assert_eq!(late.status, 404);
    let close = session.poll("xhr");
    assert!(close.text().starts_with("c["), "{close:?}");
    let late = session.send(&[&send_frame(&fresh_topic(), "", "later")]);
    assert_eq!(late.status, 404);
}

#[test]
fn strangers_make_place_for_others_and_known_clients_stay() {
    let server = TestServer::builder()
        .account(crate::shared::LOGIN, crate::shared::PASSCODE)
        .env("MADANG_SOCKJS__SESSIONS_MAX", 3)
        .env("MADANG_SOCKJS__DISCONNECT_SECONDS", 60)
        .start();
    let open = |id: &str| {
        let session = Session::new(server.address(), "/ws", id);
        assert_eq!(session.poll("xhr").text(), "o\n", "{id}");
        session
    };
    let known = open("known");
    let connect = crate::shared::connect_frame("1.2", "");
    assert_eq!(known.send(&[&connect]).status, 204);
    assert!(known.poll("xhr").text().starts_with("a[\"CONNECTED"));
    let strangers: Vec<_> = (0..8).map(|n| open(&format!("stranger-{n}"))).collect();
    assert_eq!(known.send(&[]).status, 204);
    assert_eq!(strangers[0].send(&[]).status, 404);
    assert_eq!(strangers[7].send(&[]).status, 204);
}

#[test]
fn clients_that_come_by_requests_are_all_told_at_once_that_the_server_drains() {
    let mut server = TestServer::builder()
        .env("MADANG_SERVER__DRAIN_SECONDS", 120)
        .start();
    let streams = ["a", "b", "c", "d"].map(|id| {
        let session = Session::new(server.address(), "/ws", id);
        let mut stream = session.ask("xhr_streaming", "");
        stream.frame();
        assert_eq!(stream.frame(), "o\n");
        stream
    });
    server.terminate();
    let told = Instant::now();
    for mut stream in streams {
        let close = stream.frame();
        assert!(close.starts_with("c[1012,"), "{close}");
    }
    // Others are sent away over a minute.
    assert!(told.elapsed() < PATIENCE);
    assert!(server.wait_exit().success());
}

#[test]
fn a_server_that_drains_closes_its_sessions() {
    let mut server = TestServer::builder()
        .env("MADANG_SERVER__DRAIN_SECONDS", 1)
        .start();
    let session = Session::new(server.address(), "/ws", "a");
    let mut stream = session.ask("xhr_streaming", "");
    stream.frame();
    assert_eq!(stream.frame(), "o\n");
    server.terminate();
    let close = stream.frame();
    assert!(close.starts_with("c[1012,"), "{close}");
    assert_eq!(stream.chunk(), None, "the response ends in good order");
    assert!(server.wait_exit().success());
}
