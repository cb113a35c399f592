//! Who may do what, through which door: one row per route and STOMP destination.
//!
//! The table decides nothing: `madang_domain::policy` does, and every door asks it. The table says
//! what the doors must answer, so that a test can hold each of them to it, and so that people can
//! read it ([`reference`]). A route without a row fails a test, and so does a row without a route.

use std::fmt::Write as _;

use madang_domain::{Role, Scope, Scopes};

use Relation::{Assigned, Configured, Holds, Nothing, Own, SameMachine};
use RoomState::{AssignedToCaller, AssignedToOther, Completed, Missing, Waiting};
use Who::{Admin, Agent, Anonymous, Service, User};

/// A kind of caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Who {
    /// Nobody known: no token.
    Anonymous,
    /// See [`Role::User`].
    User,
    /// See [`Role::Agent`].
    Agent,
    /// See [`Role::Admin`].
    Admin,
    /// See [`Role::Service`].
    Service,
}

impl Who {
    /// Every kind.
    pub const ALL: [Self; 5] = [Anonymous, User, Agent, Admin, Service];

    /// The role of such a caller; `None` when nobody is known.
    #[must_use]
    pub const fn role(self) -> Option<Role> {
        match self {
            Anonymous => None,
            User => Some(Role::User),
            Agent => Some(Role::Agent),
            Admin => Some(Role::Admin),
            Service => Some(Role::Service),
        }
    }
}

/// What the caller must be to the room that is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Relation {
    /// No room is meant, or any will do.
    Nothing,
    /// Its customer. A route that names no room means this one.
    Own,
    /// Its present agent.
    Assigned,
    /// No room is meant; the request is made on the server's machine, through no proxy.
    SameMachine,
    /// No room is meant; the configuration lists who may.
    Configured,
    /// No room is meant; an API key with this scope.
    Holds(Scope),
}

/// How a room stands, as the caller sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RoomState {
    /// There is none.
    Missing,
    /// Any agent may claim it.
    Waiting,
    /// The caller has it.
    AssignedToCaller,
    /// Another agent has it.
    AssignedToOther,
    /// Served.
    Completed,
}

impl RoomState {
    /// Every state.
    pub const ALL: [Self; 5] = [
        Missing,
        Waiting,
        AssignedToCaller,
        AssignedToOther,
        Completed,
    ];
}

const EXISTING: &[RoomState] = &[Waiting, AssignedToCaller, AssignedToOther, Completed];
const MINE: &[RoomState] = &[AssignedToCaller];
const CLAIMABLE: &[RoomState] = &[Waiting, AssignedToCaller];
const ANY: &[RoomState] = &RoomState::ALL;

/// The door a row is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Door {
    /// A method and a path as the OpenAPI document writes it.
    Http(&'static str, &'static str),
    /// A STOMP command and a destination; the destination of CONNECT is empty.
    Stomp(&'static str, &'static str),
    /// A command of the JSON door.
    Json(&'static str),
    /// Opening a WebSocket that shows all of the caller's rooms: its path.
    WebSocket(&'static str),
}

/// Lets some callers do something.
#[derive(Debug, Clone, Copy)]
pub struct Grant {
    /// Who may.
    pub who: &'static [Who],
    /// What they must be to the room.
    pub relation: Relation,
    /// How the room must stand.
    pub states: &'static [RoomState],
}

/// Whom a door lets in; everybody else is refused.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// Which door.
    pub door: Door,
    /// Who is let in; any one of them is enough.
    pub grants: &'static [Grant],
    /// What decides it.
    pub decided_by: &'static str,
}

/// One attempt.
#[derive(Debug, Clone, Copy)]
pub struct Attempt {
    /// Who makes it.
    pub who: Who,
    /// Whether the caller is the customer of the room that is meant.
    pub owns: bool,
    /// How that room stands.
    pub state: RoomState,
    /// Whether it is made on the server's machine, through no proxy.
    pub same_machine: bool,
    /// What a service holds.
    pub scopes: Scopes,
}

/// What a door must answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Done.
    Allowed,
    /// Refused, and nothing done.
    Refused,
    /// As the configuration says.
    AsConfigured,
}

impl Row {
    /// What the door must answer to `attempt`.
    #[must_use]
    pub fn decide(&self, attempt: Attempt) -> Decision {
        let mut decision = Decision::Refused;
        for grant in self.grants {
            let is_meant =
                grant.who.contains(&attempt.who) && grant.states.contains(&attempt.state);
            let holds = match grant.relation {
                Nothing => true,
                Own => attempt.owns,
                Assigned => attempt.state == AssignedToCaller,
                SameMachine => attempt.same_machine,
                Holds(scope) => attempt.scopes.has(scope),
                Configured => {
                    if is_meant && decision == Decision::Refused {
                        decision = Decision::AsConfigured;
                    }
                    false
                }
            };
            if is_meant && holds {
                return Decision::Allowed;
            }
        }
        decision
    }

    /// Whom the door lets in, in words.
    #[must_use]
    pub fn who_may(&self) -> String {
        let grants: Vec<_> = self.grants.iter().map(describe).collect();
        grants.join("; ")
    }
}

const fn grant(who: &'static [Who], relation: Relation, states: &'static [RoomState]) -> Grant {
    Grant {
        who,
        relation,
        states,
    }
}

const fn http(
    method: &'static str,
    path: &'static str,
    grants: &'static [Grant],
    decided_by: &'static str,
) -> Row {
    Row {
        door: Door::Http(method, path),
        grants,
        decided_by,
    }
}

const fn stomp(
    command: &'static str,
    destination: &'static str,
    grants: &'static [Grant],
    decided_by: &'static str,
) -> Row {
    Row {
        door: Door::Stomp(command, destination),
        grants,
        decided_by,
    }
}

const fn json(command: &'static str, grants: &'static [Grant], decided_by: &'static str) -> Row {
    Row {
        door: Door::Json(command),
        grants,
        decided_by,
    }
}

const fn websocket(path: &'static str) -> Row {
    Row {
        door: Door::WebSocket(path),
        grants: ANY_PERSON,
        decided_by: OWN_ROOMS,
    }
}

const PEOPLE: &[Who] = &[User, Agent, Admin];
const AGENTS: &[Who] = &[Agent, Admin];
const KNOWN: &[Who] = &[User, Agent, Admin, Service];

const EVERYBODY: &[Grant] = &[grant(&Who::ALL, Nothing, ANY)];
const ANY_PERSON: &[Grant] = &[grant(PEOPLE, Nothing, ANY)];
const ANY_AGENT: &[Grant] = &[grant(AGENTS, Nothing, ANY)];
const OWN_EXISTING: &[Grant] = &[grant(PEOPLE, Own, EXISTING)];
const ASSIGNED: &[Grant] = &[grant(AGENTS, Assigned, MINE)];
const CLAIMS: &[Grant] = &[grant(AGENTS, Nothing, CLAIMABLE)];
const WRITES: &[Grant] = &[grant(PEOPLE, Own, EXISTING), grant(AGENTS, Assigned, MINE)];
const READS: &[Grant] = &[
    grant(PEOPLE, Own, EXISTING),
    grant(&[Agent], Assigned, MINE),
    grant(&[Admin], Nothing, EXISTING),
];
const AS_CONFIGURED: &[Grant] = &[grant(KNOWN, Configured, ANY)];

const PUBLISHES: &[Grant] = &[
    grant(&[Service], Holds(Scope::Publish), ANY),
    grant(PEOPLE, Configured, ANY),
];

const OWN_ROOMS: &str =
    "the kind of caller; only own and assigned rooms are shown, each by policy::may_read";
const MAY_OPEN: &str = "policy::may_open";
const MAY_READ: &str = "policy::may_read";
const MAY_SEND: &str = "policy::may_send, inside the transaction that stores the message";
const MAY_SERVE: &str = "policy::may_serve";
const CLAIM: &str = "policy::may_serve; one conditional update decides who wins";
const COMPLETE: &str = "policy::may_serve; one conditional update of the caller's room";
const OPEN_TO_ALL: &str = "nothing: open to everybody";
const CONFIGURATION: &str = "the configuration";
const PUBLISHING: &str = "the configuration, and an API key's scope `publish`";

/// Every door.
pub const ROWS: &[Row] = &[
    // Native REST.
    http(
        "GET",
        "/api/v1/rooms",
        ANY_PERSON,
        "the kind of caller; only own and assigned rooms are listed",
    ),
    http("POST", "/api/v1/rooms", ANY_PERSON, MAY_OPEN),
    http("GET", "/api/v1/rooms/{id}", READS, MAY_READ),
    http("DELETE", "/api/v1/rooms/{id}", OWN_EXISTING, MAY_OPEN),
    http("GET", "/api/v1/rooms/{id}/messages", READS, MAY_READ),
    http("POST", "/api/v1/rooms/{id}/messages", WRITES, MAY_SEND),
    http("GET", "/api/v1/events", ANY_PERSON, OWN_ROOMS),
    http("GET", "/api/v1/rooms/{id}/events", READS, MAY_READ),
    http("GET", "/api/v1/desk/waiting", ANY_AGENT, MAY_SERVE),
    http("GET", "/api/v1/desk/mine", ANY_AGENT, MAY_SERVE),
    http("POST", "/api/v1/desk/rooms/{id}/claim", CLAIMS, CLAIM),
    http(
        "POST",
        "/api/v1/desk/rooms/{id}/complete",
        ASSIGNED,
        COMPLETE,
    ),
    http(
        "POST",
        "/api/v1/publish",
        PUBLISHES,
        "the kind of caller, an API key's scope `publish`, and `topics.publish`",
    ),
    // Pictures.
    http(
        "POST",
        "/api/v1/pictures",
        &[grant(KNOWN, Nothing, ANY)],
        "the authenticator; absent without `pictures.upload`",
    ),
    http(
        "GET",
        "/pictures/{key}",
        EVERYBODY,
        "nothing: open to everybody who has the link, which cannot be guessed",
    ),
    http(
        "POST",
        "/api/v1/guests",
        &[
            grant(&[Anonymous, User, Agent, Admin], Nothing, ANY),
            grant(&[Service], Holds(Scope::Users), ANY),
        ],
        "`auth.guests`, and how many an address has had; for the host's back end the API key's scope",
    ),
    // Contract 1, REST.
    http("GET", "/user/chats/my-rooms", OWN_EXISTING, MAY_READ),
    http("DELETE", "/user/chats", OWN_EXISTING, MAY_OPEN),
    http("GET", "/admin/chats", ANY_AGENT, MAY_SERVE),
    http("GET", "/admin/chats/my-rooms", ANY_AGENT, MAY_SERVE),
    http(
        "GET",
        "/admin/chats/{room-id}",
        ASSIGNED,
        "policy::may_serve, then Support::is_assigned_to",
    ),
    http("PATCH", "/admin/chats/{room-id}", ASSIGNED, COMPLETE),
    // Operations.
    http("GET", "/healthz", EVERYBODY, OPEN_TO_ALL),
    http("GET", "/readyz", EVERYBODY, OPEN_TO_ALL),
    http("GET", "/openapi.json", EVERYBODY, OPEN_TO_ALL),
    http("GET", "/asyncapi.json", EVERYBODY, OPEN_TO_ALL),
    http(
        "GET",
        "/metrics",
        &[
            grant(&[Admin], Nothing, ANY),
            grant(&Who::ALL, SameMachine, ANY),
        ],
        "kind of caller, or the connection's address",
    ),
    http(
        "POST",
        "/demo/token",
        &[grant(&Who::ALL, SameMachine, ANY)],
        "the connection's address and the page's origin; absent without development tokens",
    ),
    // WebSockets with all of the caller's rooms.
    websocket("/ws/v1"),
    websocket("/ws/chat"),
    // The JSON door.
    json("auth", ANY_PERSON, "the authenticator"),
    json(
        "send",
        &[grant(PEOPLE, Own, ANY), grant(AGENTS, Assigned, MINE)],
        "policy::may_open for the customer, who makes the room; policy::may_send, inside the transaction that stores the message",
    ),
    json("read", READS, MAY_READ),
    json("typing", WRITES, "policy::may_send"),
    json(
        "resume",
        WRITES,
        "only own and assigned rooms are shown, each by policy::may_read; others are answered as unknown",
    ),
    json("ping", ANY_PERSON, "nothing: answers whoever is connected"),
    // STOMP, for all destinations.
    stomp(
        "CONNECT",
        "",
        &[grant(KNOWN, Nothing, ANY)],
        "the authenticator",
    ),
    // STOMP, native destinations.
    stomp("SUBSCRIBE", "/rooms/{id}", READS, MAY_READ),
    stomp("SEND", "/rooms/{id}", WRITES, MAY_SEND),
    // STOMP, contract 1.
    stomp(
        "SUBSCRIBE",
        "/sub/chat/room/{roomId}",
        &[grant(PEOPLE, Own, ANY), grant(AGENTS, Nothing, CLAIMABLE)],
        "policy::may_open for the customer, who makes the room; for agents policy::may_serve and the claim",
    ),
    stomp("SEND", "/pub/message", WRITES, MAY_SEND),
    // STOMP, application topics.
    stomp("SUBSCRIBE", "/topic/**", AS_CONFIGURED, CONFIGURATION),
    stomp("SEND", "/topic/**", AS_CONFIGURED, PUBLISHING),
    stomp("SUBSCRIBE", "/queue/**", AS_CONFIGURED, CONFIGURATION),
    stomp("SEND", "/queue/**", AS_CONFIGURED, PUBLISHING),
    stomp(
        "SUBSCRIBE",
        "/user/queue/**",
        &[grant(KNOWN, Nothing, ANY)],
        "nothing: the destination is the subscriber's own, whoever it is",
    ),
    stomp("SEND", "/user/{id}/queue/**", AS_CONFIGURED, PUBLISHING),
];

/// The table as a page of the reference, in Markdown.
#[must_use]
pub fn reference() -> String {
    let mut page = String::from(INTRODUCTION);
    let mut section = "";
    for row in ROWS {
        let (title, door) = match row.door {
            Door::Http(method, path) => ("HTTP", format!("`{method} {path}`")),
            Door::WebSocket(path) => ("WebSocket", format!("`{path}`")),
            Door::Json(command) => ("JSON over WebSocket", format!("`{command}`")),
            Door::Stomp(command, "") => ("STOMP", format!("`{command}`")),
            Door::Stomp(command, destination) => ("STOMP", format!("`{command} {destination}`")),
        };
        // Writing to a String cannot fail.
        if title != section {
            section = title;
            let _ = write!(
                page,
                "\n## {title}\n\n| door | who may | decided by |\n|---|---|---|\n"
            );
        }
        let _ = writeln!(page, "| {door} | {} | {} |", row.who_may(), row.decided_by);
    }
    page
}

const INTRODUCTION: &str = "\
# Who may do what

<!-- Generated from the table in crates/server/src/authorization.rs; to regenerate:
     MADANG_BLESS=1 cargo test -p madang-server --lib reference -->

Every door asks the same policy. Whoever is not named in a row is refused, and nothing is done: with
401 without a token, otherwise 403 or 404 (409 for a room that another agent has or that is
completed; contract 1 answers `CHAT-400`, `CHAT-403` and `CHAT-409`), at a STOMP door with an
ERROR frame of the same code, and at the JSON door with an `error` of it. A *service* is the host's back end. The pages (`/`, `/docs`, `/docs/**`,
`/demo/**`) are open to everybody: they hold nothing of rooms or users.
";

fn describe(grant: &Grant) -> String {
    let who = match grant.who {
        all if all.len() == Who::ALL.len() => "everybody".to_owned(),
        known if known.len() == KNOWN.len() => "everybody with a token".to_owned(),
        some => {
            let names: Vec<_> = some
                .iter()
                .map(|who| format!("{who:?}").to_lowercase())
                .collect();
            names.join(", ")
        }
    };
    let states = match grant.states {
        states if states.len() == ANY.len() => String::new(),
        states if states == EXISTING => ", if there is one".to_owned(),
        states => {
            let names: Vec<_> = states.iter().map(|state| name(*state)).collect();
            format!(" that is {}", names.join(" or "))
        }
    };
    match grant.relation {
        Nothing if states.is_empty() => who,
        Nothing if grant.states == EXISTING => format!("{who}: any room"),
        Nothing => format!("{who}: a room{states}"),
        Own => format!("{who}: their own room{states}"),
        Assigned => format!("{who}: a room assigned to them"),
        SameMachine => format!("{who} on the server's machine, not through a proxy"),
        Configured => format!("{who}, as configured"),
        Holds(scope) => format!("{who} with the scope `{}`", scope.name()),
    }
}

const fn name(state: RoomState) -> &'static str {
    match state {
        Missing => "missing",
        Waiting => "waiting",
        AssignedToCaller => "assigned to them",
        AssignedToOther => "assigned to another",
        Completed => "completed",
    }
}
