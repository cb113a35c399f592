//! Server frames as they go out: STOMP in the framing of its session.

use madang_domain::{Code, Error};
use madang_wire::stomp::{Command, DecodeError, Frame, SUPPORTED, Version};

use super::super::super::framing::Framing;
use super::super::dialect::{Failure, Voice};
use crate::contracts::realtime::{ErrorBody, ErrorEnvelope};
use crate::contracts::support_desk;

/// What a peer is told that broke STOMP itself.
pub(super) fn decode_failure(error: &DecodeError) -> Failure {
    let code = if error.is_limit() {
        Code::TooLarge
    } else {
        Code::FrameInvalid
    };
    Failure::new(Error::with_detail(code, error.to_string()), error.receipt())
}

/// Appends a frame whose headers and body are UTF-8.
pub(super) fn encode_frame(framing: Framing, version: Version, frame: &Frame, out: &mut Vec<u8>) {
    let mut bytes = Vec::with_capacity(128);
    frame.encode(version, &mut bytes);
    framing.append_text(&bytes, out);
}

pub(in super::super) fn encode_receipt(
    framing: Framing,
    version: Version,
    receipt: &str,
    out: &mut Vec<u8>,
) {
    let frame = Frame::new(Command::Receipt).with("receipt-id", receipt);
    encode_frame(framing, version, &frame, out);
}

/// Appends the ERROR that ends a session (STOMP 1.2, "ERROR").
pub(super) fn encode_error(
    framing: Framing,
    version: Version,
    failure: &Failure,
    out: &mut Vec<u8>,
) {
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
    let body = ErrorEnvelope {
        error: ErrorBody {
            code,
            message: text,
            retryable: spec.retryable,
        },
    };
    // Text only: nothing that serialization could refuse.
    let body = serde_json::to_string(&body).unwrap_or_default();
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
    encode_frame(framing, version, &frame.with_body(body), out);
}
