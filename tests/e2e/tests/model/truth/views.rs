//! What is seen: lists, counts, what is found.

use std::cmp::Reverse;

use super::rights::serves;
use super::{Entry, Kind, Model, Room, State, User};

/// Whether a text has a word that begins so, or, of a word in Hangul, has it as a part.
fn finds(text: &str, word: &str) -> bool {
    let mut words = text.split(|c: char| !c.is_alphanumeric());
    match word.is_ascii() {
        true => words.any(|one| one.to_lowercase().starts_with(word)),
        false => words.any(|one| one.contains(word)),
    }
}

impl Room {
    /// Messages of others behind the member's mark.
    pub(in super::super) fn unread(&self, user: User) -> u64 {
        let Some(member) = self.members.get(user) else {
            return 0;
        };
        let unread = |(seq, entry): &(u64, &Entry)| {
            *seq > member.read && entry.kind == "message" && entry.sender != user
        };
        (1..).zip(&self.log).filter(unread).count() as u64
    }

    /// How many have read an entry, and how many who could have have not.
    pub(in super::super) fn read_by(&self, seq: u64) -> (u64, u64) {
        let sender = self.entry(seq).map(|entry| entry.sender);
        let others = self.members.iter();
        let others = others.filter(|(user, _)| Some(**user) != sender);
        let (mut read, mut not) = (0, 0);
        for (_, member) in others.filter(|(_, member)| member.since < seq) {
            match member.read >= seq {
                true => read += 1,
                false => not += 1,
            }
        }
        (read, not)
    }

    /// The newest message of a person, by number.
    pub(in super::super) fn last_message(&self) -> Option<(u64, &Entry)> {
        let messages = (1..).zip(&self.log);
        messages.filter(|(_, entry)| entry.kind == "message").last()
    }
}

impl Model {
    /// A user's rooms, newest activity first.
    pub(in super::super) fn rooms_of(&self, user: User) -> Vec<&Room> {
        let rooms = self.rooms.values();
        let own = rooms.filter(|room| self.takes_part(&room.id, user));
        let mut own: Vec<_> = own.collect();
        own.sort_unstable_by_key(|room| Reverse((room.active, room.made)));
        own
    }

    /// Open rooms, the newest first.
    pub(in super::super) fn open_rooms(&self) -> Vec<&Room> {
        let rooms = self.rooms.values();
        let mut open: Vec<_> = rooms.filter(|room| room.kind == Kind::Open).collect();
        open.sort_unstable_by_key(|room| Reverse(room.made));
        open
    }

    /// Rooms at the desk in this state, the longest asking first.
    pub(in super::super) fn at_desk(&self, state: State) -> Vec<&Room> {
        let since = |room: &&Room| {
            let support = room.support.as_ref();
            support
                .filter(|s| s.state == state)
                .map(|s| (s.inquired, room.made))
        };
        let rooms = self.rooms.values();
        let mut rooms: Vec<_> = rooms.filter(|room| since(room).is_some()).collect();
        rooms.sort_unstable_by_key(since);
        rooms
    }

    /// Messages that have all of these words, in one room or in all of a user's, by room and number.
    pub(in super::super) fn found(
        &self,
        user: User,
        room: Option<&str>,
        words: &[&str],
    ) -> Vec<(String, u64)> {
        let rooms = match room {
            Some(id) => self.rooms.get(id).into_iter().collect(),
            None => self.rooms_of(user),
        };
        let mut found = Vec::new();
        for room in rooms {
            for (seq, entry) in (1..).zip(&room.log) {
                let is_text = matches!(entry.kind, "message" | "notice");
                if is_text && words.iter().all(|word| finds(&entry.body.text, word)) {
                    found.push((room.id.clone(), seq));
                }
            }
        }
        found
    }

    /// Whether somebody may look at the desk.
    pub(in super::super) fn sees_desk(&self, user: User) -> bool {
        serves(user)
    }
}
