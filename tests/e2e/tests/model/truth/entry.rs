//! An entry of a log, and how clients see it.

use serde_json::{Map, Value, json};

use super::{User, name};

/// What a message says.
#[derive(Debug, Clone, Default, PartialEq)]
pub(in super::super) struct Body {
    pub(in super::super) text: String,
    pub(in super::super) data: Option<Value>,
}

impl Body {
    pub(in super::super) fn text(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            data: None,
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub(in super::super) struct Entry {
    /// As clients see it.
    pub(in super::super) kind: &'static str,
    pub(in super::super) sender: User,
    pub(in super::super) part: &'static str,
    pub(in super::super) body: Body,
    pub(in super::super) client_id: Option<String>,
    pub(in super::super) target: Option<u64>,
    pub(in super::super) subjects: Vec<User>,
    pub(in super::super) role: Option<&'static str>,
    pub(in super::super) of_room: Option<String>,
    pub(in super::super) edited: bool,
    pub(in super::super) deleted: bool,
    /// Of a notification.
    pub(in super::super) read: bool,
    /// Of what is done to notifications: whether all up to the target are meant.
    pub(in super::super) up_to: bool,
    /// Which entry changed it last.
    pub(in super::super) edited_by: Option<u64>,
    /// In which step it was appended to a room.
    pub(in super::super) step: usize,
}

impl Entry {
    pub(super) fn new(kind: &'static str, sender: User, part: &'static str) -> Self {
        Self {
            kind,
            sender,
            part,
            body: Body::default(),
            client_id: None,
            target: None,
            subjects: Vec::new(),
            role: None,
            of_room: None,
            edited: false,
            deleted: false,
            read: false,
            up_to: false,
            edited_by: None,
            step: 0,
        }
    }

    pub(super) fn about(mut self, subjects: &[User]) -> Self {
        self.subjects = subjects.to_vec();
        self
    }

    /// How a client sees it as this number of a log, without times and places.
    pub(in super::super) fn shown(&self, seq: u64) -> Value {
        let person = |user: &User| json!({"id": user, "name": name(user)});
        let mut sender = person(&self.sender);
        sender["kind"] = json!(self.part);
        let mut shown = Map::new();
        let mut put = |key: &str, value: Value| shown.insert(key.to_owned(), value);
        put("type", json!(self.kind));
        put("seq", json!(seq));
        put("sender", sender);
        put("text", json!(self.body.text));
        put("edited", json!(self.edited));
        put("deleted", json!(self.deleted));
        if let Some(data) = &self.body.data {
            put("data", data.clone());
        }
        if let Some(id) = &self.client_id {
            put("clientId", json!(id));
        }
        if let Some(target) = self.target {
            put("target", json!(target));
        }
        if !self.subjects.is_empty() {
            put("subjects", self.subjects.iter().map(person).collect());
        }
        if let Some(role) = self.role {
            put("role", json!(role));
        }
        if let Some(room) = &self.of_room {
            put("ofRoom", json!(room));
        }
        Value::Object(shown)
    }
}

/// The entry of this number in a log.
pub(in super::super) fn entry_in(log: &[Entry], seq: u64) -> Option<&Entry> {
    let at = usize::try_from(seq).ok()?.checked_sub(1)?;
    log.get(at)
}
