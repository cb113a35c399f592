//! What a protocol must do to live on a session.

use std::sync::Arc;

use madang_domain::{Error, RoomHead};
use madang_engine::{Ended, Engine, SubscriptionKey};

use super::super::framing::Framing;
use super::driver::Core;
use super::feeds::Feed;

/// What a finished command still has to do on the session.
pub(super) type Done<D> = Box<dyn FnOnce(&mut Core<D>) -> Result<(), Failure> + Send>;

/// A protocol's state machine. One per session, owned by its driver.
pub(in super::super) trait Dialect: Sized + Send + 'static {
    /// The connection is there; nothing was received.
    fn begin(core: &mut Core<Self>) {
        let _ = core;
    }

    /// Carries out what `input` holds and moves it past what was understood. What lies behind a
    /// command that waits stays in `input`.
    fn receive(core: &mut Core<Self>, input: &mut &[u8]) -> Flow;

    /// What the subscription reads from, if there is one of that key.
    fn feed(&mut self, key: SubscriptionKey) -> Option<&mut Feed>;

    /// Where its feeds read their logs; `None` for protocols without feeds.
    fn engine(&self) -> Option<&Arc<Engine>>;

    /// Part of what the client wants is gone: it is told what is the oldest there is.
    fn tell_reset(core: &mut Core<Self>, key: SubscriptionKey, head: &RoomHead);

    /// The subscription is over.
    fn tell_ended(core: &mut Core<Self>, key: SubscriptionKey, cause: Ended);

    /// Appends what the client is told of the failure that ends its session.
    fn append_failure(&self, framing: Framing, failure: &Failure, out: &mut Vec<u8>);
}

/// What to do with the bytes behind a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Flow {
    /// Go on.
    On,
    /// Keep them until the command is done.
    Suspend,
    /// Throw them away.
    Stop,
}

/// In whose words a failure is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Voice {
    /// Codes of the registry.
    Native,
    /// Codes of contract 1, where it has one.
    SupportDesk,
}

/// Why the session ends, and the frame that is to blame.
#[derive(Debug, Clone)]
pub(in super::super) struct Failure {
    pub(super) error: Error,
    /// The frame's `receipt`, if it had one.
    pub(super) receipt: Option<Box<str>>,
    pub(super) voice: Voice,
}

impl Failure {
    pub(super) fn new(error: impl Into<Error>, receipt: Option<&str>) -> Self {
        Self {
            error: error.into(),
            receipt: receipt.map(Box::from),
            voice: Voice::Native,
        }
    }

    pub(super) fn in_voice(self, voice: Voice) -> Self {
        Self { voice, ..self }
    }
}
