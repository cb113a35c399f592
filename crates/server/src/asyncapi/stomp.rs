//! STOMP: the session itself, and a channel for every destination of the authorization table.

use std::fmt::Write as _;

use madang_wire::stomp::{Command, Peer};

use super::document::{Action, Channel, Document, Group, Message, Operation, Reply};
use super::frames::{self, Body, FrameSpec};
use super::schemas::capitalized;
use super::{DoorSet, headers, servers};
use crate::authorization::{Door, ROWS, Row};
use crate::contracts::native::EDIT_SEQ;

/// The channel of what has no destination.
pub(super) const SESSION: &str = "stomp";

/// What is to be known of a destination beyond its authorization.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// The native room.
    Room,
    /// The desk's feed: read only.
    Feed,
    /// Contract 1's room: read only.
    DeskRoom,
    /// Where contract 1's clients send.
    DeskSend,
    /// Contract 2's rooms: read only.
    CommunityRoom,
    /// Who comes into contract 2's open rooms: read only.
    CommunityEntrances,
    /// Where contract 2's clients come in.
    CommunityEnter,
    /// Where contract 2's clients send.
    CommunitySend,
    /// Application topics: any body, nothing is stored.
    Topic,
}

impl Kind {
    fn of(destination: &str) -> Self {
        match destination {
            "/rooms/{id}" => Self::Room,
            "/sub/desk" => Self::Feed,
            "/sub/chat/room/{roomId}" => Self::DeskRoom,
            "/pub/message" => Self::DeskSend,
            "/sub/chat/{roomId}" | "/sub/tradechat/{id}" => Self::CommunityRoom,
            "/sub/enter/{roomId}" => Self::CommunityEntrances,
            "/pub/chat/enter/{roomId}" => Self::CommunityEnter,
            "/pub/chat/message/{roomId}" | "/pub/tradechat/message/{id}" => Self::CommunitySend,
            _ => Self::Topic,
        }
    }

    const fn description(self) -> &'static str {
        match self {
            Self::Room => {
                "A room: durable, in order, resumed with `since`. SUBSCRIBE to one's own support room opens it."
            }
            Self::Feed => {
                "The support desk's changes, in order and resumed with `since`, as a room's messages are."
            }
            Self::DeskRoom => {
                "Support desk contract: SUBSCRIBE opens the customer's own room; an agent's claims it. No notices: an end is an ERROR or nothing."
            }
            Self::DeskSend => {
                "Support desk contract: the room is in the body. Stored, then delivered to every subscriber of the room."
            }
            Self::CommunityRoom => {
                "Community contract: messages of an open room, or of the caller's trade room. `roomId` is how the subscriber named the room."
            }
            Self::CommunityEntrances => {
                "Community contract: who joins an open room, from its log, and which members come again, which is not stored."
            }
            Self::CommunityEnter => {
                "Community contract: the sender joins the open room. Of a member nothing is stored; subscribers are told each time."
            }
            Self::CommunitySend => {
                "Community contract: stored, then delivered to every subscriber of the room. Sending to an open room joins it."
            }
            Self::Topic => {
                "Application topic: handed on to everybody who is subscribed now, and not stored."
            }
        }
    }

    const fn is_of_desk(self) -> bool {
        matches!(self, Self::DeskRoom | Self::DeskSend)
    }

    const fn is_of_community(self) -> bool {
        matches!(
            self,
            Self::CommunityRoom
                | Self::CommunityEntrances
                | Self::CommunityEnter
                | Self::CommunitySend
        )
    }

    /// Whether it is served with these optional doors.
    const fn is_among(self, set: DoorSet) -> bool {
        (set.support_desk || !self.is_of_desk()) && (set.community || !self.is_of_community())
    }
}

pub(super) fn describe(set: DoorSet, document: &mut Document) {
    for row in ROWS {
        match row.door {
            Door::Stomp(command, "") => describe_session(set, command, row, document),
            Door::Stomp(command, destination) if Kind::of(destination).is_among(set) => {
                describe_destination(set, command, destination, row, document);
            }
            Door::Stomp(..) => {}
            Door::StompRevision(destination, header) => {
                describe_revision(destination, header, row, document);
            }
            Door::Http(..) | Door::Json(_) | Door::WebSocket(_) | Door::Event(..) => {}
        }
    }
}

fn describe_session(set: DoorSet, opens: &str, row: &Row, document: &mut Document) {
    let mut messages = frames::session_messages(&document.schemas);
    messages.push(desk_error(document));
    document.add_channel(Channel {
        key: SESSION.to_owned(),
        address: None,
        title: "The STOMP session".to_owned(),
        description: "Frames without a destination: opening and ending the session, receipts, errors, transactions, \
                      acknowledgements."
            .to_owned(),
        group: Group::Stomp,
        servers: servers::stomp(set),
        parameters: Vec::new(),
        bindings: None,
        messages,
    });
    for command in frames::session_commands(Peer::Client) {
        let answers: &[Command] = match command {
            Command::Connect | Command::Stomp => &[Command::Connected, Command::Error],
            _ => &[Command::Receipt, Command::Error],
        };
        let who = if command.as_str() == opens {
            row.who_may()
        } else {
            "whoever is connected".to_owned()
        };
        document.add_operation(Operation {
            key: format!("stomp{}", capitalized(&frames::session_key(command))),
            action: Action::Receive,
            channel: SESSION.to_owned(),
            title: command.as_str().to_owned(),
            description: format!("Who may: {who}."),
            messages: vec![frames::session_key(command)],
            reply: Some(session_reply(answers)),
            bindings: None,
        });
    }
    let tells = frames::session_commands(Peer::Server)
        .into_iter()
        .map(frames::session_key);
    document.add_operation(Operation {
        key: "stompAnswer".to_owned(),
        action: Action::Send,
        channel: SESSION.to_owned(),
        title: "Answers".to_owned(),
        description: "What the server says without a destination.".to_owned(),
        messages: tells.chain(["deskError".to_owned()]).collect(),
        reply: None,
        bindings: None,
    });
}

fn session_reply(answers: &[Command]) -> Reply {
    Reply {
        channel: SESSION.to_owned(),
        messages: answers.iter().copied().map(frames::session_key).collect(),
    }
}

/// ERROR as contract 1's clients read it.
fn desk_error(document: &Document) -> Message {
    let body = document
        .schemas
        .examples("DeskErrorEnvelope")
        .into_iter()
        .next();
    let error = body.unwrap_or_default();
    let text = |member: &str| {
        error["error"][member]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    let (code, message) = (
        text("code"),
        format!("{}: {}", text("code"), text("message")),
    );
    FrameSpec {
        key: "deskError",
        command: Command::Error,
        summary: "ERROR to a frame of the support desk contract: `message` begins with its code"
            .to_owned(),
        headers: headers::ERROR,
        fixed: &[],
        values: &[("code", &code), ("message", &message)],
        left_out: &["version"],
        body: Body::Json("DeskErrorEnvelope"),
    }
    .into_message(&document.schemas)
}

/// The key of a destination's channel: `/rooms/{id}` is `stompRoomsId`.
pub(super) fn channel_key(destination: &str) -> String {
    let words = destination.split(|letter: char| !letter.is_ascii_alphanumeric());
    words.fold("stomp".to_owned(), |key, word| key + &capitalized(word))
}

/// The address with its variable part named, as AsyncAPI writes it.
fn address(destination: &str) -> String {
    destination.replace("**", "{name}")
}

/// A destination as it stands in a frame.
fn example(destination: &str) -> String {
    parameters(destination)
        .iter()
        .fold(address(destination), |text, (name, _, value)| {
            text.replace(&format!("{{{name}}}"), value)
        })
}

fn parameters(destination: &str) -> Vec<(String, &'static str, &'static str)> {
    let address = address(destination);
    let is_of_community = Kind::of(destination).is_of_community();
    let names = address
        .split('{')
        .skip(1)
        .filter_map(|rest| rest.split('}').next());
    names
        .map(|name| match name {
            "name" => (name.to_owned(), "Any text, slashes too", "orders"),
            "roomId" if is_of_community => (name.to_owned(), "The room's number", "17"),
            "id" if is_of_community => (
                name.to_owned(),
                "The item, where the caller has one room about it, or the room's own id",
                "77",
            ),
            "roomId" => (name.to_owned(), "The customer's e-mail", "kim@example.com"),
            _ => (
                name.to_owned(),
                "An id, as it is, not percent-encoded",
                "kim@example.com",
            ),
        })
        .collect()
}

fn describe_destination(
    set: DoorSet,
    command: &str,
    destination: &str,
    row: &Row,
    document: &mut Document,
) {
    let kind = Kind::of(destination);
    let key = channel_key(destination);
    if !document.has_channel(&key) {
        document.add_channel(Channel {
            key: key.clone(),
            address: Some(address(destination)),
            title: destination.to_owned(),
            description: kind.description().to_owned(),
            group: Group::Stomp,
            servers: servers::stomp(set),
            parameters: parameters(destination),
            bindings: None,
            messages: Vec::new(),
        });
    }
    let asked = if command == "SEND" {
        send(kind, destination, document)
    } else {
        subscribe(kind, destination, document)
    };
    let error = if kind.is_of_desk() {
        "deskError"
    } else {
        "error"
    };
    let title = format!("{command} {destination}");
    document.add_operation(operation(&key, title, row, &asked, error));
    document.add_messages(&key, vec![asked]);
    if command == "SUBSCRIBE" {
        describe_deliveries(kind, destination, &key, document);
    }
}

/// A frame that the server takes.
fn operation(key: &str, title: String, row: &Row, asked: &Message, error: &str) -> Operation {
    let mut description = format!("Who may: {}.", row.who_may());
    // Writing to a String cannot fail.
    let _ = write!(description, " Decided by {}.", row.decided_by);
    Operation {
        key: format!("{key}{}", capitalized(&asked.key)),
        action: Action::Receive,
        channel: key.to_owned(),
        title,
        description,
        messages: vec![asked.key.clone()],
        reply: Some(Reply {
            channel: SESSION.to_owned(),
            messages: vec![frames::session_key(Command::Receipt), error.to_owned()],
        }),
        bindings: None,
    }
}

/// A SEND that changes an earlier message. Its channel is the destination's.
fn describe_revision(destination: &str, header: &str, row: &Row, document: &mut Document) {
    let (frame, summary, headers, body) = match header {
        EDIT_SEQ => (
            "edit",
            "Another body for an earlier message",
            headers::SEND_EDIT,
            Body::Json("RoomSend"),
        ),
        _ => (
            "delete",
            "Takes an earlier message's body away; its place stays",
            headers::SEND_DELETE,
            Body::Nothing,
        ),
    };
    let mut asked = FrameSpec {
        key: frame,
        command: Command::Send,
        summary: summary.to_owned(),
        headers,
        fixed: &[],
        values: &[("destination", &example(destination))],
        left_out: &["transaction"],
        body,
    }
    .into_message(&document.schemas);
    asked.title = format!("SEND, {header}");
    let key = channel_key(destination);
    let title = format!("SEND {destination} with {header}");
    document.add_operation(operation(&key, title, row, &asked, "error"));
    document.add_messages(&key, vec![asked]);
}

fn describe_deliveries(kind: Kind, destination: &str, key: &str, document: &mut Document) {
    let mut messages = vec![delivery(kind, destination, document)];
    if matches!(kind, Kind::Room | Kind::Feed) {
        messages.extend(notices(destination, document));
    }
    document.add_operation(Operation {
        key: format!("{key}Message"),
        action: Action::Send,
        channel: key.to_owned(),
        title: format!("MESSAGE of {destination}"),
        description: "To every subscription, until it is ended.".to_owned(),
        messages: messages.iter().map(|message| message.key.clone()).collect(),
        reply: None,
        bindings: None,
    });
    document.add_messages(key, messages);
}

fn subscribe(kind: Kind, destination: &str, document: &Document) -> Message {
    let is_room = kind != Kind::Topic;
    FrameSpec {
        key: "subscribe",
        command: Command::Subscribe,
        summary: "Asks for the messages".to_owned(),
        headers: if is_room {
            headers::SUBSCRIBE_ROOM
        } else {
            headers::SUBSCRIBE
        },
        fixed: &[],
        values: &[("destination", &example(destination))],
        left_out: &[],
        body: Body::Nothing,
    }
    .into_message(&document.schemas)
}

fn send(kind: Kind, destination: &str, document: &Document) -> Message {
    let (headers, body) = match kind {
        Kind::Room | Kind::Feed => (headers::SEND_ROOM, Body::Json("RoomSend")),
        Kind::DeskRoom | Kind::DeskSend => (headers::SEND_ROOM, Body::Json("DeskSend")),
        Kind::CommunityEntrances | Kind::CommunityEnter => {
            (headers::SEND_ENTER, Body::Json("CommunityEnter"))
        }
        Kind::CommunityRoom | Kind::CommunitySend => {
            (headers::SEND_AT_ONCE, Body::Json("CommunitySend"))
        }
        Kind::Topic => (headers::SEND, Body::Opaque),
    };
    let values = [
        ("destination", &*example(destination)),
        ("content-type", content_type(kind)),
    ];
    FrameSpec {
        key: "send",
        command: Command::Send,
        summary: if kind.is_of_community() {
            "A message; takes no part in transactions".to_owned()
        } else {
            "A message; a transaction is optional".to_owned()
        },
        headers,
        fixed: &[],
        values: &values,
        left_out: &["transaction"],
        body,
    }
    .into_message(&document.schemas)
}

fn delivery(kind: Kind, destination: &str, document: &Document) -> Message {
    let (headers, body) = match kind {
        Kind::Room | Kind::Feed => (headers::MESSAGE_ROOM, Body::Json("Message")),
        Kind::DeskRoom | Kind::DeskSend => (headers::MESSAGE_ROOM, Body::Json("DeskMessage")),
        Kind::CommunityEntrances | Kind::CommunityEnter => {
            (headers::MESSAGE_ENTRANCE, Body::Json("CommunityMessage"))
        }
        Kind::CommunityRoom | Kind::CommunitySend => {
            (headers::MESSAGE_ROOM, Body::Json("CommunityMessage"))
        }
        Kind::Topic => (headers::MESSAGE, Body::Opaque),
    };
    let values = [
        ("destination", &*example(destination)),
        ("content-type", content_type(kind)),
    ];
    FrameSpec {
        key: "message",
        command: Command::Message,
        summary: "A message of the destination".to_owned(),
        headers,
        fixed: &[],
        values: &values,
        left_out: &["ack"],
        body,
    }
    .into_message(&document.schemas)
}

const fn content_type(kind: Kind) -> &'static str {
    match kind {
        Kind::Topic => "text/plain",
        _ => "application/json",
    }
}

/// What a subscription to a room is told besides its messages.
fn notices(destination: &str, document: &Document) -> Vec<Message> {
    let variants = document.schemas.variants("RoomNotice").into_iter();
    variants
        .map(|notice| {
            let key = format!("{}Notice", notice.tag);
            let mut message = FrameSpec {
                key: &key,
                command: Command::Message,
                summary: notice.description,
                headers: headers::NOTICE,
                fixed: &[("event", &notice.tag)],
                values: &[
                    ("destination", &example(destination)),
                    ("message-id", &format!("{}-3-1763700000000", notice.tag)),
                ],
                left_out: &["ack"],
                body: Body::Nothing,
            }
            .into_message(&document.schemas);
            message.title = format!("MESSAGE, event:{}", notice.tag);
            message.content_type = Some("application/json");
            message.payload = Some(super::document::schema(&notice.schema));
            if let Some(body) = document.schemas.examples(&notice.schema).into_iter().next() {
                message.examples[0]["payload"] = body;
            }
            message
        })
        .collect()
}
