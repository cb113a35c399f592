//! Rooms and their logs' bounds.

use std::sync::Arc;
use std::time::Duration;

use crate::assignment::Support;
use crate::error::{Code, Error};
use crate::ids::{RoomId, UserId};
use crate::membership::{MemberRole, Person};
use crate::position::{Epoch, Position, Seq};
use crate::time::Timestamp;

/// Longest title, in bytes of UTF-8.
pub const TITLE_BYTES_MAX: usize = 512;

/// Longest description, in bytes of UTF-8.
pub const DESCRIPTION_BYTES_MAX: usize = 8 * 1024;

/// How the link to a picture begins that was uploaded to this server; its key follows. A link to
/// elsewhere begins with a scheme.
pub const UPLOADS_PATH: &str = "/pictures/";

/// How long the store remembers at least that an upload is retired
/// ([`retire_uploads`](crate::ports::Store::retire_uploads)). Whoever lets a room take an upload
/// asks before whether it is young enough; the difference is what that may take.
pub const RETIRED_FOR: Duration = Duration::from_secs(48 * 60 * 60);

/// Longest link to a picture, in bytes.
pub const PICTURE_BYTES_MAX: usize = 2 * 1024;

/// Longest context, in bytes of JSON.
pub const CONTEXT_BYTES_MAX: usize = 4 * 1024;

/// A room as the store knows it at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Room {
    /// As clients name it.
    pub id: RoomId,
    /// A number of its own, above 0, never given out twice by a store: contract 2 names rooms by it.
    pub number: u64,
    /// The log's bounds and version.
    pub head: RoomHead,
    /// When this life of the room began.
    pub created_at: Timestamp,
    /// What kind of room it is.
    pub detail: RoomDetail,
    /// What people see of it.
    pub profile: Profile,
    /// Whose room it is: the owner of a group or open room, the one who made a direct one, a
    /// support room's customer. `None` for a room that the host made for nobody in particular.
    pub owner: Option<Person>,
    /// How many belong to it now; of a support room the customer and the agent.
    pub member_count: u64,
}

impl Room {
    /// The desk's view of a support room.
    #[must_use]
    pub const fn support(&self) -> Option<&Support> {
        self.detail.support()
    }

    /// What kind of room it is.
    #[must_use]
    pub const fn kind(&self) -> RoomKind {
        self.detail.kind()
    }
}

/// What a room is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RoomKind {
    /// A customer and the support desk.
    Support,
    /// Two people, one room for each context.
    Direct,
    /// Its members, who are invited.
    Group,
    /// Listed; anybody reads and joins.
    Open,
    /// The desk's feed: a log of the desk's changes, for all agents.
    Desk,
    /// A user's notifications.
    Inbox,
}

impl RoomKind {
    /// Every kind.
    pub const ALL: [Self; 6] = [
        Self::Support,
        Self::Direct,
        Self::Group,
        Self::Open,
        Self::Desk,
        Self::Inbox,
    ];

    /// Whether people belong to it by membership alone.
    #[must_use]
    pub const fn has_members(self) -> bool {
        matches!(self, Self::Direct | Self::Group | Self::Open)
    }
}

/// What kind of room it is, with what only that kind has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RoomDetail {
    /// See [`RoomKind::Support`].
    Support(Support),
    /// See [`RoomKind::Direct`].
    Direct,
    /// See [`RoomKind::Group`].
    Group,
    /// See [`RoomKind::Open`].
    Open,
    /// See [`RoomKind::Desk`].
    Desk,
    /// See [`RoomKind::Inbox`]: whose.
    Inbox(UserId),
}

impl RoomDetail {
    /// The desk's view of a support room.
    #[must_use]
    pub const fn support(&self) -> Option<&Support> {
        match self {
            Self::Support(support) => Some(support),
            Self::Direct | Self::Group | Self::Open | Self::Desk | Self::Inbox(_) => None,
        }
    }

    /// What kind of room it is.
    #[must_use]
    pub const fn kind(&self) -> RoomKind {
        match self {
            Self::Support(_) => RoomKind::Support,
            Self::Direct => RoomKind::Direct,
            Self::Group => RoomKind::Group,
            Self::Open => RoomKind::Open,
            Self::Desk => RoomKind::Desk,
            Self::Inbox(_) => RoomKind::Inbox,
        }
    }
}

/// What people see of a room beside its messages. Opaque to the server.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Profile {
    /// At most [`TITLE_BYTES_MAX`] bytes.
    pub title: Option<Arc<str>>,
    /// At most [`DESCRIPTION_BYTES_MAX`] bytes.
    pub description: Option<Arc<str>>,
    /// A link, at most [`PICTURE_BYTES_MAX`] bytes. A room takes an upload ([`Self::upload`]) for
    /// itself: one that a room has, had, or that is retired is refused with [`Code::BodyInvalid`].
    pub picture: Option<Arc<str>>,
    /// The host's own JSON, at most [`CONTEXT_BYTES_MAX`] bytes, in canonical form: members sorted
    /// by name, no white space. Part of what makes a direct room unique; never changed after that.
    pub context: Option<Arc<str>>,
}

impl Profile {
    /// The link to the picture, when that is an upload.
    #[must_use]
    pub fn upload(&self) -> Option<&Arc<str>> {
        let is_upload = |link: &&Arc<str>| link.starts_with(UPLOADS_PATH);
        self.picture.as_ref().filter(is_upload)
    }

    /// Tells whether every part keeps its bound.
    ///
    /// # Errors
    /// [`Code::BodyInvalid`] says which does not. The client's fault; not retryable.
    pub fn check(&self) -> Result<(), Error> {
        let parts = [
            ("title", &self.title, TITLE_BYTES_MAX),
            ("description", &self.description, DESCRIPTION_BYTES_MAX),
            ("picture", &self.picture, PICTURE_BYTES_MAX),
            ("context", &self.context, CONTEXT_BYTES_MAX),
        ];
        for (name, text, maximum) in parts {
            let Some(text) = text else { continue };
            if text.len() > maximum {
                let detail = format!("{name} is longer than {maximum} bytes");
                return Err(Error::with_detail(Code::BodyInvalid, detail));
            }
            if text.contains('\0') {
                let detail = format!("{name} has a NUL in it");
                return Err(Error::with_detail(Code::BodyInvalid, detail));
            }
        }
        Ok(())
    }
}

/// A change of a room's profile: `None` leaves a part as it is, `Some(None)` takes it away.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProfileChange {
    /// See [`Profile::title`].
    pub title: Option<Option<Arc<str>>>,
    /// See [`Profile::description`].
    pub description: Option<Option<Arc<str>>>,
    /// See [`Profile::picture`].
    pub picture: Option<Option<Arc<str>>>,
    /// See [`Profile::context`]; refused for direct rooms.
    pub context: Option<Option<Arc<str>>>,
}

impl ProfileChange {
    /// The profile after the change.
    #[must_use]
    pub fn apply(&self, to: &Profile) -> Profile {
        let part = |change: &Option<Option<Arc<str>>>, old: &Option<Arc<str>>| match change {
            None => old.clone(),
            Some(new) => new.clone(),
        };
        Profile {
            title: part(&self.title, &to.title),
            description: part(&self.description, &to.description),
            picture: part(&self.picture, &to.picture),
            context: part(&self.context, &to.context),
        }
    }
}

/// A room of members that wants to be made.
#[derive(Debug, Clone)]
pub struct NewRoom {
    /// Random, made by the engine; not used when a direct room is found to exist.
    pub id: RoomId,
    /// [`RoomKind::Direct`], [`RoomKind::Group`] or [`RoomKind::Open`].
    pub kind: RoomKind,
    /// What people see of it.
    pub profile: Profile,
    /// Who makes it, and becomes its owner; `None` when the host makes it for `members` alone.
    pub owner: Option<Person>,
    /// Who belongs to it from the start, the owner not among them; of a direct room the one other
    /// person (or both, when there is no owner). The first becomes the owner when there is none.
    pub members: Vec<(Person, MemberRole)>,
    /// When.
    pub at: Timestamp,
}

/// The bounds of a room's log, cheap enough to read for many rooms at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RoomHead {
    /// Which life of the room.
    pub epoch: Epoch,
    /// The newest message; 0 while there is none.
    pub last: Seq,
    /// The oldest message still kept; `last + 1` when none is.
    pub oldest: Seq,
    /// Rises whenever somebody loses the right to read the room.
    pub access_version: u64,
}

impl RoomHead {
    /// The position after the newest message.
    #[must_use]
    pub const fn position(&self) -> Position {
        Position {
            epoch: self.epoch,
            seq: self.last,
        }
    }

    /// How many messages are kept.
    #[must_use]
    pub const fn message_count(&self) -> u64 {
        (self.last.get() + 1).saturating_sub(self.oldest.get())
    }

    /// Whether a cursor at `since` can be served without a hole.
    #[must_use]
    pub fn can_resume(&self, since: Position) -> bool {
        since.epoch == self.epoch && since.seq <= self.last && since.seq.next() >= self.oldest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_resumes_only_inside_what_is_kept_of_the_same_life() {
        let head = RoomHead {
            epoch: Epoch::new(7),
            last: Seq::new(10),
            oldest: Seq::new(4),
            access_version: 0,
        };
        let at = |epoch, seq| Position {
            epoch: Epoch::new(epoch),
            seq: Seq::new(seq),
        };
        assert!(
            head.can_resume(at(7, 3)),
            "the next wanted is the oldest kept"
        );
        assert!(head.can_resume(at(7, 10)), "nothing missed");
        assert!(!head.can_resume(at(7, 2)), "message 3 is gone");
        assert!(!head.can_resume(at(7, 11)), "never given out");
        assert!(!head.can_resume(at(8, 5)), "another life");
        assert_eq!(head.message_count(), 7);
    }
}
