//! Where the requests of a session find it.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use parking_lot::Mutex;

use super::link::Link;

/// Finds sessions by the id that their client chose. On one node a map; a cluster's looks
/// elsewhere for what is not here.
pub(crate) trait Directory: Send + Sync {
    /// The session with that id.
    fn find(&self, id: &str) -> Option<Arc<Link>>;

    /// Adds a session. Where that makes too many, the oldest whose client is not known is forgotten
    /// and answered: the caller has to end it.
    ///
    /// # Errors
    /// There is one, which is handed back, or there are too many.
    fn insert(&self, id: &str, link: &Arc<Link>) -> Result<Option<Arc<Link>>, Taken>;

    /// Forgets this session, if it is still the one with that id.
    fn remove(&self, id: &str, link: &Arc<Link>);
}

/// Why a session was not added.
pub(crate) enum Taken {
    /// This one has the id.
    By(Arc<Link>),
    /// No more sessions are taken.
    Full,
}

/// The sessions of this process.
pub(crate) struct LocalDirectory {
    links: Mutex<Links>,
    sessions_max: usize,
}

#[derive(Default)]
struct Links {
    by_id: HashMap<Box<str>, Entry>,
    /// Those whose client was not known when somebody last looked, by age.
    unidentified: BTreeMap<u64, Box<str>>,
    next: u64,
}

struct Entry {
    link: Arc<Link>,
    number: u64,
}

impl LocalDirectory {
    /// At most `sessions_max` sessions at a time, those that ended a moment ago included.
    pub(crate) fn new(sessions_max: usize) -> Self {
        Self {
            links: Mutex::default(),
            sessions_max,
        }
    }
}

impl Directory for LocalDirectory {
    fn find(&self, id: &str) -> Option<Arc<Link>> {
        let links = self.links.lock();
        links.by_id.get(id).map(|entry| Arc::clone(&entry.link))
    }

    fn insert(&self, id: &str, link: &Arc<Link>) -> Result<Option<Arc<Link>>, Taken> {
        let mut links = self.links.lock();
        if let Some(other) = links.by_id.get(id) {
            return Err(Taken::By(Arc::clone(&other.link)));
        }
        let evicted = match links.by_id.len() >= self.sessions_max {
            true => Some(links.evict().ok_or(Taken::Full)?),
            false => None,
        };
        let number = links.next;
        links.next += 1;
        links.unidentified.insert(number, id.into());
        let link = Arc::clone(link);
        links.by_id.insert(id.into(), Entry { link, number });
        Ok(evicted)
    }

    fn remove(&self, id: &str, link: &Arc<Link>) {
        let mut links = self.links.lock();
        let is_it = |entry: &&Entry| Arc::ptr_eq(&entry.link, link);
        if let Some(number) = links.by_id.get(id).filter(is_it).map(|entry| entry.number) {
            links.by_id.remove(id);
            links.unidentified.remove(&number);
        }
    }
}

impl Links {
    /// Forgets the oldest session whose client is not known. Each is looked at once in its life.
    fn evict(&mut self) -> Option<Arc<Link>> {
        loop {
            let (_, id) = self.unidentified.pop_first()?;
            let is_known = |entry: &Entry| entry.link.is_identified();
            if self.by_id.get(&id).is_some_and(is_known) {
                continue;
            }
            if let Some(entry) = self.by_id.remove(&id) {
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

    fn inserted(directory: &LocalDirectory, id: &str) -> Option<Arc<Link>> {
        let result = directory.insert(id, &link());
        result.unwrap_or_else(|_| panic!("{id} is not taken"))
    }

    #[test]
    fn the_oldest_session_of_a_stranger_makes_place_and_known_clients_stay() {
        let directory = LocalDirectory::new(3);
        for id in ["known", "old", "new"] {
            assert!(inserted(&directory, id).is_none());
        }
        directory.find("known").unwrap().set_identified();
        let old = directory.find("old").unwrap();
        let evicted = inserted(&directory, "next").unwrap();
        assert!(Arc::ptr_eq(&evicted, &old));
        assert!(directory.find("old").is_none());
        assert!(directory.find("known").is_some() && directory.find("new").is_some());
        for id in ["new", "next"] {
            directory.find(id).unwrap().set_identified();
        }
        assert!(matches!(
            directory.insert("more", &link()),
            Err(Taken::Full)
        ));
    }

    #[test]
    fn the_end_of_an_evicted_session_does_not_forget_the_one_that_has_its_id_now() {
        let directory = LocalDirectory::new(1);
        assert!(inserted(&directory, "a").is_none());
        let first = inserted(&directory, "b").unwrap();
        let second = inserted(&directory, "a").unwrap();
        directory.remove("a", &first);
        directory.remove("b", &second);
        let third = directory.find("a").unwrap();
        directory.remove("a", &third);
        assert!(directory.find("a").is_none());
        assert!(inserted(&directory, "c").is_none(), "the place is free");
    }
}
