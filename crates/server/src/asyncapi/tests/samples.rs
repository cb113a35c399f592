//! One of everything, with all that it can have.

use std::sync::Arc;

use madang_domain::{
    Agent, ClientId, Epoch, Message, Position, Room, RoomHead, RoomId, SenderKind, Seq, Support,
    SupportState, Timestamp, UserId,
};

use crate::contracts::realtime::LiveRoom;

pub(super) fn live_position() -> Position {
    position()
}

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
        sender: UserId::new("kim@example.com").unwrap(),
        sender_name: Some(Arc::from("Kim")),
        sender_kind: SenderKind::Customer,
        client_id: Some(ClientId::new("c-1").unwrap()),
        text: Arc::from("text"),
        sent_at: Timestamp::from_micros(1),
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
        support: Support {
            customer: UserId::new("kim@example.com").unwrap(),
            member_id: Some(Arc::from("1024")),
            nickname: Some(Arc::from("Kim")),
            state: SupportState::Assigned(agent),
            inquired_at: Timestamp::from_micros(1),
        },
    };
    LiveRoom::new(&room, position())
}
