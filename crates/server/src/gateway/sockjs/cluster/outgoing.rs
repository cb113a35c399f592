//! The responses of this gateway's sessions that go to requests at others, piece by piece.
//!
//! A piece is kept until the other gateway says that the client's connection has taken it, and said
//! again while that gateway does not say that it arrived. What never arrives is lost: the session is
//! closed, so that its client resumes.

use std::collections::{HashMap, VecDeque};
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use hyper::body::Body as _;
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use super::members::{GONE_AFTER, Members};
use super::message::{Content, Next};
use super::post::Post;

/// Bytes of one piece.
const PIECE_BYTES_MAX: usize = 32 * 1024;

/// Bytes of pieces that a client's connection has not taken; the session's next ones wait beyond.
const WINDOW_BYTES: usize = 64 * 1024;

/// How long a piece is waited for to arrive before it is said again.
const AGAIN_AFTER: Duration = Duration::from_millis(250);

/// How often a gateway is asked for a client's connection that takes nothing.
const ASKED_EVERY: Duration = Duration::from_secs(1);

/// A response of this gateway by who asked for it.
pub(super) type Address = (u64, u64);

/// The responses that go elsewhere.
pub(super) struct Outgoing {
    post: Arc<Post>,
    open: Mutex<HashMap<Address, Arc<Delivery>>>,
}

/// What is known of one response.
#[derive(Default)]
struct Delivery {
    progress: Mutex<Progress>,
    changed: Notify,
}

#[derive(Debug, Default, Clone, Copy)]
struct Progress {
    arrived: u32,
    taken: u32,
    is_gone: bool,
    /// Something was heard since this was last looked at.
    is_heard: bool,
}

/// One response, on its way as long as this lives.
pub(super) struct OnTheWay {
    outgoing: Arc<Outgoing>,
    delivery: Arc<Delivery>,
    address: Address,
}

/// Frames may be lost.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Lost;

/// The pieces that were said and not taken.
struct Window {
    pieces: VecDeque<(Bytes, Next)>,
    bytes: usize,
    /// The number of the first of them, and of the next one.
    first: u32,
    next: u32,
    arrived: u32,
    heard: Instant,
    again_at: Instant,
}

impl Outgoing {
    pub(super) fn new(post: Arc<Post>) -> Self {
        Self {
            post,
            open: Mutex::default(),
        }
    }

    /// From now on what is said of the response is heard.
    pub(super) fn open(self: &Arc<Self>, address: Address) -> OnTheWay {
        let delivery = Arc::<Delivery>::default();
        self.open.lock().insert(address, Arc::clone(&delivery));
        OnTheWay {
            outgoing: Arc::clone(self),
            delivery,
            address,
        }
    }

    pub(super) fn progress(&self, address: Address, arrived: u32, taken: u32) {
        self.change(address, |progress| {
            progress.arrived = progress.arrived.max(arrived);
            progress.taken = progress.taken.max(taken);
            progress.is_heard = true;
        });
    }

    /// The client went away.
    pub(super) fn gone(&self, address: Address) {
        self.change(address, |progress| progress.is_gone = true);
    }

    pub(super) fn is_open(&self, address: Address) -> bool {
        self.open.lock().contains_key(&address)
    }

    /// The clients of gateways that are not there are gone with them.
    pub(super) fn look_at_clock(&self, members: &Members) {
        let open: Vec<_> = self.open.lock().keys().copied().collect();
        for address in open {
            if !members.is_there(address.0) {
                self.gone(address);
            }
        }
    }

    fn change(&self, address: Address, change: impl FnOnce(&mut Progress)) {
        let delivery = self.open.lock().get(&address).cloned();
        if let Some(delivery) = delivery {
            change(&mut delivery.progress.lock());
            delivery.changed.notify_one();
        }
    }
}

impl Delivery {
    fn look(&self) -> Progress {
        let mut progress = self.progress.lock();
        let seen = *progress;
        progress.is_heard = false;
        seen
    }
}

impl OnTheWay {
    /// Waits until the client has gone away. Cancel safe.
    pub(super) async fn gone(&self) {
        while !self.delivery.progress.lock().is_gone {
            self.delivery.changed.notified().await;
        }
    }

    /// Says the whole body, and waits until the client's connection has taken it.
    ///
    /// # Errors
    /// [`Lost`]: the client went away, or some of it never arrived.
    pub(super) async fn deliver(&self, mut body: Body) -> Result<(), Lost> {
        let mut window = Window::new();
        let mut rest = Some(Bytes::new());
        loop {
            if rest.is_none() && window.pieces.is_empty() {
                return Ok(());
            }
            if self.delivery.progress.lock().is_gone {
                return Err(Lost);
            }
            tokio::select! {
                piece = next_piece(&mut body, &mut rest), if window.has_space() && rest.is_some() => {
                    let (number, content) = window.push(piece);
                    self.say(number, content);
                }
                () = self.delivery.changed.notified() => window.heed(self.delivery.look()),
                () = sleep_until(window.again_at), if !window.pieces.is_empty() => {
                    if window.is_given_up() {
                        return Err(Lost);
                    }
                    for (number, content) in window.again() {
                        self.say(number, content);
                    }
                }
            }
        }
    }

    fn say(&self, number: u32, (bytes, next): (Bytes, Next)) {
        let (gateway, request) = self.address;
        let piece = Content::Piece {
            number,
            bytes,
            next,
        };
        self.outgoing.post.tell(gateway, request, piece);
    }
}

impl Drop for OnTheWay {
    fn drop(&mut self) {
        self.outgoing.open.lock().remove(&self.address);
    }
}

impl Window {
    fn new() -> Self {
        let now = Instant::now();
        Self {
            pieces: VecDeque::new(),
            bytes: 0,
            first: 0,
            next: 0,
            arrived: 0,
            heard: now,
            again_at: now,
        }
    }

    const fn has_space(&self) -> bool {
        self.bytes < WINDOW_BYTES
    }

    /// Adds a piece, and answers it with its number.
    fn push(&mut self, piece: (Bytes, Next)) -> (u32, (Bytes, Next)) {
        if self.pieces.is_empty() {
            self.heard = Instant::now();
        }
        let number = self.next;
        self.next += 1;
        self.bytes += piece.0.len();
        self.pieces.push_back(piece.clone());
        self.wait();
        (number, piece)
    }

    fn heed(&mut self, progress: Progress) {
        if progress.is_heard {
            self.heard = Instant::now();
        }
        self.arrived = self.arrived.max(progress.arrived.min(self.next));
        while self.first < progress.taken.min(self.next) {
            self.first += 1;
            if let Some((bytes, _)) = self.pieces.pop_front() {
                self.bytes -= bytes.len();
            }
        }
        self.wait();
    }

    fn wait(&mut self) {
        let pause = match self.arrived < self.next {
            true => AGAIN_AFTER,
            false => ASKED_EVERY,
        };
        self.again_at = Instant::now() + pause;
    }

    /// Nobody has said anything of it for so long that nobody will.
    fn is_given_up(&self) -> bool {
        self.heard + GONE_AFTER <= Instant::now()
    }

    /// What has not arrived; where all has, the last piece, so that the other gateway says how far
    /// its client's connection is.
    fn again(&mut self) -> Vec<(u32, (Bytes, Next))> {
        self.wait();
        let from = self
            .arrived
            .min(self.next.saturating_sub(1))
            .max(self.first);
        let skipped = (from - self.first) as usize;
        (from..)
            .zip(self.pieces.iter().skip(skipped).cloned())
            .collect()
    }
}

/// The next piece of the body; `rest` is what was read of it and not said, `None` once all was. Cancel
/// safe.
async fn next_piece(body: &mut Body, rest: &mut Option<Bytes>) -> (Bytes, Next) {
    let mut bytes = rest.clone().unwrap_or_default();
    while bytes.is_empty() {
        match poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx)).await {
            Some(Ok(frame)) => bytes = frame.into_data().unwrap_or_default(),
            Some(Err(_)) => {
                *rest = None;
                return (Bytes::new(), Next::Break);
            }
            None => {
                *rest = None;
                return (Bytes::new(), Next::End);
            }
        }
    }
    let piece = bytes.split_to(bytes.len().min(PIECE_BYTES_MAX));
    let is_last = bytes.is_empty() && body.is_end_stream();
    *rest = (!is_last).then_some(bytes);
    (piece, if is_last { Next::End } else { Next::More })
}
