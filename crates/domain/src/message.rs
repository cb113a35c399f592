//! Messages, before and after they are accepted.

use std::sync::Arc;

use crate::error::{Code, Error};
use crate::ids::{ClientId, RoomId, UserId};
use crate::position::Position;
use crate::time::Timestamp;
use crate::{Caller, Role};

/// Longest message text, in bytes of UTF-8.
pub const TEXT_BYTES_MAX: usize = 16 * 1024;

/// A message that wants to be accepted.
#[derive(Debug, Clone)]
pub struct Draft {
    /// Where it goes.
    pub room: RoomId,
    /// Who sends it.
    pub sender: UserId,
    /// What others see as the sender; `None` shows the id.
    pub sender_name: Option<Arc<str>>,
    /// What the sender may be trusted with; the store asks [`crate::policy::may_send`] with it.
    pub role: Role,
    /// Makes sending again safe; `None` means that each attempt is a message of its own.
    pub client_id: Option<ClientId>,
    /// 1 to [`TEXT_BYTES_MAX`] bytes, without a NUL.
    pub text: Arc<str>,
    /// When the server took it; the store keeps it as it is.
    pub sent_at: Timestamp,
}

impl Draft {
    /// Makes a draft of `caller`'s message.
    ///
    /// # Errors
    /// [`Code::MessageInvalid`]: the text is empty, longer than [`TEXT_BYTES_MAX`], or has a NUL
    /// in it. The sender's fault; not retryable.
    pub fn new(
        caller: &Caller,
        room: RoomId,
        text: &str,
        client_id: Option<ClientId>,
        sent_at: Timestamp,
    ) -> Result<Self, Error> {
        if text.is_empty() {
            return Err(Error::with_detail(
                Code::MessageInvalid,
                "the message is empty",
            ));
        }
        if text.len() > TEXT_BYTES_MAX {
            let detail = format!("the message is longer than {TEXT_BYTES_MAX} bytes");
            return Err(Error::with_detail(Code::MessageInvalid, detail));
        }
        // Not every store can keep it, and no client shows it.
        if text.contains('\0') {
            let detail = "the message has a NUL in it";
            return Err(Error::with_detail(Code::MessageInvalid, detail));
        }
        Ok(Self {
            room,
            sender: caller.user.clone(),
            sender_name: caller.name.clone(),
            role: caller.role,
            client_id,
            text: Arc::from(text),
            sent_at,
        })
    }
}

/// Drafts that are accepted together or not at all: one SEND, or a STOMP transaction's SENDs.
#[derive(Debug, Clone)]
pub struct DraftGroup {
    /// In the order in which they take their numbers; never empty.
    pub drafts: Vec<Draft>,
}

impl DraftGroup {
    /// A group of one.
    #[must_use]
    pub fn single(draft: Draft) -> Self {
        Self {
            drafts: vec![draft],
        }
    }

    /// Bytes of text in all drafts: what batches are bounded by.
    #[must_use]
    pub fn text_bytes(&self) -> usize {
        self.drafts.iter().map(|draft| draft.text.len()).sum()
    }
}

/// In which part the sender spoke.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SenderKind {
    /// The customer of a support room.
    Customer,
    /// The agent who had the room.
    Agent,
}

/// A message that was accepted: durable, numbered, never changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Where it is.
    pub room: RoomId,
    /// Its place in the room's log; unique across rooms and lives of rooms.
    pub position: Position,
    /// Who sent it.
    pub sender: UserId,
    /// What others saw as the sender then; `None` shows the id.
    pub sender_name: Option<Arc<str>>,
    /// In which part.
    pub sender_kind: SenderKind,
    /// The sender's own name for it, if it gave one.
    pub client_id: Option<ClientId>,
    /// The text.
    pub text: Arc<str>,
    /// When the server took it.
    pub sent_at: Timestamp,
}

impl Message {
    /// The name to show: the sender's, else the user id.
    #[must_use]
    pub fn sender_display_name(&self) -> &str {
        self.sender_name.as_deref().unwrap_or(self.sender.as_str())
    }
}

/// What became of an accepted draft.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Appended {
    /// Stored now: to be delivered.
    New(Arc<Message>),
    /// The same client id was accepted before: this is that first message, already delivered.
    Repeat(Arc<Message>),
}

impl Appended {
    /// The stored message, either way.
    #[must_use]
    pub fn message(&self) -> &Arc<Message> {
        match self {
            Self::New(message) | Self::Repeat(message) => message,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(text: &str) -> Result<Draft, Error> {
        let caller = Caller::new(UserId::new("kim").unwrap(), Role::User);
        let room = RoomId::new("kim").unwrap();
        Draft::new(&caller, room, text, None, Timestamp::from_micros(0))
    }

    #[test]
    fn a_text_is_1_to_16_kib_without_a_nul() {
        assert!(draft("안녕\n😀").is_ok());
        assert!(draft(&"x".repeat(TEXT_BYTES_MAX)).is_ok());
        for refused in ["", "a\0b", &"x".repeat(TEXT_BYTES_MAX + 1)] {
            assert_eq!(draft(refused).unwrap_err().code(), Code::MessageInvalid);
        }
    }
}
