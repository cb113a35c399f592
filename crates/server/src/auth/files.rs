//! Files that only their owner reads, written so that nobody ever sees half of one.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Creates the directory and its parents if they are missing; new ones are for their owner only.
/// One that exists is left as it is.
pub(super) fn create_private_dir(dir: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir)
}

/// Opens `path` for writing, creating it for its owner only.
pub(super) fn open_private(path: &Path, must_be_new: bool) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true);
    if must_be_new {
        options.create_new(true);
    } else {
        options.create(true).truncate(false);
    }
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Creates `path` with `bytes`. Of any number of processes that try at once one succeeds; no
/// reader sees less than the whole.
///
/// # Errors
/// [`io::ErrorKind::AlreadyExists`] when the file is there: it is left as it is.
pub(super) fn create(path: &Path, bytes: &[u8]) -> io::Result<()> {
    // A rename would replace a file that another process made in between; a link does not.
    with_temporary(path, bytes, |temporary| {
        let linked = fs::hard_link(temporary, path);
        fs::remove_file(temporary)?;
        linked
    })
}

/// Puts `bytes` in place of what `path` held, or creates it; a crash leaves the old or the new.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    with_temporary(path, bytes, |temporary| fs::rename(temporary, path))
}

fn with_temporary(
    path: &Path,
    bytes: &[u8],
    place: impl FnOnce(&Path) -> io::Result<()>,
) -> io::Result<()> {
    let temporary = temporary_beside(path);
    let written = open_private(&temporary, true).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    if let Err(error) = written {
        let _ = fs::remove_file(&temporary);
        return Err(error);
    }
    place(&temporary)?;
    // The new name must survive a power cut as well as the bytes.
    match path.parent() {
        Some(dir) => File::open(dir)?.sync_all(),
        None => Ok(()),
    }
}

fn temporary_beside(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.{:016x}", rand::random::<u64>()))
}
