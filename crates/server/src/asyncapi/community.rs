//! Contract 2's event stream of notifications.

use serde_json::{Value, json};

use super::document::{Action, Channel, Document, Group, Message, Operation, schema};
use super::servers;
use crate::authorization::{Door, ROWS, Row};
use crate::contracts::community::notifications::{CONNECTED, ERROR, EVENT, RESET};

/// The route of the stream.
pub(super) const PATH: &str = "/api/notifications/connect";
/// The stream's channel.
pub(super) const CHANNEL: &str = "communityNotifications";

pub(super) fn describe(document: &mut Document) {
    let is_stream = |row: &&Row| matches!(row.door, Door::Http(_, path) if path == PATH);
    for row in ROWS.iter().filter(is_stream) {
        describe_stream(row, document);
    }
}

fn describe_stream(row: &Row, document: &mut Document) {
    let messages = messages(document);
    let keys = messages.iter().map(|message| message.key.clone()).collect();
    document.add_channel(Channel {
        key: CHANNEL.to_owned(),
        address: Some(PATH.to_owned()),
        title: PATH.to_owned(),
        description: format!(
            "Community contract: the caller's notifications as they come. The `id` of an event, sent back as \
             `Last-Event-ID`, brings all that came after it. Who may: {}.",
            row.who_may()
        ),
        group: Group::Events,
        servers: servers::EVENTS,
        parameters: Vec::new(),
        bindings: None,
        messages,
    });
    document.add_operation(Operation {
        key: CHANNEL.to_owned() + "Stream",
        action: Action::Send,
        channel: CHANNEL.to_owned(),
        title: format!("GET {PATH}"),
        description: "Events as they happen, `retry: 3000` first, a comment every 15 seconds."
            .to_owned(),
        messages: keys,
        reply: None,
        bindings: Some(json!({ "http": { "method": "GET", "bindingVersion": "0.3.0" } })),
    });
}

fn messages(document: &Document) -> Vec<Message> {
    let connected = json!({ "type": "string", "const": CONNECTED, "examples": [CONNECTED] });
    let example = |name: &str| {
        let examples = document.schemas.examples(name).into_iter();
        examples.take(1).next().unwrap_or_default()
    };
    vec![
        event(
            "connected",
            EVENT,
            "The first event: the stream is open",
            ("text/plain", connected, json!(CONNECTED)),
        ),
        event(
            "notification",
            EVENT,
            "A notification, as the list has it",
            of_schema("CommunityNotification", example("CommunityNotification")),
        ),
        event(
            "reset",
            RESET,
            "Older notifications are gone which the client has not seen; those kept follow",
            of_schema("CommunityGap", example("CommunityGap")),
        ),
        event(
            "error",
            ERROR,
            "Why the stream ends",
            of_schema("CommunitySaid", example("CommunitySaid")),
        ),
    ]
}

/// Content type, payload and its example.
type Payload = (&'static str, Value, Value);

fn of_schema(name: &str, example: Value) -> Payload {
    ("application/json", schema(name), example)
}

fn event(key: &str, name: &str, summary: &str, payload: Payload) -> Message {
    let (content_type, payload, example) = payload;
    let headers = json!({ "type": "object", "required": ["event"], "properties": {
        "event": { "type": "string", "const": name, "description": "The event's type", "examples": [name] },
        "id": {
            "type": "string",
            "description": "`<user>_<time>`: sent back as `Last-Event-ID` it resumes right after this event",
            "examples": ["kim@example.com_16964364901234560175274183924977"],
        },
    } });
    Message {
        key: key.to_owned(),
        name: name.to_owned(),
        title: key.to_owned(),
        summary: summary.to_owned(),
        content_type: Some(content_type),
        headers: Some(headers),
        payload: Some(payload),
        correlation: None,
        examples: vec![json!({ "name": key, "headers": { "event": name }, "payload": example })],
    }
}
