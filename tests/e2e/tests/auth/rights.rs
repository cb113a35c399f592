//! The authorization table over STOMP: every destination, every kind of caller.

use madang_e2e::server::TestServer;
use madang_e2e::stomp::Stomp;

use crate::rooms::{Customer, assigned_agent};
use crate::shared::{self, Shared};

/// Callers before one customer's room.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Who {
    Customer,
    OtherUser,
    AssignedAgent,
    OtherAgent,
    Admin,
    Service,
}

const EVERYBODY: [Who; 6] = [
    Who::Customer,
    Who::OtherUser,
    Who::AssignedAgent,
    Who::OtherAgent,
    Who::Admin,
    Who::Service,
];

/// A customer's room with an agent.
struct Scene {
    server: Shared,
    customer: Customer,
    agent_token: String,
}

impl Scene {
    fn new() -> Self {
        let server = shared::server();
        let customer = Customer::new(&server);
        let (agent_token, _) = assigned_agent(&server, &customer.id);
        Self {
            server,
            customer,
            agent_token,
        }
    }

    fn session(&self, who: Who) -> Stomp {
        let server: &TestServer = &self.server;
        let fresh = |role| server.token(&shared::unique(role), role);
        let token = match who {
            Who::Customer => self.customer.token.clone(),
            Who::AssignedAgent => self.agent_token.clone(),
            Who::OtherUser => fresh("user"),
            Who::OtherAgent => fresh("agent"),
            Who::Admin => fresh("admin"),
            Who::Service => return shared::session(server, "1.2"),
        };
        Stomp::with_token(server.address(), &token)
    }

    /// Everybody sends `frame` (its `R` is the room); those in `refused` get that code, the others
    /// the receipt.
    fn check(&self, frame: &str, refused: &[(Who, &str)]) {
        let frame = frame.replace("{R}", &self.customer.id);
        for who in EVERYBODY {
            let mut peer = self.session(who);
            peer.send(frame.replacen('\n', "\nreceipt:r\n", 1));
            match refused.iter().find(|(refused, _)| *refused == who) {
                None => drop(peer.receipt("r")),
                Some((_, code)) => {
                    let error = peer.error_then_close();
                    assert_eq!(error.need("code"), *code, "{who:?}: {frame:?}");
                    assert_eq!(error.get("receipt-id"), Some("r"));
                }
            }
        }
    }
}

#[test]
fn a_room_is_read_by_its_customer_its_agent_and_admins() {
    let no = "NOT_YOUR_ROOM";
    Scene::new().check(
        "SUBSCRIBE\nid:s1\ndestination:/rooms/{R}\n\n\0",
        &[
            (Who::OtherUser, no),
            (Who::OtherAgent, no),
            (Who::Service, no),
        ],
    );
}

#[test]
fn a_room_is_written_by_its_customer_and_its_agent() {
    let no = "NOT_YOUR_ROOM";
    let refused = [Who::OtherUser, Who::OtherAgent, Who::Admin, Who::Service].map(|who| (who, no));
    Scene::new().check(
        "SEND\ndestination:/rooms/{R}\n\n{\"text\":\"x\"}\0",
        &refused,
    );
}

#[test]
fn a_message_is_changed_by_its_sender_alone() {
    let scene = Scene::new();
    let mut customer = scene.session(Who::Customer);
    for text in ["one", "two"] {
        crate::rooms::say(&mut customer, &scene.customer.id, "", text);
    }
    let no = [Who::OtherUser, Who::OtherAgent, Who::Admin, Who::Service];
    let no = no.map(|who| (who, "NOT_YOUR_ROOM"));
    let path = format!("/api/v1/rooms/{}/messages", scene.customer.id);
    let texts = || {
        let log = crate::rooms::rest(&scene.server, "GET", &path, &scene.customer.token);
        let messages = log.json()["messages"].as_array().unwrap().clone();
        let said = messages.into_iter().filter(|one| one["type"] == "message");
        said.map(|one| (one["seq"].clone(), one["text"].clone()))
            .collect::<Vec<_>>()
    };
    let before = texts();
    // The customer's own attempt is the first.
    for (header, seq, agents) in [
        ("edit-seq", &before[0].0, "ROLE_REQUIRED"),
        ("delete-seq", &before[1].0, "MESSAGE_NOT_FOUND"),
    ] {
        let frame =
            format!("SEND\ndestination:/rooms/{{R}}\n{header}:{seq}\n\n{{\"text\":\"changed\"}}\0");
        let refused = [&no[..], &[(Who::AssignedAgent, agents)]].concat();
        scene.check(&frame, &refused);
    }
    let after: Vec<_> = texts().into_iter().map(|(_, text)| text).collect();
    assert_eq!(after, ["changed", ""]);
}

#[test]
fn the_support_desk_answers_in_its_own_codes() {
    let scene = Scene::new();
    // Another agent is told that the room is taken; an admin is an agent there too.
    scene.check(
        "SUBSCRIBE\nid:s1\ndestination:/sub/chat/room/{R}\n\n\0",
        &[
            (Who::OtherUser, "CHAT-400"),
            (Who::OtherAgent, "CHAT-409"),
            (Who::Admin, "CHAT-409"),
            (Who::Service, "CHAT-400"),
        ],
    );
    let refused = [Who::OtherUser, Who::OtherAgent, Who::Admin, Who::Service];
    scene.check(
        "SEND\ndestination:/pub/message\n\n{\"roomId\":\"{R}\",\"message\":\"x\"}\0",
        &refused.map(|who| (who, "CHAT-400")),
    );
}

#[test]
fn topics_are_published_to_by_services_and_followed_by_all() {
    let scene = Scene::new();
    let users = [
        Who::Customer,
        Who::OtherUser,
        Who::AssignedAgent,
        Who::OtherAgent,
        Who::Admin,
    ];
    for destination in ["/topic/rights", "/queue/rights"] {
        scene.check(
            &format!("SEND\ndestination:{destination}\n\nx\0"),
            &users.map(|who| (who, "PUBLISH_FORBIDDEN")),
        );
        scene.check(
            &format!("SUBSCRIBE\nid:s1\ndestination:{destination}\n\n\0"),
            &[],
        );
    }
}

#[test]
fn a_destination_that_is_not_served_is_refused_to_all() {
    let refused = EVERYBODY.map(|who| (who, "NOT_FOUND"));
    Scene::new().check("SEND\ndestination:/nowhere/x\n\nx\0", &refused);
    Scene::new().check("SUBSCRIBE\nid:s1\ndestination:/nowhere/x\n\n\0", &refused);
}

#[test]
fn a_room_that_does_not_exist_is_called_so() {
    let server = shared::server();
    let admin = server.token("root", "admin");
    let mut peer = Stomp::with_token(server.address(), &admin);
    peer.send("SUBSCRIBE\nid:s1\ndestination:/rooms/nobody@nowhere\n\n\0");
    assert_eq!(peer.error_then_close().need("code"), "ROOM_NOT_FOUND");
}

#[test]
fn a_right_that_is_lost_ends_what_it_let_see() {
    let scene = Scene::new();
    let mut agent = scene.session(Who::AssignedAgent);
    crate::rooms::follow(&mut agent, &scene.customer.id, "");
    let path = format!("/admin/chats/{}", scene.customer.id);
    let completed = crate::rooms::rest(&scene.server, "PATCH", &path, &scene.agent_token);
    assert_eq!(completed.status, 204);
    let mut customer = scene.session(Who::Customer);
    crate::rooms::say(&mut customer, &scene.customer.id, "", "not for the agent");
    agent.send("BEGIN\ntransaction:t\nreceipt:fence\n\n\0");
    let last = agent.take("what took the right", |_| true);
    assert_eq!(last.json()["type"], "completed");
    let ended = agent.take("word of the end", |_| true);
    assert_eq!(ended.get("event"), Some("ended"), "{ended:?}");
    assert_eq!(
        ended.get("position"),
        None,
        "an end is no place to resume behind"
    );
    assert_eq!(
        ended.json(),
        serde_json::json!({ "type": "ended", "code": "NOT_YOUR_ROOM" })
    );
    let next = agent.take("the fence", |_| true);
    assert_eq!(
        next.get("receipt-id"),
        Some("fence"),
        "the session goes on; nothing more came"
    );
}
