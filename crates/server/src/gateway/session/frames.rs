//! Server frames as they go out: STOMP inside WebSocket messages.

use madang_domain::{Code, Error};
use madang_wire::stomp::{Command, DecodeError, Frame, SUPPORTED, Version};
use madang_wire::websocket::{self, Opcode};

use crate::contracts::support_desk;

/// In whose words a failure is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Voice {
    /// Codes of the registry.
    Native,
    /// Codes of contract 1, where it has one.
    SupportDesk,
}

/// Why the session ends, and the frame that is to blame.
#[derive(Debug, Clone)]
pub(super) struct Failure {
    pub(super) error: Error,
    /// The frame's `receipt`, if it had one.
    pub(super) receipt: Option<Box<str>>,
    pub(super) voice: Voice,
}

impl Failure {
    pub(super) fn new(error: impl Into<Error>, receipt: Option<&str>) -> Self {
        Self {
            error: error.into(),
            receipt: receipt.map(Box::from),
            voice: Voice::Native,
        }
    }

    pub(super) fn in_voice(self, voice: Voice) -> Self {
        Self { voice, ..self }
    }
}

/// What a peer is told that broke STOMP itself.
pub(super) fn decode_failure(error: &DecodeError) -> Failure {
    let code = if error.is_limit() {
        Code::TooLarge
    } else {
        Code::FrameInvalid
    };
    Failure::new(Error::with_detail(code, error.to_string()), error.receipt())
}

/// Appends a text message.
pub(super) fn encode_text(payload: &[u8], out: &mut Vec<u8>) {
    websocket::encode_message(websocket::Kind::Text, payload, out);
}

/// Appends a frame whose headers and body are UTF-8.
pub(super) fn encode_frame(version: Version, frame: &Frame, out: &mut Vec<u8>) {
    let mut bytes = Vec::with_capacity(128);
    frame.encode(version, &mut bytes);
    encode_text(&bytes, out);
}

pub(super) fn encode_receipt(version: Version, receipt: &str, out: &mut Vec<u8>) {
    encode_frame(
        version,
        &Frame::new(Command::Receipt).with("receipt-id", receipt),
        out,
    );
}

/// Appends the ERROR that ends a session (STOMP 1.2, "ERROR").
pub(super) fn encode_error(version: Version, failure: &Failure, out: &mut Vec<u8>) {
    let spec = failure.error.code().spec();
    let (code, text) = match failure.voice {
        Voice::Native => (spec.name, failure.error.message()),
        Voice::SupportDesk => support_desk::error_code(failure.error.code()),
    };
    let message = match failure.voice {
        // No colon of ours: before CONNECTED clients do not undo escapes.
        Voice::Native => text.to_owned(),
        // That contract's clients look for the code in the message.
        Voice::SupportDesk => format!("{code}: {text}"),
    };
    let body = serde_json::json!({
        "error": { "code": code, "message": text, "retryable": spec.retryable }
    });
    let mut frame = Frame::new(Command::Error)
        .with("message", &message)
        .with("code", code)
        .with("content-type", "application/json");
    if let Some(receipt) = &failure.receipt {
        frame = frame.with("receipt-id", receipt);
    }
    if failure.error.code() == Code::VersionUnsupported {
        frame = frame.with("version", SUPPORTED);
    }
    encode_frame(version, &frame.with_body(body.to_string()), out);
}

/// Appends the head of a WebSocket message.
pub(super) fn encode_message_head(is_text: bool, len: usize, out: &mut Vec<u8>) {
    let opcode = if is_text {
        Opcode::Text
    } else {
        Opcode::Binary
    };
    websocket::encode_head(opcode, len, out);
}
