//! SUBSCRIBE and UNSUBSCRIBE.

use std::sync::Arc;

use madang_domain::{Code, Error, Position, RoomHead, RoomId};
use madang_engine::{DestinationPattern, Ended, Start, Subscribed, SubscriptionKey};
use madang_wire::stomp::{Command, Frame, Version};

use super::super::super::framing::Framing;
use super::super::dialect::{Done, Failure, Voice};
use super::super::driver::Core;
use super::super::feeds::Feed;
use super::super::render::Head;
use super::super::room_format::RoomFormat;
use super::acks::{AckLedger, AckMode, Delivered};
use super::commands::required;
use super::destination::Source;
use super::entry::Entry;
use super::{Stomp, frames};
use crate::contracts::native::RoomNotice;
use crate::contracts::topics::SubscribeSource;
use crate::telemetry::limits::Limit;

/// Subscriptions with wildcards that a session may have.
const PATTERNS_MAX: usize = 64;

/// One subscription of the session.
pub(super) struct Subscription {
    pub(super) key: SubscriptionKey,
    /// `None` only in 1.0.
    id: Option<Box<str>>,
    destination: Box<str>,
    /// Whether the client is told when it ends.
    tells_end: bool,
    pub(super) feed: Feed,
}

impl Subscription {
    /// Whether the client subscribed to this destination.
    pub(super) fn is_to(&self, destination: &str) -> bool {
        *self.destination == *destination
    }

    pub(super) fn has_id(&self, id: &str) -> bool {
        self.id.as_deref() == Some(id)
    }

    /// Whether the hub ended it, and the client has not said that it knows.
    const fn is_over(&self) -> bool {
        matches!(self.feed, Feed::Over)
    }

    /// The room, if it is a room's subscription that is not over.
    pub(super) fn room(&self) -> Option<&RoomId> {
        match &self.feed {
            Feed::Room(subscription) => Some(subscription.room()),
            Feed::Topic(_) | Feed::Over => None,
        }
    }
}

/// A SUBSCRIBE whose headers are understood.
struct Request {
    id: Option<Box<str>>,
    destination: Box<str>,
    receipt: Option<Box<str>>,
    voice: Voice,
    mode: AckMode,
    version: Version,
    /// Which of the session's subscriptions it is, counted from 0.
    serial: u32,
}

impl Request {
    /// What is needed to show the subscription's events.
    fn head(&self, format: RoomFormat, framing: Framing) -> Head {
        let acks = match self.mode {
            AckMode::Auto => None,
            mode => Some(AckLedger::new(mode, self.serial)),
        };
        Head::stomp(self.version, format, self.id.as_deref(), acks, framing)
    }
}

impl Core<Stomp> {
    /// # Errors
    /// The subscription cannot be made: ERROR, close (STOMP 1.2, "SUBSCRIBE").
    pub(super) fn handle_subscribe(&mut self, frame: &Frame, voice: Voice) -> Result<(), Error> {
        let request = self.subscribe_request(frame, voice)?;
        let chat = &self.dialect.chat;
        let entry = match chat.destinations.source(&request.destination)? {
            Source::Topic(topic) => return self.subscribe_topic(topic, request),
            Source::Room(room) => Entry::Native(room),
            Source::Desk => Entry::Native(RoomId::desk()),
            Source::SupportDesk(room) => match &chat.support_desk {
                Some(options) => Entry::SupportDesk(room, Arc::clone(options)),
                None => Entry::Native(room),
            },
            Source::Community(source) => Entry::Community(source),
        };
        self.subscribe_room(entry, start_of(frame)?, request)
    }

    fn subscribe_request(&mut self, frame: &Frame, voice: Voice) -> Result<Request, Error> {
        let maximum = self.session.shared.limits.subscriptions_max;
        let open = self.open_session()?;
        let id = match open.version {
            Version::V1_0 => frame.get("id"),
            Version::V1_1 | Version::V1_2 => Some(required(frame, "id")?),
        };
        let in_use = id.is_some() && open.subscriptions.iter().any(|s| s.id.as_deref() == id);
        if in_use {
            return Err(Error::with_detail(
                Code::FrameInvalid,
                "the subscription id is in use",
            ));
        }
        if open.subscriptions.iter().filter(|s| !s.is_over()).count() >= maximum {
            let metrics = &self.session.shared.metrics;
            metrics.limit_reached(Limit::Subscriptions);
            let detail = format!("a session has at most {maximum} subscriptions");
            return Err(Error::with_detail(Code::TooMany, detail));
        }
        let mode = match (frame.get("ack"), open.version) {
            (None | Some("auto"), _) => AckMode::Auto,
            (Some("client"), _) => AckMode::Client,
            (Some("client-individual"), Version::V1_1 | Version::V1_2) => AckMode::ClientIndividual,
            (Some(_), _) => {
                return Err(Error::with_detail(
                    Code::FrameInvalid,
                    "there is no such ack mode",
                ));
            }
        };
        let request = Request {
            id: id.map(Box::from),
            destination: required(frame, "destination")?.into(),
            receipt: frame.get("receipt").map(Box::from),
            voice,
            mode,
            version: open.version,
            serial: open.next_serial,
        };
        open.next_serial += 1;
        Ok(request)
    }

    /// A user's own destinations are open to them, whatever the configuration says of others.
    fn subscribe_topic(&mut self, topic: SubscribeSource, request: Request) -> Result<(), Error> {
        let chat = Arc::clone(&self.dialect.chat);
        let caller = &self.open_session()?.caller;
        let is_shared = matches!(topic, SubscribeSource::Shared(_));
        if is_shared && !chat.topics.subscribe.contains(&caller.role) {
            return Err(Code::SubscribeForbidden.into());
        }
        let source = chat.destinations.topics.source(topic, &caller.user)?;
        if DestinationPattern::is_pattern(&request.destination) {
            self.check_patterns()?;
        }
        let head = request.head(RoomFormat::Native, self.session.framing);
        let key = self.session.insert_head(head);
        let outlet = Arc::clone(&self.session);
        let feed = chat.engine.subscribe_topic(&source, outlet, key);
        self.subscribed(request, key, false, Feed::Topic(feed))
    }

    /// Each pattern is matched against every message of a topic that begins as it does.
    fn check_patterns(&mut self) -> Result<(), Error> {
        let subscriptions = self.open_session()?.subscriptions.iter();
        let patterns = subscriptions.filter(|one| DestinationPattern::is_pattern(&one.destination));
        if patterns.count() < PATTERNS_MAX {
            return Ok(());
        }
        let metrics = &self.session.shared.metrics;
        metrics.limit_reached(Limit::Subscriptions);
        let detail = format!("a session has at most {PATTERNS_MAX} subscriptions with wildcards");
        Err(Error::with_detail(Code::TooMany, detail))
    }

    /// The store is asked, so this is a command that waits.
    fn subscribe_room(
        &mut self,
        entry: Entry,
        start: Start,
        request: Request,
    ) -> Result<(), Error> {
        let caller = self.open_session()?.caller.clone();
        let session = Arc::clone(&self.session);
        let engine = Arc::clone(&self.dialect.chat.engine);
        self.command = Some(Box::pin(async move {
            let entered = async {
                let (room, format) = entry.enter(&engine, &caller).await?;
                let tells_end = format.tells_ends();
                let key = session.insert_head(request.head(format, session.framing));
                let subscribed = engine.subscribe_room(&caller, &room, start, session, key);
                Ok((key, tells_end, subscribed.await?))
            };
            let outcome = entered.await;
            let done: Done<Stomp> = Box::new(move |core| core.room_subscribed(request, outcome));
            done
        }));
        Ok(())
    }

    fn room_subscribed(
        &mut self,
        request: Request,
        outcome: Result<(SubscriptionKey, bool, Subscribed), Error>,
    ) -> Result<(), Failure> {
        let receipt = request.receipt.clone();
        let voice = request.voice;
        let blame = |error| Failure::new(error, receipt.as_deref()).in_voice(voice);
        let (key, tells_end, subscribed) = outcome.map_err(blame)?;
        let Subscribed {
            subscription, live, ..
        } = subscribed;
        let feed = Feed::Room(Arc::new(subscription));
        self.subscribed(request, key, tells_end, feed)
            .map_err(blame)?;
        if !live {
            self.behind.push_back(key);
        }
        Ok(())
    }

    fn subscribed(
        &mut self,
        request: Request,
        key: SubscriptionKey,
        tells_end: bool,
        feed: Feed,
    ) -> Result<(), Error> {
        let Request {
            id,
            destination,
            receipt,
            ..
        } = request;
        self.forget_oldest_ended()?;
        let open = self.open_session()?;
        open.subscriptions.reserve_exact(1);
        open.subscriptions.push(Subscription {
            key,
            id,
            destination,
            tells_end,
            feed,
        });
        self.answer_receipt(receipt.as_deref());
        Ok(())
    }

    /// Subscriptions that are over wait for their UNSUBSCRIBE, as many as may be in force at a time.
    fn forget_oldest_ended(&mut self) -> Result<(), Error> {
        let maximum = self.session.shared.limits.subscriptions_max;
        let subscriptions = &mut self.open_session()?.subscriptions;
        if subscriptions.iter().filter(|s| s.is_over()).count() > maximum
            && let Some(oldest) = subscriptions.iter().position(Subscription::is_over)
        {
            let Subscription { key, .. } = subscriptions.remove(oldest);
            self.forget_feed(key);
        }
        Ok(())
    }

    /// # Errors
    /// The frame names no subscription: ERROR, close, but for contract 1's clients.
    pub(super) fn handle_unsubscribe(&mut self, frame: &Frame) -> Result<(), Error> {
        let open = self.open_session()?;
        let by_id = |id: &str| {
            open.subscriptions
                .iter()
                .position(|s| s.id.as_deref() == Some(id))
        };
        let by_destination = |name: &str| {
            open.subscriptions
                .iter()
                .position(|s| *s.destination == *name)
        };
        let index = match (open.version, frame.get("id")) {
            (_, Some(id)) => match by_id(id) {
                // Contract 1: its clients send a destination as the id.
                None if id.starts_with('/') => by_destination(id),
                None => {
                    let detail = "there is no subscription with this id";
                    return Err(Error::with_detail(Code::FrameInvalid, detail));
                }
                found => found,
            },
            (Version::V1_0, None) => {
                let index = by_destination(required(frame, "destination")?);
                let detail = "there is no subscription to this destination";
                Some(index.ok_or_else(|| Error::with_detail(Code::FrameInvalid, detail))?)
            }
            (Version::V1_1 | Version::V1_2, None) => return required(frame, "id").map(drop),
        };
        if let Some(index) = index {
            let Subscription { key, .. } = open.subscriptions.remove(index);
            self.forget_feed(key);
        }
        self.answer_receipt(frame.get("receipt"));
        Ok(())
    }

    /// Part of what the client wants is gone: it is told what is the oldest there is.
    pub(super) fn tell_reset(&mut self, key: SubscriptionKey, head: &RoomHead) {
        let oldest = Position {
            epoch: head.epoch,
            seq: head.oldest,
        };
        let notice = RoomNotice::Reset {
            oldest: oldest.to_string(),
            head: head.position().to_string(),
        };
        self.tell_event(key, &notice);
    }

    /// The hub ended the subscription.
    pub(super) fn tell_ended(&mut self, key: SubscriptionKey, cause: Ended) {
        let Ok(open) = self.open_session() else {
            return;
        };
        let mut subscriptions = open.subscriptions.iter();
        if subscriptions.any(|one| one.key == key && one.tells_end) {
            let code = cause.code().spec().name;
            self.tell_event(key, &RoomNotice::Ended { code });
        }
    }

    /// A MESSAGE that is not of the log: header `event` says what it is.
    fn tell_event(&mut self, key: SubscriptionKey, notice: &RoomNotice) {
        let event = notice.name();
        let session = Arc::clone(&self.session);
        let Ok(open) = self.open_session() else {
            return;
        };
        let version = open.version;
        let Some(subscription) = open.subscriptions.iter().find(|s| s.key == key) else {
            return;
        };
        let message_id = format!("{event}-{key}-{}", session.shared.now_ms());
        let mut frame = Frame::new(Command::Message);
        if let Some(id) = &subscription.id {
            frame = frame.with("subscription", id);
        }
        let mut outbox = session.outbox();
        let acks = outbox
            .heads
            .get_mut(key as usize)
            .and_then(|head| head.acks.as_mut());
        if let Some(acks) = acks {
            // Acknowledged as a message is, it moves no mark.
            let ack = acks.delivered(Delivered::Topic(message_id.as_str().into()));
            frame = frame.with("ack", &ack);
        }
        let frame = frame
            .with("destination", &subscription.destination)
            .with("message-id", &message_id)
            .with("event", event)
            .with("content-type", "application/json")
            .with_body(notice.to_json());
        outbox
            .queue
            .append(|buffer| frames::encode_frame(session.framing, version, &frame, buffer));
    }
}

/// `since`: a position, or the word `delivered`; absent means from now on.
fn start_of(frame: &Frame) -> Result<Start, Error> {
    match frame.get("since") {
        None => Ok(Start::Now),
        Some("delivered") => Ok(Start::Delivered),
        Some(text) => {
            let position = text
                .parse()
                .map_err(|_| Error::from(Code::PositionInvalid))?;
            Ok(Start::After(position))
        }
    }
}
