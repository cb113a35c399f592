//! A server that speaks S3, for a test of its own: `python/s3_server.py`.

use std::io::Write as _;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use serde_json::Value;

use crate::{PATIENCE, python};
use madang_test_servers::process::{self, Log};

/// A running server with one bucket and one user who may use it. Killed when dropped; its log is
/// printed when a test fails meanwhile.
#[derive(Debug)]
pub struct S3Server {
    child: Child,
    lines: Receiver<String>,
    requests: Receiver<String>,
    log: Log,
    description: Value,
}

impl S3Server {
    /// Starts it on a free port.
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    pub fn start() -> Self {
        let mut command = Command::new(python::interpreter());
        command.arg(python::programs().join("s3_server.py"));
        process::piped(&mut command);
        command.stdin(Stdio::piped());
        let mut child = process::spawn(command);
        let log = Log::default();
        let (seen, lines) = channel();
        process::collect(
            child.stdout.take().expect("piped"),
            Log::default(),
            Some(seen),
        );
        let (logged, requests) = channel();
        process::collect(
            child.stderr.take().expect("piped"),
            log.clone(),
            Some(logged),
        );
        let mut server = Self {
            child,
            lines,
            requests,
            log,
            description: Value::Null,
        };
        server.description = server.answer();
        server
    }

    /// Where it listens, its `bucket`, and the user's `accessKey` and `secretKey`.
    #[must_use]
    pub const fn description(&self) -> &Value {
        &self.description
    }

    /// One of these, such as `endpoint`.
    ///
    /// # Panics
    /// When there is none of that name.
    #[must_use]
    pub fn tells(&self, what: &str) -> &str {
        self.description[what].as_str().expect("it tells that")
    }

    /// The keys of all objects.
    pub fn objects(&mut self) -> Vec<String> {
        self.ask("list")
    }

    /// Makes all objects two days old.
    pub fn age(&mut self) {
        self.ask("age");
    }

    /// Waits until it has answered a request of this method: one that no call waited for before.
    ///
    /// # Panics
    /// When there is none in time.
    pub fn wait_for(&self, method: &str) {
        // In colours, some of them.
        let wanted = format!("{method} /");
        loop {
            let line = self.requests.recv_timeout(PATIENCE);
            let line = line.unwrap_or_else(|reason| panic!("no {method}: {reason}"));
            if line.contains(&wanted) {
                return;
            }
        }
    }

    /// Ends it: connections to it are refused from now on.
    ///
    /// # Panics
    /// When it cannot be waited for.
    pub fn kill(&mut self) {
        process::signal(&self.child, libc::SIGKILL);
        self.child.wait().expect("the server can be waited for");
    }

    fn ask(&mut self, command: &str) -> Vec<String> {
        let input = self.child.stdin.as_mut().expect("piped");
        writeln!(input, "{command}").expect("the server takes commands");
        let keys = self.answer();
        let keys = keys.as_array().expect("a list of keys").iter();
        keys.map(|key| key.as_str().expect("a key").to_owned())
            .collect()
    }

    fn answer(&self) -> Value {
        let line = self
            .lines
            .recv_timeout(2 * PATIENCE)
            .unwrap_or_else(|reason| {
                self.log.print("s3_server.py");
                panic!("s3_server.py said nothing: {reason}")
            });
        serde_json::from_str(&line).expect("it answers in JSON")
    }
}

impl Drop for S3Server {
    fn drop(&mut self) {
        if thread::panicking() {
            self.log.print("s3_server.py");
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
