//! What follows from revoked tokens on this node: they are refused, and their users' sessions end.

use std::sync::{Arc, Weak};
use std::time::Duration;

use madang_domain::{Error, Timestamp};
use madang_engine::{Engine, Revocation};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use crate::auth::Authenticator;
use crate::gateway::Gateway;

/// Whoever was revoked ever: how long the host's tokens live is the host's matter.
const EVER: Timestamp = Timestamp::from_micros(i64::MIN);

/// How long the store is left alone after it could not tell what was missed.
const RETRY: Duration = Duration::from_secs(1);

/// How long the start is kept waiting for the store.
const PATIENCE: Duration = Duration::from_secs(1);

/// Loads what was revoked before, and from now on heeds what is. Where the store cannot be read yet,
/// whoever comes until it can is judged then.
pub(crate) async fn heed(engine: &Arc<Engine>, authenticator: Authenticator, gateway: Gateway) {
    let revocations = engine.subscribe_revocations();
    let loaded = tokio::time::timeout(PATIENCE, load(engine, &authenticator)).await;
    let engine = Arc::downgrade(engine);
    tokio::spawn(async move {
        if !matches!(loaded, Ok(Ok(()))) {
            tracing::warn!("revocations could not be loaded");
            reload(&engine, &authenticator).await;
            gateway.end_revoked_sessions();
        }
        run(engine, revocations, authenticator, gateway).await;
    });
}

async fn load(engine: &Engine, authenticator: &Authenticator) -> Result<(), Error> {
    let heed = |(user, at)| authenticator.revoke(&user, at);
    engine.revoked_since(EVER, heed).await
}

async fn run(
    engine: Weak<Engine>,
    mut revocations: Receiver<Revocation>,
    authenticator: Authenticator,
    gateway: Gateway,
) {
    loop {
        match revocations.recv().await {
            Ok((user, at)) => {
                authenticator.revoke(&user, at);
                gateway.end_sessions_of(&user);
            }
            Err(RecvError::Lagged(_)) => {
                reload(&engine, &authenticator).await;
                gateway.end_revoked_sessions();
            }
            Err(RecvError::Closed) => return,
        }
    }
}

/// More came at once than could wait.
async fn reload(engine: &Weak<Engine>, authenticator: &Authenticator) {
    while let Some(engine) = engine.upgrade() {
        match load(&engine, authenticator).await {
            Ok(()) => return,
            Err(error) => tracing::warn!(code = %error.code(), "revocations could not be loaded"),
        }
        drop(engine);
        tokio::time::sleep(RETRY).await;
    }
}

#[cfg(test)]
mod tests;
