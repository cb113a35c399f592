//! What is done to rooms and inboxes, as REST has it.

use serde_json::{Value, json};

use super::step::Op;
use super::truth::{HOST, User};

/// What all of somebody's paths begin with.
pub(super) fn api(who: User) -> &'static str {
    match who {
        HOST => "/api/v1/host",
        _ => "/api/v1",
    }
}

/// Method, path and body.
pub(super) fn of(who: User, op: &Op) -> (&'static str, String, Value) {
    let room = |id: &str, rest: &str| format!("{}/rooms/{id}{rest}", api(who));
    let desk = |id: &str, what: &str| format!("/api/v1/desk/rooms/{id}/{what}");
    let inbox = |rest: String| format!("/api/v1/notifications/{rest}");
    match op {
        Op::Join { room: id } => ("POST", room(id, "/join"), Value::Null),
        Op::Leave { room: id } => ("POST", room(id, "/leave"), Value::Null),
        Op::Rename { room: id, title } => ("PATCH", room(id, ""), json!({"title": title})),
        Op::DeleteRoom { room: id } => ("DELETE", room(id, ""), Value::Null),
        Op::Add {
            room: id,
            users,
            role,
        } => {
            let body = json!({"members": users, "role": role.name()});
            ("POST", room(id, "/members"), body)
        }
        Op::Remove { room: id, user } if who == HOST => {
            let body = json!({"members": [user]});
            ("POST", room(id, "/members/remove"), body)
        }
        Op::Remove { room: id, user } => {
            ("DELETE", room(id, &format!("/members/{user}")), Value::Null)
        }
        Op::SetRole {
            room: id,
            user,
            role,
        } => {
            let path = room(id, &format!("/members/{user}"));
            ("PUT", path, json!({"role": role.name()}))
        }
        Op::Claim { room: id } => ("POST", desk(id, "claim"), Value::Null),
        Op::Release { room: id } => ("POST", desk(id, "release"), Value::Null),
        Op::Complete { room: id } => ("POST", desk(id, "complete"), Value::Null),
        Op::HandOver { room: id, to } => ("POST", desk(id, "hand-over"), json!({"agent": to})),
        Op::Notify {
            users,
            content,
            data,
        } => {
            let mut body = data.clone();
            body["users"] = json!(users);
            body["content"] = json!(content);
            ("POST", "/api/v1/host/notifications".to_owned(), body)
        }
        Op::ReadNotification { seq } => ("PATCH", inbox(seq.to_string()), json!({"read": true})),
        Op::DeleteNotification { seq } => ("DELETE", inbox(seq.to_string()), Value::Null),
        Op::ReadNotifications { up_to } => {
            ("POST", inbox("read".to_owned()), json!({"upTo": up_to}))
        }
        other => panic!("{other:?} is not managed"),
    }
}

/// Text as a part of a query (RFC 3986, section 2.1).
pub(super) fn encoded(text: &str) -> String {
    let byte = |byte: u8| match byte.is_ascii_alphanumeric() {
        true => char::from(byte).to_string(),
        false => format!("%{byte:02X}"),
    };
    text.bytes().map(byte).collect()
}
