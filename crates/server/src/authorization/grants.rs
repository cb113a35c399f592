//! Who is let in where: the grants that rows are made of.

use madang_domain::{MemberRole, RoomKind, Scope, Standing};

use super::Party::{Anybody, Customer};
use super::Reach::{Configured, EveryRoom, Everywhere, Members, SameMachine, Support};
use super::RoomState::{AssignedToCaller, AssignedToOther, Completed, Waiting};
use super::Who::{Admin, Agent, Anonymous, Guest, Service, User};
use super::{About, Grant, MEMBERS_KINDS, Reach, RoomState, STANDINGS, Who};

pub(super) const EXISTING: &[RoomState] = &[Waiting, AssignedToCaller, AssignedToOther, Completed];
pub(super) const MINE: &[RoomState] = &[AssignedToCaller];
const CLAIMABLE: &[RoomState] = &[Waiting, AssignedToCaller];
const ANY_STATE: &[RoomState] = &RoomState::ALL;

pub(super) const PEOPLE: &[Who] = &[Guest, User, Agent, Admin];
/// People with an account.
pub(super) const USERS: &[Who] = &[User, Agent, Admin];
pub(super) const AGENTS: &[Who] = &[Agent, Admin];
const SERVICES: &[Who] = &[
    Service(Scope::Publish),
    Service(Scope::Rooms),
    Service(Scope::Users),
    Service(Scope::Messages),
    Service(Scope::Notify),
];
const PUBLISHERS: &[Who] = &[Service(Scope::Publish)];
pub(super) const KNOWN: &[Who] = &[
    Guest,
    User,
    Agent,
    Admin,
    Service(Scope::Publish),
    Service(Scope::Rooms),
    Service(Scope::Users),
    Service(Scope::Messages),
    Service(Scope::Notify),
];

const PLAIN: Standing = Standing::Member(MemberRole::Member);
const MODERATOR: Standing = Standing::Member(MemberRole::Moderator);
const OWNER: Standing = Standing::Member(MemberRole::Owner);

const MEMBERS: &[Standing] = &[PLAIN, MODERATOR, OWNER];
const MODERATORS: &[Standing] = &[MODERATOR, OWNER];
const OWNERS: &[Standing] = &[OWNER];
const NOT_REMOVED: &[Standing] = &[Standing::Stranger, PLAIN, MODERATOR, OWNER];
const ANYBODYS: &[Standing] = &STANDINGS;

const ALL_KINDS: &[RoomKind] = &MEMBERS_KINDS;
const CLOSED: &[RoomKind] = &[RoomKind::Direct, RoomKind::Group];
/// Rooms whose members come and go.
const COMPANIES: &[RoomKind] = &[RoomKind::Group, RoomKind::Open];
const OPEN: &[RoomKind] = &[RoomKind::Open];
const DIRECT: &[RoomKind] = &[RoomKind::Direct];

const fn grant(who: &'static [Who], reach: Reach) -> Grant {
    let about = About::Anything;
    Grant { who, reach, about }
}

const fn grant_about(who: &'static [Who], reach: Reach, people: &'static [Standing]) -> Grant {
    let about = About::People(people);
    Grant { who, reach, about }
}

const fn grant_own(who: &'static [Who], reach: Reach) -> Grant {
    let about = About::OwnMessage;
    Grant { who, reach, about }
}

const OF_CUSTOMER: Reach = Support(Customer, EXISTING);
const OF_ASSIGNEE: Reach = Support(Anybody, MINE);
const OF_MEMBERS: Reach = Members(ALL_KINDS, MEMBERS);

pub(super) const NOBODY: &[Grant] = &[];
pub(super) const EVERYBODY: &[Grant] = &[grant(&Who::ALL, Everywhere)];
pub(super) const TOKEN_HOLDERS: &[Grant] = &[grant(KNOWN, Everywhere)];
pub(super) const ANY_PERSON: &[Grant] = &[grant(PEOPLE, Everywhere)];
pub(super) const ANY_USER: &[Grant] = &[grant(USERS, Everywhere)];
pub(super) const UPLOADS: &[Grant] = &[grant(USERS, Everywhere), grant(SERVICES, Everywhere)];
pub(super) const ANY_AGENT: &[Grant] = &[grant(AGENTS, Everywhere)];
pub(super) const ON_THIS_MACHINE: &[Grant] = &[grant(&Who::ALL, SameMachine)];
pub(super) const OPERATORS: &[Grant] = &[grant(&[Admin], Everywhere), ON_THIS_MACHINE[0]];

pub(super) const VISITORS: &[Grant] = &[
    grant(&[Anonymous, Guest, User, Agent, Admin], Everywhere),
    HOST_USERS[0],
];

pub(super) const AS_CONFIGURED: &[Grant] =
    &[grant(PEOPLE, Configured), grant(SERVICES, Configured)];
pub(super) const PUBLISHES: &[Grant] = &[grant(PUBLISHERS, Everywhere), grant(PEOPLE, Configured)];
pub(super) const PUBLISHES_AS_CONFIGURED: &[Grant] =
    &[grant(PEOPLE, Configured), grant(PUBLISHERS, Configured)];

// Support rooms.
pub(super) const CUSTOMER: &[Grant] = &[grant(PEOPLE, OF_CUSTOMER)];
pub(super) const ASSIGNEE: &[Grant] = &[grant(AGENTS, OF_ASSIGNEE)];
pub(super) const CLAIMS: &[Grant] = &[grant(AGENTS, Support(Anybody, CLAIMABLE))];
pub(super) const OPENS_OR_CLAIMS: &[Grant] = &[
    grant(PEOPLE, Support(Customer, ANY_STATE)),
    grant(AGENTS, Support(Anybody, CLAIMABLE)),
];

// Rooms of every kind.
pub(super) const READS: &[Grant] = &[
    grant(PEOPLE, OF_CUSTOMER),
    grant(PEOPLE, Members(CLOSED, MEMBERS)),
    grant(PEOPLE, Members(OPEN, NOT_REMOVED)),
    grant(&[Agent], OF_ASSIGNEE),
    grant(&[Admin], EveryRoom),
];
/// Sees who belongs to a room and what they do there.
pub(super) const SEES_MEMBERS: &[Grant] = &[
    grant(PEOPLE, OF_CUSTOMER),
    grant(PEOPLE, OF_MEMBERS),
    grant(&[Agent], OF_ASSIGNEE),
    grant(&[Admin], EveryRoom),
];
pub(super) const READS_OR_OPENS: &[Grant] = &[
    grant(PEOPLE, Support(Customer, ANY_STATE)),
    READS[1],
    READS[2],
    READS[3],
    READS[4],
];
pub(super) const WRITES: &[Grant] = &[
    grant(PEOPLE, OF_CUSTOMER),
    grant(PEOPLE, OF_MEMBERS),
    grant(AGENTS, OF_ASSIGNEE),
];
/// Whose room it is: shown to them without being asked for.
pub(super) const TAKES_PART: &[Grant] = WRITES;
/// Sees who of the people in the room is online. Who was an agent and has the room still is one.
pub(super) const WATCHES: &[Grant] = &[
    grant(&[User, Guest], OF_CUSTOMER),
    grant(&[User, Guest], OF_MEMBERS),
    grant(&[User, Guest], OF_ASSIGNEE),
    grant(AGENTS, Everywhere),
];
pub(super) const WRITES_OR_OPENS: &[Grant] = &[
    grant(PEOPLE, Support(Customer, ANY_STATE)),
    grant(PEOPLE, OF_MEMBERS),
    grant(AGENTS, OF_ASSIGNEE),
];
/// Edits and deletes messages.
pub(super) const REVISES: &[Grant] = &[
    grant_own(PEOPLE, OF_CUSTOMER),
    grant_own(PEOPLE, OF_MEMBERS),
    grant(PEOPLE, Members(COMPANIES, MODERATORS)),
    grant_own(AGENTS, OF_ASSIGNEE),
];
pub(super) const LEAVES: &[Grant] = &[grant(PEOPLE, OF_CUSTOMER), grant(PEOPLE, OF_MEMBERS)];
pub(super) const DELETES: &[Grant] = &[
    grant(PEOPLE, OF_CUSTOMER),
    grant(PEOPLE, Members(ALL_KINDS, OWNERS)),
];

// Rooms of members.
pub(super) const JOINS: &[Grant] = &[
    grant(PEOPLE, Members(OPEN, NOT_REMOVED)),
    // Who belongs to it already: nothing is done.
    grant(PEOPLE, Members(CLOSED, MEMBERS)),
];
/// Contract 2 names rooms of one kind at a time.
pub(super) const READS_OPEN: &[Grant] = &[
    grant(PEOPLE, Members(OPEN, NOT_REMOVED)),
    grant(&[Admin], Members(OPEN, ANYBODYS)),
];
pub(super) const JOINS_OPEN: &[Grant] = &[grant(PEOPLE, Members(OPEN, NOT_REMOVED))];
pub(super) const OWNS_OPEN: &[Grant] = &[grant(PEOPLE, Members(OPEN, OWNERS))];
pub(super) const TRADES: &[Grant] = &[grant(PEOPLE, Members(DIRECT, MEMBERS))];
pub(super) const EDITS: &[Grant] = &[grant(PEOPLE, Members(COMPANIES, OWNERS))];
/// Adds plain members.
pub(super) const ADDS: &[Grant] = &[
    grant_about(USERS, Members(COMPANIES, MEMBERS), NOT_REMOVED),
    grant_about(USERS, Members(COMPANIES, MODERATORS), &[Standing::Removed]),
];
pub(super) const GIVES_ROLES: &[Grant] = &[grant_about(
    PEOPLE,
    Members(COMPANIES, OWNERS),
    &[PLAIN, MODERATOR],
)];
pub(super) const REMOVES: &[Grant] = &[
    grant_about(PEOPLE, Members(COMPANIES, MODERATORS), &[PLAIN]),
    grant_about(PEOPLE, Members(COMPANIES, OWNERS), &[MODERATOR]),
];

// The host's back end.
const HOST_OF_ROOMS: &[Who] = &[Service(Scope::Rooms)];
const HOST_OF_MESSAGES: &[Who] = &[Service(Scope::Messages)];
pub(super) const HOST_USERS: &[Grant] = &[grant(&[Service(Scope::Users)], Everywhere)];
pub(super) const HOST_NOTIFIES: &[Grant] = &[grant(&[Service(Scope::Notify)], Everywhere)];
pub(super) const HOST_MAKES_ROOMS: &[Grant] = &[grant(HOST_OF_ROOMS, Everywhere)];
pub(super) const HOST_SEES_ROOMS: &[Grant] = &[grant(HOST_OF_ROOMS, EveryRoom)];
pub(super) const HOST_CHANGES_ROOMS: &[Grant] =
    &[grant(HOST_OF_ROOMS, Members(ALL_KINDS, ANYBODYS))];
pub(super) const HOST_ADDS: &[Grant] = &[grant_about(
    HOST_OF_ROOMS,
    Members(COMPANIES, ANYBODYS),
    ANYBODYS,
)];
pub(super) const HOST_GIVES_ROLES: &[Grant] = &[grant_about(
    HOST_OF_ROOMS,
    Members(COMPANIES, ANYBODYS),
    &[PLAIN, MODERATOR],
)];
pub(super) const HOST_MESSAGES: &[Grant] = &[grant(HOST_OF_MESSAGES, EveryRoom)];
