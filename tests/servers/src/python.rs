//! Environments of Python packages, installed from their registry as they are.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::target::profile_folder;

/// An environment of its own in the target directory, under `name`, that has the packages of
/// `requirements`. Installs once per state of the requirements, whatever number of test processes
/// want it at once.
///
/// # Panics
/// When the environment cannot be made: Debian's `python3-venv` is missing, or the registry is.
#[must_use]
pub fn environment(name: &str, requirements: &Path) -> PathBuf {
    let profile = profile_folder();
    let target = profile.parent().expect("profiles lie in the target folder");
    let environment = target.join(name);
    fs::create_dir_all(&environment).expect("the environment's folder can be made");
    let guard =
        File::create(environment.with_extension("lock")).expect("the lock file can be made");
    guard.lock().expect("the lock file can be locked");
    let wanted = fs::read(requirements).expect("the requirements are there");
    let stamp = environment.join(".installed-from");
    if fs::read(&stamp).is_ok_and(|installed| installed == wanted) {
        return environment;
    }
    let mut venv = Command::new("python3");
    venv.args(["-m", "venv", "--clear"]).arg(&environment);
    succeed(venv, "python3 -m venv (Debian: python3-venv)");
    let mut pip = Command::new(environment.join("bin/python"));
    pip.args(["-m", "pip", "install", "--quiet", "--no-deps"])
        .args(["--only-binary=:all:", "--disable-pip-version-check", "-r"])
        .arg(requirements);
    succeed(pip, "pip install");
    fs::write(stamp, wanted).expect("the stamp can be written");
    environment
}

fn succeed(mut command: Command, what: &str) {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{what}: {error}"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{what}: {said}");
}
