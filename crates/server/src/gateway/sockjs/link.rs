//! A session's connection that is made of many HTTP requests: one at a time receives its frames,
//! others bring its messages.
//!
//! To the session it is a [`super::super::stream::Stream`]. What the session writes are units of
//! one line each (see `Framing::SockJsHttp`): a quoted text, or a frame that is no array.

use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::net::Shutdown;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{OnceLock, Weak};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use madang_wire::sockjs::{Close, Receiver, Revision, frame};
use parking_lot::Mutex;
use tokio::sync::{Notify, oneshot};

use super::super::session::Session;
use super::super::stream::keep;
use super::response::Response;

/// How long a request waits for the one before it to be gone.
const TURN_GRACE: Duration = Duration::from_millis(100);

/// How long a request that brought messages waits until the session has carried them out.
const SETTLE_GRACE: Duration = Duration::from_millis(50);

/// What a message takes up in the inbox besides its bytes, about: thousands of empty texts fit into a
/// small body.
const MESSAGE_OVERHEAD: usize = 48;

/// Requests of one session whose messages may wait for space at a time.
const WAITING_MAX: usize = 2;

/// How links behave. All of one SockJS endpoint have the same.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LinkOptions {
    /// Bytes of frames after which a streaming response ends and the client asks anew.
    pub(crate) response_bytes_max: usize,
    /// Bytes of messages that wait for the session, with what keeping them takes; more wait at their
    /// requests.
    pub(crate) inbox_bytes_max: usize,
    /// How long a session lives while nobody receives.
    pub(crate) disconnect_delay: Duration,
    pub(crate) revision: Revision,
}

/// Owned by its session and by the directory, which forgets it some time after the session ends.
pub(crate) struct Link {
    options: LinkOptions,
    state: Mutex<State>,
    session: OnceLock<Weak<Session>>,
    /// Messages were taken out of the inbox.
    space: Notify,
    /// A receiver left.
    left: Notify,
    /// The session has carried out what it took.
    settled: Notify,
    /// Who the client is is known: the session does not make place for others.
    is_identified: AtomicBool,
}

#[derive(Default)]
struct State {
    receiver: Option<Attached>,
    /// The open frame is written.
    is_open: bool,
    inbox: VecDeque<Vec<u8>>,
    inbox_bytes: usize,
    /// Requests that wait for space in the inbox.
    waiting: usize,
    /// The session carries out nothing more.
    refuses_input: bool,
    /// Messages that ever came, were taken by the session, and were carried out by it.
    came: u64,
    taken: u64,
    carried_out: u64,
    /// The close frame, for everybody who asks from now on.
    closed: Option<Vec<u8>>,
    /// The session is gone.
    is_over: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

/// The request that receives frames now.
pub(super) enum Attached {
    /// Takes frames until it has had enough.
    Streaming(Response),
    /// Takes one frame.
    Polling {
        receiver: Receiver,
        answer: oneshot::Sender<Vec<u8>>,
    },
}

/// Why a request cannot receive frames; it is told by this frame.
#[derive(Debug)]
pub(super) struct Unattached(pub(super) Vec<u8>);

/// Why no message of a request was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Undelivered {
    /// The session is over, or about to be.
    SessionOver,
    /// Too many requests wait for space already.
    TooMany,
}

/// What became of the receiver during a write.
#[derive(PartialEq, Eq)]
enum Left {
    Stays,
    /// Its response is complete.
    Served,
    /// It broke off, so that frames may be lost.
    Interrupted,
}

impl Link {
    pub(super) fn new(options: LinkOptions) -> Self {
        Self {
            options,
            state: Mutex::default(),
            session: OnceLock::new(),
            space: Notify::new(),
            left: Notify::new(),
            settled: Notify::new(),
            is_identified: AtomicBool::new(false),
        }
    }

    pub(super) const fn options(&self) -> &LinkOptions {
        &self.options
    }

    /// Tells the link whose it is. The disconnect delay counts from now on.
    pub(in super::super) fn bind(&self, session: &Weak<Session>) {
        drop(self.session.set(Weak::clone(session)));
        self.tell_session(&self.state.lock());
    }

    pub(super) fn is_identified(&self) -> bool {
        self.is_identified.load(Ordering::Relaxed)
    }

    /// Who the client is is known from now on.
    pub(in super::super) fn set_identified(&self) {
        self.is_identified.store(true, Ordering::Relaxed);
    }

    /// Ends the session at once: it makes place for another.
    pub(super) fn evict(&self) {
        match self.session.get().and_then(Weak::upgrade) {
            Some(session) => session.abort(),
            None => self.shut_down(Shutdown::Both),
        }
    }

    /// The frame for a request that would receive now, if it cannot.
    pub(super) fn refusal(&self) -> Option<Unattached> {
        self.state.lock().refusal()
    }

    /// Makes a request the receiver.
    ///
    /// # Errors
    /// Another one is, or the session is closed: nothing changed.
    pub(super) fn attach(&self, mut attached: Attached) -> Result<(), Box<(Unattached, Attached)>> {
        let mut state = self.state.lock();
        if let Some(refusal) = state.refusal() {
            return Err(Box::new((refusal, attached)));
        }
        let first = !std::mem::replace(&mut state.is_open, true);
        match &mut attached {
            Attached::Streaming(response) if first => response.append(frame::OPEN),
            Attached::Streaming(_) => {}
            Attached::Polling { .. } if first => {
                attached.answer(frame::OPEN, self.options.revision);
                // The client asks again at once.
                self.tell_session(&state);
                return Ok(());
            }
            Attached::Polling { .. } => {}
        }
        state.receiver = Some(attached);
        let left = state.push_receiver();
        let is_behind = state.has_unsent();
        let wakers = [state.reader.take(), state.writer.take()];
        self.tell_session(&state);
        drop(state);
        self.heed(&left);
        if is_behind && let Some(session) = self.session.get().and_then(Weak::upgrade) {
            // Nobody else would: the session may have nothing to write.
            session.push_on();
        }
        wakers.into_iter().flatten().for_each(Waker::wake);
        Ok(())
    }

    /// Waits while another request receives, for a moment: a client that has dropped its request
    /// may ask again before the end of the first is noticed.
    pub(super) async fn wait_for_turn(&self) {
        let turn = async {
            loop {
                let left = self.left.notified();
                tokio::pin!(left);
                left.as_mut().enable();
                if self.state.lock().receiver.is_none() {
                    return;
                }
                left.await;
            }
        };
        // Whether it came or not, the next step looks for itself.
        drop(tokio::time::timeout(TURN_GRACE, turn).await);
    }

    /// The receiver's client went away before it was answered.
    pub(super) fn interrupt(&self) {
        let mut state = self.state.lock();
        state.interrupt();
        let wakers = [state.reader.take(), state.writer.take()];
        self.tell_session(&state);
        drop(state);
        self.left.notify_waiters();
        wakers.into_iter().flatten().for_each(Waker::wake);
    }

    /// Hands messages to the session, in order, once there is space for them.
    ///
    /// # Errors
    /// [`Undelivered`]: none was taken.
    pub(super) async fn deliver(&self, messages: Vec<String>) -> Result<(), Undelivered> {
        let sizes = messages.iter().map(|text| text.len() + MESSAGE_OVERHEAD);
        let bytes = sizes.sum::<usize>();
        let mut waiting = None;
        loop {
            let space = self.space.notified();
            tokio::pin!(space);
            // On the list before the look, so that no space is missed.
            space.as_mut().enable();
            {
                let mut state = self.state.lock();
                if state.takes_no_input() {
                    return Err(Undelivered::SessionOver);
                }
                let fits = state.inbox_bytes + bytes <= self.options.inbox_bytes_max;
                if fits || state.inbox.is_empty() {
                    state.inbox_bytes += bytes;
                    state.came += messages.len() as u64;
                    state
                        .inbox
                        .extend(messages.into_iter().map(String::into_bytes));
                    let waker = state.reader.take();
                    drop(state);
                    waker.into_iter().for_each(Waker::wake);
                    return Ok(());
                }
                if waiting.is_none() {
                    if state.waiting >= WAITING_MAX {
                        return Err(Undelivered::TooMany);
                    }
                    state.waiting += 1;
                    waiting = Some(WaitingSender(self));
                }
            }
            space.await;
        }
    }

    /// Waits, for a moment, until the session has carried out all that came: a client that asks for
    /// frames behind its message finds the answer there (sockjs-protocol, "test_content_types").
    /// A session that waits for its store or for its reader is not waited for.
    pub(super) async fn settle(&self) {
        let came = self.state.lock().came;
        let settled = async {
            loop {
                let settled = self.settled.notified();
                tokio::pin!(settled);
                settled.as_mut().enable();
                {
                    let state = self.state.lock();
                    if state.carried_out >= came || state.takes_no_input() {
                        return;
                    }
                }
                settled.await;
            }
        };
        drop(tokio::time::timeout(SETTLE_GRACE, settled).await);
    }

    /// Says whether anybody receives. Under the state's lock, so that what is said last is so: a
    /// session that took a receiver for there after it was served would never end.
    fn tell_session(&self, state: &State) {
        let Some(session) = self.session.get().and_then(Weak::upgrade) else {
            return;
        };
        match state.receiver {
            Some(_) => session.receiver_came(),
            None => session.receiver_left(self.options.disconnect_delay),
        }
    }

    fn heed(&self, left: &Left) {
        match left {
            Left::Stays => {}
            Left::Served | Left::Interrupted => self.left.notify_waiters(),
        }
    }
}

/// The session's side: what a stream can do.
impl Link {
    /// The messages that wait, if there are any.
    pub(in super::super) fn take_messages(&self) -> Option<VecDeque<Vec<u8>>> {
        let mut state = self.state.lock();
        if state.inbox.is_empty() {
            return None;
        }
        state.inbox_bytes = 0;
        state.taken = state.came;
        let messages = std::mem::take(&mut state.inbox);
        drop(state);
        self.space.notify_waiters();
        Some(messages)
    }

    pub(in super::super) fn poll_read_ready(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.state.lock();
        // It asks for more only once it is through with what it took.
        if state.carried_out < state.taken {
            state.carried_out = state.taken;
            self.settled.notify_waiters();
        }
        if !state.inbox.is_empty() || state.is_done() {
            return Poll::Ready(());
        }
        if state.receiver_is_gone(cx) {
            state.interrupt();
            self.tell_session(&state);
            drop(state);
            self.left.notify_waiters();
            return Poll::Ready(());
        }
        keep(&mut state.reader, cx);
        Poll::Pending
    }

    pub(in super::super) fn try_read(&self) -> io::Result<usize> {
        match self.state.lock().is_done() {
            true => Ok(0),
            false => Err(ErrorKind::WouldBlock.into()),
        }
    }

    pub(in super::super) fn poll_write_ready(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.state.lock();
        let ready = match &state.receiver {
            Some(Attached::Streaming(response)) => response.poll_ready(cx),
            Some(Attached::Polling { .. }) => Poll::Ready(()),
            None if state.is_done() => Poll::Ready(()),
            None => Poll::Pending,
        };
        // A receiver may come, or another may end.
        keep(&mut state.writer, cx);
        ready
    }

    /// Takes whole units only.
    pub(in super::super) fn try_write(&self, units: &[u8]) -> io::Result<usize> {
        let mut state = self.state.lock();
        let (written, left) = state.write(units, &self.options);
        if left != Left::Stays {
            self.tell_session(&state);
        }
        drop(state);
        self.heed(&left);
        written
    }

    pub(in super::super) fn has_unsent(&self) -> bool {
        self.state.lock().has_unsent()
    }

    /// The session carries out nothing more: what waits for it is thrown away, and what comes is
    /// refused. It still writes.
    pub(in super::super) fn refuse_input(&self) {
        let mut state = self.state.lock();
        state.refuses_input = true;
        state.clear_inbox();
        drop(state);
        self.space.notify_waiters();
        self.settled.notify_waiters();
    }

    /// Nothing more is written; for both directions the session is over.
    pub(in super::super) fn shut_down(&self, how: Shutdown) {
        let mut state = self.state.lock();
        if state.closed.is_none() {
            let mut close = Vec::new();
            Close::GO_AWAY.append_frame(&mut close);
            state.closed = Some(close);
        }
        if how == Shutdown::Both {
            state.receiver = None;
            state.is_over = true;
            state.clear_inbox();
        }
        let wakers = [state.reader.take(), state.writer.take()];
        drop(state);
        wakers.into_iter().flatten().for_each(Waker::wake);
        if how == Shutdown::Both {
            self.space.notify_waiters();
            self.settled.notify_waiters();
        }
    }
}

impl State {
    fn is_done(&self) -> bool {
        self.is_over || self.closed.is_some()
    }

    fn takes_no_input(&self) -> bool {
        self.refuses_input || self.is_done()
    }

    fn clear_inbox(&mut self) {
        self.inbox = VecDeque::new();
        self.inbox_bytes = 0;
    }

    fn has_unsent(&self) -> bool {
        match &self.receiver {
            Some(Attached::Streaming(response)) => response.has_unsent(),
            Some(Attached::Polling { .. }) | None => false,
        }
    }

    fn refusal(&self) -> Option<Unattached> {
        if let Some(close) = &self.closed {
            return Some(Unattached(close.clone()));
        }
        self.receiver.as_ref().map(|_| {
            let mut frame = Vec::new();
            Close::ANOTHER_CONNECTION.append_frame(&mut frame);
            Unattached(frame)
        })
    }

    /// sockjs-protocol, "test_abort_xhr_streaming": frames may be lost, so the session cannot go
    /// on.
    fn interrupt(&mut self) {
        self.receiver = None;
        if self.closed.is_none() {
            let mut frame = Vec::new();
            Close::INTERRUPTED.append_frame(&mut frame);
            self.closed = Some(frame);
        }
    }

    fn receiver_is_gone(&self, cx: &mut Context<'_>) -> bool {
        match &self.receiver {
            Some(Attached::Streaming(response)) => response.peer_is_gone(cx),
            Some(Attached::Polling { answer, .. }) => answer.is_closed(),
            None => false,
        }
    }

    fn write(&mut self, units: &[u8], options: &LinkOptions) -> (io::Result<usize>, Left) {
        let is_done = self.is_done();
        match &mut self.receiver {
            None if is_done => (Err(ErrorKind::BrokenPipe.into()), Left::Stays),
            None => (Err(ErrorKind::WouldBlock.into()), Left::Stays),
            Some(Attached::Streaming(response)) => {
                let mut taken = 0;
                if !response.has_unsent() {
                    while let Some((frame, len)) = next_frame(&units[taken..]) {
                        if response.is_ending() {
                            break;
                        }
                        taken += len;
                        response.append(&frame);
                        if frame.starts_with(b"c") {
                            self.closed = Some(frame.into_owned());
                            response.end();
                        } else if response.sent() >= options.response_bytes_max {
                            response.end();
                        }
                    }
                }
                let left = self.push_receiver();
                let written = match left {
                    Left::Interrupted => Err(ErrorKind::BrokenPipe.into()),
                    // Nothing was taken, and what was taken earlier is not through.
                    Left::Stays if taken == 0 => Err(ErrorKind::WouldBlock.into()),
                    Left::Served if taken == 0 && !units.is_empty() => {
                        Err(ErrorKind::WouldBlock.into())
                    }
                    Left::Stays | Left::Served => Ok(taken),
                };
                (written, left)
            }
            Some(Attached::Polling { .. }) => self.answer_poll(units, options),
        }
    }

    fn answer_poll(&mut self, units: &[u8], options: &LinkOptions) -> (io::Result<usize>, Left) {
        let Some((frame, len)) = next_frame(units) else {
            return (Ok(0), Left::Stays);
        };
        let Some(attached) = self.receiver.take() else {
            return (Err(ErrorKind::WouldBlock.into()), Left::Stays);
        };
        if !attached.answer(&frame, options.revision) {
            self.interrupt();
            return (Err(ErrorKind::BrokenPipe.into()), Left::Interrupted);
        }
        if frame.starts_with(b"c") {
            self.closed = Some(frame.into_owned());
        }
        (Ok(len), Left::Served)
    }

    /// Gives the streaming receiver's connection what it takes.
    fn push_receiver(&mut self) -> Left {
        let Some(Attached::Streaming(response)) = &mut self.receiver else {
            return Left::Stays;
        };
        match response.push() {
            Ok(true) => {
                self.receiver = None;
                Left::Served
            }
            Ok(false) => Left::Stays,
            Err(_) => {
                self.interrupt();
                Left::Interrupted
            }
        }
    }
}

/// A request whose messages wait for space.
struct WaitingSender<'a>(&'a Link);

impl Drop for WaitingSender<'_> {
    fn drop(&mut self) {
        self.0.state.lock().waiting -= 1;
    }
}

impl Attached {
    /// Answers a polling request; `false` when nobody waits for it any more.
    fn answer(self, frame: &[u8], revision: Revision) -> bool {
        match self {
            Self::Polling { receiver, answer } => {
                let mut body = Vec::with_capacity(frame.len() + 64);
                receiver.append_prelude(&mut body);
                receiver.append_frame(frame, revision, &mut body);
                answer.send(body).is_ok()
            }
            Self::Streaming(_) => false,
        }
    }
}

/// The next frame of `units`, and how many bytes of them it stands for: texts that follow each
/// other are one array.
fn next_frame(units: &[u8]) -> Option<(std::borrow::Cow<'_, [u8]>, usize)> {
    let first = line(units)?;
    if !first.starts_with(b"\"") {
        return Some((first.into(), first.len() + 1));
    }
    let mut frame = Vec::with_capacity(first.len() + 3);
    frame.extend_from_slice(b"a[");
    let mut len = 0;
    while let Some(text) = line(&units[len..]).filter(|text| text.starts_with(b"\"")) {
        if len > 0 {
            frame.push(b',');
        }
        frame.extend_from_slice(text);
        len += text.len() + 1;
    }
    frame.push(b']');
    Some((frame.into(), len))
}

fn line(units: &[u8]) -> Option<&[u8]> {
    let end = units.iter().position(|byte| *byte == b'\n')?;
    Some(&units[..end])
}

#[cfg(test)]
mod tests;
