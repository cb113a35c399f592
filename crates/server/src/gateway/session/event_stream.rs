//! Server-sent events: a user's rooms, or one room, to a client that says nothing.

use std::sync::Arc;

use madang_domain::ports::BoxFuture;
use madang_domain::{Caller, RoomHead};
use madang_engine::{Ended, Engine, SubscriptionKey};

use super::super::framing::Framing;
use super::super::{Chat, SessionLimits};
use super::dialect::{Dialect, Done, Failure, Flow};
use super::driver::Core;
use super::feeds::Feed;
use super::live;
use super::render::{EventId, Format};
use super::rooms::{Followed, Follower, Follows};
use crate::contracts::realtime::{ErrorBody, RoomChange, ServerEvent};

/// The state of an event stream.
pub(in super::super) struct EventStream {
    chat: Arc<Chat>,
    /// What names the events of messages.
    id: EventId,
    /// Who it is and what they want, until the session has begun.
    asked: Option<Box<(Caller, Follows)>>,
    followed: Option<Box<Followed>>,
}

impl EventStream {
    pub(in super::super) fn new(chat: &Arc<Chat>, caller: Caller, follows: Follows) -> Self {
        Self {
            chat: Arc::clone(chat),
            id: match follows {
                Follows::All(_) => EventId::Places,
                Follows::One(..) | Follows::Inbox(_) => EventId::Position,
            },
            asked: Some(Box::new((caller, follows))),
            followed: None,
        }
    }
}

impl Dialect for EventStream {
    fn begin(core: &mut Core<Self>) {
        if let Some(asked) = core.dialect.asked.take() {
            let (caller, follows) = *asked;
            core.enter(caller, follows);
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
        let error = ErrorBody::from(&failure.error);
        let mut event = Vec::new();
        live::append_event(&ServerEvent::Error { id: None, error }, &mut event);
        framing.append_text(&event, out);
    }
}

impl Follower for EventStream {
    /// It cannot speak; that it is gone shows when something is written.
    const SILENCE_MAX_MS: u64 = 0;

    fn rooms_max(limits: &SessionLimits) -> usize {
        limits.rooms_max.min(limits.stream_rooms_max)
    }

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
        Format::EventStream {
            user: caller.user.clone(),
            id: self.id,
        }
    }

    fn notifies(&self) -> bool {
        true
    }

    /// Where rooms begin is named too: a client that is cut off before the first message resumes
    /// from there. Where a room begins anew is named by `reset` itself: who is cut off before it is
    /// told again.
    fn tell(core: &mut Core<Self>, event: &ServerEvent<'_>) {
        let framing = core.session.framing;
        let mut outbox = core.session.outbox();
        let mut out = Vec::new();
        match (core.dialect.id, event) {
            (EventId::Position, ServerEvent::Hello { rooms, .. }) => {
                if let Some(room) = rooms.first().filter(|room| !room.is_reset) {
                    live::append_id(&room.position, &mut out);
                }
            }
            (EventId::Position, ServerEvent::Reset { began, .. }) => {
                live::append_id(&began.to_string(), &mut out);
            }
            (
                EventId::Places,
                ServerEvent::Hello { .. }
                | ServerEvent::Room(RoomChange::Joined { .. })
                | ServerEvent::Reset { .. },
            ) => out = outbox.places_id(),
            _ => {}
        }
        live::append_event(event, &mut out);
        outbox
            .queue
            .append(|buffer| framing.append_text(&out, buffer));
    }
}
