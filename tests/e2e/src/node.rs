//! Third-party clients under Node, installed from their registry as they are.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::OnceLock;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use crate::{PATIENCE, binary};
use madang_test_servers::process::{self, Log};

/// The folder of the scripts, their packages installed.
///
/// # Panics
/// When `npm ci` fails.
pub fn scripts() -> &'static Path {
    static READY: OnceLock<PathBuf> = OnceLock::new();
    READY.get_or_init(|| {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("js");
        install(&folder);
        folder
    })
}

/// The entry of the client library `@madang/client`, compiled from its sources.
///
/// # Panics
/// When `npm ci` or the compiler fails.
pub fn client_library() -> &'static Path {
    static READY: OnceLock<PathBuf> = OnceLock::new();
    READY.get_or_init(|| {
        let folder = client_library_folder();
        install(&folder);
        let _guard = lock(&folder);
        npm(&folder, &["run", "--silent", "build"]);
        folder.join("dist/index.js")
    })
}

/// Where the client library's sources are.
#[must_use]
pub fn client_library_folder() -> PathBuf {
    binary::workspace().join("web/client")
}

/// Held while packages are installed or sources compiled, whatever number of test processes want
/// it at once.
fn lock(folder: &Path) -> File {
    let guard = File::create(folder.join(".install-lock")).expect("the lock file can be made");
    guard.lock().expect("the lock file can be locked");
    guard
}

/// Installs once per state of the lock file.
fn install(folder: &Path) {
    let modules = folder.join("node_modules");
    fs::create_dir_all(&modules).expect("node_modules can be made");
    let _guard = lock(folder);
    let wanted = fs::read(folder.join("package-lock.json")).expect("package-lock.json is there");
    let stamp = modules.join(".installed-from");
    if fs::read(&stamp).is_ok_and(|installed| installed == wanted) {
        return;
    }
    npm(
        folder,
        &["ci", "--ignore-scripts", "--no-audit", "--no-fund"],
    );
    fs::write(stamp, wanted).expect("the stamp can be written");
}

fn npm(folder: &Path, arguments: &[&str]) {
    let mut npm = Command::new("npm");
    npm.args(arguments).current_dir(folder);
    let output = npm.output().expect("npm runs");
    let said =
        [output.stdout, output.stderr].map(|said| String::from_utf8_lossy(&said).into_owned());
    assert!(
        output.status.success(),
        "npm {arguments:?}: {}",
        said.concat()
    );
}

/// A running script. Killed when dropped; what it printed is shown when the test fails.
#[derive(Debug)]
pub struct Script {
    name: String,
    child: Child,
    log: Log,
    lines: Receiver<String>,
}

impl Script {
    /// Starts `js/<name>` with these environment variables.
    ///
    /// # Panics
    /// When Node cannot be started.
    #[must_use]
    pub fn start(name: &str, env: &[(&str, &str)]) -> Self {
        let mut command = Command::new("node");
        command
            .arg(name)
            .current_dir(scripts())
            .envs(env.iter().copied());
        process::piped(&mut command);
        let mut child = process::spawn(command);
        let log = Log::default();
        let (seen, lines) = channel();
        process::collect(child.stdout.take().expect("piped"), log.clone(), Some(seen));
        process::collect(child.stderr.take().expect("piped"), log.clone(), None);
        Self {
            name: name.to_owned(),
            child,
            log,
            lines,
        }
    }

    /// Waits until the script prints this line.
    ///
    /// # Panics
    /// When it ends or `PATIENCE` passes first.
    pub fn wait_for(&self, line: &str) {
        self.wait_for_prefix(line);
    }

    /// Waits until the script prints a line that begins so; answers the rest of it.
    ///
    /// # Panics
    /// When it ends or twice `PATIENCE` passes first.
    pub fn wait_for_prefix(&self, prefix: &str) -> String {
        let deadline = Instant::now() + 2 * PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let line = self.lines.recv_timeout(left).unwrap_or_else(|reason| {
                panic!("{} did not print {prefix:?}: {reason}", self.name)
            });
            if let Some(rest) = line.strip_prefix(prefix) {
                return rest.trim().to_owned();
            }
        }
    }

    /// Waits until the script ends, and fails unless it succeeded. Scripts have a deadline of
    /// their own, so this one is only for a Node that hangs.
    ///
    /// # Panics
    /// When the script failed.
    pub fn succeed(mut self) {
        let deadline = Instant::now() + 10 * PATIENCE;
        let status = loop {
            match self.child.try_wait().expect("the script can be waited for") {
                Some(status) => break status,
                None => assert!(Instant::now() < deadline, "{} hangs", self.name),
            }
            thread::sleep(Duration::from_millis(20));
        };
        assert!(status.success(), "{}: {status}", self.name);
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        if thread::panicking() {
            self.log.print(&self.name);
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
