//! Nodes, their bus and their database fail while people talk, again and again; then everything that was promised is
//! checked. `docs/reliability.md` says what that is.
//!
//! Instead of rounds, nodes can be restarted one after the other for as long as is wanted (`rolling`).
//!
//! Real binaries, real brokers and databases, real sockets. What goes wrong is drawn from a seed; how the processes
//! get on meanwhile is not, so the same seed makes the same plan and not the same run.

#![allow(clippy::print_stdout, reason = "a report is what it is for")]

mod cast;
mod checker;
mod clients;
mod cluster;
mod history;
mod plan;
mod report;
mod rolling;
mod round;
mod silence;
mod spec;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Parser, Subcommand};
use madang_e2e::dice::Dice;
use madang_test_servers::target::profile_folder;
use tokio::task::block_in_place;

use crate::cluster::{Cluster, Drain};
use crate::plan::{Kind, Plan};
use crate::report::Report;
use crate::rolling::{Figures, Rolling};
use crate::spec::{BusKind, Combination, StoreKind};

#[derive(Debug, Parser)]
#[command(about, long_about = None, args_conflicts_with_subcommands = true)]
struct Options {
    #[command(subcommand)]
    mode: Option<Mode>,
    /// Where chance comes from; another each time when it is not given.
    #[arg(long)]
    seed: Option<u64>,
    /// Rounds in all, shared among the combinations.
    #[arg(long, default_value_t = 4)]
    rounds: usize,
    /// The number of each combination's first round: to repeat one of many.
    #[arg(long, default_value_t = 1)]
    first: usize,
    /// The only store. Else PostgreSQL and MySQL.
    #[arg(long)]
    store: Option<StoreKind>,
    /// The only bus. Else Redis and NATS.
    #[arg(long)]
    bus: Option<BusKind>,
    /// What goes wrong in each round, in the words in which plans are printed, instead of what the seed draws.
    #[arg(long)]
    plan: Option<Plan>,
    /// Where histories go; a folder of the seed's in the target directory when it is not given.
    #[arg(long)]
    histories: Option<PathBuf>,
    /// Checks a history that was kept, and does nothing else.
    #[arg(long, value_name = "FILE")]
    check: Option<PathBuf>,
}

/// What is done instead of rounds.
#[derive(Debug, Subcommand)]
enum Mode {
    Rolling(Rolling),
}

#[tokio::main]
async fn main() -> ExitCode {
    let options = Options::parse();
    let outcome = match (&options.mode, &options.check) {
        (Some(Mode::Rolling(rolling)), _) => rolling.run().await,
        (None, Some(file)) => check(file),
        (None, None) => run(&options).await,
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn check(file: &Path) -> Result<bool, String> {
    let events = history::read(file).map_err(|error| format!("{}: {error}", file.display()))?;
    let verdict = checker::check(&events);
    verdict
        .findings
        .iter()
        .for_each(|finding| println!("{finding}"));
    println!("{verdict:?}");
    for (fault, time) in silence::after_faults(&events) {
        println!(
            "{fault}: longest silence of a reader {:.2} s",
            time.as_secs_f64()
        );
    }
    let figures = Figures::of(&events);
    if figures.has_restarts() {
        println!("\n{}", figures.tables());
    }
    Ok(verdict.is_clean())
}

async fn run(options: &Options) -> Result<bool, String> {
    let seed = options.seed.unwrap_or_else(rand::random);
    let folder = match &options.histories {
        Some(folder) => folder.clone(),
        None => profile_folder().join(format!("../faults/{seed}")),
    };
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let folder = folder.canonicalize().map_err(|error| error.to_string())?;
    println!("seed {seed}; histories in {}", folder.display());
    let combinations = Combination::all(options.store, options.bus);
    if let Some(plan) = &options.plan {
        combinations.iter().try_for_each(|&one| plan.fits(one))?;
    }
    let count = combinations.len();
    let mut report = Report::default();
    for (at, combination) in combinations.into_iter().enumerate() {
        let rounds = options.rounds / count + usize::from(at < options.rounds % count);
        let run = Run {
            seed,
            combination,
            numbers: options.first..options.first + rounds,
            folder: &folder,
            plan: options.plan.as_ref(),
        };
        run.go(&mut report).await;
        if !report.is_clean() {
            break;
        }
    }
    println!("\n{}", report.table());
    println!("{}", report.last_line());
    Ok(report.is_clean())
}

/// The rounds of one combination, on one cluster.
struct Run<'a> {
    seed: u64,
    combination: Combination,
    numbers: std::ops::Range<usize>,
    folder: &'a Path,
    /// The one of every round, if it is not drawn.
    plan: Option<&'a Plan>,
}

impl Run<'_> {
    /// Until one fails.
    async fn go(&self, report: &mut Report) {
        if self.numbers.is_empty() {
            return;
        }
        let cluster = block_in_place(|| Arc::new(Cluster::start(self.combination, Drain::SHORT)));
        for number in self.numbers.clone() {
            if let Err(failure) = self.round(&cluster, number, report).await {
                println!("FAILED: {failure}\nreplay: {}", self.replay(number));
                self.keep_logs(&cluster, number);
                return;
            }
        }
    }

    async fn round(
        &self,
        cluster: &Arc<Cluster>,
        number: usize,
        report: &mut Report,
    ) -> Result<(), String> {
        let combination = self.combination;
        let mut dice = Dice::new(self.seed, self.group(), number);
        let drawn = Kind::of_round(combination, number - 1);
        let drawn = Plan::draw(&mut dice, combination, drawn);
        let plan = self.plan.unwrap_or(&drawn);
        println!("{combination}, round {number}, {}: {plan}", plan.kind);
        let file = self.file(number, "jsonl");
        let done = match round::run(cluster, plan, dice, &format!("r{number}"), &file).await {
            Ok(done) => done,
            Err(failure) => {
                report.add_broken();
                return Err(failure);
            }
        };
        report.add(combination, plan.kind, &done);
        let verdict = done.verdict;
        let time = done
            .healed
            .map_err(|missing| format!("not healed in time:\n{missing}"));
        if !verdict.is_clean() {
            let counts = format!("{} others", verdict.others);
            return Err(format!("{}\n({counts})", verdict.findings.join("\n")));
        }
        let accepted = verdict.accepted;
        println!(
            "  accepted {accepted}, healed in {:.2} s",
            time?.as_secs_f64()
        );
        Ok(())
    }

    /// A number of the combination's own, whichever others run.
    const fn group(&self) -> usize {
        self.combination.store as usize * 8 + self.combination.bus as usize
    }

    fn file(&self, number: usize, ending: &str) -> PathBuf {
        let Combination { store, bus } = self.combination;
        let name = format!(
            "{}-{}-{number}.{ending}",
            spec::name(&store),
            spec::name(&bus)
        );
        self.folder.join(name)
    }

    fn replay(&self, number: usize) -> String {
        let Combination { store, bus } = self.combination;
        format!(
            "make test-faults SEED={} STORE={} BUS={} FIRST={number} ROUNDS=1{}",
            self.seed,
            spec::name(&store),
            spec::name(&bus),
            self.plan
                .map_or_else(String::new, |plan| format!(" PLAN='{plan}'"))
        )
    }

    fn keep_logs(&self, cluster: &Cluster, number: usize) {
        for (lines, node) in cluster.logs().into_iter().zip(1..) {
            let file = self.file(number, &format!("node-{node}.log"));
            match fs::write(&file, lines.join("\n")) {
                Ok(()) => println!("log of node {node}: {}", file.display()),
                Err(error) => eprintln!("{}: {error}", file.display()),
            }
        }
    }
}
