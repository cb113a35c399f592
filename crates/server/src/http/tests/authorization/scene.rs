//! One attempt's own room, with its caller and its subject, and the request.

use std::sync::Arc;

use axum::body::Body;
use axum::http::header;
use bytes::Bytes;
use madang_domain::message::Body as MessageBody;
use madang_domain::{
    Caller, Content, MemberRole, Notification, Profile, Role, RoomAction, RoomId, RoomKind, Scope,
    Standing, UserChange,
};
use madang_engine::{RoomPlan, TopicDraft, TopicTarget};
use serde_json::json;

use super::super::fixture::{Answer, Server, caller, local_request, request, user};
use super::super::pictures::PNG;
use crate::authorization::{Attempt, Place, RoomState, Subject, Who};
use crate::contracts::community::trade::Trade;

/// Somebody of whom something is known.
const KNOWN: &str = "known";
/// An agent who has come before.
const COLLEAGUE: &str = "colleague";

pub(super) struct Scene {
    attempt: Attempt,
    /// Who asks.
    pub(super) caller: String,
    /// The room that is meant, whether it is there or not.
    pub(super) room: RoomId,
    /// Its number, as contract 2 names it.
    pub(super) number: String,
    /// Whom the attempt is about.
    subject: String,
    /// The message that it is about.
    seq: u64,
}

/// What all attempts have in common.
pub(super) async fn set_up(server: &Server) {
    let known = |id, role| UserChange {
        id: user(id),
        name: None,
        picture: None,
        role,
    };
    let users = vec![known(KNOWN, None), known(COLLEAGUE, Some(Role::Agent))];
    server.engine.upsert_users(users).await.unwrap();
}

impl Scene {
    /// `asked` is what will be asked, with the placeholders of [`Scene::fill`].
    pub(super) async fn make(
        server: &Server,
        asked: &str,
        attempt: Attempt,
        number: usize,
    ) -> Self {
        let caller = format!("caller-{number}");
        let subject = format!("subject-{number}");
        let room = RoomId::new(&format!("customer-{number}")).unwrap();
        let mut scene = Self {
            attempt,
            caller,
            room,
            number: "999999999".to_owned(),
            subject,
            seq: 1,
        };
        // What is about messages needs one.
        let needs_message = asked.contains("{seq}");
        match attempt.place {
            Place::Support { owns, state } => {
                if owns {
                    scene.room = RoomId::new(&scene.caller).unwrap();
                }
                if state != RoomState::Missing {
                    scene.make_support(server, owns, state, needs_message).await;
                }
            }
            Place::Members { kind, caller } => {
                scene
                    .make_members(server, kind, caller, needs_message)
                    .await;
            }
        }
        let made = server.engine.store().room(&scene.room).await.unwrap();
        if let Some(room) = made {
            scene.number = room.number.to_string();
        }
        if asked.contains("/notifications") {
            notify(server, &scene.caller, "x").await;
        }
        scene
    }

    async fn make_support(
        &mut self,
        server: &Server,
        owns: bool,
        state: RoomState,
        needs_message: bool,
    ) {
        let customer = format!("user/{}", self.room);
        server.open(&customer).await;
        if needs_message {
            // The customer's before all others': a later one would make the room wait again.
            self.seq = say(server, &customer, &self.room).await;
            let is_own = self.attempt.subject == Subject::OwnMessage;
            if is_own != owns {
                let agent = if is_own { &self.caller } else { "somebody" };
                server.assign(&self.room, agent).await;
                self.seq = say(server, &format!("agent/{agent}"), &self.room).await;
                server.release(&self.room, agent).await;
            }
        }
        match state {
            RoomState::Missing | RoomState::Waiting => {}
            RoomState::AssignedToCaller => server.assign(&self.room, &self.caller).await,
            RoomState::AssignedToOther => server.assign(&self.room, "another").await,
            RoomState::Completed => server.complete(&self.room).await,
        }
    }

    async fn make_members(
        &mut self,
        server: &Server,
        kind: RoomKind,
        standing: Standing,
        needs_message: bool,
    ) {
        let is_own = self.attempt.subject == Subject::OwnMessage;
        let is_stranger = standing == Standing::Stranger;
        let owns = standing == Standing::Member(MemberRole::Owner);
        let other = format!("other-{}", self.caller);
        let company = format!("company-{}", self.caller);
        // Of a direct room the caller is one of the two, or was when they have a message there.
        let begins_in = owns || (kind == RoomKind::Direct && is_own);
        let owner = if begins_in { &self.caller } else { &other };
        self.room = make_room(server, kind, owner, &company).await;
        if !begins_in && (!is_stranger || is_own) {
            let role = standing.role().unwrap_or(MemberRole::Member);
            add(server, &self.room, &self.caller, role).await;
        }
        if needs_message {
            let sender = if is_own { &self.caller } else { &company };
            self.seq = say(server, &format!("user/{sender}"), &self.room).await;
        }
        if is_stranger && is_own {
            let leaver = caller(&format!("user/{}", self.caller));
            let leave = server
                .engine
                .change_room(&leaver, &self.room, RoomAction::Leave);
            leave.await.unwrap();
        }
        if standing == Standing::Removed {
            remove(server, &self.room, &self.caller).await;
        }
        let Subject::Person(subject) = self.attempt.subject else {
            return;
        };
        match subject {
            Standing::Stranger => {}
            Standing::Removed => {
                add(server, &self.room, &self.subject, MemberRole::Member).await;
                remove(server, &self.room, &self.subject).await;
            }
            Standing::Member(MemberRole::Owner) if kind == RoomKind::Direct => {
                self.subject = company;
            }
            Standing::Member(MemberRole::Owner) => self.subject.clone_from(owner),
            Standing::Member(role) => add(server, &self.room, &self.subject, role).await,
        }
    }

    /// Whoever says something in the room: not who asks, if there is somebody else.
    pub(super) fn speaker(&self) -> String {
        match self.attempt.place {
            Place::Members { .. } => format!("user/company-{}", self.caller),
            Place::Support {
                state: RoomState::AssignedToOther,
                ..
            } => "agent/another".to_owned(),
            Place::Support { .. } => format!("user/{}", self.room),
        }
    }

    /// Asks once.
    pub(super) async fn ask(
        &self,
        server: &Server,
        (method, path): (&str, &str),
        picture: &str,
    ) -> Answer {
        let body = self.body(method, path);
        let path = self.fill_in(path, picture);
        let request = if self.attempt.same_machine {
            let request = local_request(method, &path);
            match self.attempt.who {
                Who::Anonymous => request,
                _ => request.header(header::AUTHORIZATION, format!("Bearer {}", self.token())),
            }
        } else {
            // Names this machine, as anybody can: only the connection tells where it comes from.
            request(&self.token(), method, &path).header(header::HOST, "localhost:8080")
        };
        if path == "/api/v1/pictures" {
            let request = request.header(header::CONTENT_TYPE, "image/png");
            return server.ask(request.body(Body::from(PNG)).unwrap()).await;
        }
        let request = request.header(header::CONTENT_TYPE, "application/json");
        server.ask(request.body(Body::from(body)).unwrap()).await
    }

    pub(super) fn token(&self) -> String {
        let role = match self.attempt.who {
            Who::Anonymous => return String::new(),
            Who::Service(scope) => format!("service:{}", scope.name()),
            person => format!("{person:?}").to_lowercase(),
        };
        format!("{role}/{}", self.caller)
    }

    fn fill_in(&self, path: &str, picture: &str) -> String {
        let id = match path {
            path if path.starts_with("/api/v1/host/users") => KNOWN,
            path if path.contains("/notifications") => "1",
            path if path.starts_with("/api/openchat") => &self.number,
            _ => self.room.as_str(),
        };
        let query = match path {
            "/api/v1/rooms/{id}/receipts" => "?from=1&to=1",
            "/api/v1/search" => "?q=x",
            "/api/v1/presence" => "?users=x",
            _ => "",
        };
        let path = path.replace("{id}", id).replace("{room-id}", id);
        self.fill(&path).replace("{key}", picture) + query
    }

    /// Puts the room, whom and what it is about into what is asked.
    pub(super) fn fill(&self, asked: &str) -> String {
        let asked = asked.replace("{id}", self.room.as_str());
        let asked = asked.replace("{user}", &self.subject);
        asked.replace("{seq}", &self.seq.to_string())
    }

    /// The room as it stands: no refused attempt changes it.
    pub(super) async fn room_as_it_stands(&self, server: &Server) -> String {
        let room = server.engine.store().room(&self.room).await.unwrap();
        format!("{room:?}")
    }

    fn body(&self, method: &str, path: &str) -> String {
        let body = match (method, path) {
            ("POST", "/api/v1/rooms") => json!({"kind": "support"}),
            ("POST", "/api/v1/host/rooms") => json!({"kind": "group", "members": ["x"]}),
            ("POST", "/api/v1/host/users") => json!({"users": [{"id": "x"}]}),
            ("PUT", "/api/v1/host/users/{id}") => json!({"name": "x"}),
            ("POST", "/api/v1/host/notifications") => {
                json!({"users": ["x"], "type": "x", "content": "x"})
            }
            ("POST", "/api/v1/notifications/read") => json!({"upTo": 1}),
            ("PATCH", "/api/v1/notifications/{id}") => json!({"read": true}),
            ("POST", "/api/v1/publish") => json!({"destination": "/topic/x", "body": "x"}),
            ("POST", "/api/v1/guests") => json!({}),
            ("POST", "/demo/token") => json!({"name": "demo-kim", "role": "user"}),
            ("POST" | "PUT", path) if path.starts_with("/api/openchat") => json!({"title": "x"}),
            ("POST", "/api/tradechat/{id}") => json!({"sellerId": "seller"}),
            ("POST", "/send/message") => json!({"channelId": self.room.as_str(), "content": "x"}),
            ("POST", path) if path.ends_with("/hand-over") => json!({"agent": COLLEAGUE}),
            ("POST", path) if path.contains("/members") => json!({"members": [self.subject]}),
            ("PUT", path) if path.ends_with("/members/{user}") => json!({"role": "moderator"}),
            ("PUT", path) if path.ends_with("/read") => json!({"seq": 0}),
            ("POST" | "PATCH", path)
                if path.contains("/messages") || path.ends_with("/notices") =>
            {
                json!({"text": "안녕하세요"})
            }
            ("PATCH", path) if path.ends_with("/rooms/{id}") => json!({"title": "x"}),
            _ => return String::new(),
        };
        body.to_string()
    }
}

/// Who says something in the rooms of [`signs`].
pub(super) const SIGNALLER: &str = "user/signaller";

/// A room of `user` and one who says something there.
pub(super) async fn signs(server: &Server, user: &str) -> RoomId {
    make_room(server, RoomKind::Group, "signaller", user).await
}

/// A customer comes to the desk.
pub(super) async fn come(server: &Server, token: &str) {
    let customer = caller(token);
    let room = RoomId::new(customer.user.as_str()).unwrap();
    let opened = server.engine.open_support_room(&customer, &room);
    opened.await.map(drop).unwrap();
}

pub(super) async fn notify(server: &Server, whom: &str, content: &str) {
    let notification = Notification {
        kind: Arc::from("x"),
        content: Arc::from(content),
        url: None,
        data: None,
    };
    let (shop, users) = (user("shop"), vec![user(whom)]);
    let notified = server.engine.notify(&shop, users, notification);
    notified.await.unwrap();
}

pub(super) fn publish(server: &Server, target: TopicTarget, body: &str) {
    server.engine.publish_topic(TopicDraft {
        target,
        headers: Vec::new(),
        body: Bytes::from(body.to_owned()),
    });
}

fn host() -> Caller {
    caller(&format!("service:{}/host", Scope::Rooms.name()))
}

async fn make_room(server: &Server, kind: RoomKind, owner: &str, other: &str) -> RoomId {
    // Rooms for two are about a trade, which makes no other difference.
    let trade = Trade {
        item: "77".to_owned(),
        buyer: owner.to_owned(),
        seller: other.to_owned(),
    };
    let plan = RoomPlan {
        kind,
        profile: Profile {
            context: (kind == RoomKind::Direct).then(|| trade.context()),
            ..Profile::default()
        },
        members: vec![user(other)],
        owner: Some(user(owner)),
    };
    let (room, _) = server.engine.create_room(&host(), plan).await.unwrap();
    room.id
}

async fn add(server: &Server, room: &RoomId, member: &str, role: MemberRole) {
    let (host, people) = (host(), vec![user(member)]);
    let added = server.engine.add_members(&host, room, people, role);
    added.await.unwrap();
}

async fn remove(server: &Server, room: &RoomId, member: &str) {
    let (host, people) = (host(), vec![user(member)]);
    let removed = server.engine.remove_members(&host, room, people);
    assert_eq!(removed.await.unwrap(), 1);
}

/// Sends a message, and answers its number.
async fn say(server: &Server, token: &str, room: &RoomId) -> u64 {
    let content = Content::Message(MessageBody::new("x", None).unwrap());
    let sender = caller(token);
    let sent = server
        .engine
        .send_message(&sender, room.clone(), content, None);
    sent.await.unwrap().message().position.seq.get()
}
