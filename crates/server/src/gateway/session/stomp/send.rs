//! SEND: to a room (answered once it is durable) or to an application topic.

use std::sync::Arc;

use bytes::Bytes;
use madang_domain::{ClientId, Code, Draft, DraftGroup, Error, Role, Scope};
use madang_engine::TopicDraft;
use madang_engine::commit::{Reply, Submission};
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
        let receipt = frame.get("receipt").map(Box::<str>::from);
        let transaction = frame.get("transaction").map(Box::<str>::from);
        let outgoing = self.outgoing(frame)?;
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

    fn outgoing(&mut self, frame: Frame) -> Result<Outgoing, Error> {
        let chat = Arc::clone(&self.dialect.chat);
        let target = chat.destinations.target(required(&frame, "destination")?)?;
        let engine = &chat.engine;
        let (room, text) = match target {
            Target::Topic(topic) => return self.topic_draft(topic, frame),
            Target::SupportDesk => support_desk::parse_send(&frame.body)?,
            Target::Room(room) => (room, native::parse_send(&frame.body)?),
        };
        let client_id = frame
            .get("client-id")
            .map(ClientId::new)
            .transpose()
            .map_err(|error| {
                Error::with_detail(Code::ParameterInvalid, format!("client-id {error}"))
            })?;
        let caller = &self.open_session()?.caller;
        Ok(Outgoing::Message(
            engine.draft(caller, room, &text, client_id)?,
        ))
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
        let reply: Reply = Box::new(move |outcome| {
            if outcome.is_ok() {
                for topic in topics {
                    engine.publish_topic(topic);
                }
            }
            session.committed(ticket, outcome);
        });
        Submission { group, reply }
    }
}
