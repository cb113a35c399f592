//! Asking the same again and again over a few connections: how long it takes, what it costs.

use std::time::{Duration, Instant};

use super::server::{Cost, Meter};
use super::target::Target;
use crate::error::BenchError;
use crate::http::{HttpConnection, Request};
use crate::procfs::Server;
use crate::report::Report;
use crate::stats::Latencies;
use crate::stop;

/// What is asked next. `None`: there is nothing left to ask.
pub(super) type Ask<'a> = Box<dyn Fn(Turn) -> Result<Option<Request>, BenchError> + Sync + 'a>;

/// Which request it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Turn {
    /// By which connection, from 0.
    pub(super) connection: usize,
    /// Its number among those of this connection, from 0.
    pub(super) of_connection: u64,
    /// Its number among all, from 0; each comes once.
    pub(super) of_all: u64,
}

impl Turn {
    /// To the next one of the same connection, which is one of `all`.
    fn advance(&mut self, all: usize) {
        self.of_connection += 1;
        self.of_all += all as u64;
    }
}

/// How to measure.
pub(super) struct Procedure<'a> {
    pub(super) target: &'a Target<'a>,
    pub(super) server: Option<Server>,
    /// Connections, each of which waits for its answer before it asks again.
    pub(super) concurrency: usize,
}

/// What came of it.
pub(super) struct Measured {
    pub(super) latencies: Latencies,
    seconds: f64,
    cost: Cost,
    /// Bytes of all bodies that were answered.
    bytes: u64,
    /// Elements of the first list in the first answer.
    items: Option<u64>,
    failed: u64,
    first_failure: Option<String>,
}

/// What one connection saw.
#[derive(Default)]
struct Seen {
    latencies: Latencies,
    bytes: u64,
    failed: u64,
    first_failure: Option<String>,
}

/// One connection, and its next turn.
struct Asker {
    connection: HttpConnection,
    turn: Turn,
}

impl Procedure<'_> {
    /// Measures one operation for as long as the options say, after a warm-up; or until there is
    /// nothing left to ask.
    ///
    /// # Errors
    ///
    /// The server cannot be reached, or ends a connection. Refusals are counted.
    pub(super) fn measure(&self, ask: &Ask<'_>) -> Result<Measured, BenchError> {
        let common = self.target.common;
        let asker = |at| {
            let turn = Turn {
                connection: at,
                of_connection: 0,
                of_all: at as u64,
            };
            let connection = self.target.http()?;
            Ok(Asker { connection, turn })
        };
        let mut askers: Vec<Asker> = (0..self.concurrency)
            .map(asker)
            .collect::<Result<_, BenchError>>()?;
        let mut items = None;
        let Asker { connection, turn } = &mut askers[0];
        if let Some(request) = ask(*turn)? {
            items = count_items(connection.ask(&request).map_err(failed())?.body);
            turn.advance(self.concurrency);
        }
        run(ask, &mut askers, common.warmup)?;
        let meter = Meter::start(self.server);
        let started = Instant::now();
        let seen = run(ask, &mut askers, common.duration)?;
        Ok(Measured {
            latencies: seen.latencies,
            seconds: started.elapsed().as_secs_f64(),
            cost: meter.stop(),
            bytes: seen.bytes,
            items,
            failed: seen.failed,
            first_failure: seen.first_failure,
        })
    }
}

fn run(ask: &Ask<'_>, askers: &mut [Asker], duration: Duration) -> Result<Seen, BenchError> {
    let until = Instant::now() + duration;
    let all = askers.len();
    let work = |asker: &mut Asker| -> Result<Seen, BenchError> {
        let mut seen = Seen::default();
        while Instant::now() < until && !stop::requested() {
            let Some(request) = ask(asker.turn)? else {
                break;
            };
            seen.ask(&mut asker.connection, &request)?;
            asker.turn.advance(all);
        }
        Ok(seen)
    };
    let work = &work;
    std::thread::scope(|scope| {
        let workers: Vec<_> = askers
            .iter_mut()
            .map(|asker| scope.spawn(move || work(asker)))
            .collect();
        let mut all = Seen::default();
        for worker in workers {
            all.add(worker.join().unwrap_or(Err(BenchError::Stopped))?);
        }
        Ok(all)
    })
}

impl Seen {
    fn ask(
        &mut self,
        connection: &mut HttpConnection,
        request: &Request,
    ) -> Result<(), BenchError> {
        let started = Instant::now();
        let answer = connection.ask(request).map_err(failed())?;
        self.latencies.record(started.elapsed());
        self.bytes += answer.body.len() as u64;
        if !answer.is_success() {
            self.failed += 1;
            self.first_failure.get_or_insert_with(|| {
                let Request { method, path, .. } = request;
                format!("{method} {path}: {}", answer.describe())
            });
        }
        Ok(())
    }

    fn add(&mut self, other: Seen) {
        self.latencies.add(&other.latencies);
        self.bytes += other.bytes;
        self.failed += other.failed;
        self.first_failure = self.first_failure.take().or(other.first_failure);
    }
}

impl Measured {
    /// CPU time of the server for one request, in microseconds.
    pub(super) fn server_cpu_us(&self) -> Option<f64> {
        let cpu = self.cost.server_cpu()?;
        Some(cpu * 1e6 / self.latencies.count() as f64)
    }

    /// The median in milliseconds; none if nothing was answered.
    pub(super) fn p50_ms(&self) -> Option<f64> {
        self.latencies.report().get_number("p50")
    }

    /// What 99 of 100 stay below, in milliseconds; none if nothing was answered.
    pub(super) fn p99_ms(&self) -> Option<f64> {
        self.latencies.report().get_number("p99")
    }

    /// The first refusal in words.
    pub(super) fn first_failure(&self) -> Option<&str> {
        self.first_failure.as_deref()
    }

    /// A row of a table.
    pub(super) fn row(&self, name: &str) -> Report {
        let latency = self.latencies.report();
        let requests = self.latencies.count();
        let mut row = Report::default();
        row.text("operation", name)
            .count("requests", requests)
            .number("per_second", requests as f64 / self.seconds);
        for percentile in ["p50", "p90", "p99", "max"] {
            let value = latency.get_number(percentile).unwrap_or(f64::NAN);
            row.number(format!("{percentile}_ms"), value);
        }
        if let Some(cpu) = self.server_cpu_us() {
            row.number("server_cpu_us", cpu);
        }
        if let Some(items) = self.items {
            row.count("items", items);
        }
        row.count("body_bytes_mean", self.bytes / requests.max(1))
            .count("failed", self.failed);
        row
    }
}

/// Elements of the first list that is a member of the object.
fn count_items(body: &[u8]) -> Option<u64> {
    let body: serde_json::Value = serde_json::from_slice(body).ok()?;
    let list = body
        .as_object()?
        .values()
        .find_map(|value| value.as_array())?;
    Some(list.len() as u64)
}

fn failed() -> impl FnOnce(std::io::Error) -> BenchError {
    BenchError::io("ask the server")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_page_holds_is_counted() {
        assert_eq!(
            count_items(br#"{"head":{"a":[1]},"messages":[1,2]}"#),
            Some(2)
        );
        assert_eq!(count_items(br#"{"id":"x"}"#), None);
        assert_eq!(count_items(b""), None);
    }
}
