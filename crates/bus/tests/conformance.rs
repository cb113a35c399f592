//! The bus inside one process passes the suite.

use std::sync::Arc;
use std::time::Duration;

use madang_bus::LocalNetwork;
use madang_bus::conformance::{Capabilities, Network, check_all};
use madang_domain::ports::{BoxFuture, Bus};

struct Local(LocalNetwork);

impl Network for Local {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            ordered: true,
            knows_subscribers: true,
            patience: Duration::from_secs(5),
        }
    }

    fn join(&self) -> BoxFuture<'_, Arc<dyn Bus>> {
        Box::pin(async { self.0.join() })
    }
}

#[tokio::test]
async fn a_network_inside_one_process_conforms() {
    check_all(&Local(LocalNetwork::default())).await;
}
