//! One of everything, with all that it can have.

use std::sync::Arc;

use madang_domain::{
    Agent, ClientId, Epoch, Extra, Message, MessageKind, Person, Position, Profile, Revision, Room,
    RoomDetail, RoomHead, RoomId, SenderKind, Seq, Support, SupportState, Timestamp, UserId,
};

use crate::contracts::realtime::{LiveInbox, LiveRoom, ServerEvent};

fn position() -> Position {
    Position {
        epoch: Epoch::new(1),
        seq: Seq::new(2),
    }
}

pub(super) fn message() -> Message {
    Message {
        room: RoomId::new("kim@example.com").unwrap(),
        position: position(),
        kind: MessageKind::Message,
        sender: UserId::new("kim@example.com").unwrap(),
        sender_name: Some(Arc::from("Kim")),
        sender_kind: SenderKind::Customer,
        client_id: Some(ClientId::new("c-1").unwrap()),
        text: Arc::from("text"),
        sent_at: Timestamp::from_micros(1),
        extra: None,
    }
}

fn person() -> Person {
    Person {
        user: UserId::new("lee").unwrap(),
        name: Some(Arc::from("Lee")),
    }
}

/// A notification as it stands in an inbox.
pub(super) fn notification() -> Message {
    Message {
        room: RoomId::inbox(&UserId::new("kim").unwrap()),
        kind: MessageKind::Notification,
        sender_kind: SenderKind::Host,
        extra: Some(Box::new(Extra {
            data: Some(Arc::from(r#"{"type":"t","url":"/u","data":{}}"#)),
            revision: Revision::Read(Timestamp::from_micros(2)),
            ..Extra::default()
        })),
        ..message()
    }
}

pub(super) fn live_room() -> LiveRoom {
    let agent = Agent {
        user: UserId::new("lee").unwrap(),
        name: Arc::from("Lee"),
    };
    let room = Room {
        id: RoomId::new("kim@example.com").unwrap(),
        head: RoomHead {
            epoch: Epoch::new(1),
            last: Seq::new(2),
            oldest: Seq::new(1),
            access_version: 0,
        },
        created_at: Timestamp::from_micros(1),
        number: 1,
        detail: RoomDetail::Support(Support {
            customer: UserId::new("kim@example.com").unwrap(),
            member_id: Some(Arc::from("1024")),
            nickname: Some(Arc::from("Kim")),
            state: SupportState::Assigned(agent),
            inquired_at: Timestamp::from_micros(1),
        }),
        profile: Profile {
            title: Some(Arc::from("t")),
            description: Some(Arc::from("d")),
            picture: Some(Arc::from("p")),
            context: Some(Arc::from("{}")),
        },
        owner: Some(person()),
        member_count: 2,
    };
    LiveRoom {
        unread: Some(1),
        read_seq: Some(1),
        ..LiveRoom::new(&room, position())
    }
}

pub(super) fn live_inbox() -> LiveInbox {
    LiveInbox {
        position: position().to_string(),
        unread: 1,
        last_seq: 1,
        began: None,
    }
}

pub(super) fn reset() -> ServerEvent<'static> {
    ServerEvent::Reset {
        room: Some("r"),
        oldest: "p".into(),
        began: position(),
        head: "p".into(),
        oldest_seq: 1,
        last_seq: 1,
    }
}
