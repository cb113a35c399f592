//! The table says what the policy decides.

use std::sync::Arc;

use madang_domain::policy::{self, Reviser};
use madang_domain::{
    Agent, Epoch, MemberRole, Message, MessageKind, Person, Position, ProfileChange, Role,
    RoomAction, RoomDetail, RoomId, RoomKind, Scope, Scopes, SenderKind, Seq, Standing, Support,
    SupportState, Timestamp, UserId,
};

use super::super::fixture::{caller, user};
use crate::authorization::{Attempt, Decision, Door, Place, ROWS, RoomState, Row, Subject, Who};

const CALLER: &str = "caller";

fn row(method: &'static str, path: &'static str) -> &'static Row {
    let door = Door::Http(method, path);
    ROWS.iter().find(|row| row.door == door).unwrap()
}

/// What the row tells apart, of everybody who has a role, in rooms that are there.
fn attempts(row: &Row) -> impl Iterator<Item = (Attempt, Role)> {
    let attempts = row.attempts().into_iter();
    let there = attempts.filter(|attempt| {
        !matches!(attempt.place, Place::Support { state, .. } if state == RoomState::Missing)
    });
    there.filter_map(|attempt| attempt.who.role().map(|role| (attempt, role)))
}

fn room(place: Place) -> (RoomDetail, Standing) {
    let agent = |id: &str| Agent {
        user: user(id),
        name: id.into(),
    };
    match place {
        Place::Members { kind, caller } => {
            let detail = match kind {
                RoomKind::Direct => RoomDetail::Direct,
                RoomKind::Group => RoomDetail::Group,
                _ => RoomDetail::Open,
            };
            (detail, caller)
        }
        Place::Support { owns, state } => {
            let support = Support {
                customer: user(if owns { CALLER } else { "customer" }),
                member_id: None,
                nickname: None,
                state: match state {
                    RoomState::AssignedToCaller => SupportState::Assigned(agent(CALLER)),
                    RoomState::AssignedToOther => SupportState::Assigned(agent("another")),
                    RoomState::Completed => SupportState::Completed,
                    RoomState::Waiting | RoomState::Missing => SupportState::Waiting,
                },
                inquired_at: Timestamp::from_micros(0),
            };
            (RoomDetail::Support(support), Standing::Stranger)
        }
    }
}

#[track_caller]
fn assert_agrees(row: &Row, decides: impl Fn(Attempt, Role, &RoomDetail, Standing) -> bool) {
    for (attempt, role) in attempts(row) {
        let (detail, standing) = room(attempt.place);
        let allowed = row.decide(attempt) == Decision::Allowed;
        let decided = decides(attempt, role, &detail, standing);
        assert_eq!(allowed, decided, "{:?} {attempt:?}", row.door);
    }
}

#[test]
fn the_table_agrees_with_the_policy_about_reading_and_writing() {
    let reads = row("GET", "/api/v1/rooms/{id}/messages");
    assert_agrees(reads, |_, role, detail, standing| {
        policy::reads(detail, standing, &user(CALLER), role)
    });
    for (method, path) in [("GET", "/members"), ("GET", "/receipts"), ("PUT", "/read")] {
        let sees = row_of(method, "/api/v1/rooms/{id}", path);
        assert_agrees(sees, |_, role, detail, standing| {
            policy::sees_members(detail, standing, &user(CALLER), role)
        });
    }
    let writes = row("POST", "/api/v1/rooms/{id}/messages");
    assert_agrees(writes, |_, role, detail, standing| {
        policy::may_send(detail, standing, &user(CALLER), role).is_ok()
    });
}

#[test]
fn the_table_agrees_with_the_policy_about_changing_messages() {
    let people = row("PATCH", "/api/v1/rooms/{id}/messages/{seq}");
    let host = row("DELETE", "/api/v1/host/rooms/{id}/messages/{seq}");
    let revises = |attempt: Attempt, role, detail: &RoomDetail, standing| {
        let sender = match attempt.subject {
            Subject::OwnMessage => CALLER,
            _ => "somebody",
        };
        let at = Timestamp::from_micros(0);
        let reviser = Reviser {
            user: &user(CALLER),
            role,
            standing,
            within: None,
            at,
        };
        policy::may_revise(detail, &message(sender), reviser).is_ok()
    };
    assert_agrees(people, |attempt, role, detail, standing| {
        role != Role::Service && revises(attempt, role, detail, standing)
    });
    assert_agrees(host, |attempt, role, detail, standing| {
        attempt.who == Who::Service(Scope::Messages) && revises(attempt, role, detail, standing)
    });
}

#[test]
fn the_table_agrees_with_the_policy_about_changing_rooms() {
    let person = |id: &str| Person {
        user: user(id),
        name: None,
    };
    let whom: UserId = user("subject");
    let adds = RoomAction::Add(vec![person("subject")], MemberRole::Member);
    let gives = RoomAction::SetRole(whom.clone(), MemberRole::Moderator);
    let removes = RoomAction::Remove(whom);
    let edits = RoomAction::Edit(ProfileChange::default());
    let people = [
        (("POST", "/join"), &RoomAction::Join),
        (("POST", "/leave"), &RoomAction::Leave),
        (("PATCH", ""), &edits),
        (("DELETE", ""), &RoomAction::Delete),
        (("POST", "/members"), &adds),
        (("PUT", "/members/{user}"), &gives),
        (("DELETE", "/members/{user}"), &removes),
    ];
    for ((method, path), action) in people {
        let row = row_of(method, "/api/v1/rooms/{id}", path);
        assert_agrees(row, |attempt, role, detail, standing| {
            role != Role::Service && acts(attempt, role, detail, standing, action)
        });
    }
    let host = [
        (("PATCH", ""), &edits),
        (("DELETE", ""), &RoomAction::Delete),
        (("POST", "/members"), &adds),
        (("PUT", "/members/{user}"), &gives),
    ];
    for ((method, path), action) in host {
        let row = row_of(method, "/api/v1/host/rooms/{id}", path);
        assert_agrees(row, |attempt, role, detail, standing| {
            let has_scope = attempt.who == Who::Service(Scope::Rooms);
            has_scope && acts(attempt, role, detail, standing, action)
        });
    }
}

fn row_of(method: &str, base: &str, path: &str) -> &'static Row {
    let wanted = format!("{base}{path}");
    let mut rows = ROWS.iter();
    let found = rows.find(|row| matches!(row.door, Door::Http(m, p) if m == method && p == wanted));
    found.unwrap()
}

fn acts(
    attempt: Attempt,
    role: Role,
    detail: &RoomDetail,
    standing: Standing,
    action: &RoomAction,
) -> bool {
    let subject = match attempt.subject {
        Subject::Person(subject) => subject,
        Subject::OwnMessage | Subject::AnothersMessage => Standing::Stranger,
    };
    policy::may_act(detail, &user(CALLER), role, standing, subject, action).is_ok()
}

#[test]
fn the_table_agrees_with_the_policy_about_what_the_host_sees() {
    for (path, scope) in [
        ("/api/v1/host/rooms/{id}", Scope::Rooms),
        ("/api/v1/host/rooms/{id}/members", Scope::Rooms),
        ("/api/v1/host/rooms/{id}/messages", Scope::Messages),
    ] {
        assert_agrees(row("GET", path), |attempt, _, detail, _| {
            let mut caller = caller("service/shop");
            caller.scopes = match attempt.who {
                Who::Service(scope) => [scope].into_iter().collect(),
                _ => Scopes::NONE,
            };
            policy::may_oversee(detail.kind(), &caller, scope).is_ok()
        });
    }
}

fn message(sender: &str) -> Message {
    Message {
        room: RoomId::new("room").unwrap(),
        position: Position {
            epoch: Epoch::new(1),
            seq: Seq::new(1),
        },
        kind: MessageKind::Message,
        sender: user(sender),
        sender_name: None,
        sender_kind: SenderKind::Member,
        client_id: None,
        text: Arc::from("x"),
        sent_at: Timestamp::from_micros(0),
        extra: None,
    }
}
