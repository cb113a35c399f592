//! Ending every session so that clients come back spread over time.

use std::time::Duration;

use madang_domain::Code;

use super::Gateway;

/// How long the sessions of a node are ended over, and how long they may take.
#[derive(Debug, Clone, Copy)]
pub struct DrainWindow {
    /// Sessions are closed evenly over this time, so that their clients do not all come back at
    /// once. Zero closes all at once.
    pub spread: Duration,
    /// After so long in all, sessions that still have not ended are dropped.
    pub deadline: Duration,
}

impl Gateway {
    /// Takes no new session, closes each open one with 1012 once what it sent is answered, and
    /// returns when the last is gone or the deadline has passed.
    pub async fn drain(&self, window: DrainWindow) {
        let sessions = self.0.registry.begin_drain();
        let count = u32::try_from(sessions.len()).unwrap_or(u32::MAX);
        tracing::info!(sessions = count, "draining");
        let close_all = async {
            let pause = window.spread.checked_div(count).unwrap_or_default();
            for session in sessions {
                session.end(Code::Draining.into());
                if !pause.is_zero() {
                    tokio::time::sleep(pause).await;
                }
            }
            self.0.registry.emptied().await;
        };
        if tokio::time::timeout(window.deadline, close_all)
            .await
            .is_err()
        {
            tracing::warn!("sessions were still open at the drain deadline");
        }
    }
}
