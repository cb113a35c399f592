//! A session's connection that is made of many HTTP requests: one at a time receives its frames,
//! others bring its messages.
//!
//! To the session it is a [`super::super::stream::Stream`]. What the session writes are units of
//! one line each (see `Framing::SockJsHttp`): a quoted text, or a frame that is no array.

mod state;
mod units;

use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::net::Shutdown;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{OnceLock, Weak};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use madang_wire::sockjs::{Close, Revision, frame};
use parking_lot::Mutex;
use tokio::sync::Notify;

use super::super::session::Session;
use super::super::stream::keep;
pub(super) use state::{Attached, Unattached};
use state::{Left, State};

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

/// Why no message of a request was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Undelivered {
    /// The session is over, or about to be.
    SessionOver,
    /// Too many requests wait for space already.
    TooMany,
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

    /// Ends the response of the request that receives now, with all that it was given: its client asks
    /// anew.
    pub(super) fn release_receiver(&self) {
        let mut state = self.state.lock();
        let left = state.release(&self.options);
        let waker = state.writer.take();
        self.tell_session(&state);
        drop(state);
        self.heed(&left);
        waker.into_iter().for_each(Waker::wake);
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

/// A request whose messages wait for space.
struct WaitingSender<'a>(&'a Link);

impl Drop for WaitingSender<'_> {
    fn drop(&mut self) {
        self.0.state.lock().waiting -= 1;
    }
}

#[cfg(test)]
mod tests;
