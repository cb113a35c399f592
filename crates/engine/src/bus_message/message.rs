//! An entry of a room's log on the bus.

use std::sync::Arc;

use madang_domain::{
    ClientId, Epoch, Extra, MemberRole, Message, MessageKind, Person, Position, Revision, RoomId,
    SenderKind, Seq, Timestamp, UserId,
};
use serde::{Deserialize, Serialize};

/// An entry without its room, which is the bus topic.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct MessageBody {
    epoch: u64,
    seq: u64,
    /// See [`MessageKind::number`].
    kind: u8,
    sender: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    sender_name: Option<Arc<str>>,
    sender_kind: SenderPart,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<String>,
    text: Arc<str>,
    sent_at_micros: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    extra: Option<ExtraBody>,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum SenderPart {
    Customer,
    Agent,
    Member,
    Host,
}

/// See [`Extra`]. What became of an entry is not told: it is live, so nothing did yet.
#[derive(Debug, Serialize, Deserialize)]
struct ExtraBody {
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Arc<str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<u64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    subjects: Vec<PersonBody>,
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<RolePart>,
    #[serde(skip_serializing_if = "Option::is_none")]
    of_room: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    revokes: Option<RevokesBody>,
}

#[derive(Debug, Serialize, Deserialize)]
struct PersonBody {
    user: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<Arc<str>>,
}

#[derive(Debug, Serialize, Deserialize)]
struct RevokesBody {
    user: String,
    access_version: u64,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum RolePart {
    Member,
    Moderator,
    Owner,
}

impl MessageBody {
    pub(crate) fn of(message: &Message) -> Self {
        Self {
            epoch: message.position.epoch.get(),
            seq: message.position.seq.get(),
            kind: message.kind.number(),
            sender: message.sender.as_str().to_owned(),
            sender_name: message.sender_name.clone(),
            sender_kind: SenderPart::of(message.sender_kind),
            client_id: message.client_id.as_ref().map(|id| id.as_str().to_owned()),
            text: Arc::clone(&message.text),
            sent_at_micros: message.sent_at.as_micros(),
            extra: message.extra.as_deref().map(ExtraBody::of),
        }
    }

    /// `None` when an id in it is not one, or its kind is of a later version.
    pub(crate) fn into_message(self, room: &RoomId) -> Option<Arc<Message>> {
        let client_id = self.client_id.map(|id| ClientId::new(&id));
        Some(Arc::new(Message {
            room: room.clone(),
            position: Position {
                epoch: Epoch::new(self.epoch),
                seq: Seq::new(self.seq),
            },
            kind: MessageKind::from_number(self.kind)?,
            sender: UserId::new(&self.sender).ok()?,
            sender_name: self.sender_name,
            sender_kind: self.sender_kind.kind(),
            client_id: client_id.transpose().ok()?,
            text: self.text,
            sent_at: Timestamp::from_micros(self.sent_at_micros),
            extra: match self.extra {
                Some(extra) => Some(Box::new(extra.into_extra()?)),
                None => None,
            },
        }))
    }
}

impl ExtraBody {
    fn of(extra: &Extra) -> Self {
        Self {
            data: extra.data.clone(),
            target: extra.target.map(Seq::get),
            subjects: extra.subjects.iter().map(PersonBody::of).collect(),
            role: extra.role.map(RolePart::of),
            of_room: extra.of_room.as_ref().map(ToString::to_string),
            revokes: extra.revokes.as_ref().map(|(user, version)| RevokesBody {
                user: user.to_string(),
                access_version: *version,
            }),
        }
    }

    fn into_extra(self) -> Option<Extra> {
        let subjects = self.subjects.into_iter().map(PersonBody::into_person);
        let of_room = self.of_room.map(|room| RoomId::kept(&room));
        Some(Extra {
            data: self.data,
            target: self.target.map(Seq::new),
            subjects: subjects.collect::<Option<_>>()?,
            role: self.role.map(RolePart::role),
            of_room: of_room.transpose().ok()?,
            revokes: match self.revokes {
                Some(body) => Some((UserId::new(&body.user).ok()?, body.access_version)),
                None => None,
            },
            revision: Revision::None,
            edited_by: None,
        })
    }
}

impl PersonBody {
    fn of(person: &Person) -> Self {
        Self {
            user: person.user.to_string(),
            name: person.name.clone(),
        }
    }

    fn into_person(self) -> Option<Person> {
        Some(Person {
            user: UserId::new(&self.user).ok()?,
            name: self.name,
        })
    }
}

impl SenderPart {
    const fn of(kind: SenderKind) -> Self {
        match kind {
            SenderKind::Customer => Self::Customer,
            SenderKind::Agent => Self::Agent,
            SenderKind::Member => Self::Member,
            SenderKind::Host => Self::Host,
        }
    }

    const fn kind(self) -> SenderKind {
        match self {
            Self::Customer => SenderKind::Customer,
            Self::Agent => SenderKind::Agent,
            Self::Member => SenderKind::Member,
            Self::Host => SenderKind::Host,
        }
    }
}

impl RolePart {
    const fn of(role: MemberRole) -> Self {
        match role {
            MemberRole::Member => Self::Member,
            MemberRole::Moderator => Self::Moderator,
            MemberRole::Owner => Self::Owner,
        }
    }

    const fn role(self) -> MemberRole {
        match self {
            Self::Member => MemberRole::Member,
            Self::Moderator => MemberRole::Moderator,
            Self::Owner => MemberRole::Owner,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_survives_the_bus() {
        let room = RoomId::new("g").unwrap();
        let person = |id: &str, name: Option<&str>| Person {
            user: UserId::new(id).unwrap(),
            name: name.map(Arc::from),
        };
        for kind in MessageKind::ALL {
            let message = Message {
                room: room.clone(),
                position: Position {
                    epoch: Epoch::new(7),
                    seq: Seq::new(3),
                },
                kind,
                sender: UserId::new("lee").unwrap(),
                sender_name: Some(Arc::from("Lee")),
                sender_kind: SenderKind::Member,
                client_id: Some(ClientId::new("c-1").unwrap()),
                text: Arc::from("안녕"),
                sent_at: Timestamp::from_micros(-5),
                extra: Some(Box::new(Extra {
                    data: Some(Arc::from("{\"a\":1}")),
                    target: Some(Seq::new(2)),
                    subjects: vec![person("kim", None), person("park", Some("Park"))],
                    role: Some(MemberRole::Moderator),
                    of_room: Some(RoomId::desk()),
                    revokes: Some((UserId::new("kim").unwrap(), 4)),
                    revision: Revision::None,
                    edited_by: None,
                })),
            };
            let json = serde_json::to_vec(&MessageBody::of(&message)).unwrap();
            let body: MessageBody = serde_json::from_slice(&json).unwrap();
            assert_eq!(*body.into_message(&room).unwrap(), message);
        }
    }

    #[test]
    fn a_kind_of_a_later_version_is_passed_over() {
        let json = r#"{"epoch":1,"seq":1,"kind":250,"sender":"a","sender_kind":"member","text":"",
            "sent_at_micros":0}"#;
        let body: MessageBody = serde_json::from_str(json).unwrap();
        assert!(body.into_message(&RoomId::new("g").unwrap()).is_none());
    }
}
