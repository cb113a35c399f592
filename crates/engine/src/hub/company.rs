//! Whether a subscriber may see who belongs to a room and what they do there.

use madang_domain::ports::RoomView;
use madang_domain::{Message, MessageKind, Position, Role, UserId, policy};

/// Whether a subscriber may see who belongs to the room and what they do, and as of which entry.
#[derive(Debug, Clone, Copy)]
pub(super) struct Company {
    is_shown: bool,
    as_of: Position,
}

impl Company {
    /// As the policy decides of a room that was just read.
    pub(super) fn of(view: &RoomView, user: &UserId, role: Role) -> Self {
        let RoomView { room, standing } = view;
        Self {
            is_shown: policy::sees_members(&room.detail, *standing, user, role),
            as_of: room.head.position(),
        }
    }

    pub(super) const fn is_shown(self) -> bool {
        self.is_shown
    }

    /// The subscriber may have come or gone by this entry. An admin sees members as it is.
    pub(super) fn note(&mut self, entry: &Message, user: &UserId, role: Role) {
        let Some(belongs) = membership(entry.kind) else {
            return;
        };
        let (at, as_of) = (entry.position, self.as_of);
        let is_news = at.epoch == as_of.epoch && at.seq > as_of.seq;
        let is_meant = || entry.subjects().iter().any(|one| one.user == *user);
        if is_news && role != Role::Admin && is_meant() {
            *self = Self {
                is_shown: belongs,
                as_of: at,
            };
        }
    }
}

/// Whether its subjects belong to the room behind an entry of this kind; `None` where it says nothing
/// of that.
pub(super) const fn membership(kind: MessageKind) -> Option<bool> {
    match kind {
        MessageKind::Joined | MessageKind::Added => Some(true),
        MessageKind::Left | MessageKind::Removed => Some(false),
        _ => None,
    }
}
