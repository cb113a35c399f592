//! STOMP frames as messages of the document.

use madang_wire::stomp::{Command, Peer};
use serde_json::{Value, json};

use super::document::{Message, schema};
use super::headers::{self, Header};
use super::schemas::Schemas;

/// A frame's body.
pub(super) enum Body {
    /// It has none.
    Nothing,
    /// JSON of this schema.
    Json(&'static str),
    /// Whatever the sender likes, of the content type that the sender says.
    Opaque,
}

/// A frame, before it is a message.
pub(super) struct FrameSpec<'a> {
    pub(super) key: &'a str,
    pub(super) command: Command,
    pub(super) summary: String,
    pub(super) headers: &'static [Header],
    /// Headers with one value only.
    pub(super) fixed: &'a [(&'a str, &'a str)],
    /// Headers that an example has differently.
    pub(super) values: &'a [(&'a str, &'a str)],
    /// Headers that an example does not have.
    pub(super) left_out: &'a [&'a str],
    pub(super) body: Body,
}

impl FrameSpec<'_> {
    pub(super) fn into_message(self, schemas: &Schemas) -> Message {
        let values: Vec<_> = self.fixed.iter().chain(self.values).copied().collect();
        let headers = headers::example(self.headers, &values, self.left_out);
        let (content_type, payload, body) = match self.body {
            Body::Nothing => (None, None, None),
            Body::Json(name) => (
                Some("application/json"),
                Some(schema(name)),
                schemas.examples(name).into_iter().next(),
            ),
            Body::Opaque => (
                None,
                Some(opaque()),
                Some(json!("your order has been shipped")),
            ),
        };
        let mut example = json!({ "name": self.key, "headers": headers });
        if let Some(body) = body {
            example["payload"] = body;
        }
        let has = |name: &str| self.headers.iter().any(|header| header.name == name);
        let correlation = match () {
            () if has("receipt") => Some("$message.header#/receipt"),
            () if has("receipt-id") => Some("$message.header#/receipt-id"),
            () => None,
        };
        Message {
            key: self.key.to_owned(),
            name: self.command.as_str().to_owned(),
            title: self.command.as_str().to_owned(),
            summary: self.summary,
            content_type,
            headers: Some(headers::schema(self.headers, self.fixed)),
            payload,
            correlation,
            examples: vec![example],
        }
    }
}

/// Nothing is known of it.
fn opaque() -> Value {
    json!({ "description": "Any body: it is handed on as it is" })
}

/// The key of a session's frame.
pub(super) fn session_key(command: Command) -> String {
    command.as_str().to_lowercase()
}

/// The frames that have no destination, from this side.
pub(super) fn session_commands(sender: Peer) -> Vec<Command> {
    let all = Command::ALL.into_iter();
    all.filter(|command| command.sender() == sender && session_frame(*command).is_some())
        .collect()
}

/// The frames that have no destination.
pub(super) fn session_messages(schemas: &Schemas) -> Vec<Message> {
    let all = Command::ALL.into_iter();
    all.filter_map(|command| Some((command, session_frame(command)?)))
        .map(|(command, (headers, summary))| {
            let is_error = command == Command::Error;
            let key = session_key(command);
            let spec = FrameSpec {
                key: &key,
                command,
                summary: summary.to_owned(),
                headers,
                fixed: &[],
                values: &error_of(is_error),
                left_out: left_out(command),
                body: if is_error {
                    Body::Json("ErrorEnvelope")
                } else {
                    Body::Nothing
                },
            };
            spec.into_message(schemas)
        })
        .collect()
}

/// The code and text of the body in an example, as headers.
fn error_of(is_error: bool) -> Vec<(&'static str, &'static str)> {
    let spec = madang_domain::Code::ALL
        .first()
        .filter(|_| is_error)
        .map(|code| code.spec());
    let pair = spec.map(|spec| [("code", spec.name), ("message", spec.text)]);
    pair.into_iter().flatten().collect()
}

/// What an example does not have because something else stands in its place.
const fn left_out(command: Command) -> &'static [&'static str] {
    match command {
        Command::Connect | Command::Stomp => &["login", "passcode"],
        Command::Ack | Command::Nack => &["message-id", "subscription", "transaction"],
        Command::Error => &["version"],
        _ => &[],
    }
}

/// Headers and meaning; `None` for a frame that has a destination.
const fn session_frame(command: Command) -> Option<(&'static [Header], &'static str)> {
    Some(match command {
        Command::Connect => (
            headers::CONNECT,
            "Opens the session. The first frame, before `stomp.connect_timeout_seconds`",
        ),
        Command::Stomp => (headers::CONNECT, "CONNECT by another name; 1.1 and later"),
        Command::Connected => (headers::CONNECTED, "The session is open"),
        Command::Unsubscribe => (headers::UNSUBSCRIBE, "Ends a subscription"),
        Command::Ack => (
            headers::ACKNOWLEDGE,
            "A message was consumed: the delivered mark of its room rises",
        ),
        Command::Nack => (
            headers::ACKNOWLEDGE,
            "A message was not consumed: it comes again with `since:delivered`",
        ),
        Command::Begin => (headers::TRANSACT, "Opens a transaction"),
        Command::Commit => (
            headers::TRANSACT,
            "Makes the transaction's frames take effect; its RECEIPT says that all of it is durable",
        ),
        Command::Abort => (headers::TRANSACT, "Drops the transaction's frames"),
        Command::Disconnect => (
            headers::DISCONNECT,
            "Ends the session; its RECEIPT says that all before it was processed",
        ),
        Command::Receipt => (
            headers::RECEIPT_ANSWER,
            "The frame was processed; of a SEND to a room: the message is durable. In the order of the frames",
        ),
        Command::Error => (
            headers::ERROR,
            "What went wrong; the connection is closed after it",
        ),
        Command::Send | Command::Subscribe | Command::Message => return None,
    })
}
