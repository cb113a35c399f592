//! Application topics: plain fan-out to whoever listens now, nothing stored.

use std::sync::Arc;

use madang_domain::UserId;
use madang_domain::ports::Bus;

use super::listeners::{Listeners, Listening};
use super::outlet::{Outlet, SubscriptionKey};
use super::pattern::Destinations;
use super::patterns::{PatternSubscription, Patterns};
use super::users::{UserSubscription, Users};
use crate::event::TopicEvent;
use crate::telemetry::Telemetry;

/// What a topic subscription is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TopicSource {
    /// Destinations that everybody shares.
    Shared(Destinations),
    /// User destinations of this user, who must be the subscriber: named as the client names them,
    /// such as `/user/queue/x`, without the user.
    Own(UserId, Destinations),
}

/// Topic subscribers by destination.
pub struct Topics {
    exact: Listeners<Arc<str>, (Arc<dyn Outlet>, SubscriptionKey)>,
    patterns: Patterns,
    users: Arc<Users>,
    telemetry: Arc<dyn Telemetry>,
}

impl Topics {
    pub(super) fn new(bus: Arc<dyn Bus>, users: Arc<Users>, telemetry: Arc<dyn Telemetry>) -> Self {
        Self {
            exact: Listeners::new(Arc::clone(&bus)),
            patterns: Patterns::new(bus),
            users,
            telemetry,
        }
    }

    /// Adds a subscriber, which gets every event published from now on, each publisher's in the
    /// order published. A session gets an event once per subscription that it matches.
    #[must_use]
    pub fn subscribe(
        &self,
        source: &TopicSource,
        outlet: Arc<dyn Outlet>,
        key: SubscriptionKey,
    ) -> TopicSubscription {
        TopicSubscription {
            _held: match source {
                TopicSource::Shared(Destinations::One(destination)) => {
                    Held::Exact(self.exact.add(destination, (outlet, key)))
                }
                TopicSource::Shared(Destinations::Matching(pattern)) => {
                    Held::Pattern(self.patterns.subscribe(pattern, outlet, key))
                }
                TopicSource::Own(user, destinations) => {
                    Held::Own(
                        self.users
                            .subscribe(user, destinations.clone(), outlet, key),
                    )
                }
            },
        }
    }

    /// Offers `event` to every subscriber of its shared destination. Costs one lookup, besides
    /// what patterns cost while there are any.
    pub fn publish(&self, event: &Arc<TopicEvent>) {
        let mut offered = 0;
        self.exact.tell(&event.destination, |(outlet, key)| {
            outlet.offer_topic(*key, event);
            offered += 1;
        });
        offered += self.patterns.publish(event);
        self.telemetry.delivered_live(offered);
    }

    /// Offers `event` to `user`'s subscribers of the user destination. Costs one lookup and a look
    /// at each of the user's own subscriptions.
    pub fn publish_to_user(&self, user: &UserId, event: &Arc<TopicEvent>) {
        let offered = self.users.offer_topic(user, event);
        self.telemetry.delivered_live(offered);
    }
}

/// One topic subscription. Owned by a session; dropping it ends it.
pub struct TopicSubscription {
    _held: Held,
}

/// Held for its drop.
enum Held {
    Exact(#[expect(dead_code, reason = "its drop unsubscribes")] Exact),
    Pattern(#[expect(dead_code, reason = "its drop unsubscribes")] PatternSubscription),
    Own(#[expect(dead_code, reason = "its drop unsubscribes")] UserSubscription),
}

type Exact = Listening<Arc<str>, (Arc<dyn Outlet>, SubscriptionKey)>;
