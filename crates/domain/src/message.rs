//! What a room's log holds, before and after it is accepted.

use std::sync::Arc;
use std::time::Duration;

use crate::error::{Code, Error};
use crate::ids::{ClientId, RoomId, UserId};
use crate::membership::{MemberRole, Person};
use crate::position::{Position, Seq};
use crate::time::Timestamp;
use crate::{Caller, Role};

/// Longest message text, in bytes of UTF-8.
pub const TEXT_BYTES_MAX: usize = 16 * 1024;

/// Longest structured body of a message, in bytes of JSON.
pub const DATA_BYTES_MAX: usize = 16 * 1024;

/// What a message says: a text, structured data, or both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Body {
    /// At most [`TEXT_BYTES_MAX`] bytes, without a NUL; empty when there is data alone.
    pub text: Arc<str>,
    /// JSON of at most [`DATA_BYTES_MAX`] bytes, as the door has checked.
    pub data: Option<Arc<str>>,
}

impl Body {
    /// Checks and wraps what a message is to say.
    ///
    /// # Errors
    /// [`Code::MessageInvalid`]: there is neither data nor a text that shows, one of them is too long, or has a
    /// NUL in it. The sender's fault; not retryable.
    pub fn new(text: &str, data: Option<&str>) -> Result<Self, Error> {
        let invalid = |detail: String| Err(Error::with_detail(Code::MessageInvalid, detail));
        if text.trim().is_empty() && data.is_none() {
            return invalid("the message is empty".to_owned());
        }
        if text.len() > TEXT_BYTES_MAX {
            return invalid(format!("the message is longer than {TEXT_BYTES_MAX} bytes"));
        }
        if data.is_some_and(|data| data.len() > DATA_BYTES_MAX) {
            return invalid(format!("the data is longer than {DATA_BYTES_MAX} bytes"));
        }
        // Not every store can keep it, and no client shows it.
        if text.contains('\0') || data.is_some_and(|data| data.contains('\0')) {
            return invalid("the message has a NUL in it".to_owned());
        }
        Ok(Self {
            text: Arc::from(text),
            data: data.map(Arc::from),
        })
    }

    /// Bytes of text and data.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.text.len() + self.data.as_ref().map_or(0, |data| data.len())
    }
}

/// A message that wants to be accepted.
#[derive(Debug, Clone)]
pub struct Draft {
    /// Where it goes.
    pub room: RoomId,
    /// Who sends it.
    pub sender: UserId,
    /// What others see as the sender; `None` shows the id.
    pub sender_name: Option<Arc<str>>,
    /// What the sender may be trusted with; the store asks [`crate::policy`] with it.
    pub role: Role,
    /// Makes sending again safe; `None` means that each attempt is a message of its own.
    pub client_id: Option<ClientId>,
    /// What it says or does.
    pub content: Content,
    /// When the server took it; the store keeps it as it is.
    pub sent_at: Timestamp,
}

/// What a draft says or does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// A person's message.
    Message(Body),
    /// The host's own words to everybody in the room. Counts as unread for nobody.
    Notice(Body),
    /// Another body for an earlier message.
    Edit {
        /// Which.
        target: Seq,
        /// What it says from now on.
        body: Body,
        /// How old it may be for its sender; moderators have no such bound. `None` is no bound.
        within: Option<Duration>,
    },
    /// Takes an earlier message's body away; its place stays.
    Delete {
        /// Which.
        target: Seq,
        /// As of an edit.
        within: Option<Duration>,
    },
}

impl Content {
    /// Bytes of text and data: what batches are bounded by.
    #[must_use]
    pub fn bytes(&self) -> usize {
        match self {
            Self::Message(body) | Self::Notice(body) | Self::Edit { body, .. } => body.bytes(),
            Self::Delete { .. } => 0,
        }
    }

    /// What its entry is.
    #[must_use]
    pub const fn kind(&self) -> MessageKind {
        match self {
            Self::Message(_) => MessageKind::Message,
            Self::Notice(_) => MessageKind::Notice,
            Self::Edit { .. } => MessageKind::Edited,
            Self::Delete { .. } => MessageKind::Deleted,
        }
    }

    /// Which earlier message it is about.
    #[must_use]
    pub const fn target(&self) -> Option<Seq> {
        match self {
            Self::Message(_) | Self::Notice(_) => None,
            Self::Edit { target, .. } | Self::Delete { target, .. } => Some(*target),
        }
    }
}

impl Draft {
    /// Makes a draft of `caller`'s text.
    ///
    /// # Errors
    /// As [`Body::new`].
    pub fn new(
        caller: &Caller,
        room: RoomId,
        text: &str,
        client_id: Option<ClientId>,
        sent_at: Timestamp,
    ) -> Result<Self, Error> {
        let content = Content::Message(Body::new(text, None)?);
        Ok(Self::of(caller, room, content, client_id, sent_at))
    }

    /// Makes a draft of what `caller` says or does.
    #[must_use]
    pub fn of(
        caller: &Caller,
        room: RoomId,
        content: Content,
        client_id: Option<ClientId>,
        sent_at: Timestamp,
    ) -> Self {
        Self {
            room,
            sender: caller.user.clone(),
            sender_name: caller.name.clone(),
            role: caller.role,
            client_id,
            content,
            sent_at,
        }
    }

    /// Tells whether `first`, which has the draft's client id, is what this draft asks for again: of
    /// the same kind, and about the same message. What it says is not compared.
    ///
    /// # Errors
    /// [`Code::ParameterInvalid`]: the sender has used the client id for something else. The client's
    /// fault; another client id helps.
    pub fn check_repeat(&self, first: &Message) -> Result<(), Error> {
        if self.content.kind() == first.kind && self.content.target() == first.target() {
            return Ok(());
        }
        let detail = "the client id was used before, for something else";
        Err(Error::with_detail(Code::ParameterInvalid, detail))
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

    /// Bytes of text and data in all drafts: what batches are bounded by.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.drafts.iter().map(|draft| draft.content.bytes()).sum()
    }
}

/// In which part the sender spoke.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SenderKind {
    /// The customer of a support room.
    Customer,
    /// The agent who had the room.
    Agent,
    /// A member of a room of members.
    Member,
    /// The host's back end, or the server itself.
    Host,
}

/// What an entry of a log is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MessageKind {
    /// A person's message. The only kind, with [`MessageKind::Notification`], that counts as unread.
    Message,
    /// The host's own words.
    Notice,
    /// The target's body changed. It has the new body, unless a later event changed it again.
    Edited,
    /// The target's body is gone.
    Deleted,
    /// The subject joined.
    Joined,
    /// The sender added the subjects.
    Added,
    /// The subject left.
    Left,
    /// The sender removed the subject.
    Removed,
    /// The sender gave the subject another role.
    RoleChanged,
    /// The sender changed the room's profile: read it anew.
    RoomChanged,
    /// A support room waits for an agent. A new room's own log begins empty; the desk's feed has it.
    Waiting,
    /// The subject, an agent, has the support room now.
    Assigned,
    /// The subject, an agent, gave the support room back: it waits.
    Released,
    /// The sender handed the support room over to the subject.
    HandedOver,
    /// The agent completed the support room.
    Completed,
    /// In the desk's feed only: the customer left, and the room is gone.
    Gone,
    /// In the desk's feed only: the room has been waiting for longer than it should.
    Overdue,
    /// In an inbox only: the user is notified.
    Notification,
    /// In an inbox only: the target is read; all up to it, if the entry has data (`{"upTo":true}`).
    NotificationRead,
    /// In an inbox only: the target is gone; all up to it, as of [`MessageKind::NotificationRead`].
    NotificationDeleted,
}

impl MessageKind {
    /// Every kind. A kind's place here is how stores and the bus number it: append only.
    pub const ALL: [Self; 20] = [
        Self::Message,
        Self::Notice,
        Self::Edited,
        Self::Deleted,
        Self::Joined,
        Self::Added,
        Self::Left,
        Self::Removed,
        Self::RoleChanged,
        Self::RoomChanged,
        Self::Waiting,
        Self::Assigned,
        Self::Released,
        Self::HandedOver,
        Self::Completed,
        Self::Gone,
        Self::Overdue,
        Self::Notification,
        Self::NotificationRead,
        Self::NotificationDeleted,
    ];

    /// Its number, the same for ever.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The kind of this number.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }

    /// Whether it counts as unread for everybody but its sender.
    #[must_use]
    pub const fn counts(self) -> bool {
        matches!(self, Self::Message | Self::Notification)
    }
}

/// What became of an entry after it was accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Revision {
    /// It is as it was sent.
    #[default]
    None,
    /// It has another body since then.
    Edited(Timestamp),
    /// Its body is gone since then.
    Deleted(Timestamp),
    /// A notification that is read since then.
    Read(Timestamp),
}

/// What few entries have.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Extra {
    /// Structured body: JSON.
    pub data: Option<Arc<str>>,
    /// Which entry of the same log it is about.
    pub target: Option<Seq>,
    /// Whom it is about.
    pub subjects: Vec<Person>,
    /// Which role the subjects have now.
    pub role: Option<MemberRole>,
    /// In the desk's feed: which support room it is about.
    pub of_room: Option<RoomId>,
    /// The user who, by this very entry, loses the right to read the log, and the log's
    /// [`crate::RoomHead::access_version`] from it on. No entry behind it may reach them.
    pub revokes: Option<(UserId, u64)>,
    /// What became of it.
    pub revision: Revision,
    /// The newest event that edited it.
    pub edited_by: Option<Seq>,
}

/// An entry of a room's log that was accepted: durable, numbered. Its body changes only by a later
/// entry that says so ([`MessageKind::Edited`], [`MessageKind::Deleted`]).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Where it is.
    pub room: RoomId,
    /// Its place in the room's log; unique across rooms and lives of rooms.
    pub position: Position,
    /// What it is.
    pub kind: MessageKind,
    /// Who sent or did it.
    pub sender: UserId,
    /// What others saw as the sender then; `None` shows the id.
    pub sender_name: Option<Arc<str>>,
    /// In which part.
    pub sender_kind: SenderKind,
    /// The sender's own name for it, if it gave one.
    pub client_id: Option<ClientId>,
    /// The text; empty for what has none.
    pub text: Arc<str>,
    /// When the server took it.
    pub sent_at: Timestamp,
    /// What few entries have; `None` for a plain text message.
    pub extra: Option<Box<Extra>>,
}

impl Message {
    /// The name to show: the sender's, else the user id.
    #[must_use]
    pub fn sender_display_name(&self) -> &str {
        self.sender_name.as_deref().unwrap_or(self.sender.as_str())
    }

    /// The structured body: JSON.
    #[must_use]
    pub fn data(&self) -> Option<&Arc<str>> {
        self.extra.as_ref().and_then(|extra| extra.data.as_ref())
    }

    /// Bytes of its text and structured body: what memory and pages are bounded by.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.text.len() + self.data().map_or(0, |data| data.len())
    }

    /// Which entry of the same log it is about.
    #[must_use]
    pub fn target(&self) -> Option<Seq> {
        self.extra.as_ref().and_then(|extra| extra.target)
    }

    /// Whom it is about.
    #[must_use]
    pub fn subjects(&self) -> &[Person] {
        self.extra.as_ref().map_or(&[], |extra| &extra.subjects)
    }

    /// Who loses the right to read the log by it; see [`Extra::revokes`].
    #[must_use]
    pub fn revokes(&self) -> Option<&(UserId, u64)> {
        self.extra.as_ref().and_then(|extra| extra.revokes.as_ref())
    }

    /// What became of it.
    #[must_use]
    pub fn revision(&self) -> Revision {
        self.extra
            .as_ref()
            .map_or(Revision::None, |extra| extra.revision)
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

    #[test]
    fn a_text_is_1_to_16_kib_without_a_nul() {
        assert!(Body::new("안녕\n😀", None).is_ok());
        assert!(Body::new(&"x".repeat(TEXT_BYTES_MAX), None).is_ok());
        for refused in ["", "a\0b", &"x".repeat(TEXT_BYTES_MAX + 1)] {
            let error = Body::new(refused, None).unwrap_err();
            assert_eq!(error.code(), Code::MessageInvalid);
        }
    }

    #[test]
    fn data_alone_is_a_body_and_has_bounds_too() {
        assert!(Body::new("", Some("{}")).is_ok());
        let long = "1".repeat(DATA_BYTES_MAX + 1);
        for refused in [&*long, "\"a\0b\""] {
            let error = Body::new("text", Some(refused)).unwrap_err();
            assert_eq!(error.code(), Code::MessageInvalid);
        }
    }

    #[test]
    fn a_kinds_number_leads_back_to_it() {
        for kind in MessageKind::ALL {
            assert_eq!(MessageKind::from_number(kind.number()), Some(kind));
        }
        assert_eq!(MessageKind::from_number(20), None);
    }
}
