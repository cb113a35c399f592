//! A tiny chat server with every door that can be measured: rooms with a log,
//! and on demand faults that a load generator has to notice.

mod doors;
mod outlet;
pub(crate) mod rest;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use doors::SockJs;
use madang_wire::stomp::{Command, Frame, Version, message};
use outlet::{Door, Outlet};
use rest::Rest;
use tokio::net::TcpListener;

/// What the server does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    None,
    /// Every 50th message does not reach the last subscriber.
    Drop,
    /// Every 50th message reaches the last subscriber twice.
    Repeat,
    /// Every 50th message reaches the last subscriber behind the next one.
    Reorder,
    /// Every 50th receipt is not sent.
    Receipts,
    /// CONNECT is answered with ERROR.
    Refuse,
    /// Every 10th request of a person over REST, other than for their rooms, is
    /// answered with 503.
    Busy,
}

pub(crate) struct Fake {
    pub(crate) address: SocketAddr,
    /// Where STOMP is spoken without HTTP.
    pub(crate) tcp_address: SocketAddr,
}

#[derive(Default)]
struct Room {
    log: Vec<Vec<u8>>,
    subscribers: Vec<(u64, String, Outlet)>,
    held: Option<Vec<u8>>,
}

#[derive(Default)]
struct Shared {
    rooms: HashMap<String, Room>,
    connections: u64,
    receipts: u64,
    requests: u64,
    rest: Rest,
}

struct Server {
    shared: Mutex<Shared>,
    sockjs: Mutex<HashMap<String, Arc<SockJs>>>,
    fault: Fault,
}

impl Fake {
    pub(crate) fn start(fault: Fault) -> Fake {
        // Bound here, so that nobody has to wait for the thread to be there.
        let (http, address) = listener();
        let (tcp, tcp_address) = listener();
        let server = Arc::new(Server {
            shared: Mutex::default(),
            sockjs: Mutex::default(),
            fault,
        });
        let accepting = async move {
            let (http, tcp) = (
                TcpListener::from_std(http).unwrap(),
                TcpListener::from_std(tcp).unwrap(),
            );
            loop {
                let server = Arc::clone(&server);
                tokio::select! {
                    Ok((stream, _)) = http.accept() => {
                        tokio::spawn(async move { drop(doors::http(stream, server).await) });
                    }
                    Ok((stream, _)) = tcp.accept() => {
                        tokio::spawn(async move { drop(doors::tcp(stream, server).await) });
                    }
                }
            }
        };
        // A thread of its own, since tests have a runtime on theirs.
        std::thread::spawn(|| {
            tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap()
                .block_on(accepting);
        });
        Fake {
            address,
            tcp_address,
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("ws://{}/ws", self.address)
    }
}

fn listener() -> (std::net::TcpListener, SocketAddr) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

impl Server {
    fn next_id(&self) -> u64 {
        let mut shared = self.shared.lock().unwrap();
        shared.connections += 1;
        shared.connections
    }

    fn sockjs(&self, session: &str) -> Arc<SockJs> {
        Arc::clone(&self.sockjs.lock().unwrap()[session])
    }

    fn sockjs_or_new(self: &Arc<Self>, session: &str, door: Door) -> Arc<SockJs> {
        let mut sessions = self.sockjs.lock().unwrap();
        let new = || Arc::new(SockJs::new(self, door));
        Arc::clone(sessions.entry(session.to_owned()).or_insert_with(new))
    }

    /// Answers a REST call.
    fn rest(&self, head: &str, body: &[u8]) -> Vec<u8> {
        let shared = &mut *self.shared.lock().unwrap();
        let is_setting_up = head.contains(rest::API_KEY) || head.contains(" /api/v1/rooms?");
        shared.requests += u64::from(!is_setting_up);
        if self.fault == Fault::Busy && !is_setting_up && shared.requests.is_multiple_of(10) {
            return rest::encode(&(503, "busy".into()));
        }
        let answer = shared.rest.answer(head, body);
        let mut words = head.split([' ', '/', '?']);
        // POST /api/v1/rooms/{id}/messages
        if answer.0 == 201 && words.any(|word| word == "messages") {
            let room = head.split('/').nth(4).unwrap();
            let name = format!("/rooms/{room}");
            let frame = Frame::new(Command::Send).with_body(body);
            let room = shared.rooms.entry(name.clone()).or_default();
            publish(room, &name, &frame, self.fault);
        }
        rest::encode(&answer)
    }

    /// Takes a command of the JSON door. A read mark is told to everybody, one by one.
    fn command(&self, payload: &[u8], outlet: &Outlet) {
        let command: serde_json::Value = serde_json::from_slice(payload).unwrap();
        assert_eq!(command["type"], "read");
        let name = format!("/rooms/{}", command["room"].as_str().unwrap());
        outlet.object("ack", r#"{"type":"ack","id":"r"}"#);
        for (.., outlet) in &self.shared.lock().unwrap().rooms[&name].subscribers {
            outlet.object("read", r#"{"type":"read"}"#);
        }
    }

    /// Puts a session of the JSON doors into all rooms.
    fn join(&self, id: u64, outlet: Outlet) {
        outlet.object("hello", r#"{"type":"hello","user":"u","rooms":[]}"#);
        for room in self.shared.lock().unwrap().rooms.values_mut() {
            room.subscribers.push((id, String::new(), outlet.clone()));
        }
    }

    fn leave(&self, id: u64) {
        for room in self.shared.lock().unwrap().rooms.values_mut() {
            room.subscribers.retain(|(owner, ..)| *owner != id);
        }
    }

    fn handle(&self, frame: &Frame, id: u64, outlet: &Outlet) {
        handle(
            frame,
            id,
            outlet,
            &mut self.shared.lock().unwrap(),
            self.fault,
        );
    }
}

fn handle(frame: &Frame, id: u64, outgoing: &Outlet, shared: &mut Shared, fault: Fault) {
    let name = frame.get("destination").unwrap_or_default().to_owned();
    match frame.command {
        Command::Connect if fault == Fault::Refuse => {
            let error = Frame::new(Command::Error).with("message", "bad token");
            outgoing.frame(&error);
            return;
        }
        Command::Connect => {
            let connected = Frame::new(Command::Connected)
                .with("version", "1.2")
                .with("heart-beat", "0,100");
            outgoing.frame(&connected);
        }
        Command::Subscribe => {
            let room = shared.rooms.entry(name).or_default();
            let subscription = frame.get("id").unwrap().to_owned();
            let since = frame.get("since").map(|since| since[3..].parse().unwrap());
            let missed = since.map_or(room.log.len(), |since: usize| since + 1);
            for tail in &room.log[missed..] {
                outgoing.stomp(&delivery(&subscription, tail));
            }
            room.subscribers.push((id, subscription, outgoing.clone()));
        }
        Command::Unsubscribe => {
            for room in shared.rooms.values_mut() {
                room.subscribers.retain(|(owner, ..)| *owner != id);
            }
        }
        Command::Send => {
            shared.rest.sent(&name, &frame.body);
            let room = shared.rooms.entry(name.clone()).or_default();
            publish(room, &name, frame, fault);
        }
        Command::Disconnect => outgoing.end(),
        _ => {}
    }
    if let Some(receipt) = frame.get("receipt") {
        shared.receipts += 1;
        if fault != Fault::Receipts || !shared.receipts.is_multiple_of(50) {
            let receipt = Frame::new(Command::Receipt).with("receipt-id", receipt);
            outgoing.frame(&receipt);
        }
    }
}

fn publish(room: &mut Room, name: &str, frame: &Frame, fault: Fault) {
    let position = format!("e1:{}", room.log.len());
    let headers = [
        ("destination", name),
        ("message-id", "1"),
        ("position", &position),
    ];
    let mut tail = Vec::new();
    message::encode_tail(Version::V1_2, headers, &frame.body, &mut tail);
    room.log.push(tail.clone());
    let special = room.log.len() % 50 == 25;
    // The last to connect; SUBSCRIBEs may come in another order.
    let ids = room.subscribers.iter().map(|(id, ..)| *id).enumerate();
    let last = ids.max_by_key(|(_, id)| *id).map_or(0, |(at, _)| at);
    for (at, (_, subscription, outgoing)) in room.subscribers.iter().enumerate() {
        let fault = if at == last { fault } else { Fault::None };
        let copies = match (fault, special) {
            (Fault::Drop, true) => 0,
            (Fault::Repeat, true) => 2,
            (Fault::Reorder, true) => {
                room.held = Some(tail.clone());
                0
            }
            _ => 1,
        };
        for _ in 0..copies {
            outgoing.stomp(&delivery(subscription, &tail));
        }
        if at == last
            && !special
            && let Some(held) = room.held.take()
        {
            outgoing.stomp(&delivery(subscription, &held));
        }
    }
}

fn delivery(subscription: &str, tail: &[u8]) -> Vec<u8> {
    let mut payload = Vec::new();
    message::encode_head(Version::V1_2, Some(subscription), None, &mut payload);
    payload.extend_from_slice(tail);
    payload
}
