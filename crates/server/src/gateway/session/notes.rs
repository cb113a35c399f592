//! Which of a user's rooms a session has to look up.

use std::collections::BTreeMap;

use madang_domain::{Position, RoomId};

/// Rooms noted one by one, each with where it begins: as many as a host makes at once. Of more all are looked up, and begin
/// where they are then.
const NOTED_MAX: usize = 1_024;

/// Rooms that may have become, ceased to be, or changed as one of the user's. Bounded.
#[derive(Debug, Default)]
pub(super) enum RoomNotes {
    /// None.
    #[default]
    Nothing,
    /// These, each with where its log stood before it came to the user, as far as that is known.
    Some(BTreeMap<RoomId, Option<Position>>),
    /// Any.
    All,
}

impl RoomNotes {
    /// Of several positions the first counts: no message after any of the changes is missed.
    pub(super) fn add(&mut self, room: &RoomId, since: Option<Position>) {
        match self {
            Self::All => {}
            Self::Nothing => *self = Self::Some(BTreeMap::from([(room.clone(), since)])),
            Self::Some(rooms) => {
                let noted = rooms.entry(room.clone()).or_default();
                *noted = noted.or(since);
                if rooms.len() > NOTED_MAX {
                    *self = Self::All;
                }
            }
        }
    }

    pub(super) fn add_all(&mut self) {
        *self = Self::All;
    }

    /// Adds what was taken and could not be looked up, as older than what is noted.
    pub(super) fn put_back(&mut self, older: Self) {
        match std::mem::replace(self, older) {
            Self::Nothing => {}
            Self::Some(rooms) => rooms
                .iter()
                .for_each(|(room, since)| self.add(room, *since)),
            Self::All => self.add_all(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        matches!(self, Self::Nothing)
    }
}

#[cfg(test)]
mod tests {
    use madang_domain::{Epoch, Seq};

    use super::*;

    fn position(seq: u64) -> Position {
        Position {
            epoch: Epoch::new(7),
            seq: Seq::new(seq),
        }
    }

    fn room(number: usize) -> RoomId {
        RoomId::new(&format!("room-{number}")).unwrap()
    }

    #[test]
    fn a_room_is_noted_once_and_too_many_are_all() {
        let mut notes = RoomNotes::default();
        assert!(notes.is_empty());
        for _ in 0..2 {
            (0..NOTED_MAX).for_each(|number| notes.add(&room(number), None));
        }
        assert!(matches!(&notes, RoomNotes::Some(rooms) if rooms.len() == NOTED_MAX));
        notes.add(&room(NOTED_MAX), None);
        assert!(matches!(notes, RoomNotes::All));
    }

    #[test]
    fn what_is_put_back_is_lost_among_no_newer_notes() {
        let mut notes = RoomNotes::default();
        notes.add(&room(1), Some(position(4)));
        let taken = std::mem::take(&mut notes);
        notes.add(&room(2), None);
        notes.add(&room(1), Some(position(9)));
        notes.put_back(taken);
        let RoomNotes::Some(rooms) = &notes else {
            panic!("{notes:?}")
        };
        assert_eq!(rooms.len(), 2);
        assert_eq!(rooms[&room(1)], Some(position(4)), "the first counts");
        notes.put_back(RoomNotes::All);
        assert!(matches!(notes, RoomNotes::All));
    }
}
