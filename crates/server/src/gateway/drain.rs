//! Ending every session so that clients come back spread over time.

use std::time::Duration;

use madang_domain::Code;
use tokio::time::Instant;

use super::Gateway;

/// How long the sessions of a node are ended over, and how long they may take.
#[derive(Debug, Clone, Copy)]
pub struct DrainWindow {
    /// Before that the node is not ready and serves as before: load balancers have so long to send
    /// nobody new.
    pub delay: Duration,
    /// Sessions are closed evenly over this time, so that their clients do not all come back at
    /// once. Zero closes all at once.
    pub spread: Duration,
    /// After so long in all, sessions that still have not ended are dropped.
    pub deadline: Duration,
}

impl Gateway {
    /// Whether new sessions are refused.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.shared.registry.is_draining()
    }

    /// Takes no new session; closes each one with 1012 once what it sent is answered, and returns when
    /// the last is gone or the deadline has passed. Those whose client comes with one request after
    /// another are closed at once where these could come to no other node.
    pub async fn drain(&self, window: DrainWindow) {
        let sessions = self.shared.registry.begin_drain();
        let count = u32::try_from(sessions.len()).unwrap_or(u32::MAX);
        tracing::info!(sessions = count, "draining");
        let cluster = self.shared.cluster.get();
        let is_alone = cluster.is_none_or(|cluster| !cluster.has_others());
        let release_all = async {
            if let Some(cluster) = cluster {
                cluster.release_all().await;
            }
        };
        let close_all = async {
            let (at_once, others): (Vec<_>, Vec<_>) = sessions
                .into_iter()
                .partition(|session| is_alone && session.is_of_requests());
            for session in at_once {
                // Its next request would find the listener closed.
                session.end(Code::Draining.into());
            }
            let count = u32::try_from(others.len()).unwrap_or(u32::MAX);
            let began = Instant::now();
            for (index, session) in others.into_iter().enumerate() {
                // Each has its moment, so that a timer's coarseness does not add up.
                let share = index as f64 / f64::from(count);
                tokio::time::sleep_until(began + window.spread.mul_f64(share)).await;
                session.end(Code::Draining.into());
            }
            self.shared.registry.emptied().await;
        };
        let all = async { tokio::join!(release_all, close_all) };
        if tokio::time::timeout(window.deadline, all).await.is_err() {
            tracing::warn!("sessions were still open at the drain deadline");
        }
        if let Some(cluster) = cluster {
            cluster.leave();
        }
    }
}
