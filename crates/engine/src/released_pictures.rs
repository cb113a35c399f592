//! Pictures that rooms let go of: whoever keeps them may remove them.

use std::sync::Arc;

use tokio::sync::broadcast;

use crate::engine::Engine;

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
    pub(crate) fn tell(&self, link: Arc<str>) {
        // An error says that nobody listens.
        drop(self.0.send(link));
    }
}

impl Engine {
    /// The link to every picture that a room lets go of from now on, by a change that this node
    /// commits: another took its place, or it or the room is gone. At most once each; what a node
    /// that is killed had yet to tell nobody tells.
    #[must_use]
    pub fn subscribe_released_pictures(&self) -> broadcast::Receiver<Arc<str>> {
        self.released.0.subscribe()
    }
}
