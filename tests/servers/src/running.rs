//! A server's process, its folder and its log.

use std::process::{Child, Command};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Instant;

use crate::PATIENCE;
use crate::process::{self, Log};

/// A process that is killed when dropped; its log is printed when a test fails meanwhile.
#[derive(Debug)]
pub(crate) struct Running {
    name: &'static str,
    child: Child,
    log: Log,
}

impl Running {
    /// Starts `command` and waits until it prints a line that `ready` accepts.
    ///
    /// # Errors
    /// What it printed, when it ends or does not get ready in time: a port was taken, for example.
    pub(crate) fn start(
        name: &'static str,
        mut command: Command,
        ready: impl Fn(&str) -> bool,
    ) -> Result<Self, String> {
        process::piped(&mut command);
        let mut child = process::spawn(command);
        let log = Log::default();
        let (seen, lines) = channel();
        for stream in [
            child
                .stdout
                .take()
                .map(|out| Box::new(out) as Box<dyn std::io::Read + Send>),
            child
                .stderr
                .take()
                .map(|err| Box::new(err) as Box<dyn std::io::Read + Send>),
        ] {
            process::collect(stream.expect("piped"), log.clone(), Some(seen.clone()));
        }
        drop(seen);
        let running = Self { name, child, log };
        running.wait_for(&lines, ready)?;
        Ok(running)
    }

    fn wait_for(
        &self,
        lines: &Receiver<String>,
        ready: impl Fn(&str) -> bool,
    ) -> Result<(), String> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) if ready(&line) => return Ok(()),
                Ok(_) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(format!(
                        "{} ended:\n{}",
                        self.name,
                        self.log.lines().join("\n")
                    ));
                }
                Err(RecvTimeoutError::Timeout) => {
                    return Err(format!(
                        "{} hangs:\n{}",
                        self.name,
                        self.log.lines().join("\n")
                    ));
                }
            }
        }
    }

    pub(crate) fn signal(&self, signal: i32) {
        process::signal(&self.child, signal);
    }

    /// Kills it and waits for its end.
    pub(crate) fn kill(&mut self) {
        self.signal(libc::SIGKILL);
        let _ = self.child.wait();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
        if thread::panicking() {
            self.log.print(self.name);
        }
    }
}
