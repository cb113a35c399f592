//! The headers of STOMP frames.

use serde_json::{Map, Value, json};

use crate::contracts::native::{DELETE_SEQ, EDIT_SEQ};

/// A header of one frame.
#[derive(Debug, Clone, Copy)]
pub(super) struct Header {
    pub(super) name: &'static str,
    description: &'static str,
    example: &'static str,
    /// What it can be; empty for any text.
    values: &'static [&'static str],
    is_required: bool,
}

impl Header {
    const fn new(name: &'static str, example: &'static str, description: &'static str) -> Self {
        Self {
            name,
            description,
            example,
            values: &[],
            is_required: false,
        }
    }

    const fn required(self) -> Self {
        Self {
            is_required: true,
            ..self
        }
    }

    const fn one_of(self, values: &'static [&'static str]) -> Self {
        Self { values, ..self }
    }
}

const DESTINATION: Header = Header::new(
    "destination",
    "/rooms/kim@example.com",
    "Where it goes or comes from; a room's id stands as it is, not percent-encoded",
)
.required();
const RECEIPT: Header = Header::new(
    "receipt",
    "r-1",
    "Asks for a RECEIPT that has this as `receipt-id`",
);
const TRANSACTION: Header = Header::new(
    "transaction",
    "t-1",
    "The transaction that the frame is part of",
);
const CONTENT_TYPE: Header = Header::new("content-type", "application/json", "What the body is");
const SUBSCRIPTION_ID: Header = Header::new(
    "id",
    "sub-0",
    "The client's name for the subscription; STOMP 1.0 may leave it out",
)
.required();
const ACK_MODE: Header = Header::new(
    "ack",
    "auto",
    "How messages are acknowledged; `auto` when absent",
)
.one_of(&["auto", "client", "client-individual"]);
const SINCE: Header = Header::new(
    "since",
    "9f3c1a2b4d5e-42",
    "A `position`: resume right after it. `delivered`: after the last message acknowledged. Absent: from now on",
);
const CLIENT_ID: Header = Header::new(
    "client-id",
    "0b9c7c1e-5b0a-4a53-9f0f-0f3ad1c1c8e1",
    "The sender's own name for the message: sent again, it is stored once and answered as the first time",
);
const EDIT: Header = Header::new(
    EDIT_SEQ,
    "42",
    "The `seq` of an earlier message of the room: the body replaces its body",
)
.required();
const DELETE: Header = Header::new(
    DELETE_SEQ,
    "42",
    "The `seq` of an earlier message of the room: its body is taken away",
)
.required();
const SUBSCRIPTION: Header =
    Header::new("subscription", "sub-0", "Which subscription it is for").required();
const MESSAGE_ID: Header =
    Header::new("message-id", "9f3c1a2b4d5e-42", "Unique among messages").required();
const ACK_NAME: Header = Header::new(
    "ack",
    "17",
    "What ACK or NACK has to name; only where the subscription acknowledges",
);

pub(super) const CONNECT: &[Header] = &[
    Header::new(
        "accept-version",
        "1.2,1.1,1.0",
        "Versions that the client speaks",
    ),
    Header::new("host", "chat.example.com", "Any, or none"),
    Header::new(
        "Authorization",
        "Bearer eyJhbGciOi…",
        "The token. Without it that of the handshake counts",
    ),
    Header::new("login", "backend", "A service account, in place of a token"),
    Header::new("passcode", "a secret", "Of the service account"),
    Header::new(
        "heart-beat",
        "10000,10000",
        "What the client can send and wants to get, in milliseconds",
    ),
];
pub(super) const CONNECTED: &[Header] = &[
    Header::new("version", "1.2", "The version that is spoken").required(),
    Header::new("server", "madang/0.1.0", "The server's name and version").required(),
    Header::new(
        "session",
        "7f3a-1c",
        "Names the connection in the server's log",
    )
    .required(),
    Header::new("user-name", "kim@example.com", "The user's id").required(),
    Header::new(
        "heart-beat",
        "10000,10000",
        "What the server can send and wants to get, in milliseconds; not in 1.0",
    ),
];
pub(super) const SUBSCRIBE_ROOM: &[Header] =
    &[SUBSCRIPTION_ID, DESTINATION, ACK_MODE, SINCE, RECEIPT];
pub(super) const SUBSCRIBE: &[Header] = &[SUBSCRIPTION_ID, DESTINATION, ACK_MODE, RECEIPT];
pub(super) const SEND_ROOM: &[Header] =
    &[DESTINATION, CLIENT_ID, RECEIPT, TRANSACTION, CONTENT_TYPE];
pub(super) const SEND_EDIT: &[Header] = &[
    DESTINATION,
    EDIT,
    CLIENT_ID,
    RECEIPT,
    TRANSACTION,
    CONTENT_TYPE,
];
pub(super) const SEND_DELETE: &[Header] = &[DESTINATION, DELETE, CLIENT_ID, RECEIPT, TRANSACTION];
pub(super) const SEND_AT_ONCE: &[Header] = &[DESTINATION, CLIENT_ID, RECEIPT, CONTENT_TYPE];
pub(super) const SEND_ENTER: &[Header] = &[DESTINATION, RECEIPT, CONTENT_TYPE];
pub(super) const SEND: &[Header] = &[DESTINATION, RECEIPT, TRANSACTION, CONTENT_TYPE];
pub(super) const MESSAGE_ROOM: &[Header] = &[
    SUBSCRIPTION,
    DESTINATION,
    MESSAGE_ID,
    Header::new(
        "position",
        "9f3c1a2b4d5e-42",
        "The message's place in the room's log, opaque: hand it back as `since`",
    )
    .required(),
    CONTENT_TYPE.required(),
    ACK_NAME,
];
pub(super) const MESSAGE_ENTRANCE: &[Header] = &[
    SUBSCRIPTION,
    DESTINATION,
    MESSAGE_ID,
    Header::new(
        "position",
        "9f3c1a2b4d5e-42",
        "Of who joined: the place in the room's log. Absent of a member who comes again",
    ),
    CONTENT_TYPE.required(),
    ACK_NAME,
];
pub(super) const MESSAGE: &[Header] = &[
    SUBSCRIPTION,
    DESTINATION,
    MESSAGE_ID,
    CONTENT_TYPE,
    ACK_NAME,
];
pub(super) const NOTICE: &[Header] = &[
    SUBSCRIPTION,
    DESTINATION,
    MESSAGE_ID,
    Header::new(
        "event",
        "reset",
        "What it says: this MESSAGE is not of the room's log",
    )
    .required(),
    CONTENT_TYPE.required(),
    ACK_NAME,
];
pub(super) const UNSUBSCRIBE: &[Header] = &[
    Header::new("id", "sub-0", "Which subscription").required(),
    RECEIPT,
];
pub(super) const ACKNOWLEDGE: &[Header] = &[
    Header::new(
        "id",
        "17",
        "The header `ack` of the MESSAGE; before 1.2 `message-id` and `subscription` stand in its place",
    ),
    Header::new(
        "message-id",
        "9f3c1a2b4d5e-42",
        "Before 1.2: of the MESSAGE",
    ),
    Header::new("subscription", "sub-0", "In 1.1: of the MESSAGE"),
    TRANSACTION,
    RECEIPT,
];
pub(super) const TRANSACT: &[Header] = &[
    Header::new(
        "transaction",
        "t-1",
        "The client's name for the transaction",
    )
    .required(),
    RECEIPT,
];
pub(super) const DISCONNECT: &[Header] = &[RECEIPT];
pub(super) const RECEIPT_ANSWER: &[Header] = &[Header::new(
    "receipt-id",
    "r-1",
    "The `receipt` of the frame that was processed",
)
.required()];
pub(super) const ERROR: &[Header] = &[
    Header::new(
        "code",
        "NOT_YOUR_ROOM",
        "A code of the registry, or contract 1's",
    )
    .required(),
    Header::new(
        "message",
        "you have no access to this room",
        "What exactly is wrong",
    )
    .required(),
    CONTENT_TYPE.required(),
    Header::new(
        "receipt-id",
        "r-1",
        "Of the frame to blame, if it asked for a receipt",
    ),
    Header::new(
        "version",
        "1.2,1.1,1.0",
        "What the server speaks, when nothing is common",
    ),
];

/// What the headers are, as a schema. Those in `fixed` have one value.
pub(super) fn schema(headers: &[Header], fixed: &[(&str, &str)]) -> Value {
    let mut properties = Map::new();
    for header in headers {
        let mut property = json!({
            "type": "string", "description": header.description, "examples": [header.example],
        });
        if !header.values.is_empty() {
            property["enum"] = json!(header.values);
        }
        if let Some((_, value)) = fixed.iter().find(|(name, _)| *name == header.name) {
            property["const"] = json!(value);
            property["examples"] = json!([value]);
        }
        properties.insert(header.name.to_owned(), property);
    }
    let required = headers.iter().filter(|header| header.is_required);
    let required: Vec<_> = required.map(|header| header.name).collect();
    json!({ "type": "object", "required": required, "properties": properties })
}

/// The headers that a message in an example has: `values` in the place of the usual ones; and
/// `left_out` are not there.
pub(super) fn example(headers: &[Header], values: &[(&str, &str)], left_out: &[&str]) -> Value {
    let headers = headers
        .iter()
        .filter(|header| !left_out.contains(&header.name));
    let pairs = headers.map(|header| {
        let own = values.iter().find(|(name, _)| *name == header.name);
        let value = own.map_or(header.example, |(_, value)| value);
        (header.name.to_owned(), Value::from(value))
    });
    Value::Object(pairs.collect())
}
