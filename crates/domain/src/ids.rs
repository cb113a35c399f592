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
    /// A room, as clients name it. A support room has its customer's user id.
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
}
