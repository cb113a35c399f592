//! Uploads that no room has: whoever keeps them may remove them.

use std::sync::Arc;

use madang_domain::Error;
use tokio::sync::broadcast;

use crate::engine::{Engine, store_failed};

/// Links that may wait for whoever listens; of more, the oldest are not told.
const WAITING_MAX: usize = 1_024;

/// Tells whoever keeps pictures.
#[derive(Clone)]
pub(crate) struct ReleasedPictures(broadcast::Sender<Arc<str>>);

impl Default for ReleasedPictures {
    fn default() -> Self {
        Self(broadcast::Sender::new(WAITING_MAX))
    }
}

impl ReleasedPictures {
    /// Answers whether anybody listens on this node.
    pub(crate) fn tell(&self, link: Arc<str>) -> bool {
        self.0.send(link).is_ok()
    }
}

impl Engine {
    /// The link to every picture that a room lets go of from now on, by a change that this node
    /// commits, or one on which nobody subscribes: another took its place, or it or the room is gone. A hint: at most once each, and
    /// what a node that is killed had yet to tell nobody tells. An upload is retired by then.
    #[must_use]
    pub fn subscribe_released_pictures(&self) -> broadcast::Receiver<Arc<str>> {
        self.released.0.subscribe()
    }

    /// Which of these links to uploads rooms have, in the order asked. The others may be removed: no
    /// room can take them any more; see [`madang_domain::ports::Store::retire_uploads`].
    ///
    /// # Errors
    /// [`madang_domain::Code::Unavailable`]: retryable.
    pub async fn retire_uploads(&self, links: &[Arc<str>]) -> Result<Vec<bool>, Error> {
        let retired = self.store.retire_uploads(links, self.now()).await;
        retired.map_err(|error| store_failed(&error))
    }
}
