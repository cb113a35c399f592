//! Finding a Chromium to drive.

use std::env;
use std::path::PathBuf;

/// The browser named by `MADANG_CHROMIUM`, or the first `chromium` or `chrome` on the path; `None`
/// when there is none.
#[must_use]
pub fn chromium() -> Option<PathBuf> {
    if let Some(named) = env::var_os("MADANG_CHROMIUM") {
        return Some(PathBuf::from(named));
    }
    let path = env::var_os("PATH")?;
    let names = ["chromium", "chromium-browser", "google-chrome", "chrome"];
    env::split_paths(&path)
        .flat_map(|folder| names.map(|name| folder.join(name)))
        .find(|candidate| candidate.is_file())
}
