//! What subscriptions read from, and reading the log for those that are behind.

use std::sync::Arc;
use std::time::Duration;

use madang_domain::Code;
use madang_domain::ports::StoreError;
use madang_engine::{CatchUp, RoomSubscription, SubscriptionKey, TopicSubscription};

use super::dialect::{Dialect, Failure};
use super::driver::Core;
use super::outbox::Outbox;

/// How long a subscription waits to read the log again after the store failed.
pub(super) const STORE_RETRY: Duration = Duration::from_secs(1);

/// The source of one subscription's events.
pub(in super::super) enum Feed {
    Room(Arc<RoomSubscription>),
    /// Held for its drop, which ends it.
    Topic(#[expect(dead_code, reason = "its drop unsubscribes")] TopicSubscription),
    /// The hub ended it; the client may still unsubscribe.
    Over,
}

/// How far reading the log for one subscription came.
pub(super) struct CaughtUp {
    key: SubscriptionKey,
    outcome: Result<CatchUp, StoreError>,
}

impl<D: Dialect> Core<D> {
    /// Takes note of what the hub told this session since it last ran.
    pub(super) fn heed_hub(&mut self) {
        let mut outbox = self.session.outbox();
        if outbox.lagging.is_empty() && outbox.ended.is_empty() {
            return;
        }
        let Outbox {
            lagging,
            ended,
            heads,
            ..
        } = &mut *outbox;
        // Of a subscription that is still being made, the session hears once it has it.
        let made = |key: SubscriptionKey| !heads.get(key as usize).is_some_and(|head| head.held);
        let lagging: Vec<_> = lagging.extract_if(.., |key| made(*key)).collect();
        let ended: Vec<_> = ended.extract_if(.., |(key, _)| made(*key)).collect();
        drop(outbox);
        for key in lagging {
            if !self.behind.contains(&key) {
                self.behind.push_back(key);
            }
        }
        for (key, cause) in ended {
            self.end_feed(key, cause);
        }
    }

    /// Starts reading the log for the next subscription that is behind, once most of what was
    /// queued before is written. Answers whether it did.
    pub(super) fn begin_catch_up(&mut self) -> bool {
        let Some(key) = self.next_behind() else {
            return false;
        };
        let half = self.session.shared.limits.queue_bytes_max / 2;
        let mut outbox = self.session.outbox();
        if outbox.waiting() > half {
            outbox.waits_for_space = true;
            return false;
        }
        drop(outbox);
        let engine = self.dialect.engine().map(Arc::clone);
        let (Some(Feed::Room(subscription)), Some(engine)) = (self.dialect.feed(key), engine)
        else {
            self.behind.retain(|behind| *behind != key);
            return self.begin_catch_up();
        };
        let subscription = Arc::clone(subscription);
        let outlet = Arc::clone(&self.session);
        self.catching_up = Some(Box::pin(async move {
            let outcome = subscription.catch_up(engine.store(), &*outlet, key).await;
            // What is damaged stays so.
            if matches!(&outcome, Err(error) if !matches!(error, StoreError::Corrupt(_))) {
                tokio::time::sleep(STORE_RETRY).await;
            }
            CaughtUp { key, outcome }
        }));
        true
    }

    /// The first subscription that is behind and may be sent more: one whose client owes too many
    /// acknowledgements waits for them.
    fn next_behind(&self) -> Option<SubscriptionKey> {
        let outbox = self.session.outbox();
        let may_go_on = |key: &&SubscriptionKey| {
            let acks = outbox
                .heads
                .get(**key as usize)
                .and_then(|head| head.acks.as_ref());
            !acks.is_some_and(|acks| acks.is_full())
        };
        self.behind.iter().find(may_go_on).copied()
    }

    pub(super) fn caught_up(&mut self, CaughtUp { key, outcome }: CaughtUp) {
        match outcome {
            Ok(CatchUp::Live) => self.behind.retain(|behind| *behind != key),
            Ok(CatchUp::Full) => {
                // The others get their turn first.
                self.behind.retain(|behind| *behind != key);
                self.behind.push_back(key);
            }
            Ok(CatchUp::Reset(head)) => D::tell_reset(self, key, &head),
            Ok(CatchUp::Ended(cause)) => {
                self.behind.retain(|behind| *behind != key);
                self.end_feed(key, cause);
            }
            Err(error @ StoreError::Corrupt(_)) => {
                tracing::error!(session = self.session.id, %error, "a log could not be read");
                self.behind.retain(|behind| *behind != key);
                self.fail(Failure::new(Code::Internal, None));
            }
            Err(error) => {
                tracing::warn!(session = self.session.id, %error, "a log could not be read");
            }
        }
    }

    /// The subscription is dropped: nothing of it goes out any more.
    pub(super) fn forget_feed(&mut self, key: SubscriptionKey) {
        if self.behind.contains(&key) {
            // What reads the log may be reading this one's.
            self.behind.retain(|behind| *behind != key);
            self.catching_up = None;
        }
        self.session.outbox().forget(key);
    }

    fn end_feed(&mut self, key: SubscriptionKey, cause: madang_engine::Ended) {
        let Some(feed) = self.dialect.feed(key) else {
            return;
        };
        *feed = Feed::Over;
        D::tell_ended(self, key, cause);
    }
}
