//! Presence inside one process passes the suite.

use std::sync::Arc;

use madang_domain::ports::{BoxFuture, LAST_SEEN_MAX, Presence};
use madang_presence::conformance::{Capabilities, Cluster};
use madang_presence::{LocalCluster, presence_conformance};

struct Local(LocalCluster);

impl Cluster for Local {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            remembered: LAST_SEEN_MAX,
        }
    }

    fn another(&self) -> BoxFuture<'_, Arc<dyn Presence>> {
        Box::pin(async { self.0.join() })
    }
}

presence_conformance!(Local(LocalCluster::default()));
