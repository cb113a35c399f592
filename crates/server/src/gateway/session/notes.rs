//! Which of a user's rooms a session has to look up.

use std::collections::BTreeSet;

use madang_domain::RoomId;

/// Rooms noted one by one; of more than that all are looked up.
const NOTED_MAX: usize = 64;

/// Rooms that may have become, ceased to be, or changed as one of the user's. Bounded.
#[derive(Debug, Default)]
pub(super) enum RoomNotes {
    /// None.
    #[default]
    Nothing,
    /// These.
    Some(BTreeSet<RoomId>),
    /// Any.
    All,
}

impl RoomNotes {
    pub(super) fn add(&mut self, room: &RoomId) {
        match self {
            Self::All => {}
            Self::Nothing => *self = Self::Some(BTreeSet::from([room.clone()])),
            Self::Some(rooms) => {
                rooms.insert(room.clone());
                if rooms.len() > NOTED_MAX {
                    *self = Self::All;
                }
            }
        }
    }

    pub(super) fn add_all(&mut self) {
        *self = Self::All;
    }

    /// Adds what was taken and could not be looked up.
    pub(super) fn put_back(&mut self, notes: Self) {
        match notes {
            Self::Nothing => {}
            Self::Some(rooms) => rooms.iter().for_each(|room| self.add(room)),
            Self::All => self.add_all(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        matches!(self, Self::Nothing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room(number: usize) -> RoomId {
        RoomId::new(&format!("room-{number}")).unwrap()
    }

    #[test]
    fn a_room_is_noted_once_and_too_many_are_all() {
        let mut notes = RoomNotes::default();
        assert!(notes.is_empty());
        for _ in 0..2 {
            (0..NOTED_MAX).for_each(|number| notes.add(&room(number)));
        }
        assert!(matches!(&notes, RoomNotes::Some(rooms) if rooms.len() == NOTED_MAX));
        notes.add(&room(NOTED_MAX));
        assert!(matches!(notes, RoomNotes::All));
    }

    #[test]
    fn what_is_put_back_is_lost_among_no_newer_notes() {
        let mut notes = RoomNotes::default();
        notes.add(&room(1));
        let taken = std::mem::take(&mut notes);
        notes.add(&room(2));
        notes.put_back(taken);
        assert!(matches!(&notes, RoomNotes::Some(rooms) if rooms.len() == 2));
        notes.put_back(RoomNotes::All);
        assert!(matches!(notes, RoomNotes::All));
    }
}
