//! The server as a process, seen from outside.

use crate::cli::Common;
use crate::error::BenchError;
use crate::procfs::{Process, Server, Usage};
use crate::report::Report;

/// The server's and our own usage at the beginning of an interval.
pub(super) struct Meter {
    server: Option<Server>,
    server_before: Usage,
    client_before: Usage,
}

/// What an interval cost.
pub(super) struct Cost {
    /// `None` if the server's process is not known.
    pub(super) server: Option<(Usage, Usage)>,
    client: (Usage, Usage),
}

/// The server's process as the options name it; pins both sides on the way.
pub(super) fn prepare(common: &Common) -> Result<Option<Server>, BenchError> {
    let pids = common.server_pid.iter().chain(&common.node_pid);
    let server = Server::of(pids.copied().map(Process).collect());
    if let Some(server) = server {
        let context = format!("processes {server:?}");
        server.usage().map_err(BenchError::io(context))?;
    }
    if let (Some(server), Some(cpu)) = (server, common.pin_server) {
        server.pin(cpu).map_err(BenchError::io("pin the server"))?;
    }
    if let Some(cpu) = common.pin_client {
        Process::this()
            .pin(cpu)
            .map_err(BenchError::io("pin the client"))?;
    }
    Ok(server)
}

impl Meter {
    pub(super) fn start(server: Option<Server>) -> Meter {
        Meter {
            server,
            server_before: usage(server).unwrap_or_default(),
            client_before: Process::this().usage().unwrap_or_default(),
        }
    }

    pub(super) fn stop(&self) -> Cost {
        let client = Process::this().usage().unwrap_or_default();
        Cost {
            server: usage(self.server).map(|after| (self.server_before, after)),
            client: (self.client_before, client),
        }
    }
}

impl Cost {
    /// CPU seconds of the server.
    pub(super) fn server_cpu(&self) -> Option<f64> {
        let (before, after) = self.server?;
        Some(after.cpu.saturating_sub(before.cpu).as_secs_f64())
    }

    /// CPU seconds of this process.
    pub(super) fn client_cpu(&self) -> f64 {
        self.client
            .1
            .cpu
            .saturating_sub(self.client.0.cpu)
            .as_secs_f64()
    }

    /// Adds `{what}_per_server_cpu_second` and what both sides used.
    pub(super) fn report(&self, what: &str, count: u64, report: &mut Report) {
        if let Some(cpu) = self.server_cpu() {
            report.number(format!("{what}_per_server_cpu_second"), count as f64 / cpu);
        }
        if let Some((before, after)) = &self.server {
            report.group("server", after.report_since(before));
        }
        let mut client = Report::default();
        client
            .number("cpu_seconds", self.client_cpu())
            .number("cpu_us_per_unit", self.client_cpu() * 1e6 / count as f64);
        report.group("client", client);
    }
}

fn usage(process: Option<Server>) -> Option<Usage> {
    process?.usage().ok()
}
