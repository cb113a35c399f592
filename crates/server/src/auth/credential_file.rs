//! A file of credentials in the data directory: written by a command, read anew by a running
//! server when it changes.

use std::collections::BTreeMap;
use std::fs::Metadata;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use parking_lot::Mutex;
use thiserror::Error;

use super::files;

/// Why a file of credentials cannot be read or written. The operator's fault.
#[derive(Debug, Error)]
pub enum CredentialFileError {
    /// The file or its directory cannot be read or written.
    #[error("{path}: {source}")]
    Io {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is there and holds something else.
    #[error("{path}: {problem}")]
    Malformed {
        /// Which file.
        path: PathBuf,
        /// What is wrong; never a hash.
        problem: String,
    },
}

/// Credentials by name.
pub(super) type Table<H> = BTreeMap<String, H>;

/// What is kept of one credential, and in which file.
pub(super) trait Kept: Clone {
    /// The file in the data directory.
    const FILE: &'static str;
    /// What those who write it lock: the file itself is replaced.
    const LOCK: &'static str;
    /// The file's first line, a comment.
    const HEAD: &'static str;
    /// The TOML table that holds everything.
    const SECTION: &'static str;
    /// What a value is, with its article: "an argon2 hash".
    const WHAT: &'static str;

    /// `None` when the value is something else.
    fn read(value: &toml::Value) -> Option<Self>;

    /// As the file has it.
    fn written(&self) -> toml::Value;

    /// Whether a credential may be called so.
    ///
    /// # Errors
    /// What is wrong, in words for the operator.
    fn check_name(name: &str) -> Result<(), String>;
}

/// What tells one state of the file from another. Commands put a new file in place, so that the
/// inode differs even within one tick of the file system's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    modified: Option<SystemTime>,
    bytes: u64,
    inode: u64,
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        #[cfg(unix)]
        let inode = std::os::unix::fs::MetadataExt::ino(metadata);
        #[cfg(not(unix))]
        let inode = 0;
        Self {
            modified: metadata.modified().ok(),
            bytes: metadata.len(),
            inode,
        }
    }

    fn of_file(path: &Path) -> Option<Self> {
        std::fs::metadata(path).ok().as_ref().map(Self::of)
    }
}

/// The file as it is now.
pub(super) struct CredentialFile<H> {
    path: PathBuf,
    state: Mutex<State<H>>,
}

struct State<H> {
    stamp: Option<Stamp>,
    table: Table<H>,
}

impl<H: Kept> CredentialFile<H> {
    /// Reads the file of this data directory; a missing one holds nothing.
    pub(super) fn open(data: &Path) -> Result<Self, CredentialFileError> {
        let path = data.join(H::FILE);
        let stamp = Stamp::of_file(&path);
        let table = read(&path)?;
        Ok(Self {
            path,
            state: Mutex::new(State { stamp, table }),
        })
    }

    /// Looks into the table as of now.
    ///
    /// Looks at the file's metadata and reads the file when it changed: a few microseconds, rarely
    /// more, so it may be called on an asynchronous thread.
    pub(super) fn look<R>(&self, look: impl FnOnce(&Table<H>) -> R) -> R {
        let mut state = self.state.lock();
        self.refresh(&mut state);
        look(&state.table)
    }

    fn refresh(&self, state: &mut State<H>) {
        let now = Stamp::of_file(&self.path);
        if now == state.stamp {
            return;
        }
        state.stamp = now;
        match read(&self.path) {
            Ok(table) => state.table = table,
            // What was good stays: a slip of an editor must not lock the host out.
            Err(error) => tracing::warn!(%error, "the credentials stay as they were"),
        }
    }
}

/// Changes the file of this data directory (mode 0600), or leaves it as it is when `change` fails.
/// Runs at once wait for each other; none is lost.
pub(super) fn change<H: Kept, E: From<CredentialFileError>>(
    data: &Path,
    change: impl FnOnce(&mut Table<H>) -> Result<(), E>,
) -> Result<(), E> {
    let path = data.join(H::FILE);
    let io_error = |source| CredentialFileError::Io {
        path: path.clone(),
        source,
    };
    files::create_private_dir(data).map_err(io_error)?;
    let lock = files::open_private(&data.join(H::LOCK), false).map_err(io_error)?;
    lock.lock().map_err(io_error)?;
    let mut table = read(&path)?;
    change(&mut table)?;
    files::replace(&path, render(&table).as_bytes()).map_err(io_error)?;
    Ok(())
}

/// What the file holds; nothing when it is missing.
pub(super) fn read<H: Kept>(path: &Path) -> Result<Table<H>, CredentialFileError> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Table::new()),
        Err(source) => {
            let path = path.to_owned();
            return Err(CredentialFileError::Io { path, source });
        }
    };
    parse(&text).map_err(|problem| CredentialFileError::Malformed {
        path: path.to_owned(),
        problem,
    })
}

fn parse<H: Kept>(text: &str) -> Result<Table<H>, String> {
    let mut document: toml::Table =
        toml::from_str(text).map_err(|error| format!("is not TOML: {}", error.message()))?;
    let section = H::SECTION;
    let table = document.remove(section);
    if let Some(key) = document.keys().next() {
        return Err(format!(
            "{key} is not known here; everything stands in [{section}]"
        ));
    }
    let Some(table) = table else {
        return Ok(Table::new());
    };
    let no_table = || format!("[{section}] is not a table");
    let table = table.as_table().ok_or_else(no_table)?;
    let entry = |(name, value): (&String, &toml::Value)| {
        H::check_name(name)?;
        let kept = H::read(value).ok_or_else(|| format!("{section}.{name} is not {}", H::WHAT))?;
        Ok((name.clone(), kept))
    };
    table.iter().map(entry).collect()
}

fn render<H: Kept>(table: &Table<H>) -> String {
    let entries: toml::Table = table
        .iter()
        .map(|(name, kept)| (name.clone(), kept.written()))
        .collect();
    let mut document = toml::Table::new();
    document.insert(H::SECTION.to_owned(), entries.into());
    format!("{}\n{document}", H::HEAD)
}
