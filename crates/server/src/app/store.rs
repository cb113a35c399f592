//! Which store the server runs on, and where it keeps presence.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use madang_domain::ports::{Presence, Store};
use madang_store::remote::{self, RemoteOptions};
use madang_store::sqlite::{self, SqliteStore};

use super::{ServeError, make_directory, options};
use crate::config::{self, Config, StorePlace};

/// The database inside the data directory.
const DATABASE: &str = "madang.db";

/// Opens the store that the configuration names. One on a server is connected to later: it may be down.
pub(super) fn open(config: &Config) -> Result<Arc<dyn Store>, ServeError> {
    let options = &config.store;
    match StorePlace::of(&options.url) {
        StorePlace::File(path) => {
            let path = file(path, &config.server.data);
            Ok(Arc::new(SqliteStore::open(
                &path,
                &options::sqlite(config),
            )?))
        }
        StorePlace::Server(url) => Ok(remote::open(url, &remote_options(config))?),
    }
}

/// Opens presence as the configuration has it.
pub(super) fn open_presence(config: &Config) -> Result<Arc<dyn Presence>, ServeError> {
    match config.presence_url() {
        config::Presence::STORE => {
            let options = remote_options(config);
            Ok(remote::presence::open(&config.store.url, &options)?)
        }
        url => Ok(madang_presence::open(url, &config.presence_options())?),
    }
}

fn remote_options(config: &Config) -> RemoteOptions {
    let options = &config.store;
    RemoteOptions {
        writers: options.writer_threads,
        readers: options.reader_threads,
        connect_timeout: Duration::from_millis(options.connect_timeout_ms),
        statement_timeout: Duration::from_millis(options.statement_timeout_ms),
    }
}

/// Says what makes sense for one node only, where something else is for several.
pub(super) fn warn_of_halves(config: &Config) {
    let is_shared = matches!(StorePlace::of(&config.store.url), StorePlace::Server(_));
    match (is_shared, config.bus.is_local()) {
        (true, true) => tracing::warn!(
            "store.url is a database server and bus.url is local: several nodes would hear of each other's messages late, and of topics and typing never"
        ),
        (false, false) => tracing::warn!(
            "bus.url is not local and store.url is SQLite, which one node has: nothing that is stored is shared"
        ),
        _ => {}
    }
}

fn file(path: Option<&str>, data: &Path) -> PathBuf {
    path.map_or_else(|| data.join(DATABASE), PathBuf::from)
}

/// Brings a database to this version's schema; says what was done.
///
/// # Errors
/// [`ServeError`]: the database is as it was.
pub fn migrate(data: &Path, store: &str) -> Result<String, ServeError> {
    let path = match StorePlace::of(store) {
        StorePlace::File(path) => file(path, data),
        StorePlace::Server(url) => {
            remote::migrate(url)?;
            return Ok("the schema is up to date".to_owned());
        }
    };
    make_directory(data)?;
    let applied = sqlite::migrate(&path)?;
    let version = sqlite::schema_version();
    let done = applied.len();
    Ok(format!(
        "the schema is at version {version}; {done} migrations were applied"
    ))
}

/// Gives the rooms of a restored database another epoch; says how many.
///
/// # Errors
/// [`ServeError`]: the database is as it was.
pub fn restored(data: &Path, store: &str) -> Result<String, ServeError> {
    let logs = match StorePlace::of(store) {
        StorePlace::File(path) => sqlite::renew_epochs(&file(path, data))? as u64,
        StorePlace::Server(url) => remote::renew_epochs(url)?,
    };
    Ok(format!("{logs} rooms, inboxes and feeds will be read anew"))
}
