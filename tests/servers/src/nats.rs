//! A NATS server, from the package registry of Python: Debian's is too old.

use std::fs;
use std::ops::{Deref, DerefMut};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::PATIENCE;
use crate::python::environment;
use crate::running::{Launch, Revivable, Running};

/// One server without `JetStream`. Killed when dropped.
#[derive(Debug)]
pub struct NatsServer {
    server: Revivable,
    port: u16,
}

impl Deref for NatsServer {
    type Target = Revivable;

    fn deref(&self) -> &Revivable {
        &self.server
    }
}

impl DerefMut for NatsServer {
    fn deref_mut(&mut self) -> &mut Revivable {
        &mut self.server
    }
}

impl NatsServer {
    /// Starts it on a free port of the loopback address.
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    pub fn start() -> Self {
        let folder = TempDir::new().expect("a temporary folder can be made");
        let running = launch("-1", &folder).unwrap_or_else(|said| panic!("{said}"));
        let port = told_port(folder.path());
        let again = Launch(Box::new(move || launch(&port.to_string(), &folder)));
        let server = Revivable::new(running, again);
        Self { server, port }
    }

    /// `nats://…`
    #[must_use]
    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// Its port on 127.0.0.1; the same after a restart.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }
}

fn program() -> &'static Path {
    static READY: OnceLock<PathBuf> = OnceLock::new();
    READY.get_or_init(|| {
        let requirements = Path::new(env!("CARGO_MANIFEST_DIR")).join("requirements.txt");
        environment("test-servers-python", &requirements).join("bin/nats-server")
    })
}

fn launch(port: &str, folder: &TempDir) -> Result<Running, String> {
    let mut command = Command::new(program());
    command
        .args(["--addr", "127.0.0.1", "--port", port])
        .arg("--ports_file_dir")
        .arg(folder.path());
    Running::start("nats-server", command, |line| {
        line.contains("Server is ready")
    })
}

/// The port from the `.ports` file, which appears some time after the server is ready: JSON with
/// `"nats": ["nats://127.0.0.1:PORT"]`.
fn told_port(folder: &Path) -> u16 {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(port) = written_port(folder) {
            return port;
        }
        assert!(Instant::now() < deadline, "the server writes no ports");
        thread::sleep(Duration::from_millis(10));
    }
}

fn written_port(folder: &Path) -> Option<u16> {
    let entries = fs::read_dir(folder).ok()?;
    let mut paths = entries.filter_map(Result::ok).map(|entry| entry.path());
    let file = paths.find(|path| path.extension().is_some_and(|end| end == "ports"))?;
    let text = fs::read_to_string(file).ok()?;
    let (_, after) = text.split_once("nats://127.0.0.1:")?;
    let (digits, _) = after.split_once('"')?;
    digits.parse().ok()
}
