//! What a client was shown so far. Each event has to be the next of its log and say what the model says.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::json_shape as shape;
use super::truth::{Model, User, entry_in};

/// How far a client has come in a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cursor {
    pub(super) epoch: String,
    pub(super) seq: u64,
}

impl Cursor {
    pub(super) fn at(position: &Value) -> Self {
        let (epoch, seq) = shape::position(position);
        Self { epoch, seq }
    }

    pub(super) fn text(&self) -> String {
        format!("{}-{}", self.epoch, self.seq)
    }

    /// Moves on to an entry that was shown, which has to be the next.
    pub(super) fn take(&mut self, position: &Value) {
        let next = Self::at(position);
        assert_eq!(next.epoch, self.epoch, "of another life");
        assert_eq!(
            next.seq,
            self.seq + 1,
            "each entry once, in order, without a hole"
        );
        *self = next;
    }
}

/// Checks that a room's entry is what the model has there.
pub(super) fn check_entry(model: &Model, message: &Value) {
    let id = message["roomId"].as_str().expect("a room");
    let room = model
        .room(id)
        .unwrap_or_else(|_| panic!("of a room that is gone: {message}"));
    let (epoch, seq) = shape::position(&message["position"]);
    assert_eq!(epoch, room.epoch, "of another life of the room: {message}");
    let entry = room
        .entry(seq)
        .unwrap_or_else(|| panic!("nobody sent {message}"));
    assert_eq!(shape::entry(message), entry.shown(seq), "in {id}");
}

/// What the JSON door or an event stream has shown its user.
#[derive(Debug, Clone)]
pub(super) struct Shown {
    pub(super) who: User,
    pub(super) rooms: BTreeMap<String, Cursor>,
    /// Where support rooms stand.
    states: BTreeMap<String, Value>,
    pub(super) inbox: Option<Cursor>,
    /// Rooms that are to begin anew, since what was asked for is of another life.
    pub(super) resets: BTreeSet<String>,
}

impl Shown {
    /// What `hello` shows, which has to be all rooms as they stand, but for those of `later`.
    pub(super) fn new(model: &Model, who: User, hello: &Value, later: &BTreeSet<String>) -> Self {
        assert_eq!(hello["user"], who, "{hello}");
        let mut shown = Self {
            who,
            rooms: BTreeMap::new(),
            states: BTreeMap::new(),
            inbox: None,
            resets: BTreeSet::new(),
        };
        let listed = hello["rooms"].as_array().expect("rooms");
        let own = model.rooms_of(who);
        let expected = own.iter().filter(|room| !later.contains(&room.id));
        let expected: Vec<_> = expected
            .map(|room| shape::of_live_room(room, who))
            .collect();
        let told: Vec<_> = listed.iter().map(shape::room).collect();
        assert_eq!(told, expected, "the rooms of {who} in hello");
        listed.iter().for_each(|room| shown.begin(room));
        let inbox = model.inboxes.get(who).map_or(0, Vec::len);
        assert_eq!(hello.get("inbox").is_some(), inbox > 0, "{hello}");
        if inbox > 0 {
            let inbox = &hello["inbox"];
            assert_eq!(
                inbox["unread"],
                shape::unread_notifications(model, who),
                "of {who}"
            );
            shown.inbox = Some(Cursor::at(&inbox["position"]));
        }
        shown
    }

    fn begin(&mut self, room: &Value) {
        let id = room["id"].as_str().expect("an id").to_owned();
        self.states.insert(id.clone(), shape::state(room));
        self.rooms.insert(id, Cursor::at(&room["position"]));
    }

    /// Takes an event.
    pub(super) fn take(&mut self, model: &Model, event: &Value) {
        match event["type"].as_str().unwrap_or_default() {
            "message" => self.message(model, &event["message"]),
            "room" => self.room(model, event),
            "reset" => self.reset(event),
            "inbox" => self.inbox_entry(model, &event["entry"]),
            "read" => self.read(model, event),
            _ => panic!("{} is shown {event}", self.who),
        }
    }

    fn message(&mut self, model: &Model, message: &Value) {
        let id = message["roomId"].as_str().expect("a room");
        let cursor = self.rooms.get_mut(id);
        let cursor = cursor.unwrap_or_else(|| panic!("{} has no right to {message}", self.who));
        cursor.take(&message["position"]);
        check_entry(model, message);
    }

    fn room(&mut self, model: &Model, event: &Value) {
        let (who, room) = (self.who, &event["room"]);
        let id = room["id"].as_str().expect("an id");
        let change = event["change"].as_str().unwrap_or_default();
        if change == "left" {
            let had = self.rooms.remove(id);
            assert!(had.is_some(), "{who} did not have {id}");
            self.states.remove(id);
            return;
        }
        assert!(
            model.takes_part(id, who),
            "{id} is none of {who}'s: {event}"
        );
        let there = model.room(id).expect("it is theirs");
        let mut expected = match room.get("unread") {
            Some(_) => shape::of_live_room(there, who),
            None => shape::of_room(there),
        };
        // It was looked at in the midst of what the step did.
        let told = shape::room(room);
        assert!(told["last"].as_u64() <= Some(there.last()), "{told}");
        expected["last"] = told["last"].clone();
        assert_eq!(told, expected, "shown to {who}");
        if change == "changed" {
            assert!(self.rooms.contains_key(id), "{id} changed unseen by {who}");
            self.states.insert(id.to_owned(), shape::state(room));
            return;
        }
        assert_eq!(change, "joined", "{event}");
        assert!(!self.rooms.contains_key(id), "{id} came to {who} twice");
        self.begin(room);
    }

    /// Where a room that came during the session begins: nothing since may be missing.
    pub(super) fn check_begun(&self, model: &Model, event: &Value) {
        if event["type"] != "room" || event["change"] != "joined" {
            return;
        }
        let id = event["room"]["id"].as_str().expect("an id");
        let came = model.rooms[id]
            .members
            .get(self.who)
            .map(|member| member.came);
        let begun = shape::position(&event["room"]["position"]).1;
        assert_eq!(
            Some(begun),
            came,
            "{} is shown {id} since it came",
            self.who
        );
    }

    fn reset(&mut self, event: &Value) {
        let id = event["room"].as_str().expect("a room");
        assert!(self.resets.remove(id), "nothing of {id} is gone: {event}");
        let mut cursor = Cursor::at(&event["oldest"]);
        cursor.seq -= 1;
        self.rooms.insert(id.to_owned(), cursor);
    }

    fn inbox_entry(&mut self, model: &Model, entry: &Value) {
        let position = &entry["position"];
        let (epoch, seq) = shape::position(position);
        let begun = self.inbox.get_or_insert(Cursor { epoch, seq: 0 });
        begun.take(position);
        let log = model.inboxes.get(self.who).map_or(&[][..], Vec::as_slice);
        let expected = entry_in(log, seq).map(|entry| shape::of_inbox_entry(seq, entry));
        let mut told = entry.clone();
        let told = told.as_object_mut().expect("an object");
        told.remove("position");
        if let Some(notification) = told.get_mut("notification") {
            *notification = shape::notification(notification);
        }
        assert_eq!(
            Some(Value::Object(told.clone())),
            expected,
            "in the inbox of {}",
            self.who
        );
    }

    /// A mark that was told is one that somebody has: they only rise.
    fn read(&self, model: &Model, event: &Value) {
        let id = event["room"].as_str().expect("a room");
        let Ok(room) = model.room(id) else { return };
        let (epoch, to) = shape::position(&event["position"]);
        let reader = room
            .members
            .iter()
            .find(|(user, _)| event["user"] == **user);
        if let Some((_, member)) = reader.filter(|_| epoch == room.epoch) {
            assert!(to <= room.last(), "{event}");
            assert!(event["previousSeq"].as_u64() < Some(to), "{event}");
            assert!(to <= member.read, "{event}");
        }
    }

    /// Whether all is shown that there is.
    pub(super) fn is_complete(&self, model: &Model) -> bool {
        let own = model.rooms_of(self.who);
        let is_shown = |room: &&super::truth::Room| {
            let cursor = self.rooms.get(&room.id);
            let at_end = cursor.is_some_and(|c| c.epoch == room.epoch && c.seq == room.last());
            at_end && self.states.get(&room.id) == Some(&shape::of_state(room))
        };
        let inbox = model.inboxes.get(self.who).map_or(0, Vec::len) as u64;
        own.len() == self.rooms.len()
            && own.iter().all(is_shown)
            && self.inbox.as_ref().map_or(0, |cursor| cursor.seq) == inbox
    }

    /// What is missing or too much.
    pub(super) fn difference(&self, model: &Model) -> String {
        let own = model.rooms_of(self.who);
        let own = own.iter().map(|room| {
            let state = shape::of_state(room);
            format!("{} {}-{} {state}", room.id, room.epoch, room.last())
        });
        let own: Vec<_> = own.collect();
        let shown: Vec<_> = self
            .rooms
            .iter()
            .map(|(id, cursor)| format!("{id} {} {}", cursor.text(), self.states[id]))
            .collect();
        let inbox = model.inboxes.get(self.who).map_or(0, Vec::len);
        format!(
            "{} was shown\n  {shown:#?} inbox {:?}\nand not\n  {own:#?} inbox {inbox}",
            self.who, self.inbox
        )
    }
}
