//! The sessions of `idle`, held here or by child processes.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::idle::Options;
use super::target::{POLL_MAX, Plan, Target};
use crate::error::BenchError;
use crate::stop;
use crate::swarm::{Notice, Swarm, Transport};

/// The sessions, here or in child processes.
pub(super) enum Crowd {
    Here(Box<Here>),
    Children(Vec<Worker>),
}

/// Sessions of this process.
pub(super) struct Here {
    swarm: Swarm,
    /// How many ended by themselves.
    closed: u64,
}

impl Crowd {
    /// Opens the sessions. Those that are kept while others are measured are
    /// child processes', which go on answering pings.
    pub(super) fn open(
        options: &Options,
        target: &Target<'_>,
        transport: Transport,
    ) -> Result<Crowd, BenchError> {
        if options.sessions <= options.sessions_per_process && !options.keep_open {
            return open_here(options, target, transport)
                .map(Box::new)
                .map(Crowd::Here);
        }
        let per_process = options.sessions_per_process.max(1);
        let mut workers = Vec::new();
        for first in (0..options.sessions).step_by(per_process) {
            let sessions = per_process.min(options.sessions - first);
            workers.push(Worker::start(options.first + first, sessions, transport)?);
        }
        Ok(Crowd::Children(workers))
    }

    /// Keeps them until `done`.
    pub(super) fn hold(&mut self, done: impl Fn() -> bool) -> Result<(), BenchError> {
        match self {
            Crowd::Here(here) => here.hold(done),
            Crowd::Children(_) => {
                while !done() && !stop::requested() {
                    std::thread::sleep(POLL_MAX);
                }
                Ok(())
            }
        }
    }

    /// Ends them; answers how many had ended by themselves.
    pub(super) fn close(self, timeout: Duration) -> Result<u64, BenchError> {
        match self {
            Crowd::Here(here) => here.close(timeout),
            Crowd::Children(mut workers) => workers.iter_mut().map(Worker::finish).sum(),
        }
    }
}

impl Here {
    fn hold(&mut self, done: impl Fn() -> bool) -> Result<(), BenchError> {
        let closed = &mut self.closed;
        while !done() && !stop::requested() {
            self.swarm
                .poll(POLL_MAX, |_, notice, _| {
                    *closed += u64::from(matches!(notice, Notice::Closed(_)));
                })
                .map_err(BenchError::io("poll"))?;
        }
        Ok(())
    }

    fn close(self, timeout: Duration) -> Result<u64, BenchError> {
        self.swarm.close(timeout).map_err(BenchError::io("poll"))?;
        Ok(self.closed)
    }
}

fn open_here(
    options: &Options,
    target: &Target<'_>,
    transport: Transport,
) -> Result<Here, BenchError> {
    let mut swarm = Swarm::new().map_err(BenchError::io("epoll"))?;
    let user = |at| {
        if options.same_room {
            0
        } else {
            options.first + at
        }
    };
    let plans: Vec<Plan> = (0..options.sessions)
        .map(|at| Plan {
            transport,
            ..Plan::subscriber(user(at))
        })
        .collect();
    target.open(&mut swarm, &plans)?;
    Ok(Here { swarm, closed: 0 })
}

/// A child process that holds a part of the sessions.
pub(super) struct Worker {
    child: Child,
    /// Its end tells the child to end.
    stdin: Option<ChildStdin>,
    stdout: BufReader<std::process::ChildStdout>,
}

impl Worker {
    /// Starts it with our own options and waits until its sessions are open.
    fn start(first: usize, sessions: usize, transport: Transport) -> Result<Worker, BenchError> {
        let failed = || BenchError::io("start a child process");
        let program = std::env::current_exe().map_err(failed())?;
        let mut child = Command::new(program)
            .arg("idle-worker")
            .args(std::env::args_os().skip(2))
            .args(["--first", &first.to_string()])
            .args(["--sessions", &sessions.to_string()])
            .args(["--only", transport.name()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(failed())?;
        let Some(stdout) = child.stdout.take() else {
            return Err(BenchError::Options("no pipe to the child".to_owned()));
        };
        let mut worker = Worker {
            stdin: child.stdin.take(),
            stdout: BufReader::new(stdout),
            child,
        };
        match worker.read_line()?.as_str() {
            "ready" => Ok(worker),
            _ => Err(BenchError::Options("a child process failed".to_owned())),
        }
    }

    fn finish(&mut self) -> Result<u64, BenchError> {
        drop(self.stdin.take());
        let closed = self.read_line()?;
        closed
            .parse()
            .map_err(|_| BenchError::Options("a child process failed".to_owned()))
    }

    fn read_line(&mut self) -> Result<String, BenchError> {
        let mut line = String::new();
        self.stdout
            .read_line(&mut line)
            .map_err(BenchError::io("read from a child process"))?;
        Ok(line.trim().to_owned())
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What `idle-worker` does: opens its sessions, says so, and holds them until
/// its input ends.
///
/// # Errors
///
/// See [`BenchError`].
pub(super) fn worker(options: &Options) -> Result<(), BenchError> {
    let mut target = Target::new(&options.common)?;
    options.transports.locate(&mut target)?;
    let transport = options.only.unwrap_or(Transport::StompWebSocket);
    let mut here = open_here(options, &target, transport)?;
    say("ready")?;
    let ended = Arc::new(AtomicBool::new(false));
    let watched = Arc::clone(&ended);
    std::thread::spawn(move || {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        watched.store(true, Ordering::Relaxed);
    });
    here.hold(|| ended.load(Ordering::Relaxed))?;
    let closed = here.close(options.common.answer_timeout)?;
    say(&closed.to_string())
}

fn say(line: &str) -> Result<(), BenchError> {
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "{line}")
        .and_then(|()| stdout.flush())
        .map_err(BenchError::io("write to the parent process"))
}
