//! Ten thousand inputs that are wrong: each is answered or closed in its door's own language, and
//! the server lives on as it was.

mod inputs;
mod judge;
mod odd;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use std::{fs, thread};

use madang_e2e::doors::pipe::{Pipe, Read};
use madang_e2e::doors::stream::Exchange;
use madang_e2e::doors::{Endpoint, list, registry, sockjs};
use madang_e2e::server::TestServer;
use madang_wire::websocket::{Opcode, handshake};

use super::fixture::{Room, listeners};
use crate::dice::{Dice, SEED, count, seed};
use inputs::Request;
use judge::{Heard, Judge, Verdict};

const COUNT: &str = "MADANG_E2E_BAD_INPUTS";
const COUNT_DEFAULT: usize = 10_000;
const THREADS: usize = 8;
/// How long an input may wait for its answer or its close: above what the server waits by itself, 10 s
/// for CONNECT and 30 s for a body.
const DEADLINE: Duration = Duration::from_secs(45);
/// By how much the server may grow: what it keeps of all those who were wrong.
const GROWTH_KIB_MAX: usize = 96 << 10;
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

/// Whose token and room the inputs are about.
struct Victim {
    token: String,
    room: String,
}

/// A way in, and what is said there.
struct Group {
    name: &'static str,
    tls: bool,
    attack: Attack,
}

const GROUPS: &[Group] = &[
    group("STOMP over WebSocket", |dice, victim, endpoint, judge| {
        let octets = inputs::stomp(dice, victim);
        let opcode = if dice.once_in(2) {
            Opcode::Text
        } else {
            Opcode::Binary
        };
        let heard = on_websocket(endpoint, "/ws", "", &inputs::message(opcode, &octets))?;
        judge.stomp_on_websocket(&heard)
    }),
    group("WebSocket frames", |dice, _, endpoint, judge| {
        let heard = on_websocket(endpoint, "/ws", "", &inputs::websocket(dice))?;
        judge.stomp_on_websocket(&heard)
    }),
    group("REST", |dice, victim, endpoint, judge| {
        judge.http(&on_http(endpoint, &inputs::rest(dice, victim))?)
    }),
    group("STOMP over TCP", |dice, victim, endpoint, judge| {
        let octets = inputs::stomp(dice, victim);
        judge.stomp(&to_the_end(endpoint.open_tcp(), &octets)?)
    }),
    group("STOMP over SockJS", |dice, victim, endpoint, judge| {
        let octets = inputs::stomp(dice, victim);
        let mut payload = serde_json::to_vec(&[String::from_utf8_lossy(&octets)]).unwrap();
        if dice.once_in(3) {
            odd::spoil(dice, &mut payload);
        }
        let path = sockjs::fresh_session() + "/websocket";
        let heard = on_websocket(
            endpoint,
            &path,
            "",
            &inputs::message(Opcode::Text, &payload),
        )?;
        judge.stomp_in_sockjs(&heard)
    }),
    group("SockJS requests", |dice, victim, endpoint, judge| {
        judge.http(&on_http(endpoint, &inputs::sockjs(dice, victim))?)
    }),
    group("JSON over WebSocket", |dice, victim, endpoint, judge| {
        let payload = inputs::json_command(dice, victim);
        let opcode = if dice.once_in(20) {
            Opcode::Binary
        } else {
            Opcode::Text
        };
        let token = format!("Bearer {}", victim.token);
        let token = if dice.once_in(4) { "" } else { &token };
        let heard = on_websocket(
            endpoint,
            "/ws/v1",
            token,
            &inputs::message(opcode, &payload),
        )?;
        judge.json(&heard)
    }),
    group("JSON door, WebSocket frames", |dice, _, endpoint, judge| {
        judge.json(&on_websocket(
            endpoint,
            "/ws/v1",
            "",
            &inputs::websocket(dice),
        )?)
    }),
    group("SSE", |dice, victim, endpoint, judge| {
        judge.http(&on_http(endpoint, &inputs::sse(dice, victim))?)
    }),
    Group {
        tls: true,
        ..group("TLS records", |dice, _, endpoint, _| {
            let mut hello = b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03".to_vec();
            hello.extend((0..dice.below(200)).map(|_| dice.byte()));
            odd::spoil(dice, &mut hello);
            let plain = Pipe::open(endpoint.http, None).map_err(|error| error.to_string())?;
            to_the_end(plain, &hello).map(|alert| !alert.is_empty())
        })
    },
];

type Attack = fn(&mut Dice, &Victim, &Endpoint, &Judge) -> Verdict;

const fn group(name: &'static str, attack: Attack) -> Group {
    Group {
        name,
        tls: false,
        attack,
    }
}

/// Says it, then that nothing more will be said: the server has to come to an end by itself.
fn to_the_end(mut pipe: Pipe, bytes: &[u8]) -> Result<Vec<u8>, String> {
    // The server may have closed before it heard all.
    let _ = pipe.write(bytes);
    pipe.finish_sending();
    match pipe.read_to_end_within(DEADLINE) {
        (answer, true) => Ok(answer),
        (answer, false) => Err(format!(
            "no end after {:?}",
            String::from_utf8_lossy(&answer)
        )),
    }
}

fn on_websocket(
    endpoint: &Endpoint,
    path: &str,
    authorization: &str,
    frames: &[u8],
) -> Result<Heard, String> {
    let mut request = Vec::new();
    let headers = [("Authorization", authorization)];
    let headers = if authorization.is_empty() {
        &headers[..0]
    } else {
        &headers[..]
    };
    handshake::encode_request("x", path, KEY, &[], headers, &mut request);
    let exchange = Exchange::start(endpoint.open(), &request);
    if exchange.head.status != 101 {
        return Err(format!("no upgrade: {:?}", exchange.head));
    }
    let (pipe, mut answer) = exchange.into_pipe();
    answer.extend(to_the_end(pipe, frames)?);
    Judge::websocket(answer)
}

fn on_http(endpoint: &Endpoint, request: &Request) -> Result<Vec<u8>, String> {
    let mut pipe = endpoint.open();
    if !request.whole {
        let _ = pipe.write(&request.bytes);
        let answer = match pipe.read_within(Duration::from_millis(30)) {
            Read::Bytes(bytes) => bytes,
            Read::Nothing | Read::End => Vec::new(),
        };
        // A stream that was asked for by chance is an answer, and need not end.
        if answer.starts_with(b"HTTP/1.1 200") {
            return Ok(Vec::new());
        }
        // A server that waits for the rest is told that there is none.
        return Ok([answer, to_the_end(pipe, b"")?].concat());
    }
    let _ = pipe.write(&request.bytes);
    match pipe.read_to_end_within(DEADLINE) {
        (answer, true) if answer.is_empty() => Err("a whole request was not answered".to_owned()),
        (answer, true) => Ok(answer),
        (_, false) => Err("no end".to_owned()),
    }
}

/// Resident memory.
pub(super) fn rss_kib(server: &TestServer) -> usize {
    let status = fs::read_to_string(format!("/proc/{}/status", server.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.unwrap()
        .trim()
        .trim_end_matches(" kB")
        .parse()
        .unwrap()
}

/// Runs a share of every group of one server, and answers how many inputs that were.
fn attack(seed: u64, share: usize, tls: bool) -> usize {
    let server = listeners(TestServer::builder(), tls).start();
    let endpoint = server.endpoint();
    let door = list::named(if tls {
        "stomp_over_websocket_tls"
    } else {
        "stomp_over_websocket"
    });
    let room = Room::open(door, &server);
    let victim = Victim {
        token: room.token.clone(),
        room: room.id.clone(),
    };
    let judge = Judge {
        codes: registry::codes(&endpoint),
    };
    let groups = GROUPS.iter().enumerate();
    let groups: Vec<_> = groups.filter(|(_, group)| group.tls == tls).collect();
    let before = rss_kib(&server);
    for (index, group) in &groups {
        let begun = Instant::now();
        let next = AtomicUsize::new(0);
        let told = AtomicUsize::new(0);
        thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| {
                    loop {
                        let number = next.fetch_add(1, Ordering::Relaxed);
                        if number >= share {
                            break;
                        }
                        let mut dice = Dice::new(seed, *index, number);
                        match (group.attack)(&mut dice, &victim, &endpoint, &judge) {
                            Ok(with_code) => {
                                told.fetch_add(usize::from(with_code), Ordering::Relaxed)
                            }
                            Err(fault) => panic!("{} {number}, {SEED}={seed}: {fault}", group.name),
                        };
                    }
                });
            }
        });
        assert_unharmed(&server, &endpoint);
        let told = told.into_inner();
        println!(
            "{}: {share} inputs in {:.1?}, {told} told what was wrong, the others taken or cut off",
            group.name,
            begun.elapsed()
        );
        assert!(told > share / 50, "wrong input is told so");
    }
    let growth = rss_kib(&server).saturating_sub(before);
    println!("the server's memory grew by {growth} KiB from {before} KiB");
    assert!(growth < GROWTH_KIB_MAX, "it grew by {growth} KiB");
    groups.len() * share
}

fn assert_unharmed(server: &TestServer, endpoint: &Endpoint) {
    assert_eq!(endpoint.rest("GET", "/healthz", None, "").status, 200);
    let log = server.log_lines();
    let panicked = log.iter().find(|line| line.contains("panicked"));
    assert_eq!(panicked, None, "no input panics the server");
}

#[test]
fn ten_thousand_wrong_inputs_are_answered_and_harm_nothing() {
    let seed = seed();
    let wanted = count(COUNT, COUNT_DEFAULT);
    let share = wanted.div_ceil(GROUPS.len());
    let mut done = attack(seed, share, false);
    if GROUPS.iter().any(|group| group.tls) {
        done += attack(seed, share, true);
    }
    println!("{done} inputs in all");
    assert!(done >= wanted);
}
