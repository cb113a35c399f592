//! Where the requests of a session find it.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use parking_lot::Mutex;

use super::cluster::SessionKey;
use super::link::Link;

/// Why a session was not added.
pub(super) enum Taken {
    /// This one has the id.
    By(Arc<Link>),
    /// No more sessions are taken.
    Full,
}

/// The sessions that this gateway has, by the id that their client chose.
pub(super) struct Directory {
    links: Mutex<Links>,
    sessions_max: usize,
}

#[derive(Default)]
struct Links {
    by_key: HashMap<SessionKey, Entry>,
    /// Those whose client was not known when somebody last looked, by age.
    unidentified: BTreeMap<u64, SessionKey>,
    next: u64,
}

struct Entry {
    link: Arc<Link>,
    number: u64,
}

impl Directory {
    /// At most `sessions_max` sessions at a time, those that ended a moment ago included.
    pub(super) fn new(sessions_max: usize) -> Self {
        Self {
            links: Mutex::default(),
            sessions_max,
        }
    }

    /// The session with that id.
    pub(super) fn find(&self, key: &SessionKey) -> Option<Arc<Link>> {
        let links = self.links.lock();
        links.by_key.get(key).map(|entry| Arc::clone(&entry.link))
    }

    /// Adds a session. Where that makes too many, the oldest whose client is not known is forgotten
    /// and answered: the caller has to end it.
    ///
    /// # Errors
    /// There is one, which is handed back, or there are too many.
    pub(super) fn insert(
        &self,
        key: SessionKey,
        link: &Arc<Link>,
    ) -> Result<Option<Arc<Link>>, Taken> {
        let mut links = self.links.lock();
        if let Some(other) = links.by_key.get(&key) {
            return Err(Taken::By(Arc::clone(&other.link)));
        }
        let evicted = match links.by_key.len() >= self.sessions_max {
            true => Some(links.evict().ok_or(Taken::Full)?),
            false => None,
        };
        let number = links.next;
        links.next += 1;
        links.unidentified.insert(number, key);
        let link = Arc::clone(link);
        links.by_key.insert(key, Entry { link, number });
        Ok(evicted)
    }

    /// Forgets this session, if it is still the one with that id.
    pub(super) fn remove(&self, key: &SessionKey, link: &Arc<Link>) {
        let mut links = self.links.lock();
        let is_it = |entry: &&Entry| Arc::ptr_eq(&entry.link, link);
        if let Some(number) = links
            .by_key
            .get(key)
            .filter(is_it)
            .map(|entry| entry.number)
        {
            links.by_key.remove(key);
            links.unidentified.remove(&number);
        }
    }
}

impl Links {
    /// Forgets the oldest session whose client is not known. Each is looked at once in its life.
    fn evict(&mut self) -> Option<Arc<Link>> {
        loop {
            let (_, key) = self.unidentified.pop_first()?;
            let is_known = |entry: &Entry| entry.link.is_identified();
            if self.by_key.get(&key).is_some_and(is_known) {
                continue;
            }
            if let Some(entry) = self.by_key.remove(&key) {
                return Some(entry.link);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use madang_wire::sockjs::Revision;

    use super::super::link::LinkOptions;
    use super::*;

    fn link() -> Arc<Link> {
        Arc::new(Link::new(LinkOptions {
            response_bytes_max: 1,
            inbox_bytes_max: 1,
            disconnect_delay: Duration::ZERO,
            revision: Revision::V1_0,
        }))
    }

    fn inserted(directory: &Directory, id: &str) -> Option<Arc<Link>> {
        let result = directory.insert(SessionKey::of(id), &link());
        result.unwrap_or_else(|_| panic!("{id} is not taken"))
    }

    fn found(directory: &Directory, id: &str) -> Option<Arc<Link>> {
        directory.find(&SessionKey::of(id))
    }

    #[test]
    fn the_oldest_session_of_a_stranger_makes_place_and_known_clients_stay() {
        let directory = Directory::new(3);
        for id in ["known", "old", "new"] {
            assert!(inserted(&directory, id).is_none());
        }
        found(&directory, "known").unwrap().set_identified();
        let old = found(&directory, "old").unwrap();
        let evicted = inserted(&directory, "next").unwrap();
        assert!(Arc::ptr_eq(&evicted, &old));
        assert!(found(&directory, "old").is_none());
        assert!(found(&directory, "known").is_some() && found(&directory, "new").is_some());
        for id in ["new", "next"] {
            found(&directory, id).unwrap().set_identified();
        }
        assert!(matches!(
            directory.insert(SessionKey::of("more"), &link()),
            Err(Taken::Full)
        ));
    }

    #[test]
    fn the_end_of_an_evicted_session_does_not_forget_the_one_that_has_its_id_now() {
        let directory = Directory::new(1);
        assert!(inserted(&directory, "a").is_none());
        let first = inserted(&directory, "b").unwrap();
        let second = inserted(&directory, "a").unwrap();
        directory.remove(&SessionKey::of("a"), &first);
        directory.remove(&SessionKey::of("b"), &second);
        let third = found(&directory, "a").unwrap();
        directory.remove(&SessionKey::of("a"), &third);
        assert!(found(&directory, "a").is_none());
        assert!(inserted(&directory, "c").is_none(), "the place is free");
    }
}
