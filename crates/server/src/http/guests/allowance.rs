//! How many of something an address may have in an hour: the generic cell rate algorithm (ITU-T
//! I.371), which needs one time stamp for each.

use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::listener::Origin;

const HOUR_MS: u64 = 60 * 60 * 1000;

/// Time stamps, 8 bytes each, whoever comes. Addresses that share one share what they may have; which
/// do differs from one start to the next and cannot be sought out.
const SLOTS: usize = 32 * 1024;

/// What each address may still have. Never grows.
pub(super) struct Allowance {
    /// Milliseconds of the hour that one takes; 0 for no bound.
    unit_ms: u64,
    /// When all that was had would have been had at exactly the rate, in milliseconds since `started`.
    paid_ms: Box<[AtomicU64]>,
    hasher: RandomState,
    started: Instant,
}

impl Allowance {
    /// So many in an hour, and as many at once; 0 for no bound.
    pub(super) fn per_hour(most: u32) -> Self {
        let (unit_ms, slots) = match most {
            0 => (0, 0),
            most => ((HOUR_MS / u64::from(most)).max(1), SLOTS),
        };
        Self {
            unit_ms,
            paid_ms: std::iter::repeat_with(AtomicU64::default)
                .take(slots)
                .collect(),
            hasher: RandomState::new(),
            started: Instant::now(),
        }
    }

    /// Takes one for the address, or of what all have together that came from nowhere known.
    ///
    /// # Errors
    /// It had what it may have: after so long it gets another.
    pub(super) fn charge(&self, address: Option<IpAddr>) -> Result<(), Duration> {
        let now = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.charge_at(address, now)
    }

    fn charge_at(&self, address: Option<IpAddr>, now: u64) -> Result<(), Duration> {
        if self.unit_ms == 0 {
            return Ok(());
        }
        let hash = self.hasher.hash_one(address.map(Origin::of));
        // The remainder is below the number of slots, which is a usize.
        #[allow(clippy::cast_possible_truncation)]
        let slot = &self.paid_ms[(hash % SLOTS as u64) as usize];
        let after = |paid: u64| paid.max(now).saturating_add(self.unit_ms);
        let fits = |paid| (after(paid) <= now.saturating_add(HOUR_MS)).then_some(after(paid));
        let charged = slot.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits);
        charged.map(drop).map_err(|paid| {
            let early = after(paid).saturating_sub(now.saturating_add(HOUR_MS));
            Duration::from_millis(early)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(allowance: &Allowance, address: &str, now: u64) -> Result<(), u128> {
        let address = Some(address.parse().unwrap());
        let charged = allowance.charge_at(address, now);
        charged.map_err(|wait| wait.as_millis())
    }

    #[test]
    fn an_address_gets_an_hours_worth_at_once_and_then_only_the_rate() {
        let allowance = Allowance::per_hour(4);
        let quarter = HOUR_MS / 4;
        for _ in 0..4 {
            assert_eq!(take(&allowance, "192.0.2.1", 5), Ok(()));
        }
        assert_eq!(take(&allowance, "192.0.2.1", 5), Err(u128::from(quarter)));
        assert_eq!(take(&allowance, "192.0.2.1", 4 + quarter), Err(1));
        assert_eq!(take(&allowance, "192.0.2.1", 5 + quarter), Ok(()));
        assert!(take(&allowance, "192.0.2.1", 5 + quarter).is_err());
        let much_later = 100 * HOUR_MS;
        for _ in 0..4 {
            assert_eq!(take(&allowance, "192.0.2.1", much_later), Ok(()));
        }
        assert!(take(&allowance, "192.0.2.1", much_later).is_err());
    }

    #[test]
    fn a_network_of_ipv6_is_one_address_and_others_have_their_own() {
        let allowance = Allowance::per_hour(1);
        assert_eq!(take(&allowance, "2001:db8:0:1::1", 0), Ok(()));
        assert!(take(&allowance, "2001:db8:0:1:ffff::2", 0).is_err());
        // Of hundreds some may share a slot with another, never most.
        let others = (0..=255).filter(|n| take(&allowance, &format!("192.0.2.{n}"), 0).is_ok());
        assert!(others.count() > 200);
    }

    #[test]
    fn those_who_come_from_nowhere_known_share_what_they_may_have() {
        let allowance = Allowance::per_hour(1);
        assert!(allowance.charge_at(None, 0).is_ok());
        assert!(allowance.charge_at(None, 0).is_err());
    }

    #[test]
    fn zero_is_no_bound_and_takes_no_memory() {
        let allowance = Allowance::per_hour(0);
        assert!(allowance.paid_ms.is_empty());
        for _ in 0..1000 {
            assert_eq!(take(&allowance, "192.0.2.1", 0), Ok(()));
        }
    }
}
