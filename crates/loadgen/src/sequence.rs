//! Whether a subscriber got every message once and in order.

/// Holes remembered per subscriber. What falls out of the list counts as lost
/// even if it still arrives, and as repeated then.
const HOLES_MAX: usize = 1024;

/// Checks the sequence of one stream at one subscriber.
#[derive(Clone, Debug, Default)]
pub struct SequenceChecker {
    next: u32,
    /// Half-open ranges below `next` that have not arrived, ascending.
    holes: Vec<(u32, u32)>,
    forgotten: u64,
    tally: Tally,
}

/// What went wrong, for one or many subscribers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Different messages that arrived.
    pub received: u64,
    /// Messages that never arrived.
    pub lost: u64,
    /// Arrivals beyond the first of a message.
    pub repeated: u64,
    /// Messages that arrived behind a later one.
    pub out_of_order: u64,
}

impl Tally {
    /// Adds up.
    pub fn add(&mut self, other: Tally) {
        self.received += other.received;
        self.lost += other.lost;
        self.repeated += other.repeated;
        self.out_of_order += other.out_of_order;
    }

    /// Whether everything arrived, once and in order.
    pub fn is_clean(&self) -> bool {
        self.lost == 0 && self.repeated == 0 && self.out_of_order == 0
    }
}

impl SequenceChecker {
    /// A checker that expects `first` and what follows.
    pub fn starting_at(first: u32) -> SequenceChecker {
        SequenceChecker {
            next: first,
            ..SequenceChecker::default()
        }
    }

    /// Takes note of an arrival; says whether it is the message's first.
    pub fn take(&mut self, seq: u32) -> bool {
        if seq == self.next {
            self.next += 1;
        } else if seq > self.next {
            self.remember((self.next, seq));
            self.next = seq + 1;
        } else if self.fill(seq) {
            self.tally.out_of_order += 1;
        } else {
            self.tally.repeated += 1;
            return false;
        }
        self.tally.received += 1;
        true
    }

    /// One behind the highest number that arrived.
    pub fn next(&self) -> u32 {
        self.next
    }

    /// Whether everything below `end` arrived.
    pub fn is_complete(&self, end: u32) -> bool {
        self.next >= end && self.holes.is_empty() && self.forgotten == 0
    }

    /// What went wrong if `end` messages were sent, counted from 0.
    pub fn tally(&self, end: u32) -> Tally {
        let holes: u64 = self
            .holes
            .iter()
            .map(|(from, to)| u64::from(to - from))
            .sum();
        Tally {
            lost: self.forgotten + holes + u64::from(end.saturating_sub(self.next)),
            ..self.tally
        }
    }

    fn remember(&mut self, hole: (u32, u32)) {
        if self.holes.len() == HOLES_MAX {
            let (from, to) = self.holes.remove(0);
            self.forgotten += u64::from(to - from);
        }
        self.holes.push(hole);
    }

    fn fill(&mut self, seq: u32) -> bool {
        let at = self.holes.partition_point(|(_, to)| *to <= seq);
        let Some(&(from, to)) = self.holes.get(at).filter(|(from, _)| *from <= seq) else {
            return false;
        };
        let rest = [(from, seq), (seq + 1, to)];
        self.holes
            .splice(at..=at, rest.into_iter().filter(|(from, to)| from < to));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(arrivals: &[u32], end: u32) -> (u64, u64, u64, u64) {
        let mut checker = SequenceChecker::default();
        for seq in arrivals {
            checker.take(*seq);
        }
        let tally = checker.tally(end);
        assert_eq!(checker.is_complete(end), tally.lost == 0);
        (
            tally.received,
            tally.lost,
            tally.repeated,
            tally.out_of_order,
        )
    }

    #[test]
    fn what_is_lost_repeated_or_late_is_counted() {
        assert_eq!(tally(&[0, 1, 2], 3), (3, 0, 0, 0));
        assert_eq!(tally(&[0, 2], 3), (2, 1, 0, 0));
        assert_eq!(tally(&[0, 1], 3), (2, 1, 0, 0));
        assert_eq!(tally(&[], 3), (0, 3, 0, 0));
        assert_eq!(tally(&[0, 1, 1, 2, 0], 3), (3, 0, 2, 0));
        assert_eq!(tally(&[2, 0, 1], 3), (3, 0, 0, 2));
        assert_eq!(tally(&[5, 2, 2, 1, 4], 6), (4, 2, 1, 3));
    }

    #[test]
    fn the_list_of_holes_is_bounded() {
        let mut checker = SequenceChecker::default();
        for seq in (1..20_001).step_by(2) {
            checker.take(seq);
        }
        assert_eq!(checker.holes.len(), HOLES_MAX);
        assert_eq!(checker.tally(20_000).lost, 10_000);
    }
}
