//! The suite of the port on real servers, several nodes on one database included.

use std::sync::Arc;

use madang_domain::ports::{BoxFuture, Store};
use madang_test_servers::mariadb::MariaDbServer;
use madang_test_servers::postgres::PostgresServer;

use super::{RemoteOptions, open};
use crate::conformance::Factory;

mod faults;
mod presence;

/// A new, empty database on a server that the tests share.
struct RemoteFactory {
    url: String,
}

impl RemoteFactory {
    fn postgres() -> Self {
        let url = PostgresServer::shared().fresh_database();
        Self { url }
    }

    fn mariadb() -> Self {
        let url = MariaDbServer::shared().fresh_database();
        Self { url }
    }

    fn open(&self) -> Arc<dyn Store> {
        // Few connections: the cases run side by side.
        let options = RemoteOptions {
            writers: 2,
            readers: 2,
            ..RemoteOptions::default()
        };
        open(&self.url, &options).unwrap()
    }
}

impl Factory for RemoteFactory {
    fn fresh(&self) -> BoxFuture<'_, Arc<dyn Store>> {
        Box::pin(async { self.open() })
    }

    fn reopen(&self, store: Arc<dyn Store>) -> BoxFuture<'_, Arc<dyn Store>> {
        assert_eq!(Arc::strong_count(&store), 1, "the case keeps a handle");
        drop(store);
        self.fresh()
    }

    fn another<'a>(&'a self, _: &'a Arc<dyn Store>) -> BoxFuture<'a, Option<Arc<dyn Store>>> {
        Box::pin(async { Some(self.open()) })
    }
}

mod postgres {
    use super::RemoteFactory;
    crate::store_conformance!(RemoteFactory::postgres());
}

mod mariadb {
    use super::RemoteFactory;
    crate::store_conformance!(RemoteFactory::mariadb());
}
