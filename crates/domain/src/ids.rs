//! Typed ids. All are cheap to clone (shared text) and compare byte by byte.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

use thiserror::Error;

/// Longest id, in bytes of UTF-8. An e-mail address (254) and a UUID fit; index keys stay small.
pub const ID_BYTES_MAX: usize = 255;

/// Why a text is not an id. The peer's fault; never retryable as it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum InvalidId {
    /// No character at all.
    #[error("must not be empty")]
    Empty,
    /// More than [`ID_BYTES_MAX`] bytes.
    #[error("must not be longer than {ID_BYTES_MAX} bytes")]
    TooLong,
    /// A control character, which no door could show or log safely.
    #[error("must not contain control characters")]
    ControlCharacter,
}

fn check(text: &str) -> Result<(), InvalidId> {
    if text.is_empty() {
        return Err(InvalidId::Empty);
    }
    if text.len() > ID_BYTES_MAX {
        return Err(InvalidId::TooLong);
    }
    if text.chars().any(char::is_control) {
        return Err(InvalidId::ControlCharacter);
    }
    Ok(())
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Checks and wraps `text`: 1 to [`ID_BYTES_MAX`] bytes, no control characters.
            ///
            /// # Errors
            /// [`InvalidId`] says which rule `text` breaks.
            pub fn new(text: &str) -> Result<Self, InvalidId> {
                check(text)?;
                Ok(Self(Arc::from(text)))
            }

            /// The id as it was given.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({:?})"), &*self.0)
            }
        }
    };
}

text_id!(
    /// A room, as clients name it. A support room has its customer's user id; other rooms' ids are
    /// given out by the engine. Logs that are no room of people (the desk's, a user's inbox) have
    /// ids that [`RoomId::new`] refuses, so that no client can name one.
    RoomId
);
text_id!(
    /// A user, as the host application names it: the token's subject.
    UserId
);
text_id!(
    /// What a client calls one message of its own, so that sending it again is safe.
    /// Unique per sender and room; chosen by the client.
    ClientId
);

/// What ids begin with that no client can name: a control character.
const INTERNAL: char = '\u{1}';

impl RoomId {
    /// Whether it is the id of this user's support room, which has its customer's.
    #[must_use]
    pub fn is_support_of(&self, user: &UserId) -> bool {
        self.as_str() == user.as_str()
    }

    /// The log of the support desk's changes.
    #[must_use]
    pub fn desk() -> Self {
        Self(Arc::from(format!("{INTERNAL}desk")))
    }

    /// The log of `user`'s notifications.
    #[must_use]
    pub fn inbox(user: &UserId) -> Self {
        Self(Arc::from(format!("{INTERNAL}inbox/{user}")))
    }

    /// What clients are shown: the id, and a word for an internal one.
    #[must_use]
    pub fn shown(&self) -> &str {
        match self.0.strip_prefix(INTERNAL) {
            Some(internal) => internal.split('/').next().unwrap_or(internal),
            None => &self.0,
        }
    }

    /// Whether it is one that no client can name.
    #[must_use]
    pub fn is_internal(&self) -> bool {
        self.0.starts_with(INTERNAL)
    }

    /// Whether it is the log of somebody's notifications.
    #[must_use]
    pub fn is_inbox(&self) -> bool {
        self.0
            .strip_prefix(INTERNAL)
            .is_some_and(|id| id.starts_with("inbox/"))
    }

    /// An id that a store or another node has kept, the internal ones among them.
    ///
    /// # Errors
    /// [`InvalidId`]: it was never an id.
    pub fn kept(text: &str) -> Result<Self, InvalidId> {
        match text.strip_prefix(INTERNAL) {
            Some("desk") => Ok(Self::desk()),
            Some(rest) => match rest.strip_prefix("inbox/") {
                Some(user) => Ok(Self::inbox(&UserId::new(user)?)),
                None => Err(InvalidId::ControlCharacter),
            },
            None => Self::new(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_one_to_255_bytes_without_control_characters() {
        assert!(RoomId::new("고객@example.com").is_ok());
        assert!(RoomId::new(&"x".repeat(255)).is_ok());
        assert_eq!(RoomId::new(""), Err(InvalidId::Empty));
        assert_eq!(RoomId::new(&"x".repeat(256)), Err(InvalidId::TooLong));
        assert_eq!(RoomId::new("a\nb"), Err(InvalidId::ControlCharacter));
    }

    #[test]
    fn internal_logs_cannot_be_named_from_outside_and_survive_being_kept() {
        let user = UserId::new("kim").unwrap();
        for id in [RoomId::desk(), RoomId::inbox(&user)] {
            assert!(id.is_internal());
            assert!(["desk", "inbox"].contains(&id.shown()));
            assert!(RoomId::new(id.as_str()).is_err());
            assert_eq!(RoomId::kept(id.as_str()), Ok(id));
        }
        assert!(RoomId::kept("\u{1}other").is_err());
        assert!(!RoomId::kept("kim").unwrap().is_internal());
    }
}
