//! Contract 3: a bare WebSocket on which a user gets the messages of all of their rooms but their
//! own, and says nothing.

use std::sync::Arc;

use madang_domain::ports::BoxFuture;
use madang_domain::{Caller, RoomHead};
use madang_engine::{Ended, Engine, SubscriptionKey};

use super::super::Chat;
use super::super::framing::Framing;
use super::dialect::{Dialect, Done, Failure, Flow};
use super::driver::Core;
use super::feeds::Feed;
use super::json::SILENCE_MAX_MS;
use super::render::Format;
use super::rooms::{Followed, Follower, Follows};
use crate::contracts::realtime::{ClientCommand, Request, ServerEvent, echo};

/// The state of such a session.
pub(in super::super) struct Direct {
    chat: Arc<Chat>,
    /// Who it is, until the session has begun.
    caller: Option<Box<Caller>>,
    followed: Option<Box<Followed>>,
}

impl Direct {
    pub(in super::super) fn new(chat: &Arc<Chat>, caller: Caller) -> Self {
        Self {
            chat: Arc::clone(chat),
            caller: Some(Box::new(caller)),
            followed: None,
        }
    }
}

impl Dialect for Direct {
    fn begin(core: &mut Core<Self>) {
        if let Some(caller) = core.dialect.caller.take() {
            core.enter(*caller, Follows::All(None));
        }
    }

    fn errand(core: &mut Core<Self>) -> Option<BoxFuture<'static, Done<Self>>> {
        core.room_errand()
    }

    /// Whatever else it says is ignored, as that system did.
    fn receive(core: &mut Core<Self>, input: &mut &[u8]) -> Flow {
        let text = std::mem::take(input);
        core.charge_frame();
        if let Ok(Request {
            id,
            command: Ok(ClientCommand::Ping {}),
        }) = Request::parse(text)
        {
            let id = echo(id.as_deref());
            let pong = ServerEvent::Pong { id: id.as_deref() }.to_json();
            let framing = core.session.framing;
            let mut outbox = core.session.outbox();
            outbox
                .queue
                .append(|buffer| framing.append_text(&pong, buffer));
        }
        if core.may_read() {
            Flow::On
        } else {
            Flow::Suspend
        }
    }

    fn feed(&mut self, key: SubscriptionKey) -> Option<&mut Feed> {
        self.followed()?.feed(key)
    }

    fn engine(&self) -> Option<&Arc<Engine>> {
        Some(&self.chat.engine)
    }

    fn tell_reset(core: &mut Core<Self>, key: SubscriptionKey, head: &RoomHead) {
        core.tell_gap(key, head);
    }

    fn tell_ended(core: &mut Core<Self>, key: SubscriptionKey, cause: Ended) {
        core.tell_left(key, cause);
    }

    /// The close code says it: this contract has no errors.
    fn append_failure(&self, _: Framing, _: &Failure, _: &mut Vec<u8>) {}
}

impl Follower for Direct {
    const SILENCE_MAX_MS: u64 = SILENCE_MAX_MS;

    fn followed(&mut self) -> Option<&mut Followed> {
        self.followed.as_deref_mut()
    }

    fn follow(&mut self, followed: Followed) {
        self.followed = Some(Box::new(followed));
    }

    fn chat(&self) -> &Arc<Chat> {
        &self.chat
    }

    fn format(&self, caller: &Caller) -> Format {
        Format::Direct {
            user: caller.user.clone(),
        }
    }

    fn notifies(&self) -> bool {
        false
    }

    fn shows_inbox(&self) -> bool {
        false
    }

    /// This contract knows messages only: that some are gone, or that a room joined or left, has no
    /// form in it, and shows over REST.
    fn tell(_: &mut Core<Self>, _: &ServerEvent<'_>) {}
}
