//! A simulated cluster: several engines over one store and a bad bus, from a seed.
//!
//! Every subscriber must see each accepted message once, in order, without a hole, and nothing
//! that it has no right to: nothing behind the entry that took its right, unless it was let in again.
//! Whoever attends a user must know the user's rooms. `MADANG_SIM_SEEDS=N` runs more seeds,
//! `MADANG_SIM_SEED=X` replays one.

mod across_nodes;
mod actors;
mod attendant;
mod bus;
mod cluster;
mod desk;
mod history_reads;
mod members;
mod outlet;
mod plan;
mod recent_history;
mod run;
mod session;
mod store;
mod world;

use std::sync::atomic::{AtomicU64, Ordering};

/// Few enough for every test run, enough to find nearly every fault that was put in on purpose; the
/// rarest needed some thousands more, which is what a nightly run is for.
const SEEDS: u64 = 2_000;

/// Lines of the trace that a failure prints.
const TRACE_TAIL: usize = 120;

fn setting(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().expect("a seed or a number of seeds"))
}

fn report(seed: u64) -> Option<String> {
    // Again with the trace: the same seed makes the same run.
    let failure = run::run(seed, true).err()?;
    let tail = failure.trace.len().saturating_sub(TRACE_TAIL);
    Some(format!(
        "seed {seed} failed; replay it with\n    \
         MADANG_SIM_SEED={seed} cargo test -p madang-engine --test simulation\n\
         the end of its trace:\n{}\nviolated:\n{}",
        failure.trace[tail..].join("\n"),
        failure.violations.join("\n"),
    ))
}

#[test]
fn every_subscriber_sees_each_accepted_message_once_in_order_without_a_hole() {
    if let Some(seed) = setting("MADANG_SIM_SEED") {
        if let Some(report) = report(seed) {
            panic!("{report}");
        }
        return;
    }
    let seeds = setting("MADANG_SIM_SEEDS").unwrap_or(SEEDS);
    let (next, failed) = (AtomicU64::new(0), AtomicU64::new(u64::MAX));
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.min(failed.load(Ordering::Relaxed)) {
                        return;
                    }
                    if run::run(seed, false).is_err() {
                        failed.fetch_min(seed, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    let failed = failed.into_inner();
    if failed != u64::MAX {
        panic!(
            "{}",
            report(failed).unwrap_or(format!("seed {failed} failed, but not again"))
        );
    }
}

#[test]
fn a_seed_makes_the_same_run_each_time() {
    for seed in [1, 5, 24] {
        let traces = [(); 2].map(|()| run::trace(seed));
        assert!(traces[0] == traces[1], "seed {seed} took another way");
    }
}
