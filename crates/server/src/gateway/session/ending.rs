//! How a session ends: what came before is answered, then it says why, then it closes.

use madang_domain::{Code, Error};
use madang_wire::sockjs::{self, Close};
use madang_wire::websocket::{CloseCode, ProtocolError};

use super::Session;
use super::dialect::{Dialect, Failure};
use super::driver::Core;
use super::outbox::WriteState;

/// How long a peer may take to read the last answers and to close, in milliseconds.
const CLOSE_TIMEOUT_MS: u64 = 5_000;

/// What a peer may still send, unread, after its session has failed, so that the ERROR reaches it
/// before a reset does (STOMP 1.2, "Connection Lingering").
const LINGER_BYTES_MAX: usize = 16 * 1024 * 1024;

/// How far the session has come. Only forward.
pub(super) enum Phase {
    /// Carries out commands.
    Open,
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
    /// The client's wish, or its Close frame, whose code is repeated.
    Asked(Option<CloseCode>),
    Broken(ProtocolError),
    /// The peer broke SockJS.
    BrokenFraming,
    /// The server's wish, for a reason that is no error.
    Closed(u16, Box<str>),
}

impl<D: Dialect> Core<D> {
    /// Moves towards the end, as far as what is owed and what is unwritten allow.
    pub(super) fn heed_end(&mut self) {
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
            if !outbox.replies.is_empty()
                && !matches!(**ending, Ending::Broken(_) | Ending::BrokenFraming)
            {
                outbox.waits_for_replies = true;
                return;
            }
            // Free before the client is told that it is over.
            self.place = None;
            let (session, dialect) = (&self.session, &self.dialect);
            outbox
                .queue
                .append(|buffer| say_farewell(ending, dialect, session, buffer));
            self.phase = Phase::Flushing;
        }
        if matches!(self.phase, Phase::Flushing) {
            drop(outbox);
            self.session.flush_own();
            let mut outbox = self.session.outbox();
            let unwritten = outbox.waiting() > 0 || self.session.stream.has_unsent();
            if unwritten && outbox.state != WriteState::Dead {
                outbox.waits_for_space = true;
                return;
            }
            drop(outbox);
            self.session.shut_down_writing();
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

    pub(super) fn broken(&mut self, error: ProtocolError) {
        if error.close_code() == CloseCode::TOO_BIG {
            // Said in the protocol's own words before the close that says it again.
            let detail = "the WebSocket message is larger than the limit";
            let error = Error::with_detail(Code::TooLarge, detail);
            return self.fail(Failure::new(error, None));
        }
        self.session.shared.metrics.error(Code::WebSocketInvalid);
        self.closed_by.get_or_insert(Code::WebSocketInvalid);
        self.end(Ending::Broken(error));
    }

    /// A SockJS client sent what is no array of texts.
    pub(super) fn broken_framing(&mut self, error: sockjs::DecodeError) {
        tracing::debug!(session = self.session.id, %error, "the peer broke SockJS");
        self.session.shared.metrics.error(Code::BodyInvalid);
        self.closed_by.get_or_insert(Code::BodyInvalid);
        self.end(Ending::BrokenFraming);
    }

    pub(super) fn end(&mut self, ending: Ending) {
        if !self.is_open() {
            return;
        }
        self.phase = Phase::Ending(Box::new(ending));
        self.command = None;
        self.errand = None;
        self.catching_up = None;
        self.behind.clear();
        self.session.stream.refuse_input();
        let close_by = self.session.shared.now_ms() + CLOSE_TIMEOUT_MS;
        self.session
            .set_timing(|timing| timing.only_close_by(close_by));
    }
}

/// Appends the last messages of the session.
fn say_farewell<D: Dialect>(ending: &Ending, dialect: &D, session: &Session, buffer: &mut Vec<u8>) {
    let framing = session.framing;
    match ending {
        Ending::Failed(failure) => {
            let code = failure.error.code();
            let name = code.spec().name;
            tracing::debug!(session = session.id, code = name, "the session failed");
            if code != Code::Draining {
                dialect.append_failure(framing, failure, buffer);
            }
            let close = CloseCode::new(code.spec().close_code).unwrap_or(CloseCode::POLICY);
            framing.append_close(Some(close), name, buffer);
        }
        Ending::Asked(code) => framing.append_close(*code, "", buffer),
        Ending::Closed(code, reason) => {
            framing.append_close(CloseCode::new(*code), reason, buffer);
        }
        Ending::Broken(error) => {
            tracing::debug!(session = session.id, %error, "the peer broke RFC 6455");
            framing.append_breach(error.close_code(), &error.to_string(), buffer);
        }
        Ending::BrokenFraming => {
            let Close { code, reason } = Close::BROKEN_FRAMING;
            let code = CloseCode::new(code).unwrap_or(CloseCode::PROTOCOL);
            framing.append_breach(code, reason, buffer);
        }
    }
}
