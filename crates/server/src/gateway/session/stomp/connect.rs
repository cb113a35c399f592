//! CONNECT: who it is, which version, how often to beat.

use std::hash::BuildHasher;
use std::sync::Arc;

use madang_domain::{Caller, Code, Error};
use madang_wire::stomp::{Command, Frame, HeartBeat, Version};

use super::super::dialect::{Done, Failure};
use super::super::driver::Core;
use super::frames;
use super::subscribe::Subscription;
use super::transactions::{Held, Transaction};
use super::{Stage, Stomp};
use crate::auth::TokenCheck;

/// What the HTTP request said that upgraded the connection.
pub(in super::super::super) struct Handshake {
    /// From the `Authorization` header or the cookie; counts when CONNECT has no token.
    pub(in super::super::super) token: Option<String>,
}

/// A session after CONNECT.
pub(super) struct Open {
    pub(super) caller: Caller,
    pub(super) version: Version,
    /// Of the CONNECT's token, to recognise its repeats without keeping it.
    token_hash: Option<u64>,
    pub(super) subscriptions: Vec<Subscription>,
    pub(super) transactions: Vec<Transaction>,
    /// What all open transactions hold.
    pub(super) held: Held,
    pub(super) next_serial: u32,
}

/// A client's silence may last so many times what it promised: networks and timers are late.
const SILENCE_FACTOR: u64 = 2;

impl Core<Stomp> {
    /// # Errors
    /// Not CONNECT, no common version, a malformed heart-beat, nobody we know: ERROR, close.
    pub(super) fn handle_connect(&mut self, frame: &Frame) -> Result<(), Failure> {
        if !matches!(frame.command, Command::Connect | Command::Stomp) {
            return Err(Failure::new(
                Error::with_detail(Code::FrameInvalid, "a session begins with CONNECT"),
                frame.get("receipt"),
            ));
        }
        let version = Version::negotiate(frame.get("accept-version"))
            .ok_or_else(|| Failure::new(Code::VersionUnsupported, None))?;
        let client = HeartBeat::parse(frame.get("heart-beat")).map_err(|error| {
            Failure::new(
                Error::with_detail(Code::FrameInvalid, error.to_string()),
                None,
            )
        })?;
        // What the client pipelined behind CONNECT is in the negotiated version already.
        self.dialect.decoder.set_version(version);
        self.session.outbox().replies.set_version(version);
        self.identify(frame, version, client)
    }

    fn identify(
        &mut self,
        frame: &Frame,
        version: Version,
        client: HeartBeat,
    ) -> Result<(), Failure> {
        let Stage::Handshaken(handshake) = &mut self.dialect.stage else {
            return Ok(());
        };
        let from_handshake = handshake.token.take();
        if let Some(token) = token_header(frame) {
            return self.identify_by_token(token, version, client);
        }
        // Clients that know no login send an empty one.
        if let Some(login) = frame.get("login").filter(|login| !login.is_empty()) {
            let passcode = frame.get("passcode").unwrap_or_default().to_owned();
            self.identify_by_account(login.to_owned(), passcode, version, client);
            return Ok(());
        }
        let token =
            from_handshake.ok_or_else(|| Failure::new(Code::AuthenticationRequired, None))?;
        self.identify_by_token(&token, version, client)
    }

    fn identify_by_token(
        &mut self,
        token: &str,
        version: Version,
        client: HeartBeat,
    ) -> Result<(), Failure> {
        let chat = &self.dialect.chat;
        let token_hash = Some(chat.token_hasher.hash_one(token));
        match chat.identity.token(token) {
            TokenCheck::Done(caller) => self.open(caller.into_inner(), token_hash, version, client),
            TokenCheck::Waiting(caller) => {
                self.command = Some(Box::pin(async move {
                    let caller = caller.await;
                    let done: Done<Stomp> =
                        Box::new(move |core| core.open(caller, token_hash, version, client));
                    done
                }));
                Ok(())
            }
        }
    }

    /// Checking a passcode is slow on purpose, so it is a command that waits.
    fn identify_by_account(
        &mut self,
        login: String,
        passcode: String,
        version: Version,
        client: HeartBeat,
    ) {
        let identity = Arc::clone(&self.dialect.chat.identity);
        self.command = Some(Box::pin(async move {
            let caller = identity.account(&login, &passcode).await;
            let done: Done<Stomp> = Box::new(move |core| core.open(caller, None, version, client));
            done
        }));
    }

    fn open(
        &mut self,
        caller: Result<Caller, Error>,
        token_hash: Option<u64>,
        version: Version,
        client: HeartBeat,
    ) -> Result<(), Failure> {
        let caller = caller.map_err(|error| Failure::new(error, None))?;
        let identity = Arc::clone(&self.dialect.chat.identity);
        self.take_place(&caller, &*identity)
            .map_err(|error| Failure::new(error, None))?;
        let server = self.session.shared.limits.heart_beat;
        let (beat_every, client_beats) = HeartBeat::negotiate(server, client);
        let frame = Frame::new(Command::Connected)
            .with("version", version.as_str())
            .with("server", concat!("madang/", env!("CARGO_PKG_VERSION")))
            .with("session", &self.session.session_name())
            .with("user-name", caller.user.as_str());
        let frame = match version {
            Version::V1_0 => frame,
            Version::V1_1 | Version::V1_2 => frame.with("heart-beat", &server.to_string()),
        };
        let now = self.dialect.chat.engine.now();
        self.session.admit(&caller, now, |timing| {
            timing.beat_every = beat_every.map_or(0, u64::from);
            timing.silence_max = client_beats.map_or(0, |ms| u64::from(ms) * SILENCE_FACTOR);
        });
        let framing = self.session.framing;
        let mut outbox = self.session.outbox();
        outbox
            .queue
            .append(|buffer| frames::encode_frame(framing, version, &frame, buffer));
        drop(outbox);
        self.dialect.stage = Stage::Open(Box::new(Open {
            caller,
            version,
            token_hash,
            subscriptions: Vec::new(),
            transactions: Vec::new(),
            held: Held::default(),
            next_serial: 0,
        }));
        Ok(())
    }

    /// Contract 1's clients repeat the token on later frames: ignored unless it is another one
    /// that is not valid. `None` where there is nothing to check.
    pub(super) fn check_repeated_token(&self, frame: &Frame) -> Option<TokenCheck> {
        let token = token_header(frame)?;
        let chat = &self.dialect.chat;
        let Stage::Open(open) = &self.dialect.stage else {
            return None;
        };
        if open.token_hash == Some(chat.token_hasher.hash_one(token)) {
            return None;
        }
        Some(chat.identity.token(token))
    }
}

/// The token of a frame; HTTP's headers have no case, and some clients take that over.
fn token_header(frame: &Frame) -> Option<&str> {
    frame
        .get("Authorization")
        .or_else(|| frame.get("authorization"))
}
