//! The JSON door.

use std::collections::{BTreeSet, VecDeque};
use std::net::SocketAddr;

use madang_e2e::json::{Json, PATH};
use serde_json::{Map, Value, json};

use super::super::shown::{Cursor, Shown};
use super::super::truth::{Model, User};
use super::{Expired, expired, is_expiry};

/// A connection, and what it has shown.
pub(in super::super) struct Talking {
    peer: Json,
    pub(in super::super) shown: Shown,
    /// Came while something else was waited for.
    waiting: VecDeque<Value>,
}

impl Talking {
    /// Connects; everything begins now.
    pub(in super::super) fn open(
        address: SocketAddr,
        token: &str,
        model: &Model,
        who: User,
    ) -> Result<Self, Expired> {
        let peer = Json::try_with_token(address, PATH, token);
        let mut peer = peer.map_err(|refused| expired(&refused))?;
        let hello = next(&mut peer, who)?;
        assert_eq!(hello["type"], "hello", "{hello}");
        Ok(Self {
            peer,
            shown: Shown::new(model, who, &hello, &BTreeSet::new()),
            waiting: VecDeque::new(),
        })
    }

    /// Goes on where an earlier connection was, with all of its rooms or only some.
    pub(in super::super) fn resume(
        &mut self,
        model: &Model,
        before: &Shown,
        resumes: impl Fn(&str) -> bool,
    ) -> Result<(), Expired> {
        let known = before.rooms.iter().filter(|(id, _)| resumes(id));
        let known: Vec<(&String, &Cursor)> = known.collect();
        let positions = known
            .iter()
            .map(|(id, at)| ((*id).clone(), json!(at.text())));
        let positions: Map<String, Value> = positions.collect();
        let mut command = json!({"type": "resume", "positions": positions});
        if let Some(inbox) = &before.inbox {
            command["inbox"] = json!(inbox.text());
        }
        let answer = self.ask_one(command)?;
        assert_eq!(answer["type"], "ack", "{answer}");
        let told = answer["unknown"].as_array().expect("names").iter();
        let unknown: BTreeSet<_> = told.filter_map(Value::as_str).collect();
        let lost = known
            .iter()
            .filter(|(id, _)| !model.takes_part(id, before.who));
        let lost: BTreeSet<_> = lost.map(|(id, _)| id.as_str()).collect();
        assert_eq!(unknown, lost, "rooms that are none of {}'s", before.who);
        for (id, at) in known.iter().filter(|(id, _)| !lost.contains(id.as_str())) {
            if model.rooms[*id].epoch == at.epoch {
                self.shown.rooms.insert((*id).clone(), (*at).clone());
            } else {
                self.shown.resets.insert((*id).clone());
            }
        }
        if before.inbox.is_some() {
            self.shown.inbox.clone_from(&before.inbox);
        }
        Ok(())
    }

    /// Says commands at once and answers their answers.
    pub(in super::super) fn ask(&mut self, commands: Vec<Value>) -> Result<Vec<Value>, Expired> {
        let ids: Vec<_> = commands
            .into_iter()
            .map(|one| self.peer.command(one))
            .collect();
        ids.iter().map(|id| self.answer(id)).collect()
    }

    fn ask_one(&mut self, command: Value) -> Result<Value, Expired> {
        let id = self.peer.command(command);
        self.answer(&id)
    }

    /// Says a command whose answer is not waited for.
    pub(in super::super) fn say(&mut self, command: &Value) {
        self.peer.say(command);
    }

    fn answer(&mut self, id: &str) -> Result<Value, Expired> {
        loop {
            let event = self.next()?;
            if event["id"] == id {
                return Ok(event);
            }
            self.waiting.push_back(event);
        }
    }

    fn next(&mut self) -> Result<Value, Expired> {
        next(&mut self.peer, self.shown.who)
    }

    /// Takes all that has come, and waits for what has to come.
    pub(in super::super) fn catch_up(&mut self, model: &Model) -> Result<(), Expired> {
        loop {
            let event = match self.waiting.pop_front() {
                Some(event) => event,
                None if self.shown.is_complete(model) => return Ok(()),
                None => self.next()?,
            };
            self.shown.take(model, &event);
            self.shown.check_begun(model, &event);
        }
    }

    /// Whether everything was shown, and nothing besides.
    pub(in super::super) fn fence(&mut self, model: &Model) -> Result<(), Expired> {
        self.ask_one(json!({"type": "ping"}))?;
        self.catch_up(model)
    }
}

fn next(peer: &mut Json, who: User) -> Result<Value, Expired> {
    match peer.received() {
        Ok(event) if is_expiry(&event) => Err(Expired),
        Ok(event) => Ok(event),
        Err(code) => panic!("{who}'s connection is closed with {code:?}"),
    }
}
