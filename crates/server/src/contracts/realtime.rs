//! What is said on the live doors: the JSON door (`/ws/v1`) and event streams.
//!
//! One JSON object per WebSocket message or event. Answers carry the `id` of their command. Sends
//! are answered in their order; other answers may come before those of earlier sends.

mod commands;
mod events;

pub use commands::{COMMANDS, ClientCommand, ID_BYTES_MAX, JSON_SUBPROTOCOL, Request, echo};
pub use events::{
    ANSWERS, Accepted, Ack, EVENTS, ErrorBody, ErrorEnvelope, LiveInbox, LiveRoom, RoomChange,
    RoomName, ServerEvent,
};

#[cfg(test)]
mod tests;
