//! H: heart-beats. Time is told by a neighbour whom the same server sends beats, so that a busy
//! machine slows the clock and the clocked alike.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use madang_e2e::server::TestServer;
use madang_e2e::stomp::{Arrival, Stomp};

use super::{SINCE_1_1, VERSIONS};
use crate::shared::{self, LOGIN, PASSCODE, fresh_topic, send_frame, session_with, subscribe};

/// What the server under test can send at least, and wants.
const SEND_MS: u64 = 500;
const WANT_MS: u64 = 1000;

fn server() -> &'static TestServer {
    static SERVER: OnceLock<TestServer> = OnceLock::new();
    SERVER.get_or_init(|| {
        TestServer::builder()
            .env("MADANG_STOMP__HEART_BEAT_SEND_MS", SEND_MS)
            .env("MADANG_STOMP__HEART_BEAT_WANT_MS", WANT_MS)
            .account(LOGIN, PASSCODE)
            .start()
    })
}

fn beating(version: &str, heart_beat: &str) -> Stomp {
    session_with(server(), version, &format!("heart-beat:{heart_beat}\n"))
}

/// A neighbour who gets a beat every `SEND_MS`.
struct Clock(Stomp);

impl Clock {
    fn new() -> Self {
        Self(beating("1.2", &format!("0,{SEND_MS}")))
    }

    fn tick(&mut self) {
        assert_eq!(self.0.arrival(), Arrival::Beat);
    }
}

#[test]
fn h1_a_heart_beat_header_is_two_whole_numbers() {
    for version in SINCE_1_1 {
        let mut peer = Stomp::open(server().address());
        peer.send(shared::connect_frame(version, "heart-beat:0,0\n"));
        if let Some(heart_beat) = peer.expect("CONNECTED").get("heart-beat") {
            let (sends, wants) = heart_beat.split_once(',').expect("two numbers");
            assert!(sends.parse::<u64>().is_ok() && wants.parse::<u64>().is_ok());
        }
    }
}

#[test]
fn h2_beats_that_are_due_are_sent() {
    for version in SINCE_1_1 {
        let mut peer = beating(version, "0,1000");
        assert_eq!(
            [peer.arrival(), peer.arrival()],
            [Arrival::Beat, Arrival::Beat]
        );
    }
}

#[test]
fn h3_a_peer_that_is_silent_beyond_its_promise_is_closed_and_not_before() {
    for version in SINCE_1_1 {
        let begin = Instant::now();
        let mut peer = beating(version, "1000,0");
        let error = peer.error_then_close();
        assert_eq!(error.need("code"), "HEART_BEAT_MISSED");
        assert!(
            begin.elapsed() >= Duration::from_millis(1000),
            "closed too early"
        );
    }
}

#[test]
fn h4_eols_keep_a_client_alive() {
    for eol in ["\n", "\r\n"] {
        let mut clock = Clock::new();
        let mut peer = beating("1.2", "1000,0");
        for _ in 0..8 {
            clock.tick();
            peer.send(eol);
        }
        subscribe(&mut peer, &fresh_topic());
    }
}

#[test]
fn h5_a_missing_header_means_no_beats_either_way() {
    for version in VERSIONS {
        let mut peer = session_with(server(), version, "");
        let mut clock = Clock::new();
        for _ in 0..8 {
            clock.tick();
        }
        subscribe(&mut peer, &fresh_topic());
        assert_eq!(peer.beats, 0);
    }
}

#[test]
fn h6_a_malformed_heart_beat_is_an_error_and_the_close() {
    for version in SINCE_1_1 {
        for malformed in ["a,b", "5", "-1,0", "1,2,3", ""] {
            let mut peer = Stomp::open(server().address());
            peer.send(shared::connect_frame(
                version,
                &format!("heart-beat:{malformed}\n"),
            ));
            peer.error_then_close();
        }
    }
}

#[test]
fn h7_any_data_keeps_a_client_alive() {
    for version in SINCE_1_1 {
        let mut clock = Clock::new();
        let mut peer = beating(version, "1000,0");
        let topic = fresh_topic();
        subscribe(&mut peer, &topic);
        for i in 0..8 {
            clock.tick();
            peer.send(send_frame(&topic, "", &i.to_string()));
            assert_eq!(peer.message().text(), i.to_string());
        }
    }
}
