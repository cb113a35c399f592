//! Texts for an application that is no chat: what the SockJS layer is tested with.

use std::sync::Arc;

use madang_domain::{Code, RoomHead};
use madang_engine::{Ended, Engine, SubscriptionKey};

use super::super::framing::Framing;
use super::Session;
use super::dialect::{Dialect, Failure, Flow};
use super::driver::{Core, Ending};
use super::feeds::Feed;

/// One session's application.
pub trait Application: Send + 'static {
    /// The session is open.
    fn opened(&mut self, client: &Client) -> Reaction;

    /// The client sent a message. Must not block.
    fn received(&mut self, text: &str, client: &Client) -> Reaction;
}

/// What becomes of the session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reaction {
    /// It goes on.
    Continue,
    /// It is closed behind what was sent, with a code and a reason.
    Close(u16, &'static str),
}

/// The client at the other end. Cheap to clone; keeps nothing open.
#[derive(Clone)]
pub struct Client(Arc<Session>);

impl Client {
    /// Sends a message, behind those that wait. A client that reads too slowly is sent away.
    pub fn send(&self, text: &str) {
        let session = &self.0;
        let mut outbox = session.outbox();
        if outbox.waiting() >= session.shared.limits.queue_bytes_max {
            drop(outbox);
            return session.end(Code::SlowConsumer.into());
        }
        outbox
            .queue
            .append(|buffer| session.framing.append_text(text.as_bytes(), buffer));
        session.mark(&mut outbox);
    }

    /// Whether the session is over.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        self.0.outbox().state == super::outbox::WriteState::Dead
    }
}

/// The dialect of an application's sessions.
pub(in super::super) struct Plain<A>(pub(in super::super) A);

impl<A: Application> Plain<A> {
    fn react(core: &mut Core<Self>, reaction: Reaction) -> Flow {
        match reaction {
            Reaction::Continue => Flow::On,
            Reaction::Close(code, reason) => {
                core.end(Ending::Closed(code, reason.into()));
                Flow::Stop
            }
        }
    }
}

impl<A: Application> Dialect for Plain<A> {
    fn begin(core: &mut Core<Self>) {
        core.session.set_timing(|timing| timing.connect_by = 0);
        // Nobody has to say who they are.
        core.session.stream.set_identified();
        let client = Client(Arc::clone(&core.session));
        let reaction = core.dialect.0.opened(&client);
        Self::react(core, reaction);
    }

    fn receive(core: &mut Core<Self>, input: &mut &[u8]) -> Flow {
        let client = Client(Arc::clone(&core.session));
        let text = String::from_utf8_lossy(input);
        let reaction = core.dialect.0.received(&text, &client);
        *input = &[];
        Self::react(core, reaction)
    }

    fn feed(&mut self, _: SubscriptionKey) -> Option<&mut Feed> {
        None
    }

    fn engine(&self) -> Option<&Arc<Engine>> {
        None
    }

    fn tell_reset(_: &mut Core<Self>, _: SubscriptionKey, _: &RoomHead) {}

    fn tell_ended(_: &mut Core<Self>, _: SubscriptionKey, _: Ended) {}

    fn append_failure(&self, _: Framing, _: &Failure, _: &mut Vec<u8>) {}
}
