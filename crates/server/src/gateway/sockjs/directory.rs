//! Where the requests of a session find it.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;

use super::link::Link;

/// Finds sessions by the id that their client chose. On one node a map; a cluster's looks
/// elsewhere for what is not here.
pub(crate) trait Directory: Send + Sync {
    /// The session with that id.
    fn find(&self, id: &str) -> Option<Arc<Link>>;

    /// Adds a session.
    ///
    /// # Errors
    /// There is one, which is handed back, or there are too many.
    fn insert(&self, id: &str, link: &Arc<Link>) -> Result<(), Taken>;

    /// Forgets a session.
    fn remove(&self, id: &str);
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
    links: Mutex<HashMap<Box<str>, Arc<Link>>>,
    sessions_max: usize,
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
        self.links.lock().get(id).cloned()
    }

    fn insert(&self, id: &str, link: &Arc<Link>) -> Result<(), Taken> {
        let mut links = self.links.lock();
        if let Some(other) = links.get(id) {
            return Err(Taken::By(Arc::clone(other)));
        }
        if links.len() >= self.sessions_max {
            return Err(Taken::Full);
        }
        links.insert(id.into(), Arc::clone(link));
        Ok(())
    }

    fn remove(&self, id: &str) {
        self.links.lock().remove(id);
    }
}
