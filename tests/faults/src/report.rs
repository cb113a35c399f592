//! What a run found, as lines of a table and as its last line.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::checker::Verdict;
use crate::plan::Kind;
use crate::round::Done;
use crate::spec::Combination;

/// Rounds of one kind of fault on one make of cluster.
#[derive(Debug, Default)]
struct Row {
    rounds: u64,
    verdict: Verdict,
    healed: Vec<Duration>,
}

#[derive(Debug, Default)]
pub(crate) struct Report {
    rows: BTreeMap<(Combination, Kind), Row>,
    total: Verdict,
    failed: bool,
}

impl Report {
    pub(crate) fn add(&mut self, combination: Combination, kind: Kind, done: &Done) {
        let row = self.rows.entry((combination, kind)).or_default();
        row.rounds += 1;
        row.verdict.add(&done.verdict);
        row.healed.extend(done.healed.as_ref().ok());
        self.total.add(&done.verdict);
        self.failed |= done.healed.is_err() || !done.verdict.is_clean();
    }

    /// A round that did not come to its end.
    pub(crate) const fn add_broken(&mut self) {
        self.failed = true;
    }

    pub(crate) const fn is_clean(&self) -> bool {
        !self.failed
    }

    /// Markdown, as it stands in docs/reliability.md.
    pub(crate) fn table(&self) -> String {
        let mut text = "| engine | fault | rounds | accepted | lost | repeated | time to heal: median | worst |\n\
                        |---|---|---|---|---|---|---|---|\n"
            .to_owned();
        for ((combination, kind), row) in &self.rows {
            let Verdict {
                accepted,
                lost,
                repeated,
                ..
            } = &row.verdict;
            let rounds = row.rounds;
            let mut healed = row.healed.clone();
            healed.sort();
            let median = seconds(healed.get(healed.len() / 2));
            let worst = seconds(healed.last());
            text.push_str(&format!(
                "| {combination} | {kind} | {rounds} | {accepted} | {lost} | {repeated} | {median} | {worst} |\n"
            ));
        }
        text
    }

    pub(crate) fn last_line(&self) -> String {
        last_line(&self.total)
    }
}

pub(crate) fn last_line(verdict: &Verdict) -> String {
    let Verdict {
        accepted,
        lost,
        repeated,
        out_of_order,
        double_claims,
        ..
    } = verdict;
    format!(
        "accepted {accepted}, lost {lost}, repeated {repeated}, out of order {out_of_order}, \
         double claims {double_claims}"
    )
}

fn seconds(time: Option<&Duration>) -> String {
    time.map_or_else(
        || "none".to_owned(),
        |time| format!("{:.2} s", time.as_secs_f64()),
    )
}
