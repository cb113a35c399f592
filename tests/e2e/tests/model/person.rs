//! Somebody with a token, and the connections that they have.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use madang_e2e::http::Rest;
use madang_e2e::server::TestServer;

use super::live::{DESK, EXPIRED, Expired, Following, Streaming, Talking};
use super::shown::{Cursor, Shown};
use super::truth::{Model, Trust, User, name, trust};

/// How long a brief token lasts: whatever is done with it meanwhile has a client id, or is asked twice.
const BRIEF: &str = "1s";

pub(super) struct Person {
    pub(super) who: User,
    pub(super) rest: Rest,
    token: String,
    pub(super) talking: Option<Talking>,
    /// Whether its token runs out soon, or has run out meanwhile: until a connection with another one is
    /// asked for, so that a run does not depend on when that is.
    pub(super) talks_briefly: bool,
    pub(super) following: Option<Following>,
    pub(super) follows_briefly: bool,
    pub(super) streaming: Option<Streaming>,
    /// What the last connection to the JSON door had shown.
    pub(super) was_shown: Option<Shown>,
    /// How far the last STOMP session's subscriptions had come.
    pub(super) was_followed: BTreeMap<String, Option<Cursor>>,
}

impl Person {
    pub(super) fn new(server: &TestServer, who: User) -> Self {
        let token = token(server, who, "3h");
        Self {
            who,
            rest: Rest::of(server.address(), &token),
            token,
            talking: None,
            talks_briefly: false,
            following: None,
            follows_briefly: false,
            streaming: None,
            was_shown: None,
            was_followed: BTreeMap::new(),
        }
    }

    /// A token that runs out soon, or one's own.
    fn token(&self, server: &TestServer, brief: bool) -> String {
        match brief {
            true => token(server, self.who, BRIEF),
            false => self.token.clone(),
        }
    }

    /// The connection to the JSON door: made, if there is none, going on where the last one was.
    pub(super) fn talking(&mut self, server: &TestServer, model: &Model) -> &mut Talking {
        if self.talking.is_none() {
            self.talk(server, model, false);
        }
        self.talking.as_mut().expect("it was made now")
    }

    /// Comes back to the JSON door. A token that runs out meanwhile is as good as none.
    pub(super) fn talk(&mut self, server: &TestServer, model: &Model, brief: bool) {
        self.hang_up();
        let token = self.token(server, brief);
        match self.try_talk(server.address(), &token, model) {
            Ok(talking) => {
                self.was_shown = None;
                self.talking = Some(talking);
            }
            Err(Expired) => self.talk(server, model, false),
        }
    }

    fn try_talk(
        &self,
        address: SocketAddr,
        token: &str,
        model: &Model,
    ) -> Result<Talking, Expired> {
        let mut talking = Talking::open(address, token, model, self.who)?;
        if let Some(before) = &self.was_shown {
            // Some rooms are not named, and go on from where they stand.
            let turn = model.desk.len();
            let resumes = |id: &str| {
                let sum = id.bytes().map(usize::from).sum::<usize>();
                !(sum + turn).is_multiple_of(7)
            };
            talking.resume(model, before, resumes)?;
        }
        talking.catch_up(model)?;
        Ok(talking)
    }

    /// The connection to the JSON door is gone.
    pub(super) fn hang_up(&mut self) {
        if let Some(talking) = self.talking.take() {
            self.was_shown = Some(talking.shown);
        }
    }

    /// The STOMP session: made, if there is none, with the subscriptions that the last one had.
    pub(super) fn following(&mut self, server: &TestServer, model: &Model) -> &mut Following {
        if self.following.is_none() {
            self.follow(server, model, false);
        }
        self.following.as_mut().expect("it was made now")
    }

    /// Comes back over STOMP.
    pub(super) fn follow(&mut self, server: &TestServer, model: &Model, brief: bool) {
        self.end_following();
        let token = self.token(server, brief);
        match self.try_follow(server.address(), &token, model) {
            Ok(following) => {
                self.was_followed.clear();
                self.following = Some(following);
            }
            Err(code) => {
                assert_eq!(code, EXPIRED, "{} comes back", self.who);
                self.follow(server, model, false);
            }
        }
    }

    fn try_follow(
        &self,
        address: SocketAddr,
        token: &str,
        model: &Model,
    ) -> Result<Following, String> {
        let mut following = Following::open(address, token, self.who)?;
        for (room, cursor) in &self.was_followed {
            if room == DESK || model.readable(room, self.who).is_ok() {
                let since = cursor.as_ref().filter(|at| !at.epoch.is_empty());
                following.follow(model, room, since)?;
            }
        }
        following.catch_up(model)?;
        Ok(following)
    }

    /// The STOMP session is gone.
    pub(super) fn end_following(&mut self) {
        if let Some(following) = self.following.take() {
            self.was_followed = following.cursors;
        }
    }

    /// Opens an event stream, or comes back to it.
    pub(super) fn stream(&mut self, server: &TestServer, model: &Model, brief: bool) {
        let token = self.token(server, brief);
        let address = server.address();
        let opened = match &self.streaming {
            Some(streaming) => streaming.again(address, &token, model),
            None => Streaming::open(address, &token, model, self.who),
        };
        match opened {
            Ok(streaming) => self.streaming = Some(streaming),
            Err(Expired) => self.stream(server, model, false),
        }
    }

    /// Everything that there is to be shown is shown on every connection.
    pub(super) fn catch_up(&mut self, server: &TestServer, model: &Model) {
        while let Some(talking) = &mut self.talking {
            if talking.catch_up(model).is_ok() {
                break;
            }
            self.talk(server, model, false);
        }
        while let Some(following) = &mut self.following {
            match following.catch_up(model) {
                Ok(()) => break,
                Err(code) => assert_eq!(code, EXPIRED, "{} follows", self.who),
            }
            self.follow(server, model, false);
        }
        while let Some(streaming) = &mut self.streaming {
            if streaming.catch_up(model).is_ok() {
                break;
            }
            self.stream(server, model, false);
        }
    }

    /// Nothing besides was shown.
    pub(super) fn fence(&mut self, server: &TestServer, model: &Model) {
        if let Some(talking) = &mut self.talking
            && talking.fence(model).is_err()
        {
            self.talk(server, model, false);
        }
        if let Some(following) = &mut self.following
            && let Err(code) = following.fence(model)
        {
            assert_eq!(code, EXPIRED, "{} follows", self.who);
            self.follow(server, model, false);
        }
        self.catch_up(server, model);
    }

    /// The server was gone, and every connection with it: comes back on all of them.
    pub(super) fn come_back(&mut self, server: &TestServer, model: &Model) {
        if self.talking.is_some() {
            self.talk(server, model, false);
        }
        if self.following.is_some() {
            self.follow(server, model, false);
        }
        if self.streaming.is_some() {
            self.stream(server, model, false);
        }
    }
}

/// A token of somebody, as long as it lasts.
pub(super) fn token(server: &TestServer, who: User, ttl: &str) -> String {
    let role = match trust(who) {
        Trust::User | Trust::Host => "user",
        Trust::Agent => "agent",
        Trust::Admin => "admin",
    };
    server.token_with(who, role, &["--name", &name(who), "--ttl", ttl])
}
