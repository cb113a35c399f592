//! Everything that can be asked for over REST, compared with the model.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::draw::LOOKED_FOR;
use super::json_shape as shape;
use super::paths::encoded;
use super::run::Run;
use super::shown::check_entry;
use super::truth::{Entry, PEOPLE, Room, State, Trust, User, name, trust};

/// Numbers of which receipts are asked for at once, at most.
const RECEIPTS: u64 = 200;

impl Run {
    /// All of it.
    pub(super) fn compare(&mut self) {
        self.fence();
        for (who, _) in PEOPLE {
            self.lists(who);
            self.unread(who);
            self.inbox(who);
            self.search(who);
            if self.model.sees_desk(who) {
                self.desk(who);
            }
        }
        let rooms: Vec<String> = self.model.rooms.keys().cloned().collect();
        for id in rooms {
            self.room(&id);
        }
        self.open_rooms();
    }

    /// What one user sees, and one room.
    pub(super) fn compare_some(&mut self) {
        let (who, _) = PEOPLE[self.dice.below(PEOPLE.len())];
        self.lists(who);
        self.unread(who);
        self.search(who);
        let at = self.dice.below(self.model.rooms.len().max(1));
        if let Some(id) = self.model.rooms.keys().nth(at).cloned() {
            self.room(&id);
        }
    }

    fn get(&self, who: User, path: &str) -> Value {
        self.people[who].rest.get(path)
    }

    /// All pages of a list. `next` is put behind `path` to get the next one.
    fn pages(&self, who: User, path: &str, list: &str, next: &str) -> Vec<Value> {
        let mut all = Vec::new();
        let mut page = self.get(who, path);
        loop {
            all.extend(page[list].as_array().expect("a list").iter().cloned());
            let after = match &page["next"] {
                Value::Null => return all,
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            page = self.get(who, &format!("{path}&{next}={after}"));
        }
    }

    fn limit(&mut self) -> usize {
        1 + self.dice.below(9)
    }

    fn lists(&mut self, who: User) {
        let limit = self.limit();
        let listed = self.pages(
            who,
            &format!("/api/v1/rooms?limit={limit}"),
            "rooms",
            "after",
        );
        let own = self.model.rooms_of(who);
        let expected: Vec<_> = own
            .iter()
            .map(|room| shape::of_own_room(room, who))
            .collect();
        let told: Vec<_> = listed.iter().map(shape::room).collect();
        assert_eq!(told, expected, "the rooms of {who}");
        let times = listed.iter().map(|room| shape::micros(&room["activeAt"]));
        assert!(times.rev().is_sorted(), "newest activity first: {listed:?}");
        let kind = own.first().map_or("group", |room| room.kind.name());
        let of_kind = format!("/api/v1/rooms?limit={limit}&kind={kind}");
        let of_kind = self.pages(who, &of_kind, "rooms", "after");
        let expected = expected.into_iter().filter(|room| room["kind"] == kind);
        let told: Vec<_> = of_kind.iter().map(shape::room).collect();
        assert_eq!(
            told,
            expected.collect::<Vec<_>>(),
            "the {kind} rooms of {who}"
        );
    }

    fn unread(&self, who: User) {
        let told = self.get(who, "/api/v1/unread");
        let own = self.model.rooms_of(who);
        let unread = own.iter().map(|room| (room.id.as_str(), room.unread(who)));
        let unread: BTreeMap<_, _> = unread.filter(|(_, count)| *count > 0).collect();
        assert_eq!(
            told["total"],
            json!(unread.values().sum::<u64>()),
            "of {who}: {told}"
        );
        let rooms = told["rooms"].as_array().expect("rooms").iter();
        let rooms = rooms.map(|room| {
            (
                room["id"].as_str().unwrap(),
                room["unread"].as_u64().unwrap(),
            )
        });
        assert_eq!(rooms.collect::<BTreeMap<_, _>>(), unread, "of {who}");
        let notifications = shape::unread_notifications(&self.model, who);
        assert_eq!(told["notifications"], json!(notifications), "of {who}");
    }

    fn inbox(&mut self, who: User) {
        let size = self.limit();
        let (mut page, mut told) = (1, Vec::new());
        loop {
            let path = format!("/api/v1/notifications?page={page}&size={size}");
            let found = self.get(who, &path);
            let listed = found["notifications"].as_array().expect("notifications");
            told.extend(listed.iter().map(shape::notification));
            if found["total"].as_u64() <= Some((page * size) as u64) {
                break;
            }
            page += 1;
        }
        let there = self.model.notifications(who);
        let expected: Vec<_> = there
            .iter()
            .map(|(seq, entry)| shape::of_notification(*seq, entry))
            .collect();
        assert_eq!(told, expected, "the inbox of {who}");
    }

    fn search(&mut self, who: User) {
        let own = self.model.rooms_of(who);
        let one = own.get(self.dice.below(own.len().max(1)));
        let one = one.map(|room| room.id.clone());
        let words = LOOKED_FOR[self.dice.below(LOOKED_FOR.len())];
        self.search_in(who, None, words);
        let Some(id) = one else { return };
        self.search_in(who, Some(&id), words);
        self.search_for_one(who);
    }

    /// What few messages have, and perhaps only since they were edited.
    fn search_for_one(&mut self, who: User) {
        let edited = self.dice.once_in(2);
        let own = self.model.rooms_of(who);
        let entries = own
            .iter()
            .flat_map(|room| room.log.iter().map(|entry| (&room.id, entry)));
        let texts = entries.filter(|(_, entry)| {
            let has_text = !entry.body.text.is_empty() && entry.kind == "message";
            has_text && (entry.edited || !edited)
        });
        let texts: Vec<_> = texts
            .map(|(id, entry)| (id.clone(), entry.body.text.clone()))
            .collect();
        if texts.is_empty() {
            return;
        }
        let (id, text) = &texts[self.dice.below(texts.len())];
        let word = text.rsplit(' ').next().unwrap_or(text);
        let room = self.dice.once_in(2).then_some(id.as_str());
        self.search_in(who, room, &[word]);
    }

    fn search_in(&mut self, who: User, room: Option<&str>, words: &[&str]) {
        let limit = self.limit();
        let query = encoded(&words.join(" "));
        let of_room = room.map(|id| format!("&room={id}")).unwrap_or_default();
        let path = format!("/api/v1/search?q={query}&limit={limit}{of_room}");
        let found = self.pages(who, &path, "messages", "before");
        let times = found
            .iter()
            .map(|message| shape::micros(&message["sentAt"]));
        assert!(times.rev().is_sorted(), "newest first");
        let told: Vec<_> = found.iter().map(place).collect();
        let expected = self.model.found(who, room, words);
        assert_eq!(
            told.len(),
            expected.len(),
            "{who} looks for {words:?}: {told:?}, not {expected:?}"
        );
        let expected: BTreeSet<_> = expected.into_iter().collect();
        assert_eq!(
            told.into_iter().collect::<BTreeSet<_>>(),
            expected,
            "of {who}"
        );
        for message in &found {
            check_entry(&self.model, message);
        }
    }

    fn desk(&mut self, who: User) {
        for (path, state) in [("waiting", State::Waiting), ("mine", State::Assigned(who))] {
            let listed = self.get(who, &format!("/api/v1/desk/{path}"));
            let listed = listed["rooms"].as_array().expect("rooms").iter();
            let told: Vec<_> = listed.map(shape::room).collect();
            let expected = self.model.at_desk(state);
            let expected: Vec<_> = expected.into_iter().map(shape::of_room).collect();
            assert_eq!(told, expected, "{path} at the desk of {who}");
        }
        let log = &self.model.desk;
        self.log(who, "/api/v1/desk/feed", log, 25);
        for (ahead, room) in self.model.at_desk(State::Waiting).iter().enumerate() {
            let queue = self.get("root", &format!("/api/v1/rooms/{}/queue", room.id));
            assert_eq!(queue["ahead"], json!(ahead), "before {}", room.id);
        }
    }

    fn open_rooms(&mut self) {
        let limit = self.limit();
        let path = format!("/api/v1/open-rooms?limit={limit}");
        let listed = self.pages("lee", &path, "rooms", "after");
        let told: Vec<_> = listed.iter().map(shape::room).collect();
        let expected: Vec<_> = self
            .model
            .open_rooms()
            .into_iter()
            .map(shape::of_room)
            .collect();
        assert_eq!(told, expected);
    }

    fn room(&mut self, id: &str) {
        let limit = 5 + self.dice.below(60);
        let room = &self.model.rooms[id];
        // The host may have removed the last one: an admin reads it still.
        let reader = room.members.keys().next().unwrap_or(&"root");
        let told = self.get(reader, &format!("/api/v1/rooms/{id}"));
        assert_eq!(shape::room(&told), shape::of_room(room));
        self.log(
            reader,
            &format!("/api/v1/rooms/{id}/messages"),
            &room.log,
            limit,
        );
        self.conversation(reader, room, limit);
        self.members(reader, room);
        self.receipts(reader, room);
    }

    /// A log by pages, back from its end and on from its beginning.
    fn log(&self, who: User, path: &str, log: &[Entry], limit: usize) {
        let expected: Vec<_> = (1..)
            .zip(log)
            .map(|(seq, entry)| entry.shown(seq))
            .collect();
        let mut back = Vec::new();
        let mut before = String::new();
        loop {
            let page = self.get(who, &format!("{path}?limit={limit}{before}"));
            let messages = page["messages"].as_array().expect("messages").clone();
            let oldest = messages.first().map_or(1, seq);
            back.splice(0..0, messages);
            assert_eq!(page["hasMore"], json!(oldest > 1), "{page}");
            assert_eq!(
                page["next"].as_u64(),
                (oldest > 1).then_some(oldest),
                "{page}"
            );
            if oldest <= 1 {
                break;
            }
            before = format!("&before={oldest}");
        }
        let told: Vec<_> = back.iter().map(shape::entry).collect();
        assert_eq!(told, expected, "{path} read back by {limit}");
        assert!(
            back.iter().map(|m| shape::micros(&m["sentAt"])).is_sorted(),
            "{path}"
        );
        let mut on: Vec<Value> = Vec::new();
        while on.len() < log.len() {
            let after = on.len();
            let page = self.get(who, &format!("{path}?limit={limit}&after={after}"));
            let messages = page["messages"].as_array().expect("messages");
            assert!(!messages.is_empty(), "{path} after {after}");
            on.extend(messages.iter().cloned());
            assert_eq!(page["hasMore"], json!(on.len() < log.len()), "{path}");
            assert_eq!(page["next"].is_null(), on.len() == log.len(), "{path}");
        }
        assert_eq!(on, back, "{path} read on and back");
    }

    /// What was said, without what happened in between.
    fn conversation(&self, who: User, room: &Room, limit: usize) {
        let path = format!(
            "/api/v1/rooms/{}/messages?only=messages&limit={limit}",
            room.id
        );
        let mut told = Vec::new();
        let mut page = self.get(who, &path);
        loop {
            let messages = page["messages"].as_array().expect("messages").iter();
            let messages: Vec<_> = messages.map(seq).collect();
            told.splice(0..0, messages);
            assert_eq!(page["hasMore"], json!(page.get("next").is_some()), "{page}");
            let Some(next) = page.get("next") else { break };
            page = self.get(who, &format!("{path}&before={next}"));
        }
        let said = (1..).zip(&room.log);
        let said = said.filter(|(_, entry)| matches!(entry.kind, "message" | "notice"));
        let expected: Vec<u64> = said.map(|(seq, _)| seq).collect();
        assert_eq!(told, expected, "what was said in {}", room.id);
    }

    fn members(&self, who: User, room: &Room) {
        let path = format!("/api/v1/rooms/{}/members?limit=2", room.id);
        let listed = self.pages(who, &path, "members", "after");
        let told: Vec<_> = listed
            .into_iter()
            .map(|mut member| {
                let member = member.as_object_mut().expect("an object");
                let joined = member.remove("joinedAt").expect("since when");
                shape::micros(&joined);
                member.remove("online");
                Value::Object(member.clone())
            })
            .collect();
        let expected = room.members.iter().map(|(user, member)| {
            json!({
                "id": user, "name": name(user), "role": member.role.name(),
                "readSeq": member.read, "deliveredSeq": member.read,
            })
        });
        assert_eq!(
            told,
            expected.collect::<Vec<_>>(),
            "who belongs to {}",
            room.id
        );
    }

    fn receipts(&self, who: User, room: &Room) {
        let mut from = 1;
        loop {
            let to = from + RECEIPTS - 1;
            let path = format!("/api/v1/rooms/{}/receipts?from={from}&to={to}", room.id);
            let told = self.get(who, &path);
            let expected: Vec<_> = (from..=to.min(room.last()))
                .map(|seq| {
                    let (read, not) = room.read_by(seq);
                    json!({"seq": seq, "readBy": read, "notReadBy": not})
                })
                .collect();
            assert_eq!(
                told["counts"],
                json!(expected),
                "who has read what in {}",
                room.id
            );
            let marks = told["marks"].as_array().expect("marks").iter();
            let marks = marks.map(|mark| (mark["user"].as_str().unwrap(), &mark["readSeq"]));
            let marks: BTreeMap<_, _> = marks
                .map(|(user, seq)| (user, seq.as_u64().unwrap()))
                .collect();
            let expected = room
                .members
                .iter()
                .map(|(user, member)| (*user, member.read));
            assert_eq!(marks, expected.collect(), "in {}", room.id);
            if to >= room.last() {
                return;
            }
            from = to + 1;
        }
    }
}

fn seq(message: &Value) -> u64 {
    message["seq"].as_u64().expect("a number")
}

fn place(message: &Value) -> (String, u64) {
    let room = message["roomId"].as_str().expect("a room");
    (room.to_owned(), seq(message))
}

/// What the store knows of everybody: their names and as what they came.
pub(super) fn is_known(run: &Run, who: User) -> bool {
    let response = run
        .host
        .call("GET", &format!("/api/v1/host/users/{who}"), &Value::Null);
    let role = match trust(who) {
        Trust::User | Trust::Host => "user",
        Trust::Agent => "agent",
        Trust::Admin => "admin",
    };
    response.status == 200
        && response.json()["role"] == role
        && response.json()["name"] == name(who)
}
