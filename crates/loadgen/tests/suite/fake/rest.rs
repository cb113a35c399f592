//! The REST calls that scenarios make. It is strict about who may ask for what, so that a scenario
//! that asks for what makes no sense counts failures.

use std::collections::{BTreeSet, HashMap};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

/// The only API key.
pub(crate) const API_KEY: &str = "mk_key";

#[derive(Default)]
pub(super) struct Rest {
    rooms: Vec<Room>,
    users: BTreeSet<String>,
}

struct Room {
    title: Value,
    is_open: bool,
    members: BTreeSet<String>,
    texts: Vec<String>,
    marks: HashMap<String, u64>,
}

/// A status and a body.
type Answer = (u16, Value);

const REFUSED: u16 = 403;
const CONFLICT: u16 = 409;

impl Rest {
    pub(super) fn answer(&mut self, head: &str, body: &[u8]) -> Answer {
        let mut words = head.split(' ');
        let (method, path) = (words.next().unwrap(), words.next().unwrap());
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let path: Vec<&str> = path.split('/').skip(3).collect();
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let bearer = "Authorization: Bearer ";
        let token = head.lines().find_map(|line| line.strip_prefix(bearer));
        match (token, path.as_slice()) {
            (Some(API_KEY), ["host", path @ ..]) => self.host(method, path, &body),
            (Some(token), path) if token != API_KEY => {
                self.person(&user_of(token), method, path, query, &body)
            }
            _ => (REFUSED, json!({})),
        }
    }

    /// Takes note of a message; of none to a room that was not made here.
    pub(super) fn sent(&mut self, destination: &str, body: &[u8]) {
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let id = destination.strip_prefix("/rooms/").unwrap_or_default();
        if let (Some(room), Some(text)) = (self.room(id), body["text"].as_str()) {
            room.texts.push(text.to_owned());
        }
    }

    fn host(&mut self, method: &str, path: &[&str], body: &Value) -> Answer {
        match (method, path) {
            ("PUT", ["users", id]) => {
                self.users.insert(id.replace("%40", "@"));
                (200, json!({}))
            }
            ("POST", ["users"]) => {
                let ids = body["users"].as_array().unwrap().iter();
                self.users
                    .extend(ids.map(|user| user["id"].as_str().unwrap().to_owned()));
                (200, json!({}))
            }
            ("POST", ["rooms"]) => {
                self.rooms.push(Room {
                    title: body["title"].clone(),
                    is_open: body["kind"] == "open",
                    members: members(body),
                    texts: Vec::new(),
                    marks: HashMap::new(),
                });
                (201, json!({ "id": format!("r{}", self.rooms.len() - 1) }))
            }
            ("POST", ["rooms", id, "members"]) => {
                self.room(id).unwrap().members.extend(members(body));
                (200, json!({}))
            }
            _ => (404, json!({})),
        }
    }

    fn person(
        &mut self,
        user: &str,
        method: &str,
        path: &[&str],
        query: &str,
        body: &Value,
    ) -> Answer {
        match (method, path) {
            ("GET", ["rooms"]) => (200, self.page(user, query)),
            ("GET", ["unread"]) => (200, json!({ "total": 0, "rooms": [] })),
            ("GET", ["search"]) if query.starts_with("q=") => (200, json!({ "messages": [] })),
            (method, ["rooms", id, what]) => match self.room(id) {
                Some(room) => room.answer(user, method, what, body),
                None => (404, json!({})),
            },
            _ => (404, json!({})),
        }
    }

    /// Two rooms on a page, so that there is a next one.
    fn page(&self, user: &str, query: &str) -> Value {
        let after = query
            .split_once("after=")
            .map(|(_, after)| after.parse().unwrap());
        let own = |(_, room): &(usize, &Room)| room.members.contains(user);
        let all: Vec<_> = self.rooms.iter().enumerate().filter(own).collect();
        let begin: usize = after.unwrap_or(0);
        let shown: Vec<Value> = all
            .iter()
            .skip(begin)
            .take(2)
            .map(|(n, room)| {
                json!({
                    "id": format!("r{n}"),
                    "title": room.title,
                    "memberCount": room.members.len(),
                    "readSeq": room.marks.get(user).unwrap_or(&0),
                    "head": { "lastSeq": room.texts.len(), "position": "e1:0" },
                    "lastMessage": room.texts.last().map(|text| json!({ "text": text })),
                })
            })
            .collect();
        let is_last = begin + 2 >= all.len();
        let next = (!is_last).then(|| (begin + 2).to_string());
        match next {
            Some(next) => json!({ "rooms": shown, "next": next }),
            None => json!({ "rooms": shown }),
        }
    }

    fn room(&mut self, id: &str) -> Option<&mut Room> {
        let n: usize = id.strip_prefix('r')?.parse().ok()?;
        self.rooms.get_mut(n)
    }
}

impl Room {
    fn answer(&mut self, user: &str, method: &str, what: &str, body: &Value) -> Answer {
        let is_member = self.members.contains(user);
        match (method, what) {
            // Joined twice, or left by a stranger: one of the two was not meant.
            ("POST", "join") if self.is_open && self.members.insert(user.to_owned()) => {
                (200, json!({}))
            }
            ("POST", "leave") if self.members.remove(user) => (204, Value::Null),
            ("POST", "join" | "leave") => (CONFLICT, json!({})),
            _ if !is_member => (REFUSED, json!({})),
            ("GET", "messages" | "receipts" | "members") => (200, json!({ "items": [1, 2, 3] })),
            ("POST", "messages") => {
                let text = body["text"].as_str().unwrap().to_owned();
                self.texts.push(text);
                (201, json!({}))
            }
            ("PUT", "read") => {
                let seq = body["seq"].as_u64().unwrap();
                let mark = self.marks.entry(user.to_owned()).or_default();
                let rises = seq > *mark && seq <= self.texts.len() as u64;
                *mark = seq.max(*mark);
                (if rises { 200 } else { CONFLICT }, json!({}))
            }
            _ => (404, json!({})),
        }
    }
}

/// An answer as it stands on the wire.
pub(super) fn encode((status, body): &Answer) -> Vec<u8> {
    if *status == 204 {
        return b"HTTP/1.1 204 No Content\r\n\r\n".to_vec();
    }
    let body = body.to_string();
    let length = body.len();
    format!("HTTP/1.1 {status} X\r\ncontent-length: {length}\r\n\r\n{body}").into_bytes()
}

fn members(body: &Value) -> BTreeSet<String> {
    let members = body["members"].as_array().unwrap().iter();
    members.map(|id| id.as_str().unwrap().to_owned()).collect()
}

/// The user that a token names; nobody checks it here.
fn user_of(token: &str) -> String {
    let claims = token.split('.').nth(1).unwrap_or_default();
    let claims = URL_SAFE_NO_PAD.decode(claims).unwrap_or_default();
    let claims: Value = serde_json::from_slice(&claims).unwrap_or_default();
    claims["sub"].as_str().unwrap_or_default().to_owned()
}
