//! Who could read when, for the checks.

use std::collections::BTreeMap;

use madang_domain::{Position, Role, RoomId, Seq, UserId};

use super::log::Access;

/// A moment: how many changes of access there had been.
pub(crate) type Moment = usize;

#[derive(Default)]
pub(super) struct History {
    changes: Moment,
    /// By room, from which change on; `None` while there is no such room.
    access: BTreeMap<RoomId, Vec<(Moment, Option<Access>)>>,
    /// Which entries of a life took whose right to read, and when.
    losses: BTreeMap<(RoomId, u64, UserId), Vec<(Seq, Moment)>>,
}

impl History {
    pub(super) fn now(&self) -> Moment {
        self.changes
    }

    pub(super) fn changed(&mut self, room: &RoomId, access: Option<Access>) {
        let of_room = self.access.entry(room.clone()).or_default();
        of_room.push((self.changes, access));
        self.changes += 1;
    }

    /// To be called behind [`History::changed`].
    pub(super) fn lost(&mut self, room: &RoomId, at: Position, user: &UserId) {
        let key = (room.clone(), at.epoch.get(), user.clone());
        let losses = self.losses.entry(key).or_default();
        losses.push((at.seq, self.changes));
    }

    /// When the user lost the right to read by the last such entry before `at`.
    pub(super) fn lost_before(&self, room: &RoomId, at: Position, user: &UserId) -> Option<Moment> {
        let losses = self
            .losses
            .get(&(room.clone(), at.epoch.get(), user.clone()))?;
        let before = losses.iter().rfind(|(seq, _)| *seq < at.seq);
        before.map(|(_, moment)| *moment)
    }

    /// Whether `user` might read the room at any moment since `since`.
    pub(super) fn could_read(
        &self,
        room: &RoomId,
        user: &UserId,
        role: Role,
        since: Moment,
    ) -> bool {
        let mut all = self.since(room, since);
        all.any(|access| access.is_some_and(|access| access.reads(user, role)))
    }

    /// Whether `user` was without the right to the room at any moment since `since`.
    pub(super) fn could_not_read(
        &self,
        room: &RoomId,
        user: &UserId,
        role: Role,
        since: Moment,
    ) -> bool {
        let of_room = self.access.get(room);
        let existed = of_room.is_some_and(|all| all.first().is_some_and(|(n, _)| *n < since));
        let mut all = self.since(room, since);
        !existed || all.any(|access| !access.is_some_and(|access| access.reads(user, role)))
    }

    /// What held at `since`, and all that came after, the newest first.
    fn since(&self, room: &RoomId, since: Moment) -> impl Iterator<Item = Option<&Access>> {
        let of_room = self.access.get(room).map_or(&[][..], Vec::as_slice);
        let after = of_room.iter().filter(move |(n, _)| *n >= since).count();
        let from = of_room.len().saturating_sub(after + 1);
        of_room[from..]
            .iter()
            .rev()
            .map(|(_, access)| access.as_ref())
    }
}
