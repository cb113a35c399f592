use std::cell::RefCell;
use std::collections::VecDeque;
use std::io;
use std::time::Duration;

use madang_wire::stomp::{self, Command, Frame, HeartBeat, Item, Peer, Version};
use madang_wire::websocket::{self, CloseCode, Event, Kind, Opcode, Role};
use socket2::SockRef;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};

use super::error::ClientError;
use super::handshake;
use super::options::ConnectOptions;
use crate::url::Url;

thread_local! {
    /// One for all clients of a thread: it is only used between a readiness
    /// and the decoding of what was read.
    static READ_BUFFER: RefCell<Vec<u8>> = RefCell::new(vec![0; 64 * 1024]);
}

/// What the server sent, as WebSocket sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WsEvent {
    /// A whole text message.
    Text(Vec<u8>),
    /// A whole binary message.
    Binary(Vec<u8>),
    /// A ping; answered already if [`ConnectOptions::auto_pong`] says so.
    Ping(Vec<u8>),
    /// A pong.
    Pong(Vec<u8>),
    /// The server's Close frame; nothing but the end of the socket follows.
    Close {
        /// The code, if there was one.
        code: Option<u16>,
        /// Empty if there was none.
        reason: String,
    },
}

/// One connection to a server. Dropping it closes the socket without a
/// DISCONNECT or Close.
///
/// Reading is cancel safe, writing is not: a dropped write may have sent half
/// a frame.
#[derive(Debug)]
pub struct Client {
    pub(super) stream: TcpStream,
    websocket: websocket::Decoder,
    stomp: stomp::Decoder,
    events: VecDeque<WsEvent>,
    /// Frames that were read but not asked for yet.
    pub(super) frames: VecDeque<Frame>,
    /// What the decoders ended with; given once all before it was taken.
    failed: Option<ClientError>,
    options: ConnectOptions,
    version: Version,
    subprotocol: Option<String>,
    connected: Frame,
    /// The interval of our own heart-beats.
    beat: Option<Duration>,
    last_write: Instant,
    beats_received: u64,
    beats_sent: u64,
    pub(super) receipts: u64,
}

impl Client {
    /// Opens the WebSocket and the STOMP session.
    ///
    /// # Errors
    ///
    /// [`ClientError::Refused`] if the server refuses the handshake,
    /// [`ClientError::Stomp`] if it refuses the CONNECT, both final for these
    /// options; [`ClientError::TimedOut`] and [`ClientError::Io`] may pass.
    pub async fn connect(url: &str, options: ConnectOptions) -> Result<Client, ClientError> {
        let deadline = Instant::now() + options.timeout;
        let mut client = Client::open(url, options).await?;
        let host = url.parse::<Url>()?.host;
        let connect = client.options.connect_frame(&host);
        client.send_frame(&connect).await?;
        let connected = client.next_frame_until(deadline).await?;
        if connected.command != Command::Connected {
            return Err(ClientError::Unexpected(Box::new(connected)));
        }
        client.connected = connected;
        Ok(client)
    }

    /// Opens the WebSocket only.
    ///
    /// # Errors
    ///
    /// As [`connect`](Self::connect), but never `Stomp`.
    pub async fn open(url: &str, options: ConnectOptions) -> Result<Client, ClientError> {
        let url: Url = url.parse()?;
        let deadline = Instant::now() + options.timeout;
        let opening = async {
            let mut stream = TcpStream::connect((url.host.as_str(), url.port)).await?;
            stream.set_nodelay(true)?;
            if let Some(bytes) = options.receive_buffer_bytes {
                SockRef::from(&stream).set_recv_buffer_size(bytes)?;
            }
            let opened = handshake::open(&mut stream, &url, &options).await?;
            Ok::<_, ClientError>((stream, opened))
        };
        let (stream, opened) = timeout_at(deadline, opening)
            .await
            .map_err(|_| ClientError::TimedOut)??;
        let mut client = Client {
            stream,
            websocket: websocket::Decoder::new(Role::Client, options.websocket_limits),
            stomp: stomp::Decoder::new(Peer::Server, options.stomp_limits),
            events: VecDeque::new(),
            frames: VecDeque::new(),
            failed: None,
            options,
            version: Version::V1_2,
            subprotocol: opened.subprotocol,
            connected: Frame::new(Command::Connected),
            beat: None,
            last_write: Instant::now(),
            beats_received: 0,
            beats_sent: 0,
            receipts: 0,
        };
        let mut rest = opened.rest;
        client.decode(&mut rest);
        Ok(client)
    }

    /// The version in use: 1.2 until CONNECTED says otherwise.
    pub fn version(&self) -> Version {
        self.version
    }

    /// The subprotocol that the server chose.
    pub fn subprotocol(&self) -> Option<&str> {
        self.subprotocol.as_deref()
    }

    /// The CONNECTED frame; without headers if there was none.
    pub fn connected(&self) -> &Frame {
        &self.connected
    }

    /// How many heart-beats the server sent.
    pub fn beats_received(&self) -> u64 {
        self.beats_received
    }

    /// How many heart-beats were sent.
    pub fn beats_sent(&self) -> u64 {
        self.beats_sent
    }

    /// Sends a frame as one text message, or a binary one if it is not UTF-8.
    ///
    /// # Errors
    ///
    /// [`ClientError::Io`]: the connection is gone. What the server sent
    /// before can still be read.
    pub async fn send_frame(&mut self, frame: &Frame) -> Result<(), ClientError> {
        let mut bytes = Vec::new();
        frame.encode(self.version, &mut bytes);
        let opcode = match str::from_utf8(&bytes) {
            Ok(_) => Opcode::Text,
            Err(_) => Opcode::Binary,
        };
        self.write_ws_frame(opcode, true, &bytes).await
    }

    /// The next STOMP frame, heart-beats skipped and sent as agreed.
    ///
    /// # Errors
    ///
    /// An ERROR frame is [`ClientError::Stomp`]; the end of the connection is
    /// [`ClientError::Closed`] or [`ClientError::Disconnected`];
    /// [`ClientError::TimedOut`] leaves everything as it was.
    pub async fn next_frame(&mut self, timeout: Duration) -> Result<Frame, ClientError> {
        match self.frames.pop_front() {
            Some(frame) => unless_error(frame),
            None => self.next_frame_until(Instant::now() + timeout).await,
        }
    }

    /// The next event of the WebSocket, whatever it holds. Not to be mixed
    /// with [`next_frame`](Self::next_frame) while a frame is split over
    /// several messages.
    ///
    /// # Errors
    ///
    /// As [`next_frame`](Self::next_frame), but a Close is an event and an
    /// ERROR is text; after the Close comes [`ClientError::Disconnected`] when
    /// the server ends the socket.
    pub async fn next_event(&mut self, timeout: Duration) -> Result<WsEvent, ClientError> {
        self.next_event_until(Instant::now() + timeout).await
    }

    /// Sends one WebSocket frame, properly masked.
    ///
    /// # Errors
    ///
    /// [`ClientError::Io`]: the connection is gone.
    pub async fn write_ws_frame(
        &mut self,
        opcode: Opcode,
        fin: bool,
        payload: &[u8],
    ) -> Result<(), ClientError> {
        let mut out = Vec::new();
        websocket::encode_masked(opcode, fin, payload, rand::random(), &mut out);
        self.write_raw_bytes(&out).await
    }

    /// Sends bytes as they are, below the WebSocket.
    ///
    /// # Errors
    ///
    /// [`ClientError::Io`]: the connection is gone.
    pub async fn write_raw_bytes(&mut self, bytes: &[u8]) -> Result<(), ClientError> {
        self.last_write = Instant::now();
        Ok(self.stream.write_all(bytes).await?)
    }

    /// Sends a Close frame; the server's answer is the next event.
    ///
    /// # Errors
    ///
    /// [`ClientError::Io`]: the connection is gone.
    pub async fn close(&mut self, code: CloseCode) -> Result<(), ClientError> {
        let payload = code.get().to_be_bytes();
        self.write_ws_frame(Opcode::Close, true, &payload).await
    }

    /// Resets the connection: the server reads an error, not an end.
    ///
    /// # Errors
    ///
    /// The socket is gone already.
    pub fn reset(self) -> io::Result<()> {
        SockRef::from(&self.stream).set_linger(Some(Duration::ZERO))
    }

    /// The socket, for options and addresses.
    pub fn stream(&self) -> &TcpStream {
        &self.stream
    }

    pub(super) async fn next_frame_until(
        &mut self,
        deadline: Instant,
    ) -> Result<Frame, ClientError> {
        loop {
            match self.next_event_until(deadline).await? {
                WsEvent::Text(bytes) | WsEvent::Binary(bytes) => self.decode_frames(&bytes)?,
                WsEvent::Ping(_) | WsEvent::Pong(_) => continue,
                WsEvent::Close { code, reason } => {
                    return Err(ClientError::Closed { code, reason });
                }
            }
            if let Some(frame) = self.frames.pop_front() {
                return unless_error(frame);
            }
        }
    }

    fn decode_frames(&mut self, bytes: &[u8]) -> Result<(), ClientError> {
        let mut input = bytes;
        while let Some(item) = self.stomp.decode(&mut input)? {
            match item {
                Item::HeartBeat => self.beats_received += 1,
                Item::Frame(frame) => {
                    if frame.command == Command::Connected {
                        self.agree(&frame)?;
                    }
                    self.frames.push_back(frame);
                }
            }
        }
        Ok(())
    }

    /// Takes the version and the heart-beats from a CONNECTED.
    fn agree(&mut self, connected: &Frame) -> Result<(), ClientError> {
        let named = connected.get("version");
        let offered = self.options.accept_version.as_deref().unwrap_or("1.0");
        let chosen = named.unwrap_or("1.0");
        self.version = Version::ALL
            .into_iter()
            .find(|version| version.as_str() == chosen)
            .filter(|_| offered.split(',').any(|version| version.trim() == chosen))
            .ok_or_else(|| ClientError::Version(named.map(str::to_owned)))?;
        self.stomp.set_version(self.version);
        let theirs = HeartBeat::parse(connected.get("heart-beat")).unwrap_or_default();
        let ours = self.options.heart_beat.unwrap_or_default();
        let (_, client) = HeartBeat::negotiate(theirs, ours);
        self.beat = client.map(|ms| Duration::from_millis(ms.into()));
        Ok(())
    }

    async fn next_event_until(&mut self, deadline: Instant) -> Result<WsEvent, ClientError> {
        loop {
            if let Some(event) = self.events.pop_front() {
                if let (WsEvent::Ping(payload), true) = (&event, self.options.auto_pong) {
                    let payload = payload.clone();
                    self.write_ws_frame(Opcode::Pong, true, &payload).await?;
                }
                return Ok(event);
            }
            if let Some(error) = self.failed.take() {
                return Err(error);
            }
            self.wait_readable(deadline).await?;
            self.read()?;
        }
    }

    /// Waits until something can be read, and sends the beats that fall due.
    async fn wait_readable(&mut self, deadline: Instant) -> Result<(), ClientError> {
        loop {
            let beat_due = self.beat.map(|beat| self.last_write + beat);
            let wake = beat_due.map_or(deadline, |due| due.min(deadline));
            if let Ok(ready) = timeout_at(wake, self.stream.readable()).await {
                return Ok(ready?);
            }
            if wake == deadline {
                return Err(ClientError::TimedOut);
            }
            self.write_ws_frame(Opcode::Text, true, b"\n").await?;
            self.beats_sent += 1;
        }
    }

    fn read(&mut self) -> Result<(), ClientError> {
        READ_BUFFER.with_borrow_mut(|buffer| match self.stream.try_read(buffer) {
            Ok(0) => Err(ClientError::Disconnected),
            Ok(len) => {
                self.decode(&mut buffer[..len]);
                Ok(())
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
            Err(error) => Err(error.into()),
        })
    }

    fn decode(&mut self, mut input: &mut [u8]) {
        loop {
            let event = match self.websocket.decode(&mut input) {
                Ok(Some(event)) => event,
                Ok(None) => return,
                Err(error) => {
                    self.failed = Some(error.into());
                    return;
                }
            };
            self.events.push_back(match event {
                Event::Message { kind, payload } => match kind {
                    Kind::Text => WsEvent::Text(payload.to_vec()),
                    Kind::Binary => WsEvent::Binary(payload.to_vec()),
                },
                Event::Ping(payload) => WsEvent::Ping(payload.to_vec()),
                Event::Pong(payload) => WsEvent::Pong(payload.to_vec()),
                Event::Close { code, reason } => WsEvent::Close {
                    code,
                    reason: reason.to_owned(),
                },
            });
        }
    }
}

fn unless_error(frame: Frame) -> Result<Frame, ClientError> {
    match frame.command {
        Command::Error => Err(ClientError::Stomp(Box::new(frame))),
        _ => Ok(frame),
    }
}
