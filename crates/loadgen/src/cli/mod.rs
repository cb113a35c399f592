//! The command line of `madang-bench`.

mod common;
mod reference;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

pub(crate) use common::parse_seconds;
pub use common::{Common, Format, KeyEncoding, Preset};
pub use reference::reference;

use crate::error::BenchError;
use crate::report::Report;
use crate::scenario::{
    fanout, history, idle, mix, operations, receipts, resume, scaling, send, start,
};
use crate::{ceiling, procfs, stop};

/// Loads a chat server and reports what it did and what it cost.
#[derive(Debug, Parser)]
#[command(name = "madang-bench", version, max_term_width = 100)]
pub struct Cli {
    /// What to measure.
    #[command(subcommand)]
    pub scenario: Scenario,
}

/// What to measure.
#[derive(Debug, Subcommand)]
pub enum Scenario {
    /// One message to many subscribers of one destination; with --stalled,
    /// while some of them do not read.
    Fanout(fanout::Options),
    /// Sends that are confirmed by receipts, over many rooms.
    Send(send::Options),
    /// Many sessions that do nothing: what each costs in memory.
    Idle(idle::Options),
    /// Subscribing behind the head of a room: how fast what was missed comes.
    Resume(resume::Options),
    /// Many rooms whose members talk, at a rate that does not wait for answers.
    Mix(mix::Options),
    /// Pages of a room's history over REST, one request after the other.
    History(history::Options),
    /// What people and the host's back end ask over REST, one operation after the other, of a
    /// server that is filled first, as far as it is not yet.
    Operations(operations::Options),
    /// What operations cost as a user's rooms, a room's members and a room's messages grow, each
    /// while the others stay.
    Scaling(scaling::Options),
    /// All members of a room read a message at once: how many events each gets, and what that costs.
    Receipts(receipts::Options),
    /// How long a server takes from its start to its first connection.
    Start(start::Options),
    /// The bare loop of `fanout --with-ceiling`; started by it.
    #[command(hide = true)]
    CeilingServer {
        /// How many to accept.
        #[arg(long)]
        connections: usize,
    },
    /// A part of the sessions of `idle`; started by it.
    #[command(hide = true, args_override_self = true)]
    IdleWorker(idle::Options),
}

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(&cli.scenario) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("madang-bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(scenario: &Scenario) -> Result<(), BenchError> {
    procfs::raise_open_files();
    match scenario {
        Scenario::CeilingServer { connections } => {
            // It runs until its connections close, so that Ctrl-C, which the
            // terminal sends to it as well, does not end it before its parent.
            stop::on_ctrl_c();
            return ceiling::child_main(*connections).map_err(BenchError::io("serve"));
        }
        Scenario::IdleWorker(options) => {
            stop::on_ctrl_c();
            return idle::worker(options);
        }
        _ => stop::on_ctrl_c(),
    }
    let (common, report) = match scenario {
        Scenario::Fanout(options) => (&options.common, fanout::run(options)?),
        Scenario::Send(options) => (&options.common, send::run(options)?),
        Scenario::Idle(options) => (&options.common, idle::run(options)?),
        Scenario::Resume(options) => (&options.common, resume::run(options)?),
        Scenario::Mix(options) => (&options.common, mix::run(options)?),
        Scenario::History(options) => (&options.common, history::run(options)?),
        Scenario::Operations(options) => (&options.common, operations::run(options)?),
        Scenario::Scaling(options) => (&options.common, scaling::run(options)?),
        Scenario::Receipts(options) => (&options.common, receipts::run(options)?),
        Scenario::Start(options) => (&options.common, start::run(options)?),
        Scenario::CeilingServer { .. } | Scenario::IdleWorker(_) => return Ok(()),
    };
    print(&report, common.format);
    Ok(())
}

#[allow(clippy::print_stdout, reason = "the report is what the program is for")]
fn print(report: &Report, format: Format) {
    match format {
        Format::Text => print!("{report}"),
        Format::Json => match serde_json::to_string_pretty(report) {
            Ok(json) => println!("{json}"),
            Err(error) => eprintln!("madang-bench: {error}"),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_options_are_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_worker_takes_options_twice() {
        let line = "madang-bench idle-worker --sessions 9 --same-room --sessions 5 --first 3";
        let cli = Cli::try_parse_from(line.split(' ')).unwrap();
        let Scenario::IdleWorker(options) = cli.scenario else {
            panic!("{cli:?}");
        };
        assert_eq!((options.sessions, options.first), (5, 3));
    }
}
