//! A server that `operations` has filled, and what is asked of it.

use super::api::{Api, USERS_AT_ONCE};
use super::asks::{PAGE, each, in_turns, mark_read, marks, receipts, same, search};
use super::dataset::{DataSet, OPEN_ROOMS, RoomKind};
use super::measure::Ask;
use super::texts::{ABSENT, COMMON, Draw, RARE, SOME};
use crate::error::BenchError;
use crate::report::Report;

/// A filled server, and who is where.
pub(super) struct Scene<'a> {
    api: &'a Api<'a>,
    data: &'a DataSet,
    /// Of each room of the data set.
    ids: &'a [String],
    /// Of each user, their groups by number.
    groups: Vec<Vec<usize>>,
    /// Users by the number of their rooms, fewest first.
    by_rooms: Vec<u32>,
}

/// Something to be measured; made when its turn has come, since what may be done depends on what
/// was done before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    UpsertUser,
    UpsertUsers,
    ListRooms(Of),
    NewestPage,
    Unread(Of),
    MarkRead,
    Receipts,
    JoinOrLeave,
    Search(Of, &'static str),
    SearchLargestRoom(&'static str),
}

/// Whose rooms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Of {
    /// Each user's in turns, drawn by lot.
    Any,
    /// The one's with fewest.
    Few,
    /// The one's with most.
    Many,
}

/// Users whose marks are raised.
const READERS_MAX: usize = 64;

const LIST: &str = "/api/v1/rooms?limit=50";
const UNREAD: &str = "/api/v1/unread";

/// Everything that is measured, by name.
pub(super) const OPERATIONS: [(&str, Operation); 23] = [
    ("upsert_user", Operation::UpsertUser),
    ("upsert_100_users", Operation::UpsertUsers),
    ("list_rooms", Operation::ListRooms(Of::Any)),
    ("list_rooms_of_few", Operation::ListRooms(Of::Few)),
    ("list_rooms_of_many", Operation::ListRooms(Of::Many)),
    ("newest_page", Operation::NewestPage),
    ("unread", Operation::Unread(Of::Any)),
    ("unread_of_few", Operation::Unread(Of::Few)),
    ("unread_of_many", Operation::Unread(Of::Many)),
    ("mark_read", Operation::MarkRead),
    ("receipts_of_page", Operation::Receipts),
    ("join_or_leave", Operation::JoinOrLeave),
    ("search_common", Operation::Search(Of::Any, COMMON[0])),
    ("search_some", Operation::Search(Of::Any, SOME[0])),
    ("search_some_word", Operation::Search(Of::Any, SOME[1])),
    ("search_rare", Operation::Search(Of::Any, RARE[0])),
    ("search_absent", Operation::Search(Of::Any, ABSENT)),
    ("search_rare_of_many", Operation::Search(Of::Many, RARE[0])),
    (
        "search_room_common",
        Operation::SearchLargestRoom(COMMON[0]),
    ),
    ("search_room_some", Operation::SearchLargestRoom(SOME[0])),
    (
        "search_room_some_word",
        Operation::SearchLargestRoom(SOME[1]),
    ),
    ("search_room_rare", Operation::SearchLargestRoom(RARE[0])),
    ("search_room_absent", Operation::SearchLargestRoom(ABSENT)),
];

impl<'a> Scene<'a> {
    /// `ids` are those of the rooms of `data`, whose members are below `users`.
    pub(super) fn new(
        api: &'a Api<'a>,
        data: &'a DataSet,
        ids: &'a [String],
        users: u32,
    ) -> Scene<'a> {
        let groups = data.rooms_of_users(users, RoomKind::Group);
        let mut by_rooms: Vec<u32> = (0..users).collect();
        by_rooms.sort_by_key(|user| groups[*user as usize].len());
        Scene {
            api,
            data,
            ids,
            groups,
            by_rooms,
        }
    }

    /// What an operation asks over so many connections.
    ///
    /// # Errors
    ///
    /// There is no token for a user, or the server does not say where marks are.
    pub(super) fn ask(
        &'a self,
        operation: Operation,
        connections: usize,
    ) -> Result<Ask<'a>, BenchError> {
        let api = self.api;
        Ok(match operation {
            Operation::UpsertUser => each(move |n| Ok(api.upsert_user(self.drawn(n), n))),
            Operation::UpsertUsers => each(move |n| {
                let users = self.by_rooms.len() as u64;
                let several = (0..USERS_AT_ONCE as u64).map(|at| ((n * 7 + at) % users) as u32);
                Ok(api.upsert_users(several, n))
            }),
            Operation::ListRooms(of) => self.of(of, LIST.to_owned())?,
            Operation::Unread(of) => self.of(of, UNREAD.to_owned())?,
            Operation::Search(of, word) => self.of(of, search(word, None))?,
            Operation::NewestPage => self.of_room(|_| format!("/messages?limit={PAGE}")),
            Operation::Receipts => {
                self.of_room(|room| receipts(self.data.rooms[room].messages.into()))
            }
            Operation::MarkRead => {
                let step = self.by_rooms.len().div_ceil(READERS_MAX);
                let readers = self.by_rooms.iter().step_by(step).copied();
                mark_read(api, marks(api, readers, |_| true)?, connections)
            }
            Operation::JoinOrLeave => in_turns(api, ["/join", "/leave"], |connection| {
                self.guest(connection)
            }),
            Operation::SearchLargestRoom(word) => {
                let reader = self.data.rooms[0].members[0];
                same(api.person(reader, &search(word, Some(&self.ids[0])))?)
            }
        })
    }

    /// How users' rooms and rooms' messages are spread.
    pub(super) fn report(&self) -> Report {
        let rooms: Vec<u64> = self
            .by_rooms
            .iter()
            .map(|user| self.groups[*user as usize].len() as u64)
            .collect();
        let groups = self
            .data
            .rooms
            .iter()
            .filter(|room| room.kind == RoomKind::Group);
        let mut messages: Vec<u64> = groups.map(|room| room.messages.into()).collect();
        messages.sort_unstable();
        let mut report = Report::default();
        report
            .group("rooms_of_a_user", spread(&rooms))
            .group("messages_of_a_room", spread(&messages));
        report
    }

    /// A GET as whom it is about.
    fn of(&'a self, of: Of, path: String) -> Result<Ask<'a>, BenchError> {
        let user = match of {
            Of::Any => return Ok(each(move |n| self.api.person(self.drawn(n), &path))),
            Of::Few => self.by_rooms[0],
            Of::Many => self.by_rooms[self.by_rooms.len() - 1],
        };
        Ok(same(self.api.person(user, &path)?))
    }

    /// A GET of something of one of a user's rooms; both are drawn by lot.
    fn of_room(&'a self, what: impl Fn(usize) -> String + Sync + 'a) -> Ask<'a> {
        each(move |n| {
            let mut draw = Draw::new(n, 0x7003);
            let drawn = draw.below(self.by_rooms.len() as u64) as usize;
            // Whoever is in no room stands back for the one with most.
            let with_most = self.by_rooms.len() - 1;
            let of = |at: usize| (self.by_rooms[at], &self.groups[self.by_rooms[at] as usize]);
            let (user, rooms) = match of(drawn) {
                (_, rooms) if rooms.is_empty() => of(with_most),
                found => found,
            };
            let room = rooms[draw.below(rooms.len() as u64) as usize];
            self.api.room(user, &self.ids[room], &what(room))
        })
    }

    /// A user who does not belong to an open room, and that room.
    fn guest(&'a self, connection: usize) -> (u32, &'a str) {
        let open = self.data.rooms.len() - OPEN_ROOMS + connection % OPEN_ROOMS;
        let owner = self.data.rooms[open].members[0];
        let users = self.by_rooms.len() as u32;
        let user = (owner + 1 + connection as u32 % (users - 1)) % users;
        (user, &self.ids[open])
    }

    /// Each user as often as any other.
    fn drawn(&self, n: u64) -> u32 {
        Draw::new(n, 0x05e7).below(self.by_rooms.len() as u64) as u32
    }
}

/// Of numbers in rising order.
fn spread(sorted: &[u64]) -> Report {
    let mut report = Report::default();
    if let (Some(first), Some(last)) = (sorted.first(), sorted.last()) {
        report
            .count("fewest", *first)
            .count("median", sorted[sorted.len() / 2])
            .count("most", *last);
    }
    report
}
