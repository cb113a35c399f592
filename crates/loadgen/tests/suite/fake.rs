//! A tiny STOMP server over WebSocket: rooms with a log, and on demand faults
//! that a load generator has to notice.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use madang_wire::stomp::{self, Command, Frame, Item, Peer, Version, message};
use madang_wire::websocket::{self, Event, Kind, Limits, Role, handshake};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

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
}

pub(crate) struct Fake {
    pub(crate) address: SocketAddr,
}

#[derive(Default)]
struct Room {
    log: Vec<Vec<u8>>,
    subscribers: Vec<(u64, String, Outgoing)>,
    held: Option<Vec<u8>>,
}

#[derive(Default)]
struct Shared {
    rooms: HashMap<String, Room>,
    connections: u64,
    receipts: u64,
}

type Outgoing = UnboundedSender<Vec<u8>>;

impl Fake {
    pub(crate) fn start(fault: Fault) -> Fake {
        // Bound here, so that nobody has to wait for the thread to be there.
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Mutex::new(Shared::default()));
        let accepting = async move {
            let listener = TcpListener::from_std(listener).unwrap();
            while let Ok((stream, _)) = listener.accept().await {
                let shared = Arc::clone(&shared);
                tokio::spawn(async move {
                    let _ = serve(stream, shared, fault).await;
                });
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
        Fake { address }
    }

    pub(crate) fn url(&self) -> String {
        format!("ws://{}/ws", self.address)
    }
}

async fn serve(
    mut stream: TcpStream,
    shared: Arc<Mutex<Shared>>,
    fault: Fault,
) -> std::io::Result<()> {
    if !open(&mut stream).await? {
        return Ok(());
    }
    let (mut reader, mut writer) = stream.into_split();
    let (outgoing, mut queue) = unbounded_channel::<Vec<u8>>();
    tokio::spawn(async move {
        let mut batch = Vec::new();
        while queue.recv_many(&mut batch, 64).await > 0 {
            if writer.write_all(&batch.concat()).await.is_err() {
                return;
            }
            batch.clear();
        }
    });
    let id = {
        let mut shared = shared.lock().unwrap();
        shared.connections += 1;
        shared.connections
    };
    let mut websocket = websocket::Decoder::new(Role::Server, Limits::default());
    let mut decoder = stomp::Decoder::new(Peer::Client, stomp::Limits::default());
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let len = reader.read(&mut buffer).await?;
        if len == 0 {
            break;
        }
        let mut input = &mut buffer[..len];
        while let Some(event) = websocket.decode(&mut input).unwrap() {
            match event {
                Event::Message { payload, .. } => {
                    let mut payload = payload;
                    while let Some(item) = decoder.decode(&mut payload).unwrap() {
                        if let Item::Frame(frame) = item {
                            if frame.command == Command::Connect {
                                decoder.set_version(Version::V1_2);
                            }
                            handle(&frame, id, &outgoing, &mut shared.lock().unwrap(), fault);
                        }
                    }
                }
                Event::Close { .. } => {
                    let mut out = Vec::new();
                    websocket::encode_close(websocket::CloseCode::NORMAL, "bye", &mut out);
                    let _ = outgoing.send(out);
                }
                Event::Ping(_) | Event::Pong(_) => {}
            }
        }
    }
    for room in shared.lock().unwrap().rooms.values_mut() {
        room.subscribers.retain(|(owner, ..)| *owner != id);
    }
    Ok(())
}

/// Answers the handshake; whether the connection is open now.
async fn open(stream: &mut TcpStream) -> std::io::Result<bool> {
    stream.set_nodelay(true)?;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_buf(&mut head).await?;
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    if head.starts_with("GET /refused") {
        let refusal = "HTTP/1.1 403 Forbidden\r\nContent-Length: 4\r\nX-Why: no\r\n\r\nno!\n";
        stream.write_all(refusal.as_bytes()).await?;
        return Ok(false);
    }
    let key = head
        .lines()
        .find_map(|line| line.strip_prefix("Sec-WebSocket-Key: "))
        .unwrap();
    let accept = handshake::accept_key(key).unwrap();
    let response = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Protocol: v12.stomp\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
    );
    stream.write_all(response.as_bytes()).await?;
    Ok(true)
}

fn handle(frame: &Frame, id: u64, outgoing: &Outgoing, shared: &mut Shared, fault: Fault) {
    let name = frame.get("destination").unwrap_or_default().to_owned();
    match frame.command {
        Command::Connect if fault == Fault::Refuse => {
            let error = Frame::new(Command::Error).with("message", "bad token");
            let _ = outgoing.send(encode(&error));
            return;
        }
        Command::Connect => {
            let connected = Frame::new(Command::Connected)
                .with("version", "1.2")
                .with("heart-beat", "0,100");
            let _ = outgoing.send(encode(&connected));
        }
        Command::Subscribe => {
            let room = shared.rooms.entry(name).or_default();
            let subscription = frame.get("id").unwrap().to_owned();
            let since = frame.get("since").map(|since| since[3..].parse().unwrap());
            let missed = since.map_or(room.log.len(), |since: usize| since + 1);
            for tail in &room.log[missed..] {
                let _ = outgoing.send(delivery(&subscription, tail));
            }
            room.subscribers.push((id, subscription, outgoing.clone()));
        }
        Command::Unsubscribe => {
            for room in shared.rooms.values_mut() {
                room.subscribers.retain(|(owner, ..)| *owner != id);
            }
        }
        Command::Send => publish(
            shared.rooms.entry(name.clone()).or_default(),
            &name,
            frame,
            fault,
        ),
        _ => {}
    }
    if let Some(receipt) = frame.get("receipt") {
        shared.receipts += 1;
        if fault != Fault::Receipts || !shared.receipts.is_multiple_of(50) {
            let receipt = Frame::new(Command::Receipt).with("receipt-id", receipt);
            let _ = outgoing.send(encode(&receipt));
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
            let _ = outgoing.send(delivery(subscription, &tail));
        }
        if at == last
            && !special
            && let Some(held) = room.held.take()
        {
            let _ = outgoing.send(delivery(subscription, &held));
        }
    }
}

fn delivery(subscription: &str, tail: &[u8]) -> Vec<u8> {
    let mut payload = Vec::new();
    message::encode_head(Version::V1_2, Some(subscription), None, &mut payload);
    payload.extend_from_slice(tail);
    text(&payload)
}

fn encode(frame: &Frame) -> Vec<u8> {
    let mut payload = Vec::new();
    frame.encode(Version::V1_2, &mut payload);
    text(&payload)
}

fn text(payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    websocket::encode_message(Kind::Text, payload, &mut out);
    out
}
