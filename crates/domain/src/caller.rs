//! Who asks.

use std::sync::Arc;

use crate::error::{Code, Error};
use crate::ids::UserId;
use crate::time::Timestamp;

/// What a caller may be trusted with. Each door gets it from the one authenticator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// A visitor without an account: takes part where others let them, and brings nobody in.
    Guest,
    /// A person who uses the host application.
    User,
    /// A person who serves customers at the support desk.
    Agent,
    /// A person who may do what an agent may, and read every room.
    Admin,
    /// The host's back end: publishes and subscribes application topics; has no rooms of its own.
    Service,
}

impl Role {
    /// Whether the support desk is open to this caller.
    #[must_use]
    pub const fn serves_customers(self) -> bool {
        matches!(self, Self::Agent | Self::Admin)
    }
}

/// One thing that the host's back end may be let do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Publish to application topics.
    Publish,
    /// Make and change rooms and their members.
    Rooms,
    /// Keep users, make guests' tokens, revoke tokens.
    Users,
    /// Send notices and read rooms' histories.
    Messages,
    /// Put notifications into users' inboxes.
    Notify,
}

impl Scope {
    /// Every scope, in the order of the documents.
    pub const ALL: [Self; 5] = [
        Self::Publish,
        Self::Rooms,
        Self::Users,
        Self::Messages,
        Self::Notify,
    ];

    /// The word for it in files, options and documents.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Publish => "publish",
            Self::Rooms => "rooms",
            Self::Users => "users",
            Self::Messages => "messages",
            Self::Notify => "notify",
        }
    }

    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// A set of [`Scope`]s. Only the host's back end holds any: what people may do follows from their
/// role and their membership.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Scopes(u8);

impl Scopes {
    /// No scope: what people hold.
    pub const NONE: Self = Self(0);
    /// Only [`Scope::Publish`]: what service accounts hold, and keys that name no scope.
    pub const PUBLISH: Self = Self(Scope::Publish.bit());
    /// Every scope.
    pub const ALL: Self = Self((1 << Scope::ALL.len()) - 1);
    /// The word for every scope, those of later versions as well.
    const ALL_NAME: &str = "all";

    /// Reads the scopes that the words name: those of [`Scope::name`], or `all`. `None` when a word
    /// is another, or there is none.
    pub fn parse<'a>(words: impl IntoIterator<Item = &'a str>) -> Option<Self> {
        let mut scopes = Self::NONE;
        for word in words {
            scopes = match Scope::ALL.into_iter().find(|scope| scope.name() == word) {
                Some(scope) => scopes.with(scope),
                None if word == Self::ALL_NAME => Self::ALL,
                None => return None,
            };
        }
        (scopes != Self::NONE).then_some(scopes)
    }

    /// The words that [`Scopes::parse`] reads back.
    #[must_use]
    pub fn names(self) -> Vec<&'static str> {
        if self == Self::ALL {
            return vec![Self::ALL_NAME];
        }
        let held = Scope::ALL.into_iter().filter(|scope| self.has(*scope));
        held.map(Scope::name).collect()
    }

    /// Whether `scope` is among these.
    #[must_use]
    pub const fn has(self, scope: Scope) -> bool {
        self.0 & scope.bit() != 0
    }

    /// These and `scope`.
    #[must_use]
    pub const fn with(self, scope: Scope) -> Self {
        Self(self.0 | scope.bit())
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        scopes.into_iter().fold(Self::NONE, Self::with)
    }
}

/// An authenticated peer: made by the authenticator, owned by a session or a request.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The token's subject, or a service account's login.
    pub user: UserId,
    /// What others see; `None` when the token names nobody.
    pub name: Option<Arc<str>>,
    /// The host's own number for this user (claim `id`), if the token has one.
    pub member_id: Option<Arc<str>>,
    /// What this caller may be trusted with.
    pub role: Role,
    /// What a [`Role::Service`] may do; empty for people.
    pub scopes: Scopes,
    /// When the proof of identity was made (claim `iat`); `None` when it does not say.
    pub issued_at: Option<Timestamp>,
    /// When the proof of identity ends; `None` for one that does not.
    pub expires_at: Option<Timestamp>,
}

impl Caller {
    /// A caller of whom no more is known: without name and number, with a proof that does not end.
    /// A [`Role::Service`] holds [`Scopes::PUBLISH`].
    #[must_use]
    pub const fn new(user: UserId, role: Role) -> Self {
        Self {
            user,
            name: None,
            member_id: None,
            role,
            scopes: match role {
                Role::Service => Scopes::PUBLISH,
                Role::Guest | Role::User | Role::Agent | Role::Admin => Scopes::NONE,
            },
            issued_at: None,
            expires_at: None,
        }
    }

    /// Whether this is the host's back end with that scope.
    ///
    /// # Errors
    /// [`Code::ScopeMissing`]: it is not. The caller's fault; another key helps.
    pub fn require(&self, scope: Scope) -> Result<(), Error> {
        if self.scopes.has(scope) {
            return Ok(());
        }
        let detail = format!("this needs an API key with the scope {}", scope.name());
        Err(Error::with_detail(Code::ScopeMissing, detail))
    }

    /// The name to show: the token's, else the user id.
    #[must_use]
    pub fn display_name(&self) -> &str {
        self.name.as_deref().unwrap_or(self.user.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_read_back_from_their_words() {
        for bits in 1..1 << Scope::ALL.len() {
            let held = Scope::ALL
                .into_iter()
                .filter(|scope| bits & scope.bit() != 0);
            let scopes: Scopes = held.collect();
            assert_eq!(Scopes::parse(scopes.names()), Some(scopes));
        }
        assert_eq!(Scopes::parse(["all"]), Some(Scopes::ALL));
        assert_eq!(Scopes::parse(["publish", "publish"]), Some(Scopes::PUBLISH));
        for wrong in [&[][..], &[""], &["Publish"], &["publish", "other"]] {
            assert_eq!(Scopes::parse(wrong.iter().copied()), None, "{wrong:?}");
        }
    }

    #[test]
    fn only_a_service_holds_scopes_unasked_and_only_to_publish() {
        for role in [
            Role::Service,
            Role::Guest,
            Role::User,
            Role::Agent,
            Role::Admin,
        ] {
            let caller = Caller::new(UserId::new("kim").unwrap(), role);
            for scope in Scope::ALL {
                let holds = role == Role::Service && scope == Scope::Publish;
                let refused = caller.require(scope).map_err(|error| error.code());
                let expected = if holds {
                    Ok(())
                } else {
                    Err(Code::ScopeMissing)
                };
                assert_eq!(refused, expected, "{role:?} {scope:?}");
            }
        }
    }
}
