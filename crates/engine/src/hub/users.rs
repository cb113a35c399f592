//! Users with their sessions on this node: whoever shows all of a user's rooms, and whoever listens
//! to a user's own destinations.

use std::sync::Arc;

use madang_domain::ports::{Bus, PresenceEdge};
use madang_domain::{Position, RoomId, UserId};

use super::listeners::{Listeners, Listening};
use super::outlet::{Outlet, SubscriptionKey};
use super::pattern::Destinations;
use crate::event::TopicEvent;

/// Sessions by user.
pub struct Users {
    listeners: Listeners<UserId, Listener>,
}

struct Listener {
    outlet: Arc<dyn Outlet>,
    key: SubscriptionKey,
    interest: Interest,
}

enum Interest {
    /// Which rooms are the user's.
    Rooms,
    /// What is published to the user there.
    Destinations(Destinations),
    /// Whether the user is online; told to this user while they may see it, to nobody in particular
    /// always.
    Presence(Option<UserId>),
}

impl Users {
    pub(super) fn new(bus: Arc<dyn Bus>) -> Self {
        Self {
            listeners: Listeners::new(bus),
        }
    }

    /// Has a session told of every change of `user`'s rooms from now on. The session lists the
    /// rooms after this call, so that no change falls between the two.
    #[must_use]
    pub fn attend(
        &self,
        user: &UserId,
        outlet: Arc<dyn Outlet>,
        key: SubscriptionKey,
    ) -> UserSubscription {
        self.add(user, outlet, key, Interest::Rooms)
    }

    pub(super) fn subscribe(
        &self,
        user: &UserId,
        destinations: Destinations,
        outlet: Arc<dyn Outlet>,
        key: SubscriptionKey,
    ) -> UserSubscription {
        self.add(user, outlet, key, Interest::Destinations(destinations))
    }

    /// Has a session told when `user` goes online or offline. `watcher` is to be asked about each
    /// time; `None` sees everybody.
    #[must_use]
    pub fn watch(
        &self,
        user: &UserId,
        watcher: Option<UserId>,
        outlet: Arc<dyn Outlet>,
        key: SubscriptionKey,
    ) -> UserSubscription {
        self.add(user, outlet, key, Interest::Presence(watcher))
    }

    /// Whether anybody here watches the user who is to be asked about.
    #[must_use]
    pub fn is_watched(&self, user: &UserId) -> bool {
        let mut is_watched = false;
        self.listeners.tell(user, |listener| {
            is_watched |= matches!(listener.interest, Interest::Presence(Some(_)));
        });
        is_watched
    }

    /// Those who watch the user here and are to be asked about, each once, sorted.
    #[must_use]
    pub fn watchers(&self, user: &UserId) -> Vec<UserId> {
        let mut watchers = Vec::new();
        self.listeners.tell(user, |listener| {
            if let Interest::Presence(Some(watcher)) = &listener.interest {
                watchers.push(watcher.clone());
            }
        });
        watchers.sort_unstable();
        watchers.dedup();
        watchers
    }

    /// Tells those who watch the user here and see everybody.
    pub fn tell_overseers(&self, edge: &PresenceEdge) {
        self.tell_watchers(edge, |watcher| watcher.is_none());
    }

    /// Tells those who watch the user here, are to be asked about and `may_see` them.
    pub fn tell_acquainted(&self, edge: &PresenceEdge, may_see: impl Fn(&UserId) -> bool) {
        self.tell_watchers(edge, |watcher| watcher.is_some_and(&may_see));
    }

    fn tell_watchers(&self, edge: &PresenceEdge, is_meant: impl Fn(Option<&UserId>) -> bool) {
        self.listeners.tell(&edge.user, |listener| {
            if let Interest::Presence(watcher) = &listener.interest
                && is_meant(watcher.as_ref())
            {
                listener.outlet.presence_changed(listener.key, edge);
            }
        });
    }

    fn add(
        &self,
        user: &UserId,
        outlet: Arc<dyn Outlet>,
        key: SubscriptionKey,
        interest: Interest,
    ) -> UserSubscription {
        let listener = Listener {
            outlet,
            key,
            interest,
        };
        UserSubscription {
            _listening: self.listeners.add(user, listener),
        }
    }

    /// Offers `event` once to each of `user`'s subscriptions that it is for; answers to how many.
    pub(super) fn offer_topic(&self, user: &UserId, event: &Arc<TopicEvent>) -> usize {
        let mut offered = 0;
        self.listeners.tell(user, |listener| {
            if listener.interest.includes(&event.destination) {
                listener.outlet.offer_topic(listener.key, event);
                offered += 1;
            }
        });
        offered
    }

    /// Tells `user`'s attending sessions here that `room` may have become, ceased to be, or changed
    /// as one of theirs. `since` is as [`Outlet::rooms_changed`] has it.
    pub fn rooms_changed(&self, user: &UserId, room: &RoomId, since: Option<Position>) {
        self.listeners.tell(user, |listener| {
            if matches!(listener.interest, Interest::Rooms) {
                listener.outlet.rooms_changed(listener.key, room, since);
            }
        });
    }

    /// Tells every attending session here that changes may have been missed.
    pub fn rooms_unknown(&self) {
        self.listeners.tell_all(|listener| {
            if matches!(listener.interest, Interest::Rooms) {
                listener.outlet.rooms_unknown(listener.key);
            }
        });
    }
}

impl Interest {
    fn includes(&self, destination: &str) -> bool {
        match self {
            Self::Rooms | Self::Presence(_) => false,
            Self::Destinations(destinations) => destinations.include(destination),
        }
    }
}

/// A session's interest in a user. Owned by the session; dropping it ends it.
pub struct UserSubscription {
    _listening: Listening<UserId, Listener>,
}
