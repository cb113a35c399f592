//! Who may do what, through which door: one row per route, command and STOMP destination, and per
//! event of a connection who is told of it.
//!
//! The table decides nothing: `madang_domain::policy` does, and every door asks it. The table says
//! what the doors must answer, so that a test can hold each of them to it, and so that people can
//! read it ([`reference`]). A route without a row fails a test, and so does a row without a route.

mod grants;
mod reference;
mod rows;

use madang_domain::{MemberRole, Role, RoomKind, Scope, Standing};

use RoomState::{AssignedToCaller, AssignedToOther, Completed, Missing, Waiting};
use Who::{Admin, Agent, Anonymous, Guest, Service, User};

use crate::roles::NodeRole;

pub use reference::reference;
pub use rows::ROWS;

/// A kind of caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Who {
    /// Nobody known: no token.
    Anonymous,
    /// See [`Role::Guest`].
    Guest,
    /// See [`Role::User`].
    User,
    /// See [`Role::Agent`].
    Agent,
    /// See [`Role::Admin`].
    Admin,
    /// See [`Role::Service`]: one that holds this scope and no other. Whoever holds several may do
    /// what each of them lets do.
    Service(Scope),
}

impl Who {
    /// Every kind.
    pub const ALL: [Self; 10] = [
        Anonymous,
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

    /// The role of such a caller; `None` when nobody is known.
    #[must_use]
    pub const fn role(self) -> Option<Role> {
        match self {
            Anonymous => None,
            Guest => Some(Role::Guest),
            User => Some(Role::User),
            Agent => Some(Role::Agent),
            Admin => Some(Role::Admin),
            Service(_) => Some(Role::Service),
        }
    }
}

/// How a support room stands, as the caller sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RoomState {
    /// There is none, of any kind.
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

/// The room that is meant, and what the caller is to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Place {
    /// A support room, or none.
    Support {
        /// Whether the caller is its customer. A route that names no room means this one.
        owns: bool,
        /// How it stands.
        state: RoomState,
    },
    /// A room of members.
    Members {
        /// One of [`MEMBERS_KINDS`].
        kind: RoomKind,
        /// What the caller is to it.
        caller: Standing,
    },
}

/// Whom or what in the room an attempt is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Subject {
    /// Somebody who is this to the room; a stranger where the attempt is about nobody. The owner may
    /// be the caller.
    Person(Standing),
    /// A message that the caller has sent.
    OwnMessage,
    /// A message that somebody else has sent.
    AnothersMessage,
}

/// What somebody can be to a room.
pub const STANDINGS: [Standing; 5] = [
    Standing::Stranger,
    Standing::Removed,
    Standing::Member(MemberRole::Member),
    Standing::Member(MemberRole::Moderator),
    Standing::Member(MemberRole::Owner),
];

/// Rooms of members.
pub const MEMBERS_KINDS: [RoomKind; 3] = [RoomKind::Direct, RoomKind::Group, RoomKind::Open];

impl Place {
    /// Every place that there can be.
    #[must_use]
    pub fn all() -> Vec<Self> {
        let mut places = Vec::new();
        for owns in [false, true] {
            places.extend(RoomState::ALL.map(|state| Self::Support { owns, state }));
        }
        for kind in MEMBERS_KINDS {
            let possible = STANDINGS.into_iter().filter(|caller| can_be(kind, *caller));
            places.extend(possible.map(|caller| Self::Members { kind, caller }));
        }
        places
    }

    /// Whether an attempt here can be about such a subject.
    #[must_use]
    pub fn can_have(self, subject: Subject) -> bool {
        match (self, subject) {
            (Self::Members { kind, .. }, Subject::Person(standing)) => can_be(kind, standing),
            (Self::Support { .. }, Subject::Person(standing)) => standing == Standing::Stranger,
            (_, Subject::OwnMessage | Subject::AnothersMessage) => true,
        }
    }
}

/// A direct room belongs to both of its two, and nobody is removed from it.
fn can_be(kind: RoomKind, standing: Standing) -> bool {
    kind != RoomKind::Direct
        || matches!(
            standing,
            Standing::Stranger | Standing::Member(MemberRole::Owner)
        )
}

/// The door a row is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Door {
    /// A method and a path as the OpenAPI document writes it.
    Http(&'static str, &'static str),
    /// A STOMP command and a destination; the destination of CONNECT is empty.
    Stomp(&'static str, &'static str),
    /// A SEND to a STOMP destination that changes an earlier message: the header that says so.
    StompRevision(&'static str, &'static str),
    /// A command of the JSON door.
    Json(&'static str),
    /// Opening a WebSocket that shows all of the caller's rooms: its path.
    WebSocket(&'static str),
    /// What a connection shows that is open: the path of a WebSocket or an event stream, and an event
    /// there. Being let in means being told of it. A STOMP subscription's MESSAGEs have the row of its
    /// SUBSCRIBE.
    Event(&'static str, &'static str),
}

/// As what a caller comes to a support room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Party {
    /// As anybody.
    Anybody,
    /// As its customer.
    Customer,
}

/// Where a grant holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// No room is meant, or any will do, also one that is not there.
    Everywhere,
    /// In every room of people that there is.
    EveryRoom,
    /// In support rooms: as whom, and how they must stand.
    Support(Party, &'static [RoomState]),
    /// In rooms of members: of which kinds, and what the caller must be to them.
    Members(&'static [RoomKind], &'static [Standing]),
    /// No room is meant; the request is made on the server's machine, through no proxy.
    SameMachine,
    /// No room is meant; the configuration lists who may.
    Configured,
}

/// Whom or what a grant holds about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum About {
    /// Anybody, and anything.
    Anything,
    /// People who are one of these to the room.
    People(&'static [Standing]),
    /// A message that the caller has sent.
    OwnMessage,
}

/// Lets some callers do something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grant {
    /// Who may.
    pub who: &'static [Who],
    /// Where.
    pub reach: Reach,
    /// About whom or what.
    pub about: About,
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
    /// Which nodes have the door: those with one of these roles.
    pub served_by: &'static [NodeRole],
}

/// One attempt.
#[derive(Debug, Clone, Copy)]
pub struct Attempt {
    /// Who makes it.
    pub who: Who,
    /// In which room.
    pub place: Place,
    /// About whom or what.
    pub subject: Subject,
    /// Whether it is made on the server's machine, through no proxy.
    pub same_machine: bool,
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
        let meant = self.grants.iter().filter(|grant| grant.covers(attempt));
        let mut decision = Decision::Refused;
        for grant in meant {
            match grant.reach {
                Reach::Configured => decision = Decision::AsConfigured,
                _ => return Decision::Allowed,
            }
        }
        decision
    }

    /// Whether it tells rooms apart.
    #[must_use]
    pub fn is_of_rooms(&self) -> bool {
        self.grants.iter().any(|grant| grant.reach.is_of_rooms())
    }

    /// The attempts that this row tells apart, by callers of every kind. All others are answered
    /// like one of them.
    #[must_use]
    pub fn attempts(&self) -> Vec<Attempt> {
        let mut places = Place::all();
        if !self.is_of_rooms() {
            places.truncate(1);
        }
        let mut attempts = Vec::new();
        for who in Who::ALL {
            for (index, place) in places.iter().enumerate() {
                for subject in self.subjects() {
                    let attempt = Attempt {
                        who,
                        place: *place,
                        subject,
                        same_machine: false,
                    };
                    if !place.can_have(subject) {
                        continue;
                    }
                    attempts.push(attempt);
                    // Where it comes from must make a difference nowhere else either.
                    attempts.extend((index == 0).then_some(Attempt {
                        same_machine: true,
                        ..attempt
                    }));
                }
            }
        }
        attempts
    }

    fn subjects(&self) -> Vec<Subject> {
        let all = |fits: fn(&About) -> bool| self.grants.iter().any(|grant| fits(&grant.about));
        if all(|about| matches!(about, About::People(_))) {
            return STANDINGS.map(Subject::Person).to_vec();
        }
        if all(|about| matches!(about, About::OwnMessage)) {
            return vec![Subject::OwnMessage, Subject::AnothersMessage];
        }
        vec![Subject::Person(Standing::Stranger)]
    }
}

impl Grant {
    fn covers(&self, attempt: Attempt) -> bool {
        self.who.contains(&attempt.who)
            && self.reach.covers(attempt.place, attempt.same_machine)
            && self.about.covers(attempt.subject)
    }
}

impl Reach {
    const fn is_of_rooms(&self) -> bool {
        matches!(
            self,
            Self::EveryRoom | Self::Support(..) | Self::Members(..)
        )
    }

    fn covers(&self, place: Place, same_machine: bool) -> bool {
        match (self, place) {
            (Self::Everywhere | Self::Configured, _) => true,
            (Self::SameMachine, _) => same_machine,
            (Self::EveryRoom, Place::Support { state, .. }) => state != Missing,
            (Self::EveryRoom, Place::Members { .. }) => true,
            (Self::Support(party, states), Place::Support { owns, state }) => {
                (owns || *party == Party::Anybody) && states.contains(&state)
            }
            (Self::Members(kinds, standings), Place::Members { kind, caller }) => {
                kinds.contains(&kind) && standings.contains(&caller)
            }
            (Self::Support(..), Place::Members { .. })
            | (Self::Members(..), Place::Support { .. }) => false,
        }
    }
}

impl About {
    fn covers(&self, subject: Subject) -> bool {
        match (self, subject) {
            (Self::Anything, _) => true,
            (Self::People(standings), Subject::Person(standing)) => standings.contains(&standing),
            (Self::OwnMessage, subject) => subject == Subject::OwnMessage,
            (Self::People(_), Subject::OwnMessage | Subject::AnothersMessage) => false,
        }
    }
}
