//! What people and the host's back end ask over REST, one operation after the other, of a server
//! that is filled first.

use clap::Args;

use super::api::Api;
use super::dataset::DataSet;
use super::fill::fill;
use super::measure::Procedure;
use super::scene::{OPERATIONS, Operation, Scene};
use super::server;
use super::target::{Target, progress};
use crate::cli::Common;
use crate::error::BenchError;
use crate::report::Report;
use crate::stop;

/// Options of `operations`.
#[derive(Clone, Debug, Args)]
pub struct Options {
    /// Options that all scenarios have.
    #[command(flatten)]
    pub common: Common,
    /// API key with all scopes, by which the server is filled.
    #[arg(long)]
    pub api_key: String,
    /// Rooms. A few have many messages: the nth has 1/n of what the first has.
    #[arg(long, default_value_t = 10_000)]
    pub rooms: usize,
    /// Messages of all rooms together.
    #[arg(long, default_value_t = 1_000_000)]
    pub messages: u64,
    /// Users. A few are in many rooms.
    #[arg(long, default_value_t = 1_000)]
    pub users: u32,
    /// Members of a room; fewer where somebody is drawn twice.
    #[arg(long, default_value_t = 10)]
    pub members_per_room: usize,
    /// Connections, each of which waits for its answer before it asks again.
    #[arg(long, default_value_t = 4)]
    pub concurrency: usize,
    /// Only these operations; separated by commas.
    #[arg(long, value_delimiter = ',', value_parser = parse_operation)]
    pub only: Vec<&'static str>,
    /// Fill the server and measure nothing.
    #[arg(long)]
    pub fill_only: bool,
}

/// Runs `operations`.
///
/// # Errors
///
/// See [`BenchError`]; what goes wrong while measuring is in the report.
pub fn run(options: &Options) -> Result<Report, BenchError> {
    let common = &options.common;
    if options.rooms == 0 || options.users < 2 || options.concurrency == 0 {
        return Err(BenchError::Options(
            "there must be a room, two users and a connection".to_owned(),
        ));
    }
    let server = server::prepare(common)?;
    let target = Target::new(common)?;
    let api = Api {
        target: &target,
        api_key: &options.api_key,
    };
    let Options {
        rooms,
        messages,
        users,
        members_per_room,
        ..
    } = *options;
    let data = DataSet::of_operations(rooms, messages, users, members_per_room);
    let filled = fill(&api, &data, users)?;
    let mut report = Report::default();
    report
        .text("scenario", "operations")
        .text("url", &common.url)
        .group("fill", filled.report);
    if options.fill_only {
        return Ok(report);
    }
    let scene = Scene::new(&api, &data, &filled.ids, users);
    report
        .append(scene.report())
        .count("concurrency", options.concurrency as u64);
    let procedure = Procedure {
        target: &target,
        server,
        concurrency: options.concurrency,
    };
    measure(options, &scene, &procedure, &mut report)?;
    Ok(report)
}

fn measure(
    options: &Options,
    scene: &Scene<'_>,
    procedure: &Procedure<'_>,
    report: &mut Report,
) -> Result<(), BenchError> {
    let is_chosen =
        |(name, _): &&(&str, Operation)| options.only.is_empty() || options.only.contains(name);
    let operations: Vec<_> = OPERATIONS.iter().filter(is_chosen).collect();
    let bar = progress("operations", operations.len() as u64);
    let (mut rows, mut failures) = (Vec::new(), Report::default());
    for (name, operation) in operations {
        let measured = procedure.measure(&scene.ask(*operation, options.concurrency)?)?;
        rows.push(measured.row(name));
        if let Some(first) = measured.first_failure() {
            failures.text(*name, first);
        }
        bar.inc(1);
        if stop::requested() {
            break;
        }
    }
    bar.finish_and_clear();
    report
        .rows("operations", rows)
        .group("first_failures", failures);
    Ok(())
}

fn parse_operation(text: &str) -> Result<&'static str, String> {
    let names = || OPERATIONS.iter().map(|(name, _)| *name);
    let found = names().find(|name| *name == text);
    found.ok_or_else(|| format!("must be of {}", names().collect::<Vec<_>>().join(", ")))
}
