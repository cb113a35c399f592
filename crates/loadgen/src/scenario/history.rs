//! Reading pages of a room's history over REST, one request after the other.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use clap::Args;

use super::server::{self, Meter};
use super::target::Target;
use crate::cli::Common;
use crate::error::BenchError;
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

/// One connection that is kept.
struct Connection {
    stream: BufReader<TcpStream>,
    request: Vec<u8>,
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
    let mut connection = Connection::open(&target, &options.path)?;
    let warm_until = Instant::now() + common.warmup;
    while Instant::now() < warm_until {
        connection.get()?;
    }
    let (mut latencies, mut bytes, mut requests) = (Latencies::default(), 0_u64, 0_u64);
    let meter = Meter::start(server);
    let began = Instant::now();
    let until = Instant::now() + common.duration;
    while requests < options.requests && Instant::now() < until && !stop::requested() {
        let started = Instant::now();
        bytes += connection.get()?;
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

impl Connection {
    fn open(target: &Target<'_>, path: &str) -> Result<Connection, BenchError> {
        let user = target.user(0);
        let token = target.token(0)?;
        let path = path.replace("{user}", &user.replace('@', "%40"));
        let host = target.url.authority();
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n\r\n");
        let stream = TcpStream::connect(target.address).map_err(BenchError::io("connect"))?;
        stream
            .set_nodelay(true)
            .and_then(|()| stream.set_read_timeout(Some(Duration::from_secs(10))))
            .map_err(BenchError::io("connect"))?;
        Ok(Connection {
            stream: BufReader::new(stream),
            request: request.into_bytes(),
        })
    }

    /// Answers the length of the body.
    fn get(&mut self) -> Result<u64, BenchError> {
        let stream = self.stream.get_mut();
        stream
            .write_all(&self.request)
            .map_err(BenchError::io("send a request"))?;
        let failed = || BenchError::io("read an answer");
        let mut line = String::new();
        self.stream.read_line(&mut line).map_err(failed())?;
        if !line.starts_with("HTTP/1.1 200 ") {
            return Err(BenchError::Options(format!("the server answers {line}")));
        }
        let mut length = 0;
        while !line.trim_end().is_empty() {
            line.clear();
            self.stream.read_line(&mut line).map_err(failed())?;
            let header = line.to_ascii_lowercase();
            if let Some(value) = header.strip_prefix("content-length:") {
                length = value.trim().parse().unwrap_or(0);
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).map_err(failed())?;
        Ok(length as u64)
    }
}
