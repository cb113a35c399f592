//! Finding the binary under test.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use madang_test_servers::target::profile_folder;

/// The `madang` binary: the one named by `MADANG_BIN`, or the one that `cargo build` makes beside
/// the test binary, built once per test process.
///
/// # Panics
/// When it does not build.
pub fn madang() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| match env::var_os("MADANG_BIN") {
        Some(path) => PathBuf::from(path),
        None => build(),
    })
}

/// The root of the workspace.
#[must_use]
pub fn workspace() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors()
        .nth(2)
        .expect("tests/e2e lies two folders below the workspace")
}

/// Cargo itself, as the test run names it.
#[must_use]
pub fn cargo() -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(workspace());
    command
}

fn build() -> PathBuf {
    let profile = profile_folder();
    let target = profile.parent().expect("profiles lie in the target folder");
    let mut command = cargo();
    command.args([
        "build",
        "--quiet",
        "--package",
        "madang-server",
        "--bin",
        "madang",
    ]);
    command.arg("--target-dir").arg(target);
    match profile.file_name().and_then(|name| name.to_str()) {
        None | Some("debug") => {}
        Some(other) => {
            command.args(["--profile", other]);
        }
    }
    let status = command.status().expect("cargo runs");
    assert!(status.success(), "madang-server does not build");
    profile.join("madang")
}
