//! Handing drafts to the commit pipeline.

use std::sync::Arc;

use madang_engine::Engine;
use madang_engine::commit::Submission;

use super::dialect::{Dialect, Done};
use super::driver::Core;

impl<D: Dialect> Core<D> {
    /// Queues drafts for the next transaction of the store. While its queue is full the session
    /// takes no more commands.
    pub(super) fn submit(&mut self, engine: &Arc<Engine>, submission: Submission) {
        let Err(submission) = engine.try_submit(submission) else {
            return;
        };
        let engine = Arc::clone(engine);
        self.command = Some(Box::pin(async move {
            engine.submit(submission).await;
            let done: Done<D> = Box::new(|_| Ok(()));
            done
        }));
    }
}
