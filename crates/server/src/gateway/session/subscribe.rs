//! SUBSCRIBE, UNSUBSCRIBE, and reading the log for subscriptions that are behind.

use std::sync::Arc;
use std::time::Duration;

use madang_domain::ports::StoreError;
use madang_domain::{Caller, ClaimOutcome, Code, Error, Position, RoomHead, RoomId};
use madang_engine::{
    CatchUp, Destinations, Ended, Engine, RoomSubscription, Start, Subscribed, SubscriptionKey,
    TopicSource, TopicSubscription,
};
use madang_wire::stomp::{Command, Frame, Version};

use super::Session;
use super::acks::{AckLedger, AckMode, Delivered};
use super::commands::required;
use super::destination::{self, Source};
use super::driver::{Core, Done};
use super::frames::{self, Failure, Voice};
use super::outbox::Head;
use super::render::RoomFormat;

/// How long a subscription waits to read the log again after the store failed.
const STORE_RETRY: Duration = Duration::from_secs(1);

/// One subscription of the session.
pub(super) struct Subscription {
    pub(super) key: SubscriptionKey,
    /// `None` only in 1.0.
    id: Option<Box<str>>,
    destination: Box<str>,
    format: RoomFormat,
    feed: Feed,
}

enum Feed {
    Room(Arc<RoomSubscription>),
    /// Held for its drop, which ends it.
    Topic(#[expect(dead_code, reason = "its drop unsubscribes")] TopicSubscription),
    /// The hub ended it; the client may still unsubscribe.
    Over,
}

impl Subscription {
    pub(super) fn has_id(&self, id: &str) -> bool {
        self.id.as_deref() == Some(id)
    }

    /// The room, if it is a room's subscription that is not over.
    pub(super) fn room(&self) -> Option<&RoomId> {
        match &self.feed {
            Feed::Room(subscription) => Some(subscription.room()),
            Feed::Topic(_) | Feed::Over => None,
        }
    }
}

/// How far reading the log for one subscription came.
pub(super) struct CaughtUp {
    key: SubscriptionKey,
    outcome: Result<CatchUp, StoreError>,
}

/// A SUBSCRIBE whose headers are understood.
struct Request {
    id: Option<Box<str>>,
    destination: Box<str>,
    receipt: Option<Box<str>>,
    voice: Voice,
    mode: AckMode,
}

impl Core {
    /// # Errors
    /// The subscription cannot be made: ERROR, close (STOMP 1.2, "SUBSCRIBE").
    pub(super) fn handle_subscribe(&mut self, frame: &Frame, voice: Voice) -> Result<(), Error> {
        self.check_repeated_token(frame)?;
        let request = self.subscribe_request(frame, voice)?;
        let options = &self.session.shared.options;
        let source = destination::source(&request.destination, options.support_desk.is_some())?;
        match source {
            Source::Topic(topic) => self.subscribe_topic(&topic, request),
            Source::Room(room) => {
                let start = start_of(frame)?;
                self.subscribe_room(room, start, RoomFormat::Native, request)
            }
            Source::SupportDesk(room) => {
                let start = start_of(frame)?;
                self.subscribe_room(room, start, RoomFormat::SupportDesk, request)
            }
        }
    }

    fn subscribe_request(&mut self, frame: &Frame, voice: Voice) -> Result<Request, Error> {
        let maximum = self.session.shared.options.limits.subscriptions_max;
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
        if open.subscriptions.len() >= maximum {
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
        Ok(Request {
            id: id.map(Box::from),
            destination: required(frame, "destination")?.into(),
            receipt: frame.get("receipt").map(Box::from),
            voice,
            mode,
        })
    }

    fn subscribe_topic(&mut self, topic: &Arc<str>, request: Request) -> Result<(), Error> {
        let role = self.open_session()?.caller.role;
        if !self.session.shared.options.topics.subscribe.contains(&role) {
            return Err(Code::SubscribeForbidden.into());
        }
        let key = self.insert_head(&request, RoomFormat::Native)?;
        let outlet = Arc::clone(&self.session);
        let source = TopicSource::Shared(Destinations::One(Arc::clone(topic)));
        let feed = self
            .session
            .shared
            .engine
            .subscribe_topic(&source, outlet, key);
        self.subscribed(request, key, RoomFormat::Native, Feed::Topic(feed))
    }

    /// The store is asked, so this is a command that waits.
    fn subscribe_room(
        &mut self,
        room: RoomId,
        start: Start,
        format: RoomFormat,
        request: Request,
    ) -> Result<(), Error> {
        let key = self.insert_head(&request, format)?;
        let caller = self.open_session()?.caller.clone();
        let session = Arc::clone(&self.session);
        self.command = Some(Box::pin(async move {
            let outcome = enter_room(session, &caller, &room, start, format, key).await;
            let done: Done =
                Box::new(move |core| core.room_subscribed(request, key, format, outcome));
            done
        }));
        Ok(())
    }

    fn room_subscribed(
        &mut self,
        request: Request,
        key: SubscriptionKey,
        format: RoomFormat,
        outcome: Result<Subscribed, Error>,
    ) -> Result<(), Failure> {
        let receipt = request.receipt.clone();
        let voice = request.voice;
        let blame = |error| Failure::new(error, receipt.as_deref()).in_voice(voice);
        let Subscribed {
            subscription, live, ..
        } = outcome.map_err(blame)?;
        self.subscribed(request, key, format, Feed::Room(Arc::new(subscription)))
            .map_err(blame)?;
        if !live {
            self.behind.push_back(key);
        }
        Ok(())
    }

    fn insert_head(&mut self, request: &Request, format: RoomFormat) -> Result<u32, Error> {
        let open = self.open_session()?;
        let (version, serial) = (open.version, open.next_serial);
        open.next_serial += 1;
        let acks = match request.mode {
            AckMode::Auto => None,
            mode => Some(AckLedger::new(mode, serial)),
        };
        let head = Head::new(version, format, request.id.as_deref(), acks);
        let mut outbox = self.session.outbox();
        // Most sessions have one or two: growing as a list usually does would make room for four.
        outbox.heads.reserve_exact(1);
        let key = outbox.heads.insert(head);
        drop(outbox);
        // Bounded by `subscriptions_max`.
        Ok(u32::try_from(key).unwrap_or(u32::MAX))
    }

    fn subscribed(
        &mut self,
        request: Request,
        key: SubscriptionKey,
        format: RoomFormat,
        feed: Feed,
    ) -> Result<(), Error> {
        let Request {
            id,
            destination,
            receipt,
            ..
        } = request;
        let open = self.open_session()?;
        open.subscriptions.reserve_exact(1);
        open.subscriptions.push(Subscription {
            key,
            id,
            destination,
            format,
            feed,
        });
        self.answer_receipt(receipt.as_deref());
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
            let subscription = open.subscriptions.swap_remove(index);
            self.unsubscribed(subscription);
        }
        self.answer_receipt(frame.get("receipt"));
        Ok(())
    }

    fn unsubscribed(&mut self, subscription: Subscription) {
        let key = subscription.key;
        if self.behind.contains(&key) {
            // What reads the log may be reading this one's.
            self.behind.retain(|behind| *behind != key);
            self.catching_up = None;
        }
        drop(subscription);
        self.session.outbox().forget(key);
    }

    /// Takes note of what the hub told this session since it last ran.
    pub(super) fn heed_hub(&mut self) {
        let mut outbox = self.session.outbox();
        if outbox.lagging.is_empty() && outbox.ended.is_empty() {
            return;
        }
        let lagging = std::mem::take(&mut outbox.lagging);
        let ended = std::mem::take(&mut outbox.ended);
        drop(outbox);
        for key in lagging {
            if !self.behind.contains(&key) {
                self.behind.push_back(key);
            }
        }
        for (key, cause) in ended {
            self.end_subscription(key, cause);
        }
    }

    /// Starts reading the log for the next subscription that is behind, once most of what was
    /// queued before is written. Answers whether it did.
    pub(super) fn begin_catch_up(&mut self) -> bool {
        let Some(key) = self.next_behind() else {
            return false;
        };
        let half = self.session.shared.options.limits.queue_bytes_max / 2;
        let mut outbox = self.session.outbox();
        if outbox.waiting() > half {
            outbox.waits_for_space = true;
            return false;
        }
        drop(outbox);
        let engine = Arc::clone(&self.session.shared.engine);
        let outlet = Arc::clone(&self.session);
        let Some(subscription) = self.room_subscription(key) else {
            self.behind.retain(|behind| *behind != key);
            return self.begin_catch_up();
        };
        self.catching_up = Some(Box::pin(async move {
            let outcome = subscription.catch_up(engine.store(), &*outlet, key).await;
            if outcome.is_err() {
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
            Ok(CatchUp::Reset(head)) => self.tell_reset(key, &head),
            Ok(CatchUp::Ended(cause)) => {
                self.behind.retain(|behind| *behind != key);
                self.end_subscription(key, cause);
            }
            Err(error) => {
                tracing::warn!(session = self.session.id, %error, "a log could not be read");
            }
        }
    }

    fn room_subscription(&mut self, key: SubscriptionKey) -> Option<Arc<RoomSubscription>> {
        let open = self.open_session().ok()?;
        match &open.subscriptions.iter().find(|s| s.key == key)?.feed {
            Feed::Room(subscription) => Some(Arc::clone(subscription)),
            Feed::Topic(_) | Feed::Over => None,
        }
    }

    /// Part of what the client wants is gone: it is told what is the oldest there is.
    fn tell_reset(&mut self, key: SubscriptionKey, head: &RoomHead) {
        let oldest = Position {
            epoch: head.epoch,
            seq: head.oldest,
        };
        let body = serde_json::json!({
            "type": "reset",
            "oldest": oldest.to_string(),
            "head": head.position().to_string(),
        });
        self.tell_event(key, "reset", &body.to_string());
    }

    fn end_subscription(&mut self, key: SubscriptionKey, cause: Ended) {
        let Ok(open) = self.open_session() else {
            return;
        };
        let Some(subscription) = open.subscriptions.iter_mut().find(|s| s.key == key) else {
            return;
        };
        subscription.feed = Feed::Over;
        // Contract 1's clients take every body for a chat message.
        if subscription.format == RoomFormat::Native {
            let code = cause.code().spec().name;
            let body = serde_json::json!({ "type": "ended", "code": code });
            self.tell_event(key, "ended", &body.to_string());
        }
    }

    /// A MESSAGE that is not of the log: header `event` says what it is.
    fn tell_event(&mut self, key: SubscriptionKey, event: &str, body: &str) {
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
            .with_body(body);
        outbox
            .queue
            .append(|buffer| frames::encode_frame(version, &frame, buffer));
    }
}

/// Contract 1: a customer's SUBSCRIBE opens their room, an agent's claims it.
async fn enter_room(
    session: Arc<Session>,
    caller: &Caller,
    room: &RoomId,
    start: Start,
    format: RoomFormat,
    key: SubscriptionKey,
) -> Result<Subscribed, Error> {
    let engine = &session.shared.engine;
    if room.as_str() == caller.user.as_str() {
        engine.open_support_room(caller, room).await?;
    } else if format == RoomFormat::SupportDesk {
        claim(engine, caller, room).await?;
    }
    let outlet = Arc::clone(&session);
    engine
        .subscribe_room(caller, room, start, outlet, key)
        .await
}

async fn claim(engine: &Arc<Engine>, caller: &Caller, room: &RoomId) -> Result<(), Error> {
    if !caller.role.serves_customers() {
        return Err(Code::NotYourRoom.into());
    }
    match engine.claim_room(caller, room).await? {
        ClaimOutcome::Won | ClaimOutcome::AlreadyYours => Ok(()),
        ClaimOutcome::TakenBy(agent) => {
            let detail = format!("the room is assigned to {}", agent.name);
            Err(Error::with_detail(Code::RoomTaken, detail))
        }
        ClaimOutcome::NotWaiting => Err(Code::RoomNotWaiting.into()),
        ClaimOutcome::NoSuchRoom => Err(Code::RoomNotFound.into()),
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
