//! What a server is to be filled with: rooms, their members, how many messages each has.

use super::texts::Draw;

/// Rooms that are filled as one, and found again by their names.
#[derive(Debug)]
pub(super) struct DataSet {
    /// What rooms' titles begin with; says all that the rooms depend on but their messages.
    pub(super) name: String,
    pub(super) rooms: Vec<Room>,
}

/// One room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Room {
    pub(super) kind: RoomKind,
    /// By their numbers, each once; the first one owns the room.
    pub(super) members: Vec<u32>,
    /// So many of the first members send.
    pub(super) senders: usize,
    pub(super) messages: u32,
}

/// How people come to a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RoomKind {
    /// They are added.
    Group,
    /// They may join.
    Open,
}

/// Members who send, where only a few do.
const SENDERS_MAX: usize = 10;

/// Open rooms for people to join and leave, behind the others.
pub(super) const OPEN_ROOMS: usize = 16;

impl DataSet {
    /// `rooms` groups of about `members` of `users`, and [`OPEN_ROOMS`] open ones without messages.
    ///
    /// A few users are in many rooms, and a few rooms have many messages: the densities of users
    /// fall with the square root of their number, the messages of the nth room are as 1/n.
    pub(super) fn of_operations(
        rooms: usize,
        messages: u64,
        users: u32,
        members: usize,
    ) -> DataSet {
        let shares: f64 = (1..=rooms).map(|n| 1.0 / n as f64).sum();
        let group = |n: usize| {
            let members = members_of(n, users, members);
            Room {
                kind: RoomKind::Group,
                senders: members.len(),
                members,
                messages: (messages as f64 / shares / (n + 1) as f64).round() as u32,
            }
        };
        let open = |n: usize| Room {
            kind: RoomKind::Open,
            senders: 0,
            members: vec![n as u32 % users],
            messages: 0,
        };
        DataSet {
            name: format!("operations {rooms}/{users}/{members}"),
            rooms: (0..rooms)
                .map(group)
                .chain((0..OPEN_ROOMS).map(open))
                .collect(),
        }
    }

    /// `rooms` groups of `reader` and another, each with a few messages of both.
    pub(super) fn of_rooms(rooms: usize, reader: u32) -> DataSet {
        let room = Room {
            kind: RoomKind::Group,
            members: vec![reader, reader + 1],
            senders: 2,
            messages: 4,
        };
        DataSet {
            name: format!("rooms of a user {rooms}"),
            rooms: vec![room; rooms],
        }
    }

    /// One open room of `members` in which a few have sent `messages`. What it is `of` tells it from
    /// another of the same size.
    pub(super) fn of_one_room(of: &str, members: u32, messages: u32) -> DataSet {
        let room = Room {
            kind: RoomKind::Open,
            members: (0..members).collect(),
            senders: SENDERS_MAX.min(members as usize),
            messages,
        };
        DataSet {
            name: format!("{of} of a room {members}/{messages}"),
            rooms: vec![room],
        }
    }

    /// What the room numbered `n` is called.
    pub(super) fn title(&self, n: usize) -> String {
        format!("{}: {n}", self.name)
    }

    /// The number of the room called so; `None` for one of another data set.
    pub(super) fn number_of(&self, title: &str) -> Option<usize> {
        let number = title.strip_prefix(&self.name)?.strip_prefix(": ")?;
        number.parse().ok().filter(|n| *n < self.rooms.len())
    }

    pub(super) fn messages(&self) -> u64 {
        let messages = self.rooms.iter().map(|room| u64::from(room.messages));
        messages.sum()
    }

    /// Who owns rooms, each once, in rising order.
    pub(super) fn owners(&self) -> Vec<u32> {
        let mut owners: Vec<u32> = self.rooms.iter().map(|room| room.members[0]).collect();
        owners.sort_unstable();
        owners.dedup();
        owners
    }

    /// Of each of `users` users, the numbers of their rooms of this kind.
    pub(super) fn rooms_of_users(&self, users: u32, kind: RoomKind) -> Vec<Vec<usize>> {
        let mut of_users = vec![Vec::new(); users as usize];
        for (n, room) in self.rooms.iter().enumerate() {
            for member in room.members.iter().filter(|_| room.kind == kind) {
                of_users[*member as usize].push(n);
            }
        }
        of_users
    }
}

impl Room {
    /// Who sends its message numbered `number`, from 1.
    pub(super) fn sender(&self, room: usize, number: u32) -> u32 {
        let mut draw = Draw::new(room as u64 ^ 0x5e4d, u64::from(number));
        self.members[draw.below(self.senders as u64) as usize]
    }
}

/// Who is in room `n`: `count` draws, or fewer users where one is drawn twice.
fn members_of(n: usize, users: u32, count: usize) -> Vec<u32> {
    let mut draw = Draw::new(n as u64, u64::MAX);
    let mut members = Vec::with_capacity(count);
    for _ in 0..count.max(1) {
        let member = draw.skewed_below(users as usize) as u32;
        if !members.contains(&member) {
            members.push(member);
        }
    }
    members
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_users_have_many_rooms_and_a_few_rooms_many_messages() {
        let data = DataSet::of_operations(1000, 100_000, 100, 10);
        assert!(data.messages().abs_diff(100_000) < 1000);
        let groups = &data.rooms[..1000];
        assert!(groups[0].messages > 100 * groups[999].messages);
        let of_users = data.rooms_of_users(100, RoomKind::Group);
        assert!(of_users[0].len() > 4 * of_users[99].len());
        assert!(of_users.iter().all(|rooms| !rooms.is_empty()));
        let open = data.rooms_of_users(100, RoomKind::Open);
        assert_eq!(open.iter().flatten().count(), OPEN_ROOMS);
    }

    #[test]
    fn only_members_send_and_everybody_is_one_once() {
        let data = DataSet::of_operations(50, 5_000, 20, 12);
        for (n, room) in data.rooms.iter().enumerate().take(50) {
            let mut members = room.members.clone();
            members.sort_unstable();
            members.dedup();
            assert_eq!(members.len(), room.members.len());
            let senders: Vec<u32> = (1..100).map(|number| room.sender(n, number)).collect();
            assert!(senders.iter().all(|sender| room.members.contains(sender)));
        }
    }

    #[test]
    fn a_room_is_found_by_its_title() {
        let data = DataSet::of_operations(50, 0, 20, 12);
        assert_eq!(data.number_of(&data.title(7)), Some(7));
        for other in ["operations 50/20/12: 99", "operations 5/20/12: 7", ""] {
            assert_eq!(data.number_of(other), None, "{other}");
        }
    }
}
