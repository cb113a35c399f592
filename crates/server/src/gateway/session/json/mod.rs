//! The JSON door: one connection for all of a user's rooms, nothing to subscribe to.

pub(super) mod answers;
mod commands;
mod send;

use std::sync::Arc;
use std::time::Duration;

use madang_domain::ports::BoxFuture;
use madang_domain::{Caller, Code, Error, Role, RoomHead};
use madang_engine::{Ended, Engine, SubscriptionKey, UserSubscription};

use super::super::Chat;
use super::super::framing::Framing;
use super::dialect::{Dialect, Done, Failure, Flow};
use super::driver::Core;
use super::feeds::Feed;
use super::render::Format;
use super::rooms::{Followed, Follower, Follows};
use crate::auth::TokenCheck;
use crate::contracts::realtime::{ClientCommand, Request, ServerEvent};

/// How often the server pings.
pub(in super::super) const PING_EVERY: Duration = Duration::from_secs(25);
/// How long a client may be silent, in milliseconds: the answer to a ping may take a minute.
pub(super) const SILENCE_MAX_MS: u64 = 85_000;

/// The state of a JSON session.
pub(in super::super) struct Json {
    chat: Arc<Chat>,
    stage: Stage,
    /// Whose presence is shown. Held for their drop, which ends it.
    watched: Vec<UserSubscription>,
}

/// How far the client has come.
enum Stage {
    /// Waits for `auth`.
    Unknown,
    /// The handshake said who it is.
    Known(Box<Caller>),
    /// Its rooms are being found.
    Entering,
    Open(Box<Followed>),
}

impl Json {
    /// `caller` is who the handshake proved the client to be; `None` waits for `auth`.
    pub(in super::super) fn new(chat: &Arc<Chat>, caller: Option<Caller>) -> Self {
        Self {
            chat: Arc::clone(chat),
            watched: Vec::new(),
            stage: caller.map_or(Stage::Unknown, |caller| Stage::Known(Box::new(caller))),
        }
    }
}

/// Refuses callers without rooms.
///
/// # Errors
/// [`Code::NotYourRoom`]: a service. The client's fault; not retryable.
pub(in super::super) fn has_rooms(caller: Caller) -> Result<Caller, Error> {
    match caller.role {
        Role::Service => {
            let detail = "a service account has no rooms";
            Err(Error::with_detail(Code::NotYourRoom, detail))
        }
        Role::Guest | Role::User | Role::Agent | Role::Admin => Ok(caller),
    }
}

impl Dialect for Json {
    const TEXT_ONLY: bool = true;

    fn begin(core: &mut Core<Self>) {
        core.session.outbox().replies.speak_json();
        if let Stage::Known(_) = core.dialect.stage
            && let Stage::Known(caller) =
                std::mem::replace(&mut core.dialect.stage, Stage::Entering)
        {
            core.enter(*caller, Follows::All(None));
        }
    }

    fn errand(core: &mut Core<Self>) -> Option<BoxFuture<'static, Done<Self>>> {
        core.room_errand()
    }

    fn receive(core: &mut Core<Self>, input: &mut &[u8]) -> Flow {
        let text = std::mem::take(input);
        core.charge_frame();
        let heard = match Request::parse(text) {
            Ok(request) => core.handle_request(request),
            Err(error) => Err(Failure::new(error, None)),
        };
        if let Err(failure) = heard {
            core.fail(failure);
        }
        if !core.is_open() {
            return Flow::Stop;
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

    fn append_failure(&self, framing: Framing, failure: &Failure, out: &mut Vec<u8>) {
        answers::encode_error(framing, failure.receipt.as_deref(), &failure.error, out);
    }
}

impl Follower for Json {
    const SILENCE_MAX_MS: u64 = SILENCE_MAX_MS;

    fn followed(&mut self) -> Option<&mut Followed> {
        match &mut self.stage {
            Stage::Open(followed) => Some(followed),
            Stage::Unknown | Stage::Known(_) | Stage::Entering => None,
        }
    }

    fn follow(&mut self, followed: Followed) {
        self.stage = Stage::Open(Box::new(followed));
    }

    fn chat(&self) -> &Arc<Chat> {
        &self.chat
    }

    fn format(&self, caller: &Caller) -> Format {
        Format::Json {
            user: caller.user.clone(),
        }
    }

    fn notifies(&self) -> bool {
        true
    }

    fn tell(core: &mut Core<Self>, event: &ServerEvent<'_>) {
        let framing = core.session.framing;
        let json = event.to_json();
        let mut outbox = core.session.outbox();
        outbox
            .queue
            .append(|buffer| framing.append_text(&json, buffer));
    }
}

impl Core<Json> {
    /// # Errors
    /// The session ends: whoever it is did not say who.
    fn handle_request(&mut self, request: Request) -> Result<(), Failure> {
        let Request { id, command } = request;
        if let Stage::Open(_) = self.dialect.stage {
            let done = command.and_then(|command| self.handle_command(id.as_deref(), command));
            if let Err(error) = done {
                self.answer_error(id.as_deref(), &error);
            }
            return Ok(());
        }
        let blame = |error: Error| Failure::new(error, id.as_deref());
        let ClientCommand::Auth { token } = command.map_err(blame)? else {
            let detail = "the first message must be auth";
            let error = Error::with_detail(Code::AuthenticationRequired, detail);
            return Err(blame(error));
        };
        self.dialect.stage = Stage::Entering;
        match self.dialect.chat.identity.token(&token) {
            TokenCheck::Done(caller) => self.known(caller.into_inner()).map_err(blame),
            TokenCheck::Waiting(caller) => {
                self.command = Some(Box::pin(async move {
                    let caller = caller.await;
                    let done: Done<Json> = Box::new(move |core| {
                        let known = core.known(caller);
                        known.map_err(|error| Failure::new(error, id.as_deref()))
                    });
                    done
                }));
                Ok(())
            }
        }
    }

    /// # Errors
    /// It is nobody who has rooms.
    fn known(&mut self, caller: Result<Caller, Error>) -> Result<(), Error> {
        self.enter(caller.and_then(has_rooms)?, Follows::All(None));
        Ok(())
    }
}
