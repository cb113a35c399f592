//! BEGIN, COMMIT, ABORT, and the frames that take effect with them; ACK and NACK.

use std::sync::Arc;

use madang_domain::{Caller, Code, DraftGroup, Error, Position, RoomId};
use madang_engine::Engine;
use madang_engine::commit::Submission;
use madang_wire::stomp::{Command, Frame, Version};

use super::super::dialect::{Done, Failure, Voice};
use super::super::driver::Core;
use super::Stomp;
use super::acks::{AckTarget, Verdict};
use super::commands::required;
use super::send::Outgoing;

/// Bytes of messages that the open transactions of a session hold at most: what waits for COMMIT
/// is memory that the client needs no right to use.
const HELD_BYTES_MAX: usize = 1024 * 1024;

/// What the open transactions of a session hold, together.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Held {
    frames: usize,
    bytes: usize,
}

/// An open transaction. Dropped with its session: an end without COMMIT aborts it.
pub(super) struct Transaction {
    id: Box<str>,
    steps: Vec<Step>,
}

/// What takes effect at COMMIT.
pub(super) enum Step {
    Send(Outgoing),
    Acknowledge {
        subscription: Option<Box<str>>,
        target: AckTarget,
        verdict: Verdict,
    },
}

impl Step {
    fn bytes(&self) -> usize {
        match self {
            Self::Send(Outgoing::Message(draft)) => draft.content.bytes(),
            Self::Send(Outgoing::Topic(topic)) => {
                let headers = topic
                    .headers
                    .iter()
                    .map(|(name, value)| name.len() + value.len());
                topic.body.len() + headers.sum::<usize>()
            }
            Self::Acknowledge { .. } => 0,
        }
    }
}

/// Delivered marks that rose.
type Marks = Vec<(RoomId, Position)>;

impl Core<Stomp> {
    /// # Errors
    /// No `transaction`, one in use, or too many: ERROR, close.
    pub(super) fn handle_begin(&mut self, frame: &Frame) -> Result<(), Error> {
        let id = required(frame, "transaction")?;
        let maximum = self.session.shared.limits.transactions_max;
        let open = self.open_session()?;
        if open
            .transactions
            .iter()
            .any(|transaction| *transaction.id == *id)
        {
            return Err(Error::with_detail(
                Code::FrameInvalid,
                "the transaction id is in use",
            ));
        }
        if open.transactions.len() >= maximum {
            let detail = format!("a session has at most {maximum} open transactions");
            return Err(Error::with_detail(Code::TooMany, detail));
        }
        open.transactions.push(Transaction {
            id: id.into(),
            steps: Vec::new(),
        });
        self.answer_receipt(frame.get("receipt"));
        Ok(())
    }

    /// # Errors
    /// No such transaction: ERROR, close.
    pub(super) fn handle_abort(&mut self, frame: &Frame) -> Result<(), Error> {
        drop(self.take_transaction(required(frame, "transaction")?)?);
        self.answer_receipt(frame.get("receipt"));
        Ok(())
    }

    /// The messages to rooms are one group of the store's transaction: accepted together or not
    /// at all. What goes to topics follows once they are; acknowledgements take effect first, and if they cannot be stored,
    /// nothing is.
    ///
    /// # Errors
    /// No such transaction, or an ACK of something that is not outstanding: ERROR, close.
    pub(super) fn handle_commit(&mut self, frame: &Frame) -> Result<(), Error> {
        let transaction = self.take_transaction(required(frame, "transaction")?)?;
        let (mut drafts, mut topics, mut marks) = (Vec::new(), Vec::new(), Marks::new());
        for step in transaction.steps {
            match step {
                Step::Send(Outgoing::Message(draft)) => drafts.push(draft),
                Step::Send(Outgoing::Topic(topic)) => topics.push(topic),
                Step::Acknowledge {
                    subscription,
                    target,
                    verdict,
                } => {
                    marks.extend(self.apply_ack(subscription.as_deref(), &target, verdict)?);
                }
            }
        }
        let receipt = frame.get("receipt");
        if !drafts.is_empty() {
            let submission = self.submission(DraftGroup { drafts }, receipt, Voice::Native, topics);
            self.store_marks_and_submit(marks, submission)?;
            return Ok(());
        }
        for topic in topics {
            self.dialect.chat.engine.publish_topic(topic);
        }
        self.store_marks(marks, receipt);
        Ok(())
    }

    /// # Errors
    /// Nothing is outstanding under that name: ERROR, close.
    pub(super) fn handle_ack(&mut self, frame: &Frame) -> Result<(), Error> {
        let verdict = if frame.command == Command::Ack {
            Verdict::Ack
        } else {
            Verdict::Nack
        };
        let version = self.open_session()?.version;
        let (subscription, target) = match version {
            Version::V1_0 => (
                None,
                AckTarget::MessageId(required(frame, "message-id")?.into()),
            ),
            Version::V1_1 => {
                let subscription = required(frame, "subscription")?;
                let message_id = required(frame, "message-id")?;
                (Some(subscription), AckTarget::MessageId(message_id.into()))
            }
            Version::V1_2 => (None, AckTarget::Id(required(frame, "id")?.into())),
        };
        if let Some(id) = frame.get("transaction") {
            let subscription = subscription.map(Box::from);
            self.add_step(
                id,
                Step::Acknowledge {
                    subscription,
                    target,
                    verdict,
                },
            )?;
            self.answer_receipt(frame.get("receipt"));
            return Ok(());
        }
        let mark = self.apply_ack(subscription, &target, verdict)?;
        self.store_marks(mark.into_iter().collect(), frame.get("receipt"));
        Ok(())
    }

    /// # Errors
    /// No such transaction, or it has too many frames: ERROR, close.
    pub(super) fn add_step(&mut self, id: &str, step: Step) -> Result<(), Error> {
        let maximum = self.session.shared.limits.transaction_frames_max;
        let open = self.open_session()?;
        let held = Held {
            frames: open.held.frames + 1,
            bytes: open.held.bytes + step.bytes(),
        };
        let transaction = open.transactions.iter_mut().find(|one| *one.id == *id);
        let transaction = transaction.ok_or_else(no_such_transaction)?;
        if held.frames > maximum {
            let detail = format!("open transactions have at most {maximum} frames");
            return Err(Error::with_detail(Code::TooMany, detail));
        }
        if held.bytes > HELD_BYTES_MAX {
            let detail = format!("open transactions have at most {HELD_BYTES_MAX} bytes");
            return Err(Error::with_detail(Code::TooLarge, detail));
        }
        transaction.steps.push(step);
        open.held = held;
        Ok(())
    }

    fn take_transaction(&mut self, id: &str) -> Result<Transaction, Error> {
        let open = self.open_session()?;
        let index = open.transactions.iter().position(|one| *one.id == *id);
        let taken = open
            .transactions
            .swap_remove(index.ok_or_else(no_such_transaction)?);
        open.held.frames -= taken.steps.len();
        open.held.bytes -= taken.steps.iter().map(Step::bytes).sum::<usize>();
        Ok(taken)
    }

    /// Applies a verdict. Answers the delivered mark that rose with it, if one did.
    fn apply_ack(
        &mut self,
        subscription: Option<&str>,
        target: &AckTarget,
        verdict: Verdict,
    ) -> Result<Option<(RoomId, Position)>, Error> {
        let session = Arc::clone(&self.session);
        let open = self.open_session()?;
        let mut outbox = session.outbox();
        let named = open
            .subscriptions
            .iter()
            .filter(|candidate| match subscription {
                Some(id) => candidate.has_id(id),
                None => true,
            });
        for candidate in named {
            let Some(head) = outbox.heads.get_mut(candidate.key as usize) else {
                continue;
            };
            let Some(acks) = head.acks.as_mut() else {
                continue;
            };
            let Some(index) = acks.find(target) else {
                continue;
            };
            let mark = acks.apply(index, verdict);
            return Ok(candidate.room().cloned().zip(mark));
        }
        Err(Error::with_detail(
            Code::FrameInvalid,
            "no such message is outstanding",
        ))
    }

    /// Stores delivered marks, then queues drafts, whose answer is the answer of both.
    fn store_marks_and_submit(
        &mut self,
        marks: Marks,
        submission: Submission,
    ) -> Result<(), Error> {
        if marks.is_empty() {
            let engine = Arc::clone(&self.dialect.chat.engine);
            self.submit(&engine, submission);
            return Ok(());
        }
        let caller = self.open_session()?.caller.clone();
        let engine = Arc::clone(&self.dialect.chat.engine);
        self.command = Some(Box::pin(async move {
            let outcome = acknowledge_all(&engine, &caller, &marks).await;
            let refused = outcome.as_ref().err().cloned();
            match refused {
                None => engine.submit(submission).await,
                Some(error) => (submission.reply)(Err(error)),
            }
            let done: Done<Stomp> = Box::new(|_| Ok(()));
            done
        }));
        Ok(())
    }

    /// Stores delivered marks and then answers; the store is asked, so this is a command that
    /// waits.
    fn store_marks(&mut self, marks: Marks, receipt: Option<&str>) {
        if marks.is_empty() {
            return self.answer_receipt(receipt);
        }
        let Ok(open) = self.open_session() else {
            return;
        };
        let caller = open.caller.clone();
        let engine = Arc::clone(&self.dialect.chat.engine);
        let receipt = receipt.map(Box::<str>::from);
        self.command = Some(Box::pin(async move {
            let outcome = acknowledge_all(&engine, &caller, &marks).await;
            let done: Done<Stomp> = Box::new(move |core| {
                outcome.map_err(|error| Failure::new(error, receipt.as_deref()))?;
                core.answer_receipt(receipt.as_deref());
                Ok(())
            });
            done
        }));
    }
}

async fn acknowledge_all(engine: &Engine, caller: &Caller, marks: &Marks) -> Result<(), Error> {
    for (room, position) in marks {
        engine.acknowledge(caller, room, *position).await?;
    }
    Ok(())
}

fn no_such_transaction() -> Error {
    Error::with_detail(Code::FrameInvalid, "there is no such transaction")
}
