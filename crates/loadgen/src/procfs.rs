//! What the kernel says about a process: CPU time and memory.

use std::time::Duration;
use std::{fs, io};

use crate::report::Report;

/// A process, by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Process(pub u32);

/// The nodes of a server, at least one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Server(&'static [Process]);

impl Server {
    /// `None` of no process. What it is made of stays until this program ends.
    pub fn of(nodes: Vec<Process>) -> Option<Server> {
        (!nodes.is_empty()).then(|| Server(nodes.leak()))
    }

    /// The usage of all nodes together.
    ///
    /// # Errors
    ///
    /// One of them is not there (any more).
    pub fn usage(self) -> io::Result<Usage> {
        let mut all = Usage::default();
        for node in self.0 {
            let usage = node.usage()?;
            all.cpu += usage.cpu;
            all.rss_bytes += usage.rss_bytes;
            all.rss_max_bytes += usage.rss_max_bytes;
            all.threads += usage.threads;
        }
        Ok(all)
    }

    /// As [`Process::pin`], of each node.
    ///
    /// # Errors
    ///
    /// As [`Process::pin`].
    pub fn pin(self, cpu: usize) -> io::Result<()> {
        self.0.iter().try_for_each(|node| node.pin(cpu))
    }
}

/// CPU time and memory at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// User and system time of all threads since the process began; exact to
    /// one clock tick, 10 ms on most machines.
    pub cpu: Duration,
    /// Resident memory (VmRSS).
    pub rss_bytes: u64,
    /// The most resident memory so far (VmHWM).
    pub rss_max_bytes: u64,
    /// Threads now.
    pub threads: u64,
}

impl Process {
    /// The process that asks.
    pub fn this() -> Process {
        Process(std::process::id())
    }

    /// Its usage now.
    ///
    /// # Errors
    ///
    /// There is no such process (any more).
    pub fn usage(self) -> io::Result<Usage> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.0))?;
        let status = fs::read_to_string(format!("/proc/{}/status", self.0))?;
        Ok(Usage {
            cpu: parse_cpu(&stat).ok_or_else(malformed)?,
            rss_bytes: field(&status, "VmRSS:").unwrap_or(0) * 1024,
            rss_max_bytes: field(&status, "VmHWM:").unwrap_or(0) * 1024,
            threads: field(&status, "Threads:").unwrap_or(0),
        })
    }

    /// Confines all threads that it has now to one CPU; threads they start
    /// later inherit that.
    ///
    /// # Errors
    ///
    /// There is no such process or CPU, or it belongs to somebody else.
    pub fn pin(self, cpu: usize) -> io::Result<()> {
        let mut cpus = rustix::thread::CpuSet::new();
        if cpu >= rustix::thread::CpuSet::MAX_CPU {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        cpus.set(cpu);
        for thread in fs::read_dir(format!("/proc/{}/task", self.0))? {
            let name = thread?.file_name();
            let thread = name.to_str().and_then(|name| name.parse().ok());
            let thread = thread.and_then(rustix::thread::Pid::from_raw);
            rustix::thread::sched_setaffinity(thread, &cpus)?;
        }
        Ok(())
    }
}

impl Usage {
    /// CPU time used since `before`, and the memory as it is now.
    pub fn report_since(&self, before: &Usage) -> Report {
        let cpu = self.cpu.saturating_sub(before.cpu);
        let mut report = Report::default();
        report.number("cpu_seconds", cpu.as_secs_f64());
        report.append(self.report_memory());
        report
    }

    /// The memory as it is now.
    pub fn report_memory(&self) -> Report {
        let mut report = Report::default();
        report
            .number("rss_mib", mib(self.rss_bytes))
            .number("rss_max_mib", mib(self.rss_max_bytes))
            .count("threads", self.threads);
        report
    }
}

/// Bytes in units of 1,048,576.
pub fn mib(bytes: u64) -> f64 {
    bytes as f64 / (1024.0 * 1024.0)
}

/// Raises the limit of open files as far as this process may.
pub fn raise_open_files() -> Option<u64> {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    let _ = setrlimit(Resource::Nofile, limit);
    getrlimit(Resource::Nofile).current
}

/// utime and stime, the 14th and 15th field. The 2nd is a name that may hold
/// spaces and brackets, so they are counted from its last closing bracket.
fn parse_cpu(stat: &str) -> Option<Duration> {
    let (_, behind_name) = stat.rsplit_once(')')?;
    let mut fields = behind_name.split_ascii_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    let ticks = user + system;
    let per_second = rustix::param::clock_ticks_per_second().max(1);
    Some(Duration::from_secs_f64(ticks as f64 / per_second as f64))
}

fn field(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_ascii_whitespace().next()?.parse().ok()
}

fn malformed() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "unknown format of /proc")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_time_is_found_behind_a_name_with_brackets() {
        let stat = "7 (a) (b c) S 1 1 1 0 -1 4 5 6 7 8 150 50 1 2 20 0 3 0";
        let per_second = rustix::param::clock_ticks_per_second() as f64;
        assert_eq!(parse_cpu(stat).unwrap().as_secs_f64(), 200.0 / per_second);
        assert_eq!(parse_cpu("7 (a"), None);
    }

    #[test]
    fn this_process_uses_memory() {
        let usage = Process::this().usage().unwrap();
        assert!(usage.rss_bytes > 0 && usage.rss_max_bytes >= usage.rss_bytes);
        assert!(usage.threads > 0);
        assert!(Process(u32::MAX).usage().is_err());
    }
}
