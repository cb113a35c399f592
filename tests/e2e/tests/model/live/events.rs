//! Event streams of all of a user's rooms.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use madang_e2e::events::Events;
use serde_json::Value;

use super::super::shown::Shown;
use super::super::truth::{Model, User};
use super::{Expired, expired, is_expiry, new_since};

const PATH: &str = "/api/v1/events";

/// A stream, and what it has shown.
pub(in super::super) struct Streaming {
    events: Events,
    shown: Shown,
    /// What was shown when the last event came that has an id: the id says so.
    named: Shown,
    /// Rooms that are told right behind `hello`: they begin where the log ends.
    fresh: BTreeSet<String>,
}

impl Streaming {
    pub(in super::super) fn open(
        address: SocketAddr,
        token: &str,
        model: &Model,
        who: User,
    ) -> Result<Self, Expired> {
        let (events, hello) = enter(address, token, None)?;
        let shown = Shown::new(model, who, &hello, &BTreeSet::new());
        Ok(Self {
            events,
            named: shown.clone(),
            shown,
            fresh: BTreeSet::new(),
        })
    }

    /// Comes back with the id of the last event; the stream that was is then over.
    pub(in super::super) fn again(
        &self,
        address: SocketAddr,
        token: &str,
        model: &Model,
    ) -> Result<Self, Expired> {
        let before = &self.named;
        let (events, hello) = enter(address, token, self.events.last_id.as_deref())?;
        let fresh = new_since(model, before);
        let mut shown = Shown::new(model, before.who, &hello, &fresh);
        for (id, cursor) in &mut shown.rooms {
            match before.rooms.get(id) {
                Some(at) if at.epoch == cursor.epoch => {
                    assert_eq!(at, cursor, "{id} goes on where it was");
                }
                _ => drop(shown.resets.insert(id.clone())),
            }
        }
        if before.inbox.is_some() {
            assert_eq!(shown.inbox, before.inbox, "the inbox goes on where it was");
        }
        Ok(Self {
            events,
            named: shown.clone(),
            shown,
            fresh,
        })
    }

    /// Takes all that has to come.
    pub(in super::super) fn catch_up(&mut self, model: &Model) -> Result<(), Expired> {
        while !self.shown.is_complete(model) {
            let Some(event) = self.events.next() else {
                panic!("the stream ended. {}", self.shown.difference(model));
            };
            if is_expiry(&event.data) {
                return Err(Expired);
            }
            assert_eq!(event.data["type"], event.name.as_str(), "{event:?}");
            self.shown.take(model, &event.data);
            let room = event.data["room"]["id"].as_str();
            if room.is_none_or(|id| !self.fresh.remove(id)) {
                self.shown.check_begun(model, &event.data);
            }
            if event.id.is_some() {
                self.named = self.shown.clone();
            }
        }
        Ok(())
    }
}

/// A stream and its `hello`.
fn enter(
    address: SocketAddr,
    token: &str,
    last_id: Option<&str>,
) -> Result<(Events, Value), Expired> {
    let bearer = format!("Bearer {token}");
    let mut headers = vec![("Authorization", bearer.as_str())];
    headers.extend(last_id.map(|id| ("Last-Event-ID", id)));
    let events = Events::try_open(address, PATH, &headers);
    let mut events = events.map_err(|refused| expired(&refused))?;
    let hello = events.event();
    if is_expiry(&hello.data) {
        return Err(Expired);
    }
    assert_eq!(hello.name, "hello", "{hello:?}");
    Ok((events, hello.data))
}
