//! Child processes that never outlive the test process, and what they print.

#![allow(
    unsafe_code,
    reason = "signals and the parent-death signal have no safe form in std"
)]

use std::collections::VecDeque;
use std::fs;
use std::io::{BufRead as _, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread;

const LINES_MAX: usize = 2000;

/// The last lines that a process printed, on both streams.
#[derive(Debug, Clone, Default)]
pub struct Log(Arc<Mutex<VecDeque<String>>>);

impl Log {
    /// Adds a line, and forgets the oldest when there are 2,000.
    pub fn push(&self, line: String) {
        let mut lines = self
            .0
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        if lines.len() == LINES_MAX {
            lines.pop_front();
        }
        lines.push_back(line);
    }

    /// The lines, oldest first.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let lines = self
            .0
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        lines.iter().cloned().collect()
    }

    /// Prints them to standard error.
    pub fn print(&self, title: &str) {
        let lines = self.lines();
        eprintln!("--- {title}: its last {} lines", lines.len());
        for line in lines {
            eprintln!("{line}");
        }
        eprintln!("--- end of {title}");
    }
}

/// Starts `command` so that the kernel kills it when the test process ends, however it ends.
///
/// The parent-death signal belongs to the thread that spawned. A test's own thread ends with the
/// test while a shared server stays, so one thread that never ends spawns everything.
pub fn spawn(mut command: Command) -> Child {
    static SPAWNER: OnceLock<Sender<(Command, Sender<std::io::Result<Child>>)>> = OnceLock::new();
    #[cfg(target_os = "linux")]
    {
        use std::os::unix::process::CommandExt as _;
        // SAFETY: `prctl` is a bare system call: it neither allocates nor takes a lock.
        unsafe {
            command.pre_exec(|| {
                libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
                Ok(())
            });
        }
    }
    let spawner = SPAWNER.get_or_init(|| {
        let (sender, jobs) = channel::<(Command, Sender<std::io::Result<Child>>)>();
        thread::spawn(move || {
            for (mut command, answer) in jobs {
                let _ = answer.send(command.spawn());
            }
        });
        sender
    });
    let (answer, child) = channel();
    spawner
        .send((command, answer))
        .expect("the spawning thread never ends");
    let child = child.recv().expect("the spawning thread always answers");
    child.expect("the process starts")
}

/// Sends a signal to a child that has not been waited for, so that its id is still its own.
pub fn signal(child: &Child, signal: i32) {
    kill(child.id(), signal);
}

/// Sends a signal to a child and to the children that it has: a database's are a process each. Answers their ids.
///
/// The child stands still while they are told, so that none of them can be missed, and no id of one that has ended
/// can be another's.
pub(crate) fn signal_family(child: &Child, signal: i32) -> Vec<u32> {
    kill(child.id(), libc::SIGSTOP);
    await_stop(child.id());
    let children = children(child.id());
    for &id in &children {
        kill(id, signal);
    }
    kill(child.id(), signal);
    children
}

/// Sends SIGKILL to a child and its children, and waits until all of them are gone.
pub(crate) fn kill_family(child: &Child) {
    // Children whose parent has ended become this process's, which can then wait for them.
    // SAFETY: `prctl` takes no memory.
    unsafe { libc::prctl(libc::PR_SET_CHILD_SUBREAPER, 1) };
    let children = signal_family(child, libc::SIGKILL);
    for id in std::iter::once(child.id()).chain(children) {
        // SAFETY: without a place for the status, `waitpid` takes no memory.
        unsafe { libc::waitpid(process_id(id), std::ptr::null_mut(), 0) };
    }
}

/// Calls `ending` when this process exits by itself: statics are not dropped. It must not panic.
pub(crate) fn at_exit(ending: extern "C" fn()) {
    // SAFETY: `atexit` keeps the function's address only, and functions stay.
    unsafe { libc::atexit(ending) };
}

fn kill(id: u32, signal: i32) {
    // SAFETY: `kill` takes no memory.
    unsafe { libc::kill(process_id(id), signal) };
}

/// Waits until a child has stopped, or ended.
fn await_stop(id: u32) {
    // SAFETY: `siginfo_t` is plain data, for which all zeros are a value.
    let mut info: libc::siginfo_t = unsafe { std::mem::zeroed() };
    let events = libc::WSTOPPED | libc::WEXITED | libc::WNOWAIT;
    // SAFETY: `waitid` writes to `info` only.
    unsafe { libc::waitid(libc::P_PID, id, &raw mut info, events) };
}

fn children(id: u32) -> Vec<u32> {
    let threads = fs::read_dir(format!("/proc/{id}/task"));
    let threads = threads.into_iter().flatten().filter_map(Result::ok);
    let lists =
        threads.filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
    lists
        .flat_map(|list| {
            let ids = list.split_whitespace().filter_map(|id| id.parse().ok());
            ids.collect::<Vec<_>>()
        })
        .collect()
}

fn process_id(id: u32) -> libc::pid_t {
    libc::pid_t::try_from(id).expect("process ids are small")
}

/// Gives `command` no input and pipes for what it prints.
pub fn piped(command: &mut Command) {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
}

/// Copies lines into `log`, and to `seen` until nobody listens there.
pub fn collect(from: impl Read + Send + 'static, log: Log, seen: Option<Sender<String>>) {
    thread::spawn(move || {
        for line in BufReader::new(from).split(b'\n').map_while(Result::ok) {
            let line = String::from_utf8_lossy(&line).into_owned();
            if let Some(seen) = &seen {
                let _ = seen.send(line.clone());
            }
            log.push(line);
        }
    });
}
