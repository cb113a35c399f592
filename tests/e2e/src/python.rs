//! Third-party clients under Python, installed from their registry as they are.

use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The folder of the programs and of `requirements.txt`.
#[must_use]
pub fn programs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("python")
}

/// A Python that has the packages of `requirements.txt`, in an environment of its own in the target
/// directory.
///
/// # Panics
/// When the environment cannot be made: Debian's `python3-venv` is missing, or the registry is.
pub fn interpreter() -> &'static Path {
    static READY: OnceLock<PathBuf> = OnceLock::new();
    READY.get_or_init(|| {
        let test = env::current_exe().expect("the test binary has a path");
        // target/<profile>/deps/<test binary>
        let target = test.ancestors().nth(3).expect("the target directory");
        let environment = target.join("e2e-python");
        install(&environment);
        environment.join("bin/python")
    })
}

/// Installs once per state of the requirements, whatever number of test processes want it at once.
fn install(environment: &Path) {
    fs::create_dir_all(environment).expect("the environment's folder can be made");
    let guard =
        File::create(environment.with_extension("lock")).expect("the lock file can be made");
    guard.lock().expect("the lock file can be locked");
    let requirements = programs().join("requirements.txt");
    let wanted = fs::read(&requirements).expect("requirements.txt is there");
    let stamp = environment.join(".installed-from");
    if fs::read(&stamp).is_ok_and(|installed| installed == wanted) {
        return;
    }
    let mut venv = Command::new("python3");
    venv.args(["-m", "venv", "--clear"]).arg(environment);
    succeed(venv, "python3 -m venv (Debian: python3-venv)");
    let mut pip = Command::new(environment.join("bin/python"));
    pip.args(["-m", "pip", "install", "--quiet", "--no-deps"])
        .args(["--only-binary=:all:", "--disable-pip-version-check", "-r"])
        .arg(requirements);
    succeed(pip, "pip install");
    fs::write(stamp, wanted).expect("the stamp can be written");
}

fn succeed(mut command: Command, what: &str) {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{what}: {error}"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{what}: {said}");
}
