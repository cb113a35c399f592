//! The ways in: bytes to STOMP frames, and what is queued to bytes.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use madang_wire::stomp::{self, Command, Item, Peer, Version};
use madang_wire::websocket::{self, Event, Limits, Role, handshake};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::Server;
use super::outlet::{Door, Outlet};

/// A streamed response of SockJS ends behind so many bytes.
const RESPONSE_BYTES_MAX: usize = 4096;

/// A STOMP session without HTTP.
pub(super) async fn tcp(stream: TcpStream, server: Arc<Server>) -> std::io::Result<()> {
    let (mut reader, writer) = stream.into_split();
    let (outlet, queue) = outlet(Door::Tcp);
    tokio::spawn(write(writer, queue));
    let mut input = Input::new(&server, outlet);
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let len = reader.read(&mut buffer).await?;
        if len == 0 {
            return Ok(());
        }
        input.stomp(&buffer[..len]);
    }
}

/// Requests, until one becomes a WebSocket.
pub(super) async fn http(mut stream: TcpStream, server: Arc<Server>) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    while let Some((head, body)) = request(&mut stream).await? {
        let path = head.split(' ').nth(1).unwrap().to_owned();
        if path.starts_with("/api/v1/") && path != "/api/v1/events" {
            stream.write_all(&server.rest(&head, &body)).await?;
            continue;
        }
        let session = path.split('/').nth(3).unwrap_or_default().to_owned();
        let door = match path.rsplit('/').next().unwrap() {
            "refused" => {
                let refusal =
                    "HTTP/1.1 403 Forbidden\r\nContent-Length: 4\r\nX-Why: no\r\n\r\nno!\n";
                return stream.write_all(refusal.as_bytes()).await;
            }
            "xhr_send" => {
                server.sockjs(&session).input.lock().unwrap().array(&body);
                stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await?;
                continue;
            }
            "xhr_streaming" => Door::XhrStreaming,
            "eventsource" => Door::EventSource,
            "events" => Door::Sse,
            "v1" => Door::Json,
            "websocket" => Door::SockJsWebSocket,
            _ => Door::WebSocket,
        };
        match door {
            Door::XhrStreaming | Door::EventSource => {
                let session = server.sockjs_or_new(&session, door);
                if !session.stream(&mut stream).await? {
                    return Ok(());
                }
            }
            Door::Sse => {
                let (outlet, mut queue) = outlet(door);
                server.join(server.next_id(), outlet);
                begin(&mut stream, "", b"retry: 3000\n\n: hello\n\n").await?;
                while let Some(piece) = queue.recv().await {
                    chunk(&mut stream, &piece).await?;
                }
            }
            _ => {
                upgrade(&mut stream, &head).await?;
                return websocket(stream, server, door).await;
            }
        }
    }
    Ok(())
}

async fn websocket(stream: TcpStream, server: Arc<Server>, door: Door) -> std::io::Result<()> {
    let (mut reader, writer) = stream.into_split();
    let (outlet, queue) = outlet(door);
    tokio::spawn(write(writer, queue));
    let mut decoder = websocket::Decoder::new(Role::Server, Limits::default());
    let mut session = Input::new(&server, outlet.clone());
    match door {
        Door::Json => server.join(session.id, outlet.clone()),
        Door::SockJsWebSocket => outlet.sockjs(b"o"),
        _ => {}
    }
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let len = reader.read(&mut buffer).await?;
        if len == 0 {
            return Ok(());
        }
        let mut input = &mut buffer[..len];
        while let Some(event) = decoder.decode(&mut input).unwrap() {
            match event {
                Event::Message { payload, .. } if door == Door::SockJsWebSocket => {
                    session.array(payload);
                }
                Event::Message { payload, .. } if door == Door::Json => {
                    server.command(payload, &outlet);
                }
                Event::Message { payload, .. } => session.stomp(payload),
                Event::Close { .. } => outlet.end(),
                Event::Ping(_) | Event::Pong(_) => {}
            }
        }
    }
}

/// A session's frames; its subscriptions end with it.
pub(super) struct Input {
    server: Arc<Server>,
    id: u64,
    outlet: Outlet,
    decoder: stomp::Decoder,
}

impl Input {
    fn new(server: &Arc<Server>, outlet: Outlet) -> Input {
        Input {
            server: Arc::clone(server),
            id: server.next_id(),
            outlet,
            decoder: stomp::Decoder::new(Peer::Client, stomp::Limits::default()),
        }
    }

    fn array(&mut self, array: &[u8]) {
        let frames: Vec<String> = serde_json::from_slice(array).unwrap();
        for frame in frames {
            self.stomp(frame.as_bytes());
        }
    }

    fn stomp(&mut self, mut bytes: &[u8]) {
        while let Some(item) = self.decoder.decode(&mut bytes).unwrap() {
            if let Item::Frame(frame) = item {
                if frame.command == Command::Connect {
                    self.decoder.set_version(Version::V1_2);
                }
                self.server.handle(&frame, self.id, &self.outlet);
            }
        }
    }
}

impl Drop for Input {
    fn drop(&mut self) {
        self.server.leave(self.id);
    }
}

/// A SockJS session whose requests share nothing but this.
pub(super) struct SockJs {
    input: Mutex<Input>,
    queue: tokio::sync::Mutex<UnboundedReceiver<Vec<u8>>>,
    responses: AtomicU64,
}

impl SockJs {
    pub(super) fn new(server: &Arc<Server>, door: Door) -> SockJs {
        let (outlet, queue) = outlet(door);
        outlet.sockjs(b"o");
        SockJs {
            input: Mutex::new(Input::new(server, outlet)),
            queue: tokio::sync::Mutex::new(queue),
            responses: AtomicU64::new(0),
        }
    }

    /// One response; whether its socket stays, which is every second one's.
    async fn stream(&self, stream: &mut TcpStream) -> std::io::Result<bool> {
        let responses = self.responses.fetch_add(1, Ordering::Relaxed);
        let socket_stays = !responses.is_multiple_of(2);
        let header = match socket_stays {
            true => "",
            false => "Connection: close\r\n",
        };
        let prelude = [&[b'h'; 2048][..], b"\n"].concat();
        begin(stream, header, &prelude).await?;
        let mut queue = self.queue.lock().await;
        let mut sent = 0;
        while sent < RESPONSE_BYTES_MAX
            && let Some(piece) = queue.recv().await
            && !piece.is_empty()
        {
            chunk(stream, &piece).await?;
            sent += piece.len();
        }
        stream.write_all(b"0\r\n\r\n").await?;
        Ok(socket_stays)
    }
}

fn outlet(door: Door) -> (Outlet, UnboundedReceiver<Vec<u8>>) {
    let (sender, queue) = unbounded_channel();
    let outlet = Outlet {
        door,
        queue: sender,
    };
    (outlet, queue)
}

/// Writes what is queued until the session ends.
async fn write(mut writer: impl AsyncWrite + Unpin, mut queue: UnboundedReceiver<Vec<u8>>) {
    let mut batch = Vec::new();
    while queue.recv_many(&mut batch, 64).await > 0 {
        let is_end = batch.iter().any(Vec::is_empty);
        if writer.write_all(&batch.concat()).await.is_err() || is_end {
            break;
        }
        batch.clear();
    }
    let _ = writer.shutdown().await;
}

/// The head and the body of the next request; `None`: there is no more.
async fn request(
    stream: &mut (impl AsyncRead + Unpin),
) -> std::io::Result<Option<(String, Vec<u8>)>> {
    let mut input = Vec::new();
    let end = loop {
        if let Some(at) = memchr::memmem::find(&input, b"\r\n\r\n") {
            break at + 4;
        }
        if stream.read_buf(&mut input).await? == 0 {
            return Ok(None);
        }
    };
    let mut body = input.split_off(end);
    let head = String::from_utf8(input).unwrap();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("Content-Length: "))
        .map_or(0, |length| length.parse().unwrap());
    while body.len() < length {
        stream.read_buf(&mut body).await?;
    }
    Ok(Some((head, body)))
}

/// Answers the handshake.
async fn upgrade(stream: &mut TcpStream, head: &str) -> std::io::Result<()> {
    let key = head
        .lines()
        .find_map(|line| line.strip_prefix("Sec-WebSocket-Key: "))
        .unwrap();
    let accept = handshake::accept_key(key).unwrap();
    let subprotocol = match head.contains("v12.stomp") {
        true => "Sec-WebSocket-Protocol: v12.stomp\r\n",
        false => "",
    };
    let response = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         {subprotocol}Sec-WebSocket-Accept: {accept}\r\n\r\n"
    );
    stream.write_all(response.as_bytes()).await
}

/// Begins a response that goes on.
async fn begin(stream: &mut TcpStream, header: &str, first: &[u8]) -> std::io::Result<()> {
    let head = format!("HTTP/1.1 200 OK\r\n{header}Transfer-Encoding: chunked\r\n\r\n");
    stream.write_all(head.as_bytes()).await?;
    chunk(stream, first).await
}

async fn chunk(stream: &mut TcpStream, piece: &[u8]) -> std::io::Result<()> {
    let head = format!("{:x}\r\n", piece.len());
    let whole = [head.as_bytes(), piece, b"\r\n"].concat();
    stream.write_all(&whole).await
}
