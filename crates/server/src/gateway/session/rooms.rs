//! The rooms of a user, on a session that shows them without being asked.
//!
//! The session attends to the user first, then lists the rooms, then subscribes to each: no change
//! falls in between. Whatever changes later is noted in the outbox ([`super::notes`]); an errand
//! looks it up beside the session's commands. A new subscription is held until the client has been
//! told of its room, so that none of its messages comes first.

mod choose;
mod join;
mod looks;
mod showing;

#[cfg(test)]
mod samples;

use std::sync::Arc;

use madang_domain::{Caller, Code, Epoch, Position, RoomHead, RoomId, Support};
use madang_engine::{
    DestinationPattern, Destinations, Ended, SubscriptionKey, TopicSource, TopicSubscription,
    UserSubscription,
};
use madang_wire::websocket::CloseCode;

use super::super::{Chat, SessionLimits};
use super::dialect::{Dialect, Done, Failure};
use super::driver::{Core, Ending};
use super::feeds::Feed;
use super::render::{Format, Head};
use crate::contracts::realtime::{LiveRoom, RoomChange, RoomName, ServerEvent};
pub(in super::super) use join::{Begin, Follows};
use join::{Entered, Found};
pub(super) use join::{Joined, Joiner, Theirs};
use looks::Looks;

/// What the host publishes for a user, behind the prefix of users' own destinations: all of it, as
/// nothing but topics can be published there.
const NOTIFICATIONS: &str = "/**";

/// A dialect that shows a user's rooms.
pub(in super::super) trait Follower: Dialect {
    /// How long the client may be silent, in milliseconds; 0 for ever.
    const SILENCE_MAX_MS: u64;

    /// How many rooms a session shows.
    fn rooms_max(limits: &SessionLimits) -> usize {
        limits.rooms_max
    }

    /// What is followed; `None` until [`Core::enter`] is through.
    fn followed(&mut self) -> Option<&mut Followed>;

    /// Keeps what is followed from now on.
    fn follow(&mut self, followed: Followed);

    fn chat(&self) -> &Arc<Chat>;

    /// Whether the user's inbox is shown too.
    fn shows_inbox(&self) -> bool {
        true
    }

    /// How this caller's events look.
    fn format(&self, caller: &Caller) -> Format;

    /// Whether the user's notifications are shown too.
    fn notifies(&self) -> bool;

    /// Appends an event that is not of a log, where the dialect shows it.
    fn tell(core: &mut Core<Self>, event: &ServerEvent<'_>);
}

/// What a session shows of its user. Bounded by `rooms_max`: another takes a room's place.
pub(in super::super) struct Followed {
    pub(super) caller: Caller,
    /// The one room that is shown; `None` shows all.
    only: Option<RoomId>,
    /// Most people have one or two. First those that make room for others first.
    rooms: Vec<FollowedRoom>,
    /// What is still to be looked up. At most what is shown or noted.
    looks: Looks,
    /// The greatest number of a room that the session listed or told.
    newest_told: u64,
    /// Held for their drop, which ends them.
    _attending: UserSubscription,
    _notifications: Option<TopicSubscription>,
}

struct FollowedRoom {
    id: RoomId,
    key: SubscriptionKey,
    feed: Feed,
    /// Where its live stream began.
    began: Position,
    /// What the client knows of it, of a support room.
    told: Option<Support>,
    /// Whether the client asked for it by a position: it stays longer than those that it did not.
    is_resumed: bool,
}

/// What was followed when an errand began.
pub(super) struct Known {
    id: RoomId,
    key: SubscriptionKey,
    epoch: Epoch,
}

impl Followed {
    /// Whether the room is among those shown.
    pub(super) fn has(&self, room: &RoomId) -> bool {
        self.rooms.iter().any(|one| one.id == *room)
    }

    fn of_people(&self) -> usize {
        self.rooms.iter().filter(|one| !one.id.is_inbox()).count()
    }

    pub(super) fn feed(&mut self, key: SubscriptionKey) -> Option<&mut Feed> {
        let mut rooms = self.rooms.iter_mut();
        rooms.find(|one| one.key == key).map(|one| &mut one.feed)
    }

    fn room(&mut self, id: &RoomId) -> Option<&mut FollowedRoom> {
        self.rooms.iter_mut().find(|one| one.id == *id)
    }

    fn take(&mut self, fits: impl Fn(&FollowedRoom) -> bool) -> Option<FollowedRoom> {
        let index = self.rooms.iter().position(fits)?;
        Some(self.rooms.remove(index))
    }

    /// What is shown of these rooms.
    fn known(&self, of: &Looks) -> Vec<Known> {
        let known = |one: &FollowedRoom| Known {
            id: one.id.clone(),
            key: one.key,
            epoch: one.began.epoch,
        };
        let rooms = self.rooms.iter().filter(|one| of.contains_key(&one.id));
        rooms.map(known).collect()
    }
}

impl<D: Follower> Core<D> {
    /// Shows the rooms of a caller who is known now: a command that waits.
    pub(super) fn enter(&mut self, caller: Caller, follows: Follows) {
        let identity = Arc::clone(&self.dialect.chat().identity);
        if let Err(error) = self.take_place(&caller, &*identity) {
            return self.fail(Failure::new(error, None));
        }
        self.set_out(&caller);
        self.session.outbox().notes = Some(Box::default());
        let joiner = self.joiner(caller);
        self.command = Some(Box::pin(async move {
            let outcome = joiner.enter(follows).await;
            let done: Done<D> = Box::new(move |core| {
                let entered = outcome.map_err(|error| Failure::new(error, None))?;
                core.entered(joiner.caller, entered);
                Ok(())
            });
            done
        }));
    }

    fn set_out(&self, caller: &Caller) {
        let now = self.dialect.chat().engine.now();
        self.session.admit(caller, now, |timing| {
            timing.silence_max = D::SILENCE_MAX_MS;
        });
    }

    pub(super) fn joiner(&self, caller: Caller) -> Joiner {
        Joiner {
            chat: Arc::clone(self.dialect.chat()),
            session: Arc::clone(&self.session),
            format: self.dialect.format(&caller),
            rooms_max: D::rooms_max(&self.session.shared.limits),
            shows_inbox: self.dialect.shows_inbox(),
            caller,
        }
    }

    fn entered(&mut self, caller: Caller, entered: Entered) {
        let Entered {
            attending,
            only,
            resumed,
            fresh,
            more,
            newest_told,
            inbox,
        } = entered;
        let user = caller.user.clone();
        let notifications = only.is_none() && self.dialect.notifies();
        let notifications = notifications.then(|| self.notifications(&caller));
        let mut followed = Followed {
            caller,
            only,
            rooms: Vec::new(),
            looks: Looks::new(),
            newest_told,
            _attending: attending,
            _notifications: notifications,
        };
        followed.rooms.reserve_exact(resumed.len() + fresh.len());
        self.dialect.follow(followed);
        let of_people = resumed.iter().filter(|joined| !joined.is_inbox());
        let rooms: Vec<_> = of_people.map(Joined::shown).collect();
        let session = self.session.session_name();
        D::tell(
            self,
            &ServerEvent::Hello {
                user: user.as_str(),
                session: &session,
                rooms: &rooms,
                more,
                inbox,
            },
        );
        // They came newest first.
        for joined in fresh.into_iter().rev() {
            self.joined(joined);
        }
        for joined in resumed.into_iter().rev() {
            self.add(joined);
        }
    }

    /// From now on: what came before the client was told who it is was for nobody here.
    fn notifications(&self, caller: &Caller) -> TopicSubscription {
        let mut head = Head::live(self.dialect.format(caller), None);
        head.held = false;
        let key = self.session.insert_head(head);
        let prefix = &self.dialect.chat().destinations.topics.user;
        let pattern = notifications(&format!("{prefix}{NOTIFICATIONS}"));
        let source = TopicSource::Own(caller.user.clone(), pattern);
        let outlet = Arc::clone(&self.session);
        self.dialect
            .chat()
            .engine
            .subscribe_topic(&source, outlet, key)
    }

    fn found(&mut self, found: Found, known: &[Known]) {
        match found {
            Found::Joined(joined) => self.joined(*joined),
            Found::Theirs(room) => {
                let Some(followed) = self.dialect.followed() else {
                    return;
                };
                let followed = followed.room(&room.id);
                let changed = followed.filter(|one| one.told.as_ref() != room.support());
                if let Some(one) = changed {
                    one.told = room.support().cloned();
                    let shown = LiveRoom::new(&room, one.began);
                    let change = RoomChange::Changed { room: &shown };
                    D::tell(self, &ServerEvent::Room(change));
                }
            }
            Found::NotTheirs(id) => {
                let key = self.dialect.followed().and_then(|all| all.room(&id));
                let Some(key) = key.map(|one| one.key) else {
                    return;
                };
                if known.iter().any(|one| one.id == id && one.key == key) {
                    self.leave(|one| one.key == key);
                } else {
                    // It came to them during the look.
                    self.session.outbox().note_room(&id, None);
                }
            }
        }
    }

    fn leave(&mut self, fits: impl Fn(&FollowedRoom) -> bool) {
        let followed = self.dialect.followed();
        let Some(left) = followed.and_then(|followed| followed.take(fits)) else {
            return;
        };
        let FollowedRoom { id, key, feed, .. } = left;
        drop(feed);
        self.forget_feed(key);
        if !id.is_inbox() {
            let room = RoomName { id: id.shown() };
            D::tell(self, &ServerEvent::Room(RoomChange::Left { room }));
        }
        let only = self
            .dialect
            .followed()
            .is_some_and(|all| all.only.is_some());
        if only {
            // Nothing more will come.
            self.end(Ending::Asked(Some(CloseCode::NORMAL)));
        }
    }

    /// The hub ended a subscription. The room may be the user's all the same: made again, or
    /// theirs once more.
    pub(super) fn tell_left(&mut self, key: SubscriptionKey, cause: Ended) {
        let followed = self.dialect.followed();
        let id = followed.and_then(|all| {
            let mut rooms = all.rooms.iter();
            rooms.find(|one| one.key == key).map(|one| one.id.clone())
        });
        let Some(id) = id else { return };
        tracing::debug!(session = self.session.id, code = %cause.code(), "a room was left");
        self.leave(|one| one.key == key);
        self.session.outbox().note_room(&id, None);
    }

    /// Part of what a room's follower wants is gone.
    pub(super) fn tell_gap(&mut self, key: SubscriptionKey, head: &RoomHead) {
        let followed = self.dialect.followed();
        let room = followed.and_then(|all| {
            let mut rooms = all.rooms.iter_mut();
            rooms.find(|one| one.key == key)
        });
        let Some(room) = room else { return };
        let oldest = Position {
            epoch: head.epoch,
            seq: head.oldest,
        };
        // Where it goes on from, so that a later change of the room is told in its present life.
        room.began = join::before_oldest(head);
        let (id, began) = (room.id.clone(), room.began);
        self.session.outbox().stand_at(key, began);
        D::tell(
            self,
            &ServerEvent::Reset {
                room: (!id.is_inbox()).then(|| id.shown()),
                oldest: oldest.to_string(),
                began,
                head: head.position().to_string(),
                oldest_seq: head.oldest.get(),
                last_seq: head.last.get(),
            },
        );
    }
}

/// Everything that is published for one user.
fn notifications(pattern: &str) -> Destinations {
    match DestinationPattern::parse(pattern) {
        Ok(pattern) => Destinations::Matching(pattern),
        Err(_) => Destinations::One(Arc::from(pattern)),
    }
}

/// Whether the caller has lost, or never had, a right to the room, and nothing worse.
fn is_not_theirs(code: Code) -> bool {
    matches!(code, Code::RoomNotFound | Code::NotYourRoom)
}
