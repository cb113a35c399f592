//! Latencies and the spread of rounds.

use std::time::Duration;

use hdrhistogram::Histogram;

use crate::report::Report;

/// Latencies between 1 µs and 60 s to three digits; longer ones count as 60 s.
#[derive(Clone, Debug)]
pub struct Latencies(Histogram<u64>);

const LONGEST_US: u64 = 60_000_000;

impl Default for Latencies {
    fn default() -> Latencies {
        Latencies(
            Histogram::new_with_bounds(1, LONGEST_US, 3)
                .expect("the bounds are constant and valid"),
        )
    }
}

impl Latencies {
    /// Takes note of one.
    pub fn record_ns(&mut self, ns: u64) {
        self.0.saturating_record((ns / 1000).clamp(1, LONGEST_US));
    }

    /// Takes note of one.
    pub fn record(&mut self, latency: Duration) {
        self.record_ns(latency.as_nanos().try_into().unwrap_or(u64::MAX));
    }

    /// Adds those of another.
    pub fn add(&mut self, other: &Latencies) {
        // Both have the same constant bounds, so that nothing can fail here.
        let _ = self.0.add(&other.0);
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        self.0.reset();
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.0.len()
    }

    /// The percentiles in milliseconds; empty if there is nothing to say.
    pub fn report(&self) -> Report {
        let mut report = Report::default();
        if self.0.is_empty() {
            return report;
        }
        for (name, quantile) in [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999)] {
            report.number(name, self.0.value_at_quantile(quantile) as f64 / 1000.0);
        }
        report.number("max", self.0.max() as f64 / 1000.0);
        report.number("mean", self.0.mean() / 1000.0);
        report
    }
}

/// Median, least and greatest of some rounds.
pub fn spread(values: &[f64]) -> Report {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let mut report = Report::default();
    if let (Some(median), Some(min), Some(max)) = (median(&sorted), sorted.first(), sorted.last()) {
        report.number("median", median);
        report.number("min", *min);
        report.number("max", *max);
    }
    report
}

fn median(sorted: &[f64]) -> Option<f64> {
    let upper = *sorted.get(sorted.len() / 2)?;
    match sorted.len() % 2 {
        0 => Some((upper + sorted[sorted.len() / 2 - 1]) / 2.0),
        _ => Some(upper),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_in_milliseconds() {
        let mut latencies = Latencies::default();
        for us in 1..=1000 {
            latencies.record(Duration::from_micros(us));
        }
        latencies.record(Duration::from_secs(600));
        let report = latencies.report();
        assert!((report.get_number("p50").unwrap() - 0.5).abs() < 0.01);
        assert!((report.get_number("p99").unwrap() - 0.991).abs() < 0.01);
        assert!((report.get_number("max").unwrap() - 60_000.0).abs() < 60.0);
        latencies.clear();
        assert_eq!(
            (latencies.count(), latencies.report()),
            (0, Report::default())
        );
    }

    #[test]
    fn the_median_of_an_even_number_lies_between() {
        let report = spread(&[4.0, 1.0, 3.0, 2.0]);
        assert_eq!(report.get_number("median"), Some(2.5));
        assert_eq!(report.get_number("min"), Some(1.0));
        assert_eq!(report.get_number("max"), Some(4.0));
        assert_eq!(spread(&[3.0, 9.0, 5.0]).get_number("median"), Some(5.0));
        assert_eq!(spread(&[]), Report::default());
    }
}
