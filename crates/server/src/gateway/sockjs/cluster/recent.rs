//! What is remembered for a while.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::time::Duration;

use tokio::time::Instant;

/// The newest entries: at most so many, and none for longer than its age.
pub(super) struct Recent<K, V> {
    entries: HashMap<K, (V, Instant)>,
    /// By when they were put in; some were put in again since.
    order: VecDeque<(K, Instant)>,
    entries_max: usize,
    age_max: Duration,
}

impl<K: Copy + Eq + Hash, V> Recent<K, V> {
    pub(super) fn new(entries_max: usize, age_max: Duration) -> Self {
        Self {
            entries: HashMap::new(),
            order: VecDeque::new(),
            entries_max,
            age_max,
        }
    }

    pub(super) fn insert(&mut self, key: K, value: V) {
        let now = Instant::now();
        self.order.push_back((key, now));
        self.entries.insert(key, (value, now));
        while let Some((key, at)) = self.order.front() {
            let is_due = self.order.len() > self.entries_max || *at + self.age_max < now;
            if !is_due {
                return;
            }
            if self
                .entries
                .get(key)
                .is_some_and(|(_, newest)| newest == at)
            {
                self.entries.remove(key);
            }
            self.order.pop_front();
        }
    }

    pub(super) fn get(&self, key: &K) -> Option<&V> {
        let (value, at) = self.entries.get(key)?;
        (*at + self.age_max >= Instant::now()).then_some(value)
    }

    pub(super) fn remove(&mut self, key: &K) {
        self.entries.remove(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_oldest_make_place_and_nothing_is_kept_longer_than_its_age() {
        let mut recent = Recent::new(2, Duration::from_secs(10));
        for (key, value) in [(1, 'a'), (2, 'b'), (3, 'c')] {
            recent.insert(key, value);
            tokio::time::advance(Duration::from_secs(1)).await;
        }
        assert_eq!(recent.get(&1), None);
        assert_eq!(recent.get(&2), Some(&'b'));
        recent.remove(&2);
        assert_eq!(recent.get(&2), None);
        tokio::time::advance(Duration::from_secs(10)).await;
        assert_eq!(recent.get(&3), None);
        recent.insert(4, 'd');
        assert_eq!(recent.entries.len(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_put_in_again_takes_no_place_for_ever() {
        let mut recent = Recent::new(2, Duration::from_secs(10));
        for _ in 0..100 {
            recent.insert(1, ());
            tokio::time::advance(Duration::from_millis(1)).await;
        }
        assert!(recent.order.len() <= 2);
        assert!(recent.get(&1).is_some());
    }
}
