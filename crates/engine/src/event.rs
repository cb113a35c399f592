//! Events on their way to sessions, and what was rendered of them.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use madang_domain::Message;

/// How many renderings an event can hold: formats are numbered by the server's doors.
pub const RENDERINGS_MAX: usize = 16;

/// The parts of an event that all receivers of one format share: rendered by the first receiver,
/// read by the others.
#[derive(Debug, Default)]
pub struct Renderings([OnceLock<Rendering>; RENDERINGS_MAX]);

/// What all receivers of one format share of an event.
#[derive(Debug, Clone)]
pub struct Rendering {
    /// The shared bytes.
    pub bytes: Bytes,
    /// Whether they are UTF-8 throughout, as a WebSocket text frame must be.
    pub is_text: bool,
}

impl Renderings {
    /// The rendering in `format`, made by `render` if this is its first receiver.
    ///
    /// # Panics
    /// When `format` is not below [`RENDERINGS_MAX`]: a defect of the caller.
    pub fn get_or_render(&self, format: usize, render: impl FnOnce() -> Rendering) -> &Rendering {
        self.0[format].get_or_init(render)
    }
}

/// An accepted message on its way to the subscribers of its room.
#[derive(Debug)]
pub struct RoomEvent {
    /// The message.
    pub message: Arc<Message>,
    /// What was rendered of it.
    pub renderings: Renderings,
}

/// A room's events that were accepted together, shared by all who have yet to write them.
/// Consecutive and in order.
pub type EventBatch = Arc<[RoomEvent]>;

impl RoomEvent {
    /// An event of which nothing is rendered yet.
    #[must_use]
    pub fn new(message: Arc<Message>) -> Self {
        Self {
            message,
            renderings: Renderings::default(),
        }
    }
}

/// A message of an application topic: fanned out, never stored.
#[derive(Debug)]
pub struct TopicEvent {
    /// Where it was published.
    pub destination: Arc<str>,
    /// Unique per node and time of its start; opaque.
    pub id: String,
    /// The publisher's own headers, in order, names not yet rendered for any version.
    pub headers: Vec<(String, String)>,
    /// Any bytes.
    pub body: Bytes,
    /// What was rendered of it.
    pub renderings: Renderings,
}
