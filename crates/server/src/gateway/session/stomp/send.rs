//! SEND: to a room (answered once it is durable) or to an application topic.

use std::sync::Arc;

use bytes::Bytes;
use madang_domain::{
    Body, ClientId, Code, Content, Draft, DraftGroup, Error, Role, RoomId, Scope, Seq,
};
use madang_engine::commit::Submission;
use madang_engine::{Engine, TopicDraft};
use madang_wire::stomp::Frame;

use super::super::dialect::Voice;
use super::super::driver::Core;
use super::Stomp;
use super::commands::required;
use super::destination::Target;
use super::transactions::Step;
use crate::contracts::topics::PublishTarget;
use crate::contracts::{native, support_desk, topics};

/// A SEND that is understood.
pub(super) enum Outgoing {
    Message(Draft),
    Topic(TopicDraft),
}

impl Core<Stomp> {
    /// # Errors
    /// The server cannot process it: ERROR, close (STOMP 1.2, "SEND").
    pub(super) fn handle_send(&mut self, frame: Frame, voice: Voice) -> Result<(), Error> {
        let chat = Arc::clone(&self.dialect.chat);
        let target = chat.destinations.target(required(&frame, "destination")?)?;
        let receipt = frame.get("receipt").map(Box::<str>::from);
        let transaction = frame.get("transaction").map(Box::<str>::from);
        let outgoing = match target {
            Target::Community(target) => return self.send_to_community(target, &frame, voice),
            Target::Topic(topic) => self.topic_draft(topic, frame)?,
            Target::SupportDesk => {
                let (room, text) = support_desk::parse_send(&frame.body)?;
                self.message_draft(room, Content::Message(Body::new(&text, None)?), &frame)?
            }
            Target::Room(room) => {
                let content = native_content(&chat.engine, &frame)?;
                self.message_draft(room, content, &frame)?
            }
        };
        if let Some(id) = transaction {
            self.add_step(&id, Step::Send(outgoing))?;
            self.answer_receipt(receipt.as_deref());
            return Ok(());
        }
        match outgoing {
            Outgoing::Message(draft) => {
                let group = DraftGroup::single(draft);
                let submission = self.submission(group, receipt.as_deref(), voice, Vec::new());
                let engine = Arc::clone(&self.dialect.chat.engine);
                self.submit(&engine, submission);
            }
            Outgoing::Topic(draft) => {
                self.dialect.chat.engine.publish_topic(draft);
                self.answer_receipt(receipt.as_deref());
            }
        }
        Ok(())
    }

    fn message_draft(
        &mut self,
        room: RoomId,
        content: Content,
        frame: &Frame,
    ) -> Result<Outgoing, Error> {
        let client_id = client_id(frame)?;
        let chat = Arc::clone(&self.dialect.chat);
        let caller = &self.open_session()?.caller;
        if caller.role == Role::Service {
            // It has no part in a room. What the host changes there goes by another door, with a scope.
            return Err(Code::NotYourRoom.into());
        }
        let draft = chat.engine.draft(caller, room, content, client_id);
        Ok(Outgoing::Message(draft))
    }

    fn topic_draft(&mut self, target: PublishTarget, frame: Frame) -> Result<Outgoing, Error> {
        let chat = Arc::clone(&self.dialect.chat);
        let caller = &self.open_session()?.caller;
        if !chat.topics.publish.contains(&caller.role) {
            return Err(Code::PublishForbidden.into());
        }
        if caller.role == Role::Service {
            caller.require(Scope::Publish)?;
        }
        let headers = frame.headers.iter();
        let headers = headers.filter(|(name, _)| !topics::is_own_header(name));
        let headers = headers
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        Ok(Outgoing::Topic(TopicDraft {
            target: chat.destinations.topics.target(target),
            headers,
            body: Bytes::from(frame.body),
        }))
    }

    /// Makes drafts ready for the next transaction of the store. Its answer takes its place among
    /// the session's answers now; `topics` are published once the drafts are accepted.
    pub(super) fn submission(
        &mut self,
        group: DraftGroup,
        receipt: Option<&str>,
        voice: Voice,
        topics: Vec<TopicDraft>,
    ) -> Submission {
        let ticket = self.session.outbox().replies.wait(receipt, voice);
        let session = Arc::clone(&self.session);
        let engine = Arc::clone(&self.dialect.chat.engine);
        Submission::send(group, move |outcome| {
            if outcome.is_ok() {
                for topic in topics {
                    engine.publish_topic(topic);
                }
            }
            session.committed(ticket, outcome);
        })
    }
}

/// The client's own name for a message.
///
/// # Errors
/// [`Code::ParameterInvalid`]: it is no such name.
pub(super) fn client_id(frame: &Frame) -> Result<Option<ClientId>, Error> {
    let client_id = frame.get("client-id").map(ClientId::new).transpose();
    client_id
        .map_err(|error| Error::with_detail(Code::ParameterInvalid, format!("client-id {error}")))
}

/// What a SEND to a native room says or does: a header may name an earlier message.
fn native_content(engine: &Engine, frame: &Frame) -> Result<Content, Error> {
    let target = |name: &str| match frame.get(name) {
        None => Ok(None),
        Some(text) => match text.parse() {
            Ok(seq) => Ok(Some(Seq::new(seq))),
            Err(_) => {
                let detail = format!("{name} is not the number of a message");
                Err(Error::with_detail(Code::ParameterInvalid, detail))
            }
        },
    };
    if let Some(target) = target(native::DELETE_SEQ)? {
        return Ok(engine.deletion(target));
    }
    let body = native::parse_send(&frame.body)?;
    Ok(match target(native::EDIT_SEQ)? {
        Some(target) => engine.edit(target, body),
        None => Content::Message(body),
    })
}
