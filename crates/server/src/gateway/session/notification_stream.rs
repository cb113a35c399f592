//! Contract 2: a user's inbox as server-sent events, to a client that says nothing.

use std::sync::Arc;

use madang_domain::ports::BoxFuture;
use madang_domain::{Caller, RoomHead};
use madang_engine::{Ended, Engine, SubscriptionKey};

use super::super::Chat;
use super::super::framing::Framing;
use super::dialect::{Dialect, Done, Failure, Flow};
use super::driver::Core;
use super::feeds::Feed;
use super::render::Format;
use super::rooms::{Begin, Followed, Follower, Follows};
use crate::contracts::community::notifications::{
    CONNECTED, ERROR, EVENT, Gap, RESET, Seen, append, event_id,
};
use crate::contracts::community::{CommunityOptions, Said};
use crate::contracts::realtime::ServerEvent;

/// The state of such a stream.
pub(in super::super) struct NotificationStream {
    chat: Arc<Chat>,
    options: Arc<CommunityOptions>,
    /// Who it is and from where on, until the session has begun.
    asked: Option<Box<(Caller, Begin)>>,
    followed: Option<Box<Followed>>,
}

impl NotificationStream {
    /// `None` while the contract is switched off.
    pub(in super::super) fn new(chat: &Arc<Chat>, caller: Caller, start: Begin) -> Option<Self> {
        Some(Self {
            options: Arc::clone(chat.community.as_ref()?),
            chat: Arc::clone(chat),
            asked: Some(Box::new((caller, start))),
            followed: None,
        })
    }
}

impl Dialect for NotificationStream {
    fn begin(core: &mut Core<Self>) {
        if let Some(asked) = core.dialect.asked.take() {
            let (caller, start) = *asked;
            core.enter(caller, Follows::Inbox(start));
        }
    }

    fn errand(core: &mut Core<Self>) -> Option<BoxFuture<'static, Done<Self>>> {
        core.room_errand()
    }

    fn receive(_: &mut Core<Self>, input: &mut &[u8]) -> Flow {
        *input = &[];
        Flow::On
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

    fn append_failure(&self, framing: Framing, failure: &Failure, out: &mut Vec<u8>) {
        let said = Said::of(failure.error.code()).to_json();
        let mut event = Vec::new();
        append(None, ERROR, &said, &mut event);
        framing.append_text(&event, out);
    }
}

impl Follower for NotificationStream {
    /// It cannot speak; that it is gone shows when something is written.
    const SILENCE_MAX_MS: u64 = 0;

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
        Format::Notifications {
            user: caller.user.clone(),
            options: Arc::clone(&self.options),
        }
    }

    fn notifies(&self) -> bool {
        false
    }

    /// That it is connected, and from where on: a client that is cut off before the first
    /// notification resumes from there. That a part is gone has no word in the contract: it is an
    /// event that its clients pass over.
    fn tell(core: &mut Core<Self>, event: &ServerEvent<'_>) {
        match event {
            ServerEvent::Hello { inbox, .. } => {
                let seen = match inbox {
                    None => Some(Seen::Nothing),
                    Some(inbox) => inbox.began.map(Seen::UpTo),
                };
                core.append_event(seen, EVENT, CONNECTED);
            }
            ServerEvent::Reset { began, .. } => {
                let gap = Gap {
                    oldest: began.seq.next().get(),
                };
                let gap = serde_json::to_string(&gap).unwrap_or_default();
                core.append_event(Some(Seen::UpTo(*began)), RESET, &gap);
            }
            _ => {}
        }
    }
}

impl Core<NotificationStream> {
    /// Without an id where a client that is cut off now has to come back with the one it has.
    fn append_event(&mut self, seen: Option<Seen>, name: &str, data: &str) {
        let Some(followed) = self.dialect.followed.as_deref() else {
            return;
        };
        let now = self.dialect.chat.engine.now();
        let id = seen.map(|seen| event_id(&followed.caller.user, now, seen));
        let mut event = Vec::new();
        append(id.as_deref(), name, data, &mut event);
        let framing = self.session.framing;
        let mut outbox = self.session.outbox();
        outbox
            .queue
            .append(|buffer| framing.append_text(&event, buffer));
    }
}
