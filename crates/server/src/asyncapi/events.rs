//! Event streams: a channel for every route of the authorization table that is one.

use serde_json::{Value, json};

use super::document::{Action, Channel, Document, Group, Message, Operation, schema};
use super::json::{event_examples, event_key};
use super::schemas::Variant;
use super::servers;
use crate::authorization::{Door, ROWS, Row};
use crate::contracts::realtime::ANSWERS;

pub(super) fn describe(document: &mut Document) {
    for row in ROWS {
        if let Door::Http(_, path) = row.door
            && is_stream(path)
        {
            describe_stream(path, row, document);
        }
    }
}

/// The key of the channel with all of the caller's rooms.
const ALL: &str = "events";

/// Whether the route is an event stream's.
pub(super) fn is_stream(path: &str) -> bool {
    path.ends_with("/events")
}

/// The key of a stream's channel.
pub(super) fn channel_key(path: &str) -> &'static str {
    if path.contains("{id}") {
        "roomEvents"
    } else if path.contains("/desk/") {
        "deskEvents"
    } else {
        ALL
    }
}

fn describe_stream(path: &str, row: &Row, document: &mut Document) {
    let key = channel_key(path);
    let is_one = key != ALL;
    let told = document.schemas.variants("ServerEvent");
    let told: Vec<_> = told
        .iter()
        .filter(|event| !ANSWERS.contains(&event.tag.as_str()))
        .collect();
    let messages: Vec<_> = told
        .iter()
        .map(|event| event_message(event, is_one, document))
        .collect();
    let what = match key {
        ALL => "All of the caller's rooms and notifications.",
        "deskEvents" => "The support desk's changes.",
        _ => "One room, which the caller may read.",
    };
    let parameter = (
        "id".to_owned(),
        "The room, percent-encoded",
        "kim@example.com",
    );
    document.add_channel(Channel {
        key: key.to_owned(),
        address: Some(path.to_owned()),
        title: path.to_owned(),
        description: format!(
            "{what} `event` is the type, `data` the JSON object. The `id` of an event, sent back as `Last-Event-ID`, resumes \
             right after it. What is refused before the stream begins is problem details, as over REST. Who may: {}.",
            row.who_may()
        ),
        group: Group::Events,
        servers: servers::EVENTS,
        parameters: Some(parameter).into_iter().filter(|_| path.contains("{id}")).collect(),
        bindings: None,
        messages,
    });
    document.add_operation(Operation {
        key: key.to_owned() + "Stream",
        action: Action::Send,
        channel: key.to_owned(),
        title: format!("GET {path}"),
        description: "Events as they happen, `retry: 3000` first, a comment every 15 seconds."
            .to_owned(),
        messages: told.iter().map(|event| event_key(&event.tag)).collect(),
        reply: None,
        bindings: Some(request()),
    });
}

fn event_message(event: &Variant, is_one: bool, document: &Document) -> Message {
    let key = event_key(&event.tag);
    let id = if is_one {
        "The `position`"
    } else {
        "Where each room stands, opaque"
    };
    let headers = json!({ "type": "object", "required": ["event"], "properties": {
        "event": { "type": "string", "const": event.tag, "description": "The event's type", "examples": [event.tag] },
        "id": { "type": "string", "description": format!("{id}: sent back as `Last-Event-ID` it resumes right after this event. Not on every event") },
    } });
    let examples = event_examples(event, document).into_iter().enumerate();
    let examples = examples.map(|(number, payload)| {
        let name = if number == 0 {
            key.clone()
        } else {
            format!("{key}{}", number + 1)
        };
        json!({ "name": name, "headers": { "event": event.tag }, "payload": payload })
    });
    Message {
        name: event.tag.clone(),
        title: event.tag.clone(),
        summary: event.description.clone(),
        content_type: Some("application/json"),
        headers: Some(headers),
        payload: Some(schema(&event.schema)),
        correlation: None,
        examples: examples.collect(),
        key,
    }
}

/// How a stream is asked for.
fn request() -> Value {
    json!({ "http": {
        "method": "GET",
        "query": { "type": "object", "properties": {
            "lastEventId": { "type": "string", "description": "As the header `Last-Event-ID`, which counts before it" },
            "access_token": { "type": "string", "description": "The token, only where `http.query_token` is on" },
        } },
        "bindingVersion": "0.3.0",
    } })
}
