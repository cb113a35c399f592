//! A server's process and its log, and what tests do to it.

use std::process::{Child, Command};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Instant;

use crate::PATIENCE;
use crate::ports::free_port;
use crate::process::{self, Log};

/// Ports are found by asking for a free one and may be taken before the server has it.
pub(crate) const TRIES: usize = 20;

/// A process that is killed when dropped; its log is printed when a test fails meanwhile.
#[derive(Debug)]
pub struct Running {
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
        process::signal_family(&self.child, signal);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        process::kill_family(&self.child);
        if thread::panicking() {
            self.log.print(self.name);
        }
    }
}

/// A server that tests kill and hang. Killed when dropped.
#[derive(Debug)]
pub struct Revivable {
    running: Option<Running>,
    /// Starts it where it was before.
    launch: Launch,
}

pub(crate) struct Launch(pub(crate) Box<dyn Fn() -> Result<Running, String> + Send + Sync>);

impl std::fmt::Debug for Launch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Launch")
    }
}

impl Revivable {
    pub(crate) const fn new(running: Running, launch: Launch) -> Self {
        Self {
            running: Some(running),
            launch,
        }
    }

    /// Starts it on a free port, which it keeps.
    ///
    /// # Panics
    /// When it does not start.
    pub(crate) fn on_free_port(
        launch: impl Fn(u16) -> Result<Running, String> + Send + Sync + 'static,
    ) -> (Self, u16) {
        let mut said = String::new();
        for _ in 0..TRIES {
            let port = free_port();
            match launch(port) {
                Ok(running) => {
                    let again = Launch(Box::new(move || launch(port)));
                    return (Self::new(running, again), port);
                }
                Err(error) => said = error,
            }
        }
        panic!("{said}");
    }

    /// SIGKILL for a server that lives as long as this process, which exits.
    pub(crate) fn end(&self) {
        if let Some(running) = &self.running {
            process::kill_family(&running.child);
        }
    }

    /// SIGKILL, to its children too: all that is left is what it wrote.
    pub fn kill(&mut self) {
        self.running = None;
    }

    /// Starts it again after [`Self::kill`], on the same port and with what its folder has.
    ///
    /// # Panics
    /// When it does not start.
    pub fn restart(&mut self) {
        self.running = None;
        let deadline = Instant::now() + PATIENCE;
        loop {
            match (self.launch.0)() {
                Ok(running) => {
                    self.running = Some(running);
                    return;
                }
                Err(error) => assert!(Instant::now() < deadline, "{error}"),
            }
        }
    }

    /// SIGSTOP: it keeps its connections and answers nothing.
    ///
    /// # Panics
    /// When it was killed.
    pub fn freeze(&self) {
        self.signal(libc::SIGSTOP);
    }

    /// SIGCONT.
    ///
    /// # Panics
    /// When it was killed.
    pub fn thaw(&self) {
        self.signal(libc::SIGCONT);
    }

    fn signal(&self, signal: i32) {
        self.running.as_ref().expect("it runs").signal(signal);
    }
}
