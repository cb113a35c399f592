//! What happened in a round, as clients saw it: kept as JSON lines, and read by the checker.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, BufWriter, Write as _};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use madang_test_servers::clock;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

/// A message, by what its sender calls it. Number 0 is the last one of a room.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct Name {
    pub(crate) room: String,
    pub(crate) sender: String,
    pub(crate) number: u64,
}

/// An entry of a room's log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub(crate) seq: u64,
    /// Such as `message` or `assigned`.
    pub(crate) kind: String,
    pub(crate) sender: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) subjects: Vec<String>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) text: String,
}

/// Something that one client, the log or the network did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "camelCase")]
pub(crate) enum What {
    /// An attempt to send begins.
    Sent { message: Name },
    /// It was answered with success, and with this number where the door says it.
    Accepted { message: Name, seq: Option<u64> },
    /// It was answered with an error that no retry changes.
    Refused { message: Name, code: String },
    /// The attempt ended with a retryable error or with nothing: it may have been done, or be done later.
    Unanswered { message: Name },

    /// A reader begins behind this number.
    Began {
        reader: String,
        room: String,
        behind: u64,
    },
    Seen {
        reader: String,
        room: String,
        entry: Entry,
    },
    /// The server says that it cannot resume exactly.
    Reset { reader: String, room: String },
    /// The server says that the room is not the reader's any more.
    Ended { reader: String, room: String },

    /// An agent was told that the room is theirs.
    Claimed { agent: String, room: String },
    /// An agent was told that the room is somebody else's.
    Lost { agent: String, room: String },
    /// An agent begins to give the room away.
    Parting { agent: String, room: String },
    /// That was not answered: it may happen later.
    PartingUnanswered { agent: String, room: String },

    /// The owner was told that a member is removed.
    Removed { user: String, room: String },

    /// What a node has in its log; read when all is over.
    Log {
        node: usize,
        room: String,
        entry: Entry,
    },

    /// A client has a session: its first one, or another.
    Connected { client: String },
    /// A session was not to be had.
    Unreached { client: String, why: String },
    /// A session is no more.
    Left { client: String, why: String },

    /// A fault begins or ends.
    Fault { text: String },
    /// Everything works from here on.
    Healed,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Event {
    /// Microseconds since the round began.
    pub(crate) at: u64,
    #[serde(flatten)]
    pub(crate) what: What,
}

impl Name {
    /// What stands in the message.
    pub(crate) fn text(&self) -> String {
        format!("{} {}", self.sender, self.number)
    }
}

impl Entry {
    /// The number of a message, if the text is one of ours.
    pub(crate) fn number(&self) -> Option<u64> {
        let (sender, number) = self.text.rsplit_once(' ')?;
        let number = number.parse().ok()?;
        (sender == self.sender).then_some(number)
    }

    pub(crate) fn is_message(&self) -> bool {
        self.kind == "message"
    }

    /// Whether it is the last message of its room.
    pub(crate) fn is_end(&self) -> bool {
        self.is_message() && self.number() == Some(0)
    }
}

/// Takes down what happens, in memory and in a file.
#[derive(Debug)]
pub(crate) struct History {
    /// By the machine's monotonic clock.
    begin: Duration,
    kept: Mutex<Kept>,
    /// How many messages were accepted.
    accepted: watch::Sender<u64>,
}

#[derive(Debug)]
struct Kept {
    events: Vec<Event>,
    file: BufWriter<File>,
}

impl History {
    /// # Errors
    /// The file cannot be made.
    pub(crate) fn create(path: &Path) -> io::Result<Self> {
        Ok(Self {
            begin: clock::monotonic(),
            kept: Mutex::new(Kept {
                events: Vec::new(),
                file: BufWriter::new(File::create(path)?),
            }),
            accepted: watch::Sender::new(0),
        })
    }

    /// What happens now.
    pub(crate) fn record(&self, what: What) {
        let kept = self.kept();
        // Taken under the lock: events are in the order of their times.
        let now = clock::monotonic();
        self.keep(kept, now, what);
    }

    /// What happened at this time of the machine's monotonic clock, as another process saw it.
    pub(crate) fn record_at(&self, time: Duration, what: What) {
        self.keep(self.kept(), time, what);
    }

    fn keep(&self, mut kept: MutexGuard<'_, Kept>, time: Duration, what: What) {
        let counts = matches!(what, What::Accepted { .. });
        let at = time.saturating_sub(self.begin).as_micros();
        let at = u64::try_from(at).unwrap_or(u64::MAX);
        let event = Event { at, what };
        if let Ok(line) = serde_json::to_string(&event) {
            // A disk that is full costs the file; the run goes on with what it has.
            let _ = writeln!(kept.file, "{line}");
        }
        kept.events.push(event);
        drop(kept);
        if counts {
            self.accepted.send_modify(|accepted| *accepted += 1);
        }
    }

    /// How many messages were accepted, as it rises.
    pub(crate) fn accepted(&self) -> watch::Receiver<u64> {
        self.accepted.subscribe()
    }

    /// Everything so far, by time; the file has it too when this returns.
    pub(crate) fn events(&self) -> Vec<Event> {
        let mut kept = self.kept();
        let _ = kept.file.flush();
        by_time(kept.events.clone())
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Other processes tell of what happened somewhat later.
fn by_time(mut events: Vec<Event>) -> Vec<Event> {
    events.sort_by_key(|event| event.at);
    events
}

/// A history that was kept.
///
/// # Errors
/// The file cannot be read, or is none.
pub(crate) fn read(path: &Path) -> io::Result<Vec<Event>> {
    let lines = BufReader::new(File::open(path)?).lines();
    let events: io::Result<Vec<Event>> = lines
        .map(|line| serde_json::from_str(&line?).map_err(io::Error::from))
        .collect();
    events.map(by_time)
}
