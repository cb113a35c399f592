//! Reading pages of a room's history over REST, one request after the other.

use std::time::Instant;

use clap::Args;

use super::server::{self, Meter};
use super::target::Target;
use crate::cli::Common;
use crate::error::BenchError;
use crate::http::{HttpConnection, Request, encoded};
use crate::report::Report;
use crate::stats::Latencies;
use crate::stop;

/// Options of `history`.
#[derive(Clone, Debug, Args)]
pub struct Options {
    /// Options that all scenarios have.
    #[command(flatten)]
    pub common: Common,
    /// What to GET; `{user}` is user 0, percent-encoded.
    #[arg(long, default_value = "/api/v1/rooms/{user}/messages?limit=20")]
    pub path: String,
    /// How often at most; also ended by --duration.
    #[arg(long, default_value_t = 20_000)]
    pub requests: u64,
}

/// Runs `history`.
///
/// # Errors
///
/// The server cannot be reached, or answers anything but 200.
pub fn run(options: &Options) -> Result<Report, BenchError> {
    let common = &options.common;
    let server = server::prepare(common)?;
    let target = Target::new(common)?;
    let path = options.path.replace("{user}", &encoded(&target.user(0)));
    let request = Request::get(path, target.token(0)?);
    let mut connection = target.http()?;
    let warm_until = Instant::now() + common.warmup;
    while Instant::now() < warm_until {
        get(&mut connection, &request)?;
    }
    let (mut latencies, mut bytes, mut requests) = (Latencies::default(), 0_u64, 0_u64);
    let meter = Meter::start(server);
    let began = Instant::now();
    let until = Instant::now() + common.duration;
    while requests < options.requests && Instant::now() < until && !stop::requested() {
        let started = Instant::now();
        bytes += get(&mut connection, &request)?;
        latencies.record(started.elapsed());
        requests += 1;
    }
    let seconds = began.elapsed().as_secs_f64();
    let cost = meter.stop();
    let mut report = Report::default();
    report
        .text("scenario", "history")
        .text("path", &options.path)
        .count("requests", requests)
        .number("seconds", seconds)
        .count("body_bytes_mean", bytes / requests.max(1))
        .group("latency_ms", latencies.report());
    cost.report("requests", requests, &mut report);
    Ok(report)
}

/// Asks once; answers the length of the body.
fn get(connection: &mut HttpConnection, request: &Request) -> Result<u64, BenchError> {
    let answer = connection
        .ask(request)
        .map_err(BenchError::io("ask the server"))?;
    match answer.status {
        200 => Ok(answer.body.len() as u64),
        _ => Err(BenchError::Answer {
            asked: request.path.clone(),
            answer: answer.describe(),
        }),
    }
}
