//! What clients of the JSON door say.

use std::collections::BTreeMap;

use madang_domain::{Code, Error};
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::super::misfit;
use super::super::rooms::present;

/// How the JSON door's subprotocol is called: selected when offered, not required.
pub const JSON_SUBPROTOCOL: &str = "madang.v1.json";

/// Longest `id` of a command as it stands in JSON, in bytes: it is kept until the answer.
pub const ID_BYTES_MAX: usize = 256;

/// What a client of the JSON door says.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(
    tag = "type",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
pub enum ClientCommand {
    /// Who it is. Must be the first message when the handshake had no token; has no answer but
    /// `hello`. An error closes the connection.
    Auth {
        /// The host application's token.
        #[schema(example = "eyJhbGciOi…")]
        token: String,
    },
    /// A message for a room. Sending to one's own support room opens it. Answered with `ack` once
    /// the message is durable.
    // utoipa does not know rename_all_fields.
    #[serde(rename_all = "camelCase")]
    Send {
        /// Where it goes.
        #[schema(example = "kim@example.com")]
        room: String,
        /// Up to 16384 bytes of UTF-8.
        #[schema(example = "결제가 되지 않아요")]
        text: Option<String>,
        /// Any JSON of up to 16384 bytes, with the text or instead of it.
        // Raw JSON does not pass through a tagged enum: put in by [`Request::parse`].
        #[serde(default, deserialize_with = "passed_over")]
        #[schema(value_type = Option<Object>)]
        data: Option<Box<RawValue>>,
        /// The sender's own name for the message, unique among theirs in this room: sending again
        /// with it is safe.
        #[schema(example = "0b9c7c1e-5b0a-4a53-9f0f-0f3ad1c1c8e1", max_length = 255)]
        client_id: Option<String>,
    },
    /// Another body for an earlier message: one's own, for a while, or any as a moderator. Answered
    /// with `ack` once durable; everybody gets an `edited` message.
    #[serde(rename_all = "camelCase")]
    Edit {
        /// Which room.
        #[schema(example = "kim@example.com")]
        room: String,
        /// The number of the message.
        #[schema(example = 40)]
        seq: u64,
        /// As of `send`.
        #[schema(example = "결제가 됩니다")]
        text: Option<String>,
        /// As of `send`.
        #[serde(default, deserialize_with = "passed_over")]
        #[schema(value_type = Option<Object>)]
        data: Option<Box<RawValue>>,
        /// As of `send`.
        #[schema(example = "5b0a4a53-9f0f-4f3a-8d1c-1c8e10b9c7c1", max_length = 255)]
        client_id: Option<String>,
    },
    /// Takes an earlier message's body away, as `edit` changes it.
    #[serde(rename_all = "camelCase")]
    Delete {
        /// Which room.
        #[schema(example = "kim@example.com")]
        room: String,
        /// The number of the message.
        #[schema(example = 40)]
        seq: u64,
        /// As of `send`.
        #[schema(example = "1c8e10b9-9f0f-4f3a-8d1c-c7c15b0a4a53", max_length = 255)]
        client_id: Option<String>,
    },
    /// Joins an open room; a `room` event shows it.
    Join {
        /// Which room.
        #[schema(example = "0193f1c2-7b1e-7a60-9d51-1d2c3b4a5968")]
        room: String,
    },
    /// Leaves a room.
    Leave {
        /// Which room.
        #[schema(example = "0193f1c2-7b1e-7a60-9d51-1d2c3b4a5968")]
        room: String,
    },
    /// Has the connection told when these users go online or offline, instead of those watched
    /// before. Their present state comes as `presence` events behind the `ack`. Users with whom
    /// the caller shares no room are passed over.
    Watch {
        /// At most 200.
        #[schema(example = json!(["lee@example.com"]))]
        users: Vec<String>,
    },
    /// The user has read a room up to a position. Others are told with `read`.
    Read {
        /// Which room.
        #[schema(example = "kim@example.com")]
        room: String,
        /// The `position` of the last message read.
        #[schema(example = "9f3c1a2b4d5e-42")]
        position: String,
    },
    /// The user writes a message, or has stopped. Others are told with `typing`.
    Typing {
        /// Which room.
        #[schema(example = "kim@example.com")]
        room: String,
        /// `false`: stopped.
        active: bool,
    },
    /// Has rooms continue right after positions of an earlier connection. Live messages of these
    /// rooms that came before the `ack` come again in their place after it: a client drops what it
    /// got of them before. A room of the user's that is not shown is from then on, told with `room`
    /// before the `ack`, in the place of one that was not resumed.
    Resume {
        /// By room: the `position` of the last message that the client has.
        #[schema(example = json!({ "kim@example.com": "9f3c1a2b4d5e-42" }))]
        positions: BTreeMap<String, String>,
        /// The same for the user's inbox. `null`: the client knows that there was none, and has it
        /// from its beginning on; absent: it goes on from where `hello` says.
        #[serde(default, deserialize_with = "present")]
        #[schema(value_type = Option<String>, example = "5e9f3c1a2b4d-7")]
        inbox: Option<Option<String>>,
    },
    /// Asks for `pong`.
    Ping {},
}

/// Reads past a member.
fn passed_over<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Box<RawValue>>, D::Error> {
    IgnoredAny::deserialize(from).map(|_| None)
}

/// The names of [`ClientCommand`]s, as `type` has them.
pub const COMMANDS: [&str; 11] = [
    "auth", "send", "edit", "delete", "join", "leave", "watch", "read", "typing", "resume", "ping",
];

/// A command and the name that its answer has to carry.
#[derive(Debug)]
pub struct Request {
    /// The command's `id`, as JSON: a string or a number of at most [`ID_BYTES_MAX`] bytes.
    pub id: Option<Box<str>>,
    /// What is to be done, or why it cannot be understood; the latter ends nothing.
    pub command: Result<ClientCommand, Error>,
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, rename = "type")]
    kind: Option<&'a RawValue>,
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
}

impl Request {
    /// Reads one message of a client.
    ///
    /// # Errors
    /// [`Code::BodyInvalid`]: it is no JSON object. The client's fault; the connection ends.
    pub fn parse(text: &[u8]) -> Result<Self, Error> {
        let not_an_object = || {
            let detail = "a message must be one JSON object";
            Error::with_detail(Code::BodyInvalid, detail)
        };
        if text.iter().find(|byte| !byte.is_ascii_whitespace()) != Some(&b'{') {
            return Err(not_an_object());
        }
        let envelope: Envelope<'_> = match serde_json::from_slice(text) {
            Ok(envelope) => envelope,
            // Such as a member that is there twice.
            Err(error) if error.is_data() => {
                let detail = "type, id or data is there twice";
                let command = Err(Error::with_detail(Code::BodyInvalid, detail));
                return Ok(Self { id: None, command });
            }
            Err(_) => return Err(not_an_object()),
        };
        let kind = envelope.kind.map(|kind| kind.get());
        match envelope.id.map(|id| id.get()).filter(|id| *id != "null") {
            Some(id) if !is_name(id) => {
                let detail = "id must be a string or a number";
                let command = Err(Error::with_detail(Code::BodyInvalid, detail));
                Ok(Self { id: None, command })
            }
            Some(id) if id.len() > ID_BYTES_MAX => {
                let detail = format!("id has more than {ID_BYTES_MAX} bytes");
                let command = Err(Error::with_detail(Code::BodyInvalid, detail));
                Ok(Self { id: None, command })
            }
            id => Ok(Self {
                id: id.map(Box::from),
                command: parse_command(kind, text).map(|command| command.with(envelope.data)),
            }),
        }
    }
}

impl ClientCommand {
    fn with(mut self, raw: Option<&RawValue>) -> Self {
        if let Self::Send { data, .. } | Self::Edit { data, .. } = &mut self {
            *data = raw.map(RawValue::to_owned);
        }
        self
    }
}

/// Whether this JSON is a string or a number.
fn is_name(json: &str) -> bool {
    json.starts_with(|first: char| first == '"' || first == '-' || first.is_ascii_digit())
}

fn parse_command(kind: Option<&str>, text: &[u8]) -> Result<ClientCommand, Error> {
    let kind: Option<String> = kind.and_then(|kind| serde_json::from_str(kind).ok());
    let Some(kind) = kind.filter(|kind| COMMANDS.contains(&kind.as_str())) else {
        let detail = format!("type must be one of {}", COMMANDS.join(", "));
        return Err(Error::with_detail(Code::BodyInvalid, detail));
    };
    serde_json::from_slice(text).map_err(|error| {
        let detail = format!("{kind}: {}", misfit::in_json::<ClientCommand>(text, &error));
        Error::with_detail(Code::BodyInvalid, detail)
    })
}

/// An `id` that [`Request::parse`] read, to be put into an answer.
#[must_use]
pub fn echo(id: Option<&str>) -> Option<Box<RawValue>> {
    id.and_then(|id| RawValue::from_string(id.to_owned()).ok())
}
