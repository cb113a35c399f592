//! How much of something each user may have in a day.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use madang_domain::{Timestamp, UserId};
use parking_lot::Mutex;

const HOUR_MICROS: i64 = 60 * 60 * 1_000_000;

/// What was had in an hour counts until so many hours later have begun.
const HOURS: i64 = 24 + 1;

/// Users who are counted. With more of them in a day counting starts anew, so that memory is bounded
/// and nobody is refused for others.
const USERS_MAX: usize = 100_000;

/// How much each user had in the last 24 hours, by the hour: 16 bytes for each hour in which they had
/// any. Of this node, and forgotten with it.
pub struct Allowance {
    /// 0 is no bound.
    per_day_max: u64,
    users_max: usize,
    had: Mutex<HashMap<UserId, VecDeque<Had>>>,
}

/// What a user had in one hour.
#[derive(Debug, Clone, Copy)]
struct Had {
    hour: i64,
    amount: u64,
}

impl Allowance {
    /// So much in any 24 hours; 0 for no bound.
    #[must_use]
    pub fn per_day(most: u64) -> Self {
        Self {
            per_day_max: most,
            users_max: USERS_MAX,
            had: Mutex::default(),
        }
    }

    /// Lets `user` have `amount` more, or nothing of it.
    ///
    /// # Errors
    /// It is more than is left: after so long it is not. Of what is more than a whole day's, when all
    /// of a day's is left.
    pub fn take(&self, user: &UserId, amount: u64, now: Timestamp) -> Result<(), Duration> {
        if self.per_day_max == 0 || amount == 0 {
            return Ok(());
        }
        let hour = hour_of(now);
        let mut all = self.had.lock();
        if all.len() >= self.users_max && !all.contains_key(user) {
            forget(&mut all, hour);
        }
        let had = all.entry(user.clone()).or_default();
        drop_until(had, hour);
        let sum: u64 = had.iter().map(|one| one.amount).sum();
        let over = sum.saturating_add(amount).saturating_sub(self.per_day_max);
        if over > 0 {
            return Err(until(released_at(had, over, hour), now));
        }
        match had.back_mut() {
            Some(last) if last.hour == hour => last.amount += amount,
            _ => had.push_back(Had { hour, amount }),
        }
        Ok(())
    }

    /// Gives back what `user` took and did not need.
    pub fn give_back(&self, user: &UserId, amount: u64) {
        let mut all = self.had.lock();
        let had = all.get_mut(user).into_iter().flatten();
        let mut left = amount;
        for one in had.rev() {
            let part = one.amount.min(left);
            one.amount -= part;
            left -= part;
        }
    }
}

const fn hour_of(at: Timestamp) -> i64 {
    at.as_micros().div_euclid(HOUR_MICROS)
}

fn drop_until(had: &mut VecDeque<Had>, hour: i64) {
    while had.front().is_some_and(|one| one.hour + HOURS <= hour) {
        had.pop_front();
    }
}

/// Those who had nothing for a day; everybody, if that does not help for long.
fn forget(all: &mut HashMap<UserId, VecDeque<Had>>, hour: i64) {
    let before = all.len();
    all.retain(|_, had| had.back().is_some_and(|last| last.hour + HOURS > hour));
    if all.len() > before / 2 {
        all.clear();
    }
}

/// The hour with which so much of it counts no more, or else all.
fn released_at(had: &VecDeque<Had>, over: u64, hour: i64) -> i64 {
    let mut released: u64 = 0;
    let enough = had.iter().find(|one| {
        released = released.saturating_add(one.amount);
        released >= over
    });
    enough
        .or(had.back())
        .map_or(hour + HOURS, |one| one.hour + HOURS)
}

/// How long it is until an hour begins.
fn until(hour: i64, now: Timestamp) -> Duration {
    let begins = hour.saturating_mul(HOUR_MICROS);
    let micros = begins.saturating_sub(now.as_micros());
    Duration::from_micros(u64::try_from(micros).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(60 * 60);

    fn user(id: &str) -> UserId {
        UserId::new(id).unwrap()
    }

    /// So many minutes after some hour began.
    fn at(minutes: i64) -> Timestamp {
        Timestamp::from_micros((480_000 * 60 + minutes) * 60 * 1_000_000)
    }

    #[test]
    fn a_user_has_so_much_in_any_24_hours_and_takes_none_of_others() {
        let allowance = Allowance::per_day(10);
        let (kim, lee) = (user("kim"), user("lee"));
        assert_eq!(allowance.take(&kim, 6, at(59)), Ok(()));
        assert_eq!(allowance.take(&kim, 4, at(120)), Ok(()));
        assert!(allowance.take(&kim, 1, at(120)).is_err());
        assert_eq!(allowance.take(&lee, 10, at(120)), Ok(()));
        assert!(allowance.take(&kim, 1, at(24 * 60 + 58)).is_err());
        assert_eq!(allowance.take(&kim, 6, at(25 * 60)), Ok(()));
        assert!(allowance.take(&kim, 1, at(25 * 60)).is_err());
    }

    #[test]
    fn whoever_is_refused_is_told_when_enough_is_released() {
        let allowance = Allowance::per_day(10);
        let kim = user("kim");
        for (amount, minutes) in [(3, 0), (3, 90), (4, 150)] {
            allowance.take(&kim, amount, at(minutes)).unwrap();
        }
        for (amount, hours) in [(1, 25), (3, 25), (4, 26), (6, 26), (7, 27), (11, 27)] {
            let wait = allowance.take(&kim, amount, at(180)).unwrap_err();
            assert_eq!(wait, HOUR * (hours - 3), "{amount}");
            let then = Timestamp::from_micros(at(180).as_micros() + wait.as_micros() as i64);
            let shortly_before = Timestamp::from_micros(then.as_micros() - 1);
            assert!(allowance.take(&kim, amount, shortly_before).is_err());
            if amount <= 10 {
                assert_eq!(allowance.take(&kim, amount, then), Ok(()), "{amount}");
                return_to(&allowance, &kim);
            }
        }
    }

    /// As it was before the last that was let have.
    fn return_to(allowance: &Allowance, kim: &UserId) {
        let mut all = allowance.had.lock();
        all.clear();
        let hours = [(3, at(0)), (3, at(90)), (4, at(150))];
        let had = hours.map(|(amount, at)| Had {
            hour: hour_of(at),
            amount,
        });
        all.insert(kim.clone(), VecDeque::from(had));
    }

    #[test]
    fn what_was_given_back_can_be_had_again() {
        let allowance = Allowance::per_day(10);
        let kim = user("kim");
        allowance.take(&kim, 4, at(0)).unwrap();
        allowance.take(&kim, 6, at(60)).unwrap();
        allowance.give_back(&kim, 8);
        assert_eq!(allowance.take(&kim, 8, at(60)), Ok(()));
        assert!(allowance.take(&kim, 1, at(60)).is_err());
        allowance.give_back(&user("lee"), 1);
    }

    #[test]
    fn without_a_bound_nobody_is_counted() {
        let allowance = Allowance::per_day(0);
        assert!((0..1000).all(|_| allowance.take(&user("kim"), u64::MAX, at(0)).is_ok()));
        assert!(allowance.had.lock().is_empty());
    }

    #[test]
    fn the_users_that_are_counted_are_bounded_and_those_of_yesterday_go_first() {
        let allowance = Allowance {
            users_max: 8,
            ..Allowance::per_day(1)
        };
        let take = |n: i64, minutes| allowance.take(&user(&n.to_string()), 1, at(minutes));
        for n in 0..7 {
            take(n, 0).unwrap();
        }
        take(7, 25 * 60).unwrap();
        take(8, 25 * 60).unwrap();
        assert!(take(7, 25 * 60).is_err(), "is not forgotten");
        for n in 9..100 {
            take(n, 25 * 60).unwrap();
            assert!(allowance.had.lock().len() <= 8);
        }
    }
}
