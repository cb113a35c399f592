//! How fast one session may send: the generic cell rate algorithm (ITU-T I.371), which needs one
//! time stamp for each bound.

/// What one second may bring, and a burst of it at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rate {
    /// Nanoseconds that one unit takes of the second; 0 for no bound.
    unit_ns: u64,
}

/// Longest time ahead of the rate: a burst of one second's worth.
const BURST_NS: u64 = 1_000_000_000;

impl Rate {
    /// `per_second` units; 0 for no bound.
    pub(super) const fn per_second(per_second: u64) -> Self {
        // More than one unit per nanosecond is no bound either.
        let unit_ns = match per_second {
            0 => 0,
            many => BURST_NS / many,
        };
        Self { unit_ns }
    }
}

/// How far a session is ahead of its rate.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Meter {
    /// When all that was charged would have been sent at exactly the rate, in nanoseconds.
    paid_ns: u64,
}

impl Meter {
    /// Charges `units` at `now_ns`. Answers for how many nanoseconds nothing more may come; `None`
    /// while the session is within its rate and burst.
    pub(super) fn charge(&mut self, rate: Rate, units: u64, now_ns: u64) -> Option<u64> {
        let cost = rate.unit_ns.saturating_mul(units);
        if cost == 0 {
            return None;
        }
        self.paid_ns = self.paid_ns.max(now_ns).saturating_add(cost);
        self.paid_ns
            .checked_sub(now_ns + BURST_NS)
            .filter(|ahead| *ahead > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn a_burst_of_one_second_passes_and_then_only_the_rate() {
        let rate = Rate::per_second(10);
        let mut meter = Meter::default();
        let now = 5 * SECOND;
        for _ in 0..10 {
            assert_eq!(meter.charge(rate, 1, now), None);
        }
        assert_eq!(meter.charge(rate, 1, now), Some(SECOND / 10));
        // After the pause there is room for exactly what the pause has paid.
        let later = now + SECOND / 10;
        assert_eq!(meter.charge(rate, 1, later), Some(SECOND / 10));
        assert_eq!(meter.charge(rate, 1, later + SECOND), None);
    }

    #[test]
    fn whatever_comes_the_long_run_is_within_the_rate() {
        let rate = Rate::per_second(1_000);
        let (mut meter, mut now, mut units) = (Meter::default(), SECOND, 0);
        while now < 11 * SECOND {
            units += 7;
            now += meter.charge(rate, 7, now).unwrap_or(0);
        }
        assert!((10_000..=11_100).contains(&units), "{units}");
    }

    #[test]
    fn zero_is_no_bound() {
        let mut meter = Meter::default();
        assert_eq!(meter.charge(Rate::per_second(0), u64::MAX, 0), None);
    }
}
