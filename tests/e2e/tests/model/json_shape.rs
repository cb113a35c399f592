//! What the server shows, without what only it can know: times, places, numbers of rooms. Whatever is taken
//! away is checked to be there first.

use serde_json::{Map, Value, json};

use super::truth::{Entry, Kind, Model, Room, State, User, name};

/// A position's life and number.
pub(super) fn position(value: &Value) -> (String, u64) {
    let text = value
        .as_str()
        .unwrap_or_else(|| panic!("no position: {value}"));
    let (epoch, seq) = text.split_once('-').expect("a position is opaque but ours");
    (epoch.to_owned(), seq.parse().expect("a number"))
}

/// A time, in microseconds.
pub(super) fn micros(value: &Value) -> i64 {
    let text = value.as_str().unwrap_or_else(|| panic!("no time: {value}"));
    let time: jiff::Timestamp = text.parse().expect("RFC 3339");
    time.as_microsecond()
}

fn take(object: &mut Map<String, Value>, key: &str) -> Value {
    object
        .remove(key)
        .unwrap_or_else(|| panic!("no {key} in {object:?}"))
}

fn object(value: &Value) -> Map<String, Value> {
    value
        .as_object()
        .unwrap_or_else(|| panic!("no object: {value}"))
        .clone()
}

/// An entry of a room's log.
pub(super) fn entry(value: &Value) -> Value {
    let mut entry = object(value);
    let place = take(&mut entry, "position");
    assert_eq!(take(&mut entry, "messageId"), place, "{value}");
    assert_eq!(json!(position(&place).1), entry["seq"], "{value}");
    micros(&take(&mut entry, "sentAt"));
    take(&mut entry, "roomId");
    for (key, flag) in [("editedAt", "edited"), ("deletedAt", "deleted")] {
        let at = entry.remove(key);
        at.as_ref().map(micros);
        entry.insert(flag.to_owned(), json!(at.is_some()));
    }
    Value::Object(entry)
}

/// A room. What only its user is told (`role`, `unread` and the like) stays as it is.
pub(super) fn room(value: &Value) -> Value {
    let mut room = object(value);
    let head = object(&take(&mut room, "head"));
    let (_, last) = position(&head["position"]);
    assert_eq!(head["lastSeq"], json!(last), "{value}");
    assert_eq!(
        head["oldestSeq"],
        json!(1),
        "nothing is removed here: {value}"
    );
    room.insert("last".to_owned(), json!(last));
    micros(&take(&mut room, "createdAt"));
    assert!(take(&mut room, "number").is_u64(), "{value}");
    for key in ["activeAt", "inquiredAt"] {
        room.remove(key).as_ref().map(micros);
    }
    room.remove("position");
    if let Some(message) = room.get_mut("lastMessage") {
        *message = entry(message);
    }
    Value::Object(room)
}

/// What [`room`] has to make of this one.
pub(super) fn of_room(room: &Room) -> Value {
    let person = |user: User| json!({"id": user, "name": name(user)});
    let mut shown = json!({
        "id": room.id,
        "kind": room.kind.name(),
        "memberCount": room.members.len(),
        "last": room.last(),
    });
    if let Some(title) = &room.title {
        shown["title"] = json!(title);
    }
    if let Some(context) = &room.context {
        shown["context"] = context.clone();
    }
    if let Some(owner) = room.owner {
        shown["owner"] = person(owner);
    }
    if let Some(support) = &room.support {
        shown["customer"] = person(support.customer);
        shown["state"] = json!(state_name(support.state));
        if let State::Assigned(agent) = support.state {
            shown["assignee"] = person(agent);
        }
    }
    shown
}

const fn state_name(state: State) -> &'static str {
    match state {
        State::Waiting => "waiting",
        State::Assigned(_) => "assigned",
        State::Completed => "completed",
    }
}

/// What a list shows its user of a room.
pub(super) fn of_own_room(room: &Room, user: User) -> Value {
    let mut shown = of_live_room(room, user);
    if let Some(role) = room.role(user).filter(|_| room.kind != Kind::Support) {
        shown["role"] = json!(role.name());
    }
    if let Some((seq, message)) = room.last_message() {
        shown["lastMessage"] = message.shown(seq);
    }
    shown
}

/// What `hello` shows of a room.
pub(super) fn of_live_room(room: &Room, user: User) -> Value {
    let mut shown = of_room(room);
    shown["unread"] = json!(room.unread(user));
    shown["readSeq"] = json!(room.members.get(user).map_or(0, |member| member.read));
    shown
}

/// Where a support room stands, as its people are told; null of others.
pub(super) fn of_state(room: &Room) -> Value {
    state(&of_room(room))
}

/// The same, of a room that was shown.
pub(super) fn state(room: &Value) -> Value {
    match room.get("state") {
        Some(state) => json!({"state": state, "agent": room["assignee"]["id"]}),
        None => Value::Null,
    }
}

/// A notification.
pub(super) fn notification(value: &Value) -> Value {
    let mut shown = object(value);
    micros(&take(&mut shown, "createdAt"));
    let read = shown.remove("readAt");
    read.as_ref().map(micros);
    shown.insert("read".to_owned(), json!(read.is_some()));
    Value::Object(shown)
}

/// What [`notification`] has to make of this one.
pub(super) fn of_notification(seq: u64, entry: &Entry) -> Value {
    let stored = entry.body.data.clone().unwrap_or_default();
    let mut shown = json!({
        "id": seq,
        "type": stored["type"],
        "content": entry.body.text,
        "read": entry.read,
    });
    for key in ["url", "data"] {
        if let Some(value) = stored.get(key) {
            shown[key] = value.clone();
        }
    }
    shown
}

/// An entry of an inbox, as it is shown live.
pub(super) fn of_inbox_entry(seq: u64, entry: &Entry) -> Value {
    if entry.kind == "notification" {
        let mut shown = json!({"change": "added"});
        if !entry.deleted {
            shown["notification"] = of_notification(seq, entry);
        }
        return shown;
    }
    let change = match entry.kind {
        "notificationRead" => "read",
        _ => "deleted",
    };
    json!({"change": change, "target": entry.target, "upTo": entry.up_to})
}

/// How many notifications somebody has not read.
pub(super) fn unread_notifications(model: &Model, user: User) -> usize {
    let there = model.notifications(user);
    there.iter().filter(|(_, entry)| !entry.read).count()
}
