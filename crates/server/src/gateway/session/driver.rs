//! The half of a session that only its own task touches.
//!
//! One poll does all that can be done now: write when the socket takes bytes, finish a command
//! that waited, read logs for subscriptions that fell behind, read and carry out commands. What
//! waits for the store is a boxed future, so that an idle session is small.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::io::ErrorKind;
use std::net::Shutdown;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};

use madang_domain::ports::BoxFuture;
use madang_domain::{Code, Error};
use madang_engine::SubscriptionKey;
use madang_wire::stomp::{self, Item, Peer, Version};
use madang_wire::websocket::{self, CloseCode, Event, ProtocolError, Role};
use tokio::net::TcpStream;

use super::super::Shared;
use super::Session;
use super::connect::{Handshake, Open};
use super::frames::{self, Failure};
use super::outbox::WriteState;
use super::subscribe::CaughtUp;
use crate::telemetry::metrics::Transport;

/// Bytes read at once, into one buffer per worker: an idle session has none.
const READ_BYTES: usize = 64 * 1024;

/// Reads in one poll before other sessions of the worker get their turn.
const READS_PER_POLL: usize = 8;

/// How long a peer may take to read the last answers and to close, in milliseconds.
const CLOSE_TIMEOUT_MS: u64 = 5_000;

/// What a peer may still send, unread, after its session has failed, so that the ERROR reaches it
/// before a reset does (STOMP 1.2, "Connection Lingering").
const LINGER_BYTES_MAX: usize = 16 * 1024 * 1024;

thread_local! {
    static READ_BUFFER: RefCell<Vec<u8>> = RefCell::new(vec![0; READ_BYTES]);
}

/// What a finished command still has to do on the session.
pub(super) type Done = Box<dyn FnOnce(&mut Core) -> Result<(), Failure> + Send>;

struct Driver {
    websocket: websocket::Decoder,
    core: Core,
    /// What arrived behind a command that waits.
    backlog: Option<Box<Backlog>>,
}

#[derive(Default)]
struct Backlog {
    /// The rest of a WebSocket message, decoded.
    stomp: Vec<u8>,
    /// What came behind that message.
    websocket: Vec<u8>,
}

/// Everything but the WebSocket decoder, whose messages are borrowed while commands run.
pub(super) struct Core {
    pub(super) session: Arc<Session>,
    pub(super) stomp: stomp::Decoder,
    pub(super) phase: Phase,
    pub(super) command: Option<BoxFuture<'static, Done>>,
    /// Subscriptions that have to read the log, the first of which does now.
    pub(super) behind: VecDeque<SubscriptionKey>,
    pub(super) catching_up: Option<BoxFuture<'static, CaughtUp>>,
    /// The error that ended the session, if one did.
    closed_by: Option<Code>,
}

/// How far the session has come. Only forward.
pub(super) enum Phase {
    /// Waits for CONNECT.
    Handshaken(Box<Handshake>),
    Open(Box<Open>),
    /// Takes no more commands; ends once what came before is answered.
    Ending(Box<Ending>),
    /// The last byte is in the outbox.
    Flushing,
    /// Nothing more is written; reads, and throws away, until the peer closes.
    Lingering {
        budget: usize,
    },
    Over,
}

pub(super) enum Ending {
    Failed(Failure),
    /// DISCONNECT, or the peer's Close frame, whose code is repeated.
    Asked(Option<CloseCode>),
    Broken(ProtocolError),
}

/// What to do with the bytes behind a frame.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Flow {
    On,
    /// Keep them until the command is done.
    Suspend,
    /// Throw them away.
    Stop,
}

/// What lives on a socket until the session is over. `None` while the node drains.
pub(in super::super) fn run(
    shared: &Arc<Shared>,
    stream: TcpStream,
    already_read: Vec<u8>,
    handshake: Handshake,
) -> Option<impl Future<Output = ()> + use<>> {
    let limits = &shared.options.limits;
    let session = Session::open(shared, stream)?;
    shared.metrics.session_opened(Transport::WebSocket);
    let mut driver = Driver {
        websocket: websocket::Decoder::new(Role::Server, limits.websocket),
        core: Core {
            session,
            stomp: stomp::Decoder::new(Peer::Client, limits.stomp),
            phase: Phase::Handshaken(Box::new(handshake)),
            command: None,
            behind: VecDeque::new(),
            catching_up: None,
            closed_by: None,
        },
        backlog: None,
    };
    if !already_read.is_empty() {
        driver.backlog = Some(Box::new(Backlog {
            websocket: already_read,
            ..Backlog::default()
        }));
    }
    Some(poll_fn(move |cx| driver.poll(cx)))
}

impl Driver {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.core.listen(cx);
        for _ in 0..READS_PER_POLL {
            self.core.write(cx);
            self.core.heed_hub();
            self.core.poll_catch_up(cx);
            let finished = self.core.poll_command(cx);
            self.core.heed_end();
            self.core.session.flush_own();
            if matches!(self.core.phase, Phase::Over) {
                return Poll::Ready(());
            }
            if !finished && !self.read(cx) {
                return Poll::Pending;
            }
        }
        // More may be there, but others wait.
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Reads once and carries out what arrived. `false`: nothing can be read now, and the task
    /// will be woken when that changes.
    fn read(&mut self, cx: &mut Context<'_>) -> bool {
        if !self.core.may_read() {
            return false;
        }
        if self.core.is_open() && self.backlog.is_some() {
            self.take_up_backlog();
            return true;
        }
        if self.core.session.stream.poll_read_ready(cx).is_pending() {
            return false;
        }
        READ_BUFFER.with_borrow_mut(|buffer| match self.core.session.stream.try_read(buffer) {
            Ok(0) => self.core.phase = Phase::Over,
            Ok(count) => self.received(&mut buffer[..count]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(_) => self.core.phase = Phase::Over,
        });
        true
    }

    fn received(&mut self, bytes: &mut [u8]) {
        let session = &self.core.session;
        session
            .last_read_ms
            .store(session.shared.now_ms(), Ordering::Relaxed);
        if let Phase::Lingering { budget } = &mut self.core.phase {
            *budget = budget.saturating_sub(bytes.len());
            if *budget == 0 {
                self.core.phase = Phase::Over;
            }
            return;
        }
        self.decode(bytes);
    }

    /// Carries out whole WebSocket messages; keeps what lies behind a command that waits.
    fn decode(&mut self, bytes: &mut [u8]) {
        let mut rest = bytes;
        loop {
            let event = match self.websocket.decode(&mut rest) {
                Ok(Some(event)) => event,
                Ok(None) => return,
                Err(error) => return self.core.broken(error),
            };
            let mut stomp_rest = Vec::new();
            match self.core.handle_event(event, &mut stomp_rest) {
                Flow::On => {}
                Flow::Stop => return,
                Flow::Suspend => {
                    let backlog = Backlog {
                        stomp: stomp_rest,
                        websocket: rest.to_vec(),
                    };
                    self.backlog = Some(Box::new(backlog));
                    return;
                }
            }
        }
    }

    /// Goes on behind a command that waited.
    fn take_up_backlog(&mut self) {
        let Some(mut backlog) = self.backlog.take() else {
            return;
        };
        let mut input = backlog.stomp.as_slice();
        match self.core.handle_stomp(&mut input) {
            Flow::Stop => return,
            Flow::Suspend => {
                backlog.stomp = input.to_vec();
                self.backlog = Some(backlog);
                return;
            }
            Flow::On => {}
        }
        self.decode(&mut backlog.websocket);
    }
}

impl Core {
    /// Whether commands are still carried out.
    fn is_open(&self) -> bool {
        matches!(self.phase, Phase::Handshaken(_) | Phase::Open(_))
    }

    /// From now on whoever changes something for this session wakes its task.
    fn listen(&self, cx: &Context<'_>) {
        let mut outbox = self.session.outbox();
        match &mut outbox.waker {
            Some(waker) => waker.clone_from(cx.waker()),
            none => *none = Some(cx.waker().clone()),
        }
    }

    /// Writes when the socket had not taken everything before and takes more now.
    fn write(&mut self, cx: &mut Context<'_>) {
        while self.session.outbox().state == WriteState::Blocked {
            if self.session.stream.poll_write_ready(cx).is_pending() {
                return;
            }
            self.session.flush_and_count();
            // Flushing may have taken the waker to wake this very task.
            self.listen(cx);
        }
        if self.session.outbox().state == WriteState::Dead {
            self.phase = Phase::Over;
        }
    }

    /// Answers whether a command that waited is done now.
    fn poll_command(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(command) = &mut self.command else {
            return false;
        };
        let Poll::Ready(done) = command.as_mut().poll(cx) else {
            return false;
        };
        self.command = None;
        if self.is_open()
            && let Err(failure) = done(self)
        {
            self.fail(failure);
        }
        true
    }

    fn poll_catch_up(&mut self, cx: &mut Context<'_>) {
        if !matches!(self.phase, Phase::Open(_)) {
            self.catching_up = None;
            return;
        }
        loop {
            if self.catching_up.is_none() && !self.begin_catch_up() {
                return;
            }
            let Some(reading) = &mut self.catching_up else {
                return;
            };
            let Poll::Ready(caught_up) = reading.as_mut().poll(cx) else {
                return;
            };
            self.catching_up = None;
            self.caught_up(caught_up);
        }
    }

    /// Whether another command may be read: not while one waits, not while too many answers are
    /// owed, and not while the peer does not read what it was sent.
    fn may_read(&self) -> bool {
        let limits = &self.session.shared.options.limits;
        let mut outbox = self.session.outbox();
        match self.phase {
            Phase::Handshaken(_) | Phase::Open(_) => {}
            Phase::Lingering { .. } => return true,
            Phase::Ending(_) | Phase::Flushing | Phase::Over => return false,
        }
        let full = outbox.waiting() > limits.queue_bytes_max;
        let owes = outbox.replies.len() >= limits.unanswered_max;
        outbox.waits_for_space |= full;
        outbox.waits_for_replies = owes;
        let may = self.command.is_none() && !full && !owes;
        outbox.reading_paused = !may;
        may
    }

    /// Moves towards the end, as far as what is owed and what is unwritten allow.
    fn heed_end(&mut self) {
        let mut outbox = self.session.outbox();
        if self.is_open() {
            if let Some(failure) = outbox.replies.take_failure() {
                drop(outbox);
                self.fail(failure);
                outbox = self.session.outbox();
            } else if outbox.ending.is_some() && self.command.is_none() {
                let error = outbox.ending.take().unwrap_or(Error::from(Code::Internal));
                drop(outbox);
                self.fail(Failure::new(error, None));
                outbox = self.session.outbox();
            }
        }
        if let Phase::Ending(ending) = &mut self.phase {
            // An earlier frame's failure comes first: ERROR is the last frame.
            if let Some(failure) = outbox.replies.take_failure() {
                **ending = Ending::Failed(failure);
            }
            if !outbox.replies.is_empty() && !matches!(**ending, Ending::Broken(_)) {
                outbox.waits_for_replies = true;
                return;
            }
            let version = outbox.replies.version();
            let session = &self.session;
            outbox
                .queue
                .append(|buffer| say_farewell(ending, version, session, buffer));
            self.phase = Phase::Flushing;
        }
        if matches!(self.phase, Phase::Flushing) {
            drop(outbox);
            self.session.flush_own();
            let mut outbox = self.session.outbox();
            if outbox.waiting() > 0 && outbox.state != WriteState::Dead {
                outbox.waits_for_space = true;
                return;
            }
            drop(outbox);
            self.session.shut_down(Shutdown::Write);
            self.phase = Phase::Lingering {
                budget: LINGER_BYTES_MAX,
            };
        }
    }

    /// Ends the session with an ERROR, after what is owed for earlier frames.
    pub(super) fn fail(&mut self, failure: Failure) {
        let code = failure.error.code();
        self.session.shared.metrics.error(code);
        self.closed_by.get_or_insert(code);
        self.end(Ending::Failed(failure));
    }

    fn broken(&mut self, error: ProtocolError) {
        self.session.shared.metrics.error(Code::WebSocketInvalid);
        self.closed_by.get_or_insert(Code::WebSocketInvalid);
        self.end(Ending::Broken(error));
    }

    pub(super) fn end(&mut self, ending: Ending) {
        if !self.is_open() {
            return;
        }
        self.phase = Phase::Ending(Box::new(ending));
        self.command = None;
        self.catching_up = None;
        self.behind.clear();
        let close_by = self.session.shared.now_ms() + CLOSE_TIMEOUT_MS;
        self.session.set_timing(|timing| {
            let look_at = timing.look_at;
            *timing = super::Timing {
                close_by,
                look_at,
                ..Default::default()
            };
        });
    }

    /// `rest` gets what lies behind a command that waits.
    fn handle_event(&mut self, event: Event<'_>, rest: &mut Vec<u8>) -> Flow {
        match event {
            Event::Message { mut payload, .. } => {
                let flow = self.handle_stomp(&mut payload);
                if flow == Flow::Suspend {
                    rest.extend_from_slice(payload);
                }
                flow
            }
            Event::Ping(payload) => {
                let mut outbox = self.session.outbox();
                outbox
                    .queue
                    .append(|buffer| websocket::encode_pong(payload, buffer));
                Flow::On
            }
            Event::Pong(_) => Flow::On,
            Event::Close { code, .. } => {
                self.end(Ending::Asked(code.and_then(CloseCode::new)));
                Flow::Stop
            }
        }
    }

    fn handle_stomp(&mut self, input: &mut &[u8]) -> Flow {
        loop {
            let frame = match self.stomp.decode(input) {
                Ok(Some(Item::Frame(frame))) => frame,
                Ok(Some(Item::HeartBeat)) => continue,
                Ok(None) => return Flow::On,
                Err(error) => {
                    self.fail(frames::decode_failure(&error));
                    return Flow::Stop;
                }
            };
            self.session.shared.metrics.frames_received.inc();
            if let Err(failure) = self.handle_frame(frame) {
                self.fail(failure);
            }
            if !self.is_open() {
                return Flow::Stop;
            }
            if !self.may_read() {
                return Flow::Suspend;
            }
        }
    }
}

/// Appends the last frames of the session.
fn say_farewell(ending: &Ending, version: Version, session: &Session, buffer: &mut Vec<u8>) {
    match ending {
        Ending::Failed(failure) => {
            let code = failure.error.code();
            tracing::debug!(
                session = session.id,
                code = code.spec().name,
                "the session failed"
            );
            if code != Code::Draining {
                frames::encode_error(version, failure, buffer);
            }
            let close = CloseCode::new(code.spec().close_code).unwrap_or(CloseCode::POLICY);
            websocket::encode_close(close, code.spec().name, buffer);
        }
        Ending::Asked(Some(code)) => websocket::encode_close(*code, "", buffer),
        Ending::Asked(None) => websocket::encode_head(websocket::Opcode::Close, 0, buffer),
        Ending::Broken(error) => {
            tracing::debug!(session = session.id, %error, "the peer broke RFC 6455");
            websocket::encode_close(error.close_code(), &error.to_string(), buffer);
        }
    }
}

impl Drop for Core {
    fn drop(&mut self) {
        self.session.outbox().die();
        self.session.shared.registry.remove(self.session.id);
        self.session
            .shared
            .metrics
            .session_closed(Transport::WebSocket, self.closed_by);
    }
}
