//! Where cargo builds.

use std::env;
use std::path::PathBuf;

/// The folder of the profile that this program was built with, such as `target/debug`.
///
/// # Panics
/// When the program does not lie where cargo puts it.
#[must_use]
pub fn profile_folder() -> PathBuf {
    let program = env::current_exe().expect("the program has a path");
    let folder = program.parent().expect("it lies in a folder");
    // target/<profile>/<program>, target/<profile>/deps/<test>
    let folder = match folder.ends_with("deps") {
        true => folder.parent().expect("tests lie in target/<profile>/deps"),
        false => folder,
    };
    folder.to_owned()
}
