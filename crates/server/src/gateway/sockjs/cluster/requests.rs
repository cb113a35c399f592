//! What other gateways asked of this one: none of it is carried out twice.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use parking_lot::Mutex;
use tokio::time::Instant;

use super::message::{Content, Part, Refused};

/// Requests of one gateway that are remembered. Those that it asks no more are forgotten; one more
/// is refused.
const REMEMBERED_MAX: usize = 65_536;

/// What a gateway asked is remembered for so long after it was heard last: above the longest time
/// for which it asks again.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(60);

/// Bytes of parts that wait for the rest of theirs. Above that they are dropped, and asked again.
const PARTS_BYTES_MAX: usize = 128 * 1024 * 1024;

#[derive(Default)]
pub(super) struct Requests(Mutex<State>);

#[derive(Default)]
struct State {
    askers: HashMap<u64, Asker>,
    parts_bytes: usize,
}

struct Asker {
    /// Lower requests are old: late repeats, if they come at all.
    settled: u64,
    seen: BTreeMap<u64, Seen>,
    heard: Instant,
}

enum Seen {
    Parts(Assembly),
    Running,
    Answered(Content),
}

#[derive(Default)]
struct Assembly {
    parts: BTreeMap<u16, Bytes>,
    bytes: usize,
}

/// What has to be done with a request.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Admission<T> {
    /// It is new.
    CarryOut(T),
    /// It is not: say this, again.
    Say(Content),
    /// Nothing: it is old, or not complete.
    Nothing,
}

impl Requests {
    /// A request to receive.
    pub(super) fn admit(&self, from: u64, request: u64, settled: u64) -> Admission<()> {
        let state = &mut *self.0.lock();
        let (asker, parts_bytes) = state.asker(from, settled);
        match asker.seen.get(&request) {
            _ if request < asker.settled => Admission::Nothing,
            Some(Seen::Answered(content)) => Admission::Say(content.clone()),
            Some(Seen::Running | Seen::Parts(_)) => Admission::Say(Content::Accepted),
            None if asker.is_full() => Admission::Say(Content::Refused(Refused::Overloaded)),
            None => {
                asker.see(request, Seen::Running, parts_bytes);
                Admission::CarryOut(())
            }
        }
    }

    /// A part of a request: the last one that was missing makes it whole.
    pub(super) fn admit_part(
        &self,
        from: u64,
        request: u64,
        settled: u64,
        part: Part,
    ) -> Admission<Bytes> {
        let state = &mut *self.0.lock();
        let (asker, parts_bytes) = state.asker(from, settled);
        match asker.seen.get(&request) {
            _ if request < asker.settled => return Admission::Nothing,
            Some(Seen::Answered(content)) => return Admission::Say(content.clone()),
            Some(Seen::Running) => return Admission::Say(Content::Accepted),
            None if asker.is_full() => {
                return Admission::Say(Content::Refused(Refused::Overloaded));
            }
            Some(Seen::Parts(_)) | None => {}
        }
        let mut assembly = match asker.seen.remove(&request) {
            Some(Seen::Parts(assembly)) => assembly,
            _ => Assembly::default(),
        };
        let size = part.bytes.len();
        let is_new = !assembly.parts.contains_key(&part.index);
        if is_new && *parts_bytes + size <= PARTS_BYTES_MAX {
            *parts_bytes += size;
            assembly.bytes += size;
            assembly.parts.insert(part.index, part.bytes);
        }
        if assembly.parts.len() < usize::from(part.count) {
            asker.seen.insert(request, Seen::Parts(assembly));
            return Admission::Nothing;
        }
        *parts_bytes -= assembly.bytes;
        asker.seen.insert(request, Seen::Running);
        Admission::CarryOut(assembly.whole())
    }

    /// What was said in the end: to be said again when the request is asked again.
    pub(super) fn answered(&self, from: u64, request: u64, content: Content) {
        let state = &mut *self.0.lock();
        if let Some(asker) = state.askers.get_mut(&from)
            && let Some(seen) = asker.seen.get_mut(&request)
        {
            *seen = Seen::Answered(content);
        }
    }

    /// The request is off. Also where it comes only now.
    pub(super) fn cancel(&self, from: u64, request: u64) {
        let state = &mut *self.0.lock();
        let (asker, parts_bytes) = state.asker(from, 0);
        if request >= asker.settled && !asker.is_full() && !asker.seen.contains_key(&request) {
            let off = Seen::Answered(Content::Refused(Refused::NotFound));
            asker.see(request, off, parts_bytes);
        }
    }

    /// Forgets those who have been silent for so long that they ask nothing again.
    pub(super) fn forget_silent(&self) {
        let now = Instant::now();
        let State {
            askers,
            parts_bytes,
        } = &mut *self.0.lock();
        askers.retain(|_, asker| {
            let stays = asker.heard + FORGOTTEN_AFTER > now;
            if !stays {
                asker.settle(u64::MAX, parts_bytes);
            }
            stays
        });
    }
}

impl State {
    fn asker(&mut self, from: u64, settled: u64) -> (&mut Asker, &mut usize) {
        let now = Instant::now();
        let asker = self.askers.entry(from).or_insert_with(|| Asker {
            settled: 0,
            seen: BTreeMap::new(),
            heard: now,
        });
        asker.heard = now;
        asker.settle(settled, &mut self.parts_bytes);
        (asker, &mut self.parts_bytes)
    }
}

impl Asker {
    fn is_full(&self) -> bool {
        self.seen.len() >= REMEMBERED_MAX
    }

    fn see(&mut self, request: u64, seen: Seen, parts_bytes: &mut usize) {
        if let Some(Seen::Parts(assembly)) = self.seen.insert(request, seen) {
            *parts_bytes -= assembly.bytes;
        }
    }

    /// Forgets what is asked no more.
    fn settle(&mut self, settled: u64, parts_bytes: &mut usize) {
        if settled <= self.settled {
            return;
        }
        self.settled = settled;
        let rest = self.seen.split_off(&settled);
        for seen in std::mem::replace(&mut self.seen, rest).into_values() {
            if let Seen::Parts(assembly) = seen {
                *parts_bytes -= assembly.bytes;
            }
        }
    }
}

impl Assembly {
    fn whole(mut self) -> Bytes {
        if self.parts.len() == 1
            && let Some((_, only)) = self.parts.pop_first()
        {
            return only;
        }
        let mut whole = BytesMut::with_capacity(self.bytes);
        self.parts
            .values()
            .for_each(|part| whole.extend_from_slice(part));
        whole.freeze()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FROM: u64 = 7;

    fn part(index: u16, count: u16, bytes: &'static str) -> Part {
        Part {
            index,
            count,
            bytes: Bytes::from_static(bytes.as_bytes()),
        }
    }

    #[tokio::test]
    async fn a_request_that_is_asked_again_is_told_how_it_stands_and_not_carried_out_again() {
        let requests = Requests::default();
        assert_eq!(requests.admit(FROM, 1, 1), Admission::CarryOut(()));
        let again = requests.admit(FROM, 1, 1);
        assert_eq!(again, Admission::Say(Content::Accepted));
        requests.answered(FROM, 1, Content::Sent);
        assert_eq!(requests.admit(FROM, 1, 1), Admission::Say(Content::Sent));
        // Another gateway numbers its own.
        assert_eq!(requests.admit(FROM + 1, 1, 1), Admission::CarryOut(()));
    }

    #[tokio::test]
    async fn a_late_repeat_of_what_is_settled_is_nothing() {
        let requests = Requests::default();
        assert_eq!(requests.admit(FROM, 1, 1), Admission::CarryOut(()));
        assert_eq!(requests.admit(FROM, 2, 2), Admission::CarryOut(()));
        assert_eq!(requests.admit(FROM, 1, 1), Admission::Nothing);
        let late = requests.admit_part(FROM, 1, 1, part(0, 1, "a"));
        assert_eq!(late, Admission::Nothing);
        assert_eq!(requests.0.lock().askers[&FROM].seen.len(), 1);
    }

    #[tokio::test]
    async fn parts_make_a_whole_in_whatever_order_and_number_they_come() {
        let requests = Requests::default();
        for (index, bytes) in [(2, "c"), (0, "a"), (2, "c")] {
            let admitted = requests.admit_part(FROM, 1, 1, part(index, 3, bytes));
            assert_eq!(admitted, Admission::Nothing);
        }
        let whole = requests.admit_part(FROM, 1, 1, part(1, 3, "b"));
        assert_eq!(whole, Admission::CarryOut(Bytes::from_static(b"abc")));
        let again = requests.admit_part(FROM, 1, 1, part(1, 3, "b"));
        assert_eq!(again, Admission::Say(Content::Accepted));
        assert_eq!(requests.0.lock().parts_bytes, 0);
    }

    #[tokio::test]
    async fn parts_that_are_given_up_take_no_space() {
        let requests = Requests::default();
        requests.admit_part(FROM, 1, 1, part(0, 2, "half"));
        assert_eq!(requests.0.lock().parts_bytes, 4);
        requests.admit(FROM, 2, 2);
        assert_eq!(requests.0.lock().parts_bytes, 0);
    }

    #[tokio::test]
    async fn a_request_that_was_taken_back_before_it_came_is_not_carried_out() {
        let requests = Requests::default();
        requests.cancel(FROM, 1);
        let told = Content::Refused(Refused::NotFound);
        assert_eq!(requests.admit(FROM, 1, 1), Admission::Say(told));
    }

    #[tokio::test(start_paused = true)]
    async fn what_a_gateway_asked_is_forgotten_once_it_asks_nothing_again() {
        let requests = Requests::default();
        requests.admit_part(FROM, 1, 1, part(0, 2, "half"));
        tokio::time::advance(FORGOTTEN_AFTER / 2).await;
        requests.forget_silent();
        assert_eq!(requests.0.lock().askers.len(), 1);
        tokio::time::advance(FORGOTTEN_AFTER).await;
        requests.forget_silent();
        let state = requests.0.lock();
        assert!(state.askers.is_empty());
        assert_eq!(state.parts_bytes, 0);
    }
}
