//! Noting support rooms that wait for too long.
//!
//! Sleeps until the next room is due; a room that begins to wait, on whichever node, or a while, wakes
//! it: a room of which the bus did not tell is found then. Safe on several nodes: one of them notes.

use std::sync::{Arc, Weak};
use std::time::Duration;

use madang_domain::ports::Topic;
use madang_domain::{Answer, Command, RoomId};

use crate::engine::{Engine, store_failed};

/// Entries that one transaction appends, one for each agent and room: it must stay short.
const ENTRIES_AT_ONCE: usize = 500;

/// Longest sleep: how late a room may be noted whose node is gone.
const SLEEP_MAX: Duration = Duration::from_secs(60);

/// How long the store is left alone after it noted nothing of what was due.
const RETRY: Duration = Duration::from_secs(1);

/// Runs until the engine ends.
pub(crate) async fn run(engine: Weak<Engine>) {
    loop {
        let Some(running) = engine.upgrade() else {
            return;
        };
        let Some(after) = running.options.overdue_after else {
            return;
        };
        // The desk's feed tells of rooms that begin to wait elsewhere. Again each time: who listens to the
        // feed here ends it for all.
        running.bus.subscribe(Topic::Room(RoomId::desk()));
        let pause = running.note_overdue(after).await;
        let waiting = Arc::clone(&running.waiting);
        drop(running);
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = waiting.notified() => {}
        }
    }
}

impl Engine {
    /// Notes what is due and answers how long nothing will be.
    async fn note_overdue(&self, after: Duration) -> Duration {
        let longest = match self.store.longest_waiting().await {
            Ok(Some(longest)) => longest,
            Ok(None) => return SLEEP_MAX,
            Err(error) => {
                drop(store_failed(&error));
                return SLEEP_MAX;
            }
        };
        let now = self.now();
        let due = longest.after(after).as_micros();
        let missing = due.saturating_sub(now.as_micros());
        if missing > 0 {
            let missing = Duration::from_micros(missing.unsigned_abs());
            return missing.min(SLEEP_MAX);
        }
        let command = Command::AlertOverdue {
            since: now.before(after),
            entries: ENTRIES_AT_ONCE,
            at: now,
        };
        match self.carry_out(command).await {
            // Another node was faster.
            Ok(Answer::Done(0)) => RETRY,
            Ok(_) => Duration::ZERO,
            Err(error) => {
                tracing::warn!(code = %error.code(), "overdue rooms will be noted later");
                SLEEP_MAX
            }
        }
    }
}
