//! Where a cursor stands in a room's log.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// The number of a message in its room: 1, 2, 3 … without gaps. 0 stands before the first message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seq(u64);

impl Seq {
    /// Before the first message.
    pub const ZERO: Self = Self(0);
    /// After every message: stores keep `seq` as a signed 64-bit integer.
    pub const MAX: Self = Self(i64::MAX as u64);

    /// Wraps `n`; a value above [`Seq::MAX`] is cut to it.
    #[must_use]
    pub const fn new(n: u64) -> Self {
        if n > Self::MAX.0 { Self::MAX } else { Self(n) }
    }

    /// The plain number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The number after this one; [`Seq::MAX`] stays.
    #[must_use]
    pub const fn next(self) -> Self {
        Self::new(self.0 + 1)
    }

    /// The number before this one; 0 stays.
    #[must_use]
    pub const fn previous(self) -> Self {
        Self(self.0.saturating_sub(1))
    }
}

impl fmt::Display for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One life of a room. A room that is deleted and created again under the same id gets another
/// epoch, so that an old position is never mistaken for one in the new log. Random, never 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Epoch(u64);

impl Epoch {
    /// Wraps `n`, cut to 48 bits and made at least 1, so that it fits every store's integers.
    #[must_use]
    pub const fn new(n: u64) -> Self {
        let cut = n & 0xffff_ffff_ffff;
        Self(if cut == 0 { 1 } else { cut })
    }

    /// The plain number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }
}

/// A place in a room's log: the message with this `seq` has been seen, the next is wanted.
///
/// Clients see it as opaque text and hand it back unchanged (STOMP headers `position` and `since`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Position {
    /// Which life of the room.
    pub epoch: Epoch,
    /// The last message seen; 0 for none.
    pub seq: Seq,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}-{}", self.epoch.0, self.seq.0)
    }
}

/// A text that no server of ours gave out as a position. The client's fault; not retryable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("not a position")]
pub struct InvalidPosition;

impl FromStr for Position {
    type Err = InvalidPosition;

    fn from_str(text: &str) -> Result<Self, InvalidPosition> {
        let (epoch, seq) = text.split_once('-').ok_or(InvalidPosition)?;
        let digits = |s: &str, radix| {
            let plain = !s.is_empty() && s.bytes().all(|b| b.is_ascii_alphanumeric());
            plain.then(|| u64::from_str_radix(s, radix).ok()).flatten()
        };
        let epoch = digits(epoch, 16).ok_or(InvalidPosition)?;
        let seq = digits(seq, 10).ok_or(InvalidPosition)?;
        if Epoch::new(epoch).get() != epoch || seq > Seq::MAX.get() {
            return Err(InvalidPosition);
        }
        Ok(Self {
            epoch: Epoch(epoch),
            seq: Seq(seq),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_position_survives_its_text(epoch: u64, seq: u64) {
            let position = Position { epoch: Epoch::new(epoch), seq: Seq::new(seq) };
            prop_assert_eq!(position.to_string().parse(), Ok(position));
        }

        #[test]
        fn any_other_text_is_refused_without_a_panic(text in "\\PC{0,24}") {
            if let Ok(position) = text.parse::<Position>() {
                prop_assert_eq!(position.to_string().parse(), Ok(position));
            }
        }
    }

    #[test]
    fn what_no_server_gave_out_is_refused() {
        for text in [
            "",
            "-",
            "1",
            "0-1",
            "1-",
            "-1",
            "+1-2",
            "1-+2",
            "1-9223372036854775808",
            "1-1-1",
        ] {
            assert_eq!(text.parse::<Position>(), Err(InvalidPosition), "{text}");
        }
    }
}
