//! What operations cost as one thing grows and the others stay: the rooms of a user, the members of
//! a room, the messages of a room.

use clap::Args;

use super::api::Api;
use super::asks::{PAGE, in_turns, mark_read, marks, receipts, same, search, send};
use super::dataset::DataSet;
use super::fill::fill;
use super::measure::{Ask, Measured, Procedure};
use super::server;
use super::target::{Target, progress};
use super::texts::{ABSENT, COMMON, RARE, SOME};
use crate::cli::Common;
use crate::error::BenchError;
use crate::report::Report;
use crate::stop;

/// Options of `scaling`.
#[derive(Clone, Debug, Args)]
pub struct Options {
    /// Options that all scenarios have.
    #[command(flatten)]
    pub common: Common,
    /// API key with all scopes, by which the server is filled.
    #[arg(long)]
    pub api_key: String,
    /// Rooms of a user; separated by commas.
    #[arg(long, value_delimiter = ',', default_value = "100,1000,10000")]
    pub rooms_of_user: Vec<u32>,
    /// Members of a room of 1,000 messages, at least 2 (100,000 at most on Madang).
    #[arg(long, value_delimiter = ',', default_value = "10,1000,100000")]
    pub members_of_room: Vec<u32>,
    /// Messages of a room of 10 members.
    #[arg(long, value_delimiter = ',', default_value = "1000,10000,100000")]
    pub messages_of_room: Vec<u32>,
    /// Connections, each of which waits for its answer before it asks again.
    #[arg(long, default_value_t = 1)]
    pub concurrency: usize,
}

/// What grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Growing {
    RoomsOfUser,
    MembersOfRoom,
    MessagesOfRoom,
}

/// A server on which it has one size.
struct Case<'a> {
    api: &'a Api<'a>,
    size: u32,
    data: DataSet,
    ids: Vec<String>,
}

/// Messages of the rooms whose members grow, and members of those whose messages do.
const MESSAGES: u32 = 1_000;
const MEMBERS: u32 = 10;

/// Members whose marks are raised.
const READERS_MAX: usize = 64;

/// The users with many rooms: others than those of the rooms that grow, so that neither counts for
/// the other.
const READERS: u32 = 3_000_000_000;
/// What is sent while measuring counts as more than any filling, and is not missed by the next.
const SENT_FROM: u32 = u32::MAX / 2;

/// Something to be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operation {
    ListRooms,
    Unread,
    Search(&'static str),
    SearchRoom(&'static str),
    Send,
    NewestPage,
    MiddlePage,
    Receipts,
    MarkRead,
    ListMembers,
    LeaveOrJoin,
}

const OF_ROOMS: [(&str, Operation); 5] = [
    ("list_rooms", Operation::ListRooms),
    ("unread", Operation::Unread),
    ("search_common", Operation::Search(COMMON[0])),
    ("search_some", Operation::Search(SOME[0])),
    ("search_absent", Operation::Search(ABSENT)),
];
const OF_MEMBERS: [(&str, Operation); 6] = [
    // First, so that there is something to read.
    ("send", Operation::Send),
    ("newest_page", Operation::NewestPage),
    ("receipts_of_page", Operation::Receipts),
    ("mark_read", Operation::MarkRead),
    ("list_members", Operation::ListMembers),
    ("leave_or_join", Operation::LeaveOrJoin),
];
const OF_MESSAGES: [(&str, Operation); 11] = [
    ("send", Operation::Send),
    ("newest_page", Operation::NewestPage),
    ("middle_page", Operation::MiddlePage),
    ("receipts_of_page", Operation::Receipts),
    ("mark_read", Operation::MarkRead),
    ("unread", Operation::Unread),
    ("search_room_common", Operation::SearchRoom(COMMON[0])),
    ("search_room_some", Operation::SearchRoom(SOME[0])),
    ("search_room_some_word", Operation::SearchRoom(SOME[1])),
    ("search_room_rare", Operation::SearchRoom(RARE[0])),
    ("search_room_absent", Operation::SearchRoom(ABSENT)),
];

/// Runs `scaling`.
///
/// # Errors
///
/// See [`BenchError`]; what goes wrong while measuring is in the report.
pub fn run(options: &Options) -> Result<Report, BenchError> {
    let common = &options.common;
    if options.concurrency == 0 || options.members_of_room.iter().any(|members| *members < 2) {
        return Err(BenchError::Options(
            "there must be a connection, and two members".to_owned(),
        ));
    }
    let server = server::prepare(common)?;
    let target = Target::new(common)?;
    let api = Api {
        target: &target,
        api_key: &options.api_key,
    };
    let procedure = Procedure {
        target: &target,
        server,
        concurrency: options.concurrency,
    };
    let mut report = Report::default();
    report
        .text("scenario", "scaling")
        .text("url", &common.url)
        .count("concurrency", options.concurrency as u64);
    // All is filled before anything is measured: what is measured first is not on a smaller server.
    let (mut grown, mut fills) = (Vec::new(), Vec::new());
    for growing in Growing::ALL {
        let mut cases = Vec::new();
        for (at, size) in growing.sizes(options).iter().enumerate() {
            let (case, fill) = Case::fill(&api, growing, at as u32, *size)?;
            cases.push(case);
            fills.push(fill);
        }
        grown.push((growing, cases));
    }
    report.rows("fill", fills);
    let mut failures = Report::default();
    for (growing, cases) in &grown {
        let rows = measure(&procedure, *growing, cases, &mut failures)?;
        report.rows(growing.name(), rows);
        if stop::requested() {
            break;
        }
    }
    report.group("first_failures", failures);
    Ok(report)
}

/// Measures each operation at each size, the sizes in turns, so that a machine whose speed drifts
/// does not make a size dear.
fn measure(
    procedure: &Procedure<'_>,
    growing: Growing,
    cases: &[Case<'_>],
    failures: &mut Report,
) -> Result<Vec<Report>, BenchError> {
    let operations = growing.operations();
    let bar = progress(growing.name(), (operations.len() * cases.len()) as u64);
    let mut rows = Vec::with_capacity(operations.len());
    for (name, operation) in operations {
        let mut measured = Vec::with_capacity(cases.len());
        for case in cases {
            let of_case = procedure.measure(&case.ask(*operation, procedure.concurrency)?)?;
            if let Some(first) = of_case.first_failure() {
                failures.text(format!("{name} at {}", case.size), first);
            }
            measured.push((case.size, of_case));
            bar.inc(1);
        }
        rows.push(row(name, &measured));
        if stop::requested() {
            break;
        }
    }
    bar.finish_and_clear();
    Ok(rows)
}

/// All sizes of one operation side by side.
fn row(operation: &str, measured: &[(u32, Measured)]) -> Report {
    let mut row = Report::default();
    row.text("operation", operation);
    for (name, value) in [
        ("p50_ms", Measured::p50_ms as fn(&Measured) -> Option<f64>),
        ("p99_ms", Measured::p99_ms),
        ("server_cpu_us", Measured::server_cpu_us),
    ] {
        for (size, measured) in measured {
            row.number(
                format!("{name}_at_{size}"),
                value(measured).unwrap_or(f64::NAN),
            );
        }
    }
    row
}

impl Growing {
    const ALL: [Growing; 3] = [
        Growing::RoomsOfUser,
        Growing::MembersOfRoom,
        Growing::MessagesOfRoom,
    ];

    fn name(self) -> &'static str {
        match self {
            Growing::RoomsOfUser => "rooms_of_user",
            Growing::MembersOfRoom => "members_of_room",
            Growing::MessagesOfRoom => "messages_of_room",
        }
    }

    fn sizes(self, options: &Options) -> &[u32] {
        match self {
            Growing::RoomsOfUser => &options.rooms_of_user,
            Growing::MembersOfRoom => &options.members_of_room,
            Growing::MessagesOfRoom => &options.messages_of_room,
        }
    }

    fn operations(self) -> &'static [(&'static str, Operation)] {
        match self {
            Growing::RoomsOfUser => &OF_ROOMS,
            Growing::MembersOfRoom => &OF_MEMBERS,
            Growing::MessagesOfRoom => &OF_MESSAGES,
        }
    }
}

impl<'a> Case<'a> {
    /// Fills a server for the size numbered `at`; answers a row about that too.
    fn fill(
        api: &'a Api<'a>,
        growing: Growing,
        at: u32,
        size: u32,
    ) -> Result<(Case<'a>, Report), BenchError> {
        let data = match growing {
            Growing::RoomsOfUser => DataSet::of_rooms(size as usize, READERS + 2 * at),
            Growing::MembersOfRoom => DataSet::of_one_room("members", size, MESSAGES),
            Growing::MessagesOfRoom => DataSet::of_one_room("messages", MEMBERS, size),
        };
        let filled = fill(api, &data, 0)?;
        let case = Case {
            api,
            size,
            data,
            ids: filled.ids,
        };
        Ok((case, filled.report))
    }

    fn ask(&'a self, operation: Operation, connections: usize) -> Result<Ask<'a>, BenchError> {
        let api = self.api;
        let of_reader = |path: &str| api.person(self.reader(), path).map(same);
        let of_room = |what: &str| api.room(self.reader(), self.room(), what).map(same);
        match operation {
            Operation::ListRooms => of_reader("/api/v1/rooms?limit=50"),
            Operation::Unread => of_reader("/api/v1/unread"),
            Operation::Search(word) => of_reader(&search(word, None)),
            Operation::SearchRoom(word) => of_reader(&search(word, Some(self.room()))),
            Operation::Send => Ok(send(api, self.room(), self.senders(), SENT_FROM)),
            Operation::NewestPage => of_room(&format!("/messages?limit={PAGE}")),
            Operation::MiddlePage => {
                let middle = self.last_seq()? / 2;
                of_room(&format!("/messages?limit={PAGE}&before={middle}"))
            }
            Operation::Receipts => of_room(&receipts(self.last_seq()?)),
            Operation::MarkRead => {
                let readers = self.data.rooms[0].members.iter().take(READERS_MAX);
                let marks = marks(api, readers.copied(), |room| room == self.room())?;
                Ok(mark_read(api, marks, connections))
            }
            Operation::ListMembers => of_room(&format!("/members?limit={PAGE}")),
            // A member first, since a room may be full.
            Operation::LeaveOrJoin => Ok(in_turns(api, ["/leave", "/join"], |connection| {
                let members = &self.data.rooms[0].members;
                let last = members.len() - 1 - connection % (members.len() - 1);
                (members[last], self.room())
            })),
        }
    }

    /// The room's newest entry.
    fn last_seq(&self) -> Result<u64, BenchError> {
        let mut connection = self.api.target.http()?;
        let rooms = self.api.rooms_of(&mut connection, self.reader())?;
        let room = rooms.into_iter().find(|room| room.id == self.room());
        Ok(room.map_or(0, |room| room.head.last_seq))
    }

    fn reader(&self) -> u32 {
        self.data.rooms[0].members[0]
    }

    fn room(&self) -> &str {
        &self.ids[0]
    }

    fn senders(&self) -> &[u32] {
        let room = &self.data.rooms[0];
        &room.members[..room.senders]
    }
}
