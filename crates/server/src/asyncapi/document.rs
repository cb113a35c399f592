//! The parts of an AsyncAPI 3.0 document, and how they are put together.

use serde_json::{Map, Value, json};

use super::schemas::Schemas;
use super::{DoorSet, servers};

/// A door that clients come in by: the document's groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Group {
    Stomp,
    Json,
    Direct,
    Events,
}

impl Group {
    const ALL: [Self; 4] = [Self::Stomp, Self::Json, Self::Direct, Self::Events];

    const fn name(self) -> &'static str {
        match self {
            Self::Stomp => "STOMP",
            Self::Json => "JSON over WebSocket",
            Self::Direct => "Bare WebSocket",
            Self::Events => "Event streams",
        }
    }

    const fn description(self) -> &'static str {
        match self {
            Self::Stomp => "STOMP 1.0, 1.1 and 1.2 over WebSocket, SockJS and TCP",
            Self::Json => "One connection, all of a user's rooms, nothing to subscribe",
            Self::Direct => "Contract 3: messages of all of a user's rooms except their own",
            Self::Events => "Server-sent events over HTTP, resumed with `Last-Event-ID`",
        }
    }
}

/// Who says it, as the server sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    /// The server says it.
    Send,
    /// A client says it.
    Receive,
}

impl Action {
    const fn name(self) -> &'static str {
        match self {
            Self::Send => "send",
            Self::Receive => "receive",
        }
    }
}

/// What is said in one piece. Its key is unique in its channel.
pub(super) struct Message {
    pub(super) key: String,
    /// The STOMP command, or the JSON's `type`.
    pub(super) name: String,
    pub(super) title: String,
    pub(super) summary: String,
    pub(super) content_type: Option<&'static str>,
    pub(super) headers: Option<Value>,
    pub(super) payload: Option<Value>,
    /// Where stands what names an exchange (a runtime expression).
    pub(super) correlation: Option<&'static str>,
    pub(super) examples: Vec<Value>,
}

impl Message {
    fn into_value(self) -> Value {
        let mut object = object([
            ("name", json!(self.name)),
            ("title", json!(self.title)),
            ("summary", json!(self.summary)),
        ]);
        put(
            &mut object,
            "contentType",
            self.content_type.map(Value::from),
        );
        put(&mut object, "headers", self.headers);
        put(&mut object, "payload", self.payload);
        let correlation = self.correlation.map(|at| json!({ "location": at }));
        put(&mut object, "correlationId", correlation);
        let examples = Some(self.examples).filter(|examples| !examples.is_empty());
        put(&mut object, "examples", examples.map(Value::from));
        object.into()
    }
}

/// Where messages go.
pub(super) struct Channel {
    pub(super) key: String,
    /// `None`: the connection itself.
    pub(super) address: Option<String>,
    pub(super) title: String,
    pub(super) description: String,
    pub(super) group: Group,
    pub(super) servers: &'static [&'static str],
    /// Each parameter's name, meaning and example.
    pub(super) parameters: Vec<(String, &'static str, &'static str)>,
    pub(super) bindings: Option<Value>,
    pub(super) messages: Vec<Message>,
}

/// Something that is done on a channel.
pub(super) struct Operation {
    pub(super) key: String,
    pub(super) action: Action,
    pub(super) channel: String,
    pub(super) title: String,
    pub(super) description: String,
    /// Keys of the channel's messages.
    pub(super) messages: Vec<String>,
    pub(super) reply: Option<Reply>,
    pub(super) bindings: Option<Value>,
}

/// What answers an operation: a channel and keys of its messages.
pub(super) struct Reply {
    pub(super) channel: String,
    pub(super) messages: Vec<String>,
}

pub(super) struct Document {
    pub(super) schemas: Schemas,
    channels: Map<String, Value>,
    operations: Map<String, Value>,
}

impl Document {
    pub(super) fn new(schemas: Schemas) -> Self {
        Self {
            schemas,
            channels: Map::new(),
            operations: Map::new(),
        }
    }

    pub(super) fn has_channel(&self, key: &str) -> bool {
        self.channels.contains_key(key)
    }

    /// Adds messages to a channel that is there.
    pub(super) fn add_messages(&mut self, channel: &str, messages: Vec<Message>) {
        let channel = self.channels.get_mut(channel);
        let all = channel.and_then(|channel| channel["messages"].as_object_mut());
        if let Some(all) = all {
            all.extend(messages.into_iter().map(keyed));
        }
    }

    pub(super) fn add_channel(&mut self, channel: Channel) {
        let servers = channel
            .servers
            .iter()
            .map(|name| reference(&["servers", name]));
        let mut object = object([
            ("address", json!(channel.address)),
            ("title", json!(channel.title)),
            ("description", json!(channel.description)),
            ("servers", servers.collect()),
            ("tags", json!([{ "name": channel.group.name() }])),
            (
                "messages",
                Value::Object(channel.messages.into_iter().map(keyed).collect()),
            ),
        ]);
        if !channel.parameters.is_empty() {
            let parameters = channel.parameters.into_iter();
            let parameters = parameters.map(|(name, meaning, example)| {
                (
                    name,
                    json!({ "description": meaning, "examples": [example] }),
                )
            });
            object.insert("parameters".to_owned(), Value::Object(parameters.collect()));
        }
        put(&mut object, "bindings", channel.bindings);
        self.channels.insert(channel.key, object.into());
    }

    pub(super) fn add_operation(&mut self, operation: Operation) {
        let of = |channel: &str, messages: &[String]| -> Value {
            let messages = messages.iter();
            messages
                .map(|key| reference(&["channels", channel, "messages", key]))
                .collect()
        };
        let mut object = object([
            ("action", json!(operation.action.name())),
            ("channel", reference(&["channels", &operation.channel])),
            ("title", json!(operation.title)),
            ("description", json!(operation.description)),
            ("messages", of(&operation.channel, &operation.messages)),
        ]);
        let reply = operation.reply.map(|reply| {
            json!({
                "channel": reference(&["channels", &reply.channel]),
                "messages": of(&reply.channel, &reply.messages),
            })
        });
        put(&mut object, "reply", reply);
        put(&mut object, "bindings", operation.bindings);
        self.operations.insert(operation.key, object.into());
    }

    pub(super) fn finish(self, set: DoorSet) -> Value {
        let groups = Group::ALL.into_iter();
        let groups = groups.filter(|group| set.direct_websocket || *group != Group::Direct);
        let tags =
            groups.map(|group| json!({ "name": group.name(), "description": group.description() }));
        json!({
            "asyncapi": "3.0.0",
            "id": "urn:madang:live",
            "info": {
                "title": "Madang live doors",
                "version": env!("CARGO_PKG_VERSION"),
                "description": DESCRIPTION,
                "license": { "name": "Apache-2.0 OR MIT" },
                "tags": tags.collect::<Value>(),
            },
            "defaultContentType": "application/json",
            "servers": servers::servers(set),
            "channels": self.channels,
            "operations": self.operations,
            "components": {
                "schemas": self.schemas.into_value(),
                "securitySchemes": servers::security_schemes(),
            },
        })
    }
}

const DESCRIPTION: &str = "\
What is said on the live doors of this chat server. Operations are told from the server's side: what it \
*receives* is what a client sends. Rooms are durable and in order: each stored message has a `position`, \
and a client that comes back names the last one it has. Errors have a `code` of one registry at every \
door: the schema `ErrorCode`. REST is described by `/openapi.json`.";

/// A reference into this document.
pub(super) fn reference(path: &[&str]) -> Value {
    json!({ "$ref": format!("#/{}", path.join("/")) })
}

/// A reference to a schema.
pub(super) fn schema(name: &str) -> Value {
    reference(&["components", "schemas", name])
}

pub(super) fn object<const N: usize>(members: [(&str, Value); N]) -> Map<String, Value> {
    let members = members.into_iter();
    members
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

fn put(object: &mut Map<String, Value>, name: &str, value: Option<Value>) {
    if let Some(value) = value {
        object.insert(name.to_owned(), value);
    }
}

fn keyed(message: Message) -> (String, Value) {
    (message.key.clone(), message.into_value())
}
