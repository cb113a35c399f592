//! How often signals are told: read marks and typing, at most once per member, room and interval.
//!
//! A room's first read mark after a quiet interval is told at once; what comes within the interval is
//! gathered, one mark per member, and told at its end: some of them one by one, the rest as a number.
//! So a room in which everybody reads at once costs each subscriber a bounded number of events, and a
//! quiet room no delay. A room is known here only while something happens in it.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Weak};
use std::time::Duration;

use madang_domain::{Person, Position, RoomId, Seq, UserId};
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::engine::Engine;
use crate::event::{RoomSignal, SignalKind};

/// Members whose marks are told one by one in an interval; and as many whose typing is.
pub const MEMBERS_TOLD_MAX: usize = 32;

/// Gathers what is told too often.
pub(crate) struct SignalGate {
    interval: Duration,
    state: Mutex<State>,
    /// Told when the first room becomes known.
    begun: Notify,
}

#[derive(Default)]
struct State {
    rooms: HashMap<RoomId, Pending>,
    /// When the interval of each of them ends, the next first.
    ends: VecDeque<(Instant, RoomId)>,
}

/// What a room's interval has gathered so far.
#[derive(Default)]
struct Pending {
    /// Sorted: a run of the simulation can be replayed.
    reads: BTreeMap<UserId, Read>,
    /// Marks beyond those kept: one who marks twice is counted twice.
    more_reads: u64,
    /// Whether their end is still to be told.
    typing: HashMap<UserId, bool>,
}

/// A mark that waits to be told.
#[derive(Debug, Clone)]
pub(crate) struct Read {
    pub(crate) person: Person,
    pub(crate) before: Seq,
    pub(crate) now: Position,
}

/// What a room's interval gathered: some marks, and the number of those beyond.
type Due = (RoomId, Vec<Read>, u64);

impl SignalGate {
    pub(crate) fn new(interval: Duration) -> Self {
        Self {
            interval,
            state: Mutex::default(),
            begun: Notify::new(),
        }
    }

    /// Whether this typing is told now: of each member's in an interval the first beginning, and the
    /// end that follows it.
    pub(crate) fn admits_typing(&self, room: &RoomId, user: &UserId, active: bool) -> bool {
        let mut state = self.state.lock();
        let (pending, _) = self.pending(&mut state, room);
        let full = pending.typing.len() >= MEMBERS_TOLD_MAX;
        match pending.typing.get_mut(user) {
            Some(begun) => {
                let ends = *begun && !active;
                *begun &= active;
                ends
            }
            None if full => false,
            None => {
                pending.typing.insert(user.clone(), active);
                true
            }
        }
    }

    /// Gives `read` back if it is to be told now; keeps it for the end of the interval otherwise.
    pub(crate) fn admit_read(&self, room: &RoomId, read: Read) -> Option<Read> {
        let mut state = self.state.lock();
        let (pending, is_new) = self.pending(&mut state, room);
        if is_new {
            return Some(read);
        }
        let full = pending.reads.len() >= MEMBERS_TOLD_MAX;
        match pending.reads.get_mut(&read.person.user) {
            // The first place of several, and the last; another life of the room begins anew.
            Some(kept) if kept.now.epoch == read.now.epoch => {
                kept.before = kept.before.min(read.before);
                kept.now.seq = kept.now.seq.max(read.now.seq);
            }
            Some(kept) => *kept = read,
            None if full => pending.more_reads += 1,
            None => {
                pending.reads.insert(read.person.user.clone(), read);
            }
        }
        None
    }

    /// What the room's interval has gathered, and whether it begins just now.
    fn pending<'a>(&self, state: &'a mut State, room: &RoomId) -> (&'a mut Pending, bool) {
        let is_new = !state.rooms.contains_key(room);
        if is_new {
            let end = Instant::now() + self.interval;
            if state.ends.is_empty() {
                self.begun.notify_one();
            }
            state.ends.push_back((end, room.clone()));
        }
        (state.rooms.entry(room.clone()).or_default(), is_new)
    }

    /// What is due, and when to ask again; `None` when no room is known. Costs by the rooms whose
    /// interval is over, not by all that are known.
    fn due(&self) -> (Vec<Due>, Option<Instant>) {
        let mut guard = self.state.lock();
        let State { rooms, ends } = &mut *guard;
        let now = Instant::now();
        let mut due = Vec::new();
        while let Some((_, room)) = ends.pop_front_if(|(end, _)| *end <= now) {
            let gathered = rooms.get_mut(&room).map(std::mem::take);
            let Some(Pending {
                reads, more_reads, ..
            }) = gathered.filter(|gathered| !gathered.reads.is_empty())
            else {
                rooms.remove(&room);
                continue;
            };
            // Something is told: the next interval begins.
            ends.push_back((now + self.interval, room.clone()));
            due.push((room, reads.into_values().collect(), more_reads));
        }
        (due, ends.front().map(|(end, _)| *end))
    }
}

/// Tells what was gathered, until the engine ends.
pub(crate) async fn run(engine: Weak<Engine>, gate: Arc<SignalGate>) {
    loop {
        let (due, next) = gate.due();
        if !due.is_empty() {
            let Some(engine) = engine.upgrade() else {
                return;
            };
            for (room, reads, more) in due {
                engine.tell_reads(&room, reads, more);
            }
        }
        match next {
            Some(at) => tokio::time::sleep_until(at).await,
            None => gate.begun.notified().await,
        }
    }
}

impl Engine {
    fn tell_reads(&self, room: &RoomId, reads: Vec<Read>, more: u64) {
        let last = reads.last().map(|read| read.person.clone());
        for read in reads {
            self.tell_read(room, read);
        }
        if let Some(person) = last.filter(|_| more > 0) {
            let kind = SignalKind::ManyRead { readers: more };
            self.tell_of(room, person, kind);
        }
    }

    pub(crate) fn tell_read(&self, room: &RoomId, read: Read) {
        let Read {
            person,
            before,
            now,
        } = read;
        self.tell_of(room, person, SignalKind::Read { before, now });
    }

    fn tell_of(&self, room: &RoomId, person: Person, kind: SignalKind) {
        self.tell_signal(RoomSignal {
            room: room.clone(),
            user: person.user,
            name: person.name,
            kind,
            at: self.now(),
        });
    }
}

#[cfg(test)]
mod tests {
    use madang_domain::Epoch;

    use super::*;

    fn room() -> RoomId {
        RoomId::new("g").unwrap()
    }

    fn read(user: &str, before: u64, now: u64) -> Read {
        let user = UserId::new(user).unwrap();
        Read {
            person: Person { user, name: None },
            before: Seq::new(before),
            now: Position {
                epoch: Epoch::new(1),
                seq: Seq::new(now),
            },
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_first_mark_is_told_at_once_and_those_of_the_interval_together_at_its_end() {
        let gate = SignalGate::new(Duration::from_secs(1));
        assert!(gate.admit_read(&room(), read("kim", 0, 1)).is_some());
        assert!(gate.admit_read(&room(), read("kim", 1, 2)).is_none());
        assert!(gate.admit_read(&room(), read("kim", 2, 5)).is_none());
        let (due, next) = gate.due();
        assert!(due.is_empty());
        tokio::time::advance(next.unwrap() - Instant::now()).await;
        let (due, _) = gate.due();
        let [(_, reads, 0)] = &due[..] else {
            panic!("one room, nothing more")
        };
        assert_eq!(
            (reads[0].before, reads[0].now.seq),
            (Seq::new(1), Seq::new(5))
        );
    }

    #[tokio::test(start_paused = true)]
    async fn ten_thousand_readers_at_once_are_told_as_some_and_a_number() {
        let gate = SignalGate::new(Duration::from_secs(1));
        let told = (0..10_000).filter(|n| {
            let mark = read(&format!("u{n}"), 0, 9);
            gate.admit_read(&room(), mark).is_some()
        });
        assert_eq!(told.count(), 1);
        tokio::time::advance(Duration::from_secs(1)).await;
        let (due, _) = gate.due();
        assert_eq!(due[0].1.len(), MEMBERS_TOLD_MAX);
        assert_eq!(due[0].2, 9_999 - MEMBERS_TOLD_MAX as u64);
    }

    #[tokio::test(start_paused = true)]
    async fn a_room_in_which_nothing_happens_any_more_is_forgotten() {
        let gate = SignalGate::new(Duration::from_secs(1));
        gate.admit_read(&room(), read("kim", 0, 1));
        gate.admit_read(&room(), read("lee", 0, 1));
        for _ in 0..2 {
            tokio::time::advance(Duration::from_secs(1)).await;
            gate.due();
        }
        assert_eq!(gate.due().1, None);
        assert!(gate.admit_read(&room(), read("kim", 1, 2)).is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn typing_is_told_once_an_interval_and_its_end_always() {
        let gate = SignalGate::new(Duration::from_secs(1));
        let kim = UserId::new("kim").unwrap();
        assert!(gate.admits_typing(&room(), &kim, true));
        assert!(!gate.admits_typing(&room(), &kim, true));
        assert!(gate.admits_typing(&room(), &kim, false));
        for active in [true, false, true] {
            assert!(!gate.admits_typing(&room(), &kim, active), "told before");
        }
        tokio::time::advance(Duration::from_secs(1)).await;
        gate.due();
        assert!(gate.admits_typing(&room(), &kim, true));
        let told = (0..100).filter(|n| {
            let user = UserId::new(&format!("u{n}")).unwrap();
            gate.admits_typing(&room(), &user, true)
        });
        assert_eq!(told.count(), MEMBERS_TOLD_MAX - 1);
    }
}
