//! The WebSockets that show all of a user's rooms: JSON, and contract 3.

use serde_json::{Value, json};

use super::document::{Action, Channel, Document, Group, Message, Operation, Reply, schema};
use super::schemas::{Variant, capitalized};
use super::{DoorSet, servers};
use crate::authorization::{Door, ROWS, Row};
use crate::contracts::realtime::{ANSWERS, Accepted, Ack, JSON_SUBPROTOCOL, ServerEvent, echo};
use crate::gateway::doors::{DIRECT_PATH, JSON_PATH};

/// The JSON door's channel.
pub(super) const JSON: &str = "json";
/// Contract 3's.
const DIRECT: &str = "direct";

pub(super) fn describe(set: DoorSet, document: &mut Document) {
    for row in ROWS {
        match row.door {
            Door::WebSocket(JSON_PATH) => describe_json(row, document),
            Door::WebSocket(DIRECT_PATH) if set.direct_websocket => describe_direct(row, document),
            Door::Json(command) => describe_command(command, row, document),
            Door::Http(..)
            | Door::Stomp(..)
            | Door::StompRevision(..)
            | Door::WebSocket(_)
            | Door::Event(..) => {}
        }
    }
}

fn describe_json(row: &Row, document: &mut Document) {
    let commands = document.schemas.variants("ClientCommand").into_iter();
    let mut messages: Vec<_> = commands
        .map(|command| command_message(&command, document))
        .collect();
    let events = document.schemas.variants("ServerEvent");
    messages.extend(events.iter().map(|event| event_message(event, document)));
    document.add_channel(Channel {
        key: JSON.to_owned(),
        address: Some(JSON_PATH.to_owned()),
        title: JSON_PATH.to_owned(),
        description: format!(
            "One JSON object per text message. The first event is `hello`; all of the user's rooms come without being \
             subscribed to. Who may: {}.",
            row.who_may()
        ),
        group: Group::Json,
        servers: servers::JSON,
        parameters: Vec::new(),
        bindings: Some(websocket(Some(JSON_SUBPROTOCOL))),
        messages,
    });
    let told = events
        .iter()
        .filter(|event| !ANSWERS.contains(&event.tag.as_str()));
    document.add_operation(Operation {
        key: "jsonEvents".to_owned(),
        action: Action::Send,
        channel: JSON.to_owned(),
        title: "Events".to_owned(),
        description: "What the server tells without being asked.".to_owned(),
        messages: told.map(|event| event_key(&event.tag)).collect(),
        reply: None,
        bindings: None,
    });
}

fn describe_command(command: &str, row: &Row, document: &mut Document) {
    let answer = match command {
        "auth" => "hello",
        "ping" => "pong",
        _ => "ack",
    };
    document.add_operation(Operation {
        key: format!("json{}", capitalized(command)),
        action: Action::Receive,
        channel: JSON.to_owned(),
        title: command.to_owned(),
        description: format!("Who may: {}. Decided by {}.", row.who_may(), row.decided_by),
        messages: vec![command_key(command)],
        reply: Some(Reply {
            channel: JSON.to_owned(),
            messages: vec![event_key(answer), event_key("error")],
        }),
        bindings: None,
    });
}

/// The key of a command's message.
pub(super) fn command_key(tag: &str) -> String {
    format!("{tag}Command")
}

/// The key of an event's message.
pub(super) fn event_key(tag: &str) -> String {
    format!("{tag}Event")
}

fn command_message(command: &Variant, document: &Document) -> Message {
    let key = command_key(&command.tag);
    let examples = document.schemas.examples(&command.schema);
    message(key, command, examples)
}

fn event_message(event: &Variant, document: &Document) -> Message {
    let key = event_key(&event.tag);
    let examples = event_examples(event, document);
    message(key, event, examples)
}

/// What the event looks like.
pub(super) fn event_examples(event: &Variant, document: &Document) -> Vec<Value> {
    if event.tag == "ack" {
        // Which members there are depends on the command.
        return acks();
    }
    document.schemas.examples(&event.schema)
}

fn acks() -> Vec<Value> {
    let id = echo(Some("\"1\""));
    let ack = || Ack {
        id: id.as_deref(),
        ..Ack::default()
    };
    let accepted = Accepted {
        room: "kim@example.com",
        seq: 42,
        position: "9f3c1a2b4d5e-42".to_owned(),
        message_id: "9f3c1a2b4d5e-42".to_owned(),
        sent_at: "2026-11-21T01:21:30.123456Z".to_owned(),
    };
    let of_send = Ack {
        accepted: Some(accepted),
        ..ack()
    };
    let of_resume = Ack {
        unknown: Some(&["somebody@example.com"]),
        ..ack()
    };
    let all = [of_send, ack(), of_resume].map(ServerEvent::Ack);
    let values = all
        .iter()
        .filter_map(|event| serde_json::to_value(event).ok());
    values.collect()
}

fn message(key: String, variant: &Variant, examples: Vec<Value>) -> Message {
    let examples = examples.into_iter().enumerate();
    let examples = examples.map(|(number, payload)| {
        let name = if number == 0 {
            key.clone()
        } else {
            format!("{key}{}", number + 1)
        };
        json!({ "name": name, "payload": payload })
    });
    Message {
        name: variant.tag.clone(),
        title: variant.tag.clone(),
        summary: variant.description.clone(),
        content_type: Some("application/json"),
        headers: None,
        payload: Some(schema(&variant.schema)),
        correlation: None,
        examples: examples.collect(),
        key,
    }
}

fn describe_direct(row: &Row, document: &mut Document) {
    let payloads = document.schemas.examples("DirectMessage").into_iter();
    let examples = payloads.map(|payload| json!({ "name": "message", "payload": payload }));
    let message = Message {
        key: "message".to_owned(),
        name: "message".to_owned(),
        title: "message".to_owned(),
        summary: document.schemas.description("DirectMessage"),
        content_type: Some("application/json"),
        headers: None,
        payload: Some(schema("DirectMessage")),
        correlation: None,
        examples: examples.collect(),
    };
    let commands = document.schemas.variants("ClientCommand").into_iter();
    let mut ping: Vec<_> = commands
        .filter(|command| command.tag == "ping")
        .map(|command| command_message(&command, document))
        .collect();
    let events = document.schemas.variants("ServerEvent").into_iter();
    let pong = events.filter(|event| event.tag == "pong");
    ping.extend(pong.map(|event| event_message(&event, document)));
    document.add_channel(Channel {
        key: DIRECT.to_owned(),
        address: Some(DIRECT_PATH.to_owned()),
        title: DIRECT_PATH.to_owned(),
        description: format!(
            "Contract 3: messages of all of the user's rooms, except the user's own. Of what a client says only `ping` is answered. Who may: {}.",
            row.who_may()
        ),
        group: Group::Direct,
        servers: servers::DIRECT,
        parameters: Vec::new(),
        bindings: Some(websocket(None)),
        messages: [message].into_iter().chain(ping).collect(),
    });
    document.add_operation(Operation {
        key: "directPing".to_owned(),
        action: Action::Receive,
        channel: DIRECT.to_owned(),
        title: "ping".to_owned(),
        description: "For clients that want to hear that the connection is there.".to_owned(),
        messages: vec![command_key("ping")],
        reply: Some(Reply {
            channel: DIRECT.to_owned(),
            messages: vec![event_key("pong")],
        }),
        bindings: None,
    });
    document.add_operation(Operation {
        key: "directMessage".to_owned(),
        action: Action::Send,
        channel: DIRECT.to_owned(),
        title: "Messages".to_owned(),
        description: "Each message of each room, once per recipient.".to_owned(),
        messages: vec!["message".to_owned()],
        reply: None,
        bindings: None,
    });
}

/// The handshake.
fn websocket(subprotocol: Option<&str>) -> Value {
    let mut headers = json!({
        "Authorization": { "type": "string", "description": "`Bearer` and the token" },
        "Cookie": { "type": "string", "description": "May have the token, in the cookie that `auth.cookie` names" },
    });
    if let Some(subprotocol) = subprotocol {
        let description = format!("`{subprotocol}` is selected when offered, not required");
        headers["Sec-WebSocket-Protocol"] = json!({ "type": "string", "description": description });
    }
    json!({ "ws": {
        "method": "GET",
        "headers": { "type": "object", "properties": headers },
        "query": { "type": "object", "properties": {
            "token": { "type": "string", "description": "The token, only where `websocket.query_token` is on" },
        } },
        "bindingVersion": "0.1.0",
    } })
}
