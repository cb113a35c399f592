//! Answers to commands.

use madang_domain::Error;
use madang_engine::commit::GroupOutcome;

use super::super::super::framing::Framing;
use super::super::driver::Core;
use super::super::rooms::Follower;
use super::Json;
use crate::contracts::realtime::{Accepted, Ack, ErrorBody, ServerEvent, echo};

/// Appends what became of a `send`. Without an id only a failure is told.
pub(in super::super) fn encode_outcome(
    framing: Framing,
    id: Option<&str>,
    outcome: &GroupOutcome,
    out: &mut Vec<u8>,
) {
    let appended = match outcome {
        Ok(appended) => appended,
        Err(error) => return encode_error(framing, id, error, out),
    };
    if id.is_none() {
        return;
    }
    let id = echo(id);
    let message = appended.first().map(|appended| &**appended.message());
    let ack = Ack {
        id: id.as_deref(),
        accepted: message.map(Accepted::from),
        ..Ack::default()
    };
    framing.append_text(&ServerEvent::Ack(ack).to_json(), out);
}

/// Appends that a command failed.
pub(in super::super) fn encode_error(
    framing: Framing,
    id: Option<&str>,
    error: &Error,
    out: &mut Vec<u8>,
) {
    let id = echo(id);
    let event = ServerEvent::Error {
        id: id.as_deref(),
        error: ErrorBody::from(error),
    };
    framing.append_text(&event.to_json(), out);
}

impl Core<Json> {
    /// Answers that a command was done, if it has a name.
    pub(super) fn answer_done(&mut self, id: Option<&str>) {
        let Some(id) = echo(id) else { return };
        let ack = Ack {
            id: Some(&id),
            ..Ack::default()
        };
        Json::tell(self, &ServerEvent::Ack(ack));
    }

    /// Answers that a command failed; the session goes on.
    pub(super) fn answer_error(&mut self, id: Option<&str>, error: &Error) {
        self.session.shared.metrics.error(error.code());
        let framing = self.session.framing;
        let mut outbox = self.session.outbox();
        outbox
            .queue
            .append(|buffer| encode_error(framing, id, error, buffer));
    }
}
