//! Users whose tokens were revoked: what was issued to them until then counts no more.

use std::collections::HashMap;

use madang_domain::{Timestamp, UserId};
use parking_lot::RwLock;

/// Users of whom it is known. A revocation is worth keeping for as long as the host's tokens live.
const USERS_MAX: usize = 100_000;

/// When which users' tokens were revoked, in memory. Whoever keeps revocations for longer loads
/// them at the start, and hands on those of other nodes.
pub(super) struct Revocations {
    users_max: usize,
    known: RwLock<Known>,
}

struct Known {
    /// The second of each user's last revocation.
    seconds: HashMap<UserId, i64>,
    /// Nobody's token of this second or before counts: revocations were forgotten up to here.
    everybody: i64,
}

impl Revocations {
    /// Nothing is revoked.
    pub(super) fn new() -> Self {
        Self::with_room_for(USERS_MAX)
    }

    fn with_room_for(users_max: usize) -> Self {
        Self {
            users_max,
            known: RwLock::new(Known {
                seconds: HashMap::new(),
                everybody: i64::MIN,
            }),
        }
    }

    /// Revokes what was issued to each user until their time. An earlier revocation than one that is
    /// known changes nothing.
    ///
    /// When more users are known than there is room for, the oldest revocations are forgotten, and
    /// whatever was issued to anybody until then is revoked in their place: people sign in again, but
    /// no revoked token comes back.
    pub(super) fn revoke(&self, revoked: impl IntoIterator<Item = (UserId, Timestamp)>) {
        let mut known = self.known.write();
        for (user, at) in revoked {
            let second = known.seconds.entry(user).or_insert(i64::MIN);
            *second = (*second).max(at.as_secs());
            if known.seconds.len() > self.users_max {
                known.forget_oldest();
            }
        }
    }

    /// Whether a token of the user counts that was issued then. One of the second of the user's
    /// revocation or before does not, nor one that does not say when.
    pub(super) fn allow(&self, user: &UserId, issued_at: Option<Timestamp>) -> bool {
        let known = self.known.read();
        let user = known.seconds.get(user).copied();
        let revoked = user.unwrap_or(i64::MIN).max(known.everybody);
        let issued = issued_at.map(Timestamp::as_secs);
        revoked == i64::MIN || issued.is_some_and(|issued| issued > revoked)
    }
}

impl Known {
    /// Makes room by an eighth at once, so that each revocation costs little.
    fn forget_oldest(&mut self) {
        let mut seconds: Vec<i64> = self.seconds.values().copied().collect();
        let index = seconds.len() / 8;
        let (_, newest_forgotten, _) = seconds.select_nth_unstable(index);
        let everybody = self.everybody.max(*newest_forgotten);
        self.everybody = everybody;
        self.seconds.retain(|_, second| *second > everybody);
        tracing::warn!(
            until = everybody,
            kept = self.seconds.len(),
            "too many users' tokens were revoked: all tokens issued until then are refused"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(id: &str) -> UserId {
        UserId::new(id).unwrap()
    }

    fn at(seconds: f64) -> Timestamp {
        #[allow(clippy::cast_possible_truncation)]
        Timestamp::from_micros((seconds * 1e6) as i64)
    }

    fn counts(revocations: &Revocations, id: &str, issued_at: Option<f64>) -> bool {
        revocations.allow(&user(id), issued_at.map(at))
    }

    #[test]
    fn what_was_issued_until_the_second_of_the_revocation_counts_no_more() {
        let revocations = Revocations::new();
        assert!(counts(&revocations, "kim", None), "nothing is revoked yet");
        revocations.revoke([(user("kim"), at(100.5))]);
        for (issued_at, expected) in [
            (None, false),
            (Some(99.0), false),
            (Some(100.0), false),
            (Some(100.9), false),
            (Some(101.0), true),
        ] {
            assert_eq!(
                counts(&revocations, "kim", issued_at),
                expected,
                "{issued_at:?}"
            );
            assert!(counts(&revocations, "lee", issued_at), "nobody else's");
        }
    }

    #[test]
    fn an_older_revocation_does_not_bring_tokens_back() {
        let revocations = Revocations::new();
        revocations.revoke([(user("kim"), at(200.0)), (user("kim"), at(100.0))]);
        assert!(!counts(&revocations, "kim", Some(150.0)));
        assert!(counts(&revocations, "kim", Some(201.0)));
    }

    #[test]
    fn when_too_many_are_known_no_revoked_token_comes_back() {
        let revocations = Revocations::with_room_for(16);
        for n in 0..100_u32 {
            let second = f64::from(1000 + n);
            revocations.revoke([(user(&n.to_string()), at(second))]);
            assert!(revocations.known.read().seconds.len() <= 16);
            for earlier in 0..=n {
                let issued_at = f64::from(1000 + earlier);
                assert!(!counts(&revocations, &earlier.to_string(), Some(issued_at)));
                assert!(!counts(&revocations, &earlier.to_string(), None));
            }
        }
        assert!(counts(&revocations, "anybody", Some(1100.0)));
    }

    #[test]
    fn revocations_of_one_second_that_fill_the_table_are_kept_for_all() {
        let revocations = Revocations::with_room_for(4);
        let users = (0..9).map(|n| (user(&n.to_string()), at(50.0)));
        revocations.revoke(users);
        for n in 0..9 {
            assert!(!counts(&revocations, &n.to_string(), Some(50.0)));
        }
        assert!(counts(&revocations, "0", Some(51.0)));
    }
}
