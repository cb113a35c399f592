//! The suite of the port, and what only this adapter can get wrong.

mod crash;
mod erasure;
mod faults;
mod plans;
mod restored;
mod tail;
mod upgrade;
mod uploads;
mod workers;

use std::path::PathBuf;
use std::sync::Arc;

use madang_domain::ports::{BoxFuture, Store};
use tempfile::TempDir;

use super::writer::Writer;
use super::{SqliteOptions, SqliteStore, Synchronous};
use crate::conformance::Factory;

struct SqliteFactory {
    directory: TempDir,
    merge_rows: usize,
}

impl SqliteFactory {
    /// Merges after every few messages, so that short cases pass through every state.
    fn merging_often() -> Self {
        Self::new(3)
    }

    fn new(merge_rows: usize) -> Self {
        let directory = tempfile::tempdir().unwrap();
        Self {
            directory,
            merge_rows,
        }
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("madang.db")
    }

    fn options(&self) -> SqliteOptions {
        SqliteOptions {
            // What is lost without it only a power failure shows; the crash test keeps it.
            synchronous: Synchronous::Normal,
            merge_rows: self.merge_rows,
            ..SqliteOptions::default()
        }
    }
}

/// Once the writer had nothing to do and has emptied its log, if that was due.
async fn until_emptied(store: &SqliteStore) {
    let wants = |writer: &mut Writer| Ok(writer.emptying.wants());
    while store.writer().run(wants).await.unwrap() {
        tokio::task::yield_now().await;
    }
}

impl Factory for SqliteFactory {
    fn fresh(&self) -> BoxFuture<'_, Arc<dyn Store>> {
        Box::pin(async {
            let store = SqliteStore::open(&self.path(), &self.options()).unwrap();
            Arc::new(store) as Arc<dyn Store>
        })
    }

    fn reopen(&self, store: Arc<dyn Store>) -> BoxFuture<'_, Arc<dyn Store>> {
        assert_eq!(Arc::strong_count(&store), 1, "the case keeps a handle");
        drop(store);
        self.fresh()
    }

    fn another<'a>(&'a self, _: &'a Arc<dyn Store>) -> BoxFuture<'a, Option<Arc<dyn Store>>> {
        Box::pin(async { None })
    }
}

mod merging_often {
    use super::SqliteFactory;
    crate::store_conformance!(SqliteFactory::merging_often());
}

mod never_merging {
    use super::SqliteFactory;
    crate::store_conformance!(SqliteFactory::new(usize::MAX));
}
