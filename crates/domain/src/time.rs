//! Points in time, as the store keeps them.

use std::time::Duration;

/// Microseconds since 1970-01-01T00:00:00Z. Negative before that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// Wraps a count of microseconds since the Unix epoch.
    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Microseconds since the Unix epoch.
    #[must_use]
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// So long before this moment; the first there is, where that would be before it.
    #[must_use]
    pub fn before(self, by: Duration) -> Self {
        Self(self.0.saturating_sub(micros(by)))
    }

    /// So long after this moment; the last there is, where that would be after it.
    #[must_use]
    pub fn after(self, by: Duration) -> Self {
        Self(self.0.saturating_add(micros(by)))
    }

    /// Whole seconds since the Unix epoch, rounded down.
    #[must_use]
    pub const fn as_secs(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_far_away_is_the_first_or_the_last_moment() {
        let now = Timestamp::from_micros(1_000_000);
        let second = Duration::from_secs(1);
        assert_eq!(now.before(second), Timestamp::from_micros(0));
        assert_eq!(now.after(second), Timestamp::from_micros(2_000_000));
        let early = Timestamp::from_micros(i64::MIN + 1);
        assert_eq!(early.before(second), Timestamp::from_micros(i64::MIN));
        assert_eq!(now.after(Duration::MAX), Timestamp::from_micros(i64::MAX));
    }
}
