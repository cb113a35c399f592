//! Events on their way to sessions, and what was rendered of them.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use madang_domain::{Message, Position, RoomId, Seq, Timestamp, UserId};

/// The parts of an event that all receivers of one format share: rendered by the first receiver,
/// read by the others.
///
/// An append-only list of the formats in use: the first costs an atomic load and a comparison, each
/// further one a step more. Formats are numbered by the server's doors, in any way.
#[derive(Debug, Default)]
pub struct Renderings(OnceLock<Node>);

/// The first is part of the event, so that an event with one format allocates nothing for it.
#[derive(Debug)]
struct Node {
    format: usize,
    rendering: Rendering,
    next: OnceLock<Box<Node>>,
}

/// What all receivers of one format share of an event.
#[derive(Debug, Clone)]
pub struct Rendering {
    /// The shared bytes.
    pub bytes: Bytes,
    /// Whether they are UTF-8 throughout, as a WebSocket text frame must be.
    pub is_text: bool,
}

impl Renderings {
    /// The rendering in `format`, made by `render` if this is its first receiver. Each format is
    /// rendered once, however many threads ask; one that comes while another format is being added
    /// waits for that.
    pub fn get_or_render(&self, format: usize, render: impl Fn() -> Rendering) -> &Rendering {
        let new = || Node {
            format,
            rendering: render(),
            next: OnceLock::new(),
        };
        let mut node = self.0.get_or_init(new);
        while node.format != format {
            node = node.next.get_or_init(|| Box::new(new()));
        }
        &node.rendering
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
    /// Where it was published, as its subscribers name it: a user destination without the user.
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

/// What somebody in a room does that is not in its log: told to whoever listens now, never stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomSignal {
    /// Where.
    pub room: RoomId,
    /// Who. Their own sessions are told too: a client ignores its own user's signals, or shows on
    /// one device what was done on another.
    pub user: UserId,
    /// What others see as the user; `None` shows the id.
    pub name: Option<Arc<str>>,
    /// What they do.
    pub kind: SignalKind,
    /// When the server took it.
    pub at: Timestamp,
}

/// What a [`RoomSignal`] says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignalKind {
    /// The user writes a message, or stopped. Receivers forget it by themselves after a while: the
    /// end of it may be lost.
    Typing {
        /// `false`: stopped.
        active: bool,
    },
    /// The user has read everything up to `now`. Signals may overtake each other: the greatest
    /// position of a life of the room counts.
    Read {
        /// Where their mark stood when this was told last.
        before: Seq,
        /// Where it stands.
        now: Position,
    },
    /// The user, who belongs to the room already, came into it again.
    Entered,
    /// More members have read than are told one by one; the user is one of them. Who shows counts
    /// asks for them.
    ManyRead {
        /// How many are not told of, at most: one who marked twice is counted twice.
        readers: u64,
    },
}

impl SignalKind {
    /// Whether it is for those alone who may see the room's members
    /// ([`madang_domain::policy::may_see_members`]). That somebody came in again is for all readers,
    /// as the log's entries are that say who joined.
    #[must_use]
    pub const fn is_for_members(self) -> bool {
        !matches!(self, Self::Entered)
    }
}

/// A signal on its way to the subscribers of its room.
#[derive(Debug)]
pub struct SignalEvent {
    /// The signal.
    pub signal: RoomSignal,
    /// What was rendered of it.
    pub renderings: Renderings,
}

impl SignalEvent {
    /// An event of which nothing is rendered yet.
    #[must_use]
    pub fn new(signal: RoomSignal) -> Self {
        Self {
            signal,
            renderings: Renderings::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    fn rendering(format: usize) -> Rendering {
        Rendering {
            bytes: Bytes::from(format.to_string()),
            is_text: true,
        }
    }

    #[test]
    fn each_format_is_rendered_once_and_kept() {
        let renderings = Renderings::default();
        for format in [7, 0, 4_000_000, 3] {
            let first = renderings.get_or_render(format, || rendering(format));
            assert_eq!(first.bytes, format.to_string());
        }
        for format in [3, 4_000_000, 0, 7] {
            let again = renderings.get_or_render(format, || unreachable!("rendered before"));
            assert_eq!(again.bytes, format.to_string());
        }
    }

    #[test]
    fn threads_that_race_get_the_one_rendering_of_their_format() {
        const FORMATS: usize = 3;
        const THREADS: usize = 6;
        for _ in 0..200 {
            let renderings = Renderings::default();
            let renders: [AtomicUsize; FORMATS] = Default::default();
            let start = Barrier::new(THREADS);
            let (renderings, renders, start) = (&renderings, &renders, &start);
            let seen = std::thread::scope(|scope| {
                let race = |thread: usize| {
                    scope.spawn(move || {
                        start.wait();
                        // Each begins with another format, so that they meet at every node.
                        let formats = (0..FORMATS).map(|n| (thread + n) % FORMATS);
                        let taken = formats.map(|format| {
                            let render = || {
                                renders[format].fetch_add(1, Ordering::Relaxed);
                                rendering(format)
                            };
                            let taken = renderings.get_or_render(format, render);
                            (format, taken.bytes.clone())
                        });
                        taken.collect::<Vec<_>>()
                    })
                };
                let racing: Vec<_> = (0..THREADS).map(race).collect();
                racing
                    .into_iter()
                    .flat_map(|thread| thread.join().unwrap())
                    .collect::<Vec<_>>()
            });
            assert_eq!(seen.len(), THREADS * FORMATS);
            assert!(
                seen.iter()
                    .all(|(format, bytes)| *bytes == format.to_string())
            );
            for count in renders {
                assert_eq!(count.load(Ordering::Relaxed), 1, "rendered once");
            }
        }
    }

    #[test]
    fn an_event_with_one_format_is_smaller_than_two_renderings() {
        assert!(size_of::<Renderings>() < 2 * size_of::<Rendering>());
    }
}
