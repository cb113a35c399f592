//! Responses that come from another gateway, piece by piece, for requests that wait here.

use std::collections::{HashMap, VecDeque};
use std::future::poll_fn;
use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::asked::Asking;
use super::key::SessionKey;
use super::members::Members;
use super::message::{Content, Next, Refused};
use super::post::Post;
use super::recent::Recent;
use crate::gateway::stream::keep;

/// Complete responses that are remembered, and for how long: above the time for which their last
/// piece may be said again.
const COMPLETE_MAX: usize = 65_536;
const COMPLETE_FOR: Duration = Duration::from_secs(30);

/// How often it is said that a client went away, when nobody answers; and of how many it is said
/// again.
const GONE_TRIES: u32 = 5;
const GONE_MAX: usize = 65_536;

/// The responses of this gateway.
pub(super) struct Incoming {
    post: Arc<Post>,
    open: Mutex<HashMap<u64, Arc<Reception>>>,
    /// How many pieces they had.
    complete: Mutex<Recent<u64, u32>>,
    /// Whose client went away, which their gateway has not confirmed; and how often that was said.
    gone: Mutex<HashMap<u64, (u64, u32)>>,
    /// The last response that was open is not any more.
    emptied: Notify,
}

/// One response. Its gateway sends no more than a window ahead of what is taken.
struct Reception {
    owner: u64,
    key: SessionKey,
    request: u64,
    state: Mutex<State>,
}

struct State {
    /// While it may have to be asked for again.
    asking: Option<Asking>,
    refused: Option<Refused>,
    pieces: VecDeque<Bytes>,
    arrived: u32,
    taken: u32,
    /// What comes behind the pieces that arrived.
    next: Next,
    heard: Instant,
    waker: Option<Waker>,
}

/// The body of a response. Dropped before its end, the client went away.
pub(in super::super) struct ForwardedBody {
    incoming: Arc<Incoming>,
    reception: Arc<Reception>,
    is_over: bool,
}

impl Incoming {
    pub(super) fn new(post: Arc<Post>) -> Self {
        Self {
            post,
            open: Mutex::default(),
            complete: Mutex::new(Recent::new(COMPLETE_MAX, COMPLETE_FOR)),
            gone: Mutex::default(),
            emptied: Notify::new(),
        }
    }

    /// The body of the response to a request that `owner`, who has this session, is asked.
    pub(super) fn expect(
        self: &Arc<Self>,
        owner: u64,
        key: SessionKey,
        asking: Asking,
    ) -> ForwardedBody {
        let request = asking.request;
        let reception = Arc::new(Reception {
            owner,
            key,
            request,
            state: Mutex::new(State {
                asking: Some(asking),
                refused: None,
                pieces: VecDeque::new(),
                arrived: 0,
                taken: 0,
                next: Next::More,
                heard: Instant::now(),
                waker: None,
            }),
        });
        self.open.lock().insert(request, Arc::clone(&reception));
        ForwardedBody {
            incoming: Arc::clone(self),
            reception,
            is_over: false,
        }
    }

    /// The owner has heard what it is asked, or that a client went away.
    pub(super) fn accepted(&self, request: u64) {
        self.gone.lock().remove(&request);
        if let Some(reception) = self.find(request) {
            reception.state.lock().asking = None;
        }
    }

    pub(super) fn refused(&self, request: u64, refused: Refused) {
        if let Some(reception) = self.find(request) {
            let mut state = reception.state.lock();
            state.refused = Some(refused);
            state.wake();
        }
    }

    pub(super) fn piece(&self, from: u64, request: u64, number: u32, bytes: Bytes, next: Next) {
        if let Some(reception) = self.find(request) {
            if let Some(progress) = reception.state.lock().arrive(number, bytes, next) {
                self.post.tell(from, request, progress);
            }
            return;
        }
        let complete = self.complete.lock().get(&request).copied();
        let answer = match complete {
            Some(pieces) => Content::Progress {
                arrived: pieces,
                taken: pieces,
            },
            None => Content::Gone,
        };
        self.post.tell(from, request, answer);
    }

    /// Has every response end: its client asks anew, another gateway.
    pub(super) fn release_all(&self) {
        let open: Vec<_> = self.open.lock().values().cloned().collect();
        for reception in open {
            let Reception {
                owner,
                key,
                request,
                ..
            } = *reception;
            self.post.tell(owner, request, Content::Release(key));
        }
    }

    /// Waits until no response is open.
    pub(super) async fn emptied(&self) {
        loop {
            let emptied = self.emptied.notified();
            tokio::pin!(emptied);
            // On the list before the look, so that the last one is not missed.
            emptied.as_mut().enable();
            if self.open.lock().is_empty() {
                return;
            }
            emptied.await;
        }
    }

    /// Breaks off the responses of gateways that are gone, and those of which nothing was heard for
    /// longer than a session is silent; says again what clients went away.
    pub(super) fn look_at_clock(&self, members: &Members, silence_max: Duration) {
        let now = Instant::now();
        let open: Vec<_> = self.open.lock().values().cloned().collect();
        for reception in open {
            let mut state = reception.state.lock();
            let is_silent = state.heard + silence_max < now;
            if state.next == Next::More && (is_silent || !members.is_there(reception.owner)) {
                state.next = Next::Break;
                state.wake();
            }
        }
        self.gone.lock().retain(|request, (owner, tries)| {
            *tries += 1;
            let goes_on = *tries <= GONE_TRIES && members.is_there(*owner);
            if goes_on {
                self.post.tell(*owner, *request, Content::Gone);
            }
            goes_on
        });
    }

    fn find(&self, request: u64) -> Option<Arc<Reception>> {
        self.open.lock().get(&request).cloned()
    }
}

impl State {
    /// A piece comes. Answers what has to be said of it now; of one that the client's connection is
    /// about to take that is said then.
    fn arrive(&mut self, number: u32, bytes: Bytes, next: Next) -> Option<Content> {
        self.heard = Instant::now();
        self.asking = None;
        if number != self.arrived || self.next != Next::More {
            // It came before, or one before it is missing.
            return Some(self.progress());
        }
        let is_behind = !self.pieces.is_empty();
        self.arrived += 1;
        self.next = next;
        self.pieces.push_back(bytes);
        self.wake();
        is_behind.then(|| self.progress())
    }

    const fn progress(&self) -> Content {
        Content::Progress {
            arrived: self.arrived,
            taken: self.taken,
        }
    }

    fn wake(&mut self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

impl ForwardedBody {
    pub(super) fn request(&self) -> u64 {
        self.reception.request
    }

    /// Whether it may have to be asked for again: the owner has said nothing yet.
    pub(super) fn is_unheard(&self) -> bool {
        let state = self.reception.state.lock();
        state.asking.is_some() && state.refused.is_none()
    }

    /// Waits for the first piece. Cancel safe.
    ///
    /// # Errors
    /// [`Refused`]: there will be none.
    pub(super) async fn begun(&mut self) -> Result<(), Refused> {
        let begun = poll_fn(|cx| {
            let mut state = self.reception.state.lock();
            match state.refused {
                Some(refused) => return Poll::Ready(Err(refused)),
                None if !state.pieces.is_empty() => return Poll::Ready(Ok(())),
                None if state.next == Next::Break => {
                    return Poll::Ready(Err(Refused::Unavailable));
                }
                None => {}
            }
            keep(&mut state.waker, cx);
            Poll::Pending
        });
        let begun = begun.await;
        if begun.is_err() {
            self.is_over = true;
        }
        begun
    }
}

impl Body for ForwardedBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let mut state = self.reception.state.lock();
        let Some(piece) = state.pieces.pop_front() else {
            let end = match state.next {
                Next::More => {
                    keep(&mut state.waker, cx);
                    return Poll::Pending;
                }
                Next::End => None,
                Next::Break => Some(Err(ErrorKind::ConnectionAborted.into())),
            };
            drop(state);
            self.is_over = true;
            return Poll::Ready(end);
        };
        state.taken += 1;
        let is_last = state.pieces.is_empty() && state.next != Next::More;
        let (progress, pieces, next) = (state.progress(), state.taken, state.next);
        drop(state);
        let Reception { owner, request, .. } = *self.reception;
        if is_last {
            // Before it is said: the last piece may be said again.
            self.incoming.complete.lock().insert(request, pieces);
            self.is_over = true;
        }
        self.incoming.post.tell(owner, request, progress);
        Poll::Ready(match (piece.is_empty(), next) {
            (false, _) => Some(Ok(Frame::data(piece))),
            (true, Next::End) if is_last => None,
            (true, Next::Break) if is_last => Some(Err(ErrorKind::ConnectionAborted.into())),
            (true, _) => Some(Ok(Frame::data(piece))),
        })
    }

    fn is_end_stream(&self) -> bool {
        let state = self.reception.state.lock();
        state.next == Next::End && state.pieces.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        let state = self.reception.state.lock();
        let bytes: usize = state.pieces.iter().map(Bytes::len).sum();
        let mut hint = SizeHint::new();
        if state.next == Next::End {
            hint.set_exact(bytes as u64);
        }
        hint
    }
}

impl Drop for ForwardedBody {
    fn drop(&mut self) {
        let Reception { owner, request, .. } = *self.reception;
        let is_last = {
            let mut open = self.incoming.open.lock();
            open.remove(&request);
            open.is_empty()
        };
        if is_last {
            self.incoming.emptied.notify_waiters();
        }
        if !self.is_over {
            let mut gone = self.incoming.gone.lock();
            if gone.len() < GONE_MAX {
                gone.insert(request, (owner, 0));
            }
            drop(gone);
            self.incoming.post.tell(owner, request, Content::Gone);
        }
    }
}
