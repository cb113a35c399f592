//! The half of a session that only its own task touches.
//!
//! One poll does all that can be done now: write when the socket takes bytes, finish a command
//! that waited, read logs for subscriptions that fell behind, read and carry out commands. What
//! waits for the store is a boxed future, so that an idle session is small.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::io::ErrorKind;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::time::Duration;

use madang_domain::ports::BoxFuture;
use madang_domain::{Caller, Code, Error, Role};
use madang_engine::SubscriptionKey;

use super::super::framing::Framing;
use super::super::stream::Stream;
use super::super::throttle::Meter;
use super::super::users::{Present, UserPlace};
use super::super::{Identity, Shared};
use super::Session;
use super::dialect::{Dialect, Done};
pub(super) use super::ending::Ending;
use super::ending::Phase;
use super::feeds::CaughtUp;
use super::input::{Backlog, Input};
use super::outbox::WriteState;
use crate::telemetry::limits::Limit;
use crate::telemetry::metrics::Transport;

/// Bytes read at once, into one buffer per worker: an idle session has none.
const READ_BYTES: usize = 64 * 1024;

/// Reads in one poll before other sessions of the worker get their turn.
const READS_PER_POLL: usize = 8;

thread_local! {
    static READ_BUFFER: RefCell<Vec<u8>> = RefCell::new(vec![0; READ_BYTES]);
}

/// A connection that a session is to live on.
pub(in super::super) struct Connection {
    pub(in super::super) stream: Stream,
    pub(in super::super) transport: Transport,
    pub(in super::super) input: Input,
    pub(in super::super) framing: Framing,
    /// What the peer sent already.
    pub(in super::super) read_ahead: Vec<u8>,
    /// What goes out before anything of the session does.
    pub(in super::super) greeting: Vec<u8>,
    /// Pause between the transport's own signs of life; zero for none.
    pub(in super::super) beat_every: Duration,
}

struct Driver<D: Dialect> {
    input: Input,
    core: Core<D>,
    backlog: Option<Box<Backlog>>,
}

/// Everything but the input's decoder, whose messages are borrowed while commands run.
pub(in super::super) struct Core<D: Dialect> {
    pub(super) session: Arc<Session>,
    pub(super) dialect: D,
    pub(super) phase: Phase,
    pub(super) command: Option<BoxFuture<'static, Done<D>>>,
    /// What goes on beside commands.
    pub(super) errand: Option<BoxFuture<'static, Done<D>>>,
    /// Subscriptions that have to read the log, the first of which does now.
    pub(super) behind: VecDeque<SubscriptionKey>,
    pub(super) catching_up: Option<BoxFuture<'static, CaughtUp>>,
    pub(super) transport: Transport,
    /// Among the sessions of its user, once that is known.
    pub(super) place: Option<UserPlace>,
    /// Held for its drop, which says that the user's session is over.
    presence: Option<Present>,
    frames: Meter,
    bytes: Meter,
    /// Nothing is read before, in nanoseconds of the gateway's clock.
    resumes_ns: u64,
    /// The error that ended the session, if one did.
    pub(super) closed_by: Option<Code>,
}

/// What lives on a connection until the session is over. `None` while the node drains.
pub(in super::super) fn run<D: Dialect>(
    shared: &Arc<Shared>,
    connection: Connection,
    dialect: D,
) -> Option<impl Future<Output = ()> + use<D>> {
    let Connection {
        stream,
        transport,
        input,
        framing,
        read_ahead,
        greeting,
        beat_every,
    } = connection;
    let session = Session::open(shared, stream, framing)?;
    shared.metrics.session_opened(transport);
    session
        .outbox()
        .queue
        .append(|buffer| buffer.extend_from_slice(&greeting));
    let beat_every = u64::try_from(beat_every.as_millis()).unwrap_or(0);
    session.set_timing(|timing| timing.transport_beat_every = beat_every);
    let backlog = (!read_ahead.is_empty()).then(|| Box::new(Backlog::of_raw(read_ahead)));
    let mut driver = Driver {
        input,
        core: Core {
            session,
            dialect,
            phase: Phase::Open,
            command: None,
            errand: None,
            behind: VecDeque::new(),
            catching_up: None,
            transport,
            place: None,
            presence: None,
            frames: Meter::default(),
            bytes: Meter::default(),
            resumes_ns: 0,
            closed_by: None,
        },
        backlog,
    };
    D::begin(&mut driver.core);
    Some(poll_fn(move |cx| driver.poll(cx)))
}

impl<D: Dialect> Driver<D> {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.core.listen(cx);
        for _ in 0..READS_PER_POLL {
            self.core.write(cx);
            self.core.heed_hub();
            self.core.poll_errand(cx);
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
            self.backlog = self
                .backlog
                .take()
                .and_then(|backlog| self.input.take_up(&mut self.core, backlog));
            return true;
        }
        if self.core.session.stream.poll_read_ready(cx).is_pending() {
            return false;
        }
        if let Some(messages) = self.core.session.stream.take_messages() {
            if !self.core.is_open() {
                // They came while the session ended: nothing is carried out any more.
                return true;
            }
            self.core.received_now();
            self.core.charge_bytes(messages.iter().map(Vec::len).sum());
            let backlog = Box::new(Backlog::of_messages(messages));
            self.backlog = self.input.take_up(&mut self.core, backlog);
            return true;
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
        self.core.received_now();
        self.core.charge_bytes(bytes.len());
        if let Phase::Lingering { budget } = &mut self.core.phase {
            *budget = budget.saturating_sub(bytes.len());
            if *budget == 0 {
                self.core.phase = Phase::Over;
            }
            return;
        }
        self.backlog = self.input.decode(&mut self.core, bytes);
    }
}

impl<D: Dialect> Core<D> {
    /// Whether commands are still carried out.
    pub(super) fn is_open(&self) -> bool {
        matches!(self.phase, Phase::Open)
    }

    fn received_now(&self) {
        let now = self.session.shared.now_ms();
        self.session.last_read_ms.store(now, Ordering::Relaxed);
    }

    /// Counts the session among those of its user.
    ///
    /// # Errors
    /// [`Code::TooMany`]: the user has too many. [`Code::TokenRevoked`]: the token was revoked since it
    /// was checked.
    pub(super) fn take_place(
        &mut self,
        caller: &Caller,
        identity: &dyn Identity,
    ) -> Result<(), Error> {
        let shared = &self.session.shared;
        self.place = shared
            .users
            .admit(caller, self.transport, &shared.metrics)?;
        self.session.stream.set_identified();
        self.session.opened_by(caller);
        // A revocation before this did not find the session, one after it does.
        let proof = self.session.proof();
        if proof.is_some_and(|proof| !identity.still_counts(&proof.user, proof.issued_at)) {
            return Err(Code::TokenRevoked.into());
        }
        let engine = self
            .dialect
            .engine()
            .filter(|_| caller.role != Role::Service);
        self.presence = engine.map(|engine| {
            engine.see(caller);
            Present::new(engine, &caller.user)
        });
        Ok(())
    }

    fn charge_bytes(&mut self, bytes: usize) {
        let shared = &self.session.shared;
        let (rate, now) = (shared.byte_rate, shared.now_ns());
        let pause = self.bytes.charge(rate, bytes as u64, now);
        self.pause_reading(pause, now, Limit::BytesPerSecond);
    }

    /// A frame was understood.
    pub(super) fn charge_frame(&mut self) {
        let shared = &self.session.shared;
        shared.metrics.frames_received.inc();
        let (rate, now) = (shared.frame_rate, shared.now_ns());
        let pause = self.frames.charge(rate, 1, now);
        self.pause_reading(pause, now, Limit::FramesPerSecond);
    }

    fn pause_reading(&mut self, pause: Option<u64>, now: u64, limit: Limit) {
        let Some(pause) = pause else { return };
        if now >= self.resumes_ns {
            self.session.shared.metrics.limit_reached(limit);
        }
        self.resumes_ns = self.resumes_ns.max(now + pause);
        let resume_at = self.resumes_ns / 1_000_000 + 1;
        self.session
            .set_timing(|timing| timing.resume_at = resume_at);
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

    fn poll_errand(&mut self, cx: &mut Context<'_>) {
        while self.is_open() {
            if self.errand.is_none() {
                self.errand = D::errand(self);
            }
            let Some(errand) = &mut self.errand else {
                return;
            };
            let Poll::Ready(done) = errand.as_mut().poll(cx) else {
                return;
            };
            self.errand = None;
            if let Err(failure) = done(self) {
                self.fail(failure);
            }
        }
        self.errand = None;
    }

    fn poll_catch_up(&mut self, cx: &mut Context<'_>) {
        if !self.is_open() {
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
    pub(super) fn may_read(&self) -> bool {
        let limits = &self.session.shared.limits;
        let mut outbox = self.session.outbox();
        match self.phase {
            Phase::Open => {}
            Phase::Lingering { .. } => return true,
            Phase::Ending(_) | Phase::Flushing | Phase::Over => return false,
        }
        let full = outbox.waiting() > limits.queue_bytes_max;
        let owes = outbox.replies.len() >= limits.unanswered_max;
        outbox.waits_for_space |= full;
        outbox.waits_for_replies = owes;
        let too_fast = self.resumes_ns != 0 && self.resumes_ns > self.session.shared.now_ns();
        let may = self.command.is_none() && !full && !owes && !too_fast;
        outbox.reading_paused = !may;
        may
    }
}

impl<D: Dialect> Drop for Core<D> {
    fn drop(&mut self) {
        self.session.outbox().die();
        self.session.stream.release();
        self.session.shared.registry.remove(self.session.id);
        self.session
            .shared
            .metrics
            .session_closed(self.transport, self.closed_by);
    }
}
