//! Programs in other languages that run to their end and say how it went.

use std::env;
use std::process::Command;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use crate::PATIENCE;
use madang_test_servers::process::{self, Log};

/// Whether a program of this name is on the path.
#[must_use]
pub fn is_installed(name: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|folder| folder.join(name).is_file())
}

/// Whether this command succeeds; `false` also when it cannot be started.
#[must_use]
pub fn succeeds(command: &mut Command) -> bool {
    command.output().is_ok_and(|output| output.status.success())
}

/// Runs a program to its end; answers the lines of its standard output. It is killed when it takes
/// longer than five times [`PATIENCE`]; programs have deadlines of their own.
///
/// # Errors
/// All that it printed, when it failed or had to be killed.
pub fn run(name: &str, mut command: Command) -> Result<Vec<String>, String> {
    process::piped(&mut command);
    let mut child = process::spawn(command);
    let log = Log::default();
    let (seen, lines) = channel();
    process::collect(child.stdout.take().expect("piped"), log.clone(), Some(seen));
    let (ended, errors) = channel();
    process::collect(
        child.stderr.take().expect("piped"),
        log.clone(),
        Some(ended),
    );
    let deadline = Instant::now() + 5 * PATIENCE;
    let until_closed = collect_until(&lines, deadline).and_then(|printed| {
        collect_until(&errors, deadline)?;
        Some(printed)
    });
    let status = loop {
        match child.try_wait().expect("the program can be waited for") {
            Some(status) => break Some(status),
            None if Instant::now() > deadline => break None,
            None => thread::sleep(Duration::from_millis(20)),
        }
    };
    match (until_closed, status) {
        (Some(printed), Some(status)) if status.success() => Ok(printed),
        (_, Some(status)) => Err(format!("{name}: {status}\n{}", log.lines().join("\n"))),
        (_, None) => {
            let _ = child.kill();
            let _ = child.wait();
            Err(format!("{name} hangs\n{}", log.lines().join("\n")))
        }
    }
}

/// The lines of a stream until it is closed; `None` when it is not closed in time.
fn collect_until(lines: &Receiver<String>, deadline: Instant) -> Option<Vec<String>> {
    let mut collected = Vec::new();
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        match lines.recv_timeout(left) {
            Ok(line) => collected.push(line),
            Err(RecvTimeoutError::Disconnected) => return Some(collected),
            Err(RecvTimeoutError::Timeout) => return None,
        }
    }
}
