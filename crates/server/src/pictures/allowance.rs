//! How much each person may upload: a stranger with a token must not fill the store.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use madang_domain::UserId;
use parking_lot::Mutex;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Persons that are counted; with more of them in a day counting starts anew, so that memory is
/// bounded and nobody is refused for others.
const PERSONS_MAX: usize = 100_000;

/// Counts uploads of persons over a day, which begins anew for everybody at the same moment.
pub(super) struct Allowance {
    /// Uploads of a person in a day; 0 is no bound.
    per_day_max: u32,
    day: Mutex<Day>,
}

struct Day {
    began: Instant,
    uploads: HashMap<UserId, u32>,
}

impl Allowance {
    pub(super) fn new(per_day_max: u32, now: Instant) -> Self {
        Self {
            per_day_max,
            day: Mutex::new(Day {
                began: now,
                uploads: HashMap::new(),
            }),
        }
    }

    /// Counts one more upload of `user`; false when it is one too many.
    pub(super) fn take(&self, user: &UserId, now: Instant) -> bool {
        if self.per_day_max == 0 {
            return true;
        }
        let mut day = self.day.lock();
        if now.duration_since(day.began) >= DAY || day.uploads.len() >= PERSONS_MAX {
            day.began = now;
            day.uploads = HashMap::new();
        }
        let uploads = day.uploads.entry(user.clone()).or_default();
        if *uploads >= self.per_day_max {
            return false;
        }
        *uploads += 1;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_has_so_many_uploads_a_day_and_takes_none_of_others() {
        let now = Instant::now();
        let allowance = Allowance::new(2, now);
        let [kim, lee] = ["kim", "lee"].map(|id| UserId::new(id).unwrap());
        let took: Vec<_> = (0..3).map(|_| allowance.take(&kim, now)).collect();
        assert_eq!(took, [true, true, false]);
        assert!(allowance.take(&lee, now));
        assert!(!allowance.take(&kim, now + DAY / 2));
        assert!(allowance.take(&kim, now + DAY));
    }

    #[test]
    fn without_a_bound_nobody_is_counted() {
        let now = Instant::now();
        let allowance = Allowance::new(0, now);
        let kim = UserId::new("kim").unwrap();
        assert!((0..1000).all(|_| allowance.take(&kim, now)));
        assert!(allowance.day.lock().uploads.is_empty());
    }
}
