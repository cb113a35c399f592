//! Third-party clients under Python, installed from their registry as they are.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use madang_test_servers::python::environment;

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
        environment("e2e-python", &programs().join("requirements.txt")).join("bin/python")
    })
}
