//! Which of a user's rooms a session shows: it takes what [`super::join`] found, and where there is no
//! space for a room another is shown no more. Those that the client resumed stay longest.

use std::sync::Arc;

use madang_domain::RoomId;
use madang_engine::SubscriptionKey;

use super::super::driver::Core;
use super::super::feeds::Feed;
use super::{FollowedRoom, Follower, Joined};
use crate::contracts::realtime::{RoomChange, RoomName, ServerEvent};

impl<D: Follower> Core<D> {
    /// Tells of a room that became the user's and shows it, unless it is shown already.
    pub(in super::super) fn joined(&mut self, joined: Joined) {
        let Some(followed) = self.dialect.followed() else {
            return;
        };
        if let Some(shown) = followed.room(&joined.room.id) {
            if shown.began.epoch == joined.room.head.epoch {
                return joined.discard(&self.session);
            }
            // Deleted and made again: the old one's log is another.
            let key = shown.key;
            self.leave(|one| one.key == key);
        }
        if !joined.is_inbox() {
            if !self.make_space(|one| !one.is_resumed) {
                self.make_space(|_| true);
            }
            self.tell_joined(&joined);
        }
        self.add(joined);
    }

    fn tell_joined(&mut self, joined: &Joined) {
        let shown = joined.shown();
        let change = RoomChange::Joined { room: &shown };
        D::tell(self, &ServerEvent::Room(change));
    }

    /// Makes space for one more room of people, where there is none by showing one that `may_go` no
    /// more. Answers whether there is space.
    fn make_space(&mut self, may_go: impl Fn(&FollowedRoom) -> bool) -> bool {
        let maximum = D::rooms_max(&self.session.shared.limits);
        let Some(followed) = self.dialect.followed() else {
            return false;
        };
        if followed.of_people() < maximum {
            return true;
        }
        let Some(hidden) = followed.take(|one| !one.id.is_inbox() && may_go(one)) else {
            return false;
        };
        let FollowedRoom { id, key, feed, .. } = hidden;
        drop(feed);
        self.forget_feed(key);
        self.tell_hidden(&id);
        true
    }

    fn tell_hidden(&mut self, id: &RoomId) {
        let room = RoomName { id: id.shown() };
        D::tell(self, &ServerEvent::Room(RoomChange::Hidden { room }));
    }

    pub(super) fn add(&mut self, joined: Joined) {
        let (key, live) = (joined.key, joined.live);
        self.hold(joined);
        self.let_go(key, live);
    }

    /// Keeps a subscription of which the client has not been told yet.
    fn hold(&mut self, joined: Joined) {
        let Joined {
            room,
            position,
            key,
            subscription,
            is_resumed,
            ..
        } = joined;
        let Some(followed) = self.dialect.followed() else {
            return;
        };
        followed.newest_told = followed.newest_told.max(room.number);
        followed.rooms.push(FollowedRoom {
            id: room.id.clone(),
            key,
            feed: Feed::Room(Arc::new(subscription)),
            began: position,
            told: room.support().cloned(),
            is_resumed,
        });
    }

    /// The client has been told of the subscription: its events may go out.
    fn let_go(&mut self, key: SubscriptionKey, live: bool) {
        if let Some(head) = self.session.outbox().heads.get_mut(key as usize) {
            head.held = false;
        }
        if !live && !self.behind.contains(&key) {
            self.behind.push_back(key);
        }
        // What the hub said of it while it was held.
        self.heed_hub();
    }

    /// Shows a room from another position on, in another's place if it is not shown yet. Answers the
    /// key to be let go of, once the client has been told; `None` when there is no space for it.
    pub(in super::super) fn resume(&mut self, joined: Joined) -> Option<(SubscriptionKey, bool)> {
        let resumed = (joined.key, joined.live);
        let followed = self.dialect.followed()?;
        if let Some(one) = followed.room(&joined.room.id) {
            let feed = Feed::Room(Arc::new(joined.subscription));
            let old = std::mem::replace(&mut one.key, joined.key);
            one.began = joined.position;
            one.is_resumed = true;
            drop(std::mem::replace(&mut one.feed, feed));
            self.forget_feed(old);
            return Some(resumed);
        }
        if joined.is_inbox() {
            joined.discard(&self.session);
            return None;
        }
        if !self.make_space(|one| !one.is_resumed) {
            self.tell_hidden(&joined.room.id);
            joined.discard(&self.session);
            return None;
        }
        self.tell_joined(&joined);
        self.hold(joined);
        Some(resumed)
    }

    /// Lets go of what [`Core::resume`] answered.
    pub(in super::super) fn resumed(&mut self, subscriptions: Vec<(SubscriptionKey, bool)>) {
        for (key, live) in subscriptions {
            self.let_go(key, live);
        }
    }
}
