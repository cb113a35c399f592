//! Madang's native REST, as far as scenarios use it: requests to make, and what answers say.

use serde::Deserialize;
use serde_json::json;

use super::dataset::{Room, RoomKind};
use super::target::Target;
use crate::error::BenchError;
use crate::http::{HttpConnection, Request, encoded};

/// Rooms of one page of a list.
const ROOMS_PER_PAGE: usize = 200;

/// Members that one request adds or a room is made with, at most.
pub(super) const MEMBERS_AT_ONCE: usize = 1_000;

/// Users that one request upserts, at most.
pub(super) const USERS_AT_ONCE: usize = 100;

/// Who asks, and whom.
pub(super) struct Api<'a> {
    pub(super) target: &'a Target<'a>,
    /// Of the host's back end.
    pub(super) api_key: &'a str,
}

/// A room as a list of one's own rooms shows it.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct OwnRoom {
    pub(super) id: String,
    pub(super) title: Option<String>,
    pub(super) member_count: u64,
    pub(super) read_seq: u64,
    pub(super) head: Head,
    pub(super) last_message: Option<Message>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Head {
    pub(super) last_seq: u64,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Message {
    pub(super) text: String,
}

#[derive(Debug, Deserialize)]
struct OwnRooms {
    rooms: Vec<OwnRoom>,
    next: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Made {
    id: String,
}

impl Api<'_> {
    /// Upserts a user with a name that says `version`, so that it changes.
    pub(super) fn upsert_user(&self, user: u32, version: u64) -> Request {
        let id = encoded(&self.user(user));
        let body = json!({ "name": name(user, version) }).to_string();
        Request::get(format!("/api/v1/host/users/{id}"), self.api_key).with("PUT", body)
    }

    /// Upserts users, at most [`USERS_AT_ONCE`].
    pub(super) fn upsert_users(&self, users: impl Iterator<Item = u32>, version: u64) -> Request {
        let user = |user| json!({ "id": self.user(user), "name": name(user, version) });
        let users: Vec<_> = users.map(user).collect();
        let body = json!({ "users": users }).to_string();
        Request::get("/api/v1/host/users", self.api_key).with("POST", body)
    }

    /// Makes a room; its members behind the first [`MEMBERS_AT_ONCE`] are to be added.
    pub(super) fn make_room(&self, title: &str, room: &Room) -> Request {
        let kind = match room.kind {
            RoomKind::Group => "group",
            RoomKind::Open => "open",
        };
        let members = &room.members[..room.members.len().min(MEMBERS_AT_ONCE)];
        let body = json!({
            "kind": kind,
            "title": title,
            "owner": self.user(members[0]),
            "members": self.users(members),
        });
        Request::get("/api/v1/host/rooms", self.api_key).with("POST", body.to_string())
    }

    /// Adds members, at most [`MEMBERS_AT_ONCE`]; those who are members stay so.
    pub(super) fn add_members(&self, room: &str, members: &[u32]) -> Request {
        let body = json!({ "members": self.users(members) }).to_string();
        let path = format!("/api/v1/host/rooms/{room}/members");
        Request::get(path, self.api_key).with("POST", body)
    }

    /// Asks for something of a room, or does it with a POST or PUT.
    pub(super) fn room(&self, user: u32, room: &str, what: &str) -> Result<Request, BenchError> {
        self.person(user, &format!("/api/v1/rooms/{room}{what}"))
    }

    /// A GET as a user.
    pub(super) fn person(&self, user: u32, path: &str) -> Result<Request, BenchError> {
        Ok(Request::get(path, self.target.token(user as usize)?))
    }

    /// All rooms of a user, page by page.
    pub(super) fn rooms_of(
        &self,
        connection: &mut HttpConnection,
        user: u32,
    ) -> Result<Vec<OwnRoom>, BenchError> {
        let path = format!("/api/v1/rooms?limit={ROOMS_PER_PAGE}");
        let mut request = self.person(user, &path)?;
        let mut rooms = Vec::new();
        loop {
            let page: OwnRooms = read(connection, &request)?;
            rooms.extend(page.rooms);
            match page.next {
                Some(next) => request.path = format!("{path}&after={}", encoded(&next)),
                None => return Ok(rooms),
            }
        }
    }

    fn user(&self, user: u32) -> String {
        self.target.user(user as usize)
    }

    fn users(&self, users: &[u32]) -> Vec<String> {
        users.iter().map(|user| self.user(*user)).collect()
    }
}

/// Makes a room; answers its id.
pub(super) fn make(
    connection: &mut HttpConnection,
    request: &Request,
) -> Result<String, BenchError> {
    read::<Made>(connection, request).map(|made| made.id)
}

/// Asks for what has to be done.
pub(super) fn ask(connection: &mut HttpConnection, request: &Request) -> Result<(), BenchError> {
    checked(connection, request).map(drop)
}

fn read<T: for<'de> Deserialize<'de>>(
    connection: &mut HttpConnection,
    request: &Request,
) -> Result<T, BenchError> {
    let body = checked(connection, request)?;
    serde_json::from_slice(body).map_err(|error| BenchError::Answer {
        asked: format!("{} {}", request.method, request.path),
        answer: format!("what is not understood: {error}"),
    })
}

fn checked<'c>(
    connection: &'c mut HttpConnection,
    request: &Request,
) -> Result<&'c [u8], BenchError> {
    let asked = || format!("{} {}", request.method, request.path);
    let answer = connection.ask(request).map_err(BenchError::io(asked()))?;
    match answer.is_success() {
        true => Ok(answer.body),
        false => Err(BenchError::Answer {
            asked: asked(),
            answer: answer.describe(),
        }),
    }
}

fn name(user: u32, version: u64) -> String {
    format!("사람 {user} v{version}")
}
