//! The table in words.

use std::fmt::Write as _;

use madang_domain::{MemberRole, RoomKind, Scope, Standing};

use super::RoomState::{AssignedToCaller, AssignedToOther, Completed, Missing, Waiting};
use super::grants::{AGENTS, EXISTING, KNOWN, MINE, PEOPLE, READS, REVISES, USERS, WRITES};
use super::{
    About, Door, Grant, MEMBERS_KINDS, Party, ROWS, Reach, RoomState, Row, STANDINGS, Who,
};

const INTRODUCTION: &str = "\
# Who may do what

<!-- Generated from the table in crates/server/src/authorization; to regenerate:
     MADANG_BLESS=1 cargo test -p madang-server --lib reference -->

Every door asks the same policy. Whoever is not named in a row is refused, and nothing is done: with
401 without a token, otherwise 403 or 404 (409 for a room that another agent has or that is
completed; contract 1 answers `CHAT-400`, `CHAT-403` and `CHAT-409`), at a STOMP door with an
ERROR frame of the same code, and at the JSON door with an `error` of it.

*People* are guests, users, agents and admins; an admin is an agent, too. A *service* is the host's back end: an API key, which may
do what its scopes say, or a service account, whose scope is `publish`. A *member* of a room may be its moderator or
owner, too; a direct room belongs to both of its two. Whom somebody removed is no stranger: an open room stays closed to
them. The pages (`/`, `/docs`, `/docs/**`, `/demo/**`) are open to everybody: they hold nothing of rooms or users.

Under *Events* is who is told of what on a connection that is open. A MESSAGE of a STOMP subscription is shown to whom may
subscribe, and to nobody who may not read the room any more. `cargo test -p madang-server --lib authorization` tries every row:
every kind of caller, in every room, as what they can be to it, before and after they became it, about whom it can be. A route,
destination, command or event without a row fails it, and so does a row that nothing tries.

";

/// Grants that many rows have, and what the page calls them.
const NAMED: [(&str, &[Grant]); 3] = [
    ("readers of the room", READS),
    ("writers in the room", WRITES),
    ("revisers of the message", REVISES),
];

/// The table as a page of the reference, in Markdown.
#[must_use]
pub fn reference() -> String {
    let mut page = String::from(INTRODUCTION);
    for (name, grants) in NAMED {
        // Writing to a String cannot fail.
        let _ = writeln!(page, "- **{name}**: {}", who_may(grants));
    }
    let mut section = "";
    for row in ROWS {
        let (title, door) = match row.door {
            Door::Http(method, path) => ("HTTP", format!("`{method} {path}`")),
            Door::WebSocket(path) => ("WebSocket", format!("`{path}`")),
            Door::Json(command) => ("JSON over WebSocket", format!("`{command}`")),
            Door::Stomp(command, "") => ("STOMP", format!("`{command}`")),
            Door::Stomp(command, destination) => ("STOMP", format!("`{command} {destination}`")),
            Door::StompRevision(destination, header) => {
                ("STOMP", format!("`SEND {destination}` with `{header}`"))
            }
            Door::Event(on, event) => ("Events", format!("`{event}` on `{on}`")),
        };
        if title != section {
            section = title;
            let _ = write!(
                page,
                "\n## {title}\n\n| door | who may | decided by | on nodes with |\n|---|---|---|---|\n"
            );
        }
        let named = NAMED.iter().find(|(_, grants)| *grants == row.grants);
        let who = named.map_or_else(|| row.who_may(), |(name, _)| (*name).to_owned());
        let roles: Vec<_> = row
            .served_by
            .iter()
            .map(|role| format!("`{role}`"))
            .collect();
        let (why, roles) = (row.decided_by, roles.join(", "));
        let _ = writeln!(page, "| {door} | {who} | {why} | {roles} |");
    }
    page
}

impl Row {
    /// Whom the door lets in, in words.
    #[must_use]
    pub fn who_may(&self) -> String {
        who_may(self.grants)
    }
}

fn who_may(grants: &[Grant]) -> String {
    if grants.is_empty() {
        return "nobody".to_owned();
    }
    // Neighbours of the same callers are told together.
    let together = grants.chunk_by(|one, next| one.who == next.who);
    let described = together.map(|same| {
        let grants: Vec<_> = same.iter().map(describe).collect();
        callers(same[0].who) + &grants.join(", or")
    });
    described.collect::<Vec<_>>().join("; ")
}

/// What follows on who may.
fn describe(grant: &Grant) -> String {
    let place = match grant.reach {
        Reach::Everywhere => return String::new(),
        Reach::SameMachine => return " on the server's machine, not through a proxy".to_owned(),
        Reach::Configured => return ", as configured".to_owned(),
        Reach::EveryRoom => "any room".to_owned(),
        Reach::Support(party, states) => support_room(party, states),
        Reach::Members(kinds, standings) => room_of_members(kinds, standings),
    };
    let about = match grant.about {
        About::Anything => String::new(),
        About::People(standings) => format!(", about {}", one_of(standings)),
        About::OwnMessage => ", about a message of their own".to_owned(),
    };
    format!(" in {place}{about}")
}

fn callers(who: &[Who]) -> String {
    if who.len() == Who::ALL.len() {
        return "everybody".to_owned();
    }
    if who.len() == KNOWN.len() {
        return "everybody with a token".to_owned();
    }
    if who == PEOPLE {
        return "people".to_owned();
    }
    if who == USERS {
        return "people but guests".to_owned();
    }
    if who == AGENTS {
        return "agents".to_owned();
    }
    let name = |who: &Who| match who {
        Who::Anonymous => "whoever has no token".to_owned(),
        Who::Service(scope) => format!("services with the scope `{}`", scope.name()),
        person => format!("{person:?}s").to_lowercase(),
    };
    let services = who.iter().filter(|who| matches!(who, Who::Service(_)));
    if services.count() == Scope::ALL.len() {
        return "services".to_owned();
    }
    who.iter().map(name).collect::<Vec<_>>().join(", ")
}

fn support_room(party: Party, states: &[RoomState]) -> String {
    let room = match party {
        Party::Anybody => "a support room",
        Party::Customer => "their own support room",
    };
    if states == EXISTING {
        return room.to_owned();
    }
    if states == MINE {
        return format!("{room} assigned to them");
    }
    if states.len() == RoomState::ALL.len() {
        return format!("{room}, which is made if it is missing");
    }
    let names: Vec<_> = states.iter().map(|state| state_name(*state)).collect();
    format!("{room} that is {}", names.join(" or "))
}

const fn state_name(state: RoomState) -> &'static str {
    match state {
        Missing => "missing",
        Waiting => "waiting",
        AssignedToCaller => "assigned to them",
        AssignedToOther => "assigned to another",
        Completed => "completed",
    }
}

fn room_of_members(kinds: &[RoomKind], standings: &[Standing]) -> String {
    let names: Vec<_> = kinds.iter().map(|kind| kind_name(*kind)).collect();
    let article = if kinds.first() == Some(&RoomKind::Open) {
        "an"
    } else {
        "a"
    };
    let rooms = if kinds.len() == MEMBERS_KINDS.len() {
        "a room of members".to_owned()
    } else {
        format!("{article} {} room", names.join(" or "))
    };
    if standings.len() == STANDINGS.len() {
        return rooms.replacen(article, "any", 1);
    }
    let is_open_to_strangers = standings.contains(&Standing::Stranger);
    if is_open_to_strangers {
        return format!("{rooms} that they were not removed from");
    }
    format!("{rooms}, as {}", one_of(standings))
}

const fn kind_name(kind: RoomKind) -> &'static str {
    match kind {
        RoomKind::Support => "support",
        RoomKind::Direct => "direct",
        RoomKind::Group => "group",
        RoomKind::Open => "open",
        RoomKind::Desk => "desk",
        RoomKind::Inbox => "inbox",
    }
}

/// Some of what one can be to a room. All members are members.
fn one_of(standings: &[Standing]) -> String {
    let all_members = standings.iter().filter(|one| one.is_member()).count() == 3;
    let name = |standing: &Standing| match standing {
        Standing::Stranger => Some("a stranger"),
        Standing::Removed => Some("somebody who was removed"),
        Standing::Member(MemberRole::Member) if all_members => Some("a member"),
        Standing::Member(_) if all_members => None,
        Standing::Member(MemberRole::Member) => Some("a plain member"),
        Standing::Member(MemberRole::Moderator) => Some("a moderator"),
        Standing::Member(MemberRole::Owner) => Some("the owner"),
    };
    let names: Vec<_> = standings.iter().filter_map(name).collect();
    names.join(" or ")
}
