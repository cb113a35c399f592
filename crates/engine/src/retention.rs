//! Removing what is kept no longer: rounds through all rooms, in pieces that no sender notices.

use std::sync::Weak;
use std::time::Duration;

use crate::engine::{Engine, store_failed};
use madang_domain::ports::{RetentionRule, Swept};

/// Sweeps again and again, with a pause between two rounds, until the engine ends.
pub(crate) async fn run(engine: Weak<Engine>, pause: Duration) {
    loop {
        let Some(engine) = engine.upgrade() else {
            return;
        };
        let rules = &engine.options.retention;
        if rules.iter().all(|rule| *rule == RetentionRule::default()) {
            return;
        }
        engine.sweep_round().await;
        drop(engine);
        tokio::time::sleep(pause).await;
    }
}

impl Engine {
    /// One round through all rooms. What fails is left to the next.
    pub async fn sweep_round(&self) {
        let mut after = None;
        let (mut entries, mut rooms) = (0, 0);
        loop {
            let swept = self.store.sweep(&self.options.retention, after, self.now());
            match swept.await {
                Ok(Swept {
                    next,
                    entries: of_piece,
                    rooms: whole,
                }) => {
                    entries += of_piece;
                    rooms += whole;
                    match next {
                        Some(next) => after = Some(next),
                        None => break,
                    }
                }
                Err(error) => {
                    drop(store_failed(&error));
                    break;
                }
            }
            tokio::task::yield_now().await;
        }
        if entries > 0 || rooms > 0 {
            tracing::info!(entries, rooms, "what is kept no longer was removed");
        }
    }
}
